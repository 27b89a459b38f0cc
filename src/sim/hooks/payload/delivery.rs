//! What is told of runs, stages, classic deployments and work items.
//!
//! Limits: a run that was queued and one that started are both told as in progress, as the service does.
use serde_json::{Value, json};

use super::super::event::{Facts, Message, Told};
use super::{Teller, linked};
use crate::sim::world::{
    Build, BuildResult, BuildStatus, DeploymentStatus, RecordResult, RecordState, ReleaseDeployment, StageRun, World, ado_date,
};

/// Results as the filters of pipeline events name them.
fn result_word(result: RecordResult) -> &'static str {
    match result {
        RecordResult::Succeeded => "Succeeded",
        RecordResult::SucceededWithIssues => "SucceededWithIssues",
        RecordResult::Failed => "Failed",
        RecordResult::Canceled => "Canceled",
        RecordResult::Skipped | RecordResult::Abandoned => "Skipped",
    }
}

fn facts_of(build: &Build) -> Facts {
    Facts { project: build.project, repository: Some(build.repository), about_builds: true, ..Facts::default() }
}

fn with(mut facts: Facts, more: &[(&str, String)]) -> Facts {
    facts.more.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    facts
}

pub(super) fn of_completed(world: &World, id: i32) -> Option<Facts> {
    let build = world.build(id)?;
    let status = match build.result {
        Some(BuildResult::Succeeded) => "Succeeded",
        Some(BuildResult::PartiallySucceeded) => "PartiallySucceeded",
        Some(BuildResult::Canceled) => "Stopped",
        Some(BuildResult::Failed | BuildResult::None) | None => "Failed",
    };
    let name = world.definition(build.definition).map_or_else(String::new, |row| row.name.clone());
    Some(with(facts_of(build), &[("definitionName", name), ("buildStatus", status.to_owned())]))
}

pub(super) fn of_run(world: &World, id: i32) -> Option<Facts> {
    let build = world.build(id)?;
    let state = match build.status {
        BuildStatus::Completed => "Completed",
        BuildStatus::Cancelling => "Canceling",
        _ => "InProgress",
    };
    let result = match build.result {
        Some(BuildResult::Succeeded | BuildResult::PartiallySucceeded) => "Succeeded",
        Some(BuildResult::Failed) => "Failed",
        Some(BuildResult::Canceled) => "Canceled",
        Some(BuildResult::None) | None => "",
    };
    let pipeline = ("pipelineId", build.definition.to_string());
    Some(with(facts_of(build), &[pipeline, ("runStateId", state.to_owned()), ("runResultId", result.to_owned())]))
}

fn stage_of<'a>(build: &'a Build, stage: &str) -> Option<&'a StageRun> {
    build.stages.iter().find(|row| row.identifier.eq_ignore_ascii_case(stage))
}

fn stage_state(stage: &StageRun) -> &'static str {
    match stage.last().map(|last| last.state) {
        None => "NotStarted",
        Some(RecordState::Pending) => "Waiting",
        Some(RecordState::InProgress) => "Running",
        Some(RecordState::Completed) => "Completed",
    }
}

pub(super) fn of_stage(world: &World, build: i32, stage: &str) -> Option<Facts> {
    let build = world.build(build)?;
    let row = stage_of(build, stage)?;
    let result = row.last().and_then(|last| last.result).map_or("", result_word);
    Some(with(
        facts_of(build),
        &[
            ("pipelineId", build.definition.to_string()),
            ("stageNameId", row.identifier.clone()),
            ("stageStateId", stage_state(row).to_owned()),
            ("stageResultId", result.to_owned()),
        ],
    ))
}

pub(super) fn of_release_deployment(world: &World, id: i32) -> Option<Facts> {
    let row = world.release_deployments.get(&id)?;
    let facts = Facts { project: row.project, ..Facts::default() };
    Some(with(
        facts,
        &[
            ("releaseDefinitionId", row.definition.to_string()),
            ("releaseEnvironmentId", row.environment.to_string()),
            ("releaseEnvironmentStatus", environment_status(row).1.to_string()),
        ],
    ))
}

/// The status of the environment after the deployment: its word, and its number for filters.
fn environment_status(row: &ReleaseDeployment) -> (&'static str, u32) {
    match row.status {
        DeploymentStatus::Succeeded => ("succeeded", 4),
        DeploymentStatus::PartiallySucceeded => ("partiallySucceeded", 128),
        DeploymentStatus::NotDeployed => ("canceled", 8),
        DeploymentStatus::InProgress => ("inProgress", 2),
        DeploymentStatus::Failed | DeploymentStatus::Undefined => ("rejected", 16),
    }
}

impl Teller<'_> {
    fn run_page(&self, build: &Build) -> String {
        format!("{}/{}/_build/results?buildId={}", self.site.organisation_url(), build.project, build.id)
    }

    pub(super) fn build_completed(&self, id: i32) -> Option<Told> {
        let build = self.world.build(id)?;
        let result = match build.result {
            Some(BuildResult::PartiallySucceeded) => "partially succeeded",
            Some(result) => result.word(),
            None => "completed",
        };
        let message = linked("Build ", &build.number, &self.run_page(build), &format!(" {result}"));
        Some(Told { detailed: message.clone(), message, resource: self.renderer.build(build) })
    }

    pub(super) fn run_changed(&self, id: i32) -> Option<Told> {
        let build = self.world.build(id)?;
        let run = self.renderer.run(build);
        let doing = build.result.map_or("in progress", BuildResult::word);
        let message = linked("Run ", &build.number, &self.run_page(build), &format!(" {doing}."));
        let resource = json!({
            "run": run,
            "pipeline": run["pipeline"],
            "runId": build.id,
            "runUrl": run["url"],
            "projectId": build.project,
        });
        Some(Told { detailed: message.clone(), message, resource })
    }

    pub(super) fn stage_changed(&self, build: i32, stage: &str) -> Option<Told> {
        let build = self.world.build(build)?;
        let row = stage_of(build, stage)?;
        let last = row.last();
        let state = match last.map(|last| last.state) {
            None => "notStarted",
            Some(RecordState::Pending) => "waiting",
            Some(RecordState::InProgress) => "running",
            Some(RecordState::Completed) => "completed",
        };
        let doing = last.and_then(|last| last.result).map_or(state, RecordResult::word);
        let before = format!("Run {} stage ", build.number);
        let message = linked(&before, &row.name, &self.run_page(build), &format!(" {doing}."));
        let run = self.renderer.run(build);
        let repository = self.world.repository(build.repository).map(|row| self.web(row));
        let resource = json!({
            "stage": {
                "_links": { "web": { "href": self.run_page(build) } },
                "id": uuid::Uuid::new_v5(&build.plan_id(), format!("{} {} stage", row.identifier, row.attempts.len().max(1)).as_bytes()),
                "name": row.identifier,
                "displayName": row.name,
                "attempt": row.attempts.len().max(1),
                "state": state,
                "result": last.and_then(|last| last.result).map(RecordResult::word),
            },
            "run": run,
            "pipeline": run["pipeline"],
            "repositories": [{ "type": "Git", "url": repository }],
        });
        Some(Told { detailed: message.clone(), message, resource })
    }

    pub(super) fn release_deployment(&self, id: i32) -> Option<Told> {
        let row = self.world.release_deployments.get(&id)?;
        let release = self.world.release(row.release)?;
        let definition = self.world.release_definition(row.definition)?;
        let plan = definition.environments.iter().find(|plan| plan.id == row.environment)?;
        let status = environment_status(row).0;
        let project = json!({ "id": row.project, "name": self.world.project_by_id(row.project).map(|project| &project.name) });
        let deployment = crate::sim::api::releases::deployment(&self.renderer, row);
        let owner = json!({ "id": row.definition, "name": definition.name, "path": definition.path });
        let resource = json!({
            "environment": {
                "id": release.environment_id(plan), "releaseId": release.id, "name": plan.name, "status": status, "rank": plan.rank,
                "definitionEnvironmentId": plan.id, "preDeployApprovals": deployment["preDeployApprovals"],
                "postDeployApprovals": deployment["postDeployApprovals"], "deploySteps": [],
                "createdOn": ado_date(row.queued), "modifiedOn": ado_date(row.modified),
                "release": { "id": release.id, "name": release.name, "_links": {} },
                "releaseDefinition": owner,
            },
            "deployment": deployment,
            "release": crate::sim::api::releases::release_ref(&self.renderer, release),
            "project": project,
            "stageName": plan.name,
            "attemptId": row.attempt,
        });
        let doing = if row.status == DeploymentStatus::InProgress { "started" } else { status };
        let message = Message::plain(format!("Deployment of release {} on stage {} {doing}.", release.name, plan.name));
        Some(Told { detailed: message.clone(), message, resource })
    }

    pub(super) fn work_item(&self, id: i32) -> Option<Told> {
        let item = self.world.work_item(id)?;
        let resource = json!({
            "id": item.id, "rev": item.rev, "fields": self.named_fields(id)?, "url": self.renderer.work_item_url(item),
            "_links": self.renderer.work_item_links(item),
        });
        self.told_of(id, "created", resource)
    }

    pub(super) fn work_item_updated(&self, id: i32, by: uuid::Uuid, changes: &[super::super::event::FieldChange]) -> Option<Told> {
        let item = self.world.work_item(id)?;
        let here = self.renderer.work_item_url(item);
        let fields: serde_json::Map<String, Value> =
            changes.iter().map(|row| (row.field.to_owned(), json!({ "oldValue": row.old, "newValue": row.new }))).collect();
        // Here the id is the update's number, and the work item has another name.
        let resource = json!({
            "id": item.rev, "workItemId": item.id, "rev": item.rev, "revisedBy": self.renderer.identity(by),
            "revisedDate": "9999-01-01T00:00:00Z",
            "fields": fields,
            "url": format!("{here}/updates/{}", item.rev),
            "_links": { "self": { "href": format!("{here}/updates/{}", item.rev) }, "parent": { "href": here } },
            "revision": { "id": item.id, "rev": item.rev, "fields": self.named_fields(id)?, "url": format!("{here}/revisions/{}", item.rev) },
        });
        self.told_of(id, "updated", resource)
    }

    fn told_of(&self, id: i32, deed: &str, resource: Value) -> Option<Told> {
        let item = self.world.work_item(id)?;
        let by = self.name(item.changed_by);
        let label = format!("{} #{id}", item.kind);
        let page = format!("{}/{}/_workitems/edit/{id}", self.site.organisation_url(), item.project);
        let message = linked("", &label, &page, &format!(" ({}) {deed} by {by}.", item.title));
        Some(Told { detailed: message.clone(), message, resource })
    }

    /// Fields as events carry them: people by name.
    fn named_fields(&self, id: i32) -> Option<Value> {
        let item = self.world.work_item(id)?;
        let mut fields = self.renderer.work_item_fields(item);
        for value in fields.values_mut().filter(|value| value.is_object()) {
            let name = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            *value = json!(format!("{} <{}>", name("displayName"), name("uniqueName")));
        }
        Some(Value::Object(fields))
    }
}

pub(super) fn of_work_item(world: &World, id: i32, changed: &[super::super::event::FieldChange]) -> Option<Facts> {
    let item = world.work_item(id)?;
    let facts = Facts { project: item.project, tags: item.tags.clone(), area: Some(item.area_path.clone()), ..Facts::default() };
    let mut facts = with(facts, &[("workItemType", item.kind.clone())]);
    facts.fields = changed.iter().map(|row| row.field.to_owned()).collect();
    Some(facts)
}
