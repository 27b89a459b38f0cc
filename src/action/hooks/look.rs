//! Looking: what is registered, how it stands, who else delivers to us. Writes down the states it finds; changes nothing at Azure DevOps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{Known, Remote, Wanted, leads_to, project_of};
use super::secret::user;
use super::url::{self, Insecure, PublicUrl};
use crate::action::context::{Account, Acting, Context};
use crate::action::error::{Error, Result};
use crate::ado::{self, Client, ErrorKind, NewHook};
use crate::domain::fact::HookSubscription;
use crate::domain::hook::{Publisher, Purpose, Subscription, SubscriptionState};
use crate::domain::id::Guid;
use crate::domain::project::{Organisation, Project};

/// Somebody else's hook that delivers to our receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overlap {
    pub remote: Guid,
    pub event_type: String,
    pub status: String,
    pub created_by: Option<String>,
    pub words: String,
}

/// What a look found.
#[derive(Debug, Clone, Serialize)]
pub struct Look {
    pub subscriptions: Vec<Subscription>,
    pub overlaps: Vec<Overlap>,
    /// Hooks of the project that have nothing to do with us.
    pub others: usize,
    /// Publishers that could not be asked, in words.
    pub unavailable: Vec<String>,
    /// Whose account asked.
    pub account: Account,
    /// Whether one of ours was seen to fail or to be gone: events were lost.
    pub lost_events: bool,
}

/// A project with the client that speaks for the team.
pub(super) struct Place {
    pub project: Project,
    pub organisation: Organisation,
    pub acting: Acting,
}

impl Place {
    pub async fn of(ctx: &Context, project: &Project) -> Result<Self> {
        let organisation = ctx.organisation(project.organisation).await?;
        let acting = ctx.clients.acting(&organisation).await?;
        Ok(Self { project: project.clone(), organisation, acting })
    }

    pub fn client(&self) -> &Client {
        &self.acting.client
    }

    /// The checked address of the receiver.
    pub fn public_url(&self, ctx: &Context) -> Result<PublicUrl> {
        let insecure = if ctx.config.hooks.allow_insecure_url { Insecure::Loopback } else { Insecure::Never };
        url::check(ctx.config.webhooks.public_url.as_deref(), self.organisation.deployment, insecure).map_err(Error::Refused)
    }

    /// The account's name, as subscriptions note whom they belong to.
    pub async fn identity(&self) -> Result<String> {
        let me = self.client().connection().await?.me;
        let whose = match self.acting.account {
            Account::Service => ", the service account",
            Account::Person => "",
        };
        Ok(if me.unique_name.is_empty() { me.display_name } else { format!("{} <{}>{whose}", me.display_name, me.unique_name) })
    }

    /// What is to be registered at this address.
    pub fn wanted(&self, base: &str) -> Vec<Wanted> {
        Purpose::ALL.into_iter().map(|purpose| Wanted { purpose, hook: hook(&self.project.guid, base, purpose) }).collect()
    }

    /// Our rows with the user names of their secrets.
    pub async fn known(&self, ctx: &Context) -> Result<Vec<Known>> {
        let accepted = ctx.store.accepted_secrets(ctx.clock.now()).await?;
        let names: BTreeMap<i64, String> =
            accepted.iter().filter_map(|secret| Some((secret.subscription?, user(&secret.digest)))).collect();
        let rows = ctx.store.subscriptions(self.project.id).await?;
        Ok(rows.into_iter().map(|row| Known { user: names.get(&row.id).cloned(), row }).collect())
    }

    /// Every web hook there is. Fails only where the main host refuses: release management may be missing. Who may not see the hooks of a
    /// project is given an empty list, so where none of ours is listed, one of them is asked for by itself: that is refused in words.
    pub async fn remote(&self, ctx: &Context, events: Events) -> Result<Remote> {
        let remote = self.listed(events).await?;
        let rows = ctx.store.subscriptions(self.project.id).await?;
        let asked = |row: &&Subscription| !remote.unavailable.iter().any(|(publisher, _)| *publisher == row.purpose.event().publisher);
        let ours: Vec<(&Subscription, &Guid)> = rows.iter().filter(asked).filter_map(|row| Some((row, row.remote.as_ref()?))).collect();
        let is_listed = |id: &Guid| remote.subscriptions.iter().any(|found| found.id == *id);
        if let Some((row, id)) = ours.first()
            && !ours.iter().any(|(_, id)| is_listed(id))
            && self.client().hook_subscription(row.purpose.event().publisher, id).await?.is_some()
        {
            return Err(Error::refused(
                format!("this account sees only some of the webhooks of {}", self.project.name),
                "use an account with the permission View subscriptions, such as a project administrator's",
            ));
        }
        Ok(remote)
    }

    async fn listed(&self, events: Events) -> Result<Remote> {
        let mut remote = Remote::default();
        for publisher in [Publisher::Tfs, Publisher::Pipelines, Publisher::ReleaseManagement] {
            match self.client().hook_subscriptions(publisher).await {
                Ok(found) => remote.subscriptions.extend(found),
                Err(error) if publisher == Publisher::Tfs => return Err(error.into()),
                Err(error) if is_missing(&error) => remote.unavailable.push((publisher, missing(publisher))),
                Err(error) => remote.unavailable.push((publisher, error.to_string())),
            }
        }
        if events == Events::Ask {
            for host in [Publisher::Tfs, Publisher::ReleaseManagement] {
                // Not told is not refused: then making it will tell.
                let Ok(publishers) = self.client().hook_publishers(host).await else { continue };
                if publishers.iter().any(|publisher| !publisher.events.is_empty()) {
                    remote.events.extend(publishers.into_iter().flat_map(|publisher| publisher.events));
                }
            }
        }
        Ok(remote)
    }
}

/// Whether it is asked what can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Events {
    Ask,
    Leave,
}

fn is_missing(error: &ado::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadRequest | ErrorKind::CollectionMissing)
}

fn missing(publisher: Publisher) -> String {
    match publisher {
        Publisher::ReleaseManagement => "this organisation has no release management".to_owned(),
        Publisher::Tfs | Publisher::Pipelines => format!("{} publishes nothing here", publisher.word()),
    }
}

/// What is asked for, as far as the secret does not decide it.
pub(super) fn hook(project: &Guid, base: &str, purpose: Purpose) -> NewHook {
    let event = purpose.event();
    let mut publisher_inputs = BTreeMap::from([("projectId".to_owned(), project.to_string())]);
    if let Some(kind) = event.notification_type {
        publisher_inputs.insert("notificationType".to_owned(), kind.to_owned());
    }
    NewHook { event, publisher_inputs, url: url::address(base, project, purpose), user: String::new() }
}

/// Asks how the project's webhooks stand and writes it down.
pub async fn look(ctx: &Context, project: &Project) -> Result<Look> {
    let place = Place::of(ctx, project).await?;
    let remote = place.remote(ctx, Events::Leave).await?;
    let mut lost_events = false;
    for row in ctx.store.subscriptions(project.id).await? {
        let publisher = row.purpose.event().publisher;
        if row.state == SubscriptionState::Removing || remote.unavailable.iter().any(|(unavailable, _)| *unavailable == publisher) {
            continue;
        }
        let Some(id) = &row.remote else { continue };
        let found = remote.subscriptions.iter().find(|found| found.id == *id).filter(|found| leads_to(found, &row.url));
        let (state, problem) = standing(found);
        lost_events |= state != SubscriptionState::Enabled;
        ctx.store.set_subscription_state(row.id, state, problem.as_deref(), ctx.clock.now()).await?;
    }
    let subscriptions = ctx.store.subscriptions(project.id).await?;
    let is_ours = |found: &&HookSubscription| subscriptions.iter().any(|row| row.remote.as_ref() == Some(&found.id));
    let base = place.public_url(ctx).ok().map(|url| url.base);
    let mut overlaps = Vec::new();
    let mut others = 0;
    for found in remote.subscriptions.iter().filter(|found| !is_ours(found)) {
        match base.as_deref().and_then(|base| Overlap::of(found, base, project.guid.as_str())) {
            Some(overlap) => overlaps.push(overlap),
            None if project_of(&found.publisher_inputs).is_some_and(|id| id.eq_ignore_ascii_case(project.guid.as_str())) => others += 1,
            None => {}
        }
    }
    Ok(Look {
        subscriptions,
        overlaps,
        others,
        unavailable: remote.unavailable.into_iter().map(|(publisher, words)| format!("{}: {words}", publisher.word())).collect(),
        account: place.acting.account,
        lost_events,
    })
}

/// The state of one of ours, and what is wrong with it in words.
fn standing(found: Option<&HookSubscription>) -> (SubscriptionState, Option<String>) {
    let again = "`kanado hooks register` makes it anew";
    let Some(found) = found else {
        return (SubscriptionState::Missing, Some(format!("somebody deleted it or pointed it elsewhere; {again}")));
    };
    let state = found.state.unwrap_or(SubscriptionState::Enabled);
    let problem = match found.state {
        Some(SubscriptionState::Enabled) => None,
        Some(SubscriptionState::OnProbation) => {
            Some(format!("a delivery failed; events are lost until a probe succeeds ({} so far), or {again}", found.probation_retries))
        }
        Some(SubscriptionState::DisabledByUser) => Some(format!("somebody disabled it; {again}")),
        Some(SubscriptionState::DisabledBySystem) => Some(format!("too many deliveries failed; {again}")),
        Some(SubscriptionState::DisabledByInactiveIdentity) => Some(format!("its account left or lost its rights; {again}")),
        _ => Some(format!("Azure DevOps says `{}`, which is not known here", crate::notice::inert(&found.status))),
    };
    (state, problem)
}
