//! What each state of a run or a stage counts as.

use super::world::*;
use crate::domain::run::{DefinitionKind, RunResult, StageResult};
use crate::metrics::figures::{Metric, Reason, Tile, Value};
use crate::metrics::input::Run;
use crate::metrics::query::{Definition, Query};
use crate::metrics::rows;

const DAY: &str = "2026-03-10 09:00";

/// One run in the window, as `change` has it: the tile of deployments and that of reliability.
fn after(change: impl FnOnce(&mut World)) -> (Tile, Tile) {
    let mut world = World::with_web();
    world.push(WEB, 1, "2026-03-09 09:00");
    world.deploy(1, 2, DAY, WEB, 1);
    change(&mut world);
    let figures = world.figures();
    let tile = |metric| figures.tile(metric).unwrap().clone();
    (tile(Metric::DeploymentFrequency), tile(Metric::PipelineReliability))
}

fn with_result(result: StageResult) -> (Tile, Tile) {
    after(|world| world.input.stages[1].result = result)
}

fn count(tile: &Tile) -> u64 {
    match tile.value {
        Value::Frequency { count, .. } => count,
        _ => panic!("{:?}", tile.value),
    }
}

#[test]
fn a_stage_that_succeeded_deploys_whatever_its_run_says() {
    for result in [StageResult::Succeeded, StageResult::SucceededWithIssues] {
        assert_eq!(count(&with_result(result).0), 1);
    }
    let (partly, _) = after(|world| world.input.stages[1].run_result = Some(RunResult::PartiallySucceeded));
    assert_eq!(count(&partly), 1);
    let (issues, _) = with_result(StageResult::SucceededWithIssues);
    assert!(issues.notes.contains(&"1 with issues".to_owned()));
}

#[test]
fn a_failed_stage_is_a_failed_attempt_and_no_deployment() {
    let (deployments, reliability) = with_result(StageResult::Failed);
    assert_eq!((count(&deployments), left_out(&deployments, Reason::FailedAttempt)), (0, 1));
    assert!(matches!(reliability.value, Value::Rate { k: 1, n: 1, .. }));
}

#[test]
fn what_never_ran_is_no_deployment() {
    for result in [StageResult::Skipped, StageResult::Abandoned, StageResult::Rejected, StageResult::Unknown] {
        let (deployments, reliability) = with_result(result);
        assert_eq!((count(&deployments), left_out(&deployments, Reason::Skipped)), (0, 1), "{result:?}");
        assert!(matches!(reliability.value, Value::NotMeasured { .. }));
    }
    // Never reached in a run that is over; and cancelled before it began.
    assert_eq!(left_out(&with_result(StageResult::Pending).0, Reason::Skipped), 1);
    let (before, _) = after(|world| {
        world.input.stages[1].result = StageResult::Canceled;
        world.input.stages[1].started_at = None;
    });
    assert_eq!(left_out(&before, Reason::Skipped), 1);
}

#[test]
fn a_stage_cancelled_after_its_start_is_in_no_rate() {
    let (deployments, reliability) = with_result(StageResult::Canceled);
    assert_eq!((count(&deployments), left_out(&deployments, Reason::Canceled)), (0, 1));
    assert_eq!(left_out(&reliability, Reason::Canceled), 1);
}

#[test]
fn a_stage_that_waits_in_a_run_that_goes_on_is_pending() {
    let (deployments, _) = after(|world| {
        let stage = &mut world.input.stages[1];
        (stage.result, stage.run_result, stage.finished_at, stage.run_finished_at) = (StageResult::Pending, None, None, None);
    });
    assert_eq!((count(&deployments), left_out(&deployments, Reason::Pending)), (0, 1));
}

#[test]
fn a_run_that_fails_after_production_is_a_success_with_a_note() {
    let (deployments, reliability) = after(|world| world.input.stages[1].run_result = Some(RunResult::Failed));
    assert_eq!(count(&deployments), 1);
    assert!(deployments.notes.contains(&"1 in a run that failed after production".to_owned()));
    assert!(matches!(reliability.value, Value::Rate { k: 0, n: 1, .. }));
}

#[test]
fn a_retried_stage_is_one_deployment_at_its_final_attempt() {
    let mut world = World::with_web();
    world.deploy(1, 2, "2026-03-10 09:40", WEB, 1).attempt = 2;
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!(count(&tile), 1);
    assert!(tile.notes.contains(&"1 after a retry".to_owned()));
    assert_eq!(world.rows(Metric::DeploymentFrequency)[0].at, t("2026-03-10 09:40"));
}

#[test]
fn regions_are_one_deployment_at_the_last() {
    let mut world = World::with_web();
    world.kind(1, "deploy web", "ProdEU", None);
    world.deploy(1, 2, "2026-03-10 09:00", WEB, 1);
    world.stage(1, 2, "ProdEU", "2026-03-10 09:30", WEB, 1);
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!(count(&tile), 1);
    let row = &world.rows(Metric::DeploymentFrequency)[0];
    assert_eq!(row.at, t("2026-03-10 09:30"));
    assert!(row.words.contains("2 of 2 environments, the last 30m after the first"), "{}", row.words);
}

#[test]
fn one_region_that_fails_makes_it_a_failed_attempt() {
    let mut world = World::with_web();
    world.kind(1, "deploy web", "ProdEU", None);
    world.deploy(1, 2, "2026-03-10 09:00", WEB, 1);
    world.stage(1, 2, "ProdEU", "2026-03-10 09:30", WEB, 1).result = StageResult::Failed;
    assert_eq!(count(&world.tile(Metric::DeploymentFrequency)), 0);
    assert!(matches!(world.tile(Metric::PipelineReliability).value, Value::Rate { k: 1, n: 2, .. }));
}

#[test]
fn the_same_commit_again_counts_and_brings_nothing() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.deploy(1, 2, "2026-03-09 11:00", WEB, 1);
    world.deploy(1, 3, "2026-03-09 15:00", WEB, 1);
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!(count(&tile), 2);
    assert!(tile.notes.contains(&"1 of the same commit again".to_owned()));
    assert_eq!(world.tile(Metric::LeadTime).value, Value::Few { seconds: vec![hours(3.0)] });
}

#[test]
fn a_run_without_times_is_kept_and_has_no_duration() {
    let (untimed, _) = after(|world| {
        let stage = &mut world.input.stages[1];
        (stage.finished_at, stage.run_finished_at) = (None, None);
    });
    assert_eq!((count(&untimed), left_out(&untimed, Reason::NoTime)), (0, 1));
    let (nothing, _) = after(|world| {
        let stage = &mut world.input.stages[1];
        (stage.started_at, stage.finished_at, stage.run_finished_at) = (None, None, None);
    });
    assert_eq!(count(&nothing), 0);
    assert!(nothing.notes.contains(&"runs without any time, not counted: 1".to_owned()));
}

#[test]
fn a_pipeline_that_is_production_as_a_whole_counts_its_runs() {
    let mut world = World::new();
    world.kind(1, "Prod web", "", None);
    let run = |number, at: &str, result| Run {
        project: HARBOUR,
        definition: 1,
        number,
        result,
        started_at: Some(t(at)),
        finished_at: Some(t(at)),
        sha: Some(commit(number)),
        branch: Some("main".to_owned()),
        repository: Some(WEB),
        tags: Vec::new(),
    };
    world.input.runs = vec![
        run(1, "2026-03-03 09:00", Some(RunResult::Succeeded)),
        run(2, "2026-03-04 09:00", Some(RunResult::PartiallySucceeded)),
        run(3, "2026-03-05 09:00", Some(RunResult::Failed)),
        run(4, "2026-03-06 09:00", Some(RunResult::Canceled)),
        run(5, "2026-03-07 09:00", None),
    ];
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!(count(&tile), 2);
    assert_eq!(tile.excluded, excluded(&[(Reason::FailedAttempt, 1), (Reason::Canceled, 1), (Reason::Pending, 1)]));
    assert!(tile.notes.contains(&"1 with issues".to_owned()), "{:?}", tile.notes);
    assert!(matches!(world.tile(Metric::PipelineReliability).value, Value::Rate { k: 1, n: 3, .. }));
}

fn whole(number: i64, at: &str, branch: &str, tags: &[&str]) -> Run {
    Run {
        project: HARBOUR,
        definition: 1,
        number,
        result: Some(RunResult::Succeeded),
        started_at: Some(t(at)),
        finished_at: Some(t(at)),
        sha: Some(commit(number)),
        branch: Some(branch.to_owned()),
        repository: Some(WEB),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
    }
}

#[test]
fn a_run_that_validates_a_pull_request_is_no_deployment() {
    let mut world = World::new();
    world.kind(1, "prod-api", "", None);
    world.input.runs = vec![
        whole(1, "2026-03-03 09:00", "main", &[]),
        whole(2, "2026-03-04 09:00", "refs/pull/7/merge", &[]),
        whole(3, "2026-03-05 09:00", "refs/pull/8/merge", &[]),
    ];
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!((count(&tile), tile.excluded), (1, excluded(&[(Reason::Validation, 2)])));
    assert!(matches!(world.tile(Metric::PipelineReliability).value, Value::Rate { k: 0, n: 1, .. }));
}

#[test]
fn a_tag_makes_production_of_the_runs_that_have_it() {
    let mut world = World::new();
    world.kind(1, "web", "", None).tags = vec!["live".to_owned(), "nightly".to_owned()];
    world.input.runs = vec![
        whole(1, "2026-03-03 09:00", "main", &["live"]),
        whole(2, "2026-03-04 09:00", "main", &["nightly"]),
        whole(3, "2026-03-05 09:00", "main", &[]),
        whole(4, "2026-03-06 09:00", "main", &["nightly", "live"]),
    ];
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!((count(&tile), tile.excluded), (2, vec![]));
    // Whatever the newest run is tagged with.
    world.input.runs.reverse();
    assert_eq!(count(&world.tile(Metric::DeploymentFrequency)), 2);
    // In DevLake's way a tag says of its run that it is a deployment.
    world.input.kinds[0].definition_name = "web-prod".to_owned();
    world.input.kinds[0].tags = vec!["deploy".to_owned()];
    world.input.runs[0].tags = vec!["deploy".to_owned()];
    let query = Query { definition: Definition::DevLake, ..world.query() };
    let rows = rows(&world.input, &query, Metric::PipelineReliability, world.now);
    assert_eq!(numbers(&rows, None), [4]);
}

#[test]
fn classic_releases_deploy_like_pipelines_and_an_older_one_is_a_rollback() {
    let mut world = World::new();
    world.kind(7, "Shop", "Production", Some("Production")).kind = DefinitionKind::Release;
    for (release, at) in [(10, "2026-03-03 09:00"), (11, "2026-03-04 09:00"), (9, "2026-03-05 09:00")] {
        let stage = world.deploy(7, release, at, WEB, release);
        stage.kind = DefinitionKind::Release;
        stage.environment = Some("Production".to_owned());
    }
    let tile = world.tile(Metric::DeploymentFrequency);
    assert_eq!(count(&tile), 3);
    assert!(tile.notes.contains(&"1 back to an older commit".to_owned()));
}

#[test]
fn days_count_only_while_the_service_existed() {
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    world.deploy(1, 1, "2026-03-23 00:00", WEB, 1);
    match world.tile(Metric::DeploymentFrequency).value {
        Value::Frequency { count, days, per_day, .. } => assert_eq!((count, days, per_day), (1, 7.0, 1.0 / 7.0)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn weeks_before_the_first_sign_of_a_service_do_not_lower_its_deploy_days() {
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    for (run, day) in [(1, "18"), (2, "23"), (3, "24"), (4, "26")] {
        world.push(WEB, run, &format!("2026-03-{day} 09:00"));
        world.deploy(1, run, &format!("2026-03-{day} 12:00"), WEB, run);
    }
    let Value::Frequency { deploy_days_per_week, .. } = world.tile(Metric::DeploymentFrequency).value else { panic!() };
    assert_eq!(deploy_days_per_week, Some(3.0), "the week of the 23rd is the only whole one");
}
