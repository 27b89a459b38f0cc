//! Builds, their timelines, definitions, pipelines and environments, as somebody sees them who collects them all.
use std::collections::BTreeSet;

use super::*;
use crate::sim::control::Decision;
use crate::sim::world::{Build, BuildResult, MissingTime, RecordResult, Service};

fn ids(list: &Value) -> Vec<i64> {
    list["value"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// All pages of a list, and how many they were.
async fn every(stage: &Stage, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let joint = if token.is_empty() { String::new() } else { format!("&continuationToken={token}") };
        let seen = stage.get(&format!("{path}{joint}")).await;
        token = seen.header("x-ms-continuationtoken").to_owned();
        rows.extend(seen.expect(200)["value"].as_array().unwrap().clone());
        pages += 1;
        if token.is_empty() {
            return (rows, pages);
        }
        assert!(pages < 500, "the pages of {path} do not end");
    }
}

#[tokio::test]
async fn builds_page_by_a_time_in_every_order() {
    let stage = Stage::new().await;
    let (all, _) = every(&stage, "Harbor/_apis/build/builds?queryOrder=queueTimeAscending").await;
    assert!(all.len() > 25, "{}", all.len());
    for (order, field) in [
        ("queueTimeAscending", "queueTime"),
        ("queueTimeDescending", "queueTime"),
        ("startTimeAscending", "startTime"),
        ("finishTimeAscending", "finishTime"),
        ("finishTimeDescending", "finishTime"),
    ] {
        let (rows, pages) = every(&stage, &format!("Harbor/_apis/build/builds?queryOrder={order}&$top=7")).await;
        assert!(pages > 3);
        let times: Vec<&str> = rows.iter().map(|row| row[field].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| if order.ends_with("Ascending") { a <= b } else { a >= b }), "{order}: {times:?}");
        let found: BTreeSet<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        let expected: BTreeSet<i64> = all.iter().filter(|row| !row[field].is_null()).map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(found, expected, "{order}");
    }
    // What runs now has no finish time: an order by it hides it.
    let running = stage.get("Harbor/_apis/build/builds?statusFilter=inProgress").await.expect(200);
    assert_eq!(ids(&running), [421, 420]);
}

#[tokio::test]
async fn many_builds_of_one_instant_do_not_hold_up_the_pages() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let made = control
        .change_world(|world| {
            let definition = world.definition(9).unwrap().clone();
            let (at, by) = (world.now(), definition.author);
            for id in 1000..1010 {
                world.add_build(Build::new(id, &definition, &"a".repeat(40), at, by));
            }
            world.add_build(Build::new(1010, &definition, &"a".repeat(40), at + jiff::SignedDuration::from_secs(1), by));
            11
        })
        .await;
    let (rows, _) = every(&stage, "Harbor/_apis/build/builds?definitions=9&queryOrder=queueTimeDescending&$top=3").await;
    let found: BTreeSet<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(found.range(1000..).count(), made);
    // The first page ends within the instant, which the second then gives whole.
    assert_eq!(rows.len(), found.len() + 2);
    assert!(found.contains(&387));
}

#[tokio::test]
async fn bounds_are_of_the_time_that_the_order_names() {
    let stage = Stage::new().await;
    let build = stage.get("Harbor/_apis/build/builds/396").await.expect(200);
    let (queued, finished) = (build["queueTime"].as_str().unwrap(), build["finishTime"].as_str().unwrap());
    assert!(queued < finished);
    let list = async |rest: String| ids(&stage.get(&format!("Harbor/_apis/build/builds?{rest}")).await.expect(200));
    assert!(list(format!("queryOrder=finishTimeAscending&minTime={finished}")).await.contains(&396));
    assert!(!list(format!("queryOrder=queueTimeAscending&minTime={finished}")).await.contains(&396));
    assert!(!list(format!("queryOrder=finishTimeAscending&maxTime={queued}")).await.contains(&396));
    assert!(list(format!("queryOrder=queueTimeAscending&maxTime={queued}")).await.contains(&396));
}

#[tokio::test]
async fn builds_are_filtered_as_the_service_filters() {
    let stage = Stage::new().await;
    let repository = stage.get("Harbor/_apis/git/repositories/tide-api").await.expect(200)["id"].as_str().unwrap().to_owned();
    for (filter, expected) in [
        ("definitions=8,9&resultFilter=failed", vec![405, 399]),
        ("resultFilter=canceled", vec![404, 406]),
        ("reasonFilter=pullRequest", vec![420, 418, 415, 411]),
        ("reasonFilter=schedule&definitions=9", vec![408, 401, 399, 392]),
        ("branchName=refs/pull/7/merge", vec![415]),
        ("buildIds=402,403,9999", vec![403, 402]),
        ("statusFilter=inProgress,notStarted", vec![421, 420]),
        ("buildNumber=nothing*", vec![]),
    ] {
        let found = ids(&stage.get(&format!("Harbor/_apis/build/builds?{filter}")).await.expect(200));
        let sorted = |mut ids: Vec<i64>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(found), sorted(expected), "{filter}");
    }
    let of = stage.get(&format!("Harbor/_apis/build/builds?repositoryId={repository}&repositoryType=TfsGit&$top=5000")).await.expect(200);
    assert!(of["value"].as_array().unwrap().iter().all(|row| row["definition"]["name"] == "tide-api"));
    stage.get(&format!("Harbor/_apis/build/builds?repositoryId={repository}")).await.refused(400, "ArgumentException");
    stage.get("Harbor/_apis/build/builds?statusFilter=asleep").await.refused(400, "InvalidEnumArgumentException");
    stage.get("Harbor/_apis/build/builds?minTime=yesterday").await.refused(400, "ArgumentException");
    let quay = stage.get("Quay/_apis/build/builds").await.expect(200);
    assert_eq!(quay["count"], 0);
}

#[tokio::test]
async fn a_build_says_what_it_was_made_from() {
    let stage = Stage::new().await;
    let build = stage.get("Harbor/_apis/build/builds/411").await.expect(200);
    let number = build["triggerInfo"]["pr.number"].as_str().unwrap();
    assert_eq!(build["sourceBranch"], format!("refs/pull/{number}/merge"));
    assert_eq!(build["reason"], "pullRequest");
    let request = stage.get(&format!("_apis/git/pullrequests/{number}")).await.expect(200);
    assert_eq!(build["sourceVersion"], request["lastMergeCommit"]["commitId"]);
    assert!(request["title"].as_str().unwrap().starts_with("HAR-14"));
    stage.get("Harbor/_apis/build/builds/9999").await.refused(404, "BuildNotFoundException");
    stage.get("Quay/_apis/build/builds/411").await.refused(404, "BuildNotFoundException");
}

#[tokio::test]
async fn a_timeline_has_stages_attempts_checkpoints_and_jobs() {
    let stage = Stage::new().await;
    let timeline = stage.get("Harbor/_apis/build/builds/398/timeline").await.expect(200);
    let records = timeline["records"].as_array().unwrap();
    let of = |kind: &str| records.iter().filter(|row| row["type"] == kind).collect::<Vec<_>>();
    let names: Vec<_> = of("Stage").iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Build", "Staging", "ProdNorth", "ProdSouth"]);
    let north = of("Stage")[2].clone();
    assert_eq!((north["attempt"].as_i64(), north["result"].as_str()), (Some(2), Some("succeeded")));
    let earlier = &north["previousAttempts"][0];
    assert_eq!(earlier["attempt"], 1);
    let path = format!("Harbor/_apis/build/builds/398/timeline/{}", earlier["timelineId"].as_str().unwrap());
    let first = stage.get(&path).await.expect(200);
    let record = &first["records"][0];
    assert_eq!((record["id"].as_str(), record["result"].as_str()), (earlier["recordId"].as_str(), Some("failed")));
    // Everything hangs on a record of the same timeline.
    let known: BTreeSet<&str> = records.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(known.len(), records.len());
    assert!(records.iter().filter_map(|row| row["parentId"].as_str()).all(|parent| known.contains(parent)));

    let waiting = stage.get("Harbor/_apis/build/builds/421/timeline").await.expect(200);
    let rows = waiting["records"].as_array().unwrap();
    let production = rows.iter().find(|row| row["identifier"] == "Production").unwrap();
    assert_eq!((production["state"].as_str(), &production["startTime"]), (Some("pending"), &Value::Null));
    let approval = rows.iter().find(|row| row["type"] == "Checkpoint.Approval").unwrap();
    assert_eq!((approval["state"].as_str(), approval["finishTime"].is_null()), (Some("inProgress"), true));
}

#[tokio::test]
async fn a_timeline_may_be_empty_or_gone_and_times_may_be_missing() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let never = stage.get("Harbor/_apis/build/builds/406/timeline").await;
    assert_eq!((never.status, never.text.as_str()), (204, ""));
    control.forget_timeline(402).await.unwrap();
    stage.get("Harbor/_apis/build/builds/402/timeline").await.refused(404, "TimelineNotFoundException");
    control.change_world(|world| world.builds.get_mut(&403).unwrap().is_deleted = true).await;
    stage.get("Harbor/_apis/build/builds/403/timeline").await.refused(404, "BuildNotFoundException");
    for (missing, expected) in
        [(MissingTime::Absent, None), (MissingTime::Null, Some(Value::Null)), (MissingTime::Sentinel, Some(json!("0001-01-01T00:00:00")))]
    {
        control.change_world(|world| world.builds.get_mut(&406).unwrap().missing_times = missing).await;
        let build = stage.get("Harbor/_apis/build/builds/406").await.expect(200);
        assert_eq!(build.get("startTime").cloned(), expected, "{missing:?}");
    }
}

#[tokio::test]
async fn definitions_and_pipelines_are_the_same_things() {
    let stage = Stage::new().await;
    let (rows, pages) = every(&stage, "Harbor/_apis/build/definitions?$top=3").await;
    assert_eq!(pages, 2);
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tide-api", "harbor-web", "pilot-cli", "ops"]);
    let found = stage.get("Harbor/_apis/build/definitions?name=*WEB&includeAllProperties=true").await.expect(200);
    assert_eq!(found["value"][0]["process"]["yamlFilename"], "/azure-pipelines.yml");
    assert_eq!(ids(&found), [8]);
    assert_eq!(ids(&stage.get("Harbor/_apis/pipelines").await.expect(200)), [7, 8, 9, 10]);
    let runs = stage.get("Harbor/_apis/pipelines/8/runs").await.expect(200);
    let run = &runs["value"][0];
    assert_eq!((run["id"].as_i64(), run["state"].as_str(), run["result"].as_str()), (Some(415), Some("completed"), Some("succeeded")));
    let full = stage.get("Harbor/_apis/pipelines/8/runs/407").await.expect(200);
    assert_eq!(full["resources"]["repositories"]["self"]["refName"], "refs/heads/main");
    stage.get("Harbor/_apis/build/definitions/99").await.refused(404, "DefinitionNotFoundException");
}

#[tokio::test]
async fn environments_keep_what_was_deployed_to_them() {
    let stage = Stage::new().await;
    let (rows, _) = every(&stage, "Harbor/_apis/distributedtask/environments?$top=2").await;
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tide-staging", "tide-production", "web-staging", "web-production"]);
    let path = "Harbor/_apis/distributedtask/environments/4/environmentdeploymentrecords";
    let (records, pages) = every(&stage, &format!("{path}?top=3")).await;
    assert!(pages > 2);
    let times: Vec<&str> = records.iter().map(|row| row["finishTime"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let of_398: Vec<_> = records.iter().filter(|row| row["owner"]["id"] == 398).collect();
    let told: BTreeSet<_> = of_398
        .iter()
        .map(|row| (row["stageName"].as_str().unwrap(), row["stageAttempt"].as_i64().unwrap(), row["result"].as_str().unwrap()))
        .collect();
    assert_eq!(told, BTreeSet::from([("ProdNorth", 1, "failed"), ("ProdNorth", 2, "succeeded"), ("ProdSouth", 1, "succeeded")]));
    // Without the dollar; one with it is not looked at.
    assert_eq!(stage.get(&format!("{path}?$top=1")).await.expect(200)["count"].as_u64().unwrap() as usize, records.len());
    stage.get("Harbor/_apis/distributedtask/environments/99").await.refused(404, "EnvironmentNotFoundException");
}

#[tokio::test]
async fn a_run_goes_through_approval_and_retry_and_leaves_one_record_a_try() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let build = control.queue_build("tide-api", "alice", (None, None)).await.unwrap();
    let path = format!("Harbor/_apis/build/builds/{build}");
    assert_eq!(stage.get(&path).await.expect(200)["status"], "notStarted");
    control.start_build(build).await.unwrap();
    for name in ["Build", "Test", "Staging"] {
        control.end_stage(build, name, RecordResult::Succeeded).await.unwrap();
    }
    control.begin_stage(build, "Production").await.unwrap();
    assert!(control.decide_stage(build, "Production", "alice", Decision::Approve).await.is_err());
    control.decide_stage(build, "Production", "bob", Decision::Approve).await.unwrap();
    control.end_stage(build, "Production", RecordResult::Failed).await.unwrap();
    control.finish_build(build, BuildResult::Failed).await.unwrap();
    assert_eq!(stage.get(&path).await.expect(200)["result"], "failed");

    control.begin_stage(build, "Production").await.unwrap();
    let again = stage.get(&path).await.expect(200);
    assert_eq!((again["status"].as_str(), again.get("result")), (Some("inProgress"), None));
    control.decide_stage(build, "Production", "bob", Decision::Approve).await.unwrap();
    control.end_stage(build, "Production", RecordResult::Succeeded).await.unwrap();
    control.finish_build(build, BuildResult::Succeeded).await.unwrap();
    let records = stage.get("Harbor/_apis/distributedtask/environments/2/environmentdeploymentrecords").await.expect(200);
    let mine: Vec<_> = records["value"].as_array().unwrap().iter().filter(|row| row["owner"]["id"] == build).collect();
    let told: Vec<_> = mine.iter().map(|row| (row["stageAttempt"].as_i64().unwrap(), row["result"].as_str().unwrap())).collect();
    assert_eq!(told, [(2, "succeeded"), (1, "failed")]);

    let refused = control.queue_build("tide-api", "alice", (None, None)).await.unwrap();
    control.begin_stage(refused, "Production").await.unwrap();
    control.decide_stage(refused, "Production", "bob", Decision::Reject).await.unwrap();
    control.finish_build(refused, BuildResult::Failed).await.unwrap();
    let timeline = stage.get(&format!("Harbor/_apis/build/builds/{refused}/timeline")).await.expect(200);
    let production = timeline["records"].as_array().unwrap().iter().find(|row| row["identifier"] == "Production").unwrap().clone();
    assert_eq!((production["result"].as_str(), production["startTime"].is_null()), (Some("failed"), true));
    let records = stage.get("Harbor/_apis/distributedtask/environments/2/environmentdeploymentrecords").await.expect(200);
    assert!(records["value"].as_array().unwrap().iter().all(|row| row["owner"]["id"] != refused));
}

#[tokio::test]
async fn builds_are_seen_only_by_whom_the_project_lets() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    control.hide_builds("Harbor", "alice").await.unwrap();
    for path in ["builds", "builds/402", "builds/402/timeline", "definitions/7"] {
        let words = stage.get(&format!("Harbor/_apis/build/{path}")).await.refused(403, "AccessDeniedException");
        assert!(words.contains("TF215106") && words.contains("View builds") && words.contains("Harbor"), "{words}");
    }
    assert_eq!(stage.get("Harbor/_apis/build/definitions").await.expect(200)["count"], 0);
    // Another project, and another person, are not touched.
    stage.get("Quay/_apis/build/builds").await.expect(200);
    stage.as_user("bob-token", Method::GET, "Harbor/_apis/build/builds", Value::Null).await.expect(200);
    stage.get("Harbor/_apis/distributedtask/environments").await.expect(200);
    control.show_builds("Harbor", "alice").await.unwrap();
    stage.get("Harbor/_apis/build/builds").await.expect(200);
}

#[tokio::test]
async fn each_area_asks_for_its_own_scope() {
    let stage = Stage::new().await;
    let root = stage.running.url().to_owned();
    for (token, refused) in [
        ("alice-product-token", ""),
        ("alice-no-build-token", "build"),
        ("alice-no-environment-token", "environment"),
        ("alice-no-release-token", "release"),
        ("alice-no-work-token", "work"),
        ("alice-no-threads-token", ""),
    ] {
        for (area, method, path, body) in [
            ("build", Method::GET, "Harbor/_apis/build/builds?$top=1", Value::Null),
            ("build", Method::GET, "Harbor/_apis/pipelines", Value::Null),
            ("environment", Method::GET, "Harbor/_apis/distributedtask/environments", Value::Null),
            ("work", Method::POST, "Harbor/_apis/wit/workitemsbatch", json!({ "ids": [201] })),
        ] {
            let seen = stage.as_user(token, method, path, body).await;
            assert_eq!(seen.status, if area == refused { 401 } else { 200 }, "{token} {path}: {}", seen.text);
        }
        let address = format!("{root}/lumen.vsrm/Harbor/_apis/release/deployments?api-version=7.1");
        let seen = stage.send(stage.http.get(address).basic_auth("", Some(token))).await;
        assert_eq!(seen.status, if refused == "release" { 401 } else { 200 }, "{token}: {}", seen.text);
    }
}

#[tokio::test]
async fn a_service_that_is_switched_off_is_not_there() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let areas = async || {
        let address = format!("{}/_apis/resourceAreas", stage.running.organisation_url());
        let list = stage.send(stage.http.get(address).basic_auth("", Some(&stage.token))).await;
        list.expect(200)["value"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(areas().await.is_superset(&["wit", "build", "distributedtask", "Release"].map(str::to_owned).into()));
    control.switch_off(Service::Boards).await;
    assert_eq!(stage.post("Harbor/_apis/wit/workitemsbatch", json!({ "ids": [201] })).await.status, 404);
    assert!(!areas().await.contains("wit"));
    stage.get("Harbor/_apis/build/builds").await.expect(200);
    control.switch_off(Service::Pipelines).await;
    assert_eq!(stage.get("Harbor/_apis/build/builds").await.status, 404);
    control.switch_on(Service::Boards).await;
    stage.post("Harbor/_apis/wit/workitemsbatch", json!({ "ids": [201] })).await.expect(200);
}
