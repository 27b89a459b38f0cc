//! What Azure DevOps said of its rate limit, also for those who were not there when it was said, and how it is told to people.
//!
//! It says something only near the limit, so silence means that the limit is far away. Numbers are in its own units (TSTU).
//!
//! Limits: the service counts by account. Kept is what was said to the account that acts for a team; where several people ask with
//! accounts of their own and none acts for all, it is the last word to any of them.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::board::age_step;

/// A word of the limit counts for this long where the service does not say until when: it counts in windows of five minutes.
const WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// The last word of the service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RateLimit {
    /// In TSTU, like `remaining`. Both are absent where it only told to wait.
    pub limit: Option<f64>,
    pub remaining: Option<f64>,
    /// When all of it is back if nothing more is sent.
    pub reset_at: Option<Timestamp>,
    /// Until when it told to wait (`Retry-After`). A time that has passed is over.
    pub told_to_wait: Option<Timestamp>,
    pub said_at: Timestamp,
}

/// How far away the limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// Nothing was asked yet.
    Unknown,
    /// Nothing was said of it, or what was said is over.
    Far,
    /// What was said of it counts still.
    Near,
    /// Told to wait.
    Waiting,
}

/// What is known of an organisation's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    pub said: Option<RateLimit>,
    /// When the service last answered something, as far as is known.
    pub answered_at: Option<Timestamp>,
}

/// How a place tells times.
pub enum Times<'a> {
    /// As ages, where words are printed once: `3m ago`.
    Ages,
    /// Of the day, where nothing is painted again by itself: `at 08:56:00`.
    OfDay(&'a dyn Fn(Timestamp) -> String),
}

impl Times<'_> {
    fn past(&self, at: Timestamp, now: Timestamp) -> String {
        match self {
            Self::OfDay(words) => format!("at {}", words(at)),
            Self::Ages => match age_step(at, now).as_str() {
                "now" => "just now".to_owned(),
                age => format!("{age} ago"),
            },
        }
    }

    /// As of when something holds.
    fn as_of(&self, at: Timestamp, now: Timestamp) -> String {
        match self {
            Self::OfDay(words) => words(at),
            Self::Ages => self.past(at, now),
        }
    }

    fn until(&self, at: Timestamp, now: Timestamp) -> String {
        match self {
            Self::OfDay(words) => format!("until {}", words(at)),
            Self::Ages => format!("another {}", left(at, now)),
        }
    }

    fn when(&self, at: Timestamp, now: Timestamp) -> String {
        match self {
            Self::OfDay(words) => format!("at {}", words(at)),
            Self::Ages => format!("in {}", left(at, now)),
        }
    }
}

/// `12 s`, `3 min`; never less than what is left.
fn left(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_millis().max(0).unsigned_abs().div_ceil(1_000).max(1);
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

impl RateLimit {
    /// Until when it counts: until all is back, or for a window.
    fn counts_until(&self) -> Timestamp {
        let silent = self.said_at.checked_add(WINDOW).unwrap_or(self.said_at);
        let back = self.reset_at.unwrap_or(silent);
        self.told_to_wait.map_or(back, |until| back.max(until))
    }

    /// Until when to wait, while that is not over.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.told_to_wait.filter(|until| *until > now)
    }

    /// What is left and of how much, while that counts.
    pub fn left(&self, now: Timestamp) -> Option<(f64, f64)> {
        let back = self.reset_at.or_else(|| self.said_at.checked_add(WINDOW).ok())?;
        self.remaining.zip(self.limit).filter(|_| back > now)
    }

    /// Of two words the newer one.
    pub fn newer(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        [one, other].into_iter().flatten().max_by_key(|said| said.said_at)
    }
}

impl Known {
    pub fn distance(&self, now: Timestamp) -> Distance {
        match &self.said {
            Some(said) if said.waits_until(now).is_some() => Distance::Waiting,
            Some(said) if said.counts_until() > now => Distance::Near,
            Some(_) => Distance::Far,
            None if self.answered_at.is_some() => Distance::Far,
            None => Distance::Unknown,
        }
    }

    /// When the newest of this was learnt.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.said.map(|said| said.said_at).max(self.answered_at)
    }

    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.said?.waits_until(now)
    }

    /// How much of the limit is left, 0 to 100; absent while the limit is far away.
    pub fn percent_left(&self, now: Timestamp) -> Option<u8> {
        let (left, limit) = self.said?.left(now).filter(|(_, limit)| *limit > 0.0)?;
        Some((left / limit * 100.0).clamp(0.0, 100.0).round() as u8)
    }

    /// `far from it, as of 3m ago`, `82 of 200 TSTU left, said 1m ago, all back in 4 min`.
    pub fn words(&self, now: Timestamp, times: &Times<'_>) -> String {
        let Some(said) = self.said.filter(|said| said.counts_until() > now) else {
            return match self.as_of() {
                Some(at) => format!("far from it, as of {}", times.as_of(at, now)),
                None => "not known: nothing was asked yet".to_owned(),
            };
        };
        let wait = said.waits_until(now).map(|until| format!("told to wait {}", times.until(until, now)));
        let left = said.left(now).map(|(left, limit)| {
            let back = said.reset_at.map_or(String::new(), |at| format!(", all back {}", times.when(at, now)));
            format!("{left:.0} of {limit:.0} TSTU left, said {}{back}", times.past(said.said_at, now))
        });
        match (wait, left) {
            (Some(wait), Some(left)) => format!("{wait}; {left}"),
            (Some(wait), None) => wait,
            (None, Some(left)) => left,
            // It told to wait, without a number, and that time has passed.
            (None, None) => format!("near it: told to wait {}, which is over", times.past(said.said_at, now)),
        }
    }
}

/// Requests that were sent, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// With a whole answer, also with one that refuses.
    pub answered: u64,
    /// With a refusal because too much was asked.
    pub throttled: u64,
    /// Without a whole answer, or with a failure of the service.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn after(seconds: i64) -> Timestamp {
        now() + SignedDuration::from_secs(seconds)
    }

    /// Said so many seconds ago.
    fn said(ago: i64) -> RateLimit {
        RateLimit { limit: Some(200.0), remaining: Some(81.6), reset_at: Some(after(230)), told_to_wait: None, said_at: after(-ago) }
    }

    fn known(said: Option<RateLimit>, answered: Option<i64>) -> Known {
        Known { said, answered_at: answered.map(|ago| after(-ago)) }
    }

    fn told(known: &Known) -> (Distance, String) {
        (known.distance(now()), known.words(now(), &Times::Ages))
    }

    #[test]
    fn silence_means_far_and_says_as_of_when() {
        assert_eq!(told(&known(None, None)), (Distance::Unknown, "not known: nothing was asked yet".to_owned()));
        assert_eq!(told(&known(None, Some(185))), (Distance::Far, "far from it, as of 3m ago".to_owned()));
        assert_eq!(known(None, Some(5)).percent_left(now()), None);
    }

    #[test]
    fn what_was_said_is_told_with_its_age_until_all_is_back() {
        let near = known(Some(said(75)), Some(20));
        assert_eq!(told(&near), (Distance::Near, "82 of 200 TSTU left, said 1m ago, all back in 4 min".to_owned()));
        assert_eq!(near.percent_left(now()), Some(41));
        assert_eq!(near.as_of(), Some(after(-20)));
        let over = known(Some(RateLimit { reset_at: Some(now()), ..said(75) }), Some(400));
        assert_eq!(told(&over), (Distance::Far, "far from it, as of 1m ago".to_owned()));
        assert_eq!(over.percent_left(now()), None);
        // Without a time of its own it counts for a window.
        for (ago, distance) in [(299, Distance::Near), (300, Distance::Far)] {
            assert_eq!(known(Some(RateLimit { reset_at: None, ..said(ago) }), None).distance(now()), distance, "{ago}");
        }
    }

    #[test]
    fn a_wait_is_told_while_it_lasts_and_what_is_left_beside_it() {
        let waiting = known(Some(RateLimit { told_to_wait: Some(after(12)), ..said(3) }), None);
        let words = "told to wait another 12 s; 82 of 200 TSTU left, said just now, all back in 4 min";
        assert_eq!(told(&waiting), (Distance::Waiting, words.to_owned()));
        let bare = RateLimit { limit: None, remaining: None, reset_at: None, told_to_wait: Some(after(12)), said_at: now() };
        assert_eq!(told(&known(Some(bare), None)), (Distance::Waiting, "told to wait another 12 s".to_owned()));
        let passed = RateLimit { told_to_wait: Some(after(-20)), said_at: after(-65), ..bare };
        assert_eq!(told(&known(Some(passed), None)), (Distance::Near, "near it: told to wait 1m ago, which is over".to_owned()));
        let long_over = RateLimit { told_to_wait: Some(after(-400)), said_at: after(-401), ..bare };
        assert_eq!(told(&known(Some(long_over), Some(9))), (Distance::Far, "far from it, as of just now".to_owned()));
        // A long wait outlasts what was said of the rest.
        let long = RateLimit { told_to_wait: Some(after(3_000)), said_at: after(-600), ..bare };
        assert_eq!(told(&known(Some(long), None)), (Distance::Waiting, "told to wait another 50 min".to_owned()));
    }

    #[test]
    fn where_nothing_is_painted_again_times_are_of_the_day() {
        let clock = |at: Timestamp| at.strftime("%H:%M:%S").to_string();
        let words = |known: Known| known.words(now(), &Times::OfDay(&clock));
        assert_eq!(words(known(None, Some(5))), "far from it, as of 09:59:55");
        let waiting = RateLimit { told_to_wait: Some(after(12)), ..said(3) };
        assert_eq!(
            words(known(Some(waiting), None)),
            "told to wait until 10:00:12; 82 of 200 TSTU left, said at 09:59:57, all back at 10:03:50"
        );
    }

    #[test]
    fn of_two_words_the_newer_one_counts() {
        assert_eq!(RateLimit::newer(Some(said(10)), Some(said(20))), Some(said(10)));
        assert_eq!(RateLimit::newer(None, Some(said(20))), Some(said(20)));
        assert_eq!(RateLimit::newer(None, None), None);
    }
}
