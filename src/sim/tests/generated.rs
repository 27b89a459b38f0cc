//! A generated organisation through real HTTP: what the API answers is what was planned.
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::super::Content;
use super::super::generate::Size;
use super::super::generate::plan::{Outcome, Plan, Way};
use super::super::world::PrState;
use super::*;

fn options() -> Options {
    let start = "2026-11-20T15:30:00Z".parse().unwrap();
    Options { organisation: Content::Generated(Size::S), start: Some(start), ..Options::default() }
}

async fn small() -> (Stage, Plan) {
    let stage = Stage::with(options()).await;
    let plan = stage.running.plan().unwrap().clone();
    (stage, plan)
}

fn rows(body: &Value) -> Vec<Value> {
    body["value"].as_array().unwrap().clone()
}

fn at(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn a_collection_of_thirty_days_finds_what_was_planned() {
    let (stage, plan) = small().await;
    // Some minutes later than the organisation was made, as a client would come.
    stage.running.control().advance(jiff::SignedDuration::from_mins(20)).await;
    let since = plan.window_from + jiff::SignedDuration::from_mins(20);

    let projects = rows(&stage.get("_apis/projects").await.expect(200));
    assert_eq!(projects.len(), plan.counts.projects);
    let name = projects[0]["name"].as_str().unwrap();
    assert_eq!(rows(&stage.get("_apis/git/repositories").await.expect(200)).len(), plan.counts.repositories);

    let list = format!("{name}/_apis/git/pullrequests?$top=1000&searchCriteria.status");
    let closed = format!("{list}=all&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={since}");
    let mut listed = rows(&stage.get(&closed).await.expect(200));
    listed.retain(|row| row["status"] != "active");
    listed.extend(rows(&stage.get(&format!("{list}=active")).await.expect(200)));
    assert_eq!(listed.len(), plan.counts.pull_requests);
    for row in &listed {
        let planned = plan.pull_request(i32::try_from(row["pullRequestId"].as_i64().unwrap()).unwrap()).unwrap();
        assert_eq!((at(&row["creationDate"]).unwrap(), at(&row["closedDate"])), (planned.created, planned.closed));
        assert_eq!(row["title"], planned.title.as_str());
        if planned.state == PrState::Completed {
            assert_eq!(row["lastMergeCommit"]["commitId"].as_str(), planned.merge_commit.as_deref());
        }
    }

    let builds = format!("{name}/_apis/build/builds?$top=5000");
    let finished = rows(&stage.get(&format!("{builds}&queryOrder=finishTimeAscending&minTime={since}")).await.expect(200));
    let mut found: BTreeSet<i64> = finished.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    for status in ["inProgress", "notStarted"] {
        let open = rows(&stage.get(&format!("{builds}&statusFilter={status}")).await.expect(200));
        found.extend(open.iter().map(|row| row["id"].as_i64().unwrap()));
    }
    assert_eq!(found.len(), plan.counts.builds);

    // Classic releases live under an address of their own, and come a hundred at a time.
    let releases = format!("{}.vsrm/{name}/_apis/release/deployments?$top=100&minStartedTime={since}", stage.running.organisation_url());
    let (mut seen, mut token) = (0, String::new());
    loop {
        let asked = format!("{releases}&continuationToken={token}&api-version=7.1");
        let page = stage.send(stage.http.get(asked).basic_auth("", Some(&stage.token))).await;
        token = page.header("x-ms-continuationtoken").to_owned();
        seen += rows(&page.expect(200)).iter().filter(|row| at(&row["startedOn"]) > Some(since)).count();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, plan.counts.release_deployments);

    let query = format!("SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = '{name}' ORDER BY [System.Id]");
    let items = stage.post(&format!("{name}/_apis/wit/wiql"), json!({ "query": query })).await.expect(200);
    assert_eq!(items["workItems"].as_array().unwrap().len(), plan.counts.work_items);
}

#[tokio::test]
async fn a_production_deployment_can_be_followed_from_the_environment_to_its_timeline() {
    let (stage, plan) = small().await;
    let wanted = plan.deployments.iter().rfind(|row| row.way == Way::Environments && row.outcome == Outcome::Succeeded).unwrap();
    let environments = rows(&stage.get(&format!("{}/_apis/distributedtask/environments", wanted.project)).await.expect(200));
    let environment = environments.iter().find(|row| row["name"] == wanted.environment.as_str()).unwrap();
    let records =
        format!("{}/_apis/distributedtask/environments/{}/environmentdeploymentrecords?top=500", wanted.project, environment["id"]);
    let records = rows(&stage.get(&records).await.expect(200));
    let record = records.iter().find(|row| row["owner"]["id"] == wanted.run && at(&row["finishTime"]) == wanted.at).unwrap();
    assert_eq!(record["result"], "succeeded");
    let build = stage.get(&format!("{}/_apis/build/builds/{}", wanted.project, wanted.run)).await.expect(200);
    assert_eq!(build["sourceVersion"], wanted.sha.as_str());
    let timeline = stage.get(&format!("{}/_apis/build/builds/{}/timeline", wanted.project, wanted.run)).await.expect(200);
    let stages: Vec<&Value> = timeline["records"].as_array().unwrap().iter().filter(|row| row["type"] == "Stage").collect();
    assert!(stages.iter().any(|row| at(&row["finishTime"]) == wanted.at), "{stages:?}");
}

#[tokio::test]
async fn a_generated_organisation_and_its_plan_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || Options { state_dir: Some(folder.path().to_owned()), ..options() };
    let first = start(kept()).await.unwrap();
    let plan = first.plan().unwrap().clone();
    first.stop().await;
    let again = start(kept()).await.unwrap();
    assert_eq!(again.plan(), Some(&plan));
    assert_eq!(again.control().world().await.pull_requests.len(), plan.pull_requests.len());
    again.stop().await;
}
