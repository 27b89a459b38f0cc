//! Collecting the facts that delivery figures rest on: a first pass over a window of time, and refreshing passes after it.
//!
//! [`plan`] says what is asked and in which order, [`cursor`] where each source is, [`course`] keeps page and cursor together, and
//! [`run`] carries it out over several projects at once. A pass can be dropped or killed at any moment: the next one goes on after the
//! last page that was kept, asks for nothing that it has, and what comes twice is kept once.
//!
//! Limits: what a listing leaves out while it is read (a row that moved up between two pages) is found by the next pass. Comments on
//! active pull requests that no hook told of are found within four passes. Which runs' stages are not asked for, `stages` says.

pub mod agreed;
mod attempts;
mod course;
mod cursor;
pub mod hint;
mod items;
mod lists;
pub mod plan;
pub mod progress;
mod repositories;
mod reviews;
mod run;
mod stages;
mod trouble;

use crate::ado;
use crate::domain::project::Project;
use crate::metrics::query::Rules;

pub use progress::Progress;
pub use run::{Ended, run};
pub use stages::{OF_A_FOLDER_FIRST, SCHEDULED_FIRST};

/// What the configuration says about collecting.
#[derive(Debug, Clone)]
pub struct Settings {
    pub rules: Rules,
    /// Whose lists of bots and hotfixes count, where those of `rules` and those of the store differ.
    pub lists: Whose,
    /// Whether a completed pull request takes its ticket to done at once.
    pub done_on_merge: bool,
    /// Questions open at once; the client's background lane lets through as many of them as the service bears.
    pub at_once: usize,
}

/// Whose lists flows are made with on a store that several processes share: [`agreed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that the store's flows were made with last.
    Team,
    /// Those of these settings, from now on for everybody.
    Own,
}

/// Questions open at once where nobody says otherwise.
pub const AT_ONCE: usize = 16;

/// A project to collect, and how it is reached.
#[derive(Debug, Clone)]
pub struct Job {
    pub project: Project,
    /// In the background: interactive calls go first.
    pub client: ado::Client,
}
