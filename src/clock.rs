//! The time as a value: everything that needs `now` is handed a [`Clock`], so that tests and snapshots can fix it. Whoever has to wait
//! waits on the clock too, so that a test moves it and sleeps nowhere.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A wait asks for the time again after this long: a machine that was suspended is late by as long as it slept, and no timer says so.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Where `now` comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that moves only when told to.
    Fixed(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(watch::Sender::new(at)))
    }

    /// The current time, to the millisecond: what the store keeps is what was handed out.
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Self::System => Timestamp::now(),
            Self::Fixed(at) => *at.borrow(),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Moves a fixed clock; the system's clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Fixed(at) = self {
            at.send_modify(|at| *at += by);
        }
    }

    /// Waits until the clock shows `at` or later.
    pub async fn wait_until(&self, at: Timestamp) {
        match self {
            Self::System => loop {
                let left = at.duration_since(self.now());
                match Duration::try_from(left) {
                    Ok(left) if !left.is_zero() => tokio::time::sleep(left.min(LOOK_AGAIN)).await,
                    _ => return,
                }
            },
            Self::Fixed(now) => {
                // The sender lives as long as `self`: the wait ends only when the time has come.
                let _ = now.subscribe().wait_for(|now| *now >= at).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_when_the_clock_is_moved_that_far() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let wait = clock.wait_until(Timestamp::from_second(60).unwrap());
        tokio::pin!(wait);
        assert!(wait.as_mut().now_or_never().is_none());
        clock.advance(SignedDuration::from_secs(59));
        assert!(wait.as_mut().now_or_never().is_none());
        clock.advance(SignedDuration::from_secs(1));
        wait.await;
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        Clock::System.wait_until(Timestamp::UNIX_EPOCH).await;
        Clock::fixed(Timestamp::from_second(5).unwrap()).wait_until(Timestamp::UNIX_EPOCH).await;
    }
}
