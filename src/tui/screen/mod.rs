//! Painting a model: the bar, the screen, the foot, and the dialog over them. Reads the model, writes the buffer, nothing else.

pub mod activity;
mod bar;
pub mod board;
pub mod collection;
mod confirm;
mod conflict;
pub mod editor;
mod foot;
pub mod metrics;
mod new_ticket;
mod picker;
mod prompt;
mod pull_request_form;
pub mod pull_requests;
mod setup;
mod spec_plan;
mod start_work;
mod text_view;
pub mod ticket;
mod webhooks;
mod welcome;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::Line;

use super::layout::{self, MIN_HEIGHT, MIN_WIDTH};
use super::model::overlay::Overlay;
use super::model::{Base, Model};
use super::theme::{Charset, Theme};
use super::widget::text;

/// Paints the whole screen.
pub fn draw(model: &Model, buf: &mut Buffer) {
    let (width, height) = (buf.area.width, buf.area.height);
    if layout::is_too_small(width, height) {
        return too_small(width, height, buf);
    }
    let parts = layout::parts(width, height);
    bar::draw(model, parts.bar, buf);
    if let Some(editor) = &model.editor {
        editor::draw(model, editor, parts.body, buf);
    } else if let Some(ticket) = &model.ticket {
        ticket::draw(model, ticket, parts.body, buf);
    } else {
        match model.base {
            Base::Welcome => welcome::draw(model, parts.body, buf),
            Base::Board => board::draw(model, buf),
            Base::PullRequests => pull_requests::draw(model, parts.body, buf),
            Base::Metrics => metrics::draw(model, parts.body, buf),
            Base::Activity => activity::draw(model, parts.body, buf),
            Base::Setup => setup::draw(model, parts.body, buf),
        }
    }
    foot::draw(model, parts.foot, buf);
    match &model.overlay {
        None => {}
        Some(Overlay::Start(dialog)) => start_work::draw(model, dialog, buf),
        Some(Overlay::SpecPlan(dialog)) => spec_plan::draw(model, dialog, buf),
        Some(Overlay::Confirm(confirm)) => confirm::draw(model, confirm, buf),
        Some(Overlay::Picker(picker)) => picker::draw(model, picker, buf),
        Some(Overlay::Prompt(prompt)) => prompt::draw(model, prompt, buf),
        Some(Overlay::NewTicket(form)) => new_ticket::draw(model, form, buf),
        Some(Overlay::PullRequest(form)) => pull_request_form::draw(model, form, buf),
        Some(Overlay::Diff(view)) => spec_plan::draw_diff(model, view, buf),
        Some(Overlay::Conflict(view)) => conflict::draw(model, view, buf),
        Some(Overlay::Text(view)) => text_view::draw(model, view, buf),
        Some(Overlay::Task(id)) => activity::draw_task(model, *id, buf),
        Some(Overlay::Hooks(dialog)) => webhooks::draw_plan(model, dialog, buf),
        Some(Overlay::Secret(view)) => webhooks::draw_secret(model, view, buf),
        Some(Overlay::PullRequestFacts(row)) => pull_requests::draw_facts(model, row, buf),
    }
    if model.theme.charset() == Charset::Ascii {
        to_ascii(buf);
    }
}

/// Text from outside may hold anything. Where the terminal shows ASCII only, the rest is shown as near as one cell allows.
fn to_ascii(buf: &mut Buffer) {
    for cell in buf.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        let near = match cell.symbol() {
            "\u{a0}" | "\u{202f}" => " ",
            "‘" | "’" | "‚" => "'",
            "“" | "”" | "„" | "«" | "»" => "\"",
            "‐" | "‑" | "‒" | "–" | "—" => "-",
            "•" | "·" => "*",
            _ => "?",
        };
        cell.set_symbol(near);
    }
}

fn too_small(width: u16, height: u16, buf: &mut Buffer) {
    let words = format!("The terminal is {width}x{height}; kanado needs {MIN_WIDTH}x{MIN_HEIGHT}.");
    for (y, line) in (0..height).zip(text::wrap(&words, width)) {
        text::put(buf, 0, y, width, &line, Style::default());
    }
}

/// Paints as many lines as fit, from the given one on. One that is too long ends in an ellipsis.
fn put_lines(buf: &mut Buffer, area: ratatui::layout::Rect, lines: &[Line<'static>], from: usize, theme: &Theme) {
    for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(from)) {
        let (end, _) = buf.set_line(area.x, y, line, area.width);
        if end + 1 >= area.right() && line.width() > usize::from(area.width) {
            text::put(buf, area.right().saturating_sub(1), y, 1, theme.marks.ellipsis, theme.dim);
        }
    }
}
