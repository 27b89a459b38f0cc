//! How a project's webhooks stand, read from what subscriptions, deliveries, receivers and reconciliations left behind.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::Columns;
use super::error::{Error, Result};
use super::leases::RECEIVER;
use super::{Store, leases};
use crate::domain::change::Change;
use crate::domain::health::{DeliverySource, HookHealth, Live, Receiver, Reconciled, Signs};
use crate::domain::hook::Subscription;
use crate::domain::id::{Guid, ProjectId};

/// A comparison of a project with Azure DevOps that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    pub attempted_at: Timestamp,
    /// Differences that hooks should have told of, or why it failed.
    pub outcome: Result<i64, String>,
}

queries! {
    RECONCILED = "SELECT attempted_at, done_at, failed, healed_last, healed_total FROM reconciliations WHERE project = $1";
    DONE = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, $2, $2, NULL, $3, $3) \
        ON CONFLICT (project) DO UPDATE SET attempted_at = excluded.attempted_at, done_at = excluded.done_at, failed = NULL, \
        healed_last = excluded.healed_last, healed_total = reconciliations.healed_total + excluded.healed_last";
    FAILED = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, $2, NULL, $3, 0, 0) \
        ON CONFLICT (project) DO UPDATE SET attempted_at = excluded.attempted_at, failed = excluded.failed";
    /// When it was last tried stays as it is: what is owed is due at once.
    OWED = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, 0, NULL, $2, 0, 0) \
        ON CONFLICT (project) DO UPDATE SET attempted_at = 0, failed = excluded.failed";
    SHOWN_SECRETS = "SELECT count(*) AS number FROM hook_secrets WHERE project = $1 AND subscription IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    SUBSCRIPTIONS = "SELECT id, project, purpose, remote, url, state, problem, identity, created_at, verified_at, checked_at \
        FROM subscriptions WHERE project = $1 ORDER BY id";
    MANUAL_AT = "SELECT max(received_at) AS at FROM deliveries WHERE project = $1 AND state <> 'quarantined' AND state <> 'test' \
        AND (subscription IS NULL OR subscription NOT IN (SELECT remote FROM subscriptions WHERE remote IS NOT NULL))";
    COUNTS = "SELECT state, count(*) AS number, max(received_at) AS at FROM deliveries WHERE project = $1 GROUP BY state";
    SOURCES = "SELECT subscription, count(*) AS number, max(received_at) AS at, count(DISTINCT notification) AS told, \
        min(notification) AS first, max(notification) AS last FROM deliveries WHERE project = $1 AND state <> 'test' \
        GROUP BY subscription ORDER BY subscription";
}

/// A value that the store keeps as the word its JSON has.
fn word<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<T> {
    let text = row.borrowed(column)?;
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| Error::unreadable(format!("word in {column}: {}", text.chars().take(40).collect::<String>())))
}

fn subscription(row: &AnyRow) -> Result<Subscription> {
    Ok(Subscription {
        id: row.int("id")?,
        project: ProjectId(row.int("project")?),
        purpose: word(row, "purpose")?,
        remote: row.maybe_text("remote")?.map(Guid::new),
        url: row.text("url")?,
        state: word(row, "state")?,
        problem: row.maybe_text("problem")?,
        identity: row.maybe_text("identity")?,
        created_at: row.instant("created_at")?,
        verified_at: row.maybe_instant("verified_at")?,
        checked_at: row.maybe_instant("checked_at")?,
    })
}

async fn reconciled(conn: &mut AnyConnection, project: ProjectId) -> Result<Reconciled> {
    let Some(row) = sqlx::query(RECONCILED).bind(project.0).fetch_optional(conn).await? else { return Ok(Reconciled::default()) };
    Ok(Reconciled {
        attempted_at: Some(row.int("attempted_at")?)
            .filter(|at| *at > 0)
            .map(|at| super::column::instant(at, "attempted_at"))
            .transpose()?,
        done_at: row.maybe_instant("done_at")?,
        failed: row.maybe_text("failed")?,
        healed_last: row.int("healed_last")?,
        healed_total: row.int("healed_total")?,
    })
}

async fn signs(conn: &mut AnyConnection, project: ProjectId, now: Timestamp) -> Result<Signs> {
    let shown = sqlx::query(SHOWN_SECRETS).bind(project.0).bind(now.as_millisecond()).fetch_one(&mut *conn).await?;
    let subscriptions = sqlx::query(SUBSCRIPTIONS).bind(project.0).fetch_all(&mut *conn).await?;
    let subscriptions: Vec<Subscription> = subscriptions.iter().map(subscription).collect::<Result<_>>()?;
    // Asked only where it decides: it looks at every delivery that is kept.
    let manual_at = match subscriptions.is_empty() && shown.int("number")? > 0 {
        true => sqlx::query(MANUAL_AT).bind(project.0).fetch_one(&mut *conn).await?.maybe_instant("at")?,
        false => None,
    };
    Ok(Signs {
        secret: shown.int("number")? > 0,
        subscriptions,
        manual_at,
        receiver_until: leases::newest_receiver(&mut *conn).await?,
        reconciled: reconciled(conn, project).await?,
    })
}

impl Store {
    /// Keeps how a comparison ended. What was owed is paid by one that was done.
    pub async fn record_reconciled(&self, project: ProjectId, reconciliation: &Reconciliation) -> Result<()> {
        self.attempt("keep how a comparison with Azure DevOps ended", async {
            let mut writing = self.writing().await?;
            let at = reconciliation.attempted_at.as_millisecond();
            let query = match &reconciliation.outcome {
                Ok(healed) => sqlx::query(DONE).bind(project.0).bind(at).bind(*healed),
                Err(words) => sqlx::query(FAILED).bind(project.0).bind(at).bind(words.clone()),
            };
            query.execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    /// Notes that something may have been missed, with words: the project is not live until a comparison was done.
    pub async fn owe_reconciliation(&self, project: ProjectId, words: &str) -> Result<()> {
        self.attempt("note that a comparison with Azure DevOps is due", async {
            let mut writing = self.writing().await?;
            sqlx::query(OWED).bind(project.0).bind(words).execute(writing.conn()).await?;
            writing.announce(Change::Hooks(project));
            self.commit(writing).await
        })
        .await
    }

    pub async fn reconciled(&self, project: ProjectId) -> Result<Reconciled> {
        self.attempt("read the last comparison with Azure DevOps", async { reconciled(&mut *self.reader().await?, project).await }).await
    }

    /// What there is to see of a project's webhooks.
    pub async fn hook_signs(&self, project: ProjectId, now: Timestamp) -> Result<Signs> {
        self.attempt("read how the webhooks stand", async { signs(&mut *self.snapshot().await?, project, now).await }).await
    }

    /// Whether the project is live, or why not.
    pub async fn live(&self, project: ProjectId, now: Timestamp) -> Result<Live> {
        Ok(self.hook_signs(project, now).await?.live(now))
    }

    /// Everything that says how the webhooks stand.
    pub async fn hook_health(&self, project: ProjectId, now: Timestamp) -> Result<HookHealth> {
        let receivers = self.leases_like(RECEIVER, now).await?;
        self.attempt("read how the webhooks stand", async {
            let mut conn = self.snapshot().await?;
            let signs = signs(&mut conn, project, now).await?;
            let mut health = HookHealth {
                live: signs.live(now),
                receivers: receivers
                    .into_iter()
                    .map(|lease| Receiver { name: lease.detail.unwrap_or(lease.holder), until: lease.until })
                    .collect(),
                subscriptions: signs.subscriptions,
                reconciled: signs.reconciled,
                ..HookHealth::default()
            };
            for row in sqlx::query(COUNTS).bind(project.0).fetch_all(&mut *conn).await? {
                let number = row.int("number")?;
                match row.borrowed("state")? {
                    "waiting" => health.waiting = number,
                    "dead" => health.dead = number,
                    "parked" => health.parked = number,
                    "quarantined" => health.quarantined = number,
                    _ => {}
                }
                health.last_delivery_at = health.last_delivery_at.max(row.maybe_instant("at")?);
            }
            for row in sqlx::query(SOURCES).bind(project.0).fetch_all(&mut *conn).await? {
                let numbers = match (row.maybe_int("first")?, row.maybe_int("last")?) {
                    (Some(first), Some(last)) => last.saturating_sub(first).saturating_add(1),
                    _ => 0,
                };
                health.sources.push(DeliverySource {
                    subscription: row.maybe_text("subscription")?.map(Guid::new),
                    deliveries: row.int("number")?,
                    last_at: row.instant("at")?,
                    gaps: numbers.saturating_sub(row.int("told")?).max(0),
                });
            }
            Ok(health)
        })
        .await
    }
}
