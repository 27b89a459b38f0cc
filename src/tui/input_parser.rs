//! From the bytes a terminal sends to keys, pastes, focus and mouse events.
//!
//! A sequence may arrive in pieces: over a slow line an arrow key is three bytes with pauses between. The parser says how long to wait
//! for more; when nothing comes, what is there is taken as it is: a lone escape is the Esc key, and `Esc [` was typed as two keys.
//! Where the rest of a sequence comes after its escape was taken for Esc, it still is that key, and no letters: an arrow is no `D`.
//!
//! Limits: Esc has acted by then, and whoever types `[` or `O` right after Esc, and a letter at once, typed a sequence.
//!
//! Pure: it reads no clock and no terminal.

use std::time::Duration;

use super::event::{Direction, What};
use super::key::{Code, Key};

/// How long a lone escape waits for the rest of a sequence. Longer than a 20 ms pause between bytes, short enough that Esc acts at
/// once.
pub const AFTER_ESCAPE: Duration = Duration::from_millis(35);
/// How long a sequence that has surely begun waits for its end.
pub const IN_SEQUENCE: Duration = Duration::from_millis(120);
/// How long a paste waits for its end before what came is taken.
pub const IN_PASTE: Duration = Duration::from_secs(2);

/// More than any text field takes; the rest of a paste is dropped.
const PASTE_LIMIT: usize = 4 * 1024 * 1024;
/// No sequence is longer; what is, is noise.
const SEQUENCE_LIMIT: usize = 64;

const PASTE_END: &[u8] = b"\x1b[201~";

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
    /// A lone escape was taken for Esc, and nothing came since.
    is_escaped: bool,
    /// The escape at the beginning of `pending` was taken for Esc before.
    has_acted: bool,
}

/// How a beginning of `pending` reads.
enum Step {
    /// So many bytes were an event, or noise.
    Took(usize, Option<What>),
    PasteBegins(usize),
    NeedsMore,
}

impl Parser {
    /// Takes bytes, and gives the events that are complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<What> {
        if let Some(first) = bytes.first()
            && std::mem::take(&mut self.is_escaped)
            && matches!(first, b'[' | b'O')
        {
            self.pending.push(0x1b);
            self.has_acted = true;
        }
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        loop {
            if self.paste.is_some() {
                if !self.take_paste(&mut events) {
                    return events;
                }
                continue;
            }
            match step(&self.pending) {
                Step::NeedsMore => return events,
                // It was no sequence: what came behind the escape is what it is.
                Step::Took(count, event) if self.has_acted && (count == 1 || (event.is_none() && self.pending[1] == b'O')) => {
                    self.has_acted = false;
                    self.pending.remove(0);
                }
                Step::Took(count, event) => {
                    self.has_acted = false;
                    self.pending.drain(..count);
                    events.extend(event);
                }
                Step::PasteBegins(count) => {
                    self.has_acted = false;
                    self.pending.drain(..count);
                    self.paste = Some(Vec::new());
                }
            }
        }
    }

    /// How long to wait for more bytes before [`Parser::flush`]; nothing is waited for with `None`.
    pub fn patience(&self) -> Option<Duration> {
        match (&self.paste, self.pending.as_slice()) {
            (Some(_), _) => Some(IN_PASTE),
            (None, []) => None,
            (None, [0x1b]) => Some(AFTER_ESCAPE),
            (None, _) => Some(IN_SEQUENCE),
        }
    }

    /// Nothing more came in time: what is there is taken for what it can be.
    pub fn flush(&mut self) -> Vec<What> {
        if let Some(mut paste) = self.paste.take() {
            paste.append(&mut self.pending);
            return vec![pasted(paste)];
        }
        let mut events = Vec::new();
        while let Some(first) = self.pending.first().copied() {
            self.pending.remove(0);
            let rest = std::mem::take(&mut self.pending);
            if first == 0x1b && !std::mem::take(&mut self.has_acted) {
                events.push(What::Key(Key::new(Code::Esc)));
                self.is_escaped = rest.is_empty();
            }
            if first == 0x1b {
                // `[` and `O` behind an escape that was a key are keys as well.
                if let [b @ (b'[' | b'O'), tail @ ..] = rest.as_slice() {
                    events.push(What::Key(Key::char(char::from(*b))));
                    events.extend(self.feed(tail));
                    continue;
                }
            }
            events.extend(self.feed(&rest));
        }
        events
    }

    /// Moves bytes into the paste; whether it ended.
    fn take_paste(&mut self, events: &mut Vec<What>) -> bool {
        let Some(paste) = &mut self.paste else { return true };
        let end = self.pending.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        // The end may arrive in pieces: its length is kept back.
        let (take, drop) = match end {
            Some(at) => (at, at + PASTE_END.len()),
            None => {
                let safe = self.pending.len().saturating_sub(PASTE_END.len() - 1);
                (safe, safe)
            }
        };
        let room = PASTE_LIMIT.saturating_sub(paste.len());
        paste.extend_from_slice(&self.pending[..take.min(room)]);
        self.pending.drain(..drop);
        if end.is_some() {
            events.extend(self.paste.take().map(pasted));
        }
        end.is_some()
    }
}

fn pasted(bytes: Vec<u8>) -> What {
    What::Paste(String::from_utf8_lossy(&bytes).into_owned())
}

fn key(code: Code) -> Option<What> {
    Some(What::Key(Key::new(code)))
}

fn step(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first() else { return Step::NeedsMore };
    match *first {
        0x1b => escape(bytes),
        b'\r' | b'\n' => Step::Took(1, key(Code::Enter)),
        b'\t' => Step::Took(1, key(Code::Tab)),
        0x7f | 0x08 => Step::Took(1, key(Code::Backspace)),
        0 => Step::Took(1, Some(What::Key(Key::ctrl(' ')))),
        c @ 1..=26 => Step::Took(1, Some(What::Key(Key::ctrl(char::from(c - 1 + b'a'))))),
        c @ 28..=31 => Step::Took(1, Some(What::Key(Key::ctrl(char::from(c - 28 + b'4'))))),
        first => {
            let length = match first {
                0x20..=0x7f => 1,
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Step::Took(1, None),
            };
            if bytes.len() < length {
                return Step::NeedsMore;
            }
            match std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next()) {
                Some(c) => Step::Took(length, Some(What::Key(Key::char(c)))),
                None => Step::Took(1, None),
            }
        }
    }
}

fn escape(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::NeedsMore,
        Some(b'[') => control_sequence(bytes),
        Some(b'O') => match bytes.get(2) {
            None => Step::NeedsMore,
            Some(c) => Step::Took(3, named(*c).and_then(key)),
        },
        // The start of a string that a terminal answers with (DCS, OSC, APC): skipped to its end.
        Some(b'P' | b']' | b'_') => string(bytes),
        // Escape and another key typed together, or Alt: Esc first, then the key. Nothing is lost on a slow line.
        Some(_) => Step::Took(1, key(Code::Esc)),
    }
}

fn string(bytes: &[u8]) -> Step {
    for (at, byte) in bytes.iter().enumerate().skip(2) {
        if *byte == 0x07 {
            return Step::Took(at + 1, None);
        }
        if *byte == 0x1b && bytes.get(at + 1) == Some(&b'\\') {
            return Step::Took(at + 2, None);
        }
    }
    if bytes.len() > 4_096 { Step::Took(bytes.len(), None) } else { Step::NeedsMore }
}

fn named(letter: u8) -> Option<Code> {
    Some(match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'F' => Code::End,
        b'H' => Code::Home,
        b'M' => Code::Enter,
        b'P'..=b'S' => Code::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn control_sequence(bytes: &[u8]) -> Step {
    // The Linux console's F1 to F5: ESC [ [ A.
    if bytes.get(2) == Some(&b'[') {
        return match bytes.get(3) {
            None => Step::NeedsMore,
            Some(c @ b'A'..=b'E') => Step::Took(4, key(Code::F(c - b'A' + 1))),
            Some(_) => Step::Took(4, None),
        };
    }
    // Old mouse reports: three bytes behind ESC [ M.
    if bytes.get(2) == Some(&b'M') {
        return if bytes.len() < 6 { Step::NeedsMore } else { Step::Took(6, None) };
    }
    let Some(end) = bytes.iter().skip(2).position(|b| (0x40..=0x7e).contains(b)).map(|at| at + 2) else {
        return if bytes.len() > SEQUENCE_LIMIT { Step::Took(bytes.len(), None) } else { Step::NeedsMore };
    };
    // A byte that no sequence may hold: it was no sequence.
    if bytes[2..end].iter().any(|b| !(0x20..=0x3f).contains(b)) {
        return Step::Took(1, key(Code::Esc));
    }
    let last = bytes[end];
    let took = end + 1;
    let text = std::str::from_utf8(&bytes[2..end]).unwrap_or_default();
    if let Some(report) = text.strip_prefix('<') {
        return Step::Took(took, mouse(report, last));
    }
    let mut numbers = text.split(';').map(|part| part.split(':').next().unwrap_or_default().parse::<u16>().unwrap_or(0));
    let first = numbers.next().unwrap_or(0);
    let modifiers = numbers.next().unwrap_or(1).max(1) - 1;
    let with = |code: Code| Some(What::Key(Key { code, shift: modifiers & 1 != 0, alt: modifiers & 2 != 0, ctrl: modifiers & 4 != 0 }));
    let event = match last {
        b'I' if text.is_empty() => Some(What::FocusGained),
        b'O' if text.is_empty() => Some(What::FocusLost),
        b'Z' => Some(What::Key(Key { code: Code::Tab, shift: true, alt: false, ctrl: false })),
        b'~' => match first {
            200 => return Step::PasteBegins(took),
            1 | 7 => with(Code::Home),
            2 => with(Code::Insert),
            3 => with(Code::Delete),
            4 | 8 => with(Code::End),
            5 => with(Code::PageUp),
            6 => with(Code::PageDown),
            11..=15 => with(Code::F(u8::try_from(first - 10).unwrap_or(1))),
            17..=21 => with(Code::F(u8::try_from(first - 11).unwrap_or(1))),
            23 | 24 => with(Code::F(u8::try_from(first - 12).unwrap_or(1))),
            _ => None,
        },
        letter => named(letter).filter(|_| letter != b'M').and_then(with),
    };
    Step::Took(took, event)
}

/// `button;column;row`, pressed with `M`.
fn mouse(report: &str, last: u8) -> Option<What> {
    let mut numbers = report.split(';').map(|part| part.parse::<u16>().ok());
    let (button, x, y) = (numbers.next()??, numbers.next()??, numbers.next()??);
    match (button & !0b1_1100, last) {
        (0, b'M') => Some(What::Click { x: x.saturating_sub(1), y: y.saturating_sub(1) }),
        (64, b'M') => Some(What::Wheel(Direction::Up)),
        (65, b'M') => Some(What::Wheel(Direction::Down)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Vec<What> {
        let mut parser = Parser::default();
        let mut events = parser.feed(bytes);
        if parser.patience().is_some() {
            events.extend(parser.flush());
        }
        events
    }

    fn in_pieces(bytes: &[u8]) -> Vec<What> {
        let mut parser = Parser::default();
        let mut events: Vec<_> = bytes.iter().flat_map(|b| parser.feed(&[*b])).collect();
        if parser.patience().is_some() {
            events.extend(parser.flush());
        }
        events
    }

    fn one(bytes: &[u8]) -> Key {
        match whole(bytes).as_slice() {
            [What::Key(key)] => *key,
            other => panic!("{bytes:?} reads as {other:?}"),
        }
    }

    #[test]
    fn the_keys_of_common_terminals_are_known() {
        for (bytes, name) in [
            (&b"\x1b[A"[..], "up"),
            (b"\x1bOB", "down"),
            (b"\x1b[1;5C", "ctrl+right"),
            (b"\x1b[Z", "shift+tab"),
            (b"\x1bOP", "f1"),
            (b"\x1b[13~", "f3"),
            (b"\x1b[24~", "f12"),
            (b"\x1b[[B", "f2"),
            (b"\x1b[5~", "pgup"),
            (b"\x1b[H", "home"),
            (b"\x1b[4~", "end"),
            (b"\x7f", "backspace"),
            (b"\x13", "ctrl+s"),
            (b"\r", "enter"),
            (b"\x1b", "esc"),
            ("é".as_bytes(), "é"),
            ("👍".as_bytes(), "👍"),
        ] {
            assert_eq!(one(bytes), Key::parse(name).expect(name), "{bytes:?}");
        }
    }

    #[test]
    fn a_sequence_split_anywhere_is_one_key() {
        for bytes in
            [&b"\x1b[C"[..], b"\x1bOA", b"\x1b[1;5C", b"\x1b[24~", b"\x1b[200~two\nlines\x1b[201~", "日".as_bytes(), b"\x1b[<0;10;5M"]
        {
            assert_eq!(in_pieces(bytes), whole(bytes), "{bytes:?}");
            assert_eq!(whole(bytes).len(), 1, "{bytes:?}");
        }
    }

    #[test]
    fn a_lone_escape_waits_longer_than_a_slow_line_and_less_than_a_person_notices() {
        let mut parser = Parser::default();
        assert!(parser.feed(b"\x1b").is_empty());
        let patience = parser.patience().expect("something is waited for");
        assert!(patience > Duration::from_millis(25) && patience < Duration::from_millis(45));
        assert_eq!(parser.flush(), [What::Key(Key::new(Code::Esc))]);
        assert_eq!(parser.patience(), None);
    }

    fn keys(text: &str) -> Vec<What> {
        Key::parse_sequence(text).expect(text).into_iter().map(What::Key).collect()
    }

    /// What comes of an escape, and of bytes that came too late for it.
    fn torn(late: &[&[u8]]) -> Vec<What> {
        let mut parser = Parser::default();
        let mut events = parser.feed(b"\x1b");
        for bytes in late {
            events.extend(parser.flush());
            events.extend(parser.feed(bytes));
        }
        events.extend(parser.flush());
        assert_eq!(parser.patience(), None);
        events
    }

    #[test]
    fn the_rest_of_a_sequence_that_comes_too_late_for_its_escape_is_its_key_and_no_letters() {
        assert_eq!(torn(&[b"[D"]), keys("esc left"), "no D, which deletes");
        assert_eq!(torn(&[b"[H"]), keys("esc home"), "no H, which moves");
        assert_eq!(torn(&[b"OQ"]), keys("esc f2"));
        assert_eq!(torn(&[b"[3~x"]), keys("esc delete x"));
        assert_eq!(torn(&[b"[200~Dq\x1b[201~"]), [keys("esc"), vec![What::Paste("Dq".to_owned())]].concat());
        assert_eq!(torn(&[b"[?62;22c"]), keys("esc"), "an answer of the terminal");
        assert_eq!(torn(&[b"\x1b", b"[A"]), keys("esc esc up"));
    }

    #[test]
    fn what_a_person_types_after_escape_is_what_it_is() {
        for (typed, read) in [("x", "esc x"), ("[", "esc ["), ("O", "esc O"), ("Ok", "esc O k"), ("x[A", "esc x [ A")] {
            assert_eq!(torn(&[typed.as_bytes()]), keys(read), "{typed}");
        }
        assert_eq!(torn(&[b"[", b"A"]), keys("esc [ A"), "with a pause between");
        assert_eq!(torn(&["[é".as_bytes()]), keys("esc [ é"));
    }

    #[test]
    fn keys_typed_right_after_escape_are_not_lost() {
        assert_eq!(whole(b"\x1bj"), keys("esc j"));
        assert_eq!(whole(b"\x1b["), keys("esc ["));
        assert_eq!(whole(b"\x1b\x1b[A"), keys("esc up"));
        assert_eq!(whole(b"\x1b\x1b"), keys("esc esc"));
    }

    #[test]
    fn a_paste_is_one_event_whatever_is_in_it() {
        assert_eq!(whole(b"\x1b[200~q\x1b[31mD\n\x1b[201~x"), [What::Paste("q\x1b[31mD\n".into()), What::Key(Key::char('x'))]);
        let mut bytes = b"\x1b[200~".to_vec();
        bytes.extend(std::iter::repeat_n(b'a', PASTE_LIMIT + 1_000));
        bytes.extend(PASTE_END);
        assert!(matches!(whole(&bytes).as_slice(), [What::Paste(text)] if text.len() == PASTE_LIMIT));
    }

    #[test]
    fn focus_and_mouse_are_told_from_keys() {
        assert_eq!(whole(b"\x1b[I\x1b[O"), [What::FocusGained, What::FocusLost]);
        assert_eq!(whole(b"\x1b[<0;10;5M\x1b[<0;10;5m\x1b[<65;1;1M"), [What::Click { x: 9, y: 4 }, What::Wheel(Direction::Down)]);
    }

    #[test]
    fn answers_of_the_terminal_are_not_keys() {
        assert!(whole(b"\x1b]11;rgb:0000/0000/0000\x1b\\").is_empty());
        assert!(whole(b"\x1bP>|xterm(380)\x1b\\").is_empty());
        assert!(whole(b"\x1b[?62;22c").is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_parser(bytes: Vec<u8>) {
            let mut parser = Parser::default();
            parser.feed(&bytes);
            parser.flush();
            prop_assert_eq!(parser.patience(), None);
        }
    }
}
