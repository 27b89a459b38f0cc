//! A figure explained: the formula with its numbers, what it rests on, what was left out and why, what is missing and what to do.

use crate::metrics::figures::Tile;
use crate::metrics::telling;
use crate::tui::widget::figure as words;

/// The lines; those that belong to a heading begin with two spaces.
pub fn lines(tile: &Tile) -> Vec<String> {
    let said = words::value(&tile.value, tile.metric);
    let mut lines = vec![said.headline];
    lines.extend((!said.rest.is_empty()).then_some(said.rest));
    lines.extend(words::change(tile));
    if let Some(band) = &tile.band {
        lines.push(format!("in the {} cluster of {}: a group of survey answers, no target", band.name, band.year));
    }
    let mut section = |title: &str, inner: Vec<String>| {
        if !inner.is_empty() {
            lines.push(String::new());
            lines.push(title.to_owned());
            lines.extend(inner.into_iter().map(|line| format!("  {line}")));
        }
    };
    section("How it is worked out", tile.formula.clone());
    let mut basis = vec![format!("n {}", words::grouped(tile.n))];
    basis.extend(tile.coverage.as_ref().map(|c| format!("{} of {} {}", words::grouped(c.k), words::grouped(c.n), c.of)));
    basis.push(format!("by the definition {}", tile.definition.name()));
    section("What it rests on", basis);
    section("Left out", tile.excluded.iter().map(|left| format!("{} {}", words::grouped(left.count), left.reason.words())).collect());
    section("To know", tile.notes.clone());
    section("Missing", telling::lacks(tile).iter().map(|lack| format!("{}: {}", lack.what_of(), lack.words)).collect());
    lines
}
