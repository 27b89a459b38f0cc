//! `[keys]`: which keys a person wants for which action, as written. Which actions exist, and which chords are in each other's
//! way within a screen, is for the screen's catalogue to say; lines are kept so that it can name them.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::read::Lines;

/// A key without its modifiers. Letters stand for what they type: `G` is `Char('G')`, space is `Char(' ')`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Char(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Home,
    End,
    PageUp,
    PageDown,
    Up,
    Down,
    Left,
    Right,
}

/// One press. `shift` is set only with keys that are not characters: a shifted letter is the capital itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPress {
    pub key: Key,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl KeyPress {
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }
}

/// One press or several in a row: `s`, `ctrl+s`, `g b`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord(Vec<KeyPress>);

impl Chord {
    /// The presses, never none.
    pub fn presses(&self) -> &[KeyPress] {
        &self.0
    }

    /// Reads `ctrl+s`, `F2`, `g b`, `space`, `shift+tab`, `alt+enter`, `+`, `ctrl++`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let presses: Vec<KeyPress> = text.split_whitespace().map(press).collect::<Result<_, _>>()?;
        match presses.len() {
            0 => Err("a key is wanted; the space bar is written `space`".to_owned()),
            1..=3 => Ok(Self(presses)),
            _ => Err(format!("`{text}` is longer than three keys")),
        }
    }
}

const NAMED: [(&str, Key); 18] = [
    ("space", Key::Char(' ')),
    ("enter", Key::Enter),
    ("return", Key::Enter),
    ("esc", Key::Esc),
    ("escape", Key::Esc),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pgup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
];

fn press(text: &str) -> Result<KeyPress, String> {
    let mut press = KeyPress::plain(Key::Esc);
    let mut rest = text;
    // A `+` separates only when something follows it: `+` and `ctrl++` name the plus key.
    while let Some((modifier, after)) = rest.split_once('+').filter(|(before, after)| !before.is_empty() && !after.is_empty()) {
        match modifier.to_ascii_lowercase().as_str() {
            "ctrl" | "control" => press.ctrl = true,
            "alt" | "meta" => press.alt = true,
            "shift" => press.shift = true,
            _ => return Err(format!("`{modifier}` in `{text}` is none of ctrl, alt, shift")),
        }
        rest = after;
    }
    let lower = rest.to_ascii_lowercase();
    let mut characters = rest.chars();
    press.key = match (characters.next(), characters.next()) {
        (Some(c), None) if !c.is_control() => Key::Char(c),
        _ if lower == "pgdn" => Key::PageDown,
        _ => match NAMED.iter().find(|(name, _)| *name == lower) {
            Some((_, key)) => *key,
            None => match lower.strip_prefix('f').and_then(|digits| digits.parse().ok()).filter(|n| (1..=12).contains(n)) {
                Some(number) => Key::F(number),
                None => return Err(format!("`{rest}` is not the name of a key")),
            },
        },
    };
    if let Key::Char(c) = press.key {
        // Terminals send ctrl+letter without its case, and a shifted letter as the capital.
        let c = if press.ctrl { c.to_ascii_lowercase() } else { c };
        press.key = Key::Char(if press.shift && !press.ctrl && c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c });
        press.shift = false;
    }
    Ok(press)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(' ') => f.write_str("space"),
            Self::Char(c) => write!(f, "{c}"),
            Self::F(number) => write!(f, "F{number}"),
            Self::Enter => f.write_str("enter"),
            Self::Esc => f.write_str("esc"),
            Self::Tab => f.write_str("tab"),
            Self::Backspace => f.write_str("backspace"),
            Self::Delete => f.write_str("delete"),
            Self::Insert => f.write_str("insert"),
            Self::Home => f.write_str("home"),
            Self::End => f.write_str("end"),
            Self::PageUp => f.write_str("pageup"),
            Self::PageDown => f.write_str("pagedown"),
            Self::Up => f.write_str("up"),
            Self::Down => f.write_str("down"),
            Self::Left => f.write_str("left"),
            Self::Right => f.write_str("right"),
        }
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, word) in [(self.ctrl, "ctrl+"), (self.alt, "alt+"), (self.shift, "shift+")] {
            if held {
                f.write_str(word)?;
            }
        }
        self.key.fmt(f)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, press) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            press.fmt(f)?;
        }
        Ok(())
    }
}

/// What the file says about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// As written; whether such an action exists is not known here.
    pub action: String,
    /// The chords; none unbinds the action.
    pub chords: Vec<Chord>,
    /// From 1.
    pub line: usize,
}

/// The `[keys]` table, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub bindings: Vec<Binding>,
}

pub(super) fn read(table: &DeTable<'_>, lines: &Lines<'_>, problems: &mut Vec<Problem>) -> Keys {
    let mut bindings = Vec::new();
    read_into("", table, lines, &mut bindings, problems);
    bindings.sort_by_key(|binding: &Binding| binding.line);
    Keys { bindings }
}

fn read_into(prefix: &str, table: &DeTable<'_>, lines: &Lines<'_>, bindings: &mut Vec<Binding>, problems: &mut Vec<Problem>) {
    for (name, value) in table {
        let action = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let line = lines.place(name.span().start).0;
        let written: Vec<(&str, usize)> = match value.get_ref() {
            // `ticket.start = ["s"]` without quotes is a table in a table, and means the same.
            DeValue::Table(inner) => {
                read_into(&action, inner, lines, bindings, problems);
                continue;
            }
            DeValue::String(text) if text == "none" => Vec::new(),
            DeValue::String(text) => vec![(text.as_ref(), value.span().start)],
            DeValue::Array(items) => {
                let mut written = Vec::new();
                for item in items.iter() {
                    match item.get_ref().as_str() {
                        Some(text) => written.push((text, item.span().start)),
                        None => problems.push(lines.problem(item.span().start, format!("keys of `{action}`: a string is wanted here"))),
                    }
                }
                written
            }
            _ => {
                let text = format!("keys of `{action}`: a list of strings is wanted here, or \"none\"");
                problems.push(lines.problem(value.span().start, text));
                continue;
            }
        };
        let mut chords: Vec<Chord> = Vec::new();
        for (text, offset) in written {
            match Chord::parse(text) {
                Ok(chord) if chords.contains(&chord) => {
                    problems.push(lines.problem(offset, format!("keys of `{action}`: `{chord}` stands here twice")));
                }
                Ok(chord) => chords.push(chord),
                Err(why) => problems.push(lines.problem(offset, format!("keys of `{action}`: {why}"))),
            }
        }
        bindings.push(Binding { action, chords, line });
    }
}
