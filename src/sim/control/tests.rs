//! The control verbs on a seeded world, in process and as HTTP requests; the cast by its beats.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::sim::cast::Play;
use crate::sim::fault::Faults;
use crate::sim::host::{Control as Door, Host, Keeping, StateFiles};
use crate::sim::site::{ServerVersion, Site};
use crate::sim::world::{MergeStatus, PrState, PullRequest};

struct Scene {
    _dir: tempfile::TempDir,
    sim: Sim,
    control: Control,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let start = "2026-03-02T09:00:00Z".parse().expect("a date");
    let mut world = World::empty("lumen", start);
    let state = StateFiles { directory: dir.path().to_owned(), keeping: Keeping::Temporary };
    seed::seed(&mut world, &state.git_root(), 1, start, seed::Month::Quiet).expect("seeds");
    let site = Site::new("http://sim.invalid", "lumen", ServerVersion::Services);
    let sim = Host::new(world, state, site, Faults::default(), std::time::Duration::ZERO, Door::On);
    Scene { _dir: dir, control: Control::new(sim.clone()), sim }
}

impl Scene {
    async fn find(&self, key: &str) -> PullRequest {
        let world = self.control.world().await;
        let found = world.pull_requests.values().find(|row| row.title.split(' ').next() == Some(key));
        found.expect("seeded").clone()
    }

    async fn get(&self, id: i32) -> PullRequest {
        self.control.world().await.pull_request(id).expect("there").clone()
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_string())).expect("a request");
        let answer = handle(self.sim.clone(), request).await;
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    async fn post(&self, verb: &str, body: Value) -> Value {
        let (status, answer) = self.send(Method::POST, &format!("/_sim/{verb}"), body).await;
        assert_eq!(status, StatusCode::OK, "{verb}: {answer}");
        answer
    }

    /// A branch of alice's with one file, and a pull request for it.
    async fn opened_by_alice(&self, repository: &str, branch: &str) -> i32 {
        let control = &self.control;
        control.push_file(repository, (branch, None), "alice", ("/notes.md", b"hello\n"), "Note").await.expect("pushes");
        control.open(repository, (branch, "main"), "HAR-30 Take notes", "alice").await.expect("opens")
    }
}

#[tokio::test]
async fn a_merge_is_done_when_it_returns() {
    let scene = scene();
    let week = scene.find("HAR-14").await;
    let merging = Merging { strategy: MergeStrategy::Squash, ..Merging::default() };
    let commit = scene.control.merge(week.id, "carol", merging).await.expect("merges");
    let after = scene.get(week.id).await;
    assert_eq!(after.state, PrState::Completed);
    assert_eq!(after.merge.commit.as_ref(), Some(&commit));
    let git = scene.control.git("tide-api").await.expect("there");
    assert_eq!(git.tip("main").expect("reads"), Some(commit));
}

#[tokio::test]
async fn a_conflict_is_real_and_stops_the_merge() {
    let scene = scene();
    let week = scene.find("HAR-14").await;
    let path = scene.control.make_conflict(week.id, "dave").await.expect("commits");
    assert!(path.starts_with('/'));
    assert_eq!(scene.get(week.id).await.merge.status, MergeStatus::Conflicts);
    let refused = scene.control.merge(week.id, "carol", Merging::default()).await;
    assert_eq!(refused.expect_err("conflicts").status, StatusCode::CONFLICT);
    assert!(scene.get(week.id).await.is_active());
}

#[tokio::test]
async fn policies_are_asked_only_when_told_to() {
    let scene = scene();
    let cache = scene.find("HAR-16").await;
    let enforced = Merging { policies: Policies::Enforced, ..Merging::default() };
    let refused = scene.control.merge(cache.id, "bob", enforced).await.expect_err("not approved");
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    scene.control.merge(cache.id, "bob", Merging::default()).await.expect("bypassed");
}

#[tokio::test]
async fn every_verb_answers_over_http() {
    let scene = scene();
    let opened = scene.opened_by_alice("ops", "feature/HAR-30").await;
    let pr = json!({ "pullRequest": opened, "as": "bob" });
    let with = |more: Value| {
        let mut body = pr.clone();
        let (Some(into), Some(more)) = (body.as_object_mut(), more.as_object()) else {
            panic!("objects");
        };
        into.extend(more.clone());
        body
    };
    scene.post("vote", with(json!({ "vote": 10 }))).await;
    let thread = scene.post("comment", with(json!({ "text": "hm", "path": "/notes.md", "line": 1 }))).await;
    let thread = thread["thread"].clone();
    scene.post("reply", with(json!({ "thread": thread, "text": "ah" }))).await;
    scene.post("resolve", with(json!({ "thread": thread }))).await;
    scene.post("status", with(json!({ "state": "succeeded" }))).await;
    scene.post("retitle", with(json!({ "title": "HAR-30 Notes" }))).await;
    scene.post("abandon", pr.clone()).await;
    scene.post("reactivate", pr.clone()).await;
    let conflict = scene.post("conflict", json!({ "pullRequest": opened })).await;
    assert_eq!(conflict["path"], "/notes.md");
    assert_eq!(scene.get(opened).await.merge.status, MergeStatus::Conflicts);

    let on = |more: Value| {
        let mut body = json!({ "repository": "Harbor/ops", "branch": "side", "as": "carol" });
        if let (Some(into), Some(more)) = (body.as_object_mut(), more.as_object()) {
            into.extend(more.clone());
        }
        body
    };
    scene.post("push", on(json!({ "path": "/side.md", "content": "é\r\n" }))).await;
    let second = scene
        .post("open", json!({ "repository": "ops", "source": "side", "target": "main", "title": "Side", "as": "carol", "draft": true, "reviewers": ["bob"] }))
        .await["pullRequest"]
        .clone();
    scene.post("publish", json!({ "pullRequest": second, "as": "carol" })).await;
    scene.post("autoComplete", json!({ "pullRequest": second, "as": "carol" })).await;
    scene.post("settle", json!({})).await;
    let rows = scene.send(Method::GET, "/_sim/pullRequests", Value::Null).await.1;
    let row = rows["pullRequests"].as_array().expect("rows").last().expect("one").clone();
    assert_eq!(row["state"], "completed", "{row}");

    scene.post("moveBranch", on(json!({ "branch": "copy", "to": "main" }))).await;
    let branches = scene.send(Method::GET, "/_sim/branches/ops", Value::Null).await.1;
    assert_eq!(branches["branches"]["copy"], branches["branches"]["main"]);
    scene.post("deleteBranch", on(json!({ "branch": "copy" }))).await;

    for verb in ["disable", "enable"] {
        scene.post(verb, json!({ "repository": "ops" })).await;
    }
    for verb in ["deny", "permit"] {
        scene.post(verb, json!({ "repository": "ops", "as": "bob", "permission": "ForcePush" })).await;
    }
    for verb in ["protect", "wantResolved", "unprotect"] {
        scene.post(verb, json!({ "repository": "ops", "branch": "main" })).await;
    }
    let before = scene.sim.read().await.now();
    scene.post("advance", json!({ "seconds": 3600 })).await;
    assert!(scene.sim.read().await.now().duration_since(before).as_secs() >= 3600);
    let id = scene.post("fault", json!({ "spec": "500@1" })).await["id"].clone();
    let faults = scene.send(Method::GET, "/_sim/faults", Value::Null).await.1;
    assert_eq!(faults["faults"][0]["spec"], "500@1");
    scene.post("unfault", json!({ "id": id })).await;
    scene.post("unfault", json!({})).await;
    scene.post("expire", json!({ "token": "bob-token" })).await;
    scene.post("revoke", json!({ "token": "carol-token" })).await;
    scene.sim.traffic.count("GET refs");
    let counted = scene.send(Method::GET, "/_sim/requests", Value::Null).await.1;
    assert_eq!((&counted["total"], &counted["byRoute"]["GET refs"]), (&json!(1), &json!(1)));
    scene.post("resetRequests", json!({})).await;
    scene.post("cast", json!({ "state": "paused", "pace": 2.0 })).await;
    assert_eq!(scene.send(Method::GET, "/_sim/cast", Value::Null).await.1["state"], "paused");
    let merged = scene
        .post(
            "merge",
            json!({ "pullRequest": scene.find("HAR-21").await.id, "as": "erin", "strategy": "rebaseMerge", "deleteSource": true }),
        )
        .await;
    assert_eq!(merged["commit"].as_str().map(str::len), Some(40));
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_so() {
    let scene = scene();
    for (verb, body, status, part) in [
        ("dance", json!({}), 404, "no control route"),
        ("vote", json!({ "pullRequest": 1, "as": "bob" }), 400, "missing field"),
        ("vote", json!({ "pullRequest": 1, "as": "bob", "vote": 10, "loud": true }), 400, "loud"),
        ("vote", json!({ "pullRequest": 999, "as": "bob", "vote": 10 }), 404, "TF401180"),
        ("vote", json!({ "pullRequest": 1, "as": "nobody", "vote": 10 }), 400, "Nobody is called"),
        ("fault", json!({ "spec": "418" }), 400, "unknown kind"),
    ] {
        let (got, answer) = scene.send(Method::POST, &format!("/_sim/{verb}"), body).await;
        let words = answer["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(got.as_u16(), status, "{verb}: {words}");
        assert!(words.contains(part), "{words}");
    }
}

#[tokio::test]
async fn the_cast_takes_a_new_pull_request_to_its_merge() {
    let scene = scene();
    let mut play = Play::begin(&*scene.sim.read().await);
    play.beat(&scene.sim, 1.0).await;
    let id = scene.opened_by_alice("tide-api", "feature/HAR-30").await;
    let mut seen = Vec::new();
    for _ in 0..9 {
        play.beat(&scene.sim, 1.0).await;
        scene.control.settle().await.expect("settles");
        let row = scene.get(id).await;
        let remarks = row.threads.iter().filter(|thread| !thread.is_system()).count();
        let votes = row.reviewers.iter().filter(|reviewer| reviewer.vote == 10).count();
        seen.push((row.statuses.len(), remarks, votes, row.state == PrState::Completed));
        scene.control.advance(SignedDuration::from_secs(10)).await;
    }
    assert_eq!(
        seen,
        [
            (0, 0, 0, false),
            (1, 0, 0, false),
            (2, 1, 0, false),
            (2, 1, 0, false),
            (2, 1, 0, false),
            (2, 1, 1, false),
            (2, 1, 1, true),
            (2, 1, 1, true),
            (2, 1, 1, true),
        ]
    );
    let row = scene.get(id).await;
    assert_eq!(row.completion.expect("completed").strategy, MergeStrategy::Squash);
}

#[tokio::test]
async fn the_cast_waits_for_a_draft_and_for_a_conflict() {
    let scene = scene();
    let mut play = Play::begin(&*scene.sim.read().await);
    let id = scene.opened_by_alice("ops", "feature/HAR-30").await;
    let alice = scene.control.person("alice").await.expect("there");
    deed::update_pull_request(&scene.sim, alice, id, vec![Change::Draft(true)]).await.expect("drafts");
    let beat = async |play: &mut Play| {
        for _ in 0..10 {
            play.beat(&scene.sim, 1.0).await;
            scene.control.settle().await.expect("settles");
            scene.control.advance(SignedDuration::from_secs(10)).await;
        }
    };
    beat(&mut play).await;
    assert_eq!(scene.get(id).await.reviewers.len(), 0);
    scene.control.publish(id, "alice").await.expect("publishes");
    scene.control.make_conflict(id, "dave").await.expect("commits");
    beat(&mut play).await;
    let row = scene.get(id).await;
    assert!(row.is_active());
    assert_eq!(row.reviewers.len(), 1);
}

#[tokio::test]
async fn the_scenes_of_the_seeded_pull_requests_play_to_the_end() {
    let scene = scene();
    let mut play = Play::begin(&*scene.sim.read().await);
    for _ in 0..50 {
        play.beat(&scene.sim, 1.0).await;
        scene.control.settle().await.expect("settles");
        scene.control.advance(SignedDuration::from_secs(10)).await;
    }
    assert_eq!(scene.find("HAR-21").await.state, PrState::Completed);
    assert!(!scene.find("HAR-17").await.is_draft);
    let zone = scene.find("HAR-11").await;
    assert!(zone.is_active());
    assert!(zone.reviewers.iter().all(|reviewer| reviewer.vote >= 5));
}

#[tokio::test]
async fn a_paused_cast_does_nothing() {
    let scene = scene();
    crate::sim::cast::start(scene.sim.clone(), Cast::Paused);
    let before = serde_json::to_value(scene.control.world().await.pull_requests).expect("serialises");
    scene.control.advance(SignedDuration::from_secs(1000)).await;
    tokio::task::yield_now().await;
    let after = serde_json::to_value(scene.control.world().await.pull_requests).expect("serialises");
    assert_eq!(before, after);
    scene.sim.stopping.cancel();
}
