//! What a pull request waits for, named, the most certain first: a merge conflict, a vote against it, a policy that failed, a required
//! reviewer who has not voted, a build, open comments, its publication, somebody to review it, and whoever looks at it.
//!
//! The order is the one of [`Blocker`]; whoever tells of one only, tells of the first ([`foremost`]).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flow::is_machine;
use super::input::{Flow, History, Required, What};
use super::query::Rules;
use crate::domain::fact::PolicyEvaluation;
use crate::domain::id::Guid;
use crate::domain::pull_request::{Checks, MergeState, Vote};

/// What is known of a pull request at this moment, besides its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    pub merge: MergeState,
    pub policies: Vec<PolicyEvaluation>,
    /// Checks that nobody asked the names of: what `policies` and `builds` say by name is not counted here again.
    pub checks: Checks,
    /// Builds of its merge that have not ended.
    pub builds: Vec<PendingBuild>,
    /// Unresolved threads of people.
    pub open_threads: u32,
    /// Whoever looks at it.
    pub me: Option<Guid>,
}

impl Default for Situation {
    fn default() -> Self {
        Self { merge: MergeState::NotSet, policies: Vec::new(), checks: Checks::default(), builds: Vec::new(), open_threads: 0, me: None }
    }
}

/// A build that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBuild {
    pub number: i64,
    pub label: String,
    pub definition: String,
    pub queued_at: Option<Timestamp>,
    /// Absent while it waits for an agent.
    pub started_at: Option<Timestamp>,
    /// How many are before it in the queue, where that is known.
    pub ahead: Option<u32>,
}

/// What it waits for. Declared in the order of certainty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "blocker")]
pub enum Blocker {
    Conflict,
    /// A vote of -10 or -5 in force.
    VotedAgainst {
        by: String,
        is_me: bool,
        since: Option<Timestamp>,
        /// -10 stops it; -5 waits for the author.
        rejected: bool,
    },
    /// A blocking policy that failed or broke.
    Policy {
        name: String,
        status: String,
    },
    FailedChecks {
        count: u32,
    },
    /// A required person (or group) who has not voted.
    Reviewer {
        name: String,
        is_me: bool,
        /// Since it was ready, or since that person's last word.
        idle_since: Option<Timestamp>,
    },
    Build {
        definition: String,
        number: i64,
        since: Option<Timestamp>,
        running: bool,
        ahead: Option<u32>,
    },
    PendingChecks {
        count: u32,
    },
    OpenComments {
        count: u32,
    },
    /// Not published yet, and not by whoever looks at it.
    Draft,
    /// No reviewer at all.
    NobodyAsked,
    /// Nothing but whoever looks at it.
    You {
        to: Turn,
    },
}

/// What whoever looks at it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It is a draft of one's own.
    Publish,
    /// Somebody asked for changes or has open comments.
    Answer,
    /// One is a reviewer and has not voted.
    Review,
    /// Approved, and nothing is in the way.
    Complete,
}

/// All that an active pull request waits for, in their order.
pub fn blockers(history: &History, flow: &Flow, situation: &Situation, rules: &Rules) -> Vec<Blocker> {
    let is_me = |id: &Guid| situation.me.as_ref() == Some(id);
    let mut found = Vec::new();
    if situation.merge == MergeState::Conflicts {
        found.push(Blocker::Conflict);
    }
    for (actor, vote, _) in &history.reviewers {
        if matches!(vote, Vote::Rejected | Vote::WaitingForAuthor) && actor.id != history.author.id {
            let since = last(history, |by, what| *by == actor.id && matches!(what, What::Vote { vote: cast } if cast == *vote));
            let rejected = *vote == Vote::Rejected;
            found.push(Blocker::VotedAgainst { by: actor.name.clone(), is_me: is_me(&actor.id), since, rejected });
        }
    }
    for policy in situation.policies.iter().filter(|policy| policy.blocking) {
        if matches!(policy.status.to_ascii_lowercase().as_str(), "rejected" | "broken" | "expired") {
            found.push(Blocker::Policy { name: policy.name.clone(), status: policy.status.clone() });
        }
    }
    if situation.checks.failed > 0 {
        found.push(Blocker::FailedChecks { count: situation.checks.failed });
    }
    let is_ready = flow.ready_at.is_some();
    for (actor, vote, required) in &history.reviewers {
        if is_ready && *required == Required::Required && *vote == Vote::None && !is_silent(actor, rules) {
            let word = last(history, |by, what| *by == actor.id && matches!(what, What::Vote { .. } | What::Comment { .. }));
            found.push(Blocker::Reviewer { name: actor.name.clone(), is_me: is_me(&actor.id), idle_since: word.max(flow.ready_at) });
        }
    }
    for build in &situation.builds {
        found.push(Blocker::Build {
            definition: build.definition.clone(),
            number: build.number,
            since: build.started_at.or(build.queued_at),
            running: build.started_at.is_some(),
            ahead: build.ahead,
        });
    }
    if situation.checks.pending > 0 {
        found.push(Blocker::PendingChecks { count: situation.checks.pending });
    }
    if situation.open_threads > 0 {
        found.push(Blocker::OpenComments { count: situation.open_threads });
    }
    if !is_ready && !is_me(&history.author.id) {
        found.push(Blocker::Draft);
    }
    if is_ready && history.reviewers.is_empty() {
        found.push(Blocker::NobodyAsked);
    }
    found.extend(turn(history, flow, situation, &found).map(|to| Blocker::You { to }));
    found.sort();
    found
}

/// What comes first, in words for everybody; people it waits for in the same way are named together.
pub fn foremost(blockers: &[Blocker]) -> Option<String> {
    let first = blockers.first()?;
    let alike = |other: &&Blocker| std::mem::discriminant(*other) == std::mem::discriminant(first);
    let counted = |number: u32, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    Some(match first {
        Blocker::Conflict => "conflicts with its target branch".to_owned(),
        Blocker::VotedAgainst { .. } => {
            let votes = |wanted: bool| -> Vec<&str> {
                let of = |blocker: &&Blocker| matches!(blocker, Blocker::VotedAgainst { rejected, .. } if *rejected == wanted);
                blockers.iter().filter(of).filter_map(Blocker::person).collect()
            };
            match (votes(true), votes(false)) {
                (rejected, _) if !rejected.is_empty() => format!("{} rejected it", rejected.join(", ")),
                (_, waiting) if waiting.len() == 1 => format!("{} waits for the author", waiting[0]),
                (_, waiting) => format!("{} wait for the author", waiting.join(", ")),
            }
        }
        Blocker::Policy { name, status } => format!("policy {name}: {status}"),
        Blocker::FailedChecks { count } => counted(*count, "check that failed", "checks that failed"),
        Blocker::Reviewer { .. } => {
            let names: Vec<&str> = blockers.iter().take_while(alike).filter_map(Blocker::person).collect();
            format!("{} {} not voted", names.join(", "), if names.len() == 1 { "has" } else { "have" })
        }
        Blocker::Build { definition, number, running, .. } => {
            format!("{definition} {number} {}", if *running { "runs" } else { "waits for an agent" })
        }
        Blocker::PendingChecks { count } => counted(*count, "check that is not finished", "checks that are not finished"),
        Blocker::OpenComments { count } => counted(*count, "unresolved comment", "unresolved comments"),
        Blocker::Draft => "it is a draft".to_owned(),
        Blocker::NobodyAsked => "nobody is asked to review it".to_owned(),
        Blocker::You { .. } => return None,
    })
}

impl Blocker {
    fn person(&self) -> Option<&str> {
        match self {
            Self::VotedAgainst { by, .. } => Some(by),
            Self::Reviewer { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// Machines vote when they are told to; groups are waited for like people.
fn is_silent(actor: &super::input::Actor, rules: &Rules) -> bool {
    !actor.is_group && is_machine(actor, rules)
}

fn last(history: &History, counts: impl Fn(&Guid, What) -> bool) -> Option<Timestamp> {
    let of = |happening: &&super::input::Happening| happening.by.as_ref().is_some_and(|by| counts(by, happening.what));
    history.happenings.iter().flatten().filter(of).map(|happening| happening.at).max()
}

fn turn(history: &History, flow: &Flow, situation: &Situation, found: &[Blocker]) -> Option<Turn> {
    let me = situation.me.as_ref()?;
    if *me == history.author.id {
        let is_asked = found.iter().any(|blocker| {
            matches!(blocker, Blocker::VotedAgainst { .. } | Blocker::OpenComments { .. } | Blocker::Conflict | Blocker::Policy { .. })
        });
        return match flow.ready_at {
            None => Some(Turn::Publish),
            Some(_) if is_asked => Some(Turn::Answer),
            Some(_) if flow.approved_at.is_some() && found.is_empty() => Some(Turn::Complete),
            Some(_) => None,
        };
    }
    let waits_for_me = history.reviewers.iter().any(|(actor, vote, _)| actor.id == *me && *vote == Vote::None);
    (flow.ready_at.is_some() && waits_for_me).then_some(Turn::Review)
}
