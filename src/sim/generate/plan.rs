//! What a generated organisation was planned to contain: the truth that figures about it can be held against.
//!
//! Nothing here was computed by code that computes figures: the generator decides these instants first and makes the
//! organisation from them. Limits: instants to 100 ns, commit dates to the second; names of repositories as they are now.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Size;
use crate::sim::world::PrState;

/// The plan of one generated organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub size: Size,
    pub seed: u64,
    /// What the world's clock showed at its making.
    pub start: Timestamp,
    /// Thirty days before. Nothing ends within some hours before or after it.
    pub window_from: Timestamp,
    pub counts: Counts,
    pub bots: Vec<Bot>,
    pub services: Vec<Service>,
    /// By number.
    pub pull_requests: Vec<PlannedPullRequest>,
    /// What was pushed to default branches without a pull request, by time; without what began a repository.
    pub pushes: Vec<PlannedPush>,
    /// By the time of their end, or of their run where none came.
    pub deployments: Vec<PlannedDeployment>,
    pub incidents: Vec<PlannedIncident>,
    pub renamed: Renamed,
    /// The repository that is gone, of which runs are left.
    pub deleted: Uuid,
}

/// What a collection of thirty days finds, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub projects: usize,
    pub repositories: usize,
    /// On default branches with a commit date in the window.
    pub commits: usize,
    /// Closed in the window, or open.
    pub pull_requests: usize,
    /// Finished in the window, or unfinished.
    pub builds: usize,
    /// Classic deployments that began in the window, to any environment.
    pub release_deployments: usize,
    pub work_items: usize,
    /// Closed before the window, beside those above.
    pub old_pull_requests: usize,
    pub old_builds: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bot {
    pub id: Uuid,
    pub name: String,
    pub unique_name: String,
    /// A service identity tells itself; another account has to be on a list.
    pub is_service_identity: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub project: String,
    pub repository: String,
    pub repository_id: Uuid,
    /// Of the pipeline or release definition that deploys.
    pub definition: i32,
    pub kind: Way,
    /// What says that it is production: environments, stages, or the pipeline's name.
    pub production: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// A YAML pipeline with environments.
    Environments,
    /// A YAML pipeline whose stages alone say it.
    Stages,
    /// A pipeline without stages whose name says it.
    PipelineName,
    /// A classic release definition.
    Classic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Nature {
    Ordinary,
    /// Title `Revert "..."`.
    Revert,
    /// Branch `hotfix/*` and a label.
    Hotfix,
    /// Opened by a service identity.
    ServiceBot,
    /// Opened by the account that belongs on the list of bots.
    ListedBot,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPullRequest {
    pub number: i32,
    pub project: String,
    pub repository: String,
    pub repository_id: Uuid,
    pub title: String,
    pub nature: Nature,
    pub state: PrState,
    /// The word of the wire.
    pub strategy: String,
    /// The earliest author date among its commits.
    pub first_author_date: Option<Timestamp>,
    pub created: Timestamp,
    /// Creation, or the last publication before the review; absent while it is a draft.
    pub ready: Option<Timestamp>,
    /// The first remark or vote by a person other than its author, before the merge.
    pub first_human_review: Option<Timestamp>,
    /// The approval by a person, still in force at the merge, with which there were as many as the branch policy asks for. Towards these
    /// the service counts approvals of machines too.
    pub completing_approval: Option<Timestamp>,
    /// All approvals by people that were in force at the merge.
    pub approvals_in_force: Vec<Timestamp>,
    pub required_approvals: usize,
    pub closed: Option<Timestamp>,
    pub merge_commit: Option<String>,
    /// Position of the merge on the default branch, the root being 0.
    pub position: Option<usize>,
    pub iterations: usize,
    pub work_items: Vec<i32>,
    /// Named in the branch.
    pub ticket: Option<String>,
    /// A reviewer's vote that no thread dates.
    pub has_undated_vote: bool,
    /// Author dates long before the creation.
    pub is_stale: bool,
    pub reverts: Option<i32>,
    /// The first successful production deployment that contains its merge and ended after it.
    pub deployed: Option<DeployedBy>,
    /// The runs that checked its merge: when each was queued, and when it ended.
    pub checks: Vec<(Timestamp, Option<Timestamp>)>,
}

/// A direct push: a change of its own, however many commits it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPush {
    pub project: String,
    pub repository: String,
    pub repository_id: Uuid,
    /// The new tip, and when it was written.
    pub sha: String,
    pub authored: Timestamp,
    pub at: Timestamp,
    /// On the default branch, the root being 0.
    pub position: usize,
    /// The first successful production deployment that contains it and ended after it.
    pub deployed: Option<DeployedBy>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployedBy {
    /// A build, or a release where the service is a classic one.
    pub run: i32,
    pub environment: String,
    pub at: Timestamp,
    /// The service's first success in the window: a collection that begins there knows no predecessor of it.
    pub is_first_in_window: bool,
    /// The deployed commit is the merge itself.
    pub is_exact: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedDeployment {
    pub project: String,
    pub repository: String,
    pub repository_id: Uuid,
    pub definition: i32,
    pub way: Way,
    /// A build, or a release where the service is a classic one.
    pub run: i32,
    /// The last one where there are several.
    pub environment: String,
    /// How many production stages the run has: regions.
    pub fan_out: usize,
    /// End of the first region, where there are several.
    pub first_region: Option<Timestamp>,
    /// End of the last production stage's final attempt; absent where nothing ran.
    pub at: Option<Timestamp>,
    pub queued: Timestamp,
    pub outcome: Outcome,
    /// Of the final attempt. Those before it failed, except where the run had been deployed before as a row of its own.
    pub attempt: usize,
    pub class: Class,
    pub sha: String,
    /// Position of the commit on the default branch, the root being 0; absent where the repository is gone.
    pub position: Option<usize>,
    pub in_window: bool,
    pub is_first_in_window: bool,
    /// The run failed later, in a stage after production.
    pub run_failed_after: bool,
    /// What happened to it afterwards.
    pub intervention: Option<Intervention>,
    /// Of YAML stages: from when to when each approval of its production stages was waited for, at any attempt, as far as it was answered.
    pub approvals: Vec<(Timestamp, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Succeeded,
    /// The stage succeeded with issues, and the run partially.
    SucceededWithIssues,
    Failed,
    /// By its condition, or because an earlier stage failed or was cancelled.
    Skipped,
    /// The approval was refused or timed out.
    Rejected,
    /// After it had begun.
    Cancelled,
    /// Waits or runs.
    Unfinished,
}

impl Outcome {
    pub fn is_success(self) -> bool {
        matches!(self, Outcome::Succeeded | Outcome::SucceededWithIssues)
    }
}

/// What a successful deployment was, by what it brought; what another one would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    Regular,
    /// The commit that was there already, or that had been and was taken back.
    Redeploy,
    /// An older commit than the one before.
    Rollback,
    /// Brought a hotfix.
    Hotfix,
    /// Brought a revert, and no hotfix.
    Revert,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intervention {
    pub why: Cause,
    /// The run that set it right, or the number of the incident.
    pub by: i32,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    Incident,
    Rollback,
    /// A hotfix or revert was deployed within a day.
    Fix,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedIncident {
    pub work_item: i32,
    pub project: String,
    pub area: String,
    pub created: Timestamp,
    pub resolved: Option<Timestamp>,
    /// The run whose deployment it followed, within 72 hours and with no other in between.
    pub run: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    pub repository: Uuid,
    pub old: String,
    pub new: String,
}

impl Plan {
    /// The plan of a pull request by number.
    pub fn pull_request(&self, number: i32) -> Option<&PlannedPullRequest> {
        self.pull_requests.iter().find(|row| row.number == number)
    }

    /// Those that reached production, by time.
    pub fn successes(&self) -> impl Iterator<Item = &PlannedDeployment> {
        self.deployments.iter().filter(|row| row.outcome.is_success())
    }
}
