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
