//! A question that only `y` answers with yes.

use ratatui::buffer::Buffer;

use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::{Confirm, Confirmed};
use crate::tui::widget::{panel, text};

pub fn draw(model: &Model, confirm: &Confirm, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 64.min(model.width.saturating_sub(2));
    let question = text::wrap(&confirm.question, width - 4);
    let lines: Vec<String> = confirm.lines.iter().flat_map(|line| text::wrap(line, width - 4)).collect();
    let height = u16::try_from(question.len() + lines.len()).unwrap_or(u16::MAX).saturating_add(3);
    let area = layout::dialog(model.width, model.height, width, height);
    let hints: &[(&str, &str)] = match confirm.what {
        Confirmed::Quit if model.running_tasks().next().is_none() => &[("y", "quit"), ("Enter", "stay")],
        Confirmed::Quit if width < 60 => &[("y", "stop"), ("f", "finish"), ("Enter", "stay")],
        Confirmed::Quit => &[("y", "stop it, resume later"), ("f", "finish, then quit"), ("Enter", "stay")],
        Confirmed::Replay(_) => &[("y", "try again"), ("Enter", "no")],
        Confirmed::LeaveUnsaved => &[("y", "leave"), ("Enter", "stay")],
        _ => &[("y", "yes"), ("Enter", "no")],
    };
    let inner = panel::draw(buf, area, "", hints, theme);
    let mut y = inner.y;
    for line in &question {
        text::put(buf, inner.x, y, inner.width, line, theme.strong);
        y += 1;
    }
    y += 1;
    for line in &lines {
        if y >= inner.bottom() {
            break;
        }
        text::put(buf, inner.x, y, inner.width, line, theme.text);
        y += 1;
    }
}
