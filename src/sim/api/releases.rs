//! Classic releases: their definitions, and deployments of releases to environments.
//!
//! Pages of deployments hold 100 at most and go by a number. Limits: of the releases themselves only what a deployment names.
use serde_json::{Map, Value, json};

use super::Call;
use super::commits::date;
use super::render::{Renderer, link, object};
use super::render_run::put_time;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{
    ApprovalStage, CommitNaming, DeploymentStatus, MissingTime, OperationStatus, Release, ReleaseApproval, ReleaseDefinition,
    ReleaseDeployment, Service, World, ado_date, same_name,
};

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

/// Whether the organisation has switched classic releases off: then there are none.
pub(super) fn is_off(world: &World) -> bool {
    world.organisation.switched_off.contains(&Service::ClassicReleases)
}

fn token(call: &Call) -> Result<Option<i32>, Failure> {
    let bad = |_| Failure::argument("continuationToken", "The token is not one that was given out.");
    call.query.get("continuationToken").map(|text| text.parse().map_err(bad)).transpose()
}

pub async fn definitions(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let text = call.query.get("searchText").map(str::to_lowercase);
    let exact = call.query.is_true("isExactNameMatch");
    let from = token(call)?.unwrap_or(0);
    let top = call.query.number("$top")?.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
    let expand = call.query.get("$expand").unwrap_or("").to_lowercase();
    let mut rows: Vec<&ReleaseDefinition> = world
        .release_definitions
        .range(from..)
        .map(|(_, row)| row)
        .filter(|row| row.project == project && !row.is_deleted && !is_off(&world))
        .filter(|row| {
            text.as_ref()
                .is_none_or(|text| if exact { same_name(text, &row.name) } else { row.name.to_lowercase().contains(text.as_str()) })
        })
        .collect();
    let next = rows.get(top).map(|row| row.id.to_string());
    rows.truncate(top);
    let render = call.renderer(&world);
    let shown = rows
        .into_iter()
        .map(|row| {
            let mut map = definition(&render, row);
            if expand.split(',').any(|part| part.trim() == "environments") {
                map.insert("environments".to_owned(), environments(row));
            }
            Value::Object(map)
        })
        .collect();
    Ok(Answer::list(shown).continued(next))
}

pub async fn definition_get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let asked = call.capture("definition");
    let found = asked.parse().ok().and_then(|id| world.release_definition(id));
    let row = found
        .filter(|row| row.project == project && !row.is_deleted && !is_off(&world))
        .ok_or_else(|| Failure::no_release_definition(asked))?;
    let mut map = definition(&call.renderer(&world), row);
    map.insert("environments".to_owned(), environments(row));
    Ok(Answer::ok(Value::Object(map)))
}

pub(super) fn api(render: &Renderer<'_>, project: uuid::Uuid, rest: &str) -> String {
    format!("{}/{project}/_apis/Release/{rest}", render.site.release_url())
}

fn definition(render: &Renderer<'_>, row: &ReleaseDefinition) -> Map<String, Value> {
    let here = api(render, row.project, &format!("definitions/{}", row.id));
    object(json!({
        "source": "userInterface",
        "revision": row.revision,
        "description": null,
        "createdBy": render.identity(row.created_by),
        "createdOn": ado_date(row.created),
        "modifiedBy": render.identity(row.created_by),
        "modifiedOn": ado_date(row.modified),
        "isDeleted": row.is_deleted,
        "variableGroups": null,
        "releaseNameFormat": "Release-$(rev:r)",
        "properties": {},
        "id": row.id,
        "name": row.name,
        "path": row.path,
        "projectReference": null,
        "url": here,
        "_links": {
            "self": link(here.as_str()),
            "web": link(render.project_web(row.project, &format!("_release?definitionId={}", row.id))),
        },
    }))
}

fn environments(row: &ReleaseDefinition) -> Value {
    row.environments
        .iter()
        .map(|plan| json!({ "id": plan.id, "name": plan.name, "rank": plan.rank, "conditions": [], "demands": [] }))
        .collect()
}

pub async fn deployments(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let number = |name: &str| call.query.get(name).map(|text| text.parse::<i32>().map_err(|_| Failure::out_of_range(name))).transpose();
    let (definition, environment) = (number("definitionId")?, number("definitionEnvironmentId")?);
    let word = |name: &str| call.query.get(name).filter(|word| !word.eq_ignore_ascii_case("all"));
    let status = word("deploymentStatus")
        .map(|word| DeploymentStatus::named(word).ok_or_else(|| Failure::enum_value("deploymentStatus", word)))
        .transpose()?;
    let operation = word("operationStatus")
        .map(|word| OperationStatus::named(word).ok_or_else(|| Failure::enum_value("operationStatus", word)))
        .transpose()?;
    let time = |name: &str| call.query.get(name).map(|text| date(name, text)).transpose();
    let within = |at: Option<jiff::Timestamp>, (from, to): (Option<jiff::Timestamp>, Option<jiff::Timestamp>)| match (from, to) {
        (None, None) => true,
        _ => at.is_some_and(|at| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)),
    };
    let started = (time("minStartedTime")?, time("maxStartedTime")?);
    let modified = (time("minModifiedTime")?, time("maxModifiedTime")?);
    let branch = call.query.get("sourceBranch");
    let latest_only = call.query.is_true("latestAttemptsOnly");
    let mut rows: Vec<&ReleaseDeployment> = world
        .release_deployments
        .values()
        .filter(|row| row.project == project && !is_off(&world))
        .filter(|row| definition.is_none_or(|id| id == row.definition) && environment.is_none_or(|id| id == row.environment))
        .filter(|row| status.is_none_or(|wanted| wanted == row.status) && operation.is_none_or(|wanted| wanted == row.operation))
        .filter(|row| within(row.started, started) && within(Some(row.modified), modified))
        .filter(|row| branch.is_none_or(|wanted| branch_of(&world, row).is_some_and(|name| name == wanted)))
        .collect();
    if latest_only {
        let is_last = |row: &ReleaseDeployment| {
            !world
                .release_deployments
                .values()
                .any(|other| (other.release, other.environment) == (row.release, row.environment) && other.attempt > row.attempt)
        };
        rows.retain(|row| is_last(row));
    }
    rows.sort_by_key(|row| (row.queued, row.id));
    if !call.query.get("queryOrder").is_some_and(|word| word.eq_ignore_ascii_case("ascending")) {
        rows.reverse();
    }
    let skip = match token(call)? {
        None => 0,
        Some(from) => rows.iter().position(|row| row.id == from).unwrap_or(rows.len()),
    };
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let next = rows.get(skip + top).map(|row| row.id.to_string());
    let render = call.renderer(&world);
    Ok(Answer::list(rows.into_iter().skip(skip).take(top).map(|row| deployment(&render, row)).collect()).continued(next))
}

fn branch_of<'a>(world: &'a World, row: &ReleaseDeployment) -> Option<&'a str> {
    let release = world.release(row.release)?;
    world.build(release.artifact.build).map(|build| build.ref_name.as_str())
}

/// The primary artifact: a build, with the commit it was made from as far as the release kept it.
fn artifact(render: &Renderer<'_>, release: &Release) -> Value {
    let Some(build) = render.world.build(release.artifact.build) else { return json!([]) };
    let definition = render.world.definition(build.definition);
    let name = definition.map_or("", |row| row.name.as_str());
    let alias = render.world.release_definition(release.definition).map_or("", |row| row.artifact.alias.as_str());
    let project = render.world.project_by_id(build.project).map_or("", |row| row.name.as_str());
    let named = |id: String, name: &str| json!({ "id": id, "name": name });
    let mut reference = object(json!({
        "project": named(build.project.to_string(), project),
        "definition": named(build.definition.to_string(), name),
        "version": named(build.id.to_string(), &build.number),
        "branch": named(build.ref_name.clone(), &build.ref_name),
        "repository": named(build.repository.to_string(), render.world.repository(build.repository).map_or("", |row| row.name.as_str())),
    }));
    if release.artifact.naming == CommitNaming::InArtifact {
        reference.insert("sourceVersion".to_owned(), named(build.sha.clone(), ""));
    }
    json!([{
        "sourceId": format!("{}:{}", build.project, build.definition),
        "type": "Build",
        "alias": alias,
        "definitionReference": reference,
        "isPrimary": true,
        "isRetained": false,
    }])
}

pub fn release_ref(render: &Renderer<'_>, release: &Release) -> Value {
    let here = api(render, release.project, &format!("releases/{}", release.id));
    let web = render.project_web(release.project, &format!("_release?releaseId={}&_a=release-summary", release.id));
    json!({
        "id": release.id,
        "name": release.name,
        "url": here,
        "artifacts": artifact(render, release),
        "webAccessUri": web,
        "_links": { "self": link(here.as_str()), "web": link(web.as_str()) },
        "description": release.description,
        "releaseDefinition": null,
        "createdOn": ado_date(release.created),
        "createdBy": render.identity(release.created_by),
        "modifiedBy": null,
        "reason": release.reason,
    })
}

pub fn deployment(render: &Renderer<'_>, row: &ReleaseDeployment) -> Value {
    let definition = render.world.release_definition(row.definition);
    let release = render.world.release(row.release);
    let plan = definition.and_then(|definition| definition.environments.iter().find(|plan| plan.id == row.environment));
    let definition_here = api(render, row.project, &format!("definitions/{}", row.definition));
    let name = definition.map_or("", |row| row.name.as_str());
    let links = json!({
        "self": link(definition_here.as_str()),
        "web": link(render.project_web(row.project, &format!("_release?definitionId={}", row.definition))),
    });
    let environment = json!({
        "id": release.zip(plan).map_or(row.environment, |(release, plan)| release.environment_id(plan)),
        "name": plan.map_or("", |plan| plan.name.as_str()),
        "_links": {},
    });
    let approvals = |stage: ApprovalStage| -> Vec<Value> {
        row.approvals.iter().filter(|approval| approval.stage == stage).map(|approval| approval_json(render, row, approval)).collect()
    };
    let mut map = object(json!({
        "id": row.id,
        "release": release.map_or(Value::Null, |release| release_ref(render, release)),
        "releaseDefinition": {
            "id": row.definition, "name": name, "path": definition.map_or("\\", |row| row.path.as_str()), "projectReference": null,
            "url": definition_here, "_links": links,
        },
        "releaseEnvironment": environment,
        "projectReference": null,
        "definitionEnvironmentId": row.environment,
        "attempt": row.attempt,
        "reason": row.reason.word(),
        "deploymentStatus": row.status.word(),
        "operationStatus": row.operation.word(),
        "requestedBy": render.identity(row.requested_by),
        "requestedFor": render.identity(row.requested_for),
        "queuedOn": ado_date(row.queued),
        "lastModifiedOn": ado_date(row.modified),
        "lastModifiedBy": render.identity(row.modified_by),
        "conditions": [],
        "preDeployApprovals": approvals(ApprovalStage::PreDeploy),
        "postDeployApprovals": approvals(ApprovalStage::PostDeploy),
        "_links": {},
    }));
    put_time(&mut map, "startedOn", row.started, MissingTime::Sentinel);
    put_time(&mut map, "completedOn", row.completed, MissingTime::Sentinel);
    put_time(&mut map, "scheduledDeploymentTime", None, MissingTime::Sentinel);
    Value::Object(map)
}

pub(super) fn approval_json(render: &Renderer<'_>, row: &ReleaseDeployment, approval: &ReleaseApproval) -> Value {
    let mut map = object(json!({
        "id": approval.id,
        "revision": 1,
        "approvalType": approval.stage.word(),
        "createdOn": ado_date(approval.created),
        "modifiedOn": ado_date(approval.modified),
        "status": approval.status.word(),
        "comments": "",
        "isAutomated": approval.approver.is_none(),
        "isNotificationOn": false,
        "trialNumber": 1,
        "attempt": row.attempt,
        "rank": 1,
        "url": api(render, row.project, &format!("approvals/{}", approval.id)),
    }));
    if let Some(approver) = approval.approver {
        map.insert("approver".to_owned(), render.identity(approver));
        if approval.status == crate::sim::world::ApprovalStatus::Approved {
            map.insert("approvedBy".to_owned(), render.identity(approver));
        }
    }
    Value::Object(map)
}
