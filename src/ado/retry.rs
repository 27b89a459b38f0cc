//! When to send a request again by itself, and after how long.

use std::time::Duration;

use backon::ExponentialBuilder;

use super::error::Error;

/// What sending a request does to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes something, and twice is the same as once.
    Repeatable,
    /// Must not be sent twice by itself: twice may be two of them.
    Once,
}

/// Delays and limits of waiting; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub first_delay: Duration,
    pub retries: usize,
    /// The longest `Retry-After` that is waited for; a longer one is an error at once.
    pub patience: Duration,
    /// How long a request in the background waits in all, where nobody waits for it.
    pub long_patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(250),
            retries: 3,
            patience: Duration::from_secs(30),
            long_patience: Duration::from_secs(3600),
        }
    }
}

impl Pace {
    pub fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.first_delay)
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(self.retries)
    }
}

/// A failed attempt, and whether another one may help.
#[derive(Debug)]
pub struct Failed {
    pub error: Error,
    pub again: Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Never,
    /// After the back-off.
    Soon,
    /// The gate knows until when: the back-off need not add to it.
    WhenReady,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, again: Again::Never }
    }
}
