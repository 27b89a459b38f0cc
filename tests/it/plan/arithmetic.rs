//! The figures of thirty days by plain arithmetic on a plan: sort, interpolate, count. No line of the product is used but its shapes.
//!
//! Limits: pipeline reliability needs the stages one by one, which no plan has.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kanado::metrics::figures::{Metric, Phase, Value};
use kanado::sim::generate::Plan;
use kanado::sim::generate::plan::{Cause, Class, DeployedBy, Intervention, Nature, PlannedDeployment, PlannedPullRequest, Way};
use kanado::sim::world::PrState;
use uuid::Uuid;

/// What a figure has to be.
#[derive(Debug, PartialEq)]
pub enum Expected {
    /// In seconds; the percentile from 19 on.
    Times {
        n: usize,
        median: f64,
        p85: Option<f64>,
    },
    /// Under five: all of them.
    Few(Vec<f64>),
    /// With open ones counted by their age.
    Censored {
        median: f64,
        open: u64,
    },
    Rate {
        k: u64,
        n: u64,
    },
    Frequency {
        count: u64,
        days: f64,
        days_per_week: Option<f64>,
    },
    Count(u64),
}

impl Expected {
    pub fn agrees(&self, value: &Value) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() < 0.01;
        match (self, value) {
            (Self::Times { median, p85, .. }, Value::Times { median: said, p85: said_p85, .. }) => {
                close(*median, *said)
                    && match (p85, said_p85) {
                        (Some(a), Some(b)) => close(*a, *b),
                        (a, b) => a.is_none() && b.is_none(),
                    }
            }
            (Self::Few(all), Value::Few { seconds }) => all.len() == seconds.len() && all.iter().zip(seconds).all(|(a, b)| close(*a, *b)),
            (Self::Few(all), Value::NotMeasured { .. }) => all.is_empty(),
            (Self::Censored { median, open }, Value::Censored { median: said, open: said_open }) => {
                close(*median, *said) && open == said_open
            }
            (Self::Rate { k, n }, Value::Rate { k: said_k, n: said_n, .. }) => (k, n) == (said_k, said_n),
            (
                Self::Frequency { count, days, days_per_week },
                Value::Frequency { count: said, days: said_days, deploy_days_per_week, .. },
            ) => count == said && close(*days, *said_days) && days_per_week == deploy_days_per_week,
            (Self::Count(count), Value::Count { count: said }) => count == said,
            _ => false,
        }
    }

    /// Of times in seconds: the median and the 85th percentile between the two neighbours of position `q * (n - 1)`.
    fn of_times(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let n = seconds.len();
        if n < 5 {
            return Self::Few(seconds);
        }
        let at = |q: f64| {
            let position = q * (n - 1) as f64;
            let below = position as usize;
            let above = (below + 1).min(n - 1);
            seconds[below] + (position - below as f64) * (seconds[above] - seconds[below])
        };
        Self::Times { n, median: at(0.5), p85: (n >= 19).then(|| at(0.85)) }
    }
}

pub fn is_bots(row: &PlannedPullRequest) -> bool {
    matches!(row.nature, Nature::ServiceBot | Nature::ListedBot)
}

/// The earliest author date; the creation where that is later, or more than ninety days before.
pub fn start(row: &PlannedPullRequest) -> Timestamp {
    let first = row.first_author_date.unwrap_or(row.created);
    let is_stale = row.created.duration_since(first) > SignedDuration::from_hours(90 * 24);
    if is_stale || first > row.created { row.created } else { first }
}

/// Whether an attempt failed before the one that succeeded: not where the attempts before were deployments of their own. Of those before
/// the window nobody knows it.
pub fn was_retried(plan: &Plan, row: &PlannedDeployment) -> bool {
    let before = plan
        .successes()
        .filter(|other| other.in_window)
        .filter(|other| (other.run, other.way, other.definition) == (row.run, row.way, row.definition));
    let last = before.filter(|other| other.at < row.at).map(|other| other.attempt).max().unwrap_or(0);
    row.attempt > last + 1
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// What a collection that begins with the window knows to be carried.
fn known(by: &Option<DeployedBy>, from: Timestamp) -> Option<Timestamp> {
    by.as_ref().filter(|by| by.at >= from && (by.is_exact || !by.is_first_in_window)).map(|by| by.at)
}

/// Successful production deployments of the window.
fn successes(plan: &Plan) -> Vec<&PlannedDeployment> {
    plan.successes().filter(|row| row.in_window).collect()
}

/// Rollbacks, hotfixes, and reverts of what had been deployed.
fn is_unplanned(plan: &Plan, row: &PlannedDeployment) -> bool {
    let is_by = |by: &Option<DeployedBy>| by.as_ref().is_some_and(|by| (by.run, Some(by.at)) == (row.run, row.at));
    let takes_back = || {
        plan.pull_requests.iter().filter(|pull| is_by(&pull.deployed)).any(|pull| {
            let reverted = pull.reverts.and_then(|number| plan.pull_request(number));
            reverted.is_some_and(|reverted| reverted.deployed.is_some() && !is_by(&reverted.deployed))
        })
    };
    !row.is_first_in_window && (matches!(row.class, Class::Rollback | Class::Hotfix) || takes_back())
}

/// Projects of which failures can be told: an incident, a rollback, a hotfix or a revert was seen.
fn told(plan: &Plan) -> BTreeSet<&str> {
    let incidents = plan.incidents.iter().map(|row| row.project.as_str());
    let unplanned = successes(plan).into_iter().filter(|row| is_unplanned(plan, row)).map(|row| row.project.as_str());
    incidents.chain(unplanned).collect()
}

/// Of each failed deployment of the window, when it was repaired: by the service's next deployment at or after its intervention that did
/// not fail, of a commit that never did, or when all its incidents were resolved, whichever was first.
pub fn repairs(plan: &Plan) -> Vec<(&PlannedDeployment, Option<Timestamp>)> {
    let all = successes(plan);
    let bad: BTreeSet<_> = all.iter().filter(|row| row.intervention.is_some()).map(|row| (row.repository_id, &row.sha)).collect();
    let failed = all.iter().filter_map(|row| Some((*row, row.at?, row.intervention?)));
    failed
        .map(|(row, at, intervention)| {
            let is_good = |next: &&&PlannedDeployment| {
                let is_later = next.at.is_some_and(|ended| ended >= intervention.at && ended > at);
                next.repository_id == row.repository_id && is_later && !bad.contains(&(next.repository_id, &next.sha))
            };
            let next = all.iter().filter(is_good).filter_map(|next| next.at).min();
            // A run may have been deployed twice: an incident is of the deployment that it followed.
            let followed = |created: Timestamp| created >= at && created.duration_since(at) <= SignedDuration::from_hours(72);
            let incidents: Vec<_> = plan
                .incidents
                .iter()
                .filter(|incident| (incident.run, &incident.project) == (row.run, &row.project) && followed(incident.created))
                .filter(|incident| incident.area.ends_with(&format!("\\{}", row.repository)))
                .collect();
            let is_open = incidents.iter().any(|incident| incident.resolved.is_none());
            let resolved = incidents.iter().filter_map(|incident| incident.resolved).max().filter(|_| !is_open);
            (row, [next, resolved].into_iter().flatten().min())
        })
        .collect()
}

/// The plan without the rollbacks that nobody can see who began to look with the window: back to a commit that was pushed before it and
/// deployed before it, which may as well be a branch's, unless the number of its release tells. What they undid has not failed then, as
/// far as anybody knows.
pub fn as_seen(mut plan: Plan) -> Plan {
    let from = plan.window_from;
    let mut landed: BTreeMap<(Uuid, usize), Timestamp> =
        plan.pushes.iter().map(|row| ((row.repository_id, row.position), row.at)).collect();
    landed.extend(plan.pull_requests.iter().filter_map(|row| Some(((row.repository_id, row.position?), row.closed?))));
    let mut unseen = Vec::new();
    for row in plan.deployments.iter().filter(|row| row.in_window && row.class == Class::Rollback) {
        let was_pushed = row.position.and_then(|position| landed.get(&(row.repository_id, position))).is_some_and(|at| *at >= from);
        let was_deployed = plan
            .successes()
            .any(|other| other.in_window && other.repository_id == row.repository_id && other.sha == row.sha && other.at < row.at);
        let is_in_place = |other: &&PlannedDeployment| other.in_window && other.repository_id == row.repository_id && other.at < row.at;
        let before = plan.successes().filter(is_in_place).last();
        let is_older_release = row.way == Way::Classic && before.is_some_and(|before| row.run < before.run);
        if !was_pushed && !was_deployed && !is_older_release {
            unseen.push((row.run, row.at));
        }
    }
    for row in &mut plan.deployments {
        if unseen.contains(&(row.run, row.at)) {
            row.class = Class::Regular;
        }
        let is_of_unseen = |by: &Intervention| by.why == Cause::Rollback && unseen.contains(&(by.by, Some(by.at)));
        row.intervention = row.intervention.filter(|by| !is_of_unseen(by));
    }
    plan
}

fn frequency(plan: &Plan) -> Expected {
    let rows = successes(plan);
    // Days count from the first sign of any service: the end of what succeeded, failed or was cancelled first.
    let signs = plan.deployments.iter().filter(|row| row.in_window).filter_map(|row| row.first_region.or(row.at));
    let since = signs.min().unwrap_or(plan.window_from).max(plan.window_from);
    let days = seconds(since, plan.start) / 86_400.0;
    // Whole weeks from Monday, after the day since which days count.
    let day = |at: Timestamp| at.as_second().div_euclid(86_400);
    let monday = |day: i64| day - (day + 3).rem_euclid(7);
    let mut weeks: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    let mut first = monday(day(since));
    if first < day(since) {
        first += 7;
    }
    while (first + 7) * 86_400 <= plan.start.as_second() {
        weeks.insert(first, BTreeSet::new());
        first += 7;
    }
    for at in rows.iter().filter_map(|row| row.at) {
        if let Some(days) = weeks.get_mut(&monday(day(at))) {
            days.insert(day(at));
        }
    }
    let mut counts: Vec<usize> = weeks.values().map(BTreeSet::len).collect();
    counts.sort_unstable();
    let days_per_week = (!counts.is_empty()).then(|| (counts[(counts.len() - 1) / 2] + counts[counts.len() / 2]) as f64 / 2.0);
    Expected::Frequency { count: rows.len() as u64, days, days_per_week }
}

fn lead_time(plan: &Plan) -> Expected {
    let people = plan.pull_requests.iter().filter(|row| !is_bots(row) && row.closed.is_some_and(|closed| closed >= plan.window_from));
    let pulls = people.filter_map(|row| Some(seconds(start(row), known(&row.deployed, plan.window_from)?)));
    let pushes = plan.pushes.iter().filter(|row| row.at >= plan.window_from);
    let pushes = pushes.filter_map(|row| Some(seconds(row.authored, known(&row.deployed, plan.window_from)?)));
    Expected::of_times(pulls.chain(pushes).collect())
}

/// The median of those that ended, where some go on: step by step down the share that is still open.
fn recovery(plan: &Plan) -> Expected {
    let mut cases: Vec<(f64, bool)> = repairs(plan)
        .into_iter()
        .filter_map(|(row, repaired)| Some((seconds(row.at?, repaired.unwrap_or(plan.start)), repaired.is_none())))
        .collect();
    let open = cases.iter().filter(|(_, open)| *open).count();
    if open == 0 {
        return Expected::of_times(cases.into_iter().map(|(seconds, _)| seconds).collect());
    }
    cases.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut share = 1.0;
    for (at, (seconds, is_open)) in cases.iter().enumerate() {
        if !is_open {
            share *= 1.0 - 1.0 / (cases.len() - at) as f64;
        }
        if share <= 0.5 + 1e-9 {
            return Expected::Censored { median: *seconds, open: open as u64 };
        }
    }
    panic!("more than half go on: {cases:?}")
}

/// Completed in the window by people.
fn completed(plan: &Plan) -> Vec<&PlannedPullRequest> {
    let is_it = |row: &&PlannedPullRequest| {
        row.state == PrState::Completed && !is_bots(row) && row.closed.is_some_and(|closed| closed >= plan.window_from)
    };
    plan.pull_requests.iter().filter(is_it).collect()
}

pub fn tiles(plan: &Plan) -> Vec<(Metric, Expected)> {
    let told = told(plan);
    let rows = successes(plan);
    let counted = || rows.iter().filter(|row| told.contains(row.project.as_str()));
    let settled = |row: &&&PlannedDeployment| row.at.is_some_and(|at| plan.start.duration_since(at) >= SignedDuration::from_hours(72));
    let completed = completed(plan);
    let open = plan.pull_requests.iter().filter(|row| row.state == PrState::Active && !is_bots(row)).count();
    vec![
        (Metric::DeploymentFrequency, frequency(plan)),
        (Metric::LeadTime, lead_time(plan)),
        (
            Metric::ChangeFailRate,
            Expected::Rate {
                k: counted().filter(settled).filter(|row| row.intervention.is_some()).count() as u64,
                n: counted().filter(settled).count() as u64,
            },
        ),
        (Metric::RecoveryTime, recovery(plan)),
        (
            Metric::ReworkRate,
            Expected::Rate { k: counted().filter(|row| is_unplanned(plan, row)).count() as u64, n: counted().count() as u64 },
        ),
        (
            Metric::CycleTime,
            Expected::of_times(
                completed
                    .iter()
                    .filter(|row| row.nature != Nature::Revert)
                    .filter_map(|row| Some(seconds(row.ready?, row.closed?)))
                    .collect(),
            ),
        ),
        (Metric::Throughput, Expected::Count(completed.len() as u64)),
        (Metric::WorkInProgress, Expected::Count(open as u64)),
        (
            Metric::MergedWithoutReview,
            Expected::Rate {
                k: completed.iter().filter(|row| row.first_human_review.is_none() && !row.has_undated_vote).count() as u64,
                n: completed.len() as u64,
            },
        ),
    ]
}

/// How much of some intervals lies between two instants, in seconds: every instant counts once.
pub fn covered(intervals: &[(Timestamp, Option<Timestamp>)], from: Timestamp, to: Timestamp) -> f64 {
    let mut edges: Vec<(Timestamp, i32)> = Vec::new();
    for (begin, end) in intervals {
        let (begin, end) = ((*begin).max(from), end.unwrap_or(to).min(to));
        if begin < end {
            edges.extend([(begin, 1), (end, -1)]);
        }
    }
    edges.sort_unstable();
    let (mut running, mut since, mut sum) = (0, from, 0.0);
    for (at, change) in edges {
        if running > 0 {
            sum += seconds(since, at);
        }
        (running, since) = (running + change, at);
    }
    sum
}

/// The checks of a pull request that a collection of the plan's window finds.
pub fn seen_checks(plan: &Plan, row: &PlannedPullRequest) -> Vec<(Timestamp, Option<Timestamp>)> {
    row.checks.iter().copied().filter(|(_, end)| end.is_none_or(|end| end >= plan.window_from)).collect()
}

/// CI in a phase of completed pull requests of people, of those of which it can be known: what it is, and how many have the phase.
pub fn ci(plan: &Plan, phase: Phase) -> (Expected, usize) {
    let span = |row: &PlannedPullRequest| {
        let review = row.first_human_review.filter(|_| !row.has_undated_vote)?;
        let approved = row.completing_approval?;
        if phase == Phase::Review { Some((review, approved)) } else { Some((approved, row.closed?)) }
    };
    let rows = completed(plan).into_iter().filter(|row| row.nature != Nature::Revert);
    let spans: Vec<_> = rows.filter_map(|row| Some((row, span(row)?))).collect();
    let known = spans.iter().filter(|(row, (from, _))| *from >= plan.window_from && !seen_checks(plan, row).is_empty());
    (Expected::of_times(known.map(|(row, (from, to))| covered(&seen_checks(plan, row), *from, *to)).collect()), spans.len())
}

pub fn phases(plan: &Plan) -> Vec<(Phase, Expected)> {
    let rows: Vec<_> = completed(plan).into_iter().filter(|row| row.nature != Nature::Revert).collect();
    let times = |of: &dyn Fn(&PlannedPullRequest) -> Option<(Timestamp, Timestamp)>| {
        Expected::of_times(rows.iter().filter_map(|row| of(row)).map(|(from, to)| seconds(from, to)).collect())
    };
    let is_stale = |row: &PlannedPullRequest| {
        row.first_author_date.is_some_and(|first| row.created.duration_since(first) > SignedDuration::from_hours(90 * 24))
    };
    // A vote that nobody dates leaves the review unknown.
    let review = |row: &PlannedPullRequest| row.first_human_review.filter(|_| !row.has_undated_vote);
    let deployed = completed(plan).into_iter().filter_map(|row| Some(seconds(row.closed?, known(&row.deployed, plan.window_from)?)));
    vec![
        (Phase::Coding, times(&|row| (!is_stale(row)).then(|| (start(row), row.created)))),
        (Phase::Draft, times(&|row| row.ready.filter(|ready| *ready != row.created).map(|ready| (row.created, ready)))),
        (Phase::Pickup, times(&|row| row.ready.zip(review(row)))),
        (Phase::Review, times(&|row| review(row).zip(row.completing_approval))),
        (Phase::MergeWait, times(&|row| review(row).and(row.completing_approval).zip(row.closed))),
        (Phase::DeployWait, Expected::of_times(deployed.collect())),
    ]
}
