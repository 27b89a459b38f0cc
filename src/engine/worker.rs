//! Applies deliveries: claims a batch, applies it, claims the next; sleeps while nothing is due.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Works;
use super::hearing::heard;
use crate::action;
use crate::domain::change::Change;
use crate::sync::deliveries;

/// Deliveries claimed at once: several about one pull request cost one look.
const BATCH: i64 = 64;
/// After this long somebody else may apply what was claimed: so long a crash holds up what it had begun. Applied twice is applied once.
const CLAIM: SignedDuration = SignedDuration::from_mins(1);
/// Somebody else claimed what was due a moment before; it is looked at again, in case they fail.
const OTHERS_TURN: SignedDuration = SignedDuration::from_secs(1);

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    // Before the first look: what comes in between is heard.
    let mut changes = works.store().subscribe();
    while !works.token.is_cancelled() {
        let now = works.now();
        let due = works.store().next_due().await?;
        let again = match due {
            Some(due) if due <= now => {
                let claimed = works.store().claim_deliveries(&works.holder, BATCH, CLAIM, now).await?;
                if !claimed.is_empty() {
                    deliveries::work(works.store(), &*works, &works.ctx.clock, claimed, works.rules()).await?;
                    continue;
                }
                Some(now + OTHERS_TURN)
            }
            later => later,
        };
        tokio::select! {
            () = works.token.cancelled() => {}
            () = works.options.wake.woken() => {}
            () = heard(&mut changes, |change| matches!(change, Change::Deliveries(_))) => {}
            () = works.wait_until(again) => {}
        }
    }
    Ok(())
}
