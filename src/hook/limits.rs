//! What the receiver gives to whom: times, sizes, and how many bytes of bodies are in memory at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Webhooks;

/// The bounds of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest body that is kept whole.
    pub body: usize,
    /// A larger one is read to this size, to answer it; beyond, it is left unread.
    pub discarded: u64,
    /// Of a body that is too large, this much is kept.
    pub kept_of_large: usize,
    /// Bodies in memory, all requests together.
    pub in_flight: usize,
    /// The head of a request.
    pub head: usize,
    pub head_time: Duration,
    /// A whole request.
    pub request_time: Duration,
    /// Connections at once; a further one takes the place of the one that was idle longest.
    pub connections: usize,
    /// When told to stop, requests under way have this long; whatever is left then is cut off.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 * 1024 * 1024,
            discarded: 64 * 1024 * 1024,
            kept_of_large: 64 * 1024,
            in_flight: 16 * 1024 * 1024,
            head: 64 * 1024,
            head_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            connections: 512,
            grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    pub fn of(config: &Webhooks) -> Self {
        let standard = Self::default();
        Self {
            body: config.max_body_bytes,
            // One body of the largest size must find room.
            in_flight: standard.in_flight.max(config.max_body_bytes.saturating_mul(2)),
            head_time: Duration::from_millis(config.header_timeout_ms),
            request_time: Duration::from_millis(config.body_timeout_ms),
            ..standard
        }
    }
}

/// The bytes that bodies may take in memory.
#[derive(Clone)]
pub struct Budget(Arc<Semaphore>);

/// Counted in blocks, so that a count fits whatever is configured.
const BLOCK: usize = 1024;

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / BLOCK).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Nothing yet, to be grown.
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), held: None, blocks: 0 }
    }
}

/// What one body has of the budget; given back when dropped.
pub struct Share {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
    blocks: usize,
}

impl Share {
    /// Takes as much more as a body of this size needs. Answers whether there was room.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(BLOCK);
        let more = wanted.saturating_sub(self.blocks);
        if more == 0 {
            return true;
        }
        let Ok(more_blocks) = u32::try_from(more) else { return false };
        let Ok(permit) = self.budget.0.clone().try_acquire_many_owned(more_blocks) else { return false };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        self.blocks = wanted;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_body_took_is_there_again_after_it() {
        let budget = Budget::new(10 * BLOCK);
        let mut first = budget.share();
        assert!(first.grow_to(1) && first.grow_to(6 * BLOCK) && first.grow_to(3));
        let mut second = budget.share();
        assert!(!second.grow_to(5 * BLOCK) && second.grow_to(4 * BLOCK) && !second.grow_to(4 * BLOCK + 1));
        drop(first);
        assert!(second.grow_to(10 * BLOCK));
    }
}
