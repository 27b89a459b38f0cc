//! The bar at the top: where we are, what is running, how fresh things are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::board::age_step;
use crate::domain::health::Live;
use crate::tui::model::{Base, Model};
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::text;

/// From this many days on, the days a token has left are worth a word.
const TOKEN_WARNING_DAYS: i64 = 14;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    buf.set_style(area, theme.bar);
    let mut left = vec![Part::new(30, "kanado", theme.brand)];
    if let Some(project) = &model.project {
        left.push(Part::new(60, project.name.clone(), theme.strong));
        left.push(Part::new(10, project.organisation.clone(), theme.bar));
    }
    if model.project.is_some() {
        let screens = [
            (Base::Board, "Board"),
            (Base::PullRequests, "Pull requests"),
            (Base::Metrics, "Metrics"),
            (Base::Activity, "Activity"),
            (Base::Setup, "Setup"),
        ];
        for (rank, (base, words)) in (20..).zip(screens) {
            let here = model.base == base;
            let style = if here { theme.strong } else { theme.bar };
            let number = match base {
                Base::Board => 1,
                Base::PullRequests => 2,
                Base::Metrics => 3,
                Base::Activity => 4,
                _ => 5,
            };
            let part = Part::new(if here { 50 } else { rank }, format!("{number} {words}"), style);
            left.push(if base == Base::PullRequests { part.short(format!("{number} PRs")) } else { part });
        }
    }

    let mut right = Vec::new();
    let running: Vec<_> = model.running_tasks().collect();
    if let Some(task) = running.first() {
        let more = if running.len() > 1 { format!(" +{}", running.len() - 1) } else { String::new() };
        let words = format!("{} {}{more}", theme.marks.running, task.progress.summary());
        right.push(Part::new(70, words, theme.accent).short(format!("{} {}", theme.marks.running, running.len())));
    }
    if let Some(until) = model.rate_limited_until {
        let seconds = until.duration_since(model.now).as_secs().max(1);
        let words = if seconds >= 60 { format!("throttled, waits {}m", seconds / 60) } else { "throttled, waits <1m".into() };
        right.push(Part::new(75, words, theme.warn));
    }
    if let Some(days) = model.token_days_left.filter(|days| *days <= TOKEN_WARNING_DAYS) {
        let (words, style) = match days {
            ..0 => ("token expired".to_owned(), theme.bad),
            0 => ("token expires today".to_owned(), theme.bad),
            _ => (format!("token {days}d left"), theme.warn),
        };
        right.push(Part::new(65, words, style));
    }
    if model.project.is_some() {
        right.extend(freshness(model));
    }
    parts::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), 2, left, right);
}

/// How we know of pull requests: `live`, or why not and how old they are: `no receiver since 3m  poll 4m`, `syncing`, `sync failed`.
fn freshness(model: &Model) -> Vec<Part> {
    let theme = &model.theme;
    let synced_at = model.board.board.as_ref().and_then(|board| board.synced_at);
    if model.sync.failed.is_some() && model.sync.running.is_none() {
        let words = synced_at.map_or_else(|| "sync failed".to_owned(), |at| format!("sync failed, {} old", age_step(at, model.now)));
        return vec![Part::new(90, words, theme.bad).short("sync failed")];
    }
    let mut parts = Vec::new();
    match &model.live.live {
        // A look in between changes nothing of it, and repaints nothing.
        Live::Now => return vec![Part::new(90, "live", theme.good)],
        Live::Broken(why) => {
            let why = text::clean(why);
            parts.push(Part::new(88, text::fit(&why, (model.width / 3).max(24), &theme.marks), theme.warn));
        }
        Live::Off => {}
    }
    parts.push(match synced_at {
        _ if model.sync.running.is_some() => Part::new(90, "syncing", theme.accent),
        Some(at) => Part::new(90, format!("poll {}", age_step(at, model.now)), theme.bar),
        None => Part::new(90, "not synced", theme.warn),
    });
    parts
}
