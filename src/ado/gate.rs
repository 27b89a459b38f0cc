//! One gate a host: limits what is in flight, and holds everything back until the host's `Retry-After` has passed.
//!
//! Azure DevOps sends `Retry-After` with a 200 too: the answer at hand is good, the next request waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

#[derive(Debug)]
pub struct Gate {
    slots: Arc<Semaphore>,
    not_before: Mutex<Option<Instant>>,
}

/// The wait that the host asks for is longer than the caller's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub Duration);

impl Gate {
    pub fn new(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))), not_before: Mutex::new(None) }
    }

    /// Waits for a slot and for the host to be ready; the permit is given back when dropped.
    pub async fn enter(&self, patience: Duration) -> Result<OwnedSemaphorePermit, TooLong> {
        self.refuse_if_longer_than(patience)?;
        let permit = match self.slots.clone().acquire_owned().await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        };
        // Another answer may move the instant on while we sleep.
        while let Some(wait) = self.wait() {
            self.refuse_if_longer_than(patience)?;
            tokio::time::sleep(wait).await;
        }
        Ok(permit)
    }

    /// Holds everything back for a while; never shortens an earlier wait.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut slot = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none_or(|earlier| earlier < until) {
            *slot = Some(until);
        }
    }

    fn refuse_if_longer_than(&self, patience: Duration) -> Result<(), TooLong> {
        match self.wait() {
            Some(wait) if wait > patience => Err(TooLong(wait)),
            _ => Ok(()),
        }
    }

    fn wait(&self) -> Option<Duration> {
        let until = (*self.not_before.lock().unwrap_or_else(PoisonError::into_inner))?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }
}

/// Reads `Retry-After`: seconds, whole or not, or a date. A day is the most it can ask for.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            (at.as_millisecond() - now.as_millisecond()) as f64 / 1000.0
        }
    };
    (seconds.is_finite() && seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(" 1.5 ", now), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 12:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 11:00:00 GMT", now), None);
        assert_eq!(retry_after("1e99", now), Some(Duration::from_secs(86_400)));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-3", now), None);
    }

    #[tokio::test]
    async fn nothing_enters_before_the_host_is_ready() {
        let gate = Gate::new(2);
        let begun = Instant::now();
        gate.hold(Duration::from_millis(50));
        gate.hold(Duration::from_millis(20));
        let _permit = gate.enter(Duration::from_secs(30)).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(50));
        gate.hold(Duration::from_secs(60));
        assert!(matches!(gate.enter(Duration::from_secs(30)).await, Err(TooLong(wait)) if wait.as_secs() >= 50));
    }

    #[tokio::test]
    async fn an_abandoned_wait_gives_its_slot_back() {
        let gate = Gate::new(1);
        gate.hold(Duration::from_millis(100));
        assert!(tokio::time::timeout(Duration::from_millis(10), gate.enter(Duration::from_secs(30))).await.is_err());
        assert!(gate.enter(Duration::from_secs(30)).await.is_ok());
    }
}
