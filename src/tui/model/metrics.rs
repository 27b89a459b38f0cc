//! The metrics screen's state: what is asked, the last good answer, the metric of the cursor, the rows behind a number.
//!
//! Facts arrive by the hundred while they are collected, so the figures are read again at most once in a while.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::listed::Listed;
use crate::domain::id::{ProjectId, RepositoryId};
use crate::metrics::figures::{Metric, Subject};
use crate::metrics::period;
use crate::metrics::query::{Definition, Hours, ServiceId, Window};
use crate::tui::answer::{MetricRow, MetricsPage};

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

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// The last so many days, up to now.
    Days(u16),
    /// Both days included.
    Between(Date, Date),
}

impl Default for Span {
    fn default() -> Self {
        Self::Days(30)
    }
}

impl Span {
    pub const USUAL: [u16; 3] = [7, 30, 90];

    /// The next of the usual ones.
    pub fn next(self) -> Self {
        match self {
            Self::Days(7) => Self::Days(30),
            Self::Days(30) => Self::Days(90),
            Self::Days(_) => Self::Days(7),
            Self::Between(..) => Self::Days(30),
        }
    }

    /// From and to as instants. Days begin at midnight of the zone.
    pub fn window(self, now: Timestamp, zone: &TimeZone) -> Window {
        match self {
            Self::Days(days) => period::back(i64::from(days), zone, now),
            Self::Between(from, to) => {
                let start = |date: Date| date.to_zoned(zone.clone()).map(|at| at.timestamp());
                let after = to.checked_add(1.day()).unwrap_or(to);
                Window { from: start(from).unwrap_or(Timestamp::UNIX_EPOCH), to: start(after).unwrap_or(now) }
            }
        }
    }

    pub fn words(self) -> String {
        match self {
            Self::Days(days) => format!("{days} days"),
            Self::Between(from, to) => format!("{from}..{to}"),
        }
    }

    /// As a person types it: `14d`, `4w`, `2026-10-01..2026-10-31`, `2026-10-01` up to today.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Self, String> {
        let text = text.trim();
        let open = text.parse::<Date>().is_ok();
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let window = period::parse(&if open { format!("{text}..") } else { text.to_owned() }, zone, now)?;
        if !open && !text.contains("..") {
            let days = day(now).since(day(window.from)).map_err(|error| error.to_string())?.get_days();
            return u16::try_from(days).map(Self::Days).map_err(|_| format!("`{text}` is no window"));
        }
        Ok(Self::Between(day(window.from), day(window.to - SignedDuration::from_nanos(1))))
    }
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
}

/// The rows behind a number.
#[derive(Debug, Clone)]
pub struct Drill {
    pub metric: Metric,
    pub counted: Counted,
    pub rows: Listed<Vec<MetricRow>>,
    pub cursor: usize,
    pub offset: usize,
    /// What the cursor is on, wherever it goes.
    pub chosen: Option<Subject>,
}

impl Drill {
    pub fn new(metric: Metric) -> Self {
        Self { metric, counted: Counted::In, rows: Listed::default(), cursor: 0, offset: 0, chosen: None }
    }

    /// The rows that are listed, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &MetricRow> {
        let counted = self.counted;
        self.rows.rows.iter().flatten().filter(move |row| row.row.excluded.is_none() == (counted == Counted::In))
    }

    pub fn count(&self, counted: Counted) -> usize {
        self.rows.rows.iter().flatten().filter(|row| row.row.excluded.is_none() == (counted == Counted::In)).count()
    }

    pub fn selected(&self) -> Option<&MetricRow> {
        self.shown().nth(self.cursor)
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

    pub fn turn(&mut self) {
        self.counted = match self.counted {
            Counted::In => Counted::Out,
            Counted::Out => Counted::In,
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_window_is_typed_as_days_or_as_two_dates() {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().expect("a time");
        for (text, span) in [
            ("14d", Span::Days(14)),
            (" 4w", Span::Days(28)),
            ("2026-10-01..2026-10-31", Span::Between(date(2026, 10, 1), date(2026, 10, 31))),
            ("2026-10-01", Span::Between(date(2026, 10, 1), date(2026, 11, 22))),
            ("2026-10-01..", Span::Between(date(2026, 10, 1), date(2026, 11, 22))),
        ] {
            assert_eq!(Span::parse(text, now, &TimeZone::UTC), Ok(span), "{text}");
        }
        for (text, words) in
            [("", "is no window"), ("0d", "1 to 400 days"), ("2026-13-01..", "is no date"), ("2026-10-02..2026-10-01", "ends before")]
        {
            let error = Span::parse(text, now, &TimeZone::UTC).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_window_between_two_days_holds_both_in_its_zone() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        // Summer time ends on 25 October 2026: the month has an hour more.
        let window = Span::Between(date(2026, 10, 1), date(2026, 10, 31)).window(Timestamp::UNIX_EPOCH, &zone);
        assert_eq!(window.length().as_hours(), 31 * 24 + 1);
        assert_eq!(window.from.to_string(), "2026-09-30T22:00:00Z");
    }
}
