//! Copying text: OSC 52, which the terminal on a person's own machine understands, over SSH and through tmux and screen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Terminals drop longer sequences.
pub const LIMIT: usize = 74_000;

/// Who stands between us and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplexer {
    None,
    Tmux,
    Screen,
}

impl Multiplexer {
    /// From the environment's `TMUX` and `TERM`.
    pub fn detect(tmux: Option<&str>, term: Option<&str>) -> Self {
        if tmux.is_some_and(|value| !value.is_empty()) {
            Self::Tmux
        } else if term.is_some_and(|term| term.starts_with("screen")) {
            Self::Screen
        } else {
            Self::None
        }
    }

    /// A sequence of one escape, wrapped so that it reaches the terminal.
    pub fn pass(self, sequence: &str) -> String {
        match self {
            Self::None => sequence.to_owned(),
            Self::Tmux => format!("\x1bPtmux;\x1b{sequence}\x1b\\"),
            // screen passes at most 768 bytes at once; a character is not cut in two.
            Self::Screen => {
                let mut out = String::new();
                let mut rest = sequence;
                while !rest.is_empty() {
                    let part;
                    (part, rest) = rest.split_at(rest.floor_char_boundary(700));
                    out.push_str(&format!("\x1bP{part}\x1b\\"));
                }
                out
            }
        }
    }
}

/// The sequence that copies a text, or nothing when it is too long.
pub fn sequence(text: &str, multiplexer: Multiplexer) -> Option<String> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > LIMIT {
        return None;
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    let passed = multiplexer.pass(&plain);
    Some(match multiplexer {
        // tmux takes the plain sequence with `set-clipboard on`, and passes a wrapped one on with `allow-passthrough on`.
        Multiplexer::Tmux => format!("{plain}{passed}"),
        Multiplexer::None | Multiplexer::Screen => passed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_passes_through_what_stands_between() {
        assert_eq!(sequence("hi", Multiplexer::None).as_deref(), Some("\x1b]52;c;aGk=\x07"));
        assert!(sequence("hi", Multiplexer::Tmux).is_some_and(|s| s.contains("\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\")));
        assert!(sequence(&"x".repeat(3_000), Multiplexer::Screen).is_some_and(|s| s.matches("\x1bP").count() > 4));
        assert_eq!(sequence(&"x".repeat(100_000), Multiplexer::None), None);
    }

    #[test]
    fn tmux_is_found_by_its_variable_and_screen_by_its_term() {
        assert_eq!(Multiplexer::detect(Some("/tmp/x,1,0"), Some("screen-256color")), Multiplexer::Tmux);
        assert_eq!(Multiplexer::detect(None, Some("screen.xterm-256color")), Multiplexer::Screen);
        assert_eq!(Multiplexer::detect(None, Some("xterm-256color")), Multiplexer::None);
    }
}
