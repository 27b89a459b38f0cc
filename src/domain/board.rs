//! The board as a read-model: columns, cards and what a card shows. Made by the store, painted by the screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{ProjectId, TicketKey};
use super::pull_request::{Checks, MergeState, PullRequestStatus, Reviewer, Source, Threads, Vote};
use super::status::Status;
use super::ticket::SpecBadge;

/// A column of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub statuses: Vec<Status>,
    /// The most cards the team wants in it; going over is shown, and a move by hand is refused.
    pub wip_limit: Option<u32>,
}

impl Column {
    /// One column a status, without limits.
    pub fn defaults() -> Vec<Self> {
        Status::ALL.into_iter().map(|status| Self { name: status.title().to_owned(), statuses: vec![status], wip_limit: None }).collect()
    }
}

/// The votes on a pull request, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Votes {
    pub approved: u32,
    pub waiting: u32,
    pub rejected: u32,
    /// Asked, and have not voted.
    pub open: u32,
}

/// What a card says of its pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestChip {
    pub number: i64,
    pub status: PullRequestStatus,
    pub is_draft: bool,
    pub auto_complete: bool,
    pub merge: MergeState,
    pub votes: Votes,
    pub checks: Option<Checks>,
    pub threads: Option<Threads>,
    pub source: Source,
    pub seen_at: Timestamp,
}

/// A ticket as the board shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub key: TicketKey,
    pub title: String,
    pub status: Status,
    /// Display name of the assignee.
    pub assignee: Option<String>,
    pub assigned_to_me: bool,
    pub repository: Option<String>,
    pub branch: Option<String>,
    pub labels: Vec<String>,
    pub priority: Option<u8>,
    pub criteria_done: u32,
    pub criteria_total: u32,
    pub spec: SpecBadge,
    pub pull_request: Option<PullRequestChip>,
    pub notice: Option<String>,
    pub updated_at: Timestamp,
    pub version: i64,
}

/// All the cards of a project. Columns are laid out by whoever paints, from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    pub project: ProjectId,
    pub project_name: String,
    pub organisation_name: String,
    /// Cards by status, then priority (absent last), then key.
    pub cards: Vec<Card>,
    /// When pull requests were last listed completely.
    pub synced_at: Option<Timestamp>,
}

/// How many steps old something is, so that an idle screen changes only when a step changes: `now`, `<1m`, `1m` ... `59m`, `1h` ...
/// `23h`, `1d` ...
pub fn age_step(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..=9 => "now".to_owned(),
        10..=59 => "<1m".to_owned(),
        60..=3_599 => format!("{}m", seconds / 60),
        3_600..=86_399 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The column a status belongs to, as an index; absent when the columns leave the status out (which [`validate_columns`] refuses).
pub fn column_of(columns: &[Column], status: Status) -> Option<usize> {
    columns.iter().position(|column| column.statuses.contains(&status))
}

/// Why a set of columns cannot make a board.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    #[error("the board has no columns; leave the setting out to get one for each status")]
    None,
    #[error("column {0} has no name; give it one")]
    NoName(usize),
    #[error("two columns are called `{0}`; rename one")]
    SameName(String),
    #[error("column `{0}` has no statuses; give it at least one of todo, in_progress, pr_open, merged, done")]
    NoStatuses(String),
    #[error("the status {} is in the columns `{first}` and `{second}`; leave it in one", status.word())]
    StatusTwice { status: Status, first: String, second: String },
    #[error("the status {} is in no column; its tickets would not be seen", .0.word())]
    StatusMissing(Status),
    #[error("column `{0}` has a limit of 0, which no card fits in; leave the limit out for none")]
    NoRoom(String),
}

/// Whether every status has exactly one column, and every column a name of its own, statuses and room for a card.
pub fn validate_columns(columns: &[Column]) -> Result<(), ColumnsError> {
    if columns.is_empty() {
        return Err(ColumnsError::None);
    }
    for (index, column) in columns.iter().enumerate() {
        let name = column.name.trim();
        if name.is_empty() {
            return Err(ColumnsError::NoName(index + 1));
        }
        if columns[..index].iter().any(|other| other.name.trim().to_lowercase() == name.to_lowercase()) {
            return Err(ColumnsError::SameName(column.name.clone()));
        }
        if column.statuses.is_empty() {
            return Err(ColumnsError::NoStatuses(column.name.clone()));
        }
        if column.wip_limit == Some(0) {
            return Err(ColumnsError::NoRoom(column.name.clone()));
        }
    }
    for status in Status::ALL {
        let mut named = columns.iter().flat_map(|column| column.statuses.iter().filter(|s| **s == status).map(|_| &column.name));
        match (named.next(), named.next()) {
            (None, _) => return Err(ColumnsError::StatusMissing(status)),
            (Some(first), Some(second)) => {
                return Err(ColumnsError::StatusTwice { status, first: first.clone(), second: second.clone() });
            }
            (Some(_), None) => {}
        }
    }
    Ok(())
}

/// Counts the votes of a pull request. An optional group counts only once it has voted (Azure DevOps lends it its members' votes):
/// before that nobody in particular is waited for.
pub fn votes(reviewers: &[Reviewer]) -> Votes {
    let mut votes = Votes::default();
    for reviewer in reviewers {
        match reviewer.vote {
            Vote::Approved | Vote::ApprovedWithSuggestions => votes.approved += 1,
            Vote::WaitingForAuthor => votes.waiting += 1,
            Vote::Rejected => votes.rejected += 1,
            Vote::None if reviewer.is_group && !reviewer.required => {}
            Vote::None => votes.open += 1,
        }
    }
    votes
}

#[cfg(test)]
mod tests {
    use super::super::id::Guid;
    use super::super::person::Identity;
    use super::*;

    fn column(name: &str, statuses: &[Status]) -> Column {
        Column { name: name.into(), statuses: statuses.to_vec(), wip_limit: None }
    }

    #[test]
    fn the_default_columns_hold_every_status() {
        let columns = Column::defaults();
        assert_eq!(validate_columns(&columns), Ok(()));
        assert_eq!(Status::ALL.map(|status| column_of(&columns, status)), [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn statuses_may_share_a_column() {
        use Status::{Done, InProgress, Merged, PrOpen, Todo};
        let columns = [column("Next", &[Todo]), column("Doing", &[InProgress, PrOpen]), column("Done", &[Merged, Done])];
        assert_eq!(validate_columns(&columns), Ok(()));
        assert_eq!(column_of(&columns, PrOpen), Some(1));
        assert_eq!(column_of(&columns[..1], PrOpen), None);
    }

    #[test]
    fn columns_that_hide_or_repeat_a_status_are_refused() {
        use Status::{Done, InProgress, Merged, PrOpen, Todo};
        let all = [Todo, InProgress, PrOpen, Merged, Done];
        assert_eq!(validate_columns(&[]), Err(ColumnsError::None));
        assert_eq!(validate_columns(&[column(" ", &all)]), Err(ColumnsError::NoName(1)));
        assert_eq!(validate_columns(&[column("A", &all[..4]), column("a", &[Done])]), Err(ColumnsError::SameName("a".into())));
        assert_eq!(validate_columns(&[column("A", &all), column("B", &[])]), Err(ColumnsError::NoStatuses("B".into())));
        assert_eq!(validate_columns(&[column("A", &all[..4])]), Err(ColumnsError::StatusMissing(Done)));
        let twice = ColumnsError::StatusTwice { status: Done, first: "A".into(), second: "B".into() };
        assert_eq!(validate_columns(&[column("A", &all), column("B", &[Done])]), Err(twice));
        let full = Column { wip_limit: Some(0), ..column("A", &all) };
        assert_eq!(validate_columns(&[full]), Err(ColumnsError::NoRoom("A".into())));
    }

    #[test]
    fn votes_are_counted_and_a_silent_group_is_not_waited_for() {
        let reviewer = |vote, is_group, required| Reviewer {
            identity: Identity { id: Guid::new("a"), display_name: "Ada".into(), unique_name: String::new() },
            vote,
            required,
            is_group,
        };
        let reviewers = [
            reviewer(Vote::Approved, false, true),
            reviewer(Vote::ApprovedWithSuggestions, false, false),
            reviewer(Vote::WaitingForAuthor, false, false),
            reviewer(Vote::Rejected, true, false),
            reviewer(Vote::None, false, false),
            reviewer(Vote::None, true, false),
            reviewer(Vote::None, true, true),
        ];
        assert_eq!(votes(&reviewers), Votes { approved: 2, waiting: 1, rejected: 1, open: 2 });
    }

    #[test]
    fn ages_step_so_that_an_idle_screen_stands_still() {
        let since = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, expected) in [
            (-5, "now"),
            (0, "now"),
            (9, "now"),
            (10, "<1m"),
            (59, "<1m"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (864_000, "10d"),
        ] {
            assert_eq!(age_step(since, Timestamp::from_second(1_000_000 + seconds).unwrap()), expected, "{seconds}");
        }
    }
}
