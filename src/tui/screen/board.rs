//! The board: lanes of cards, and the preview beside them. Only what is visible is painted, however many cards there are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::board::Column;
use crate::tui::actions::Context;
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::screen::ticket;
use crate::tui::widget::card::{self, Marked, Place, Selection};
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::{markdown, text};

pub fn draw(model: &Model, buf: &mut Buffer) {
    let layout = layout::board(model);
    if let Some(area) = layout.strip {
        strip(model, area, buf);
    }
    let Some(board) = &model.board.board else {
        let body = layout::parts(model.width, model.height).body;
        let words = if model.project.is_some() { "loading the board" } else { "no project is open: g o" };
        text::put(buf, body.x + 2, body.y + 2, body.width.saturating_sub(4), words, model.theme.dim);
        return;
    };
    for (at, area) in &layout.lanes {
        if layout.head > 0 {
            head(model, *at, *area, layout.visible, layout.head, &layout, buf);
        }
        lane(model, *at, *area, &layout, buf);
    }
    if board.cards.is_empty() {
        empty(model, buf);
    } else if model.board.is_filtered() && model.board.lanes.iter().all(|lane| lane.cards.is_empty()) {
        let (_, area) = layout.lanes[0];
        let y = area.y + layout.head + 1;
        let room = model.width.saturating_sub(area.x + 2);
        text::put_fit(buf, area.x + 1, y, room, "no card matches the filter; Esc clears it", model.theme.dim, &model.theme.marks);
    }
    if let Some(area) = layout.preview {
        preview(model, area, buf);
    }
}

fn column(model: &Model, at: usize) -> Option<&Column> {
    model.settings.columns.get(at)
}

/// The count of a lane, over its limit or filtered: `3`, `3/4`, `2 of 12`.
fn count(model: &Model, at: usize) -> (String, bool) {
    let shown = model.board.lanes.get(at).map_or(0, |lane| lane.cards.len());
    let limit = column(model, at).and_then(|column| column.wip_limit);
    let total = model.board.total(&model.settings.columns, at);
    let over = limit.is_some_and(|limit| total > usize::try_from(limit).unwrap_or(usize::MAX));
    let words = match limit {
        _ if model.board.is_filtered() => format!("{shown} of {total}"),
        Some(limit) => format!("{total}/{limit}"),
        None => total.to_string(),
    };
    (words, over)
}

fn head(model: &Model, at: usize, area: Rect, visible: usize, rows: u16, layout: &layout::BoardLayout, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(column) = column(model, at) else { return };
    let focused = at == model.board.lane;
    let status = column.statuses.first().copied().unwrap_or(crate::domain::status::Status::Todo);
    let (words, over) = count(model, at);
    let shown = words.split(' ').next().unwrap_or_default().to_owned();
    // Bold only: a colour would cost more bytes a move than all the rest.
    let name = if focused { theme.strong } else { theme.text };
    // Other lanes to the left or right are out of sight where not all fit.
    let first = layout.lanes.first().is_some_and(|(first, _)| *first == at && at > 0);
    let last = layout.lanes.last().is_some_and(|(last, _)| *last == at && at + 1 < model.settings.columns.len());
    let dot = if first { theme.marks.left } else { theme.marks.dot };
    let x = text::put(buf, area.x, area.y, 1, dot, theme.status(status)) + 1;
    let left = vec![
        Part::new(9, column.name.clone(), name)
            .short(text::fit(&column.name, area.width.saturating_sub(8).max(4), &theme.marks).into_owned()),
        Part::new(8, words, if over { theme.warn } else { theme.dim }).short(shown),
    ];
    let mut right = Vec::new();
    if let Some(lane) = model.board.lanes.get(at) {
        let below = lane.cards.len().saturating_sub(lane.offset + visible);
        if below > 0 {
            right.push(Part::new(2, format!("{}{below}", theme.marks.more), theme.dim));
        }
    }
    if last {
        right.push(Part::new(5, theme.marks.right, theme.dim));
    }
    parts::put(buf, x, area.y, area.right().saturating_sub(x), 1, left, right);
    if rows > 1 {
        text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
    }
}

fn lane(model: &Model, at: usize, area: Rect, layout: &layout::BoardLayout, buf: &mut Buffer) {
    let Some(lane) = model.board.lanes.get(at) else { return };
    let top = area.y + layout.head;
    for (slot, row) in (lane.offset..lane.cards.len()).take(layout.visible).enumerate() {
        let Some(card) = model.board.card_at(at, row) else { continue };
        let y = top + u16::try_from(slot).unwrap_or(0) * layout.pitch;
        let selection = if at == model.board.lane && row == lane.row { Selection::Selected } else { Selection::No };
        let running = model.task_on(&card.key).map(|task| &task.progress);
        let following = model.live.following();
        let place = Place { x: area.x, y, width: area.width, title_rows: layout.title_rows, now: model.now, following };
        let marked = Marked { selection, watched: model.watching.contains(&card.key) };
        card::draw(buf, place, card, marked, running, &model.theme);
    }
}

/// One line with all lanes, where only one is painted: ` To Do 3  In Progress 2  [PR Open 4]`.
fn strip(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut left = Vec::new();
    for (at, column) in model.settings.columns.iter().enumerate() {
        let (words, over) = count(model, at);
        let here = at == model.board.lane;
        let style = if here {
            theme.accent
        } else if over {
            theme.warn
        } else {
            theme.dim
        };
        let name = format!("{} {words}", column.name);
        let far = u8::try_from(at.abs_diff(model.board.lane)).unwrap_or(9).min(9);
        let part =
            if here { Part::new(50, format!("{}{name}", theme.marks.bar), style) } else { Part::new(20 - far, name, style).short(words) };
        left.push(part);
    }
    parts::put(buf, area.x, area.y, area.width, 2, left, Vec::new());
}

fn empty(model: &Model, buf: &mut Buffer) {
    let theme = &model.theme;
    let body = layout::parts(model.width, model.height).body;
    let (x, y) = (body.x + 2, body.y + body.height / 3);
    let end = body.right().saturating_sub(2);
    text::put_fit(buf, x, y, end.saturating_sub(x), "No tickets yet.", theme.strong, &theme.marks);
    let key = |intent| model.keymap.shown(Context::Board, intent);
    let ways = [
        (key(Intent::NewTicket), "makes the first one"),
        (key(Intent::ShowSetup), "links the repositories that tickets are for"),
        (Some("kanado import".to_owned()), "reads the specs of a branch"),
    ];
    for (y, (key, words)) in (y + 2..).zip(ways.iter().filter_map(|(key, words)| Some((key.as_deref()?, *words)))) {
        text::put(buf, x, y, 14, key, theme.key);
        text::put_fit(buf, x + 15, y, end.saturating_sub(x + 15), words, theme.dim, &theme.marks);
    }
}

fn preview(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    for y in area.top()..area.bottom() {
        text::put(buf, area.x, y, 1, theme.marks.upright, theme.faint);
    }
    let area = Rect::new(area.x + 2, area.y, area.width.saturating_sub(3), area.height);
    let Some(card) = model.board.selected_card() else { return };
    let Some(detail) = model.board.detail.as_ref() else { return };
    let title = text::title(&card.title).unwrap_or(text::UNTITLED.into());
    if detail.ticket.key != card.key {
        // The last one stays until the new one is here, but under its own name.
        text::put_fit(buf, area.x, area.y, area.width, &format!("{} {title}", card.key), theme.strong, &theme.marks);
        return;
    }
    let mut lines: Vec<Line<'static>> = Vec::new();
    for line in text::wrap(&format!("{} {title}", card.key), area.width) {
        lines.push(Line::styled(line, theme.strong));
    }
    lines.push(ticket::facts_line(model, detail, area.width));
    lines.push(Line::default());
    lines.extend(markdown::render(ticket::body_of(&detail.spec.text), area.width, theme).lines);
    let last = lines.len().saturating_sub(usize::from(area.height));
    super::put_lines(buf, area, &lines, usize::from(model.board.preview_scroll).min(last), theme);
}
