//! Which deployment brought which change: by the order of tips on default branches, never by time alone.
//!
//! The pushes to a repository's default branch, in order of their number, are its **line**; a push's place is its index in it, and what
//! stands later contains what stands before. A **change** is a completed pull request, or a direct push: a push whose new tip is no pull
//! request's merge commit and whose old tip is not zero (that is the branch's creation).
//!
//! - A pull request stands where its merge commit is a tip; where it is none, at the push nearest to its completion, at most 60 s away and
//!   not taken by another; else it has no place.
//! - Along a service's successful deployments in order of time, with `m` the furthest place deployed so far in the repository: a
//!   deployment of a commit at place `j > m` brings every change with a place in `(m, j]` that was merged at or before it. What was merged
//!   after it by the clock goes on to the next.
//! - The first deployment with a place sets `m`. Of what stands up to it, it brings a change whose merge commit is the deployed commit
//!   itself, and what was merged after the deployment before it (one without a place: of a branch, or of a commit that is older than the
//!   pushes collected). Of the rest it is not known when it was deployed.
//! - A deployment of a commit that is on no line brings the change whose merge commit it is, and what a
//!   [`Compare`](super::input::Compare) of it with the service's deployment before lists; each change once, the first time. The furthest
//!   place among what is listed is where its branch left the line: `m` is at least that. Where there is none - nothing was deployed
//!   before, or one of the two commits is gone - what was merged until then and deployed by nobody else is *beyond* what can be known.
//! - Of several services that bring a change, the earliest counts.
//!
//! Limits: a force push is taken for a push like any other. In a repository with several services every one of them brings every change:
//! paths are not looked at.

use jiff::{SignedDuration, Timestamp};

use super::deployments::{Deployment, Deployments, Outcome, branch_of};
use super::hash::{FastMap, commit_in, sha};
use super::input::{Input, Nature, Tip};
use super::pattern::fits_any;
use super::query::{Definition, Query};
use crate::domain::id::RepositoryId;
use crate::domain::pull_request::PullRequestStatus;

/// How far a completion may be from its push.
const NEAR: SignedDuration = SignedDuration::from_secs(60);

/// The order of tips on the default branches.
#[derive(Debug, Default)]
pub struct Lines {
    places: FastMap<(i64, u128), u32>,
    /// Tips of a repository by place: indexes into the input.
    tips: FastMap<i64, Vec<u32>>,
}

impl Lines {
    pub fn of(tips: &[Tip]) -> Self {
        let mut lines = Self::default();
        for (at, tip) in tips.iter().enumerate() {
            lines.tips.entry(tip.repository.0).or_default().push(at as u32);
        }
        lines.places.reserve(tips.len());
        for (repository, line) in &mut lines.tips {
            line.sort_unstable_by_key(|at| (tips[*at as usize].push, *at));
            line.dedup_by_key(|at| tips[*at as usize].push);
            for (place, at) in line.iter().enumerate() {
                lines.places.entry((*repository, sha(&tips[*at as usize].new))).or_insert(place as u32);
            }
        }
        lines
    }

    /// The place of a commit on the line of a repository.
    pub fn place(&self, repository: RepositoryId, sha: u128) -> Option<u32> {
        self.places.get(&commit_in(repository, sha)).copied()
    }

    /// The tip at a place: an index into the input.
    pub fn at(&self, repository: RepositoryId, place: u32) -> Option<u32> {
        self.tips.get(&repository.0)?.get(place as usize).copied()
    }
}

/// A row of the input that is a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Flow(u32),
    Tip(u32),
}

#[derive(Debug, Clone)]
pub struct Change {
    pub source: Source,
    pub repository: RepositoryId,
    pub merged_at: Timestamp,
    pub place: Option<u32>,
    pub sha: u128,
    /// Merged to a branch that is not the default one.
    pub other_branch: bool,
    /// The earliest deployment of a service asked for that brought it, and when.
    pub brought: Option<(Timestamp, u32)>,
    /// Only a first deployment may have brought it.
    pub before_seed: bool,
    /// A deployment from another branch may have brought it: nobody could say what that one contained.
    pub beyond: bool,
}

#[derive(Debug, Default)]
pub struct Changes {
    pub all: Vec<Change>,
    /// Of a pull request in the input: its change.
    pub of_flow: Vec<Option<u32>>,
    /// Which deployments brought changes that somebody asked about, pairs of change and deployment.
    pub watched: Vec<(u32, u32)>,
}

/// Repositories and their default branches.
pub fn default_branches(input: &Input) -> FastMap<i64, &str> {
    input.repositories.iter().filter_map(|(id, _, _, branch)| Some((id.0, branch.as_deref()?))).collect()
}

/// Finds the changes and their places.
pub fn changes(input: &Input, query: &Query, lines: &Lines) -> Changes {
    let defaults = default_branches(input);
    let mut taken: FastMap<i64, Vec<bool>> = lines.tips.iter().map(|(repository, line)| (*repository, vec![false; line.len()])).collect();
    let mut changes = Changes { of_flow: vec![None; input.flows.len()], ..Changes::default() };
    changes.all.reserve(input.flows.len());
    let mut without_place = Vec::new();
    for (at, flow) in input.flows.iter().enumerate() {
        let (PullRequestStatus::Completed, Some(merged_at)) = (flow.status, flow.closed_at) else { continue };
        let sha = flow.merge_commit.as_ref().map_or(0, sha);
        let place = lines.place(flow.repository, sha).filter(|_| sha != 0);
        let other_branch = place.is_none() && defaults.get(&flow.repository.0).is_some_and(|branch| *branch != flow.target_branch);
        if let (Some(place), Some(taken)) = (place, taken.get_mut(&flow.repository.0)) {
            taken[place as usize] = true;
        } else if !other_branch {
            without_place.push(changes.all.len());
        }
        changes.of_flow[at] = Some(changes.all.len() as u32);
        let source = Source::Flow(at as u32);
        changes.all.push(Change {
            source,
            repository: flow.repository,
            merged_at,
            place,
            sha,
            other_branch,
            brought: None,
            before_seed: false,
            beyond: false,
        });
    }
    // In a fixed order, because each push can be given away once.
    without_place.sort_unstable_by_key(|at| {
        let change = &changes.all[*at];
        (change.merged_at, change.repository, number(input, change))
    });
    for at in without_place {
        let change = &mut changes.all[at];
        let (Some(line), Some(taken)) = (lines.tips.get(&change.repository.0), taken.get_mut(&change.repository.0)) else { continue };
        change.place = nearest(&input.tips, line, taken, change.merged_at);
        if let Some(place) = change.place {
            taken[place as usize] = true;
        }
    }
    if query.definition == Definition::DevLake {
        return changes;
    }
    for (repository, line) in &lines.tips {
        for (place, at) in line.iter().enumerate() {
            let tip = &input.tips[*at as usize];
            // Fourkeys counts commits: every tip is a change of its own.
            let counts = query.definition == Definition::FourKeys || !taken.get(repository).is_some_and(|taken| taken[place]);
            if counts && !tip.old.is_zero() {
                changes.all.push(Change {
                    source: Source::Tip(*at),
                    repository: tip.repository,
                    merged_at: tip.at,
                    place: Some(place as u32),
                    sha: sha(&tip.new),
                    other_branch: false,
                    brought: None,
                    before_seed: false,
                    beyond: false,
                });
            }
        }
    }
    changes
}

fn number(input: &Input, change: &Change) -> i64 {
    match change.source {
        Source::Flow(at) => input.flows[at as usize].number,
        Source::Tip(at) => input.tips[at as usize].push,
    }
}

/// The free push nearest to an instant. Pushes are nearly in order of time; two that are not may hide each other, and nothing worse.
fn nearest(tips: &[Tip], line: &[u32], taken: &[bool], at: Timestamp) -> Option<u32> {
    let from = line.partition_point(|place| tips[*place as usize].at < at - NEAR);
    (from..line.len())
        .take_while(|place| tips[line[*place] as usize].at <= at + NEAR)
        .filter(|place| !taken[*place])
        .min_by_key(|place| tips[line[*place] as usize].at.duration_since(at).abs())
        .map(|place| place as u32)
}

/// Who wants to know all deployments of a change, not only the earliest: those that incidents hang on.
pub type Watched = FastMap<u32, ()>;

/// Gives each change to the deployments that brought it, and each deployment what its changes say of it.
pub fn carry(input: &Input, query: &Query, lines: &Lines, deployments: &mut Deployments, changes: &mut Changes, watched: &Watched) {
    let mut by_place: FastMap<i64, Vec<(u32, u32)>> = FastMap::default();
    let mut by_commit: FastMap<(i64, u128), Vec<u32>> = FastMap::default();
    for (at, change) in changes.all.iter().enumerate() {
        match change.place {
            Some(place) => by_place.entry(change.repository.0).or_default().push((place, at as u32)),
            None if change.sha != 0 => by_commit.entry(commit_in(change.repository, change.sha)).or_default().push(at as u32),
            None => {}
        }
    }
    for places in by_place.values_mut() {
        places.sort_unstable();
    }
    let mut compares: FastMap<(i64, u128), Vec<(u128, Vec<u128>)>> = FastMap::default();
    for compare in &input.compares {
        let listed = (sha(&compare.base), compare.commits.iter().map(sha).collect());
        compares.entry(commit_in(compare.repository, sha(&compare.head))).or_default().push(listed);
    }
    let defaults = default_branches(input);
    // When something was last deployed of which nobody could say what it brought.
    let mut unknown: FastMap<i64, Timestamp> = FastMap::default();
    let mut at_places: FastMap<(i64, u32), Vec<u32>> = FastMap::default();
    if !compares.is_empty() {
        for (repository, places) in &by_place {
            for (place, change) in places {
                at_places.entry((*repository, *place)).or_default().push(*change);
            }
        }
    }
    let exact_seeds = query.definition != Definition::DevLake;

    for service in &deployments.services {
        // How far each repository is deployed, when it last was, and what was merged later by the clock.
        let mut reached: FastMap<i64, u32> = FastMap::default();
        let mut deployed: FastMap<i64, (Timestamp, u128)> = FastMap::default();
        // What was brought by a commit that is on no line, and is not brought again.
        let mut off_line: FastMap<u32, ()> = FastMap::default();
        let mut late: Vec<u32> = Vec::new();
        for index in service.range.clone() {
            let deployment = &mut deployments.all[index];
            if deployment.outcome != Outcome::Succeeded || deployment.notes.untimed {
                continue;
            }
            deployment.notes.hotfix |=
                branch_of(input, deployment.origin).is_some_and(|branch| fits_any(&query.rules.hotfix_branches, short(branch)));
            let mut give = Give { input, changes: &mut changes.all, pairs: &mut changes.watched, watched, asked: service.asked };
            late.retain(|change| !give.to(deployment, index, *change));
            let Some(repository) = deployment.repository else { continue };
            let before = deployed.insert(repository.0, (deployment.at, deployment.sha));
            let Some(place) = deployment.place else {
                let compared = before
                    .and_then(|(_, base)| {
                        compares.get(&commit_in(repository, deployment.sha))?.iter().find(|(compared, _)| *compared == base)
                    })
                    .map(|(_, commits)| commits.as_slice());
                let is_again = before.is_some_and(|(_, base)| base == deployment.sha);
                let is_beside = deployment.sha != 0
                    && lines.at(repository, 0).is_some()
                    && branch_of(input, deployment.origin).is_some_and(|branch| defaults.get(&repository.0) != Some(&short(branch)));
                if compared.is_none() && !is_again && is_beside && service.asked {
                    let last = unknown.entry(repository.0).or_insert(deployment.at);
                    *last = deployment.at.max(*last);
                }
                // What is listed stands on the line up to where the branch left it.
                let left_at = compared.into_iter().flatten().filter_map(|commit| lines.place(repository, *commit)).max();
                let exact = by_commit.get(&commit_in(repository, deployment.sha)).into_iter().flatten();
                let listed = compared.into_iter().flatten().flat_map(|commit| {
                    let placed = lines.place(repository, *commit).and_then(|place| at_places.get(&(repository.0, place)));
                    let unplaced = by_commit.get(&commit_in(repository, *commit));
                    placed.into_iter().chain(unplaced).flatten()
                });
                for change in exact.chain(listed) {
                    if !off_line.contains_key(change) && give.to(deployment, index, *change) {
                        off_line.insert(*change, ());
                    }
                }
                if let Some(place) = left_at {
                    let reached = reached.entry(repository.0).or_insert(place);
                    *reached = place.max(*reached);
                }
                continue;
            };
            let places = by_place.get(&repository.0).map_or(&[][..], Vec::as_slice);
            let is_first = !reached.contains_key(&repository.0);
            let from = match reached.get(&repository.0) {
                Some(reached) => places.partition_point(|(at, _)| at <= reached),
                None => places.partition_point(|(at, _)| if exact_seeds { *at < place } else { *at <= place }),
            };
            if is_first {
                for (_, change) in &places[..from] {
                    let merged_at = give.changes[*change as usize].merged_at;
                    match before {
                        Some((before, _)) if merged_at > before => late.extend((!give.to(deployment, index, *change)).then_some(*change)),
                        _ => give.changes[*change as usize].before_seed = true,
                    }
                }
            }
            let to = places.partition_point(|(at, _)| *at <= place);
            for (_, change) in places.get(from..to).into_iter().flatten().filter(|(_, change)| !off_line.contains_key(change)) {
                if !give.to(deployment, index, *change) {
                    late.push(*change);
                }
            }
            let reached = reached.entry(repository.0).or_insert(place);
            *reached = place.max(*reached);
        }
    }
    for change in changes.all.iter_mut().filter(|change| change.brought.is_none()) {
        change.beyond = unknown.get(&change.repository.0).is_some_and(|at| change.merged_at <= *at);
    }
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

struct Give<'a> {
    input: &'a Input,
    changes: &'a mut [Change],
    pairs: &'a mut Vec<(u32, u32)>,
    watched: &'a Watched,
    asked: bool,
}

impl Give<'_> {
    /// Whether the deployment brought the change: not where the change was merged after it by the clock.
    fn to(&mut self, deployment: &mut Deployment, index: usize, at: u32) -> bool {
        let change = &mut self.changes[at as usize];
        if change.merged_at > deployment.at {
            return false;
        }
        if let Source::Flow(flow) = change.source {
            match self.input.flows[flow as usize].nature {
                Nature::Revert => deployment.notes.reverts = true,
                Nature::Hotfix => deployment.notes.hotfix = true,
                Nature::Ordinary => {}
            }
        }
        if self.watched.contains_key(&at) {
            self.pairs.push((at, index as u32));
        }
        if self.asked && change.brought.is_none_or(|(at, _)| deployment.at < at) {
            change.brought = Some((deployment.at, index as u32));
        }
        true
    }
}
