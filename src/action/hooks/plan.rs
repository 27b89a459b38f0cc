//! What has to be done so that each purpose has one subscription that works: decided from what we wrote down and what there is. Pure.
//!
//! Compared are the project, the event, the address and the inputs that we set. Azure DevOps adds inputs of its own and answers masks, so
//! whole maps are never compared, and nothing is ever sent back.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::look::Overlap;
use super::secret::is_own_user;
use super::url::{self, Address};
use crate::ado::NewHook;
use crate::domain::fact::HookSubscription;
use crate::domain::hook::{Publisher, Purpose, Subscription, SubscriptionState};
use crate::domain::id::Guid;

/// A purpose that is to have a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub purpose: Purpose,
    /// Without its user name, which comes with the secret.
    pub hook: NewHook,
}

/// A row of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub row: Subscription,
    /// The user name that goes with its secret; absent where the secret is gone.
    pub user: Option<String>,
}

/// What is known of the other side.
#[derive(Debug, Clone, Default)]
pub struct Remote {
    pub subscriptions: Vec<HookSubscription>,
    /// Publishers that could not be asked, in words: nothing is known of theirs, so nothing of theirs is changed.
    pub unavailable: Vec<(Publisher, String)>,
    /// What is published; empty where that is not told.
    pub events: Vec<String>,
}

/// Why a subscription is made anew or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A new secret was asked for.
    Rotation,
    OnProbation,
    DisabledByUser,
    DisabledBySystem,
    InactiveIdentity,
    /// Somebody changed it, or the address is another one now.
    Changed(&'static str),
    /// Made by kanado, and no row of ours knows its secret any more.
    Orphan,
    /// There is a better one for the same purpose.
    Twice,
    /// It was to be deleted already.
    Removing,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rotation => "a new secret",
            Self::OnProbation => "it is on probation: events are lost meanwhile",
            Self::DisabledByUser => "somebody disabled it",
            Self::DisabledBySystem => "Azure DevOps disabled it after too many failures",
            Self::InactiveIdentity => "the account it belongs to left or lost its rights",
            Self::Changed(what) => what,
            Self::Orphan => "kanado made it, and its secret is no longer known here",
            Self::Twice => "there are two for the same",
            Self::Removing => "it was to be removed",
        })
    }
}

/// A subscription that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Old {
    /// Our row of it.
    pub row: Option<i64>,
    /// Its id at Azure DevOps, where it is still there.
    pub remote: Option<Guid>,
    pub publisher: Publisher,
    /// Whether it delivers at this moment.
    pub works: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// All is well.
    Keep { purpose: Purpose, row: i64 },
    /// A run that was cut off had made it: only our row has to learn its id.
    Adopt { purpose: Purpose, row: i64, remote: Guid },
    /// There is none. Rows that stand for nothing are dropped.
    Create { purpose: Purpose, stale: Vec<i64> },
    /// There is one, and it does not do: a new one first, then the old ones go.
    Recreate { purpose: Purpose, why: Why, old: Vec<Old>, stale: Vec<i64> },
    /// Ours, and one too many.
    Delete { purpose: Purpose, why: Why, old: Old },
    /// Somebody else's that delivers to us: told, never touched.
    Foreign { overlap: Overlap },
    /// Ours, and how it stands could not be asked.
    Leave { purpose: Purpose, why: String },
    /// This cannot be subscribed to here.
    Skip { purpose: Purpose, why: String },
}

impl Step {
    pub fn purpose(&self) -> Option<Purpose> {
        match self {
            Self::Keep { purpose, .. }
            | Self::Adopt { purpose, .. }
            | Self::Create { purpose, .. }
            | Self::Recreate { purpose, .. }
            | Self::Delete { purpose, .. }
            | Self::Leave { purpose, .. }
            | Self::Skip { purpose, .. } => Some(*purpose),
            Self::Foreign { .. } => None,
        }
    }

    /// Whether it mends what no person broke.
    pub(super) fn is_repair(&self) -> bool {
        match self {
            Self::Recreate { why, .. } => matches!(why, Why::OnProbation | Why::DisabledBySystem | Why::InactiveIdentity),
            Self::Keep { .. } | Self::Adopt { .. } | Self::Delete { .. } => true,
            Self::Create { .. } | Self::Foreign { .. } | Self::Leave { .. } | Self::Skip { .. } => false,
        }
    }

    /// Whether it changes anything at Azure DevOps.
    pub fn changes(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Recreate { .. } | Self::Delete { .. })
    }
}

/// How one subscription stands, as far as it decides what to do.
enum Standing {
    Good,
    Bad(Why),
}

/// The steps for a project. `renew_before`: whatever was made before this moment gets a new secret.
pub fn plan(wanted: &[Wanted], known: &[Known], remote: &Remote, base: &str, renew_before: Option<Timestamp>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut ours: Vec<&Guid> = Vec::new();
    for want in wanted {
        let event = want.hook.event;
        let unavailable = remote.unavailable.iter().find(|(publisher, _)| *publisher == event.publisher);
        let rows: Vec<&Known> = known.iter().filter(|known| known.row.purpose == want.purpose).collect();
        if let Some((_, words)) = unavailable {
            let (purpose, why) = (want.purpose, words.clone());
            steps.push(if rows.is_empty() { Step::Skip { purpose, why } } else { Step::Leave { purpose, why } });
            continue;
        }
        steps.extend(for_purpose(want, &rows, remote, renew_before, &mut ours));
    }
    let foreign = remote.subscriptions.iter().filter(|other| !ours.contains(&&other.id));
    let project = wanted.first().map(|want| project_of(&want.hook.publisher_inputs).unwrap_or_default().to_owned()).unwrap_or_default();
    steps.extend(foreign.filter_map(|other| Overlap::of(other, base, &project)).map(|overlap| Step::Foreign { overlap }));
    steps
}

fn for_purpose<'a>(
    want: &Wanted,
    rows: &[&Known],
    remote: &'a Remote,
    renew_before: Option<Timestamp>,
    ours: &mut Vec<&'a Guid>,
) -> Vec<Step> {
    let purpose = want.purpose;
    let mut steps = Vec::new();
    let mut good: Option<(&Known, &HookSubscription)> = None;
    let mut bad: Vec<(Why, Old)> = Vec::new();
    let mut stale = Vec::new();
    // The newest first: of two that are good, the older one goes.
    let mut newest_first = rows.to_vec();
    newest_first.sort_by_key(|known| std::cmp::Reverse(known.row.id));
    for known in newest_first {
        let Some(found) = counterpart(known, want, &remote.subscriptions) else {
            stale.push(known.row.id);
            continue;
        };
        ours.push(&found.id);
        let old = |works| Old { row: Some(known.row.id), remote: Some(found.id.clone()), publisher: want.hook.event.publisher, works };
        if known.row.state == SubscriptionState::Removing {
            steps.push(Step::Delete { purpose, why: Why::Removing, old: old(false) });
            continue;
        }
        match standing(want, known, found, renew_before) {
            Standing::Good if good.is_none() => good = Some((known, found)),
            Standing::Good => steps.push(Step::Delete { purpose, why: Why::Twice, old: old(true) }),
            Standing::Bad(why) => bad.push((why, old(matches!(why, Why::Rotation | Why::Changed(_))))),
        }
    }
    // Made by kanado for exactly this, and the row that knew its secret is gone.
    let orphans = remote.subscriptions.iter().filter(|found| {
        !ours.contains(&&found.id)
            && is_same(want, found)
            && found.consumer_inputs.get("basicAuthUsername").is_some_and(|name| is_own_user(name))
    });
    let orphans: Vec<&HookSubscription> = orphans.collect();
    for orphan in &orphans {
        ours.push(&orphan.id);
        let old = Old { row: None, remote: Some(orphan.id.clone()), publisher: want.hook.event.publisher, works: false };
        bad.push((Why::Orphan, old));
    }
    let main = match (good, bad.is_empty()) {
        (Some((known, found)), _) => {
            steps.extend(bad.into_iter().map(|(why, old)| Step::Delete { purpose, why, old }));
            match &known.row.remote {
                Some(_) => Step::Keep { purpose, row: known.row.id },
                None => Step::Adopt { purpose, row: known.row.id, remote: found.id.clone() },
            }
        }
        (None, false) => {
            let why = bad[0].0;
            Step::Recreate { purpose, why, old: bad.into_iter().map(|(_, old)| old).collect(), stale }
        }
        (None, true)
            if !remote.events.is_empty() && !remote.events.iter().any(|event| event.eq_ignore_ascii_case(want.hook.event.event_type)) =>
        {
            Step::Skip { purpose, why: format!("{} is not published here", want.hook.event.event_type) }
        }
        (None, true) => Step::Create { purpose, stale },
    };
    steps.insert(0, main);
    steps
}

/// The subscription that a row stands for: by its id, or, where the answer to its making was lost, by the user name of its secret. One
/// that somebody pointed elsewhere is theirs now.
fn counterpart<'a>(known: &Known, want: &Wanted, all: &'a [HookSubscription]) -> Option<&'a HookSubscription> {
    match &known.row.remote {
        Some(id) => {
            all.iter().find(|found| found.id == *id).filter(|found| leads_to(found, &known.row.url) || leads_to(found, &want.hook.url))
        }
        None => all.iter().find(|found| is_event(want, found) && known.user.as_deref() == presented(found)),
    }
}

pub(super) fn leads_to(found: &HookSubscription, url: &str) -> bool {
    found.url.as_deref().is_some_and(|address| address.trim_end_matches('/').eq_ignore_ascii_case(url.trim_end_matches('/')))
}

fn presented(found: &HookSubscription) -> Option<&str> {
    found.consumer_inputs.get("basicAuthUsername").map(String::as_str)
}

fn is_event(want: &Wanted, found: &HookSubscription) -> bool {
    let event = want.hook.event;
    found.publisher.eq_ignore_ascii_case(event.publisher.word())
        && found.event_type.eq_ignore_ascii_case(event.event_type)
        && same_word(found.publisher_inputs.get("notificationType"), event.notification_type)
        && project_of(&found.publisher_inputs)
            .is_some_and(|id| project_of(&want.hook.publisher_inputs).is_some_and(|own| id.eq_ignore_ascii_case(own)))
}

/// Exactly what we would make, the secret aside.
fn is_same(want: &Wanted, found: &HookSubscription) -> bool {
    is_event(want, found) && difference(want, found).is_none()
}

pub(super) fn project_of(inputs: &std::collections::BTreeMap<String, String>) -> Option<&str> {
    inputs.get("projectId").map(String::as_str)
}

/// An empty input means any, like one that is not there.
fn same_word(found: Option<&String>, wanted: Option<&str>) -> bool {
    found.map(String::as_str).unwrap_or_default().eq_ignore_ascii_case(wanted.unwrap_or_default())
}

/// Inputs of a publisher that make it tell less. We set none of them.
const FILTERS: [&str; 21] = [
    "repository",
    "branch",
    "pushedBy",
    "pullrequestCreatedBy",
    "pullrequestReviewersContains",
    "mergeResult",
    "definitionName",
    "buildStatus",
    "areaPath",
    "workItemType",
    "tag",
    "changedFields",
    "commentPattern",
    "pipelineId",
    "runStateId",
    "runResultId",
    "stageNameId",
    "stageStateId",
    "stageResultId",
    "releaseDefinitionId",
    "releaseEnvironmentId",
];

/// What of our own wishes somebody changed.
fn difference(want: &Wanted, found: &HookSubscription) -> Option<&'static str> {
    if !leads_to(found, &want.hook.url) {
        return Some("it delivers to another address");
    }
    if !is_event(want, found) {
        return Some("it tells of something else");
    }
    if FILTERS.iter().any(|name| found.publisher_inputs.get(*name).is_some_and(|value| !value.is_empty())) {
        return Some("it has a filter that leaves events out");
    }
    if found.resource_version.as_deref().is_some_and(|version| version != want.hook.event.resource_version) {
        return Some("it sends another version of the event");
    }
    let details = found.consumer_inputs.get("resourceDetailsToSend").map(String::as_str).unwrap_or_default();
    if !(details.is_empty() || details.eq_ignore_ascii_case("all")) {
        return Some("it does not send all details");
    }
    None
}

fn standing(want: &Wanted, known: &Known, found: &HookSubscription, renew_before: Option<Timestamp>) -> Standing {
    let why = match found.state {
        Some(SubscriptionState::OnProbation) => Some(Why::OnProbation),
        Some(SubscriptionState::DisabledByUser) => Some(Why::DisabledByUser),
        Some(SubscriptionState::DisabledBySystem) => Some(Why::DisabledBySystem),
        Some(SubscriptionState::DisabledByInactiveIdentity) => Some(Why::InactiveIdentity),
        // A word that is not known yet says nothing against it.
        _ => None,
    };
    let changed = || difference(want, found).map(Why::Changed);
    let user = || {
        let same = presented(found).is_none_or(|name| known.user.as_deref() == Some(name));
        (!same).then_some(Why::Changed("its user name or secret was changed"))
    };
    let secret = || known.user.is_none().then_some(Why::Changed("its secret is not accepted any more"));
    let rotation = || renew_before.is_some_and(|moment| known.row.created_at < moment).then_some(Why::Rotation);
    match why.or_else(changed).or_else(user).or_else(secret).or_else(rotation) {
        Some(why) => Standing::Bad(why),
        None => Standing::Good,
    }
}

impl Overlap {
    /// A hook that delivers to the receiver at `base` what the project is concerned with, and is not ours.
    pub(super) fn of(found: &HookSubscription, base: &str, project: &str) -> Option<Self> {
        let address = url::read(base, found.url.as_deref()?)?;
        let of_project = project_of(&found.publisher_inputs).is_some_and(|id| id.eq_ignore_ascii_case(project));
        let to_project =
            matches!(&address, Address::Purpose(guid, _) | Address::Project(guid) if guid.as_str().eq_ignore_ascii_case(project));
        if !of_project && !to_project {
            return None;
        }
        let words = if !of_project {
            "it tells of another project than its address says; what it delivers is kept aside"
        } else {
            match address {
                Address::Purpose(..) | Address::Project(_) | Address::ByBody => "it delivers what kanado's own hooks deliver too, or would",
                Address::Other => "its address is none that the receiver knows",
            }
        };
        Some(Self {
            remote: found.id.clone(),
            event_type: found.event_type.clone(),
            status: found.status.clone(),
            created_by: found.created_by.as_ref().map(|who| who.display_name.clone()),
            words: words.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
