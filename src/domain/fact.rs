//! Facts as Azure DevOps states them, before the store gives them rows: what the client returns.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hook::SubscriptionState;
use super::id::{Guid, ObjectId};
use super::person::Identity;
use super::project::Deployment;
use super::pull_request::{MergeState, PullRequestStatus, Reviewer, Vote};
use super::work_item::{LinkTarget, WorkItem};

/// `connectionData`: who the token is, on which instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub me: Identity,
    pub instance: Option<Guid>,
    pub deployment: Deployment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub guid: Guid,
    pub name: String,
    pub description: Option<String>,
    /// `wellFormed` and others; only well-formed projects can be used.
    pub well_formed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub guid: Guid,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    pub guid: Guid,
    pub name: String,
    pub project: Guid,
    /// Without `refs/heads/`; absent for an empty repository.
    pub default_branch: Option<String>,
    pub disabled: bool,
    pub web_url: Option<String>,
    pub remote_url: Option<String>,
}

/// A branch and its tip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Without `refs/heads/`.
    pub name: String,
    pub tip: ObjectId,
    pub creator: Option<Identity>,
}

/// A file at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Without a leading slash.
    pub path: String,
    pub object: ObjectId,
    pub commit: ObjectId,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub id: ObjectId,
    pub author_name: String,
    pub author_email: String,
    pub authored_at: Option<Timestamp>,
    pub committed_at: Option<Timestamp>,
    /// Cut by the service in some lists: then `is_cut`.
    pub message: String,
    pub is_cut: bool,
    pub parents: Vec<ObjectId>,
    /// Absent where the answer has none, which is not the same as nothing changed.
    pub changes: Option<ChangeCounts>,
}

/// How many files a commit added, changed (renames included) and deleted. The service counts no lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCounts {
    pub added: i64,
    pub edited: i64,
    pub deleted: i64,
}

/// What a push made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    pub commit: ObjectId,
    pub old_tip: ObjectId,
}

/// A pull request as a list row or a get states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub number: i64,
    pub repository: Guid,
    pub repository_name: String,
    pub project: Option<Guid>,
    pub title: String,
    pub description: String,
    pub status: PullRequestStatus,
    pub is_draft: bool,
    /// Without `refs/heads/`.
    pub source_branch: String,
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

/// A pull request with what only a get of it states: the whole description, its commits, its work items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestDetail {
    pub pull_request: PullRequest,
    /// Newest first, without change counts.
    pub commits: Vec<Commit>,
    /// Work items linked to it, each once, by number.
    pub work_items: Vec<i64>,
}

/// A work item's link to something in Azure DevOps, as the work item states it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemLink {
    /// Absent for a build.
    pub repository: Option<Guid>,
    pub target: LinkTarget,
}

/// A work item with its own links to pull requests, commits and builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedWorkItem {
    pub item: WorkItem,
    pub links: Vec<ItemLink>,
}

/// Who takes part in a thread: a person, or a group (the service's own accounts are groups).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub identity: Identity,
    pub is_group: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: i64,
    pub parent: i64,
    pub author: Option<Identity>,
    pub author_is_group: bool,
    pub content: String,
    pub published_at: Option<Timestamp>,
    /// Written by the service (votes, pushes, status changes), not by a person.
    pub system: bool,
    pub deleted: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub id: i64,
    /// `active`, `fixed`, `closed` ...; absent on system threads.
    pub status: Option<String>,
    pub comments: Vec<Comment>,
    /// The file it hangs on, if any.
    pub file: Option<String>,
    pub deleted: bool,
    pub published_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Texts and numbers that hang on it: what the service says of its own threads, and marks that programs left.
    pub properties: BTreeMap<String, String>,
    /// Who the properties name, by the key that they use.
    pub identities: BTreeMap<String, Party>,
}

/// One policy of a pull request, evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEvaluation {
    pub id: String,
    pub name: String,
    /// `queued running approved rejected notApplicable broken`, or a word of a newer server.
    pub status: String,
    pub blocking: bool,
}

/// A branch policy that wants a number of approvals, in force and blocking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalPolicy {
    pub approvals: i64,
    /// Whether the author's own approval is one of them.
    pub creator_vote_counts: bool,
    pub scopes: Vec<PolicyScope>,
}

/// Where a branch policy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyScope {
    /// Absent: every repository of the project.
    pub repository: Option<Guid>,
    pub branches: PolicyBranches,
}

/// The branches that a policy covers; names with `refs/heads/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyBranches {
    All,
    Exact(String),
    Prefix(String),
    /// The default branch of each repository.
    Default,
}

/// A status posted on a pull request by a build or another tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckStatus {
    pub id: i64,
    pub context: String,
    /// `succeeded failed pending error notSet notApplicable`, or a word of a newer server.
    pub state: String,
    pub description: String,
    pub target_url: Option<String>,
}

/// A reviewer with the vote, as the reviewers endpoint states it.
pub type ReviewerVote = (Identity, Vote);

/// A publisher of service-hook events, and the types it publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookPublisher {
    pub id: String,
    /// Empty where the service does not list them.
    pub events: Vec<String>,
}

/// A service-hook subscription, ours or anybody's. Where it delivers may itself be a secret, so it is shown only on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct HookSubscription {
    pub id: Guid,
    /// Absent for a word that is not known; `status` has it.
    pub state: Option<SubscriptionState>,
    pub status: String,
    pub publisher: String,
    pub event_type: String,
    pub resource_version: Option<String>,
    pub consumer: String,
    pub url: Option<String>,
    pub publisher_inputs: BTreeMap<String, String>,
    /// Those that say what is sent; never a header or a password.
    pub consumer_inputs: BTreeMap<String, String>,
    /// Probes since it failed.
    pub probation_retries: i64,
    pub created_by: Option<Identity>,
}

impl fmt::Debug for HookSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookSubscription")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// A delivery as the service tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookNotification {
    pub number: i64,
    /// `queued`, `processing`, `requestInProgress`, `completed`.
    pub status: String,
    /// `pending`, `succeeded`, `failed`, `filtered`.
    pub result: String,
    pub event_type: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    pub attempts: i64,
    pub created_at: Option<Timestamp>,
}
