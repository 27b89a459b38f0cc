//! What happened to a ticket, line by line, in words.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{Columns, Word};
use super::error::{Error, Result};
use super::{Store, ticket_row};
use crate::domain::id::TicketKey;
use crate::domain::status::Status;
use crate::domain::ticket_view::HistoryRow;

queries! {
    RECORD = "INSERT INTO history (ticket, position, at, from_status, to_status, words) \
        SELECT $1, coalesce(max(position), 0) + 1, $2, $3, $4, $5 FROM history WHERE ticket = $1";
    OF_TICKET = "SELECT at, from_status, to_status, words FROM history WHERE ticket = $1 ORDER BY position";
}

/// Adds a line, in the transaction of what it tells.
pub(super) async fn record(
    conn: &mut AnyConnection,
    ticket: i64,
    at: Timestamp,
    moved: Option<(Status, Status)>,
    words: &str,
) -> Result<()> {
    sqlx::query(RECORD)
        .bind(ticket)
        .bind(at.as_millisecond())
        .bind(moved.map(|(from, _)| from.to_word().to_owned()))
        .bind(moved.map(|(_, to)| to.to_word().to_owned()))
        .bind(words)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn of(conn: &mut AnyConnection, ticket: i64) -> Result<Vec<HistoryRow>> {
    let status = |word: Option<String>| word.as_deref().and_then(Status::from_word);
    sqlx::query(OF_TICKET)
        .bind(ticket)
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            let moved = status(row.maybe_text("from_status")?).zip(status(row.maybe_text("to_status")?));
            Ok(HistoryRow { at: row.instant("at")?, words: row.text("words")?, moved })
        })
        .collect()
}

impl Store {
    /// A ticket's history, oldest first.
    pub async fn history(&self, key: &TicketKey) -> Result<Vec<HistoryRow>> {
        self.attempt(format!("read the history of {key}"), async {
            let mut conn = self.snapshot().await?;
            let row = ticket_row::find(&mut conn, key).await?.ok_or_else(|| Error::Missing(format!("ticket {key}")))?;
            of(&mut conn, row.id).await
        })
        .await
    }
}
