//! Pipelines as data: build definitions, their runs with stages, attempts and jobs, environments and what was deployed to them.
//!
//! Words of the enums are the wire's. Ids are unique in the organisation; ids of timeline records follow from build, stage
//! and attempt, so none are kept. Deployment records follow from a run's jobs: `World::add_build` writes both.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::World;
use super::stages::{ApprovalTerms, CheckKind, RecordResult, StageRun};

/// Enums whose members have one word each on the wire.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($member:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum $name { $($member),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$member),+];

            pub fn word(self) -> &'static str {
                match self { $($name::$member => $word),+ }
            }

            /// By its word in any case.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.word().eq_ignore_ascii_case(word))
            }
        }
    };
}
pub(super) use words;

words! {
    BuildStatus {
        InProgress = "inProgress",
        Completed = "completed",
        Cancelling = "cancelling",
        Postponed = "postponed",
        NotStarted = "notStarted",
    }
}

words! {
    /// `None` is the service's own: a run that ended before it began.
    BuildResult {
        None = "none",
        Succeeded = "succeeded",
        PartiallySucceeded = "partiallySucceeded",
        Failed = "failed",
        Canceled = "canceled",
    }
}

words! {
    BuildReason {
        Manual = "manual",
        IndividualCI = "individualCI",
        BatchedCI = "batchedCI",
        Schedule = "schedule",
        UserCreated = "userCreated",
        PullRequest = "pullRequest",
        BuildCompletion = "buildCompletion",
        ResourceTrigger = "resourceTrigger",
    }
}

words! {
    DefinitionKind { Yaml = "yaml", Designer = "designer" }
}

/// A build definition, which is a pipeline too: same id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    pub id: i32,
    pub project: Uuid,
    pub name: String,
    /// Its folder: `\` or `\services`.
    pub path: String,
    pub repository: Uuid,
    /// `refs/heads/main`.
    pub default_branch: String,
    pub kind: DefinitionKind,
    /// Of a YAML definition.
    pub yaml_path: String,
    #[serde(default)]
    pub tags: Vec<String>,
    /// What a run goes through, in order; a designer definition has none.
    #[serde(default)]
    pub stages: Vec<StagePlan>,
    pub author: Uuid,
    pub created: Timestamp,
    pub revision: i32,
    #[serde(default)]
    pub is_deleted: bool,
}

impl Definition {
    pub fn new(id: i32, project: Uuid, name: &str, repository: Uuid, author: Uuid, created: Timestamp) -> Self {
        Definition {
            id,
            project,
            name: name.to_owned(),
            path: "\\".to_owned(),
            repository,
            default_branch: "refs/heads/main".to_owned(),
            kind: DefinitionKind::Yaml,
            yaml_path: "/azure-pipelines.yml".to_owned(),
            tags: Vec::new(),
            stages: Vec::new(),
            author,
            created,
            revision: 1,
            is_deleted: false,
        }
    }

    pub fn with_stages(mut self, stages: Vec<StagePlan>) -> Self {
        self.stages = stages;
        self
    }
}

/// A stage as the YAML names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StagePlan {
    /// Letters, digits and `_`: `DeployProd`.
    pub identifier: String,
    /// The display name; the identifier where none is given.
    pub name: String,
    /// The environment its deployment job goes to.
    #[serde(default)]
    pub environment: Option<i32>,
    /// People and groups who are asked to approve before the stage begins.
    #[serde(default)]
    pub approvers: Vec<Uuid>,
    #[serde(default)]
    pub terms: ApprovalTerms,
    /// What else has to be so before the stage begins, with its name where it has one.
    #[serde(default)]
    pub checks: Vec<(CheckKind, Option<String>)>,
}

impl StagePlan {
    pub fn new(identifier: &str) -> Self {
        StagePlan {
            identifier: identifier.to_owned(),
            name: identifier.to_owned(),
            environment: None,
            approvers: Vec::new(),
            terms: ApprovalTerms::default(),
            checks: Vec::new(),
        }
    }

    pub fn to(mut self, environment: i32) -> Self {
        self.environment = Some(environment);
        self
    }
}

/// How times that are not there are written: the service does all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingTime {
    #[default]
    Absent,
    Null,
    /// `0001-01-01T00:00:00`
    Sentinel,
}

/// What asking for a run's timeline gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimelineState {
    #[default]
    Kept,
    /// 204: the run never started.
    Empty,
    /// 404: retention has taken it.
    Gone,
}

/// One run of a definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Build {
    pub id: i32,
    pub project: Uuid,
    pub definition: i32,
    /// `20261122.3`
    pub number: String,
    pub repository: Uuid,
    /// `refs/heads/main`, or `refs/pull/7/merge` for a pull request.
    pub ref_name: String,
    pub sha: String,
    pub reason: BuildReason,
    pub status: BuildStatus,
    #[serde(default)]
    pub result: Option<BuildResult>,
    pub queued: Timestamp,
    #[serde(default)]
    pub started: Option<Timestamp>,
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// When anything about it changed last.
    pub changed: Timestamp,
    pub requested_by: Uuid,
    pub requested_for: Uuid,
    #[serde(default)]
    pub tags: Vec<String>,
    /// The pull request that it checks.
    #[serde(default)]
    pub pull_request: Option<i32>,
    /// First line of the commit that set it off.
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub stages: Vec<StageRun>,
    #[serde(default)]
    pub timeline: TimelineState,
    #[serde(default)]
    pub missing_times: MissingTime,
    #[serde(default)]
    pub is_deleted: bool,
}

impl Build {
    /// A queued run of the default branch.
    pub fn new(id: i32, definition: &Definition, sha: &str, queued: Timestamp, by: Uuid) -> Self {
        Build {
            id,
            project: definition.project,
            definition: definition.id,
            number: format!("{}.{id}", queued.strftime("%Y%m%d")),
            repository: definition.repository,
            ref_name: definition.default_branch.clone(),
            sha: sha.to_owned(),
            reason: BuildReason::IndividualCI,
            status: BuildStatus::NotStarted,
            result: None,
            queued,
            started: None,
            finished: None,
            changed: queued,
            requested_by: by,
            requested_for: by,
            tags: Vec::new(),
            pull_request: None,
            message: None,
            stages: Vec::new(),
            timeline: TimelineState::Kept,
            missing_times: MissingTime::Absent,
            is_deleted: false,
        }
    }

    /// Makes it the run that checks a pull request's merge.
    pub fn of_pull_request(mut self, pull_request: i32) -> Self {
        self.ref_name = format!("refs/pull/{pull_request}/merge");
        self.reason = BuildReason::PullRequest;
        self.pull_request = Some(pull_request);
        self
    }

    pub fn started_at(mut self, at: Timestamp) -> Self {
        self.start(at);
        self
    }

    pub fn finished_at(mut self, at: Timestamp, result: BuildResult) -> Self {
        self.finish(at, result);
        self
    }

    pub fn start(&mut self, at: Timestamp) {
        self.status = BuildStatus::InProgress;
        self.started = Some(at);
        self.changed = at;
    }

    pub fn finish(&mut self, at: Timestamp, result: BuildResult) {
        self.status = BuildStatus::Completed;
        self.result = Some(result);
        self.finished = Some(at);
        self.changed = at;
    }

    pub fn with_stages(mut self, stages: Vec<StageRun>) -> Self {
        self.stages = stages;
        self
    }

    /// A stage by identifier, in any case.
    pub fn stage_mut(&mut self, identifier: &str) -> Option<&mut StageRun> {
        self.stages.iter_mut().find(|stage| stage.identifier.eq_ignore_ascii_case(identifier))
    }

    /// The run's plan, of which its timeline is a view.
    pub fn plan_id(&self) -> Uuid {
        Uuid::new_v5(&self.project, format!("plan of build {}", self.id).as_bytes())
    }

    /// The approval of an attempt at a stage, the first is 1. Its record in the timeline has the same id.
    pub fn approval_id(&self, stage: &str, attempt: usize) -> Uuid {
        Uuid::new_v5(&self.plan_id(), format!("{stage} {attempt} approval").as_bytes())
    }
}

/// A YAML environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Environment {
    pub id: i32,
    pub project: Uuid,
    pub name: String,
    pub description: String,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub modified_by: Uuid,
    pub modified: Timestamp,
}

impl Environment {
    pub fn new(id: i32, project: Uuid, name: &str, by: Uuid, at: Timestamp) -> Self {
        Environment {
            id,
            project,
            name: name.to_owned(),
            description: String::new(),
            created_by: by,
            created: at,
            modified_by: by,
            modified: at,
        }
    }
}

/// A job of a run that went to an environment. Ref and commit are the run's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentDeployment {
    pub id: i64,
    pub project: Uuid,
    pub environment: i32,
    pub definition: i32,
    pub build: i32,
    /// The stage's identifier.
    pub stage: String,
    pub job: String,
    pub stage_attempt: i32,
    pub job_attempt: i32,
    pub queued: Timestamp,
    #[serde(default)]
    pub started: Option<Timestamp>,
    #[serde(default)]
    pub finished: Option<Timestamp>,
    #[serde(default)]
    pub result: Option<RecordResult>,
}

impl World {
    pub fn definition(&self, id: i32) -> Option<&Definition> {
        self.definitions.get(&id)
    }

    pub fn build(&self, id: i32) -> Option<&Build> {
        self.builds.get(&id)
    }

    pub fn environment(&self, id: i32) -> Option<&Environment> {
        self.environments.get(&id)
    }

    pub fn next_definition_id(&self) -> i32 {
        after(self.definitions.keys())
    }

    pub fn next_build_id(&self) -> i32 {
        after(self.builds.keys())
    }

    pub fn next_environment_id(&self) -> i32 {
        after(self.environments.keys())
    }

    /// Whether somebody may answer for whoever was asked: for themselves, and for a team that they are in.
    pub fn answers_for(&self, person: Uuid, asked: Uuid) -> bool {
        let group = self.users.iter().find(|user| user.id == asked && user.is_container);
        let is_in = |user: &super::User| {
            self.projects.iter().any(|project| {
                let teams = project.teams.iter().filter(|team| user.display_name == format!("[{}]\\{}", project.name, team.name));
                teams.flat_map(|team| &team.members).any(|member| member.user == person)
            })
        };
        person == asked || group.is_some_and(is_in)
    }

    /// Keeps the run, and a deployment record for each of its jobs that went to an environment and began.
    /// A run that is kept again gets its new records only.
    pub fn add_build(&mut self, build: Build) {
        let known: Vec<(String, String, i32)> = self
            .builds
            .contains_key(&build.id)
            .then(|| self.environment_deployments.values().filter(|record| record.build == build.id))
            .into_iter()
            .flatten()
            .map(|record| (record.stage.clone(), record.job.clone(), record.stage_attempt))
            .collect();
        let mut next = self.environment_deployments.keys().next_back().map_or(1, |id| id + 1);
        for stage in &build.stages {
            for (attempt, run) in (1..).zip(&stage.attempts) {
                for job in &run.jobs {
                    let (Some(environment), Some(started)) = (job.environment, job.started) else { continue };
                    if let Some(place) =
                        known.iter().position(|(name, known, nth)| *name == stage.identifier && *known == job.name && *nth == attempt)
                    {
                        let (name, job_name, nth) = &known[place];
                        let record = self.environment_deployments.values_mut().find(|record| {
                            record.build == build.id && record.stage == *name && record.job == *job_name && record.stage_attempt == *nth
                        });
                        if let Some(record) = record {
                            (record.started, record.finished, record.result) = (job.started, job.finished, job.result);
                        }
                        continue;
                    }
                    let record = EnvironmentDeployment {
                        id: next,
                        project: build.project,
                        environment,
                        definition: build.definition,
                        build: build.id,
                        stage: stage.identifier.clone(),
                        job: job.name.clone(),
                        stage_attempt: attempt,
                        job_attempt: 1,
                        queued: run.approvals.iter().map(|approval| approval.since).min().unwrap_or(started),
                        started: job.started,
                        finished: job.finished,
                        result: job.result,
                    };
                    self.environment_deployments.insert(next, record);
                    next += 1;
                }
            }
        }
        self.builds.insert(build.id, build);
    }
}

/// The id after the highest; nothing is ever taken out, so none comes twice.
pub(super) fn after<'a>(mut ids: impl DoubleEndedIterator<Item = &'a i32>) -> i32 {
    ids.next_back().map_or(1, |id| id + 1)
}
