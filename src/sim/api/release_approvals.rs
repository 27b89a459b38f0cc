//! Approvals of classic releases, those that are pending unless another status is asked for.
//!
//! Limits: groups are not looked into (`includeMyGroupApprovals`); all of a definition's approvers have the same rank.
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::releases::{api, approval_json, is_off};
use super::render::{Renderer, link};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{ApprovalStage, ApprovalStatus, ReleaseApproval, ReleaseDeployment};

const DEFAULT_PAGE: usize = 50;

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let status = call.query.get("statusFilter").unwrap_or("pending");
    let status = match status.to_lowercase().as_str() {
        "undefined" => None,
        _ => Some(ApprovalStatus::named(status).ok_or_else(|| Failure::enum_value("statusFilter", status))?),
    };
    let stage = call.query.get("typeFilter").filter(|word| !["all", "undefined"].contains(&word.to_lowercase().as_str()));
    let stage = stage.map(|word| ApprovalStage::named(word).ok_or_else(|| Failure::enum_value("typeFilter", word))).transpose()?;
    let releases = call.query.get("releaseIdsFilter").unwrap_or_default().split(',').filter(|word| !word.trim().is_empty());
    let releases: Vec<i32> =
        releases.map(|word| word.trim().parse().map_err(|_| Failure::out_of_range("releaseIdsFilter"))).collect::<Result<_, _>>()?;
    let assigned =
        call.query.get("assignedToFilter").map(|word| Uuid::try_parse(word).ok().or_else(|| world.user_named(word).map(|user| user.id)));
    let mut rows: Vec<(&ReleaseDeployment, &ReleaseApproval)> = world
        .release_deployments
        .values()
        .filter(|row| row.project == project && !is_off(&world) && (releases.is_empty() || releases.contains(&row.release)))
        .flat_map(|row| row.approvals.iter().map(move |approval| (row, approval)))
        .filter(|(_, approval)| status.is_none_or(|wanted| wanted == approval.status))
        .filter(|(_, approval)| stage.is_none_or(|wanted| wanted == approval.stage))
        .filter(|(_, approval)| assigned.is_none_or(|wanted| wanted.is_some() && wanted == approval.approver))
        .collect();
    rows.sort_by_key(|(_, approval)| (approval.created, approval.id));
    if !call.query.get("queryOrder").is_some_and(|word| word.eq_ignore_ascii_case("ascending")) {
        rows.reverse();
    }
    let skip = match call.query.number("continuationToken")? {
        None => 0,
        Some(from) => rows.iter().position(|(_, approval)| usize::try_from(approval.id) == Ok(from)).unwrap_or(rows.len()),
    };
    let top = call.query.number("top")?.unwrap_or(DEFAULT_PAGE).max(1);
    let next = rows.get(skip.saturating_add(top)).map(|(_, approval)| approval.id.to_string());
    let render = call.renderer(&world);
    let shown = rows.into_iter().skip(skip).take(top).map(|(row, approval)| full(&render, row, approval)).collect();
    Ok(Answer::list(shown).continued(next))
}

/// With what it is of, unlike in a deployment.
fn full(render: &Renderer<'_>, row: &ReleaseDeployment, approval: &ReleaseApproval) -> Value {
    let mut value = approval_json(render, row, approval);
    let release = render.world.release(row.release);
    let definition = render.world.release_definition(row.definition);
    let plan = definition.and_then(|definition| definition.environments.iter().find(|plan| plan.id == row.environment));
    let release_here = api(render, row.project, &format!("releases/{}", row.release));
    let definition_here = api(render, row.project, &format!("definitions/{}", row.definition));
    let environment = release.zip(plan).map_or(row.environment, |(release, plan)| release.environment_id(plan));
    value["release"] = json!({
        "id": row.release, "name": release.map_or("", |release| release.name.as_str()), "url": release_here,
        "_links": { "self": link(release_here.as_str()) },
    });
    value["releaseDefinition"] = json!({
        "id": row.definition, "name": definition.map_or("", |row| row.name.as_str()), "path": definition.map_or("\\", |row| row.path.as_str()),
        "projectReference": null, "url": definition_here, "_links": { "self": link(definition_here.as_str()) },
    });
    let here = api(render, row.project, &format!("releases/{}/environments/{environment}", row.release));
    value["releaseEnvironment"] = json!({
        "id": environment, "name": plan.map_or("", |plan| plan.name.as_str()), "url": here, "_links": { "self": link(here.as_str()) },
    });
    value
}
