//! Where a person was: kept when the program ends or the line drops, so that everything is found again.

use serde::{Deserialize, Serialize};

use crate::domain::id::{ProjectId, TicketKey};

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
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionScreen {
    #[default]
    Board,
    PullRequests,
    Setup,
}
