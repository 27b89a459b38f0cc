//! A ticket's status and the one function that changes it.

use serde::{Deserialize, Serialize};

/// Where a ticket stands on its way from an idea to a merged pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Todo,
    InProgress,
    PrOpen,
    Merged,
    Done,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Todo, Self::InProgress, Self::PrOpen, Self::Merged, Self::Done];

    /// The word kept in the store and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::InProgress => "in_progress",
            Self::PrOpen => "pr_open",
            Self::Merged => "merged",
            Self::Done => "done",
        }
    }

    /// The words for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Todo => "To Do",
            Self::InProgress => "In Progress",
            Self::PrOpen => "PR Open",
            Self::Merged => "Merged",
            Self::Done => "Done",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// What may change a ticket's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Azure DevOps acknowledged the branch and the spec.
    WorkStarted,
    /// An active pull request from the ticket's branch was opened, found or reactivated.
    PullRequestActive { number: i64 },
    /// The pull request has status `completed`. Nothing else means merged.
    PullRequestCompleted { number: i64, done_on_merge: bool },
    /// The pull request was abandoned and no other active one is known.
    PullRequestAbandoned { number: i64 },
    /// A person moved the ticket.
    MovedTo(Status),
}

/// What a cause does to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Already there: nothing to record.
    Same,
    To {
        status: Status,
        /// Words for the card, where a person should know why (an abandoned pull request).
        notice: Option<String>,
    },
    /// Not allowed, with the reason and what to do instead, in words.
    Refused(String),
}

/// What a cause does to a ticket that stands at `current` and follows the pull request `linked`. Nothing else changes a status.
///
/// It believes what it is told of pull requests: which of several active ones is the newest, and that no active one is left when one
/// is abandoned, is for the caller to know. A refusal changes nothing, the link to the pull request included.
pub fn transition(current: Status, linked: Option<i64>, cause: &Cause) -> Transition {
    match *cause {
        Cause::WorkStarted => work_started(current),
        Cause::PullRequestActive { number } => pull_request_active(current, linked, number),
        Cause::PullRequestCompleted { number, done_on_merge } => pull_request_completed(current, linked, number, done_on_merge),
        Cause::PullRequestAbandoned { number } => pull_request_abandoned(current, linked, number),
        Cause::MovedTo(target) => moved_by_hand(current, linked, target),
    }
}

fn to(status: Status) -> Transition {
    Transition::To { status, notice: None }
}

fn refused(reason: impl Into<String>) -> Transition {
    Transition::Refused(reason.into())
}

fn work_started(current: Status) -> Transition {
    match current {
        Status::Todo => to(Status::InProgress),
        // A start that is resumed, or whose pull request was seen before the start was recorded.
        Status::InProgress | Status::PrOpen => Transition::Same,
        Status::Merged | Status::Done => refused("the ticket's work is already merged; make a new ticket for what is left"),
    }
}

fn pull_request_active(current: Status, linked: Option<i64>, number: i64) -> Transition {
    match current {
        Status::Todo => refused(format!("pull request {number} cannot be followed: work on the ticket has not started; start it first")),
        Status::InProgress => to(Status::PrOpen),
        Status::PrOpen => match linked {
            Some(followed) if followed == number => Transition::Same,
            Some(followed) => Transition::To {
                status: Status::PrOpen,
                notice: Some(format!("now follows pull request {number}, opened from the same branch as {followed}")),
            },
            None => to(Status::PrOpen),
        },
        // A branch is often proposed a second time after its merge, for a release branch: that is no reason to undo the merge.
        Status::Merged | Status::Done => {
            refused(format!("pull request {number} is not followed: the ticket is already merged; make a new ticket for it"))
        }
    }
}

fn pull_request_completed(current: Status, linked: Option<i64>, number: i64, done_on_merge: bool) -> Transition {
    match (current, linked) {
        (Status::Todo, _) => refused(format!("pull request {number} cannot merge the ticket: work on it has not started; start it first")),
        (Status::PrOpen, Some(followed)) if followed != number => {
            refused(format!("pull request {number} does not decide: the ticket follows pull request {followed}, which is still open"))
        }
        (Status::InProgress | Status::PrOpen, _) => to(if done_on_merge { Status::Done } else { Status::Merged }),
        // Seen again. A ticket that a person moved back from done to merged stays there.
        (Status::Merged | Status::Done, _) => Transition::Same,
    }
}

fn pull_request_abandoned(current: Status, linked: Option<i64>, number: i64) -> Transition {
    match (current, linked) {
        (Status::PrOpen, Some(followed)) if followed != number => Transition::Same,
        (Status::PrOpen, _) => Transition::To { status: Status::InProgress, notice: Some(format!("pull request {number} was abandoned")) },
        _ => Transition::Same,
    }
}

fn moved_by_hand(current: Status, linked: Option<i64>, target: Status) -> Transition {
    use Status::{Done, InProgress, Merged, PrOpen, Todo};
    let followed = linked.map_or_else(|| "its pull request".to_owned(), |number| format!("pull request {number}"));
    if current == target {
        return Transition::Same;
    }
    match (current, target) {
        // The two moves that are a person's to make: accept what was merged, and take that back.
        (Merged, Done) => to(Done),
        (Done, Merged) => to(Merged),

        (Todo, InProgress) => refused("a ticket gets there by starting work on it: press s, or run `kanado start`"),
        (Todo, _) => refused("work on the ticket has not started; press s to start it, or archive the ticket if it is not wanted"),
        (InProgress, Todo) => {
            refused("work has started and a branch exists; delete the branch first, or archive the ticket if it is not wanted")
        }
        (InProgress, PrOpen) => refused("a ticket gets there by its pull request: press P, or run `kanado pr`"),
        (InProgress, InProgress | Merged | Done) => {
            refused("no pull request of the ticket is merged; press P to open one, or archive the ticket")
        }
        (PrOpen, Todo | InProgress) => refused(format!("{followed} is open; abandon it and the ticket returns to In Progress")),
        (PrOpen, PrOpen | Merged | Done) => refused(format!("{followed} is not merged; the ticket follows when it is completed")),
        (Merged | Done, _) => refused("the ticket's pull request is merged; make a new ticket for what is left"),
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{Done, InProgress, Merged, PrOpen, Todo};
    use super::*;

    const FACTS: [Cause; 5] = [
        Cause::WorkStarted,
        Cause::PullRequestActive { number: 7 },
        Cause::PullRequestCompleted { number: 7, done_on_merge: false },
        Cause::PullRequestCompleted { number: 7, done_on_merge: true },
        Cause::PullRequestAbandoned { number: 7 },
    ];

    /// Where the ticket ends, or the word `refused`.
    fn outcome(current: Status, linked: Option<i64>, cause: &Cause) -> Result<Status, String> {
        match transition(current, linked, cause) {
            Transition::Same => Ok(current),
            Transition::To { status, .. } => Ok(status),
            Transition::Refused(reason) => Err(reason),
        }
    }

    #[test]
    fn a_ticket_goes_from_todo_to_done_by_facts_and_one_move() {
        let completed = Cause::PullRequestCompleted { number: 7, done_on_merge: false };
        assert_eq!(outcome(Todo, None, &Cause::WorkStarted), Ok(InProgress));
        assert_eq!(outcome(InProgress, None, &Cause::PullRequestActive { number: 7 }), Ok(PrOpen));
        assert_eq!(outcome(PrOpen, Some(7), &completed), Ok(Merged));
        assert_eq!(outcome(Merged, Some(7), &Cause::MovedTo(Done)), Ok(Done));
    }

    #[test]
    fn done_on_merge_skips_the_move_by_hand() {
        let completed = Cause::PullRequestCompleted { number: 7, done_on_merge: true };
        assert_eq!(outcome(PrOpen, Some(7), &completed), Ok(Done));
        assert_eq!(outcome(InProgress, None, &completed), Ok(Done));
    }

    #[test]
    fn a_merge_seen_again_does_not_undo_a_move_back_from_done() {
        let completed = Cause::PullRequestCompleted { number: 7, done_on_merge: true };
        assert_eq!(transition(Merged, Some(7), &completed), Transition::Same);
    }

    #[test]
    fn todo_is_left_only_by_starting_work() {
        for cause in FACTS.iter().filter(|cause| **cause != Cause::WorkStarted) {
            assert!(!matches!(transition(Todo, None, cause), Transition::To { .. }), "{cause:?}");
        }
        for target in [InProgress, PrOpen, Merged, Done] {
            assert!(outcome(Todo, None, &Cause::MovedTo(target)).is_err_and(|reason| reason.contains("press s")), "{target:?}");
        }
    }

    #[test]
    fn an_abandoned_pull_request_returns_the_ticket_with_a_notice() {
        let abandoned = Cause::PullRequestAbandoned { number: 7 };
        let back = Transition::To { status: InProgress, notice: Some("pull request 7 was abandoned".into()) };
        assert_eq!(transition(PrOpen, Some(7), &abandoned), back);
        assert_eq!(transition(PrOpen, Some(9), &abandoned), Transition::Same, "another one is followed");
        assert_eq!(transition(InProgress, Some(7), &abandoned), Transition::Same, "seen again");
    }

    #[test]
    fn a_reactivated_pull_request_opens_the_ticket_again() {
        assert_eq!(outcome(InProgress, Some(7), &Cause::PullRequestActive { number: 7 }), Ok(PrOpen));
    }

    #[test]
    fn another_active_pull_request_is_followed_and_said() {
        let Transition::To { status: PrOpen, notice: Some(words) } = transition(PrOpen, Some(7), &Cause::PullRequestActive { number: 9 })
        else {
            panic!("the newer pull request is not followed")
        };
        assert!(words.contains('7') && words.contains('9'), "{words}");
    }

    #[test]
    fn a_completed_pull_request_that_is_not_followed_merges_nothing() {
        let completed = Cause::PullRequestCompleted { number: 5, done_on_merge: true };
        assert!(outcome(PrOpen, Some(7), &completed).is_err());
    }

    #[test]
    fn nothing_but_a_completed_pull_request_merges() {
        for current in [Todo, InProgress, PrOpen] {
            for linked in [None, Some(7), Some(9)] {
                for cause in FACTS.iter().cloned().chain(Status::ALL.map(Cause::MovedTo)) {
                    let merged = matches!(transition(current, linked, &cause), Transition::To { status: Merged | Done, .. });
                    assert!(!merged || matches!(cause, Cause::PullRequestCompleted { .. }), "{current:?} {linked:?} {cause:?}");
                }
            }
        }
    }

    #[test]
    fn by_hand_only_merged_and_done_change_places() {
        for from in Status::ALL {
            for target in Status::ALL {
                let allowed = matches!(transition(from, Some(7), &Cause::MovedTo(target)), Transition::To { .. });
                assert_eq!(allowed, matches!((from, target), (Merged, Done) | (Done, Merged)), "{from:?} -> {target:?}");
            }
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for from in Status::ALL {
            for cause in FACTS.iter().cloned().chain(Status::ALL.map(Cause::MovedTo)) {
                if let Transition::Refused(reason) = transition(from, None, &cause) {
                    assert!(reason.contains(';') || reason.contains(':'), "{from:?} {cause:?}: {reason}");
                }
            }
        }
    }

    #[test]
    fn a_status_survives_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.word()), Some(status));
        }
        assert_eq!(Status::parse("To Do"), None);
    }
}
