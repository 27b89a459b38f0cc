//! One process at a time makes or deletes the webhooks of a project: two would each make one that the other takes for a leftover.
//!
//! Limits: the turn of a process that was killed is taken over where it can be seen to be gone ([`holder`]); elsewhere it ends by itself a
//! few seconds later, and the next one waits for that.

use jiff::SignedDuration;

use crate::action::context::Context;
use crate::action::error::{Error, Result};
use crate::action::{holder, lease};
use crate::domain::project::Project;

/// A turn ends this long after it was last held on to.
const LASTS: SignedDuration = SignedDuration::from_secs(6);
const HOLD_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// How long the turn of another is waited for: longer than one that was killed lasts.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);
const LOOK_AGAIN: SignedDuration = SignedDuration::from_millis(200);

/// Does the work when nobody else does such work for the project.
pub(super) async fn in_turn<T>(ctx: &Context, project: &Project, work: impl Future<Output = Result<T>>) -> Result<T> {
    let name = format!("registration:{}", project.id);
    let holder = holder::name();
    let give_up = ctx.clock.now() + PATIENCE;
    while lease::take(ctx, &name, &holder, LASTS).await?.is_some() {
        if ctx.clock.now() >= give_up {
            return Err(Error::refused(
                format!("another process makes or deletes the webhooks of {} at this moment", project.name),
                "wait until it has finished, then look: `kanado hooks status`",
            ));
        }
        ctx.clock.wait_until(ctx.clock.now() + LOOK_AGAIN).await;
    }
    let holding = async {
        loop {
            ctx.clock.wait_until(ctx.clock.now() + HOLD_AGAIN).await;
            match hold(ctx, &name, &holder).await {
                Ok(true) => {}
                Ok(false) => return Error::refused("another process took over the webhooks of the project", "look: `kanado hooks status`"),
                // The store being busy for a moment is no reason to stop; the turn lasts longer than one look.
                Err(error) => tracing::warn!("the turn for the webhooks could not be held on to: {error}"),
            }
        }
    };
    let outcome = tokio::select! {
        biased;
        outcome = work => outcome,
        lost = holding => return Err(lost),
    };
    ctx.store.release_lease(&name, &holder, ctx.clock.now()).await?;
    outcome
}

async fn hold(ctx: &Context, name: &str, holder: &str) -> Result<bool> {
    let now = ctx.clock.now();
    Ok(ctx.store.hold_lease(name, holder, None, now + LASTS, now).await?)
}
