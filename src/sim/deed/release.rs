//! Classic releases: a build is deployed to an environment at once, or waits there for those who have to approve.
//!
//! Limits: all of those who are asked have to approve; one refusal ends it. Environments are deployed to in any order.
use uuid::Uuid;

use super::run::Decision;
use crate::sim::hooks::event::Happening;
use crate::sim::hooks::publish;
use crate::sim::host::Sim;
use crate::sim::reply::Failure;
use crate::sim::world::{
    ApprovalStage, ApprovalStatus, DeploymentReason, DeploymentStatus, OperationStatus, Release, ReleaseApproval, ReleaseArtifact,
    ReleaseDeployment, ReleaseEnvironmentPlan, World,
};

/// A queued deployment of a build to an environment of a definition, in a release that is made if there is none yet.
fn queued(
    world: &mut World,
    actor: Uuid,
    (definition, build): (i32, i32),
    environment: &str,
) -> Result<(ReleaseDeployment, ReleaseEnvironmentPlan), Failure> {
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
    let mut made = ReleaseDeployment::new(world.next_release_deployment_id(), &release, plan, now, actor);
    made.attempt = i32::try_from(earlier).unwrap_or(i32::MAX - 1) + 1;
    made.reason = if earlier > 0 { DeploymentReason::Manual } else { DeploymentReason::Automated };
    Ok((made, plan.clone()))
}

/// Deploys a build to an environment of a classic definition, whoever should have approved it. Answers the deployment's id; one that is
/// `InProgress` is ended by `finish_deployment`.
pub async fn deploy_release(sim: &Sim, actor: Uuid, what: (i32, i32), environment: &str, status: DeploymentStatus) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let (mut made, _) = queued(&mut world, actor, what, environment)?;
    made.start(now);
    if status != DeploymentStatus::InProgress {
        made.finish(now, status);
    }
    let (id, is_over) = (made.id, made.completed.is_some());
    world.release_deployments.insert(id, made);
    publish(sim, &world, &Happening::ReleaseDeploymentStarted { id });
    if is_over {
        publish(sim, &world, &Happening::ReleaseDeploymentCompleted { id });
    }
    Ok(id)
}

/// Asks for a deployment as the service does: it begins when everybody who has to approve did, at once where nobody has to.
pub async fn ask_release(sim: &Sim, actor: Uuid, what: (i32, i32), environment: &str) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let (mut made, plan) = queued(&mut world, actor, what, environment)?;
    let last = world.release_deployments.values().flat_map(|row| &row.approvals).map(|approval| approval.id).max().unwrap_or(0);
    made.approvals = (last + 1..)
        .zip(&plan.approvers)
        .map(|(id, approver)| ReleaseApproval {
            id,
            stage: ApprovalStage::PreDeploy,
            status: ApprovalStatus::Pending,
            approver: Some(*approver),
            created: now,
            modified: now,
        })
        .collect();
    let id = made.id;
    let begins = made.approvals.is_empty();
    if begins {
        made.start(now);
    } else {
        made.operation = OperationStatus::Pending;
    }
    world.release_deployments.insert(id, made);
    if begins {
        publish(sim, &world, &Happening::ReleaseDeploymentStarted { id });
    }
    Ok(id)
}

/// Answers the approval that a deployment waits for, for oneself or for a team that one is in.
pub async fn decide_release(sim: &Sim, id: i32, actor: Uuid, decision: Decision) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let mut row = world.release_deployments.get(&id).cloned().ok_or_else(|| no_deployment(id))?;
    let is_mine = |approval: &&mut ReleaseApproval| {
        approval.status == ApprovalStatus::Pending && approval.approver.is_some_and(|asked| world.answers_for(actor, asked))
    };
    let found = row.approvals.iter_mut().find(is_mine);
    let found = found.ok_or_else(|| Failure::argument("as", &format!("The deployment {id} does not wait for them.")))?;
    found.modified = now;
    (row.modified, row.modified_by) = (now, actor);
    match decision {
        Decision::Approve => found.status = ApprovalStatus::Approved,
        Decision::Reject => {
            found.status = ApprovalStatus::Rejected;
            row.approvals.iter_mut().filter(|other| other.status == ApprovalStatus::Pending).for_each(|other| {
                (other.status, other.modified) = (ApprovalStatus::Skipped, now);
            });
            row = row.rejected(now, actor);
        }
    }
    let is_free = row.approvals.iter().all(|approval| approval.status == ApprovalStatus::Approved);
    if is_free {
        row.start(now);
    }
    world.release_deployments.insert(id, row);
    if is_free {
        publish(sim, &world, &Happening::ReleaseDeploymentStarted { id });
    }
    Ok(())
}

pub async fn finish_deployment(sim: &Sim, id: i32, status: DeploymentStatus) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    world.release_deployments.get_mut(&id).ok_or_else(|| no_deployment(id))?.finish(now, status);
    publish(sim, &world, &Happening::ReleaseDeploymentCompleted { id });
    Ok(())
}

fn no_deployment(id: i32) -> Failure {
    Failure::argument("deployment", &format!("There is no deployment {id}."))
}
