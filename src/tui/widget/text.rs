//! Writing text into a buffer: inert, measured in cells, cut with an ellipsis, wrapped at words.
//!
//! All text that may come from outside passes here. Nothing outside the buffer is ever written.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::metrics::breaks::pieces;
use crate::notice::inert;
use crate::tui::theme::Marks;

/// The text without anything a terminal would act on. A variation selector is dropped as well: terminals disagree on its width.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        Cow::Borrowed(text)
    } else {
        let mut text = inert(text);
        text.retain(|c| c != '\u{fe0f}');
        Cow::Owned(text)
    }
}

/// What stands where a title is missing.
pub const UNTITLED: &str = "untitled";

/// A title as it is shown, if anything of it can be seen.
pub fn title(text: &str) -> Option<Cow<'_, str>> {
    Some(clean(text)).filter(|title| !title.trim().is_empty())
}

/// Cells that a clean text takes.
pub fn width(text: &str) -> u16 {
    if text.is_ascii() {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    text.graphemes(true).fold(0, |sum, g| sum.saturating_add(grapheme_width(g)))
}

fn grapheme_width(grapheme: &str) -> u16 {
    // What has a control character in it has no width: `clean` takes it out before it is painted.
    if grapheme.chars().any(char::is_control) { 0 } else { grapheme.cell_width() }
}

/// The text cut to at most `max` cells, an ellipsis where something is cut off.
pub fn fit<'a>(text: &'a str, max: u16, marks: &Marks) -> Cow<'a, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let cells = grapheme_width(grapheme);
        if used + cells > max - 1 {
            break;
        }
        used += cells;
        end = at + grapheme.len();
    }
    Cow::Owned(format!("{}{}", text[..end].trim_end(), marks.ellipsis))
}

/// As [`fit`], cut behind a word where most of the room is used then.
pub fn fit_words<'a>(text: &'a str, max: u16, marks: &Marks) -> Cow<'a, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let first = wrap(text, max.saturating_sub(1)).into_iter().next().unwrap_or_default();
    if width(&first) * 2 < max { fit(text, max, marks) } else { Cow::Owned(format!("{first}{}", marks.ellipsis)) }
}

/// Writes at most `max` cells of the text, and returns the column behind it.
pub fn put(buf: &mut Buffer, x: u16, y: u16, max: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() || max == 0 {
        return x;
    }
    buf.set_stringn(x, y, clean(text), usize::from(max), style).0
}

/// As [`put`], with an ellipsis where the text is cut off.
pub fn put_fit(buf: &mut Buffer, x: u16, y: u16, max: u16, text: &str, style: Style, marks: &Marks) -> u16 {
    let text = clean(text);
    put(buf, x, y, max, &fit(&text, max, marks), style)
}

/// Writes the text so that it ends before `right`, and returns the column it begins at.
pub fn put_right(buf: &mut Buffer, right: u16, y: u16, max: u16, text: &str, style: Style, marks: &Marks) -> u16 {
    let text = clean(text);
    let text = fit(&text, max, marks);
    let x = right.saturating_sub(width(&text));
    put(buf, x, y, max, &text, style);
    x
}

/// Repeats a one-cell mark along a line.
pub fn line(buf: &mut Buffer, x: u16, y: u16, length: u16, mark: &str, style: Style) {
    for at in x..x.saturating_add(length) {
        if let Some(cell) = buf.cell_mut((at, y)) {
            cell.set_symbol(mark).set_style(style);
        }
    }
}

/// The lines of a text wrapped at spaces to at most `max` cells; a number stays with its unit. Longer words are cut.
pub fn wrap(text: &str, max: u16) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = clean(paragraph);
        let mut line = String::new();
        let mut used = 0;
        for word in pieces(&paragraph) {
            let cells = width(word);
            if used > 0 && used + 1 + cells > max {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            if cells <= max {
                line.push_str(word);
                used += cells;
                continue;
            }
            for grapheme in word.graphemes(true) {
                let cells = grapheme_width(grapheme);
                if used + cells > max {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(grapheme);
                used += cells;
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Charset;
    use ratatui::layout::Rect;

    #[test]
    fn a_cut_falls_between_characters_as_read() {
        let marks = Marks::of(Charset::Unicode);
        assert_eq!(fit("日本語", 6, &marks), "日本語");
        assert_eq!(fit("日本語", 5, &marks), "日本…");
        assert_eq!(fit("日本語", 4, &marks), "日…");
        assert_eq!(fit("a👩\u{200d}💻b", 3, &marks), "a…");
        assert_eq!(fit("abc", 0, &marks), "");
        assert_eq!(fit_words("by its name", 10, &marks), "by its…");
        assert_eq!(fit_words("by its name", 11, &marks), "by its name");
        assert_eq!(fit_words("a deploymentgateway", 10, &marks), "a deploym…");
    }

    #[test]
    fn nothing_from_outside_reaches_the_buffer_alive() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
        put(&mut buf, 0, 0, 20, "a\u{1b}[31mb\u{202e}c", Style::default());
        let row: String = buf.content().iter().map(|cell| cell.symbol()).collect();
        assert_eq!(row.trim_end(), "a[31mbc");
    }

    #[test]
    fn writing_outside_the_buffer_does_nothing() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        assert_eq!(put(&mut buf, 9, 0, 5, "x", Style::default()), 9);
        assert_eq!(put(&mut buf, 0, 3, 5, "x", Style::default()), 0);
    }

    #[test]
    fn long_words_are_cut_and_short_ones_kept_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("some 20 %", 7), ["some", "20 %"]);
    }
}
