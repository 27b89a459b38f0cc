//! The store: the only module that speaks SQL. Every write is one transaction, and what it changed is announced after the commit,
//! never before.
//!
//! Limits: statements are constants with `$n` parameters that run on SQLite and on PostgreSQL, except those of `sqlite_queries` and
//! `postgres_queries`. On SQLite one connection writes and two read; on PostgreSQL many write at once, and a write that decides by what
//! it reads says what it holds (`hold`). Each read sees a committed state. Callers hand in `now`: the store reads no clock.

/// Declares a file's statements as constants, and lists them for the test that prepares every one on both engines.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Statements that only SQLite understands.
macro_rules! sqlite_queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const SQLITE_QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Statements that only PostgreSQL understands.
macro_rules! postgres_queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const POSTGRES_QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

mod approvals;
mod batch;
mod board;
mod branches;
mod builds;
mod check;
mod check_server;
mod column;
mod commits;
mod compares;
mod connect;
mod copy;
mod deliveries;
mod environments;
mod error;
mod feed;
mod flow_line;
mod health;
mod histories;
mod history;
mod hold;
mod hooks;
mod inbox;
mod ingest;
mod journal;
mod leases;
mod line;
mod linkage;
mod measured;
mod members;
mod organisations;
mod pace;
mod postgres;
mod production;
mod project_settings;
mod projects;
mod pull_requests;
mod purge;
mod quality_comments;
mod rate_limits;
mod releases;
mod repositories;
mod run_candidates;
mod run_words;
mod schema;
mod settings;
mod sources;
mod specs;
mod sqlite;
mod stage_rows;
mod ticket_row;
mod tickets;
mod timelines;
mod transition;
mod waiting;
mod watch;
mod work_items;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::AnyPool;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Connection as _, Transaction};
use tokio::sync::broadcast;

pub use branches::Found as BranchFound;
pub use builds::{BuildFilter, KnownBuild, PutBuilds};
pub use check::{Finding, Level};
pub use connect::Engine;
pub use copy::TableRows;
pub use deliveries::{ClaimedDelivery, DeliveryCounts, DeliveryFilter, Settled};
pub use error::{Error, Result, Trouble};
pub use health::Reconciliation;
pub use histories::{ActiveHistory, Due, HistoryUpdate};
pub use hooks::{AcceptedSecret, NewSubscription, ShownSecret};
pub use inbox::{InboxFigures, Kept, NewDelivery};
pub use ingest::{IngestRules, Ingested, Listing};
pub use journal::{JournalEntry, JournalId};
pub use leases::{Lease, RECEIVER};
pub use measured::LOOK_BACK;
pub use members::MemberChange;
pub use organisations::NewOrganisation;
pub use pull_requests::PullRequestFilter;
pub use quality_comments::{CommentState, QualityComment};
pub use repositories::Linked;
pub use run_candidates::{EndedRun, Looked};
pub use sources::{PageDone, PassEnd};
pub use specs::Pulled;
pub use tickets::{Archived, NewTicket, SpecText, TicketChange};
pub use transition::Applied;

use crate::domain::change::Change;
pub use crate::domain::ticket_view::{HistoryRow, TicketView};

/// Announcements a slow receiver may fall behind before it is told so (`RecvError::Lagged`: read everything again).
const ANNOUNCEMENTS: usize = 1024;

/// Where a store lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file, made with its directory when it is not there.
    Sqlite(PathBuf),
    /// `sqlite:///path/to/file`, with `?mode=ro` to look without writing, or `postgres://user@host/database`.
    Url(String),
}

impl Location {
    /// The store of a data directory.
    pub fn in_directory(directory: &Path) -> Self {
        Self::Sqlite(directory.join("kanado.db"))
    }
}

/// An open store. Cheap to clone; all clones share the connections and the announcements.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: AnyPool,
    readers: AnyPool,
    changes: broadcast::Sender<Change>,
    watching: watch::Watching,
    inbox: inbox::Inbox,
    pace: pace::Pace,
    flow_rules: histories::FlowRules,
    target: connect::Target,
    feed: connect::Feed,
    schema: schema::Schema,
    /// The store's name for messages.
    place: String,
    /// Under which other processes hear of our changes.
    name: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.inner.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a store, making it when there is none, and brings its schema up to date. What is damaged, belongs to another program or
    /// was written by a newer version is refused before anything is written to it.
    pub async fn open(location: &Location) -> Result<Self> {
        Self::open_tuned(location, connect::Tuning::default()).await
    }

    async fn open_tuned(location: &Location, tuning: connect::Tuning) -> Result<Self> {
        let target = connect::Target::of(location)?;
        let (engine, place) = (target.engine(), target.place());
        let opened = async {
            target.prepare()?;
            let mut first = connect::first(&target, tuning).await?;
            let outcome = schema::bring_up_to_date(&mut first, &target, &place, tuning.patience()).await;
            let (writer, readers) = connect::pools(&target, tuning)?;
            let watching = match outcome {
                Ok(schema) => Ok((schema, watch::Watching::of(engine, &writer).await)),
                Err(error) => Err(error),
            };
            // Closed only now: the last connection to leave folds the log into the file, which takes its time.
            let _ = first.close().await;
            let (schema, watching) = watching?;
            Ok((writer, readers, schema, watching))
        };
        let (writer, readers, schema, watching) = opened.await.map_err(|error: Error| error.on(engine).during("open it", &place))?;
        let (changes, _) = broadcast::channel(ANNOUNCEMENTS);
        let name = uuid::Uuid::new_v4().simple().to_string();
        let inner = Inner {
            writer,
            readers,
            changes,
            watching,
            inbox: inbox::Inbox::default(),
            pace: pace::Pace::default(),
            flow_rules: histories::FlowRules::default(),
            target,
            feed: tuning.feed,
            schema,
            place,
            name,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What keeps the data.
    pub fn engine(&self) -> Engine {
        self.inner.target.engine()
    }

    /// Where the store is, for messages: a file, or a server and its database, never with a password.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// The file the store lives in; absent where a server keeps it.
    pub fn file(&self) -> Option<&Path> {
        self.inner.target.file()
    }

    /// The version of the schema, and the one that opening found (absent when it made the store).
    pub fn schema(&self) -> (i64, Option<i64>) {
        (self.inner.schema.is, self.inner.schema.was)
    }

    /// Announcements of what was committed, from now on; [`Change::Elsewhere`] when another process wrote. A receiver that lags
    /// should read everything again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        let receiver = self.inner.changes.subscribe();
        watch::start(&self.inner);
        receiver
    }

    /// Finishes what is under way and folds the write-ahead log back into the file. Leaving it out loses nothing.
    pub async fn close(&self) {
        for project in self.inner.pace.unsaid() {
            pace::say(&self.inner, project).await;
        }
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    async fn attempt<T>(&self, attempted: impl Into<String>, work: impl Future<Output = Result<T>>) -> Result<T> {
        work.await.map_err(|error| error.on(self.engine()).during(attempted, &self.inner.place))
    }

    async fn reader(&self) -> Result<PoolConnection<Any>> {
        Ok(self.inner.readers.acquire().await?)
    }

    /// A reading transaction: several statements that see one state.
    async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        let begin = match self.engine() {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(self.inner.readers.begin_with(begin).await?)
    }

    /// Begins a write. On SQLite it takes the write lock at once: a transaction that read first and wrote later could fail half-way
    /// because somebody else wrote in between. On PostgreSQL it holds nothing: see [`hold::Hold`].
    async fn writing(&self) -> Result<Writing> {
        let begin = match self.engine() {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        Ok(Writing { transaction: self.inner.writer.begin_with(begin).await?, changes: Vec::new() })
    }

    /// Commits, then announces. It runs as a task of its own, so that a caller who is cancelled between the two cannot leave a
    /// commit unannounced.
    async fn commit(&self, mut writing: Writing) -> Result<()> {
        let inner = self.inner.clone();
        let commit = async move {
            let later = inner.pace.hold_back(&mut writing.changes);
            if inner.target.engine() == Engine::Postgres {
                let changes = std::mem::take(&mut writing.changes);
                feed::send(writing.conn(), inner.schema.number, &inner.name, &changes).await?;
                writing.changes = changes;
            }
            writing.transaction.commit().await.map_err(|error| Error::from(error).while_committing())?;
            for change in writing.changes {
                // Nobody listening is no failure.
                let _ = inner.changes.send(change);
            }
            pace::announce_later(&inner, later);
            Ok(())
        };
        match tokio::spawn(commit).await {
            Ok(outcome) => outcome,
            Err(stopped) => Err(Error::trouble(Trouble::Other(format!("the commit did not run to its end: {stopped}")))),
        }
    }
}

/// A write under way: dropped without [`Store::commit`], it never happened.
struct Writing {
    transaction: Transaction<'static, Any>,
    changes: Vec<Change>,
}

impl Writing {
    fn conn(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Notes a change to be announced after the commit, once.
    fn announce(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }
}

queries! {
    NEXT_ID = "INSERT INTO counters (name, last) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET last = counters.last + 1 RETURNING last";
    RAISE_COUNTER = "INSERT INTO counters (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = excluded.last \
        WHERE counters.last < excluded.last";
}

/// The next number of a counter: row ids by table name, ticket numbers by `ticket:PREFIX`.
async fn next(conn: &mut AnyConnection, counter: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(NEXT_ID).bind(counter).fetch_one(conn).await?)
}

/// Makes a counter go on after a number that was given from outside.
async fn raise(conn: &mut AnyConnection, counter: &str, at_least: i64) -> Result<()> {
    sqlx::query(RAISE_COUNTER).bind(counter).bind(at_least).execute(conn).await?;
    Ok(())
}
