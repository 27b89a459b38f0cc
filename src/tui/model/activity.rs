//! The activity screen's state: tasks, deliveries, how the hooks stand, requests; what is selected in each.
//!
//! The cursor follows what it is on, and stays at the top while nothing was chosen, so that the newest is seen.

use super::listed::Listed;
use crate::domain::health::HookHealth;
use crate::domain::hook::{Delivery, DeliveryState};
use crate::tui::answer::{RequestRow, TaskRow, TaskState};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Tasks,
    Deliveries,
    Hooks,
    Collection,
    Requests,
}

impl Section {
    pub const ALL: [Self; 5] = [Self::Tasks, Self::Deliveries, Self::Hooks, Self::Collection, Self::Requests];

    pub fn title(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Deliveries => "Deliveries",
            Self::Hooks => "Hooks",
            Self::Collection => "Collection",
            Self::Requests => "Requests",
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// Which deliveries are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    All,
    /// Dead, parked and quarantined ones.
    Problems,
}

#[derive(Debug, Clone, Default)]
pub struct ActivityState {
    pub section: Section,
    pub shown: Shown,
    /// Newest first.
    pub deliveries: Listed<Vec<Delivery>>,
    pub health: Listed<Box<HookHealth>>,
    /// Newest first.
    pub requests: Listed<Vec<RequestRow>>,
    /// The row of the cursor and the first one painted, of the current section; lines of the hooks and the collection.
    pub cursor: usize,
    pub offset: usize,
    /// The task or delivery that was chosen; none while the cursor is at the top.
    pub chosen: Option<i64>,
}

impl ActivityState {
    pub fn go_to(&mut self, section: Section) {
        (self.section, self.cursor, self.offset, self.chosen) = (section, 0, 0, None);
    }

    pub fn delivery(&self) -> Option<&Delivery> {
        self.deliveries.rows.as_ref()?.get(self.cursor).filter(|_| self.section == Section::Deliveries)
    }

    /// Brings the cursor back to what it was on, and into the window.
    pub fn settle(&mut self, tasks: &[TaskRow], visible: usize) {
        let (count, found) = match self.section {
            Section::Tasks => {
                let rows = in_order(tasks);
                (rows.len(), self.chosen.and_then(|id| rows.iter().position(|task| i64::try_from(task.id) == Ok(id))))
            }
            Section::Deliveries => {
                let rows = self.deliveries.rows.as_deref().unwrap_or_default();
                (rows.len(), self.chosen.and_then(|id| rows.iter().position(|row| row.id == id)))
            }
            Section::Requests => (self.requests.rows.as_ref().map_or(0, Vec::len), None),
            Section::Hooks | Section::Collection => return,
        };
        self.cursor = found.unwrap_or(self.cursor).min(count.saturating_sub(1));
        self.follow(count, visible);
    }

    fn follow(&mut self, count: usize, visible: usize) {
        let visible = visible.max(1);
        if self.cursor < self.offset || self.cursor >= self.offset + visible {
            self.offset = self.cursor.saturating_sub(visible / 2);
        }
        self.offset = self.offset.min(count.saturating_sub(visible));
    }

    /// Puts the cursor on a row of a list.
    pub fn move_to(&mut self, cursor: usize, tasks: &[TaskRow], visible: usize) {
        self.cursor = cursor;
        self.chosen = None;
        self.settle(tasks, visible);
        self.chosen = match self.section {
            _ if self.cursor == 0 => None,
            Section::Tasks => in_order(tasks).get(self.cursor).and_then(|task| i64::try_from(task.id).ok()),
            Section::Deliveries => self.delivery().map(|row| row.id),
            Section::Hooks | Section::Collection | Section::Requests => None,
        };
    }
}

/// Tasks as they are listed: those that run, then the others, the newest first.
pub fn in_order(tasks: &[TaskRow]) -> Vec<&TaskRow> {
    let runs = |task: &&TaskRow| task.state == TaskState::Running;
    let (running, ended): (Vec<_>, Vec<_>) = tasks.iter().rev().partition(runs);
    running.into_iter().chain(ended).collect()
}

/// Whether a delivery needs somebody.
pub fn is_problem(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Dead | DeliveryState::Parked | DeliveryState::Quarantined)
}
