//! The merge worker: tries queued merges, completes what was asked to be completed, fires auto-complete.
//!
//! On the service this happens a moment after the request; here after `MERGE_DELAY`, or at once when told to settle.
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::branch::{Moved, record_moves};
use super::chronicle::{Event, note};
use super::{repository_of, stamp};
use crate::sim::git::{Completion, GitError, MergePreview, RewriteRule, Strategy};
use crate::sim::hooks::event::{Happening, Update};
use crate::sim::hooks::publish;
use crate::sim::host::{Sim, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{CompletionOptions, MergeStatus, MergeStrategy, PrState, PullRequest, World, ZERO_ID};

/// How long a merge stays queued, so that clients see it queued.
pub const MERGE_DELAY: Duration = Duration::from_millis(100);

/// Works off merges until the simulator stops.
pub async fn work(sim: Sim) {
    loop {
        tokio::select! {
            () = sim.stopping.cancelled() => return,
            () = sim.work.notified() => {}
        }
        tokio::select! {
            () = sim.stopping.cancelled() => return,
            () = tokio::time::sleep(MERGE_DELAY) => {}
        }
        if let Err(failure) = settle(&sim).await {
            tracing::error!(%failure, "a queued merge could not be worked off");
        }
    }
}

/// Works off everything that waits, now; answers how many pull requests were looked at.
pub async fn settle(sim: &Sim) -> Result<usize, Failure> {
    let mut looked_at = 0;
    loop {
        // Let go between two pull requests, so that requests are not held up by a long queue.
        let mut world = sim.write().await;
        let Some(id) = world.pull_requests.values().find(|pr| is_due(&world, pr)).map(|pr| pr.id) else {
            return Ok(looked_at);
        };
        looked_at += 1;
        let tried = attempt(sim, &mut world, id).await;
        if let Err(failure) = &tried {
            give_up(&mut world, id, &failure.message);
        }
        let by = world.pull_request(id).map_or(Uuid::nil(), |pr| pr.closed_by.unwrap_or(pr.created_by));
        publish(sim, &world, &Happening::MergeAttempted { id, by });
        tried?;
    }
}

fn is_due(world: &World, pr: &PullRequest) -> bool {
    if !pr.is_active() || pr.read_only {
        return false;
    }
    let wants_completion = pr.auto_complete_set_by.is_some() && !pr.is_draft;
    pr.merge.status == MergeStatus::Queued
        || pr.completion_queued.is_some()
        || (wants_completion && pr.merge.status == MergeStatus::Succeeded && world.policies_allow(pr))
}

fn give_up(world: &mut World, id: i32, why: &str) {
    if let Some(pr) = world.pull_request_mut(id) {
        pr.merge.status = MergeStatus::Failure;
        pr.merge.commit = None;
        pr.merge.failure = Some(why.to_owned());
        pr.completion_queued = None;
        pr.auto_complete_set_by = None;
    }
}

async fn attempt(sim: &Sim, world: &mut World, id: i32) -> Result<(), Failure> {
    let pr = world.pull_request(id).cloned().ok_or_else(Failure::no_pull_request)?;
    let now = world.now();
    try_merge(sim, world, &pr, now).await?;
    let pr = world.pull_request(id).cloned().ok_or_else(Failure::no_pull_request)?;
    let asked_by = pr.completion_queued.and(pr.closed_by);
    let by = asked_by.or_else(|| pr.auto_complete_set_by.filter(|_| !pr.is_draft));
    let Some(by) = by else { return Ok(()) };
    if pr.merge.status != MergeStatus::Succeeded {
        if asked_by.is_some() {
            drop_completion(world, &pr, pr.merge.status, now);
        }
        return Ok(());
    }
    let options = pr.completion.clone().unwrap_or_default();
    if !options.bypass_policy && !world.policies_allow(&pr) {
        if asked_by.is_some() {
            drop_completion(world, &pr, MergeStatus::RejectedByPolicy, now);
        }
        return Ok(());
    }
    complete_now(sim, world, &pr, by, &options, now).await
}

fn drop_completion(world: &mut World, pr: &PullRequest, status: MergeStatus, now: Timestamp) {
    let by = pr.closed_by.unwrap_or(pr.created_by);
    if let Some(open) = world.pull_request_mut(pr.id) {
        open.merge.status = status;
        open.completion_queued = None;
        open.closed_by = None;
        if status != MergeStatus::Succeeded {
            open.merge.commit = None;
        }
    }
    let event = Event::MergeFailed { by, status: status.word(), source: pr.merge.source.clone(), target: pr.merge.target.clone() };
    note(world, pr.id, event, now);
}

/// Merges the two tips as they are now and writes down what came of it.
async fn try_merge(sim: &Sim, world: &mut World, pr: &PullRequest, now: Timestamp) -> Result<(), Failure> {
    let git = sim.git(repository_of(world, pr.repository)?);
    let by = stamp(world, pr.created_by, now);
    let message = format!("Merge pull request {} from {} into {}", pr.id, short(&pr.source_ref), short(&pr.target_ref));
    let (id, source_ref, target_ref) = (pr.id, pr.source_ref.clone(), pr.target_ref.clone());
    let outcome = blocking(move || {
        let (Some(source), Some(target)) = (git.tip(&source_ref)?, git.tip(&target_ref)?) else {
            return Ok(None);
        };
        let preview = git.merge_preview(&source, &target, &format!("refs/pull/{id}/merge"), &message, &by)?;
        let common = git.merge_base(&source, &target)?;
        Ok::<_, GitError>(Some((source, target, preview, common)))
    })
    .await?;
    let Some(open) = world.pull_request_mut(id) else {
        return Ok(());
    };
    let Some((source, target, preview, common)) = outcome else {
        give_up(world, id, "The source or the target branch no longer exists.");
        return Ok(());
    };
    if let Some(last) = open.iterations.last_mut()
        && last.common.is_none()
    {
        last.common = common;
    }
    open.merge.source = source;
    open.merge.target = target;
    open.merge.failure = None;
    match preview {
        MergePreview::Clean { commit, .. } => {
            open.merge.status = MergeStatus::Succeeded;
            open.merge.commit = Some(commit);
        }
        MergePreview::Conflicts(_) => {
            open.merge.status = MergeStatus::Conflicts;
            open.merge.commit = None;
        }
    }
    Ok(())
}

fn short(ref_name: &str) -> &str {
    ref_name.strip_prefix("refs/heads/").unwrap_or(ref_name)
}

fn strategy(strategy: MergeStrategy) -> Strategy {
    match strategy {
        MergeStrategy::NoFastForward => Strategy::NoFastForward,
        MergeStrategy::Squash => Strategy::Squash,
        MergeStrategy::Rebase => Strategy::Rebase,
        MergeStrategy::RebaseMerge => Strategy::RebaseMerge,
    }
}

async fn complete_now(
    sim: &Sim,
    world: &mut World,
    pr: &PullRequest,
    by: Uuid,
    options: &CompletionOptions,
    now: Timestamp,
) -> Result<(), Failure> {
    let git = sim.git(repository_of(world, pr.repository)?);
    let message = options
        .message
        .clone()
        .filter(|message| !message.trim().is_empty())
        .unwrap_or_else(|| format!("Merged PR {}: {}", pr.id, pr.title));
    let author = stamp(world, pr.created_by, now);
    let committer = stamp(world, by, now);
    let (handle, asked, how) = (git.clone(), pr.clone(), strategy(options.strategy));
    let done = tokio::task::spawn_blocking(move || {
        handle.complete(&Completion {
            target_ref: &asked.target_ref,
            target_tip: &asked.merge.target,
            source_tip: &asked.merge.source,
            strategy: how,
            message: &message,
            author,
            committer,
        })
    })
    .await
    .map_err(Failure::internal)?;
    let commit = match done {
        Ok(completed) => completed.commit,
        // A rebase can conflict where a merge did not.
        Err(GitError::Conflicts(_)) => {
            drop_completion(world, pr, MergeStatus::Conflicts, now);
            return Ok(());
        }
        Err(other) => return Err(other.into()),
    };
    if let Some(closed) = world.pull_request_mut(pr.id) {
        closed.state = PrState::Completed;
        closed.closed = Some(now);
        closed.closed_by = Some(by);
        closed.completion_queued = None;
        closed.auto_complete_set_by = None;
        closed.completion = Some(options.clone());
        closed.merge.commit = Some(commit.clone());
    }
    note(world, pr.id, Event::Status { by, word: "Completed" }, now);
    publish(sim, world, &Happening::PullRequestUpdated { id: pr.id, by, what: Update::Status });
    let mut moves = vec![Moved { name: pr.target_ref.clone(), old: pr.merge.target.clone(), new: commit }];
    if options.delete_source_branch {
        let (handle, name, tip) = (git, pr.source_ref.clone(), pr.merge.source.clone());
        let outcome = blocking(move || handle.update_ref(&name, &tip, ZERO_ID, RewriteRule::Anything)).await?;
        if outcome.is_success() {
            moves.push(Moved { name: pr.source_ref.clone(), old: pr.merge.source.clone(), new: ZERO_ID.to_owned() });
        }
    }
    record_moves(sim, world, by, pr.repository, moves).await?;
    Ok(())
}
