//! Whether a figure can be said at all: what it needs that is not collected yet, or may not be read, or does not exist.

use jiff::Timestamp;

use super::figures::{Metric, Missing, Value};
use super::frame::Frame;
use super::input::{Input, MeasuredProject};
use super::query::{Definition, Query, Window};
use super::{frequency, reliability};
use crate::domain::collection::{Source, SourceState};
use crate::domain::id::ProjectId;
use crate::domain::run::DefinitionKind;

/// What a figure can't do without, in every project asked for.
fn needs(metric: Metric) -> &'static [Source] {
    match metric {
        Metric::DeploymentFrequency | Metric::PipelineReliability => &[Source::Builds, Source::Environments, Source::Releases],
        Metric::LeadTime => {
            &[Source::PullRequests, Source::Builds, Source::Environments, Source::Releases, Source::Details, Source::Pushes]
        }
        Metric::ChangeFailRate | Metric::RecoveryTime | Metric::ReworkRate => {
            &[Source::PullRequests, Source::Builds, Source::Environments, Source::Releases, Source::Pushes, Source::WorkItems]
        }
        Metric::CycleTime | Metric::Throughput | Metric::WorkInProgress => &[Source::PullRequests],
        Metric::MergedWithoutReview => &[Source::PullRequests, Source::Threads],
    }
}

/// What a figure is better with: named where it is refused, waited for by nobody.
fn helps(metric: Metric) -> &'static [Source] {
    match metric {
        Metric::CycleTime => &[Source::Threads],
        _ => &[],
    }
}

/// Whether a figure is about deployments.
pub fn is_of_deployments(metric: Metric) -> bool {
    needs(metric).contains(&Source::Builds)
}

/// The measured projects that the query asks for.
pub fn projects<'a>(frame: &'a Frame<'_>) -> impl Iterator<Item = &'a MeasuredProject> + Clone {
    let asked = |project: &&MeasuredProject| frame.query.projects.is_empty() || frame.query.projects.contains(&project.id);
    frame.input.projects.iter().filter(asked).filter(|project| !project.collection.sources.is_empty())
}

/// Since when anything is collected; absent where of some project that is not known.
pub fn collected_from(frame: &Frame<'_>) -> Option<Timestamp> {
    projects(frame).map(|project| project.collection.from).min().flatten()
}

/// Since when everything is collected, of all projects asked for; absent where of some project that is not known.
pub fn all_collected_from(frame: &Frame<'_>) -> Option<Timestamp> {
    projects(frame).map(|project| project.collection.from).collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// Since when a window's weeks have what a figure counts: of some project asked for, and of all.
pub fn measured_from(frame: &Frame<'_>, metric: Metric, window: Window) -> (Timestamp, Timestamp) {
    // Before there was a service nothing could be deployed.
    let begins = if metric == Metric::DeploymentFrequency { frequency::since(frame, window) } else { window.from };
    let since = |collected: Option<Timestamp>| collected.map_or(begins, |from| from.max(begins));
    (since(collected_from(frame)), since(all_collected_from(frame)))
}

fn is_settled(state: &SourceState) -> bool {
    state.backfilled_at.is_some() || state.refused.is_some()
}

fn share(state: &SourceState) -> f64 {
    match state.total {
        _ if is_settled(state) => 1.0,
        Some(total) if total > 0 => (state.done as f64 / total as f64).clamp(0.0, 1.0),
        _ => 0.0,
    }
}

/// How much of the first collection of these sources is done, if it is not complete.
pub fn backfilling(frame: &Frame<'_>, sources: &[Source]) -> Option<u8> {
    let states: Vec<&SourceState> = projects(frame).flat_map(|project| &project.collection.sources).collect();
    let needed: Vec<&SourceState> = states.into_iter().filter(|state| sources.contains(&state.source)).collect();
    if needed.iter().all(|state| is_settled(state)) {
        return None;
    }
    let done: f64 = needed.iter().map(|state| share(state)).sum();
    Some(((done / needed.len() as f64 * 100.0) as u8).min(99))
}

/// Whether a source of a project may not be read.
pub fn is_refused(project: &MeasuredProject, source: Source) -> bool {
    project.collection.source(source).is_some_and(|state| state.refused.is_some())
}

/// Whether every project refuses a source, and what to do about it.
pub fn refused(frame: &Frame<'_>, source: Source) -> Option<String> {
    let mut words = None;
    for project in projects(frame) {
        words = Some(project.collection.source(source)?.refused.clone()?);
    }
    words
}

/// Projects whose deployments are not known as a whole, because their runs may not be read: environments and releases alone show a part
/// that would pass for all of it, and what other pipelines brought would pass for waiting. A classic release asked for by itself is whole.
pub fn blind(input: &Input, query: &Query) -> Vec<ProjectId> {
    if query.service.as_ref().is_some_and(|service| service.kind == DefinitionKind::Release) {
        return Vec::new();
    }
    input.projects.iter().filter(|project| is_refused(project, Source::Builds)).map(|project| project.id).collect()
}

/// Why no deployment is known in any project asked for, if their runs may not be read.
pub fn blinded(frame: &Frame<'_>) -> Option<String> {
    refused(frame, Source::Builds).filter(|_| !frame.blind.is_empty())
}

/// What a figure lacks.
pub fn missing(frame: &Frame<'_>, metric: Metric) -> Vec<Missing> {
    missing_of(frame, &[needs(metric), helps(metric)].concat())
}

pub fn missing_of(frame: &Frame<'_>, sources: &[Source]) -> Vec<Missing> {
    let of = |project: &MeasuredProject| -> Vec<Missing> {
        sources
            .iter()
            .filter_map(|source| {
                let words = project.collection.source(*source)?.refused.clone()?;
                Some(Missing { source: *source, project: project.name.clone(), words })
            })
            .collect()
    };
    projects(frame).flat_map(of).collect()
}

/// Why a figure can't be said, if it can't.
pub fn gate(frame: &Frame<'_>, metric: Metric) -> Option<Value> {
    let not_measured = |why: &str| Some(Value::NotMeasured { why: why.to_owned() });
    match (frame.query.definition, metric) {
        (Definition::DevLake, Metric::ReworkRate) => return not_measured("DevLake defines no rework rate"),
        (Definition::FourKeys, Metric::ReworkRate) => return not_measured("fourkeys defines no rework rate"),
        (Definition::FourKeys, Metric::CycleTime) => return not_measured("fourkeys defines no cycle time"),
        _ => {}
    }
    if projects(frame).next().is_none() {
        return not_measured("no project is measured: add one with `kanado projects add`");
    }
    if let Some(percent) = backfilling(frame, needs(metric)) {
        return Some(Value::Backfilling { percent });
    }
    // Without the lists there is nothing to count, and without runs nobody knows of how many deployments. What is refused besides makes a
    // figure poorer, and is named with it.
    let lists = if is_of_deployments(metric) { &[][..] } else { needs(metric) };
    if let Some(words) = lists.iter().find_map(|source| refused(frame, *source)) {
        return Some(Value::NotMeasured { why: words });
    }
    if !is_of_deployments(metric) {
        return None;
    }
    if let Some(why) = blinded(frame) {
        return Some(Value::NotMeasured { why });
    }
    // Where environments may not be read, or show no production, stages of the timelines tell: wait for them.
    let none = !frame.deployments.services.iter().any(|service| service.asked);
    if (none || refused(frame, Source::Environments).is_some())
        && let Some(percent) = backfilling(frame, &[Source::Timelines])
    {
        return Some(Value::Backfilling { percent });
    }
    if none {
        return Some(Value::NoProduction);
    }
    if metric == Metric::LeadTime
        && let Some(why) = refused(frame, Source::PullRequests)
    {
        return Some(Value::NotMeasured { why });
    }
    let of_failures = matches!(metric, Metric::ChangeFailRate | Metric::RecoveryTime | Metric::ReworkRate);
    let told = || frame.deployments.services.iter().any(|service| service.asked && frame.failures.told.contains(&service.id.project));
    if of_failures && !told() && !(metric == Metric::ChangeFailRate && reliability::is_proxy(frame)) {
        return not_measured("nothing tells failures: no incident, rollback, hotfix or revert was ever seen, and no incident type is set");
    }
    None
}
