//! The simulated organisation as data: people, tokens, projects, repositories, pull requests, policies, runs, work items.
//!
//! Plain serde structs with public fields. Git objects and refs are not here: they live in the bare
//! repositories beside `world.json`. What follows from the data (policy evaluations) is computed, not stored.
mod clock;
mod people;
mod places;
mod policy;
mod pull_request;
mod releases;
mod runs;
mod stages;
mod work_items;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use clock::{Clock, ado_date, git_date};
pub use people::{Directory, FULL_ACCESS, Token, TokenKind, User};
pub use places::{Denial, Organisation, Permission, Project, Push, RefFacts, RefMove, Repository, Service, Team, TeamMember};
pub use policy::{Evaluation, EvaluationStatus, Policy, PolicyKind, PolicyScope, RefMatch};
pub use pull_request::{
    Comment, CommentKind, CompletionOptions, Iteration, IterationReason, Label, Merge, MergeStatus, MergeStrategy, PrState, PrStatus,
    Property, PullRequest, Reviewer, StatusState, Thread, ThreadStatus,
};
pub use releases::{
    ApprovalStage, ArtifactSource, CommitNaming, DeploymentReason, DeploymentStatus, OperationStatus, Release, ReleaseApproval,
    ReleaseArtifact, ReleaseDefinition, ReleaseDeployment, ReleaseEnvironmentPlan, ReleaseStatus,
};
pub use runs::{
    Build, BuildReason, BuildResult, BuildStatus, Definition, DefinitionKind, Environment, EnvironmentDeployment, MissingTime, StagePlan,
    TimelineState,
};
pub use stages::{
    ApprovalOrder, ApprovalStatus, ApprovalTerms, CheckKind, JobRun, RecordResult, RecordState, StageApproval, StageAttempt, StageCheck,
    StageRun,
};
pub use work_items::{Relation, WorkItem};

/// Fields of a loaded object that the simulator does not model; they are given back as they came.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Forty zeros: "no object" on the wire.
pub const ZERO_ID: &str = "0000000000000000000000000000000000000000";

/// Everything the simulator knows besides git.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct World {
    pub organisation: Organisation,
    pub clock: Clock,
    pub users: Vec<User>,
    pub tokens: Vec<Token>,
    pub projects: Vec<Project>,
    pub repositories: Vec<Repository>,
    /// By pull request id, which is unique in the organisation.
    pub pull_requests: BTreeMap<i32, PullRequest>,
    pub policies: Vec<Policy>,
    pub pushes: Vec<Push>,
    /// Statuses of commits, by commit id.
    pub commit_statuses: BTreeMap<String, Vec<PrStatus>>,
    /// Commits of loaded data as they came, by the id of their pull request or repository.
    #[serde(default)]
    pub loaded_commits: BTreeMap<String, Vec<serde_json::Value>>,
    pub last_push_id: i32,
    pub last_policy_id: i32,
    pub last_thread_id: i32,
    pub last_pull_request_id: i32,
    /// Build definitions, by id.
    #[serde(default)]
    pub definitions: BTreeMap<i32, Definition>,
    #[serde(default)]
    pub builds: BTreeMap<i32, Build>,
    #[serde(default)]
    pub environments: BTreeMap<i32, Environment>,
    #[serde(default)]
    pub environment_deployments: BTreeMap<i64, EnvironmentDeployment>,
    #[serde(default)]
    pub release_definitions: BTreeMap<i32, ReleaseDefinition>,
    #[serde(default)]
    pub releases: BTreeMap<i32, Release>,
    #[serde(default)]
    pub release_deployments: BTreeMap<i32, ReleaseDeployment>,
    #[serde(default)]
    pub work_items: BTreeMap<i32, WorkItem>,
}

impl World {
    /// An organisation with nobody in it yet, its clock showing `start`.
    pub fn empty(name: &str, start: Timestamp) -> Self {
        World { organisation: Organisation::named(name), clock: Clock::showing(start), ..World::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn user(&self, id: Uuid) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A user by unique name (`alice@lumen.example`) or by its part before the `@`.
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.unique_name.eq_ignore_ascii_case(name) || user.alias().eq_ignore_ascii_case(name))
    }

    /// A project by GUID or, whatever the case, by name.
    pub fn project(&self, id_or_name: &str) -> Option<&Project> {
        match Uuid::try_parse(id_or_name) {
            Ok(id) => self.project_by_id(id),
            Err(_) => self.projects.iter().find(|project| same_name(&project.name, id_or_name)),
        }
    }

    pub fn project_by_id(&self, id: Uuid) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub fn repository(&self, id: Uuid) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.id == id)
    }

    pub fn repository_mut(&mut self, id: Uuid) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|repository| repository.id == id)
    }

    /// A repository by name within a project.
    pub fn repository_named(&self, project: Uuid, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.project == project && same_name(&repository.name, name))
    }

    pub fn pull_request(&self, id: i32) -> Option<&PullRequest> {
        self.pull_requests.get(&id)
    }

    pub fn pull_request_mut(&mut self, id: i32) -> Option<&mut PullRequest> {
        self.pull_requests.get_mut(&id)
    }

    pub fn next_pull_request_id(&mut self) -> i32 {
        let highest = self.pull_requests.keys().next_back().copied().unwrap_or(0);
        self.last_pull_request_id = self.last_pull_request_id.max(highest) + 1;
        self.last_pull_request_id
    }

    pub fn next_thread_id(&mut self) -> i32 {
        self.last_thread_id += 1;
        self.last_thread_id
    }

    pub fn next_push_id(&mut self) -> i32 {
        self.last_push_id += 1;
        self.last_push_id
    }

    pub fn next_policy_id(&mut self) -> i32 {
        self.last_policy_id += 1;
        self.last_policy_id
    }

    /// Policies that look at a pull request into `ref_name`, or at that branch itself.
    pub fn policies_for<'a>(&'a self, repository: &'a Repository, ref_name: &'a str) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().filter(move |policy| policy.project == repository.project && policy.covers(repository, ref_name))
    }

    /// Whether a blocking policy guards the branch, so that only pull requests may move it.
    pub fn protects(&self, repository: Uuid, ref_name: &str) -> bool {
        self.repository(repository)
            .is_some_and(|repository| self.policies_for(repository, ref_name).any(|policy| policy.is_enabled && policy.is_blocking))
    }

    /// How every policy that covers the pull request sees it now.
    pub fn evaluations(&self, pull_request: &PullRequest) -> Vec<Evaluation<'_>> {
        let Some(repository) = self.repository(pull_request.repository) else {
            return Vec::new();
        };
        self.policies
            .iter()
            .filter(|policy| {
                policy.is_enabled && policy.project == repository.project && policy.covers(repository, &pull_request.target_ref)
            })
            .map(|policy| policy.evaluate(pull_request))
            .collect()
    }

    /// Whether nothing that blocks is still open.
    pub fn policies_allow(&self, pull_request: &PullRequest) -> bool {
        self.evaluations(pull_request)
            .iter()
            .filter(|evaluation| evaluation.policy.is_blocking)
            .all(|evaluation| matches!(evaluation.status, EvaluationStatus::Approved | EvaluationStatus::NotApplicable))
    }
}

/// Names of projects and repositories are compared without case, as the service does.
pub fn same_name(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}
