//! How a project's webhooks stand, read from what subscriptions, deliveries, receivers and reconciliations left behind.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{self, Columns};
use super::error::Result;
use super::leases::RECEIVER;
use super::{Store, hooks, leases};
use crate::domain::change::Change;
use crate::domain::health::{HookHealth, Live, Receiver, Reconciled, Signs};
use crate::domain::id::ProjectId;

/// A comparison of a project with Azure DevOps that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    pub attempted_at: Timestamp,
    /// Differences that hooks should have told of, or why it failed.
    pub outcome: Result<i64, String>,
}

queries! {
    RECONCILED = "SELECT attempted_at, done_at, failed, healed_last, healed_total FROM reconciliations WHERE project = $1";
    /// What came to be owed after it began is still owed.
    DONE = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, $2, $2, NULL, $3, $3) \
        ON CONFLICT (project) DO UPDATE SET \
        failed = CASE WHEN -reconciliations.attempted_at > excluded.attempted_at THEN reconciliations.failed ELSE NULL END, \
        attempted_at = CASE WHEN -reconciliations.attempted_at > excluded.attempted_at THEN reconciliations.attempted_at \
        ELSE excluded.attempted_at END, done_at = excluded.done_at, \
        healed_last = excluded.healed_last, healed_total = reconciliations.healed_total + excluded.healed_last";
    FAILED = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, $2, NULL, $3, 0, 0) \
        ON CONFLICT (project) DO UPDATE SET attempted_at = excluded.attempted_at, failed = excluded.failed";
    /// Since when it is owed, as a negative number: what is owed was not attempted since, and is due at once.
    OWED = "INSERT INTO reconciliations (project, attempted_at, done_at, failed, healed_last, healed_total) VALUES ($1, 0 - $2, NULL, $3, 0, 0) \
        ON CONFLICT (project) DO UPDATE SET attempted_at = excluded.attempted_at, failed = excluded.failed";
    SHOWN_SECRETS = "SELECT count(*) AS number FROM hook_secrets WHERE project = $1 AND subscription IS NULL \
        AND (expires_at IS NULL OR expires_at > $2)";
    LAST_EVENT = "SELECT received_at FROM deliveries WHERE project = $1 AND state NOT IN ('quarantined', 'test') ORDER BY id DESC LIMIT 1";
    NEWS = "SELECT b.body FROM deliveries d JOIN delivery_bodies b ON b.delivery = d.id \
        WHERE d.project = $1 AND (d.state = 'waiting' OR d.received_at >= $2) ORDER BY d.id DESC LIMIT $3";
}

async fn reconciled(conn: &mut AnyConnection, project: ProjectId) -> Result<Reconciled> {
    let Some(row) = sqlx::query(RECONCILED).bind(project.0).fetch_optional(conn).await? else { return Ok(Reconciled::default()) };
    Ok(Reconciled {
        attempted_at: Some(row.int("attempted_at")?).filter(|at| *at > 0).map(|at| column::instant(at, "attempted_at")).transpose()?,
        done_at: row.maybe_instant("done_at")?,
        failed: row.maybe_text("failed")?,
        healed_last: row.int("healed_last")?,
        healed_total: row.int("healed_total")?,
    })
}

async fn signs(conn: &mut AnyConnection, project: ProjectId, now: Timestamp) -> Result<Signs> {
    let shown = sqlx::query(SHOWN_SECRETS).bind(project.0).bind(now.as_millisecond()).fetch_one(&mut *conn).await?;
    let secret = shown.int("number")? > 0;
    let subscriptions = hooks::of_project(&mut *conn, project).await?;
    // With none of ours, whatever arrives comes from a hook that a person made.
    let manual_at = match secret && subscriptions.is_empty() {
        true => {
            sqlx::query(LAST_EVENT).bind(project.0).fetch_optional(&mut *conn).await?.map(|row| row.instant("received_at")).transpose()?
        }
        false => None,
    };
    let receiver_until = leases::newest_receiver(&mut *conn).await?;
    Ok(Signs { secret, subscriptions, manual_at, receiver_until, reconciled: reconciled(conn, project).await? })
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

    /// Notes that something may have been missed, with words: the project is not live until a comparison that begins now or later is done.
    pub async fn owe_reconciliation(&self, project: ProjectId, words: &str, now: Timestamp) -> Result<()> {
        self.attempt("note that a comparison with Azure DevOps is due", async {
            let mut writing = self.writing().await?;
            sqlx::query(OWED).bind(project.0).bind(now.as_millisecond()).bind(words).execute(writing.conn()).await?;
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
        let signs = self.hook_signs(project, now).await?;
        let counts = self.delivery_counts(project).await?;
        Ok(HookHealth {
            live: signs.live(now),
            receivers: receivers
                .into_iter()
                .map(|lease| Receiver { name: lease.detail.unwrap_or(lease.holder), until: lease.until })
                .collect(),
            subscriptions: signs.subscriptions,
            sources: self.delivery_sources(project).await?,
            waiting: counts.waiting,
            dead: counts.dead,
            parked: counts.parked,
            quarantined: counts.quarantined,
            last_delivery_at: counts.last_at,
            reconciled: signs.reconciled,
        })
    }

    /// The bodies of what is waiting, or arrived since, the latest first: what a look at Azure DevOps need not be the first to tell.
    pub async fn delivery_news(&self, project: ProjectId, since: Timestamp, limit: i64) -> Result<Vec<Vec<u8>>> {
        self.attempt("read the latest deliveries", async {
            let mut conn = self.reader().await?;
            Ok(sqlx::query_scalar(NEWS).bind(project.0).bind(since.as_millisecond()).bind(limit).fetch_all(&mut *conn).await?)
        })
        .await
    }
}
