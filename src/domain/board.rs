//! The board as a read-model: columns, cards and what a card shows. Made by the store, painted by the screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{ProjectId, TicketKey};
use super::pull_request::{Checks, MergeState, PullRequestStatus, Source, Threads};
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
