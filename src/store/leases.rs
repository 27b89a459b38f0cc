//! Leases: who does what only one process may do, and until when. Receivers say the same way that they are there.
//!
//! Limits: a lease is as good as the clocks of the machines that share a store; whoever holds one lets go well before its end, and
//! what it guards is safe to do twice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::column::Columns;
use super::error::Result;
use super::{Store, Writing};
use crate::domain::change::Change;
use crate::domain::id::ProjectId;

/// What the lease of a process that receives begins with.
pub const RECEIVER: &str = "receiver:";

/// An ended lease is kept for this long: when the last receiver was there is worth knowing.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    /// For a person.
    pub detail: Option<String>,
    pub until: Timestamp,
}

queries! {
    HOLD = "INSERT INTO leases (name, holder, until, detail) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
        holder = excluded.holder, until = excluded.until, detail = excluded.detail WHERE leases.holder = excluded.holder OR leases.until <= $5";
    RELEASE_ALL = "UPDATE leases SET until = $2 WHERE holder = $1 AND until > $2 RETURNING name";
    RELEASE = "UPDATE leases SET until = $3 WHERE name = $1 AND holder = $2 AND until > $3";
    ONE = "SELECT name, holder, until, detail FROM leases WHERE name = $1";
    /// Not by comparing texts: databases sort them each in its own way.
    LIKE = "SELECT name, holder, until, detail FROM leases WHERE substr(name, 1, length($1)) = $1 AND until > $2 ORDER BY name";
    NEWEST = "SELECT max(until) AS until FROM leases WHERE substr(name, 1, length($1)) = $1";
    FORGET = "DELETE FROM leases WHERE until < $1";
    PROJECTS = "SELECT id FROM projects ORDER BY id";
}

/// Until when the receiver that was heard of last counts as there.
pub(super) async fn newest_receiver(conn: &mut sqlx::AnyConnection) -> Result<Option<Timestamp>> {
    let row = sqlx::query(NEWEST).bind(RECEIVER).fetch_one(conn).await?;
    row.maybe_instant("until")
}

/// Every project's health follows from who receives.
async fn announce_receivers(writing: &mut Writing) -> Result<()> {
    let projects: Vec<i64> = sqlx::query_scalar(PROJECTS).fetch_all(writing.conn()).await?;
    for project in projects {
        writing.announce(Change::Hooks(ProjectId(project)));
    }
    Ok(())
}

impl Store {
    /// Takes a lease, or holds on to one; whether it is this holder's until then. A receiver's that is new is announced.
    pub async fn hold_lease(&self, name: &str, holder: &str, detail: Option<&str>, until: Timestamp, now: Timestamp) -> Result<bool> {
        self.attempt(format!("take the lease {name}"), async {
            let mut writing = self.writing().await?;
            let was_there = match sqlx::query(ONE).bind(name).fetch_optional(writing.conn()).await? {
                Some(row) => row.instant("until")? > now && row.maybe_text("detail")?.as_deref() == detail,
                None => false,
            };
            let taken = sqlx::query(HOLD)
                .bind(name)
                .bind(holder)
                .bind(until.as_millisecond())
                .bind(detail.map(str::to_owned))
                .bind(now.as_millisecond())
                .execute(writing.conn())
                .await?
                .rows_affected()
                > 0;
            if !taken {
                return Ok(false);
            }
            if name.starts_with(RECEIVER) && !was_there {
                announce_receivers(&mut writing).await?;
            }
            self.commit(writing).await?;
            Ok(true)
        })
        .await
    }

    /// Lets go of a lease. One that somebody else holds is left alone.
    pub async fn release_lease(&self, name: &str, holder: &str, now: Timestamp) -> Result<()> {
        self.attempt(format!("let go of the lease {name}"), async {
            let mut writing = self.writing().await?;
            let done = sqlx::query(RELEASE).bind(name).bind(holder).bind(now.as_millisecond()).execute(writing.conn()).await?;
            if done.rows_affected() == 0 {
                return Ok(());
            }
            if name.starts_with(RECEIVER) {
                announce_receivers(&mut writing).await?;
            }
            self.commit(writing).await
        })
        .await
    }

    /// Lets go of everything that somebody holds, as they leave.
    pub async fn release_leases_of(&self, holder: &str, now: Timestamp) -> Result<()> {
        self.attempt("let go of all leases", async {
            let mut writing = self.writing().await?;
            let names: Vec<String> =
                sqlx::query_scalar(RELEASE_ALL).bind(holder).bind(now.as_millisecond()).fetch_all(writing.conn()).await?;
            if names.iter().any(|name| name.starts_with(RECEIVER)) {
                announce_receivers(&mut writing).await?;
            }
            self.commit(writing).await
        })
        .await
    }

    /// The lease of that name, whether it holds or has ended.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>> {
        self.attempt(format!("read the lease {name}"), async {
            sqlx::query(ONE).bind(name).fetch_optional(&mut *self.reader().await?).await?.as_ref().map(read).transpose()
        })
        .await
    }

    /// The leases that hold now and whose names begin so.
    pub async fn leases_like(&self, prefix: &str, now: Timestamp) -> Result<Vec<Lease>> {
        self.attempt("read the leases", async {
            let mut conn = self.reader().await?;
            let rows = sqlx::query(LIKE).bind(prefix).bind(now.as_millisecond()).fetch_all(&mut *conn).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Forgets leases that ended long ago.
    pub async fn forget_old_leases(&self, now: Timestamp) -> Result<u64> {
        self.attempt("forget old leases", async {
            let mut writing = self.writing().await?;
            let gone = sqlx::query(FORGET).bind((now - REMEMBERED).as_millisecond()).execute(writing.conn()).await?.rows_affected();
            if gone > 0 {
                self.commit(writing).await?;
            }
            Ok(gone)
        })
        .await
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<Lease> {
    Ok(Lease { name: row.text("name")?, holder: row.text("holder")?, detail: row.maybe_text("detail")?, until: row.instant("until")? })
}
