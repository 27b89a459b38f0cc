//! Moving refs: by a list of updates, by a push of one commit, and what follows for the pull requests that use them.
//!
//! Git does the compare-and-swap; here are permissions, locks, branch policies and the push log.
use uuid::Uuid;

use super::chronicle::{Event, note};
use super::{permit, repository_of, stamp};
use crate::sim::git::{self, CommitRow, GitError, RefStatus, RewriteRule, Stamp, TreeEdit};
use crate::sim::hooks::event::{Happening, Update};
use crate::sim::hooks::publish;
use crate::sim::host::{Sim, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{Iteration, IterationReason, MergeStatus, Permission, PolicyKind, Push, RefMove, World, ZERO_ID};

/// A ref that somebody moved; forty zeros stand for "none".
#[derive(Debug, Clone)]
pub struct Moved {
    pub name: String,
    pub old: String,
    pub new: String,
}

/// Whether branch policies, locks and permissions stand in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    Enforced,
    /// For whoever arranges the scene.
    Bypassed,
}

#[derive(Debug, Clone)]
pub struct RefUpdate {
    pub name: String,
    pub old: String,
    pub new: String,
}

#[derive(Debug, Clone)]
pub struct RefOutcome {
    pub update: RefUpdate,
    pub status: RefStatus,
    pub is_locked: bool,
    pub message: Option<String>,
}

/// One commit on one branch.
#[derive(Debug, Clone)]
pub struct NewPush {
    pub repository: Uuid,
    /// Full ref name.
    pub ref_name: String,
    /// The tip the caller saw (or the base of a new branch); `None` takes whatever the tip is.
    pub old_object_id: Option<String>,
    pub edits: Vec<TreeEdit>,
    pub message: String,
    pub author: Option<Stamp>,
    pub committer: Option<Stamp>,
}

#[derive(Debug, Clone)]
pub struct PushOutcome {
    pub push_id: i32,
    pub commit: CommitRow,
}

/// Several independent updates: each has its own outcome, none undoes another.
pub async fn update_refs(
    sim: &Sim,
    actor: Uuid,
    repository: Uuid,
    updates: Vec<RefUpdate>,
    guard: Guard,
) -> Result<Vec<RefOutcome>, Failure> {
    let mut world = sim.write().await;
    let mut outcomes = Vec::new();
    let mut moves = Vec::new();
    for update in updates {
        let place = repository_of(&world, repository)?;
        let locked_by = place.refs.get(&update.name).and_then(|facts| facts.locked_by);
        let refusal = match guard {
            Guard::Enforced => refusal(&world, actor, repository, &update, locked_by),
            Guard::Bypassed => None,
        };
        let (status, message) = match refusal {
            Some((status, message)) => (status, Some(message)),
            None => {
                let rule = if guard == Guard::Bypassed || place.permits(actor, Permission::ForcePush) {
                    RewriteRule::Anything
                } else {
                    RewriteRule::FastForwardOnly
                };
                let (git, asked) = (sim.git(place), update.clone());
                let status = blocking(move || git.update_ref(&asked.name, &asked.old, &asked.new, rule)).await?;
                let message = (status == RefStatus::ForcePushRequired).then(|| "The user does not have force push permissions".to_owned());
                (status, message)
            }
        };
        if status == RefStatus::Succeeded {
            moves.push(Moved { name: update.name.clone(), old: update.old.clone(), new: update.new.clone() });
        }
        outcomes.push(RefOutcome { update, status, is_locked: locked_by.is_some(), message });
    }
    if !moves.is_empty() {
        record_moves(sim, &mut world, actor, repository, moves).await?;
    }
    Ok(outcomes)
}

fn refusal(world: &World, actor: Uuid, repository: Uuid, update: &RefUpdate, locked_by: Option<Uuid>) -> Option<(RefStatus, String)> {
    let place = world.repository(repository)?;
    if update.old == ZERO_ID {
        return (!place.permits(actor, Permission::CreateBranch)).then(|| {
            let words = Failure::needs_permission("CreateBranch", &actor.to_string()).message;
            (RefStatus::CreateBranchPermissionRequired, words)
        });
    }
    if !place.permits(actor, Permission::GenericContribute) {
        let words = Failure::needs_permission("GenericContribute", &actor.to_string()).message;
        return Some((RefStatus::WritePermissionRequired, words));
    }
    if locked_by.is_some_and(|owner| owner != actor) {
        return Some((RefStatus::Locked, "The branch is locked by another user.".to_owned()));
    }
    if world.protects(repository, &update.name) {
        return Some((RefStatus::RejectedByPolicy, Failure::protected_branch().message));
    }
    None
}

/// Commits edits onto a branch, creating it if it is not there.
pub async fn push(sim: &Sim, actor: Uuid, new: NewPush, guard: Guard) -> Result<PushOutcome, Failure> {
    let mut world = sim.write().await;
    let place = repository_of(&world, new.repository)?;
    let git = sim.git(place);
    let (handle, name) = (git.clone(), new.ref_name.clone());
    let tip = blocking(move || handle.tip(&name)).await?;
    if guard == Guard::Enforced {
        permit(&world, new.repository, actor, Permission::GenericContribute)?;
        if tip.is_none() {
            permit(&world, new.repository, actor, Permission::CreateBranch)?;
        } else if world.protects(new.repository, &new.ref_name) {
            return Err(Failure::protected_branch());
        }
        let locked_by = place.refs.get(&new.ref_name).and_then(|facts| facts.locked_by);
        if locked_by.is_some_and(|owner| owner != actor) {
            return Err(Failure::needs_permission("ForcePush", &actor.to_string()));
        }
    }
    let mine = stamp(&world, actor, world.now());
    let author = new.author.clone().unwrap_or_else(|| mine.clone());
    let committer = new.committer.clone().unwrap_or_else(|| author.clone());
    let old = new.old_object_id.clone().or(tip).unwrap_or_else(|| ZERO_ID.to_owned());
    let asked = new.clone();
    let pushed = blocking(move || {
        git.push(&git::Push {
            ref_name: &asked.ref_name,
            old_object_id: &old,
            edits: &asked.edits,
            message: &asked.message,
            author,
            committer,
        })
    })
    .await?;
    let moved = Moved { name: new.ref_name, old: pushed.old_object_id.clone(), new: pushed.new_object_id.clone() };
    let push_id = record_moves(sim, &mut world, actor, new.repository, vec![moved]).await?;
    Ok(PushOutcome { push_id, commit: pushed.commit })
}

/// For pushes that git itself took in: writes down what moved and wakes the pull requests that use it.
pub async fn refs_moved(sim: &Sim, actor: Uuid, repository: Uuid, moves: Vec<Moved>) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    record_moves(sim, &mut world, actor, repository, moves).await
}

/// Locks or unlocks a branch.
pub async fn set_lock(sim: &Sim, actor: Uuid, repository: Uuid, ref_name: &str, locked_by: Option<Uuid>) -> Result<(), Failure> {
    let mut world = sim.write().await;
    permit(&world, repository, actor, Permission::GenericContribute)?;
    let place = world.repository_mut(repository).ok_or_else(|| Failure::no_repository(&repository.to_string()))?;
    place.refs.entry(ref_name.to_owned()).or_default().locked_by = locked_by;
    Ok(())
}

/// How many commits an event about a push carries at most.
const COMMITS_TOLD: usize = 25;

struct Arrival {
    moved: Moved,
    /// Commits that the ref did not have before, newest first.
    commits: Vec<String>,
    /// The newest of them in full, as an event tells them.
    rows: Vec<CommitRow>,
    reason: IterationReason,
}

pub(super) async fn record_moves(sim: &Sim, world: &mut World, actor: Uuid, repository: Uuid, moves: Vec<Moved>) -> Result<i32, Failure> {
    let git = sim.git(repository_of(world, repository)?);
    let arrivals = blocking(move || moves.into_iter().map(|moved| arrival(&git, moved)).collect::<Result<Vec<_>, _>>()).await?;
    let now = world.now();
    let id = world.next_push_id();
    let push = Push {
        id,
        repository,
        by: actor,
        date: now,
        moves: arrivals
            .iter()
            .map(|arrival| RefMove { name: arrival.moved.name.clone(), old: arrival.moved.old.clone(), new: arrival.moved.new.clone() })
            .collect(),
        commits: arrivals.iter().flat_map(|arrival| arrival.commits.clone()).collect(),
    };
    world.pushes.push(push);
    let rows: Vec<CommitRow> = arrivals.iter().flat_map(|arrival| arrival.rows.iter().cloned()).collect();
    publish(sim, world, &Happening::Pushed { commits: &rows });
    for arrival in arrivals {
        if let Some(place) = world.repository_mut(repository) {
            if arrival.moved.new == ZERO_ID {
                place.refs.remove(&arrival.moved.name);
            } else if arrival.moved.old == ZERO_ID {
                place.refs.entry(arrival.moved.name.clone()).or_default().creator = Some(actor);
            }
        }
        touch_pull_requests(sim, world, actor, repository, &arrival);
    }
    sim.work.notify_one();
    Ok(id)
}

fn arrival(git: &git::Repo, moved: Moved) -> Result<Arrival, GitError> {
    let (is_new, is_gone) = (moved.old == ZERO_ID, moved.new == ZERO_ID);
    if is_new || is_gone {
        // A new branch shows only its head: everything below may have been there before. A tag's object is no commit.
        let commits = if is_gone { Vec::new() } else { vec![moved.new.clone()] };
        let rows = commits.first().and_then(|id| git.commit(id).ok()).into_iter().collect();
        return Ok(Arrival { moved, commits, rows, reason: IterationReason::Push });
    }
    let (mut rows, reason) = match git.merge_base(&moved.old, &moved.new) {
        Ok(base) => {
            let rewrites = base.as_deref() != Some(moved.old.as_str());
            let reason = if rewrites { IterationReason::ForcePush } else { IterationReason::Push };
            (git.commits_between(&moved.old, &moved.new)?, reason)
        }
        // A tag may point at something that is no commit.
        Err(GitError::NoObject(_)) => (Vec::new(), IterationReason::ForcePush),
        Err(other) => return Err(other),
    };
    let commits = rows.iter().map(|row| row.id.clone()).collect();
    rows.truncate(COMMITS_TOLD);
    Ok(Arrival { moved, commits, rows, reason })
}

/// An open pull request follows its branches: a new iteration for the source, a new merge for either.
fn touch_pull_requests(sim: &Sim, world: &mut World, actor: Uuid, repository: Uuid, arrival: &Arrival) {
    let now = world.now();
    let moved = &arrival.moved;
    let touched: Vec<i32> = world
        .pull_requests
        .values()
        .filter(|pr| pr.repository == repository && pr.is_active() && !pr.read_only)
        .filter(|pr| pr.source_ref == moved.name || pr.target_ref == moved.name)
        .map(|pr| pr.id)
        .collect();
    for id in touched {
        let resets_votes = world.pull_request(id).is_some_and(|pr| {
            world.repository(repository).is_some_and(|place| {
                world.policies_for(place, &pr.target_ref).any(|policy| {
                    policy.is_enabled && matches!(policy.kind, PolicyKind::MinimumReviewers { reset_on_source_push: true, .. })
                })
            })
        });
        let Some(pr) = world.pull_request_mut(id) else {
            continue;
        };
        pr.merge.status = MergeStatus::Queued;
        pr.merge.commit = None;
        if moved.new == ZERO_ID {
            continue;
        }
        if pr.target_ref == moved.name {
            pr.merge.target = moved.new.clone();
            continue;
        }
        pr.merge.source = moved.new.clone();
        let iteration = Iteration {
            id: i32::try_from(pr.iterations.len()).unwrap_or(i32::MAX - 1) + 1,
            author: actor,
            created: now,
            source: moved.new.clone(),
            target: pr.merge.target.clone(),
            common: None,
            reason: arrival.reason,
        };
        pr.iterations.push(iteration);
        let mut voters = Vec::new();
        if resets_votes {
            for reviewer in pr.reviewers.iter_mut().filter(|reviewer| reviewer.vote != 0) {
                reviewer.vote = 0;
                voters.push(reviewer.id);
            }
        }
        let event = Event::Push { by: actor, ref_name: moved.name.clone(), commits: arrival.commits.clone(), head: moved.new.clone() };
        note(world, id, event, now);
        if !voters.is_empty() {
            note(world, id, Event::VotesReset { by: actor, voters }, now);
        }
        publish(sim, world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Push });
    }
}
