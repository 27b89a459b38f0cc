//! The metrics screen: what is asked, the tiles, the phases, how fresh all of it is. Times are of the day, so that an idle screen stands
//! still.

mod drill;
pub mod explain;
mod linked;
mod tiles;
mod waterfall;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::collection::{STALE_AFTER, Source};
use crate::domain::health::Live;
use crate::metrics::figures::{Figures, Metric};
use crate::metrics::input::MeasuredProject;
use crate::metrics::query::{Definition, Hours, ZoneOf};
use crate::tui::answer::MetricsPage;
use crate::tui::intent::Intent;
use crate::tui::model::Model;
use crate::tui::model::listed::Listed;
use crate::tui::model::metrics::Scope;
use crate::tui::update::metrics::key_of;
use crate::tui::widget::delivery::clock;
use crate::tui::widget::figure as words;
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::text;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    head(model, area, buf);
    let foot = area.bottom().saturating_sub(1);
    if let Some(open) = &model.metrics.drill {
        let inner = Rect::new(area.x, area.y + 1, area.width, foot.saturating_sub(area.y + 1));
        drill::draw(model, open, inner, buf);
    } else {
        text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
        let inner = Rect::new(area.x, area.y + 2, area.width, foot.saturating_sub(area.y + 2));
        body(model, inner, buf);
    }
    if let Some(page) = &model.metrics.page.rows {
        freshness(model, page, Rect::new(area.x, foot, area.width, 1), buf);
    }
}

/// Words over the whole width, wrapped.
fn say(area: Rect, words: &str, style: Style, buf: &mut Buffer) -> u16 {
    let mut y = area.y + 1;
    for line in text::wrap(words, area.width.saturating_sub(4)) {
        if y >= area.bottom() {
            break;
        }
        text::put(buf, area.x + 2, y, area.width.saturating_sub(4), &line, style);
        y += 1;
    }
    y
}

/// What is asked: whose figures, of when, by whose definition.
fn head(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let ask = &model.metrics.ask;
    let scope = match &ask.scope {
        Scope::Here => model.project.as_ref().map_or_else(String::new, |project| project.name.clone()),
        Scope::All => "all projects".to_owned(),
        Scope::Project(_, name) => name.clone(),
    };
    let mut left = vec![Part::new(90, scope, theme.strong), Part::new(100, ask.span.words(), theme.text)];
    if let Some(page) = &model.metrics.page.rows {
        let zone = &page.zone.zone;
        let day = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%d %b").to_string();
        let window = page.figures.window;
        // The end is not in the window: a whole day ends a moment before the next one begins.
        let last = window.to - jiff::SignedDuration::from_nanos(1);
        left.push(Part::new(20, format!("{} to {}", day(window.from), day(last)), theme.dim));
        // Days of another zone than somebody chose are worth more than their dates.
        let (rank, style) = match &page.zone.of {
            ZoneOf::Unknown(_) => (25, theme.warn),
            _ => (15, theme.dim),
        };
        left.extend(page.zone.words().map(|words| Part::new(rank, words, style).short(page.zone.brief())));
    }
    let narrowed = [
        ask.repository.as_ref().map(|(_, name)| format!("repository {name}")),
        ask.service.as_ref().map(|(_, name)| format!("service {name}")),
        ask.team.as_ref().map(|name| format!("team {name}")),
    ];
    left.extend(narrowed.into_iter().flatten().map(|words| Part::new(80, words, theme.warn)));
    match ask.definition {
        Definition::Ours => {}
        Definition::DevLake => left.push(Part::new(85, "as DevLake computes it", theme.warn).short("as DevLake")),
        Definition::FourKeys => left.push(Part::new(85, "as fourkeys computed it", theme.warn).short("as fourkeys")),
    }
    if ask.hours == Hours::Working {
        left.push(Part::new(84, "working hours", theme.warn));
    }
    let mut right = Vec::new();
    let page = &model.metrics.page;
    match (&page.problem, page.loading, &page.rows) {
        (Some(problem), None, Some(_)) => right.push(Part::new(70, problem.text.clone(), theme.bad).short("not read again")),
        // While facts are collected a look in between changes nothing here.
        (_, Some(_), Some(_)) if model.metrics.answered.as_ref() != Some(ask) => right.push(Part::new(60, "working it out", theme.accent)),
        _ => {}
    }
    parts::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), 2, left, right);
}

fn body(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let page = &model.metrics.page;
    let Some(shown) = &page.rows else {
        let (words, style) = match &page.problem {
            Some(problem) => (problem.to_string(), theme.bad),
            None if model.project.is_none() => ("No project is connected: press 5.".to_owned(), theme.dim),
            None => ("loading".to_owned(), theme.dim),
        };
        say(area, &words, style, buf);
        return;
    };
    if shown.projects.iter().all(|project| project.collection.sources.is_empty()) {
        return not_measured(model, area, buf);
    }
    let figures = &shown.figures;
    let y = tiles::draw(model, figures, area, buf);
    let room = area.bottom().saturating_sub(y);
    let gap = u16::from(room > waterfall::WHOLE);
    let rest = Rect::new(area.x, y + gap, area.width, room.saturating_sub(gap));
    if area.width < 72 {
        return explained(model, figures, rest, buf);
    }
    let height = if rest.height >= waterfall::WHOLE { waterfall::WHOLE } else { rest.height };
    waterfall::draw(&figures.phases, Rect { height, ..rest }, theme, buf);
    let below = Rect::new(rest.x, rest.y + height + 1, rest.width, rest.height.saturating_sub(height + 1));
    explained(model, figures, below, buf);
}

/// What the tile of the cursor rests on, where there is room for it.
fn explained(model: &Model, figures: &Figures, area: Rect, buf: &mut Buffer) {
    let Some(tile) = figures.tile(model.metrics.metric).filter(|_| area.height >= 3) else { return };
    let theme = &model.theme;
    let width = area.width.saturating_sub(3);
    let mut y = area.y;
    text::put_fit(buf, area.x + 1, y, width, tile.metric.title(), theme.heading, &theme.marks);
    y += 1;
    // Value and change are in the tile; empty lines are worth their place where it is plenty.
    let all = explain::lines(tile, figures, &Listed::default());
    let from = all.iter().position(String::is_empty).map_or(all.len(), |at| at + 1);
    let mut lines: Vec<(u16, String)> = Vec::new();
    for line in all[from..].iter().filter(|line| !line.is_empty()) {
        let indent = if line.starts_with("  ") { 4 } else { 2 };
        lines.extend(text::wrap(line.trim_start(), width.saturating_sub(indent)).into_iter().map(|line| (indent, line)));
    }
    let room = usize::from(area.bottom().saturating_sub(y));
    let shown = if lines.len() > room { room.saturating_sub(1) } else { room };
    for (indent, line) in lines.iter().take(shown) {
        let style = if *indent == 2 { theme.text } else { theme.dim };
        text::put(buf, area.x + 1 + indent, y, width.saturating_sub(*indent), line, style);
        y += 1;
    }
    if lines.len() > room {
        let words = format!("{} shows the rest", key_of(model, Intent::Formula));
        text::put(buf, area.x + 3, y, width.saturating_sub(2), &words, theme.faint);
    }
}

fn days(count: u64) -> String {
    if count == 1 { "day".to_owned() } else { format!("{} days", words::grouped(count)) }
}

/// Nothing is known yet: what there will be, and how it comes.
fn not_measured(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let collect = key_of(model, Intent::CollectNow);
    let y = say(area, "Nothing is measured here yet.", theme.strong, buf);
    let rest = Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y));
    let dora: Vec<String> = Metric::ALL[..5].iter().map(|metric| metric.title().to_lowercase()).collect();
    let words = format!(
        "{collect} collects pull requests, pipeline runs, deployments and work items of the last {} from Azure DevOps. First figures take seconds, all of it minutes; the board goes on meanwhile.",
        days(model.settings.collected_days)
    );
    let y = say(rest, &words, theme.text, buf);
    let rest = Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y));
    say(rest, &format!("Then: {}; the phases of pull requests; and the rows behind each number.", dora.join(", ")), theme.dim, buf);
}

/// How fresh the figures are: the oldest last sync, the hooks, what is being collected, what Azure DevOps lets us ask.
fn freshness(model: &Model, page: &MetricsPage, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut left = Vec::new();
    match page.figures.as_of {
        Some(at) => {
            let time = clock(at, model.now, &model.settings.zone);
            let stale = model.now.duration_since(at) > STALE_AFTER;
            let words = if stale { format!("stale, as of {time}") } else { format!("as of {time}") };
            left.push(Part::new(100, words, if stale { theme.warn } else { theme.dim }));
        }
        None => left.push(Part::new(100, "not complete yet", theme.warn)),
    }
    left.extend(collecting(&page.projects).map(|words| Part::new(95, words, theme.accent)));
    let refused = page.projects.iter().flat_map(|project| project.collection.sources.iter().filter(|source| source.refused.is_some()));
    let refused: BTreeSet<Source> = refused.map(|source| source.source).collect();
    if let Some(first) = refused.first() {
        let more = if refused.len() > 1 { format!(" and {} more", refused.len() - 1) } else { String::new() };
        left.push(Part::new(90, format!("{} may not read {}{more}", theme.marks.warning, first.words()), theme.warn));
    }
    let failed =
        page.projects.iter().flat_map(|project| project.collection.sources.iter().filter(|source| source.failed.is_some())).count();
    if failed > 0 {
        let words = if failed == 1 { "1 source failed".to_owned() } else { format!("{failed} sources failed") };
        left.push(Part::new(89, format!("{words}; 4 says why"), theme.warn));
    }
    let (hooks, style) = match &model.live.live {
        Live::Now => ("hooks live", theme.good),
        Live::Off => ("no hooks", theme.dim),
        Live::Broken(_) => ("hooks not live", theme.warn),
    };
    let mut right = vec![Part::new(60, hooks, style)];
    if let Some(limit) = page.rate_limit {
        if let Some(until) = limit.waits_until(model.now) {
            right.push(Part::new(93, format!("told to wait until {}", clock(until, model.now, &model.settings.zone)), theme.warn));
        } else if let Some(left) = limit.percent_left(model.now) {
            right.push(Part::new(50, format!("rate limit {left} % left"), if left < 50 { theme.warn } else { theme.dim }));
        }
    }
    parts::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), 2, left, right);
}

/// `collecting 42 %, 1,234 of 2,400`, while something was never read once.
pub fn collecting(projects: &[MeasuredProject]) -> Option<String> {
    let measured = || projects.iter().filter(|project| !project.collection.sources.is_empty());
    if measured().all(|project| project.collection.is_complete()) {
        return None;
    }
    let count = u32::try_from(measured().count()).unwrap_or(u32::MAX).max(1);
    let percent = measured().map(|project| u32::from(project.collection.percent())).sum::<u32>() / count;
    let sources = || measured().flat_map(|project| &project.collection.sources);
    let done: i64 = sources().map(|source| source.done).sum();
    let total: Option<i64> = sources().filter(|source| source.refused.is_none()).map(|source| source.total).sum();
    let number = |count: i64| words::grouped(u64::try_from(count).unwrap_or(0));
    Some(match total {
        Some(total) if total > 0 => format!("collecting {percent} %, {} of {}", number(done.min(total)), number(total)),
        _ if done > 0 => format!("collecting {percent} %, {} so far", number(done)),
        _ => format!("collecting {percent} %"),
    })
}
