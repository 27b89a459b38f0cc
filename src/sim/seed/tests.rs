//! The seeded organisation is whole, is what it says, and is the same each time.

use std::process::Command;

use super::*;
use crate::sim::git::{Repo, Version};
use crate::sim::world::{MergeStatus, PrState};

fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("in range")
}

fn seeded(seed: u64) -> (tempfile::TempDir, World) {
    told(seed, Month::Quiet)
}

fn told(seed: u64, last: Month) -> (tempfile::TempDir, World) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut world = World::empty("lumen", start());
    super::seed(&mut world, dir.path(), seed, start(), last).expect("seeds");
    (dir, world)
}

fn repo(dir: &tempfile::TempDir, world: &World, name: &str) -> Repo {
    let row = world.repositories.iter().find(|row| row.name == name).expect("seeded");
    Repo::at(crate::sim::host::git_path(dir.path(), row.id), "main")
}

#[test]
fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    // The clock's offset and what hangs on the present moment differ by the time the test takes.
    fn stable(world: &World) -> serde_json::Value {
        let mut value = serde_json::to_value(world).expect("serialises");
        value["clock"] = serde_json::Value::Null;
        for token in value["tokens"].as_array_mut().expect("tokens") {
            token["expires"] = serde_json::Value::Null;
        }
        for repository in value["repositories"].as_array_mut().expect("repositories") {
            repository["size"] = serde_json::Value::Null;
        }
        value
    }
    let (_one, first) = seeded(1);
    let (_two, again) = seeded(1);
    let (_three, other) = seeded(2);
    assert_eq!(stable(&first), stable(&again));
    assert_ne!(stable(&first), stable(&other));
}

#[test]
fn pull_requests_are_there_in_every_state() {
    let (_dir, world) = seeded(1);
    let count = |wanted: PrState| world.pull_requests.values().filter(|row| row.state == wanted).count();
    assert_eq!(count(PrState::Completed), 4);
    assert_eq!(count(PrState::Abandoned), 2);
    assert_eq!(count(PrState::Active), 6);
    let titled = |key: &str| world.pull_requests.values().find(|row| row.title.starts_with(key)).expect("seeded");
    assert_eq!(titled("HAR-9 ").merge.status, MergeStatus::Conflicts);
    assert_eq!(titled("HAR-14").merge.status, MergeStatus::Succeeded);
    assert!(titled("HAR-17").is_draft);
    assert!(world.pull_requests.values().all(|row| row.created < start()));
}

#[test]
fn every_repository_is_sound_and_specs_lie_on_their_branches() {
    let (dir, world) = seeded(1);
    for name in ["tide-api", "harbor-web", "pilot-cli", "ops"] {
        let repo = repo(&dir, &world, name);
        let out = Command::new("git").args(["fsck", "--strict"]).current_dir(repo.path()).output().expect("git runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let spec = repo(&dir, &world, "tide-api").file(&Version::Branch("feature/HAR-14".to_owned()), "/.tickets/HAR-14.md").expect("there");
    assert!(spec.starts_with(b"# HAR-14: "));
    assert!(repo(&dir, &world, "manifest").is_empty().expect("reads"));
}

#[test]
fn merges_were_made_the_way_they_say() {
    let (dir, world) = seeded(1);
    let parents = |key: &str, name: &str| {
        let row = world.pull_requests.values().find(|row| row.title.starts_with(key)).expect("seeded");
        let commit = row.merge.commit.clone().expect("merged");
        repo(&dir, &world, name).commit(&commit).expect("in git").parents.len()
    };
    assert_eq!(parents("HAR-3 ", "tide-api"), 2);
    assert_eq!(parents("HAR-5 ", "harbor-web"), 1);
    assert_eq!(parents("HAR-6 ", "pilot-cli"), 1);
    assert_eq!(parents("HAR-2 ", "ops"), 2);
}

#[test]
fn what_was_deployed_is_on_main_and_in_git() {
    let (dir, world) = seeded(1);
    assert!(world.builds.len() >= 25);
    for build in world.builds.values() {
        let row = world.repository(build.repository).expect("seeded");
        let repo = repo(&dir, &world, &row.name);
        assert!(repo.has_commit(&build.sha).expect("reads"), "build {}", build.id);
        let on_main = |sha: &str| {
            world
                .pushes
                .iter()
                .filter(|push| push.repository == row.id)
                .flat_map(|push| &push.moves)
                .any(|moved| moved.name == "refs/heads/main" && moved.new == sha)
        };
        assert!(build.pull_request.is_some() || on_main(&build.sha), "build {}", build.id);
        assert!(build.queued < start() && build.finished.is_none_or(|at| at < start()));
    }
    let recent = start() - SignedDuration::from_hours(24 * 30);
    let production =
        world.environment_deployments.values().filter(|row| [2, 4].contains(&row.environment) && row.started.is_some_and(|at| at > recent));
    assert!(production.count() >= 10);
}

#[test]
fn stages_follow_one_another_and_work_items_are_linked_from_both_sides() {
    let (_dir, world) = seeded(1);
    for build in world.builds.values() {
        let mut last = build.started.unwrap_or(build.queued);
        for attempt in build.stages.iter().flat_map(|stage| &stage.attempts) {
            for approval in &attempt.approvals {
                assert!(approval.since >= last, "build {}", build.id);
            }
            if let Some(started) = attempt.started {
                assert!(started >= last, "build {}", build.id);
            }
            last = attempt.finished.or(attempt.started).unwrap_or(last);
        }
        assert!(build.finished.is_none_or(|at| at >= last), "build {}", build.id);
    }
    let linked: Vec<_> = world.pull_requests.values().flat_map(|row| row.work_items.iter().map(move |item| (row.id, *item))).collect();
    assert_eq!(linked.len(), 8);
    for (request, item) in linked {
        let item = world.work_item(item).expect("there");
        assert!(item.relations.iter().any(|relation| relation.url.ends_with(&format!("%2F{request}"))));
        assert!(item.created <= item.changed && item.changed <= start());
    }
}

#[test]
fn a_busy_month_is_told_in_order_and_what_was_merged_went_out() {
    let (dir, world) = told(1, Month::Busy);
    let merged: Vec<_> = world.pull_requests.values().filter(|row| row.state == PrState::Completed).collect();
    let month = start() - SignedDuration::from_hours(24 * 30);
    let recent: Vec<_> = merged.iter().filter(|row| row.closed.is_some_and(|at| at > month)).collect();
    assert_eq!((merged.len(), recent.len()), (27, 23));
    assert_eq!(world.pull_requests.values().filter(|row| row.is_active()).count(), 6, "those that are open are the same");
    for row in &recent {
        let mut last = row.created;
        for thread in &row.threads {
            assert!(thread.published >= last, "{}", row.title);
            last = thread.published;
        }
        assert!(row.closed.is_some_and(|closed| closed >= last), "{}", row.title);
    }
    for name in ["tide-api", "harbor-web", "ops"] {
        let repository = world.repositories.iter().find(|row| row.name == name).expect("seeded");
        let of_main = |push: &&crate::sim::world::Push| {
            push.repository == repository.id && push.moves.iter().any(|moved| moved.name == "refs/heads/main")
        };
        let main: Vec<_> = world.pushes.iter().filter(of_main).collect();
        assert!(main.windows(2).all(|two| two[0].date < two[1].date && two[0].moves[0].new == two[1].moves[0].old), "{name}");
        let out = Command::new("git").args(["fsck", "--strict"]).current_dir(repo(&dir, &world, name).path()).output().expect("git runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    for build in world.builds.values().filter(|build| build.queued > month && build.pull_request.is_none()) {
        let push =
            world.pushes.iter().find(|push| push.moves.iter().any(|moved| moved.name == "refs/heads/main" && moved.new == build.sha));
        assert!(push.is_some_and(|push| push.date < build.queued), "build {} of a commit that was not there yet", build.id);
    }
    for (id, item) in &world.work_items {
        let built = item.relations.iter().filter_map(|relation| relation.url.rsplit('/').next()?.parse::<i32>().ok());
        assert!(built.filter(|_| item.tags.iter().any(|tag| tag == "Incident")).all(|build| world.builds.contains_key(&build)), "{id}");
    }
}
