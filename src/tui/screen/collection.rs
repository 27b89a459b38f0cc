//! How the collection of facts stands: of a project in a line, and source by source. Times are of the day, so that nothing is repainted
//! by itself.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::collection::{Source, SourceState};
use crate::domain::rate_limit::{Distance, Known, Times};
use crate::metrics::input::MeasuredProject;
use crate::tui::model::Model;
use crate::tui::widget::delivery::clock;
use crate::tui::widget::figure as words;
use crate::tui::widget::text;

use super::metrics::collecting;

/// A project in a line: `collecting 42 %, 617 of 1,240`, `figures as of 08:56:00`.
pub fn summary(model: &Model, project: &MeasuredProject) -> (String, Style) {
    let theme = &model.theme;
    let collection = &project.collection;
    if collection.sources.is_empty() {
        return ("not measured".to_owned(), theme.dim);
    }
    if let Some(words) = collecting(std::slice::from_ref(project)) {
        return (words, theme.accent);
    }
    let trouble = collection.sources.iter().any(|state| state.failed.is_some() || state.is_stale(model.now));
    let words = match collection.last_sync() {
        Some(at) => format!("figures as of {}", clock(at, model.now, &model.settings.zone)),
        None => "nothing can be read".to_owned(),
    };
    (words, if trouble { theme.warn } else { theme.dim })
}

/// The open project source by source: when it was read last, how far, what failed, what may not be read and what to do about it.
pub fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let here = model.project.as_ref().map(|project| project.id);
    let Some(all) = &model.collections.rows else { return Vec::new() };
    let Some(project) = all.projects.iter().find(|project| Some(project.id) == here) else { return Vec::new() };
    let (words, style) = summary(model, project);
    let mut lines =
        vec![Line::from(vec![Span::styled(format!("{}  ", text::clean(&project.name)), theme.strong), Span::styled(words, style)])];
    if let Some(from) = project.collection.from {
        let day = from.to_zoned(model.settings.metrics_zone.clone()).strftime("%d %b %Y");
        lines.push(Line::styled(format!("covers what happened since {day}"), theme.dim));
    }
    lines.extend(all.rate_limit.map(|known| limit_line(model, &known, width)).into_iter().flatten());
    if project.collection.sources.is_empty() {
        lines.push(Line::styled("r on the metrics screen begins: press 3.", theme.dim));
        return lines;
    }
    lines.push(Line::default());
    for source in Source::ALL {
        if let Some(state) = project.collection.source(source) {
            push(model, state, width, &mut lines);
        }
    }
    lines
}

/// In the words of `kanado health`.
fn limit_line(model: &Model, known: &Known, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let time = |at| clock(at, model.now, &model.settings.zone);
    let is_short = known.percent_left(model.now).is_some_and(|left| left < 50);
    let style = if is_short || known.distance(model.now) == Distance::Waiting { theme.warn } else { theme.dim };
    let words = format!("rate limit: {}", known.words(model.now, &Times::OfDay(&time)));
    text::wrap(&words, width.saturating_sub(4)).into_iter().map(|line| Line::styled(line, style)).collect()
}

/// A source in a line; why it is not read goes on below.
fn push(model: &Model, state: &SourceState, width: u16, lines: &mut Vec<Line<'static>>) {
    let theme = &model.theme;
    let time = |at| clock(at, model.now, &model.settings.zone);
    let number = |count: i64| words::grouped(u64::try_from(count).unwrap_or(0));
    let progress = match state.total {
        Some(total) if total > 0 => format!("{} of {}", number(state.done.min(total)), number(total)),
        _ if state.done > 0 => format!("{} so far", number(state.done)),
        _ => String::new(),
    };
    let (mark, words, style) = if state.refused.is_some() {
        (theme.marks.cross, "may not be read".to_owned(), theme.warn)
    } else if state.failed.is_some() {
        let last = state.synced_at.map_or_else(|| "never read".to_owned(), |at| format!("last read {}", time(at)));
        (theme.marks.cross, format!("failed, {last}"), theme.bad)
    } else if state.backfilled_at.is_none() {
        (theme.marks.running, format!("collecting {progress}"), theme.accent)
    } else {
        match state.synced_at {
            Some(at) if state.is_stale(model.now) => (theme.marks.warning, format!("stale, last read {}", time(at)), theme.warn),
            Some(at) => (theme.marks.tick, format!("read {}", time(at)), theme.good),
            None => (theme.marks.open, "not read yet".to_owned(), theme.dim),
        }
    };
    lines.push(Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(format!("{:<22}", state.source.words()), theme.text),
        Span::styled(words.trim_end().to_owned(), style),
    ]));
    for why in [&state.refused, &state.failed].into_iter().flatten() {
        for line in text::wrap(why, width.saturating_sub(8)) {
            lines.push(Line::styled(format!("    {line}"), theme.text));
        }
    }
}
