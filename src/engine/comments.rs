//! Keeps the comments on pull requests of tickets, in the projects where that is wished. One process at a time for a project.
//!
//! It looks when something of a project changed, and every so often because time in a phase goes by; what tells whether a comment is due
//! asks nobody, so that an idle project costs no request.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Works;
use super::hearing::heard;
use crate::action;
use crate::action::lease;
use crate::action::quality_comment::{self, APART, Wanted};
use crate::domain::change::Change;
use crate::domain::id::TicketKey;
use crate::domain::project::Project;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::quality::Posting;
use crate::notice::inert;

/// A lease holds for this long: longer than a round takes.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The least between two looks: changes come in bursts.
const CALM: SignedDuration = SignedDuration::from_secs(20);

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    let mut changes = works.store().subscribe();
    while !works.token.is_cancelled() {
        let began = works.now();
        for project in works.store().projects().await? {
            if works.token.is_cancelled() {
                return Ok(());
            }
            one(&works, &project).await?;
        }
        // Whatever came while it looked is heard now; then not before it is calm.
        tokio::select! {
            () = works.token.cancelled() => return Ok(()),
            () = heard(&mut changes, is_of_comments) => {}
            () = works.wait_until(Some(began + APART)) => {}
        }
        tokio::select! {
            () = works.token.cancelled() => {}
            () = works.wait_until(Some(began + CALM)) => {}
        }
    }
    Ok(())
}

fn is_of_comments(change: &Change) -> bool {
    matches!(
        change,
        Change::Ticket { .. }
            | Change::Tickets(_)
            | Change::PullRequest { .. }
            | Change::PullRequests(_)
            | Change::Facts(_)
            | Change::Project(_)
            | Change::Elsewhere
    )
}

async fn one(works: &Works, project: &Project) -> action::Result<()> {
    let ctx = &works.ctx;
    if quality_comment::policy(ctx, project).await?.posting() == Posting::Off {
        return Ok(());
    }
    let (name, now) = (format!("comments:{}", project.id), works.now());
    if lease::take(ctx, &name, &works.holder, LEASE).await?.is_some() {
        return Ok(());
    }
    let round = round(works, project, now).await;
    ctx.store.release_lease(&name, &works.holder, works.now()).await?;
    round
}

async fn round(works: &Works, project: &Project, now: Timestamp) -> action::Result<()> {
    let ctx = &works.ctx;
    let followers = ctx.store.followers(project.id).await?;
    let mut keys = Vec::new();
    for (reference, key) in followers {
        let known = ctx.store.pull_request(reference.repository, reference.number).await?;
        if known.is_some_and(|known| known.facts.status == PullRequestStatus::Active) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort_by_key(TicketKey::number);
    let team = quality_comment::team(ctx, project.id, now).await?;
    for key in keys {
        if works.token.is_cancelled() {
            return Ok(());
        }
        match quality_comment::run(ctx, &key, &team, Wanted::ByItself).await {
            Ok(done) if done.step.writes() => tracing::info!(%key, number = done.number, "commented"),
            Ok(_) => {}
            // One that fails does not keep the others from theirs; it is tried again with the next change.
            Err(error) => tracing::warn!(%key, "could not comment: {}", inert(&error.to_string())),
        }
    }
    Ok(())
}
