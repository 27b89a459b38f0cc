//! What organisations said last of their rate limit, for every process that shares the store.
//!
//! Limits: to a thousandth of a unit; a row stays after what it says is over, since when it was said is worth knowing.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use super::Store;
use super::column::Columns as _;
use super::error::Result;
use crate::domain::change::Change;
use crate::domain::id::OrganisationId;
use crate::domain::rate_limit::RateLimit;

queries! {
    ALL = "SELECT organisation, most, remaining, reset_at, wait_until, said_at FROM rate_limits ORDER BY organisation";
    /// Of two processes the one that was told later has the last word. One answer may say two things in the same millisecond.
    PUT = "INSERT INTO rate_limits (organisation, most, remaining, reset_at, wait_until, said_at) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (organisation) DO UPDATE SET most = excluded.most, remaining = excluded.remaining, reset_at = excluded.reset_at, \
        wait_until = excluded.wait_until, said_at = excluded.said_at WHERE rate_limits.said_at < excluded.said_at \
        OR (rate_limits.said_at = excluded.said_at AND (coalesce(rate_limits.remaining, -1) <> coalesce(excluded.remaining, -1) \
        OR coalesce(rate_limits.wait_until, -1) <> coalesce(excluded.wait_until, -1)))";
}

fn read(row: &AnyRow) -> Result<(OrganisationId, RateLimit)> {
    let units = |name: &'static str| Ok::<_, super::Error>(row.maybe_int(name)?.map(|thousandths| thousandths as f64 / 1_000.0));
    let said = RateLimit {
        limit: units("most")?,
        remaining: units("remaining")?,
        reset_at: row.maybe_instant("reset_at")?,
        told_to_wait: row.maybe_instant("wait_until")?,
        said_at: row.instant("said_at")?,
    };
    Ok((OrganisationId(row.int("organisation")?), said))
}

/// What a unit is kept as. Nonsense of the wire becomes the nearest number that can be kept.
fn thousandths(units: Option<f64>) -> Option<i64> {
    units.map(|units| (units * 1_000.0).round() as i64)
}

impl Store {
    /// The last word of each organisation that ever said one.
    pub async fn rate_limits(&self) -> Result<BTreeMap<OrganisationId, RateLimit>> {
        self.attempt("read what is left of the rate limits", async {
            sqlx::query(ALL).fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    /// Keeps what an organisation said, unless something newer is known; whether it was kept.
    pub async fn put_rate_limit(&self, organisation: OrganisationId, said: &RateLimit) -> Result<bool> {
        self.attempt("keep what is left of a rate limit", async {
            let mut writing = self.writing().await?;
            let put = sqlx::query(PUT)
                .bind(organisation.0)
                .bind(thousandths(said.limit))
                .bind(thousandths(said.remaining))
                .bind(said.reset_at.map(|at| at.as_millisecond()))
                .bind(said.told_to_wait.map(|at| at.as_millisecond()))
                .bind(said.said_at.as_millisecond());
            if put.execute(writing.conn()).await?.rows_affected() == 0 {
                return Ok(false);
            }
            writing.announce(Change::Organisation(organisation));
            self.commit(writing).await?;
            Ok(true)
        })
        .await
    }
}
