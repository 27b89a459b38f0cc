//! Lists longer than a page.

use serde_json::{Value, json};

use super::server::{Reply, Scene, project, repository};
use crate::ado::{In, PullRequestQuery};

fn pull_requests(numbers: std::ops::Range<i64>) -> Reply {
    let rows: Vec<Value> =
        numbers.rev().map(|n| json!({"pullRequestId": n, "repository": {"id": "r", "name": "api"}, "status": "active"})).collect();
    Reply::list(json!(rows))
}

#[tokio::test]
async fn pull_requests_are_read_until_a_page_is_empty() {
    let scene = Scene::new().await;
    scene.on("GET", "/pullrequests", [pull_requests(10..20), pull_requests(5..10), pull_requests(0..0)]);
    let found = scene.client.pull_requests(In::Project(&project()), &PullRequestQuery::default()).await.unwrap();
    assert_eq!(found.len(), 15);
    let targets: Vec<String> = scene.find("GET", "/pullrequests").into_iter().map(|s| s.target).collect();
    assert_eq!(targets.len(), 3);
    assert!(targets[0].contains("searchCriteria.status=active&$top=1000&api-version=7.1"), "{}", targets[0]);
    assert!(targets[1].contains("$skip=10") && targets[2].contains("$skip=15"), "{targets:?}");
}

#[tokio::test]
async fn rows_that_move_on_while_paging_count_once() {
    let scene = Scene::new().await;
    scene.on("GET", "/pullrequests", [pull_requests(5..10), pull_requests(3..6), pull_requests(0..0)]);
    let found = scene.client.pull_requests(In::Project(&project()), &PullRequestQuery::default()).await.unwrap();
    assert_eq!(found.iter().map(|pr| pr.number).collect::<Vec<_>>(), [9, 8, 7, 6, 5, 4, 3]);
}

#[tokio::test]
async fn a_server_that_repeats_a_page_for_ever_ends_the_list() {
    let scene = Scene::new().await;
    scene.on("GET", "/teams", [Reply::list(json!([{"id": "t", "name": "Crew"}]))]);
    assert_eq!(scene.client.teams(&project()).await.unwrap().len(), 1);
    assert_eq!(scene.count("GET", "/teams"), 2);
}

#[tokio::test]
async fn only_the_token_tells_whether_there_is_more() {
    let scene = Scene::new().await;
    let page = |name: &str| Reply::list(json!([{"name": format!("refs/heads/{name}"), "objectId": "1".repeat(40)}]));
    scene.on(
        "GET",
        "/refs",
        [
            page("a").with("x-ms-continuationtoken", "t/1"),
            Reply::list(json!([])).with("X-MS-ContinuationToken", "t2"),
            page("ab").with("x-ms-continuationtoken", ""),
            page("never"),
        ],
    );
    let found = scene.client.branches(repository(), "").await.unwrap();
    assert_eq!(found.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["a", "ab"]);
    let targets = scene.find("GET", "/refs");
    assert!(targets[1].target.contains("continuationToken=t%2F1") && targets[2].target.contains("continuationToken=t2"));
    assert!(targets[2].target.contains("$top=1000"));
}

#[tokio::test]
async fn no_more_commits_are_asked_for_than_wanted() {
    let scene = Scene::new().await;
    let rows = |n: usize| Reply::list((0..n).map(|i| json!({"commitId": format!("{i:040}")})).collect());
    scene.on("GET", "/commits", [rows(100), rows(20)]);
    assert_eq!(scene.client.commits(repository(), "feature/x", 120).await.unwrap().len(), 120);
    let targets = scene.find("GET", "/commits");
    assert_eq!(targets.len(), 2);
    assert!(targets[1].target.contains("searchCriteria.$top=20&searchCriteria.$skip=100"), "{}", targets[1].target);
    assert!(targets[0].target.contains("searchCriteria.itemVersion.version=feature%2Fx"));
}
