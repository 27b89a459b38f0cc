//! What failed, what put it right, and what was unplanned.

use super::world::*;
use crate::metrics::figures::{Metric, Reason, Row, Subject, Value};
use crate::metrics::flow::title_mark;
use crate::metrics::input::{IncidentSource, Nature, Reverted};

/// Three deployments of web, a day apart.
fn three() -> World {
    let mut world = World::with_web();
    for (number, day) in [(1, 10), (2, 11), (3, 12)] {
        let at = |hour: u32| format!("2026-03-{day} {hour:02}:00");
        world.merge(WEB, number, [&at(8), &at(9), "", "", &at(10)]);
        world.deploy(1, number + 1, &at(12), WEB, number);
    }
    world
}

fn failed(world: &World) -> (u64, u64) {
    match world.tile(Metric::ChangeFailRate).value {
        Value::Rate { k, n, .. } => (k, n),
        other => panic!("{other:?}"),
    }
}

fn unplanned(world: &World) -> u64 {
    match world.tile(Metric::ReworkRate).value {
        Value::Rate { k, .. } => k,
        other => panic!("{other:?}"),
    }
}

/// The runs that failed, in order.
fn failed_runs(world: &World) -> Vec<i64> {
    let failed = world.rows(Metric::ChangeFailRate).into_iter().filter(|row| row.words.contains("failed: ")).collect::<Vec<_>>();
    numbers(&failed, None)
}

/// A pull request of web on 12 or 13 March that reverts another, or the one that its title tells.
fn revert(world: &mut World, number: i64, closed: &str, reverts: Option<Reverted>) {
    let flow = world.merge(WEB, number, ["2026-03-12 08:00", "2026-03-12 09:00", "", "", closed]);
    (flow.nature, flow.reverts) = (Nature::Revert, reverts);
}

fn recoveries(world: &World) -> Vec<f64> {
    match world.tile(Metric::RecoveryTime).value {
        Value::Few { seconds } => seconds.iter().map(|seconds| seconds / 3_600.0).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_nothing_tells_failures_nothing_is_measured() {
    let world = three();
    for metric in [Metric::ChangeFailRate, Metric::RecoveryTime, Metric::ReworkRate] {
        assert!(matches!(world.tile(metric).value, Value::NotMeasured { .. }), "{metric:?}");
    }
}

#[test]
fn a_source_of_incidents_without_incidents_is_a_rate_of_zero_with_its_interval() {
    let mut world = three();
    world.input.projects[0].incident_source = IncidentSource::Observed;
    match world.tile(Metric::ChangeFailRate).value {
        Value::Rate { k: 0, n: 3, low, high } => assert!(low == 0.0 && high > 0.5),
        other => panic!("{other:?}"),
    }
    assert!(matches!(world.tile(Metric::RecoveryTime).value, Value::NotMeasured { .. }));
}

#[test]
fn a_source_that_may_not_be_read_tells_nothing() {
    let mut world = three();
    world.input.projects[0].incident_source = IncidentSource::Configured;
    let state =
        world.input.projects[0].collection.sources.iter_mut().find(|s| s.source == crate::domain::collection::Source::WorkItems).unwrap();
    state.refused = Some("the token lacks Work Items (read)".to_owned());
    let tile = world.tile(Metric::ChangeFailRate);
    assert!(matches!(tile.value, Value::NotMeasured { .. }), "{:?}", tile.value);
    assert_eq!(tile.missing.len(), 1);
}

#[test]
fn an_incident_of_a_pull_request_fails_the_deployment_that_brought_it() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-14 09:00").pull_requests = vec![(WEB, 1)];
    assert_eq!(failed(&world), (1, 3));
    // The next deployment after the incident: none; not resolved: open since 10 March 12:00.
    assert_eq!(world.tile(Metric::RecoveryTime).value, Value::AtLeast { seconds: hours(22.0 * 24.0 + 12.0), open: 1 });
    world.input.incidents[0].resolved_at = Some(t("2026-03-15 12:00"));
    assert_eq!(recoveries(&world), [120.0]);
}

#[test]
fn an_incident_of_a_commit_or_a_build_is_linked_too() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-14 09:00").commits = vec![commit(2)];
    world.incident(2, "Harbour", "2026-03-14 09:00").builds = vec![4];
    assert_eq!(failed(&world), (2, 3));
    let rows = world.rows(Metric::RecoveryTime);
    assert_eq!(numbers(&rows, None), [3, 4]);
}

#[test]
fn an_incident_that_hangs_on_nothing_is_of_the_last_deployment_within_72_hours() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-15 12:00");
    assert_eq!(failed(&world), (1, 3));
    world.input.incidents[0].created_at = t("2026-03-15 12:01");
    assert_eq!(failed(&world), (0, 3));
    // A later deployment in between takes it.
    world.input.incidents[0].created_at = t("2026-03-11 11:00");
    assert_eq!(numbers(&world.rows(Metric::RecoveryTime), None), [2]);
}

#[test]
fn an_area_path_that_names_a_service_or_its_repository_is_about_that_one() {
    let mut world = three();
    world.kind(2, "shop", "Production", None);
    world.push(API, 70, "2026-03-01 09:00");
    world.deploy(2, 90, "2026-03-12 18:00", API, 70);
    for (area, run) in [("Harbour", 90), ("Harbour\\Web", 4), ("Harbour\\Teams\\Shop", 90), ("Harbour\\API", 90)] {
        world.input.incidents.clear();
        world.incident(1, area, "2026-03-13 09:00");
        assert_eq!(numbers(&world.rows(Metric::RecoveryTime), None), [run], "{area}");
    }
}

#[test]
fn an_area_path_that_names_something_else_is_nobodys_and_said_so() {
    let mut world = three();
    world.incident(1, "Harbour\\Billing", "2026-03-12 13:00");
    assert_eq!(failed(&world), (0, 3));
    let said = "1 incident is linked to nothing, in an area that names no service: it fails no deployment".to_owned();
    assert!(world.tile(Metric::ChangeFailRate).notes.contains(&said));
    // What it hangs on tells more than its area.
    world.input.incidents[0].builds = vec![3];
    assert_eq!((failed_runs(&world), world.tile(Metric::ChangeFailRate).notes.contains(&said)), (vec![3], false));
}

#[test]
fn a_fix_that_an_older_incident_hangs_on_is_unplanned_and_did_not_fail() {
    let mut world = three();
    // Hangs on the pull request that fixed it: the deployment before it failed.
    world.incident(1, "Harbour", "2026-03-10 20:00").pull_requests = vec![(WEB, 2)];
    assert_eq!((failed(&world), unplanned(&world)), ((1, 3), 1));
    assert_eq!(numbers(&world.rows(Metric::RecoveryTime), None), [2]);
    assert_eq!(recoveries(&world), [24.0]);
}

#[test]
fn a_rollback_fails_the_deployment_before_it_and_is_unplanned() {
    let mut world = three();
    world.deploy(1, 5, "2026-03-12 15:00", WEB, 2);
    assert_eq!((failed(&world), unplanned(&world), recoveries(&world)), ((1, 4), 1, vec![3.0]));
    assert!(world.rows(Metric::ChangeFailRate).iter().any(|row| row.words.contains("rolled back by run 5")));
}

#[test]
fn a_rollback_fails_all_that_it_takes_back() {
    // Runs 2, 3 and 4 brought 1, 2 and 3; back to 1 takes back two of them, back to 2 only one.
    for (back_to, at, expected) in [
        (1, "2026-03-12 15:00", vec![3, 4]),
        (2, "2026-03-12 15:00", vec![4]),
        (1, "2026-03-20 15:00", vec![3, 4]),
        (0, "2026-03-12 15:00", vec![2, 3, 4]),
    ] {
        let mut world = three();
        world.deploy(1, 9, at, WEB, back_to);
        assert_eq!((failed_runs(&world), unplanned(&world)), (expected, 1), "back to {back_to} at {at}");
    }
}

#[test]
fn what_a_rollback_took_back_does_not_fail_again_by_the_next() {
    let mut world = three();
    world.deploy(1, 5, "2026-03-12 13:00", WEB, 2);
    world.deploy(1, 6, "2026-03-12 14:00", WEB, 1);
    // Run 5 takes back run 4; run 6 takes back run 5 and what it went back to, run 3.
    assert_eq!(failed_runs(&world), [3, 4, 5]);
    let words = |run: i64| {
        let is_of = |row: &Row| matches!(row.subject, Subject::Deployment { run: of, .. } if of == run);
        world.rows(Metric::ChangeFailRate).into_iter().find(is_of).unwrap().words
    };
    assert!(words(4).contains("failed: rolled back by run 5 of deploy web"), "{}", words(4));
    assert!(words(3).contains("failed: rolled back by run 6 of deploy web"), "{}", words(3));
}

#[test]
fn a_rollback_of_releases_goes_by_their_commits_and_then_by_their_numbers() {
    use crate::domain::run::DefinitionKind;
    let releases = |commits: [Option<i64>; 4], runs: [i64; 4]| {
        let mut world = three();
        world.input.projects[0].incident_source = IncidentSource::Configured;
        world.input.tips.clear();
        world.input.kinds[0].kind = DefinitionKind::Release;
        for ((stage, commit_of), run) in world.input.stages.iter_mut().zip(commits).zip(runs) {
            (stage.kind, stage.run, stage.sha) = (DefinitionKind::Release, run, commit_of.map(commit));
        }
        failed_runs(&world)
    };
    // A new release of the commit of the first, and the first release again. The first is older than the window.
    assert_eq!(releases([Some(1), Some(2), Some(3), Some(1)], [1, 2, 3, 4]), [2, 3]);
    assert_eq!(releases([None; 4], [11, 13, 14, 12]), [13, 14]);
    assert!(releases([None; 4], [11, 12, 13, 14]).is_empty());
}

#[test]
fn an_old_commit_without_a_place_is_a_rollback_when_it_was_deployed_before() {
    let mut world = three();
    world.input.tips.clear();
    world.deploy(1, 5, "2026-03-12 15:00", WEB, 1);
    assert_eq!(failed(&world), (2, 4), "both that came after it");
}

#[test]
fn a_commit_of_the_line_after_one_of_no_line_is_a_rollback_when_it_was_deployed_before() {
    let mut world = three();
    // From a branch that was never merged, then back to what was there.
    world.deploy(1, 5, "2026-03-12 15:00", WEB, 88);
    world.deploy(1, 6, "2026-03-12 16:00", WEB, 3);
    assert_eq!((failed(&world), unplanned(&world)), ((1, 5), 1));
}

#[test]
fn a_hotfix_or_revert_within_24_hours_fails_the_deployment_before_it() {
    for nature in [Nature::Hotfix, Nature::Revert] {
        for (closed, deployed, expected) in [("2026-03-13 10:00", "2026-03-13 12:00", 1), ("2026-03-13 10:00", "2026-03-13 12:01", 0)] {
            let mut world = three();
            world.merge(WEB, 4, ["2026-03-13 08:00", "2026-03-13 09:00", "", "", closed]).nature = nature;
            world.deploy(1, 5, deployed, WEB, 4);
            assert_eq!((failed(&world).0, unplanned(&world)), (expected, 1), "{nature:?} {deployed}");
        }
    }
}

#[test]
fn a_revert_fails_the_deployment_that_brought_what_it_takes_back() {
    // Run 4 brought 3 at noon; run 5 brings something else; run 6 takes 3 back.
    for (reverts, expected) in [
        (Some(Reverted::Title(title_mark("Change 3"))), 4),
        (Some(Reverted::Number(3)), 4),
        // Nobody knows what: the one before.
        (Some(Reverted::Title(title_mark("Change 300"))), 5),
        (None, 5),
    ] {
        let mut world = three();
        world.merge(WEB, 4, ["2026-03-12 12:10", "2026-03-12 12:20", "", "", "2026-03-12 12:30"]);
        world.deploy(1, 5, "2026-03-12 13:00", WEB, 4);
        revert(&mut world, 5, "2026-03-12 13:30", reverts);
        world.deploy(1, 6, "2026-03-12 14:00", WEB, 5);
        assert_eq!((failed_runs(&world), unplanned(&world)), (vec![expected], 1), "{reverts:?}");
    }
}

#[test]
fn a_revert_more_than_24_hours_after_what_it_takes_back_is_unplanned_and_fails_nobody() {
    for (at, expected) in [("2026-03-13 12:00", vec![4]), ("2026-03-13 12:01", vec![])] {
        let mut world = three();
        world.merge(WEB, 4, ["2026-03-12 12:10", "2026-03-12 12:20", "", "", "2026-03-12 12:30"]);
        world.deploy(1, 5, "2026-03-12 13:00", WEB, 4);
        revert(&mut world, 5, "2026-03-13 11:00", Some(Reverted::Number(3)));
        world.deploy(1, 6, at, WEB, 5);
        assert_eq!((failed_runs(&world), unplanned(&world)), (expected, 1), "{at}");
    }
}

#[test]
fn a_revert_deployed_together_with_what_it_takes_back_fails_nobody_and_was_planned() {
    let mut world = three();
    world.input.projects[0].incident_source = IncidentSource::Configured;
    world.merge(WEB, 10, ["2026-03-12 13:00", "2026-03-12 13:10", "", "", "2026-03-12 14:00"]);
    revert(&mut world, 11, "2026-03-12 15:20", Some(Reverted::Title(title_mark("Change 10"))));
    world.deploy(1, 6, "2026-03-12 16:00", WEB, 11);
    assert_eq!((failed(&world), unplanned(&world)), ((0, 4), 0));
    // Nor does it show that reverts are made here.
    world.input.projects[0].incident_source = IncidentSource::None;
    assert!(matches!(world.tile(Metric::ChangeFailRate).value, Value::NotMeasured { .. }));
}

#[test]
fn a_revert_of_what_is_older_than_all_deployments_is_of_the_first_that_had_it() {
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 08:00", "", "", "2026-03-09 09:00"]);
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 08:00", "", "", "2026-03-09 10:00"]);
    world.deploy(1, 1, "2026-03-12 06:00", WEB, 2);
    world.merge(WEB, 3, ["2026-03-12 06:00", "2026-03-12 06:00", "", "", "2026-03-12 06:30"]);
    world.deploy(1, 2, "2026-03-12 07:00", WEB, 3);
    revert(&mut world, 4, "2026-03-12 09:30", Some(Reverted::Number(1)));
    world.deploy(1, 3, "2026-03-12 10:00", WEB, 4);
    assert_eq!(failed_runs(&world), [1]);
}

#[test]
fn of_several_of_a_title_a_revert_takes_back_the_last_before_it() {
    let mut world = three();
    for flow in &mut world.input.flows {
        flow.title = title_mark("Bump the version");
    }
    revert(&mut world, 5, "2026-03-12 13:30", Some(Reverted::Title(title_mark("bump the version "))));
    world.deploy(1, 6, "2026-03-12 14:00", WEB, 5);
    world.merge(WEB, 7, ["2026-03-12 15:00", "2026-03-12 15:00", "", "", "2026-03-12 15:30"]).title = title_mark("Bump the version");
    assert_eq!(failed_runs(&world), [4]);
}

#[test]
fn a_hotfix_deployed_again_does_not_fail_itself() {
    let mut world = three();
    for (run, at) in [(5, "2026-03-12 18:00"), (6, "2026-03-12 19:00")] {
        world.deploy(1, run, at, WEB, 88).branch = Some("hotfix/login".to_owned());
    }
    assert_eq!(failed_runs(&world), [4]);
}

#[test]
fn an_incident_of_a_change_off_the_line_fails_the_deployment_that_brought_it_first() {
    let mut world = three();
    world.merge(WEB, 20, ["2026-03-13 08:00", "2026-03-13 09:00", "", "", "2026-03-13 10:00"]).target_branch = "release/1".to_owned();
    world.input.tips.pop();
    world.deploy(1, 20, "2026-03-13 12:00", WEB, 20);
    world.deploy(1, 21, "2026-03-13 13:00", WEB, 20);
    world.incident(1, "Harbour", "2026-03-13 14:00").pull_requests = vec![(WEB, 20)];
    assert_eq!(failed_runs(&world), [20]);
}

#[test]
fn a_deployment_from_a_hotfix_branch_is_one() {
    let mut world = three();
    world.deploy(1, 5, "2026-03-12 18:00", WEB, 88).branch = Some("hotfix/login".to_owned());
    assert_eq!((failed(&world).0, unplanned(&world), recoveries(&world)), (1, 1, vec![6.0]));
}

#[test]
fn recovery_skips_deployments_that_failed_themselves() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-10 13:00").pull_requests = vec![(WEB, 1)];
    world.incident(2, "Harbour", "2026-03-11 13:00").pull_requests = vec![(WEB, 2)];
    // 10 and 11 March failed; 12 March 12:00 recovers both.
    assert_eq!(recoveries(&world), [24.0, 48.0]);
}

#[test]
fn the_same_bad_commit_again_mends_nothing() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-12 13:00").pull_requests = vec![(WEB, 3)];
    world.deploy(1, 5, "2026-03-12 13:30", WEB, 3);
    world.merge(WEB, 4, ["2026-03-13 08:00", "2026-03-13 09:00", "", "", "2026-03-13 10:00"]);
    world.deploy(1, 6, "2026-03-13 12:00", WEB, 4);
    assert_eq!(recoveries(&world), [24.0]);
    // The end of its incident does.
    world.input.incidents[0].resolved_at = Some(t("2026-03-12 16:00"));
    assert_eq!(recoveries(&world), [4.0]);
}

#[test]
fn the_explanation_counts_what_failed_by_what_and_says_the_rules() {
    let mut world = three();
    world.incident(1, "Harbour", "2026-03-11 13:00").builds = vec![3];
    world.deploy(1, 9, "2026-03-12 15:00", WEB, 1);
    let formula = world.tile(Metric::ChangeFailRate).formula;
    let counted = "failed by incidents 1, rollbacks 2, reverts 0, hotfixes 0; one may be failed by several";
    assert!(formula.iter().any(|line| line == counted), "{formula:?}");
    assert!(formula.iter().any(|line| line.starts_with("a rollback fails every deployment that it takes back")), "{formula:?}");
    // Of what can't be said nothing is explained.
    assert!(three().tile(Metric::ChangeFailRate).formula.is_empty());
}

#[test]
fn a_deployment_younger_than_72_hours_does_not_count_yet() {
    let mut world = three();
    world.input.projects[0].incident_source = IncidentSource::Configured;
    world.now = t("2026-03-15 11:59");
    world.window.to = world.now;
    assert_eq!(failed(&world), (0, 2));
    assert_eq!(left_out(&world.tile(Metric::ChangeFailRate), Reason::TooYoung), 1);
    world.now = t("2026-03-15 12:00");
    assert_eq!(failed(&world), (0, 3));
}

#[test]
fn failed_stages_stand_for_failures_only_where_the_configuration_says_so() {
    let mut world = three();
    world.rules.stage_failures_as_proxy = true;
    world.input.stages[1].result = crate::domain::run::StageResult::Failed;
    let tile = world.tile(Metric::ChangeFailRate);
    assert!(matches!(tile.value, Value::Rate { k: 1, n: 3, .. }), "{:?}", tile.value);
    assert!(tile.notes.contains(&"proxy: failed production stages".to_owned()) && tile.band.is_none());
    // With a source the real figure is shown.
    world.input.projects[0].incident_source = IncidentSource::Configured;
    assert_eq!(failed(&world), (0, 2));
}

#[test]
fn a_project_is_not_measured_by_the_incidents_of_another() {
    let mut world = three();
    let mut other = world.input.projects[0].clone();
    (other.id, other.name, other.incident_source) = (crate::domain::id::ProjectId(2), "Quay".to_owned(), IncidentSource::Observed);
    world.input.projects.push(other);
    assert!(matches!(world.tile(Metric::ChangeFailRate).value, Value::NotMeasured { .. }));
    let query = crate::metrics::query::Query { projects: Vec::new(), ..world.query() };
    let tile = crate::metrics::summarise(&world.input, &query, world.now).tile(Metric::ChangeFailRate).unwrap().clone();
    assert!(matches!(tile.value, Value::NotMeasured { .. }), "{:?}", tile.value);
}
