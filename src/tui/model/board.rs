//! The board's state: the cards as loaded, how they fall into columns, what is selected and what is filtered.
//!
//! The selection is a key, never an index: indices are worked out anew after each load.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::text_field::TextField;
use crate::domain::board::{Board, Card, Column};
use crate::domain::id::TicketKey;
use crate::domain::ticket::Filter;
use crate::tui::answer::TicketDetail;
use crate::tui::event::Generation;

/// One column: which cards, and the first one that is painted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lane {
    /// Indices into the board's cards.
    pub cards: Vec<usize>,
    pub offset: usize,
    /// The row the cursor was on when it was last in this column.
    pub row: usize,
}

#[derive(Debug, Clone, Default)]
pub struct BoardState {
    pub board: Option<Box<Board>>,
    pub lanes: Vec<Lane>,
    /// The lane the cursor is in; it may be an empty one.
    pub lane: usize,
    pub selected: Option<TicketKey>,
    pub filter: TextField,
    /// Whether the keyboard types into the filter.
    pub filtering: Filtering,
    pub mine: bool,
    /// Asked for or put away by hand; absent: shown where there is room.
    pub preview: Option<bool>,
    pub preview_scroll: u16,
    pub detail: Option<Box<TicketDetail>>,
    pub loading: Option<Generation>,
    pub loading_detail: Option<Generation>,
    /// Something changed while a load was under way.
    pub stale: bool,
    /// When the facts on the cards were seen, each once.
    pub ages: BTreeSet<Timestamp>,
    /// To be selected as soon as it appears: a ticket just made.
    pub awaited: Option<TicketKey>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filtering {
    #[default]
    No,
    Typing,
}

impl BoardState {
    pub fn card(&self, key: &TicketKey) -> Option<&Card> {
        self.board.as_ref()?.cards.iter().find(|card| card.key == *key)
    }

    pub fn selected_card(&self) -> Option<&Card> {
        self.card_at(self.lane, self.lanes.get(self.lane)?.row)
    }

    pub fn card_at(&self, lane: usize, row: usize) -> Option<&Card> {
        let index = *self.lanes.get(lane)?.cards.get(row)?;
        self.board.as_ref()?.cards.get(index)
    }

    pub fn is_filtered(&self) -> bool {
        self.mine || !self.filter.is_empty()
    }

    /// How many cards a lane has, filtered or not.
    pub fn total(&self, columns: &[Column], lane: usize) -> usize {
        let (Some(board), Some(column)) = (&self.board, columns.get(lane)) else { return 0 };
        if self.is_filtered() {
            board.cards.iter().filter(|card| column.statuses.contains(&card.status)).count()
        } else {
            self.lanes.get(lane).map_or(0, |lane| lane.cards.len())
        }
    }

    /// Lays the cards out in columns again, and follows the selected ticket to where it is now. When it is gone, the cursor stays in
    /// its column, at the same height.
    pub fn arrange(&mut self, columns: &[Column]) {
        let filter = Filter::parse(self.filter.text());
        let mut lanes: Vec<Lane> = (0..columns.len())
            .map(|at| self.lanes.get(at).map_or_else(Lane::default, |old| Lane { cards: Vec::new(), offset: old.offset, row: old.row }))
            .collect();
        self.ages.clear();
        let mut found = None;
        if let Some(board) = &self.board {
            self.ages.extend(board.synced_at);
            for (index, card) in board.cards.iter().enumerate() {
                self.ages.extend(card.pull_request.as_ref().map(|chip| chip.seen_at));
                let Some(at) = columns.iter().position(|column| column.statuses.contains(&card.status)) else { continue };
                if (self.mine && !card.assigned_to_me) || !filter.matches(card) {
                    continue;
                }
                if self.selected.as_ref() == Some(&card.key) {
                    found = Some((at, lanes[at].cards.len()));
                }
                lanes[at].cards.push(index);
            }
        }
        if let Some((lane, row)) = found {
            self.lane = lane;
            lanes[lane].row = row;
        }
        for lane in &mut lanes {
            lane.row = lane.row.min(lane.cards.len().saturating_sub(1));
            lane.offset = lane.offset.min(lane.cards.len().saturating_sub(1));
        }
        self.lane = self.lane.min(lanes.len().saturating_sub(1));
        self.lanes = lanes;
        if found.is_none() && self.board.is_some() {
            if self.selected.is_none()
                && self.lanes.get(self.lane).is_some_and(|lane| lane.cards.is_empty())
                && let Some(first) = self.lanes.iter().position(|lane| !lane.cards.is_empty())
            {
                self.lane = first;
            }
            self.selected = self.selected_card().map(|card| card.key.clone());
        }
    }

    /// Puts the cursor on a row of a lane.
    pub fn select(&mut self, lane: usize, row: usize) {
        self.lane = lane.min(self.lanes.len().saturating_sub(1));
        if let Some(lane) = self.lanes.get_mut(self.lane) {
            lane.row = row.min(lane.cards.len().saturating_sub(1));
        }
        self.selected = self.selected_card().map(|card| card.key.clone());
        self.preview_scroll = 0;
    }

    /// Moves the window of the current lane so that the cursor is in it. It jumps by half a window, so that most moves repaint two
    /// cards and not the column.
    pub fn follow(&mut self, visible: usize) {
        let visible = visible.max(1);
        let Some(lane) = self.lanes.get_mut(self.lane) else { return };
        if lane.row < lane.offset {
            lane.offset = if lane.row + 1 >= lane.offset { (lane.row + 1).saturating_sub(visible.div_ceil(2)) } else { lane.row };
        } else if lane.row >= lane.offset + visible {
            let half = visible / 2;
            lane.offset = if lane.row == lane.offset + visible { lane.offset + half.max(1) } else { lane.row + 1 - visible };
        }
        let last = lane.cards.len().saturating_sub(visible);
        lane.offset = lane.offset.min(last.max(lane.row.saturating_sub(visible - 1)));
    }
}
