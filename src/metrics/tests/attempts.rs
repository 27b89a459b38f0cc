//! Stages that were tried again, and runs that were deployed again.

use super::world::*;
use crate::domain::id::ObjectId;
use crate::domain::run::{DefinitionKind, RunResult, StageResult};
use crate::metrics::departures::{self, StageState, Stop};
use crate::metrics::figures::{Metric, Value};
use crate::metrics::input::StageRun;

fn count(world: &World) -> u64 {
    match world.tile(Metric::DeploymentFrequency).value {
        Value::Frequency { count, .. } => count,
        other => panic!("{other:?}"),
    }
}

/// When it was deployed, oldest first, with what is said of it.
fn deployed(world: &World) -> Vec<(String, String)> {
    let mut rows = world.rows(Metric::DeploymentFrequency);
    rows.retain(|row| row.excluded.is_none());
    rows.sort_by_key(|row| row.at);
    rows.into_iter().map(|row| (row.at.strftime("%d %H:%M").to_string(), row.words)).collect()
}

fn times(world: &World) -> Vec<String> {
    deployed(world).into_iter().map(|(at, _)| at).collect()
}

/// Failed of all attempts that count.
fn reliability(world: &World) -> (u64, u64) {
    match world.tile(Metric::PipelineReliability).value {
        Value::Rate { k, n, .. } => (k, n),
        other => panic!("{other:?}"),
    }
}

/// Lead times in hours by pull request.
fn leads(world: &World) -> Vec<(i64, f64)> {
    let mut rows = world.rows(Metric::LeadTime);
    rows.retain(|row| row.excluded.is_none());
    let mut found: Vec<(i64, f64)> =
        rows.iter().map(|row| (numbers(std::slice::from_ref(row), None)[0], row.seconds.unwrap() / 3_600.0)).collect();
    found.sort_by_key(|(number, _)| *number);
    found
}

/// Another attempt of stage `Production` of a run of pipeline 1.
fn again<'a>(world: &'a mut World, run: i64, attempt: i64, at: &str, number: i64) -> &'a mut StageRun {
    let stage = world.deploy(1, run, at, WEB, number);
    stage.attempt = attempt;
    stage
}

#[test]
fn attempts_that_failed_are_taken_up_by_the_one_that_follows() {
    let mut world = World::with_web();
    again(&mut world, 2, 1, "2026-03-10 09:00", 1).result = StageResult::Failed;
    again(&mut world, 2, 2, "2026-03-10 09:20", 1).result = StageResult::Canceled;
    again(&mut world, 2, 3, "2026-03-10 09:40", 1);
    assert_eq!(deployed(&world), [("10 09:40".to_owned(), "after a retry".to_owned())]);
    assert_eq!(reliability(&world), (0, 1), "the one that stands");
    // Order of rows does not matter.
    world.input.stages.reverse();
    assert_eq!((times(&world), reliability(&world)), (vec!["10 09:40".to_owned()], (0, 1)));
}

#[test]
fn a_later_attempt_that_fails_does_not_undo_what_was_deployed() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    again(&mut world, 2, 1, "2026-03-09 12:00", 1);
    let failed = again(&mut world, 2, 2, "2026-03-10 12:00", 1);
    failed.result = StageResult::Failed;
    assert_eq!(times(&world), ["09 12:00"]);
    assert_eq!(leads(&world), [(1, 4.0)]);
    assert_eq!(reliability(&world), (1, 2), "and it is a failed attempt of its own");
}

#[test]
fn an_old_run_that_is_run_again_keeps_its_first_deployment() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.merge(WEB, 2, ["2026-03-09 12:30", "2026-03-09 13:00", "", "", "2026-03-09 14:00"]);
    again(&mut world, 2, 1, "2026-03-09 12:00", 1);
    world.deploy(1, 3, "2026-03-09 16:00", WEB, 2);
    again(&mut world, 2, 2, "2026-03-09 18:00", 1);
    // 1: 08:00 -> 12:00 = 4 h, 2: 12:30 -> 16:00 = 3.5 h.
    assert_eq!(leads(&world), [(1, 4.0), (2, 3.5)]);
    assert_eq!(times(&world), ["09 12:00", "09 16:00", "09 18:00"]);
    assert!(deployed(&world)[2].1.contains("back to an older commit"), "{:?}", deployed(&world));
}

#[test]
fn a_stage_run_again_after_its_success_is_the_same_commit_again() {
    let mut world = World::with_web();
    again(&mut world, 2, 1, "2026-03-10 09:00", 1).sha = None;
    again(&mut world, 2, 2, "2026-03-10 15:00", 1).sha = None;
    let words: Vec<String> = deployed(&world).into_iter().map(|(_, words)| words).collect();
    assert_eq!(words, ["", "the same commit again"], "it is the same run, though its commit is not known");
}

#[test]
fn regions_that_follow_each_other_are_one_deployment_and_another_round_is_another() {
    let mut world = World::with_web();
    world.kind(1, "deploy web", "ProdEU", None);
    again(&mut world, 2, 1, "2026-03-10 09:00", 1);
    world.stage(1, 2, "ProdEU", "2026-03-10 09:30", WEB, 1).result = StageResult::Failed;
    world.stage(1, 2, "ProdEU", "2026-03-10 10:00", WEB, 1).attempt = 2;
    assert_eq!(times(&world), ["10 10:00"]);
    assert!(deployed(&world)[0].1.contains("2 of 2 environments, the last 1h after the first"), "{:?}", deployed(&world));
    // Both once more the next day, and one of them alone the day after.
    again(&mut world, 2, 2, "2026-03-11 09:00", 1);
    world.stage(1, 2, "ProdEU", "2026-03-11 09:30", WEB, 1).attempt = 3;
    again(&mut world, 2, 3, "2026-03-12 09:00", 1);
    assert_eq!(times(&world), ["10 10:00", "11 09:30", "12 09:00"]);
    assert_eq!((count(&world), reliability(&world)), (3, (0, 5)));
}

#[test]
fn an_attempt_that_waits_or_was_refused_leaves_the_success_before_it() {
    let mut world = World::with_web();
    again(&mut world, 2, 1, "2026-03-10 09:00", 1);
    let waiting = again(&mut world, 2, 2, "2026-03-11 09:00", 1);
    (waiting.result, waiting.started_at, waiting.finished_at, waiting.run_result) = (StageResult::Pending, None, None, None);
    assert_eq!((times(&world), reliability(&world)), (vec!["10 09:00".to_owned()], (0, 1)));
    let refused = world.input.stages.last_mut().unwrap();
    (refused.result, refused.run_result) = (StageResult::Rejected, Some(RunResult::Failed));
    assert_eq!((times(&world), reliability(&world)), (vec!["10 09:00".to_owned()], (0, 1)));
}

#[test]
fn a_classic_release_deployed_again_after_others_is_a_rollback_and_keeps_its_first_time() {
    let mut world = World::new();
    world.kind(7, "Shop", "Production", Some("Production")).kind = DefinitionKind::Release;
    for (release, attempt, result, at) in [
        (46, 1, StageResult::Succeeded, "2026-03-03 09:00"),
        (47, 1, StageResult::Failed, "2026-03-04 09:00"),
        (47, 2, StageResult::Succeeded, "2026-03-04 10:00"),
        (48, 1, StageResult::Succeeded, "2026-03-05 09:00"),
        (47, 3, StageResult::Succeeded, "2026-03-06 09:00"),
    ] {
        let stage = world.deploy(7, release, at, WEB, release);
        (stage.kind, stage.environment, stage.attempt, stage.result) =
            (DefinitionKind::Release, Some("Production".to_owned()), attempt, result);
    }
    assert_eq!(times(&world), ["03 09:00", "04 10:00", "05 09:00", "06 09:00"]);
    let said = deployed(&world);
    assert!(said[1].1.ends_with("after a retry") && said[3].1.ends_with("back to an older commit"), "{said:?}");
}

#[test]
fn a_commit_is_in_production_from_the_first_attempt_that_succeeded() {
    let mut world = World::with_web();
    world.push(WEB, 1, "2026-03-09 10:00");
    again(&mut world, 2, 1, "2026-03-09 11:00", 1).result = StageResult::Failed;
    again(&mut world, 2, 2, "2026-03-09 12:00", 1);
    again(&mut world, 2, 3, "2026-03-10 12:00", 1).result = StageResult::Failed;
    let shown = |world: &World, commit: &ObjectId| -> Vec<StageState> {
        let stops = departures::of(WEB, commit, None, &world.input, &world.rules, &[]);
        stops.into_iter().filter_map(|stop| if let Stop::Stage { state, .. } = stop { Some(state) } else { None }).collect()
    };
    assert_eq!(shown(&world, &commit(1)), [StageState::Done { at: Some(t("2026-03-09 12:00")) }]);
    world.input.stages.remove(2);
    assert_eq!(shown(&world, &commit(1)), [StageState::Failed { at: Some(t("2026-03-10 12:00")) }], "else the last");
}
