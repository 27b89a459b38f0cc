//! Which deployments failed, and what put it right.
//!
//! A successful production deployment `d` **failed** when any of these *interventions* is known:
//!
//! | intervention | on which deployment | when |
//! |---|---|---|
//! | incident, linked | every deployment that the incident hangs on (by its build, or by a pull request or commit that it was the first of its service to bring) with `d.t <=` the incident's creation | creation |
//! | incident, by time | only where none is linked so: of the services of the incident's project that its area path names (by their own name or their repository's), or of all where it names nothing but the project, the latest success at or before its creation, at most 72 h before | creation |
//! | rollback | in the same service, every success that the rollback takes back, however old: all that stand above what it goes back to (see [`standing`](super::standing)) | the rollback |
//! | revert | in the same service, the deployment that brought what the revert takes back (see [`reverts`](super::reverts)), at most 24 h before the one that brings the revert; where that is not known, the success before; none where both came together | the one that brings the revert |
//! | hotfix | the success before the one that brings a hotfix (or is made from a hotfix branch), in the same service, at most 24 h before it; not where that deploys the same commit again | that deployment |
//!
//! An incident of an area that names something else than a service is nobody's: a note counts it, and no deployment is guessed.
//!
//! **Unplanned** are rollbacks, deployments that bring a hotfix, are made from a hotfix branch or bring a revert of what had been deployed,
//! and those that an older incident hangs on (created before them: they are its fix).
//!
//! **Recovery** of `d` is the earlier of: the next success of the service at or after its first intervention that has not failed itself
//! and whose commit is not that of a failed one (the same bad commit again mends nothing); and the time by which all its incidents were
//! resolved, if there are any. Neither: open.
//!
//! A project **tells failures** if an incident source is configured or was observed in it, or unplanned work other than fixes was. Otherwise
//! nothing is measured there: no failure seen is not the same as no failure.
//!
//! By the other definitions: Apache DevLake gives each incident to the latest success of its project that finished before it, without a
//! limit of time, and knows nothing else. Fourkeys gives it to the deployments that it hangs on, whenever those were.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::containment::{Changes, Source, Watched};
use super::deployments::{Class, Deployment, Deployments, Outcome, Service};
use super::hash::{FastMap, sha};
use super::input::{Incident, IncidentSource, Input, MeasuredProject};
use super::query::{Definition, Query};
use super::reverts::{self, Brought, Revert};
use super::standing::Standing;
use super::suspects::{self, Area, Names};
use crate::domain::collection::Source as Collected;
use crate::domain::id::ProjectId;

/// How long after a deployment an incident that hangs on nothing is still laid at its door, and how old a deployment has to be to count.
pub const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// How soon a hotfix or a revert follows what it repairs.
pub const REPAIRED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Why a deployment counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intervention {
    /// An incident: index into the input.
    Incident(u32),
    /// A later deployment: index.
    Rollback(u32),
    Hotfix(u32),
    Revert(u32),
}

#[derive(Debug, Clone, Default)]
pub struct Failure {
    pub interventions: Vec<Intervention>,
    pub recovered_at: Option<Timestamp>,
    /// Creation of its first incident, if it has one: the second way to count recovery.
    pub detected_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct Failures {
    /// By deployment.
    pub of: FastMap<u32, Failure>,
    /// Deployments that are the fix of an older incident.
    pub fixes: BTreeMap<u32, u32>,
    /// Deployments that bring a revert of what had been deployed.
    pub reverting: BTreeSet<u32>,
    /// Incidents that hang on nothing and whose area names something else than a service.
    pub nobodys: Vec<u32>,
    /// Of each incident: the deployment that caused it, by the definition asked.
    pub cause: Vec<Option<u32>>,
    /// Projects whose failures can be told.
    pub told: BTreeSet<ProjectId>,
}

impl Failures {
    pub fn has(&self, deployment: u32) -> bool {
        self.of.contains_key(&deployment)
    }

    pub fn is_unplanned(&self, index: u32, deployment: &Deployment) -> bool {
        self.repairs(index, deployment) || self.fixes.contains_key(&index)
    }

    fn repairs(&self, index: u32, deployment: &Deployment) -> bool {
        deployment.class == Class::Rollback || deployment.notes.hotfix || self.reverting.contains(&index)
    }
}

/// The changes that incidents hang on, the reverts, and what these take back.
pub fn watched(input: &Input, changes: &Changes, reverts: &[Revert]) -> Watched {
    let mut watched: Watched =
        reverts.iter().flat_map(|revert| [Some(revert.change), revert.target]).flatten().map(|at| (at, ())).collect();
    if input.incidents.is_empty() {
        return watched;
    }
    let numbers: BTreeSet<(i64, i64)> = input
        .incidents
        .iter()
        .flat_map(|incident| incident.pull_requests.iter().map(|(repository, number)| (repository.0, *number)))
        .collect();
    let commits: FastMap<u128, ()> =
        input.incidents.iter().flat_map(|incident| incident.commits.iter().map(|commit| (sha(commit), ()))).collect();
    for (at, change) in changes.all.iter().enumerate() {
        let by_number = match change.source {
            Source::Flow(flow) => numbers.contains(&(change.repository.0, input.flows[flow as usize].number)),
            Source::Tip(_) => false,
        };
        if by_number || commits.contains_key(&change.sha) {
            watched.insert(at as u32, ());
        }
    }
    watched
}

pub fn of(input: &Input, query: &Query, deployments: &Deployments, changes: &Changes, reverts: &[Revert]) -> Failures {
    let mut failures = Failures { cause: vec![None; input.incidents.len()], ..Failures::default() };
    let mut found: BTreeMap<u32, Vec<(Timestamp, Intervention)>> = BTreeMap::new();
    let linked = suspects::linked(input, deployments, changes);
    let in_projects = |project: ProjectId| query.projects.is_empty() || query.projects.contains(&project);
    let names = Names::of(input, deployments);
    let mut order: Vec<usize> = (0..input.incidents.len()).filter(|at| in_projects(input.incidents[*at].project)).collect();
    order.sort_unstable_by_key(|at| (input.incidents[*at].project, input.incidents[*at].number));
    for at in order {
        let incident = &input.incidents[at];
        let here = linked.get(&(at as u32)).map_or(&[][..], Vec::as_slice);
        let causes: Vec<u32> = match query.definition {
            Definition::Ours => {
                for later in here.iter().filter(|index| deployments.all[**index as usize].at > incident.created_at) {
                    failures.fixes.entry(*later).or_insert(at as u32);
                }
                let before: Vec<u32> =
                    here.iter().copied().filter(|index| deployments.all[*index as usize].at <= incident.created_at).collect();
                if before.is_empty() {
                    match Area::of(&names, deployments, incident) {
                        Area::Other => {
                            failures.nobodys.push(at as u32);
                            Vec::new()
                        }
                        area => suspects::by_time(deployments, &area, incident).into_iter().collect(),
                    }
                } else {
                    before
                }
            }
            Definition::DevLake => suspects::latest(deployments, incident, |_| true).into_iter().collect(),
            Definition::FourKeys => here.to_vec(),
        };
        failures.cause[at] = causes.iter().copied().max_by_key(|index| (deployments.all[*index as usize].at, *index));
        for cause in causes {
            found.entry(cause).or_default().push((incident.created_at, Intervention::Incident(at as u32)));
        }
    }
    if query.definition == Definition::Ours {
        let taken_back = reverts::taken_back(reverts, changes, deployments);
        for service in &deployments.services {
            repairs(deployments, service, &taken_back, &mut failures, &mut found);
        }
    }
    failures.told = told(input, query, deployments, &failures);
    finish(input, deployments, found, &mut failures);
    failures
}

/// What rollbacks, reverts and hotfixes of a service tell of the deployments before them.
fn repairs(
    deployments: &Deployments,
    service: &Service,
    taken_back: &BTreeMap<u32, Vec<Brought>>,
    failures: &mut Failures,
    found: &mut BTreeMap<u32, Vec<(Timestamp, Intervention)>>,
) {
    let rows = &deployments.all[service.range.clone()];
    let mut standing = Standing::default();
    for (at, deployment) in rows.iter().enumerate() {
        if deployment.outcome != Outcome::Succeeded || deployment.notes.untimed {
            continue;
        }
        let index = (service.range.start + at) as u32;
        let before = standing.last();
        let is_within = |place: usize, span: SignedDuration| deployment.at.duration_since(rows[place].at) <= span;
        let mut mark = |place: usize, intervention| {
            found.entry((service.range.start + place) as u32).or_default().push((deployment.at, intervention));
        };
        if deployment.class == Class::Rollback {
            for place in standing.fall(service.id.kind, rows, deployment) {
                mark(place, Intervention::Rollback(index));
            }
        } else {
            for brought in taken_back.get(&index).into_iter().flatten() {
                let failed = match brought {
                    Brought::Earlier(by) => Some(*by as usize - service.range.start),
                    Brought::Together => continue,
                    Brought::Unknown => before,
                };
                failures.reverting.insert(index);
                if let Some(failed) = failed.filter(|failed| is_within(*failed, REPAIRED_WITHIN)) {
                    mark(failed, Intervention::Revert(index));
                }
            }
            if deployment.notes.hotfix
                && deployment.class != Class::Redeploy
                && let Some(before) = before.filter(|before| is_within(*before, REPAIRED_WITHIN))
            {
                mark(before, Intervention::Hotfix(index));
            }
        }
        standing.put(at);
    }
}

fn told(input: &Input, query: &Query, deployments: &Deployments, failures: &Failures) -> BTreeSet<ProjectId> {
    // What may not be read tells nothing, whatever is configured.
    let is_read = |project: &&MeasuredProject| {
        project.collection.source(Collected::WorkItems).is_none_or(|state| state.refused.is_none())
            && project.incident_source != IncidentSource::None
    };
    let configured = input.projects.iter().filter(is_read).map(|project| project.id);
    let mut told: BTreeSet<ProjectId> = configured.chain(input.incidents.iter().map(|incident| incident.project)).collect();
    if query.definition == Definition::Ours {
        for service in &deployments.services {
            let shows = |index: usize| {
                let deployment = &deployments.all[index];
                deployment.outcome == Outcome::Succeeded && failures.repairs(index as u32, deployment)
            };
            if !told.contains(&service.id.project) && service.range.clone().any(shows) {
                told.insert(service.id.project);
            }
        }
    }
    told
}

fn finish(input: &Input, deployments: &Deployments, found: BTreeMap<u32, Vec<(Timestamp, Intervention)>>, failures: &mut Failures) {
    let failed: BTreeSet<u32> = found.keys().copied().collect();
    let of_failed = |index: &u32| Some(&deployments.all[*index as usize]).filter(|one| one.sha != 0).map(|one| (one.service, one.sha));
    let bad: BTreeSet<(u32, u128)> = failed.iter().filter_map(of_failed).collect();
    for (index, mut interventions) in found {
        interventions.sort_unstable();
        interventions.dedup();
        let deployment = &deployments.all[index as usize];
        let at = interventions.first().map_or(deployment.at, |(at, _)| *at);
        let range = deployments.services[deployment.service as usize].range.clone();
        let rows = &deployments.all[range.clone()];
        let from = rows.partition_point(|row| row.at < at);
        let next = (from..rows.len()).find(|row| {
            let place = (range.start + row) as u32;
            let one = &rows[*row];
            place > index
                && one.outcome == Outcome::Succeeded
                && !one.notes.untimed
                && !failed.contains(&place)
                && !bad.contains(&(one.service, one.sha))
        });
        let incidents: Vec<&Incident> = interventions
            .iter()
            .filter_map(|(_, intervention)| match intervention {
                Intervention::Incident(at) => Some(&input.incidents[*at as usize]),
                _ => None,
            })
            .collect();
        let resolved = if incidents.is_empty() || incidents.iter().any(|incident| incident.resolved_at.is_none()) {
            None
        } else {
            incidents.iter().filter_map(|incident| incident.resolved_at).max()
        };
        let failure = Failure {
            recovered_at: [next.map(|row| rows[row].at), resolved].into_iter().flatten().min(),
            detected_at: incidents.iter().map(|incident| incident.created_at).min(),
            interventions: interventions.into_iter().map(|(_, intervention)| intervention).collect(),
        };
        failures.of.insert(index, failure);
    }
}
