//! Things that are painted on more than one screen. Each paints into a buffer, from values it is given.

pub mod bars;
pub mod card;
pub mod delivery;
pub mod figure;
pub mod lines_field;
pub mod markdown;
pub mod panel;
pub mod parts;
pub mod progress;
pub mod pull_request;
pub mod sparkline;
pub mod story;
pub mod tabs;
pub mod text;
pub mod text_field;
