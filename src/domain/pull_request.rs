//! A pull request as the board knows it: what Azure DevOps said, from which source, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{ObjectId, RepositoryId};
use super::person::Identity;

/// The life-cycle of a pull request. Merged is `Completed`, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestStatus {
    Active,
    Completed,
    Abandoned,
    /// A value this version does not know. Never treated as any of the others.
    Unknown,
}

/// What a merge of the two tips gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeState {
    NotSet,
    Queued,
    Conflicts,
    Succeeded,
    RejectedByPolicy,
    Failure,
}

/// A reviewer's vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    Rejected,
    WaitingForAuthor,
    None,
    ApprovedWithSuggestions,
    Approved,
}

impl Vote {
    /// From the wire's number; anything unknown counts as no vote.
    pub fn from_wire(number: i64) -> Self {
        match number {
            10 => Self::Approved,
            5 => Self::ApprovedWithSuggestions,
            -5 => Self::WaitingForAuthor,
            -10 => Self::Rejected,
            _ => Self::None,
        }
    }

    pub fn to_wire(self) -> i64 {
        match self {
            Self::Approved => 10,
            Self::ApprovedWithSuggestions => 5,
            Self::None => 0,
            Self::WaitingForAuthor => -5,
            Self::Rejected => -10,
        }
    }
}

/// A person or group asked to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    pub identity: Identity,
    pub vote: Vote,
    pub required: bool,
    pub is_group: bool,
}

/// How a fact reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A service hook: shown as `live`.
    Hook,
    /// A list or get call: shown as `poll`.
    Poll,
    /// The answer to a change of our own: shown as `poll`.
    Action,
}

/// Policies and status checks of a pull request, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checks {
    pub passed: u32,
    pub failed: u32,
    pub pending: u32,
}

/// Discussion threads that people wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Threads {
    pub unresolved: u32,
    pub resolved: u32,
}

/// What Azure DevOps says of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub repository: RepositoryId,
    pub number: i64,
    pub title: String,
    /// Lists cut it at 400 characters; a get gives it whole.
    pub description: String,
    pub status: PullRequestStatus,
    pub is_draft: bool,
    /// Without `refs/heads/`.
    pub source_branch: String,
    /// Without `refs/heads/`.
    pub target_branch: String,
    pub author: Identity,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub merge: MergeState,
    pub auto_complete: bool,
    pub reviewers: Vec<Reviewer>,
    pub labels: Vec<String>,
    pub source_commit: Option<ObjectId>,
    pub target_commit: Option<ObjectId>,
    pub merge_commit: Option<ObjectId>,
}

/// A pull request with what we fetched besides, and how fresh it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPullRequest {
    pub facts: PullRequest,
    pub repository_name: String,
    /// The page people open.
    pub web_url: Option<String>,
    pub checks: Option<Checks>,
    pub threads: Option<Threads>,
    pub source: Source,
    pub seen_at: Timestamp,
    /// When checks and threads were last read.
    pub detail_at: Option<Timestamp>,
}
