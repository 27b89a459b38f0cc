//! What a write keeps others from changing until it is committed.
//!
//! On SQLite one transaction writes at a time, whoever begins it, so nothing is to be done. On PostgreSQL many write at once: a write
//! that decides by what it reads (how full a column is, which branch is taken, which version a ticket has) first takes the lock of what
//! it looks at. It is taken first, and what is shared before a project: nobody waits for somebody who waits
//! for them. Statements that decide for themselves
//! (an `ON CONFLICT`, a counter) need none.

use sqlx::AnyConnection;

use super::connect::Engine;
use super::error::Result;
use super::{Store, Writing};
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};

/// What is held. All of a project is one thing: its tickets, pull requests, people, repositories, hooks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold<'a> {
    /// What lies across projects: organisations, prefixes, the journal's open entries.
    Shared,
    Project(ProjectId),
    /// Several, by number.
    Projects(&'a [ProjectId]),
    /// The project of a ticket.
    Ticket(&'a TicketKey),
    /// The project of a repository.
    Repository(RepositoryId),
}

postgres_queries! {
    /// `$1` is the schema's number, so that stores in two schemas of one database do not wait for each other.
    HOLD = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))";
    HOLD_OF_TICKET = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST(project AS INTEGER)) FROM tickets WHERE key = $2";
    HOLD_OF_REPOSITORY = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST(project AS INTEGER)) FROM repositories WHERE id = $2";
}

/// Beside the projects, which are numbered from 1.
const SHARED: i64 = 0;

async fn hold(conn: &mut AnyConnection, schema: i64, what: Hold<'_>) -> Result<()> {
    match what {
        Hold::Shared => sqlx::query(HOLD).bind(schema).bind(SHARED).execute(conn).await?,
        Hold::Project(project) => sqlx::query(HOLD).bind(schema).bind(project.0).execute(conn).await?,
        Hold::Ticket(key) => sqlx::query(HOLD_OF_TICKET).bind(schema).bind(key.to_string()).execute(conn).await?,
        Hold::Repository(id) => sqlx::query(HOLD_OF_REPOSITORY).bind(schema).bind(id.0).execute(conn).await?,
        Hold::Projects(projects) => {
            let mut numbers: Vec<i64> = projects.iter().map(|project| project.0).collect();
            // In one order, whoever comes.
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                sqlx::query(HOLD).bind(schema).bind(number).execute(&mut *conn).await?;
            }
            return Ok(());
        }
    };
    Ok(())
}

impl Store {
    /// Begins a write that reads before it decides.
    pub(super) async fn writing_on(&self, what: Hold<'_>) -> Result<Writing> {
        let mut writing = self.writing().await?;
        self.hold_too(&mut writing, what).await?;
        Ok(writing)
    }

    /// Holds something more. Only what is shared may have been held before: then a project.
    pub(super) async fn hold_too(&self, writing: &mut Writing, what: Hold<'_>) -> Result<()> {
        match self.engine() {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => hold(writing.conn(), self.inner.schema.number, what).await,
        }
    }
}
