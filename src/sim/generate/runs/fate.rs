//! How far a run on main gets.
//!
//! Fates are dealt in turn, so that every kind occurs.

use super::Pipelines;

/// What becomes of a run on main.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim::generate) enum Fate {
    Succeeds,
    /// The production stage's condition was false.
    Skipped,
    /// The production stage failed and was run again.
    Retried,
    Rejected,
    TimedOut,
    /// The run fails in a stage after production.
    LaterFails,
    BuildFails,
    TestFails,
    Issues,
    Fails,
    CancelledInProduction,
    Cancelled,
    /// Nobody waited for it to begin.
    NeverBegan,
}

use Fate::{
    BuildFails, Cancelled, CancelledInProduction, Fails, Issues, LaterFails, NeverBegan, Rejected, Retried, Skipped, Succeeds, TestFails,
    TimedOut,
};

const DECK: [Fate; 28] = [
    Succeeds,
    Skipped,
    Retried,
    Succeeds,
    Rejected,
    Succeeds,
    LaterFails,
    Succeeds,
    BuildFails,
    Succeeds,
    Issues,
    Succeeds,
    Fails,
    Succeeds,
    CancelledInProduction,
    Succeeds,
    NeverBegan,
    Succeeds,
    TestFails,
    Succeeds,
    TimedOut,
    Succeeds,
    Cancelled,
    Succeeds,
    Skipped,
    Succeeds,
    Skipped,
    Succeeds,
];

impl Pipelines<'_> {
    pub(super) fn fate(&mut self) -> Fate {
        self.turns.fate += 1;
        DECK[(self.turns.fate - 1) % DECK.len()]
    }
}
