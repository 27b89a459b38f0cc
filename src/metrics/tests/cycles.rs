//! Cycle time and its phases.

use super::world::*;
use crate::domain::pull_request::PullRequestStatus;
use crate::metrics::approvals::Knowledge;
use crate::metrics::figures::{Metric, Phase, Reason, Value};
use crate::metrics::input::{Nature, Segment};
use crate::metrics::query::{Hours, Query};

const USUAL: [&str; 5] = ["2026-03-09 08:00", "2026-03-09 09:00", "2026-03-09 10:00", "2026-03-09 12:00", "2026-03-09 15:00"];

fn few(hours_of: &[f64]) -> Value {
    Value::Few { seconds: hours_of.iter().map(|count| hours(*count)).collect() }
}

fn phase(world: &World, phase: Phase) -> (Value, Vec<crate::metrics::figures::Excluded>) {
    let figure = world.figures().phases.into_iter().find(|figure| figure.phase == phase).unwrap();
    (figure.value, figure.excluded)
}

#[test]
fn pickup_review_and_merge_wait_add_up_to_the_cycle_time() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL);
    assert_eq!(world.tile(Metric::CycleTime).value, few(&[6.0]));
    let parts = [(Phase::Coding, 1.0), (Phase::Pickup, 1.0), (Phase::Review, 2.0), (Phase::MergeWait, 3.0)];
    for (one, expected) in parts {
        assert_eq!(phase(&world, one).0, few(&[expected]), "{one:?}");
    }
}

#[test]
fn a_revert_is_left_out_unless_the_configuration_counts_it() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL).nature = Nature::Revert;
    assert_eq!(left_out(&world.tile(Metric::CycleTime), Reason::Revert), 1);
    world.rules.leave_out_reverts = false;
    assert_eq!(world.tile(Metric::CycleTime).value, few(&[6.0]));
}

#[test]
fn a_reverted_pull_request_keeps_its_own_times() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 15:00", "2026-03-09 15:30", "", "", "2026-03-09 16:00"]).nature = Nature::Revert;
    assert_eq!(world.tile(Metric::CycleTime).value, few(&[6.0]));
}

#[test]
fn an_abandoned_pull_request_is_never_in_cycle_time() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL).status = PullRequestStatus::Abandoned;
    let tile = world.tile(Metric::CycleTime);
    assert!(matches!(tile.value, Value::NotMeasured { .. }));
    assert_eq!(left_out(&tile, Reason::Abandoned), 1);
    assert_eq!(world.tile(Metric::Throughput).value, Value::Count { count: 0 });
}

#[test]
fn bots_are_a_segment_of_their_own_and_not_deleted() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL).segment = Segment::Bot;
    let tile = world.tile(Metric::CycleTime);
    assert_eq!(left_out(&tile, Reason::Bot), 1);
    assert!(matches!(tile.value, Value::NotMeasured { .. }));
    world.merge(WEB, 2, USUAL);
    let tile = world.tile(Metric::CycleTime);
    assert!(tile.notes.contains(&"of bots: n = 1".to_owned()), "{:?}", tile.notes);
}

#[test]
fn without_a_review_pickup_and_review_have_no_value() {
    let mut world = World::new();
    let flow = world.merge(WEB, 1, USUAL);
    (flow.first_review_at, flow.approved_at) = (None, None);
    for one in [Phase::Pickup, Phase::Review, Phase::MergeWait] {
        let (value, why) = phase(&world, one);
        assert!(matches!(value, Value::NotMeasured { .. }));
        assert_eq!(why, excluded(&[(Reason::NoReview, 1)]));
    }
    assert_eq!(world.tile(Metric::CycleTime).value, few(&[6.0]));
    assert!(matches!(world.tile(Metric::MergedWithoutReview).value, Value::Rate { k: 1, n: 1, .. }));
}

#[test]
fn an_undated_vote_is_unknown_and_a_review_all_the_same() {
    let mut world = World::new();
    let flow = world.merge(WEB, 1, USUAL);
    (flow.first_review_at, flow.approved_at, flow.undated_vote) = (None, None, true);
    assert_eq!(phase(&world, Phase::Pickup).1, excluded(&[(Reason::UndatedVote, 1)]));
    assert!(matches!(world.tile(Metric::MergedWithoutReview).value, Value::Rate { k: 0, n: 1, .. }));
}

#[test]
fn what_was_not_read_is_left_out_of_phases_and_told_in_the_coverage() {
    let mut world = World::new();
    let flow = world.merge(WEB, 1, USUAL);
    (flow.first_review_at, flow.approved_at, flow.has_threads) = (None, None, false);
    assert_eq!(phase(&world, Phase::Pickup).1, excluded(&[(Reason::NotRead, 1)]));
    assert_eq!(left_out(&world.tile(Metric::MergedWithoutReview), Reason::NotRead), 1);
    let tile = world.tile(Metric::CycleTime);
    let coverage = tile.coverage.unwrap();
    assert_eq!((tile.value, coverage.k, coverage.n), (few(&[6.0]), 0, 1));
}

#[test]
fn a_review_without_an_approval_has_a_pickup_only() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL).approved_at = None;
    assert_eq!(phase(&world, Phase::Pickup).0, few(&[1.0]));
    assert_eq!(phase(&world, Phase::Review).1, excluded(&[(Reason::NoApproval, 1)]));
}

#[test]
fn a_negative_time_is_invalid_and_never_zero() {
    let mut world = World::new();
    let flow = world.merge(WEB, 1, USUAL);
    flow.first_review_at = Some(t("2026-03-09 08:59"));
    assert_eq!(phase(&world, Phase::Pickup).1, excluded(&[(Reason::Invalid, 1)]));
    world.input.flows[0].closed_at = Some(t("2026-03-09 08:00"));
    assert_eq!(left_out(&world.tile(Metric::CycleTime), Reason::Invalid), 1);
}

#[test]
fn weekends_and_holidays_are_the_second_number_or_the_first_if_asked() {
    let mut world = World::new();
    // Friday 13 March 16:00 to Monday 11:00; five of them so that there is a median.
    for number in 1..=5 {
        world.merge(WEB, number, ["2026-03-13 15:00", "2026-03-13 16:00", "", "", "2026-03-16 11:00"]);
    }
    let tile = world.tile(Metric::CycleTime);
    assert!(matches!(tile.value, Value::Times { median, .. } if median == hours(67.0)), "{:?}", tile.value);
    assert!(tile.notes.contains(&"without weekends and holidays: 19h".to_owned()), "{:?}", tile.notes);
    let working = |world: &World| {
        let query = Query { hours: Hours::Working, ..world.query() };
        crate::metrics::summarise(&world.input, &query, world.now).tile(Metric::CycleTime).unwrap().clone()
    };
    let tile = working(&world);
    assert!(matches!(tile.value, Value::Times { median, .. } if median == hours(19.0)), "{:?}", tile.value);
    assert!(tile.notes.contains(&"in calendar hours: 2d 19h".to_owned()), "{:?}", tile.notes);
    world.rules.holidays = vec![jiff::civil::date(2026, 3, 16)];
    assert!(matches!(working(&world).value, Value::Times { median, .. } if median == hours(8.0)));
}

#[test]
fn working_hours_and_weeks_are_safe_across_the_change_of_the_clock() {
    let mut world = World::new();
    // Berlin changes on Sunday 29 March 2026: that week has 167 hours. Friday 27th 12:00 to Monday 30th 12:00 in Berlin.
    for number in 1..=5 {
        world.merge(WEB, number, ["2026-03-27 10:00", "2026-03-27 11:00", "", "", "2026-03-30 10:00"]);
    }
    world.window.to = t("2026-04-01 00:00");
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let query = Query { hours: Hours::Working, zone, ..world.query() };
    let figures = crate::metrics::summarise(&world.input, &query, world.now);
    let tile = figures.tile(Metric::CycleTime).unwrap();
    assert!(matches!(tile.value, Value::Times { median, .. } if median == hours(24.0)), "{:?}", tile.value);
    // Monday 30 March begins at 22:00 UTC on Sunday.
    let week = tile.weeks.iter().find(|week| week.starts == jiff::civil::date(2026, 3, 30)).unwrap();
    assert_eq!((week.n, week.value), (5, Some(hours(24.0))));
}

#[test]
fn the_deploy_wait_runs_from_completion_to_production() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, USUAL);
    world.deploy(1, 2, "2026-03-09 17:00", WEB, 1);
    let (value, why) = phase(&world, Phase::DeployWait);
    assert_eq!((value, why), (few(&[2.0]), excluded(&[(Reason::NotDeployed, 1)])));
}

#[test]
fn where_policies_are_not_seen_cycle_time_says_by_what_reviews_are_measured() {
    let mut world = World::new();
    world.merge(WEB, 1, USUAL);
    let said = |world: &World| world.tile(Metric::CycleTime).notes.into_iter().find(|note| note.contains("approvals"));
    assert_eq!(said(&world), None);
    world.input.projects[0].approvals = Knowledge::Unreadable { why: "the token lacks Code (read)".to_owned() };
    let note = said(&world).unwrap();
    assert_eq!(note, "how many approvals Harbour wants is not seen (the token lacks Code (read)): there the first one ends the review");
}
