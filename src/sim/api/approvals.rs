//! Approvals that stages of runs waited for or wait for: who was asked, and what each answered.
//!
//! An approval has the id of its record in the timeline. Limits: they are only read here; who decides does so behind the scene. What a
//! refused reader sees is what they see of builds.
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::render::{Renderer, link};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{ApprovalStatus, Build, StageApproval, StageAttempt, World, ado_date};

/// An attempt at a stage that asks for an approval.
struct Row<'a> {
    id: Uuid,
    build: &'a Build,
    attempt: &'a StageAttempt,
}

impl Row<'_> {
    /// It is asked for as long as its stage waits, whatever else that waits for.
    fn status(&self) -> ApprovalStatus {
        self.attempt.verdict()
    }

    fn modified(&self) -> Option<jiff::Timestamp> {
        self.attempt.approvals.iter().map(|approval| approval.decided.unwrap_or(approval.since)).max()
    }
}

fn all<'a>(world: &'a World, project: Uuid) -> impl Iterator<Item = Row<'a>> {
    let builds = world.builds.values().filter(move |build| build.project == project && !build.is_deleted);
    builds.flat_map(|build| {
        build.stages.iter().flat_map(move |stage| {
            let asked = (1..).zip(&stage.attempts).filter(|(_, attempt)| !attempt.approvals.is_empty());
            asked.map(move |(nth, attempt)| Row { id: build.approval_id(&stage.identifier, nth), build, attempt })
        })
    })
}

/// Whether the steps are wanted with it.
fn has_steps(call: &Call) -> Result<bool, Failure> {
    match call.query.get("$expand").unwrap_or("none").to_lowercase().as_str() {
        "none" => Ok(false),
        // What the reader may do with them is left out.
        "steps" | "permissions" => Ok(true),
        other => Err(Failure::enum_value("$expand", other)),
    }
}

fn guids(call: &Call, name: &str) -> Result<Vec<Uuid>, Failure> {
    let words = call.query.get(name).unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| Uuid::try_parse(word).map_err(|_| Failure::argument(name, &format!("The value '{word}' is not valid.")))).collect()
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?;
    let (ids, users, steps) = (guids(call, "approvalIds")?, guids(call, "userIds")?, has_steps(call)?);
    let status = call.query.get("state").filter(|word| !word.eq_ignore_ascii_case("all"));
    let status = status.map(|word| ApprovalStatus::named(word).ok_or_else(|| Failure::enum_value("state", word))).transpose()?;
    let top = call.query.number("top")?.unwrap_or(usize::MAX);
    let is_hidden = project.builds_hidden_from.contains(&call.actor());
    let rows = all(&world, project.id).filter(|row| {
        !is_hidden
            && (ids.is_empty() || ids.contains(&row.id))
            && status.is_none_or(|status| row.status() == status)
            && (users.is_empty() || row.attempt.approvals.iter().any(|approval| users.contains(&approval.approver)))
    });
    let render = call.renderer(&world);
    Ok(Answer::list(rows.take(top).map(|row| json(&render, &row, steps)).collect()))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?;
    let (asked, steps) = (call.capture("approval"), has_steps(call)?);
    let is_hidden = project.builds_hidden_from.contains(&call.actor());
    let id = Uuid::try_parse(asked).ok().filter(|_| !is_hidden);
    let found = id.and_then(|id| all(&world, project.id).find(|row| row.id == id));
    let row = found.ok_or_else(|| Failure::no_approval(asked))?;
    Ok(Answer::ok(json(&call.renderer(&world), &row, steps)))
}

fn json(render: &Renderer<'_>, row: &Row<'_>, steps: bool) -> Value {
    let created = row.attempt.approvals.iter().map(|approval| approval.since).min();
    let here = render.site.project_api(row.build.project, &format!("pipelines/approvals/{}", row.id));
    let steps =
        if steps { (1..).zip(&row.attempt.approvals).map(|(order, asked)| step(render, order, asked)).collect() } else { Vec::new() };
    json!({
        "id": row.id,
        "steps": steps,
        "status": row.status().word(),
        "createdOn": created.map(ado_date),
        "lastModifiedOn": row.modified().or(created).map(ado_date),
        "executionOrder": row.attempt.terms.order.word(),
        "minRequiredApprovers": row.attempt.terms.needed,
        "blockedApprovers": [],
        "_links": { "self": link(here.as_str()) },
    })
}

fn step(render: &Renderer<'_>, order: usize, asked: &StageApproval) -> Value {
    let mut step = json!({
        "assignedApprover": render.identity(asked.approver),
        "status": asked.status.word(),
        "comment": "",
        "lastModifiedOn": ado_date(asked.decided.unwrap_or(asked.since)),
        "order": order,
        "history": [],
    });
    if asked.status != ApprovalStatus::Uninitiated {
        step["initiatedOn"] = json!(ado_date(asked.since));
    }
    if matches!(asked.status, ApprovalStatus::Approved | ApprovalStatus::Rejected) {
        let by = render.identity(asked.by.unwrap_or(asked.approver));
        step["actualApprover"] = by.clone();
        step["lastModifiedBy"] = by;
    }
    step
}
