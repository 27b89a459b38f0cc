//! Projects, teams, identities, graph.
use super::*;

#[tokio::test]
async fn projects_page_by_token_and_by_skip() {
    let stage = Stage::new().await;
    let first = stage.get("_apis/projects?$top=1").await;
    assert_eq!(first.header("x-ms-continuationtoken"), "1");
    let first = first.expect(200);
    assert_eq!((first["count"].as_i64(), &first["value"][0]["name"]), (Some(1), &json!("Harbor")));
    let second = stage.get("_apis/projects?$top=1&continuationToken=1").await;
    assert_eq!(second.header("x-ms-continuationtoken"), "");
    assert_eq!(second.expect(200)["value"][0]["name"], "Quay");
    let skipped = stage.get("_apis/projects?$top=5&$skip=2").await.expect(200);
    assert_eq!(skipped, json!({"count": 0, "value": []}));
    let one = stage.get("_apis/projects/harbor?includeCapabilities=true").await.expect(200);
    assert_eq!(one["defaultTeam"]["name"], "Harbor Team");
    assert_eq!(one["capabilities"]["versioncontrol"]["gitEnabled"], "True");
}

#[tokio::test]
async fn team_members_carry_the_identity_id() {
    let stage = Stage::new().await;
    let teams = stage.get("_apis/projects/Harbor/teams").await.expect(200);
    assert_eq!(teams["value"][0]["projectName"], "Harbor");
    let members = stage.get("_apis/projects/Harbor/teams/Harbor%20Team/members").await.expect(200);
    let rows = members["value"].as_array().unwrap();
    let alice = stage.person("alice").await;
    let row = rows.iter().find(|row| row["identity"]["id"] == alice.as_str()).unwrap();
    assert_eq!(row["isTeamAdmin"], true);
    let others = rows.iter().filter(|row| row.get("isTeamAdmin").is_none()).count();
    assert_eq!(others, rows.len() - 1);
    stage.get("_apis/projects/Harbor/teams/nobody/members").await.refused(404, "TeamNotFoundException");

    let old = Stage::with(Options { server_version: ServerVersion::Server2019, ..Options::default() }).await;
    let members = old.get("_apis/projects/Harbor/teams/Harbor%20Team/members").await.expect(200);
    assert!(members["value"][0]["displayName"].is_string());
}

#[tokio::test]
async fn people_are_found_by_identities_and_by_graph() {
    let stage = Stage::new().await;
    let found = stage.get("_apis/identities?searchFilter=General&filterValue=bob").await.expect(200);
    let bob = &found["value"][0];
    let nobody = stage.get("_apis/identities?searchFilter=General&filterValue=zz").await.expect(200);
    assert_eq!(nobody, json!({"count": 0, "value": []}));
    let ids = format!("{},{}", bob["id"].as_str().unwrap(), uuid::Uuid::nil());
    let both = stage.get(&format!("_apis/identities?identityIds={ids}")).await.expect(200);
    assert_eq!(both["value"][0]["id"], bob["id"]);
    assert!(both["value"][1].is_null());

    let graph = |path: &str| {
        let url = format!("{}/_apis/graph/{path}", stage.running.organisation_url());
        stage.http.get(url).basic_auth("", Some(&stage.token))
    };
    let users = stage.send(graph("users?api-version=7.1-preview.1")).await.expect(200);
    let row = users["value"].as_array().unwrap().iter().find(|row| row["displayName"] == bob["providerDisplayName"]);
    let descriptor = row.unwrap()["descriptor"].as_str().unwrap();
    assert_eq!(bob["subjectDescriptor"], descriptor);
    let key = stage.send(graph(&format!("storagekeys/{descriptor}?api-version=7.1"))).await.expect(200);
    assert_eq!(key["value"], bob["id"]);
    let back = stage.send(graph(&format!("descriptors/{}", bob["id"].as_str().unwrap()))).await.expect(200);
    assert_eq!(back["value"], descriptor);
    let query = stage
        .http
        .post(format!("{}/_apis/graph/subjectquery?api-version=7.1-preview.1", stage.running.organisation_url()))
        .basic_auth("", Some(&stage.token))
        .json(&json!({"query": "bo", "subjectKind": ["User"]}));
    let found = stage.send(query).await.expect(200);
    assert_eq!(found["value"][0]["descriptor"], descriptor);
    // frank is of the directory only
    let frank = users["value"].as_array().unwrap().iter().any(|row| row["directoryAlias"] == "frank");
    assert!(!frank);
}
