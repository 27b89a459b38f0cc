//! Counts the requests of one client or of several by how they ended, for as long as the process runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::transport::{Answer, Broken};
use crate::domain::rate_limit::Requests;

/// A handle on counters; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    answered: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    /// Takes in how a request that was sent ended. A refusal is an answer; what the service could not do is a failure.
    pub(super) fn count(&self, outcome: &Result<Answer, Broken>) {
        let counter = match outcome {
            Ok(answer) if answer.is_refused_for_load() => &self.0.throttled,
            Ok(answer) if answer.status < 500 => &self.0.answered,
            Ok(_) | Err(_) => &self.0.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Since the tally was begun.
    pub fn requests(&self) -> Requests {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests { answered: read(&self.0.answered), throttled: read(&self.0.throttled), failed: read(&self.0.failed) }
    }
}
