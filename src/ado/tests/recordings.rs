//! Recorded answers of the real service through the functions that ask for them. Runs where `KANADO_CONTRACT` names a folder that
//! holds `ado/recordings`; each value asserted is read from the recording by its own path.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::server::{Play, Reply, Scene, connection, project, repository};
use crate::ado::{
    Artifact, At, BranchOutcome, BuildQuery, Completion, Duty, ErrorKind, In, MergeStrategy, NewPullRequest, NewThread, PullRequestPatch,
    PullRequestQuery, Push, RepoRef, WorkItemQuery,
};
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::person::Identity;
use crate::domain::pull_request::{PullRequestStatus, Vote};
use crate::domain::run::StageResult;

/// What was compared: the words, what the client made of it, what the recording says.
type Compared = Vec<(&'static str, String, String)>;

#[tokio::test]
async fn every_recording_of_an_endpoint_the_client_calls_goes_through_its_function() {
    let Some(folder) = std::env::var_os("KANADO_CONTRACT") else {
        println!("did not run: KANADO_CONTRACT names no folder with ado/recordings");
        return;
    };
    let root = Path::new(&folder).join("ado/recordings");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} holds no recordings", root.display());
    let (mut fed, mut values, mut others, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        let recording: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let (Some(method), Some(url)) = (text(&recording, "/request/method"), text(&recording, "/request/url")) else { continue };
        match feed(&method, &url, &recording["response"]).await {
            Some(compared) => {
                assert!(compared.len() >= 3, "{name}: only {} values compared", compared.len());
                fed += 1;
                values += compared.len();
                wrong.extend(compared.into_iter().filter(|(_, got, want)| got != want).map(|w| format!("{name}: {w:?}")));
            }
            None => others.push(format!("{method} {name}")),
        }
    }
    println!("{fed} recordings through their functions, {values} values; {} of endpoints that the client does not call:", others.len());
    for other in &others {
        println!("  {other}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fed > 50, "only {fed} recordings were recognised");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "json") && path.file_name().is_none_or(|n| n != "INDEX.json") {
            files.push(path);
        }
    }
}

fn text(value: &Value, path: &str) -> Option<String> {
    match value.pointer(path)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn or_empty(value: &Value, path: &str) -> String {
    text(value, path).unwrap_or_default()
}

fn lower(value: &Value, path: &str) -> String {
    or_empty(value, path).to_lowercase()
}

fn rows(body: &Value) -> Vec<Value> {
    body.get("value").unwrap_or(body).as_array().cloned().unwrap_or_default()
}

fn branch(value: &Value, path: &str) -> String {
    let full = or_empty(value, path);
    full.strip_prefix("refs/heads/").map(str::to_owned).unwrap_or(full)
}

/// Replays one recording and compares; `None` if the client does not call its endpoint.
async fn feed(method: &str, url: &str, response: &Value) -> Option<Compared> {
    let path = url.split_once("/_apis").map(|(_, p)| p)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<String> = path.split('/').filter(|p| !p.is_empty()).map(str::to_lowercase).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let scene = Scene::new().await;
    let here = format!("http://127.0.0.1:{}/lumen", scene.port);
    let areas = || {
        scene.on(
            "GET",
            "/_apis/resourceAreas",
            [Reply::list(json!([{"id": "8a3d49b8-91f0-46ef-b33d-dda338c25db3", "locationUrl": here}]))],
        );
        scene.on("GET", "/_apis/connectionData", [connection()]);
    };
    areas();
    let body = &response["body"];
    let status = response["status"].as_u64().unwrap_or(200) as u16;
    let reply = replay(response, status);
    if status >= 400 {
        return failure(&scene, method, &parts, reply, response).await;
    }
    let nothing = || Reply::list(json!([]));
    if parts.is_empty() && method == "OPTIONS" {
        return Some(versions(&scene, reply, body).await);
    }
    // What follows is asked for below `/_apis/` proper, once; the next page is empty.
    scene.on(method, "/_apis/", [reply.clone(), nothing()]);
    if parts != ["resourceareas"] {
        areas();
    }
    let client = &scene.client;
    let repo = repository();
    let compared = match (method, &parts[..]) {
        ("GET", ["resourceareas"]) => {
            let areas = client.areas("x").await.unwrap().clone();
            let rows = rows(body);
            let find = |id: &str| rows.iter().find(|r| or_empty(r, "/id") == id).map(|r| or_empty(r, "/locationUrl"));
            vec![
                ("graph", areas.graph.map(String::from).unwrap_or_default(), find("bb1e7ec9-e901-4b68-999a-de7012b920f8")?),
                ("identities", areas.identities.map(String::from).unwrap_or_default(), find("8a3d49b8-91f0-46ef-b33d-dda338c25db3")?),
                ("asked once", scene.count("GET", "resourceAreas").to_string(), "1".to_owned()),
            ]
        }
        ("GET", ["projects"]) => {
            let facts = client.projects().await.unwrap();
            list(
                &scene,
                &rows(body),
                facts.iter().map(|p| vec![("id", p.guid.to_string()), ("name", p.name.clone())]),
                &[("/id", true), ("/name", false)],
            )
        }
        ("GET", ["projects", _]) => {
            let fact = client.project("x").await.unwrap();
            vec![
                ("id", fact.guid.to_string(), lower(body, "/id")),
                ("name", fact.name, or_empty(body, "/name")),
                ("description", fact.description.unwrap_or_default(), or_empty(body, "/description")),
            ]
        }
        ("GET", ["projects", _, "teams"]) => {
            let facts = client.teams(&project()).await.unwrap();
            list(
                &scene,
                &rows(body),
                facts.iter().map(|t| vec![("id", t.guid.to_string()), ("name", t.name.clone())]),
                &[("/id", true), ("/name", false)],
            )
        }
        ("GET", ["projects", _, "teams", _, "members"]) => {
            let facts = client.team_members(&project(), &project()).await.unwrap();
            let people: Vec<Value> =
                rows(body).into_iter().map(|r| r.get("identity").cloned().unwrap_or(r)).filter(|r| r["isContainer"] != true).collect();
            list(&scene, &people, facts.iter().map(identity), &[("/id", true), ("/displayName", false), ("/uniqueName", false)])
        }
        ("GET", ["git", "repositories"]) => {
            let facts = client.repositories(&project()).await.unwrap();
            let told = facts.iter().map(|r| vec![("id", r.guid.to_string()), ("name", r.name.clone()), ("project", r.project.to_string())]);
            let mut compared = list(&scene, &rows(body), told, &[("/id", true), ("/name", false), ("/project/id", true)]);
            for (fact, row) in facts.iter().zip(rows(body)) {
                compared.push(("default branch", fact.default_branch.clone().unwrap_or_default(), branch(&row, "/defaultBranch")));
                compared.push(("remote", fact.remote_url.clone().unwrap_or_default(), or_empty(&row, "/remoteUrl")));
            }
            compared
        }
        ("GET", ["git", "repositories", _]) => {
            let fact = client.repository(&project(), "x").await.unwrap();
            vec![
                ("id", fact.guid.to_string(), lower(body, "/id")),
                ("name", fact.name, or_empty(body, "/name")),
                ("default branch", fact.default_branch.unwrap_or_default(), branch(body, "/defaultBranch")),
                ("project", fact.project.to_string(), lower(body, "/project/id")),
            ]
        }
        ("GET", ["git", "repositories", _, "refs"]) => {
            let facts = client.branches(repo, "").await.unwrap();
            let heads: Vec<Value> = rows(body).into_iter().filter(|r| or_empty(r, "/name").starts_with("refs/heads/")).collect();
            let told = facts.iter().map(|b| vec![("name", format!("refs/heads/{}", b.name)), ("tip", b.tip.to_string())]);
            list(&scene, &heads, told, &[("/name", false), ("/objectId", true)])
        }
        ("POST", ["git", "repositories", _, "refs"]) => {
            let row = rows(body).into_iter().next()?;
            let outcome = client.create_branch(repo, "x", &ObjectId::zero()).await;
            let (won, words) = match &outcome {
                Ok(outcome) => (*outcome == BranchOutcome::Created, String::new()),
                Err(e) => (false, format!("{e} {:?}", e.kind())),
            };
            let (word, message) = (or_empty(&row, "/updateStatus"), or_empty(&row, "/customMessage"));
            vec![
                ("success", won.to_string(), or_empty(&row, "/success")),
                ("word", (won || words.contains(&word)).to_string(), "true".to_owned()),
                ("message", words.contains(&message).to_string(), "true".to_owned()),
            ]
        }
        ("POST", ["git", "repositories", _, "pushes"]) => {
            let push = Push { branch: "x".into(), old_tip: ObjectId::zero(), message: String::new(), changes: Vec::new() };
            let pushed = client.push(repo, &push).await.unwrap();
            vec![
                ("commit", pushed.commit.to_string(), lower(body, "/commits/0/commitId")),
                ("new tip", pushed.commit.to_string(), lower(body, "/refUpdates/0/newObjectId")),
                ("old tip", pushed.old_tip.to_string(), lower(body, "/refUpdates/0/oldObjectId")),
            ]
        }
        ("GET", ["git", "repositories", _, "items"]) if body.get("value").is_some() => {
            let facts = client.files_under(repo, &At::Branch("x"), "/").await.unwrap();
            let mut files: Vec<Value> = rows(body).into_iter().filter(|r| or_empty(r, "/gitObjectType") == "blob").collect();
            files.sort_by_key(|f| or_empty(f, "/path"));
            let told = facts.iter().map(|(path, id)| vec![("path", format!("/{path}")), ("id", id.to_string())]);
            list(&scene, &files, told, &[("/path", false), ("/objectId", true)])
        }
        ("GET", ["git", "repositories", _, "commits"]) => {
            let facts = client.commits(repo, "x", 100_000).await.unwrap();
            commits(&scene, &facts, body)
        }
        ("GET", ["git", "repositories", _, "stats", "branches", ..]) if body.get("value").is_none() => {
            let (ahead, behind) = client.ahead_behind(repo, "main", "x").await.unwrap();
            vec![
                ("ahead", ahead.to_string(), or_empty(body, "/aheadCount")),
                ("behind", behind.to_string(), or_empty(body, "/behindCount")),
                ("asked for", scene.find("GET", "name=x").len().to_string(), "1".to_owned()),
            ]
        }
        ("GET", ["git", "repositories", _, "diffs", "commits"]) => {
            let tip = ObjectId::zero();
            let files = client.changed_files(repo, &tip, &tip).await.unwrap();
            let rows = body.pointer("/changes").and_then(Value::as_array).cloned().unwrap_or_default();
            let blobs = rows.iter().filter(|row| or_empty(row, "/item/gitObjectType") == "blob").count();
            // One of them is the middle of a list: what follows is asked for, and is empty here.
            let pages = if or_empty(body, "/allChangesIncluded") == "true" { 1 } else { 2 };
            vec![
                ("pages", scene.find("GET", "/diffs/commits").len().to_string(), pages.to_string()),
                ("since the common commit", scene.find("GET", "diffCommonCommit=true").len().to_string(), pages.to_string()),
                ("files", files.to_string(), blobs.to_string()),
            ]
        }
        ("GET", ["git", "pullrequests"] | ["git", "repositories", _, "pullrequests"]) => {
            let facts = client.pull_requests(In::Project(&project()), &PullRequestQuery::default()).await.unwrap();
            let mut compared = list(
                &scene,
                &rows(body),
                facts.iter().map(|pr| vec![("number", pr.number.to_string()), ("title", pr.title.clone())]),
                &[("/pullRequestId", false), ("/title", false)],
            );
            for (fact, row) in facts.iter().zip(rows(body)) {
                compared.extend(pull_request(fact, &row));
            }
            compared
        }
        ("GET", ["git", "pullrequests", _] | ["git", "repositories", _, "pullrequests", _]) => {
            pull_request(&client.pull_request(repo, 1).await.unwrap(), body)
        }
        ("POST", ["git", "repositories", _, "pullrequests"]) => {
            pull_request(&client.create_pull_request(repo, &NewPullRequest::default()).await.unwrap(), body)
        }
        ("PATCH", ["git", "repositories", _, "pullrequests", _]) => {
            let mut compared = pull_request(&client.update_pull_request(repo, 1, &PullRequestPatch::default()).await.unwrap(), body);
            for which in ["complete", "auto"] {
                scene.on("PATCH", "/_apis/", [reply.clone()]);
                let how = Completion {
                    strategy: MergeStrategy::Squash,
                    delete_source_branch: false,
                    source_commit: ObjectId::zero(),
                    message: None,
                };
                let fact = match which {
                    "complete" => client.complete_pull_request(repo, 1, &how).await,
                    _ => client.set_auto_complete(repo, 1, None).await,
                };
                compared.extend(pull_request(&fact.unwrap(), body));
            }
            compared
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "commits"]) => {
            let facts = client.pull_request_commits(repo, 1).await.unwrap();
            commits(&scene, &facts, body)
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "workitems"]) => {
            let facts = client.pull_request_work_items(repo, 1).await.unwrap();
            list(&scene, &rows(body), facts.iter().map(|id| vec![("id", id.clone())]), &[("/id", false)])
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "labels"]) => {
            let facts = client.labels(repo, 1).await.unwrap();
            list(&scene, &rows(body), facts.iter().map(|name| vec![("name", name.clone())]), &[("/name", false)])
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "statuses"]) => {
            let facts = client.statuses(repo, 1).await.unwrap();
            let told =
                facts.iter().map(|s| vec![("id", s.id.to_string()), ("state", s.state.clone()), ("description", s.description.clone())]);
            list(&scene, &rows(body), told, &[("/id", false), ("/state", false), ("/description", false)])
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "threads"]) => {
            let facts = client.threads(repo, 1).await.unwrap();
            let told = facts.iter().map(|t| {
                vec![
                    ("id", t.id.to_string()),
                    ("words", t.comments[0].content.clone()),
                    ("kind", if t.comments[0].system { "system" } else { "text" }.to_owned()),
                ]
            });
            list(&scene, &rows(body), told, &[("/id", false), ("/comments/0/content", false), ("/comments/0/commentType", false)])
        }
        ("POST", ["git", "repositories", _, "pullrequests", _, "threads"]) => {
            let fact = client.create_thread(repo, 1, &NewThread::default()).await.unwrap();
            vec![
                ("id", fact.id.to_string(), or_empty(body, "/id")),
                ("words", fact.comments[0].content.clone(), or_empty(body, "/comments/0/content")),
                ("author", who(fact.comments[0].author.as_ref()), lower(body, "/comments/0/author/id")),
            ]
        }
        ("POST", ["git", "repositories", _, "pullrequests", _, "threads", _, "comments"]) => {
            let fact = client.reply(repo, 1, 1, 1, "x").await.unwrap();
            vec![
                ("id", fact.id.to_string(), or_empty(body, "/id")),
                ("words", fact.content, or_empty(body, "/content")),
                ("author", who(fact.author.as_ref()), lower(body, "/author/id")),
            ]
        }
        ("GET", ["git", "repositories", _, "pullrequests", _, "reviewers"]) => {
            let facts = client.reviewers(repo, 1).await.unwrap();
            let told = facts.iter().map(|r| {
                vec![("id", r.identity.id.to_string()), ("name", r.identity.display_name.clone()), ("vote", r.vote.to_wire().to_string())]
            });
            list(&scene, &rows(body), told, &[("/id", true), ("/displayName", false), ("/vote", false)])
        }
        ("POST", ["git", "repositories", _, "pullrequests", _, "reviewers"]) => {
            client.add_reviewer(repo, 1, &Guid::new("w"), Duty::Optional).await.unwrap();
            // The function gives nothing back: the rows go through the reader of the list.
            scene.on("GET", "/_apis/", [reply.clone()]);
            let facts = client.reviewers(repo, 1).await.unwrap();
            let told = facts.iter().map(|r| vec![("id", r.identity.id.to_string()), ("name", r.identity.display_name.clone())]);
            list(&scene, &rows(body), told, &[("/id", true), ("/displayName", false)])
        }
        ("PUT", ["git", "repositories", _, "pullrequests", _, "reviewers", _]) => {
            let fact = client.vote(repo, 1, &Guid::new("w"), Vote::Approved).await.unwrap();
            vec![
                ("id", fact.identity.id.to_string(), lower(body, "/id")),
                ("name", fact.identity.display_name, or_empty(body, "/displayName")),
                ("vote", fact.vote.to_wire().to_string(), or_empty(body, "/vote")),
            ]
        }
        ("DELETE", ["git", "repositories", _, "pullrequests", _, "reviewers", _]) => {
            client.remove_reviewer(repo, 1, &Guid::new("w")).await.unwrap();
            let sent = scene.find("DELETE", "/reviewers/w").len().to_string();
            let last = client.request_log().entries().pop()?;
            vec![
                ("sent", sent, "1".to_owned()),
                ("status", last.status?.to_string(), status.to_string()),
                ("method", last.method, method.to_owned()),
            ]
        }
        ("GET", ["build", "builds"]) => {
            let page = client.builds_page(&project(), &BuildQuery::InProgress, None, 5000).await.unwrap();
            let told = page.rows.iter().map(|run| {
                vec![
                    ("id", run.number.to_string()),
                    ("label", run.label.clone()),
                    ("definition", run.definition.to_string()),
                    ("name", run.definition_name.clone()),
                    ("branch", run.branch.clone().unwrap_or_default()),
                    ("sha", run.sha.as_ref().map(ToString::to_string).unwrap_or_default()),
                    ("status", format!("{:?}", run.status).to_lowercase()),
                    ("result", run.result.map(|r| format!("{r:?}").to_lowercase()).unwrap_or_default()),
                    ("for", who(run.requested_for.as_ref())),
                ]
            });
            let paths = [
                ("/id", false),
                ("/buildNumber", false),
                ("/definition/id", false),
                ("/definition/name", false),
                ("/sourceBranch", false),
                ("/sourceVersion", true),
                ("/status", true),
                ("/result", true),
                ("/requestedFor/id", true),
            ];
            let mut compared = list(&scene, &rows(body), told, &paths);
            for (run, row) in page.rows.iter().zip(rows(body)) {
                for (name, at, path) in [
                    ("queued", run.queued_at, "/queueTime"),
                    ("started", run.started_at, "/startTime"),
                    ("finished", run.finished_at, "/finishTime"),
                ] {
                    compared.push((name, seconds(at), or_empty(&row, path).chars().take(19).collect()));
                }
            }
            compared
        }
        ("GET", ["build", "definitions"]) => {
            let facts = client.definitions(&project()).await.unwrap();
            let told = facts.iter().map(|d| vec![("id", d.number.to_string()), ("name", d.name.clone()), ("path", d.path.clone())]);
            list(&scene, &rows(body), told, &[("/id", false), ("/name", false), ("/path", false)])
        }
        ("GET", ["build", "builds", _, "timeline"]) => {
            let stages = client.timeline(&project(), 1).await.unwrap().unwrap_or_default();
            let records = body["records"].as_array().cloned().unwrap_or_default();
            let wanted: Vec<Value> = records.into_iter().filter(|r| r["type"] == "Stage").collect();
            list(&scene, &wanted, stages.iter().map(|s| vec![("name", s.display_name.clone())]), &[("/name", false)])
        }
        ("GET", ["release", "deployments"]) => {
            let page = client.release_deployments_page(&project(), jiff::Timestamp::UNIX_EPOCH, None).await.unwrap();
            let told = page.rows.iter().map(|d| {
                vec![
                    ("id", d.number.to_string()),
                    ("release", d.release.to_string()),
                    ("definition", d.definition.to_string()),
                    ("environment", d.environment.clone()),
                    ("attempt", d.attempt.to_string()),
                    ("build", d.build.map(|b| b.to_string()).unwrap_or_default()),
                    ("web", d.web_url.clone().unwrap_or_default()),
                ]
            });
            let paths = [
                ("/id", false),
                ("/release/id", false),
                ("/releaseDefinition/id", false),
                ("/releaseEnvironment/name", false),
                ("/attempt", false),
                ("/release/artifacts/0/definitionReference/version/id", false),
                ("/release/webAccessUri", false),
            ];
            let mut compared = list(&scene, &rows(body), told, &paths);
            for (deployment, row) in page.rows.iter().zip(rows(body)) {
                compared.push(("started", seconds(deployment.started_at), or_empty(&row, "/startedOn").chars().take(19).collect()));
                let is_known = deployment.result != StageResult::Unknown;
                compared.push(("result", is_known.to_string(), "true".to_owned()));
            }
            compared
        }
        ("GET", ["release", "definitions"]) => {
            let facts = client.release_definitions(&project()).await.unwrap();
            let told = facts.iter().map(|d| vec![("id", d.number.to_string()), ("name", d.name.clone())]);
            list(&scene, &rows(body), told, &[("/id", false), ("/name", false)])
        }
        ("GET", ["git", "repositories", _, "pushes"]) if query.contains("includeRefUpdates") => {
            let page = client.pushes_page(repo, "develop", jiff::Timestamp::UNIX_EPOCH, 0, 1000).await.unwrap();
            let told = page.rows.iter().map(|p| {
                vec![
                    ("id", p.number.to_string()),
                    ("new", p.new.to_string()),
                    ("old", p.old.to_string()),
                    ("pusher", who(p.pusher.as_ref())),
                ]
            });
            let paths =
                [("/pushId", false), ("/refUpdates/0/newObjectId", true), ("/refUpdates/0/oldObjectId", true), ("/pushedBy/id", true)];
            list(&scene, &rows(body), told, &paths)
        }
        ("POST", ["wit", "wiql"]) => {
            let query = WorkItemQuery { changed_since: jiff::Timestamp::UNIX_EPOCH, types: vec![], tags: vec![] };
            let found = client.work_item_ids(&project(), &query).await.unwrap();
            let mut wanted: Vec<i64> = body["workItems"].as_array()?.iter().filter_map(|item| item["id"].as_i64()).collect();
            wanted.sort_unstable();
            vec![
                ("found", format!("{found:?}"), format!("{wanted:?}")),
                ("sent", scene.count("POST", "/wit/wiql").to_string(), "1".to_owned()),
                ("left out", client.request_log().skipped_rows().to_string(), "0".to_owned()),
            ]
        }
        // The list by query string answers as the batch does.
        ("GET", ["wit", "workitems"]) | ("POST", ["wit", "workitemsbatch"]) if body["value"].is_array() => {
            scene.on("POST", "/wit/workitemsbatch", [reply]);
            let items = client.work_items_with_links(&[1]).await.unwrap();
            let told = items.iter().map(|linked| {
                let item = &linked.item;
                vec![
                    ("id", item.number.to_string()),
                    ("revision", item.revision.to_string()),
                    ("kind", item.kind.clone()),
                    ("state", item.state.clone()),
                    ("title", item.title.clone()),
                ]
            });
            let paths = [
                ("/id", false),
                ("/rev", false),
                ("/fields/System.WorkItemType", false),
                ("/fields/System.State", false),
                ("/fields/System.Title", false),
            ];
            list(&scene, &rows(body), told, &paths)
        }
        ("POST", ["wit", "artifacturiquery"]) => {
            let answer = body["artifactUrisQueryResult"].as_object()?;
            let (uri, items) = answer.iter().next()?;
            let parts: Vec<&str> = uri.split("%2F").collect();
            let (place, sha) = ((Guid::new(parts[0].rsplit('/').next()?), Guid::new(parts[1])), ObjectId::new(parts[2]));
            let repository = RepoRef { project: &place.0, repository: &place.1 };
            let found = client.linked_work_items(&[Artifact::Commit { repository, sha: &sha }]).await.unwrap();
            let wanted: Vec<i64> = items.as_array()?.iter().filter_map(|item| item["id"].as_i64()).collect();
            vec![
                ("found", format!("{found:?}"), format!("[{wanted:?}]")),
                ("asked", scene.find("POST", "artifacturiquery")[0].json()["artifactUris"][0].as_str()?.to_owned(), uri.clone()),
                ("sent", scene.count("POST", "artifacturiquery").to_string(), "1".to_owned()),
            ]
        }
        ("GET", ["policy", "evaluations"]) => {
            let facts = client.policy_evaluations(&project(), 1).await.unwrap();
            let told = facts.iter().map(|e| {
                vec![("id", e.id.clone()), ("status", e.status.clone()), ("name", e.name.clone()), ("blocking", e.blocking.to_string())]
            });
            let paths = [
                ("/evaluationId", false),
                ("/status", false),
                ("/configuration/type/displayName", false),
                ("/configuration/isBlocking", false),
            ];
            list(&scene, &rows(body), told, &paths)
        }
        ("GET", ["identities"]) if query.to_lowercase().contains("searchfilter") => {
            let facts = client.search_people("x").await.unwrap();
            let people: Vec<Value> = rows(body).into_iter().filter(|r| r["isContainer"] != true).take(20).collect();
            let mut compared = list(&scene, &people, facts.iter().map(|p| vec![("id", p.id.to_string())]), &[("/id", true)]);
            for (fact, row) in facts.iter().zip(&people) {
                let name = text(row, "/customDisplayName").unwrap_or_else(|| or_empty(row, "/providerDisplayName"));
                compared.push(("name", fact.display_name.clone(), name));
                compared.push(("account", fact.unique_name.clone(), or_empty(row, "/properties/Account/$value")));
            }
            compared
        }
        ("GET", ["graph", "storagekeys", _]) => {
            let subject = Reply::list(json!([{"descriptor": "aad.x", "displayName": "X"}]));
            scene.on(
                "GET",
                "/_apis/resourceAreas",
                [Reply::list(json!([{"id": "bb1e7ec9-e901-4b68-999a-de7012b920f8", "locationUrl": here}]))],
            );
            scene.on("POST", "subjectquery", [subject]);
            let people = client.search_people("x").await.unwrap();
            vec![
                ("id", people[0].id.to_string(), lower(body, "/value")),
                ("people", people.len().to_string(), "1".to_owned()),
                ("asked once", scene.count("GET", "storagekeys/aad.x").to_string(), "1".to_owned()),
            ]
        }
        _ => return None,
    };
    Some(compared)
}

/// The recorded answer as it went over the wire, without what belongs to the connection.
fn replay(response: &Value, status: u16) -> Reply {
    let body = &response["body"];
    let mut bytes = match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    };
    if response["body_had_utf8_bom"] == true {
        bytes.splice(0..0, *b"\xef\xbb\xbf");
    }
    let mut reply = Reply { status, headers: Vec::new(), body: bytes, play: Play::Whole };
    for name in ["content-type", "activityid", "x-ms-continuationtoken", "www-authenticate", "x-vss-e2eid"] {
        if let Some(value) = response["headers"].get(name).and_then(Value::as_str) {
            reply.headers.push((name, value.to_owned()));
        }
    }
    if response["headers"].get("content-type").is_none() && !reply.body.is_empty() {
        reply.headers.push(("content-type", "application/json; charset=utf-8".to_owned()));
    }
    reply
}

async fn versions(scene: &Scene, reply: Reply, body: &Value) -> Compared {
    scene.on("OPTIONS", "/_apis", [reply]);
    let version = scene.client.version().await.unwrap();
    let released = |area: &str| {
        let newest = rows(body)
            .iter()
            .filter(|r| area.is_empty() || lower(r, "/area") == area)
            .filter_map(|r| or_empty(r, "/releasedVersion").parse::<f64>().ok())
            .fold(0.0, f64::max);
        [7.1, 7.0, 6.0, 5.0].into_iter().find(|spoken| *spoken <= newest).unwrap_or_default()
    };
    let git = released("git");
    let wanted = if git > 0.0 { git } else { released("") };
    scene.on("GET", "/projects", [Reply::list(json!([]))]);
    scene.client.projects().await.unwrap();
    vec![
        ("version", version.to_string(), format!("{wanted:.1}")),
        ("used", scene.find("GET", &format!("api-version={wanted:.1}")).len().to_string(), "1".to_owned()),
        ("asked once", scene.count("OPTIONS", "/_apis").to_string(), "1".to_owned()),
    ]
}

/// Recorded failures of endpoints that the client calls.
async fn failure(scene: &Scene, method: &str, parts: &[&str], reply: Reply, response: &Value) -> Option<Compared> {
    let error = match (method, parts) {
        ("OPTIONS", []) => {
            scene.on("OPTIONS", "/_apis", [reply]);
            scene.client.projects().await.unwrap_err()
        }
        ("GET", ["identities"]) => {
            scene.on("GET", "/_apis/identities", [reply]);
            scene.client.search_people("x").await.unwrap_err()
        }
        _ => return None,
    };
    let message = or_empty(response, "/body/message");
    let kind = match response["status"].as_u64()? {
        401 => ErrorKind::ScopeMissing { scope: "Identity (read)" },
        status => ErrorKind::ServerError { status: status as u16 },
    };
    Some(vec![
        ("kind", format!("{:?}", error.kind()), format!("{kind:?}")),
        ("status", format!("{:?}", error.status()), format!("Some({})", or_empty(response, "/status"))),
        ("activity", error.activity_id().unwrap_or_default().to_owned(), or_empty(response, "/headers/activityid")),
        ("words", error.to_string().contains(&message).to_string(), "true".to_owned()),
        ("code", error.service_code().unwrap_or_default().to_owned(), message.split(':').next().unwrap_or_default().to_owned()),
    ])
}

/// Compares each row, the number of rows, and that none was left out.
/// Paths marked are compared in lower case.
fn list(scene: &Scene, rows: &[Value], told: impl Iterator<Item = Vec<(&'static str, String)>>, paths: &[(&str, bool)]) -> Compared {
    let told: Vec<_> = told.collect();
    let mut compared = vec![
        ("rows", told.len().to_string(), rows.len().to_string()),
        ("left out", scene.client.request_log().skipped_rows().to_string(), "0".to_owned()),
        ("answered", format!("{:?}", scene.client.request_log().entries().first().and_then(|e| e.status)), "Some(200)".to_owned()),
    ];
    for (fields, row) in told.into_iter().zip(rows) {
        for ((name, got), (path, folded)) in fields.into_iter().zip(paths) {
            compared.push((name, got, if *folded { lower(row, path) } else { or_empty(row, path) }));
        }
    }
    compared
}

fn identity(person: &Identity) -> Vec<(&'static str, String)> {
    vec![("id", person.id.to_string()), ("name", person.display_name.clone()), ("account", person.unique_name.clone())]
}

/// Up to the second, as a recording begins.
fn seconds(at: Option<jiff::Timestamp>) -> String {
    at.map(|at| at.to_string().chars().take(19).collect()).unwrap_or_default()
}

fn who(person: Option<&Identity>) -> String {
    person.map(|p| p.id.to_string()).unwrap_or_default()
}

fn commits(scene: &Scene, facts: &[fact::Commit], body: &Value) -> Compared {
    let told = facts.iter().map(|c| vec![("id", c.id.to_string()), ("author", c.author_name.clone()), ("message", c.message.clone())]);
    list(scene, &rows(body), told, &[("/commitId", true), ("/author/name", false), ("/comment", false)])
}

fn pull_request(fact: &fact::PullRequest, row: &Value) -> Compared {
    let status = match fact.status {
        PullRequestStatus::Active => "active",
        PullRequestStatus::Completed => "completed",
        PullRequestStatus::Abandoned => "abandoned",
        PullRequestStatus::Unknown => "unknown",
    };
    // One fixture lost the ids of its reviewers.
    let reviewers = row["reviewers"].as_array().map_or(0, |all| all.iter().filter(|r| r["id"].is_string()).count());
    vec![
        ("number", fact.number.to_string(), or_empty(row, "/pullRequestId")),
        ("repository", fact.repository.to_string(), lower(row, "/repository/id")),
        ("status", status.to_owned(), or_empty(row, "/status")),
        ("title", fact.title.clone(), or_empty(row, "/title")),
        ("description", fact.description.clone(), or_empty(row, "/description")),
        ("source", fact.source_branch.clone(), branch(row, "/sourceRefName")),
        ("target", fact.target_branch.clone(), branch(row, "/targetRefName")),
        ("author", fact.author.id.to_string(), lower(row, "/createdBy/id")),
        ("draft", fact.is_draft.to_string(), text(row, "/isDraft").unwrap_or_else(|| "false".to_owned())),
        ("created", fact.created_at.to_string()[..19].to_owned(), or_empty(row, "/creationDate").chars().take(19).collect()),
        (
            "source commit",
            fact.source_commit.as_ref().map(ToString::to_string).unwrap_or_default(),
            lower(row, "/lastMergeSourceCommit/commitId"),
        ),
        ("reviewers", fact.reviewers.len().to_string(), reviewers.to_string()),
    ]
}
