//! Deployments of classic releases.
//!
//! Two words say how one stands: `deploymentStatus` for what was deployed, `operationStatus` for what it waits for or died of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::build::{is_guid, is_sha};
use super::loose;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::run::{ReleaseDeployment, StageResult};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    id: i64,
    release: Release,
    release_definition: Named,
    #[serde(default, deserialize_with = "loose::part")]
    release_environment: Option<Named>,
    #[serde(default, deserialize_with = "loose::number")]
    attempt: Option<i64>,
    #[serde(default, deserialize_with = "loose::word")]
    deployment_status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    operation_status: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    queued_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    started_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    completed_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    last_modified_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::list")]
    post_deploy_approvals: Vec<Approval>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

impl Named {
    fn name(self) -> String {
        self.name.unwrap_or_else(|| self.id.to_string())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Release {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::list")]
    artifacts: Vec<Artifact>,
    #[serde(default, deserialize_with = "loose::word")]
    web_access_uri: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Approval {
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    #[serde(default, rename = "type", deserialize_with = "loose::word")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_primary: bool,
    #[serde(default, deserialize_with = "loose::part")]
    definition_reference: Option<BTreeMap<String, Part>>,
}

#[derive(Debug, Default, Deserialize)]
struct Part {
    #[serde(default, deserialize_with = "loose::word")]
    id: Option<String>,
}

impl Artifact {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(kind))
    }

    fn part(&self, name: &str) -> Option<&str> {
        let parts = self.definition_reference.as_ref()?;
        parts.get(name)?.id.as_deref().map(str::trim).filter(|id| !id.is_empty())
    }

    /// `sourceVersion` of a build; of a repository, its version.
    fn sha(&self) -> Option<ObjectId> {
        let version = || if self.is("Git") { self.part("version") } else { None };
        [self.part("sourceVersion"), version()].into_iter().flatten().find(|v| is_sha(v)).map(ObjectId::new)
    }

    fn branch(&self) -> Option<String> {
        ["branch", "branches"].into_iter().find_map(|name| self.part(name)).map(str::to_owned)
    }

    fn repository(&self) -> Option<Guid> {
        let name = if self.is("Git") { "definition" } else { "repository" };
        self.part(name).filter(|id| is_guid(id)).map(Guid::new)
    }

    fn build(&self) -> Option<i64> {
        if self.is("Build") { self.part("version")?.parse().ok() } else { None }
    }
}

impl Deployment {
    pub fn fact(self) -> ReleaseDeployment {
        let result = self.result();
        let is_over = !matches!(result, StageResult::Pending | StageResult::Running | StageResult::Unknown);
        // Older servers do not say when it ended, but nothing changes afterwards.
        let finished_at = self.completed_on.or(if is_over { self.last_modified_on } else { None });
        let artifact = {
            let artifacts = &self.release.artifacts;
            artifacts.iter().find(|a| a.is_primary).or_else(|| artifacts.first())
        };
        ReleaseDeployment {
            number: self.id,
            definition: self.release_definition.id,
            release: self.release.id,
            attempt: self.attempt.unwrap_or(1),
            result,
            queued_at: self.queued_on,
            started_at: self.started_on,
            finished_at,
            sha: artifact.and_then(Artifact::sha),
            branch: artifact.and_then(Artifact::branch),
            repository: artifact.and_then(Artifact::repository),
            build: artifact.and_then(Artifact::build),
            definition_name: self.release_definition.name(),
            release_name: self.release.name.unwrap_or_else(|| self.release.id.to_string()),
            environment: self.release_environment.map(Named::name).unwrap_or_default(),
            web_url: self.release.web_access_uri,
        }
    }

    fn result(&self) -> StageResult {
        let word = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_lowercase();
        let operation = word(&self.operation_status);
        // Refused before it began, or after everything was deployed: the second is a deployment that failed.
        let was_refused_late =
            self.post_deploy_approvals.iter().any(|a| a.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("rejected")));
        match word(&self.deployment_status).as_str() {
            "succeeded" | "4" => StageResult::Succeeded,
            "partiallysucceeded" | "8" => StageResult::SucceededWithIssues,
            "notdeployed" | "failed" | "1" | "16" if was_refused_late => StageResult::Failed,
            "failed" | "16" => match operation.as_str() {
                "rejected" | "gatefailed" => StageResult::Rejected,
                "canceled" | "phasecanceled" | "cancelling" => StageResult::Canceled,
                _ => StageResult::Failed,
            },
            "notdeployed" | "1" => match operation.as_str() {
                "rejected" | "gatefailed" => StageResult::Rejected,
                "canceled" | "phasecanceled" | "cancelling" => StageResult::Canceled,
                "phasefailed" => StageResult::Failed,
                _ => StageResult::Pending,
            },
            "inprogress" | "2" => match operation.as_str() {
                "pending" | "queued" | "scheduled" | "deferred" | "evaluatinggates" | "queuedforagent" | "queuedforpipeline" => {
                    StageResult::Pending
                }
                _ => StageResult::Running,
            },
            _ => StageResult::Unknown,
        }
    }
}
