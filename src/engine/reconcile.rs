//! Compares projects with Azure DevOps: on start, every so often, after an outage, and when asked. One process at a time for a project.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::Works;
use super::hearing::heard;
use super::keep::backoff;
use crate::action::lease::{self, Held};
use crate::action::{self, Context, Error, holder, rate_limit};
use crate::ado::ErrorKind;
use crate::domain::change::Change;
use crate::domain::health::Reconciled;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::notice::{Explain as _, inert};
use crate::store::Reconciliation;
use crate::sync::reconcile::{self, Ask, Compared, Depth, Expected};

/// A lease holds for this long, and is held on to while the work goes on.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
const HOLD_ON: SignedDuration = SignedDuration::from_secs(40);
/// A comparison that failed is repeated after this long, and later and later.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Projects compared at the same time.
const AT_ONCE: usize = 3;

/// What is remembered of a project between two turns.
#[derive(Debug, Clone, Copy, Default)]
struct Course {
    failures: u32,
    /// Somebody else was comparing it, and has the lease until then.
    held_until: Option<Timestamp>,
}

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    // Before the first look: what comes in between is heard.
    let mut changes = works.store().subscribe();
    let mut courses: BTreeMap<ProjectId, Course> = BTreeMap::new();
    while !works.token.is_cancelled() {
        let now = works.now();
        let mut next = now + works.options.reconcile_every;
        let mut due = Vec::new();
        for project in works.store().projects().await? {
            let course = courses.get(&project.id).copied().unwrap_or_default();
            let known = works.store().reconciled(project.id).await?;
            let at = due_at(&known, works.options.reconcile_every, course.failures).max(course.held_until.unwrap_or(Timestamp::MIN));
            if works.asked.take(project.id) {
                due.push((project, Why::Asked));
            } else if at <= now {
                due.push((project, Why::Due));
            } else {
                next = next.min(at);
            }
        }
        if !due.is_empty() {
            let turns: Vec<_> = stream::iter(due)
                .map(|(project, why)| {
                    let works = &works;
                    async move { (project.id, one(works, &project, why).await) }
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            for (project, turn) in turns {
                let course = courses.entry(project).or_default();
                course.held_until = None;
                match turn? {
                    Turn::Done => {
                        course.failures = 0;
                        works.look.ask(project);
                    }
                    Turn::Failed => course.failures = course.failures.saturating_add(1),
                    Turn::SomebodyElses(until) => course.held_until = Some(until),
                }
            }
            // When each is due again follows from how these ended.
            continue;
        }
        tokio::select! {
            () = works.token.cancelled() => {}
            () = works.asked.notify.notified() => {}
            () = heard(&mut changes, |change| matches!(change, Change::Hooks(_) | Change::Project(_))) => {}
            () = works.wait_until(Some(next)) => {}
        }
    }
    Ok(())
}

/// When a project is to be compared again.
fn due_at(known: &Reconciled, every: SignedDuration, failures: u32) -> Timestamp {
    match (&known.failed, known.attempted_at, known.done_at) {
        (Some(_), Some(attempted), _) => attempted + backoff(failures.max(1), AGAIN, every),
        (None, _, Some(done)) => done + every,
        // Owed, or never done.
        (Some(_), None, _) | (None, _, None) => Timestamp::MIN,
    }
}

/// Why a comparison is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Due,
    Asked,
}

/// How a turn ended.
enum Turn {
    Done,
    Failed,
    /// Another process compares it, and has the lease until then.
    SomebodyElses(Timestamp),
}

async fn one(works: &Works, project: &Project, why: Why) -> action::Result<Turn> {
    if let Some(Held { until, .. }) = lease::take(&works.ctx, &lease_of(project), &works.holder, LEASE).await? {
        return Ok(Turn::SomebodyElses(until));
    }
    let known = works.store().reconciled(project.id).await?;
    if why == Why::Due && due_at(&known, works.options.reconcile_every, 0) > works.now() {
        // Somebody did it between the look and the lease.
        works.store().release_lease(&lease_of(project), &works.holder, works.now()).await?;
        return Ok(Turn::Done);
    }
    match under_lease(&works.ctx, project, &works.holder, why).await {
        Ok(compared) => {
            tracing::info!(changed = compared.changed.len(), healed = compared.healed, "{} was compared", inert(&project.name));
            Ok(Turn::Done)
        }
        Err(error) => {
            tracing::warn!("could not compare {}: {}", inert(&project.name), inert(&error.to_string()));
            if matches!(error.ado_kind(), Some(ErrorKind::BadToken | ErrorKind::TokenExpired)) {
                // Another token may have been set since.
                works.ctx.clients.forget(project.organisation).await;
            }
            Ok(Turn::Failed)
        }
    }
}

/// Compares a project now, whoever else runs; waits while another process does.
///
/// # Errors
/// What was found before the call that failed is kept.
pub async fn now(ctx: &Context, project: &Project) -> action::Result<Compared> {
    let holder = holder::name();
    let mut changes = ctx.store.subscribe();
    while let Some(Held { by, until }) = lease::take(ctx, &lease_of(project), &holder, LEASE).await? {
        tokio::select! {
            () = holder::gone(&by) => {}
            () = ctx.clock.wait_until(until) => {}
            () = heard(&mut changes, |change| matches!(change, Change::Hooks(_))) => {}
        }
    }
    under_lease(ctx, project, &holder, Why::Asked).await
}

fn lease_of(project: &Project) -> String {
    format!("reconcile:{}", project.id)
}

/// Compares, writes down how that ended, and lets go of the lease.
async fn under_lease(ctx: &Context, project: &Project, holder: &str, why: Why) -> action::Result<Compared> {
    let attempted_at = ctx.clock.now();
    let compared = tokio::select! {
        compared = compare(ctx, project, why) => compared,
        never = hold_on(ctx, project, holder) => match never {},
    };
    let outcome = match &compared {
        Ok(compared) => Ok(compared.healed),
        Err(error) => Err(short(error)),
    };
    ctx.store.record_reconciled(project.id, &Reconciliation { attempted_at, outcome }).await?;
    ctx.store.release_lease(&lease_of(project), holder, ctx.clock.now()).await?;
    compared
}

async fn compare(ctx: &Context, project: &Project, why: Why) -> action::Result<Compared> {
    let signs = ctx.store.hook_signs(project.id, ctx.clock.now()).await?;
    // What no list shows may have changed while nothing arrived.
    let depth = if why == Why::Asked || signs.reconciled.failed.is_some() { Depth::Details } else { Depth::Lists };
    let ask = Ask { expected: Expected::of(&signs), last: signs.reconciled.done_at, depth, done_on_merge: ctx.config.board.done_on_merge };
    let organisation = ctx.organisation(project.organisation).await?;
    let acting = ctx.clients.acting(&organisation).await?;
    let asked = [(organisation.id, acting.client.clone())];
    Ok(rate_limit::keeping(ctx, &asked, reconcile::project(&ctx.store, &acting.client, &ctx.clock, project, &ask)).await?)
}

/// Holds on to the lease for as long as the comparison takes. Lost, it is no harm: two comparisons find what one finds.
async fn hold_on(ctx: &Context, project: &Project, holder: &str) -> Infallible {
    loop {
        ctx.clock.wait_until(ctx.clock.now() + HOLD_ON).await;
        let now = ctx.clock.now();
        if let Err(error) = ctx.store.hold_lease(&lease_of(project), holder, None, now + LEASE, now).await {
            tracing::debug!("{error}");
        }
    }
}

/// Why it failed, short enough for a status bar where that is possible.
fn short(error: &Error) -> String {
    match error.ado_kind() {
        Some(ErrorKind::Offline | ErrorKind::TimedOut | ErrorKind::Proxy) => "Azure DevOps is out of reach".to_owned(),
        Some(ErrorKind::Throttled { .. }) => "Azure DevOps asked us to wait".to_owned(),
        Some(ErrorKind::ServerError { status }) => format!("Azure DevOps answers {status}"),
        Some(ErrorKind::BadToken | ErrorKind::TokenExpired) => "the token is refused".to_owned(),
        Some(ErrorKind::ProjectMissing) => "the project is gone, or hidden from the token".to_owned(),
        _ => error.notice().text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_due_when_it_is_owed_or_old_and_later_after_each_failure() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let every = SignedDuration::from_mins(15);
        let known = |attempted: Option<i64>, done: Option<i64>, failed: Option<&str>| Reconciled {
            attempted_at: attempted.map(at),
            done_at: done.map(at),
            failed: failed.map(str::to_owned),
            ..Reconciled::default()
        };
        assert_eq!(due_at(&known(None, None, None), every, 0), Timestamp::MIN);
        assert_eq!(due_at(&known(Some(5), Some(5), None), every, 0), at(20));
        assert_eq!(due_at(&known(None, Some(5), Some("catching up")), every, 3), Timestamp::MIN);
        let failed = known(Some(10), Some(5), Some("offline"));
        let waits = [0, 1, 2, 3, 20].map(|failures| due_at(&failed, every, failures).duration_since(at(10)).as_secs());
        for (wait, longest) in waits.into_iter().zip([30, 30, 60, 120, 900]) {
            assert!((longest * 8 / 10 - 1..=longest).contains(&wait), "{wait} of {longest}");
        }
    }
}
