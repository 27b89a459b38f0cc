//! Pipelines, runs, stages, environments and classic releases, as they are asked for and as they are read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{ADA, REPOSITORY, Reply, Scene, project};
use crate::ado::{BuildQuery, ErrorKind, Page};
use crate::domain::id::Guid;
use crate::domain::run::{DefinitionKind, RunResult, RunStatus, Stage, StageResult};

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

fn build() -> Value {
    json!({
        "id": 4711, "buildNumber": "20260301.2", "status": "completed", "result": "partiallySucceeded",
        "definition": {"id": 9, "name": "Ship It", "path": "\\", "queueStatus": "enabled"},
        "repository": {"id": REPOSITORY, "type": "TfsGit", "clean": null},
        "sourceBranch": "refs/pull/12/merge", "sourceVersion": SHA.to_uppercase(), "reason": "pullRequest",
        "queueTime": "2026-03-01T09:00:00.1234567Z", "startTime": "2026-03-01T09:00:10Z", "finishTime": "2026-03-01T09:05:00.5Z",
        "requestedFor": {"id": ADA, "displayName": "Ada Byte", "uniqueName": "ada@lumen.example"},
        "tags": ["release", null, "eu"], "triggerInfo": {}, "triggeredByBuild": null,
        "_links": {"web": {"href": "https://lumen.example/_build/results?buildId=4711"}}
    })
}

#[tokio::test]
async fn a_run_is_read_with_everything_that_figures_need() {
    let scene = Scene::new().await;
    scene.on("GET", "/build/builds", [Reply::list(json!([build()]))]);
    let page = scene.client.builds_page(&project(), &BuildQuery::InProgress, None, 5).await.unwrap();
    let run = &page.rows[0];
    assert_eq!((run.number, run.label.as_str(), run.definition, run.definition_name.as_str()), (4711, "20260301.2", 9, "Ship It"));
    assert_eq!((run.status, run.result, run.reason.as_str()), (RunStatus::Completed, Some(RunResult::PartiallySucceeded), "pullRequest"));
    assert_eq!((run.queued_at, run.started_at), (at("2026-03-01T09:00:00.123Z"), at("2026-03-01T09:00:10Z")));
    assert_eq!(run.finished_at, at("2026-03-01T09:05:00.5Z"));
    assert_eq!(run.repository.as_ref().map(|r| r.as_str()), Some(REPOSITORY));
    assert_eq!((run.branch.as_deref(), run.pull_request()), (Some("refs/pull/12/merge"), Some(12)));
    assert_eq!(run.sha.as_ref().map(|sha| sha.as_str()), Some(SHA));
    assert_eq!((run.tags.join(","), run.requested_for.as_ref().unwrap().id.as_str()), ("release,eu".to_owned(), ADA));
    assert_eq!(run.web_url.as_deref(), Some("https://lumen.example/_build/results?buildId=4711"));
}

#[tokio::test]
async fn runs_that_have_not_begun_or_ended_have_no_times_and_strange_ones_are_read_too() {
    let scene = Scene::new().await;
    let rows = json!([
        {"id": 1, "definition": {"id": 9}, "status": "notStarted", "result": null, "startTime": null, "finishTime": "0001-01-01T00:00:00"},
        {"id": 2, "definition": {"id": 9}, "status": "inProgress", "startTime": "2026-03-01T09:00:10Z"},
        {"id": 3, "definition": {"id": 9}, "status": "completed", "result": "none", "sourceVersion": "C1234",
         "repository": {"id": "octo/hub", "type": "GitHub"}, "requestedFor": {"displayName": "nobody"}, "tags": "x", "_links": 7},
        {"id": 4, "definition": {"id": 9}, "status": "meditating", "result": "enlightened", "sourceVersion": "0".repeat(40)},
        {"id": 5, "definition": null},
        {"definition": {"id": 9}},
        null,
        {"id": 6, "definition": {"id": 9}, "status": 2, "result": 8},
    ]);
    scene.on("GET", "/build/builds", [Reply::list(rows)]);
    let page = scene.client.builds_page(&project(), &BuildQuery::InProgress, None, 50).await.unwrap();
    assert_eq!((page.received, page.rows.iter().map(|run| run.number).collect::<Vec<_>>()), (8, vec![1, 2, 3, 4, 6]));
    let told: Vec<_> = page.rows.iter().map(|run| (run.status, run.result)).collect();
    assert_eq!(
        told,
        [
            (RunStatus::NotStarted, None),
            (RunStatus::InProgress, None),
            (RunStatus::Completed, None),
            (RunStatus::Unknown, Some(RunResult::Unknown)),
            (RunStatus::Completed, Some(RunResult::Failed)),
        ]
    );
    assert_eq!((page.rows[0].started_at, page.rows[0].finished_at), (None, None));
    let elsewhere = &page.rows[2];
    assert_eq!((&elsewhere.repository, &elsewhere.sha, &elsewhere.requested_for), (&None, &None, &None));
    assert_eq!((page.rows[3].sha.clone(), page.rows[3].label.as_str()), (None, "4"));
    assert_eq!(scene.client.request_log().skipped_rows(), 2, "what cannot be read is counted");
}

#[tokio::test]
async fn runs_are_asked_for_by_the_time_that_the_order_names() {
    let scene = Scene::new().await;
    scene.on("GET", "/build/builds", [Reply::list(json!([])).with("x-ms-continuationtoken", "2026-03-01T09:05:00.5000000Z")]);
    let since = at("2026-02-01T00:00:00Z").unwrap();
    let page = scene.client.builds_page(&project(), &BuildQuery::FinishedSince(since), None, 5000).await.unwrap();
    assert_eq!(page.next.as_deref(), Some("2026-03-01T09:05:00.5000000Z"), "only the token tells that there is more");
    let again = scene.client.builds_page(&project(), &BuildQuery::FinishedSince(since), page.next.as_deref(), 5000).await.unwrap();
    assert_eq!(again.next, None, "the same token again is the same page again");
    for query in [BuildQuery::InProgress, BuildQuery::Ids(vec![3, 4]), BuildQuery::OfRef("refs/pull/1/merge".into())] {
        scene.client.builds_page(&project(), &query, None, 10).await.unwrap();
    }
    let asked: Vec<String> =
        scene.find("GET", "/build/builds").into_iter().map(|s| s.target.split_once('?').unwrap().1.replace("%3A", ":")).collect();
    let base = "minTime=2026-02-01T00:00:00Z&queryOrder=finishTimeAscending&statusFilter=completed&$top=5000";
    assert_eq!(
        asked,
        [
            format!("{base}&api-version=7.1"),
            format!("{base}&continuationToken=2026-03-01T09:05:00.5000000Z&api-version=7.1"),
            "statusFilter=inProgress&queryOrder=queueTimeAscending&$top=10&api-version=7.1".to_owned(),
            "buildIds=3%2C4&$top=10&api-version=7.1".to_owned(),
            "branchName=refs%2Fpull%2F1%2Fmerge&queryOrder=queueTimeDescending&$top=10&api-version=7.1".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_refused_permission_to_see_runs_is_named_and_is_no_missing_scope() {
    let scene = Scene::new().await;
    let words =
        "TF215106: Access denied. Ada Byte needs View builds permissions for build pipelines in team project Orbit to perform the action.";
    scene.on("GET", "/build/builds", [Reply::error(403, "AccessDeniedException", words)]);
    let error = scene.client.builds_page(&project(), &BuildQuery::InProgress, None, 5).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PermissionMissing { permission: "View builds".to_owned() });
    scene.on("GET", "connectionData", [super::server::connection()]);
    scene.on("GET", "/build/builds", [Reply::empty(401)]);
    let error = scene.client.builds_page(&project(), &BuildQuery::InProgress, None, 5).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ScopeMissing { scope: "Build (read)" });
}

#[tokio::test]
async fn definitions_of_both_kinds_are_listed() {
    let scene = Scene::new().await;
    let first = Reply::list(json!([{"id": 9, "name": "Ship It", "path": "\\apps"}])).with("X-MS-ContinuationToken", "2");
    scene.on("GET", "/build/definitions", [first, Reply::list(json!([{"id": 10, "name": null, "repository": {"id": REPOSITORY}}]))]);
    let pipelines = scene.client.definitions(&project()).await.unwrap();
    assert_eq!(
        pipelines.iter().map(|d| (d.number, d.name.as_str(), d.path.as_str())).collect::<Vec<_>>(),
        [(9, "Ship It", "\\apps"), (10, "10", "\\")]
    );
    assert_eq!(pipelines[1].repository.as_ref().map(|r| r.as_str()), Some(REPOSITORY));
    scene.on("GET", "resourceAreas", [Reply::list(json!([]))]);
    scene.on("GET", "/release/definitions", [Reply::list(json!([{"id": 3, "name": "Classic", "path": "\\"}]))]);
    let releases = scene.client.release_definitions(&project()).await.unwrap();
    assert_eq!((releases[0].kind, releases[0].number, releases[0].name.as_str()), (DefinitionKind::Release, 3, "Classic"));
}

/// A record of a timeline, from the parts that differ.
/// Of an attempt before the last.
const TIMELINE: &str = "6e6f7220-2d20-4e6f-8d61-6e64206e6f74";

fn record(id: &str, parent: Option<&str>, kind: &str, name: &str, rest: Value) -> Value {
    let mut record = json!({
        "id": id, "parentId": parent, "type": kind, "name": name, "startTime": null, "finishTime": null, "state": "pending",
        "result": null, "order": 1, "attempt": 1, "previousAttempts": [], "errorCount": 0, "log": null
    });
    record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    record
}

async fn stages(scene: &Scene, records: Value) -> Vec<Stage> {
    scene.on("GET", "/timeline", [Reply::ok(json!({"records": records, "id": "t", "changeId": 3, "lastChangedBy": null}))]);
    scene.client.timeline(&project(), 4711).await.unwrap().unwrap()
}

#[tokio::test]
async fn stages_are_read_in_order_with_attempts_and_what_they_waited_for() {
    let scene = Scene::new().await;
    let done = |from: &str, to: &str, result: &str| json!({"state": "completed", "result": result, "startTime": from, "finishTime": to});
    let mut prod = done("2026-03-01T11:00:00Z", "2026-03-01T11:05:00Z", "succeeded");
    prod["order"] = json!(2);
    prod["identifier"] = json!("DeployProd");
    prod["attempt"] = json!(4);
    prod["previousAttempts"] = json!([{"attempt": 1, "timelineId": TIMELINE, "recordId": "y"}, {"timelineId": "x"}, null]);
    let mut test = done("2026-03-01T09:00:00.5Z", "2026-03-01T09:10:00Z", "succeededWithIssues");
    test["identifier"] = json!("Test");
    let stages = stages(
        &scene,
        json!([
            record("s2", None, "Stage", "Deploy to production", prod),
            record("s1", None, "Stage", "Test", test),
            record("p1", Some("s1"), "Phase", "Job", done("2026-03-01T09:00:01Z", "2026-03-01T09:10:00Z", "succeeded")),
            record("c2", Some("s2"), "Checkpoint", "Checkpoint", done("2026-03-01T09:10:00Z", "2026-03-01T10:59:00Z", "succeeded")),
            record(
                "a1",
                Some("c2"),
                "Checkpoint.Approval",
                "Checkpoint.Approval",
                done("2026-03-01T09:10:01Z", "2026-03-01T10:59:00Z", "succeeded")
            ),
            record("a2", Some("c2"), "Checkpoint.Authorization", "x", done("2026-03-01T09:09:59Z", "2026-03-01T09:10:00Z", "succeeded")),
        ]),
    )
    .await;
    assert_eq!(
        stages,
        [
            Stage {
                name: "Test".into(),
                display_name: "Test".into(),
                attempt: 1,
                result: StageResult::SucceededWithIssues,
                started_at: at("2026-03-01T09:00:00.5Z"),
                finished_at: at("2026-03-01T09:10:00Z"),
                approval_from: None,
                approval_to: None,
                earlier: vec![],
            },
            Stage {
                name: "DeployProd".into(),
                display_name: "Deploy to production".into(),
                attempt: 4,
                result: StageResult::Succeeded,
                started_at: at("2026-03-01T11:00:00Z"),
                finished_at: at("2026-03-01T11:05:00Z"),
                approval_from: at("2026-03-01T09:09:59Z"),
                approval_to: at("2026-03-01T10:59:00Z"),
                earlier: vec![Guid::new(TIMELINE)],
            },
        ]
    );
}

#[tokio::test]
async fn what_became_of_a_stage_is_told_from_its_state_and_its_checkpoint() {
    let scene = Scene::new().await;
    let state = |state: &str, result: Option<&str>| json!({"state": state, "result": result});
    let begun = json!({"startTime": "2026-03-01T09:00:00Z", "state": "completed", "result": "failed"});
    let cases = [
        (state("pending", None), None, StageResult::Pending),
        (state("inProgress", None), None, StageResult::Running),
        (state("inProgress", None), Some(state("inProgress", None)), StageResult::Pending),
        (state("completed", Some("skipped")), None, StageResult::Skipped),
        (state("completed", Some("canceled")), None, StageResult::Canceled),
        (state("completed", Some("abandoned")), None, StageResult::Abandoned),
        (state("completed", Some("failed")), None, StageResult::Failed),
        (state("completed", Some("failed")), Some(state("completed", Some("failed"))), StageResult::Rejected),
        (state("completed", Some("skipped")), Some(state("completed", Some("failed"))), StageResult::Rejected),
        (state("completed", Some("succeeded")), Some(state("completed", Some("succeeded"))), StageResult::Succeeded),
        (state("completed", Some("transcended")), None, StageResult::Unknown),
        (state("completed", None), None, StageResult::Unknown),
    ];
    for (stage, checkpoint, result) in cases {
        let mut records = vec![record("s", None, "Stage", "S", stage.clone())];
        records.extend(checkpoint.clone().map(|rest| record("c", Some("s"), "Checkpoint", "Checkpoint", rest)));
        assert_eq!(stages(&scene, json!(records)).await[0].result, result, "{stage} {checkpoint:?}");
    }
    // A check failed later (another attempt), and jobs ran: the stage failed by itself.
    let records = json!([
        record("s", None, "Stage", "S", begun.clone()),
        record("c", Some("s"), "Checkpoint", "Checkpoint", state("completed", Some("failed"))),
        record("p", Some("s"), "Phase", "P", begun),
    ]);
    assert_eq!(stages(&scene, records).await[0].result, StageResult::Failed);
    // Designer pipelines have no stages; records that cannot be read are left out.
    assert_eq!(stages(&scene, json!([record("p", None, "Phase", "P", json!({})), {"type": "Stage"}, null])).await, []);
    assert_eq!(stages(&scene, Value::Null).await, []);
}

#[tokio::test]
async fn a_run_without_a_timeline_has_none_and_a_missing_project_is_an_error() {
    let scene = Scene::new().await;
    for reply in [
        Reply::empty(204),
        Reply::empty(200),
        Reply::ok(Value::Null),
        Reply::error(404, "BuildNotFoundException", "The requested build 4711 could not be found."),
        Reply::error(404, "TimelineNotFoundException", "No timeline."),
    ] {
        scene.on("GET", "/timeline", [reply.clone()]);
        assert_eq!(scene.client.timeline(&project(), 4711).await.unwrap(), None, "{reply:?}");
    }
    scene.on("GET", "/timeline", [Reply::error(404, "ProjectDoesNotExistException", "gone")]);
    assert_eq!(*scene.client.timeline(&project(), 4711).await.unwrap_err().kind(), ErrorKind::ProjectMissing);
}

#[tokio::test]
async fn records_of_deployments_are_read_page_by_page() {
    let scene = Scene::new().await;
    scene.on("GET", "distributedtask/environments", [Reply::list(json!([{"id": 5, "name": "production-eu", "project": null}]))]);
    let environments = scene.client.environments_page(&project(), None).await.unwrap();
    assert_eq!(environments.rows.iter().map(|e| (e.number, e.name.as_str())).collect::<Vec<_>>(), [(5, "production-eu")]);
    assert_eq!(environments.next, None);

    let row = |id: i64, rest: Value| {
        let mut row = json!({
            "id": id, "environmentId": 5, "planType": "Build", "stageName": "Prod", "jobName": "Deploy", "stageAttempt": 1, "jobAttempt": 1,
            "definition": {"id": 9, "name": "Ship It"}, "owner": {"id": 4711, "name": "20260301.2"}, "queueTime": "2026-03-01T09:00:00Z"
        });
        row.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        row
    };
    let rows = json!([
        row(
            9_000_000_000,
            json!({"result": "succeeded", "startTime": "2026-03-01T09:01:00Z", "finishTime": "2026-03-01T09:02:00Z", "stageAttempt": 3})
        ),
        row(2, json!({"startTime": "2026-03-01T09:01:00Z"})),
        row(3, json!({})),
        row(4, json!({"result": "skipped", "finishTime": "2026-03-01T09:02:00Z"})),
        row(5, json!({"result": null, "finishTime": "2026-03-01T09:02:00Z"})),
        row(6, json!({"owner": null})),
    ]);
    scene.on("GET", "environmentdeploymentrecords", [Reply::list(rows).with("x-ms-continuationtoken", "55")]);
    let page: Page<_> = scene.client.deployment_records_page(&project(), 5, Some("77"), 100).await.unwrap();
    assert_eq!((page.received, page.next.as_deref()), (6, Some("55")));
    let results: Vec<_> = page.rows.iter().map(|record| record.result).collect();
    use StageResult::{Pending, Running, Skipped, Succeeded, Unknown};
    assert_eq!(results, [Succeeded, Running, Pending, Skipped, Unknown]);
    let first = &page.rows[0];
    assert_eq!((first.number, first.environment, first.run, first.definition), (9_000_000_000, 5, 4711, 9));
    assert_eq!((first.stage.as_str(), first.stage_attempt, first.job.as_str()), ("Prod", 3, "Deploy"));
    let asked = &scene.find("GET", "environmentdeploymentrecords")[0].target;
    assert!(asked.ends_with("/environmentdeploymentrecords?top=100&continuationToken=77&api-version=7.1"), "{asked}");
}

#[tokio::test]
async fn deployments_of_classic_releases_are_read_with_their_primary_artifact() {
    let scene = Scene::new().await;
    scene.on("GET", "resourceAreas", [Reply::list(json!([]))]);
    let reference =
        |pairs: &[(&str, &str)]| -> Value { pairs.iter().map(|(name, id)| ((*name).to_owned(), json!({"id": id, "name": id}))).collect() };
    let row = json!({
        "id": 79, "attempt": 2, "reason": "automated", "deploymentStatus": "succeeded", "operationStatus": "Approved",
        "release": {"id": 55, "name": "Release-2", "webAccessUri": "https://lumen.example/_release?releaseId=55", "createdOn": "0001-01-01T00:00:00",
            "artifacts": [
                {"type": "Build", "alias": "tools", "isPrimary": false, "definitionReference": reference(&[("version", "1")])},
                {"type": "Build", "alias": "app", "isPrimary": true, "definitionReference": reference(&[
                    ("version", "4711"), ("branch", "refs/heads/main"), ("sourceVersion", SHA), ("repository", REPOSITORY)])},
            ]},
        "releaseDefinition": {"id": 3, "name": "Classic"}, "releaseEnvironment": {"id": 118, "name": "PROD"},
        "queuedOn": "0001-01-01T00:00:00", "startedOn": "2026-03-01T09:00:00.09Z", "completedOn": "2026-03-01T09:04:00Z",
        "lastModifiedOn": "2026-03-01T09:09:00Z", "preDeployApprovals": [], "postDeployApprovals": null
    });
    let git = json!({
        "id": 80, "deploymentStatus": "succeeded", "operationStatus": "Approved", "lastModifiedOn": "2026-03-02T09:09:00Z",
        "release": {"id": 56, "artifacts": [{"type": "Git", "definitionReference": reference(&[
            ("version", SHA), ("branch", "main"), ("definition", REPOSITORY)])}]},
        "releaseDefinition": {"id": 3}, "releaseEnvironment": null
    });
    let bare = json!({
        "id": 81, "deploymentStatus": "inProgress", "operationStatus": "PhaseInProgress", "lastModifiedOn": "2026-03-02T09:09:00Z",
        "release": {"id": 57, "artifacts": null}, "releaseDefinition": {"id": 3}
    });
    scene.on("GET", "/release/deployments", [Reply::list(json!([row, git, bare, {"id": 1}])).with("x-ms-continuationtoken", "82")]);
    let page = scene.client.release_deployments_page(&project(), at("2026-02-01T00:00:00Z").unwrap(), Some("79")).await.unwrap();
    assert_eq!((page.received, page.rows.len(), page.next.as_deref()), (4, 3, Some("82")));
    let first = &page.rows[0];
    assert_eq!((first.number, first.definition, first.release, first.attempt), (79, 3, 55, 2));
    assert_eq!((first.definition_name.as_str(), first.release_name.as_str(), first.environment.as_str()), ("Classic", "Release-2", "PROD"));
    assert_eq!((first.queued_at, first.started_at, first.finished_at), (None, at("2026-03-01T09:00:00.09Z"), at("2026-03-01T09:04:00Z")));
    assert_eq!((first.build, first.branch.as_deref()), (Some(4711), Some("refs/heads/main")));
    assert_eq!(first.sha.as_ref().map(|sha| sha.as_str()), Some(SHA));
    assert_eq!(first.repository.as_ref().map(|r| r.as_str()), Some(REPOSITORY));
    let second = &page.rows[1];
    assert_eq!((second.build, second.sha.is_some(), second.repository.is_some()), (None, true, true));
    assert_eq!(second.finished_at, at("2026-03-02T09:09:00Z"), "older servers do not say when it ended");
    let third = &page.rows[2];
    assert_eq!((third.result, third.finished_at, &third.sha, third.attempt), (StageResult::Running, None, &None, 1));
    let asked = scene.find("GET", "/release/deployments")[0].target.replace("%3A", ":");
    let wanted = "minModifiedTime=2026-02-01T00:00:00Z&queryOrder=ascending&$top=100&continuationToken=79&api-version=7.1";
    assert!(asked.ends_with(wanted), "{asked}");
}

#[tokio::test]
async fn how_a_classic_deployment_ended_is_told_by_two_words_and_its_last_approvals() {
    use StageResult::{Canceled, Failed, Pending, Rejected, Running, Succeeded, SucceededWithIssues, Unknown};
    let scene = Scene::new().await;
    scene.on("GET", "resourceAreas", [Reply::list(json!([]))]);
    let cases = [
        ("succeeded", "Approved", "approved", Succeeded),
        ("partiallySucceeded", "PhasePartiallySucceeded", "", SucceededWithIssues),
        ("failed", "PhaseFailed", "", Failed),
        ("failed", "Rejected", "", Rejected),
        ("failed", "Rejected", "rejected", Failed),
        ("failed", "PhaseCanceled", "", Canceled),
        ("notDeployed", "Rejected", "", Rejected),
        ("notDeployed", "GateFailed", "", Rejected),
        ("notDeployed", "Canceled", "", Canceled),
        ("notDeployed", "Pending", "", Pending),
        ("notDeployed", "Scheduled", "", Pending),
        ("notDeployed", "PhaseFailed", "", Failed),
        ("inProgress", "EvaluatingGates", "", Pending),
        ("inProgress", "QueuedForAgent", "", Pending),
        ("inProgress", "PhaseInProgress", "", Running),
        ("inProgress", "ManualInterventionPending", "", Running),
        ("undefined", "Undefined", "", Unknown),
        ("levitating", "Approved", "", Unknown),
    ];
    for (status, operation, last, result) in cases {
        let row = json!({
            "id": 1, "release": {"id": 1}, "releaseDefinition": {"id": 1}, "deploymentStatus": status, "operationStatus": operation,
            "postDeployApprovals": [{"status": last}, {"status": null}]
        });
        scene.on("GET", "/release/deployments", [Reply::list(json!([row]))]);
        let page = scene.client.release_deployments_page(&project(), Timestamp::UNIX_EPOCH, None).await.unwrap();
        assert_eq!(page.rows[0].result, result, "{status} {operation} {last}");
    }
}
