//! Pipelines and what they did, as Azure DevOps states it: definitions, builds, stages, environments, classic releases.
//!
//! Limits: words that this version does not know become `Unknown`, and count as nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::id::{Guid, ObjectId};
use super::person::Identity;

/// What runs: a pipeline (YAML or designer) whose runs are builds, or a classic release definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionKind {
    Pipeline,
    Release,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub kind: DefinitionKind,
    pub number: i64,
    pub name: String,
    /// The folder, `\` at the top.
    pub path: String,
    pub repository: Option<Guid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    NotStarted,
    InProgress,
    Cancelling,
    Postponed,
    Completed,
    Unknown,
}

/// How a whole run ended; absent while it has not (`result: none`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    Succeeded,
    PartiallySucceeded,
    Failed,
    Canceled,
    Unknown,
}

/// A run of a pipeline. Times are absent where the service says null or year 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The id, unique in the organisation.
    pub number: i64,
    /// What people see: `20261121.3`.
    pub label: String,
    pub definition: i64,
    pub definition_name: String,
    pub repository: Option<Guid>,
    /// The full ref: `refs/heads/main`, `refs/pull/12/merge`.
    pub branch: Option<String>,
    pub sha: Option<ObjectId>,
    /// `manual`, `individualCI`, `pullRequest`, `schedule` ...
    pub reason: String,
    pub status: RunStatus,
    pub result: Option<RunResult>,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub requested_for: Option<Identity>,
    pub tags: Vec<String>,
    pub web_url: Option<String>,
}

impl Build {
    /// The pull request whose merge it builds, from its ref.
    pub fn pull_request(&self) -> Option<i64> {
        self.branch.as_deref()?.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
    }
}

/// How a stage, or a classic environment, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageResult {
    Succeeded,
    SucceededWithIssues,
    Failed,
    /// After it had started, or before: `started_at` tells.
    Canceled,
    Skipped,
    Abandoned,
    /// Somebody refused the approval.
    Rejected,
    /// Waiting, for an approval or an agent, or never reached.
    Pending,
    Running,
    Unknown,
}

/// A stage of a run in the timeline, one attempt of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The `refName` or identifier in YAML, which does not change between attempts.
    pub name: String,
    /// What people see.
    pub display_name: String,
    pub attempt: i64,
    pub result: StageResult,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// When a checkpoint (an approval or a check) of it began and ended, where the timeline shows one.
    pub approval_from: Option<Timestamp>,
    pub approval_to: Option<Timestamp>,
    /// The timelines of the attempts before this one, as far as the service names them.
    pub earlier: Vec<Guid>,
}

/// A stage of a run as it stands, with what keeps it from beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub stage: Stage,
    /// Absent: nothing does, or its turn has not come.
    pub gate: Option<Gate>,
}

/// A checkpoint before a stage that is not passed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub since: Option<Timestamp>,
    /// What is open; empty where the timeline does not name it.
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// An approval, by its id.
    Approval(Guid),
    /// Anything else, by a name for people: `Exclusive lock`. Text from outside.
    Other(String),
}

/// An approval that a deployment of a classic release waits for before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRelease {
    pub environment: String,
    pub since: Option<Timestamp>,
    pub approval: Approval,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub number: i64,
    pub name: String,
}

/// A record of a deployment job into an environment. Only finished ones are listed by the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    pub number: i64,
    pub environment: i64,
    pub definition: i64,
    pub definition_name: String,
    /// The build that deployed.
    pub run: i64,
    pub stage: String,
    pub stage_attempt: i64,
    pub job: String,
    pub job_attempt: i64,
    pub result: StageResult,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// A deployment of a classic release into one of its environments, one attempt of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseDeployment {
    pub number: i64,
    pub definition: i64,
    pub definition_name: String,
    pub release: i64,
    pub release_name: String,
    pub environment: String,
    pub attempt: i64,
    pub result: StageResult,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Of the primary artifact.
    pub sha: Option<ObjectId>,
    pub branch: Option<String>,
    pub repository: Option<Guid>,
    /// The build that the primary artifact is.
    pub build: Option<i64>,
    pub web_url: Option<String>,
}

/// A push to one branch, as its ref update says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchPush {
    pub number: i64,
    /// Without `refs/heads/`.
    pub branch: String,
    pub old: ObjectId,
    pub new: ObjectId,
    pub at: Timestamp,
    pub pusher: Option<Identity>,
}
