//! The ticket screen's state: which ticket, which tab, what was loaded, where the reader is.

use crate::domain::id::TicketKey;
use crate::tui::answer::TicketDetail;
use crate::tui::event::Generation;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Spec,
    Criteria,
    PullRequest,
    Activity,
}

impl Tab {
    pub const ALL: [Self; 4] = [Self::Spec, Self::Criteria, Self::PullRequest, Self::Activity];

    pub fn title(self) -> &'static str {
        match self {
            Self::Spec => "Spec",
            Self::Criteria => "Criteria",
            Self::PullRequest => "Pull request",
            Self::Activity => "Activity",
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

#[derive(Debug, Clone)]
pub struct TicketState {
    pub key: TicketKey,
    pub tab: Tab,
    pub detail: Option<Box<TicketDetail>>,
    pub loading: Option<Generation>,
    pub stale: bool,
    /// First line painted, of the tabs that scroll.
    pub scroll: u16,
    /// The criterion the cursor is on.
    pub criterion: usize,
}

impl TicketState {
    pub fn new(key: TicketKey, tab: Tab) -> Self {
        Self { key, tab, detail: None, loading: None, stale: false, scroll: 0, criterion: 0 }
    }
}
