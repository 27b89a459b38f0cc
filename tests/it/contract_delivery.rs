//! The simulator's answers for runs, environments, releases and work items against the published specification.
//!
//! It asks by itself, without the client. It runs where `KANADO_CONTRACT` is set, as the tests of `contract` do, and says so where not.
use serde_json::{Value, json};

use crate::contract::{Checked, runtime};

async fn ask(checked: &Checked, version: &str, (method, path, body): (&str, &str, Value), expected: u16) -> Value {
    let joint = if path.contains('?') { '&' } else { '?' };
    let address = format!("{}/{path}{joint}api-version={version}", checked.world.organisation());
    let token = checked.world.token_noted("alice", "everything");
    let request = checked.http.request(method.parse().unwrap(), address).basic_auth("", Some(token));
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.header("X-TFS-FedAuthRedirect", "Suppress").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), expected, "{path}");
    let text = answer.text().await.unwrap();
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

async fn everything(checked: &Checked, version: &str, has_releases: bool) {
    let get = async |path: &str, expected: u16| ask(checked, version, ("GET", path, Value::Null), expected).await;
    let builds = get("Harbor/_apis/build/builds?queryOrder=finishTimeAscending&$top=5000", 200).await;
    for build in builds["value"].as_array().unwrap() {
        let id = build["id"].as_i64().unwrap();
        get(&format!("Harbor/_apis/build/builds/{id}"), 200).await;
        get(&format!("Harbor/_apis/build/builds/{id}/timeline"), if id == 406 { 204 } else { 200 }).await;
    }
    get("Harbor/_apis/build/builds?statusFilter=inProgress&queryOrder=queueTimeDescending", 200).await;
    get("Harbor/_apis/build/builds/9999", 404).await;
    get("Harbor/_apis/build/definitions", 200).await;
    get("Harbor/_apis/build/definitions?includeAllProperties=true&includeLatestBuilds=true", 200).await;
    get("Harbor/_apis/build/definitions/7", 200).await;
    get("Harbor/_apis/pipelines", 200).await;
    get("Harbor/_apis/pipelines/7/runs", 200).await;
    get("Harbor/_apis/pipelines/7/runs/396", 200).await;
    get("Harbor/_apis/distributedtask/environments", 200).await;
    get("Harbor/_apis/distributedtask/environments/2", 200).await;
    get("Harbor/_apis/distributedtask/environments/2/environmentdeploymentrecords?top=3", 200).await;
    for approvals in ["", "?$expand=steps", "?$expand=steps&state=pending"] {
        let list = get(&format!("Harbor/_apis/pipelines/approvals{approvals}"), 200).await;
        assert!(list["count"].as_u64().unwrap() > 0, "{approvals}");
    }
    let pending = get("Harbor/_apis/pipelines/approvals?state=pending", 200).await;
    let id = pending["value"][0]["id"].as_str().unwrap();
    get(&format!("Harbor/_apis/pipelines/approvals/{id}?$expand=steps"), 200).await;
    get("Harbor/_apis/pipelines/approvals/00000000-0000-4000-8000-000000000000", 404).await;
    if has_releases {
        for approvals in ["", "?statusFilter=approved&typeFilter=preDeploy", "?statusFilter=rejected&releaseIdsFilter=1,2,3,4"] {
            get(&format!("Harbor/_apis/release/approvals{approvals}"), 200).await;
        }
        get("Harbor/_apis/release/definitions", 200).await;
        get("Harbor/_apis/release/definitions/1", 200).await;
        get("Harbor/_apis/release/deployments?$top=100", 200).await;
    }
    let post = async |path: &str, body: Value, expected: u16| ask(checked, version, ("POST", path, body), expected).await;
    let query = "SELECT [System.Id], [System.Title] FROM WorkItems WHERE [System.TeamProject] = @project ORDER BY [System.ChangedDate]";
    post("Harbor/_apis/wit/wiql?timePrecision=true", json!({ "query": query }), 200).await;
    post("Harbor/_apis/wit/wiql", json!({ "query": "SELECT" }), 400).await;
    let ids: Vec<i32> = (201..=210).collect();
    post("Harbor/_apis/wit/workitemsbatch", json!({ "ids": ids, "$expand": "all" }), 200).await;
    post("Harbor/_apis/wit/workitemsbatch", json!({ "ids": [201, 1], "fields": ["System.Id"], "errorPolicy": "omit" }), 200).await;
    get("_apis/wit/workitems?ids=201,202", 200).await;
    get("_apis/wit/workitems/201?$expand=all", 200).await;
    get("_apis/wit/workitems/1", 404).await;
    post("Harbor/_apis/wit/artifacturiquery", json!({ "artifactUris": ["vstfs:///Build/Build/396", "vstfs:///Build/Build/1"] }), 200).await;
}

/// Where the service is known to answer what its specification does not have: full definitions where references are declared, an
/// empty answer for a run without a timeline, the id of a run's repository, addresses and sources of releases. Recorded links were all between work items, which alone
/// say whether they are locked.
const KNOWN: &[&str] = &[
    "build:Timeline_Get    204",
    "build:Definitions_List  /value/[]/latest",
    "build:Definitions_List  /value/[]/jobAuthorizationScope",
    "build:Definitions_List  /value/[]/process",
    "build:Definitions_List  /value/[]/properties",
    "build:Definitions_List  /value/[]/repository",
    "build:Definitions_List  /value/[]/tags",
    "build:Definitions_List  /value/[]/triggers",
    "pipelines:Runs_Get  /resources/repositories/self/repository/id",
    "attributes/isLocked",
    "release:Deployments_List  /value/[]/release/artifacts/[]/sourceId",
    "release:Deployments_List  /value/[]/release/url",
];

#[test]
fn what_is_told_of_runs_and_work_items_is_as_published() {
    for (options, version, ignore, has_releases) in
        [(&[] as &[&str], "7.1", "", false), (&["--server-version", "2022"], "7.0", "api-version-mismatch", true)]
    {
        let Some(checked) = Checked::start(options, ignore) else { return };
        let mut findings = runtime().block_on(async {
            everything(&checked, version, has_releases).await;
            checked.findings().await
        });
        findings.retain(|finding| !KNOWN.iter().any(|known| finding.contains(known)));
        assert!(findings.is_empty(), "{options:?}: {} findings\n{}", findings.len(), findings.join("\n"));
    }
}
