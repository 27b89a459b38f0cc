//! Which version is asked for, and what a 404 means before and after that is known.

use serde_json::json;

use super::server::{Reply, Scene, catalogue, connection, repository};
use crate::ado::{ErrorKind, In, PullRequestQuery, StatusFilter};

#[tokio::test]
async fn a_server_is_asked_once_and_spoken_to_in_its_own_version() {
    for (released, spoken) in [("7.1", "7.1"), ("7.0", "7.0"), ("6.0", "6.0"), ("5.0", "5.0")] {
        let scene = Scene::bare().await;
        scene.on("OPTIONS", "/lumen/_apis", [catalogue(released)]);
        scene.on("GET", "connectionData", [connection()]);
        scene.on("GET", "/projects", [Reply::list(json!([]))]);
        let (a, b, c) = tokio::join!(scene.client.projects(), scene.client.projects(), scene.client.connection());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(scene.count("OPTIONS", ""), 1);
        assert!(scene.find("GET", "/projects").iter().all(|s| s.target.ends_with(&format!("api-version={spoken}"))));
        assert!(scene.find("GET", "connectionData")[0].target.ends_with(&format!("api-version={spoken}-preview.1")));
    }
}

#[tokio::test]
async fn a_refused_version_is_taken_down_to_what_the_refusal_names() {
    let scene = Scene::bare().await;
    scene.on("OPTIONS", "/_apis", [Reply::text(405, "no")]);
    scene.on("GET", "api-version=7.1", [Reply::error(400, "VssVersionOutOfRangeException",
        "The requested REST API version of 7.1 is out of range for this server. The latest REST API version this server supports is 6.1.")]);
    scene.on("GET", "api-version=6.0", [Reply::list(json!([]))]);
    scene.client.projects().await.unwrap();
    scene.client.projects().await.unwrap();
    assert_eq!(scene.count("GET", "api-version=7.1"), 1, "it is remembered");
    assert_eq!(scene.client.version().await.unwrap().to_string(), "6.0");
}

#[tokio::test]
async fn a_resource_under_preview_is_asked_for_as_such() {
    let scene = Scene::new().await;
    scene.on(
        "GET",
        "/projects",
        [
            Reply::error(400, "VssInvalidPreviewVersionException", "The requested version \"7.1\" of the resource is under preview."),
            Reply::list(json!([])),
        ],
    );
    scene.client.projects().await.unwrap();
    assert!(scene.seen().last().unwrap().target.ends_with("api-version=7.1-preview"));
}

#[tokio::test]
async fn a_404_is_a_missing_collection_only_if_nothing_answers_at_the_base() {
    let scene = Scene::bare().await;
    scene.on("OPTIONS", "/_apis", [Reply::html(404, "<html>IIS")]);
    let error = scene.client.connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::CollectionMissing);
    assert!(error.to_string().contains(&format!("http://127.0.0.1:{}/lumen", scene.port)), "{error}");
    assert!(error.to_string().starts_with("could not find out who the token belongs to"), "what was asked for failed: {error}");

    let scene = Scene::new().await;
    scene.on("GET", "/projects", [Reply::text(404, "The controller for path '/lumen/_apis/projects' was not found.")]);
    assert_eq!(*scene.client.projects().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn closing_times_are_filtered_by_the_server_or_here() {
    let row = |number: i64, closed: &str| json!({"pullRequestId": number, "repository": {"id": "r"}, "status": "completed", "closedDate": closed});
    let query = PullRequestQuery {
        status: StatusFilter::Completed,
        closed_since: Some("2026-02-01T00:00:00Z".parse().unwrap()),
        ..Default::default()
    };
    for (released, filtered_there) in [("7.1", true), ("7.0", false)] {
        let scene = Scene::bare().await;
        scene.on("OPTIONS", "/_apis", [catalogue(released)]);
        let rows = json!([row(2, "2026-02-03T00:00:00Z"), row(1, "2026-01-03T00:00:00Z")]);
        scene.on("GET", "/pullrequests", [Reply::list(rows), Reply::list(json!([]))]);
        let found = scene.client.pull_requests(In::Repository(repository()), &query).await.unwrap();
        assert_eq!(found.iter().map(|pr| pr.number).collect::<Vec<_>>(), [2]);
        let target = &scene.find("GET", "/pullrequests")[0].target;
        assert_eq!(target.contains("searchCriteria.minTime=2026-02-01T00%3A00%3A00Z"), filtered_there, "{target}");
        assert_eq!(target.contains("searchCriteria.queryTimeRangeType=closed"), filtered_there, "{target}");
    }
}
