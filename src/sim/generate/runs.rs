//! What pipelines do with a planned history: runs on main and how far each gets, checks of pull requests, nightly runs.
//!
//! Fates are dealt in turn, so that every kind occurs. Within a service production stages never overlap, so that the order
//! of deployments is the order of their commits unless somebody rolls back. Limits: a run is at most some hours long.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::Dice;
use super::history::{Event, History, What};
use super::layout::{Flavour, Layout, Place};
use super::plan::{Outcome, Way};
use super::{Scale, Window};
use crate::sim::world::{
    ApprovalStatus, Build, BuildReason, BuildResult, BuildStatus, Definition, MissingTime, RecordResult, RecordState, StageApproval,
    StageAttempt, StagePlan, StageRun, TimelineState,
};

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

/// How far a run on main gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
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

/// What a walk through the stages needs to know.
struct Walk<'a> {
    definition: &'a Definition,
    fate: Fate,
    /// Approvals take minutes.
    hurried: bool,
    free_from: Timestamp,
    /// Main only: elsewhere production stages are skipped.
    deploys: bool,
}

/// What came of a walk.
struct Walked {
    stages: Vec<StageRun>,
    finished: Timestamp,
    result: BuildResult,
    outcome: Outcome,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    fan_out: usize,
    attempt: usize,
    last_stage: String,
}

/// Whether a stage of a definition goes to production.
pub(super) fn is_production(stage: &StagePlan) -> bool {
    matches!(stage.identifier.as_str(), "Production" | "ProdEU" | "ProdUS" | "DeployProd")
}

impl Pipelines<'_> {
    fn place(&self, place: usize) -> &Place {
        &self.layout.places[place]
    }

    fn limit(&self) -> Timestamp {
        self.window.start - SignedDuration::from_mins(12)
    }

    fn fate(&mut self) -> Fate {
        self.turns.fate += 1;
        DECK[(self.turns.fate - 1) % DECK.len()]
    }

    /// Every move of main sets a run off; between two of them somebody may roll back or deploy again.
    fn main_line(&mut self, place: usize) {
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
            Flavour::Classic => super::releases::ship(self, main, &ship, production),
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
        let walked = self.walk(started, &walk);
        build.start(started);
        build.stages = walked.stages;
        build.finish(walked.finished, walked.result);
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

    /// Cancelled while it waited: the service then has no times to give, in one way or another.
    fn never_began(&mut self, build: &mut Build) {
        let at = build.queued + self.dice.minutes(1, 9);
        build.finish(at, BuildResult::Canceled);
        build.timeline = TimelineState::Empty;
        build.missing_times = self.dice.pick(&[MissingTime::Null, MissingTime::Sentinel, MissingTime::Absent]);
    }

    /// Goes through the stages of a definition from `started` on.
    fn walk(&mut self, started: Timestamp, walk: &Walk<'_>) -> Walked {
        let mut at = started;
        let mut stages = Vec::new();
        let mut over = false;
        let mut walked = Walked {
            stages: Vec::new(),
            finished: started,
            result: BuildResult::Succeeded,
            outcome: Outcome::Skipped,
            first: None,
            last: None,
            fan_out: walk.definition.stages.iter().filter(|stage| is_production(stage)).count(),
            attempt: 1,
            last_stage: String::new(),
        };
        let mut approved = false;
        for plan in &walk.definition.stages {
            let stage = StageRun { identifier: plan.identifier.clone(), name: plan.name.clone(), attempts: Vec::new() };
            if over || (is_production(plan) && !walk.deploys) || (plan.identifier == "Smoke" && !walk.deploys) {
                stages.push(StageRun { attempts: vec![StageAttempt::never_ran(RecordResult::Skipped, None)], ..stage });
                continue;
            }
            let attempts = if is_production(plan) {
                let (attempts, end) = self.production(plan, at, walk, &mut walked, &mut approved);
                at = end;
                over = !walked.outcome.is_success();
                attempts
            } else {
                let length = self.dice.minutes(2, 11);
                let result = match (plan.identifier.as_str(), walk.fate) {
                    ("Build", BuildFails) | ("Test", TestFails) | ("Smoke", LaterFails) => RecordResult::Failed,
                    ("Test", Cancelled) => RecordResult::Canceled,
                    _ => RecordResult::Succeeded,
                };
                let end = at + length;
                let attempt = ran(plan, at, end, result);
                at = end;
                match result {
                    RecordResult::Failed => (over, walked.result) = (true, BuildResult::Failed),
                    RecordResult::Canceled => (over, walked.result) = (true, BuildResult::Canceled),
                    _ => {}
                }
                vec![attempt]
            };
            stages.push(StageRun { attempts, ..stage });
        }
        walked.stages = stages;
        walked.finished = at + self.dice.minutes(0, 1);
        walked
    }

    /// The attempts at one production stage, and when the run goes on.
    fn production(
        &mut self,
        plan: &StagePlan,
        at: Timestamp,
        walk: &Walk<'_>,
        walked: &mut Walked,
        approved: &mut bool,
    ) -> (Vec<StageAttempt>, Timestamp) {
        let is_first = !std::mem::replace(approved, true);
        let is_last =
            walk.definition.stages.iter().rfind(|stage| is_production(stage)).is_some_and(|last| last.identifier == plan.identifier);
        let wait = if walk.hurried { self.dice.minutes(1, 9) } else { self.dice.about(25).min(SignedDuration::from_hours(9)) };
        let mut begin = at + SignedDuration::from_secs(20);
        let approval = if is_first && let Some(approver) = plan.approvers.first() {
            let decided = at + wait;
            begin = decided + SignedDuration::from_secs(5);
            let status = match walk.fate {
                Rejected => ApprovalStatus::Rejected,
                TimedOut => ApprovalStatus::TimedOut,
                Skipped => ApprovalStatus::Skipped,
                _ => ApprovalStatus::Approved,
            };
            (status != ApprovalStatus::Skipped).then_some(StageApproval { approver: *approver, status, since: at, decided: Some(decided) })
        } else {
            None
        };
        let with = |mut attempt: StageAttempt| {
            attempt.approvals.extend(approval.clone());
            attempt
        };
        begin = begin.max(walk.free_from + SignedDuration::from_secs(30));
        let end = begin + self.dice.minutes(2, 9);
        walked.last_stage.clone_from(&plan.identifier);
        let mut done = |result, end| {
            walked.first = walked.first.or(Some(end));
            walked.last = Some(end);
            walked.outcome = if result == RecordResult::SucceededWithIssues { Outcome::SucceededWithIssues } else { Outcome::Succeeded };
        };
        match walk.fate {
            Skipped => (vec![StageAttempt::never_ran(RecordResult::Skipped, None)], at),
            Rejected | TimedOut => {
                let decided = at + wait;
                let result = if walk.fate == Rejected { RecordResult::Abandoned } else { RecordResult::Skipped };
                (walked.outcome, walked.result) = (Outcome::Rejected, BuildResult::Failed);
                (vec![with(StageAttempt::never_ran(result, Some(decided)))], decided)
            }
            Fails => {
                (walked.outcome, walked.result, walked.last) = (Outcome::Failed, BuildResult::Failed, Some(end));
                (vec![with(ran(plan, begin, end, RecordResult::Failed))], end)
            }
            CancelledInProduction => {
                (walked.outcome, walked.result, walked.last) = (Outcome::Cancelled, BuildResult::Canceled, Some(end));
                (vec![with(ran(plan, begin, end, RecordResult::Canceled))], end)
            }
            Retried if is_last => {
                let again = end + self.dice.minutes(15, 150);
                let finished = again + self.dice.minutes(2, 9);
                done(RecordResult::Succeeded, finished);
                walked.attempt = 2;
                let first = with(ran(plan, begin, end, RecordResult::Failed));
                (vec![first, ran(plan, again, finished, RecordResult::Succeeded)], finished)
            }
            Issues => {
                done(RecordResult::SucceededWithIssues, end);
                walked.result = BuildResult::PartiallySucceeded;
                (vec![with(ran(plan, begin, end, RecordResult::SucceededWithIssues))], end)
            }
            _ => {
                done(RecordResult::Succeeded, end);
                (vec![with(ran(plan, begin, end, RecordResult::Succeeded))], end)
            }
        }
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
            (Flavour::Classic, _) => super::releases::again(self, &ship, production),
            _ => {
                self.yaml(main, &ship, production);
            }
        }
    }

    /// Checks of pull requests: one a push.
    fn checks(&mut self) {
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
    fn branches(&mut self, up_to: usize) {
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
        let walked = self.walk(started, &walk);
        build.start(started);
        build.stages = walked.stages;
        build.finish(walked.finished, walked.result);
        cut(&mut build, self.limit());
        dress(&mut build);
        self.out.runs.push(Run { build, commit });
        true
    }

    /// Runs of a repository that is no more: some before the window, some in its first days.
    fn of_the_deleted(&mut self) {
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
            let walked = self.walk(started, &walk);
            build.start(started);
            build.stages = walked.stages;
            build.finish(walked.finished, walked.result);
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
    fn unfinished(&mut self, count: usize) {
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
                        pending.approvals.extend(plan.approvers.first().map(|approver| StageApproval {
                            approver: *approver,
                            status: ApprovalStatus::Pending,
                            since: at,
                            decided: None,
                        }));
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
    fn nights(&mut self, wanted: usize) {
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

fn ran(plan: &StagePlan, from: Timestamp, until: Timestamp, result: RecordResult) -> StageAttempt {
    match plan.environment {
        Some(environment) => StageAttempt::deployed(environment, "Deploy", from, until, result),
        None => StageAttempt::ran(from, until, result),
    }
}

/// Takes back what would have happened after `limit`; whether there was anything.
fn cut(build: &mut Build, limit: Timestamp) -> bool {
    if build.finished.is_none_or(|finished| finished <= limit) {
        return false;
    }
    build.status = BuildStatus::InProgress;
    build.result = None;
    build.finished = None;
    build.changed = limit;
    let mut is_open = true;
    for stage in &mut build.stages {
        stage.attempts.retain(|attempt| is_open && attempt.started.or(attempt.finished).is_some_and(|at| at <= limit));
        if let Some(last) = stage.attempts.last_mut()
            && last.finished.is_some_and(|finished| finished > limit)
        {
            last.state = RecordState::InProgress;
            (last.finished, last.result) = (None, None);
            for job in &mut last.jobs {
                job.state = RecordState::InProgress;
                (job.finished, job.result) = (None, None);
            }
            is_open = false;
        }
        is_open = is_open && !stage.attempts.is_empty();
    }
    true
}
