//! What happens before a handler: tokens, scopes, versions, routes, headers.
use super::*;

#[tokio::test]
async fn a_good_token_learns_who_it_is() {
    let stage = Stage::new().await;
    let seen =
        stage.send(stage.http.get(format!("{}/_apis/connectionData", stage.running.organisation_url())).bearer_auth(&stage.token)).await;
    let activity = seen.header("activityid").to_owned();
    assert_eq!(activity, seen.header("x-vss-e2eid"));
    assert!(seen.header("x-vss-userdata").ends_with(":alice@lumen.example"), "{:?}", seen.headers);
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8; api-version=7.1-preview.1");
    let me = seen.expect(200);
    assert_eq!(me["authenticatedUser"]["properties"]["Account"]["$value"], "alice@lumen.example");
    assert_eq!(me["deploymentType"], "hosted");
}

#[tokio::test]
async fn each_way_of_not_getting_in_looks_like_itself() {
    let stage = Stage::new().await;
    let url = format!("{}/_apis/projects", stage.running.organisation_url());
    let plain = |token: &str| stage.http.get(&url).basic_auth("", Some(token));
    let quiet = |token: &str| plain(token).header("X-TFS-FedAuthRedirect", "Suppress");

    let page = stage.send(plain("wrong")).await;
    assert_eq!(page.status, 203);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("Sign In"));

    let wrong = stage.send(quiet("wrong")).await;
    assert_eq!((wrong.status, wrong.text.as_str()), (401, ""));
    assert!(!wrong.header("x-tfs-fedauthredirect").is_empty());
    assert!(wrong.headers.get_all("www-authenticate").iter().count() >= 2);

    let expired = stage.send(quiet("alice-expired-token")).await;
    assert_eq!(expired.status, 401);
    assert!(expired.text.contains("Personal Access Token used has expired"));

    let stranger = stage.send(quiet("frank-token")).await;
    assert!(stranger.refused(401, "UnauthorizedRequestException").starts_with("TF400813"));

    let redirect = stage.send(stage.http.get(&url)).await;
    assert_eq!(redirect.status, 302);
    assert!(redirect.header("location").contains("/_signin?realm="));
    let anonymous = stage.send(stage.http.get(&url).header("X-TFS-FedAuthRedirect", "Suppress")).await;
    assert!(anonymous.refused(401, "UnauthorizedRequestException").contains("aaaaaaaa-aaaa"));
}

#[tokio::test]
async fn a_missing_scope_is_an_empty_401_without_user_data() {
    let stage = Stage::new().await;
    let refs = format!("{}/refs", Stage::repository("Harbor", "tide-api"));
    let body = json!([{"name": "refs/heads/x", "oldObjectId": ZERO_ID, "newObjectId": ZERO_ID}]);
    for (token, method, path, body, expected) in [
        ("alice-read-token", Method::GET, refs.as_str(), Value::Null, 200),
        ("alice-read-token", Method::POST, refs.as_str(), body, 401),
        ("alice-read-token", Method::GET, "_apis/projects", Value::Null, 200),
        ("alice-graph-token", Method::GET, "_apis/identities?searchFilter=General&filterValue=a", Value::Null, 401),
        ("alice-build-token", Method::GET, "_apis/connectionData", Value::Null, 400),
        ("alice-build-token", Method::GET, refs.as_str(), Value::Null, 401),
    ] {
        let seen = stage.as_user(token, method, path, body).await;
        assert_eq!(seen.status, expected, "{token} {path} {}", seen.text);
        if expected == 401 {
            assert_eq!(seen.text, "");
            assert_eq!(seen.header("content-length"), "0");
            assert!(seen.header("www-authenticate").starts_with("Basic realm="));
            assert_eq!(seen.header("x-vss-userdata"), "");
        }
    }
}

#[tokio::test]
async fn versions_are_asked_for_and_refused() {
    let stage = Stage::new().await;
    let base = stage.running.organisation_url().to_owned();
    let get = |path: &str| stage.http.get(format!("{base}/{path}")).basic_auth("", Some(&stage.token));
    assert_eq!(stage.send(get("_apis/projects")).await.status, 200);
    let header = get("_apis/projects").header("Accept", "application/json;api-version=6.0");
    assert!(stage.send(header).await.header("content-type").ends_with("api-version=6.0"));
    let seen = stage.send(get("_apis/projects?api-version=99.0")).await;
    assert!(seen.refused(400, "VssVersionOutOfRangeException").contains("supports is 7.2"));
    let seen = stage.send(get("_apis/connectionData?api-version=7.1")).await;
    assert!(seen.refused(400, "VssInvalidPreviewVersionException").contains("7.1-preview"));
    let post =
        stage.http.post(format!("{base}/Harbor/_apis/git/repositories/tide-api/refs")).basic_auth("", Some(&stage.token)).json(&json!([]));
    stage.send(post).await.refused(400, "VssVersionNotSpecifiedException");
}

#[tokio::test]
async fn unknown_paths_methods_and_things_each_say_so() {
    let stage = Stage::new().await;
    let seen = stage.get("Harbor/_apis/nothing/here").await;
    assert_eq!(seen.status, 404);
    assert!(seen.text.contains("does not implement IController"), "{}", seen.text);
    assert!(!seen.header("x-tfs-serviceerror").is_empty());
    assert_eq!(stage.delete("_apis/projects").await.status, 405);
    let gone = stage.get("Nowhere/_apis/git/repositories").await;
    assert!(gone.refused(404, "ProjectDoesNotExistWithNameException").starts_with("TF200016"));
    let gone = stage.get("Harbor/_apis/git/repositories/nowhere/refs").await;
    assert!(gone.refused(404, "GitRepositoryNotFoundException").starts_with("TF401019"));
    let disabled = stage.get("Quay/_apis/git/repositories/crane-control/refs").await;
    disabled.refused(404, "GitRepositoryNotFoundException");
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let stage = Stage::new().await;
    let erin = "erin-token";
    let projects = stage.as_user(erin, Method::GET, "_apis/projects", Value::Null).await.expect(200);
    let names: Vec<&str> = projects["value"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Harbor"]);
    let hidden = stage.as_user(erin, Method::GET, "Quay/_apis/git/repositories", Value::Null).await;
    hidden.refused(404, "ProjectDoesNotExistWithNameException");
}

#[tokio::test]
async fn paths_have_no_case_and_ids_stand_for_names() {
    let stage = Stage::new().await;
    let seen = stage.get("HARBOR/_APIS/Git/Repositories/TIDE-API").await.expect(200);
    let id = seen["id"].as_str().unwrap();
    let project = seen["project"]["id"].as_str().unwrap();
    for path in [
        format!("_apis/git/repositories/{id}"),
        format!("{project}/_apis/git/repositories/{id}"),
        format!("{project}/_apis/git/repositories/tide-api"),
    ] {
        assert_eq!(stage.get(&path).await.expect(200)["name"], "tide-api", "{path}");
    }
    stage.get("_apis/git/repositories/tide-api").await.refused(404, "GitRepositoryNotFoundException");
}

#[tokio::test]
async fn the_catalogue_and_the_areas_fit_the_product() {
    for (version, released, has_graph) in [
        (ServerVersion::Services, "7.1", true),
        (ServerVersion::Server2022, "7.0", false),
        (ServerVersion::Server2020, "6.0", false),
        (ServerVersion::Server2019, "5.0", false),
    ] {
        let stage = Stage::with(Options { server_version: version, ..Options::default() }).await;
        let request = stage.http.request(Method::OPTIONS, format!("{}/_apis", stage.running.organisation_url()));
        let catalogue = stage.send(request.basic_auth("", Some(&stage.token))).await.expect(200);
        let rows = catalogue["value"].as_array().unwrap();
        let row = |name: &str| rows.iter().find(|row| row["resourceName"] == name);
        assert_eq!(row("refs").unwrap()["releasedVersion"], released);
        assert_eq!(row("ConnectionData").unwrap()["releasedVersion"], "0.0");
        assert_eq!(row("StorageKeys").is_some(), has_graph);
        assert_eq!(stage.get("_apis/projects").await.status, 200);
        let areas = stage
            .send(stage.http.get(format!("{}/_apis/resourceAreas", stage.running.organisation_url())).basic_auth("", Some(&stage.token)))
            .await
            .expect(200);
        let git = areas["value"].as_array().unwrap().iter().find(|area| area["name"] == "git").unwrap();
        assert_eq!(git["id"], "4e080c62-fa21-4fbc-8fef-2a10a2b38049");
        assert_eq!(git["locationUrl"], format!("{}/", stage.running.organisation_url()));
        let graph = stage.get("_apis/graph/descriptors/x").await;
        assert_eq!(graph.status, 404);
        assert_eq!(graph.text.contains("IController"), !has_graph);
    }
}

#[tokio::test]
async fn a_server_without_its_collection_or_with_a_version_it_does_not_know_is_404() {
    let stage = Stage::with(Options { server_version: ServerVersion::Server2019, ..Options::default() }).await;
    assert!(stage.running.organisation_url().ends_with("/tfs/DefaultCollection"));
    let bare = stage.http.get(format!("{}/tfs/_apis/projects", stage.running.url())).basic_auth("", Some(&stage.token));
    assert_eq!(stage.send(bare).await.status, 404);
    let newer =
        stage.http.get(format!("{}/_apis/projects?api-version=7.1", stage.running.organisation_url())).basic_auth("", Some(&stage.token));
    let seen = stage.send(newer).await;
    assert_eq!((seen.status, seen.text.as_str()), (404, ""));
    let wrong = stage.http.get(format!("{}/_apis/projects", stage.running.organisation_url())).basic_auth("", Some("x"));
    assert_eq!(stage.send(wrong).await.status, 401);
}

#[tokio::test]
async fn big_answers_are_gzipped_for_those_who_take_it() {
    let stage = Stage::new().await;
    // reqwest unpacks and hides it unless told not to.
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let url = format!("{}/Harbor/_apis/git/repositories", stage.running.organisation_url());
    let request = plain.get(url).basic_auth("", Some(&stage.token)).header("Accept-Encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn the_control_routes_are_closed_unless_asked_for() {
    let closed = Stage::new().await;
    let url = format!("{}/_sim/requests", closed.running.url());
    assert_eq!(closed.send(closed.http.get(&url)).await.status, 404);
    let open = Stage::with(Options { control: crate::sim::Control::On, ..Options::default() }).await;
    let url = format!("{}/_sim/requests", open.running.url());
    assert_eq!(open.send(open.http.get(&url)).await.status, 200);
}

#[tokio::test]
async fn a_public_url_is_in_every_address() {
    let options = Options { public_url: Some("http://boards.example:9/".to_owned()), ..Options::default() };
    let running = start(options).await.unwrap();
    assert_eq!(running.organisation_url(), "http://boards.example:9/lumen");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let stage = Stage::new().await;
    let refs = format!("{}/refs", Stage::repository("Harbor", "tide-api"));
    let text = stage.request(Method::POST, &refs).header("Content-Type", "text/plain").body("x");
    stage.send(text).await.refused(415, "VssRequestContentTypeNotSupportedException");
    let broken = stage.request(Method::POST, &refs).header("Content-Type", "application/json").body("{");
    stage.send(broken).await.refused(400, "ArgumentNullException");
}
