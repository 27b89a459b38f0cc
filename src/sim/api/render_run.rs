//! JSON of pipelines: build definitions, builds, runs, environments and their deployment records.
//!
//! Written by hand from the contract. Queue, pool and priority are the same for all: nobody looks at more than their shape.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render::{Renderer, link, object};
use crate::sim::site::percent_encode;
use crate::sim::world::{
    Build, BuildReason, BuildResult, BuildStatus, Definition, DefinitionKind, Environment, EnvironmentDeployment, MissingTime, Project,
    ado_date,
};

/// What the service writes for "no time".
pub const NO_TIME: &str = "0001-01-01T00:00:00";

/// Puts a time in, or what stands for a missing one.
pub(super) fn put_time(map: &mut Map<String, Value>, name: &str, at: Option<jiff::Timestamp>, missing: MissingTime) {
    let value = match (at, missing) {
        (Some(at), _) => json!(ado_date(at)),
        (None, MissingTime::Absent) => return,
        (None, MissingTime::Null) => Value::Null,
        (None, MissingTime::Sentinel) => json!(NO_TIME),
    };
    map.insert(name.to_owned(), value);
}

/// How much of a definition is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionShape {
    Row,
    Full,
}

impl Renderer<'_> {
    pub(super) fn project_web(&self, project: Uuid, rest: &str) -> String {
        format!("{}/{project}/{rest}", self.site.organisation_url())
    }

    fn project_of(&self, id: Uuid) -> Value {
        self.world.project_by_id(id).map_or(Value::Null, |project| self.project_ref(project))
    }

    /// A definition as builds name it.
    fn definition_ref(&self, id: i32) -> Map<String, Value> {
        let Some(row) = self.world.definition(id) else {
            return object(json!({ "drafts": [], "id": id }));
        };
        object(json!({
            "drafts": [],
            "id": row.id,
            "name": row.name,
            "url": self.site.project_api(row.project, &format!("build/Definitions/{}?revision={}", row.id, row.revision)),
            "uri": format!("vstfs:///Build/Definition/{}", row.id),
            "path": row.path,
            "type": "build",
            "queueStatus": "enabled",
            "revision": row.revision,
            "project": self.project_of(row.project),
        }))
    }

    pub(super) fn definition(&self, row: &Definition, shape: DefinitionShape) -> Value {
        let mut map = self.definition_ref(row.id);
        let api = |rest: &str| self.site.project_api(row.project, rest);
        map.insert(
            "_links".to_owned(),
            json!({
                "self": link(api(&format!("build/Definitions/{}?revision={}", row.id, row.revision))),
                "web": link(self.project_web(row.project, &format!("_build/definition?definitionId={}", row.id))),
                "editor": link(self.project_web(row.project, &format!("_build/designer?id={}&_a=edit-build-definition", row.id))),
                "badge": link(api(&format!("build/status/{}", row.id))),
            }),
        );
        map.insert("quality".to_owned(), json!("definition"));
        map.insert("authoredBy".to_owned(), self.identity(row.author));
        map.insert("createdDate".to_owned(), json!(ado_date(row.created)));
        let mut queue = queue();
        queue["_links"] = json!({ "self": link(self.site.api(&format!("build/Queues/{}", QUEUE.0))) });
        map.insert("queue".to_owned(), queue);
        if shape == DefinitionShape::Full {
            map.insert("triggers".to_owned(), json!([]));
            map.insert("properties".to_owned(), json!({}));
            map.insert("tags".to_owned(), json!(row.tags));
            map.insert("jobAuthorizationScope".to_owned(), json!("project"));
            map.insert(
                "process".to_owned(),
                match row.kind {
                    DefinitionKind::Yaml => json!({ "yamlFilename": row.yaml_path, "type": 2 }),
                    DefinitionKind::Designer => json!({ "phases": [], "type": 1 }),
                },
            );
            let mut repository = self.build_repository(row.repository);
            repository["defaultBranch"] = json!(row.default_branch);
            map.insert("repository".to_owned(), repository);
        }
        Value::Object(map)
    }

    /// The repository that is built; its name is not known any more when it was deleted.
    fn build_repository(&self, id: Uuid) -> Value {
        let mut map = object(json!({ "id": id, "type": "TfsGit", "clean": null, "checkoutSubmodules": false }));
        if let Some(row) = self.world.repository(id) {
            let project = self.world.project_by_id(row.project).map_or("", |project| project.name.as_str());
            map.insert("name".to_owned(), json!(row.name));
            map.insert("url".to_owned(), json!(self.site.web(project, &row.name)));
        }
        Value::Object(map)
    }

    fn trigger_info(&self, row: &Build) -> Value {
        match (row.reason, row.pull_request.and_then(|id| self.world.pull_request(id))) {
            (BuildReason::PullRequest, Some(request)) => json!({
                "pr.number": request.id.to_string(),
                "pr.isFork": "False",
                "pr.triggerRepository": row.repository,
                "pr.sourceBranch": request.source_ref,
                "pr.sourceSha": request.merge.source,
                "pr.title": request.title,
            }),
            (BuildReason::IndividualCI | BuildReason::BatchedCI, _) => json!({
                "ci.sourceBranch": row.ref_name,
                "ci.sourceSha": row.sha,
                "ci.message": row.message.as_deref().unwrap_or_default(),
                "ci.triggerRepository": row.repository,
            }),
            _ => json!({}),
        }
    }

    pub fn build(&self, row: &Build) -> Value {
        let api = |rest: &str| self.site.project_api(row.project, rest);
        let plan = json!({ "planId": row.plan_id() });
        let mut map = object(json!({
            "_links": {
                "self": link(api(&format!("build/Builds/{}", row.id))),
                "web": link(self.project_web(row.project, &format!("_build/results?buildId={}", row.id))),
                "sourceVersionDisplayUri": link(api(&format!("build/builds/{}/sources", row.id))),
                "timeline": link(api(&format!("build/builds/{}/Timeline", row.id))),
                "badge": link(api(&format!("build/status/{}", row.definition))),
            },
            "properties": {},
            "tags": row.tags,
            "validationResults": [],
            "plans": [plan],
            "triggerInfo": self.trigger_info(row),
            "id": row.id,
            "buildNumber": row.number,
            "status": row.status.word(),
            "queueTime": ado_date(row.queued),
            "url": api(&format!("build/Builds/{}", row.id)),
            "definition": self.definition_ref(row.definition),
            "buildNumberRevision": row.number.rsplit('.').next().and_then(|text| text.parse::<i32>().ok()).unwrap_or(1),
            "project": self.project_of(row.project),
            "uri": format!("vstfs:///Build/Build/{}", row.id),
            "sourceBranch": row.ref_name,
            "sourceVersion": row.sha,
            "queue": queue(),
            "priority": "normal",
            "reason": row.reason.word(),
            "requestedFor": self.identity(row.requested_for),
            "requestedBy": self.identity(row.requested_by),
            "lastChangedDate": ado_date(row.changed),
            "lastChangedBy": self.identity(row.requested_by),
            "orchestrationPlan": plan,
            "logs": { "id": 0, "type": "Container", "url": api(&format!("build/builds/{}/logs", row.id)) },
            "repository": self.build_repository(row.repository),
            "keepForever": false,
            "retainedByRelease": false,
            "triggeredByBuild": null,
            "appendCommitMessageToRunName": true,
        }));
        if let Some(result) = row.result {
            map.insert("result".to_owned(), json!(result.word()));
        }
        put_time(&mut map, "startTime", row.started, row.missing_times);
        put_time(&mut map, "finishTime", row.finished, row.missing_times);
        if row.is_deleted {
            map.insert("deleted".to_owned(), json!(true));
        }
        Value::Object(map)
    }

    pub fn pipeline(&self, row: &Definition) -> Value {
        json!({
            "url": self.site.project_api(row.project, &format!("pipelines/{}?revision={}", row.id, row.revision)),
            "id": row.id,
            "revision": row.revision,
            "name": row.name,
            "folder": row.path,
        })
    }

    pub(super) fn pipeline_row(&self, row: &Definition) -> Value {
        let mut value = self.pipeline(row);
        value["_links"] = json!({
            "self": link(self.site.project_api(row.project, &format!("pipelines/{}?revision={}", row.id, row.revision))),
            "web": link(self.project_web(row.project, &format!("_build/definition?definitionId={}", row.id))),
        });
        value
    }

    /// A build as the runs of a pipeline show it: fewer states, and no "partially succeeded".
    pub fn run(&self, row: &Build) -> Value {
        let here = self.site.project_api(row.project, &format!("pipelines/{}/runs/{}", row.definition, row.id));
        let state = match row.status {
            BuildStatus::Completed => "completed",
            BuildStatus::Cancelling => "canceling",
            BuildStatus::InProgress => "inProgress",
            BuildStatus::NotStarted | BuildStatus::Postponed => "unknown",
        };
        let mut map = object(json!({
            "_links": {
                "self": link(here.as_str()),
                "web": link(self.project_web(row.project, &format!("_build/results?buildId={}", row.id))),
                "pipeline.web": link(self.project_web(row.project, &format!("_build/definition?definitionId={}", row.definition))),
                "pipeline": link(self.site.project_api(row.project, &format!("pipelines/{}", row.definition))),
            },
            "templateParameters": {},
            "pipeline": self.world.definition(row.definition).map_or(Value::Null, |definition| self.pipeline(definition)),
            "state": state,
            "createdDate": ado_date(row.queued),
            "url": here,
            "id": row.id,
            "name": row.number,
        }));
        if let Some(result) = row.result {
            let word = match result {
                BuildResult::Succeeded | BuildResult::PartiallySucceeded => "succeeded",
                BuildResult::Failed => "failed",
                BuildResult::Canceled => "canceled",
                BuildResult::None => "unknown",
            };
            map.insert("result".to_owned(), json!(word));
        }
        put_time(&mut map, "finishedDate", row.finished, row.missing_times);
        Value::Object(map)
    }

    /// One run alone says what it was made from.
    pub(super) fn full_run(&self, row: &Build) -> Value {
        let mut value = self.run(row);
        value["resources"] = json!({
            "repositories": {
                "self": {
                    "repository": { "id": row.repository, "type": "azureReposGit" }, "refName": row.ref_name, "version": row.sha,
                },
            },
        });
        value["tags"] = json!(row.tags);
        value
    }

    pub(super) fn environment(&self, row: &Environment) -> Value {
        json!({
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "createdBy": self.identity(row.created_by),
            "createdOn": ado_date(row.created),
            "lastModifiedBy": self.identity(row.modified_by),
            "lastModifiedOn": ado_date(row.modified),
            "project": { "id": row.project },
        })
    }

    /// A record names neither ref nor commit nor the environment: those are the build's.
    pub(super) fn environment_deployment(&self, row: &EnvironmentDeployment) -> Value {
        let api = |rest: &str| self.site.project_api(row.project, rest);
        let build = self.world.build(row.build);
        let definition = self.world.definition(row.definition);
        let mut map = object(json!({
            "id": row.id,
            "environmentId": row.environment,
            "serviceOwner": BUILD_SERVICE,
            "scopeId": row.project,
            "planType": "Build",
            "planId": build.map(|build| build.plan_id()),
            "requestIdentifier": format!("{}.{}.{}", row.stage, row.job, row.stage_attempt),
            "stageName": row.stage,
            "jobName": row.job,
            "stageAttempt": row.stage_attempt,
            "jobAttempt": row.job_attempt,
            "definition": {
                "_links": {
                    "web": link(self.project_web(row.project, &format!("_build/definition?definitionId={}", row.definition))),
                    "self": link(api(&format!("build/Definitions/{}", row.definition))),
                },
                "id": row.definition,
                "name": definition.map_or("", |definition| definition.name.as_str()),
            },
            "owner": {
                "_links": {
                    "web": link(self.project_web(row.project, &format!("_build/results?buildId={}", row.build))),
                    "self": link(api(&format!("build/Builds/{}", row.build))),
                },
                "id": row.build,
                "name": build.map_or("", |build| build.number.as_str()),
            },
            "queueTime": ado_date(row.queued),
        }));
        if let Some(result) = row.result {
            map.insert("result".to_owned(), json!(result.word()));
        }
        put_time(&mut map, "startTime", row.started, MissingTime::Absent);
        put_time(&mut map, "finishTime", row.finished, MissingTime::Absent);
        Value::Object(map)
    }

    /// The address of a project's page.
    pub fn project_page(&self, project: &Project, rest: &str) -> String {
        format!("{}/{}/{rest}", self.site.organisation_url(), percent_encode(&project.name))
    }
}

/// Who owns plans of builds: a constant of the protocol.
const BUILD_SERVICE: &str = "00025394-6065-48ca-87d9-7f5672854ef7";

const QUEUE: (i32, i32, &str) = (12, 9, "Azure Pipelines");

fn queue() -> Value {
    json!({ "id": QUEUE.0, "name": QUEUE.2, "pool": { "id": QUEUE.1, "name": QUEUE.2, "isHosted": true } })
}
