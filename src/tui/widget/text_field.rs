//! A line that can be typed into, with its label.

use ratatui::buffer::Buffer;
use unicode_segmentation::UnicodeSegmentation;

use super::text;
use crate::tui::model::text_field::{Echo, TextField};
use crate::tui::theme::Theme;

/// Whether a field has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    Yes,
    No,
}

impl Focus {
    pub fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}

/// Paints the field's text; the part with the cursor stays in view.
pub fn draw(buf: &mut Buffer, x: u16, y: u16, max: u16, field: &TextField, focus: Focus, theme: &Theme) {
    let (before, after) = field.split();
    let hide = |text: &str| "*".repeat(text.graphemes(true).count());
    let (before, after) = match field.echo {
        Echo::Shown => (before.to_owned(), after.to_owned()),
        Echo::Hidden => (hide(before), hide(after)),
    };
    let style = if focus == Focus::Yes { theme.field } else { theme.text };
    text::line(buf, x, y, max, " ", style);
    if focus == Focus::No {
        text::put_fit(buf, x, y, max, &format!("{before}{after}"), style, &theme.marks);
        return;
    }
    // Cut from the left until the cursor fits.
    let mut shown = before.as_str();
    while text::width(shown) + 1 > max {
        let Some(first) = shown.graphemes(true).next() else { break };
        shown = &shown[first.len()..];
    }
    let at = text::put(buf, x, y, max, shown, style);
    let under = after.graphemes(true).next().unwrap_or(" ");
    let rest = after.get(under.len()..).unwrap_or("");
    let at = text::put(buf, at, y, (x + max).saturating_sub(at), under, style.patch(theme.cursor));
    text::put(buf, at, y, (x + max).saturating_sub(at), rest, style);
}
