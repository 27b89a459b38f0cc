//! The form for a new ticket.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::form::{NewTicketField as Field, NewTicketForm};
use crate::tui::widget::text_field::{self, Focus};
use crate::tui::widget::{lines_field, panel, text};

/// Cells that labels take.
const LABEL: u16 = 14;

pub fn draw(model: &Model, form: &NewTicketForm, buf: &mut Buffer) {
    let theme = &model.theme;
    let area = layout::dialog(model.width, model.height, 84, 24);
    let hints: &[(&str, &str)] = match form.field {
        Field::Repository | Field::Priority | Field::Assignee => {
            &[("Ctrl+S", "make it"), ("Tab", "next"), ("h l", "change"), ("Esc", "leave")]
        }
        _ => &[("Ctrl+S", "make it"), ("Tab", "next"), ("Esc", "leave, text kept")],
    };
    let inner = panel::draw(buf, area, "New ticket", hints, theme);
    // The two long fields share what the short ones leave.
    let short = 5 + u16::from(form.problem.is_some());
    let rest = inner.height.saturating_sub(short);
    let description = (rest / 2).max(1);
    let criteria = rest.saturating_sub(description).max(1);
    let mut y = inner.y;
    let x = inner.x + LABEL;
    let width = inner.width.saturating_sub(LABEL);
    for field in Field::ALL {
        if y >= inner.bottom() {
            return;
        }
        let focused = form.field == field;
        let focus = Focus::when(focused);
        let rows = match field {
            Field::Description => description,
            Field::Criteria => criteria,
            _ => 1,
        };
        label(model, inner.x, y, name(field), focused, buf);
        let value_style = if focused { theme.strong } else { theme.text };
        match field {
            Field::Title => text_field::draw(buf, x, y, width, &form.title, focus, theme),
            Field::Labels => {
                text_field::draw(buf, x, y, width, &form.labels, focus, theme);
                if !focused && form.labels.is_empty() {
                    text::put_fit(buf, x, y, width, "words, with spaces between", theme.faint, &theme.marks);
                }
            }
            Field::Description => {
                let area = Rect::new(x, y, width, rows.min(inner.bottom() - y));
                extent(model, area, buf);
                lines_field::draw(buf, area, &form.description, focus, theme);
                if !focused && form.description.is_empty() {
                    text::put_fit(buf, x, y, width, "markdown", theme.faint, &theme.marks);
                }
            }
            Field::Criteria => {
                let area = Rect::new(x, y, width, rows.min(inner.bottom() - y));
                extent(model, area, buf);
                lines_field::draw(buf, area, &form.criteria, focus, theme);
                if !focused && form.criteria.is_empty() {
                    text::put_fit(buf, x, y, width, "acceptance criteria, one a line", theme.faint, &theme.marks);
                }
            }
            Field::Repository => {
                choice(model, x, y, width, form.repository_name().unwrap_or("decided when work starts"), value_style, focused, buf)
            }
            Field::Priority => {
                let words = form.priority.map_or_else(
                    || "none".to_owned(),
                    |level| format!("{level}, {}", ["most urgent", "high", "ordinary", "can wait"][usize::from(level.clamp(1, 4) - 1)]),
                );
                choice(model, x, y, width, &words, value_style, focused, buf);
            }
            Field::Assignee => choice(model, x, y, width, if form.mine { "me" } else { "nobody" }, value_style, focused, buf),
        }
        y += rows;
    }
    if let Some(problem) = &form.problem {
        let y = inner.bottom().saturating_sub(1);
        text::put_fit(buf, inner.x, y, inner.width, &problem.text, theme.bad, &theme.marks);
    } else if form.sending.is_some() {
        text::put(buf, inner.x, inner.bottom().saturating_sub(1), inner.width, "making it", theme.dim);
    }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Title => "Title",
        Field::Description => "Description",
        Field::Criteria => "Criteria",
        Field::Labels => "Labels",
        Field::Repository => "Repository",
        Field::Priority => "Priority",
        Field::Assignee => "Assign to",
    }
}

/// A field's name, with the bar when it has the keyboard.
pub fn label(model: &Model, x: u16, y: u16, name: &str, focused: bool, buf: &mut Buffer) {
    let theme = &model.theme;
    if focused {
        text::put(buf, x, y, 1, theme.marks.bar, theme.accent);
    }
    text::put(buf, x + 1, y, LABEL - 1, name, if focused { theme.strong } else { theme.dim });
}

/// How far a field of several lines reaches: a faint line at its left.
pub fn extent(model: &Model, area: Rect, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        text::put(buf, area.x.saturating_sub(1), y, 1, model.theme.marks.upright, model.theme.faint);
    }
}

/// A value that is turned through: `‹ alice ›` when it has the keyboard.
#[allow(clippy::too_many_arguments)] // a place, a value and how it looks; a struct would be built and taken apart at once
pub fn choice(model: &Model, x: u16, y: u16, width: u16, value: &str, style: ratatui::style::Style, focused: bool, buf: &mut Buffer) {
    let theme = &model.theme;
    if !focused {
        text::put_fit(buf, x, y, width, value, style, &theme.marks);
        return;
    }
    let at = text::put(buf, x, y, 2, theme.marks.left, theme.key) + 1;
    let at = text::put_fit(buf, at, y, (x + width).saturating_sub(at + 2), value, style, &theme.marks) + 1;
    text::put(buf, at, y, 1, theme.marks.right, theme.key);
}
