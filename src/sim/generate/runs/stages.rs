//! A run's way through its stages, with approvals, refusals and second attempts.
//!
//! Limits: only production stages have approvals, and only they are tried again; stages come one after the other.

use jiff::{SignedDuration, Timestamp};

use super::Fate::{
    self, BuildFails, Cancelled, CancelledInProduction, Fails, Issues, LaterFails, Rejected, Retried, Skipped, TestFails, TimedOut,
};
use super::{Pipelines, is_production};
use crate::sim::generate::plan::Outcome;
use crate::sim::world::{
    ApprovalStatus, Build, BuildResult, BuildStatus, Definition, RecordResult, RecordState, StageApproval, StageAttempt, StagePlan,
    StageRun,
};

/// What a walk through the stages needs to know.
pub(super) struct Walk<'a> {
    pub definition: &'a Definition,
    pub fate: Fate,
    /// Approvals take minutes.
    pub hurried: bool,
    pub free_from: Timestamp,
    /// Main only: elsewhere production stages are skipped.
    pub deploys: bool,
}

/// What came of a walk.
pub(super) struct Walked {
    stages: Vec<StageRun>,
    finished: Timestamp,
    result: BuildResult,
    pub outcome: Outcome,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub fan_out: usize,
    pub attempt: usize,
    pub last_stage: String,
}

impl Pipelines<'_> {
    /// Runs a build from `started` to its end.
    pub(super) fn run(&mut self, build: &mut Build, started: Timestamp, walk: &Walk<'_>) -> Walked {
        let mut walked = self.walk(started, walk);
        build.start(started);
        build.stages = std::mem::take(&mut walked.stages);
        build.finish(walked.finished, walked.result);
        walked
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
            (status != ApprovalStatus::Skipped).then(|| StageApproval::asked(*approver, at).decided(status, decided))
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
}

pub(super) fn ran(plan: &StagePlan, from: Timestamp, until: Timestamp, result: RecordResult) -> StageAttempt {
    match plan.environment {
        Some(environment) => StageAttempt::deployed(environment, "Deploy", from, until, result),
        None => StageAttempt::ran(from, until, result),
    }
}

/// Takes back what would have happened after `limit`; whether there was anything.
pub(super) fn cut(build: &mut Build, limit: Timestamp) -> bool {
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
