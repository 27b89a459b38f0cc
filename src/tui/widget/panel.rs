//! The frame of a dialog: an edge, a title in it, hints at its foot.

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use crate::tui::theme::Theme;

/// Clears the area, draws the edge, and returns the room inside, one cell away from it on the left and right.
pub fn draw(buf: &mut Buffer, area: Rect, title: &str, hints: &[(&str, &str)], theme: &Theme) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 4 || area.height < 3 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    for y in area.top()..area.bottom() {
        // A wide character that reaches into the dialog from the left would cover its edge.
        if let Some(before) = area.left().checked_sub(1).and_then(|x| buf.cell_mut((x, y)))
            && before.symbol().cell_width() > 1
        {
            before.set_symbol(" ");
        }
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    let marks = &theme.marks;
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    for y in [top, bottom] {
        text::line(buf, left + 1, y, area.width - 2, marks.rule, theme.edge);
    }
    for y in top + 1..bottom {
        text::put(buf, left, y, 1, marks.upright, theme.edge);
        text::put(buf, right, y, 1, marks.upright, theme.edge);
    }
    for (corner, (x, y)) in marks.corners.iter().zip([(left, top), (right, top), (left, bottom), (right, bottom)]) {
        text::put(buf, x, y, 1, corner, theme.edge);
    }
    if !title.is_empty() {
        let title = text::clean(title);
        let title = text::fit(&title, area.width.saturating_sub(6), marks);
        text::put(buf, left + 2, top, area.width - 4, &format!(" {title} "), theme.strong);
    }
    foot(buf, left + 2, bottom, area.width.saturating_sub(4), hints, theme);
    Rect::new(left + 2, top + 1, area.width - 4, area.height - 2)
}

/// Hints in one line: ` key words  key words `; those that do not fit are left out.
pub fn foot(buf: &mut Buffer, x: u16, y: u16, max: u16, hints: &[(&str, &str)], theme: &Theme) -> u16 {
    let end = x + max;
    let mut at = x;
    for (key, words) in hints {
        let wanted = text::width(key) + text::width(words) + 3;
        if at + wanted > end {
            break;
        }
        at = text::put(buf, at, y, 1, " ", Style::default());
        at = text::put(buf, at, y, end - at, key, theme.key);
        at = text::put(buf, at, y, end - at, &format!(" {words} "), theme.dim);
    }
    at
}
