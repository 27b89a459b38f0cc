//! Who is to approve: of stages of runs and of classic releases, and what stages wait for besides.

use serde_json::{Value, json};

use super::server::{ADA, Reply, Scene, project};
use crate::ado::ErrorKind;
use crate::domain::approval::{Approver, Needed, Order, StepState};
use crate::domain::id::Guid;
use crate::domain::run::{Check, Gate, Standing};

const FIRST: &str = "5e0a7c11-0000-4000-8000-0000000000d1";
const SECOND: &str = "5e0a7c11-0000-4000-8000-0000000000d2";
const GROUP: &str = "5e0a7c11-0000-4000-8000-0000000000e1";

fn ada() -> Value {
    json!({ "id": ADA, "displayName": "Ada Byte", "uniqueName": "ada@lumen.example" })
}

fn pilots() -> Value {
    json!({ "id": GROUP, "displayName": "[Harbor]\\Pilots", "uniqueName": "vstfs:///Classification/TeamProject/1\\Pilots", "isContainer": true })
}

async fn standing(scene: &Scene, records: Value) -> Vec<Standing> {
    scene.on("GET", "/timeline", [Reply::ok(json!({ "records": records }))]);
    scene.client.standing(&project(), 4711).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_stage_that_waits_says_for_which_approvals_and_checks() {
    let scene = Scene::new().await;
    let record = |id: &str, parent: &str, kind: &str, name: Value, state: &str, start: &str| {
        let start = if start.is_empty() { Value::Null } else { json!(format!("2026-03-01T{start}:00Z")) };
        json!({ "id": id, "parentId": parent, "type": kind, "name": name, "state": state, "startTime": start })
    };
    let stages = standing(
        &scene,
        json!([
            { "id": "s1", "type": "Stage", "name": "Staging", "state": "completed", "result": "succeeded", "order": 1 },
            { "id": "s2", "type": "Stage", "name": "Production", "state": "pending", "order": 2 },
            { "id": "s3", "type": "Stage", "name": "Smoke", "state": "pending", "order": 3 },
            { "id": "s4", "type": "Stage", "name": "Other", "state": "inProgress", "order": 4 },
            record("c2", "s2", "Checkpoint", json!("Checkpoint"), "inProgress", "09:00"),
            record("x", "c2", "Checkpoint.Authorization", json!("Checkpoint.Authorization"), "completed", "09:00"),
            record(FIRST, "c2", "Checkpoint.Approval", json!("Checkpoint.Approval"), "inProgress", "09:01"),
            record("y", "c2", "Checkpoint.ExclusiveLock", json!("Checkpoint.ExclusiveLock"), "pending", ""),
            record("z", "c2", "Checkpoint.TaskCheck", json!("Office hours"), "inProgress", "09:02"),
            record("not an id", "c2", "Checkpoint.Approval", Value::Null, "inProgress", ""),
            record("c4", "s4", "Checkpoint", Value::Null, "inProgress", "09:30"),
        ]),
    )
    .await;
    let other = |name: &str| Check::Other(name.to_owned());
    let since = |text: &str| Some(text.parse().unwrap());
    let checks = vec![Check::Approval(Guid::new(FIRST)), other("Exclusive lock"), other("Office hours"), other("Approval")];
    let gates: Vec<_> = stages.into_iter().map(|standing| standing.gate).collect();
    let expected = [
        None,
        Some(Gate { since: since("2026-03-01T09:01:00Z"), checks }),
        None,
        // A checkpoint that does not say what is open.
        Some(Gate { since: since("2026-03-01T09:30:00Z"), checks: vec![] }),
    ];
    assert_eq!(gates, expected);
}

#[tokio::test]
async fn open_approvals_name_who_is_asked_how_many_and_who_answered() {
    let scene = Scene::new().await;
    let step = |order: i64, assigned: Value, status: &str, actual: Value| json!({ "order": order, "assignedApprover": assigned, "status": status, "actualApprover": actual, "comment": "x\u{1b}[2J" });
    let rows = json!([
        {
            "id": FIRST.to_uppercase(), "status": "pending", "executionOrder": "inSequence", "minRequiredApprovers": 2,
            "steps": [
                step(3, json!({ "displayName": "no id, no account" }), "pending", Value::Null),
                step(2, ada(), "uninitiated", Value::Null),
                step(1, pilots(), "approved", ada()),
                step(4, ada(), "skipped", Value::Null),
                step(5, ada(), "pondering", Value::Null),
            ],
            "blockedApprovers": [ada()], "permissions": "view"
        },
        { "id": SECOND, "status": "approved", "minRequiredApprovers": 0, "steps": [] },
        { "status": "pending" },
        null,
    ]);
    scene.on("GET", "/pipelines/approvals", [Reply::list(rows)]);
    let ids = [Guid::new(FIRST), Guid::new(SECOND)];
    let found = scene.client.open_approvals(&project(), &ids).await.unwrap();
    assert_eq!(found.len(), 1, "what is approved is waited for no more: {found:?}");
    let approval = &found[0];
    assert_eq!((&approval.id, approval.needed, approval.order), (&ids[0], Needed::AtLeast(2), Order::OneAfterTheOther));
    let ada = Approver { id: Guid::new(ADA), name: "Ada Byte".into(), is_group: false };
    let group = Approver { id: Guid::new(GROUP), name: "Pilots".into(), is_group: true };
    let steps: Vec<_> = approval.steps.iter().map(|step| (step.approver.clone(), step.state.clone())).collect();
    let expected = [
        (group, StepState::Approved { by: Some(ada.clone()) }),
        (ada.clone(), StepState::Open),
        (ada.clone(), StepState::Over),
        (ada, StepState::Open),
    ];
    assert_eq!(steps, expected);
    let asked = scene.find("GET", "/pipelines/approvals")[0].target.replace("%2C", ",");
    assert!(asked.ends_with(&format!("/pipelines/approvals?approvalIds={FIRST},{SECOND}&$expand=steps&api-version=7.1")), "{asked}");

    // All of them, where no number is given; and nothing is asked for no approval.
    scene.on("GET", "/pipelines/approvals", [Reply::list(json!([{ "id": FIRST, "status": "pending", "minRequiredApprovers": 0 }]))]);
    assert_eq!(scene.client.open_approvals(&project(), &ids).await.unwrap()[0].needed, Needed::All);
    assert_eq!(scene.client.open_approvals(&project(), &[]).await.unwrap(), []);
    assert_eq!(scene.find("GET", "/pipelines/approvals").len(), 2);
}

#[tokio::test]
async fn a_server_that_knows_of_no_approvals_says_that_they_are_not_there() {
    let scene = Scene::new().await;
    let ids = [Guid::new(FIRST)];
    for reply in [Reply::error(404, "VssResourceNotFoundException", "no such resource"), Reply::html(404, "<html>Page not found</html>")] {
        scene.on("GET", "/pipelines/approvals", [reply.clone()]);
        let error = scene.client.open_approvals(&project(), &ids).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotFound, "{reply:?}");
    }
}

#[tokio::test]
async fn a_release_says_whom_each_of_its_environments_waits_for() {
    let scene = Scene::new().await;
    scene.on("GET", "resourceAreas", [Reply::list(json!([]))]);
    let row = |id: i64, environment: &str, approver: Value, rest: Value| {
        let mut row = json!({
            "id": id, "status": "pending", "approvalType": "preDeploy", "isAutomated": false, "rank": 1, "approver": approver,
            "releaseEnvironment": { "id": 7, "name": environment }, "createdOn": format!("2026-03-01T09:0{id}:00Z")
        });
        row.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        row
    };
    let rows = json!([
        row(4, "PROD", pilots(), json!({})),
        row(3, "PROD", ada(), json!({})),
        row(2, "Test", ada(), json!({ "createdOn": "0001-01-01T00:00:00" })),
        row(5, "PROD", ada(), json!({ "status": "approved" })),
        row(6, "PROD", ada(), json!({ "approvalType": "postDeploy" })),
        row(7, "PROD", Value::Null, json!({ "isAutomated": true })),
        row(8, "PROD", Value::Null, json!({})),
        { "status": "pending" },
    ]);
    scene.on("GET", "/release/approvals", [Reply::list(rows)]);
    let found = scene.client.pending_release_approvals(&project(), 55).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|pending| {
            let names: Vec<_> = pending.approval.steps.iter().map(|step| step.approver.name.as_str()).collect();
            (pending.environment.as_str(), pending.since.map(|at| at.to_string()), names)
        })
        .collect();
    let since = Some("2026-03-01T09:03:00Z".to_owned());
    assert_eq!(told, [("PROD", since, vec!["Ada Byte", "Pilots"]), ("Test", None, vec!["Ada Byte"])]);
    assert_eq!(found[0].approval.needed, Needed::NotTold);
    let asked = &scene.find("GET", "/release/approvals")[0].target;
    assert!(asked.ends_with("?statusFilter=pending&releaseIdsFilter=55&typeFilter=preDeploy&api-version=7.1"), "{asked}");
}
