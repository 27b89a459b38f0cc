//! Delivery figures: `(facts, query, now) -> figures`, pure.
//!
//! [`input`] is what is measured, [`query`] what is asked, [`figures`] the answer, with what it rests on and what was left out. No figure
//! is ever zero by accident: what can't be computed says why. [`telling`], [`breaks`] and [`csv`] are how figures are told.
//!
//! The way: [`flow::of`] boils the history of a pull request down to its times when it is stored, [`approvals`] says how many a branch
//! wants; [`production::wanted`] says what to read for a query; [`summarise`] makes deployments of stage runs (`deployments`), gives
//! changes to the deployments that brought them (`containment`), finds what failed (`failures`, of incidents by `suspects`), and sums up (`lead_time`, `cycle`, [`overlay`], `frequency`,
//! `reliability`, `counts`) by [`statistics`]. Each of these modules states its rules exactly. Everything is made in one pass over the
//! rows, with indexes by hash, and does not depend on their order. Of one pull request: [`waterfall`], [`blocker`], [`landing`]; of one
//! commit: [`departures`], with what is under way now ([`under_way`]); of one median: [`movers`].

pub mod approvals;
mod attempts;
pub mod bands;
pub mod blocker;
pub mod breaks;
mod calendar;
mod containment;
mod counts;
pub mod csv;
mod cycle;
pub mod departures;
mod deployments;
mod devlake;
mod failure_rules;
mod failures;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod flow;
mod frame;
mod frequency;
mod hash;
pub mod input;
pub mod landing;
mod lead_time;
pub mod left_alone;
pub mod lists;
pub mod movers;
pub mod names;
pub mod off_line;
pub mod overlay;
mod pattern;
pub mod period;
mod present;
pub mod production;
pub mod quality;
pub mod query;
mod readiness;
mod reliability;
mod reverts;
mod rows;
pub mod size;
mod standing;
pub mod statistics;
pub mod stretch;
mod summary;
mod suspects;
mod tally;
pub mod telling;
mod trend;
pub mod under_way;
pub mod waterfall;

pub use rows::rows;
pub use summary::summarise;

#[cfg(test)]
mod tests;
