//! The rows behind a number, and those left out, each with what is to say of it. Newest first.

use jiff::Timestamp;

use super::containment::Source;
use super::deployments::{Class, Deployment};
use super::failures::Intervention;
use super::figures::{Metric, Phase, Row, Subject};
use super::frame::{Frame, Item, Sample};
use super::hash::FastMap;
use super::input::{Flow, Input, Nature};
use super::lead_time::{Start, start};
use super::query::Query;
use super::telling::duration;
use super::{overlay, readiness};

/// What a figure of the query's window counts and leaves out. Nothing where the figure can't be said.
pub fn rows(input: &Input, query: &Query, metric: Metric, now: Timestamp) -> Vec<Row> {
    let frame = Frame::of(input, query, now);
    let mut rows = Vec::new();
    if readiness::gate(&frame, metric).is_some() {
        return rows;
    }
    let known = Known::of(&frame);
    frame.each(metric, query.window, &mut |sample| rows.push(row(&frame, &known, metric, sample)));
    rows.sort_by_cached_key(|row: &Row| (std::cmp::Reverse(row.at), key(&row.subject)));
    rows
}

/// What rows ask again and again.
struct Known {
    /// The change of a direct push.
    of_tip: FastMap<u32, u32>,
    /// Repositories with a production deployment.
    deployed: FastMap<i64, ()>,
}

impl Known {
    fn of(frame: &Frame<'_>) -> Self {
        let of_tip = |(at, change): (usize, &super::containment::Change)| match change.source {
            Source::Tip(tip) => Some((tip, at as u32)),
            Source::Flow(_) => None,
        };
        Self {
            of_tip: frame.changes.all.iter().enumerate().filter_map(of_tip).collect(),
            deployed: frame.deployments.all.iter().filter_map(|row| Some((row.repository?.0, ()))).collect(),
        }
    }
}

fn key(subject: &Subject) -> (u8, i64, i64, i64) {
    match subject {
        Subject::PullRequest { repository, number } => (0, repository.0, *number, 0),
        Subject::Deployment { project, kind, definition, run } => (1 + *kind as u8, project.0, *definition, *run),
        Subject::Commit { repository, sha } => (3, repository.0, super::hash::sha(sha) as i64, 0),
        Subject::WorkItem { project, number } => (4, project.0, *number, 0),
    }
}

fn row(frame: &Frame<'_>, known: &Known, metric: Metric, sample: Sample) -> Row {
    let (subject, words) = match sample.item {
        Item::Flow(at) => {
            let flow = &frame.input.flows[at as usize];
            (Subject::PullRequest { repository: flow.repository, number: flow.number }, of_flow(frame, known, metric, at, flow))
        }
        Item::Tip(at) => {
            let tip = &frame.input.tips[at as usize];
            let brought = known.of_tip.get(&at).and_then(|change| frame.changes.all[*change as usize].brought);
            let words = brought.map_or_else(String::new, |(_, index)| format!(", {}", by(frame, index)));
            (Subject::Commit { repository: tip.repository, sha: tip.new.clone() }, format!("pushed without a pull request{words}"))
        }
        Item::Deployment(index) => {
            let deployment = &frame.deployments.all[index as usize];
            (subject(frame, deployment), of_deployment(frame, metric, index, deployment, &sample))
        }
        Item::Stage(at) => {
            let stage = &frame.input.stages[at as usize];
            let environment = stage.environment.as_ref().filter(|name| **name != stage.stage);
            let environment = environment.map_or_else(String::new, |name| format!(" to `{name}`"));
            let attempt = if stage.attempt > 1 { format!(", attempt {}", stage.attempt) } else { String::new() };
            let failed = if sample.hit { "failed in " } else { "" };
            let subject = Subject::Deployment { project: stage.project, kind: stage.kind, definition: stage.definition, run: stage.run };
            (subject, format!("{failed}stage `{}`{environment}{attempt}", stage.stage))
        }
        Item::Incident(at) => {
            let incident = &frame.input.incidents[at as usize];
            let cause = frame.failures.cause[at as usize].map_or_else(String::new, |index| format!(", {}", by(frame, index)));
            (Subject::WorkItem { project: incident.project, number: incident.number }, format!("incident{cause}"))
        }
    };
    let words = if sample.open { format!("{words}; open for {}", duration(sample.seconds.unwrap_or_default())) } else { words };
    Row { subject, at: sample.at, seconds: sample.seconds, words, excluded: sample.excluded, hit: sample.hit }
}

fn subject(frame: &Frame<'_>, deployment: &Deployment) -> Subject {
    let id = &frame.deployments.services[deployment.service as usize].id;
    Subject::Deployment { project: id.project, kind: id.kind, definition: id.definition, run: deployment.run }
}

/// "deployed by run 4711 of Website"
fn by(frame: &Frame<'_>, index: u32) -> String {
    let deployment = &frame.deployments.all[index as usize];
    format!("deployed by {}", name(frame, deployment))
}

fn name(frame: &Frame<'_>, deployment: &Deployment) -> String {
    let service = &frame.deployments.services[deployment.service as usize];
    let what = match service.id.kind {
        crate::domain::run::DefinitionKind::Pipeline => "run",
        crate::domain::run::DefinitionKind::Release => "release",
    };
    format!("{what} {} of {}", deployment.run, service.name)
}

fn of_flow(frame: &Frame<'_>, known: &Known, metric: Metric, at: u32, flow: &Flow) -> String {
    let mut parts: Vec<String> = Vec::new();
    match flow.nature {
        Nature::Ordinary => {}
        Nature::Revert => parts.push("reverts another".to_owned()),
        Nature::Hotfix => parts.push("hotfix".to_owned()),
    }
    match metric {
        Metric::LeadTime => {
            match start(flow) {
                Some(Start::Creation(_)) => parts.push("from creation: its first commit is younger".to_owned()),
                Some(Start::Stale(_)) => parts.push("from creation: its first commit is over 90 days older".to_owned()),
                Some(Start::FirstCommit(_)) | None => {}
            }
            let brought = frame.changes.of_flow[at as usize].and_then(|change| frame.changes.all[change as usize].brought);
            match brought {
                Some((_, index)) => parts.push(by(frame, index)),
                None if !known.deployed.contains_key(&flow.repository.0) => {
                    parts.push("its repository has no production deployment".to_owned());
                }
                None => {}
            }
            parts.extend(overlay::words(frame, at as usize, Phase::DeployWait));
        }
        Metric::CycleTime | Metric::MergedWithoutReview => {
            let reviewed = match (flow.has_threads, flow.first_review_at) {
                (false, _) => "reviews not read",
                (true, None) if flow.undated_vote => "a vote without a date",
                (true, None) => "no review before the merge",
                (true, Some(_)) => "reviewed",
            };
            parts.push(reviewed.to_owned());
            if flow.rework_rounds > 0 {
                let rounds = if flow.rework_rounds == 1 { "round" } else { "rounds" };
                parts.push(format!("{} {rounds} of rework", flow.rework_rounds));
            }
            if metric == Metric::CycleTime {
                parts.extend(overlay::words(frame, at as usize, Phase::MergeWait));
            }
        }
        Metric::WorkInProgress if flow.ready_at.is_none() => parts.push("draft".to_owned()),
        _ => {}
    }
    parts.join(", ")
}

/// What makes it one of those that failed or were not planned comes first: of the rest there is much, and little room.
fn of_deployment(frame: &Frame<'_>, metric: Metric, index: u32, deployment: &Deployment, sample: &Sample) -> String {
    let mut parts = Vec::new();
    if matches!(metric, Metric::ChangeFailRate | Metric::RecoveryTime)
        && let Some(failure) = frame.failures.of.get(&index)
    {
        let mut why: Vec<String> = failure
            .interventions
            .iter()
            .map(|intervention| match intervention {
                Intervention::Incident(at) => format!("incident {}", frame.input.incidents[*at as usize].number),
                Intervention::Rollback(by) => format!("rolled back by {}", name(frame, &frame.deployments.all[*by as usize])),
                Intervention::Hotfix(by) => format!("hotfix by {}", name(frame, &frame.deployments.all[*by as usize])),
                Intervention::Revert(by) => format!("reverted by {}", name(frame, &frame.deployments.all[*by as usize])),
            })
            .collect();
        why.sort_unstable();
        parts.push(format!("failed: {}", why.join(", ")));
    }
    let mut unplanned = Vec::new();
    if metric == Metric::ReworkRate
        && let Some(incident) = frame.failures.fixes.get(&index)
    {
        unplanned.push(format!("fixes incident {}", frame.input.incidents[*incident as usize].number));
    }
    let of_rework = [
        (deployment.class == Class::Rollback, "back to an older commit"),
        (deployment.notes.hotfix, "hotfix"),
        (deployment.notes.reverts, "reverts a change"),
    ];
    unplanned.extend(of_rework.into_iter().filter(|(is, _)| *is).map(|(_, words)| words.to_owned()));
    if metric == Metric::ReworkRate && sample.hit {
        parts.push(format!("unplanned: {}", unplanned.join(", ")));
    } else {
        parts.extend(unplanned);
    }
    match deployment.class {
        Class::Forward | Class::Rollback => {}
        Class::Seed => parts.push("first known".to_owned()),
        Class::Redeploy => parts.push("the same commit again".to_owned()),
    }
    if deployment.regions > 1 {
        let after = super::calendar::seconds(deployment.first_at, deployment.at);
        parts.push(format!("{} of {} environments, the last {} after the first", deployment.reached, deployment.regions, duration(after)));
    }
    let notes = [
        (deployment.notes.retried, "after a retry"),
        (deployment.notes.with_issues, "with issues"),
        (deployment.notes.failed_after, "the run failed afterwards"),
    ];
    parts.extend(notes.into_iter().filter(|(is, _)| *is).map(|(_, words)| words.to_owned()));
    parts.join(", ")
}
