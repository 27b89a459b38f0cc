//! Removing: all of ours and only ours. A row leads to a subscription that still delivers to its address; one without a row is ours when
//! it delivers to an address of this project with a user name that kanado makes up.

use serde::Serialize;

use super::look::{Events, Overlap, Place};
use super::plan::leads_to;
use super::secret::is_own_user;
use super::turn::in_turn;
use super::url::{self, Address};
use crate::action::context::Context;
use crate::action::error::Result;
use crate::action::journal::{close_interrupted, kill_point};
use crate::domain::fact::HookSubscription;
use crate::domain::hook::{Publisher, Purpose, Subscription, SubscriptionState};
use crate::domain::id::Guid;
use crate::domain::project::Project;
use crate::notice::Explain as _;

/// The name of removal in tests of interruption.
const ACTION: &str = "hooks remove";

/// One of ours that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doomed {
    pub row: Option<i64>,
    pub remote: Guid,
    pub publisher: Publisher,
    pub event_type: String,
    pub url: String,
}

/// What removing would do.
#[derive(Debug, Clone, Serialize)]
pub struct Removal {
    pub project: String,
    pub doomed: Vec<Doomed>,
    /// Rows whose subscription is gone already, or became somebody else's.
    pub stale: Vec<i64>,
    /// Other people's hooks of the project, which stay.
    pub others: usize,
    /// Among them those that deliver to our receiver.
    pub overlaps: Vec<Overlap>,
}

/// What removing did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Removed {
    pub deleted: usize,
    /// Still there, with the reason: deleted at the next occasion.
    pub left: Vec<(String, String)>,
    pub others: usize,
}

/// Looks what there is of ours; changes nothing.
pub async fn plan(ctx: &Context, project: &Project) -> Result<Removal> {
    let place = Place::of(ctx, project).await?;
    removal(ctx, &place).await
}

async fn removal(ctx: &Context, place: &Place) -> Result<Removal> {
    let project = &place.project;
    let remote = place.remote(ctx, Events::Leave).await?;
    let known = place.known(ctx).await?;
    let base = ctx.config.webhooks.public_url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
    let mut removal = Removal { project: project.name.clone(), doomed: Vec::new(), stale: Vec::new(), others: 0, overlaps: Vec::new() };
    for known in &known {
        let event = known.row.purpose.event();
        let found = match &known.row.remote {
            Some(id) => remote.subscriptions.iter().find(|found| found.id == *id),
            None => remote.subscriptions.iter().find(|found| known.user.is_some() && user_of(found) == known.user.as_deref()),
        };
        match (found, &known.row.remote) {
            (Some(found), _) if leads_to(found, &known.row.url) => removal.doomed.push(doomed(Some(known.row.id), found, event.publisher)),
            // Somebody pointed it elsewhere.
            (Some(_), _) => removal.stale.push(known.row.id),
            // It was not listed, or could not be asked for: deleting it will tell.
            (None, Some(id)) => removal.doomed.push(Doomed {
                row: Some(known.row.id),
                remote: id.clone(),
                publisher: event.publisher,
                event_type: event.event_type.to_owned(),
                url: known.row.url.clone(),
            }),
            (None, _) => removal.stale.push(known.row.id),
        }
    }
    for found in &remote.subscriptions {
        if removal.doomed.iter().any(|doomed| doomed.remote == found.id) {
            continue;
        }
        if let Some(purpose) = orphan(found, &base, &project.guid) {
            removal.doomed.push(doomed(None, found, purpose.event().publisher));
        } else if super::plan::project_of(&found.publisher_inputs).is_some_and(|id| id.eq_ignore_ascii_case(project.guid.as_str())) {
            removal.others += 1;
            if !base.is_empty() {
                removal.overlaps.extend(Overlap::of(found, &base, project.guid.as_str()));
            }
        }
    }
    Ok(removal)
}

fn doomed(row: Option<i64>, found: &HookSubscription, publisher: Publisher) -> Doomed {
    let url = found.url.clone().unwrap_or_default();
    Doomed { row, remote: found.id.clone(), publisher, event_type: found.event_type.clone(), url }
}

fn user_of(found: &HookSubscription) -> Option<&str> {
    found.consumer_inputs.get("basicAuthUsername").map(String::as_str)
}

/// One of ours that no row knows.
fn orphan(found: &HookSubscription, base: &str, project: &Guid) -> Option<Purpose> {
    if base.is_empty() || !user_of(found).is_some_and(is_own_user) {
        return None;
    }
    match url::read(base, found.url.as_deref()?)? {
        Address::Purpose(guid, purpose) if guid == *project && purpose.event().event_type.eq_ignore_ascii_case(&found.event_type) => {
            Some(purpose)
        }
        _ => None,
    }
}

/// Deletes all of ours. What cannot be deleted now is marked, and [`sweep`] tries again.
pub async fn run(ctx: &Context, project: &Project) -> Result<Removed> {
    in_turn(ctx, project, carry_out(ctx, project)).await
}

async fn carry_out(ctx: &Context, project: &Project) -> Result<Removed> {
    // What an interrupted registration meant to finish is not wanted any more.
    close_interrupted(&ctx.store, &ctx.clock, super::ACTION, &project.prefix).await?;
    mark(ctx, project, None).await?;
    kill_point(ACTION, "mark", "recorded");
    let place = Place::of(ctx, project).await?;
    let removal = removal(ctx, &place).await?;
    let mut removed = Removed { others: removal.others, ..Removed::default() };
    for row in &removal.stale {
        ctx.store.drop_subscription(*row).await?;
    }
    for doomed in &removal.doomed {
        match place.client().delete_hook_subscription(doomed.publisher, &doomed.remote).await {
            Ok(()) => {
                kill_point(ACTION, "delete", "sent");
                if let Some(row) = doomed.row {
                    ctx.store.drop_subscription(row).await?;
                }
                removed.deleted += 1;
            }
            Err(error) => {
                if let Some(row) = doomed.row {
                    let words = error.to_string();
                    ctx.store.set_subscription_state(row, SubscriptionState::Removing, Some(&words), ctx.clock.now()).await?;
                }
                removed.left.push((doomed.event_type.clone(), error.notice().text));
            }
        }
    }
    // What was answered is one thing, what is there another.
    if removed.left.is_empty() && !removal.doomed.is_empty() {
        let after = place.remote(ctx, Events::Leave).await?;
        for doomed in &removal.doomed {
            if after.subscriptions.iter().any(|found| found.id == doomed.remote) {
                removed.deleted -= 1;
                removed.left.push((doomed.event_type.clone(), "Azure DevOps lists it still".to_owned()));
            }
        }
    }
    Ok(removed)
}

/// Marks every row of a project for removal.
async fn mark(ctx: &Context, project: &Project, problem: Option<&str>) -> Result<()> {
    for row in ctx.store.subscriptions(project.id).await? {
        if row.state != SubscriptionState::Removing {
            ctx.store.set_subscription_state(row.id, SubscriptionState::Removing, problem, ctx.clock.now()).await?;
        }
    }
    Ok(())
}

/// Deletes what earlier attempts could not, of all projects; says how many went. Failures are written down and not raised: the next sweep
/// tries again.
pub async fn sweep(ctx: &Context) -> Result<usize> {
    let mut gone = 0;
    for row in ctx.store.removing_subscriptions().await? {
        match sweep_one(ctx, &row).await {
            Ok(()) => gone += 1,
            Err(error) => {
                let words = error.to_string();
                ctx.store.set_subscription_state(row.id, SubscriptionState::Removing, Some(&words), ctx.clock.now()).await?;
            }
        }
    }
    Ok(gone)
}

async fn sweep_one(ctx: &Context, row: &Subscription) -> Result<()> {
    let project = ctx.project(row.project).await?;
    let place = Place::of(ctx, &project).await?;
    let event = row.purpose.event();
    let found = match &row.remote {
        Some(id) => place.client().hook_subscription(event.publisher, id).await?,
        None => {
            let user = place.known(ctx).await?.into_iter().find(|known| known.row.id == row.id).and_then(|known| known.user);
            let all = place.client().find_hook_subscriptions(&project.guid, &event).await?;
            all.into_iter().find(|found| user.is_some() && user_of(found) == user.as_deref())
        }
    };
    if let Some(found) = found.filter(|found| leads_to(found, &row.url)) {
        place.client().delete_hook_subscription(event.publisher, &found.id).await?;
    }
    Ok(ctx.store.drop_subscription(row.id).await?)
}
