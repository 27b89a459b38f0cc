//! The texts of specs. Each save writes down again what the board shows of the text; what the branch holds is kept beside the draft,
//! so that neither a push nor a pull can lose what a person typed.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{Columns, json};
use super::error::{Error, Result};
use super::hold::Hold;
use super::ticket_row::{self, TicketRow};
use super::{Store, Writing, history};
use crate::domain::change::Change;
use crate::domain::id::{ObjectId, TicketKey};
use crate::domain::spec::Spec;
use crate::domain::ticket::{SpecState, Ticket};

/// What a pull brought: the text on the branch, and what the draft became after the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub text: String,
    pub base_text: String,
    pub base_object: ObjectId,
}

queries! {
    GET = "SELECT text, base_text, base_object, remote_object, revision FROM specs WHERE ticket = $1";
    INSERT = "INSERT INTO specs (ticket, description, parent_story, criteria, revision, text) VALUES ($1, $2, $3, $4, 1, $5)";
    UPDATE = "UPDATE specs SET description = $2, parent_story = $3, criteria = $4, revision = $5, base_object = $6, \
        remote_object = $7, text = $8, base_text = $9 WHERE ticket = $1 AND revision <= $5";
}

pub(super) async fn insert(conn: &mut AnyConnection, row: &TicketRow, text: &str) -> Result<()> {
    sqlx::query(INSERT)
        .bind(row.id)
        .bind(&*row.ticket.description)
        .bind(row.ticket.parent_story.clone())
        .bind(json(&row.ticket.criteria)?)
        .bind(text)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn get(conn: &mut AnyConnection, ticket: i64) -> Result<SpecState> {
    let row = sqlx::query(GET).bind(ticket).fetch_one(conn).await?;
    Ok(SpecState {
        text: row.text("text")?,
        base_text: row.maybe_text("base_text")?,
        base_object: row.maybe_text("base_object")?.map(ObjectId::new),
        remote_object: row.maybe_text("remote_object")?.map(ObjectId::new),
        revision: row.int("revision")?,
    })
}

/// Reads from the text what the board shows; whether anything of it changed.
fn project(ticket: &mut Ticket, text: &str) -> bool {
    let spec = Spec::parse(text);
    let criteria = spec.criteria();
    let same = ticket.title == spec.title()
        && ticket.description == spec.description()
        && ticket.parent_story.as_deref() == spec.parent_story()
        && ticket.criteria == criteria;
    if !same {
        spec.title().clone_into(&mut ticket.title);
        spec.description().clone_into(&mut ticket.description);
        ticket.parent_story = spec.parent_story().map(str::to_owned);
        ticket.criteria = criteria;
    }
    !same
}

pub(super) async fn put(conn: &mut AnyConnection, row: &TicketRow, state: &SpecState) -> Result<()> {
    let done = sqlx::query(UPDATE)
        .bind(row.id)
        .bind(&*row.ticket.description)
        .bind(row.ticket.parent_story.clone())
        .bind(json(&row.ticket.criteria)?)
        .bind(state.revision)
        .bind(state.base_object.as_ref().map(|object| object.as_str().to_owned()))
        .bind(state.remote_object.as_ref().map(|object| object.as_str().to_owned()))
        .bind(&*state.text)
        .bind(state.base_text.clone())
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    // Never over a text that was not read, whoever forgot to hold the ticket.
    let found = get(conn, row.id).await?.revision;
    Err(Error::RevisionConflict { key: row.ticket.key.clone(), expected: state.revision, found })
}

fn check_revision(key: &TicketKey, state: &SpecState, expected: i64) -> Result<()> {
    if state.revision == expected {
        return Ok(());
    }
    Err(Error::RevisionConflict { key: key.clone(), expected, found: state.revision })
}

impl Store {
    /// A spec with its draft, and what the branch held when last seen.
    pub async fn spec(&self, key: &TicketKey) -> Result<SpecState> {
        self.attempt(format!("read the spec of {key}"), async {
            let mut conn = self.snapshot().await?;
            let row = ticket_row::get(&mut conn, key).await?;
            get(&mut conn, row.id).await
        })
        .await
    }

    /// Keeps a text that was written on top of revision `expected`. Title, description and criteria of the ticket follow it.
    pub async fn save_spec(&self, key: &TicketKey, expected: i64, text: &str, now: Timestamp) -> Result<SpecState> {
        self.change_spec(key, format!("save the spec of {key}"), now, |state| save(key, state, expected, text)).await
    }

    /// The branch holds `text` now, as blob `object`. A draft that was saved meanwhile stays a draft.
    pub async fn record_spec_pushed(&self, key: &TicketKey, text: &str, object: &ObjectId, now: Timestamp) -> Result<SpecState> {
        self.change_spec(key, format!("remember the push of the spec of {key}"), now, |state| {
            let new = state.base_object.as_ref() != Some(object);
            state.base_text = Some(text.to_owned());
            state.base_object = Some(object.clone());
            state.remote_object = Some(object.clone());
            Ok(new.then_some("spec pushed"))
        })
        .await
    }

    /// What a look at the branch found: the blob of the spec, or none.
    pub async fn record_spec_remote(&self, key: &TicketKey, object: Option<&ObjectId>) -> Result<SpecState> {
        self.attempt(format!("remember the branch's spec of {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let mut row = ticket_row::get(writing.conn(), key).await?;
            let mut state = get(writing.conn(), row.id).await?;
            if state.remote_object.as_ref() == object {
                return Ok(state);
            }
            state.remote_object = object.cloned();
            ticket_row::save_badge(writing.conn(), &mut row, state.badge()).await?;
            put(writing.conn(), &row, &state).await?;
            writing.announce(Change::Ticket { project: row.ticket.project, key: key.clone() });
            self.commit(writing).await?;
            Ok(state)
        })
        .await
    }

    /// Takes over a pull: the branch's text becomes the base, the merged text the draft. Refused when the draft was saved since
    /// revision `expected`, which is what was merged.
    pub async fn record_spec_pulled(&self, key: &TicketKey, expected: i64, pulled: &Pulled, now: Timestamp) -> Result<SpecState> {
        self.change_spec(key, format!("take over the pulled spec of {key}"), now, |state| {
            check_revision(key, state, expected)?;
            if state.text != pulled.text {
                state.text.clone_from(&pulled.text);
                state.revision += 1;
            }
            let new = state.base_object.as_ref() != Some(&pulled.base_object);
            state.base_text = Some(pulled.base_text.clone());
            state.base_object = Some(pulled.base_object.clone());
            state.remote_object = Some(pulled.base_object.clone());
            Ok(new.then_some("spec pulled from the branch"))
        })
        .await
    }

    async fn change_spec(
        &self,
        key: &TicketKey,
        attempted: String,
        now: Timestamp,
        change: impl FnOnce(&mut SpecState) -> Result<Option<&'static str>>,
    ) -> Result<SpecState> {
        self.attempt(attempted, async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let (state, changed) = change_in(&mut writing, key, now, change).await?;
            if changed {
                self.commit(writing).await?;
            }
            Ok(state)
        })
        .await
    }
}

/// Changes a spec as a part of a write; whether anything changed.
async fn change_in(
    writing: &mut Writing,
    key: &TicketKey,
    now: Timestamp,
    change: impl FnOnce(&mut SpecState) -> Result<Option<&'static str>>,
) -> Result<(SpecState, bool)> {
    let mut row = ticket_row::get(writing.conn(), key).await?;
    let before = get(writing.conn(), row.id).await?;
    let mut state = before.clone();
    let words = change(&mut state)?;
    if state == before {
        return Ok((state, false));
    }
    if state.text != before.text && project(&mut row.ticket, &state.text) {
        row.badge = state.badge();
        ticket_row::save(writing.conn(), &mut row, now).await?;
    } else {
        ticket_row::save_badge(writing.conn(), &mut row, state.badge()).await?;
    }
    put(writing.conn(), &row, &state).await?;
    if let Some(words) = words {
        history::record(writing.conn(), row.id, now, None, words).await?;
    }
    writing.announce(Change::Ticket { project: row.ticket.project, key: key.clone() });
    Ok((state, true))
}

fn save(key: &TicketKey, state: &mut SpecState, expected: i64, text: &str) -> Result<Option<&'static str>> {
    check_revision(key, state, expected)?;
    if state.text != text {
        text.clone_into(&mut state.text);
        state.revision += 1;
    }
    Ok(None)
}

/// [`Store::save_spec`] as a part of a write.
pub(super) async fn save_in(writing: &mut Writing, key: &TicketKey, expected: i64, text: &str, now: Timestamp) -> Result<()> {
    change_in(writing, key, now, |state| save(key, state, expected, text)).await.map(|_| ())
}

/// The branch holds the text of a ticket that is being made, as blob `object`.
pub(super) async fn is_on_branch(writing: &mut Writing, key: &TicketKey, object: &ObjectId, now: Timestamp) -> Result<()> {
    let change = |state: &mut SpecState| {
        state.base_text = Some(state.text.clone());
        state.base_object = Some(object.clone());
        state.remote_object = Some(object.clone());
        Ok(None)
    };
    change_in(writing, key, now, change).await.map(|_| ())
}
