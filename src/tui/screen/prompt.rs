//! One line to type, in a dialog: what may be written is below it, and what is wrong with it.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::Prompt;
use crate::tui::widget::text_field::{self, Focus};
use crate::tui::widget::{panel, text};

pub fn draw(model: &Model, prompt: &Prompt, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 64.min(model.width.saturating_sub(2));
    let mut below: Vec<(String, Style)> = Vec::new();
    let mut add = |words: &str, style| below.extend(text::wrap(words, width - 4).into_iter().map(|line| (line, style)));
    match (&prompt.problem, prompt.waiting) {
        (Some(problem), _) => {
            add(&problem.text, theme.bad);
            problem.hint.iter().for_each(|hint| add(hint, theme.text));
        }
        (None, Some(_)) => add("writing", theme.accent),
        (None, None) => add(prompt.about, theme.dim),
    }
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(4);
    let area = layout::dialog(model.width, model.height, width, height);
    let inner = panel::draw(buf, area, prompt.title, &[("Enter", "go"), ("Esc", "close")], theme);
    text_field::draw(buf, inner.x, inner.y, inner.width, &prompt.field, Focus::Yes, theme);
    for (y, (line, style)) in (inner.y + 2..inner.bottom()).zip(&below) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}
