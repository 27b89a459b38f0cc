//! Keeping a loop running: one that fails or crashes is told of in the log and started again, later and later.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::SignedDuration;

use super::Works;
use crate::action;

const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// Runs a loop until the engine stops.
pub async fn keep<F, W>(works: Arc<Works>, name: &'static str, run: W)
where
    F: Future<Output = action::Result<()>> + Send,
    W: Fn(Arc<Works>) -> F + Send,
{
    let mut failures = 0;
    while !works.token.is_cancelled() {
        let begun = works.now();
        match AssertUnwindSafe(run(works.clone())).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::warn!("could not {name}: {}", crate::notice::inert(&error.to_string())),
            // What it said went to the panic hook.
            Err(_) => tracing::error!("crashed when it was to {name}; it is started again"),
        }
        // One that ran well for a while failed for the first time.
        failures = if works.now().duration_since(begun) > LONGEST_WAIT { 1 } else { failures + 1 };
        let again = works.now() + backoff(failures, FIRST_WAIT, LONGEST_WAIT);
        tokio::select! {
            () = works.token.cancelled() => return,
            () = works.wait_until(Some(again)) => {}
        }
    }
}

/// How long to wait after so many failures in a row: twice as long each time, up to a limit, and a little off, so that several
/// processes do not come back in the same moment.
pub fn backoff(failures: u32, first: SignedDuration, longest: SignedDuration) -> SignedDuration {
    let doubled = first.checked_mul(1_i32.checked_shl(failures.saturating_sub(1).min(20)).unwrap_or(i32::MAX));
    let wait = doubled.map_or(longest, |wait| wait.min(longest));
    let off = getrandom::u32().map_or(0.0, |random| f64::from(random) / f64::from(u32::MAX));
    wait.mul_f64(0.8 + 0.2 * off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let wait = |failures| backoff(failures, SignedDuration::from_secs(1), SignedDuration::from_mins(5)).as_secs_f64();
        for (failures, longest) in [(0, 1.0), (1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0), (4_000_000_000, 300.0)] {
            let waited = wait(failures);
            assert!((0.8 * longest..=longest).contains(&waited), "{failures}: {waited}");
        }
    }
}
