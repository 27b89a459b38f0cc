//! The metrics screen's state: what is asked, the last good answer, the metric of the cursor, the rows behind a number.
//!
//! Facts arrive by the hundred while they are collected, so the figures are read again at most once in a while.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::listed::Listed;
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::metrics::figures::{Metric, Subject};
use crate::metrics::period::Span;
use crate::metrics::query::{Definition, Hours, ServiceId};
use crate::tui::answer::{Links, MetricRow, MetricRows, MetricsPage};

/// What was just read is not read again before this time, however many facts arrive.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// Whose figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The project that is open.
    #[default]
    Here,
    /// Every project that is measured.
    All,
    Project(ProjectId, String),
}

/// What is asked, as a person set it. The rules and the zone are the configuration's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    pub scope: Scope,
    pub repository: Option<(RepositoryId, String)>,
    pub service: Option<(ServiceId, String)>,
    /// The name of a team of the open project.
    pub team: Option<String>,
    pub span: Span,
    pub definition: Definition,
    pub hours: Hours,
}

impl Ask {
    pub fn is_narrowed(&self) -> bool {
        self.repository.is_some() || self.service.is_some() || self.team.is_some() || self.scope != Scope::Here
    }
}

/// A change of the question, as the filter's list offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Span(Span),
    /// A window is typed.
    TypeSpan,
    Scope(Scope),
    Repository(Option<(RepositoryId, String)>),
    Service(Option<(ServiceId, String)>),
    Team(Option<String>),
    Definition(Definition),
    Hours(Hours),
    /// Nothing is left out any more.
    Everything,
}

/// Which rows are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counted {
    /// Those that the number is made of.
    #[default]
    In,
    /// Those that were left out, with why.
    Out,
    /// The work items and tickets that the window's work hangs on.
    Linked,
}

/// The rows behind a number.
#[derive(Debug, Clone)]
pub struct Drill {
    pub metric: Metric,
    pub counted: Counted,
    pub rows: Listed<Box<MetricRows>>,
    pub cursor: usize,
    pub offset: usize,
    /// What the cursor is on, wherever it goes.
    pub chosen: Option<Subject>,
}

/// What the cursor of the rows is on, and where that is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub url: Option<String>,
    pub ticket: Option<TicketKey>,
}

impl Drill {
    pub fn new(metric: Metric) -> Self {
        Self { metric, counted: Counted::In, rows: Listed::default(), cursor: 0, offset: 0, chosen: None }
    }

    pub fn links(&self) -> Option<&Links> {
        self.rows.rows.as_ref()?.links.as_ref()
    }

    /// The lists there are, in the order of their tabs.
    pub fn tabs(&self) -> &'static [Counted] {
        if self.metric == Metric::LeadTime { &[Counted::In, Counted::Out, Counted::Linked] } else { &[Counted::In, Counted::Out] }
    }

    /// The list that stands so many tabs behind the one shown.
    pub fn after(&self, by: usize) -> Counted {
        let tabs = self.tabs();
        let at = tabs.iter().position(|tab| *tab == self.counted).unwrap_or(0);
        tabs[(at + by) % tabs.len()]
    }

    fn of(&self, counted: Counted) -> impl Iterator<Item = &MetricRow> {
        let is_in = move |row: &&MetricRow| match counted {
            Counted::In => row.row.excluded.is_none(),
            Counted::Out => row.row.excluded.is_some(),
            Counted::Linked => false,
        };
        self.rows.rows.iter().flat_map(|rows| &rows.rows).filter(is_in)
    }

    /// The rows that are listed, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &MetricRow> {
        self.of(self.counted)
    }

    pub fn count(&self, counted: Counted) -> usize {
        match counted {
            Counted::Linked => self.links().map_or(0, |links| links.rows.len()),
            counted => self.of(counted).count(),
        }
    }

    pub fn selected(&self) -> Option<&MetricRow> {
        self.shown().nth(self.cursor)
    }

    /// What the cursor is on, whichever list it is in.
    pub fn place(&self) -> Option<Place> {
        if self.counted == Counted::Linked {
            let link = self.links()?.rows.get(self.cursor)?;
            return Some(Place { name: link.name.clone(), url: link.url.clone(), ticket: link.ticket.clone() });
        }
        self.selected().map(|row| Place { name: row.name.clone(), url: row.url.clone(), ticket: row.ticket.clone() })
    }

    /// Brings the cursor back to what it was on, and into the window.
    pub fn settle(&mut self, visible: usize) {
        let found = self.chosen.as_ref().and_then(|subject| self.shown().position(|row| row.row.subject == *subject));
        let count = self.count(self.counted);
        self.cursor = found.unwrap_or(self.cursor).min(count.saturating_sub(1));
        let visible = visible.max(1);
        if self.cursor < self.offset || self.cursor >= self.offset + visible {
            self.offset = self.cursor.saturating_sub(visible / 2);
        }
        self.offset = self.offset.min(count.saturating_sub(visible));
    }

    pub fn move_to(&mut self, cursor: usize, visible: usize) {
        self.cursor = cursor;
        self.chosen = None;
        self.settle(visible);
        self.chosen = self.selected().map(|row| row.row.subject.clone());
    }

    /// To the list so many tabs on, round and round.
    pub fn turn(&mut self, by: usize) {
        self.counted = self.after(by);
        (self.cursor, self.offset, self.chosen) = (0, 0, None);
    }
}

#[derive(Debug, Clone)]
pub struct MetricsState {
    pub ask: Ask,
    pub page: Listed<Box<MetricsPage>>,
    /// What is being worked out, and what the page answers.
    pub asking: Option<Ask>,
    pub answered: Option<Ask>,
    /// The tile of the cursor.
    pub metric: Metric,
    pub drill: Option<Drill>,
    /// What moved the figure that was explained last.
    pub moved: Listed<Vec<String>>,
    /// Teams of the open project, once they were asked for.
    pub teams: Listed<Vec<String>>,
    pub asked_at: Option<Timestamp>,
    /// Facts arrived a moment after the last look: the next one is then.
    pub due: Option<Timestamp>,
    /// A window that was typed and not accepted, and a path.
    pub typed_window: String,
    pub typed_path: String,
}

impl Default for MetricsState {
    fn default() -> Self {
        Self {
            ask: Ask::default(),
            page: Listed::default(),
            asking: None,
            answered: None,
            metric: Metric::DeploymentFrequency,
            drill: None,
            moved: Listed::default(),
            teams: Listed::default(),
            asked_at: None,
            due: None,
            typed_window: String::new(),
            typed_path: String::new(),
        }
    }
}

impl MetricsState {
    /// What was read of another project is of no use; how a person looks at figures stays.
    pub fn forget(&mut self) {
        let ask = Ask { span: self.ask.span, definition: self.ask.definition, hours: self.ask.hours, ..Ask::default() };
        *self = Self { ask, metric: self.metric, ..Self::default() };
    }

    /// Whether to look now, as facts arrived; else it is done when the pause is over.
    pub fn may_look(&mut self, now: Timestamp) -> bool {
        match self.asked_at.map(|at| at + PAUSE) {
            Some(next) if next > now => {
                self.due = Some(next);
                false
            }
            _ => true,
        }
    }

    /// When to look again by itself.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.due.filter(|_| self.page.loading.is_none())
    }
}
