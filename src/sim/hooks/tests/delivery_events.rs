//! What is told of runs, stages, classic deployments and work items that really happen.
use super::*;
use crate::sim::control::{Decision, Link, WorkItemChange};
use crate::sim::world::{BuildResult, DeploymentStatus, RecordResult};

const RUN: &str = "ms.vss-pipelines.run-state-changed-event";
const STAGE: &str = "ms.vss-pipelines.stage-state-changed-event";

async fn arrived(stage: &Stage, receiver: &Receiver) -> Vec<(String, Value)> {
    stage.idle().await;
    receiver.take().into_iter().map(|one| (one.body["eventType"].as_str().unwrap().to_owned(), one.body["resource"].clone())).collect()
}

#[tokio::test]
async fn a_run_is_told_from_its_queue_to_its_end() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    for event in ["build.complete", RUN, STAGE] {
        stage.subscribe(event, &receiver, json!({})).await;
    }
    let control = &stage.control;
    let build = control.queue_build("tide-api", "alice", (None, None)).await.unwrap();
    control.start_build(build).await.unwrap();
    control.end_stage(build, "Build", RecordResult::Succeeded).await.unwrap();
    control.begin_stage(build, "Production").await.unwrap();
    control.decide_stage(build, "Production", "bob", Decision::Approve).await.unwrap();
    control.end_stage(build, "Production", RecordResult::Succeeded).await.unwrap();
    control.finish_build(build, BuildResult::Succeeded).await.unwrap();
    let told = arrived(&stage, &receiver).await;
    let mut stages: Vec<_> = told.iter().filter(|(event, _)| event == STAGE).collect();
    stages.sort_by_key(|(_, resource)| resource["stage"]["state"].to_string());
    let states: Vec<_> = stages.iter().map(|(_, row)| row["stage"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["completed", "completed", "running", "waiting"]);
    assert_eq!(told.iter().filter(|(event, _)| event == RUN).count(), 3);
    let (_, complete) = told.iter().find(|(event, _)| event == "build.complete").unwrap();
    assert_eq!((complete["id"].as_i64(), complete["result"].as_str()), (Some(i64::from(build)), Some("succeeded")));
    // What the event says is what the build says.
    let asked = stage.api("").replace("/_apis/", &format!("/Harbor/_apis/build/builds/{build}"));
    let (status, build) = stage.ask("alice-token", Method::GET, &asked, Value::Null).await;
    assert_eq!((status, &build["sourceVersion"]), (200, &complete["sourceVersion"]));
}

#[tokio::test]
async fn filters_of_runs_let_through_what_they_name() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({ "definitionName": "harbor-web", "buildStatus": "Failed" })).await;
    stage.subscribe(RUN, &receiver, json!({ "pipelineId": "9", "runResultId": "Succeeded" })).await;
    stage.subscribe(STAGE, &receiver, json!({ "stageNameId": "Staging", "stageResultId": "Failed" })).await;
    let control = &stage.control;
    control.deploy("harbor-web", "bob", (None, None), &[("Staging", RecordResult::Succeeded)]).await.unwrap();
    control.deploy("tide-api", "bob", (None, None), &[("Build", RecordResult::Failed)]).await.unwrap();
    assert_eq!(arrived(&stage, &receiver).await, []);
    control.deploy("harbor-web", "bob", (None, None), &[("Staging", RecordResult::Failed)]).await.unwrap();
    control.deploy("pilot-cli", "bob", (None, None), &[]).await.unwrap();
    let mut events: Vec<_> = arrived(&stage, &receiver).await.into_iter().map(|(event, _)| event).collect();
    events.sort();
    assert_eq!(events, ["build.complete", RUN, STAGE]);
}

#[tokio::test]
async fn a_classic_deployment_is_told_by_release_management() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let wish = stage.wish("ms.vss-release.deployment-completed-event", &receiver.url, json!({ "releaseEnvironmentStatus": "16" })).await;
    let at_release = format!("{}/lumen.vsrm/_apis/hooks/subscriptions", stage.running.url());
    let (status, made) = stage.ask("alice-token", Method::POST, &at_release, wish).await;
    assert_eq!(status, 200, "{made}");
    let build = stage.control.deploy("ops", "erin", (None, None), &[]).await.unwrap();
    stage.control.deploy_release("ops", build, "Test", "erin", DeploymentStatus::Succeeded).await.unwrap();
    stage.control.deploy_release("ops", build, "Production", "erin", DeploymentStatus::Failed).await.unwrap();
    let told = arrived(&stage, &receiver).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let resource = &told[0].1;
    assert_eq!(
        (resource["environment"]["name"].as_str(), resource["environment"]["status"].as_str()),
        (Some("Production"), Some("rejected"))
    );
    assert_eq!(resource["deployment"]["deploymentStatus"], "failed");
    let version = &resource["release"]["artifacts"][0]["definitionReference"]["version"]["id"];
    assert_eq!(version, &json!(build.to_string()));
}

#[tokio::test]
async fn a_work_item_is_told_when_made_changed_and_linked() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("workitem.created", &receiver, json!({ "workItemType": "Bug", "tag": "incident", "areaPath": "Harbor" })).await;
    stage.subscribe("workitem.updated", &receiver, json!({ "changedFields": "System.State" })).await;
    let control = &stage.control;
    control.create_work_item("Harbor", ("Bug", "No tag"), "bob", &[]).await.unwrap();
    control.create_work_item("Harbor", ("Task", "No bug"), "bob", &["Incident"]).await.unwrap();
    let id = control.create_work_item("Harbor", ("Bug", "Both"), "bob", &["Incident", "night"]).await.unwrap();
    control.link_work_item(id, "bob", Link::Build(407)).await.unwrap();
    let change = WorkItemChange { state: Some("Resolved".to_owned()), ..WorkItemChange::default() };
    control.update_work_item(id, "carol", change).await.unwrap();
    let mut told = arrived(&stage, &receiver).await;
    told.sort_by(|left, right| left.0.cmp(&right.0));
    let [(created, made), (updated, changed)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((created.as_str(), updated.as_str()), ("workitem.created", "workitem.updated"));
    assert_eq!((made["id"].as_i64(), made["fields"]["System.Tags"].as_str()), (Some(i64::from(id)), Some("Incident; night")));
    assert_eq!(changed["workItemId"].as_i64(), Some(i64::from(id)));
    assert_eq!(changed["fields"]["System.State"]["newValue"], "Resolved");
    assert!(changed["revision"]["fields"]["System.ChangedBy"].as_str().unwrap().starts_with("Carol"));
}

#[tokio::test]
async fn who_may_not_see_builds_is_told_of_none() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({})).await;
    stage.control.hide_builds("Harbor", "alice").await.unwrap();
    stage.control.deploy("pilot-cli", "bob", (None, None), &[]).await.unwrap();
    assert_eq!(arrived(&stage, &receiver).await, []);
    stage.control.show_builds("Harbor", "alice").await.unwrap();
    stage.control.deploy("pilot-cli", "bob", (None, None), &[]).await.unwrap();
    assert_eq!(arrived(&stage, &receiver).await.len(), 1);
}
