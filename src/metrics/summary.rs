//! Tiles, phases and services: the answer to a query.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::approvals::Knowledge;
use super::calendar::Weeks;
use super::figures::{Coverage, Figures, Metric, Phase, Service, Tile, Trend, Value};
use super::frame::Frame;
use super::query::{Definition, Hours, Query, Window};
use super::tally::{Tally, times};
use super::telling::{PRODUCTION, duration, percent};
use super::{bands, cycle, failure_rules, frequency, lead_time, left_alone, overlay, readiness, reliability, statistics, trend};
use crate::domain::collection::Source;
use crate::metrics::input::{Input, Segment};

/// How many grounds of production, or failures, a note names.
const MOST_NAMED: usize = 4;

/// The figures of a query.
pub fn summarise(input: &Input, query: &Query, now: Timestamp) -> Figures {
    let frame = Frame::of(input, query, now);
    let windows = Windows::of(query);
    let mut services: Vec<Service> = frame
        .deployments
        .services
        .iter()
        .map(|service| Service {
            id: service.id.clone(),
            name: service.name.clone(),
            production: service.production.clone(),
            deployments: 0,
        })
        .collect();
    for (service, of) in services.iter_mut().zip(&frame.deployments.services) {
        let rows = &frame.deployments.all[of.range.clone()];
        let count = rows.iter().filter(|row| query.window.contains(row.at) && frequency::left_out(row).is_none()).count();
        service.deployments = count as u64;
    }
    Figures {
        window: query.window,
        definition: query.definition,
        hours: query.hours,
        as_of: as_of(&frame),
        tiles: tiles(&frame, &windows),
        phases: phases(&frame, &windows),
        services,
        linkage: input.linkage.clone(),
    }
}

/// Rows from which on a second thread is worth its beginning.
const MANY_ROWS: usize = 50_000;

/// The tiles do not need each other: of many rows two threads make them, each the next one that nobody has begun.
fn tiles(frame: &Frame<'_>, windows: &Windows) -> Vec<Tile> {
    let threads = if frame.input.flows.len() + frame.input.stages.len() < MANY_ROWS { 1 } else { 2 };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some(metric) = Metric::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            made.push(tile(frame, *metric, windows));
        }
        made
    };
    let mut tiles = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut tiles = work();
        for other in others {
            tiles.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        tiles
    });
    tiles.sort_by_key(|tile| Metric::ALL.iter().position(|metric| *metric == tile.metric));
    tiles
}

/// The oldest last sync of what the figures rest on; absent where a project never had one.
fn as_of(frame: &Frame<'_>) -> Option<Timestamp> {
    let mut oldest = None;
    for project in readiness::projects(frame) {
        let last = project.collection.last_sync()?;
        oldest = Some(oldest.map_or(last, |oldest: Timestamp| oldest.min(last)));
    }
    oldest
}

/// The window asked for and the one before, with their weeks.
pub struct Windows {
    now: Window,
    before: Window,
    weeks: Weeks,
    weeks_before: Weeks,
}

impl Windows {
    pub fn of(query: &Query) -> Self {
        let before = query.window.previous();
        Self { now: query.window, before, weeks: Weeks::of(query.window, &query.zone), weeks_before: Weeks::of(before, &query.zone) }
    }
}

fn tile(frame: &Frame<'_>, metric: Metric, windows: &Windows) -> Tile {
    let mut tile = Tile { missing: readiness::missing(frame, metric), ..Tile::new(metric, Value::NoProduction, frame.query.definition) };
    if let Some(value) = readiness::gate(frame, metric) {
        tile.value = value;
        return tile;
    }
    let tally = Tally::of(frame, metric, windows.now, &windows.weeks);
    tile.value = tally.value(frame, metric, windows.now, &windows.weeks);
    tile.n = tally.n;
    tile.excluded = tally.excluded();
    tile.weeks = tally.weeks(frame, metric, windows.now, &windows.weeks);
    tile.coverage = coverage(frame, metric, windows.now);
    // What was not collected can't be compared with; nor what was of some projects only.
    if readiness::all_collected_from(frame).is_none_or(|from| from <= windows.before.from) {
        let before = Tally::of(frame, metric, windows.before, &windows.weeks_before);
        tile.previous = Some(before.value(frame, metric, windows.before, &windows.weeks_before));
        let days = |window| match metric {
            Metric::DeploymentFrequency => frequency::days(frame, window),
            _ => window.length().as_secs_f64() / 86_400.0,
        };
        tile.trend = trend::trend(metric, &tally, days(windows.now), &before, days(windows.before));
    } else {
        tile.trend = Trend::NotCollected;
    }
    // What is poorer belongs to no cluster.
    tile.band = band(frame, metric, &tile.value, &tally).filter(|_| tile.missing.is_empty());
    tile.formula = formula(frame, &tile.value, &tally);
    if !tile.formula.is_empty() {
        tile.formula.extend(failure_rules::lines(frame, metric, windows.now));
        tile.formula.extend(overlay::lines(frame, metric, windows.now));
    }
    tile.notes = notes(frame, metric, windows.now, &tally);
    tile
}

fn band(frame: &Frame<'_>, metric: Metric, value: &Value, tally: &Tally) -> Option<super::figures::Band> {
    if frame.query.definition != Definition::Ours || frame.query.hours != Hours::Calendar {
        return None;
    }
    match value {
        Value::Frequency { count, days, .. } if *count > 0 => {
            let (low, high) = statistics::poisson(*count);
            bands::band(metric, low / days, high / days)
        }
        Value::Rate { low, high, .. } if !reliability::is_proxy(frame) => bands::band(metric, *low, *high),
        Value::Times { .. } => {
            let (low, high) = statistics::median_interval(&tally.seconds)?;
            bands::band(metric, low, high)
        }
        _ => None,
    }
}

fn coverage(frame: &Frame<'_>, metric: Metric, window: Window) -> Option<Coverage> {
    match metric {
        Metric::LeadTime if frame.query.definition != Definition::FourKeys => Some(lead_time::coverage(frame, window)),
        Metric::CycleTime => {
            let (mut k, mut n) = (0, 0);
            cycle::each(frame, window, &mut |sample| {
                if let (None, super::frame::Item::Flow(at)) = (sample.excluded, sample.item) {
                    n += 1;
                    k += u64::from(frame.input.flows[at as usize].has_threads);
                }
            });
            Some(Coverage { k, n, of: "completed pull requests with reviews read".to_owned() })
        }
        Metric::ChangeFailRate | Metric::ReworkRate => {
            let (mut k, mut n) = (0, 0);
            frame.each_deployment(window, |_, deployment| {
                if frequency::left_out(deployment).is_none() {
                    n += 1;
                    k += u64::from(frame.failures.told.contains(&frame.project(deployment)));
                }
            });
            Some(Coverage { k, n, of: "deployments in projects that tell failures".to_owned() })
        }
        _ => None,
    }
}

fn formula(frame: &Frame<'_>, value: &Value, tally: &Tally) -> Vec<String> {
    match value {
        Value::Frequency { count, days, per_day, .. } => {
            vec![format!("{count} successful production deployments / {days:.1} days = {per_day:.2} a day")]
        }
        Value::Rate { k, n, low, high } => vec![
            format!("{k} / {n} = {}", percent(*k as f64 / *n as f64)),
            format!("Wilson interval, 95 %: {} to {}", percent(*low), percent(*high)),
        ],
        Value::Times { median, low, high, p85, p95 } => {
            let how = if frame.query.definition == Definition::DevLake { "lower median" } else { "median, type 7" };
            let mut lines =
                vec![format!("{how}, of {} values from {} to {} = {}", tally.n, duration(*low), duration(*high), duration(*median))];
            lines.extend(p85.map(|p85| format!("85th percentile, type 7 = {}", duration(p85))));
            lines.extend(p95.map(|p95| format!("95th percentile, type 7 = {}", duration(p95))));
            lines
        }
        Value::Few { seconds } => vec![
            format!("{} of them: {}", seconds.len(), seconds.iter().map(|s| duration(*s)).collect::<Vec<_>>().join(", ")),
            "fewer than 5: no median".to_owned(),
        ],
        Value::Censored { median, open } => vec![format!(
            "Kaplan-Meier median of {} that ended and {open} open at {} or more = {}",
            tally.seconds.len(),
            duration(tally.open.first().copied().unwrap_or_default()),
            duration(*median)
        )],
        Value::AtLeast { seconds, open } => vec![format!(
            "{} ended, {open} still open: the median is at least that with the open ones at their age, {}",
            tally.seconds.len(),
            duration(*seconds)
        )],
        Value::Count { count } => vec![format!("{count} pull requests")],
        Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. } => Vec::new(),
    }
}

fn notes(frame: &Frame<'_>, metric: Metric, window: Window, tally: &Tally) -> Vec<String> {
    let mut notes = Vec::new();
    let day = |at: jiff::Timestamp| at.to_zoned(frame.query.zone.clone()).date();
    // What was selected today is collected from some hour of the window's first day on.
    if readiness::all_collected_from(frame).is_some_and(|from| day(from) > day(window.from)) {
        notes.push("collected for a part of this window only".to_owned());
    }
    if readiness::is_of_deployments(metric) {
        notes.extend(production(frame));
        notes.extend(left_alone::notes(frame));
    }
    if frame.query.team.is_some() && readiness::is_of_deployments(metric) && metric != Metric::LeadTime {
        notes.push("deployments are everybody's: the team does not narrow them".to_owned());
    }
    let of_failures = matches!(metric, Metric::ChangeFailRate | Metric::RecoveryTime | Metric::ReworkRate) && !reliability::is_proxy(frame);
    if of_failures && readiness::projects(frame).any(|project| readiness::is_refused(project, Source::WorkItems)) {
        notes.insert(0, "work items are not seen: only failures that a rollback, a hotfix or a revert tells".to_owned());
    }
    if matches!(metric, Metric::ChangeFailRate | Metric::RecoveryTime) {
        notes.extend(failure_rules::note(frame, window));
    }
    match metric {
        Metric::DeploymentFrequency => {
            let besides = frequency::besides(frame, window);
            let lines = [
                (besides.redeploys, "of the same commit again"),
                (besides.rollbacks, "back to an older commit"),
                (besides.several_regions, "to several environments, counted once"),
                (besides.retried, "after a retry"),
                (besides.failed_after, "in a run that failed after production"),
                (besides.with_issues, "with issues"),
            ];
            notes.extend(lines.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
            if frame.deployments.without_time > 0 {
                notes.push(format!("runs without any time, not counted: {}", frame.deployments.without_time));
            }
            if frame.query.definition == Definition::FourKeys {
                let is_daily = matches!(tally.value(frame, metric, window, &Weeks::of(window, &frame.query.zone)),
                    Value::Frequency { deploy_days_per_week: Some(days), .. } if days >= 3.0);
                notes.extend(is_daily.then(|| "daily, as fourkeys says it: 3 days a week or more".to_owned()));
            }
        }
        Metric::LeadTime => {
            let besides = lead_time::besides(frame, window);
            notes.extend((besides.direct_pushes > 0).then(|| format!("{} pushed without a pull request", besides.direct_pushes)));
            notes.extend(
                (besides.stale_starts > 0)
                    .then(|| format!("{} from creation: the first commit is over 90 days older", besides.stale_starts)),
            );
            notes.extend(other_hours(frame, besides.other_hours));
            notes.extend(bots(frame, besides.bots));
        }
        Metric::CycleTime => {
            notes.extend(approvals(frame));
            let (mut other, mut of_bots) = (Vec::new(), Vec::new());
            let hours = if frame.query.hours == Hours::Calendar { Hours::Working } else { Hours::Calendar };
            cycle::each_closed(frame, window, hours, &mut |sample| other.extend(sample.seconds));
            for flow in frame.input.flows.iter().filter(|flow| flow.segment == Segment::Bot && frame.asks_for_flow(flow)) {
                if let (Some(ready_at), Some(closed_at)) = (flow.ready_at, flow.closed_at.filter(|at| window.contains(*at)))
                    && flow.status == crate::domain::pull_request::PullRequestStatus::Completed
                {
                    of_bots.extend(Some(frame.days.seconds(frame.query.hours, ready_at, closed_at)).filter(|seconds| *seconds >= 0.0));
                }
            }
            notes.extend(other_hours(frame, other));
            notes.extend(bots(frame, of_bots));
        }
        Metric::ChangeFailRate if reliability::is_proxy(frame) => notes.push("proxy: failed production stages".to_owned()),
        Metric::RecoveryTime => {
            let young = reliability::young_failures(frame, window);
            // The two tiles would seem to contradict each other.
            if young > 0 {
                notes.insert(0, format!("{young} of them younger than 72 hours: the change fail rate does not count these yet"));
            }
            notes.extend(detection(frame, window));
        }
        Metric::PipelineReliability => notes.push("final attempts of production stages that failed; not one of DORA's".to_owned()),
        _ => {}
    }
    notes
}

/// Where it is not known how many approvals branches want.
fn approvals(frame: &Frame<'_>) -> Vec<String> {
    let unknown = readiness::projects(frame).filter_map(|project| match &project.approvals {
        Knowledge::Unreadable { why } => {
            Some(format!("how many approvals {} wants is not seen ({why}): there the first one ends the review", project.name))
        }
        Knowledge::NotYet | Knowledge::Read => None,
    });
    if frame.query.definition == Definition::Ours { unknown.take(MOST_NAMED).collect() } else { Vec::new() }
}

fn production(frame: &Frame<'_>) -> Vec<String> {
    let mut grounds: Vec<String> = Vec::new();
    for service in frame.deployments.services.iter().filter(|service| service.asked) {
        grounds.extend(service.production.iter().map(|why| format!("{}: {why}", service.name)));
    }
    let more = grounds.len().saturating_sub(MOST_NAMED);
    grounds.truncate(MOST_NAMED);
    let mut notes: Vec<String> = grounds.into_iter().map(|ground| format!("{PRODUCTION}{ground}")).collect();
    if more > 0 {
        notes.push(format!("{PRODUCTION}{more} more: kanado metrics production lists them"));
    }
    notes
}

fn other_hours(frame: &Frame<'_>, seconds: Vec<f64>) -> Option<String> {
    if frame.query.definition != Definition::Ours {
        return None;
    }
    let words = match frame.query.hours {
        Hours::Calendar => "without weekends and holidays",
        Hours::Working => "in calendar hours",
    };
    match times(Definition::Ours, &statistics::ascending(seconds), "") {
        Value::Times { median, .. } => Some(format!("{words}: {}", duration(median))),
        _ => None,
    }
}

fn bots(frame: &Frame<'_>, seconds: Vec<f64>) -> Option<String> {
    if seconds.is_empty() || frame.query.definition != Definition::Ours {
        return None;
    }
    let n = seconds.len();
    Some(match times(Definition::Ours, &statistics::ascending(seconds), "") {
        Value::Times { median, .. } => format!("of bots: {} (n = {n})", duration(median)),
        _ => format!("of bots: n = {n}"),
    })
}

fn detection(frame: &Frame<'_>, window: Window) -> Option<String> {
    let mut seconds = Vec::new();
    for (index, failure) in &frame.failures.of {
        let deployment = &frame.deployments.all[*index as usize];
        if window.contains(deployment.at)
            && frame.deployments.services[deployment.service as usize].asked
            && let (Some(from), Some(to)) = (failure.detected_at, failure.recovered_at)
        {
            seconds.extend(Some(super::calendar::seconds(from, to)).filter(|seconds| *seconds >= 0.0));
        }
    }
    if frame.query.definition != Definition::Ours || seconds.is_empty() {
        return None;
    }
    let n = seconds.len();
    Some(match times(Definition::Ours, &statistics::ascending(seconds), "") {
        Value::Times { median, .. } => format!("from detection: {} (n = {n})", duration(median)),
        Value::Few { seconds } => {
            format!("from detection: {}", seconds.into_iter().map(duration).collect::<Vec<_>>().join(", "))
        }
        _ => return None,
    })
}

fn phases(frame: &Frame<'_>, windows: &Windows) -> Vec<super::figures::PhaseFigure> {
    let gate = |phase: Phase| {
        if readiness::projects(frame).next().is_none() {
            return Some(Value::NotMeasured { why: "no project is measured".to_owned() });
        }
        let sources: &[Source] = match phase {
            Phase::Coding => &[Source::PullRequests, Source::Details],
            Phase::Draft | Phase::Pickup | Phase::Review | Phase::MergeWait => &[Source::PullRequests, Source::Threads],
            Phase::DeployWait => &[Source::PullRequests, Source::Builds, Source::Environments, Source::Releases, Source::Pushes],
        };
        if let Some(percent) = readiness::backfilling(frame, sources) {
            return Some(Value::Backfilling { percent });
        }
        let refused = match phase {
            Phase::DeployWait => readiness::blinded(frame),
            _ => sources.iter().find_map(|source| readiness::refused(frame, *source)),
        };
        if let Some(why) = refused {
            return Some(Value::NotMeasured { why });
        }
        if frame.query.definition == Definition::FourKeys {
            return Some(Value::NotMeasured { why: "fourkeys defines no phases".to_owned() });
        }
        let none = !frame.deployments.services.iter().any(|service| service.asked);
        (phase == Phase::DeployWait && none).then_some(Value::NoProduction)
    };
    let figure = |phase: Phase| {
        if let Some(value) = gate(phase) {
            return super::figures::PhaseFigure { phase, value, n: 0, excluded: Vec::new(), overlay: None };
        }
        let mut tally = Tally::empty(0);
        cycle::each_phase(frame, phase, windows.now, &mut |sample| tally.take(frame, &windows.weeks, false, sample));
        let overlay = overlay::figure(frame, phase, windows.now);
        super::figures::PhaseFigure { overlay, ..tally.done().phase(phase, frame.query.definition) }
    };
    Phase::ALL.into_iter().map(figure).collect()
}
