//! The store: the only module that speaks SQL. Every write is one transaction, and what it changed is announced after the commit,
//! never before.
//!
//! Limits: statements are constants with `$n` parameters that run on SQLite and on PostgreSQL; this build opens SQLite only. One
//! connection writes, two read; each read sees a committed state. Callers hand in `now`: the store reads no clock.

/// Declares a file's statements as constants, and lists them for the test that prepares every one.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

mod board;
mod branches;
mod check;
mod column;
mod connect;
mod deliveries;
mod error;
mod health;
mod history;
mod hooks;
mod inbox;
mod ingest;
mod journal;
mod leases;
mod members;
mod organisations;
mod projects;
mod pull_requests;
mod repositories;
mod schema;
mod settings;
mod specs;
mod ticket_row;
mod tickets;
mod transition;
mod waiting;
mod watch;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::AnyPool;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Connection as _, Transaction};
use tokio::sync::broadcast;

pub use branches::Found as BranchFound;
pub use check::{Finding, Level};
pub use deliveries::{ClaimedDelivery, DeliveryCounts, DeliveryFilter, Settled};
pub use error::{Error, Result, Trouble};
pub use health::Reconciliation;
pub use hooks::{AcceptedSecret, NewSubscription, ShownSecret};
pub use inbox::{InboxFigures, Kept, NewDelivery};
pub use ingest::{IngestRules, Ingested, Listing};
pub use journal::{JournalEntry, JournalId};
pub use leases::{Lease, RECEIVER};
pub use members::MemberChange;
pub use organisations::NewOrganisation;
pub use pull_requests::PullRequestFilter;
pub use repositories::Linked;
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
    /// `sqlite:///path/to/file`, with `?mode=ro` to look without writing.
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
    file: PathBuf,
    /// The file's name for messages.
    place: String,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.inner.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a store, making it when there is none, and brings its schema up to date. A file that is damaged, belongs to another
    /// program or was written by a newer version is refused before anything is written to it.
    pub async fn open(location: &Location) -> Result<Self> {
        Self::open_tuned(location, connect::Tuning::default()).await
    }

    async fn open_tuned(location: &Location, tuning: connect::Tuning) -> Result<Self> {
        let target = connect::Target::of(location)?;
        let place = target.file.display().to_string();
        let opened = async {
            target.prepare()?;
            let mut first = connect::first(&target, tuning).await?;
            let outcome = schema::bring_up_to_date(&mut first, &target, &place, tuning.patience()).await;
            let (writer, readers) = connect::pools(&target, tuning)?;
            let watching = match outcome {
                Ok(()) => Ok(watch::Watching::of(&writer).await),
                Err(error) => Err(error),
            };
            // Closed only now: the last connection to leave folds the log into the file, which takes its time.
            let _ = first.close().await;
            Ok((writer, readers, watching?))
        };
        let (writer, readers, watching) = opened.await.map_err(|error: Error| error.during("open it", &place))?;
        let (changes, _) = broadcast::channel(ANNOUNCEMENTS);
        let inner = Inner { writer, readers, changes, watching, inbox: inbox::Inbox::default(), file: target.file, place };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file the store lives in.
    pub fn path(&self) -> &Path {
        &self.inner.file
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
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    async fn attempt<T>(&self, attempted: impl Into<String>, work: impl Future<Output = Result<T>>) -> Result<T> {
        work.await.map_err(|error| error.during(attempted, &self.inner.place))
    }

    async fn reader(&self) -> Result<PoolConnection<Any>> {
        Ok(self.inner.readers.acquire().await?)
    }

    /// A reading transaction: several statements that see one state.
    async fn snapshot(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.inner.readers.begin().await?)
    }

    /// Begins a write. It takes the write lock at once: a transaction that read first and wrote later could fail half-way because
    /// somebody else wrote in between.
    async fn writing(&self) -> Result<Writing> {
        Ok(Writing { transaction: self.inner.writer.begin_with("BEGIN IMMEDIATE").await?, changes: Vec::new() })
    }

    /// Commits, then announces. It runs as a task of its own, so that a caller who is cancelled between the two cannot leave a
    /// commit unannounced.
    async fn commit(&self, writing: Writing) -> Result<()> {
        let sender = self.inner.changes.clone();
        let commit = async move {
            writing.transaction.commit().await?;
            for change in writing.changes {
                // Nobody listening is no failure.
                let _ = sender.send(change);
            }
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
