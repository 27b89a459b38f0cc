//! Taking a lease: at once where it is free or was left behind by a process of this machine that is gone, else told who has it. And
//! letting go of what such processes left behind.

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::error::Result;
use super::holder;

/// A lease that somebody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub by: String,
    /// When it runs out unless it is held on to.
    pub until: Timestamp,
}

/// Takes a lease for so long; who has it where that fails.
pub async fn take(ctx: &Context, name: &str, holder: &str, length: SignedDuration) -> Result<Option<Held>> {
    let (store, now) = (&ctx.store, ctx.clock.now());
    if store.hold_lease(name, holder, None, now + length, now).await? {
        return Ok(None);
    }
    let Some(lease) = store.lease(name).await? else { return Ok(Some(Held { by: String::new(), until: now })) };
    if holder::is_gone(&lease.holder) {
        tracing::info!("the lease {name} is taken over: {} is gone", holder::words(&lease.holder));
        // Only what the dead one holds ends; of several that find it so, one gets it.
        store.release_lease(name, &lease.holder, now).await?;
        if store.hold_lease(name, holder, None, now + length, now).await? {
            return Ok(None);
        }
        let until = store.lease(name).await?.map_or(now, |lease| lease.until);
        return Ok(Some(Held { by: String::new(), until }));
    }
    Ok(Some(Held { by: lease.holder, until: lease.until }))
}

/// Lets go of the leases whose names begin so and that are held by processes of this machine that are gone.
///
/// # Errors
/// The store's trouble.
pub async fn bury(ctx: &Context, prefix: &str) -> Result<()> {
    for lease in ctx.store.leases_like(prefix, ctx.clock.now()).await? {
        if holder::is_gone(&lease.holder) {
            tracing::info!("the lease {} is let go: {} is gone", lease.name, holder::words(&lease.holder));
            ctx.store.release_lease(&lease.name, &lease.holder, ctx.clock.now()).await?;
        }
    }
    Ok(())
}
