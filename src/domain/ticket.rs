//! A ticket: what the spec says of it, and what the board knows besides.
//!
//! Title, description, parent story and criteria are projections of the spec's text (`domain::spec`): the text is the truth, and is
//! parsed again whenever it changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{MemberId, ObjectId, ProjectId, RepositoryId, TicketKey};
use super::status::Status;

pub use super::filter::Filter;

/// One acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    pub text: String,
    pub ticked: bool,
}

/// How urgent a ticket is; 1 is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// From 1 (most urgent) to 4.
    pub fn new(level: u8) -> Option<Self> {
        (1..=4).contains(&level).then_some(Self(level))
    }

    pub fn level(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        Self::new(level).ok_or_else(|| format!("priority {level} is not between 1 and 4"))
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// The pull request a ticket follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PullRequestRef {
    pub repository: RepositoryId,
    pub number: i64,
}

/// When a ticket reached each status for the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub pr_opened_at: Option<Timestamp>,
    pub merged_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
}

/// A ticket of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub key: TicketKey,
    pub project: ProjectId,
    pub title: String,
    pub description: String,
    pub parent_story: Option<String>,
    pub criteria: Vec<Criterion>,
    pub assignee: Option<MemberId>,
    pub repository: Option<RepositoryId>,
    /// Without `refs/heads/`. Set when work starts.
    pub branch: Option<String>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    /// In hours.
    pub estimate_hours: Option<f64>,
    /// Tickets that must be finished first.
    pub dependencies: Vec<TicketKey>,
    pub status: Status,
    pub pull_request: Option<PullRequestRef>,
    /// What a person should know about the last change made from outside.
    pub notice: Option<String>,
    pub archived: bool,
    pub times: Times,
    /// Grows by one with each write; a write that names an older one is refused.
    pub version: i64,
}

/// The text of a ticket's spec, and how it stands to the branch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecState {
    /// What the person has: the last text saved here.
    pub text: String,
    /// The text that was last pushed to, or pulled from, the branch; absent before the first push.
    pub base_text: Option<String>,
    /// The blob id of `base_text` on the branch.
    pub base_object: Option<ObjectId>,
    /// The blob id last seen on the branch, when a look found another one than `base_object`.
    pub remote_object: Option<ObjectId>,
    /// Grows by one with each save.
    pub revision: i64,
}

/// How a spec stands to its branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecBadge {
    /// Never pushed.
    Local,
    /// Pushed, and changed here since.
    Draft,
    /// The branch holds this text.
    Pushed,
    /// Somebody changed it on the branch.
    ChangedOnBranch,
}

impl SpecState {
    pub fn badge(&self) -> SpecBadge {
        match (&self.base_text, &self.remote_object) {
            (None, _) => SpecBadge::Local,
            (Some(_), Some(remote)) if self.base_object.as_ref() != Some(remote) => SpecBadge::ChangedOnBranch,
            (Some(base), _) if *base != self.text => SpecBadge::Draft,
            _ => SpecBadge::Pushed,
        }
    }
}
