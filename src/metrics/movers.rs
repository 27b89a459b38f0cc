//! What changed a median since last week: the rows that came into the window, and those that fell out of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::figures::{Metric, Row, Subject};
use super::input::Input;
use super::query::{Query, Window};
use super::rows::rows;
use super::statistics::ascending;
use super::tally::middle;
use super::telling::{duration, grouped};

/// Most rows of each kind.
const MOST: usize = 20;
/// Rows that words name.
const NAMED: usize = 4;

/// The window against the same window a week earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The median a week ago and now, seconds.
    pub before: Option<f64>,
    pub now: Option<f64>,
    /// How many came in and fell out in all.
    pub entered_in_all: u64,
    pub left_in_all: u64,
    /// Rows that pulled it where it went: those that came in, farthest from the old median first.
    pub entered: Vec<Row>,
    /// Rows that fell out, farthest from the median now first.
    pub left: Vec<Row>,
    /// Set where the window of a week ago was collected for a part only: what fell out is known since then.
    pub known_from: Option<Timestamp>,
}

impl Moved {
    /// In words, a line each: both medians, then what pulled it up or down, named by the caller.
    pub fn lines(&self, name: &dyn Fn(&Subject) -> String) -> Vec<String> {
        let said = |median: Option<f64>| median.map_or_else(|| "none".to_owned(), duration);
        let mut lines = vec![format!("the median a week ago {}, now {}", said(self.before), said(self.now))];
        if self.known_from.is_some() {
            lines.push("that of a week ago is of a part of its window: the rest was not collected".to_owned());
        }
        let sides = [
            ("came in", &self.entered, self.entered_in_all, self.before.or(self.now)),
            ("fell out", &self.left, self.left_in_all, self.now.or(self.before)),
        ];
        for (what, rows, in_all, median) in sides {
            let Some(median) = median else { continue };
            for (where_to, is_there) in [("above", f64::gt as fn(&f64, &f64) -> bool), ("below", f64::lt)] {
                let there: Vec<&Row> = rows.iter().filter(|row| row.seconds.is_some_and(|seconds| is_there(&seconds, &median))).collect();
                let named: Vec<String> = there
                    .iter()
                    .take(NAMED)
                    .map(|row| format!("{} {}", name(&row.subject), duration(row.seconds.unwrap_or_default())))
                    .collect();
                let more = match there.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                if !named.is_empty() {
                    lines.push(format!("{what} {where_to} {}: {}{more}", duration(median), named.join(", ")));
                }
            }
            if in_all > rows.len() as u64 {
                lines.push(format!("{what} in all: {}", grouped(in_all)));
            }
        }
        lines
    }
}

/// Whether a figure is a median, which rows move.
pub fn is_moved(metric: Metric) -> bool {
    matches!(metric, Metric::LeadTime | Metric::CycleTime | Metric::RecoveryTime)
}

/// What moved a figure that is a median; absent for others and where nothing counts.
pub fn movers(input: &Input, query: &Query, metric: Metric, now: Timestamp) -> Option<Moved> {
    if !is_moved(metric) {
        return None;
    }
    let week = SignedDuration::from_hours(24 * 7);
    let earlier = Window { from: query.window.from - week, to: query.window.to - week };
    let counted = |window: Window| -> Vec<Row> {
        let query = Query { window, ..query.clone() };
        rows(input, &query, metric, now).into_iter().filter(|row| row.excluded.is_none() && row.seconds.is_some()).collect()
    };
    let (after, before) = (counted(query.window), counted(earlier));
    if after.is_empty() && before.is_empty() {
        return None;
    }
    let median = |rows: &[Row]| middle(query.definition, &ascending(rows.iter().filter_map(|row| row.seconds).collect()));
    let (then, today) = (median(&before), median(&after));
    let outside = |rows: &[Row], window: Window| rows.iter().filter(|row| !window.contains(row.at)).count() as u64;
    let (entered_in_all, left_in_all) = (outside(&after, earlier), outside(&before, query.window));
    let asked = |id| query.projects.is_empty() || query.projects.contains(id);
    let since = input.projects.iter().filter(|project| asked(&project.id)).filter_map(|project| project.collection.from).max();
    let farthest = |rows: Vec<Row>, outside: Window, from: Option<f64>| {
        let mut rows: Vec<Row> = rows.into_iter().filter(|row| !outside.contains(row.at)).collect();
        let distance = |row: &Row| (row.seconds.unwrap_or_default() - from.unwrap_or_default()).abs();
        rows.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        rows.truncate(MOST);
        rows
    };
    Some(Moved {
        before: then,
        now: today,
        entered_in_all,
        left_in_all,
        known_from: since.filter(|since| *since > earlier.from),
        entered: farthest(after, earlier, then.or(today)),
        left: farthest(before, query.window, today.or(then)),
    })
}
