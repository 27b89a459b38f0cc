//! Failures: each error of the service by its kind, throttling, retries, lost answers, cut and slow ones, and trust.

use std::time::{Duration, Instant};

use serde_json::json;

use super::server::{Certificate, Play, Reply, Scene, client, connection, project, repository, tls};
use crate::ado::{At, ChangeKind, Completion, ErrorKind, FileChange, MergeStrategy, NewPullRequest, Push, Settings};
use crate::domain::id::ObjectId;
use crate::notice::Explain;

const PROJECTS: &str = "/_apis/projects";

#[tokio::test]
async fn each_error_of_the_service_has_its_kind() {
    let permission = |p: &str| ErrorKind::PermissionMissing { permission: p.to_owned() };
    let cases = [
        (
            404,
            "GitRepositoryNotFoundException",
            "TF401019: The Git repository with name or identifier x does not exist or you do not have permissions.",
            ErrorKind::RepositoryMissing,
        ),
        (404, "ProjectDoesNotExistWithNameException", "TF200016: The following project does not exist: Orbit.", ErrorKind::ProjectMissing),
        (404, "ProjectDoesNotExistException", "The project with id 'x' does not exist.", ErrorKind::ProjectMissing),
        (
            404,
            "GitUnresolvableToCommitException",
            "TF401175:The version descriptor <Branch: x > could not be resolved",
            ErrorKind::BranchMissing,
        ),
        (404, "GitItemNotFoundException", "TF401174: The item /a could not be found", ErrorKind::FileMissing),
        (404, "GitPullRequestNotFoundException", "TF401180: The requested pull request was not found.", ErrorKind::PullRequestMissing),
        (404, "BuildNotFoundException", "The requested build 4 could not be found.", ErrorKind::NotFound),
        (
            400,
            "GitPullRequestCannotBeActivated",
            "TF401398: The pull request cannot be activated because the source branch no longer exists",
            ErrorKind::BranchMissing,
        ),
        (400, "", "The path '/x' specified in the add operation already exists. Please specify a new path.", ErrorKind::PathExists),
        (400, "InvalidEnumArgumentException", "vote", ErrorKind::BadRequest),
        (
            400,
            "GitPullRequestNotEditableException",
            "TF401181: The pull request cannot be edited due to its state.",
            ErrorKind::NotEditable,
        ),
        (
            403,
            "GitNeedsPermissionException",
            "TF401027: You need the Git 'PullRequestContribute' permission to perform this action.",
            permission("PullRequestContribute"),
        ),
        (403, "GitRefUpdateRejectedByPolicyException", "TF402455: Pushes to this branch are not permitted", ErrorKind::PolicyRejected),
        (403, "GitPullRequestUpdateRejectedByPolicyException", "not approved", ErrorKind::PolicyRejected),
        (
            403,
            "AccessDeniedException",
            "Access Denied: Ada needs the following permission(s) to perform this action: View project",
            permission("View project"),
        ),
        (403, "", "", permission("")),
        (
            409,
            "GitPullRequestExistsException",
            "TF401179: An active pull request for the source and target branch already exists.",
            ErrorKind::PullRequestExists,
        ),
        (
            409,
            "GitReferenceStaleException",
            "TF401028: The reference 'refs/heads/main' has already been updated by another client",
            ErrorKind::StaleRef,
        ),
        (
            409,
            "GitPullRequestStaleException",
            "TF401192: The source branch has been modified since the last merge attempt.",
            ErrorKind::PullRequestStale,
        ),
        (407, "", "", ErrorKind::Proxy),
        (418, "", "", ErrorKind::BadRequest),
    ];
    let scene = Scene::new().await;
    for (status, type_key, message, kind) in cases {
        scene.on("GET", PROJECTS, [Reply::error(status, type_key, message)]);
        let error = scene.client.projects().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (&kind, Some(status)), "{message}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.to_string().contains("activity 0a0a0a0a-1111"), "{error}");
        if let Some(code) = message.strip_prefix("TF") {
            assert_eq!(error.service_code(), Some(&message[..2 + code.find(':').unwrap()]));
        }
    }
}

#[tokio::test]
async fn words_of_the_service_reach_nobody_s_terminal_as_commands() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [Reply::error(400, "X", &format!("a\u{1b}[2Jb\r\n{}", "long ".repeat(500)))]);
    let words = scene.client.projects().await.unwrap_err().to_string();
    assert!(!words.contains('\u{1b}') && !words.contains('\n') && words.len() < 700, "{words}");
}

#[tokio::test]
async fn reads_are_tried_again_and_writes_are_not() {
    let scene = Scene::new().await;
    scene.on(
        "GET",
        PROJECTS,
        [Reply::text(500, "oops"), Reply::html(503, "<html>unavailable"), Reply::list(json!([{"id": "p", "name": "Orbit"}]))],
    );
    assert_eq!(scene.client.projects().await.unwrap()[0].name, "Orbit");
    assert_eq!(scene.count("GET", PROJECTS), 3);

    scene.on("POST", "/pullrequests", [Reply::text(500, "oops")]);
    let new = NewPullRequest { title: "t".into(), source_branch: "a".into(), target_branch: "main".into(), ..Default::default() };
    let error = scene.client.create_pull_request(repository(), &new).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ServerError { status: 500 });
    assert_eq!(scene.count("POST", "/pullrequests"), 1);

    scene.on("POST", "/pullrequests", [Reply::html(502, "<html>bad gateway")]);
    let error = scene.client.create_pull_request(repository(), &new).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(scene.count("POST", "/pullrequests"), 2);
}

#[tokio::test]
async fn a_read_that_keeps_failing_gives_up() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [Reply::text(503, "down")]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ServerError { status: 503 });
    assert!(error.is_transient());
    assert_eq!(scene.count("GET", PROJECTS), 4);
}

#[tokio::test]
async fn no_write_that_creates_is_sent_twice_when_its_answer_is_cut() {
    let scene = Scene::new().await;
    let tip = ObjectId::new("1111111111111111111111111111111111111111");
    let cut = Reply::ok(json!({"value": [{"success": true}], "count": 1})).play(Play::Cut);
    scene.on("POST", "/lumen/", [cut.clone()]);
    scene.on("PATCH", "/lumen/", [cut]);
    let client = &scene.client;
    let push = Push {
        branch: "feature/K-1".into(),
        old_tip: tip.clone(),
        message: "m".into(),
        changes: vec![FileChange { path: ".tickets/K-1.md".into(), kind: ChangeKind::Add, bytes: b"x".to_vec() }],
    };
    let completion = Completion { strategy: MergeStrategy::Squash, delete_source_branch: true, source_commit: tip.clone(), message: None };
    let kinds = [
        client.create_branch(repository(), "feature/K-1", &tip).await.unwrap_err(),
        client.push(repository(), &push).await.unwrap_err(),
        client.create_thread(repository(), 1, &Default::default()).await.unwrap_err(),
        client.reply(repository(), 1, 1, 1, "x").await.unwrap_err(),
        client.complete_pull_request(repository(), 1, &completion).await.unwrap_err(),
    ];
    for error in kinds {
        assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(error.hint().unwrap().contains("refresh"));
    }
    assert_eq!(scene.count("POST", "/lumen/") + scene.count("PATCH", "/lumen/"), 5);
}

#[tokio::test]
async fn writes_that_may_be_repeated_are() {
    let scene = Scene::new().await;
    scene.on("DELETE", "/reviewers/", [Reply::empty(503), Reply::empty(200)]);
    scene.client.remove_reviewer(repository(), 7, &project()).await.unwrap();
    assert_eq!(scene.count("DELETE", "/reviewers/"), 2);
    scene.on("PUT", "/reviewers/", [Reply::ok(json!({})).play(Play::Cut), Reply::ok(json!({"id": "a", "vote": 10}))]);
    scene.client.vote(repository(), 7, &project(), crate::domain::pull_request::Vote::Approved).await.unwrap();
    assert_eq!(scene.count("PUT", "/reviewers/"), 2);
}

#[tokio::test]
async fn a_cut_answer_to_a_read_is_read_again_and_at_last_told() {
    let scene = Scene::new().await;
    let rows = Reply::list(json!([{"id": "p", "name": "Orbit"}]));
    scene.on("GET", PROJECTS, [rows.clone().play(Play::Cut), rows.clone()]);
    assert_eq!(scene.client.projects().await.unwrap().len(), 1);
    scene.on("GET", PROJECTS, [rows.play(Play::Cut)]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Offline);
    assert!(error.to_string().contains("cut in the middle"), "{error}");
}

#[tokio::test]
async fn a_body_that_never_ends_times_out() {
    let scene = Scene::with(&Settings { timeout_ms: 150, ..Settings::default() }).await;
    scene.on("OPTIONS", "/_apis", [super::server::catalogue("7.1")]);
    scene.on("GET", PROJECTS, [Reply::list(json!([{"id": "p"}])).play(Play::Stall)]);
    assert_eq!(*scene.client.projects().await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(scene.count("GET", PROJECTS), 1);
    scene.on("POST", "/refs", [Reply::list(json!([{"success": true}])).play(Play::Stall)]);
    let error = scene.client.create_branch(repository(), "x", &ObjectId::zero()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(scene.count("POST", "/refs"), 1);
}

#[tokio::test]
async fn retry_after_is_honoured_on_a_429_and_on_a_200() {
    let scene = Scene::new().await;
    let blocked = Reply::error(429, "RequestBlockedException", "TF400733: The request has been canceled").with("retry-after", "1");
    let rows = || Reply::list(json!([{"id": "p", "name": "Orbit"}]));
    scene.on("GET", PROJECTS, [blocked, rows().with("retry-after", "0.5"), rows()]);
    let begun = Instant::now();
    scene.client.projects().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "the 429 is waited out");
    assert!(begun.elapsed() < Duration::from_millis(1450), "the 200 itself is not delayed");
    scene.client.projects().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(1500), "the next call is");
}

#[tokio::test]
async fn a_wait_longer_than_patience_is_told_at_once_and_nothing_more_is_sent() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [Reply::empty(429).with("retry-after", "60")]);
    let mut told = scene.client.told_to_wait();
    assert_eq!(*told.borrow_and_update(), None);
    let before = jiff::Timestamp::now();
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Throttled { retry_after_s: 60 });
    assert!(told.has_changed().unwrap(), "whoever watches the client is told");
    let until = told.borrow_and_update().unwrap();
    assert!(until >= before + jiff::SignedDuration::from_secs(60), "{until}");
    let again = scene.client.projects().await.unwrap_err();
    assert!(matches!(again.kind(), ErrorKind::Throttled { retry_after_s: 50..=60 }), "{again}");
    assert_eq!(scene.count("GET", PROJECTS), 1);
}

#[tokio::test]
async fn a_throttled_write_is_told_and_not_repeated() {
    let scene = Scene::new().await;
    scene.on("POST", "/refs", [Reply::empty(429).with("retry-after", "1")]);
    let error = scene.client.create_branch(repository(), "x", &ObjectId::zero()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Throttled { retry_after_s: 1 });
    assert_eq!(scene.count("POST", "/refs"), 1);
}

#[tokio::test]
async fn a_sleeping_organisation_says_so_behind_its_byte_order_mark() {
    let scene = Scene::new().await;
    let mut asleep = Reply::error(503, "VssServiceException", "TF24668: The following team project collection is stopped: lumen.");
    asleep.body.splice(0..0, *b"\xef\xbb\xbf");
    scene.on("GET", PROJECTS, [asleep]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (&ErrorKind::ServerError { status: 503 }, Some("TF24668")));
    let mut good = Reply::list(json!([{"id": "p", "name": "Orbit"}]));
    good.body.splice(0..0, *b"\xef\xbb\xbf");
    scene.on("GET", PROJECTS, [good]);
    assert_eq!(scene.client.projects().await.unwrap()[0].name, "Orbit");
}

#[tokio::test]
async fn answers_that_are_no_json_name_where_they_could_not_be_read() {
    let scene = Scene::new().await;
    for (reply, path) in [
        (Reply::text(200, "all is well"), "$"),
        (Reply::ok(json!({"id": 7, "name": "Orbit"})), "id"),
        (Reply::ok(json!([])), "$"),
        (Reply::empty(200), "$"),
    ] {
        scene.on("GET", PROJECTS, [reply]);
        let error = scene.client.project("Orbit").await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unreadable { path: path.to_owned() }, "{error}");
    }
    scene.on("GET", PROJECTS, [Reply::ok(json!({"count": 0}))]);
    let error = scene.client.projects().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unreadable { .. }) && error.to_string().contains("`value`"), "{error}");
}

#[tokio::test]
async fn nobody_listening_is_offline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = client(&format!("http://127.0.0.1:{port}/lumen"), &Settings::default());
    let error = client.connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Offline);
    let error = client.create_branch(repository(), "x", &ObjectId::zero()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Offline, "what was never sent has a known outcome");
    assert!(error.is_transient());
}

#[tokio::test]
async fn only_a_certificate_of_a_known_authority_is_trusted() {
    for certificate in [Certificate::Trusted, Certificate::Untrusted] {
        let trusted = matches!(certificate, Certificate::Trusted);
        let (url, ca_file, _folder) = tls(certificate).await;
        let settings = Settings { ca_file: Some(ca_file), ..Settings::default() };
        let outcome = client(&url, &settings).connection().await;
        assert_eq!(outcome.is_ok(), trusted, "{outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(*error.kind(), ErrorKind::Tls, "{error}");
            assert!(error.hint().unwrap().contains("ca_file"));
        }
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_and_an_unreadable_ca_file_are_told() {
    let scene = Scene::new().await;
    let (_, ca_file, folder) = tls(Certificate::Trusted).await;
    let settings = Settings { ca_file: Some(ca_file), ..Settings::default() };
    let error = client(&format!("https://localhost:{}/lumen", scene.port), &settings).connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls, "{error}");

    let garbage = folder.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    for file in ["none.pem", "garbage.pem"] {
        let broken = Settings { ca_file: Some(folder.path().join(file)), ..Settings::default() };
        let base = crate::ado::Base::new("https://localhost:1/lumen").unwrap();
        let token = crate::ado::Credential::Pat("t".to_owned().into());
        let error = crate::ado::Client::new(base, token, &broken).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls);
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[tokio::test]
async fn a_failure_told_in_a_header_alone_is_told_in_words() {
    let scene = Scene::new().await;
    scene.on("GET", PROJECTS, [Reply::empty(400).with("x-tfs-serviceerror", "TF400497%3A%20No%20longer%20valid.")]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(error.service_code(), Some("TF400497"));
    assert!(error.to_string().contains("No longer valid."), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_none_and_a_missing_branch_is_an_error() {
    let scene = Scene::new().await;
    scene.on("GET", "/items", [Reply::error(404, "GitItemNotFoundException", "TF401174: The item /a could not be found")]);
    assert_eq!(scene.client.file(repository(), &At::Branch("main"), "a").await.unwrap(), None);
    assert!(scene.client.files_under(repository(), &At::Branch("main"), ".tickets").await.unwrap().is_empty());
    scene.on("GET", "/items", [Reply::error(404, "GitUnresolvableToCommitException", "TF401175:The version")]);
    let error = scene.client.file(repository(), &At::Branch("main"), "a").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::BranchMissing);
}

#[tokio::test]
async fn dropping_a_request_frees_its_place() {
    let scene = Scene::with(&Settings { max_in_flight: 1, ..Settings::default() }).await;
    scene.on("OPTIONS", "/_apis", [super::server::catalogue("7.1")]);
    scene.on("GET", PROJECTS, [Reply::list(json!([{"id": "p"}])).play(Play::Stall)]);
    scene.on("GET", "connectionData", [connection()]);
    let dropped = tokio::time::timeout(Duration::from_millis(100), scene.client.projects()).await;
    assert!(dropped.is_err());
    assert!(scene.client.connection().await.is_ok());
}

const CHILD: &str = "KANADO_TEST_CHILD";

/// The environment belongs to the whole process: runs a test of this file again in a process with another one. True in there.
fn in_a_process_with(test: &str, environment: &[(&str, &str)]) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("ado::tests::faults::{test}")])
        .env(CHILD, "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
    false
}

#[tokio::test]
async fn a_refusing_proxy_is_told_apart_from_being_offline() {
    let proxy = "http://user:canary@127.0.0.1:1";
    let environment = [("HTTPS_PROXY", proxy), ("HTTP_PROXY", proxy), ("NO_PROXY", "direct.invalid")];
    if !in_a_process_with("a_refusing_proxy_is_told_apart_from_being_offline", &environment) {
        return;
    }
    let error = client("https://tfs.invalid/tfs/Main", &Settings::default()).connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Proxy, "{error}");
    let words = error.to_string();
    assert!(words.contains("127.0.0.1:1") && !words.contains("canary"), "{words}");
    let error = client("https://direct.invalid/tfs/Main", &Settings::default()).connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Offline, "{error}");
    let scene = Scene::new().await;
    scene.on("GET", "connectionData", [connection()]);
    scene.client.connection().await.expect("loopback goes through no proxy");
}

#[tokio::test]
async fn a_machine_without_certificate_authorities_is_told_and_can_still_use_a_file_or_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let environment = [("SSL_CERT_FILE", empty.to_str().unwrap()), ("SSL_CERT_DIR", folder.path().to_str().unwrap())];
    if !in_a_process_with("a_machine_without_certificate_authorities_is_told_and_can_still_use_a_file_or_loopback", &environment) {
        return;
    }
    let base = crate::ado::Base::new("https://dev.azure.com/lumen").unwrap();
    let token = crate::ado::Credential::Pat("t".to_owned().into());
    let error = crate::ado::Client::new(base, token, &Settings::default()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("certificate authorities") && error.hint().unwrap().contains("ca_file"), "{error}");
    let (url, ca_file, _folder) = tls(Certificate::Trusted).await;
    let settings = Settings { ca_file: Some(ca_file), ..Settings::default() };
    client(&url, &settings).connection().await.unwrap();
    let scene = Scene::new().await;
    scene.on("GET", "connectionData", [connection()]);
    scene.client.connection().await.unwrap();
}
