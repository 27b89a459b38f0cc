//! Rows with unknown words, nulls and missing fields.

use serde_json::json;

use super::server::{ADA, Reply, Scene, project, repository};
use crate::ado::{At, In, PullRequestQuery};
use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::pull_request::{MergeState, PullRequestStatus, Vote};

#[tokio::test]
async fn unknown_words_nulls_and_gaps_never_fail_a_page() {
    let scene = Scene::new().await;
    let rows = json!([
        {"pullRequestId": 5, "repository": {"id": "R-5", "name": null, "project": null}, "status": "onHold", "mergeStatus": "thinking",
         "createdBy": null, "creationDate": "0001-01-01T00:00:00", "reviewers": null, "labels": null, "isDraft": null, "brandNew": {"a": 1}},
        null,
        {"pullRequestId": 4, "repository": {"id": "r"}, "status": "Completed", "reviewers": [
            {"id": ADA, "vote": 7}, {"vote": 10}, {"id": "g", "vote": -10, "isContainer": true, "isRequired": true, "votedFor": null}],
         "labels": [{"name": "old", "active": false}, {"name": "new"}, 7], "lastMergeCommit": {"url": "x"},
         "autoCompleteSetBy": {"id": "00000000-0000-0000-0000-000000000000"}},
        {"pullRequestId": "three", "repository": {"id": "r"}},
        {"pullRequestId": 2},
    ]);
    scene.on("GET", "/pullrequests", [Reply::list(rows), Reply::list(json!([]))]);
    let found = scene.client.pull_requests(In::Project(&project()), &PullRequestQuery::default()).await.unwrap();
    assert_eq!(found.iter().map(|pr| pr.number).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(scene.client.request_log().skipped_rows(), 2);
    assert!(scene.find("GET", "/pullrequests")[1].target.contains("$skip=5"), "unreadable rows were received too");
    let (odd, done) = (&found[0], &found[1]);
    assert_eq!((odd.status, odd.merge, odd.is_draft), (PullRequestStatus::Unknown, MergeState::NotSet, false));
    assert_eq!((odd.repository.as_str(), odd.repository_name.as_str(), odd.author.display_name.as_str()), ("r-5", "R-5", "(unknown)"));
    assert_eq!((done.status, done.auto_complete, done.merge_commit.clone()), (PullRequestStatus::Completed, false, None));
    assert_eq!(done.labels, ["new"]);
    let votes: Vec<_> = done.reviewers.iter().map(|r| (r.vote, r.required, r.is_group)).collect();
    assert_eq!(votes, [(Vote::None, false, false), (Vote::Rejected, true, true)]);
}

#[tokio::test]
async fn a_bare_array_and_a_null_list_are_lists() {
    let scene = Scene::new().await;
    scene.on("GET", "/repositories", [Reply::ok(json!([{"id": "r", "name": "api"}])), Reply::ok(json!({"value": null, "count": 0}))]);
    let found = scene.client.repositories(&project()).await.unwrap();
    assert_eq!((found[0].name.as_str(), &found[0].project, found[0].default_branch.as_deref()), ("api", &project(), None));
    assert!(scene.client.repositories(&project()).await.unwrap().is_empty());
}

#[tokio::test]
async fn team_members_are_read_nested_and_flat_and_groups_left_out() {
    let scene = Scene::new().await;
    let rows = json!([
        {"isTeamAdmin": true, "identity": {"id": ADA, "displayName": "Ada Byte", "uniqueName": "ada@lumen.example"}},
        {"id": "b", "displayName": "Bo", "uniqueName": "bo@lumen.example"},
        {"identity": {"id": "g", "displayName": "Crew", "isContainer": true}},
        {"identity": null},
    ]);
    scene.on("GET", "/members", [Reply::list(rows)]);
    let people = scene.client.team_members(&project(), &project()).await.unwrap();
    assert_eq!(people.iter().map(|p| p.display_name.as_str()).collect::<Vec<_>>(), ["Ada Byte", "Bo"]);
}

#[tokio::test]
async fn threads_policies_and_checks_are_read() {
    let scene = Scene::new().await;
    scene.on("GET", "/threads", [Reply::list(json!([
        {"id": 1, "status": 1, "threadContext": {"filePath": "/src/a.rs"}, "comments": [
            {"id": 1, "commentType": "text", "author": {"id": ADA, "displayName": "Ada"}, "content": "why?", "publishedDate": "2026-01-02T03:04:05.1234567Z"}]},
        {"id": 2, "status": null, "threadContext": null, "isDeleted": false, "comments": [{"id": 1, "commentType": "system"}, {"id": 2, "commentType": 3}]},
    ]))]);
    let threads = scene.client.threads(repository(), 7).await.unwrap();
    assert_eq!((threads[0].status.as_deref(), threads[0].file.as_deref()), (Some("active"), Some("src/a.rs")));
    assert!(threads[1].status.is_none() && threads[1].comments.iter().all(|c| c.system));

    scene.on("GET", "/policy/evaluations", [Reply::list(json!([
        {"evaluationId": "e1", "status": "approved", "configuration": {"isEnabled": true, "isBlocking": true, "type": {"displayName": "Build"}, "settings": {"displayName": "CI"}}},
        {"evaluationId": "e2", "status": "brandNew", "configuration": {"isEnabled": false, "isBlocking": true}},
        {"evaluationId": "e3"},
    ])), Reply::list(json!([]))]);
    let policies = scene.client.policy_evaluations(&project(), 7).await.unwrap();
    let told: Vec<_> = policies.iter().map(|p| (p.name.as_str(), p.status.as_str(), p.blocking)).collect();
    assert_eq!(told, [("Build: CI", "approved", true), ("Policy", "brandNew", false), ("Policy", "queued", false)]);
    let target = &scene.find("GET", "/policy/evaluations")[0].target;
    assert!(target.contains(&format!("artifactId=vstfs%3A%2F%2F%2FCodeReview%2FCodeReviewId%2F{}%2F7", project())), "{target}");
    assert!(target.contains("api-version=7.1-preview.1"));

    scene.on(
        "GET",
        "/statuses",
        [Reply::list(json!([
            {"id": 9, "state": "failed", "context": {"genre": "ci", "name": "lint"}, "targetUrl": "https://ci.example/9"},
            {"id": 3, "context": {"name": "lint"}},
        ]))],
    );
    let checks = scene.client.statuses(repository(), 7).await.unwrap();
    assert_eq!(
        checks.iter().map(|c| (c.id, c.context.as_str(), c.state.as_str())).collect::<Vec<_>>(),
        [(3, "lint", "notSet"), (9, "ci/lint", "failed")]
    );
}

#[tokio::test]
async fn policies_that_want_approvals_are_read_with_where_they_hold() {
    let scene = Scene::new().await;
    const KIND: &str = "FA4E907D-c16b-4a4c-9dfa-4906e5d171dd";
    let policy = |kind: &str, enabled: bool, blocking: bool, settings: serde_json::Value| json!({"id": 1, "isEnabled": enabled, "isBlocking": blocking, "isDeleted": false, "type": {"id": kind}, "settings": settings});
    let scopes = json!([
        {"repositoryId": "r-1", "refName": "refs/heads/main", "matchKind": "Exact"},
        {"repositoryId": null, "refName": "refs/heads/release/", "matchKind": "prefix"},
        {"repositoryId": null, "refName": null, "matchKind": "DefaultBranch"},
        {"repositoryId": "r-2"},
    ]);
    let two = json!({"minimumApproverCount": 2, "creatorVoteCounts": true, "scope": scopes});
    scene.on(
        "GET",
        "/policy/configurations",
        [Reply::list(json!([
            policy(KIND, true, true, two.clone()),
            policy(KIND, false, true, two.clone()),
            policy(KIND, true, false, two.clone()),
            policy("fd2167ab-b0be-447a-8ec8-39368250530e", true, true, two),
            policy(KIND, true, true, json!({"scope": []})),
            policy(KIND, true, true, json!({"minimumApproverCount": "3"})),
        ]))],
    );
    let found = scene.client.approval_policies(&project()).await.unwrap();
    use fact::PolicyBranches::{All, Default, Exact, Prefix};
    let scope = |repository: Option<&str>, branches| fact::PolicyScope { repository: repository.map(Guid::new), branches };
    let expected = [
        scope(Some("r-1"), Exact("refs/heads/main".to_owned())),
        scope(None, Prefix("refs/heads/release/".to_owned())),
        scope(None, Default),
        scope(Some("r-2"), All),
    ];
    let [two, three] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((two.approvals, two.creator_vote_counts, two.scopes.as_slice()), (2, true, expected.as_slice()));
    assert_eq!((three.approvals, three.creator_vote_counts, three.scopes.len()), (3, false, 0));
    let target = &scene.find("GET", "/policy/configurations")[0].target;
    assert!(target.contains("policyType=fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"), "{target}");
}

#[tokio::test]
async fn a_file_comes_byte_for_byte_whatever_json_does_to_it() {
    let scene = Scene::new().await;
    let id = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap().to_string();
    let text = "a\r\nb 👋\n";
    let item = |object: String, content: &str| {
        Reply::ok(json!({"objectId": object, "gitObjectType": "blob", "commitId": "2".repeat(40), "path": "/a.md", "content": content}))
    };
    scene.on("GET", "/items", [item(id(text.as_bytes()), text)]);
    let file = scene.client.file(repository(), &At::Branch("feature/x"), "/a.md").await.unwrap().unwrap();
    assert_eq!((file.bytes.as_slice(), file.path.as_str()), (text.as_bytes(), "a.md"));
    assert_eq!(scene.count("GET", "/items"), 1);
    let target = &scene.find("GET", "/items")[0].target;
    assert!(target.contains("path=%2Fa.md&versionDescriptor.version=feature%2Fx&versionDescriptor.versionType=branch"), "{target}");

    let raw = b"\xef\xbb\xbfa\xff\r\n";
    let mut bytes = Reply::empty(200).with("content-type", "application/octet-stream");
    bytes.body = raw.to_vec();
    scene.on("GET", "/items", [item(id(raw), "a\u{fffd}\n"), bytes]);
    let file = scene.client.file(repository(), &At::Branch("main"), "a.md").await.unwrap().unwrap();
    assert_eq!((file.bytes.as_slice(), file.object.as_str()), (&raw[..], id(raw).as_str()));
    assert_eq!(scene.seen().last().unwrap().header("accept"), "application/octet-stream");
}
