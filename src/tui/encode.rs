//! From the difference of two frames to the fewest bytes a terminal needs for it.
//!
//! Every byte goes over somebody's slow line: the cursor moves only when it must, and a style is written only where it changes.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::{Color, Modifier};

/// What is switched on in the terminal while cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// The bytes that turn one frame into the next; none when they are the same.
pub fn difference(old: &Buffer, new: &Buffer) -> String {
    let mut out = String::new();
    let mut pen = PLAIN;
    // Where the terminal's cursor is, once we have moved it.
    let mut at: Option<(u16, u16)> = None;
    for (x, y, cell) in old.diff_iter(new) {
        if at != Some((x, y)) {
            move_to(&mut out, at, x, y);
        }
        let wanted = pen_of(cell);
        // The look of a blank is its ground only.
        let same = pen == wanted || (cell.symbol() == " " && looks_blank(pen) && looks_blank(wanted) && pen.bg == wanted.bg);
        if !same {
            change(&mut out, pen, wanted);
            pen = wanted;
        }
        out.push_str(cell.symbol());
        let width = cell.symbol().cell_width().max(1);
        // At the right edge terminals differ on where the cursor is.
        at = (x + width < new.area.right()).then_some((x + width, y));
    }
    if pen != PLAIN {
        out.push_str("\x1b[m");
    }
    out
}

fn pen_of(cell: &Cell) -> Pen {
    Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
}

/// Nothing of it shows on a blank.
fn looks_blank(pen: Pen) -> bool {
    !pen.modifier.intersects(Modifier::UNDERLINED | Modifier::REVERSED | Modifier::CROSSED_OUT)
}

fn move_to(out: &mut String, at: Option<(u16, u16)>, x: u16, y: u16) {
    // A string cannot fail to be written to.
    let _ = match at {
        Some((from, row)) if row == y && x > from && x - from < 4 => write!(out, "\x1b[{}C", x - from),
        _ if x == 0 => write!(out, "\x1b[{}H", y + 1),
        _ => write!(out, "\x1b[{};{}H", y + 1, x + 1),
    };
}

fn change(out: &mut String, from: Pen, to: Pen) {
    if to == PLAIN {
        out.push_str("\x1b[m");
        return;
    }
    let mut codes = String::new();
    let mut base = from;
    // Modifiers are taken off all at once: that is shorter than one by one, and understood everywhere.
    if !to.modifier.contains(from.modifier) {
        codes.push('0');
        base = PLAIN;
    }
    let mut add = |code: &str| {
        if !codes.is_empty() {
            codes.push(';');
        }
        codes.push_str(code);
    };
    for (modifier, code) in [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
        (Modifier::CROSSED_OUT, "9"),
    ] {
        if to.modifier.contains(modifier) && !base.modifier.contains(modifier) {
            add(code);
        }
    }
    if to.fg != base.fg {
        add(&colour(to.fg, 30));
    }
    if to.bg != base.bg {
        add(&colour(to.bg, 40));
    }
    let _ = write!(out, "\x1b[{codes}m");
}

/// The code of a colour; `base` is 30 for the words, 40 for the ground.
fn colour(colour: Color, base: u16) -> String {
    let bright = base + 60;
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Black => base.to_string(),
        Color::Red => (base + 1).to_string(),
        Color::Green => (base + 2).to_string(),
        Color::Yellow => (base + 3).to_string(),
        Color::Blue => (base + 4).to_string(),
        Color::Magenta => (base + 5).to_string(),
        Color::Cyan => (base + 6).to_string(),
        Color::Gray => (base + 7).to_string(),
        Color::DarkGray => bright.to_string(),
        Color::LightRed => (bright + 1).to_string(),
        Color::LightGreen => (bright + 2).to_string(),
        Color::LightYellow => (bright + 3).to_string(),
        Color::LightBlue => (bright + 4).to_string(),
        Color::LightMagenta => (bright + 5).to_string(),
        Color::LightCyan => (bright + 6).to_string(),
        Color::White => (bright + 7).to_string(),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::Model;
    use crate::tui::tests::{painted, press, sized};
    use crate::tui::theme::{Charset, Depth, Theme, ThemeName};
    use crate::tui::{fixture, screen};
    use ratatui::layout::Rect;

    /// What a terminal shows after the bytes.
    fn shown(bytes: &str, width: u16, height: u16) -> String {
        let mut terminal =
            vt100::Parser::new(std::num::NonZeroU16::new(height).expect("a height"), std::num::NonZeroU16::new(width).expect("a width"), 0);
        terminal.process(bytes.as_bytes());
        terminal.screen().contents()
    }

    fn frame(model: &Model) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, model.width, model.height));
        screen::draw(model, &mut buffer);
        buffer
    }

    #[test]
    fn a_terminal_that_reads_the_bytes_shows_the_frame() {
        let mut model = sized(fixture::board(), 120, 40);
        let empty = Buffer::empty(Rect::new(0, 0, 120, 40));
        let first = frame(&model);
        let bytes = difference(&empty, &first);
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n").trim_end().to_owned();
        assert_eq!(lines(&shown(&bytes, 120, 40)), lines(&crate::tui::tests::picture(&model)));
        // Dialogs come and go over wide characters.
        let (mut written, mut last) = (bytes, first);
        for keys in ["l l j s", "m", "esc n", "esc :", "esc /", "esc 5", "1 ?", "esc"] {
            press(&mut model, keys);
            let next = frame(&model);
            written.push_str(&difference(&last, &next));
            assert_eq!(lines(&shown(&written, 120, 40)), lines(&crate::tui::tests::picture(&model)), "{keys}");
            last = next;
        }
    }

    #[test]
    fn the_same_frame_costs_nothing() {
        let frame = painted(&sized(fixture::board(), 120, 40));
        assert_eq!(difference(&frame, &frame), "");
    }

    #[test]
    fn moving_the_selection_costs_at_most_200_bytes_with_the_synchronising_marks() {
        let marks = super::super::terminal::BEGIN.len() + super::super::terminal::END.len();
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::None] {
            for name in ThemeName::ALL {
                let mut model = sized(fixture::board(), 120, 40);
                model.theme = Theme::new(name, depth, Charset::Unicode);
                for key in ["j", "j", "l", "j", "l", "k", "l", "h", "h"] {
                    let before = frame(&model);
                    press(&mut model, key);
                    let bytes = difference(&before, &frame(&model)).len() + marks;
                    assert!(bytes <= 200, "{key} in {} {depth:?}: {bytes} bytes", name.word());
                }
            }
        }
    }
}
