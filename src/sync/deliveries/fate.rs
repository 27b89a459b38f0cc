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

    pub fn of_a_removed_project() -> Self {
        Self::ignored("its project is not on the board any more")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProjectId;

    fn delivery(tries: i64) -> Delivery {
        Delivery {
            id: 1,
            project: ProjectId(1),
            purpose: None,
            event_type: None,
            event_id: None,
            subscription: None,
            notification: None,
            received_at: Timestamp::UNIX_EPOCH,
            bytes: 2,
            state: DeliveryState::Waiting,
            tries,
            words: None,
            settled_at: None,
        }
    }

    fn wait(tries: i64, at_least: Option<i64>) -> Option<i64> {
        let now = Timestamp::UNIX_EPOCH;
        match Fate::failed(&delivery(tries), "offline", at_least.map(SignedDuration::from_secs), now) {
            Fate::Postponed { not_before, .. } => Some(not_before.as_second()),
            Fate::Settled { state, words } => {
                assert_eq!((state, words), (DeliveryState::Parked, format!("given up after {} tries: offline", tries + 1)));
                None
            }
        }
    }

    #[test]
    fn a_delivery_that_fails_is_tried_five_times_with_longer_and_longer_waits() {
        assert_eq!([0, 1, 2, 3, 4, 9].map(|tries| wait(tries, None)), [Some(1), Some(10), Some(60), Some(300), None, None]);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_up_to_five_minutes() {
        assert_eq!(wait(0, Some(30)), Some(30));
        assert_eq!(wait(2, Some(30)), Some(60));
        assert_eq!(wait(0, Some(86_400)), Some(300));
    }

    #[test]
    fn words_from_outside_are_inert_and_short() {
        let Fate::Settled { words, .. } = Fate::applied(format!("a\u{1b}[2J\u{202e}\0{}", "x".repeat(5_000))) else { panic!() };
        assert!(words.starts_with("a[2Jx") && words.chars().count() == WORDS, "{words}");
    }
}
