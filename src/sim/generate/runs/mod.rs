//! What pipelines do with a planned history: runs on main and how far each gets, checks of pull requests, nightly runs.
//!
//! Within a service production stages never overlap, so that the order of deployments is the order of their commits unless somebody
//! rolls back. Limits: a run is at most some hours long.

mod beside;
mod fate;
mod main_line;
mod stages;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::Dice;
use super::history::{History, What};
use super::layout::{Layout, Place};
use super::plan::{Outcome, Way};
use super::{Scale, Window};
use crate::sim::world::{Build, BuildReason, Definition, StagePlan};
pub(super) use fate::Fate;

/// A run without its number and commit, which are known later.
#[derive(Debug)]
pub(super) struct Run {
    pub build: Build,
    pub commit: CommitOf,
}

#[derive(Debug, Clone)]
pub(super) enum CommitOf {
    Main {
        place: usize,
        position: usize,
    },
    /// The merge of a pull request into main as it was after one of its pushes.
    Preview {
        request: usize,
        step: usize,
    },
    /// The branch of a pull request after one of its pushes.
    Tip {
        request: usize,
        step: usize,
    },
    /// Of a repository that is gone.
    Gone(String),
}

/// A run's way to production, as far as it got.
#[derive(Debug, Clone)]
pub(super) struct Shipment {
    /// Absent where the repository is gone.
    pub place: Option<usize>,
    pub way: Way,
    /// Index of the run, or of the release for a classic one.
    pub run: usize,
    pub definition: i32,
    pub environment: String,
    pub fan_out: usize,
    pub first_region: Option<Timestamp>,
    pub at: Option<Timestamp>,
    pub queued: Timestamp,
    pub outcome: Outcome,
    pub attempt: usize,
    pub position: Option<usize>,
    pub run_failed_after: bool,
}

#[derive(Debug, Default)]
pub(super) struct Runs {
    pub runs: Vec<Run>,
    pub shipments: Vec<Shipment>,
    pub releases: super::releases::Releases,
}

/// Whose turn it is: shared by all services.
#[derive(Debug, Default)]
struct Turns {
    fate: usize,
    gap: usize,
    night: usize,
}

/// What a service has in production, and since when.
#[derive(Debug, Clone)]
pub(super) struct Production {
    /// No later deployment begins before this.
    pub free_from: Timestamp,
    /// Successes: position and end.
    pub done: Vec<(usize, Timestamp)>,
}

pub(super) struct Pipelines<'a> {
    pub layout: &'a Layout,
    pub history: &'a History,
    pub window: Window,
    pub dice: Dice,
    pub out: Runs,
    turns: Turns,
}

/// Plans all runs; in the window there are exactly as many as the scale says.
pub(super) fn plan(layout: &Layout, history: &History, scale: &Scale, seed: u64, window: Window) -> Runs {
    let mut pipelines = Pipelines { layout, history, window, dice: Dice::new(seed, "runs"), out: Runs::default(), turns: Turns::default() };
    for place in 0..layout.places.len() {
        pipelines.main_line(place);
    }
    pipelines.checks();
    pipelines.of_the_deleted();
    pipelines.unfinished(scale.unfinished);
    pipelines.branches(scale.builds * 4 / 5);
    pipelines.nights(scale.builds);
    pipelines.out
}

/// Whether a stage of a definition goes to production.
pub(super) fn is_production(stage: &StagePlan) -> bool {
    names_production(&stage.identifier)
}

pub(super) fn names_production(identifier: &str) -> bool {
    matches!(identifier, "Production" | "ProdEU" | "ProdUS" | "DeployProd")
}

impl Pipelines<'_> {
    fn place(&self, place: usize) -> &Place {
        &self.layout.places[place]
    }

    fn limit(&self) -> Timestamp {
        self.window.start - SignedDuration::from_mins(12)
    }

    /// The name of the environment a stage deploys to, or its own.
    fn environment_of(&self, place: usize, stage: &StagePlan) -> String {
        let place = self.place(place);
        match (stage.environment, stage.identifier.as_str()) {
            (Some(_), "Production") => format!("{}-production", place.name),
            (Some(_), "ProdEU") => format!("{}-prod-eu", place.name),
            (Some(_), "ProdUS") => format!("{}-prod-us", place.name),
            (_, other) => other.to_owned(),
        }
    }

    pub fn build(&self, definition: &Definition, ship: &Ship) -> Build {
        let mut build = Build::new(0, definition, "", ship.queued, ship.by.1);
        build.requested_by = ship.by.0;
        build.reason = ship.reason;
        build.message = self.message(ship.place, ship.position);
        build
    }

    fn message(&self, place: usize, position: usize) -> Option<String> {
        let event = self.history.lines[place].get(position)?;
        match &event.what {
            What::Direct { commits } => commits.last().map(|commit| commit.message.clone()),
            What::Merge(request) => self.history.requests.get(*request).map(|request| request.title.clone()),
        }
    }

    fn in_window(&self) -> usize {
        self.out.runs.iter().filter(|run| self.window.has_build(&run.build)).count()
    }
}

/// What is brought to production, by whom and when.
#[derive(Debug, Clone)]
pub(super) struct Ship {
    pub place: usize,
    pub position: usize,
    pub queued: Timestamp,
    pub fate: Fate,
    pub reason: BuildReason,
    /// Who asked, and for whom.
    pub by: (Uuid, Uuid),
    pub hurried: bool,
}

/// One that got nowhere; the caller says how far it did get.
pub(super) fn shipment(ship: &Ship, way: Way, run: usize, definition: i32) -> Shipment {
    Shipment {
        place: Some(ship.place),
        way,
        run,
        definition,
        environment: String::new(),
        fan_out: 1,
        first_region: None,
        at: None,
        queued: ship.queued,
        outcome: Outcome::Skipped,
        attempt: 1,
        position: Some(ship.position),
        run_failed_after: false,
    }
}
