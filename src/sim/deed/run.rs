//! The life of a pipeline run: queued, started, stage by stage with approvals, checks and retries, finished.
//!
//! Times are the world's. A stage that goes to an environment leaves a record there. Limits: a stage has one job; nobody but an approver
//! is checked for the right to do any of it.
use jiff::Timestamp;
use uuid::Uuid;

use super::repository_of;
use crate::sim::hooks::event::Happening;
use crate::sim::hooks::publish;
use crate::sim::host::{Sim, Writing, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{
    ApprovalOrder, ApprovalStatus, Build, BuildReason, BuildResult, BuildStatus, CheckKind, JobRun, RecordResult, RecordState,
    StageApproval, StageAttempt, StageCheck, StagePlan, StageRun,
};

/// What to run: the definition's default branch as it is, unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    pub definition: i32,
    pub ref_name: Option<String>,
    pub commit: Option<String>,
    /// The run checks the merge of this pull request.
    pub pull_request: Option<i32>,
    pub reason: Option<BuildReason>,
}

/// How somebody answers an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Reject,
}

impl Decision {
    fn status(self) -> ApprovalStatus {
        match self {
            Self::Approve => ApprovalStatus::Approved,
            Self::Reject => ApprovalStatus::Rejected,
        }
    }
}

/// Queues a run; answers its id.
pub async fn queue_run(sim: &Sim, actor: Uuid, new: NewRun) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let definition = world.definition(new.definition).cloned();
    let definition = definition.filter(|row| !row.is_deleted).ok_or_else(|| Failure::no_definition(&new.definition.to_string()))?;
    let request = match new.pull_request {
        Some(id) => Some(world.pull_request(id).cloned().ok_or_else(Failure::no_pull_request)?),
        None => None,
    };
    let ref_name = new.ref_name.unwrap_or_else(|| definition.default_branch.clone());
    let git = sim.git(repository_of(&world, definition.repository)?);
    let (asked, branch) = (new.commit.or_else(|| request.as_ref().and_then(|row| row.merge.commit.clone())), ref_name.clone());
    let (commit, message) = blocking(move || {
        let id = match asked {
            Some(id) => id,
            None => git.tip(&branch)?.ok_or(crate::sim::git::GitError::NoVersion(branch))?,
        };
        let row = git.commit(&id)?;
        Ok::<_, crate::sim::git::GitError>((id, row.message.lines().next().unwrap_or_default().to_owned()))
    })
    .await?;
    let id = world.next_build_id();
    let mut build = Build::new(id, &definition, &commit, world.now(), actor);
    build.ref_name = ref_name;
    build.message = Some(message);
    build.stages = definition.stages.iter().map(|plan| StageRun::waiting(&plan.identifier).named(&plan.name)).collect();
    if let Some(request) = request {
        build = build.of_pull_request(request.id);
    }
    if let Some(reason) = new.reason {
        build.reason = reason;
    }
    world.add_build(build);
    publish(sim, &world, &Happening::RunChanged { id });
    Ok(id)
}

/// Changes a run and keeps it with its deployment records.
async fn edit<T>(sim: &Sim, id: i32, change: impl FnOnce(&mut Build, Timestamp) -> Result<T, Failure>) -> Result<(Writing, T), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let mut build = world.build(id).cloned().ok_or_else(|| Failure::no_build(&id.to_string()))?;
    let outcome = change(&mut build, now)?;
    build.changed = now;
    world.add_build(build);
    Ok((world, outcome))
}

pub async fn start_run(sim: &Sim, id: i32) -> Result<(), Failure> {
    let (world, ()) = edit(sim, id, |build, now| {
        build.start(now);
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::RunChanged { id });
    Ok(())
}

/// Begins a stage, or tries it again: then the run is under way again too. A stage that has approvers or checks waits for them.
pub async fn begin_stage(sim: &Sim, id: i32, stage: &str) -> Result<(), Failure> {
    let plan = {
        let world = sim.read().await;
        let definition = world.build(id).and_then(|build| world.definition(build.definition));
        let plan = definition.and_then(|row| row.stages.iter().find(|plan| plan.identifier.eq_ignore_ascii_case(stage)));
        plan.cloned().unwrap_or_else(|| StagePlan::new(stage))
    };
    let (world, ()) = edit(sim, id, |build, now| {
        let row = build.stage_mut(stage).ok_or_else(|| no_stage(stage))?;
        if row.last().is_some_and(|last| last.state != RecordState::Completed) {
            return Err(Failure::argument("stage", &format!("The stage {stage} has begun already.")));
        }
        let is_free = plan.approvers.is_empty() && plan.checks.is_empty();
        let mut attempt = if is_free { StageAttempt::running(now) } else { StageAttempt::pending() };
        attempt.terms = plan.terms;
        attempt.approvals = plan.approvers.iter().map(|approver| StageApproval::asked(*approver, now)).collect();
        if plan.terms.order == ApprovalOrder::InSequence {
            attempt.approvals.iter_mut().skip(1).for_each(|later| later.status = ApprovalStatus::Uninitiated);
        }
        let check = |(kind, name): &(CheckKind, Option<String>)| StageCheck {
            kind: *kind,
            name: name.clone(),
            status: ApprovalStatus::Pending,
            since: now,
            decided: None,
        };
        attempt.checks = plan.checks.iter().map(check).collect();
        row.attempts.push(attempt);
        build.status = BuildStatus::InProgress;
        build.started.get_or_insert(now);
        (build.result, build.finished) = (None, None);
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::StageChanged { build: id, stage });
    Ok(())
}

/// Answers the approval that a stage waits for, for oneself or for a team that one is in.
pub async fn decide_stage(sim: &Sim, id: i32, stage: &str, actor: Uuid, decision: Decision) -> Result<(), Failure> {
    let may: Vec<Uuid> = {
        let world = sim.read().await;
        let attempt = world.build(id).and_then(|build| build.stages.iter().find(|row| row.identifier.eq_ignore_ascii_case(stage))?.last());
        let asked = attempt.iter().flat_map(|attempt| &attempt.approvals).map(|approval| approval.approver);
        asked.filter(|asked| world.answers_for(actor, *asked)).collect()
    };
    let (world, ()) = edit(sim, id, |build, now| {
        let last = waiting(build, stage)?;
        let approval =
            last.approvals.iter_mut().find(|approval| approval.status == ApprovalStatus::Pending && may.contains(&approval.approver));
        let approval = approval.ok_or_else(|| Failure::argument("as", &format!("The stage {stage} does not wait for them.")))?;
        (approval.decided, approval.by) = (Some(now), Some(actor));
        approval.status = decision.status();
        go_on(last, now);
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::StageChanged { build: id, stage });
    Ok(())
}

/// Ends a check that a stage waits for, named or by its kind.
pub async fn decide_check(sim: &Sim, id: i32, stage: &str, check: &str, decision: Decision) -> Result<(), Failure> {
    let (world, ()) = edit(sim, id, |build, now| {
        let last = waiting(build, stage)?;
        let is_it = |row: &&mut StageCheck| {
            row.status == ApprovalStatus::Pending && row.name.as_deref().unwrap_or(row.kind.word()).eq_ignore_ascii_case(check)
        };
        let found = last.checks.iter_mut().find(is_it);
        let found = found.ok_or_else(|| Failure::argument("check", &format!("The stage {stage} does not wait for {check}.")))?;
        found.decided = Some(now);
        found.status = decision.status();
        go_on(last, now);
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::StageChanged { build: id, stage });
    Ok(())
}

fn waiting<'a>(build: &'a mut Build, stage: &str) -> Result<&'a mut StageAttempt, Failure> {
    let row = build.stage_mut(stage).ok_or_else(|| no_stage(stage))?;
    let waiting = row.attempts.last_mut().filter(|last| last.state == RecordState::Pending);
    waiting.ok_or_else(|| Failure::argument("stage", &format!("The stage {stage} waits for nobody.")))
}

/// Ends or begins an attempt that waits, where what was decided is enough for that; asks the next one where they are asked in turn.
fn go_on(attempt: &mut StageAttempt, now: Timestamp) {
    let asked = attempt.approvals.len();
    let needed = if attempt.terms.needed == 0 { asked } else { attempt.terms.needed.min(asked) };
    let has = |attempt: &StageAttempt, status: ApprovalStatus| {
        attempt.approvals.iter().any(|row| row.status == status) || attempt.checks.iter().any(|row| row.status == status)
    };
    let is_refused = has(attempt, ApprovalStatus::Rejected);
    let approved = attempt.approvals.iter().filter(|row| row.status == ApprovalStatus::Approved).count();
    if is_refused || approved >= needed {
        let open = |row: &&mut StageApproval| matches!(row.status, ApprovalStatus::Pending | ApprovalStatus::Uninitiated);
        attempt.approvals.iter_mut().filter(open).for_each(|row| row.status = ApprovalStatus::Skipped);
    } else if !attempt.approvals.iter().any(|row| row.status == ApprovalStatus::Pending)
        && let Some(next) = attempt.approvals.iter_mut().find(|row| row.status == ApprovalStatus::Uninitiated)
    {
        (next.status, next.since) = (ApprovalStatus::Pending, now);
    }
    if is_refused {
        attempt.checks.iter_mut().filter(|row| row.status == ApprovalStatus::Pending).for_each(|row| row.status = ApprovalStatus::Skipped);
        (attempt.state, attempt.result, attempt.finished) = (RecordState::Completed, Some(RecordResult::Failed), Some(now));
    } else if !has(attempt, ApprovalStatus::Pending) {
        (attempt.state, attempt.started) = (RecordState::InProgress, Some(now));
    }
}

/// Ends a stage, which begins first if it has not.
pub async fn end_stage(sim: &Sim, id: i32, stage: &str, result: RecordResult) -> Result<(), Failure> {
    let environment = {
        let world = sim.read().await;
        let definition = world.build(id).and_then(|build| world.definition(build.definition));
        let plan = definition.and_then(|row| row.stages.iter().find(|plan| plan.identifier.eq_ignore_ascii_case(stage)));
        plan.and_then(|plan| plan.environment)
    };
    let (world, ()) = edit(sim, id, |build, now| {
        let row = build.stage_mut(stage).ok_or_else(|| no_stage(stage))?;
        if matches!(result, RecordResult::Skipped | RecordResult::Abandoned) {
            row.attempts.retain(|attempt| attempt.state == RecordState::Completed);
            row.attempts.push(StageAttempt::never_ran(result, Some(now)));
            return Ok(());
        }
        if row.last().is_none_or(|last| last.state == RecordState::Completed) {
            row.attempts.push(StageAttempt::running(now));
        }
        if let Some(last) = row.attempts.last_mut() {
            let started = *last.started.get_or_insert(now);
            (last.state, last.result, last.finished) = (RecordState::Completed, Some(result), Some(now));
            let name = if environment.is_some() { "Deploy" } else { "Job" };
            last.jobs = vec![JobRun { environment, ..JobRun::ran(name, started, now, result) }];
        }
        build.started.get_or_insert(now);
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::StageChanged { build: id, stage });
    Ok(())
}

/// Ends the run; stages that were not reached are skipped.
pub async fn finish_run(sim: &Sim, id: i32, result: BuildResult) -> Result<(), Failure> {
    let (world, ()) = edit(sim, id, |build, now| {
        build.finish(now, result);
        for stage in &mut build.stages {
            match stage.attempts.last_mut() {
                None => stage.attempts.push(StageAttempt::never_ran(RecordResult::Skipped, None)),
                Some(last) if last.state != RecordState::Completed => {
                    (last.state, last.result, last.finished) = (RecordState::Completed, Some(RecordResult::Canceled), Some(now));
                    let is_open = |status: ApprovalStatus| matches!(status, ApprovalStatus::Pending | ApprovalStatus::Uninitiated);
                    for row in last.approvals.iter_mut().filter(|row| is_open(row.status)) {
                        (row.status, row.decided) = (ApprovalStatus::Canceled, Some(now));
                    }
                    for row in last.checks.iter_mut().filter(|row| is_open(row.status)) {
                        (row.status, row.decided) = (ApprovalStatus::Canceled, Some(now));
                    }
                }
                Some(_) => {}
            }
        }
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::BuildCompleted { id });
    publish(sim, &world, &Happening::RunChanged { id });
    Ok(())
}

fn no_stage(stage: &str) -> Failure {
    Failure::argument("stage", &format!("The run has no stage called {stage}."))
}
