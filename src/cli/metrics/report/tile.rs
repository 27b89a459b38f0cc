//! A figure as a card of the report: value, spread, change, what it rests on, its weeks, and the formula filled in.

use std::fmt::Write;

use super::chart;
use super::escape::{Markup, text};
use crate::metrics::figures::{Tile, Trend, Value};
use crate::metrics::query::Definition;
use crate::metrics::telling;

pub fn card(tile: &Tile) -> Markup {
    let mut html = String::from("<article class=\"tile\">\n");
    if tile.definition != Definition::Ours {
        let _ = write!(html, "<span class=\"tag\">{}</span>", tile.definition.name());
    }
    let class = match &tile.value {
        value if !telling::is_measured(value) => "value none",
        Value::Few { seconds } if seconds.len() > 2 => "value many",
        _ => "value",
    };
    let _ = write!(
        html,
        "<h3>{}</h3>\n<p class=\"{class}\">{}</p>\n",
        text(tile.metric.title()),
        text(telling::headline_of(tile.metric, &tile.value))
    );
    if let Some(detail) = telling::detail(&tile.value) {
        let _ = writeln!(html, "<p class=\"basis\">{}</p>", text(detail));
    }
    if telling::is_measured(&tile.value) {
        let _ = writeln!(html, "{}", change(tile));
    }
    let _ = writeln!(html, "<p class=\"basis\">{}</p>", text(basis(tile)));
    if let Some(band) = &tile.band {
        let words = format!("In the {} cluster of {}: the whole interval lies in it.", band.name, band.year);
        let _ = writeln!(html, "<p class=\"basis\">{}</p>", text(words));
    }
    for lack in telling::lacks(tile) {
        let words = format!("Without {}: {}", lack.what_of(), lack.words);
        let _ = writeln!(html, "<p class=\"basis\">{}</p>", text(words));
    }
    if let Some(chart) = chart::weeks(tile.metric, &tile.weeks) {
        let _ = write!(html, "{chart}");
    }
    let _ = write!(html, "{}", explanation(tile));
    html.push_str("</article>\n");
    Markup::made(html)
}

fn change(tile: &Tile) -> Markup {
    let (class, judged) = match telling::is_better(tile.metric, tile.trend) {
        Some(true) => (" class=\"better\"", " (better)"),
        Some(false) => (" class=\"worse\"", " (worse)"),
        None => ("", ""),
    };
    Markup::made(format!("<p{class}>{}{}{judged}</p>", arrow(tile.trend), text(telling::change(tile))))
}

fn arrow(trend: Trend) -> &'static str {
    match trend {
        Trend::Up => "<span aria-hidden=\"true\">\u{2191} </span>",
        Trend::Down => "<span aria-hidden=\"true\">\u{2193} </span>",
        Trend::NoClearChange | Trend::TooFew | Trend::NotCollected => "",
    }
}

/// `n 41; 34 of 41 merged pull requests deployed`.
fn basis(tile: &Tile) -> String {
    let mut words = format!("n {}", telling::grouped(tile.n));
    if let Some(coverage) = &tile.coverage {
        let _ = write!(words, "; {} of {} {}", telling::grouped(coverage.k), telling::grouped(coverage.n), coverage.of);
    }
    words
}

fn explanation(tile: &Tile) -> Markup {
    let left_out = telling::excluded(&tile.excluded);
    if tile.formula.is_empty() && tile.notes.is_empty() && left_out.is_none() {
        return Markup::default();
    }
    let mut html = String::from("<details><summary>How it is computed</summary>\n");
    if !tile.formula.is_empty() {
        let _ = writeln!(html, "<pre>{}</pre>", tile.formula.iter().map(|line| format!("{}\n", text(line))).collect::<String>());
    }
    if !tile.notes.is_empty() {
        let items: String = tile.notes.iter().map(|note| format!("<li>{}</li>", text(note))).collect();
        let _ = writeln!(html, "<ul>{items}</ul>");
    }
    if let Some(words) = left_out {
        let _ = writeln!(html, "<p>Left out: {}.</p>", text(words));
    }
    html.push_str("</details>\n");
    Markup::made(html)
}
