//! One line of text being typed: the text, the cursor, and whether it is shown.
//!
//! The cursor moves by what a reader sees as one character. Nothing here paints.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use crate::notice::inert;
use crate::tui::key::{Code, Key};

/// Whether what is typed can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    #[default]
    Shown,
    /// A token: dots instead of characters, and nothing in `Debug`.
    Hidden,
}

/// One line of text with a cursor.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TextField {
    text: String,
    /// Byte offset, always on a boundary of a grapheme cluster.
    cursor: usize,
    pub echo: Echo,
}

/// Longer pastes are cut: no field of ours needs more, and a pasted megabyte must not stall the screen.
const LIMIT: usize = 4_000;

impl TextField {
    pub fn new(text: &str) -> Self {
        let text = inert(text);
        Self { cursor: text.len(), text, echo: Echo::Shown }
    }

    pub fn hidden() -> Self {
        Self { echo: Echo::Hidden, ..Self::default() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The text before and after the cursor.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    pub fn set(&mut self, text: &str) {
        self.text = inert(text);
        self.cursor = self.text.len();
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.cursor = 0;
    }

    /// Whether the key belonged to the field.
    pub fn handle(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        match (key.code, key.ctrl) {
            (Code::Backspace, false) => {
                let start = self.before();
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            (Code::Delete, false) => {
                let end = self.after();
                self.text.replace_range(self.cursor..end, "");
            }
            (Code::Left, false) => self.cursor = self.before(),
            (Code::Right, false) => self.cursor = self.after(),
            (Code::Home, false) => self.cursor = 0,
            (Code::End, false) => self.cursor = self.text.len(),
            (Code::Char('e'), true) => self.cursor = self.text.len(),
            (Code::Char('u'), true) => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            (Code::Char('k'), true) => self.text.truncate(self.cursor),
            (Code::Char('w'), true) => {
                let head = self.text[..self.cursor].trim_end();
                let start = head.rfind(char::is_whitespace).map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            _ => return false,
        }
        true
    }

    /// Text from the clipboard: one line of it, inert.
    pub fn paste(&mut self, text: &str) {
        self.insert(&inert(text.trim_end_matches(['\r', '\n'])));
    }

    fn insert(&mut self, text: &str) {
        let room = LIMIT.saturating_sub(self.text.len());
        let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.text.insert_str(self.cursor, &text[..end]);
        self.cursor += end;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |g| self.cursor + g.len())
    }
}

impl fmt::Debug for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.echo {
            Echo::Shown => f.debug_struct("TextField").field("text", &self.text).field("cursor", &self.cursor).finish(),
            Echo::Hidden => f.write_str("TextField(hidden)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> TextField {
        let mut field = TextField::default();
        for c in keys.chars() {
            field.handle(Key::char(c));
        }
        field
    }

    #[test]
    fn the_cursor_steps_over_a_joined_emoji_as_one() {
        let mut field = TextField::new("a👩\u{200d}💻");
        field.handle(Key::new(Code::Left));
        assert_eq!(field.split().0, "a");
        field.handle(Key::new(Code::Delete));
        assert_eq!(field.text(), "a");
    }

    #[test]
    fn ctrl_w_takes_the_last_word_and_ctrl_u_the_rest() {
        let mut field = typed("one two  three");
        field.handle(Key::ctrl('w'));
        assert_eq!(field.text(), "one two  ");
        field.handle(Key::ctrl('w'));
        assert_eq!(field.text(), "one ");
        field.handle(Key::ctrl('u'));
        assert_eq!(field.text(), "");
    }

    #[test]
    fn a_paste_is_one_inert_line_within_the_limit() {
        let mut field = TextField::default();
        field.paste("one\u{1b}[31m\ntwo\n");
        assert_eq!(field.text(), "one[31m two");
        field.paste(&"é".repeat(10_000));
        assert!(field.text().len() <= LIMIT);
    }

    #[test]
    fn a_hidden_field_shows_nothing_in_debug() {
        let mut field = TextField::hidden();
        field.paste("canary");
        assert!(!format!("{field:?}").contains("canary"));
    }
}
