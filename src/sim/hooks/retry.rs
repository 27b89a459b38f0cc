//! What an answer of a receiver means for the notification and for its subscription.
//!
//! As Microsoft describes it: some failures are tried again for about three minutes, every other one puts the subscription on
//! probation, where seven probes in 36 hours decide; 410 ends it at once. Pure: no clock, no network.
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Seconds before each of the eight retries of a transient failure.
pub const RETRIES: [i64; 8] = [1, 2, 4, 8, 16, 32, 60, 60];

/// Minutes before each of the seven probes of a subscription on probation.
pub const PROBES: [i64; 7] = [20, 40, 80, 160, 320, 640, 900];

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Answered(u16),
    /// No answer: refused, reset, TLS, name, time-out. In words.
    Unanswered(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Success,
    Transient,
    Enduring,
    Terminal,
}

impl Outcome {
    /// No answer at all is not classified by the service's text; it is taken for a transient failure here.
    pub fn class(&self) -> Class {
        match self {
            Outcome::Answered(200..=299) => Class::Success,
            Outcome::Answered(408 | 502 | 503 | 504) | Outcome::Unanswered(_) => Class::Transient,
            Outcome::Answered(410) => Class::Terminal,
            Outcome::Answered(_) => Class::Enduring,
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Outcome::Answered(status) => Some(*status),
            Outcome::Unanswered(_) => None,
        }
    }
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Enabled,
    OnProbation,
    DisabledByUser,
    DisabledBySystem,
    DisabledByInactiveIdentity,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Enabled => "enabled",
            Status::OnProbation => "onProbation",
            Status::DisabledByUser => "disabledByUser",
            Status::DisabledBySystem => "disabledBySystem",
            Status::DisabledByInactiveIdentity => "disabledByInactiveIdentity",
        }
    }

    pub fn is_disabled(self) -> bool {
        !matches!(self, Status::Enabled | Status::OnProbation)
    }
}

/// What happens next to the notification and to the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The subscription is enabled, whether it was or not.
    Delivered,
    RetryAfter(SignedDuration),
    /// The subscription is on probation, and this notification is what it is probed with.
    ProbeAfter(SignedDuration),
    /// It failed, and nothing else follows.
    Failed,
    Disabled,
}

/// Where a notification stood when the request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub subscription: Status,
    /// Requests made for this notification so far, with this one, without probes.
    pub attempts: u32,
    /// Which probe this was, counted from 1; 0 for none.
    pub probe: u32,
}

pub fn verdict(outcome: &Outcome, standing: Standing) -> Verdict {
    let at = |table: &[i64], index: u32| usize::try_from(index).ok().and_then(|index| table.get(index).copied());
    match (outcome.class(), standing) {
        (Class::Terminal, _) => Verdict::Disabled,
        (Class::Success, Standing { subscription, .. }) if !subscription.is_disabled() => Verdict::Delivered,
        (_, Standing { subscription, .. }) if subscription.is_disabled() => Verdict::Failed,
        (_, Standing { probe, .. }) if probe > 0 => match at(&PROBES, probe) {
            Some(minutes) => Verdict::ProbeAfter(SignedDuration::from_mins(minutes)),
            None => Verdict::Disabled,
        },
        (Class::Transient, Standing { attempts, .. }) if at(&RETRIES, attempts.saturating_sub(1)).is_some() => {
            let seconds = at(&RETRIES, attempts.saturating_sub(1)).unwrap_or_default();
            Verdict::RetryAfter(SignedDuration::from_secs(seconds))
        }
        // Somebody else's failure decides already.
        (_, Standing { subscription: Status::OnProbation, .. }) => Verdict::Failed,
        _ => Verdict::ProbeAfter(SignedDuration::from_mins(PROBES[0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(subscription: Status, attempts: u32, probe: u32) -> Standing {
        Standing { subscription, attempts, probe }
    }

    #[test]
    fn transient_failures_are_retried_for_183_seconds_and_then_endure() {
        let mut total = 0;
        for attempts in 1..=8 {
            for status in [408, 502, 503, 504] {
                match verdict(&Outcome::Answered(status), standing(Status::Enabled, attempts, 0)) {
                    Verdict::RetryAfter(after) if status == 408 => total += after.as_secs(),
                    Verdict::RetryAfter(_) => {}
                    other => panic!("{status} at attempt {attempts}: {other:?}"),
                }
            }
        }
        assert_eq!(total, 183);
        let last = verdict(&Outcome::Answered(503), standing(Status::Enabled, 9, 0));
        assert_eq!(last, Verdict::ProbeAfter(SignedDuration::from_mins(20)));
    }

    #[test]
    fn every_other_failure_puts_the_subscription_on_probation_at_once() {
        for status in [301, 400, 401, 403, 404, 413, 415, 422, 429, 500] {
            let said = verdict(&Outcome::Answered(status), standing(Status::Enabled, 1, 0));
            assert_eq!(said, Verdict::ProbeAfter(SignedDuration::from_mins(20)), "{status}");
        }
    }

    #[test]
    fn seven_probes_take_36_hours_and_then_it_is_disabled() {
        assert_eq!(PROBES.iter().sum::<i64>(), 36 * 60);
        for probe in 1..7 {
            let said = verdict(&Outcome::Answered(503), standing(Status::OnProbation, 1, probe));
            assert_eq!(said, Verdict::ProbeAfter(SignedDuration::from_mins(PROBES[probe as usize])));
        }
        assert_eq!(verdict(&Outcome::Answered(500), standing(Status::OnProbation, 1, 7)), Verdict::Disabled);
        assert_eq!(verdict(&Outcome::Answered(202), standing(Status::OnProbation, 1, 7)), Verdict::Delivered);
    }

    #[test]
    fn gone_disables_whatever_the_state() {
        for status in [Status::Enabled, Status::OnProbation] {
            assert_eq!(verdict(&Outcome::Answered(410), standing(status, 1, 0)), Verdict::Disabled);
        }
    }
}
