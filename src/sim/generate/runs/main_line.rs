//! Every move of main sets a run off, and what came of it decides what the next one finds in production.
//!
//! Limits: a service has one way to production; somebody rolls back only while main rests.

use jiff::{SignedDuration, Timestamp};

use super::Fate::{self, BuildFails, CancelledInProduction, Fails, Issues, LaterFails, NeverBegan, Retried, Succeeds, TestFails};
use super::stages::{Walk, cut};
use super::{CommitOf, Pipelines, Production, Run, Ship, Shipment, is_production, shipment};
use crate::sim::generate::history::Event;
use crate::sim::generate::layout::Flavour;
use crate::sim::generate::plan::{Outcome, Way};
use crate::sim::generate::releases;
use crate::sim::world::{Build, BuildReason, BuildResult, MissingTime, TimelineState};

impl Pipelines<'_> {
    /// Every move of main sets a run off; between two of them somebody may roll back or deploy again.
    pub(super) fn main_line(&mut self, place: usize) {
        let (layout, history) = (self.layout, self.history);
        let Some(main) = layout.places[place].pipelines.main else { return };
        let reaches = layout.places[place].flavour.reaches_production();
        let line = &history.lines[place];
        let mut production = Production { free_from: line.first().map_or(self.window.start, |event| event.at), done: Vec::new() };
        for (position, event) in line.iter().enumerate().skip(1) {
            let fate = match (event.is_urgent, reaches) {
                (true, _) => Succeeds,
                (false, true) => self.fate(),
                (false, false) if self.dice.chance(12) => BuildFails,
                (false, false) if self.dice.chance(5) => TestFails,
                (false, false) => Succeeds,
            };
            let queued = event.at + self.dice.minutes(0, 1) + SignedDuration::from_secs(4);
            let before = production.done.len();
            self.push_run(place, main, (position, event), queued, fate, &mut production);
            if reaches && production.done.len() > before {
                let next = line.get(position + 1).map_or(self.limit(), |event| event.at);
                self.between_moves(place, next, &mut production);
            }
        }
    }

    fn push_run(
        &mut self,
        place: usize,
        main: usize,
        (position, event): (usize, &Event),
        queued: Timestamp,
        fate: Fate,
        production: &mut Production,
    ) {
        let by = (self.layout.people.build_service, event.by);
        let ship = Ship { place, position, queued, fate, reason: BuildReason::IndividualCI, by, hurried: event.is_urgent };
        match self.place(place).flavour {
            Flavour::PipelineName => self.with_a_second_pipeline(main, &ship, production),
            Flavour::Classic => releases::ship(self, main, &ship, production),
            _ => {
                self.yaml(main, &ship, production);
            }
        }
    }

    /// A run of a YAML pipeline on main; answers its index.
    pub fn yaml(&mut self, main: usize, ship: &Ship, production: &mut Production) -> usize {
        let layout = self.layout;
        let definition = &layout.definitions[main];
        let mut build = self.build(definition, ship);
        let run = self.out.runs.len();
        let way = match self.place(ship.place).flavour {
            Flavour::StageNames => Way::Stages,
            _ => Way::Environments,
        };
        let commit = CommitOf::Main { place: ship.place, position: ship.position };
        let deploys = definition.stages.iter().any(is_production);
        let production_stages = || definition.stages.iter().filter(|stage| is_production(stage));
        if ship.fate == NeverBegan {
            self.never_began(&mut build);
            if deploys {
                self.out.shipments.push(Shipment {
                    environment: production_stages().next_back().map_or_else(String::new, |stage| self.environment_of(ship.place, stage)),
                    fan_out: production_stages().count(),
                    ..shipment(ship, way, run, definition.id)
                });
            }
            self.out.runs.push(Run { build, commit });
            return run;
        }
        let started = build.queued + self.dice.minutes(0, 3) + SignedDuration::from_secs(2);
        let walk = Walk { definition, fate: ship.fate, hurried: ship.hurried, free_from: production.free_from, deploys: true };
        let walked = self.run(&mut build, started, &walk);
        let is_cut = cut(&mut build, self.limit());
        if deploys {
            let mut row = Shipment {
                outcome: walked.outcome,
                first_region: walked.first.filter(|_| walked.fan_out > 1),
                at: walked.last,
                fan_out: walked.fan_out,
                attempt: walked.attempt,
                environment: production_stages()
                    .find(|stage| stage.identifier == walked.last_stage)
                    .or_else(|| production_stages().next_back())
                    .map_or_else(String::new, |stage| self.environment_of(ship.place, stage)),
                run_failed_after: ship.fate == LaterFails,
                ..shipment(ship, way, run, definition.id)
            };
            if is_cut && row.at.is_none_or(|at| at > self.limit()) {
                row = Shipment { outcome: Outcome::Unfinished, at: None, first_region: None, ..row };
            }
            if let Some(at) = row.at {
                production.free_from = production.free_from.max(at);
                if row.outcome.is_success() {
                    production.done.push((ship.position, at));
                }
            }
            self.out.shipments.push(row);
        }
        self.out.runs.push(Run { build, commit });
        run
    }

    /// Cancelled while it waited: the service then has no times to give, in one way or another.
    fn never_began(&mut self, build: &mut Build) {
        let at = build.queued + self.dice.minutes(1, 9);
        build.finish(at, BuildResult::Canceled);
        build.timeline = TimelineState::Empty;
        build.missing_times = self.dice.pick(&[MissingTime::Null, MissingTime::Sentinel, MissingTime::Absent]);
    }

    /// CI, then a run of the pipeline that has `production` in its name.
    fn with_a_second_pipeline(&mut self, main: usize, ship: &Ship, production: &mut Production) {
        let ci = self.yaml(main, ship, production);
        let (layout, place) = (self.layout, ship.place);
        let Some(deploy) = layout.places[place].pipelines.deploy else { return };
        let (Some(built), Some(BuildResult::Succeeded)) = (self.out.runs[ci].build.finished, self.out.runs[ci].build.result) else {
            return;
        };
        let results: &[(BuildResult, Outcome)] = match ship.fate {
            Succeeds | LaterFails => &[(BuildResult::Succeeded, Outcome::Succeeded)],
            Issues => &[(BuildResult::PartiallySucceeded, Outcome::SucceededWithIssues)],
            Fails => &[(BuildResult::Failed, Outcome::Failed)],
            CancelledInProduction => &[(BuildResult::Canceled, Outcome::Cancelled)],
            // Without stages there is nothing to run again: it is another run.
            Retried => &[(BuildResult::Failed, Outcome::Failed), (BuildResult::Succeeded, Outcome::Succeeded)],
            _ => &[],
        };
        let mut ready = built;
        for (result, outcome) in results {
            let wait = if ship.hurried { self.dice.minutes(2, 10) } else { self.dice.about(40).min(SignedDuration::from_hours(9)) };
            let queued = (ready + wait).max(production.free_from + SignedDuration::from_secs(30));
            let deploying = Ship { queued, reason: BuildReason::Manual, by: (ship.by.1, ship.by.1), ..ship.clone() };
            ready = self.stageless(deploy, &deploying, (*result, *outcome), production);
        }
    }

    /// A run of a pipeline without stages that deploys as a whole; answers its end.
    fn stageless(
        &mut self,
        deploy: usize,
        ship: &Ship,
        (result, outcome): (BuildResult, Outcome),
        production: &mut Production,
    ) -> Timestamp {
        let layout = self.layout;
        let definition = &layout.definitions[deploy];
        let mut build = self.build(definition, ship);
        let started = ship.queued + SignedDuration::from_secs(11);
        let finished = started + self.dice.minutes(3, 12);
        if finished > self.limit() {
            return finished;
        }
        build.start(started);
        build.finish(finished, result);
        production.free_from = production.free_from.max(finished);
        if outcome.is_success() {
            production.done.push((ship.position, finished));
        }
        self.out.shipments.push(Shipment {
            outcome,
            at: Some(finished),
            fan_out: 1,
            environment: definition.name.clone(),
            ..shipment(ship, Way::PipelineName, self.out.runs.len(), definition.id)
        });
        self.out.runs.push(Run { build, commit: CommitOf::Main { place: ship.place, position: ship.position } });
        finished
    }

    /// After a success, if main rests for a while: now and then the old commit comes back, or the same again.
    fn between_moves(&mut self, place: usize, next: Timestamp, production: &mut Production) {
        let Some((now, at)) = production.done.last().copied() else { return };
        let queued = at + self.dice.minutes(25, 100);
        if queued + SignedDuration::from_hours(3) > next || queued < self.window.first() {
            return;
        }
        self.turns.gap += 1;
        let before = production.done.iter().rev().map(|(position, _)| *position).find(|position| *position < now);
        let position = match (self.turns.gap % 9, before) {
            (2, Some(before)) => before,
            (6, _) => now,
            _ => return,
        };
        let layout = self.layout;
        let pipelines = &layout.places[place].pipelines;
        let Some(main) = pipelines.main else { return };
        let by = pipelines.approvers.first().copied().unwrap_or_default();
        let ship = Ship { place, position, queued, fate: Succeeds, reason: BuildReason::Manual, by: (by, by), hurried: true };
        match (self.place(place).flavour, pipelines.deploy) {
            (Flavour::PipelineName, Some(deploy)) => {
                self.stageless(deploy, &ship, (BuildResult::Succeeded, Outcome::Succeeded), production);
            }
            (Flavour::Classic, _) => releases::again(self, &ship, production),
            _ => {
                self.yaml(main, &ship, production);
            }
        }
    }
}
