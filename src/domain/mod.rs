//! The words of the trade and their rules, pure: no IO, no clock, nothing else of ours.
//!
//! Whatever several modules talk about lives here, so that the screen needs no store and the store no screen. Functions that
//! depend on the time take `now` as an argument.

pub mod approval;
pub mod board;
pub mod branch;
pub mod change;
pub mod collection;
pub mod fact;
mod filter;
pub mod health;
pub mod hook;
pub mod id;
pub mod lack;
pub mod merge;
pub mod person;
pub mod progress;
pub mod project;
pub mod pull_request;
pub mod pull_request_body;
pub mod quality;
pub mod rate_limit;
pub mod reviewer;
pub mod run;
pub mod spec;
pub mod status;
pub mod ticket;
pub mod ticket_view;
pub mod work_item;
