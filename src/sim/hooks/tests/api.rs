//! Subscriptions over REST: made, listed, asked for, refused.
use super::*;

#[tokio::test]
async fn a_subscription_is_made_shown_and_deleted() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.pullrequest.updated", &receiver, json!({ "notificationType": "PushNotification" })).await;
    assert_eq!(made["status"], "enabled");
    assert_eq!(made["resourceVersion"], "1.0");
    assert_eq!(made["consumerInputs"]["basicAuthPassword"], "********");
    assert_eq!(made["consumerInputs"]["basicAuthUsername"], "board");
    assert_eq!(made["publisherInputs"]["notificationType"], "PushNotification");
    assert!(made["publisherInputs"]["tfsSubscriptionId"].as_str().is_some_and(|id| id.len() == 36));
    assert_eq!(made["probationRetries"], 0);
    assert_eq!(made["createdBy"]["uniqueName"], "alice@lumen.example");
    let here = format!("hooks/subscriptions/{}", made["id"].as_str().unwrap());
    assert_eq!(stage.get(&here).await, made);
    let listed = stage.get("hooks/subscriptions?publisherId=tfs&eventType=git.pullrequest.updated").await;
    assert_eq!((listed["count"].as_u64(), &listed["value"][0]), (Some(1), &made));
    assert_eq!(stage.send(Method::DELETE, &here, Value::Null).await, (204, Value::Null));
    let (status, body) = stage.send(Method::GET, &here, Value::Null).await;
    assert_eq!((status, body["typeKey"].as_str()), (404, Some("SubscriptionNotFoundException")));
    stage.running.stop().await;
}

#[tokio::test]
async fn the_same_wish_twice_makes_two_subscriptions_and_the_query_finds_both() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    for _ in 0..2 {
        stage.subscribe("git.push", &receiver, json!({})).await;
    }
    let query = |input: &str, value: &str, operator: &str| {
        json!({
            "publisherId": "tfs", "eventType": "git.push",
            "publisherInputFilters": [{"conditions": [{"inputId": "projectId", "operator": operator, "inputValue": value}]}],
            "consumerInputFilters": [{"conditions": [{"inputId": "url", "operator": "equals", "inputValue": input}]}],
        })
    };
    let harbor = stage.project("Harbor").await;
    let count = async |body: Value| {
        let (status, found) = stage.send(Method::POST, "hooks/subscriptionsquery", body).await;
        assert_eq!(status, 200, "{found}");
        assert_eq!(found["eventType"], "git.push");
        found["results"].as_array().unwrap().len()
    };
    assert_eq!(count(query(&receiver.url, &harbor.to_uppercase(), "equals")).await, 2);
    assert_eq!(count(query(&receiver.url, &harbor, "notEquals")).await, 0);
    assert_eq!(count(query("https://elsewhere.example", &harbor, "equals")).await, 0);
    stage.running.stop().await;
}

#[tokio::test]
async fn only_administrators_see_and_make_subscriptions() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    let here = stage.api(&format!("hooks/subscriptions/{}", made["id"].as_str().unwrap()));
    let wish = stage.wish("git.push", &receiver.url, json!({})).await;
    let project = stage.project("Harbor").await;
    for (method, address, body) in [
        (Method::POST, stage.api("hooks/subscriptions"), wish.clone()),
        (Method::GET, here.clone(), Value::Null),
        (Method::DELETE, here.clone(), Value::Null),
        (Method::GET, format!("{here}/notifications"), Value::Null),
    ] {
        let (status, refused) = stage.ask("bob-token", method, &address, body).await;
        assert_eq!(status, 403, "{address}: {refused}");
        let words = refused["message"].as_str().unwrap();
        assert!(words.starts_with("Access Denied: Bob Tanaka needs") && words.contains(&format!("PublisherSecurity/{project}")), "{words}");
    }
    let (_, listed) = stage.ask("bob-token", Method::GET, &stage.api("hooks/subscriptions"), Value::Null).await;
    assert_eq!(listed["count"], 0);
    stage.control.set_administrator("bob", true).await.unwrap();
    assert_eq!(stage.ask("bob-token", Method::POST, &stage.api("hooks/subscriptions"), wish).await.0, 200);
    // Whoever leaves takes the subscriptions along.
    stage.control.set_administrator("alice", false).await.unwrap();
    let row = stage.ask("bob-token", Method::GET, &here, Value::Null).await.1;
    assert_eq!(row["status"], "disabledByInactiveIdentity");
    stage.running.stop().await;
}

#[tokio::test]
async fn a_scope_of_code_work_or_build_suffices_and_no_other() {
    let stage = Stage::new().await;
    let address = stage.api("hooks/subscriptions");
    for token in ["alice-read-token", "alice-build-token", "alice-token"] {
        assert_eq!(stage.ask(token, Method::GET, &address, Value::Null).await.0, 200, "{token}");
    }
    let world = stage.control.world().await;
    assert!(!crate::sim::world::Token::scoped(world.users[0].id, "t", &["vso.graph"], "").allows(&["vso.work", "vso.build", "vso.code"]));
    stage.running.stop().await;
}

#[tokio::test]
async fn without_the_flag_the_machine_itself_and_plain_http_are_refused() {
    let stage = Stage::with(Options::default()).await;
    for (url, words) in [
        ("https://127.0.0.1:9999/hook", "special range"),
        ("https://localhost/hook", "localhost"),
        ("http://hooks.example.com/hook", "HTTPS"),
        ("not a url", "not valid"),
    ] {
        let wish = stage.wish("git.push", url, json!({})).await;
        let (status, refused) = stage.send(Method::POST, "hooks/subscriptions", wish.clone()).await;
        assert_eq!((status, refused["typeKey"].as_str()), (400, Some("SubscriptionInputException")), "{url}: {refused}");
        assert!(refused["message"].as_str().unwrap().contains(words), "{refused}");
        let test = json!({ "subscriptionId": uuid::Uuid::nil(), "details": wish });
        assert_eq!(stage.send(Method::POST, "hooks/testnotifications", test).await.0, 400, "{url}");
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn release_management_has_a_host_of_its_own() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let areas = stage.get("resourceAreas?api-version=7.1-preview.1").await;
    let release = areas["value"].as_array().unwrap().iter().find(|row| row["name"] == "Release").unwrap();
    let base = format!("{}_apis/", release["locationUrl"].as_str().unwrap());
    let wish = stage.wish("ms.vss-release.deployment-completed-event", &receiver.url, json!({})).await;
    let (status, refused) = stage.send(Method::POST, "hooks/subscriptions", wish.clone()).await;
    assert_eq!(status, 400);
    assert!(refused["message"].as_str().unwrap().contains("no registered handler"), "{refused}");
    let (status, made) = stage.ask("alice-token", Method::POST, &format!("{base}hooks/subscriptions"), wish).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["url"].as_str().unwrap().starts_with(&base), "{made}");
    let listed = stage.ask("alice-token", Method::GET, &format!("{base}hooks/subscriptions"), Value::Null).await.1;
    assert_eq!(listed["count"], 1);
    let here = stage.get("hooks/subscriptions").await;
    assert!(here["value"].as_array().unwrap().iter().all(|row| row["publisherId"] != "rm"));
    let publishers = stage.ask("alice-token", Method::GET, &format!("{base}hooks/publishers"), Value::Null).await.1;
    assert_eq!((publishers["count"].as_u64(), publishers["value"][0]["id"].as_str()), (Some(1), Some("rm")));
    let emitted = crate::sim::control::Emission {
        event_type: "ms.vss-release.deployment-completed-event".to_owned(),
        project: Some("Harbor".to_owned()),
        ..Default::default()
    };
    assert_eq!(stage.control.emit(emitted).await.unwrap(), 1);
    stage.idle().await;
    let arrived = receiver.only();
    assert!(arrived.body["resourceContainers"]["project"].is_null());
    assert_eq!(arrived.body["resource"]["project"]["name"], "Harbor");
    stage.running.stop().await;
}

#[tokio::test]
async fn publishers_and_consumers_describe_their_inputs() {
    let stage = Stage::new().await;
    let publishers = stage.get("hooks/publishers").await;
    let ids: Vec<&str> = publishers["value"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["tfs", "pipelines"]);
    let event = stage.get("hooks/publishers/tfs/eventTypes/git.pullrequest.updated").await;
    let input = event["inputDescriptors"].as_array().unwrap().iter().find(|row| row["id"] == "notificationType").unwrap();
    assert_eq!(input["values"]["possibleValues"].as_array().unwrap().len(), 5);
    let action = stage.get("hooks/consumers/webHooks/actions/httpRequest").await;
    assert!(
        action["inputDescriptors"].as_array().unwrap().iter().any(|row| row["id"] == "basicAuthPassword" && row["isConfidential"] == true)
    );
    assert_eq!(stage.send(Method::GET, "hooks/consumers/slack", Value::Null).await.0, 404);
    let body = json!({
        "inputValues": [{"inputId": "repository"}, {"inputId": "branch"}],
        "currentValues": {"projectId": stage.project("Harbor").await, "repository": stage.repository("tide-api").await},
    });
    let (status, values) = stage.send(Method::POST, "hooks/publishers/tfs/inputValuesQuery", body).await;
    assert_eq!(status, 200, "{values}");
    let shown = |at: usize| {
        let rows = values["inputValues"][at]["possibleValues"].as_array().unwrap();
        rows.iter().map(|row| row["displayValue"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(shown(0).contains(&"tide-api".to_owned()));
    assert!(shown(1).contains(&"main".to_owned()));
    stage.running.stop().await;
}

#[tokio::test]
async fn a_hook_with_a_password_cannot_be_updated_and_one_without_can_be_switched_off() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    let here = format!("hooks/subscriptions/{}", made["id"].as_str().unwrap());
    let (status, refused) = stage.send(Method::PUT, &here, made.clone()).await;
    assert_eq!(status, 400, "{refused}");
    let open = stage.subscribe("git.push", &receiver, json!({ "basicAuthUsername": "", "basicAuthPassword": "" })).await;
    let here = format!("hooks/subscriptions/{}", open["id"].as_str().unwrap());
    let mut off = open.clone();
    off["status"] = json!("disabledByUser");
    let (status, row) = stage.send(Method::PUT, &here, off).await;
    assert_eq!((status, row["status"].as_str()), (200, Some("disabledByUser")), "{row}");
    stage.push("off").await;
    stage.idle().await;
    // Only the one that is still on.
    assert_eq!(receiver.only().body["subscriptionId"], made["id"]);
    stage.running.stop().await;
}

#[tokio::test]
async fn others_have_hooks_too() {
    let stage = Stage::new().await;
    let listed = stage.get("hooks/subscriptions").await;
    let urls: Vec<&str> = listed["value"].as_array().unwrap().iter().map(|row| row["consumerInputs"]["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["https://chat.lumen.example/hooks/harbor", "https://chat.lumen.example/hooks/quay"]);
    stage.running.stop().await;
}

#[tokio::test]
async fn subscriptions_and_what_is_still_to_be_sent_outlive_a_restart() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let options = Options { loopback_hooks: Loopback::Allowed, state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let stage = Stage::with(options.clone()).await;
    let made = stage.subscribe("git.push", &receiver, json!({})).await;
    receiver.answers(&[503]);
    stage.push("kept").await;
    stage.idle().await;
    assert_eq!(receiver.take().len(), 1);
    stage.running.stop().await;
    let stage = Stage::with(options).await;
    stage.advance(5).await;
    let arrived = receiver.only();
    assert_eq!((arrived.body["subscriptionId"].as_str(), arrived.body["notificationId"].as_i64()), (made["id"].as_str(), Some(1)));
    assert_eq!(arrived.header("authorization"), "Basic Ym9hcmQ6czNjcmV0");
    assert_eq!(stage.get("hooks/subscriptions").await["count"], 3);
    stage.running.stop().await;
}
