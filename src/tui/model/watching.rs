//! Tickets that are watched: what was last seen of each, and in which words it changed.
//!
//! What this screen does itself is no news. Votes always are: none is cast here.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::board::{Card, Votes};
use crate::domain::id::TicketKey;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::status::Status;

/// A title is cut to this many characters in a notification.
const TITLE: usize = 60;

#[derive(Debug, Clone, Default)]
pub struct Watching {
    pub keys: BTreeSet<TicketKey>,
    seen: BTreeMap<TicketKey, Seen>,
    /// Tickets this screen is changing itself.
    own: BTreeSet<TicketKey>,
}

/// What a change is told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    status: Status,
    pull_request: Option<(i64, PullRequestStatus, Votes)>,
}

impl Seen {
    fn of(card: &Card) -> Self {
        Self { status: card.status, pull_request: card.pull_request.as_ref().map(|chip| (chip.number, chip.status, chip.votes)) }
    }
}

impl Watching {
    pub fn of(keys: BTreeSet<TicketKey>) -> Self {
        Self { keys, ..Self::default() }
    }

    pub fn contains(&self, key: &TicketKey) -> bool {
        self.keys.contains(key)
    }

    /// Begins to watch a ticket, or stops. Whether it is watched now.
    pub fn toggle(&mut self, key: &TicketKey, card: Option<&Card>) -> bool {
        if self.keys.remove(key) {
            self.seen.remove(key);
            self.own.remove(key);
            return false;
        }
        self.keys.insert(key.clone());
        self.seen.extend(card.map(|card| (key.clone(), Seen::of(card))));
        true
    }

    /// This screen moves the ticket: the next change of its status is expected.
    pub fn expect(&mut self, key: &TicketKey) {
        if self.keys.contains(key) {
            self.own.insert(key.clone());
        }
    }

    /// What this screen began did not come about; of all tickets when it is not known of which.
    pub fn expect_no_more(&mut self, key: Option<&TicketKey>) {
        match key {
            Some(key) => drop(self.own.remove(key)),
            None => self.own.clear(),
        }
    }

    /// What happened to watched tickets since the last look, a line each.
    pub fn news(&mut self, cards: &[Card]) -> Vec<String> {
        let mut news = Vec::new();
        for card in cards {
            if !self.keys.contains(&card.key) {
                continue;
            }
            let now = Seen::of(card);
            let Some(before) = self.seen.insert(card.key.clone(), now) else { continue };
            if let Some(words) = self.words(&card.key, before, now) {
                let title: String = card.title.chars().take(TITLE).collect();
                let title = if title.trim().is_empty() { String::new() } else { format!(": {}", title.trim()) };
                news.push(crate::notice::inert(&format!("{} {words}{title}", card.key)));
            }
        }
        news
    }

    fn words(&mut self, key: &TicketKey, before: Seen, now: Seen) -> Option<String> {
        let number = |seen: Seen| seen.pull_request.map(|(number, ..)| number);
        if before.status != now.status || number(before) != number(now) {
            // One expected change explains both: opening a pull request moves the ticket as well.
            if self.own.remove(key) {
                return None;
            }
            return Some(match (before.status == now.status, now.pull_request) {
                (true, Some((number, ..))) => format!("has pull request !{number}"),
                (true, None) => "has no pull request any more".to_owned(),
                (false, _) => format!("is now {}", now.status.title()),
            });
        }
        let ((number, was, old), (_, is, votes)) = before.pull_request.zip(now.pull_request)?;
        if was != is {
            let what = match is {
                PullRequestStatus::Active => "is active again",
                PullRequestStatus::Completed => "was completed",
                PullRequestStatus::Abandoned => "was abandoned",
                PullRequestStatus::Unknown => "cannot be read any more",
            };
            return Some(format!("!{number} {what}"));
        }
        (old != votes).then(|| format!("!{number} {}", vote_words(old, votes)))
    }
}

/// What is new about the votes: those of a kind that changed, else that one more was asked for or fewer are.
fn vote_words(before: Votes, now: Votes) -> String {
    let kinds = [
        (before.rejected, now.rejected, "rejected"),
        (before.waiting, now.waiting, "waits for the author"),
        (before.approved, now.approved, "approved"),
    ];
    let mut words: Vec<String> = Vec::new();
    for (before, now, kind) in kinds {
        match (before, now) {
            _ if before == now => {}
            (_, 0) => words.push(format!("no longer {kind}")),
            (_, 1) => words.push(kind.to_owned()),
            (_, many) => words.push(format!("{kind} by {many}")),
        }
    }
    if words.is_empty() {
        words.push(match now.open {
            0 => "waits for nobody".to_owned(),
            1 => "waits for 1 vote".to_owned(),
            many => format!("waits for {many} votes"),
        });
    }
    words.join(", ")
}
