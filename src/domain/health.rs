//! How well a project is kept up with: whether events arrive by themselves, what is waiting, what went wrong.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::board::age_step;
use super::hook::{Purpose, Subscription, SubscriptionState};
use super::id::Guid;

/// Whether a project's pull requests are followed as they change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum Live {
    /// A receiver is there, and every subscription that moves cards is enabled: what the store knows is how it is.
    Now,
    /// No webhooks were set up: looking is the only way.
    #[default]
    Off,
    /// They were set up and do not work, in a few words: `no receiver since 3m`, `2 hooks on probation`.
    Broken(String),
}

/// A process that receives deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Host, process and address, for a person.
    pub name: String,
    /// It is taken for gone at this moment unless it says otherwise.
    pub until: Timestamp,
}

/// What arrived for one subscription, ours or one that a person made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverySource {
    pub subscription: Option<Guid>,
    pub deliveries: i64,
    pub last_at: Timestamp,
    /// Numbers that are missing between the first and the last notification kept: a sign of loss, not a proof.
    pub gaps: i64,
}

/// The last comparison of a project with Azure DevOps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    pub attempted_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// Why the last attempt failed, or why another one is owed: something may have been missed since the last that was done.
    pub failed: Option<String>,
    /// Differences that it found and hooks should have told of: the last time, and in all.
    pub healed_last: i64,
    pub healed_total: i64,
}

/// How a project's webhooks stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookHealth {
    pub live: Live,
    pub receivers: Vec<Receiver>,
    pub subscriptions: Vec<Subscription>,
    pub sources: Vec<DeliverySource>,
    /// Deliveries by what became of them.
    pub waiting: i64,
    pub dead: i64,
    pub parked: i64,
    pub quarantined: i64,
    pub last_delivery_at: Option<Timestamp>,
    pub reconciled: Reconciled,
}

/// A hook that a person made counts as working for this long after its last delivery: nobody can be asked how it stands.
pub const MANUAL_COUNTS_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What there is to see of a project's webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Whether a person was shown a secret that still opens the door.
    pub secret: bool,
    /// Those that kanado made.
    pub subscriptions: Vec<Subscription>,
    /// When something last arrived that none of ours sent.
    pub manual_at: Option<Timestamp>,
    /// Until when the receiver that was heard of last counts as there.
    pub receiver_until: Option<Timestamp>,
    pub reconciled: Reconciled,
}

impl Signs {
    /// Those that are registered: one that is being taken away is none any more.
    fn registered(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter().filter(|subscription| subscription.state != SubscriptionState::Removing)
    }

    /// Whether events are expected to arrive at all.
    pub fn are_set_up(&self) -> bool {
        self.secret || self.registered().next().is_some()
    }

    /// Whether a hook should have told of this purpose, be it that it failed to.
    pub fn should_tell_of(&self, purpose: Purpose) -> bool {
        self.registered().any(|one| one.purpose == purpose && one.state != SubscriptionState::Making)
            || (self.registered().next().is_none() && self.manual_at.is_some())
    }

    fn manual_counts(&self, now: Timestamp) -> bool {
        self.manual_at.is_some_and(|at| now.duration_since(at) <= MANUAL_COUNTS_FOR)
    }

    /// Whether the project is live, or why not. The first reason that a person would have to deal with is the one told.
    pub fn live(&self, now: Timestamp) -> Live {
        if !self.are_set_up() {
            return Live::Off;
        }
        let broken = self.receiver_trouble(now).or_else(|| self.subscription_trouble(now)).or_else(|| self.reconciled.failed.clone());
        broken.map_or(Live::Now, Live::Broken)
    }

    fn receiver_trouble(&self, now: Timestamp) -> Option<String> {
        match self.receiver_until {
            None => Some("no receiver".to_owned()),
            Some(until) if until <= now => Some(format!("no receiver since {}", age_step(until, now))),
            Some(_) => None,
        }
    }

    fn subscription_trouble(&self, now: Timestamp) -> Option<String> {
        use SubscriptionState::{DisabledByInactiveIdentity, DisabledBySystem, DisabledByUser, Enabled, Making, Missing, OnProbation};

        if self.registered().next().is_none() {
            return match self.manual_at {
                None => Some("nothing was delivered yet".to_owned()),
                Some(at) if !self.manual_counts(now) => Some(format!("nothing delivered since {}", age_step(at, now))),
                Some(_) => None,
            };
        }
        let of_cards = || self.registered().filter(|one| one.purpose.moves_cards());
        let count = |states: &[SubscriptionState]| of_cards().filter(|one| states.contains(&one.state)).count();
        let missing = Purpose::ALL
            .into_iter()
            .filter(|purpose| purpose.moves_cards())
            .filter(|purpose| !self.registered().any(|one| one.purpose == *purpose && one.state != Missing))
            .count();
        let working = |purpose| self.registered().any(|one| one.purpose == purpose && one.state == Enabled);
        if Purpose::ALL.into_iter().filter(|purpose| purpose.moves_cards()).all(working) {
            return None;
        }
        let troubles = [
            (count(&[OnProbation]), "on probation"),
            (count(&[DisabledByUser, DisabledBySystem, DisabledByInactiveIdentity]), "disabled"),
            (missing, "missing"),
            (count(&[Making]), "not confirmed"),
        ];
        troubles.into_iter().find(|(number, _)| *number > 0).map(|(number, words)| {
            let hooks = if number == 1 { "hook" } else { "hooks" };
            format!("{number} {hooks} {words}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProjectId;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn subscription(purpose: Purpose, state: SubscriptionState) -> Subscription {
        Subscription {
            id: 1,
            project: ProjectId(1),
            purpose,
            remote: Some(Guid::new("a")),
            url: "https://kanado.example.test".to_owned(),
            state,
            problem: None,
            identity: None,
            created_at: at(0),
            verified_at: None,
            checked_at: None,
        }
    }

    /// Everything is well at minute 100.
    fn well() -> Signs {
        let all = Purpose::ALL.into_iter().map(|purpose| subscription(purpose, SubscriptionState::Enabled)).collect();
        let reconciled = Reconciled { attempted_at: Some(at(90)), done_at: Some(at(90)), ..Reconciled::default() };
        Signs { secret: false, subscriptions: all, manual_at: None, receiver_until: Some(at(101)), reconciled }
    }

    fn with(change: impl FnOnce(&mut Signs)) -> Signs {
        let mut signs = well();
        change(&mut signs);
        signs
    }

    fn set(signs: &mut Signs, purposes: &[Purpose], state: SubscriptionState) {
        for one in &mut signs.subscriptions {
            if purposes.contains(&one.purpose) {
                one.state = state;
            }
        }
    }

    #[test]
    fn a_project_is_live_or_says_why_not() {
        use Purpose::{PullRequestComment, PullRequestMerged, PullRequestVote};
        use SubscriptionState::{DisabledByInactiveIdentity, DisabledBySystem, Enabled, Making, Missing, OnProbation, Removing};

        let broken = |words: &str| Live::Broken(words.to_owned());
        let both = [PullRequestVote, PullRequestMerged];
        let manual = |secret: bool, at: Option<Timestamp>| {
            with(move |signs| {
                signs.subscriptions.clear();
                signs.secret = secret;
                signs.manual_at = at;
            })
        };
        let table = [
            (well(), Live::Now),
            (Signs::default(), Live::Off),
            (manual(false, None), Live::Off),
            (manual(false, Some(at(99))), Live::Off),
            (manual(true, None), broken("nothing was delivered yet")),
            (manual(true, Some(at(99))), Live::Now),
            (manual(true, Some(at(100 - 7 * 24 * 60))), Live::Now),
            (manual(true, Some(at(99 - 7 * 24 * 60))), broken("nothing delivered since 7d")),
            (with(|signs| signs.receiver_until = None), broken("no receiver")),
            (with(|signs| signs.receiver_until = Some(at(97))), broken("no receiver since 3m")),
            (with(|signs| signs.receiver_until = Some(at(100))), broken("no receiver since now")),
            (with(|signs| set(signs, &both, OnProbation)), broken("2 hooks on probation")),
            (with(|signs| set(signs, &both[..1], OnProbation)), broken("1 hook on probation")),
            (with(|signs| set(signs, &both, DisabledBySystem)), broken("2 hooks disabled")),
            (with(|signs| set(signs, &both[..1], DisabledByInactiveIdentity)), broken("1 hook disabled")),
            (with(|signs| set(signs, &both, Missing)), broken("2 hooks missing")),
            (with(|signs| set(signs, &both[..1], Making)), broken("1 hook not confirmed")),
            (with(|signs| set(signs, &both[..1], Removing)), broken("1 hook missing")),
            (with(|signs| set(signs, &Purpose::ALL, Removing)), Live::Off),
            (with(|signs| signs.subscriptions.retain(|one| one.purpose != PullRequestVote)), broken("1 hook missing")),
            // What only fills a chip does not decide.
            (with(|signs| set(signs, &[PullRequestComment], DisabledBySystem)), Live::Now),
            // A second one of the same purpose, left over from a re-creation, does not either.
            (with(|signs| signs.subscriptions.push(subscription(PullRequestVote, OnProbation))), Live::Now),
            (with(|signs| signs.reconciled.failed = Some("catching up".to_owned())), broken("catching up")),
            (
                with(|signs| {
                    signs.reconciled.failed = Some("offline".to_owned());
                    set(signs, &both, OnProbation);
                }),
                broken("2 hooks on probation"),
            ),
        ];
        for (number, (signs, expected)) in table.into_iter().enumerate() {
            assert_eq!(signs.live(at(100)), expected, "row {number}");
        }
        assert!(with(|signs| set(signs, &both, Enabled)).are_set_up());
    }

    #[test]
    fn only_what_a_hook_is_there_for_is_expected_of_hooks() {
        let signs = with(|signs| set(signs, &[Purpose::Push], SubscriptionState::OnProbation));
        assert!(signs.should_tell_of(Purpose::Push), "it failed to, which is what is counted");
        assert!(!with(|signs| set(signs, &[Purpose::Push], SubscriptionState::Making)).should_tell_of(Purpose::Push));
        assert!(!Signs { secret: true, ..Signs::default() }.should_tell_of(Purpose::Push));
        assert!(Signs { secret: true, manual_at: Some(at(1)), ..Signs::default() }.should_tell_of(Purpose::Push));
    }
}
