//! What changed a median since last week: the rows that came into the window, and those that fell out of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::figures::{Metric, Row};
use super::input::Input;
use super::query::{Query, Window};
use super::rows::rows;
use super::statistics::ascending;
use super::tally::middle;

/// Most rows of each kind.
const MOST: usize = 20;

/// The window against the same window a week earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The median a week ago and now, seconds.
    pub before: Option<f64>,
    pub now: Option<f64>,
    /// Rows that pulled it where it went: those that came in, farthest from the old median first.
    pub entered: Vec<Row>,
    /// Rows that fell out, farthest from the median now first.
    pub left: Vec<Row>,
}

/// What moved a figure that is a median; absent for others and where nothing counts.
pub fn movers(input: &Input, query: &Query, metric: Metric, now: Timestamp) -> Option<Moved> {
    if !matches!(metric, Metric::LeadTime | Metric::CycleTime | Metric::RecoveryTime) {
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
        entered: farthest(after, earlier, then.or(today)),
        left: farthest(before, query.window, today.or(then)),
    })
}
