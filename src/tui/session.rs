//! Where a person was: kept when the program ends or the line drops, so that everything is found again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::model::metrics::Ask;
use crate::domain::id::{MemberId, ProjectId, RepositoryId, TicketKey};

/// What is restored at the next start. Drafts are not here: they are saved as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    pub project: Option<ProjectId>,
    pub screen: SessionScreen,
    pub selected: Option<TicketKey>,
    pub filter: String,
    pub mine: bool,
    /// The ticket that was open.
    pub ticket: Option<TicketKey>,
    /// The spec that was being edited, and the line of the cursor.
    pub editor: Option<(TicketKey, usize)>,
    pub preview: Option<bool>,
    /// How figures were looked at.
    pub metrics: Option<Ask>,
    /// Tickets whose changes are told.
    pub watched: BTreeSet<TicketKey>,
    /// A ticket that was begun and not made.
    pub new_ticket: Option<NewTicketText>,
    /// Pull requests that were begun and not opened.
    pub pull_requests: Vec<PullRequestText>,
}

/// What was typed into the form of a new ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewTicketText {
    pub title: String,
    pub description: String,
    pub criteria: String,
    pub labels: String,
    pub repository: Option<RepositoryId>,
    pub priority: Option<u8>,
    pub mine: bool,
}

/// What was typed into the form of a ticket's pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestText {
    pub key: TicketKey,
    pub title: String,
    pub body: String,
    pub target: String,
    pub work_items: String,
    pub reviewer: Option<MemberId>,
    pub is_draft: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionScreen {
    #[default]
    Board,
    PullRequests,
    Metrics,
    Activity,
    Setup,
}
