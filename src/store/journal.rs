//! What an action set out to do and how far it came, so that the next run can finish what a crash interrupted.

use jiff::Timestamp;

use super::column::Columns;
use super::error::Result;
use super::hold::Hold;
use super::{Store, next};

/// An action's entry in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JournalId(pub i64);

/// An action that was begun and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub id: JournalId,
    pub action: String,
    pub subject: String,
    /// What the action wrote down about itself when it began (JSON).
    pub payload: String,
    pub begun_at: Timestamp,
    /// `(step, detail)` in the order they were done; the detail is JSON.
    pub steps: Vec<(String, String)>,
}

queries! {
    OPEN = "SELECT id, action, subject, payload, begun_at FROM journal WHERE action = $1 AND subject = $2 AND finished_at IS NULL";
    ALL_OPEN = "SELECT id, action, subject, payload, begun_at FROM journal WHERE finished_at IS NULL ORDER BY id";
    STEPS = "SELECT step, detail FROM journal_steps WHERE journal = $1 ORDER BY position";
    BEGIN = "INSERT INTO journal (id, action, subject, payload, begun_at) VALUES ($1, $2, $3, $4, $5)";
    STEP = "INSERT INTO journal_steps (journal, position, step, detail, at) \
        SELECT $1, coalesce(max(position), 0) + 1, $2, $3, $4 FROM journal_steps WHERE journal = $1 \
        ON CONFLICT (journal, step) DO UPDATE SET detail = excluded.detail, at = excluded.at";
    FINISH = "UPDATE journal SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL";
}

impl Store {
    /// Begins an action on a subject, and returns at once to the one under way if there is one: its steps stand, its payload too.
    pub async fn begin(&self, action: &str, subject: &str, payload: &str, now: Timestamp) -> Result<JournalId> {
        self.attempt(format!("write down that {action} {subject} begins"), async {
            let mut writing = self.writing_on(Hold::Shared).await?;
            if let Some(open) = sqlx::query(OPEN).bind(action).bind(subject).fetch_optional(writing.conn()).await? {
                return Ok(JournalId(open.int("id")?));
            }
            let id = next(writing.conn(), "journal").await?;
            sqlx::query(BEGIN).bind(id).bind(action).bind(subject).bind(payload).bind(now.as_millisecond()).execute(writing.conn()).await?;
            self.commit(writing).await?;
            Ok(JournalId(id))
        })
        .await
    }

    /// Writes down a step as done. The same step again replaces its detail and keeps its place.
    pub async fn step(&self, id: JournalId, step: &str, detail: &str, now: Timestamp) -> Result<()> {
        self.attempt(format!("write down the step {step}"), async {
            let mut writing = self.writing().await?;
            write_step(writing.conn(), id, step, detail, now).await?;
            self.commit(writing).await
        })
        .await
    }

    /// Closes an action: done, or given up on purpose.
    pub async fn finish(&self, id: JournalId, now: Timestamp) -> Result<()> {
        self.attempt("write down the end of an action", async {
            let mut writing = self.writing().await?;
            sqlx::query(FINISH).bind(id.0).bind(now.as_millisecond()).execute(writing.conn()).await?;
            self.commit(writing).await
        })
        .await
    }

    /// The unfinished run of an action on a subject.
    pub async fn open_journal(&self, action: &str, subject: &str) -> Result<Option<JournalEntry>> {
        self.attempt(format!("read how far {action} {subject} came"), async {
            let mut conn = self.snapshot().await?;
            let Some(row) = sqlx::query(OPEN).bind(action).bind(subject).fetch_optional(&mut *conn).await? else { return Ok(None) };
            read(&mut conn, &row).await.map(Some)
        })
        .await
    }

    /// All unfinished actions, oldest first.
    pub async fn open_journals(&self) -> Result<Vec<JournalEntry>> {
        self.attempt("read the unfinished actions", async {
            let mut conn = self.snapshot().await?;
            let mut entries = Vec::new();
            for row in sqlx::query(ALL_OPEN).fetch_all(&mut *conn).await? {
                entries.push(read(&mut conn, &row).await?);
            }
            Ok(entries)
        })
        .await
    }
}

/// Writes a step down as a part of a write, with what the step changed.
pub(super) async fn write_step(conn: &mut sqlx::AnyConnection, id: JournalId, step: &str, detail: &str, now: Timestamp) -> Result<()> {
    sqlx::query(STEP).bind(id.0).bind(step).bind(detail).bind(now.as_millisecond()).execute(conn).await?;
    Ok(())
}

async fn read(conn: &mut sqlx::AnyConnection, row: &sqlx::any::AnyRow) -> Result<JournalEntry> {
    let id = row.int("id")?;
    let steps = sqlx::query(STEPS).bind(id).fetch_all(conn).await?;
    Ok(JournalEntry {
        id: JournalId(id),
        action: row.text("action")?,
        subject: row.text("subject")?,
        payload: row.text("payload")?,
        begun_at: row.instant("begun_at")?,
        steps: steps.iter().map(|step| Ok((step.text("step")?, step.text("detail")?))).collect::<Result<_>>()?,
    })
}
