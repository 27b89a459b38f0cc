//! The inbox: a delivery is in the store, on the disk, before anybody is told that it was taken.
//!
//! Callers at the same time share a transaction: whoever waits while one is being written is part of the next, so that a thousand
//! deliveries cost a few dozen flushes of the disk. The queue is bounded; when it is full the caller hears so at once.
//!
//! Limits: rows are in the order of their commits, not of the events they tell of. A caller who stops waiting does not undo the row.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::column::{Columns, Word};
use super::error::{Error, Result, Trouble};
use super::{Inner, Store};
use crate::domain::change::Change;
use crate::domain::hook::DeliveryState;
use crate::domain::id::{Guid, ProjectId};

/// Deliveries that may wait to be written; more are refused.
const ROOM: usize = 2_048;
/// Rows of one transaction.
const BATCH: usize = 128;
/// Between two transactions in a row: lets other writers have their turn, and gathers more rows for the next one.
const BREATH: Duration = Duration::from_millis(1);
/// The longest text of a column that is filled from a delivery.
const LONGEST: usize = 400;

/// An authenticated delivery, as it arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDelivery {
    pub project: ProjectId,
    /// The same for the same notification, and for no other; short, whatever the delivery holds, for nothing is cut off it.
    pub dedupe: String,
    pub purpose: Option<String>,
    pub event_type: Option<String>,
    pub event_id: Option<String>,
    pub subscription: Option<Guid>,
    pub notification: Option<i64>,
    pub received_at: Timestamp,
    pub body: Vec<u8>,
    /// Waiting, or settled on arrival: a test, of another project, not to be understood.
    pub state: DeliveryState,
    pub words: Option<String>,
}

impl std::fmt::Debug for NewDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { project, dedupe, state, body, .. } = self;
        f.debug_struct("NewDelivery")
            .field("project", project)
            .field("dedupe", dedupe)
            .field("state", state)
            .field("bytes", &body.len())
            .finish_non_exhaustive()
    }
}

/// A delivery that is on the disk, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    New(i64),
    /// The same notification was kept before.
    Again(i64),
}

impl Kept {
    pub fn id(self) -> i64 {
        match self {
            Self::New(id) | Self::Again(id) => id,
        }
    }
}

/// How full the inbox is, and what went through it since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxFigures {
    pub waiting: u64,
    pub room: u64,
    /// Transactions, and rows in them.
    pub commits: u64,
    pub rows: u64,
    /// Transactions that failed.
    pub failures: u64,
}

/// The queue before the store, and its figures.
#[derive(Default)]
pub(super) struct Inbox {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    commits: AtomicU64,
    rows: AtomicU64,
    failures: AtomicU64,
}

struct Waiting {
    new: NewDelivery,
    answer: oneshot::Sender<Result<Kept, Trouble>>,
}

queries! {
    NEXT_BLOCK = "INSERT INTO counters (name, last) VALUES ('deliveries', $1) \
        ON CONFLICT (name) DO UPDATE SET last = counters.last + $1 RETURNING last";
    KEEP = "INSERT INTO deliveries (id, project, dedupe, purpose, event_type, event_id, subscription, notification, received_at, \
        bytes, state, tries, not_before, words, settled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $9, $12, $13) \
        ON CONFLICT (dedupe) DO NOTHING";
    KEEP_BODY = "INSERT INTO delivery_bodies (delivery, body) VALUES ($1, $2)";
    KNOWN = "SELECT id FROM deliveries WHERE dedupe = $1";
}

impl Store {
    /// Keeps a delivery. When this returns, it is on the disk. Fails at once with [`Trouble::Busy`] when too many wait already.
    pub async fn keep_delivery(&self, new: NewDelivery) -> Result<Kept> {
        self.attempt("keep a delivery", async {
            let (answer, kept) = oneshot::channel();
            self.queue().try_send(Waiting { new, answer }).map_err(|_| Error::trouble(Trouble::Busy))?;
            match kept.await {
                Ok(outcome) => outcome.map_err(Error::trouble),
                Err(_) => Err(Error::trouble(Trouble::Other("whoever writes deliveries has stopped".to_owned()))),
            }
        })
        .await
    }

    pub fn inbox(&self) -> InboxFigures {
        let inbox = &self.inner.inbox;
        let queue = inbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        InboxFigures {
            waiting: waiting as u64,
            room: ROOM as u64,
            commits: inbox.commits.load(Ordering::Relaxed),
            rows: inbox.rows.load(Ordering::Relaxed),
            failures: inbox.failures.load(Ordering::Relaxed),
        }
    }

    /// The way to the task that writes, which is started by its first caller.
    fn queue(&self) -> mpsc::Sender<Waiting> {
        let mut queue = self.inner.inbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match &*queue {
            Some(open) if !open.is_closed() => open.clone(),
            _ => {
                let (sender, receiver) = mpsc::channel(ROOM);
                tokio::spawn(write(std::sync::Arc::downgrade(&self.inner), receiver));
                queue.insert(sender).clone()
            }
        }
    }
}

/// Writes what waits, again and again, until the store is gone.
async fn write(inner: Weak<Inner>, mut queue: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        // The task must not keep the store open.
        let Some(inner) = inner.upgrade() else { return };
        Store { inner }.keep_all(std::mem::take(&mut batch)).await;
        if !queue.is_empty() {
            tokio::time::sleep(BREATH).await;
        }
    }
}

impl Store {
    async fn keep_all(&self, batch: Vec<Waiting>) {
        let rows: Vec<&NewDelivery> = batch.iter().map(|waiting| &waiting.new).collect();
        let outcome = self.keep_together(&rows).await;
        let inbox = &self.inner.inbox;
        match outcome {
            Ok(kept) => {
                inbox.commits.fetch_add(1, Ordering::Relaxed);
                inbox.rows.fetch_add(kept.len() as u64, Ordering::Relaxed);
                for (waiting, kept) in batch.into_iter().zip(kept) {
                    // Nobody waits any more: the row stays.
                    let _ = waiting.answer.send(Ok(kept));
                }
            }
            // One row that the database refuses must not take its neighbours with it.
            Err(trouble) if batch.len() > 1 && is_of_a_row(&trouble) => {
                for waiting in batch {
                    let alone = self.keep_together(&[&waiting.new]).await.map(|kept| kept[0]);
                    let counter = if alone.is_ok() { &inbox.rows } else { &inbox.failures };
                    counter.fetch_add(1, Ordering::Relaxed);
                    let _ = waiting.answer.send(alone);
                }
            }
            Err(trouble) => {
                inbox.failures.fetch_add(1, Ordering::Relaxed);
                for waiting in batch {
                    let _ = waiting.answer.send(Err(trouble.clone()));
                }
            }
        }
    }

    /// One transaction. Answers as many as it was given, in their order.
    async fn keep_together(&self, rows: &[&NewDelivery]) -> Result<Vec<Kept>, Trouble> {
        let write = async {
            let mut writing = self.writing().await?;
            let count = rows.len() as i64;
            // Whoever writes deliveries elsewhere waits here, so that rows are never locked crosswise.
            let last: i64 = sqlx::query_scalar(NEXT_BLOCK).bind(count).fetch_one(writing.conn()).await?;
            let mut kept = Vec::with_capacity(rows.len());
            for (id, new) in (last - count + 1..).zip(rows) {
                let at = new.received_at.as_millisecond();
                let done = sqlx::query(KEEP)
                    .bind(id)
                    .bind(new.project.0)
                    .bind(&*new.dedupe)
                    .bind(new.purpose.as_deref().map(short))
                    .bind(new.event_type.as_deref().map(short))
                    .bind(new.event_id.as_deref().map(short))
                    .bind(new.subscription.as_ref().map(|guid| guid.as_str().to_owned()))
                    .bind(new.notification)
                    .bind(at)
                    .bind(new.body.len() as i64)
                    .bind(new.state.to_word())
                    .bind(new.words.as_deref().map(short))
                    .bind((new.state != DeliveryState::Waiting).then_some(at))
                    .execute(writing.conn())
                    .await?;
                if done.rows_affected() == 1 {
                    sqlx::query(KEEP_BODY).bind(id).bind(new.body.as_slice()).execute(writing.conn()).await?;
                    writing.announce(Change::Deliveries(new.project));
                    kept.push(Kept::New(id));
                } else {
                    let row = sqlx::query(KNOWN).bind(&*new.dedupe).fetch_one(writing.conn()).await?;
                    kept.push(Kept::Again(row.int("id")?));
                }
            }
            self.commit(writing).await?;
            Ok(kept)
        };
        write.await.map_err(|error: Error| match error.kind() {
            Some(trouble) => trouble.clone(),
            None => Trouble::Other(error.to_string()),
        })
    }
}

/// Whether a transaction failed for what one of its rows holds, and not for the state of the store.
fn is_of_a_row(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Constraint | Trouble::Unreadable(_) | Trouble::Other(_))
}

/// A text as every database takes it: not long, and without the NUL that PostgreSQL refuses.
fn short(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}
