//! A figure explained: its formula filled in, what moved it since last week, the rows behind it, and those left out with their reasons.

use serde_json::{Value, json};

use super::ask::Answer;
use super::table::{self, wrapped};
use crate::cli::frame::{fit, widest};
use crate::metrics::figures::{Metric, Row};
use crate::metrics::{names, telling};
use crate::notice::inert;

pub fn lines(metric: Metric, rows: &[Row], answer: &Answer) -> Vec<String> {
    let Some(tile) = answer.figures.tile(metric) else { return vec![format!("{}: no figure", metric.title())] };
    let mut lines = vec![format!("{}: {}", metric.title(), telling::headline_of(metric, &tile.value))];
    let mut under = |words: &str| lines.extend(wrapped("  ", words));
    if let Some(detail) = telling::detail(&tile.value) {
        under(&detail);
    }
    tile.formula.iter().chain(&tile.notes).for_each(|line| under(line));
    for lack in telling::lacks(tile) {
        under(&format!("without {}: {}", lack.what_of(), lack.words));
    }
    if !tile.weeks.is_empty() {
        lines.push(String::new());
        lines.push("Week by week".to_owned());
        lines.extend(tile.weeks.iter().map(|week| format!("  {}  {}", week.starts, telling::week(metric, week))));
    }
    if let Some(moved) = answer.moved(metric) {
        lines.push(String::new());
        lines.push("Since last week".to_owned());
        for line in moved.lines(&|subject| names::subject(subject, &answer.input)) {
            lines.extend(wrapped("  ", &line));
        }
    }
    if let Some(linked) = table::linkage(&answer.figures).filter(|_| metric == Metric::LeadTime) {
        lines.push(String::new());
        lines.extend(linked);
    }
    let subjects: Vec<String> = rows.iter().map(|row| inert(&names::subject(&row.subject, &answer.input))).collect();
    let width = widest(subjects.iter().map(String::as_str)).min(28);
    for (caption, counts) in [("Counted", true), ("Left out", false)] {
        let half: Vec<(&Row, &String)> = rows.iter().zip(&subjects).filter(|(row, _)| row.excluded.is_none() == counts).collect();
        lines.push(String::new());
        lines.push(format!("{caption}: {}", telling::grouped(half.len() as u64)));
        for (row, subject) in half {
            let at = row.at.to_zoned(answer.query.zone.clone()).strftime("%Y-%m-%d %H:%M");
            let seconds = row.seconds.map_or(String::new(), telling::duration);
            let reason = row.excluded.map_or("", |reason| reason.words());
            let between = if reason.is_empty() || row.words.is_empty() { "" } else { ": " };
            let line = format!("  {at}  {}  {seconds:>8}  {reason}{between}{}", fit(subject, width), inert(&row.words));
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// Rows with the names that people know.
pub fn named(rows: &[Row], answer: &Answer) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            json!({
                "name": names::subject(&row.subject, &answer.input),
                "project": names::project_of(&row.subject, &answer.input),
                "reason": row.excluded.map(|reason| reason.words()),
                "row": row,
            })
        })
        .collect()
}
