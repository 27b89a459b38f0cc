//! A figure explained: the formula with its numbers, what it rests on, what was left out and why, what moved it, what its changes are
//! linked to, what is missing and what to do.

use crate::metrics::figures::{Figures, Metric, Tile, Week};
use crate::metrics::query::Definition;
use crate::metrics::telling;
use crate::tui::model::listed::Listed;
use crate::tui::widget::figure as words;

/// Work items that an explanation names; Enter shows all of them.
const ITEMS: usize = 3;

/// How the tile draws its weeks.
const DRAWN: &str = "drawn as a bar a week: a point where there was none, a gap where nothing was measured, faint for fewer than 5 and for \
                     a part of a week; the dots below it tell how many it rests on";

/// The lines; those that belong to a heading begin with two spaces. `moved` is what moved the figure, as far as that was asked for.
pub fn lines(tile: &Tile, figures: &Figures, moved: &Listed<Vec<String>>) -> Vec<String> {
    let said = words::of(tile);
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
    let mut basis: Vec<String> = telling::is_measured(&tile.value).then(|| format!("n {}", words::grouped(tile.n))).into_iter().collect();
    basis.extend(tile.coverage.as_ref().map(|c| format!("{} of {} {}", words::grouped(c.k), words::grouped(c.n), c.of)));
    basis.push(
        match tile.definition {
            Definition::Ours => "by kanado's definition",
            Definition::DevLake => "by DevLake's definition",
            Definition::FourKeys => "by fourkeys' definition",
        }
        .to_owned(),
    );
    section("What it rests on", basis);
    section("Left out", tile.excluded.iter().map(|left| format!("{} {}", words::grouped(left.count), left.reason.words())).collect());
    section(
        "What moved it since last week",
        match (&moved.rows, &moved.problem, moved.loading) {
            (Some(lines), ..) => lines.clone(),
            (None, Some(problem), _) => vec![problem.to_string()],
            (None, None, Some(_)) => vec!["working it out".to_owned()],
            (None, None, None) => Vec::new(),
        },
    );
    section("To know", tile.notes.clone());
    if tile.metric == Metric::LeadTime {
        section("Linked to work items", linked(figures));
    }
    section("Missing", telling::lacks(tile).iter().map(|lack| format!("{}: {}", lack.what_of(), lack.words)).collect());
    let week = |week: &Week| format!("{} {}", week.starts.strftime("%d %b"), telling::week(tile.metric, week));
    let legend = (!tile.weeks.is_empty()).then(|| DRAWN.to_owned());
    section("Week by week", tile.weeks.iter().map(week).chain(legend).collect());
    lines
}

/// How much hangs on work items, and on which most.
fn linked(figures: &Figures) -> Vec<String> {
    let items = &figures.linkage.items;
    let mut lines: Vec<String> = telling::linkage(&figures.linkage).into_iter().collect();
    lines.extend(telling::linkage_without(&figures.linkage));
    lines.extend(items.iter().take(ITEMS).map(|(number, title, hanging)| format!("#{number} {title}: {}", words::grouped(*hanging))));
    let more = items.len().saturating_sub(ITEMS);
    lines.extend((more > 0).then(|| format!("and {more} more: Enter lists them")));
    lines.extend(telling::ticketed(&figures.linkage).map(|words| format!("to tickets by the branch's name: {words}")));
    lines
}
