//! Which deployments an incident is about: what it hangs on, what its area path names, and what was deployed last before it.
//!
//! Limits: an area names a service by the whole of its name or of its repository's; a part of one names nothing.

use std::collections::BTreeMap;

use super::containment::{Changes, Source};
use super::deployments::{Deployments, Outcome, Service};
use super::failures::SETTLED_AFTER;
use super::hash::{FastMap, sha};
use super::input::{Incident, Input};
use super::production::tokens;
use crate::domain::run::DefinitionKind;

/// The successes that each incident hangs on, in order of time.
pub fn linked(input: &Input, deployments: &Deployments, changes: &Changes) -> BTreeMap<u32, Vec<u32>> {
    let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    if input.incidents.is_empty() {
        return found;
    }
    let mut of_change: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (change, deployment) in &changes.watched {
        of_change.entry(*change).or_default().push(*deployment);
    }
    let mut by_number: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    let mut by_commit: FastMap<u128, Vec<u32>> = FastMap::default();
    for change in of_change.keys() {
        let row = &changes.all[*change as usize];
        if let Source::Flow(flow) = row.source {
            by_number.insert((row.repository.0, input.flows[flow as usize].number), *change);
        }
        by_commit.entry(row.sha).or_default().push(*change);
    }
    // Builds and deployed commits that are asked about, so that one walk over the deployments finds them all.
    let mut builds: FastMap<(i64, i64), Vec<u32>> = FastMap::default();
    let mut deployed: FastMap<u128, Vec<u32>> = FastMap::default();
    for incident in &input.incidents {
        for build in &incident.builds {
            builds.entry((incident.project.0, *build)).or_default();
        }
        for commit in &incident.commits {
            deployed.entry(sha(commit)).or_default();
        }
    }
    if !builds.is_empty() || !deployed.is_empty() {
        for (index, deployment) in deployments.all.iter().enumerate().filter(|(_, d)| d.outcome == Outcome::Succeeded) {
            let id = &deployments.services[deployment.service as usize].id;
            if id.kind == DefinitionKind::Pipeline
                && let Some(list) = builds.get_mut(&(id.project.0, deployment.run))
            {
                list.push(index as u32);
            }
            if let Some(list) = deployed.get_mut(&deployment.sha) {
                list.push(index as u32);
            }
        }
    }
    for (at, incident) in input.incidents.iter().enumerate() {
        let mut here: Vec<u32> = Vec::new();
        let of = |change: &u32| of_change.get(change).into_iter().flatten().copied();
        for (repository, number) in &incident.pull_requests {
            here.extend(by_number.get(&(repository.0, *number)).into_iter().flat_map(of));
        }
        for commit in &incident.commits {
            here.extend(by_commit.get(&sha(commit)).into_iter().flatten().flat_map(of));
            // Only the first deployment of a commit is its doing; what deploys it again is not linked to anything new.
            here.extend(deployed.get(&sha(commit)).into_iter().flatten().copied().min_by_key(|index| deployments.all[*index as usize].at));
        }
        for build in &incident.builds {
            here.extend(builds.get(&(incident.project.0, *build)).into_iter().flatten().copied());
        }
        here.sort_unstable_by_key(|index| (deployments.all[*index as usize].at, *index));
        here.dedup();
        if !here.is_empty() {
            found.insert(at as u32, here);
        }
    }
    found
}

/// What an area path may call each service: the name of its definition and of its repository, in tokens.
pub struct Names(Vec<Vec<Vec<String>>>);

impl Names {
    pub fn of(input: &Input, deployments: &Deployments) -> Self {
        if input.incidents.is_empty() {
            return Self(Vec::new());
        }
        let repositories: FastMap<i64, &str> = input.repositories.iter().map(|(id, _, name, _)| (id.0, name.as_str())).collect();
        let of = |service: &Service| {
            let rows = &deployments.all[service.range.clone()];
            let repository = rows.iter().find_map(|row| row.repository).and_then(|id| repositories.get(&id.0).copied());
            [Some(service.name.as_str()), repository].into_iter().flatten().map(tokens).filter(|name| !name.is_empty()).collect()
        };
        Self(deployments.services.iter().map(of).collect())
    }
}

/// What an area path says of the service that an incident is about.
pub enum Area {
    /// Nothing: it is the project's own.
    Whole,
    /// By service: whether it names it.
    Names(Vec<bool>),
    /// It names something else.
    Other,
}

impl Area {
    pub fn of(names: &Names, deployments: &Deployments, incident: &Incident) -> Self {
        let parts: Vec<Vec<String>> = incident.area.split('\\').skip(1).map(tokens).filter(|tokens| !tokens.is_empty()).collect();
        if parts.is_empty() {
            return Self::Whole;
        }
        let is_named = |(service, names): (&Service, &Vec<Vec<String>>)| {
            service.id.project == incident.project && names.iter().any(|name| parts.contains(name))
        };
        let named: Vec<bool> = deployments.services.iter().zip(&names.0).map(is_named).collect();
        if named.contains(&true) { Self::Names(named) } else { Self::Other }
    }

    fn has(&self, service: usize) -> bool {
        match self {
            Self::Whole => true,
            Self::Names(named) => named[service],
            Self::Other => false,
        }
    }
}

pub fn by_time(deployments: &Deployments, area: &Area, incident: &Incident) -> Option<u32> {
    let found = latest(deployments, incident, |service| area.has(service))?;
    (incident.created_at.duration_since(deployments.all[found as usize].at) <= SETTLED_AFTER).then_some(found)
}

/// The latest success at or before an incident among services of its project.
pub fn latest(deployments: &Deployments, incident: &Incident, counts: impl Fn(usize) -> bool) -> Option<u32> {
    let of = |(at, service): (usize, &Service)| {
        if service.id.project != incident.project || !counts(at) {
            return None;
        }
        let rows = &deployments.all[service.range.clone()];
        let until = rows.partition_point(|deployment| deployment.at <= incident.created_at);
        let found = rows[..until].iter().rposition(|deployment| deployment.outcome == Outcome::Succeeded && !deployment.notes.untimed)?;
        Some((rows[found].at, (service.range.start + found) as u32))
    };
    deployments.services.iter().enumerate().filter_map(of).max().map(|(_, index)| index)
}
