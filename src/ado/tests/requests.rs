//! What the client sends: paths, bodies, and outcomes of writes that are told inside a 200.

use serde_json::json;

use super::server::{ADA, PROJECT, REPOSITORY, Reply, Scene, project, repository};
use crate::ado::{
    BranchOutcome, ChangeKind, Completion, Duty, ErrorKind, FileChange, In, MergeStrategy, NewPullRequest, NewThread, PullRequestPatch,
    PullRequestQuery, Push, StatusChange, StatusFilter, ThreadStatus,
};
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::Vote;

fn tip() -> ObjectId {
    ObjectId::new("3".repeat(40))
}

fn outcome(success: bool, word: &str) -> Reply {
    Reply::list(
        json!([{"name": "refs/heads/x", "success": success, "updateStatus": word, "customMessage": if success { None } else { Some("no way") }}]),
    )
}

fn pull_request() -> Reply {
    Reply::ok(json!({"pullRequestId": 7, "repository": {"id": REPOSITORY}, "status": "active", "title": "t"}))
}

#[tokio::test]
async fn a_branch_is_created_once_and_the_loser_is_told_who_made_it() {
    let scene = Scene::new().await;
    scene.on("POST", "/refs", [outcome(true, "succeeded")]);
    let created = scene.client.create_branch(repository(), "feature/K-1", &tip()).await.unwrap();
    assert_eq!(created, BranchOutcome::Created);
    let sent = &scene.find("POST", "/refs")[0];
    assert_eq!(sent.target, format!("/lumen/{PROJECT}/_apis/git/repositories/{REPOSITORY}/refs?api-version=7.1"));
    assert_eq!(sent.json(), json!([{"name": "refs/heads/feature/K-1", "oldObjectId": "0".repeat(40), "newObjectId": "3".repeat(40)}]));

    scene.on("POST", "/refs", [outcome(false, "staleOldObjectId")]);
    scene.on(
        "GET",
        "/refs",
        [Reply::list(json!([
            {"name": "refs/heads/feature/K-12", "objectId": "4".repeat(40)},
            {"name": "refs/heads/feature/K-1", "objectId": "5".repeat(40), "creator": {"id": ADA, "displayName": "Ada Byte"}},
        ]))],
    );
    match scene.client.create_branch(repository(), "feature/K-1", &tip()).await.unwrap() {
        BranchOutcome::Exists { tip, creator } => {
            assert_eq!((tip.as_str(), creator.unwrap().display_name.as_str()), ("5".repeat(40).as_str(), "Ada Byte"));
        }
        other => panic!("{other:?}"),
    }
    assert!(scene.find("GET", "/refs")[0].target.contains("filter=heads%2Ffeature%2FK-1&"));
}

#[tokio::test]
async fn each_refusal_of_a_ref_update_has_its_kind() {
    let scene = Scene::new().await;
    scene.on("GET", "/refs", [Reply::list(json!([]))]);
    for (word, kind) in [
        ("staleOldObjectId", ErrorKind::StaleRef),
        ("createBranchPermissionRequired", ErrorKind::PermissionMissing { permission: "CreateBranch".into() }),
        ("writePermissionRequired", ErrorKind::PermissionMissing { permission: "GenericContribute".into() }),
        ("rejectedByPolicy", ErrorKind::PolicyRejected),
        ("unresolvableToCommit", ErrorKind::BranchMissing),
        ("refNameConflict", ErrorKind::RefRejected("refNameConflict".into())),
        ("somethingNew", ErrorKind::RefRejected("somethingNew".into())),
    ] {
        scene.on("POST", "/refs", [outcome(false, word)]);
        let error = scene.client.create_branch(repository(), "x", &tip()).await.unwrap_err();
        assert_eq!(*error.kind(), kind);
        assert!(error.to_string().contains("no way"), "{error}");
    }
    scene.on("POST", "/refs", [outcome(false, "staleOldObjectId")]);
    scene.client.delete_branch(repository(), "x", &tip()).await.unwrap();
    scene.on("GET", "/refs", [Reply::list(json!([{"name": "refs/heads/x", "objectId": "5".repeat(40)}]))]);
    assert_eq!(*scene.client.delete_branch(repository(), "x", &tip()).await.unwrap_err().kind(), ErrorKind::StaleRef);
}

#[tokio::test]
async fn a_push_sends_every_byte() {
    let scene = Scene::new().await;
    let answer =
        json!({"commits": [{"commitId": "6".repeat(40)}], "refUpdates": [{"oldObjectId": "3".repeat(40), "newObjectId": "6".repeat(40)}]});
    scene.on("POST", "/pushes", [Reply::json(201, answer)]);
    let bytes = b"\xef\xbb\xbf# K\r\n\xff".to_vec();
    let push = Push {
        branch: "feature/K-1".into(),
        old_tip: tip(),
        message: "K-1: spec".into(),
        changes: vec![
            FileChange { path: ".tickets/K-1.md".into(), kind: ChangeKind::Edit, bytes },
            FileChange { path: "/old.md".into(), kind: ChangeKind::Delete, bytes: Vec::new() },
        ],
    };
    let pushed = scene.client.push(repository(), &push).await.unwrap();
    assert_eq!((pushed.commit.as_str(), pushed.old_tip), ("6".repeat(40).as_str(), tip()));
    assert_eq!(
        scene.find("POST", "/pushes")[0].json(),
        json!({
            "refUpdates": [{"name": "refs/heads/feature/K-1", "oldObjectId": "3".repeat(40)}],
            "commits": [{"comment": "K-1: spec", "changes": [
                {"changeType": "edit", "item": {"path": "/.tickets/K-1.md"}, "newContent": {"content": "77u/IyBLDQr/", "contentType": "base64encoded"}},
                {"changeType": "delete", "item": {"path": "/old.md"}},
            ]}],
        })
    );
}

#[tokio::test]
async fn pull_requests_are_opened_changed_and_completed_with_what_was_asked() {
    let scene = Scene::new().await;
    scene.on("POST", "/pullrequests", [pull_request()]);
    scene.on("PATCH", "/pullrequests/7", [pull_request()]);
    let client = &scene.client;
    let new = NewPullRequest {
        title: "Orbit".into(),
        description: "d".into(),
        source_branch: "feature/K-1".into(),
        target_branch: "main".into(),
        is_draft: true,
        work_items: vec!["12".into()],
        labels: vec!["spec".into()],
    };
    assert_eq!(client.create_pull_request(repository(), &new).await.unwrap().number, 7);
    assert_eq!(
        scene.find("POST", "/pullrequests")[0].json(),
        json!({"sourceRefName": "refs/heads/feature/K-1", "targetRefName": "refs/heads/main", "title": "Orbit", "description": "d",
            "isDraft": true, "workItemRefs": [{"id": "12"}], "labels": [{"name": "spec"}]})
    );
    let change = |patch: PullRequestPatch| async move { client.update_pull_request(repository(), 7, &patch).await.unwrap() };
    change(PullRequestPatch { is_draft: Some(false), target_branch: Some("next".into()), ..Default::default() }).await;
    change(PullRequestPatch { status: Some(StatusChange::Abandon), ..Default::default() }).await;
    change(PullRequestPatch { status: Some(StatusChange::Reactivate), ..Default::default() }).await;
    let how = Completion {
        strategy: MergeStrategy::RebaseMerge,
        delete_source_branch: true,
        source_commit: tip(),
        message: Some("Merged".into()),
    };
    client.complete_pull_request(repository(), 7, &how).await.unwrap();
    client.set_auto_complete(repository(), 7, Some(&Guid::new(ADA))).await.unwrap();
    client.set_auto_complete(repository(), 7, None).await.unwrap();
    let sent: Vec<_> = scene.find("PATCH", "/pullrequests/7").iter().map(|s| s.json()).collect();
    assert_eq!(
        sent,
        [
            json!({"isDraft": false, "targetRefName": "refs/heads/next"}),
            json!({"status": "abandoned"}),
            json!({"status": "active"}),
            json!({"status": "completed", "lastMergeSourceCommit": {"commitId": "3".repeat(40)},
                "completionOptions": {"mergeStrategy": "rebaseMerge", "deleteSourceBranch": true, "mergeCommitMessage": "Merged"}}),
            json!({"autoCompleteSetBy": {"id": ADA}}),
            json!({"autoCompleteSetBy": {"id": "00000000-0000-0000-0000-000000000000"}}),
        ]
    );
}

#[tokio::test]
async fn lists_are_filtered_by_full_ref_names_and_ids() {
    let scene = Scene::new().await;
    scene.on("GET", "/pullrequests", [Reply::list(json!([]))]);
    let query = PullRequestQuery {
        status: StatusFilter::All,
        source_branch: Some("feature/K-1".into()),
        target_branch: Some("main".into()),
        creator: Some(Guid::new(ADA)),
        reviewer: Some(Guid::new(ADA)),
        closed_since: None,
    };
    scene.client.pull_requests(In::Repository(repository()), &query).await.unwrap();
    assert_eq!(
        scene.find("GET", "/pullrequests")[0].target,
        format!(
            "/lumen/{PROJECT}/_apis/git/repositories/{REPOSITORY}/pullrequests?searchCriteria.status=all\
             &searchCriteria.sourceRefName=refs%2Fheads%2Ffeature%2FK-1&searchCriteria.targetRefName=refs%2Fheads%2Fmain\
             &searchCriteria.creatorId={ADA}&searchCriteria.reviewerId={ADA}&$top=1000&api-version=7.1"
        )
    );
}

#[tokio::test]
async fn reviewers_votes_and_threads_are_written_as_the_service_wants_them() {
    let scene = Scene::new().await;
    let ada = Guid::new(ADA);
    let row = json!({"id": ADA, "displayName": "Ada", "vote": 5});
    scene.on("POST", "/reviewers", [Reply::list(json!([row.clone()]))]);
    scene.on("PUT", "/reviewers/", [Reply::ok(row)]);
    scene.client.add_reviewer(repository(), 7, &ada, Duty::Optional).await.unwrap();
    scene.client.add_reviewer(repository(), 7, &ada, Duty::Required).await.unwrap();
    let vote = scene.client.vote(repository(), 7, &ada, Vote::ApprovedWithSuggestions).await.unwrap();
    assert_eq!(vote.vote, Vote::ApprovedWithSuggestions);
    assert_eq!(scene.find("POST", "/reviewers")[0].json(), json!([{"id": ADA}]));
    let put: Vec<_> = scene.find("PUT", &format!("/reviewers/{ADA}")).iter().map(|s| s.json()).collect();
    assert_eq!(put, [json!({"id": ADA, "isRequired": true}), json!({"id": ADA, "vote": 5})]);

    scene.on("POST", "/threads", [Reply::ok(json!({"id": 3, "comments": []}))]);
    scene.on("PATCH", "/threads/3", [Reply::ok(json!({"id": 3, "status": "wontFix"}))]);
    scene.on("POST", "/threads/3/comments", [Reply::ok(json!({"id": 2, "parentCommentId": 1, "content": "yes"}))]);
    let thread = NewThread { content: "why?".into(), line: Some(("src/a.rs".into(), 5)), ..NewThread::default() };
    assert_eq!(scene.client.create_thread(repository(), 7, &thread).await.unwrap().id, 3);
    assert_eq!(scene.client.reply(repository(), 7, 3, 1, "yes").await.unwrap().parent, 1);
    let status = scene.client.set_thread_status(repository(), 7, 3, ThreadStatus::WontFix).await.unwrap().status;
    assert_eq!(status.as_deref(), Some("wontFix"));
    assert_eq!(scene.find("PATCH", "/threads/3")[0].json(), json!({"status": "wontFix"}));
    assert_eq!(scene.find("POST", "/threads")[0].json()["threadContext"]["filePath"], "/src/a.rs");
}

#[tokio::test]
async fn names_are_encoded_and_cannot_lead_elsewhere() {
    let scene = Scene::new().await;
    scene.on("GET", "/_apis/projects/My%20Project", [Reply::ok(json!({"id": PROJECT, "name": "My Project"}))]);
    assert_eq!(scene.client.project("My Project").await.unwrap().name, "My Project");
    scene.on("GET", "/repositories/a%2Fb%3Fc", [Reply::ok(json!({"id": REPOSITORY, "name": "a/b?c"}))]);
    assert_eq!(scene.client.repository(&project(), "a/b?c").await.unwrap().name, "a/b?c");
    let before = scene.seen().len();
    for name in ["..", "."] {
        assert_eq!(*scene.client.project(name).await.unwrap_err().kind(), ErrorKind::BadRequest);
    }
    assert_eq!(scene.seen().len(), before, "nothing was sent");
}

#[tokio::test]
async fn the_request_log_keeps_the_last_requests_without_queries() {
    let scene = Scene::new().await;
    scene.on("GET", "/projects", [Reply::list(json!([]))]);
    for _ in 0..3 {
        scene.client.projects().await.unwrap();
    }
    let log = scene.client.request_log();
    assert_eq!((log.total(), log.entries().len()), (4, 4));
    let last = log.entries().pop().unwrap();
    assert_eq!((last.method.as_str(), last.path.as_str(), last.status), ("GET", "/lumen/_apis/projects", Some(200)));
    assert_eq!(last.activity_id.as_deref(), Some("0a0a0a0a-1111-2222-3333-444444444444"));
}
