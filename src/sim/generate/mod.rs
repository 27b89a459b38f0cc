//! Whole organisations with a plausible past, made from a size and a seed: many repositories, pull requests, runs, work items.
//!
//! | | S | M |
//! |---|---|---|
//! | projects, repositories | 1, 5 | 10, 50 |
//! | commits on default branches in the last 30 days | 300 | 3,000 |
//! | pull requests closed in them, or open | 60 | 600 |
//! | runs finished in them, or unfinished | 400 | 3,000 |
//!
//! Everything is decided first, as a [`Plan`]; git objects and rows are made from it. Beside the window there is some older
//! history. The same size, seed and start give the same organisation, to the commit id. Limits: nothing is in the window's
//! first and last hours, so that a collection some minutes later still finds all of it; no policy but the number of
//! reviewers; English, in ten projects' worth of words.

mod assemble;
mod dice;
mod history;
mod items;
mod layout;
mod people;
pub mod plan;
mod planner;
mod releases;
mod request;
mod runs;
#[cfg(test)]
mod tests;
mod truth;
mod words;
mod write;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::git::GitError;
use super::world::{Build, BuildStatus, World};
pub use plan::Plan;

/// How large an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    S,
    M,
}

/// The numbers behind a size.
#[derive(Debug)]
struct Scale {
    people: usize,
    /// People a project.
    team: usize,
    commits: usize,
    pull_requests: usize,
    old_pull_requests: usize,
    builds: usize,
    unfinished: usize,
    /// Direct pushes a repository, in the window and before.
    pushes: usize,
    old_pushes: usize,
}

impl Size {
    fn scale(self) -> Scale {
        match self {
            Size::S => Scale {
                people: 9,
                team: 8,
                commits: 300,
                pull_requests: 60,
                old_pull_requests: 6,
                builds: 400,
                unfinished: 3,
                pushes: 5,
                old_pushes: 3,
            },
            Size::M => Scale {
                people: 64,
                team: 9,
                commits: 3_000,
                pull_requests: 600,
                old_pull_requests: 40,
                builds: 3_000,
                unfinished: 8,
                pushes: 4,
                old_pushes: 2,
            },
        }
    }
}

/// The thirty days before the start.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: Timestamp,
    from: Timestamp,
}

impl Window {
    fn until(start: Timestamp) -> Window {
        Window { start, from: start - SignedDuration::from_hours(24 * 30) }
    }

    /// What happens in the window happens after this.
    fn first(self) -> Timestamp {
        self.from + SignedDuration::from_hours(4)
    }

    /// And before this.
    fn last(self) -> Timestamp {
        self.start - SignedDuration::from_mins(25)
    }

    /// Whether a collection of the window finds the run.
    fn has_build(self, build: &Build) -> bool {
        build.status != BuildStatus::Completed || build.finished.is_some_and(|finished| finished >= self.from)
    }
}

/// Ids that follow from the seed and a name.
#[derive(Debug, Clone, Copy)]
struct Ids {
    seed: u64,
}

impl Ids {
    fn of(self, what: &str) -> Uuid {
        let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("kanado generated {}", self.seed).as_bytes());
        Uuid::new_v5(&space, what.as_bytes())
    }
}

/// Fills an empty world, and repositories below `git_root`; answers what was planned.
pub fn generate(world: &mut World, git_root: &Path, size: Size, seed: u64, start: Timestamp) -> Result<Plan, GitError> {
    // Instants go out in steps of 100 ns; what is left of them would make the plan disagree with the answers.
    let start = dice::whole_second(start);
    let (ids, scale, window) = (Ids { seed }, size.scale(), Window::until(start));
    let layout = layout::lay_out(world, ids, size, &scale, start);
    let mut history = history::plan(&layout, &scale, seed, window);
    let runs = runs::plan(&layout, &history, &scale, seed, window);
    let items = items::plan(&layout, &mut history, &runs, seed, window);
    number(&mut history);
    let written = write::write(world, git_root, &layout, &history)?;
    let made = assemble::assemble(world, &layout, &history, runs, &items, &written);
    Ok(truth::tell(world, &layout, &history, &items, &made, (size, seed, window)))
}

/// Pull requests are numbered as they were opened.
fn number(history: &mut history::History) {
    let mut order: Vec<usize> = (0..history.requests.len()).collect();
    order.sort_by_key(|index| history.requests[*index].created);
    for (id, index) in (1..).zip(order) {
        history.requests[index].id = id;
    }
}
