//! Text to read in a dialog as large as the screen: a delivery's body, steps for a person. Long lines go on below.

use ratatui::buffer::Buffer;
use unicode_segmentation::UnicodeSegmentation;

use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::TextView;
use crate::tui::widget::{panel, text};

pub fn draw(model: &Model, view: &TextView, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 110.min(model.width.saturating_sub(2));
    let height = match (view.loading, &view.problem) {
        (None, None) => {
            let rows = view.lines.iter().flat_map(|line| broken(line, width.saturating_sub(4))).take(usize::from(model.height)).count();
            u16::try_from(rows + 2).unwrap_or(model.height)
        }
        _ => model.height,
    };
    let area = layout::dialog(model.width, model.height, width, height);
    let inner = panel::draw(buf, area, &view.title, &[("j k", "scroll"), ("Esc", "close")], theme);
    let mut rows = view.lines.iter().skip(view.scroll).flat_map(|line| broken(line, inner.width));
    let mut y = inner.top();
    for row in rows.by_ref().take(usize::from(inner.height)) {
        text::put(buf, inner.x, y, inner.width, &row, theme.text);
        y += 1;
    }
    let message = match (&view.problem, view.loading) {
        (Some(problem), _) => Some((problem.to_string(), theme.bad)),
        (None, Some(_)) => Some(("loading".to_owned(), theme.dim)),
        (None, None) => None,
    };
    if let Some((words, style)) = message {
        for (y, line) in (y..inner.bottom()).zip(text::wrap(&words, inner.width)) {
            text::put(buf, inner.x, y, inner.width, &line, style);
        }
    }
}

/// A line cut into pieces that fit, with its spaces as they are.
fn broken(line: &str, width: u16) -> Vec<String> {
    let line = text::clean(line);
    let mut rows = vec![String::new()];
    let mut used = 0;
    for grapheme in line.graphemes(true) {
        let cells = text::width(grapheme);
        if used + cells > width.max(1) {
            rows.push(String::new());
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(grapheme);
        }
        used += cells;
    }
    rows
}
