//! Budgets and counters through real HTTP.
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::Control;
use super::*;

/// Asks for the same list until the answer is `status`; gives the answers before it.
async fn until(stage: &Stage, path: &str, status: u16) -> (Vec<Seen>, Seen) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut before = Vec::new();
    loop {
        let seen = stage.get(path).await;
        if seen.status == status {
            return (before, seen);
        }
        assert!(Instant::now() < deadline, "{status} never came: {before:?}");
        before.push(seen);
    }
}

#[tokio::test]
async fn a_budget_warns_then_delays_then_refuses_and_is_free_again_after_its_window() {
    // The window is longer than the requests take; at its limit the delay is a tenth of it.
    let stage = Stage::with(Options { rate: Some("2/20".parse().unwrap()), ..Options::default() }).await;
    let list = "Harbor/_apis/git/pullrequests";
    let (before, refused) = until(&stage, list, 429).await;
    // Half a TSTU each: the third reaches three quarters, the fourth the limit.
    assert_eq!(before.len(), 4);
    assert!(before.iter().all(|seen| seen.status == 200));
    let warned: Vec<bool> = before.iter().map(|seen| seen.headers.contains_key("retry-after")).collect();
    assert_eq!(warned, [false, false, true, true]);
    let remaining: Vec<&str> = before[2..].iter().map(|seen| seen.header("x-ratelimit-remaining")).collect();
    assert_eq!(remaining, ["0.50", "0.00"]);
    assert_eq!(before[3].header("x-ratelimit-limit"), "2");
    assert!(before[3].header("x-ratelimit-delay").parse::<f64>().unwrap() > 1.9);
    assert_eq!(before[2].json()["count"], before[0].json()["count"], "the real answer");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let reset: i64 = refused.header("x-ratelimit-reset").parse().unwrap();
    assert!(reset > jiff::Timestamp::now().as_second());
    assert!(refused.refused(429, "RequestBlockedException").contains("TF400733"));

    let control = stage.running.control();
    let spent = control.spent_by("alice").await;
    assert_eq!((spent.requests, spent.delayed, spent.refused, spent.peak), (4, 2, 1, 2.0));
    assert_eq!(control.requests().refused, 1);
    let bob = stage.as_user("bob-token", Method::GET, list, Value::Null).await;
    assert_eq!(bob.status, 200, "another person has a budget of their own");

    control.set_rate(Some("1/2".parse().unwrap()));
    until(&stage, list, 429).await;
    let (_, free) = until(&stage, "_apis/projects", 200).await;
    assert_eq!(free.status, 200);
    control.set_rate(None);
    assert!(!stage.get(list).await.headers.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn requests_are_counted_by_route_at_once_and_when_refused() {
    let faults = vec!["429:path=/_apis/git/repositories:every=2:times=2".parse().unwrap()];
    let stage = Stage::with(Options { faults, latency_ms: 50, control: Control::On, ..Options::default() }).await;
    let control = stage.running.control();
    control.reset_requests();
    let path = "Harbor/_apis/git/repositories";
    let four = tokio::join!(stage.get(path), stage.get(path), stage.get(path), stage.get(path));
    let mut statuses = [four.0.status, four.1.status, four.2.status, four.3.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429, 429]);
    let requests = control.requests();
    assert_eq!((requests.of("GET git/repositories"), requests.total, requests.arrived, requests.refused), (2, 2, 4, 2));
    assert!(requests.most_in_flight >= 2, "{requests:?}");
    let told = stage.http.get(format!("{}/_sim/requests", stage.running.url())).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&told["total"], &told["arrived"], &told["refused"]), (&json!(2), &json!(4), &json!(2)));
    let rate = stage.http.get(format!("{}/_sim/rate", stage.running.url())).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&rate["limit"], &rate["spent"]["alice"]["requests"]), (&Value::Null, &json!(2)));
    control.reset_requests();
    let requests = control.requests();
    assert_eq!((requests.total, requests.arrived, requests.refused, requests.most_in_flight), (0, 0, 0, 0));
}
