//! The "Test" button.
use super::*;
use crate::sim::hooks::catalogue::EVENT_TYPES;

#[tokio::test]
async fn a_test_really_posts_the_sample_for_a_subscription_that_is_not_there_yet() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let mut ids = Vec::new();
    for kind in EVENT_TYPES.iter().filter(|kind| kind.publisher != "rm") {
        let details = stage.wish(kind.id, &receiver.url, json!({})).await;
        for _ in 0..2 {
            let body = json!({ "subscriptionId": uuid::Uuid::nil(), "details": details });
            let (status, sent) = stage.send(Method::POST, "hooks/testnotifications", body).await;
            assert_eq!(status, 200, "{}: {sent}", kind.id);
            assert_eq!((sent["status"].as_str(), sent["result"].as_str()), (Some("completed"), Some("succeeded")), "{sent}");
            let arrived = receiver.only();
            assert_eq!(arrived.body["subscriptionId"], uuid::Uuid::nil().to_string());
            assert_eq!(arrived.body["eventType"], kind.id);
            assert_eq!(arrived.header("authorization"), "Basic Ym9hcmQ6czNjcmV0");
            ids.push(arrived.body["id"].as_str().unwrap().to_owned());
        }
    }
    // The same id each time: it names no delivery.
    assert!(ids.chunks(2).all(|pair| pair[0] == pair[1]));
    stage.running.stop().await;
}

#[tokio::test]
async fn a_failed_test_says_why_and_changes_nothing() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.answers(&[401]);
    let body = json!({
        "subscriptionId": made["id"],
        "details": {"publisherId": "tfs", "eventType": "git.push", "consumerId": "webHooks", "consumerActionId": "httpRequest"},
    });
    let (status, sent) = stage.send(Method::POST, "hooks/testnotifications", body.clone()).await;
    assert_eq!((status, sent["result"].as_str()), (200, Some("failed")));
    assert!(sent["details"]["errorMessage"].as_str().unwrap().contains("401"), "{sent}");
    assert!(sent["details"]["response"].as_str().unwrap().starts_with("HTTP/1.1 401"));
    assert_eq!(stage.status_of(&made).await, "enabled");
    let arrived = receiver.only();
    assert_eq!(arrived.body["subscriptionId"], made["id"]);
    assert!(arrived.body["resource"]["repository"]["url"].as_str().unwrap().contains("fabrikam"));
    // With real data it is the last event again, under a number of its own.
    stage.push("real").await;
    stage.idle().await;
    let real = receiver.only();
    let (status, _) = stage.send(Method::POST, "hooks/testnotifications?useRealData=true", body).await;
    assert_eq!(status, 200);
    let again = receiver.only();
    assert_eq!(again.body["resource"], real.body["resource"]);
    assert_ne!(again.body["notificationId"], real.body["notificationId"]);
    stage.running.stop().await;
}

#[tokio::test]
async fn a_test_of_a_subscription_that_is_gone_is_refused() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let details = stage.wish("git.push", &receiver.url, json!({})).await;
    let body = json!({ "subscriptionId": uuid::Uuid::new_v4(), "details": details });
    assert_eq!(stage.send(Method::POST, "hooks/testnotifications", body).await.0, 404);
    assert!(receiver.take().is_empty());
    stage.running.stop().await;
}
