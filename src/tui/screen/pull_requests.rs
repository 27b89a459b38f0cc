//! The list of pull requests: mine, to review, all. One line each, with how we know and how old it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::board::votes;
use crate::domain::pull_request::PullRequestStatus;
use crate::tui::answer::PullRequestRow;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::pull_requests::Section;
use crate::tui::widget::card::{check_part, first_name, freshness, merge_words, thread_part, vote_parts};
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::pull_request::{lines, status_words};
use crate::tui::widget::story;
use crate::tui::widget::tabs::{self, Tab};
use crate::tui::widget::{panel, text};

/// Cells of the longest age: `stale 12m`.
const FRESH: usize = 9;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let list = &model.pull_requests;
    let names = Section::ALL.iter().zip(list.counts).map(|(section, count)| Tab::new(format!("{} {count}", section.title())));
    let x =
        tabs::draw(buf, Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), 1), 2, names.collect(), list.section as usize, theme)
            + 2;
    if !list.filter.is_empty() {
        let words = format!("/ {}", list.filter.text());
        text::put_right(buf, area.right().saturating_sub(1), area.y, area.width.saturating_sub(x), &words, theme.warn, &theme.marks);
    }
    text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
    let Some(rows) = &list.rows else {
        text::put(buf, area.x + 2, area.y + 2, area.width, "loading", theme.dim);
        return;
    };
    if list.shown.is_empty() {
        let words = match list.section {
            _ if !list.filter.is_empty() => "nothing matches the filter; Esc clears it",
            Section::Mine => "You have no open pull request. P on a ticket opens one.",
            Section::ToReview => "Nobody waits for your review.",
            Section::All => "No pull request is known. R looks for them.",
        };
        text::put(buf, area.x + 2, area.y + 3, area.width.saturating_sub(4), words, theme.dim);
        return;
    }
    let top = area.y + 2;
    let visible = layout::list_rows(model);
    for (slot, at) in list.shown.iter().skip(list.offset).take(visible).enumerate() {
        let y = top + u16::try_from(slot).unwrap_or(0);
        row(model, &rows[*at], y, area, list.offset + slot == list.cursor, buf);
    }
}

fn row(model: &Model, row: &PullRequestRow, y: u16, area: Rect, selected: bool, buf: &mut Buffer) {
    let theme = &model.theme;
    let known = &row.pull_request;
    let facts = &known.facts;
    if selected {
        text::put(buf, area.x, y, 1, theme.marks.bar, theme.accent);
    }
    let number = format!("!{:<5}", facts.number);
    let at = text::put(buf, area.x + 1, y, 7, &number, if selected { theme.strong } else { theme.dim });
    let (fresh, fresh_style) = freshness(model.live.following(), known.source, known.seen_at, model.now, theme);
    let mut right = Vec::new();
    let mut state = Vec::new();
    if facts.status == PullRequestStatus::Active {
        if facts.is_draft {
            state.push(Part::new(60, "draft", theme.dim));
        }
        if let Some((words, style)) = merge_words(facts.merge, theme) {
            state.push(Part::new(95, words, style).short(theme.marks.warning));
        }
        state.extend(vote_parts(&votes(&facts.reviewers), theme));
        state.extend(known.checks.and_then(|checks| check_part(checks, theme)));
        state.extend(known.threads.and_then(|threads| thread_part(threads, theme)));
    } else {
        let (words, style) = status_words(facts.status, theme);
        state.push(Part::new(95, words, style));
    }
    right.extend(state);
    // Ages stand in a column of their own, so that what is before them lines up as well.
    right.push(Part::new(94, format!("{fresh:>FRESH$}"), fresh_style).short(fresh));

    // The title takes what is left when everything else has its place.
    let wide = area.width >= 100;
    let side: u16 = match area.width {
        100.. => 46,
        60..100 => 26,
        // A title that cannot be read is worth less than the rest.
        _ => 16,
    };
    let end = area.right().saturating_sub(1);
    let split = end.saturating_sub(side);
    // A title that begins with the ticket's key would say it twice.
    let own_key = row.ticket.as_ref().map(ToString::to_string);
    let rest = own_key.and_then(|key| facts.title.strip_prefix(&key)).filter(|rest| rest.starts_with([':', ' ', '-']));
    let title = rest.map_or(facts.title.as_str(), |rest| rest.trim_start_matches([':', ' ', '-']));
    let title_at = match &row.ticket {
        Some(key) if model.watching.contains(key) => text::put(buf, at, y, 14, &format!("{key} {} ", theme.marks.watched), theme.info),
        Some(key) => text::put(buf, at, y, 12, &format!("{key} "), theme.info),
        None => at,
    };
    text::put_fit(buf, title_at, y, split.saturating_sub(title_at + 1), title, theme.text, &theme.marks);
    let mut left = Vec::new();
    if wide {
        left.push(
            Part::new(30, known.repository_name.clone(), theme.dim).short(text::fit(&known.repository_name, 10, &theme.marks).into_owned()),
        );
        left.push(Part::new(20, first_name(&facts.author.display_name), theme.dim));
    }
    parts::put(buf, split, y, side, 1, left, right);
}

/// Everything of a pull request that no ticket follows, as its dialog shows it.
pub fn facts_lines(model: &Model, row: &PullRequestRow, width: u16) -> Vec<ratatui::text::Line<'static>> {
    let story = story::lines(model, &row.pull_request, width);
    lines(&row.pull_request, story, width, model.live.following(), model.now, &model.theme)
}

/// The room that the dialog has for them.
pub fn facts_area(model: &Model) -> Rect {
    let area = layout::dialog(model.width, model.height, 92, model.height);
    Rect::new(area.x + 2, area.y + 1, area.width.saturating_sub(4), area.height.saturating_sub(2))
}

/// A pull request that no ticket follows, in a dialog.
pub fn draw_facts(model: &Model, row: &PullRequestRow, buf: &mut Buffer) {
    let area = layout::dialog(model.width, model.height, 92, model.height);
    let hints = [("j k", "scroll"), ("o", "browser"), ("Esc", "close")];
    let inner = panel::draw(buf, area, "Pull request", &hints, &model.theme);
    super::put_lines(buf, inner, &facts_lines(model, row, inner.width), model.story.scroll, &model.theme);
}
