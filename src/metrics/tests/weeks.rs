//! Figures week by week: a week in which nothing was measured is absent, one measured in part says so, and nought is a number.

use super::world::*;
use crate::metrics::figures::{Measured, Metric};
use crate::metrics::telling;

/// Of each week of March: how much of it was measured, its value, how many it rests on.
fn weeks(world: &World, metric: Metric) -> Vec<(Measured, Option<f64>, u64)> {
    world.tile(metric).weeks.iter().map(|week| (week.measured, week.value, week.n)).collect()
}

fn merged(world: &mut World, number: i64, day: &str) {
    let at = |hour: &str| format!("{day} {hour}");
    let times = [at("08:00"), at("09:00"), at("10:00"), at("11:00"), at("12:00")];
    world.merge(WEB, number, times.each_ref().map(String::as_str));
}

#[test]
fn weeks_before_anything_was_collected_are_absent_and_not_zero() {
    use Measured::{None as Nothing, Part, Whole};
    let mut world = World::with_web();
    // A Wednesday.
    world.input.projects[0].collection.from = Some(t("2026-03-18 00:00"));
    merged(&mut world, 1, "2026-03-20");
    world.deploy(1, 2, "2026-03-20 15:00", WEB, 1);
    let expected = [(Nothing, None, 0), (Nothing, None, 0), (Part, Some(1.0), 1), (Whole, Some(0.0), 0)];
    assert_eq!(weeks(&world, Metric::DeploymentFrequency), expected);
    assert_eq!(weeks(&world, Metric::Throughput), expected);
    let tile = world.tile(Metric::Throughput);
    let words: Vec<String> = tile.weeks.iter().map(|week| telling::week(tile.metric, week)).collect();
    assert_eq!(words, ["not measured", "not measured", "1, part of the week", "0"]);
    let json = serde_json::to_value(&tile.weeks).unwrap();
    assert_eq!((&json[0]["value"], &json[0]["measured"], &json[3]["value"]), (&serde_json::Value::Null, &"none".into(), &0.0.into()));
    // A median of no values is absent too, and the week was measured all the same.
    assert_eq!(weeks(&world, Metric::CycleTime).iter().map(|week| week.0).collect::<Vec<_>>(), [Nothing, Nothing, Part, Whole]);
    assert_eq!(telling::week(Metric::CycleTime, &world.tile(Metric::CycleTime).weeks[3]), "none");
}

#[test]
fn weeks_before_there_was_a_service_have_no_deployments_to_count() {
    use Measured::{None as Nothing, Part, Whole};
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    world.deploy(1, 1, "2026-03-17 09:00", WEB, 1);
    let counted: Vec<_> = weeks(&world, Metric::DeploymentFrequency).iter().map(|week| week.0).collect();
    assert_eq!(counted, [Nothing, Nothing, Part, Whole]);
    assert_eq!(weeks(&world, Metric::Throughput), [(Whole, Some(0.0), 0); 4]);
}

#[test]
fn a_week_that_is_not_over_is_measured_in_part() {
    let mut world = World::with_web();
    world.now = t("2026-03-26 12:00");
    world.window.to = world.now;
    assert_eq!(weeks(&world, Metric::Throughput).last().unwrap().0, Measured::Part);
    // Nor is one that has not begun measured at all.
    world.now = t("2026-03-18 12:00");
    let last: Vec<_> = weeks(&world, Metric::Throughput).into_iter().skip(2).collect();
    assert_eq!(last, [(Measured::Part, Some(0.0), 0), (Measured::None, None, 0)]);
}

#[test]
fn work_in_progress_of_a_week_is_what_was_open_at_its_end() {
    let mut world = World::new();
    world.flow(WEB, 1, "2026-01-05 09:00");
    world.flow(WEB, 2, "2026-03-10 09:00");
    world.flow(WEB, 3, "2026-03-11 09:00").segment = crate::metrics::input::Segment::Bot;
    // Open over a weekend, and closed in the same week.
    let times = ["2026-03-12 08:00", "2026-03-13 09:00", "", "", "2026-03-17 12:00"];
    world.merge(WEB, 4, times);
    merged(&mut world, 5, "2026-03-24");
    let open = |world: &World| weeks(world, Metric::WorkInProgress).iter().map(|week| week.1).collect::<Vec<_>>();
    assert_eq!(open(&world), [Some(1.0), Some(3.0), Some(2.0), Some(2.0)]);
    assert_eq!(world.tile(Metric::WorkInProgress).n, 2);
    // What was closed before anything was collected is not known, so nobody knows how many were open then.
    world.input.projects[0].collection.from = Some(t("2026-03-18 00:00"));
    assert_eq!(open(&world), [None, None, Some(2.0), Some(2.0)]);
}
