//! The tiles: a figure each, with what it rests on. DORA's five first. How much is said of each follows the room.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::collection::Source;
use crate::metrics::figures::{Figures, Metric, Tile, Trend, Value};
use crate::metrics::query::Definition;
use crate::metrics::telling;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::widget::figure as words;
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::{sparkline, text};

/// Paints them from the top of the area and returns the row below.
pub fn draw(model: &Model, figures: &Figures, area: Rect, buf: &mut Buffer) -> u16 {
    let grid = layout::tiles(model.width, model.height);
    let count = Metric::ALL.len();
    if grid.height == 1 {
        return list(model, figures, area, buf);
    }
    let mut bottom = area.y;
    for (at, metric) in Metric::ALL.into_iter().enumerate() {
        let Some(tile) = figures.tile(metric) else { continue };
        let (column, row) = grid.place(at, count);
        let edge = |column: u16| area.x + u16::try_from(u32::from(area.width) * u32::from(column) / u32::from(grid.columns)).unwrap_or(0);
        let (x, end) = (edge(column), edge(column + 1));
        let y = area.y + row * grid.height;
        let place = Rect::new(x, y, end.saturating_sub(x + 1), grid.height).intersection(area);
        bottom = bottom.max(place.bottom());
        one(model, tile, place, buf);
    }
    bottom
}

/// A line each, those around the cursor.
fn list(model: &Model, figures: &Figures, area: Rect, buf: &mut Buffer) -> u16 {
    let at = Metric::ALL.iter().position(|metric| *metric == model.metrics.metric).unwrap_or(0);
    let visible = usize::from(area.height);
    let from = at.saturating_sub(visible / 2).min(Metric::ALL.len().saturating_sub(visible));
    let mut y = area.y;
    for metric in Metric::ALL.into_iter().skip(from).take(visible) {
        let Some(tile) = figures.tile(metric) else { continue };
        let theme = &model.theme;
        let selected = metric == model.metrics.metric;
        mark(model, selected, area.x, y, 1, buf);
        let title = if area.width < 60 { short(metric) } else { metric.title() };
        let column = if area.width < 60 { 15 } else { 32 };
        let x = area.x + 1;
        text::put_fit(buf, x, y, column - 1, title, if selected { theme.strong } else { theme.text }, &theme.marks);
        let said = words::of(tile);
        let mut left = vec![Part::new(100, said.headline, headline(model, tile))];
        left.extend(rest(model, said.rest));
        let right = change(model, tile).into_iter().collect();
        parts::put(buf, x + column, y, area.width.saturating_sub(column + 2), 2, left, right);
        y += 1;
    }
    y
}

/// What belongs to a value; where there is little room, the first of it.
fn rest(model: &Model, words: String) -> Option<Part> {
    let part = Part::new(40, words.clone(), model.theme.dim);
    match words.split_once([',', ';']) {
        _ if words.is_empty() => None,
        Some((first, _)) => Some(part.short(first)),
        None => Some(part),
    }
}

/// A title for a narrow place.
fn short(metric: Metric) -> &'static str {
    match metric {
        Metric::DeploymentFrequency => "Deployments",
        Metric::LeadTime => "Lead time",
        Metric::ChangeFailRate => "Fail rate",
        Metric::RecoveryTime => "Recovery time",
        Metric::ReworkRate => "Rework",
        Metric::CycleTime => "Cycle time",
        Metric::PipelineReliability => "Pipeline",
        Metric::Throughput => "Throughput",
        Metric::WorkInProgress => "In progress",
        Metric::MergedWithoutReview => "No review",
    }
}

fn mark(model: &Model, selected: bool, x: u16, y: u16, rows: u16, buf: &mut Buffer) {
    for y in y..y + rows {
        if selected {
            text::put(buf, x, y, 1, model.theme.marks.bar, model.theme.accent);
        }
    }
}

/// A number is read first; why there is none is not called out.
fn headline(model: &Model, tile: &Tile) -> Style {
    match tile.value {
        Value::NotMeasured { .. } | Value::NoProduction => model.theme.dim,
        Value::Backfilling { .. } => model.theme.accent,
        _ => model.theme.strong,
    }
}

/// The change against the window before, with a mark beside its words.
fn change(model: &Model, tile: &Tile) -> Option<Part> {
    let theme = &model.theme;
    let words = words::change(tile)?;
    let mark = match tile.trend {
        Trend::Up => theme.marks.up,
        Trend::Down => theme.marks.down,
        Trend::NoClearChange | Trend::TooFew | Trend::NotCollected => return Some(Part::new(20, words, theme.dim)),
    };
    let style = match telling::is_better(tile.metric, tile.trend) {
        Some(true) => theme.good,
        Some(false) => theme.bad,
        None => theme.dim,
    };
    Some(Part::new(60, format!("{mark} {words}"), style).short(mark))
}

/// Whose definition it is, where it is not ours.
fn definition(model: &Model, tile: &Tile) -> Option<Part> {
    let words = match tile.definition {
        Definition::Ours => return None,
        Definition::DevLake => "as DevLake",
        Definition::FourKeys => "as fourkeys",
    };
    Some(Part::new(70, words, model.theme.warn))
}

/// What a value rests on. Where there is none, neither is a count: nought would look like one.
fn count(tile: &Tile) -> Vec<String> {
    if !telling::is_measured(&tile.value) {
        return Vec::new();
    }
    let mut words = vec![format!("n {}", words::grouped(tile.n))];
    let left_out: u64 = tile.excluded.iter().map(|left| left.count).sum();
    words.extend((left_out > 0).then(|| format!("{} left out", words::grouped(left_out))));
    words
}

fn coverage(tile: &Tile) -> Option<String> {
    tile.coverage.as_ref().map(|c| format!("{} of {} {}", words::grouped(c.k), words::grouped(c.n), c.of))
}

/// What the value lacks: the source; what to do is said by the formula.
fn missing(tile: &Tile) -> Option<String> {
    let sources: BTreeSet<Source> = tile.missing.iter().map(|one| one.source).collect();
    let first = tile.missing.first()?;
    let more = if sources.len() > 1 { format!(" and {} more", sources.len() - 1) } else { String::new() };
    Some(format!("no {}{more}", first.source.words()))
}

fn one(model: &Model, tile: &Tile, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let selected = tile.metric == model.metrics.metric;
    // In a stack of tiles the line between them stays free of the mark.
    let rows = if area.height > 4 { area.height - 1 } else { area.height };
    mark(model, selected, area.x, area.y, rows, buf);
    let (x, width) = (area.x + 1, area.width.saturating_sub(1));
    let title = vec![Part::new(100, tile.metric.title(), if selected { theme.strong } else { theme.text }).short(short(tile.metric))];
    parts::put(buf, x, area.y, width, 1, title, definition(model, tile).into_iter().collect());
    let said = words::of(tile);
    let value = Part::new(100, said.headline.clone(), headline(model, tile));
    if area.height > 4 {
        return tall(model, tile, said, Rect::new(x, area.y + 1, width, rows.saturating_sub(1)), buf);
    }
    if !telling::is_measured(&tile.value) && tile.weeks.is_empty() && !said.rest.is_empty() {
        parts::put(buf, x, area.y + 1, width, 2, vec![value], Vec::new());
        return reason(model, tile, &said.rest, Rect::new(x, area.y + 2, width, rows.saturating_sub(2)), buf);
    }
    let mut left = vec![value];
    left.extend(rest(model, said.rest));
    parts::put(buf, x, area.y + 1, width, 2, left, change(model, tile).into_iter().collect());
    // Every tile's bars begin at the same place, so that columns can be compared.
    let bars = 13.min(width / 3);
    let y = area.y + 2;
    sparkline::draw(buf, x, y, bars, &tile.weeks, theme);
    let room = width.saturating_sub(bars + 1);
    let mut left: Vec<Part> = count(tile).into_iter().zip([80, 30]).map(|(words, rank)| Part::new(rank, words, theme.dim)).collect();
    left.extend(missing(tile).map(|words| Part::new(95, format!("{} {words}", theme.marks.warning), theme.warn)));
    // What does not fit beside the count does not push out what would.
    let taken: u16 = left.iter().filter(|part| part.rank != 30).map(|part| text::width(&part.text) + 2).sum();
    left.extend(coverage(tile).filter(|words| taken + text::width(words) <= room).map(|words| Part::new(50, words, theme.dim)));
    parts::put(buf, x + bars + 1, y, room, 2, left, Vec::new());
    if area.height > 3 {
        sparkline::draw_counts(buf, x, y + 1, bars, &tile.weeks, theme);
        if let Some(note) = tile.notes.first() {
            let line = text::fit_words(note, room, &theme.marks);
            text::put(buf, x + bars + 1, y + 1, room, &line, theme.faint);
        }
    }
}

/// Why there is nothing to count, in the room that the count would have. What to do is said by the formula where it has no room here.
fn reason(model: &Model, tile: &Tile, why: &str, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let (mark, style) =
        if tile.missing.is_empty() { (String::new(), theme.dim) } else { (format!("{} ", theme.marks.warning), theme.warn) };
    let whole = text::wrap(&format!("{mark}{why}"), area.width);
    let lines = if whole.len() > usize::from(area.height) {
        let first = why.split_once([',', ';']).map_or(why, |(first, _)| first);
        text::wrap(&format!("{mark}{first}"), area.width)
    } else {
        whole
    };
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        text::put_fit(buf, area.x, y, area.width, line, style, &theme.marks);
    }
}

/// A line for each thing that is to be said.
fn tall(model: &Model, tile: &Tile, said: words::Said, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut lines: Vec<(String, Style)> = vec![(said.headline, headline(model, tile))];
    let wrapped = |words: &str, style: Style, rows: usize| {
        let all = text::wrap(words, area.width);
        let rest = all.len() > rows;
        let mut kept: Vec<(String, Style)> = all.into_iter().take(rows).map(|line| (line, style)).collect();
        if let (true, Some((last, _))) = (rest, kept.last_mut()) {
            last.push_str(theme.marks.ellipsis);
        }
        kept
    };
    if !said.rest.is_empty() {
        lines.extend(wrapped(&said.rest, theme.dim, 2));
    }
    lines.extend(change(model, tile).map(|part| (part.text, part.style)));
    lines.push((count(tile).join(", "), theme.dim));
    lines.retain(|(line, _)| !line.is_empty());
    lines.extend(missing(tile).map(|words| (format!("{} {words}", theme.marks.warning), theme.warn)));
    let below = area.bottom().saturating_sub(2);
    let left = usize::from(below.saturating_sub(area.y)).saturating_sub(lines.len());
    lines.extend(coverage(tile).into_iter().flat_map(|words| wrapped(&words, theme.dim, left)));
    for (y, (line, style)) in (area.y..below).zip(&lines) {
        text::put_fit(buf, area.x, y, area.width, line, *style, &theme.marks);
    }
    // The bars stand at the foot of every tile.
    sparkline::draw(buf, area.x, below, area.width, &tile.weeks, theme);
    sparkline::draw_counts(buf, area.x, below + 1, area.width, &tile.weeks, theme);
}
