//! Where things are: rectangles worked out from the size of the terminal, for `screen` to paint in and `update` to scroll by.
//!
//! Nothing here depends on how many cards there are.

use ratatui::layout::Rect;

use super::model::Model;
use super::model::metrics::{Counted, Drill};
use crate::metrics::telling;

/// Below this the program says that the terminal is too small.
pub const MIN_WIDTH: u16 = 40;
pub const MIN_HEIGHT: u16 = 12;
/// A column narrower than this cannot be read.
pub const MIN_LANE: u16 = 18;
/// A lane narrower than this cuts most titles.
const NARROW_LANE: u16 = 36;
/// From this width the board shows a preview by itself.
pub const PREVIEW_FROM: u16 = 160;
/// From this width a preview can be asked for.
pub const PREVIEW_ALLOWED: u16 = 100;
/// From this width the editor shows its preview, and conflicts are shown side by side.
pub const WIDE: u16 = 120;

/// The bar at the top, the screen, the line at the foot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub bar: Rect,
    pub body: Rect,
    pub foot: Rect,
}

pub fn parts(width: u16, height: u16) -> Parts {
    Parts {
        bar: Rect::new(0, 0, width, 1),
        body: Rect::new(0, 1, width, height.saturating_sub(2)),
        foot: Rect::new(0, height.saturating_sub(1), width, 1),
    }
}

pub fn is_too_small(width: u16, height: u16) -> bool {
    width < MIN_WIDTH || height < MIN_HEIGHT
}

/// The board's rectangles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardLayout {
    /// One line that names all lanes, where only one fits.
    pub strip: Option<Rect>,
    /// The lanes that are painted, with their heads.
    pub lanes: Vec<(usize, Rect)>,
    /// Rows of a lane's head.
    pub head: u16,
    /// Rows from one card to the next.
    pub pitch: u16,
    /// Rows that a title may take.
    pub title_rows: u16,
    /// Cards that fit in a lane.
    pub visible: usize,
    pub preview: Option<Rect>,
}

/// Whether the board shows its preview now.
pub fn shows_preview(model: &Model) -> bool {
    match model.board.preview {
        Some(true) => model.width >= PREVIEW_ALLOWED,
        Some(false) => false,
        None => model.width >= PREVIEW_FROM,
    }
}

pub fn board(model: &Model) -> BoardLayout {
    let mut body = parts(model.width, model.height).body;
    let mut preview = None;
    if shows_preview(model) {
        let width = (body.width / 3).clamp(48, 80);
        preview = Some(Rect::new(body.right() - width, body.y, width, body.height));
        body.width -= width + 1;
    }
    let all = model.settings.columns.len().max(1);
    let count = u16::try_from(all).unwrap_or(u16::MAX);
    let mut strip = None;
    let fit = if body.width < 60 {
        strip = Some(Rect::new(body.x, body.y, body.width, 1));
        body.y += 1;
        body.height = body.height.saturating_sub(1);
        1
    } else {
        ((body.width + 1) / (MIN_LANE + 1)).clamp(1, count)
    };
    let shown = usize::from(fit);
    let first = model.board.lane.saturating_sub(shown / 2).min(all - shown.min(all));
    let mut lanes = Vec::with_capacity(shown);
    for at in 0..fit {
        // Widths differ by one cell at most, so that the lanes fill the line.
        let from = (u32::from(body.width) + 1) * u32::from(at) / u32::from(fit);
        let to = (u32::from(body.width) + 1) * u32::from(at + 1) / u32::from(fit) - 1;
        let (from, to) = (u16::try_from(from).unwrap_or(0), u16::try_from(to).unwrap_or(0));
        lanes.push((first + usize::from(at), Rect::new(body.x + from, body.y, to - from, body.height)));
    }
    let head = if strip.is_some() {
        0
    } else if model.height >= 22 {
        2
    } else {
        1
    };
    // In a narrow lane a title of one line says little: it gets its second line before the cards get air between them.
    let narrow = lanes.first().is_some_and(|(_, area)| area.width < NARROW_LANE);
    let (pitch, title_rows) = match model.height {
        36.. => (4, 2),
        24..36 if narrow => (3, 2),
        30..36 => (3, 1),
        _ => (2, 1),
    };
    // The last card needs no gap below it.
    let gap = pitch - title_rows - 1;
    let visible = usize::from((body.height.saturating_sub(head) + gap) / pitch).max(1);
    BoardLayout { strip, lanes, head, pitch, visible, preview, title_rows }
}

/// The rows that a list of one-line rows has, below a head of two.
pub fn list_rows(model: &Model) -> usize {
    usize::from(parts(model.width, model.height).body.height.saturating_sub(3)).max(1)
}

/// The rows behind a figure: below the question and the tabs, above the line of freshness.
pub fn metric_rows(model: &Model) -> usize {
    let drill = model.metrics.drill.as_ref();
    // A line says how much is linked at all, and another one what was left out of that.
    let linked = drill.filter(|drill| drill.counted == Counted::Linked);
    let without = linked.and_then(Drill::links).is_some_and(|links| telling::linkage_without(&links.linkage).is_some());
    let said = usize::from(linked.is_some()) + usize::from(without);
    list_rows(model).saturating_sub(1 + said).max(1)
}

/// How the tiles of figures lie on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    pub columns: u16,
    /// Lines of one; a single line makes a list.
    pub height: u16,
    pub order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first ones side by side.
    Rows,
    /// The first ones below each other.
    Columns,
}

impl Tiles {
    /// How many lie below each other.
    pub fn rows(self, count: usize) -> usize {
        count.div_ceil(usize::from(self.columns).max(1))
    }

    /// How far the next one to the right is.
    pub fn to_the_right(self, count: usize) -> usize {
        if self.columns > 1 && self.order == Order::Columns { self.rows(count) } else { 1 }
    }

    /// How far the next one below is.
    pub fn below(self, _count: usize) -> usize {
        if self.order == Order::Rows { usize::from(self.columns) } else { 1 }
    }

    /// The column and the row of one.
    pub fn place(self, at: usize, count: usize) -> (u16, u16) {
        let (columns, rows) = (usize::from(self.columns).max(1), self.rows(count).max(1));
        let (column, row) = match self.order {
            Order::Rows => (at % columns, at / columns),
            Order::Columns => (at / rows, at % rows),
        };
        (u16::try_from(column).unwrap_or(0), u16::try_from(row).unwrap_or(0))
    }
}

/// DORA's five come first: in the first row of a wide screen, in the first column of a usual one.
pub fn tiles(width: u16, height: u16) -> Tiles {
    // Without the head, the rule and the line of freshness.
    let room = parts(width, height).body.height.saturating_sub(3);
    match (width, room) {
        (150.., 25..) => Tiles { columns: 5, height: if room >= 36 { 9 } else { 8 }, order: Order::Rows },
        (72.., 19..) => Tiles { columns: 2, height: if room >= 28 { 4 } else { 3 }, order: Order::Columns },
        _ => Tiles { columns: 1, height: 1, order: Order::Columns },
    }
}

/// A dialog's rectangle: as wide and high as wanted, as the screen allows, in the upper middle.
pub fn dialog(width: u16, height: u16, wanted_width: u16, wanted_height: u16) -> Rect {
    let room = parts(width, height).body;
    let w = wanted_width.min(room.width.saturating_sub(2));
    let h = wanted_height.min(room.height);
    Rect::new(room.x + (room.width - w) / 2, room.y + (room.height - h) / 3, w, h)
}

/// The rows that a list in a dialog of the whole height has.
pub fn picker_rows(model: &Model) -> usize {
    usize::from(parts(model.width, model.height).body.height.saturating_sub(4)).clamp(1, 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn lanes_follow_the_width() {
        for (width, lanes, strip, preview) in [
            (40, 1, true, false),
            (59, 1, true, false),
            (60, 3, false, false),
            (80, 4, false, false),
            (120, 5, false, false),
            (200, 5, false, true),
        ] {
            let mut model = fixture::board();
            (model.width, model.height) = (width, 40);
            let layout = board(&model);
            assert_eq!((layout.lanes.len(), layout.strip.is_some(), layout.preview.is_some()), (lanes, strip, preview), "{width}");
            assert!(layout.lanes.iter().all(|(_, area)| area.width >= MIN_LANE), "{width}");
            let right = layout.lanes.last().map(|(_, area)| area.right());
            assert_eq!(right, Some(layout.preview.map_or(width, |preview| preview.x - 1)), "{width}");
        }
    }

    #[test]
    fn the_lane_with_the_cursor_is_always_painted() {
        let mut model = fixture::board();
        (model.width, model.height) = (60, 20);
        for lane in 0..5 {
            model.board.lane = lane;
            assert!(board(&model).lanes.iter().any(|(at, _)| *at == lane), "{lane}");
        }
    }
}
