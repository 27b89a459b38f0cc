//! The board: moving the cursor, following the selection, what the mouse hits.

use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::model::{Base, Model};

use super::{Out, load};

/// Lays the cards out again and brings the cursor into view.
pub fn settle(model: &mut Model, out: &mut Out) {
    model.board.arrange(&model.settings.columns);
    follow(model, out);
}

fn follow(model: &mut Model, out: &mut Out) {
    let visible = layout::board(model).visible;
    model.board.follow(visible);
    load::preview(model, out);
}

pub fn navigate(model: &mut Model, intent: Intent, out: &mut Out) {
    let visible = layout::board(model).visible;
    let lane = model.board.lane;
    let (row, count) = model.board.lanes.get(lane).map_or((0, 0), |lane| (lane.row, lane.cards.len()));
    let half = (visible / 2).max(1);
    let (lane, row) = match intent {
        Intent::Down => (lane, row + 1),
        Intent::Up => (lane, row.saturating_sub(1)),
        Intent::HalfDown => (lane, row + half),
        Intent::HalfUp => (lane, row.saturating_sub(half)),
        Intent::Top => (lane, 0),
        Intent::Bottom => (lane, count.saturating_sub(1)),
        Intent::Left | Intent::PreviousTab => sideways(model, lane.checked_sub(1)),
        Intent::Right | Intent::NextTab => sideways(model, Some(lane + 1)),
        _ => return,
    };
    model.board.select(lane, row);
    follow(model, out);
}

/// The neighbouring lane, at the height of the cursor on the screen.
fn sideways(model: &Model, to: Option<usize>) -> (usize, usize) {
    let from = model.board.lane;
    let current = model.board.lanes.get(from);
    let row = current.map_or(0, |lane| lane.row);
    match to.and_then(|to| model.board.lanes.get(to).map(|lane| (to, lane))) {
        Some((to, lane)) => {
            let height = current.map_or(0, |lane| lane.row.saturating_sub(lane.offset));
            (to, lane.offset + height)
        }
        None => (from, row),
    }
}

/// Selects what was clicked; a click on the selected card opens it.
pub fn click(model: &mut Model, x: u16, y: u16, out: &mut Out) {
    if model.overlay.is_some() || model.editor.is_some() || model.ticket.is_some() || model.base != Base::Board {
        return;
    }
    let layout = layout::board(model);
    for (at, area) in &layout.lanes {
        let top = area.y + layout.head;
        if !(area.left()..area.right()).contains(&x) || y < top {
            continue;
        }
        let Some(lane) = model.board.lanes.get(*at) else { continue };
        let row = lane.offset + usize::from((y - top) / layout.pitch);
        if row < lane.cards.len() {
            let again = model.board.lane == *at && lane.row == row;
            model.board.select(*at, row);
            follow(model, out);
            if again {
                super::act::act(model, Intent::Open, out);
            }
        }
    }
}
