//! Work in the background against a service that slows down, refuses and breaks.

use std::time::Duration;

use serde_json::json;

use super::server::{Play, Reply, Scene, connection, project};
use crate::ado::{BuildQuery, ErrorKind, Settings};

const PROJECTS: &str = "/_apis/projects";

fn projects() -> Reply {
    Reply::list(json!([{"id": "p", "name": "Orbit"}]))
}

fn blocked(seconds: &str) -> Reply {
    Reply::error(429, "RequestBlockedException", "TF400733: blocked").with("retry-after", seconds)
}

#[tokio::test]
async fn being_told_to_wait_is_no_failure_in_the_background_however_often() {
    let scene = Scene::new().await;
    let waits = [blocked("0.05"), blocked("0.02"), blocked("0.02"), blocked("0.02"), blocked("0.02"), blocked("0.02"), projects()];
    scene.on("GET", PROJECTS, waits.clone());
    let error = scene.client.projects().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Throttled { .. }), "a person is told after a few: {error}");
    scene.on("GET", PROJECTS, waits);
    assert_eq!(scene.client.in_background().projects().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_without_a_time_is_waited_for_too_but_not_for_ever() {
    let scene = Scene::new().await;
    let bare = || Reply::error(429, "RequestBlockedException", "TF400733: blocked");
    scene.on("GET", PROJECTS, [bare(), bare(), bare(), bare(), bare(), projects()]);
    assert_eq!(scene.client.in_background().projects().await.unwrap().len(), 1);
    // The tests' long patience is 20 s.
    scene.on("GET", PROJECTS, [blocked("3000")]);
    let error = scene.client.in_background().projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Throttled { retry_after_s: 3000 });
}

#[tokio::test]
async fn failures_of_the_service_are_tried_as_often_as_for_people() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [Reply::text(500, "oops")]);
    let error = scene.client.in_background().projects().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ServerError { status: 500 }));
    assert_eq!(scene.count("GET", PROJECTS), 4);
}

#[tokio::test]
async fn a_page_whose_answer_was_cut_or_never_ended_is_asked_for_again() {
    let scene = Scene::with(&Settings { timeout_ms: 300, ..Settings::default() }).await;
    scene.on("OPTIONS", "/_apis", [super::server::catalogue("7.1")]);
    let rows = || Reply::list(json!([{"id": 1, "definition": {"id": 9}}]));
    scene.on("GET", "/build/builds", [rows().play(Play::Cut), rows().play(Play::Stall), rows()]);
    let background = scene.client.in_background();
    assert_eq!(background.builds_page(&project(), &BuildQuery::InProgress, None, 10).await.unwrap().rows.len(), 1);
    assert_eq!(scene.count("GET", "/build/builds"), 3);
}

#[tokio::test]
async fn the_rate_limit_is_told_to_whoever_watches() {
    let scene = Scene::new().await;
    let reset = jiff::Timestamp::now().as_second() + 120;
    let near = projects()
        .with("x-ratelimit-resource", "Lumen/User")
        .with("x-ratelimit-limit", "200")
        .with("x-ratelimit-remaining", "150.5")
        .with("x-ratelimit-reset", &reset.to_string());
    scene.on("GET", PROJECTS, [near]);
    let mut budget = scene.client.budget();
    assert_eq!((budget.borrow().limit, budget.borrow().remaining), (None, None), "nothing is known until the service says so");
    scene.client.projects().await.unwrap();
    assert!(budget.has_changed().unwrap());
    let told = budget.borrow_and_update().clone();
    assert_eq!((told.limit, told.remaining, told.in_flight, told.window), (Some(200.0), Some(150.5), 0, 4));
    assert!((told.reset_at.unwrap().as_second() - reset).abs() <= 1);
    assert_eq!(told.told_to_wait, None);
    scene.on("GET", "connectionData", [connection().with("retry-after", "0.05")]);
    scene.client.connection().await.unwrap();
    let told = budget.borrow_and_update().clone();
    assert!(told.told_to_wait.is_some() && told.remaining == Some(150.5), "{told:?}");
    assert_eq!(told.window, 2, "a wait on a good answer halves the window as well");
}

#[tokio::test]
async fn below_half_of_the_limit_people_go_on_and_the_background_waits() {
    let scene = Scene::new().await;
    let reset = jiff::Timestamp::now().as_second() + 3000;
    let spent =
        projects().with("x-ratelimit-limit", "200").with("x-ratelimit-remaining", "10").with("x-ratelimit-reset", &reset.to_string());
    scene.on("GET", PROJECTS, [spent]);
    scene.on("GET", "connectionData", [connection()]);
    scene.client.projects().await.unwrap();
    scene.client.connection().await.unwrap();
    let error = scene.client.in_background().connection().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Throttled { retry_after_s } if *retry_after_s > 1000), "{error}");
    assert_eq!(scene.count("GET", "connectionData"), 1);
}

#[tokio::test]
async fn many_calls_at_once_stay_within_the_window_and_leave_people_alone() {
    let scene = Scene::with(&Settings { timeout_ms: 20_000, ..Settings::default() }).await;
    scene.on("OPTIONS", "/_apis", [super::server::catalogue("7.1")]);
    scene.on("GET", PROJECTS, [projects().play(Play::Stall)]);
    scene.on("GET", "connectionData", [connection()]);
    scene.client.version().await.unwrap();
    let background = scene.client.in_background();
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let client = background.clone();
            tokio::spawn(async move { client.projects().await })
        })
        .collect();
    let four = async {
        while scene.count("GET", PROJECTS) < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), four).await.expect("the window begins at four");
    scene.client.connection().await.unwrap();
    assert_eq!((scene.count("GET", PROJECTS), scene.client.budget().borrow().in_flight), (4, 4), "no fifth before one of the four is done");
    for call in &calls {
        call.abort();
    }
    for call in calls {
        let _ = call.await;
    }
    assert_eq!(scene.client.budget().borrow().in_flight, 0, "an abandoned call gives its place back");
    assert!(background.connection().await.is_ok());
}

#[tokio::test]
async fn a_caller_can_have_one_request_after_the_other() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [projects().play(Play::Stall)]);
    scene.client.version().await.unwrap();
    let one = scene.client.in_background_at_most(1);
    let calls = (0..3).map(|_| one.projects());
    assert!(tokio::time::timeout(Duration::from_millis(100), futures_util::future::join_all(calls)).await.is_err());
    assert_eq!(scene.count("GET", PROJECTS), 1);
}
