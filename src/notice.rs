//! Words for people: a message with a hint, and making text from outside inert.
//!
//! Everything that reaches a terminal, a window title, a log or a clipboard from outside passes [`inert`] or [`inert_lines`] first.

use std::fmt;

/// What happened, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub hint: Option<String>,
}

impl Notice {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

/// An error that can tell a person what to do about it.
pub trait Explain: std::error::Error {
    /// What to do next, in an imperative sentence without a final full stop.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether the same attempt may succeed a moment later, unchanged.
    fn is_transient(&self) -> bool {
        false
    }

    /// The message and the hint, inert.
    fn notice(&self) -> Notice {
        Notice { text: inert(&self.to_string()), hint: self.hint().map(|hint| inert(&hint)) }
    }
}

/// Whether a character must never reach a terminal from outside: controls (C0, C1, DEL), bidirectional overrides and isolates,
/// zero-width marks that hide text, line and paragraph separators, and tag characters. The zero-width joiner stays: emoji need it.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{061c}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line, with nothing in it that a terminal would act on. Line breaks and tabs become spaces.
pub fn inert(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\t' => Some(' '),
            '\r' => None,
            c if is_active(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Several lines, with nothing in them that a terminal would act on. Line breaks stay, tabs become four spaces.
pub fn inert_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if is_active(c) => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_move_the_cursor_or_reverse_the_line() {
        assert_eq!(inert("a\u{1b}[2Jb\u{202e}c\u{7}\u{9b}31m\r\nd"), "a[2Jbc31m d");
        assert_eq!(inert_lines("a\n\tb\u{1b}]0;x\u{7}"), "a\n    b]0;x");
    }

    #[test]
    fn emoji_joined_of_several_characters_stay_whole() {
        assert_eq!(inert("👩\u{200d}💻 ok"), "👩\u{200d}💻 ok");
    }
}
