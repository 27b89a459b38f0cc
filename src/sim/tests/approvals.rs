//! Approvals and checks before a stage of a run, and before a classic deployment: who is asked, who answers, what follows.
use super::*;
use crate::sim::deed::Decision::{Approve, Reject};
use crate::sim::world::{ApprovalOrder, ApprovalTerms, DeploymentStatus};

const ANY: ApprovalTerms = ApprovalTerms { needed: 1, order: ApprovalOrder::AnyOrder };

/// A run of tide-api that has come to Production.
async fn at_production(stage: &Stage) -> i32 {
    let control = stage.running.control();
    let build = control.queue_build("tide-api", "alice", (None, None)).await.unwrap();
    control.start_build(build).await.unwrap();
    control.begin_stage(build, "Production").await.unwrap();
    build
}

async fn records(stage: &Stage, build: i32) -> Vec<Value> {
    let timeline = stage.get(&format!("Harbor/_apis/build/builds/{build}/timeline")).await.expect(200);
    timeline["records"].as_array().unwrap().clone()
}

/// The approval of the run that its timeline names.
async fn approval(stage: &Stage, build: i32) -> Value {
    let rows = records(stage, build).await;
    let found: Vec<_> = rows.iter().filter(|row| row["type"] == "Checkpoint.Approval").collect();
    assert_eq!(found.len(), 1, "one, whoever is asked");
    let path = format!("Harbor/_apis/pipelines/approvals?approvalIds={}&$expand=steps", found[0]["id"].as_str().unwrap());
    let list = stage.get(&path).await.expect(200);
    assert_eq!(list["count"], 1, "{list}");
    list["value"][0].clone()
}

async fn state(stage: &Stage, build: i32) -> String {
    let rows = records(stage, build).await;
    let row = rows.iter().find(|row| row["identifier"] == "Production").unwrap();
    row["result"].as_str().or(row["state"].as_str()).unwrap().to_owned()
}

fn steps(approval: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = approval["steps"].as_array().unwrap();
    steps.iter().map(|step| (text(&step["assignedApprover"]["displayName"]), text(&step["status"]))).collect()
}

#[tokio::test]
async fn an_approval_has_the_id_of_its_record_and_says_who_is_asked() {
    let stage = Stage::new().await;
    let waiting = approval(&stage, 421).await;
    assert_eq!(steps(&waiting), [("Bob Tanaka".to_owned(), "pending".to_owned())]);
    assert_eq!((&waiting["status"], &waiting["minRequiredApprovers"]), (&json!("pending"), &json!(1)));
    let path = format!("Harbor/_apis/pipelines/approvals/{}", waiting["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).await.expect(200)["steps"], json!([]), "only where they are asked for");
    assert_eq!(stage.get(&format!("{path}?$expand=steps")).await.expect(200), waiting);
    let open = stage.get("Harbor/_apis/pipelines/approvals?state=pending").await.expect(200);
    assert_eq!((&open["count"], &open["value"][0]["id"]), (&json!(1), &waiting["id"]));
    let all = stage.get("Harbor/_apis/pipelines/approvals?state=approved").await.expect(200);
    assert!(all["count"].as_u64().unwrap() > 1, "{all}");
    let nobody = "00000000-0000-4000-8000-000000000000";
    stage.get(&format!("Harbor/_apis/pipelines/approvals/{nobody}")).await.refused(404, "ApprovalNotFoundException");
    stage.get("Quay/_apis/pipelines/approvals").await.expect(200);
    stage.as_user("alice-no-build-token", Method::GET, "Harbor/_apis/pipelines/approvals", Value::Null).await.expect(401);
}

#[tokio::test]
async fn enough_approvals_begin_a_stage_and_one_refusal_ends_it() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let two = ApprovalTerms { needed: 2, ..ANY };
    control.ask_for("tide-api", "Production", &["bob", "carol", "erin"], &[], two).await.unwrap();
    let build = at_production(&stage).await;
    control.decide_stage(build, "Production", "carol", Approve).await.unwrap();
    assert_eq!(state(&stage, build).await, "pending");
    assert!(control.decide_stage(build, "Production", "carol", Approve).await.is_err(), "once is enough");
    control.decide_stage(build, "Production", "erin", Approve).await.unwrap();
    assert_eq!(state(&stage, build).await, "inProgress");
    let told = approval(&stage, build).await;
    let statuses: Vec<_> = steps(&told).into_iter().map(|(_, status)| status).collect();
    assert_eq!(
        (told["status"].as_str(), statuses.as_slice()),
        (Some("approved"), ["skipped", "approved", "approved"].map(str::to_owned).as_slice())
    );
    assert_eq!(told["steps"][1]["actualApprover"]["displayName"], "Carol Okafor");

    let refused = at_production(&stage).await;
    control.decide_stage(refused, "Production", "bob", Reject).await.unwrap();
    assert_eq!((state(&stage, refused).await.as_str(), approval(&stage, refused).await["status"].as_str()), ("failed", Some("rejected")));
}

#[tokio::test]
async fn those_who_are_asked_in_turn_answer_in_turn() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let all = ApprovalTerms { needed: 0, order: ApprovalOrder::InSequence };
    control.ask_for("tide-api", "Production", &["bob", "carol"], &[], all).await.unwrap();
    let build = at_production(&stage).await;
    assert_eq!(approval(&stage, build).await["steps"][1]["status"], "uninitiated");
    assert!(control.decide_stage(build, "Production", "carol", Approve).await.is_err(), "it is not her turn");
    control.decide_stage(build, "Production", "bob", Approve).await.unwrap();
    assert_eq!(approval(&stage, build).await["steps"][1]["status"], "pending");
    control.decide_stage(build, "Production", "carol", Approve).await.unwrap();
    assert_eq!(state(&stage, build).await, "inProgress");
}

#[tokio::test]
async fn a_member_answers_for_a_team_and_a_lock_holds_back_what_is_approved() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    control.ask_for("tide-api", "Production", &["[Harbor]\\Tides"], &["ExclusiveLock", "Office hours"], ANY).await.unwrap();
    let build = at_production(&stage).await;
    assert!(control.decide_stage(build, "Production", "carol", Approve).await.is_err(), "she is not of the team");
    control.decide_stage(build, "Production", "dave", Approve).await.unwrap();
    let told = approval(&stage, build).await;
    assert_eq!((&told["steps"][0]["assignedApprover"]["isContainer"], &told["status"]), (&json!(true), &json!("approved")));
    assert_eq!(told["steps"][0]["actualApprover"]["displayName"], "Dave Lindqvist");
    let open: Vec<_> = records(&stage, build)
        .await
        .iter()
        .filter(|row| row["state"] == "inProgress")
        .map(|row| (row["type"].as_str().unwrap().to_owned(), row["name"].as_str().unwrap().to_owned()))
        .collect();
    let named = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let expected = [
        named("Checkpoint", "Checkpoint"),
        named("Checkpoint.ExclusiveLock", "Checkpoint.ExclusiveLock"),
        named("Checkpoint.TaskCheck", "Office hours"),
    ];
    assert_eq!(open, expected);
    control.decide_check(build, "Production", "ExclusiveLock", Approve).await.unwrap();
    assert_eq!(state(&stage, build).await, "pending");
    control.decide_check(build, "Production", "Office hours", Approve).await.unwrap();
    assert_eq!(state(&stage, build).await, "inProgress");

    let cancelled = at_production(&stage).await;
    control.finish_build(cancelled, crate::sim::world::BuildResult::Canceled).await.unwrap();
    assert_eq!(approval(&stage, cancelled).await["status"], "canceled", "nobody is asked any more");
}

#[tokio::test]
async fn a_classic_deployment_waits_for_its_approver_and_then_goes_on() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let pending = "Harbor/_apis/release/approvals?statusFilter=pending&typeFilter=preDeploy";
    assert_eq!(stage.at_release(pending).await.expect(200)["count"], 0);
    let build = control.deploy("ops", "erin", (None, None), &[]).await.unwrap();
    let test = control.ask_release("ops", build, "Test", "erin").await.unwrap();
    control.finish_deployment(test, DeploymentStatus::Succeeded).await.unwrap();
    let waiting = control.ask_release("ops", build, "Production", "erin").await.unwrap();
    let list = stage.at_release(pending).await.expect(200);
    let row = &list["value"][0];
    assert_eq!((&list["count"], &row["approver"]["displayName"]), (&json!(1), &json!("Bob Tanaka")));
    assert_eq!(row["releaseEnvironment"]["name"], "Production");
    let release = row["release"]["id"].as_i64().unwrap();
    assert_eq!(stage.at_release(&format!("{pending}&releaseIdsFilter={release},1")).await.expect(200)["count"], 1);
    assert_eq!(stage.at_release(&format!("{pending}&releaseIdsFilter=1")).await.expect(200)["count"], 0);
    let deployment = async |id: i32| {
        let list = stage.at_release("Harbor/_apis/release/deployments?$top=100").await.expect(200);
        list["value"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone()
    };
    assert_eq!(deployment(waiting).await["operationStatus"], "Pending");
    assert!(control.decide_release(waiting, "carol", Approve).await.is_err());
    control.decide_release(waiting, "bob", Approve).await.unwrap();
    assert_eq!(stage.at_release(pending).await.expect(200)["count"], 0);
    assert_eq!(deployment(waiting).await["deploymentStatus"], "inProgress");
    control.finish_deployment(waiting, DeploymentStatus::Succeeded).await.unwrap();

    let refused = control.ask_release("ops", build, "Production", "erin").await.unwrap();
    control.decide_release(refused, "bob", Reject).await.unwrap();
    assert_eq!(
        (deployment(refused).await["deploymentStatus"].as_str(), deployment(refused).await["attempt"].as_i64()),
        (Some("notDeployed"), Some(2))
    );
}
