//! The terminal: entering and leaving it, and writing frames. Left as it was found after quit, panic and signals.
//!
//! One frame is one write, inside synchronised output (mode 2026), so that no half of it is ever seen. A frame that shows what the
//! last one showed writes nothing.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::effect::MouseCapture;
use super::encode;
use crate::notice::{Notice, inert};

pub const BEGIN: &str = "\x1b[?2026h";
pub const END: &str = "\x1b[?2026l";

/// Alternate screen, hidden cursor, bracketed paste, focus events, the cleared screen.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004h\x1b[2J";
/// All of it back, with the mouse given back and the look reset.
const LEAVE: &str = "\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?1004l\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l";
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
const TITLE_KEPT: &str = "\x1b[22;2t";
const TITLE_BACK: &str = "\x1b[23;2t";

/// Whether the terminal is ours right now: what a panic hook and a second leaving look at.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Why there can be no screen here.
pub fn refusal(term: Option<&str>) -> Option<Notice> {
    let hint = "every action is a subcommand as well: kanado --help";
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Some(Notice::new("the board needs a terminal, and there is none on standard input and output").hint(hint));
    }
    match term {
        Some("dumb") => Some(Notice::new("the terminal says it is dumb (TERM=dumb): it cannot show a board").hint(hint)),
        _ => None,
    }
}

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    shown: Buffer,
    next: Buffer,
    title: Option<String>,
    mouse: MouseCapture,
}

impl Terminal {
    /// Takes the terminal.
    pub fn enter() -> io::Result<Self> {
        let (width, height) = size();
        let area = Rect::new(0, 0, width, height);
        let mut terminal = Self { shown: Buffer::empty(area), next: Buffer::empty(area), title: None, mouse: MouseCapture::Off };
        terminal.take()?;
        Ok(terminal)
    }

    fn take(&mut self) -> io::Result<()> {
        terminal::enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        write_all(&format!("{TITLE_KEPT}{ENTER}"))?;
        if self.mouse == MouseCapture::On {
            write_all(MOUSE_ON)?;
        }
        if let Some(title) = &self.title {
            write_all(&title_sequence(title))?;
        }
        self.shown.reset();
        Ok(())
    }

    /// Gives the terminal back for a while: to the shell, or to an editor.
    pub fn pause(&mut self) {
        restore();
    }

    /// Takes it again; the next frame is written whole.
    pub fn resume(&mut self) -> io::Result<()> {
        self.take()
    }

    /// The next frame is written whole: something else may have written over the last one.
    pub fn forget(&mut self) -> io::Result<()> {
        self.shown.reset();
        write_all("\x1b[m\x1b[2J")
    }

    /// Paints, and writes what is different from the last frame. Returns how many bytes that took.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<usize> {
        self.next.reset();
        paint(&mut self.next);
        let bytes = encode::difference(&self.shown, &self.next);
        std::mem::swap(&mut self.shown, &mut self.next);
        if bytes.is_empty() {
            return Ok(0);
        }
        let frame = format!("{BEGIN}{bytes}{END}");
        write_all(&frame)?;
        Ok(frame.len())
    }

    /// The terminal has another size.
    pub fn resize(&mut self, width: u16, height: u16) -> io::Result<()> {
        let area = Rect::new(0, 0, width, height);
        self.shown = Buffer::empty(area);
        self.next = Buffer::empty(area);
        // What the terminal made of the old content is not known.
        write_all("\x1b[m\x1b[2J")
    }

    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        let title = inert(title);
        write_all(&title_sequence(&title))?;
        self.title = Some(title);
        Ok(())
    }

    pub fn set_mouse(&mut self, mouse: MouseCapture) -> io::Result<()> {
        self.mouse = mouse;
        write_all(match mouse {
            MouseCapture::On => MOUSE_ON,
            MouseCapture::Off => MOUSE_OFF,
        })
    }

    pub fn bell(&mut self) -> io::Result<()> {
        write_all("\x07")
    }

    /// Writes a sequence that paints nothing: the clipboard.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        write_all(sequence)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Columns and rows, 80 by 24 when the terminal does not say.
pub fn size() -> (u16, u16) {
    match terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => (width, height),
        _ => (80, 24),
    }
}

/// Gives the terminal back, once. Safe to call from a panic hook; errors are of no use to anybody by then.
pub fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = write_all(&format!("{LEAVE}{TITLE_BACK}"));
        let _ = terminal::disable_raw_mode();
    }
}

fn title_sequence(title: &str) -> String {
    format!("\x1b]2;{title}\x1b\\")
}

/// One write where the system allows it.
fn write_all(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
