//! Delivery figures: `(facts, query, now) -> figures`, pure.
//!
//! [`input`] is what is measured, [`query`] what is asked, [`figures`] the answer, with what it rests on and what was left out. No figure
//! is ever zero by accident: what can't be computed says why. [`telling`] and [`csv`] are how figures are told.

pub mod csv;
pub mod figures;
pub mod input;
pub mod names;
pub mod period;
pub mod query;
pub mod telling;
pub mod words;
