//! A pull request and all that hangs on it: reviewers, threads, statuses, labels, iterations, merge state.
//!
//! Words of the enums are the wire's. `merge` is the state of the last attempt to merge the tips; completing is
//! asked for by `completion_queued` and done later by the settling step, as on the service.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Extra;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrState {
    Active,
    Abandoned,
    Completed,
}

impl PrState {
    pub fn word(self) -> &'static str {
        match self {
            PrState::Active => "active",
            PrState::Abandoned => "abandoned",
            PrState::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MergeStatus {
    NotSet,
    Queued,
    Conflicts,
    Succeeded,
    RejectedByPolicy,
    Failure,
}

impl MergeStatus {
    pub fn word(self) -> &'static str {
        match self {
            MergeStatus::NotSet => "notSet",
            MergeStatus::Queued => "queued",
            MergeStatus::Conflicts => "conflicts",
            MergeStatus::Succeeded => "succeeded",
            MergeStatus::RejectedByPolicy => "rejectedByPolicy",
            MergeStatus::Failure => "failure",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MergeStrategy {
    #[default]
    NoFastForward,
    Squash,
    Rebase,
    RebaseMerge,
}

impl MergeStrategy {
    pub fn word(self) -> &'static str {
        match self {
            MergeStrategy::NoFastForward => "noFastForward",
            MergeStrategy::Squash => "squash",
            MergeStrategy::Rebase => "rebase",
            MergeStrategy::RebaseMerge => "rebaseMerge",
        }
    }
}

/// The last (or queued) merge of source into target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Merge {
    pub status: MergeStatus,
    pub source: String,
    pub target: String,
    /// The preview's commit; after completion the commit that is on the target.
    pub commit: Option<String>,
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CompletionOptions {
    pub strategy: MergeStrategy,
    pub delete_source_branch: bool,
    pub message: Option<String>,
    pub transition_work_items: bool,
    pub bypass_policy: bool,
    pub bypass_reason: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reviewer {
    pub id: Uuid,
    /// 10, 5, 0, -5, -10.
    pub vote: i8,
    pub is_required: bool,
    pub has_declined: bool,
    pub is_flagged: bool,
}

impl Reviewer {
    pub fn new(id: Uuid) -> Self {
        Reviewer { id, vote: 0, is_required: false, has_declined: false, is_flagged: false }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Label {
    pub id: Uuid,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThreadStatus {
    Active,
    Fixed,
    WontFix,
    Closed,
    ByDesign,
    Pending,
}

impl ThreadStatus {
    pub fn word(self) -> &'static str {
        match self {
            ThreadStatus::Active => "active",
            ThreadStatus::Fixed => "fixed",
            ThreadStatus::WontFix => "wontFix",
            ThreadStatus::Closed => "closed",
            ThreadStatus::ByDesign => "byDesign",
            ThreadStatus::Pending => "pending",
        }
    }

    /// Whether the "Comment requirements" policy still waits for it.
    pub fn is_open(self) -> bool {
        matches!(self, ThreadStatus::Active | ThreadStatus::Pending)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommentKind {
    Text,
    System,
    CodeChange,
}

impl CommentKind {
    pub fn word(self) -> &'static str {
        match self {
            CommentKind::Text => "text",
            CommentKind::System => "system",
            CommentKind::CodeChange => "codeChange",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comment {
    pub id: i32,
    pub parent: i32,
    pub author: Uuid,
    /// Gone when the comment was deleted.
    pub content: Option<String>,
    pub kind: CommentKind,
    pub published: Timestamp,
    pub last_updated: Timestamp,
    pub last_content_updated: Timestamp,
    pub is_deleted: bool,
    #[serde(default)]
    pub liked_by: Vec<Uuid>,
}

/// A value of a property bag: the wire names the type beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Property {
    Text(String),
    Number(i64),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Thread {
    pub id: i32,
    pub published: Timestamp,
    pub last_updated: Timestamp,
    pub comments: Vec<Comment>,
    /// Absent on system threads.
    pub status: Option<ThreadStatus>,
    /// Where in a file the thread sits, as it was sent.
    pub context: Option<serde_json::Value>,
    pub pull_request_context: Option<serde_json::Value>,
    pub properties: BTreeMap<String, Property>,
    /// People that system properties refer to by index ("1", "2", ...).
    pub identities: Vec<Uuid>,
    pub is_deleted: bool,
    #[serde(default)]
    pub extra: Extra,
}

impl Thread {
    /// Whether the service wrote it itself (votes, pushes, state changes).
    pub fn is_system(&self) -> bool {
        self.comments.iter().any(|comment| comment.kind == CommentKind::System)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StatusState {
    NotSet,
    Pending,
    Succeeded,
    Failed,
    Error,
    NotApplicable,
}

impl StatusState {
    pub fn word(self) -> &'static str {
        match self {
            StatusState::NotSet => "notSet",
            StatusState::Pending => "pending",
            StatusState::Succeeded => "succeeded",
            StatusState::Failed => "failed",
            StatusState::Error => "error",
            StatusState::NotApplicable => "notApplicable",
        }
    }
}

/// A status of a pull request or of a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PrStatus {
    pub id: i32,
    pub state: StatusState,
    pub description: Option<String>,
    pub context_name: String,
    pub context_genre: Option<String>,
    pub target_url: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub created_by: Uuid,
    /// The iteration it was posted to, if not to the whole pull request.
    pub iteration: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IterationReason {
    Create,
    Push,
    ForcePush,
    Retarget,
}

impl IterationReason {
    pub fn word(self) -> &'static str {
        match self {
            IterationReason::Create => "create",
            IterationReason::Push => "push",
            IterationReason::ForcePush => "forcePush",
            IterationReason::Retarget => "retarget",
        }
    }
}

/// The source and target as they were after one push.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Iteration {
    pub id: i32,
    pub author: Uuid,
    pub created: Timestamp,
    pub source: String,
    pub target: String,
    pub common: Option<String>,
    pub reason: IterationReason,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PullRequest {
    pub id: i32,
    pub repository: Uuid,
    pub state: PrState,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub title: String,
    pub description: Option<String>,
    pub source_ref: String,
    pub target_ref: String,
    pub is_draft: bool,
    pub merge_id: Uuid,
    pub merge: Merge,
    pub reviewers: Vec<Reviewer>,
    pub labels: Vec<Label>,
    pub threads: Vec<Thread>,
    pub statuses: Vec<PrStatus>,
    pub work_items: Vec<i32>,
    pub iterations: Vec<Iteration>,
    pub completion: Option<CompletionOptions>,
    /// Set between the request to complete and its outcome.
    pub completion_queued: Option<Timestamp>,
    pub closed_by: Option<Uuid>,
    pub closed: Option<Timestamp>,
    pub auto_complete_set_by: Option<Uuid>,
    /// Its commits are not in git (loaded data): it is shown and never changed.
    #[serde(default)]
    pub read_only: bool,
    #[serde(default)]
    pub extra: Extra,
}

impl PullRequest {
    /// An active pull request whose merge has not been tried yet.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        id: i32,
        repository: Uuid,
        created_by: Uuid,
        created: Timestamp,
        title: &str,
        (source_ref, source): (&str, &str),
        (target_ref, target): (&str, &str),
    ) -> Self {
        PullRequest {
            id,
            repository,
            state: PrState::Active,
            created_by,
            created,
            title: title.to_owned(),
            description: None,
            source_ref: source_ref.to_owned(),
            target_ref: target_ref.to_owned(),
            is_draft: false,
            merge_id: Uuid::new_v5(&repository, format!("merge {id}").as_bytes()),
            merge: Merge { status: MergeStatus::Queued, source: source.to_owned(), target: target.to_owned(), commit: None, failure: None },
            reviewers: Vec::new(),
            labels: Vec::new(),
            threads: Vec::new(),
            statuses: Vec::new(),
            work_items: Vec::new(),
            iterations: vec![Iteration {
                id: 1,
                author: created_by,
                created,
                source: source.to_owned(),
                target: target.to_owned(),
                common: None,
                reason: IterationReason::Create,
            }],
            completion: None,
            completion_queued: None,
            closed_by: None,
            closed: None,
            auto_complete_set_by: None,
            read_only: false,
            extra: Extra::new(),
        }
    }

    pub fn is_active(&self) -> bool {
        self.state == PrState::Active
    }

    pub fn reviewer(&self, id: Uuid) -> Option<&Reviewer> {
        self.reviewers.iter().find(|reviewer| reviewer.id == id)
    }

    pub fn reviewer_mut(&mut self, id: Uuid) -> Option<&mut Reviewer> {
        self.reviewers.iter_mut().find(|reviewer| reviewer.id == id)
    }

    pub fn thread_mut(&mut self, id: i32) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|thread| thread.id == id)
    }

    /// The newest status of a context; older ones of the same context no longer count.
    pub fn latest_status(&self, name: &str) -> Option<&PrStatus> {
        self.statuses.iter().rev().find(|status| status.context_name.eq_ignore_ascii_case(name))
    }
}
