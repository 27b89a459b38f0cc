//! Several lines that can be typed into: the editor's text, the long fields of forms.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use ratatui_textarea::TextArea;

use super::text::clean;
use super::text_field::Focus;
use crate::tui::theme::Theme;

/// Paints the text, wrapped, with the cursor in view.
pub fn draw(buf: &mut Buffer, area: Rect, lines: &TextArea<'static>, focus: Focus, theme: &Theme) {
    let mut lines = std::borrow::Cow::Borrowed(lines);
    let cursor = if focus == Focus::Yes { theme.cursor } else { Style::default() };
    // The styles belong to the theme, and the theme may have changed since the last frame.
    if lines.cursor_style() != cursor || lines.style() != theme.text || lines.cursor_line_style() != Style::default() {
        let lines = lines.to_mut();
        lines.set_cursor_style(cursor);
        lines.set_cursor_line_style(Style::default());
        lines.set_style(theme.text);
    }
    let lines: &TextArea<'static> = &lines;
    lines.render(area, buf);
    tame(buf, area);
}

/// The text is the person's and stays as it is, but what is painted of it is inert, and without variation selectors: terminals
/// disagree on their width.
fn tame(buf: &mut Buffer, area: Rect) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && !cell.symbol().is_ascii()
            {
                let tame = clean(cell.symbol()).into_owned();
                if tame != cell.symbol() {
                    cell.set_symbol(if tame.is_empty() { " " } else { &tame });
                }
            }
        }
    }
}
