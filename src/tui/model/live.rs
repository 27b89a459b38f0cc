//! Whether the project is followed as it changes, and when to ask for it again: leases run out without anybody saying so.

use jiff::{SignedDuration, Timestamp};

use crate::domain::health::Live;
use crate::tui::event::Generation;

/// A receiver that is gone is noticed after its lease and this time.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Deliveries come by the hundred; what they change here is read at most once in this time.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// How we know what a pull request is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Following {
    /// Every change is told of: what is known is how it is.
    Live,
    #[default]
    ByLooking,
}

#[derive(Debug, Clone, Default)]
pub struct LiveState {
    pub live: Live,
    pub loading: Option<Generation>,
    /// Something changed while a load was under way.
    pub stale: bool,
    pub asked_at: Option<Timestamp>,
    /// Something changed a moment after the last look: the next one is then.
    pub due: Option<Timestamp>,
}

impl LiveState {
    pub fn following(&self) -> Following {
        match self.live {
            Live::Now => Following::Live,
            Live::Off | Live::Broken(_) => Following::ByLooking,
        }
    }

    /// When to look again by itself. Without webhooks there is nothing to look for.
    pub fn next_look(&self) -> Option<Timestamp> {
        let again = match self.live {
            Live::Off => None,
            Live::Now | Live::Broken(_) => self.asked_at.map(|at| at + LOOK_AGAIN),
        };
        [self.due, again].into_iter().flatten().min().filter(|_| self.loading.is_none())
    }

    /// Whether to look now, as something may have changed; else it is done when the pause is over.
    pub fn may_look(&mut self, now: Timestamp) -> bool {
        match self.asked_at.map(|at| at + PAUSE) {
            Some(next) if next > now => {
                self.due = Some(next);
                false
            }
            _ => true,
        }
    }
}
