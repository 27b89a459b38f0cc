//! Telling a person who looks elsewhere: OSC 9, which terminals show as a notification of the desktop.
//!
//! Sent only for tickets that somebody watches. Terminals that do not know it ignore it; the Linux console and old hardware, which
//! would print it, are left out.

use super::clipboard::Multiplexer;
use crate::notice::inert;

/// Characters of a notification.
const LIMIT: usize = 200;

/// The sequence, or nothing where it would be printed.
pub fn sequence(text: &str, multiplexer: Multiplexer, term: Option<&str>) -> Option<String> {
    if matches!(term, Some("linux" | "vt100" | "vt220" | "vt320" | "dumb")) {
        return None;
    }
    let text: String = inert(text).chars().take(LIMIT).collect();
    // `9;4` is the progress bar of some terminals: words never begin with a number and a semicolon.
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    Some(multiplexer.pass(&format!("\x1b]9;{text}\x07")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_passes_through_what_stands_between() {
        assert_eq!(sequence("ATL-4 is now Merged", Multiplexer::None, Some("xterm")).as_deref(), Some("\x1b]9;ATL-4 is now Merged\x07"));
        assert_eq!(sequence("hi", Multiplexer::Tmux, None).as_deref(), Some("\x1bPtmux;\x1b\x1b]9;hi\x07\x1b\\"));
        assert_eq!(sequence("hi", Multiplexer::Screen, None).as_deref(), Some("\x1bP\x1b]9;hi\x07\x1b\\"));
        assert_eq!(sequence("hi", Multiplexer::None, Some("linux")), None);
    }

    #[test]
    fn nothing_in_it_ends_it_or_begins_another() {
        for text in ["a\x07\x1b]52;c;aGk=\x07", "\u{9c}\u{9d}9;x", "4;1;100", "\r\n\x1b[2J", &"long ".repeat(1_000)] {
            let sequence = sequence(text, Multiplexer::None, None).unwrap_or_default();
            let inside = sequence.strip_prefix("\x1b]9;").and_then(|rest| rest.strip_suffix('\x07')).expect("one sequence");
            assert_eq!(inert(inside), inside);
            assert!(inside.chars().count() <= LIMIT && !inside.starts_with("4;"), "{inside}");
        }
    }
}
