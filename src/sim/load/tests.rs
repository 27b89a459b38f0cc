//! What a folder of the service's own JSON becomes, and what is said when it is wrong.

use serde_json::json;

use super::*;
use crate::sim::seed;
use crate::sim::world::{MergeStatus, ThreadStatus};

fn guid(n: u64) -> String {
    Uuid::from_u64_pair(7, n).to_string()
}

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Folder {
        Folder { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn with(self, name: &str, value: Value) -> Folder {
        std::fs::write(self.dir.path().join(name), value.to_string()).expect("writes");
        self
    }

    fn load(&self) -> Result<World, LoadError> {
        let start = "2026-03-01T00:00:00Z".parse().expect("a date");
        let mut world = World::empty("lumen", start);
        seed::people(&mut world);
        load(&mut world, &self.dir.path().join("git"), self.dir.path())?;
        Ok(world)
    }
}

fn person_of(n: u64, name: &str) -> Value {
    json!({ "id": guid(n), "displayName": name, "uniqueName": format!("{name}@contoso.example") })
}

fn pull_request_of(id: i32, repository: u64) -> Value {
    json!({
        "pullRequestId": id, "status": "active", "title": "T", "mergeStatus": "conflicts",
        "repository": { "id": guid(repository), "name": "r", "project": { "id": guid(1), "name": "P", "state": "unchanged" } },
        "createdBy": person_of(50, "gina"), "creationDate": "2026-02-01T10:00:00.1234567Z",
        "sourceRefName": "refs/heads/a", "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": { "commitId": "a".repeat(40) },
        "reviewers": [{ "id": guid(51), "displayName": "hugo", "uniqueName": "hugo@contoso.example", "vote": -5, "isRequired": true }],
        "labels": [{ "id": guid(90), "name": "x", "active": true }],
        "somethingNew": { "deep": 1 },
    })
}

#[test]
fn an_organisation_is_put_together_from_its_files() {
    let folder = Folder::new()
        .with("projects.json", json!({ "count": 1, "value": [{ "id": guid(1), "name": "P", "visibility": "public" }] }))
        .with(
            "repositories.json",
            json!([{ "id": guid(2), "name": "r", "defaultBranch": "refs/heads/trunk", "project": { "id": guid(1), "name": "P" } }]),
        )
        .with("teams.json", json!([{ "id": guid(3), "name": "P Team", "projectId": guid(1) }]))
        .with("members.json", json!({ guid(3): [{ "identity": person_of(50, "gina"), "isTeamAdmin": true }] }))
        .with("pullrequests.json", json!([pull_request_of(7, 2)]))
        .with(
            "threads.json",
            json!({ "7": [{
            "id": 3, "status": "active", "publishedDate": "2026-02-02T10:00:00Z",
            "comments": [{ "id": 1, "parentCommentId": 0, "author": person_of(51, "hugo"), "content": "hm", "commentType": "text" }],
            "properties": { "a": { "$type": "System.Int32", "$value": 4 } },
        }] }),
        )
        .with("statuses.json", json!({ "7": [{ "id": 1, "state": "failed", "context": { "name": "ci" } }] }))
        .with("commits.json", json!({ "7": [{ "commitId": "a".repeat(40) }] }));
    let world = folder.load().expect("loads");
    let project = world.project("p").expect("by name");
    assert_eq!(project.visibility, "public");
    assert_eq!(project.teams[0].members.len(), 1);
    let repository = world.repository_named(project.id, "r").expect("there");
    assert_eq!(repository.default_branch, "refs/heads/trunk");
    assert!(repository.is_without_git);
    let row = world.pull_request(7).expect("there");
    assert!(row.read_only);
    assert_eq!(row.merge.status, MergeStatus::Conflicts);
    assert_eq!((row.reviewers[0].vote, row.reviewers[0].is_required), (-5, true));
    assert_eq!(row.threads[0].status, Some(ThreadStatus::Active));
    assert_eq!(row.statuses[0].context_name, "ci");
    assert_eq!(row.extra.get("somethingNew"), Some(&json!({ "deep": 1 })));
    assert_eq!(world.loaded_commits["7"].len(), 1);
    assert_eq!(world.user_named("hugo").expect("gathered").display_name, "hugo");
    assert!(!world.tokens.is_empty());
    assert_eq!((world.last_pull_request_id, world.last_thread_id), (7, 3));
}

#[test]
fn a_loaded_person_of_the_same_account_takes_over_the_tokens() {
    let folder = Folder::new().with(
        "identities.json",
        json!([{ "id": guid(60), "providerDisplayName": "A. M.", "properties": { "Account": { "$type": "System.String", "$value": "alice@lumen.example" } } }]),
    );
    let world = folder.load().expect("loads");
    let alice = world.user_named("alice").expect("there");
    assert_eq!(alice.id.to_string(), guid(60));
    let token = world.tokens.iter().find(|row| row.token == "alice-token").expect("there");
    assert_eq!(token.user, alice.id);
}

#[test]
fn repositories_and_projects_may_be_mentions_only() {
    let folder = Folder::new().with("pullrequests.json", json!([pull_request_of(7, 2)]));
    let world = folder.load().expect("loads");
    assert_eq!(world.repositories.len(), 1);
    assert_eq!(world.projects[0].state, "wellFormed");
}

#[test]
fn what_is_wrong_is_named() {
    let error = |folder: Folder| folder.load().expect_err("refused").to_string();
    let words = error(Folder::new().with("builds.json", json!([])));
    assert!(words.contains("builds.json") && words.contains("pullrequests.json"), "{words}");
    let words = error(Folder::new().with("projects.json", json!([{ "id": "7", "name": "P" }])));
    assert!(words.starts_with("projects.json[0]: id is \"7\""), "{words}");
    let words = error(Folder::new().with("projects.json", json!("no")));
    assert!(words.contains("is not an array"), "{words}");
    let words = error(Folder::new().with("threads.json", json!({ "9": [] })));
    assert!(words.starts_with("threads.json.9: "), "{words}");
    let folder = Folder::new();
    std::fs::write(folder.dir.path().join("teams.json"), "[{").expect("writes");
    assert!(error(folder).contains("teams.json is not JSON"));
    let double = json!([pull_request_of(7, 2), pull_request_of(7, 2)]);
    assert!(error(Folder::new().with("pullrequests.json", double)).contains("second time"));
}

#[test]
fn five_hundred_pull_requests_in_fifty_repositories_load_at_once() {
    let rows: Vec<_> = (0..500).map(|n| pull_request_of(n + 1, 100 + n as u64 % 50)).collect();
    let folder = Folder::new().with("pullrequests.json", Value::Array(rows));
    let begun = std::time::Instant::now();
    let world = folder.load().expect("loads");
    assert_eq!((world.pull_requests.len(), world.repositories.len()), (500, 50));
    // A wide margin for a busy machine without optimisation; it takes a tenth of this.
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_loaded_organisation_is_served_and_cannot_be_changed() {
    let rows: Vec<_> = (0..500).map(|n| pull_request_of(n + 1, 100 + n as u64 % 50)).collect();
    let folder = Folder::new()
        .with("pullrequests.json", Value::Array(rows))
        .with("commits.json", json!({ "7": [{ "commitId": "a".repeat(40), "comment": "Work" }] }));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = crate::sim::start(crate::sim::Options { load: Some(folder.dir.path().to_owned()), ..crate::sim::Options::default() })
        .await
        .expect("starts");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let base = running.organisation_url().to_owned();
    let get = async |path: String| -> Value {
        let url = format!("{base}/{path}");
        let answer = client.get(url).basic_auth("", Some("alice-token")).send().await;
        answer.expect("answers").json().await.expect("JSON")
    };
    let listed = get("P/_apis/git/pullrequests?$top=1000&api-version=7.1".to_owned()).await;
    assert_eq!(listed["count"], 500);
    assert_eq!(listed["value"][0]["somethingNew"], json!({ "deep": 1 }));
    let one = get("_apis/git/pullrequests/7?api-version=7.1".to_owned()).await;
    let repository = one["repository"]["id"].as_str().expect("an id").to_owned();
    let commits = get(format!("_apis/git/repositories/{repository}/pullrequests/7/commits?api-version=7.1")).await;
    assert_eq!(commits["value"][0]["comment"], "Work");
    let refused = running.control().vote(7, "hugo", 10).await.expect_err("read-only");
    assert!(refused.message.contains("TF401181"), "{refused}");
    running.stop().await;
}
