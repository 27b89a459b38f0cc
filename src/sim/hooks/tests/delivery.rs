//! What arrives: the envelope, the headers, the resource of every deed, and only what was asked for.
use super::*;

#[tokio::test]
async fn a_push_arrives_with_envelope_and_headers() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    let made = stage.subscribe("git.push", &receiver, json!({ "httpHeaders": "X-Team:harbour\nX-Other: b" })).await;
    let commit = stage.push("news").await;
    stage.idle().await;
    let arrived = receiver.only();
    assert_eq!(arrived.path, "/hook");
    assert_eq!(arrived.version, Version::HTTP_11);
    for (name, value) in [
        ("authorization", "Basic Ym9hcmQ6czNjcmV0"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-team", "harbour"),
        ("x-other", "b"),
        ("x-vss-subscriptionid", made["id"].as_str().unwrap()),
    ] {
        assert_eq!(arrived.header(name), value, "{name}");
    }
    assert!(arrived.header("user-agent").starts_with("VSServices/"));
    assert_eq!(arrived.header("x-vss-activityid").len(), 36);
    let body = &arrived.body;
    assert_eq!(body["subscriptionId"], made["id"]);
    assert_eq!(body["notificationId"], 1);
    assert_eq!(body["eventType"], "git.push");
    assert_eq!(body["publisherId"], "tfs");
    assert_eq!(body["resourceVersion"], "1.0");
    assert_eq!(body["resourceContainers"]["project"]["id"], stage.project("Harbor").await);
    assert_eq!(body["message"]["text"], "Bob Tanaka created news in pilot-cli");
    assert_eq!(body["resource"]["refUpdates"][0]["name"], "refs/heads/news");
    assert_eq!(body["resource"]["refUpdates"][0]["newObjectId"], commit);
    assert_eq!(body["resource"]["refUpdates"][0]["oldObjectId"], "0".repeat(40));
    assert_eq!(body["resource"]["commits"][0]["comment"], "Note news");
    assert_eq!(body["resource"]["repository"]["name"], "pilot-cli");
    // The next one has the next number and another id.
    stage.push("news").await;
    stage.idle().await;
    let next = receiver.only();
    assert_eq!(next.body["notificationId"], 2);
    assert_ne!(next.body["id"], body["id"]);
    assert_ne!(next.body["resource"]["refUpdates"][0]["oldObjectId"], "0".repeat(40));
    // A deleted branch brings no commits at all.
    stage.control.delete_branch("pilot-cli", "news", "bob").await.unwrap();
    stage.idle().await;
    assert!(receiver.only().body["resource"].get("commits").is_none());
    stage.running.stop().await;
}

#[tokio::test]
async fn a_commit_by_rest_and_a_merge_are_pushes_too() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("git.push", &receiver, json!({ "branch": "main" })).await;
    let pushes = async || {
        stage.idle().await;
        receiver.take()
    };
    let week = stage.story("HAR-14").await;
    stage.control.merge(week, "carol", Default::default()).await.unwrap();
    let seen = pushes().await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body["resource"]["pushedBy"]["uniqueName"], "carol@lumen.example");
    let place = stage.repository("pilot-cli").await;
    let tip = stage.get(&format!("git/repositories/{place}/refs?filter=heads/main")).await["value"][0]["objectId"].clone();
    let push = json!({
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": tip}],
        "commits": [{"comment": "By REST", "changes": [{"changeType": "add", "item": {"path": "/rest.md"},
            "newContent": {"content": "x", "contentType": "rawtext"}}]}],
    });
    let (status, made) = stage.send(Method::POST, &format!("git/repositories/{place}/pushes"), push).await;
    assert_eq!(status, 201, "{made}");
    let seen = pushes().await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body["resource"]["pushId"], made["pushId"]);
    stage.running.stop().await;
}

#[tokio::test]
async fn each_update_of_a_pull_request_goes_to_its_own_subscription() {
    let stage = Stage::new().await;
    let kinds = ["PushNotification", "ReviewersUpdateNotification", "StatusUpdateNotification", "ReviewerVoteNotification"];
    let mut receivers = Vec::new();
    for kind in kinds {
        let receiver = Receiver::start().await;
        stage.subscribe("git.pullrequest.updated", &receiver, json!({ "notificationType": kind })).await;
        receivers.push(receiver);
    }
    let any = Receiver::start().await;
    stage.subscribe("git.pullrequest.updated", &any, json!({ "notificationType": "" })).await;
    let control = &stage.control;
    control.push_file("pilot-cli", ("topic", None), "alice", ("/t.md", b"t"), "Topic").await.unwrap();
    let id = control.open("pilot-cli", ("topic", "main"), "HAR-31 Topic", "alice").await.unwrap();
    let counts = async || {
        stage.idle().await;
        assert!(!any.take().is_empty(), "empty stands for any");
        receivers.iter().map(|receiver| receiver.take().len()).collect::<Vec<_>>()
    };
    stage.idle().await;
    assert!(any.take().is_empty(), "a new pull request is no update");
    control.push_file("pilot-cli", ("topic", None), "alice", ("/u.md", b"u"), "More").await.unwrap();
    assert_eq!(counts().await, [1, 0, 0, 0]);
    control.add_reviewer(id, "alice", "carol").await.unwrap();
    assert_eq!(counts().await, [0, 1, 0, 0]);
    control.vote(id, "carol", 10).await.unwrap();
    assert_eq!(counts().await, [0, 0, 0, 1]);
    control.abandon(id, "alice").await.unwrap();
    assert_eq!(counts().await, [0, 0, 1, 0]);
    control.reactivate(id, "alice").await.unwrap();
    assert_eq!(counts().await, [0, 0, 1, 0]);
    control.merge(id, "alice", Default::default()).await.unwrap();
    assert_eq!(counts().await, [0, 0, 1, 0]);
    // What only polling finds.
    let other = control.push_file("pilot-cli", ("other", None), "alice", ("/o.md", b"o"), "Other").await;
    assert!(other.is_ok());
    let other = control.open("pilot-cli", ("other", "main"), "HAR-32 Other", "alice").await.unwrap();
    control.retitle(other, "alice", "HAR-32 Another").await.unwrap();
    stage.idle().await;
    assert!(any.take().is_empty());
    stage.running.stop().await;
}

#[tokio::test]
async fn merge_attempted_says_what_came_of_it() {
    let (stage, clean, conflicting) = (Stage::new().await, Receiver::start().await, Receiver::start().await);
    stage.subscribe("git.pullrequest.merged", &clean, json!({ "mergeResult": "Succeeded" })).await;
    stage.subscribe("git.pullrequest.merged", &conflicting, json!({ "mergeResult": "Conflicts" })).await;
    let week = stage.story("HAR-14").await;
    stage.control.make_conflict(week, "dave").await.unwrap();
    stage.idle().await;
    let mine = |arrived: Vec<Arrived>| {
        arrived.into_iter().filter(|one| one.body["resource"]["pullRequestId"] == week).map(|one| one.body).collect::<Vec<_>>()
    };
    let (merged, conflicts) = (mine(clean.take()), mine(conflicting.take()));
    assert!(merged.is_empty());
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        (conflicts[0]["resource"]["status"].as_str(), conflicts[0]["resource"]["mergeStatus"].as_str()),
        (Some("active"), Some("conflicts"))
    );
    assert!(conflicts[0]["resource"].get("lastMergeCommit").is_none());
    let cache = stage.story("HAR-16").await;
    let commit = stage.control.merge(cache, "bob", Default::default()).await.unwrap();
    stage.idle().await;
    let done: Vec<Value> = clean.take().into_iter().map(|one| one.body).filter(|body| body["resource"]["pullRequestId"] == cache).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["resource"]["status"], "completed");
    assert_eq!(done[0]["resource"]["lastMergeCommit"]["commitId"], commit);
    stage.running.stop().await;
}

#[tokio::test]
async fn comments_are_told_when_made_edited_and_deleted_in_the_version_asked_for() {
    let (stage, old, new) = (Stage::new().await, Receiver::start().await, Receiver::start().await);
    let event = crate::sim::hooks::catalogue::COMMENT;
    stage.subscribe(event, &old, json!({ "resourceVersion": "1.0" })).await;
    stage.subscribe(event, &new, json!({})).await;
    let week = stage.story("HAR-14").await;
    let thread = stage.control.comment(week, "bob", "Is it high water?").await.unwrap();
    stage.idle().await;
    let (bare, whole) = (old.only(), new.only());
    assert_eq!(bare.body["resource"]["content"], "Is it high water?");
    assert_eq!(bare.body["resourceVersion"], "1.0");
    assert_eq!(whole.body["resourceVersion"], "2.0");
    assert_eq!(whole.body["resource"]["comment"], bare.body["resource"]);
    assert_eq!(whole.body["resource"]["pullRequest"]["pullRequestId"], week);
    let threads = whole.body["resource"]["comment"]["_links"]["threads"]["href"].as_str().unwrap();
    assert!(threads.ends_with(&format!("threads/{thread}")), "{threads}");
    stage.control.edit_comment(week, "bob", (thread, 1), "Low water?").await.unwrap();
    stage.control.delete_comment(week, "bob", (thread, 1)).await.unwrap();
    stage.idle().await;
    let told = new.take();
    assert_eq!(told.len(), 2);
    let deleted = told.iter().find(|one| one.body["resource"]["comment"]["isDeleted"] == true).unwrap();
    assert!(deleted.body["message"]["text"].as_str().unwrap().contains("deleted"));
    stage.running.stop().await;
}

#[tokio::test]
async fn filters_keep_out_what_was_not_asked_for() {
    let stage = Stage::new().await;
    let (bob, carol) = (stage.person("bob").await, stage.person("carol").await);
    let place = stage.repository("pilot-cli").await;
    let cases = [
        (json!({ "repository": place }), true),
        (json!({ "repository": stage.repository("ops").await }), false),
        (json!({ "branch": "main" }), true),
        (json!({ "branch": "release" }), false),
        (json!({ "pullrequestCreatedBy": bob }), true),
        (json!({ "pullrequestCreatedBy": carol }), false),
        (json!({ "projectId": stage.project("Quay").await }), false),
    ];
    let mut receivers = Vec::new();
    for (filter, wanted) in cases {
        let receiver = Receiver::start().await;
        stage.subscribe("git.pullrequest.created", &receiver, filter.clone()).await;
        receivers.push((filter, wanted, receiver));
    }
    stage.push("filtered").await;
    stage.control.open("pilot-cli", ("filtered", "main"), "HAR-33 Filter", "bob").await.unwrap();
    stage.idle().await;
    for (filter, wanted, receiver) in receivers {
        assert_eq!(receiver.take().len(), usize::from(wanted), "{filter}");
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn a_subscription_tells_only_what_its_maker_may_see() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    stage.subscribe("git.push", &receiver, json!({})).await;
    stage.control.deny("pilot-cli", "alice", crate::sim::world::Permission::GenericRead).await.unwrap();
    stage.push("hidden").await;
    stage.idle().await;
    assert!(receiver.take().is_empty());
    stage.control.permit("pilot-cli", "alice", crate::sim::world::Permission::GenericRead).await.unwrap();
    stage.push("shown").await;
    stage.idle().await;
    receiver.only();
    stage.running.stop().await;
}

#[tokio::test]
async fn details_and_messages_are_as_asked_for() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    for more in [
        json!({ "messagesToSend": "none", "detailedMessagesToSend": "text" }),
        json!({ "resourceDetailsToSend": "minimal" }),
        json!({ "resourceDetailsToSend": "none", "messagesToSend": "markdown" }),
    ] {
        stage.subscribe("git.push", &receiver, more).await;
    }
    stage.push("details").await;
    stage.idle().await;
    let mut arrived = receiver.take();
    arrived.sort_by_key(|one| (one.body["resource"].is_null(), one.body["resource"].get("refUpdates").is_none()));
    let [full, minimal, none] = arrived.try_into().unwrap();
    assert!(full.body["message"].is_null());
    assert_eq!(full.body["detailedMessage"].as_object().unwrap().keys().collect::<Vec<_>>(), ["text"]);
    assert_eq!(minimal.body["resource"]["pushId"], full.body["resource"]["pushId"]);
    assert!(minimal.body["resource"]["repository"].get("name").is_none());
    assert_eq!(none.body["message"].as_object().unwrap().len(), 1);
    stage.running.stop().await;
}

#[tokio::test]
async fn what_the_world_does_not_have_can_be_told_all_the_same() {
    use crate::sim::control::Emission;
    use crate::sim::hooks::payload::invented::Sketch;
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    for (event_type, pointer, expected) in [
        ("build.complete", "/resource/result", json!("failed")),
        ("ms.vss-pipelines.run-state-changed-event", "/resource/run/result", json!("failed")),
        ("ms.vss-pipelines.stage-state-changed-event", "/resource/stage/result", json!("failed")),
        ("ms.vss-pipelines.job-state-changed-event", "/resource/job/result", json!("failed")),
        ("workitem.updated", "/resource/workItemId", json!(77)),
        ("workitem.created", "/resource/id", json!(77)),
    ] {
        let made = stage.subscribe(event_type, &receiver, json!({})).await;
        let about = Sketch { number: Some(77), result: Some("failed".to_owned()), ..Sketch::default() };
        let emission = Emission { event_type: event_type.to_owned(), project: Some("Harbor".to_owned()), about, ..Emission::default() };
        assert_eq!(stage.control.emit(emission).await.unwrap(), 1, "{event_type}");
        stage.idle().await;
        let arrived = receiver.only();
        assert_eq!(arrived.body["subscriptionId"], made["id"]);
        assert_eq!(arrived.body.pointer(pointer), Some(&expected), "{event_type}: {:#}", arrived.body);
        assert_eq!(arrived.body["resourceContainers"]["project"]["id"], stage.project("Harbor").await);
    }
    let unknown = Emission { event_type: "tea.ready".to_owned(), ..Emission::default() };
    assert!(stage.control.emit(unknown).await.is_err());
    stage.running.stop().await;
}
