//! Change fail rate, recovery time, rework rate and pipeline reliability. What failed is decided in [`failures`](super::failures).
//!
//! - **Change fail rate** `= |failed d| / |successful production d|`, for `d` at least 72 h old now, in projects that tell failures.
//! - **Failed deployment recovery time**: of each failed `d`, recovery - `d.t`; open ones enter the Kaplan-Meier median with their age.
//!   Always in calendar hours.
//! - **Deployment rework rate** `= |unplanned d| / |successful production d|`, in projects that tell failures.
//! - **Pipeline reliability** (not one of DORA's) `= failed / (failed + succeeded)` attempts of production stages that no later attempt took
//!   up; runs where runs count as wholes.
//! - **Proxy**: where no project tells failures and the configuration allows it, pipeline reliability stands for the change fail rate; the
//!   tile says so and has no band.
//!
//! DevLake and fourkeys have no 72 hours. Their recovery time is per incident: DevLake's from the finish of the deployment, in its window;
//! fourkeys' from the earlier of creation and deployment, in the window of the creation. Neither defines a rework rate.

use jiff::Timestamp;

use super::calendar::seconds;
use super::deployments::{Origin, Outcome, stage_end};
use super::failures::SETTLED_AFTER;
use super::figures::Reason;
use super::frame::{Frame, Item, Sample};
use super::frequency::left_out;
use super::query::{Definition, Window};

/// Whether stage failures stand for failed changes.
pub fn is_proxy(frame: &Frame<'_>) -> bool {
    frame.query.definition == Definition::Ours
        && frame.query.rules.stage_failures_as_proxy
        && !frame.deployments.services.iter().any(|service| service.asked && frame.failures.told.contains(&service.id.project))
}

pub fn each_failed(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    if is_proxy(frame) {
        return each_stage(frame, window, take);
    }
    frame.each_deployment(window, |index, deployment| {
        if left_out(deployment).is_some() {
            return;
        }
        let item = Item::Deployment(index);
        let is_young = is_young(frame, deployment.at);
        take(if !frame.failures.told.contains(&frame.project(deployment)) {
            Sample::excluded(item, deployment.at, Reason::NoSource)
        } else if is_young {
            Sample::excluded(item, deployment.at, Reason::TooYoung)
        } else {
            Sample::counted(item, deployment.at).hit(frame.failures.has(index))
        });
    });
}

/// Whether a failure of what was deployed then may still show.
fn is_young(frame: &Frame<'_>, at: Timestamp) -> bool {
    frame.query.definition == Definition::Ours && frame.now.duration_since(at) < SETTLED_AFTER
}

/// Failed deployments that recovery tells of and the change fail rate does not yet.
pub fn young_failures(frame: &Frame<'_>, window: Window) -> u64 {
    let mut young = 0;
    each_recovery(frame, window, &mut |sample| young += u64::from(sample.excluded.is_none() && is_young(frame, sample.at)));
    young
}

pub fn each_unplanned(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    frame.each_deployment(window, |index, deployment| {
        if left_out(deployment).is_some() {
            return;
        }
        let item = Item::Deployment(index);
        take(if frame.failures.told.contains(&frame.project(deployment)) {
            Sample::counted(item, deployment.at).hit(frame.failures.is_unplanned(index, deployment))
        } else {
            Sample::excluded(item, deployment.at, Reason::NoSource)
        });
    });
}

pub fn each_recovery(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    if frame.query.definition == Definition::Ours {
        let mut failed: Vec<u32> = frame.failures.of.keys().copied().collect();
        failed.sort_unstable();
        for index in failed {
            let (deployment, failure) = (&frame.deployments.all[index as usize], &frame.failures.of[&index]);
            if !window.contains(deployment.at) || !is_asked(frame, index) {
                continue;
            }
            let item = Item::Deployment(index);
            take(match failure.recovered_at {
                Some(at) => Sample::lasting(item, deployment.at, seconds(deployment.at, at)),
                None => Sample { open: true, ..Sample::lasting(item, deployment.at, seconds(deployment.at, frame.now)) },
            });
        }
        return;
    }
    for (at, incident) in frame.input.incidents.iter().enumerate() {
        if !(frame.query.projects.is_empty() || frame.query.projects.contains(&incident.project)) {
            continue;
        }
        let item = Item::Incident(at as u32);
        let cause = frame.failures.cause[at].filter(|index| is_asked(frame, *index)).map(|index| frame.deployments.all[index as usize].at);
        let (counts_at, from) = match (frame.query.definition, cause) {
            (Definition::FourKeys, Some(cause)) => (incident.created_at, cause.min(incident.created_at)),
            (Definition::FourKeys, None) => (incident.created_at, incident.created_at),
            (_, Some(cause)) => (cause, cause),
            (_, None) => {
                if window.contains(incident.created_at) && frame.failures.cause[at].is_none() {
                    take(Sample::excluded(item, incident.created_at, Reason::NoDeployment));
                }
                continue;
            }
        };
        if window.contains(counts_at) {
            take(match incident.resolved_at {
                Some(resolved_at) => Sample::lasting(item, counts_at, seconds(from, resolved_at)),
                None => Sample::excluded(item, counts_at, Reason::Pending),
            });
        }
    }
}

fn is_asked(frame: &Frame<'_>, index: u32) -> bool {
    let deployment = &frame.deployments.all[index as usize];
    frame.deployments.services[deployment.service as usize].asked
        && frame.query.repository.is_none_or(|asked| deployment.repository == Some(asked))
}

pub fn each_stage(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    let wholes_only = frame.query.definition != Definition::DevLake;
    frame.each_deployment(window, |index, deployment| {
        if wholes_only && matches!(deployment.origin, Origin::Stage(_)) {
            return;
        }
        take(attempt(Item::Deployment(index), deployment.at, deployment.outcome, deployment.notes.untimed));
    });
    if !wholes_only {
        return;
    }
    for (at, stage) in frame.input.stages.iter().enumerate() {
        let Some(service) = frame.deployments.of_stage[at] else { continue };
        let end = stage_end(stage);
        let Some(time) = end.finished_at.or(end.sign).filter(|time| window.contains(*time)) else { continue };
        if frame.deployments.services[service as usize].asked && frame.query.repository.is_none_or(|asked| stage.repository == Some(asked))
        {
            take(attempt(Item::Stage(at as u32), time, end.outcome, end.finished_at.is_none()));
        }
    }
}

fn attempt(item: Item, at: jiff::Timestamp, outcome: Outcome, untimed: bool) -> Sample {
    match outcome {
        Outcome::Succeeded | Outcome::Failed if untimed => Sample::excluded(item, at, Reason::NoTime),
        Outcome::Succeeded => Sample::counted(item, at),
        Outcome::Failed => Sample::counted(item, at).hit(true),
        Outcome::Canceled => Sample::excluded(item, at, Reason::Canceled),
        Outcome::NotDeployed => Sample::excluded(item, at, Reason::Skipped),
        Outcome::Pending => Sample::excluded(item, at, Reason::Pending),
        Outcome::Validation => Sample::excluded(item, at, Reason::Validation),
    }
}
