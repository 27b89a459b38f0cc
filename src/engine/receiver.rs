//! Says that a receiver is there, and notices when none was: then events may have been lost, and everything is compared again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Works;
use crate::action::{self, lease};
use crate::domain::board::age_step;
use crate::store::RECEIVER;

const EVERY: SignedDuration = SignedDuration::from_secs(30);
/// A receiver that says nothing for this long is gone.
const VALID: SignedDuration = SignedDuration::from_secs(90);

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    let name = format!("{RECEIVER}{}", works.holder);
    while !works.token.is_cancelled() {
        lease::bury(&works.ctx, RECEIVER).await?;
        let now = works.now();
        // Before it is said again: a machine that slept finds its own last word long over.
        if works.store().leases_like(RECEIVER, now).await?.is_empty() {
            owe(&works, now).await?;
        }
        works.store().hold_lease(&name, &works.holder, works.options.receiver.as_deref(), now + VALID, now).await?;
        tokio::select! {
            () = works.token.cancelled() => {}
            () = works.wait_until(Some(now + EVERY)) => {}
        }
    }
    works.store().release_lease(&name, &works.holder, works.now()).await?;
    Ok(())
}

/// Nobody received until now.
async fn owe(works: &Works, now: Timestamp) -> action::Result<()> {
    for project in works.store().projects().await? {
        let signs = works.store().hook_signs(project.id, now).await?;
        if signs.are_set_up() {
            let words = match signs.receiver_until {
                Some(until) => format!("catching up after {} without a receiver", age_step(until, now)),
                None => "catching up".to_owned(),
            };
            works.store().owe_reconciliation(project.id, &words, now).await?;
        }
    }
    Ok(())
}
