//! Choosing one of a list: projects, people, columns, what to copy, actions. One state for all of them.
//!
//! Where there is a search, every printable key belongs to it.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::metrics::Choice;
use super::text_field::TextField;
use crate::domain::id::{MemberId, ProjectId, TicketKey};
use crate::domain::quality::Posting;
use crate::domain::status::Status;
use crate::tui::effect::Collected;
use crate::tui::intent::Intent;

/// What choosing an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Project(ProjectId),
    Assign(Option<MemberId>),
    DefaultReviewer {
        of: MemberId,
        reviewer: Option<MemberId>,
    },
    Move(Status),
    /// A word for the filter.
    FilterWord(String),
    Copy {
        what: &'static str,
        text: String,
    },
    /// Takes a project off the board.
    Deselect {
        project: ProjectId,
        name: String,
        collected: Collected,
    },
    /// Whether a project's pull requests are commented by themselves.
    Comments {
        project: ProjectId,
        posting: Option<Posting>,
    },
    /// Another question to the figures.
    Metrics(Choice),
    Act(Intent),
    Ticket(TicketKey),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub label: String,
    /// Shown dim, to the right: a key, a count.
    pub detail: String,
    /// Why it cannot be chosen, if it cannot.
    pub refused: Option<String>,
    pub pick: Pick,
    /// The heading it stands under.
    pub group: Option<&'static str>,
}

impl Item {
    pub fn new(label: impl Into<String>, detail: impl Into<String>, pick: Pick) -> Self {
        Self { label: label.into(), detail: detail.into(), refused: None, pick, group: None }
    }

    pub fn refused(mut self, why: Option<String>) -> Self {
        self.refused = why;
        self
    }

    pub fn group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Typing narrows the list.
    On,
    /// Letters move: `j`, `k`.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickerKind {
    Plain,
    Help,
    Palette,
}

#[derive(Debug, Clone)]
pub struct Picker {
    pub kind: PickerKind,
    pub title: String,
    pub items: Vec<Item>,
    pub search: Search,
    pub query: TextField,
    /// Indices of what matches, best first.
    pub shown: Vec<usize>,
    pub cursor: usize,
    pub loading: Option<crate::tui::event::Generation>,
    /// What the list says when it is empty.
    pub empty: String,
}

impl Picker {
    pub fn new(kind: PickerKind, title: impl Into<String>, search: Search, items: Vec<Item>) -> Self {
        let mut picker = Self {
            kind,
            title: title.into(),
            items,
            search,
            query: TextField::default(),
            shown: Vec::new(),
            cursor: 0,
            loading: None,
            empty: "nothing matches".into(),
        };
        picker.narrow();
        picker
    }

    pub fn set_items(&mut self, items: Vec<Item>) {
        self.items = items;
        self.loading = None;
        self.narrow();
    }

    pub fn selected(&self) -> Option<&Item> {
        self.items.get(*self.shown.get(self.cursor)?)
    }

    /// Works out what matches the query.
    pub fn narrow(&mut self) {
        let query = self.query.text().trim();
        if query.is_empty() {
            self.shown = (0..self.items.len()).collect();
        } else {
            let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
            let mut matcher = Matcher::new(Config::DEFAULT);
            let mut buffer = Vec::new();
            let mut scored: Vec<(u32, usize)> = Vec::new();
            for (at, item) in self.items.iter().enumerate() {
                let text = format!("{} {}", item.label, item.detail);
                if let Some(score) = pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher) {
                    scored.push((score, at));
                }
            }
            scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            self.shown = scored.into_iter().map(|(_, at)| at).collect();
        }
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_narrows_and_the_best_comes_first() {
        let items = ["open the pull request", "new ticket", "palette"].map(|label| Item::new(label, "", Pick::Assign(None)));
        let mut picker = Picker::new(PickerKind::Plain, "", Search::On, items.to_vec());
        picker.query.set("pal");
        picker.narrow();
        assert_eq!(picker.selected().map(|item| item.label.as_str()), Some("palette"));
        picker.query.set("zzz");
        picker.narrow();
        assert!(picker.selected().is_none());
    }
}
