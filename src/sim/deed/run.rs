//! The life of a pipeline run: queued, started, stage by stage with approvals and retries, finished; and classic deployments.
//!
//! Times are the world's. A stage that goes to an environment leaves a record there. Limits: a stage has one job; nobody is
//! checked for the right to do any of it.
use jiff::Timestamp;
use uuid::Uuid;

use super::repository_of;
use crate::sim::hooks::event::Happening;
use crate::sim::hooks::publish;
use crate::sim::host::{Sim, Writing, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{
    ApprovalStatus, Build, BuildReason, BuildResult, BuildStatus, DeploymentReason, DeploymentStatus, JobRun, RecordResult, RecordState,
    Release, ReleaseArtifact, ReleaseDeployment, StageApproval, StageAttempt, StageRun,
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

/// Begins a stage, or tries it again: then the run is under way again too. A stage that has approvers waits for one of them.
pub async fn begin_stage(sim: &Sim, id: i32, stage: &str) -> Result<(), Failure> {
    let approvers: Vec<Uuid> = {
        let world = sim.read().await;
        let definition = world.build(id).and_then(|build| world.definition(build.definition));
        let plan = definition.and_then(|row| row.stages.iter().find(|plan| plan.identifier.eq_ignore_ascii_case(stage)));
        plan.map(|plan| plan.approvers.clone()).unwrap_or_default()
    };
    let (world, ()) = edit(sim, id, |build, now| {
        let row = build.stage_mut(stage).ok_or_else(|| no_stage(stage))?;
        if row.last().is_some_and(|last| last.state != RecordState::Completed) {
            return Err(Failure::argument("stage", &format!("The stage {stage} has begun already.")));
        }
        let mut attempt = if approvers.is_empty() { StageAttempt::running(now) } else { StageAttempt::pending() };
        attempt.approvals = approvers
            .iter()
            .map(|approver| StageApproval { approver: *approver, status: ApprovalStatus::Pending, since: now, decided: None })
            .collect();
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

/// Answers the approval that a stage waits for.
pub async fn decide_stage(sim: &Sim, id: i32, stage: &str, actor: Uuid, decision: Decision) -> Result<(), Failure> {
    let (world, ()) = edit(sim, id, |build, now| {
        let row = build.stage_mut(stage).ok_or_else(|| no_stage(stage))?;
        let waiting = row.attempts.last_mut().filter(|last| last.state == RecordState::Pending);
        let last = waiting.ok_or_else(|| Failure::argument("stage", &format!("The stage {stage} waits for nobody.")))?;
        let approval = last.approvals.iter_mut().find(|approval| approval.approver == actor);
        let approval = approval.ok_or_else(|| Failure::argument("as", &format!("The stage {stage} does not wait for them.")))?;
        approval.decided = Some(now);
        match decision {
            Decision::Approve => {
                approval.status = ApprovalStatus::Approved;
                for other in last.approvals.iter_mut().filter(|other| other.status == ApprovalStatus::Pending) {
                    other.status = ApprovalStatus::Skipped;
                }
                (last.state, last.started) = (RecordState::InProgress, Some(now));
            }
            Decision::Reject => {
                approval.status = ApprovalStatus::Rejected;
                (last.state, last.result, last.finished) = (RecordState::Completed, Some(RecordResult::Failed), Some(now));
            }
        }
        Ok(())
    })
    .await?;
    publish(sim, &world, &Happening::StageChanged { build: id, stage });
    Ok(())
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

/// Deploys a build to an environment of a classic definition, in a release that is made if there is none yet. Answers the deployment's
/// id; one that is `InProgress` is ended by `finish_deployment`.
pub async fn deploy_release(
    sim: &Sim,
    actor: Uuid,
    (definition, build): (i32, i32),
    environment: &str,
    status: DeploymentStatus,
) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let row = world.release_definition(definition).cloned().ok_or_else(|| Failure::no_release_definition(&definition.to_string()))?;
    world.build(build).ok_or_else(|| Failure::no_build(&build.to_string()))?;
    let plan = row.environments.iter().find(|plan| plan.name.eq_ignore_ascii_case(environment));
    let plan = plan.ok_or_else(|| Failure::argument("environment", &format!("The definition has no environment called {environment}.")))?;
    let known = world.releases.values().find(|release| release.definition == definition && release.artifact.build == build).cloned();
    let release = match known {
        Some(release) => release,
        None => {
            let made = Release::new(world.next_release_id(), &row, ReleaseArtifact::of_build(build), actor, now);
            world.releases.insert(made.id, made.clone());
            made
        }
    };
    let earlier = world.release_deployments.values().filter(|other| (other.release, other.environment) == (release.id, plan.id)).count();
    let id = world.next_release_deployment_id();
    let mut made = ReleaseDeployment::new(id, &release, plan, now, actor);
    made.attempt = i32::try_from(earlier).unwrap_or(i32::MAX - 1) + 1;
    made.reason = if earlier > 0 { DeploymentReason::Manual } else { DeploymentReason::Automated };
    made.start(now);
    if status != DeploymentStatus::InProgress {
        made.finish(now, status);
    }
    let is_over = made.completed.is_some();
    world.release_deployments.insert(id, made);
    publish(sim, &world, &Happening::ReleaseDeploymentStarted { id });
    if is_over {
        publish(sim, &world, &Happening::ReleaseDeploymentCompleted { id });
    }
    Ok(id)
}

pub async fn finish_deployment(sim: &Sim, id: i32, status: DeploymentStatus) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let row = world.release_deployments.get_mut(&id);
    row.ok_or_else(|| Failure::argument("deployment", &format!("There is no deployment {id}.")))?.finish(now, status);
    publish(sim, &world, &Happening::ReleaseDeploymentCompleted { id });
    Ok(())
}
