//! Classic releases of a planned history: a release for each good build, and how far its deployments get.
//!
//! Limits: three environments, `Dev`, `Staging` and `Production`; only the last one needs an approval.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::plan::{Outcome, Way};
use super::runs::{Fate, Pipelines, Production, Ship, Shipment, shipment};
use crate::sim::world::{ApprovalStatus, BuildResult, DeploymentReason, DeploymentStatus};

#[derive(Debug, Default)]
pub(super) struct Releases {
    pub releases: Vec<PlannedRelease>,
    pub deployments: Vec<PlannedReleaseDeployment>,
}

/// A release without its number.
#[derive(Debug)]
pub(super) struct PlannedRelease {
    pub definition: i32,
    /// Index of the run it was made of.
    pub run: usize,
    pub position: usize,
    pub by: Uuid,
    pub created: Timestamp,
    pub place: usize,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedReleaseDeployment {
    /// Index of the release.
    pub release: usize,
    /// 0 is `Dev`, 2 is `Production`.
    pub environment: usize,
    pub attempt: i32,
    pub reason: DeploymentReason,
    pub by: Uuid,
    pub queued: Timestamp,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub end: End,
    /// Who decided, how and when.
    pub approval: Option<(Uuid, ApprovalStatus, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Ran(DeploymentStatus),
    Refused,
    /// It waits for its approval.
    Waits,
}

const PRODUCTION: usize = 2;

/// CI, a release, and its deployments.
pub(super) fn ship(pipelines: &mut Pipelines<'_>, main: usize, ship: &Ship, production: &mut Production) {
    let run = pipelines.yaml(main, ship, production);
    let build = &pipelines.out.runs[run].build;
    let (Some(built), Some(BuildResult::Succeeded)) = (build.finished, build.result) else { return };
    let Some(release) = make(pipelines, run, ship, built) else { return };
    let staged = to_staging(pipelines, release, built + SignedDuration::from_secs(40), ship.by.1);
    if ship.fate != Fate::Skipped {
        to_production(pipelines, release, ship, staged, production);
    }
}

/// An older commit again, or the same once more: a new release of an old build, or every other time the old release itself.
pub(super) fn again(pipelines: &mut Pipelines<'_>, ship: &Ship, production: &mut Production) {
    let releases = &pipelines.out.releases.releases;
    let found = releases.iter().rposition(|release| release.place == ship.place && release.position == ship.position);
    let Some(old) = found else { return };
    let run = releases[old].run;
    // Deploying an old release again adds an attempt to it, and hides that it was deployed before: only where there is plenty.
    let reuse = pipelines.layout.places.len() > 5 && pipelines.out.releases.deployments.len().is_multiple_of(2);
    let release = if reuse { Some(old) } else { make(pipelines, run, ship, ship.queued) };
    if let Some(release) = release {
        to_production(pipelines, release, ship, ship.queued + SignedDuration::from_mins(2), production);
    }
}

fn make(pipelines: &mut Pipelines<'_>, run: usize, ship: &Ship, built: Timestamp) -> Option<usize> {
    let definition = pipelines.layout.places[ship.place].pipelines.release?;
    let created = built + SignedDuration::from_secs(20);
    if created > pipelines.window.start - SignedDuration::from_mins(30) {
        return None;
    }
    let releases = &mut pipelines.out.releases.releases;
    releases.push(PlannedRelease { definition, run, position: ship.position, by: ship.by.0, created, place: ship.place });
    Some(releases.len() - 1)
}

/// Dev and Staging, which deploy by themselves; answers the end.
fn to_staging(pipelines: &mut Pipelines<'_>, release: usize, queued: Timestamp, by: Uuid) -> Timestamp {
    let mut at = queued;
    for environment in 0..PRODUCTION {
        let started = at + SignedDuration::from_secs(15);
        let completed = started + pipelines.dice.minutes(2, 6);
        pipelines.out.releases.deployments.push(PlannedReleaseDeployment {
            release,
            environment,
            attempt: 1,
            reason: DeploymentReason::Automated,
            by,
            queued: at,
            started: Some(started),
            completed: Some(completed),
            end: End::Ran(DeploymentStatus::Succeeded),
            approval: None,
        });
        at = completed + SignedDuration::from_secs(3);
    }
    at
}

fn to_production(pipelines: &mut Pipelines<'_>, release: usize, ship: &Ship, queued: Timestamp, production: &mut Production) {
    let layout = pipelines.layout;
    let place = &layout.places[ship.place];
    let approver = place.pipelines.approvers.first().copied().unwrap_or_default();
    let limit = pipelines.window.start - SignedDuration::from_mins(20);
    let wait = if ship.hurried { pipelines.dice.minutes(2, 10) } else { pipelines.dice.about(35).min(SignedDuration::from_hours(9)) };
    let decided = queued + wait;
    let started = (decided + SignedDuration::from_secs(8)).max(production.free_from + SignedDuration::from_secs(30));
    let completed = started + pipelines.dice.minutes(3, 10);
    let before = pipelines.out.releases.deployments.iter().filter(|row| row.release == release && row.environment == PRODUCTION).count();
    let attempt = i32::try_from(before).unwrap_or(0) + 1;
    let mut deployment = PlannedReleaseDeployment {
        release,
        environment: PRODUCTION,
        attempt,
        reason: if attempt == 1 { DeploymentReason::Automated } else { DeploymentReason::Manual },
        by: ship.by.1,
        queued,
        started: Some(started),
        completed: Some(completed),
        end: End::Ran(DeploymentStatus::Succeeded),
        approval: Some((approver, ApprovalStatus::Approved, decided)),
    };
    let definition = place.pipelines.release.unwrap_or_default();
    let mut row = Shipment {
        environment: "Production".to_owned(),
        at: Some(completed),
        outcome: Outcome::Succeeded,
        attempt: usize::try_from(attempt).unwrap_or(1),
        ..shipment(ship, Way::Classic, release, definition)
    };
    row.queued = queued;
    if completed + SignedDuration::from_hours(3) > limit {
        deployment = PlannedReleaseDeployment {
            started: None,
            completed: None,
            end: End::Waits,
            approval: Some((approver, ApprovalStatus::Pending, queued)),
            ..deployment
        };
        (row.outcome, row.at) = (Outcome::Unfinished, None);
    } else {
        match ship.fate {
            Fate::Rejected | Fate::TimedOut => {
                let status = if ship.fate == Fate::Rejected { ApprovalStatus::Rejected } else { ApprovalStatus::TimedOut };
                deployment = PlannedReleaseDeployment {
                    started: None,
                    completed: None,
                    end: End::Refused,
                    approval: Some((approver, status, decided)),
                    ..deployment
                };
                (row.outcome, row.at) = (Outcome::Rejected, None);
            }
            Fate::Fails => {
                deployment.end = End::Ran(DeploymentStatus::Failed);
                row.outcome = Outcome::Failed;
            }
            Fate::CancelledInProduction => {
                deployment.end = End::Ran(DeploymentStatus::NotDeployed);
                row.outcome = Outcome::Cancelled;
            }
            Fate::Issues => {
                deployment.end = End::Ran(DeploymentStatus::PartiallySucceeded);
                row.outcome = Outcome::SucceededWithIssues;
            }
            Fate::Retried => {
                let failed = PlannedReleaseDeployment { end: End::Ran(DeploymentStatus::Failed), ..deployment.clone() };
                let again = completed + pipelines.dice.minutes(15, 100);
                let finished = again + pipelines.dice.minutes(3, 10);
                deployment = PlannedReleaseDeployment {
                    attempt: attempt + 1,
                    reason: DeploymentReason::Manual,
                    queued: again - SignedDuration::from_secs(20),
                    started: Some(again),
                    completed: Some(finished),
                    ..deployment
                };
                pipelines.out.releases.deployments.push(failed);
                (row.at, row.attempt) = (Some(finished), row.attempt + 1);
            }
            _ => {}
        }
    }
    if let Some(at) = row.at {
        production.free_from = production.free_from.max(at);
        if row.outcome.is_success() {
            production.done.push((ship.position, at));
        }
    }
    pipelines.out.releases.deployments.push(deployment);
    pipelines.out.shipments.push(row);
}
