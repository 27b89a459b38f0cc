//! Looks after the hooks: asks how they stand, makes those anew that Azure DevOps gave up on, and has the project compared when events
//! were lost meanwhile.
//!
//! Limits: what a person disabled or deleted is shown and left alone, until something else of the project has to be made anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Works;
use super::keep::backoff;
use crate::action::{self, Error, Reporter, hooks, lease};
use crate::config::Access;
use crate::domain::hook::{Subscription, SubscriptionState};
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::notice::{Explain as _, inert};

const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Making anew that does not help is tried less and less often.
const REPAIR_AFTER: SignedDuration = SignedDuration::from_mins(5);
const REPAIR_AT_LEAST: SignedDuration = SignedDuration::from_hours(2);

/// What is remembered of a project between two looks.
#[derive(Default)]
struct Seen {
    out_of_reach: bool,
    repairs: u32,
    repair_at: Option<Timestamp>,
}

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    let mut seen: BTreeMap<ProjectId, Seen> = BTreeMap::new();
    let mut next = works.now();
    while !works.token.is_cancelled() {
        let now = works.now();
        let due = now >= next;
        if due {
            next = now + EVERY;
        }
        for project in works.store().projects().await? {
            let asked = works.look.take(project.id);
            if (due || asked) && !works.token.is_cancelled() {
                let turn = if asked { Turn::Asked } else { Turn::Regular };
                look(&works, &project, turn, seen.entry(project.id).or_default()).await?;
            }
        }
        tokio::select! {
            () = works.token.cancelled() => {}
            () = works.look.notify.notified() => {}
            () = works.wait_until(Some(next)) => {}
        }
    }
    Ok(())
}

/// Why it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Once in a while, by one process.
    Regular,
    Asked,
}

async fn look(works: &Works, project: &Project, turn: Turn, seen: &mut Seen) -> action::Result<()> {
    let before = works.store().subscriptions(project.id).await?;
    if before.iter().all(|one| one.state == SubscriptionState::Removing) {
        return Ok(());
    }
    let now = works.now();
    let name = format!("hooks:{}", project.id);
    // Kept until the next look is due: several processes look as often as one.
    let others = lease::take(&works.ctx, &name, &works.holder, EVERY - SignedDuration::from_secs(10)).await?;
    if others.is_some() && turn == Turn::Regular {
        return Ok(());
    }
    match hooks::look(&works.ctx, project).await {
        Err(error) => {
            seen.out_of_reach |= error.is_transient();
            tracing::warn!("could not ask how the hooks of {} stand: {}", inert(&project.name), inert(&error.to_string()));
            return Ok(());
        }
        Ok(_) if seen.out_of_reach => {
            seen.out_of_reach = false;
            works.store().owe_reconciliation(project.id, "catching up: Azure DevOps was out of reach", works.now()).await?;
        }
        Ok(_) => {}
    }
    let found = works.store().subscriptions(project.id).await?;
    let had_failed = before.iter().any(loses_events);
    let fails = found.iter().any(loses_events);
    let after = if found.iter().any(needs_repair) && may_repair(works, seen, now) {
        repair(works, project, seen, now).await;
        works.store().subscriptions(project.id).await?
    } else {
        if !found.iter().any(needs_repair) {
            *seen = Seen::default();
        }
        found
    };
    let fails_still = after.iter().any(loses_events);
    let words = match (had_failed, fails, fails_still) {
        // What was lost until now can be had at once; what will be, only when it is over.
        (false, true, true) => Some("catching up: hooks fail"),
        (_, true, false) | (true, false, _) => Some("catching up: hooks had failed"),
        (true, true, true) | (false, false, _) => None,
    };
    if let Some(words) = words {
        works.store().owe_reconciliation(project.id, words, works.now()).await?;
    }
    Ok(())
}

/// Whether events are lost while it stands so.
fn loses_events(one: &Subscription) -> bool {
    use SubscriptionState::{DisabledByInactiveIdentity, DisabledBySystem, DisabledByUser, Missing, OnProbation};
    matches!(one.state, OnProbation | DisabledBySystem | DisabledByUser | DisabledByInactiveIdentity | Missing)
}

/// Whether Azure DevOps gave up on it, and no person did.
fn needs_repair(one: &Subscription) -> bool {
    use SubscriptionState::{DisabledByInactiveIdentity, DisabledBySystem, OnProbation};
    matches!(one.state, OnProbation | DisabledBySystem | DisabledByInactiveIdentity)
}

fn may_repair(works: &Works, seen: &Seen, now: Timestamp) -> bool {
    let config = &works.ctx.config;
    // Deliveries must have somewhere to go, or the new one fails like the old one.
    config.access == Access::ReadWrite
        && config.webhooks.public_url.is_some()
        && works.options.receiver.is_some()
        && seen.repair_at.is_none_or(|at| at <= now)
}

async fn repair(works: &Works, project: &Project, seen: &mut Seen, now: Timestamp) {
    seen.repairs = seen.repairs.saturating_add(1);
    seen.repair_at = Some(now + backoff(seen.repairs, REPAIR_AFTER, REPAIR_AT_LEAST));
    let made: Result<_, Error> = hooks::register(&works.ctx, project, hooks::Renew::Broken, &Reporter::silent()).await;
    match made {
        Ok(made) => tracing::info!(replaced = made.replaced.len(), "hooks of {} were made anew", inert(&project.name)),
        Err(error) => tracing::warn!("could not make the hooks of {} anew: {}", inert(&project.name), inert(&error.to_string())),
    }
}
