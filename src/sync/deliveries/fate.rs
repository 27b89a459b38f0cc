//! What becomes of a delivery, and when one that failed is tried again.

use jiff::{SignedDuration, Timestamp};

use crate::ado::{self, ErrorKind};
use crate::domain::hook::{Delivery, DeliveryState};
use crate::notice::inert;

/// A delivery that failed so often is parked, for a person to look at.
pub const MOST_TRIES: i64 = 5;
/// How long to wait after each failure, in seconds; the last one repeats.
const WAITS: [i64; 4] = [1, 10, 60, 300];
/// Words are for one line of a list.
const WORDS: usize = 300;

/// One delivery and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub id: i64,
    pub fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Settled { state: DeliveryState, words: String },
    Postponed { not_before: Timestamp, words: String },
}

impl Fate {
    pub fn applied(words: impl AsRef<str>) -> Self {
        Self::settled(DeliveryState::Applied, words)
    }

    pub fn ignored(words: impl AsRef<str>) -> Self {
        Self::settled(DeliveryState::Ignored, words)
    }

    pub fn settled(state: DeliveryState, words: impl AsRef<str>) -> Self {
        Self::Settled { state, words: short(words.as_ref()) }
    }

    /// To be tried again, or parked when that was the last try. Nobody asks before `at_least` has passed.
    pub fn failed(delivery: &Delivery, why: impl AsRef<str>, at_least: Option<SignedDuration>, now: Timestamp) -> Self {
        let tries = delivery.tries + 1;
        if tries >= MOST_TRIES {
            return Self::settled(DeliveryState::Parked, format!("given up after {tries} tries: {}", why.as_ref()));
        }
        let step = usize::try_from(delivery.tries).unwrap_or_default().min(WAITS.len() - 1);
        let wait = SignedDuration::from_secs(WAITS[step]).max(at_least.unwrap_or_default());
        let wait = wait.min(SignedDuration::from_secs(WAITS[WAITS.len() - 1]));
        Self::Postponed { not_before: now.saturating_add(wait).unwrap_or(now), words: short(why.as_ref()) }
    }
}

fn short(words: &str) -> String {
    inert(words).chars().take(WORDS).collect()
}

/// Why a question was not answered, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// It is not there any more, or is hidden from the token.
    Gone(String),
    /// The token may not ask.
    Forbidden(String),
    /// It may work later.
    Trouble { words: String, wait: Option<SignedDuration>, everywhere: bool },
}

impl Unanswered {
    pub fn of(error: &ado::Error) -> Self {
        let words = error.to_string();
        match error.kind() {
            ErrorKind::PullRequestMissing
            | ErrorKind::RepositoryMissing
            | ErrorKind::ProjectMissing
            | ErrorKind::CollectionMissing
            | ErrorKind::NotFound => Self::Gone(words),
            ErrorKind::BadToken
            | ErrorKind::TokenExpired
            | ErrorKind::NotAMember
            | ErrorKind::ScopeMissing { .. }
            | ErrorKind::PermissionMissing { .. } => Self::Forbidden(words),
            ErrorKind::Throttled { retry_after_s } => {
                let wait = i64::try_from(*retry_after_s).ok().map(SignedDuration::from_secs);
                Self::Trouble { words, wait, everywhere: true }
            }
            kind => {
                let everywhere = matches!(kind, ErrorKind::Offline | ErrorKind::Proxy | ErrorKind::Tls | ErrorKind::TimedOut);
                Self::Trouble { words, wait: None, everywhere }
            }
        }
    }
}
