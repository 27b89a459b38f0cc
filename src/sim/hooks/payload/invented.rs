//! Events about builds, runs, stages, releases and work items that nobody made: for receivers, whatever the world has.
//!
//! Well-formed and of the simulator's own making; numbers and results come from whoever asks. Nothing can be asked for
//! again behind their addresses.
use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::event::{Facts, Message, Told};
use crate::sim::api::render::Renderer;
use crate::sim::world::{Project, Repository, ado_date};

/// What may be said about an invented thing; the rest is made up.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Sketch {
    /// Of the build, run, release or work item.
    pub number: Option<i64>,
    /// Of the pipeline, definition or work item.
    pub name: Option<String>,
    pub state: Option<String>,
    pub result: Option<String>,
    /// Replaces members of the resource.
    pub resource: serde_json::Map<String, Value>,
    /// What filters see, by the name of the input.
    pub inputs: BTreeMap<String, String>,
}

/// What the teller knows of the place.
pub struct Place<'a> {
    pub renderer: Renderer<'a>,
    pub project: &'a Project,
    pub repository: Option<&'a Repository>,
    /// Who did it.
    pub by: Uuid,
}

/// `None` for event types that tell of things the world has.
pub fn tell(place: &Place<'_>, event_type: &str, sketch: &Sketch) -> Option<(Facts, Told)> {
    let number = sketch.number.unwrap_or(1);
    let (resource, text) = match event_type {
        "build.complete" => place.build(number, sketch),
        "ms.vss-pipelines.run-state-changed-event" => place.run(number, sketch),
        "ms.vss-pipelines.stage-state-changed-event" => place.stage(number, sketch),
        "ms.vss-pipelines.job-state-changed-event" => place.job(number, sketch),
        other if other.starts_with("ms.vss-pipelinechecks-events.") => place.approval(number, sketch),
        other if other.starts_with("ms.vss-release.") => place.release(number, other, sketch),
        "workitem.updated" => place.work_item_update(number, sketch),
        other if other.starts_with("workitem.") => place.work_item(number, sketch),
        _ => return None,
    };
    let mut resource = resource;
    if let Some(map) = resource.as_object_mut() {
        map.extend(sketch.resource.clone());
    }
    let mut facts = Facts { project: place.project.id, repository: place.repository.map(|row| row.id), ..Facts::default() };
    facts.more.extend(sketch.inputs.clone());
    let message = Message::plain(text);
    Some((facts, Told { detailed: message.clone(), message, resource }))
}

fn word<'a>(given: &'a Option<String>, otherwise: &'a str) -> &'a str {
    given.as_deref().unwrap_or(otherwise)
}

impl Place<'_> {
    fn api(&self, rest: &str) -> String {
        self.renderer.site.project_api(self.project.id, rest)
    }

    fn date(&self, minutes_ago: i64) -> String {
        ado_date(self.renderer.world.now() - SignedDuration::from_mins(minutes_ago))
    }

    fn web(&self, rest: &str) -> String {
        format!("{}/{}/{rest}", self.renderer.site.organisation_url(), crate::sim::site::percent_encode(&self.project.name))
    }

    fn project(&self) -> Value {
        self.renderer.project_ref(self.project)
    }

    fn source(&self) -> (String, Value) {
        match self.repository {
            Some(row) => (row.default_branch.clone(), json!({ "id": row.id, "type": "TfsGit", "name": row.name })),
            None => ("refs/heads/main".to_owned(), Value::Null),
        }
    }

    fn build(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let (result, name) = (word(&sketch.result, "succeeded"), word(&sketch.name, "CI"));
        let (branch, repository) = self.source();
        let build_number = format!("20260302.{number}");
        let resource = json!({
            "id": number, "buildNumber": build_number, "status": "completed", "result": result,
            "queueTime": self.date(6), "startTime": self.date(5), "finishTime": self.date(0),
            "url": self.api(&format!("build/Builds/{number}")),
            "definition": {
                "id": 1, "name": name, "url": self.api("build/Definitions/1?revision=1"), "type": "build", "queueStatus": "enabled",
                "revision": 1, "project": self.project(),
            },
            "buildNumberRevision": number, "project": self.project(), "uri": format!("vstfs:///Build/Build/{number}"),
            "sourceBranch": branch, "sourceVersion": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c", "repository": repository,
            "priority": "normal", "reason": "individualCI",
            "requestedFor": self.renderer.identity(self.by), "requestedBy": self.renderer.identity(self.by),
            "lastChangedDate": self.date(0), "keepForever": false, "retainedByRelease": false, "triggeredByBuild": null,
            "_links": {
                "self": { "href": self.api(&format!("build/Builds/{number}")) },
                "web": { "href": self.web(&format!("_build/results?buildId={number}")) },
            },
        });
        (resource, format!("Build {build_number} {result}"))
    }

    fn pipeline(&self, sketch: &Sketch) -> Value {
        json!({ "url": self.api("pipelines/1?revision=1"), "id": 1, "revision": 1, "name": word(&sketch.name, "CI"), "folder": "\\" })
    }

    fn run_of(&self, number: i64, sketch: &Sketch, (state, result): (&str, &str)) -> Value {
        let mut run = json!({
            "_links": {
                "self": { "href": self.api(&format!("pipelines/1/runs/{number}")) },
                "web": { "href": self.web(&format!("_build/results?buildId={number}")) },
            },
            "pipeline": self.pipeline(sketch), "state": state, "createdDate": self.date(5),
            "url": self.api(&format!("pipelines/1/runs/{number}")), "id": number, "name": format!("20260302.{number}"),
        });
        if state == "completed" {
            run["result"] = json!(result);
            run["finishedDate"] = json!(self.date(0));
        }
        run
    }

    fn run(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let (state, result) = (word(&sketch.state, "completed"), word(&sketch.result, "succeeded"));
        let resource = json!({
            "run": self.run_of(number, sketch, (state, result)), "pipeline": self.pipeline(sketch),
            "runId": number, "runUrl": self.api(&format!("pipelines/1/runs/{number}")), "projectId": self.project.id,
        });
        (resource, format!("Run 20260302.{number} {}.", if state == "completed" { result } else { state }))
    }

    fn stage(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let (state, result) = (word(&sketch.state, "completed"), word(&sketch.result, "succeeded"));
        let resource = json!({
            "stage": {
                "_links": { "web": { "href": self.web(&format!("_build/results?buildId={number}")) } },
                "id": Uuid::new_v5(&self.project.id, format!("stage {number}").as_bytes()), "name": "Deploy", "displayName": "Deploy",
                "attempt": 1, "state": state, "result": (state == "completed").then_some(result),
            },
            "run": self.run_of(number, sketch, ("inProgress", result)), "pipeline": self.pipeline(sketch),
            "repositories": [{ "type": "Git", "url": self.repository.map(|row| self.renderer.site.web(&self.project.name, &row.name)) }],
        });
        (resource, format!("Run 20260302.{number} stage Deploy {}.", if state == "completed" { result } else { state }))
    }

    fn job(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let (state, result) = (word(&sketch.state, "completed"), word(&sketch.result, "succeeded"));
        let resource = json!({
            "job": {
                "id": Uuid::new_v5(&self.project.id, format!("job {number}").as_bytes()), "name": "Job 1", "attempt": 1, "state": state,
                "result": (state == "completed").then_some(result),
            },
            "stage": { "id": Uuid::new_v5(&self.project.id, format!("stage {number}").as_bytes()), "name": "Deploy", "attempt": 1 },
            "run": self.run_of(number, sketch, ("inProgress", result)), "pipeline": self.pipeline(sketch),
        });
        (resource, format!("Run 20260302.{number} job Job 1 {}.", if state == "completed" { result } else { state }))
    }

    fn approval(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let status = word(&sketch.state, "pending");
        let resource = json!({
            "approval": {
                "id": Uuid::new_v5(&self.project.id, format!("approval {number}").as_bytes()), "status": status, "createdOn": self.date(5),
                "minRequiredApprovers": 1, "steps": [{ "assignedApprover": self.renderer.identity(self.by), "status": status }],
            },
            "projectId": self.project.id, "pipeline": self.pipeline(sketch), "stageName": "Deploy",
            "run": self.run_of(number, sketch, ("inProgress", "succeeded")),
        });
        (resource, format!("Approval {status} for deployment of pipeline CI to Deploy."))
    }

    fn release(&self, number: i64, event_type: &str, sketch: &Sketch) -> (Value, String) {
        let (status, name) = (word(&sketch.result, "succeeded"), word(&sketch.name, "Release"));
        let release = json!({
            "id": number, "name": format!("Release-{number}"), "status": "active", "createdOn": self.date(9), "modifiedOn": self.date(0),
            "createdBy": self.renderer.identity(self.by), "reason": "continuousIntegration",
            "releaseDefinition": { "id": 1, "name": name, "path": "\\" }, "artifacts": [],
            "projectReference": { "id": self.project.id, "name": self.project.name },
            "_links": { "web": { "href": self.web(&format!("_release?releaseId={number}&_a=release-summary")) } },
        });
        let project = json!({ "id": self.project.id, "name": self.project.name });
        if event_type.contains("release-created") || event_type.contains("release-abandoned") {
            let deed = if event_type.contains("abandoned") { "abandoned" } else { "created" };
            return (json!({ "release": release, "project": project }), format!("Release Release-{number} {deed}."));
        }
        let resource = json!({
            "environment": {
                "id": number * 10 + 1, "releaseId": number, "name": "Production", "status": status, "rank": 1,
                "definitionEnvironmentId": 1, "preDeployApprovals": [], "postDeployApprovals": [], "deploySteps": [],
                "createdOn": self.date(9), "modifiedOn": self.date(0), "timeToDeploy": 0.4,
                "release": { "id": number, "name": format!("Release-{number}"), "_links": {} },
                "releaseDefinition": { "id": 1, "name": name, "path": "\\" },
            },
            "deployment": {
                "id": number * 100 + 1, "attempt": 1, "deploymentStatus": status, "queuedOn": self.date(2), "startedOn": self.date(1),
                "completedOn": self.date(0),
            },
            "release": release, "project": project, "stageName": "Production", "attemptId": 1,
        });
        (resource, format!("Deployment of release Release-{number} on stage Production {status}."))
    }

    fn fields(&self, sketch: &Sketch) -> Value {
        let me = self.renderer.world.user(self.by).map_or_else(String::new, |user| format!("{} <{}>", user.display_name, user.unique_name));
        json!({
            "System.AreaPath": self.project.name, "System.TeamProject": self.project.name, "System.IterationPath": self.project.name,
            "System.WorkItemType": "Task", "System.State": word(&sketch.state, "New"), "System.Reason": "New",
            "System.CreatedDate": self.date(90), "System.CreatedBy": me, "System.ChangedDate": self.date(0), "System.ChangedBy": me,
            "System.Title": word(&sketch.name, "Something to do"),
        })
    }

    fn work_item(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let here = self.api(&format!("wit/workItems/{number}"));
        let resource = json!({
            "id": number, "rev": 1, "fields": self.fields(sketch), "url": here,
            "_links": { "self": { "href": here }, "html": { "href": self.web(&format!("_workitems/edit/{number}")) } },
        });
        (resource, format!("Task #{number} ({}) changed", word(&sketch.name, "Something to do")))
    }

    /// Here the id is the update's number, and the work item has another name.
    fn work_item_update(&self, number: i64, sketch: &Sketch) -> (Value, String) {
        let here = self.api(&format!("wit/workItems/{number}"));
        let state = word(&sketch.state, "Active");
        let resource = json!({
            "id": 2, "workItemId": number, "rev": 2, "revisedBy": self.renderer.identity(self.by), "revisedDate": "9999-01-01T00:00:00Z",
            "fields": {
                "System.Rev": { "oldValue": 1, "newValue": 2 },
                "System.State": { "oldValue": "New", "newValue": state },
                "System.ChangedDate": { "oldValue": self.date(90), "newValue": self.date(0) },
            },
            "url": format!("{here}/updates/2"),
            "_links": { "self": { "href": format!("{here}/updates/2") }, "parent": { "href": here } },
            "revision": { "id": number, "rev": 2, "fields": self.fields(sketch), "url": format!("{here}/revisions/2") },
        });
        (resource, format!("Task #{number} ({}) updated", word(&sketch.name, "Something to do")))
    }
}
