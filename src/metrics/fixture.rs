//! Figures by hand, for tests of how they are told.
//!
//! Limits: the thirty days before the epoch, our definition, calendar hours; neither phases nor services.

use jiff::Timestamp;

use super::figures::{Coverage, Excluded, Figures, Metric, Reason, Tile, Value};
use super::query::{Definition, Hours, Window};

/// Tiles, and nothing beside them.
pub(crate) fn figures(tiles: Vec<Tile>) -> Figures {
    Figures {
        window: Window::last(30, Timestamp::UNIX_EPOCH),
        definition: Definition::Ours,
        hours: Hours::Calendar,
        as_of: None,
        tiles,
        phases: Vec::new(),
        services: Vec::new(),
        linkage: Default::default(),
    }
}

/// A value of 41 with what it covers, three quarters, and seven left out.
pub(crate) fn tile(metric: Metric, value: Value) -> Tile {
    Tile {
        n: 41,
        coverage: Some(Coverage { k: 3, n: 4, of: "merged pull requests deployed".to_owned() }),
        excluded: vec![Excluded { reason: Reason::NotDeployed, count: 7 }],
        ..Tile::new(metric, value, Definition::Ours)
    }
}
