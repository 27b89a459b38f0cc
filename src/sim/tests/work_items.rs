//! Work items, found by query, in batches and by what they are linked to.
use super::*;
use crate::sim::control::{Link, WorkItemChange};
use crate::sim::world::WorkItem;

async fn asked(stage: &Stage, path: &str, query: &str) -> Seen {
    stage.post(path, json!({ "query": query })).await
}

fn ids(result: &Value) -> Vec<i64> {
    result["workItems"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_query_answers_ids_in_its_order() {
    let stage = Stage::new().await;
    let query = "SELECT [System.Id], [System.Title] FROM WorkItems WHERE [System.TeamProject] = @project \
                 AND [System.WorkItemType] IN ('Bug') ORDER BY [System.ChangedDate] DESC";
    let found = asked(&stage, "Harbor/_apis/wit/wiql", query).await.expect(200);
    assert_eq!(ids(&found), [210, 205, 206]);
    assert_eq!((found["queryType"].as_str(), found["queryResultType"].as_str()), (Some("flat"), Some("workItem")));
    assert_eq!(found["columns"][1]["referenceName"], "System.Title");
    assert_eq!(found["sortColumns"][0]["descending"], true);
    let tagged = "SELECT [System.Id] FROM WorkItems WHERE [System.Tags] CONTAINS 'incident' AND [System.AreaPath] UNDER 'Harbor\\Tides'";
    assert_eq!(ids(&asked(&stage, "_apis/wit/wiql", tagged).await.expect(200)), [205]);
    // Everything of Harbor, asked for without a project, and nothing for another project.
    let all = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = 'Harbor'";
    assert_eq!(ids(&asked(&stage, "_apis/wit/wiql?$top=4", all).await.expect(200)), [201, 202, 203, 204]);
    let here = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project";
    assert_eq!(ids(&asked(&stage, "Quay/_apis/wit/wiql", here).await.expect(200)), Vec::<i64>::new());
}

#[tokio::test]
async fn a_query_that_cannot_be_used_is_refused() {
    let stage = Stage::new().await;
    let path = "Harbor/_apis/wit/wiql";
    for (query, word) in [
        ("SELECT [System.Id] FROM", "TF51006"),
        ("SELECT [System.Id] FROM WorkItems WHERE [Nobody.Knows] = 1", "TF51005"),
        ("SELECT [System.Id] FROM WorkItems WHERE [System.ChangedDate] >= '2026-03-02T10:00:00Z'", "date precision"),
        ("SELECT [System.Id] FROM WorkItems WHERE [System.Id] = 0 AND [System.ChangedDate] >= '2026-03-02T10:00:00Z'", "date precision"),
    ] {
        let words = asked(&stage, path, query).await.refused(400, "WorkItemTrackingQueryException");
        assert!(words.contains(word), "{query}: {words}");
    }
    stage.post(path, json!({})).await.refused(400, "ArgumentNullException");
    let precise = "SELECT [System.Id] FROM WorkItems WHERE [System.ChangedDate] >= '2001-03-02T10:00:00Z'";
    assert_eq!(ids(&asked(&stage, &format!("{path}?timePrecision=true"), precise).await.expect(200)).len(), 10);
}

#[tokio::test]
async fn more_than_twenty_thousand_are_not_answered() {
    let stage = Stage::new().await;
    stage
        .running
        .control()
        .change_world(|world| {
            let (project, by, now) = (world.project("Harbor").unwrap().id, world.users[0].id, world.now());
            for id in 1000..21_000 {
                world.work_items.insert(id, WorkItem::new(id, (project, "Harbor"), "Task", "One of many", by, now));
            }
        })
        .await;
    let all = "SELECT [System.Id] FROM WorkItems";
    let words = asked(&stage, "Harbor/_apis/wit/wiql", all).await.refused(400, "WorkItemTrackingQueryResultSizeLimitExceededException");
    assert!(words.contains("VS402337"), "{words}");
    assert_eq!(ids(&asked(&stage, "Harbor/_apis/wit/wiql?$top=20000", all).await.expect(200)).len(), 20_000);
    let fewer = "SELECT [System.Id] FROM WorkItems WHERE [System.Id] < 1010 ORDER BY [System.Id]";
    assert_eq!(ids(&asked(&stage, "Harbor/_apis/wit/wiql", fewer).await.expect(200)).len(), 20);
}

#[tokio::test]
async fn a_batch_gives_the_fields_that_were_asked_for() {
    let stage = Stage::new().await;
    let path = "Harbor/_apis/wit/workitemsbatch";
    let fields = ["System.Id", "System.State", "Microsoft.VSTS.Common.ClosedDate", "System.Tags"];
    let found = stage.post(path, json!({ "ids": [201, 210], "fields": fields })).await.expect(200);
    let of = |nth: usize| found["value"][nth]["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(of(0), ["Microsoft.VSTS.Common.ClosedDate", "System.Id", "System.State"]);
    // What is empty is absent.
    assert_eq!(of(1), ["System.Id", "System.State"]);
    let full = stage.post(path, json!({ "ids": [201], "$expand": "relations" })).await.expect(200);
    let row = &full["value"][0];
    assert_eq!(row["relations"][0]["attributes"]["name"], "Pull Request");
    assert_eq!(row["fields"]["System.CreatedBy"]["uniqueName"], "alice@lumen.example");
    assert_eq!(row["fields"]["System.AreaPath"], "Harbor\\Tides");
    let one = stage.get("_apis/wit/workitems/201").await.expect(200);
    assert_eq!((one["rev"].clone(), one.get("relations")), (row["rev"].clone(), None));
    let listed = stage.get("_apis/wit/workitems?ids=201,202&fields=System.Title").await.expect(200);
    assert_eq!(listed["count"], 2);
}

#[tokio::test]
async fn a_batch_is_refused_or_has_holes() {
    let stage = Stage::new().await;
    let path = "Harbor/_apis/wit/workitemsbatch";
    let words = stage.post(path, json!({ "ids": [201, 9999] })).await.refused(404, "WorkItemUnauthorizedAccessException");
    assert!(words.contains("TF401232") && words.contains("9999"), "{words}");
    let found = stage.post(path, json!({ "ids": [9999, 201], "errorPolicy": "omit" })).await.expect(200);
    assert_eq!((&found["value"][0], found["value"][1]["id"].as_i64()), (&Value::Null, Some(201)));
    let many: Vec<i32> = (1..=201).collect();
    let words = stage.post(path, json!({ "ids": many, "errorPolicy": "omit" })).await.refused(400, "VssPropertyValidationException");
    assert!(words.contains("VS403474"), "{words}");
    stage
        .post(path, json!({ "ids": [201], "fields": ["System.Id"], "$expand": "all" }))
        .await
        .refused(400, "ConflictingParametersException");
    stage.post(path, json!({ "ids": [201], "fields": ["No.Such"] })).await.refused(400, "InvalidFieldReferenceException");
    // An item of a project that one may not see does not exist.
    let hidden = stage.running.control().create_work_item("Quay", ("Bug", "The crane swings"), "alice", &[]).await.unwrap();
    let seen = stage.as_user("erin-token", Method::POST, "_apis/wit/workitemsbatch", json!({ "ids": [hidden] })).await;
    seen.refused(404, "WorkItemUnauthorizedAccessException");
    stage.post(path, json!({ "ids": [hidden] })).await.refused(404, "WorkItemUnauthorizedAccessException");
    stage.post("_apis/wit/workitemsbatch", json!({ "ids": [hidden] })).await.expect(200);
}

#[tokio::test]
async fn links_are_found_from_both_sides() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let request = stage.get("Harbor/_apis/git/pullrequests?searchCriteria.status=active&$top=1").await.expect(200)["value"][0].clone();
    let number = request["pullRequestId"].as_i64().unwrap();
    let (project, repository) = (request["repository"]["project"]["id"].as_str().unwrap(), request["repository"]["id"].as_str().unwrap());
    let uri = format!("vstfs:///Git/PullRequestId/{project}%2f{repository}%2F{number}");
    let item = control.create_work_item("Harbor", ("Task", "Look again"), "bob", &["night"]).await.unwrap();
    let ask = async |uris: Value| stage.post("Harbor/_apis/wit/artifacturiquery", json!({ "artifactUris": uris })).await.expect(200);
    let linked = |answer: &Value, uri: &str| {
        let rows = answer["artifactUrisQueryResult"][uri].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let before = linked(&ask(json!([uri])).await, &uri);
    let id = i32::try_from(number).unwrap();
    control.link_work_item(item, "bob", Link::PullRequest(id)).await.unwrap();
    control.link_work_item(item, "bob", Link::PullRequest(id)).await.unwrap();
    let build = "vstfs:///Build/Build/396";
    let answer = ask(json!([uri, build, "vstfs:///Build/Build/1"])).await;
    assert_eq!(linked(&answer, &uri), [before, vec![i64::from(item)]].concat());
    assert_eq!((linked(&answer, build), linked(&answer, "vstfs:///Build/Build/1")), (vec![205], vec![]));
    let (path, named) = (format!("Harbor/_apis/git/repositories/{repository}/pullrequests/{number}"), item.to_string());
    let full = stage.get(&format!("{path}?includeWorkItemRefs=true&includeCommits=true")).await.expect(200);
    assert!(full["workItemRefs"].as_array().unwrap().iter().any(|row| row["id"] == named.as_str()));
    assert!(!full["commits"].as_array().unwrap().is_empty());
    let refs = stage.get(&format!("{path}/workitems")).await.expect(200);
    assert!(refs["value"].as_array().unwrap().iter().any(|row| row["id"] == named.as_str()));
}

#[tokio::test]
async fn a_change_makes_a_revision_and_dates_its_state() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let id = control.create_work_item("Harbor", ("Bug", "The horn is silent"), "dave", &["Incident"]).await.unwrap();
    let before = stage.get(&format!("_apis/wit/workitems/{id}")).await.expect(200);
    assert_eq!((before["rev"].as_i64(), before["fields"]["System.State"].as_str()), (Some(1), Some("New")));
    let change = WorkItemChange { state: Some("Closed".to_owned()), ..WorkItemChange::default() };
    control.update_work_item(id, "bob", change).await.unwrap();
    let after = stage.get(&format!("_apis/wit/workitems/{id}")).await.expect(200);
    assert_eq!((after["rev"].as_i64(), after["fields"]["System.State"].as_str()), (Some(2), Some("Closed")));
    assert!(after["fields"]["Microsoft.VSTS.Common.ClosedDate"].is_string());
    assert_eq!(after["fields"]["System.ChangedBy"]["uniqueName"], "bob@lumen.example");
    let missing = control.update_work_item(9999, "bob", WorkItemChange::default()).await.unwrap_err();
    assert_eq!(missing.type_key, "WorkItemUnauthorizedAccessException");
}
