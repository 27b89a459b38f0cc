//! Takes away what is over: subscriptions of projects that left the board, deliveries and leases of long ago.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Works;
use super::hearing::heard;
use crate::action::{self, hooks, lease};
use crate::domain::change::Change;

/// What could not be removed is tried again after this long.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Deliveries that went well are kept for this long.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 14);
const LEASE: SignedDuration = SignedDuration::from_mins(5);

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    let mut changes = works.store().subscribe();
    let mut prune_at = works.now();
    while !works.token.is_cancelled() {
        let now = works.now();
        if now >= prune_at {
            prune(&works).await?;
            prune_at = now + PRUNE_EVERY;
        }
        if remove(&works).await? {
            tokio::select! {
                () = works.token.cancelled() => {}
                () = heard(&mut changes, |change| matches!(change, Change::Hooks(_) | Change::Project(_))) => {}
                () = works.wait_until(Some(prune_at)) => {}
            }
        } else {
            // Not on announcements: each failure is one.
            tokio::select! {
                () = works.token.cancelled() => {}
                () = works.wait_until(Some(now + AGAIN)) => {}
            }
        }
    }
    Ok(())
}

/// Deletes the subscriptions that are to go; whether none is left.
async fn remove(works: &Works) -> action::Result<bool> {
    if works.store().removing_subscriptions().await?.is_empty() {
        return Ok(true);
    }
    if lease::take(&works.ctx, "sweep", &works.holder, LEASE).await?.is_some() {
        return Ok(false);
    }
    let swept = hooks::sweep(&works.ctx).await;
    works.store().release_lease("sweep", &works.holder, works.now()).await?;
    swept?;
    Ok(works.store().removing_subscriptions().await?.is_empty())
}

/// The lease is kept until the next time: several processes share the work.
async fn prune(works: &Works) -> action::Result<()> {
    let now = works.now();
    let until = now + PRUNE_EVERY - SignedDuration::from_secs(60);
    if works.store().hold_lease("prune", &works.holder, None, until, now).await? {
        let gone = works.store().prune_deliveries(now - KEPT).await?;
        works.store().forget_old_leases(now).await?;
        tracing::debug!(gone, "old deliveries were swept out");
    }
    Ok(())
}
