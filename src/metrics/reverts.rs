//! What reverts take back: the pull request that a revert names, and the deployment that had brought it.
//!
//! A revert names a pull request of its repository by number or by title (see [`flow`](super::flow)); of several with that title it is
//! the one completed last before the revert was. In each service that deploys the revert, what it names came
//!
//! - with an **earlier** deployment: the first that brought it, or that contained it where it is older than all of them;
//! - **together** with its revert, or later by the clock: it never stood in production without it;
//! - with one that is **unknown**: the title names none that is known, or no deployment of the service is known to have it.
//!
//! Limits: who changes the title of a pull request after it was reverted makes it unknown.

use std::collections::BTreeMap;

use super::containment::{Change, Changes, Source};
use super::deployments::{Deployments, Outcome};
use super::hash::FastMap;
use super::input::{Flow, Input, Nature, Reverted};

/// A change that reverts, and the one it takes back: indexes of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revert {
    pub change: u32,
    pub target: Option<u32>,
}

/// With which deployment came what a revert takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    Earlier(u32),
    Together,
    Unknown,
}

fn flow_of<'a>(input: &'a Input, change: &Change) -> Option<&'a Flow> {
    match change.source {
        Source::Flow(at) => Some(&input.flows[at as usize]),
        Source::Tip(_) => None,
    }
}

/// The reverts among the changes.
pub fn of(input: &Input, changes: &Changes) -> Vec<Revert> {
    let of_changes = || changes.all.iter().enumerate().filter_map(|(at, change)| Some((at as u32, change, flow_of(input, change)?)));
    let mut found: Vec<Revert> = Vec::new();
    // Who is named, so that one walk over all changes finds them.
    let mut named: FastMap<(i64, Reverted), Vec<u32>> = FastMap::default();
    for (at, change, flow) in of_changes().filter(|(_, _, flow)| flow.nature == Nature::Revert) {
        found.push(Revert { change: at, target: None });
        if let Some(reverted) = flow.reverts {
            named.entry((change.repository.0, reverted)).or_default();
        }
    }
    if named.is_empty() {
        return found;
    }
    for (at, change, flow) in of_changes() {
        for name in [Reverted::Number(flow.number), Reverted::Title(flow.title)] {
            if let Some(bearers) = named.get_mut(&(change.repository.0, name)) {
                bearers.push(at);
            }
        }
    }
    for revert in &mut found {
        let change = &changes.all[revert.change as usize];
        let bearers = flow_of(input, change).and_then(|flow| named.get(&(change.repository.0, flow.reverts?)));
        let earlier = |at: &&u32| **at != revert.change && changes.all[**at as usize].merged_at <= change.merged_at;
        let last = bearers.into_iter().flatten().filter(earlier).max_by_key(|at| (changes.all[**at as usize].merged_at, **at));
        revert.target = last.copied();
    }
    found
}

/// By deployment: with which ones came what the reverts that it brought take back.
pub fn taken_back(reverts: &[Revert], changes: &Changes, deployments: &Deployments) -> BTreeMap<u32, Vec<Brought>> {
    let mut found: BTreeMap<u32, Vec<Brought>> = BTreeMap::new();
    if reverts.is_empty() {
        return found;
    }
    // The first deployment of each service that brought a change.
    let mut first: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for (change, deployment) in &changes.watched {
        let service = deployments.all[*deployment as usize].service;
        first.entry((*change, service)).and_modify(|known| *known = (*known).min(*deployment)).or_insert(*deployment);
    }
    for revert in reverts {
        for ((_, service), by) in first.range((revert.change, 0)..=(revert.change, u32::MAX)) {
            let carrier = revert.target.and_then(|target| {
                first.get(&(target, *service)).copied().or_else(|| first_with(deployments, *service, &changes.all[target as usize]))
            });
            found.entry(*by).or_default().push(match carrier {
                Some(carrier) if carrier < *by => Brought::Earlier(carrier),
                Some(_) => Brought::Together,
                None => Brought::Unknown,
            });
        }
    }
    found
}

/// The first success of a service that contains a change by its place.
fn first_with(deployments: &Deployments, service: u32, change: &Change) -> Option<u32> {
    let range = deployments.services[service as usize].range.clone();
    let contains = |index: &usize| {
        let deployment = &deployments.all[*index];
        deployment.outcome == Outcome::Succeeded
            && !deployment.notes.untimed
            && deployment.repository == Some(change.repository)
            && deployment.at >= change.merged_at
            && deployment.place.zip(change.place).is_some_and(|(deployed, place)| deployed >= place)
    };
    range.into_iter().find(contains).map(|index| index as u32)
}
