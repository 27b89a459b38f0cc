//! Small samples, intervals, bands, trends; what is not measured, not collected yet, or may not be read.

use jiff::SignedDuration;

use super::world::*;
use crate::domain::collection::{Collection, Source};
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::run::DefinitionKind;
use crate::metrics::bands::{CLUSTERS, Confidence, band};
use crate::metrics::figures::{Band, Figures, Metric, Phase, Trend, Value};
use crate::metrics::input::MeasuredProject;
use crate::metrics::left_alone::{LOOKED_AT, LeftAlone, Sort};
use crate::metrics::query::{Definition, Query, ServiceId};
use crate::metrics::statistics::*;
use crate::metrics::{summarise, telling};

fn near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by
}

/// Pull requests completed in the window after so many hours each.
fn lasting(world: &mut World, from: &str, hours_of: &[u32]) {
    for (at, count) in hours_of.iter().enumerate() {
        let created = t(from) + SignedDuration::from_hours(i64::try_from(at).unwrap() * 3);
        let number = world.input.flows.len() as i64 + 1;
        let flow = world.flow(WEB, number, from);
        (flow.created_at, flow.ready_at, flow.first_commit_at) = (created, Some(created), Some(created));
        flow.status = crate::domain::pull_request::PullRequestStatus::Completed;
        flow.closed_at = Some(created + SignedDuration::from_hours(i64::from(*count)));
        flow.merge_commit = Some(commit(number));
    }
}

#[test]
fn figures_of_deployments_say_which_runs_of_their_services_nobody_looked_at() {
    let mut world = World::with_web();
    for (definition, name) in [(1, "deploy web"), (2, "nightly")] {
        let whole = world.kind(definition, name, "", None);
        whole.left_alone = vec![LeftAlone { sort: Sort::Scheduled, looked_at: 3, runs: 210 }];
    }
    let said = |world: &World, metric| {
        let notes = world.tile(metric).notes;
        notes.into_iter().filter(|note| note.starts_with(LOOKED_AT)).collect::<Vec<_>>()
    };
    let of_web = "stages of deploy web: 3 of 210 scheduled runs looked at, none deployed";
    for metric in [Metric::DeploymentFrequency, Metric::LeadTime] {
        assert_eq!(said(&world, metric), [of_web], "{metric:?}: the other pipeline is no service");
    }
    assert_eq!(said(&world, Metric::CycleTime), [] as [&str; 0]);
    let folders = ["a", "b", "c", "d", "e"].map(|name| LeftAlone { sort: Sort::Branches(name.to_owned()), looked_at: 1, runs: 9 });
    world
        .input
        .kinds
        .iter_mut()
        .for_each(|kind| kind.left_alone.extend(folders.clone().into_iter().filter(|_| kind.definition == 1 && kind.stage.is_empty())));
    let told = "stages of deploy web: 3 of 210 scheduled runs, 1 of 9 runs of `a` branches, 1 of 9 runs of `b` branches, 3 of 27 other runs \
                looked at, none deployed";
    assert_eq!(said(&world, Metric::DeploymentFrequency), [told]);
}

#[test]
fn the_median_interpolates_and_devlakes_is_the_lower_one() {
    assert_eq!((median(&[1.0, 2.0, 4.0]), median(&[1.0, 2.0, 4.0, 10.0])), (Some(2.0), Some(3.0)));
    assert_eq!((lower_median(&[1.0, 2.0, 4.0, 10.0]), lower_median(&[1.0, 2.0, 4.0])), (Some(2.0), Some(2.0)));
    assert_eq!((median(&[]), lower_median(&[]), percentile(&[7.0], 0.85)), (None, None, Some(7.0)));
    // Type 7: position 0.85 * 4 = 3.4, so 40 + 0.4 * 10.
    assert!(near(percentile(&[10.0, 20.0, 30.0, 40.0, 50.0], 0.85).unwrap(), 44.0, 1e-9));
}

#[test]
fn rates_have_wilsons_interval_and_73_clean_deployments_support_five_per_cent() {
    assert!(near(wilson(0, 10).1, 0.278, 5e-4) && near(wilson(0, 20).1, 0.161, 5e-4));
    assert!(wilson(0, 72).1 > 0.05 && wilson(0, 73).1 <= 0.05);
    assert_eq!((wilson(0, 10).0, wilson(10, 10).1, wilson(0, 0)), (0.0, 1.0, (0.0, 1.0)));
    // 3 of 25, by the formula: 0.0417 to 0.2996.
    let (low, high) = wilson(3, 25);
    assert!(near(low, 0.0417, 1e-3) && near(high, 0.2996, 1e-3), "{low} {high}");
}

#[test]
fn percentiles_appear_with_the_sample_that_supports_them() {
    // The smallest n at which the greatest of a sample exceeds the percentile with 95 %: 0.85^n and 0.95^n fall under 0.05.
    assert!(0.85f64.powi(18) > 0.05 && 0.85f64.powi(19) < 0.05 && 0.95f64.powi(58) > 0.05 && 0.95f64.powi(59) < 0.05);
    for (n, has_median, has_p85, has_p95) in [
        (4, false, false, false),
        (5, true, false, false),
        (18, true, false, false),
        (19, true, true, false),
        (58, true, true, false),
        (59, true, true, true),
    ] {
        let mut world = World::new();
        lasting(&mut world, "2026-03-03 09:00", &vec![2; n]);
        match world.tile(Metric::CycleTime).value {
            Value::Few { seconds } => assert!(!has_median && seconds.len() == n),
            Value::Times { p85, p95, .. } => assert_eq!((has_median, has_p85, has_p95), (true, p85.is_some(), p95.is_some()), "{n}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_other_definitions_print_a_median_of_however_few() {
    let mut world = World::new();
    lasting(&mut world, "2026-03-03 09:00", &[2, 4]);
    let query = Query { definition: Definition::DevLake, ..world.query() };
    let figures = crate::metrics::summarise(&world.input, &query, world.now);
    assert!(matches!(figures.tile(Metric::CycleTime).unwrap().value, Value::Times { median, .. } if median == hours(2.0)));
}

#[test]
fn kaplan_and_meier_count_the_open_ones_by_their_age() {
    use Lasted::{Ended, Open};
    assert_eq!(kaplan_meier_median(&[Ended(1.0), Ended(2.0), Ended(3.0)]), Some(2.0));
    // At 1: 4/5; at 2: 4/5 * 3/4 = 0.6; 3 leaves; at 4: 0.6 * 1/2 = 0.3.
    assert_eq!(kaplan_meier_median(&[Ended(1.0), Ended(2.0), Open(3.0), Ended(4.0), Open(9.0)]), Some(4.0));
    // At 1: 4/5; at 2: 0.6; then only open ones.
    assert_eq!(kaplan_meier_median(&[Ended(1.0), Ended(2.0), Open(3.0), Open(4.0), Open(9.0)]), None);
    // One that is open at the moment another ends was at risk: at 2: 1/2.
    assert_eq!(kaplan_meier_median(&[Open(2.0), Ended(2.0)]), Some(2.0));
    assert_eq!(kaplan_meier_median(&[]), None);
}

#[test]
fn tests_of_differences_agree_with_tables() {
    let sample = |from: u32| (from..from + 10).map(f64::from).collect::<Vec<_>>();
    // U = 0 for ten and ten: z = (50 - 0.5) / sqrt(100 * 21 / 12) = 3.742, p = 0.000183.
    assert!(near(mann_whitney(&sample(1), &sample(11)).unwrap(), 0.000_183, 2e-6));
    assert!(mann_whitney(&sample(1), &sample(1)).unwrap() > 0.9);
    assert_eq!(mann_whitney(&[1.0; 10], &[1.0; 10]), None);
    // 10 against 22 in equal times: 2 * P(X <= 10 | 32, 0.5) = 0.0501.
    assert!(near(poisson_ratio(10, 1.0, 22, 1.0).unwrap(), 0.0501, 5e-4));
    assert!(poisson_ratio(10, 1.0, 10, 1.0).unwrap() > 0.9);
    assert!(poisson_ratio(20_000, 1.0, 21_000, 1.0).unwrap() < 1e-5);
    // 5 of 50 against 15 of 50: pooled 0.2, z = 0.2 / 0.08 = 2.5, p = 0.0124.
    assert!(near(two_proportions(5, 50, 15, 50).unwrap(), 0.0124, 1e-4));
    assert_eq!(two_proportions(0, 50, 0, 50), None);
    let (low, high) = poisson(10);
    // Exact: 4.80 to 18.39.
    assert!(near(low, 4.80, 0.02) && near(high, 18.39, 0.02), "{low} {high}");
}

#[test]
fn an_arrow_needs_ten_in_both_windows_and_a_test() {
    let trend = |before: &[u32], now: &[u32]| {
        let mut world = World::new();
        lasting(&mut world, "2026-02-03 09:00", before);
        lasting(&mut world, "2026-03-03 09:00", now);
        world.tile(Metric::CycleTime).trend
    };
    assert_eq!(trend(&[1; 9], &[50; 20]), Trend::TooFew);
    assert_eq!(trend(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14], &[15, 16, 17, 18, 19, 20, 21, 22, 23, 24]), Trend::Up);
    assert_eq!(trend(&[15, 16, 17, 18, 19, 20, 21, 22, 23, 24], &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14]), Trend::Down);
    // The median doubles, and chance explains it.
    assert_eq!(trend(&[1, 30, 2, 29, 3, 28, 4, 27, 5, 26], &[2, 31, 3, 30, 4, 29, 5, 28, 6, 27]), Trend::NoClearChange);
}

#[test]
fn a_band_is_printed_only_with_its_whole_interval_and_its_year() {
    let elite = Some(Band { name: "elite".to_owned(), year: 2024 });
    assert_eq!(band(Metric::ChangeFailRate, wilson(0, 73).0, wilson(0, 73).1), elite);
    assert_eq!(band(Metric::ChangeFailRate, wilson(0, 72).0, wilson(0, 72).1), None);
    assert_eq!(band(Metric::LeadTime, hours(2.0), hours(23.0)), elite);
    assert_eq!(band(Metric::LeadTime, hours(2.0), hours(25.0)), None);
    assert_eq!(band(Metric::LeadTime, hours(30.0), hours(40.0)), Some(Band { name: "high".to_owned(), year: 2024 }));
    // Recovery times of 2024 are not confirmed; 2023 confirmed one.
    assert_eq!(band(Metric::RecoveryTime, 60.0, 600.0), Some(Band { name: "elite".to_owned(), year: 2023 }));
    assert_eq!(band(Metric::RecoveryTime, hours(2.0), hours(3.0)), None);
    assert_eq!(band(Metric::CycleTime, 0.0, 1.0), None);
}

#[test]
fn bands_know_no_clusters_of_2025_and_none_from_memory_is_printed() {
    assert!(CLUSTERS.iter().all(|cluster| cluster.year != 2025 && cluster.low <= cluster.high));
    let unconfirmed = CLUSTERS.iter().filter(|cluster| cluster.confidence == Confidence::Unconfirmed).count();
    assert_eq!(unconfirmed, 6);
    // 2024 has "high" at 20 % and "medium" at 10 %: a ladder would be invented.
    assert_eq!(band(Metric::ChangeFailRate, 0.08, 0.12), None);
}

#[test]
fn a_band_is_in_the_tile_where_the_deployments_support_it() {
    let mut world = World::with_web();
    // 60 in 28 days: 60 -+ 1.96 sqrt(60) is more than one a day; 30 is not surely.
    for number in 0..60 {
        let at = t("2026-03-02 01:00") + SignedDuration::from_hours(number * 11);
        world.deploy(1, number + 2, &at.to_string()[..16].replace('T', " "), WEB, number + 1);
    }
    assert_eq!(world.tile(Metric::DeploymentFrequency).band, Some(Band { name: "elite".to_owned(), year: 2024 }));
    world.input.stages.truncate(31);
    assert_eq!(world.tile(Metric::DeploymentFrequency).band, None);
}

fn with_state(world: &mut World, source: Source, change: impl FnOnce(&mut crate::domain::collection::SourceState)) {
    let states = &mut world.input.projects[0].collection.sources;
    change(states.iter_mut().find(|state| state.source == source).unwrap());
}

#[test]
fn no_project_means_not_measured() {
    let mut world = World::with_web();
    world.input.projects[0].collection = Collection::default();
    for tile in world.figures().tiles {
        assert!(matches!(tile.value, Value::NotMeasured { .. }), "{:?}", tile.metric);
        assert!(tile.excluded.is_empty() && tile.n == 0);
    }
}

#[test]
fn a_figure_waits_for_its_own_sources_only() {
    let mut world = World::with_web();
    lasting(&mut world, "2026-03-03 09:00", &[2]);
    with_state(&mut world, Source::Details, |state| (state.backfilled_at, state.done, state.total) = (None, 30, Some(100)));
    with_state(&mut world, Source::Threads, |state| (state.backfilled_at, state.done, state.total) = (None, 0, None));
    let figures = world.figures();
    let value = |metric| figures.tile(metric).unwrap().value.clone();
    // Five of six are done and the sixth by 30 of 100: 88 %.
    assert_eq!(value(Metric::LeadTime), Value::Backfilling { percent: 88 });
    assert_eq!(value(Metric::MergedWithoutReview), Value::Backfilling { percent: 50 });
    assert!(matches!(value(Metric::DeploymentFrequency), Value::Frequency { .. }) && matches!(value(Metric::CycleTime), Value::Few { .. }));
    let pickup = figures.phases.iter().find(|figure| figure.phase == Phase::Pickup).unwrap();
    assert_eq!(pickup.value, Value::Backfilling { percent: 50 });
}

#[test]
fn stages_that_are_still_read_are_waited_for_before_production_is_called_missing() {
    let mut world = World::new();
    with_state(&mut world, Source::Timelines, |state| (state.backfilled_at, state.done, state.total) = (None, 1, Some(4)));
    assert_eq!(world.tile(Metric::DeploymentFrequency).value, Value::Backfilling { percent: 25 });
    with_state(&mut world, Source::Timelines, |state| state.backfilled_at = Some(t("2026-04-01 00:00")));
    assert_eq!(world.tile(Metric::DeploymentFrequency).value, Value::NoProduction);
}

#[test]
fn a_missing_scope_takes_only_what_needs_it_and_is_named() {
    let refuse = |world: &mut World, source| with_state(world, source, |state| state.refused = Some("grant it".to_owned()));
    let mut world = World::with_web();
    lasting(&mut world, "2026-03-03 09:00", &[2]);
    refuse(&mut world, Source::Threads);
    let figures = world.figures();
    assert_eq!(figures.tile(Metric::MergedWithoutReview).unwrap().value, Value::NotMeasured { why: "grant it".to_owned() });
    let cycle = figures.tile(Metric::CycleTime).unwrap();
    assert!(matches!(cycle.value, Value::Few { .. }));
    assert_eq!((cycle.missing.len(), cycle.missing[0].source, cycle.missing[0].project.as_str()), (1, Source::Threads, "Harbour"));
    assert!(figures.tile(Metric::DeploymentFrequency).unwrap().missing.is_empty());

    let mut world = World::new();
    lasting(&mut world, "2026-03-03 09:00", &[2]);
    refuse(&mut world, Source::Builds);
    let figures = world.figures();
    assert_eq!(figures.tile(Metric::DeploymentFrequency).unwrap().value, Value::NotMeasured { why: "grant it".to_owned() });
    assert_eq!(figures.tile(Metric::Throughput).unwrap().value, Value::Count { count: 1 });
}

/// Harbour as it is, and beside it Quay, which deploys by a classic release and whose runs may not be read.
fn with_quay() -> World {
    let (quay, manifest) = (ProjectId(2), RepositoryId(3));
    let mut world = World::with_web();
    lasting(&mut world, "2026-03-03 09:00", &[2, 3]);
    world.deploy(1, 2, "2026-03-20 09:00", WEB, 1);
    let project = MeasuredProject { id: quay, name: "Quay".to_owned(), ..world.input.projects[0].clone() };
    world.input.projects.push(project);
    let builds = world.input.projects[1].collection.sources.iter_mut().filter(|state| state.source == Source::Builds);
    builds.for_each(|state| state.refused = Some("grant it".to_owned()));
    world.input.repositories.push((manifest, quay, "manifest".to_owned(), Some("main".to_owned())));
    let kind = world.kind(7, "manifest release", "Production", None);
    (kind.project, kind.kind) = (quay, DefinitionKind::Release);
    world.merge(manifest, 40, ["2026-03-05 09:00", "2026-03-05 10:00", "2026-03-05 11:00", "2026-03-05 12:00", "2026-03-05 13:00"]);
    for (run, at) in [(1, "2026-03-04 09:00"), (2, "2026-03-06 09:00")] {
        let deployed = world.deploy(7, run, at, manifest, 40);
        (deployed.project, deployed.kind) = (quay, DefinitionKind::Release);
    }
    world
}

#[test]
fn a_project_whose_runs_may_not_be_read_is_left_out_of_deployments_and_the_others_stand() {
    let world = with_quay();
    let both = Query::new(vec![HARBOUR, ProjectId(2)], world.window, world.rules.clone());
    let figures = summarise(&world.input, &both, world.now);
    let alone = world.figures();
    for metric in Metric::ALL {
        let (tile, harbours) = (figures.tile(metric).unwrap(), alone.tile(metric).unwrap());
        if matches!(metric, Metric::CycleTime | Metric::Throughput | Metric::MergedWithoutReview | Metric::WorkInProgress) {
            assert!(tile.missing.is_empty() && tile.n >= harbours.n, "{metric:?}");
            continue;
        }
        assert_eq!(
            (&tile.value, tile.n, &tile.coverage, &tile.excluded),
            (&harbours.value, harbours.n, &harbours.coverage, &harbours.excluded)
        );
        assert_eq!(tile.missing.iter().map(|one| one.project.as_str()).collect::<Vec<_>>(), ["Quay"], "{metric:?}");
    }
    assert_eq!(figures.tile(Metric::Throughput).unwrap().n, alone.tile(Metric::Throughput).unwrap().n + 1);
    let wait = |figures: &Figures| figures.phases.iter().find(|one| one.phase == Phase::DeployWait).unwrap().clone();
    assert_eq!(wait(&figures), wait(&alone));
}

#[test]
fn a_part_of_the_deployments_is_no_figure_and_a_classic_release_asked_for_by_itself_is_one() {
    let world = with_quay();
    let mut query = Query::new(vec![ProjectId(2)], world.window, world.rules.clone());
    let figures = summarise(&world.input, &query, world.now);
    let tile = figures.tile(Metric::DeploymentFrequency).unwrap();
    assert_eq!((&tile.value, tile.n), (&Value::NotMeasured { why: "grant it".to_owned() }, 0));
    assert_eq!(telling::lacks(tile), [], "it is said already");
    assert_eq!(
        figures.phases.iter().find(|one| one.phase == Phase::DeployWait).unwrap().value,
        Value::NotMeasured { why: "grant it".to_owned() }
    );
    query.service = Some(ServiceId { project: ProjectId(2), kind: DefinitionKind::Release, definition: 7 });
    let figures = summarise(&world.input, &query, world.now);
    assert!(matches!(figures.tile(Metric::DeploymentFrequency).unwrap().value, Value::Frequency { count: 2, .. }));
}

#[test]
fn a_window_that_was_collected_in_part_says_so_and_is_compared_with_nothing() {
    let mut world = World::with_web();
    world.input.projects[0].collection.from = Some(t("2026-03-16 00:00"));
    world.deploy(1, 2, "2026-03-20 09:00", WEB, 1);
    let tile = world.tile(Metric::DeploymentFrequency);
    assert!(tile.previous.is_none() && tile.notes.contains(&"collected for a part of this window only".to_owned()));
    assert_eq!((tile.trend, crate::metrics::telling::change(&tile).as_str()), (Trend::NotCollected, "not collected before"));
    assert!(matches!(tile.value, Value::Frequency { count: 1, days: 14.0, .. }), "{:?}", tile.value);
}

#[test]
fn what_is_pooled_is_items_and_never_medians() {
    let mut world = World::new();
    lasting(&mut world, "2026-03-03 09:00", &[1, 1, 1, 1, 1, 1]);
    lasting(&mut world, "2026-03-04 09:00", &[10, 10, 10]);
    world.input.flows.iter_mut().skip(6).for_each(|flow| flow.repository = API);
    // Nine values: the median is 1, and not the 5.5 between the medians of the repositories.
    assert!(matches!(world.tile(Metric::CycleTime).value, Value::Times { median, .. } if median == hours(1.0)));
}

#[test]
fn data_are_as_old_as_the_oldest_sync() {
    let mut world = World::new();
    with_state(&mut world, Source::Builds, |state| state.synced_at = Some(t("2026-03-31 00:00")));
    assert_eq!(world.figures().as_of, Some(t("2026-03-31 00:00")));
    with_state(&mut world, Source::Builds, |state| state.synced_at = None);
    assert_eq!(world.figures().as_of, None);
}

#[test]
fn every_measured_tile_has_its_formula_filled_in() {
    let mut world = World::with_web();
    lasting(&mut world, "2026-03-03 09:00", &[1, 2, 3, 4, 5]);
    world.deploy(1, 2, "2026-03-20 09:00", WEB, 1);
    for tile in world.figures().tiles {
        let is_measured = !matches!(tile.value, Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. });
        assert_eq!(is_measured, !tile.formula.is_empty(), "{:?}", tile.metric);
    }
    let tile = world.tile(Metric::CycleTime);
    assert_eq!(tile.formula, ["median, type 7, of 5 values from 1h to 5h = 3h"]);
}

#[test]
fn what_was_collected_of_some_projects_only_is_no_window_to_compare_with() {
    let mut world = World::with_web();
    world.deploy(1, 2, "2026-03-20 09:00", WEB, 1);
    let query = Query::new(Vec::new(), world.window, world.rules.clone());
    let tile = |world: &World| summarise(&world.input, &query, world.now).tile(Metric::DeploymentFrequency).unwrap().clone();
    assert!(tile(&world).previous.is_some());
    // A second one, selected while the window lasted.
    let quay = MeasuredProject { id: ProjectId(9), name: "Quay".to_owned(), ..world.input.projects[0].clone() };
    world.input.projects.push(quay);
    assert!(tile(&world).previous.is_some());
    world.input.projects[1].collection.from = Some(t("2026-03-16 00:00"));
    let tile = tile(&world);
    assert!(tile.previous.is_none() && tile.notes.contains(&"collected for a part of this window only".to_owned()));
}
