//! What holds for any rows: their order does not matter, what is left out changes nothing, parts fit together.

use proptest::prelude::*;

use super::world::*;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::run::{RunResult, StageResult};
use crate::metrics::figures::{Figures, Measured, Metric, Value};
use crate::metrics::input::{IncidentSource, Nature, Segment};
use crate::metrics::query::{Definition, Query, Window};
use crate::metrics::{rows, summarise};

fn minute(of: u32) -> String {
    let at = t("2026-01-20 00:00") + jiff::SignedDuration::from_mins(i64::from(of));
    at.to_string()[..16].replace('T', " ")
}

#[derive(Debug, Clone)]
struct Pull {
    at: u32,
    coding: u32,
    waits: [u32; 3],
    kind: u8,
    api: bool,
}

#[derive(Debug, Clone)]
struct Deploy {
    at: u32,
    result: u8,
    back: u8,
    api: bool,
}

/// 100,000 minutes are ten weeks: from 20 January to the end of March.
fn pulls() -> impl Strategy<Value = Vec<Pull>> {
    let one = (0u32..100_000, 0u32..5_000, [0u32..3_000, 0u32..3_000, 0u32..3_000], 0u8..12, any::<bool>());
    prop::collection::vec(one.prop_map(|(at, coding, waits, kind, api)| Pull { at, coding, waits, kind, api }), 0..40)
}

fn deploys() -> impl Strategy<Value = Vec<Deploy>> {
    let one = (0u32..100_000, 0u8..8, 0u8..4, any::<bool>());
    prop::collection::vec(one.prop_map(|(at, result, back, api)| Deploy { at, result, back, api }), 0..40)
}

fn world(mut pulls: Vec<Pull>, mut deploys: Vec<Deploy>, incidents: Vec<u32>) -> World {
    let mut world = World::new();
    world.input.projects[0].incident_source = IncidentSource::Observed;
    world.kind(1, "deploy web", "Production", None);
    world.kind(2, "deploy api", "Production", None);
    pulls.sort_by_key(|pull| pull.at + pull.waits.iter().sum::<u32>());
    let mut merged: Vec<(u32, bool, i64)> = Vec::new();
    for (number, pull) in pulls.iter().enumerate() {
        let number = number as i64 + 1;
        let repository = if pull.api { API } else { WEB };
        let [pickup, review, wait] = pull.waits;
        let [reviewed, approved, closed] = [pull.at + pickup, pull.at + pickup + review, pull.at + pickup + review + wait];
        let times = [pull.at.saturating_sub(pull.coding), pull.at, reviewed, approved, closed].map(minute);
        let flow = world.merge(repository, number, [&times[0], &times[1], &times[2], &times[3], &times[4]]);
        match pull.kind {
            0 => flow.segment = Segment::Bot,
            1 => flow.nature = Nature::Revert,
            2 => flow.nature = Nature::Hotfix,
            3 => flow.status = PullRequestStatus::Abandoned,
            4 => (flow.first_review_at, flow.approved_at) = (None, None),
            5 => flow.undated_vote = true,
            6 => flow.has_threads = false,
            7 => flow.first_commit_at = None,
            8 => flow.target_branch = "release/1".to_owned(),
            _ => {}
        }
        merged.push((closed, pull.api, number));
    }
    deploys.sort_by_key(|deploy| deploy.at);
    for (run, deploy) in deploys.iter().enumerate() {
        let candidates: Vec<i64> = merged.iter().filter(|(at, api, _)| *at <= deploy.at && *api == deploy.api).map(|row| row.2).collect();
        let number = candidates.iter().rev().nth(usize::from(deploy.back)).or(candidates.first()).copied().unwrap_or(900);
        let (definition, repository) = if deploy.api { (2, API) } else { (1, WEB) };
        let stage = world.deploy(definition, run as i64 + 1, &minute(deploy.at), repository, number);
        match deploy.result {
            0 => stage.result = StageResult::Failed,
            1 => stage.result = StageResult::Skipped,
            2 => stage.run_result = Some(RunResult::Failed),
            _ => {}
        }
    }
    for (number, at) in incidents.iter().enumerate() {
        world.incident(number as i64 + 1, "Harbour", &minute(*at));
    }
    world
}

fn worlds() -> impl Strategy<Value = World> {
    (pulls(), deploys(), prop::collection::vec(0u32..100_000, 0..6))
        .prop_map(|(pulls, deploys, incidents)| world(pulls, deploys, incidents))
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} flows, {} stages", self.input.flows.len(), self.input.stages.len())
    }
}

fn values(figures: &Figures) -> Vec<Value> {
    figures.tiles.iter().map(|tile| tile.value.clone()).chain(figures.phases.iter().map(|phase| phase.value.clone())).collect()
}

fn by(world: &World, definition: Definition) -> Query {
    Query { definition, ..world.query() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_does_not_matter(world in worlds(), seed in any::<u64>()) {
        for (_, definition) in Definition::ALL {
            let query = by(&world, definition);
            let mut shuffled = world.input.clone();
            let mut state = seed | 1;
            let mut next = move |n: usize| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407); (state >> 33) as usize % n };
            for at in (1..shuffled.flows.len()).rev() { shuffled.flows.swap(at, next(at + 1)); }
            for at in (1..shuffled.stages.len()).rev() { shuffled.stages.swap(at, next(at + 1)); }
            for at in (1..shuffled.tips.len()).rev() { shuffled.tips.swap(at, next(at + 1)); }
            shuffled.kinds.reverse();
            shuffled.incidents.reverse();
            prop_assert_eq!(summarise(&shuffled, &query, world.now), summarise(&world.input, &query, world.now));
            for metric in Metric::ALL {
                prop_assert_eq!(rows(&shuffled, &query, metric, world.now), rows(&world.input, &query, metric, world.now));
            }
        }
    }

    #[test]
    fn what_is_left_out_changes_no_value(world in worlds()) {
        let before = values(&world.figures());
        let mut more = world.clone();
        // A bot's, an abandoned one, a skipped stage, a stage that is not production.
        let flow = more.flow(WEB, 9_001, "2026-03-05 09:00");
        (flow.segment, flow.status, flow.closed_at) = (Segment::Bot, PullRequestStatus::Completed, Some(t("2026-03-05 10:00")));
        let flow = more.flow(WEB, 9_002, "2026-03-05 09:00");
        (flow.status, flow.closed_at) = (PullRequestStatus::Abandoned, Some(t("2026-03-06 10:00")));
        more.deploy(1, 9_003, "2026-03-06 09:00", WEB, 1).result = StageResult::Skipped;
        more.stage(1, 9_004, "Build", "2026-03-06 09:00", WEB, 1);
        // A service that was not seen before exists from its first sign on: keep that out of the comparison.
        if world.input.stages.iter().any(|stage| stage.finished_at.is_some_and(|at| at < world.window.from)) {
            prop_assert_eq!(values(&more.figures()), before);
        }
    }

    #[test]
    fn no_part_is_greater_than_its_whole(world in worlds()) {
        for (_, definition) in Definition::ALL {
            let query = by(&world, definition);
            for tile in summarise(&world.input, &query, world.now).tiles {
                if let Value::Rate { k, n, low, high } = tile.value {
                    let share = k as f64 / n as f64;
                    prop_assert!(k <= n && low <= share && share <= high && low >= 0.0 && high <= 1.0);
                }
                if let Some(coverage) = &tile.coverage {
                    prop_assert!(coverage.k <= coverage.n);
                }
                let listed = rows(&world.input, &query, tile.metric, world.now);
                prop_assert_eq!(listed.iter().filter(|row| row.excluded.is_none()).count() as u64, tile.n);
                let left_out: u64 = tile.excluded.iter().map(|excluded| excluded.count).sum();
                prop_assert_eq!(listed.iter().filter(|row| row.excluded.is_some()).count() as u64, left_out);
                let in_weeks: u64 = tile.weeks.iter().map(|week| week.n).sum();
                if tile.weeks.is_empty() {
                    continue;
                }
                match (tile.metric, tile.weeks.iter().rfind(|week| week.measured != Measured::None)) {
                    // What is open at the end of the last week is what is open.
                    (Metric::WorkInProgress, last) => prop_assert_eq!(last.map(|week| week.n), Some(tile.n)),
                    _ => prop_assert_eq!(in_weeks, tile.n),
                }
            }
        }
    }

    #[test]
    fn phases_are_contiguous(world in worlds()) {
        use crate::metrics::cycle::{Span, span};
        use crate::metrics::figures::Phase;
        for flow in world.input.flows.iter().filter(|flow| flow.status == PullRequestStatus::Completed) {
            let parts = [Phase::Pickup, Phase::Review, Phase::MergeWait].map(|phase| span(flow, phase, None));
            if let [Span::Of(ready, reviewed), Span::Of(also_reviewed, approved), Span::Of(also_approved, closed)] = parts {
                prop_assert_eq!((reviewed, approved), (also_reviewed, also_approved));
                prop_assert_eq!((Some(ready), Some(closed)), (flow.ready_at, flow.closed_at));
            }
        }
    }

    #[test]
    fn the_window_before_is_the_figure_of_that_window(world in worlds()) {
        for (_, definition) in Definition::ALL {
            let query = by(&world, definition);
            let now = summarise(&world.input, &query, world.now);
            let before = summarise(&world.input, &Query { window: query.window.previous(), ..query.clone() }, world.now);
            for (tile, earlier) in now.tiles.iter().zip(&before.tiles) {
                if let Some(previous) = &tile.previous {
                    prop_assert_eq!(previous, &earlier.value, "{:?}", tile.metric);
                }
            }
        }
    }

    #[test]
    fn any_window_is_answered(world in worlds(), from in 0u32..90_000, length in 1u32..60_000) {
        let window = Window { from: t(&minute(from)), to: t(&minute(from + length)) };
        let query = Query { window, zone: jiff::tz::TimeZone::get("America/New_York").unwrap(), ..world.query() };
        let figures = summarise(&world.input, &query, world.now);
        prop_assert_eq!(figures.tiles.len(), Metric::ALL.len());
    }
}
