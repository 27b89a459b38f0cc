//! How well a project is kept up with: whether events arrive by themselves, what is waiting, what went wrong.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hook::Subscription;
use super::id::Guid;

/// Whether a project's pull requests are followed as they change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum Live {
    /// A receiver is there, and every subscription that moves cards is enabled: what the store knows is how it is.
    Now,
    /// No webhooks were set up: looking is the only way.
    #[default]
    Off,
    /// They were set up and do not work, in a few words: `no receiver since 3m`, `2 hooks on probation`.
    Broken(String),
}

/// A process that receives deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Host, process and address, for a person.
    pub name: String,
    /// It is taken for gone at this moment unless it says otherwise.
    pub until: Timestamp,
}

/// What arrived for one subscription, ours or one that a person made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverySource {
    pub subscription: Option<Guid>,
    pub deliveries: i64,
    pub last_at: Timestamp,
    /// Numbers that are missing between the first and the last notification kept: a sign of loss, not a proof.
    pub gaps: i64,
}

/// The last comparison of a project with Azure DevOps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    pub attempted_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failed: Option<String>,
    /// Differences that it found and hooks should have told of: the last time, and in all.
    pub healed_last: i64,
    pub healed_total: i64,
}

/// How a project's webhooks stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookHealth {
    pub live: Live,
    pub receivers: Vec<Receiver>,
    pub subscriptions: Vec<Subscription>,
    pub sources: Vec<DeliverySource>,
    /// Deliveries by what became of them.
    pub waiting: i64,
    pub dead: i64,
    pub parked: i64,
    pub quarantined: i64,
    pub last_delivery_at: Option<Timestamp>,
    pub reconciled: Reconciled,
}
