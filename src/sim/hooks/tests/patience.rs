//! Answers and what follows from them: retries, probation, probes, disabling; and the history of it.
use super::*;

#[tokio::test]
async fn a_transient_failure_is_tried_again_on_the_worlds_clock() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.answers(&[503, 408, 502, 504]);
    stage.push("retry").await;
    // Each due time is reached by turning the clock, never by waiting.
    for _ in 0..5 {
        stage.idle().await;
        stage.control.advance(SignedDuration::from_secs(16)).await;
    }
    stage.idle().await;
    let arrived = receiver.take();
    assert_eq!(arrived.len(), 5);
    assert!(arrived.iter().all(|one| one.body == arrived[0].body), "a retry is the same notification");
    assert_eq!(stage.status_of(&made).await, "enabled");
    let history = stage.get(&format!("hooks/subscriptions/{}/notifications/1", made["id"].as_str().unwrap())).await;
    assert_eq!((history["status"].as_str(), history["result"].as_str()), (Some("completed"), Some("succeeded")));
    assert_eq!(history["details"]["requestAttempts"], 5);
    stage.running.stop().await;
}

#[tokio::test]
async fn ten_minutes_without_a_receiver_lose_the_events_and_end_in_probation() {
    let stage = Stage::new().await;
    let receiver = Receiver::start().await;
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.always(503);
    stage.push("lost").await;
    stage.idle().await;
    stage.advance(600).await;
    assert_eq!(receiver.take().len(), 9, "one request and eight retries");
    assert_eq!(stage.status_of(&made).await, "onProbation");
    // New events are lost, and leave no trace in the history.
    stage.push("unheard").await;
    stage.idle().await;
    assert!(receiver.take().is_empty());
    let rows = stage.get(&format!("hooks/subscriptions/{}/notifications", made["id"].as_str().unwrap())).await;
    assert_eq!(rows["count"], 1);
    // The first probe succeeds: enabled again, with the notification that failed.
    receiver.always(202);
    stage.advance(20 * 60).await;
    let probe = receiver.only();
    assert_eq!(probe.body["notificationId"], 1);
    let row = stage.get(&format!("hooks/subscriptions/{}", made["id"].as_str().unwrap())).await;
    assert_eq!((row["status"].as_str(), row["probationRetries"].as_i64()), (Some("enabled"), Some(1)));
    assert!(row["lastProbationRetryDate"].is_string());
    stage.push("heard").await;
    stage.idle().await;
    assert_eq!(receiver.only().body["notificationId"], 2);
    stage.running.stop().await;
}

#[tokio::test]
async fn any_other_failure_means_probation_at_once_and_seven_probes_decide() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.always(401);
    stage.push("refused").await;
    stage.idle().await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(stage.status_of(&made).await, "onProbation");
    for (probe, minutes) in crate::sim::hooks::retry::PROBES.into_iter().enumerate() {
        stage.advance(minutes * 60 - 60).await;
        assert!(receiver.take().is_empty(), "probe {probe} came early");
        stage.advance(60).await;
        assert_eq!(receiver.take().len(), 1, "probe {probe}");
    }
    assert_eq!(stage.status_of(&made).await, "disabledBySystem");
    stage.push("deaf").await;
    stage.advance(7 * 24 * 3600).await;
    assert!(receiver.take().is_empty());
    stage.running.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_counts_as_a_failure() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.always(307);
    stage.push("away").await;
    stage.idle().await;
    assert_eq!(receiver.only().path, "/hook");
    assert_eq!(stage.status_of(&made).await, "onProbation");
    stage.running.stop().await;
}

#[tokio::test]
async fn gone_disables_at_once() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.always(410);
    stage.push("gone").await;
    stage.idle().await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(stage.status_of(&made).await, "disabledBySystem");
    stage.running.stop().await;
}

#[tokio::test]
async fn a_success_in_between_ends_probation() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    // The first is retried in a second; the second fails for good meanwhile.
    receiver.answers(&[503]);
    stage.push("first").await;
    stage.idle().await;
    receiver.answers(&[500]);
    stage.control.hook_faults(crate::sim::hooks::faults::HookFaults::default());
    stage.push("second").await;
    stage.idle().await;
    let status = stage.status_of(&made).await;
    stage.advance(2).await;
    assert_eq!(stage.status_of(&made).await, "enabled", "before: {status}");
    receiver.take();
    // Nothing is left of the probe.
    stage.advance(24 * 3600).await;
    assert!(receiver.take().is_empty());
    stage.running.stop().await;
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_found_when_back() {
    let stage = Stage::new().await;
    let receiver = Receiver::start().await;
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    let address = receiver.url.trim_start_matches("http://").trim_end_matches("/hook").to_owned();
    drop(receiver);
    // Gone when its port can be taken.
    let listener = loop {
        match tokio::net::TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    drop(listener);
    stage.push("nobody").await;
    stage.idle().await;
    let log = stage.control.deliveries();
    assert!(matches!(log.last().unwrap().fate, crate::sim::hooks::Fate::Unanswered(_)), "{log:?}");
    assert_eq!(stage.status_of(&made).await, "enabled");
    let script = Arc::new(Mutex::new(Script::default()));
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
    let app = Router::new().fallback(take).with_state(script.clone());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let back = Receiver { url: made["consumerInputs"]["url"].as_str().unwrap().to_owned(), script, server };
    stage.advance(60).await;
    assert_eq!(back.only().body["notificationId"], 1);
    stage.running.stop().await;
}

#[tokio::test]
async fn the_history_tells_what_was_sent_without_its_secrets() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({ "httpHeaders": "X-Key:hidden" })).await;
    receiver.answers(&[200, 500]);
    stage.push("one").await;
    stage.idle().await;
    stage.push("two").await;
    stage.idle().await;
    let here = format!("hooks/subscriptions/{}/notifications", made["id"].as_str().unwrap());
    let rows = stage.get(&here).await;
    let numbers: Vec<i64> = rows["value"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [2, 1]);
    assert!(rows["value"][0].get("details").is_none());
    assert_eq!(stage.get(&format!("{here}?result=succeeded&maxResults=5")).await["count"], 1);
    let row = stage.get(&format!("{here}/1")).await;
    let request = row["details"]["request"].as_str().unwrap();
    assert!(request.contains("Authorization: Basic ********") && request.contains("X-Key: ********"), "{request}");
    assert!(row["details"]["response"].as_str().unwrap().contains("taken"));
    assert!(row["details"]["event"]["resource"]["pushId"].is_i64());
    let whole = format!("{row}{rows}");
    assert!(!whole.contains("s3cret") && !whole.contains("Ym9hcmQ6czNjcmV0"));
    // Nothing but the password is confidential: whoever may look reads the headers in the inputs.
    assert_eq!(row["details"]["consumerInputs"]["httpHeaders"], "X-Key:hidden");
    let query = json!({ "subscriptionIds": [made["id"]], "includeDetails": true, "maxResults": 1 });
    let (status, found) = stage.send(Method::POST, "hooks/notificationsquery", query).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    assert_eq!(found["summary"][0]["results"].as_array().unwrap().len(), 2);
    assert_eq!(found["associatedSubscriptions"][0]["id"], made["id"]);
    // A week later nothing is known of it any more, once there is something new.
    stage
        .control
        .set_subscription_status(made["id"].as_str().unwrap().parse().unwrap(), crate::sim::hooks::retry::Status::Enabled)
        .unwrap();
    stage.advance(8 * 24 * 3600).await;
    stage.push("three").await;
    stage.idle().await;
    assert_eq!(stage.get(&here).await["count"], 1);
    stage.running.stop().await;
}
