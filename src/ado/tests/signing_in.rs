//! Tokens: how they travel, where they do not, and how a refused one is told apart from another.

use serde_json::json;

use super::server::{CANARY, Reply, Scene, client, connection, project, repository};
use crate::ado::{Base, Client, Credential, ErrorKind, Need, ScopeOutcome, Settings};
use crate::domain::id::ObjectId;
use crate::notice::Explain;

const ENCODED: &str = "OmNhbmFyeXRva2VuY2FuYXJ5dG9rZW5jYW5hcnk=";

#[tokio::test]
async fn every_request_carries_the_token_and_asks_not_to_be_redirected() {
    let scene = Scene::new().await;
    scene.on("GET", "connectionData", [connection()]);
    let me = scene.client.connection().await.unwrap();
    assert_eq!((me.me.display_name.as_str(), me.me.unique_name.as_str()), ("Ada Byte", "ada@lumen.example"));
    for seen in scene.seen() {
        assert_eq!(seen.header("authorization"), format!("Basic {ENCODED}"));
        assert_eq!(seen.header("x-tfs-fedauthredirect"), "Suppress");
        assert_eq!(seen.header("user-agent"), concat!("kanado/", env!("CARGO_PKG_VERSION")));
        assert!(seen.header("accept-encoding").contains("gzip"));
    }
}

#[tokio::test]
async fn an_entra_token_travels_as_bearer() {
    let scene = Scene::new().await;
    scene.on("GET", "connectionData", [connection()]);
    let base = Base::new(&format!("http://127.0.0.1:{}/lumen", scene.port)).unwrap();
    let bearer = Client::new(base, Credential::Bearer("abc.def".to_owned().into()), &Settings::default()).unwrap();
    bearer.connection().await.unwrap();
    let seen = scene.find("GET", "connectionData").remove(0);
    assert_eq!((seen.header("authorization"), seen.header("x-vss-forcemsapassthrough")), ("Bearer abc.def", "true"));
}

#[tokio::test]
async fn an_empty_401_is_a_missing_scope_when_the_token_is_otherwise_good() {
    let scene = Scene::new().await;
    scene.on("POST", "/refs", [Reply::empty(401)]);
    scene.on("GET", "connectionData", [connection()]);
    let error = scene.client.create_branch(repository(), "feature/K-1", &ObjectId::zero()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ScopeMissing { scope: "Code (read & write)" });
    let words = error.to_string();
    assert!(words.contains("create the branch `feature/K-1`") && words.contains("the token is valid"), "{words}");
    assert!(error.hint().unwrap().contains("Code (read & write)"));
    assert_eq!(scene.count("GET", "connectionData"), 1);
}

#[tokio::test]
async fn an_empty_401_everywhere_is_a_bad_token() {
    let scene = Scene::new().await;
    scene.on("GET", "/_apis", [Reply::empty(401)]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::BadToken);
    assert_eq!(scene.count("GET", "projects"), 1, "a refused token is not tried again");
    let error = scene.client.connection().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::BadToken);
}

#[tokio::test]
async fn a_bad_token_is_told_even_when_the_server_is_first_asked_for_its_versions() {
    let scene = Scene::bare().await;
    scene.on("OPTIONS", "/_apis", [Reply::empty(401)]);
    scene.on("GET", "connectionData", [Reply::empty(401)]);
    assert_eq!(*scene.client.projects().await.unwrap_err().kind(), ErrorKind::BadToken);
}

#[tokio::test]
async fn expired_and_foreign_tokens_are_told_apart() {
    let expired = Reply::text(401, "Access Denied: The Personal Access Token used has expired.");
    let foreign = Reply::error(
        401,
        "UnauthorizedRequestException",
        "TF400813: The user '0b0b\\eve@other.example' is not authorized to access this resource.",
    );
    let anonymous = Reply::error(
        401,
        "UnauthorizedRequestException",
        "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.",
    );
    for (reply, kind) in [(expired, ErrorKind::TokenExpired), (foreign, ErrorKind::NotAMember), (anonymous, ErrorKind::BadToken)] {
        let scene = Scene::new().await;
        scene.on("GET", "/_apis", [reply.clone()]);
        assert_eq!(*scene.client.projects().await.unwrap_err().kind(), kind);
        // The same words behind an empty 401.
        scene.on("GET", "/_apis/projects", [Reply::empty(401)]);
        assert_eq!(*scene.client.projects().await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn nobody_is_not_somebody() {
    let scene = Scene::new().await;
    let anonymous = json!({"authenticatedUser": {"id": "AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "providerDisplayName": "Anonymous"}});
    scene.on("GET", "connectionData", [Reply::ok(anonymous)]);
    assert_eq!(*scene.client.connection().await.unwrap_err().kind(), ErrorKind::BadToken);
    scene.on("GET", "projects", [Reply::empty(401)]);
    assert_eq!(*scene.client.projects().await.unwrap_err().kind(), ErrorKind::BadToken);
}

#[tokio::test]
async fn sign_in_pages_are_refusals_and_redirects_are_not_followed() {
    let page = "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head></html>";
    let scene = Scene::new().await;
    let elsewhere = format!("http://127.0.0.1:{}/_signin?realm=x&reply_to=y", scene.port);
    let mut unlabelled = Reply::html(200, page);
    unlabelled.headers.clear();
    for reply in [
        Reply::html(203, page),
        Reply::html(200, page),
        unlabelled,
        Reply::html(302, page).with("location", &elsewhere),
        Reply::empty(302).with("location", &elsewhere),
    ] {
        scene.on("GET", "projects", [reply]);
        let error = scene.client.projects().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::BadToken, "{error}");
    }
    assert_eq!(scene.count("GET", "_signin"), 0);
    scene.on("GET", "projects", [Reply::empty(301).with("location", "https://elsewhere.example/lumen")]);
    let error = scene.client.projects().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::UntrustedHost);
    assert!(error.to_string().contains("https://elsewhere.example/lumen"), "{error}");
}

#[tokio::test]
async fn a_host_named_by_the_service_gets_the_token_only_if_it_is_trusted() {
    let scene = Scene::new().await;
    let elsewhere = Scene::new().await;
    let areas = |url: &str| Reply::list(json!([{"id": "BB1E7EC9-E901-4B68-999A-DE7012B920F8", "name": "Graph", "locationUrl": url}]));
    scene.on("GET", "resourceAreas", [areas(&format!("http://127.0.0.1:{}/lumen/", elsewhere.port))]);
    let error = scene.client.search_people("ada").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::UntrustedHost);
    assert!(elsewhere.seen().is_empty());

    let scene = Scene::new().await;
    scene.on("GET", "resourceAreas", [areas(&format!("http://127.0.0.1:{}/sub/lumen/", scene.port))]);
    scene.on(
        "POST",
        "/sub/lumen/_apis/graph/subjectquery",
        [Reply::list(json!([
            {"subjectKind": "user", "descriptor": "aad.QQ", "displayName": "Ada Byte", "principalName": "ada@lumen.example"},
            {"subjectKind": "group", "descriptor": "vssgp.QQ", "displayName": "Ada's team"},
        ]))],
    );
    scene.on("GET", "/sub/lumen/_apis/graph/storagekeys/aad.QQ", [Reply::ok(json!({"value": super::server::ADA}))]);
    for _ in 0..2 {
        let people = scene.client.search_people("ada").await.unwrap();
        assert_eq!((people.len(), people[0].id.as_str()), (1, super::server::ADA));
    }
    assert_eq!((scene.count("GET", "storagekeys"), scene.count("GET", "resourceAreas")), (1, 1), "both are remembered");
}

#[tokio::test]
async fn without_the_graph_scope_people_are_found_by_the_identities_endpoint_if_that_is_allowed() {
    let scene = Scene::new().await;
    let here = format!("http://127.0.0.1:{}/lumen/", scene.port);
    scene.on(
        "GET",
        "resourceAreas",
        [Reply::list(json!([
            {"id": "bb1e7ec9-e901-4b68-999a-de7012b920f8", "locationUrl": here},
            {"id": "8a3d49b8-91f0-46ef-b33d-dda338c25db3", "locationUrl": here},
        ]))],
    );
    scene.on("POST", "subjectquery", [Reply::empty(401)]);
    scene.on("GET", "connectionData", [connection()]);
    scene.on("GET", "identities", [Reply::empty(401)]);
    assert_eq!(*scene.client.search_people("ada").await.unwrap_err().kind(), ErrorKind::ScopeMissing { scope: "Graph (read)" });
    scene.on(
        "GET",
        "identities",
        [Reply::list(json!([
            null,
            {"id": super::server::ADA, "providerDisplayName": "Ada Byte", "properties": {"Mail": {"$value": "ada@lumen.example"}}},
            {"id": "5e0a7c11-0000-4000-8000-0000000000c9", "providerDisplayName": "[Orbit]\\Crew", "isContainer": true},
        ]))],
    );
    let people = scene.client.search_people("ada").await.unwrap();
    assert_eq!((people.len(), people[0].unique_name.as_str()), (1, "ada@lumen.example"));
    assert!(scene.find("GET", "identities")[0].target.contains("filterValue=ada&queryMembership=none&api-version=7.1"));
}

#[tokio::test]
async fn plain_http_is_refused_unless_allowed_or_loopback() {
    let base = || Base::new("http://tfs.corp.example/tfs/Main").unwrap();
    let token = || Credential::Pat(CANARY.to_owned().into());
    let error = Client::new(base(), token(), &Settings::default()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PlainHttp);
    assert!(Client::new(base(), token(), &Settings { allow_http: true, ..Settings::default() }).is_ok());
}

#[tokio::test]
async fn the_check_tells_what_each_scope_allows_without_changing_anything() {
    let scene = Scene::new().await;
    scene.on("GET", "connectionData", [connection()]);
    scene.on("GET", "projects", [Reply::list(json!([]))]);
    scene.on("GET", "/repositories/", [Reply::ok(json!({"id": super::server::REPOSITORY, "name": "api"}))]);
    scene.on("POST", "/refs", [Reply::empty(401)]);
    let here = format!("http://127.0.0.1:{}/lumen/", scene.port);
    scene.on("GET", "resourceAreas", [Reply::list(json!([{"id": "bb1e7ec9-e901-4b68-999a-de7012b920f8", "locationUrl": here}]))]);
    scene.on("POST", "subjectquery", [Reply::list(json!([]))]);
    scene.on("GET", "/git/pullrequests", [Reply::list(json!([{"pullRequestId": 7, "repository": {"id": "r"}}]))]);
    scene.on("GET", "/pullrequests/7/threads", [Reply::empty(401)]);
    scene.on("POST", "/pullrequests/0/threads", [Reply::empty(401)]);
    scene.on("GET", "/build/definitions", [Reply::list(json!([]))]);
    scene.on("POST", "/wit/wiql", [Reply::empty(401)]);
    scene.on("GET", "/release/definitions", [Reply::empty(401)]);
    let refusal =
        "Access denied. Ada Byte needs View environment permissions for environments in team project Orbit to perform the action.";
    scene.on("GET", "/distributedtask/environments", [Reply::error(403, "AccessDeniedException", refusal)]);
    let target = repository();
    let checks = scene.client.check(Some(target.project), Some(target.repository)).await.unwrap();
    let told: Vec<_> = checks.iter().map(|c| (c.scope, c.need, c.outcome.clone())).collect();
    let ScopeOutcome::Unknown(why) = &told[8].2 else { panic!("{told:?}") };
    assert!(why.contains("View environment"), "{why}");
    assert_eq!(
        told[..8],
        [
            ("Project and Team (read)", Need::Required, ScopeOutcome::Allowed),
            ("Code (read)", Need::Required, ScopeOutcome::Allowed),
            ("Code (read & write)", Need::Required, ScopeOutcome::Missing),
            ("Pull Request Threads (read & write)", Need::Expected, ScopeOutcome::Missing),
            ("Build (read)", Need::Expected, ScopeOutcome::Allowed),
            ("Work Items (read)", Need::Expected, ScopeOutcome::Missing),
            ("Graph (read)", Need::Expected, ScopeOutcome::Allowed),
            ("Release (read)", Need::Optional, ScopeOutcome::Missing),
        ]
    );
    assert_eq!((told[8].0, told[8].1), ("Environment (read & manage)", Need::Optional));
    assert!(checks.iter().all(|c| !c.degrades.is_empty()));
    assert_eq!(scene.find("POST", "/refs")[0].json(), json!([]));
    assert_eq!(scene.find("POST", "/pullrequests/0/threads")[0].json(), json!({"comments": []}));
    scene.on("POST", "/refs", [Reply::error(400, "ArgumentException", "No updates.")]);
    let checks = scene.client.check(Some(&project()), Some(target.repository)).await.unwrap();
    assert_eq!(checks[2].outcome, ScopeOutcome::Allowed, "refused for what it says means let in");
    let checks = scene.client.check(None, None).await;
    assert!(matches!(checks, Ok(c) if matches!(c[2].outcome, ScopeOutcome::Unknown(_))));
}

#[tokio::test]
async fn the_token_is_in_no_error_debug_or_log() {
    let scene = Scene::new().await;
    scene.on("GET", "projects", [Reply::text(500, "it broke")]);
    let error = scene.client.projects().await.unwrap_err();
    let unreachable = client("http://127.0.0.1:1/lumen", &Settings::default()).projects().await.unwrap_err();
    let credential = Credential::Pat(CANARY.to_owned().into());
    let empty = Client::new(Base::new("http://127.0.0.1:1/lumen").unwrap(), Credential::Pat(" \n".to_owned().into()), &Settings::default());
    assert_eq!(*empty.unwrap_err().kind(), ErrorKind::BadToken);
    let all = format!(
        "{error} {error:?} {unreachable} {unreachable:?} {credential:?} {:?} {:?}",
        scene.client,
        scene.client.request_log().entries()
    );
    assert!(!all.contains(CANARY) && !all.contains(ENCODED), "{all}");
}

/// Everything that any crate traces while requests go out, over plain http and over TLS with HTTP/2.
#[tokio::test]
async fn the_token_is_in_no_trace_of_any_crate() {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // Other tests may have come by the same places before, when nobody listened.
    tracing::callsite::rebuild_interest_cache();

    let scene = Scene::new().await;
    scene.on("GET", "projects", [Reply::empty(401)]);
    scene.on("GET", "connectionData", [connection()]);
    let _ = scene.client.projects().await;

    let (url, ca_file, _folder) = super::server::tls(super::server::Certificate::Trusted).await;
    let settings = Settings { ca_file: Some(ca_file), ..Settings::default() };
    client(&url, &settings).connection().await.unwrap();

    let traced = String::from_utf8_lossy(&sink.0.lock().unwrap()).into_owned();
    assert!(traced.contains("request method=\"GET\" path=\"/lumen/_apis/projects\" status=401"), "{traced}");
    assert!(traced.contains("h2"), "HTTP/2 was spoken and traced");
    for secret in [CANARY, ENCODED, "OmNhbmFyeXRva2Vu"] {
        assert!(!traced.contains(secret));
    }
}
