//! Classic release pipelines as data: definitions, releases of them, and deployments of a release to an environment.
//!
//! Ids are unique in the organisation. A release's artifact names a build, whose commit is what was deployed.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::World;
use super::runs::{after, words};
use super::stages::ApprovalStatus;

words! {
    DeploymentStatus {
        Undefined = "undefined",
        NotDeployed = "notDeployed",
        InProgress = "inProgress",
        Succeeded = "succeeded",
        PartiallySucceeded = "partiallySucceeded",
        Failed = "failed",
    }
}

words! {
    /// Written with a capital on the wire.
    OperationStatus {
        Undefined = "Undefined",
        Queued = "Queued",
        Scheduled = "Scheduled",
        Pending = "Pending",
        Approved = "Approved",
        Rejected = "Rejected",
        Deferred = "Deferred",
        QueuedForAgent = "QueuedForAgent",
        PhaseInProgress = "PhaseInProgress",
        PhaseSucceeded = "PhaseSucceeded",
        PhasePartiallySucceeded = "PhasePartiallySucceeded",
        PhaseFailed = "PhaseFailed",
        Canceled = "Canceled",
        PhaseCanceled = "PhaseCanceled",
    }
}

words! {
    DeploymentReason {
        None = "none",
        Manual = "manual",
        Automated = "automated",
        Scheduled = "scheduled",
        RedeployTrigger = "redeployTrigger",
    }
}

words! {
    ReleaseStatus { Undefined = "undefined", Draft = "draft", Active = "active", Abandoned = "abandoned" }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseDefinition {
    pub id: i32,
    pub project: Uuid,
    pub name: String,
    /// Its folder: `\`.
    pub path: String,
    pub revision: i32,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub modified: Timestamp,
    /// The build definition whose runs are released, under an alias.
    pub artifact: ArtifactSource,
    /// In the order in which a release goes through them.
    pub environments: Vec<ReleaseEnvironmentPlan>,
    #[serde(default)]
    pub is_deleted: bool,
}

impl ReleaseDefinition {
    /// Environments get the ids `id * 100 + 1`, `+ 2` and so on.
    pub fn new(id: i32, project: Uuid, name: &str, artifact: ArtifactSource, environments: &[&str], by: Uuid, at: Timestamp) -> Self {
        ReleaseDefinition {
            id,
            project,
            name: name.to_owned(),
            path: "\\".to_owned(),
            revision: 1,
            created_by: by,
            created: at,
            modified: at,
            artifact,
            environments: (1..)
                .zip(environments)
                .map(|(rank, name)| ReleaseEnvironmentPlan { id: id * 100 + rank, name: (*name).to_owned(), rank, approvers: Vec::new() })
                .collect(),
            is_deleted: false,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtifactSource {
    pub alias: String,
    /// The build definition.
    pub definition: i32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseEnvironmentPlan {
    /// `definitionEnvironmentId` of deployments.
    pub id: i32,
    pub name: String,
    pub rank: i32,
    /// People of whom one has to approve before a deployment; nobody: it is automated.
    #[serde(default)]
    pub approvers: Vec<Uuid>,
}

/// A release: one set of artifacts on its way through the environments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    pub id: i32,
    pub project: Uuid,
    pub definition: i32,
    /// `Release-12`
    pub name: String,
    pub description: String,
    pub status: ReleaseStatus,
    /// `manual`, `continuousIntegration`.
    pub reason: String,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub artifact: ReleaseArtifact,
}

impl Release {
    pub fn new(id: i32, definition: &ReleaseDefinition, artifact: ReleaseArtifact, by: Uuid, created: Timestamp) -> Self {
        Release {
            id,
            project: definition.project,
            definition: definition.id,
            name: format!("Release-{id}"),
            description: String::new(),
            status: ReleaseStatus::Active,
            reason: "continuousIntegration".to_owned(),
            created_by: by,
            created,
            artifact,
        }
    }

    /// The id of the release's own copy of a definition's environment.
    pub fn environment_id(&self, plan: &ReleaseEnvironmentPlan) -> i32 {
        self.id.wrapping_mul(100).wrapping_add(plan.rank)
    }
}

/// The primary artifact: a run of a build definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseArtifact {
    pub build: i32,
    /// Whether the answer names the commit, or only the build that knows it.
    #[serde(default)]
    pub naming: CommitNaming,
}

impl ReleaseArtifact {
    pub fn of_build(build: i32) -> Self {
        ReleaseArtifact { build, naming: CommitNaming::InArtifact }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommitNaming {
    /// `definitionReference.sourceVersion` is there.
    #[default]
    InArtifact,
    /// Only `definitionReference.version`, the build.
    ByBuildOnly,
}

/// One attempt to deploy a release to one of its environments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseDeployment {
    pub id: i32,
    pub project: Uuid,
    pub release: i32,
    pub definition: i32,
    /// `ReleaseEnvironmentPlan::id`.
    pub environment: i32,
    pub attempt: i32,
    pub reason: DeploymentReason,
    pub status: DeploymentStatus,
    pub operation: OperationStatus,
    pub requested_by: Uuid,
    pub requested_for: Uuid,
    pub queued: Timestamp,
    /// `0001-01-01T00:00:00` on the wire while not there.
    #[serde(default)]
    pub started: Option<Timestamp>,
    #[serde(default)]
    pub completed: Option<Timestamp>,
    pub modified: Timestamp,
    pub modified_by: Uuid,
    #[serde(default)]
    pub approvals: Vec<ReleaseApproval>,
}

impl ReleaseDeployment {
    /// A queued first attempt.
    pub fn new(id: i32, release: &Release, environment: &ReleaseEnvironmentPlan, queued: Timestamp, by: Uuid) -> Self {
        ReleaseDeployment {
            id,
            project: release.project,
            release: release.id,
            definition: release.definition,
            environment: environment.id,
            attempt: 1,
            reason: DeploymentReason::Automated,
            status: DeploymentStatus::NotDeployed,
            operation: OperationStatus::Queued,
            requested_by: by,
            requested_for: by,
            queued,
            started: None,
            completed: None,
            modified: queued,
            modified_by: by,
            approvals: Vec::new(),
        }
    }

    /// Ran and ended.
    pub fn ran(mut self, started: Timestamp, completed: Timestamp, status: DeploymentStatus) -> Self {
        self.start(started);
        self.finish(completed, status);
        self
    }

    pub fn start(&mut self, at: Timestamp) {
        self.started = Some(at);
        self.modified = at;
        self.status = DeploymentStatus::InProgress;
        self.operation = OperationStatus::PhaseInProgress;
    }

    pub fn finish(&mut self, at: Timestamp, status: DeploymentStatus) {
        self.completed = Some(at);
        self.modified = at;
        self.status = status;
        self.operation = match status {
            DeploymentStatus::Succeeded => OperationStatus::Approved,
            DeploymentStatus::PartiallySucceeded => OperationStatus::PhasePartiallySucceeded,
            DeploymentStatus::NotDeployed => OperationStatus::Canceled,
            _ => OperationStatus::PhaseFailed,
        };
    }

    /// Refused before it began.
    pub fn rejected(mut self, at: Timestamp, by: Uuid) -> Self {
        self.modified = at;
        self.modified_by = by;
        self.status = DeploymentStatus::NotDeployed;
        self.operation = OperationStatus::Rejected;
        self
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseApproval {
    pub id: i32,
    pub stage: ApprovalStage,
    pub status: ApprovalStatus,
    /// Nobody: the service approved by itself.
    #[serde(default)]
    pub approver: Option<Uuid>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

words! {
    ApprovalStage { PreDeploy = "preDeploy", PostDeploy = "postDeploy" }
}

impl World {
    pub fn release_definition(&self, id: i32) -> Option<&ReleaseDefinition> {
        self.release_definitions.get(&id)
    }

    pub fn release(&self, id: i32) -> Option<&Release> {
        self.releases.get(&id)
    }

    pub fn next_release_definition_id(&self) -> i32 {
        after(self.release_definitions.keys())
    }

    pub fn next_release_id(&self) -> i32 {
        after(self.releases.keys())
    }

    pub fn next_release_deployment_id(&self) -> i32 {
        after(self.release_deployments.keys())
    }
}
