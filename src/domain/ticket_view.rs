//! Everything one ticket's screen shows, read at one moment. Made by the store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::TicketKey;
use super::person::Member;
use super::project::{Project, Repository};
use super::pull_request::KnownPullRequest;
use super::status::Status;
use super::ticket::{SpecState, Ticket};

/// One line of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    pub at: Timestamp,
    /// What happened, and why: `pull request 12 was abandoned`.
    pub words: String,
    /// Where the ticket stood before and after, when that changed.
    pub moved: Option<(Status, Status)>,
}

/// A ticket with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketView {
    pub ticket: Ticket,
    pub spec: SpecState,
    pub project: Project,
    pub assignee: Option<Member>,
    pub repository: Option<Repository>,
    pub pull_request: Option<KnownPullRequest>,
    /// The tickets it waits for, and where they stand; absent when the store does not know one.
    pub dependencies: Vec<(TicketKey, Option<Status>)>,
    /// Oldest first.
    pub history: Vec<HistoryRow>,
}
