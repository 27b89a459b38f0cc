//! What stands in production of a service, deployment upon deployment: of which class each success is, and what a rollback takes back.
//!
//! Successes of a service, in order of time and then of run, are:
//!
//! | class | when |
//! |---|---|
//! | seed | the first in the data |
//! | redeploy | the commit, or the run, of the success before it, or a commit that was deployed before and had been taken back |
//! | rollback | its commit comes before that of the success before on the default branch; where that can't be told: a commit that stands below in production, or a classic release with a lower number than the one before |
//! | forward | all others |
//!
//! Every success **stands** on those before it. A rollback **takes back** those that stand above what it goes back to: above the last one
//! of its commit or of one that comes before it; where there is none, those whose commits (or numbers of releases) are known to come
//! later; in any case the one before it. What has been taken back does not stand any more.
//!
//! Limits: where neither pushes nor numbers tell the order, a rollback to what the data do not know passes for a step forward.

use super::containment::Lines;
use super::deployments::{Class, Deployment, Outcome};
use super::hash::FastMap;
use crate::domain::id::RepositoryId;
use crate::domain::run::DefinitionKind;

/// Which deployment comes later on the way forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Before,
    Same,
    After,
    Unknown,
}

impl Order {
    fn of<T: Ord>(one: T, other: T) -> Self {
        match one.cmp(&other) {
            std::cmp::Ordering::Less => Self::Before,
            std::cmp::Ordering::Equal => Self::Same,
            std::cmp::Ordering::Greater => Self::After,
        }
    }
}

/// Where the commit of one deployment comes against that of another.
fn by_commit(one: &Deployment, other: &Deployment) -> Order {
    match (one.place, other.place) {
        _ if one.sha != 0 && one.sha == other.sha => Order::Same,
        (Some(place), Some(other_place)) if one.repository == other.repository => Order::of(place, other_place),
        _ => Order::Unknown,
    }
}

/// Where the number of one release comes against that of another. A run again is the same one, of whatever kind.
fn by_number(kind: DefinitionKind, one: &Deployment, other: &Deployment) -> Order {
    match kind {
        // A release is of one commit: a number with two of them tells nothing.
        DefinitionKind::Release if one.run == other.run && one.sha != 0 && other.sha != 0 => Order::Unknown,
        DefinitionKind::Release => Order::of(one.run, other.run),
        DefinitionKind::Pipeline if one.run == other.run => Order::Same,
        DefinitionKind::Pipeline => Order::Unknown,
    }
}

/// The successes of a service that stand, the latest last.
#[derive(Debug, Default)]
pub struct Standing(Vec<u32>);

impl Standing {
    pub fn put(&mut self, at: usize) {
        self.0.push(at as u32);
    }

    pub fn last(&self) -> Option<usize> {
        self.0.last().map(|at| *at as usize)
    }

    /// Takes down what a rollback takes back: places in `rows`, in order of time. It does not stand itself yet.
    pub fn fall(&mut self, kind: DefinitionKind, rows: &[Deployment], rollback: &Deployment) -> Vec<usize> {
        let commit = |at: &u32| by_commit(&rows[*at as usize], rollback);
        let number = |at: &u32| by_number(kind, &rows[*at as usize], rollback);
        let is_base = |order| matches!(order, Order::Before | Order::Same);
        let base = self.0.iter().rposition(|at| is_base(commit(at))).or_else(|| self.0.iter().rposition(|at| is_base(number(at))));
        let stays = match base {
            Some(base) => base + 1,
            None => self.0.iter().rposition(|at| commit(at) != Order::After && number(at) != Order::After).map_or(0, |at| at + 1),
        };
        let stays = stays.min(self.0.len().saturating_sub(1));
        self.0.drain(stays..).map(|at| at as usize).collect()
    }
}

/// Gives each success of a service its place and its class.
pub fn classify(kind: DefinitionKind, rows: &mut [Deployment], lines: &Lines) {
    let mut standing = Standing::default();
    // Looked up only where it can matter, so most services never fill the map.
    let mut deployed: FastMap<u128, ()> = FastMap::default();
    let mut not_in_the_map: Vec<u128> = Vec::new();
    let mut furthest: Vec<(RepositoryId, u32)> = Vec::new();
    for at in 0..rows.len() {
        if rows[at].outcome != Outcome::Succeeded {
            continue;
        }
        let sha = rows[at].sha;
        let place = rows[at].repository.filter(|_| sha != 0).and_then(|repository| lines.place(repository, sha));
        rows[at].place = place;
        let mut was_deployed = || {
            deployed.extend(not_in_the_map.drain(..).map(|sha| (sha, ())));
            deployed.contains_key(&sha)
        };
        let class = match standing.last() {
            None => Class::Seed,
            Some(before) => match by_commit(&rows[at], &rows[before]) {
                Order::Same => Class::Redeploy,
                Order::Before => Class::Rollback,
                Order::After if is_beyond(&furthest, &rows[at]) => Class::Forward,
                Order::After if was_deployed() => Class::Redeploy,
                Order::After => Class::Forward,
                Order::Unknown if sha != 0 && was_deployed() => {
                    let stands = standing.0.iter().any(|at| rows[*at as usize].sha == sha);
                    if stands { Class::Rollback } else { Class::Redeploy }
                }
                Order::Unknown => match by_number(kind, &rows[at], &rows[before]) {
                    Order::Before => Class::Rollback,
                    Order::Same => Class::Redeploy,
                    Order::After | Order::Unknown => Class::Forward,
                },
            },
        };
        rows[at].class = class;
        if class == Class::Rollback {
            let rollback = rows[at].clone();
            standing.fall(kind, rows, &rollback);
        }
        standing.put(at);
        if sha != 0 {
            not_in_the_map.push(sha);
        }
        if let (Some(repository), Some(place)) = (rows[at].repository, place) {
            match furthest.iter_mut().find(|(known, _)| *known == repository) {
                Some((_, furthest)) => *furthest = place.max(*furthest),
                None => furthest.push((repository, place)),
            }
        }
    }
}

/// Whether a commit comes after all of its repository that were deployed.
fn is_beyond(furthest: &[(RepositoryId, u32)], row: &Deployment) -> bool {
    row.place.is_some_and(|place| furthest.iter().all(|(repository, furthest)| row.repository != Some(*repository) || place > *furthest))
}
