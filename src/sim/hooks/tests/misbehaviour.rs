//! Deliveries that go wrong when told to, and many at once.
use super::*;
use crate::sim::control::Emission;
use crate::sim::hooks::Fate;
use crate::sim::hooks::faults::{Drop, HookFaults};

fn builds(count: u32) -> Emission {
    Emission { event_type: "build.complete".to_owned(), project: Some("Harbor".to_owned()), count: Some(count), ..Emission::default() }
}

fn numbers(arrived: &[Arrived]) -> Vec<i64> {
    arrived.iter().map(|one| one.body["notificationId"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn duplicates_are_the_same_notification_again() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({})).await;
    stage.control.hook_faults("duplicate=2".parse().unwrap());
    stage.control.emit(builds(1)).await.unwrap();
    stage.idle().await;
    let arrived = receiver.take();
    assert_eq!(arrived.len(), 3);
    assert!(arrived.iter().all(|one| one.body == arrived[0].body));
    stage.running.stop().await;
}

#[tokio::test]
async fn reordered_deliveries_all_arrive_and_not_in_order() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({})).await;
    stage.control.hook_faults("reorder=200,seed=5,paused".parse().unwrap());
    stage.control.emit(builds(20)).await.unwrap();
    stage.control.advance(SignedDuration::from_secs(1)).await;
    stage.control.hook_faults("reorder=200,seed=5".parse().unwrap());
    stage.idle().await;
    let mut seen = numbers(&receiver.take());
    assert_ne!(seen, (1..=20).collect::<Vec<i64>>());
    seen.sort_unstable();
    assert_eq!(seen, (1..=20).collect::<Vec<i64>>());
    stage.running.stop().await;
}

#[tokio::test]
async fn dropped_deliveries_leave_a_gap_in_the_numbers() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({})).await;
    stage.control.emit(builds(1)).await.unwrap();
    stage.control.hook_faults(HookFaults { drop: Drop::Next(2), ..HookFaults::default() });
    stage.control.emit(builds(4)).await.unwrap();
    stage.idle().await;
    let mut seen = numbers(&receiver.take());
    seen.sort_unstable();
    assert_eq!(seen, [1, 4, 5]);
    let dropped = stage.control.deliveries().iter().filter(|row| row.fate == Fate::Dropped).count();
    assert_eq!(dropped, 2);
    stage.control.hook_faults("drop=100%".parse().unwrap());
    stage.control.emit(builds(3)).await.unwrap();
    stage.idle().await;
    assert!(receiver.take().is_empty());
    stage.running.stop().await;
}

#[tokio::test]
async fn delayed_and_paused_deliveries_come_later() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("build.complete", &receiver, json!({})).await;
    stage.control.hook_faults("delay=3600".parse().unwrap());
    stage.control.emit(builds(1)).await.unwrap();
    assert_eq!(stage.idle().await.waiting, 1);
    assert!(receiver.take().is_empty());
    stage.advance(3600).await;
    receiver.only();
    stage.control.hook_faults("paused".parse().unwrap());
    stage.control.emit(builds(2)).await.unwrap();
    assert_eq!(stage.idle().await.waiting, 2);
    assert!(receiver.take().is_empty());
    stage.control.hook_faults(HookFaults::default());
    stage.idle().await;
    assert_eq!(receiver.take().len(), 2);
    stage.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_subscriptions_and_ten_thousand_events_do_not_choke_it() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("build.complete", &receiver, json!({})).await;
    // The others are interested in another pipeline.
    let wish = stage.wish("build.complete", &receiver.url, json!({ "definitionName": "Nightly" })).await;
    let kind = crate::sim::hooks::catalogue::event_type_named("build.complete").unwrap();
    let owner = stage.control.world().await.user_named("alice").unwrap().id;
    for _ in 1..1000 {
        let wanted = crate::sim::hooks::subscription::wanted(&wish, kind, Loopback::Allowed).unwrap();
        stage.running.sim.hooks.subscribe(uuid::Uuid::new_v4(), wanted, owner, jiff::Timestamp::now());
    }
    let mut burst = builds(10_000);
    burst.about.inputs.insert("definitionName".to_owned(), "CI".to_owned());
    assert_eq!(stage.control.emit(burst).await.unwrap(), 10_000);
    // The rest goes on meanwhile.
    assert_eq!(stage.get("projects").await["count"], 2);
    tokio::time::timeout(std::time::Duration::from_secs(120), stage.control.hooks_idle()).await.expect("ends").unwrap();
    let mut seen = numbers(&receiver.take());
    seen.sort_unstable();
    assert_eq!(seen, (1..=10_000).collect::<Vec<i64>>());
    assert_eq!(stage.status_of(&made).await, "enabled");
    stage.running.stop().await;
}

#[tokio::test]
async fn the_control_routes_do_what_the_verbs_do() {
    let receiver = Receiver::start().await;
    let options = Options { loopback_hooks: Loopback::Allowed, control: crate::sim::Control::On, ..Options::default() };
    let stage = Stage::with(options).await;
    let made = stage.subscribe("build.complete", &receiver, json!({})).await;
    let verb = async |verb: &str, body: Value| {
        let (status, answer) = stage.ask("", Method::POST, &format!("{}/_sim/{verb}", stage.running.url()), body).await;
        assert_eq!(status, 200, "{verb}: {answer}");
        answer
    };
    verb("hooks/faults", json!({ "duplicate": 1, "drop": "0%" })).await;
    let emitted = verb("hooks/emit", json!({ "eventType": "build.complete", "project": "Harbor", "about": { "number": 9 } })).await;
    assert_eq!(emitted["subscriptions"], 1);
    assert_eq!(verb("hooks/idle", json!({})).await["waiting"], 0);
    assert_eq!(receiver.take().len(), 2);
    let look = async |what: &str| stage.ask("", Method::GET, &format!("{}/_sim/{what}", stage.running.url()), Value::Null).await.1;
    let log = look("hooks/deliveries").await;
    assert_eq!(log["deliveries"].as_array().unwrap().len(), 2);
    assert_eq!(log["deliveries"][0]["fate"], json!({ "answered": 200 }));
    verb("hooks/forget", json!({})).await;
    assert_eq!(look("hooks/deliveries").await["deliveries"], json!([]));
    verb("hooks/status", json!({ "subscription": made["id"], "status": "disabledBySystem" })).await;
    assert_eq!(stage.status_of(&made).await, "disabledBySystem");
    let rows = look("hooks/subscriptions").await;
    assert_eq!(rows["subscriptions"].as_array().unwrap().len(), 3);
    assert!(!rows.to_string().contains("s3cret"));
    verb("hooks/delete", json!({ "subscription": made["id"] })).await;
    assert_eq!(look("hooks/subscriptions").await["subscriptions"].as_array().unwrap().len(), 2);
    stage.running.stop().await;
}
