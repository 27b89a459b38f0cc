//! The list of pull requests: three sections of the same rows, and what is selected.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::text_field::TextField;
use crate::domain::id::{Guid, RepositoryId};
use crate::domain::pull_request::{PullRequestStatus, Vote};
use crate::tui::answer::PullRequestRow;
use crate::tui::event::Generation;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Mine,
    ToReview,
    All,
}

impl Section {
    pub const ALL: [Self; 3] = [Self::Mine, Self::ToReview, Self::All];

    pub fn title(self) -> &'static str {
        match self {
            Self::Mine => "Mine",
            Self::ToReview => "To review",
            Self::All => "All",
        }
    }

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % 3]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + 2) % 3]
    }

    /// Whether a row belongs here. Closed ones are under `All` only.
    pub fn holds(self, row: &PullRequestRow, me: Option<&Guid>) -> bool {
        let facts = &row.pull_request.facts;
        let active = facts.status == PullRequestStatus::Active;
        match self {
            Self::Mine => active && me == Some(&facts.author.id),
            Self::ToReview => {
                active
                    && !facts.is_draft
                    && facts
                        .reviewers
                        .iter()
                        .any(|reviewer| me == Some(&reviewer.identity.id) && matches!(reviewer.vote, Vote::None | Vote::WaitingForAuthor))
            }
            Self::All => true,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct PullRequestsState {
    pub rows: Option<Vec<PullRequestRow>>,
    pub section: Section,
    /// Indices into `rows` of the current section, filtered.
    pub shown: Vec<usize>,
    pub counts: [usize; 3],
    pub selected: Option<(RepositoryId, i64)>,
    pub cursor: usize,
    pub offset: usize,
    pub filter: TextField,
    pub filtering: super::board::Filtering,
    pub loading: Option<Generation>,
    pub stale: bool,
    pub ages: BTreeSet<Timestamp>,
}

impl PullRequestsState {
    pub fn selected_row(&self) -> Option<&PullRequestRow> {
        self.rows.as_ref()?.get(*self.shown.get(self.cursor)?)
    }

    /// Works out what the section shows, and follows the selected pull request.
    pub fn arrange(&mut self, me: Option<&Guid>) {
        let Some(rows) = &self.rows else { return };
        let words: Vec<String> = self.filter.text().split_whitespace().map(str::to_lowercase).collect();
        let found = |row: &PullRequestRow| {
            let facts = &row.pull_request.facts;
            let text = format!(
                "!{} {} {} {} @{}",
                facts.number, facts.title, row.pull_request.repository_name, facts.source_branch, facts.author.display_name
            )
            .to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        self.counts = Section::ALL.map(|section| rows.iter().filter(|row| section.holds(row, me)).count());
        self.shown = (0..rows.len()).filter(|at| self.section.holds(&rows[*at], me) && found(&rows[*at])).collect();
        let id = |at: usize| (rows[at].pull_request.facts.repository, rows[at].pull_request.facts.number);
        self.cursor = self
            .selected
            .and_then(|selected| self.shown.iter().position(|at| id(*at) == selected))
            .unwrap_or(self.cursor)
            .min(self.shown.len().saturating_sub(1));
        self.selected = self.shown.get(self.cursor).map(|at| id(*at));
        self.ages = rows.iter().map(|row| row.pull_request.seen_at).collect();
    }

    pub fn move_to(&mut self, cursor: usize, visible: usize) {
        self.cursor = cursor.min(self.shown.len().saturating_sub(1));
        self.selected = self.selected_row().map(|row| (row.pull_request.facts.repository, row.pull_request.facts.number));
        let visible = visible.max(1);
        if self.cursor < self.offset || self.cursor >= self.offset + visible {
            self.offset = self.cursor.saturating_sub(visible / 2).min(self.shown.len().saturating_sub(visible));
        }
    }
}
