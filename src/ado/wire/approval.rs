//! Approvals of stages of runs, and of deployments of classic releases: who is asked, and what each answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::identity::Reference;
use super::loose;
use crate::domain::approval::{self as fact, Approver, Needed, Order, StepState};
use crate::domain::id::Guid;
use crate::domain::run::PendingRelease;

/// Of a stage of a run, expanded by its steps.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    execution_order: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    min_required_approvers: Option<i64>,
    #[serde(default, deserialize_with = "loose::list")]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(default, deserialize_with = "loose::part")]
    assigned_approver: Option<Reference>,
    #[serde(default, deserialize_with = "loose::part")]
    actual_approver: Option<Reference>,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    order: Option<i64>,
}

fn is(word: Option<&str>, wanted: &str) -> bool {
    word.is_some_and(|word| word.eq_ignore_ascii_case(wanted))
}

/// What a status says; one that this version does not know is taken for open, for its approval is.
fn state(status: Option<&str>, by: Option<Approver>) -> StepState {
    match status.unwrap_or_default().to_ascii_lowercase().as_str() {
        "approved" => StepState::Approved { by },
        "rejected" | "skipped" | "canceled" | "cancelled" | "timedout" | "failed" | "completed" | "reassigned" => StepState::Over,
        _ => StepState::Open,
    }
}

/// Names of groups come with where they are: `[Harbor]\Pilots`.
fn approver(reference: Reference) -> Option<Approver> {
    let is_group = reference.is_container;
    let identity = reference.identity();
    let is_nobody = identity.id.as_str().is_empty() && identity.unique_name.is_empty();
    let name = match identity.display_name.split_once("]\\") {
        Some((place, name)) if is_group && place.starts_with('[') && !name.is_empty() => name.to_owned(),
        _ => identity.display_name,
    };
    (!is_nobody).then_some(Approver { id: identity.id, name, is_group })
}

impl Approval {
    /// Whether it is still waited for.
    pub fn is_open(&self) -> bool {
        state(self.status.as_deref(), None) == StepState::Open
    }

    pub fn fact(mut self) -> fact::Approval {
        self.steps.sort_by_key(|step| step.order.unwrap_or(i64::MAX));
        let needed = self.min_required_approvers.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        let is_sequence = is(self.execution_order.as_deref(), "inSequence");
        fact::Approval {
            id: Guid::new(&self.id),
            // Nought is how "all of them" is written.
            needed: needed.map_or(Needed::All, Needed::AtLeast),
            order: if is_sequence { Order::OneAfterTheOther } else { Order::Any },
            steps: self.steps.into_iter().filter_map(Step::fact).collect(),
        }
    }
}

impl Step {
    fn fact(self) -> Option<fact::Step> {
        let by = self.actual_approver.and_then(approver);
        Some(fact::Step { approver: self.assigned_approver.and_then(approver)?, state: state(self.status.as_deref(), by) })
    }
}

/// One of those whom a deployment of a classic release asks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfRelease {
    id: i64,
    #[serde(default, deserialize_with = "loose::part")]
    approver: Option<Reference>,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    approval_type: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_automated: bool,
    #[serde(default, deserialize_with = "loose::number")]
    rank: Option<i64>,
    #[serde(default, deserialize_with = "loose::time")]
    created_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::part")]
    release_environment: Option<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

/// What the deployments of a release wait for, one approval an environment.
pub fn of_release(mut rows: Vec<OfRelease>) -> Vec<PendingRelease> {
    rows.retain(|row| is(row.status.as_deref(), "pending") && !row.is_automated && !is(row.approval_type.as_deref(), "postDeploy"));
    rows.sort_by_key(|row| (row.rank.unwrap_or(i64::MAX), row.id));
    let mut found: BTreeMap<String, PendingRelease> = BTreeMap::new();
    for row in rows {
        let (Some(environment), Some(approver)) = (row.release_environment.and_then(|named| named.name), row.approver.and_then(approver))
        else {
            continue;
        };
        let pending = found.entry(environment.clone()).or_insert_with(|| PendingRelease {
            environment,
            since: row.created_on,
            approval: fact::Approval { id: Guid::new(row.id.to_string()), needed: Needed::NotTold, order: Order::Any, steps: Vec::new() },
        });
        pending.since = [pending.since, row.created_on].into_iter().flatten().min();
        pending.approval.steps.push(fact::Step { approver, state: StepState::Open });
    }
    found.into_values().collect()
}
