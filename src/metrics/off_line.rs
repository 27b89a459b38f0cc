//! Deployments of commits that no push made the tip of the default branch: from a release branch, a tag, a topic. What they brought, the
//! service has to be asked for, once for each.
//!
//! Limits: of the first deployment of a service there is nothing to compare with. One from the default branch whose commit is no tip is
//! older than the pushes collected: it brought nothing that is measured. Where no pushes are known nothing is asked.

use std::collections::HashMap;

use super::containment::Lines;
use super::deployments::{self, Origin, Outcome, branch_of};
use super::input::Input;
use super::query::Query;
use crate::domain::id::{ObjectId, RepositoryId};

/// Two commits that a service deployed one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Between {
    pub repository: RepositoryId,
    pub base: ObjectId,
    pub head: ObjectId,
}

/// What to ask the service for: what deployments brought that are off the line, where it is not known yet. In order, each once.
pub fn unknown(input: &Input, query: &Query) -> Vec<Between> {
    let lines = Lines::of(&input.tips);
    let deployments = deployments::of(input, query, &lines, &[]);
    let default = |id: RepositoryId| input.repositories.iter().find(|(known, ..)| *known == id).and_then(|(.., branch)| branch.as_deref());
    let mut wanted = Vec::new();
    for service in &deployments.services {
        let mut before: HashMap<RepositoryId, &ObjectId> = HashMap::new();
        for deployment in
            deployments.all[service.range.clone()].iter().filter(|one| one.outcome == Outcome::Succeeded && !one.notes.untimed)
        {
            let (Some(repository), Some(head)) = (deployment.repository, commit_of(input, deployment.origin)) else { continue };
            let base = before.insert(repository, head);
            let is_of_line = branch_of(input, deployment.origin).is_some_and(|branch| Some(branch) == default(repository));
            if let Some(base) = base
                && base != head
                && deployment.place.is_none()
                && !is_of_line
                && lines.at(repository, 0).is_some()
            {
                wanted.push(Between { repository, base: base.clone(), head: head.clone() });
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted.retain(|one| {
        !input.compares.iter().any(|known| known.repository == one.repository && known.base == one.base && known.head == one.head)
    });
    wanted
}

fn commit_of(input: &Input, origin: Origin) -> Option<&ObjectId> {
    match origin {
        Origin::Stage(at) => input.stages[at as usize].sha.as_ref(),
        Origin::Run(at) => input.runs[at as usize].sha.as_ref(),
    }
}
