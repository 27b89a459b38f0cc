//! A client that may only read: every call that would change something is refused before it is sent, and what only asks is sent.

use serde_json::json;

use super::server::{ADA, PROJECT, REPOSITORY, Reply, Scene, catalogue, connection, project, repository};
use crate::ado::{
    Access, ChangeKind, Completion, Duty, Error, ErrorKind, FileChange, MergeStrategy, NewPullRequest, NewThread, PullRequestPatch, Push,
    ScopeOutcome, Settings, StatusChange, ThreadStatus,
};
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::Vote;
use crate::notice::Explain as _;

async fn scene() -> Scene {
    let scene = Scene::with(&Settings { access: Access::ReadOnly, ..Settings::default() }).await;
    scene.on("OPTIONS", "/lumen/_apis", [catalogue("7.1")]);
    scene
}

#[tokio::test]
async fn no_write_of_a_read_only_client_reaches_the_service_and_each_is_told_as_what_it_was() {
    let scene = scene().await;
    let client = &scene.client;
    let (tip, ada) = (ObjectId::new("3".repeat(40)), Guid::new(ADA));
    let new = NewPullRequest {
        title: "Orbit".into(),
        description: String::new(),
        source_branch: "feature/K-1".into(),
        target_branch: "main".into(),
        is_draft: false,
        work_items: Vec::new(),
        labels: Vec::new(),
    };
    let file = FileChange { path: ".tickets/K-1.md".into(), kind: ChangeKind::Add, bytes: b"# K-1".to_vec() };
    let push = Push { branch: "feature/K-1".into(), old_tip: tip.clone(), message: "K-1".into(), changes: vec![file] };
    let how = Completion { strategy: MergeStrategy::Squash, delete_source_branch: false, source_commit: tip.clone(), message: None };
    let abandon = PullRequestPatch { status: Some(StatusChange::Abandon), ..Default::default() };
    let thread = NewThread { content: "why?".into(), ..NewThread::default() };
    let refusals: Vec<(&str, Option<Error>)> = vec![
        ("create the branch", client.create_branch(repository(), "feature/K-1", &tip).await.err()),
        ("delete the branch", client.delete_branch(repository(), "feature/K-1", &tip).await.err()),
        ("push", client.push(repository(), &push).await.err()),
        ("pull request", client.create_pull_request(repository(), &new).await.err()),
        ("pull request 7", client.update_pull_request(repository(), 7, &abandon).await.err()),
        ("complete pull request 7", client.complete_pull_request(repository(), 7, &how).await.err()),
        ("pull request 7", client.set_auto_complete(repository(), 7, Some(&ada)).await.err()),
        ("reviewer", client.add_reviewer(repository(), 7, &ada, Duty::Required).await.err()),
        ("reviewer", client.add_reviewer(repository(), 7, &ada, Duty::Optional).await.err()),
        ("reviewer", client.remove_reviewer(repository(), 7, &ada).await.err()),
        ("vote", client.vote(repository(), 7, &ada, Vote::Approved).await.err()),
        ("comment", client.create_thread(repository(), 7, &thread).await.err()),
        ("reply", client.reply(repository(), 7, 3, 1, "yes").await.err()),
        ("thread", client.set_thread_status(repository(), 7, 3, ThreadStatus::Fixed).await.err()),
    ];
    for (attempt, error) in refusals {
        let error = error.unwrap_or_else(|| panic!("{attempt} was not refused"));
        assert_eq!(*error.kind(), ErrorKind::ReadOnly, "{error}");
        let words = error.to_string();
        assert!(words.contains(attempt) && words.contains("--readonly forbids"), "{words}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--readonly")) && !error.is_transient(), "{words}");
    }
    // A read that an action begins with may have been sent; nothing else.
    let sent: Vec<_> = scene.seen().into_iter().filter(|seen| !matches!(seen.method.as_str(), "GET" | "OPTIONS")).collect();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn a_read_only_client_still_sends_the_questions_that_travel_as_a_post() {
    let scene = scene().await;
    let host = format!("http://127.0.0.1:{}/lumen", scene.port);
    scene.on("GET", "/connectionData", [connection()]);
    scene.on("GET", "/projects", [Reply::list(json!([]))]);
    scene.on("GET", "/repositories/", [Reply::ok(json!({"id": REPOSITORY, "name": "api"}))]);
    scene.on(
        "GET",
        "/resourceAreas",
        [Reply::list(json!([{"id": "bb1e7ec9-e901-4b68-999a-de7012b920f8", "name": "Graph", "locationUrl": host}]))],
    );
    scene.on("POST", "/subjectquery", [Reply::list(json!([]))]);
    scene.on("POST", "/refs", [Reply::list(json!([]))]);
    scene.on("GET", "/git/pullrequests", [Reply::list(json!([]))]);
    scene.on("POST", "/pullrequests/0/threads", [Reply::error(404, "GitPullRequestNotFoundException", "TF401180: not found.")]);
    scene.on("POST", "/wit/wiql", [Reply::ok(json!({"workItems": []}))]);
    let checks = scene.client.check(Some(&project()), Some(&Guid::new(REPOSITORY))).await.unwrap();
    assert_eq!(checks.len(), 9, "{checks:?}");
    assert_eq!(scene.find("POST", "/refs")[0].json(), json!([]), "the list of updates is empty: nothing changes");
    assert_eq!(scene.count("POST", "/subjectquery"), 1, "people are asked for");
    assert_eq!(scene.count("POST", "/wit/wiql"), 1, "work items are asked for");
    assert_eq!(scene.find("POST", "/threads")[0].json(), json!({"comments": []}), "nothing is said, on a pull request that is never there");
    let threads = checks.iter().find(|one| one.scope.contains("Threads")).unwrap();
    assert_eq!(threads.outcome, ScopeOutcome::Allowed, "whoever is let in to look for it may comment");
    assert_eq!(scene.count("POST", &format!("/{PROJECT}/")), 3, "and nothing else of the project");
}
