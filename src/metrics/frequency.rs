//! Deployment frequency: successful production deployments / calendar days of the window in which a service existed.
//!
//! Every success counts: seeds, redeploys and rollbacks too (the notes name them). Days: from the latest of the window's begin, the first
//! sign of any of the services asked for, and the begin of what is collected, to the earlier of the window's end and now; at least one.

use jiff::Timestamp;

use super::calendar::seconds;
use super::deployments::{Class, Deployment, Outcome};
use super::figures::Reason;
use super::frame::{Frame, Item, Sample};
use super::query::Window;

pub fn each(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    frame.each_deployment(window, |index, deployment| {
        let item = Item::Deployment(index);
        take(match left_out(deployment) {
            Some(reason) => Sample::excluded(item, deployment.at, reason),
            None => Sample::counted(item, deployment.at),
        });
    });
}

/// Why a run of a service is no successful deployment.
pub fn left_out(deployment: &Deployment) -> Option<Reason> {
    match deployment.outcome {
        Outcome::Succeeded if deployment.notes.untimed => Some(Reason::NoTime),
        Outcome::Succeeded => None,
        Outcome::Failed => Some(Reason::FailedAttempt),
        Outcome::Canceled => Some(Reason::Canceled),
        Outcome::NotDeployed => Some(Reason::Skipped),
        Outcome::Pending => Some(Reason::Pending),
        Outcome::Validation => Some(Reason::Validation),
    }
}

/// The days of the window that count.
pub fn days(frame: &Frame<'_>, window: Window) -> f64 {
    (seconds(since(frame, window), window.to.min(frame.now)) / 86_400.0).max(1.0)
}

/// Where they begin.
pub fn since(frame: &Frame<'_>, window: Window) -> Timestamp {
    let existed: Option<Timestamp> =
        frame.deployments.services.iter().filter(|service| service.asked).filter_map(|service| service.seen_from).min();
    let collected = super::readiness::collected_from(frame);
    [Some(window.from), existed, collected].into_iter().flatten().max().unwrap_or(window.from)
}

/// What the notes say besides.
#[derive(Debug, Default)]
pub struct Besides {
    pub redeploys: u64,
    pub rollbacks: u64,
    pub several_regions: u64,
    pub retried: u64,
    pub failed_after: u64,
    pub with_issues: u64,
}

pub fn besides(frame: &Frame<'_>, window: Window) -> Besides {
    let mut besides = Besides::default();
    frame.each_deployment(window, |_, deployment| {
        if left_out(deployment).is_none() {
            besides.redeploys += u64::from(deployment.class == Class::Redeploy);
            besides.rollbacks += u64::from(deployment.class == Class::Rollback);
            besides.several_regions += u64::from(deployment.regions > 1);
            besides.retried += u64::from(deployment.notes.retried);
            besides.failed_after += u64::from(deployment.notes.failed_after);
            besides.with_issues += u64::from(deployment.notes.with_issues);
        }
    });
    besides
}
