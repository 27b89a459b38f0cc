//! Deliveries after they were kept: claimed by one process at a time, settled or tried again later, looked at, replayed, swept out.
//!
//! Limits: a claim runs out by the clock that callers hand in; whoever works longer than it may find the work done twice, which must
//! not matter. Bodies are read only where they are needed.

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::error::Result;
use super::{Engine, Store};
use crate::domain::change::Change;
use crate::domain::health::DeliverySource;
use crate::domain::hook::{Delivery, DeliveryState};
use crate::domain::id::{Guid, ProjectId};

/// How much longer what went wrong is kept than what went well.
const PROBLEMS_STAY: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Rows swept out in one transaction, so that nobody else waits long.
const SWEEP: i64 = 500;

/// A delivery that is the caller's to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    pub delivery: Delivery,
    pub body: Vec<u8>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub id: i64,
    pub state: DeliveryState,
    /// What it did, or why it did not.
    pub words: Option<String>,
}

/// Which deliveries to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeliveryFilter {
    #[default]
    All,
    /// Dead, parked, or of another project.
    Problems,
}

/// A project's deliveries by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    pub waiting: i64,
    pub dead: i64,
    pub parked: i64,
    pub quarantined: i64,
    pub last_at: Option<Timestamp>,
}

impl Word for DeliveryState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Waiting, "waiting"),
        (Self::Applied, "applied"),
        (Self::Ignored, "ignored"),
        (Self::Test, "test"),
        (Self::Quarantined, "quarantined"),
        (Self::Dead, "dead"),
        (Self::Parked, "parked"),
    ];
}

macro_rules! columns {
    () => {
        "id, project, purpose, event_type, event_id, subscription, notification, received_at, bytes, state, tries, words, settled_at"
    };
}

macro_rules! due {
    () => {
        "SELECT id FROM deliveries WHERE state = 'waiting' AND not_before <= $3 AND (claimed_until IS NULL OR claimed_until <= $3) \
         ORDER BY not_before, id LIMIT $4"
    };
}

sqlite_queries! {
    CLAIM = concat!("UPDATE deliveries SET claimed_by = $1, claimed_until = $2 WHERE id IN (", due!(), ") RETURNING ", columns!());
}

postgres_queries! {
    /// What another process is about to claim is passed over, not waited for. Apart, so that it is looked for once.
    CLAIM_SKIP_LOCKED = concat!("WITH due AS MATERIALIZED (", due!(), " FOR UPDATE SKIP LOCKED) \
        UPDATE deliveries SET claimed_by = $1, claimed_until = $2 WHERE id IN (SELECT id FROM due) RETURNING ", columns!());
}

queries! {
    BODY = "SELECT body FROM delivery_bodies WHERE delivery = $1";
    SETTLE = "UPDATE deliveries SET state = $2, words = $3, settled_at = $4, claimed_by = NULL, claimed_until = NULL \
        WHERE id = $1 AND state = 'waiting' RETURNING project";
    POSTPONE = "UPDATE deliveries SET tries = tries + 1, words = $2, not_before = $3, claimed_by = NULL, claimed_until = NULL \
        WHERE id = $1 AND state = 'waiting' RETURNING project";
    REPLAY = "UPDATE deliveries SET state = 'waiting', tries = 0, not_before = $2, words = NULL, settled_at = NULL, claimed_by = NULL, \
        claimed_until = NULL WHERE id = $1 AND state IN ('applied', 'ignored', 'dead', 'parked') RETURNING project";
    NEXT_DUE = "SELECT min(CASE WHEN claimed_until > not_before THEN claimed_until ELSE not_before END) AS due FROM deliveries \
        WHERE state = 'waiting'";
    ALL = concat!("SELECT ", columns!(), " FROM deliveries ORDER BY id DESC LIMIT $1");
    PROBLEMS = concat!("SELECT ", columns!(), " FROM deliveries WHERE state IN ('dead', 'parked', 'quarantined') \
        ORDER BY id DESC LIMIT $1");
    ALL_OF = concat!("SELECT ", columns!(), " FROM deliveries WHERE project = $2 ORDER BY id DESC LIMIT $1");
    PROBLEMS_OF = concat!("SELECT ", columns!(), " FROM deliveries WHERE project = $2 AND state IN ('dead', 'parked', 'quarantined') \
        ORDER BY id DESC LIMIT $1");
    SOURCES = "SELECT subscription, count(*) AS deliveries, max(received_at) AS last_at, min(notification) AS first, \
        max(notification) AS last, count(DISTINCT notification) AS present FROM deliveries WHERE project = $1 AND state <> 'test' \
        GROUP BY subscription ORDER BY max(received_at) DESC";
    COUNT_WAITING = "SELECT count(*) FROM deliveries WHERE state = 'waiting' AND project = $1";
    COUNT_PROBLEMS = "SELECT state, count(*) AS found FROM deliveries WHERE project = $1 AND state IN ('dead', 'parked', 'quarantined') \
        GROUP BY state";
    LAST_AT = "SELECT received_at FROM deliveries WHERE project = $1 ORDER BY id DESC LIMIT 1";
    SWEPT = "SELECT id FROM deliveries WHERE (state IN ('applied', 'ignored', 'test') AND settled_at < $1) \
        OR (state IN ('dead', 'parked', 'quarantined') AND settled_at < $2) ORDER BY id LIMIT $3";
    SWEEP_BODY = "DELETE FROM delivery_bodies WHERE delivery = $1";
    SWEEP_ROW = "DELETE FROM deliveries WHERE id = $1";
}

fn read(row: &AnyRow) -> Result<Delivery> {
    Ok(Delivery {
        id: row.int("id")?,
        project: ProjectId(row.int("project")?),
        purpose: row.maybe_text("purpose")?,
        event_type: row.maybe_text("event_type")?,
        event_id: row.maybe_text("event_id")?,
        subscription: row.maybe_text("subscription")?.map(Guid::new),
        notification: row.maybe_int("notification")?,
        received_at: row.instant("received_at")?,
        bytes: row.int("bytes")?,
        state: row.word("state")?,
        tries: row.int("tries")?,
        words: row.maybe_text("words")?,
        settled_at: row.maybe_instant("settled_at")?,
    })
}

impl Store {
    /// Takes up to `limit` deliveries that wait and are due, oldest first. They are the holder's until the claim runs out.
    pub async fn claim_deliveries(
        &self,
        holder: &str,
        limit: i64,
        claim_for: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<ClaimedDelivery>> {
        self.attempt("claim deliveries", async {
            let until = now.saturating_add(claim_for).unwrap_or(Timestamp::MAX);
            let mut writing = self.writing().await?;
            let claim = match self.engine() {
                Engine::Sqlite => CLAIM,
                Engine::Postgres => CLAIM_SKIP_LOCKED,
            };
            let rows = sqlx::query(claim)
                .bind(holder)
                .bind(until.as_millisecond())
                .bind(now.as_millisecond())
                .bind(limit)
                .fetch_all(writing.conn())
                .await?;
            let mut claimed = Vec::with_capacity(rows.len());
            for row in &rows {
                let delivery = read(row)?;
                let body: Option<Vec<u8>> = sqlx::query_scalar(BODY).bind(delivery.id).fetch_optional(writing.conn()).await?;
                claimed.push(ClaimedDelivery { delivery, body: body.unwrap_or_default() });
            }
            self.commit(writing).await?;
            // The statement answers in no order.
            claimed.sort_by_key(|claimed| claimed.delivery.id);
            Ok(claimed)
        })
        .await
    }

    /// Writes down what became of deliveries, in one transaction. One that somebody else settled stays as it is.
    pub async fn settle_deliveries(&self, settled: &[Settled], now: Timestamp) -> Result<()> {
        self.attempt("write down what became of deliveries", async {
            let mut writing = self.writing().await?;
            // In one order, so that two who settle the same ones do not wait for each other crosswise.
            let mut settled: Vec<&Settled> = settled.iter().collect();
            settled.sort_by_key(|settled| settled.id);
            for Settled { id, state, words } in settled {
                let project: Option<i64> = sqlx::query_scalar(SETTLE)
                    .bind(*id)
                    .bind(state.to_word())
                    .bind(words.as_deref())
                    .bind(now.as_millisecond())
                    .fetch_optional(writing.conn())
                    .await?;
                if let Some(project) = project {
                    writing.announce(Change::Deliveries(ProjectId(project)));
                }
            }
            self.commit(writing).await
        })
        .await
    }

    /// Gives a delivery back to be tried again, not before a moment. Counts as a try.
    pub async fn postpone_delivery(&self, id: i64, words: &str, not_before: Timestamp) -> Result<()> {
        self.attempt("put a delivery off", async {
            let mut writing = self.writing().await?;
            let project: Option<i64> =
                sqlx::query_scalar(POSTPONE).bind(id).bind(words).bind(not_before.as_millisecond()).fetch_optional(writing.conn()).await?;
            if let Some(project) = project {
                writing.announce(Change::Deliveries(ProjectId(project)));
            }
            self.commit(writing).await
        })
        .await
    }

    /// When the next waiting delivery may be claimed; in the past when one may be now.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.attempt("look when a delivery is due", async {
            sqlx::query(NEXT_DUE).fetch_one(&mut *self.reader().await?).await?.maybe_instant("due")
        })
        .await
    }

    /// The latest deliveries, newest first, without their bodies.
    pub async fn deliveries(&self, project: Option<ProjectId>, filter: DeliveryFilter, limit: i64) -> Result<Vec<Delivery>> {
        self.attempt("read the deliveries", async {
            let sql = match (project, filter) {
                (None, DeliveryFilter::All) => ALL,
                (None, DeliveryFilter::Problems) => PROBLEMS,
                (Some(_), DeliveryFilter::All) => ALL_OF,
                (Some(_), DeliveryFilter::Problems) => PROBLEMS_OF,
            };
            let mut query = sqlx::query(sql).bind(limit);
            if let Some(project) = project {
                query = query.bind(project.0);
            }
            query.fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    pub async fn delivery_body(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.attempt("read the body of a delivery", async {
            Ok(sqlx::query_scalar(BODY).bind(id).fetch_optional(&mut *self.reader().await?).await?)
        })
        .await
    }

    /// Lets a delivery be applied once more, as if it had just arrived. Answers whether there was one to replay: what waits is on its
    /// way, and tests and deliveries of another project are never applied.
    pub async fn replay_delivery(&self, id: i64, now: Timestamp) -> Result<bool> {
        self.attempt("replay a delivery", async {
            let mut writing = self.writing().await?;
            let project: Option<i64> =
                sqlx::query_scalar(REPLAY).bind(id).bind(now.as_millisecond()).fetch_optional(writing.conn()).await?;
            if let Some(project) = project {
                writing.announce(Change::Deliveries(ProjectId(project)));
            }
            self.commit(writing).await?;
            Ok(project.is_some())
        })
        .await
    }

    /// Sweeps out what was settled before a moment; what went wrong stays thirty days longer. Answers how many are gone.
    pub async fn prune_deliveries(&self, before: Timestamp) -> Result<u64> {
        self.attempt("sweep out old deliveries", async {
            let problems_before = before.saturating_sub(PROBLEMS_STAY).unwrap_or(Timestamp::MIN);
            let mut gone = 0;
            loop {
                let mut writing = self.writing().await?;
                let ids: Vec<i64> = sqlx::query_scalar(SWEPT)
                    .bind(before.as_millisecond())
                    .bind(problems_before.as_millisecond())
                    .bind(SWEEP)
                    .fetch_all(writing.conn())
                    .await?;
                for id in &ids {
                    sqlx::query(SWEEP_BODY).bind(*id).execute(writing.conn()).await?;
                    sqlx::query(SWEEP_ROW).bind(*id).execute(writing.conn()).await?;
                }
                self.commit(writing).await?;
                gone += ids.len() as u64;
                if (ids.len() as i64) < SWEEP {
                    return Ok(gone);
                }
            }
        })
        .await
    }

    /// What arrived by subscription, the latest first; tests do not count.
    pub async fn delivery_sources(&self, project: ProjectId) -> Result<Vec<DeliverySource>> {
        self.attempt("read where deliveries came from", async {
            let rows = sqlx::query(SOURCES).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            let read = |row: &AnyRow| {
                let span = match (row.maybe_int("first")?, row.maybe_int("last")?) {
                    (Some(first), Some(last)) => last.saturating_sub(first).saturating_add(1),
                    _ => 0,
                };
                Ok(DeliverySource {
                    subscription: row.maybe_text("subscription")?.map(Guid::new),
                    deliveries: row.int("deliveries")?,
                    last_at: row.instant("last_at")?,
                    gaps: span.saturating_sub(row.int("present")?).max(0),
                })
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    pub async fn delivery_counts(&self, project: ProjectId) -> Result<DeliveryCounts> {
        self.attempt("count the deliveries", async {
            let mut conn = self.snapshot().await?;
            let mut counts = DeliveryCounts {
                waiting: sqlx::query_scalar(COUNT_WAITING).bind(project.0).fetch_one(&mut *conn).await?,
                last_at: match sqlx::query(LAST_AT).bind(project.0).fetch_optional(&mut *conn).await? {
                    Some(row) => Some(row.instant("received_at")?),
                    None => None,
                },
                ..DeliveryCounts::default()
            };
            for row in sqlx::query(COUNT_PROBLEMS).bind(project.0).fetch_all(&mut *conn).await? {
                let found = row.int("found")?;
                match row.word("state")? {
                    DeliveryState::Dead => counts.dead = found,
                    DeliveryState::Parked => counts.parked = found,
                    DeliveryState::Quarantined => counts.quarantined = found,
                    _ => {}
                }
            }
            Ok(counts)
        })
        .await
    }
}
