//! Runs beside main's own: checks and branches of pull requests, a deleted repository, what is under way, and nights.
//!
//! Limits: none of them lies at the window's edge, where a collection some minutes later would miss it.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Fate::{BuildFails, Cancelled, Succeeds, TestFails};
use super::stages::{Walk, cut, ran};
use super::{CommitOf, Pipelines, Run, Ship, Shipment, is_production, shipment};
use crate::sim::generate::layout::Flavour;
use crate::sim::generate::plan::{Outcome, Way};
use crate::sim::world::{Build, BuildReason, RecordResult, StageApproval, StageAttempt, StageRun, TimelineState};

impl Pipelines<'_> {
    /// Checks of pull requests: one a push.
    pub(super) fn checks(&mut self) {
        let (layout, history) = (self.layout, self.history);
        for (index, request) in history.requests.iter().enumerate() {
            let Some(check) = layout.places[request.place].pipelines.check else { continue };
            for (step, pushed) in request.steps.iter().enumerate() {
                let queued = pushed.at + self.dice.minutes(0, 1);
                let commit = CommitOf::Preview { request: index, step };
                self.beside_main(check, queued, (request.author, commit), |build| {
                    build.reason = BuildReason::PullRequest;
                    build.message = Some(request.title.clone());
                });
            }
        }
    }

    /// Runs on the branches of pull requests, until there are so many runs in the window.
    pub(super) fn branches(&mut self, up_to: usize) {
        let (layout, history) = (self.layout, self.history);
        let mut have = self.in_window();
        for (index, request) in history.requests.iter().enumerate() {
            let Some(main) = layout.places[request.place].pipelines.main else { continue };
            for (step, pushed) in request.steps.iter().enumerate() {
                if have >= up_to || pushed.at < self.window.first() {
                    continue;
                }
                let queued = pushed.at + self.dice.minutes(0, 1);
                let commit = CommitOf::Tip { request: index, step };
                let gone = (index + step) % 25 == 3;
                have += usize::from(self.beside_main(main, queued, (request.author, commit), |build| {
                    build.ref_name = format!("refs/heads/{}", request.branch);
                    build.message = Some(request.title.clone());
                    if gone {
                        build.timeline = TimelineState::Gone;
                    }
                }));
            }
        }
    }

    /// A run that goes nowhere near production; false if it would lie at the window's edge or in the future.
    fn beside_main(
        &mut self,
        definition: usize,
        queued: Timestamp,
        (by, commit): (Uuid, CommitOf),
        dress: impl FnOnce(&mut Build),
    ) -> bool {
        let edge = SignedDuration::from_hours(3);
        if (queued > self.window.from - edge && queued < self.window.from + edge) || queued > self.limit() {
            return false;
        }
        let layout = self.layout;
        let definition = &layout.definitions[definition];
        let mut build = Build::new(0, definition, "", queued, by);
        build.requested_by = layout.people.build_service;
        let fate = match self.dice.below(20) {
            0 | 1 => BuildFails,
            2 => TestFails,
            3 => Cancelled,
            _ => Succeeds,
        };
        let started = queued + self.dice.minutes(0, 4) + SignedDuration::from_secs(1);
        let walk = Walk { definition, fate, hurried: false, free_from: started, deploys: false };
        self.run(&mut build, started, &walk);
        cut(&mut build, self.limit());
        dress(&mut build);
        self.out.runs.push(Run { build, commit });
        true
    }

    /// Runs of a repository that is no more: some before the window, some in its first days.
    pub(super) fn of_the_deleted(&mut self) {
        let layout = self.layout;
        let (repository, _, definition) = &layout.deleted;
        let definition = &layout.definitions[*definition];
        for turn in 0..6_i64 {
            let queued = match turn {
                0..3 => self.window.from - SignedDuration::from_hours(24 * (9 - turn)),
                _ => self.window.first() + SignedDuration::from_hours(20 * (turn - 2)),
            };
            let sha = Uuid::new_v5(repository, format!("commit {turn}").as_bytes()).simple().to_string() + "c0ffee00";
            let mut build = Build::new(0, definition, "", queued, definition.author);
            let started = queued + SignedDuration::from_secs(9);
            let walk = Walk { definition, fate: Succeeds, hurried: true, free_from: started, deploys: true };
            let walked = self.run(&mut build, started, &walk);
            build.message = Some("Try something".to_owned());
            self.out.shipments.push(Shipment {
                place: None,
                way: Way::Stages,
                run: self.out.runs.len(),
                definition: definition.id,
                environment: walked.last_stage,
                fan_out: 1,
                first_region: None,
                at: walked.last,
                queued,
                outcome: walked.outcome,
                attempt: 1,
                position: None,
                run_failed_after: false,
            });
            self.out.runs.push(Run { build, commit: CommitOf::Gone(sha) });
        }
    }

    /// Runs that are under way at the start: waiting for an agent, in their first stage, or for an approval.
    pub(super) fn unfinished(&mut self, count: usize) {
        let (layout, history) = (self.layout, self.history);
        let places: Vec<usize> = (0..layout.places.len())
            .filter(|place| matches!(layout.places[*place].flavour, Flavour::Environments | Flavour::Regions | Flavour::StageNames))
            .collect();
        for (turn, place) in places.iter().cycle().take(if places.is_empty() { 0 } else { count }).enumerate() {
            let Some(main) = layout.places[*place].pipelines.main else { continue };
            let definition = &layout.definitions[main];
            let position = history.lines[*place].len() - 1;
            let queued = self.window.start - self.dice.minutes(3, 9) - SignedDuration::from_mins(if turn % 3 == 1 { 50 } else { 0 });
            let by = self.dice.pick(&layout.places[*place].team);
            let ship = Ship { place: *place, position, queued, fate: Succeeds, reason: BuildReason::Manual, by: (by, by), hurried: false };
            let mut build = self.build(definition, &ship);
            let started = queued + SignedDuration::from_secs(25);
            if turn % 3 != 0 {
                build.start(started);
                let mut at = started;
                let mut is_open = true;
                for plan in &definition.stages {
                    let mut stage = StageRun { identifier: plan.identifier.clone(), name: plan.name.clone(), attempts: Vec::new() };
                    if !is_open {
                    } else if turn % 3 == 2 {
                        stage.attempts.push(StageAttempt::running(at));
                        is_open = false;
                    } else if is_production(plan) {
                        let mut pending = StageAttempt::pending();
                        pending.approvals.extend(plan.approvers.first().map(|approver| StageApproval::asked(*approver, at)));
                        stage.attempts.push(pending);
                        is_open = false;
                    } else {
                        let end = at + self.dice.minutes(2, 9);
                        stage.attempts.push(ran(plan, at, end, RecordResult::Succeeded));
                        at = end;
                    }
                    build.stages.push(stage);
                }
            }
            let way = if layout.places[*place].flavour == Flavour::StageNames { Way::Stages } else { Way::Environments };
            let last = definition.stages.iter().rfind(|stage| is_production(stage));
            self.out.shipments.push(Shipment {
                outcome: Outcome::Unfinished,
                environment: last.map_or_else(String::new, |stage| self.environment_of(*place, stage)),
                fan_out: definition.stages.iter().filter(|stage| is_production(stage)).count(),
                ..shipment(&ship, way, self.out.runs.len(), definition.id)
            });
            self.out.runs.push(Run { build, commit: CommitOf::Main { place: *place, position } });
        }
    }

    /// Scheduled runs of main, which never deploy, until there are exactly so many runs in the window.
    pub(super) fn nights(&mut self, wanted: usize) {
        const HOURS: [i64; 8] = [2, 14, 4, 20, 8, 17, 11, 23];
        let (layout, history) = (self.layout, self.history);
        let places: Vec<usize> = (0..layout.places.len()).filter(|place| layout.places[*place].pipelines.main.is_some()).collect();
        let days = 29;
        let mut missing = wanted.saturating_sub(self.in_window());
        let midnight = self.window.first().as_second() / 86_400 * 86_400 + 86_400;
        while missing > 0 && !places.is_empty() {
            let turn = self.turns.night;
            self.turns.night += 1;
            let (place, round) = (places[turn % places.len()], turn / places.len());
            let (day, slot) = (round % days, (round / days) % HOURS.len());
            let after =
                i64::try_from(day).unwrap_or(0) * 86_400 + HOURS[slot] * 3600 + i64::try_from(turn % places.len()).unwrap_or(0) * 17;
            let queued = Timestamp::from_second(midnight + after).unwrap_or(self.window.start);
            let position = history.lines[place].iter().take_while(|event| event.at < queued).count().saturating_sub(1);
            let Some(main) = layout.places[place].pipelines.main else { continue };
            let message = self.message(place, position);
            let commit = CommitOf::Main { place, position };
            let made = queued < self.limit() - SignedDuration::from_hours(1)
                && self.beside_main(main, queued, (layout.people.build_service, commit), |build| {
                    build.reason = BuildReason::Schedule;
                    build.message = message;
                });
            missing -= usize::from(made);
            // Every slot of every night is taken: more than ever asked for.
            if turn > places.len() * days * HOURS.len() {
                break;
            }
        }
    }
}
