//! Service hooks: what is sent where, what is read, and what stays unsaid.

use serde_json::{Value, json};

use super::server::{PROJECT, Reply, Scene, project};
use crate::ado::{ErrorKind, HookSecret, NewHook};
use crate::domain::hook::{Publisher, Purpose, SubscriptionState};
use crate::domain::id::Guid;
use crate::notice::Explain as _;

const SECRET: &str = "hook-canary-hook-canary-hook-canary-hook-ca";

fn vote() -> NewHook {
    NewHook {
        event: Purpose::PullRequestVote.event(),
        publisher_inputs: [("projectId", PROJECT), ("notificationType", "ReviewerVoteNotification")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        url: "https://kanado.example.com/api/webhooks/ado/x/pull-request-vote".to_owned(),
        user: "kanado-0123456789ab".to_owned(),
    }
}

fn subscription(status: &str) -> Value {
    json!({
        "id": "AAAAAAAA-0000-4000-8000-000000000001", "status": status, "publisherId": "tfs", "eventType": "git.pullrequest.updated",
        "resourceVersion": "1.0", "consumerId": "webHooks", "consumerActionId": "httpRequest", "probationRetries": 3,
        "createdBy": {"id": "5e0a7c11-0000-4000-8000-0000000000c1"}, "subscriber": null,
        "publisherInputs": {"projectId": PROJECT, "notificationType": "ReviewerVoteNotification", "tfsSubscriptionId": "x", "odd": 7},
        "consumerInputs": {
            "url": "https://kanado.example.com/hook", "basicAuthUsername": "kanado-0123456789ab", "basicAuthPassword": "********",
            "httpHeaders": "X-Key:somebody-elses-key", "resourceDetailsToSend": "",
        },
    })
}

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.on("GET", "/resourceAreas", [Reply::list(json!([]))]);
    scene
}

#[tokio::test]
async fn a_subscription_is_asked_for_with_pinned_version_explicit_details_and_its_secret() {
    let scene = scene().await;
    scene.on("POST", "/hooks/subscriptions", [Reply::ok(subscription("enabled"))]);
    let made = scene.client.create_hook_subscription(&vote(), &HookSecret::new(SECRET.to_owned())).await.unwrap();
    assert_eq!(made.id, Guid::new("aaaaaaaa-0000-4000-8000-000000000001"));
    let sent = &scene.find("POST", "/hooks/subscriptions")[0];
    assert_eq!(sent.target, "/lumen/_apis/hooks/subscriptions?api-version=7.1");
    assert_eq!(
        sent.json(),
        json!({
            "publisherId": "tfs", "eventType": "git.pullrequest.updated", "resourceVersion": "1.0",
            "consumerId": "webHooks", "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": PROJECT, "notificationType": "ReviewerVoteNotification"},
            "consumerInputs": {
                "url": "https://kanado.example.com/api/webhooks/ado/x/pull-request-vote",
                "basicAuthUsername": "kanado-0123456789ab", "basicAuthPassword": SECRET, "resourceDetailsToSend": "",
                "messagesToSend": "none", "detailedMessagesToSend": "none", "acceptUntrustedCerts": "false",
            },
        })
    );
}

#[tokio::test]
async fn a_lost_answer_is_not_repeated_because_the_service_would_make_two() {
    let scene = scene().await;
    let cut = Reply::ok(subscription("enabled")).play(super::server::Play::Cut);
    scene.on("POST", "/hooks/subscriptions", [cut]);
    let error = scene.client.create_hook_subscription(&vote(), &HookSecret::new(SECRET.to_owned())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(scene.count("POST", "/hooks/subscriptions"), 1);
    assert!(!format!("{error:?} {error}").contains(SECRET));
}

#[tokio::test]
async fn every_status_is_read_and_an_unknown_one_is_told_by_its_word() {
    let scene = scene().await;
    let statuses = ["enabled", "onProbation", "disabledByUser", "disabledBySystem", "disabledByInactiveIdentity", "paused"];
    let rows: Vec<Value> =
        statuses.into_iter().map(subscription).chain([json!({"id": "b"}), json!(null), json!({"status": "enabled"})]).collect();
    scene.on("GET", "/hooks/subscriptions", [Reply::list(json!(rows))]);
    let found = scene.client.hook_subscriptions(Publisher::Tfs).await.unwrap();
    use SubscriptionState::{DisabledByInactiveIdentity, DisabledBySystem, DisabledByUser, Enabled, OnProbation};
    let states: Vec<_> = found.iter().map(|found| found.state).collect();
    let known = [Enabled, OnProbation, DisabledByUser, DisabledBySystem, DisabledByInactiveIdentity].map(Some);
    assert_eq!(states, [known.as_slice(), &[None, None]].concat(), "one without an id is left out");
    assert_eq!(found[5].status, "paused");
    assert_eq!((found[0].probation_retries, found[0].publisher_inputs["odd"].as_str()), (3, "7"));
    assert_eq!(
        scene.find("GET", "/hooks/")[0].target,
        "/lumen/_apis/hooks/subscriptions?publisherId=tfs&consumerId=webHooks&api-version=7.1"
    );
}

#[tokio::test]
async fn headers_and_masks_of_a_hook_are_not_even_kept_in_memory() {
    let scene = scene().await;
    scene.on("GET", "/hooks/subscriptions/", [Reply::ok(subscription("enabled"))]);
    let found = scene.client.hook_subscription(Publisher::Tfs, &Guid::new("a")).await.unwrap().unwrap();
    let kept = format!("{:?}{:?}", found.consumer_inputs, found.publisher_inputs);
    assert!(!kept.contains("somebody-elses-key") && !kept.contains("****"), "{kept}");
    assert!(!format!("{found:?}").contains("https://"), "an address may itself be a secret");
}

#[tokio::test]
async fn the_hooks_of_a_project_are_asked_for_by_project_and_event() {
    let scene = scene().await;
    let mut answer = json!({"publisherId": "tfs", "results": [subscription("enabled")]});
    scene.on("POST", "/hooks/subscriptionsquery", [Reply::ok(answer.take()), Reply::ok(json!({"results": null}))]);
    assert_eq!(scene.client.find_hook_subscriptions(&project(), &Purpose::Push.event()).await.unwrap().len(), 1);
    assert!(scene.client.find_hook_subscriptions(&project(), &Purpose::Push.event()).await.unwrap().is_empty());
    let body = scene.find("POST", "subscriptionsquery")[0].json();
    assert_eq!(
        (body["publisherId"].as_str(), body["eventType"].as_str(), body["consumerId"].as_str()),
        (Some("tfs"), Some("git.push"), Some("webHooks"))
    );
    let condition = &body["publisherInputFilters"][0]["conditions"][0];
    assert_eq!(*condition, json!({"inputId": "projectId", "operator": "equals", "inputValue": PROJECT}));
}

#[tokio::test]
async fn one_that_is_gone_is_deleted_already_and_read_as_absent() {
    let scene = scene().await;
    let gone = Reply::error(404, "SubscriptionNotFoundException", "There is no subscription with that id.");
    scene.on("DELETE", "/hooks/subscriptions/", [Reply::empty(204), gone.clone()]);
    scene.on("GET", "/hooks/subscriptions/", [gone]);
    for _ in 0..2 {
        scene.client.delete_hook_subscription(Publisher::Tfs, &Guid::new("a")).await.unwrap();
    }
    assert_eq!(scene.client.hook_subscription(Publisher::Tfs, &Guid::new("a")).await.unwrap(), None);
}

#[tokio::test]
async fn a_missing_right_is_told_as_azure_devops_names_it() {
    let scene = scene().await;
    let words = "Access Denied: Bob needs the following permission(s) on the resource PublisherSecurity/5e0a7c11 to perform this action: Edit Subscription";
    scene.on("POST", "/hooks/subscriptions", [Reply::error(403, "AccessCheckException", words)]);
    let error = scene.client.create_hook_subscription(&vote(), &HookSecret::new(SECRET.to_owned())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PermissionMissing { permission: "Edit Subscription".to_owned() });
    assert!(error.hint().is_some_and(|hint| hint.contains("project administrator")));
}

#[tokio::test]
async fn a_test_carries_the_subscription_and_tells_what_came_of_it() {
    let scene = scene().await;
    let answer = json!({"id": 7, "status": "completed", "result": "failed", "createdDate": "2026-05-04T08:00:00Z",
        "details": {"eventType": "git.pullrequest.updated", "errorMessage": "The remote server returned 401", "requestAttempts": 1}});
    scene.on("POST", "/hooks/testnotifications", [Reply::ok(answer)]);
    let id = Guid::new("a");
    let told = scene.client.test_hook_subscription(&vote(), &id, None).await.unwrap();
    assert_eq!((told.number, told.result.as_str(), told.error.as_deref()), (7, "failed", Some("The remote server returned 401")));
    let _ = scene.client.test_hook_subscription(&vote(), &id, Some(&HookSecret::new(SECRET.to_owned()))).await.unwrap();
    let sent: Vec<Value> = scene.find("POST", "testnotifications").iter().map(|seen| seen.json()).collect();
    assert_eq!(sent[0]["subscriptionId"], "a");
    assert!(sent[0]["details"]["consumerInputs"].get("basicAuthPassword").is_none());
    assert_eq!(sent[1]["details"]["consumerInputs"]["basicAuthPassword"], SECRET);
}

#[tokio::test]
async fn events_of_release_management_are_asked_of_the_host_that_has_them() {
    let scene = scene().await;
    let elsewhere = format!("http://127.0.0.1:{}/releases/lumen", scene.port);
    scene.on(
        "GET",
        "/resourceAreas",
        [Reply::list(json!([
            {"id": "EFC2F575-36EF-48E9-B672-0C6FB4A48AC5", "name": "Release", "locationUrl": elsewhere}
        ]))],
    );
    scene.on("GET", "/hooks/", [Reply::list(json!([]))]);
    scene.client.hook_subscriptions(Publisher::ReleaseManagement).await.unwrap();
    scene.client.hook_subscriptions(Publisher::Pipelines).await.unwrap();
    scene.client.hook_publishers(Publisher::ReleaseManagement).await.unwrap();
    let targets: Vec<String> = scene.find("GET", "/hooks/").into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        [
            "/releases/lumen/_apis/hooks/subscriptions?publisherId=rm&consumerId=webHooks&api-version=7.1",
            "/lumen/_apis/hooks/subscriptions?publisherId=pipelines&consumerId=webHooks&api-version=7.1",
            "/releases/lumen/_apis/hooks/publishers?api-version=7.1",
        ]
    );
}

#[tokio::test]
async fn what_is_published_and_what_was_delivered_is_read_leniently() {
    let scene = scene().await;
    scene.on(
        "GET",
        "/hooks/publishers",
        [Reply::list(json!([
            {"id": "tfs", "supportedEvents": [{"id": "git.push"}, {"name": "no id"}, null]}, {"id": "pipelines"}, {"name": "nobody"}
        ]))],
    );
    let publishers = scene.client.hook_publishers(Publisher::Tfs).await.unwrap();
    assert_eq!((publishers.len(), publishers[0].events.as_slice()), (2, ["git.push".to_owned()].as_slice()));
    scene.on("GET", "/notifications", [Reply::list(json!([{"id": 3, "status": "completed", "result": "succeeded"}, {"id": 2}]))]);
    let history = scene.client.hook_notifications(Publisher::Tfs, &Guid::new("a"), 5).await.unwrap();
    assert_eq!((history.len(), history[0].number, history[1].result.as_str()), (2, 3, ""));
    assert!(scene.find("GET", "/notifications")[0].target.contains("/subscriptions/a/notifications?maxResults=5&"));
}
