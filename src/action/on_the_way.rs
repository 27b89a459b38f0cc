//! What a merged change waits for at the moment: asks Azure DevOps about the run that is bringing it to production, and who is to
//! approve it. At most three calls, none where nothing is under way; a call that fails leaves what is stored, and says so.
//!
//! Limits: one run of a pipeline and one release; whoever waits longer than [`PATIENCE`] for an answer goes without it.

use std::time::Duration;

use super::context::Context;
use super::error::Result;
use crate::ado::{self, Client, ErrorKind};
use crate::domain::id::{Guid, ObjectId, RepositoryId};
use crate::domain::project::Project;
use crate::domain::run::{Check, PendingRelease};
use crate::metrics::input::{Input, StageRun};
use crate::metrics::query::Rules;
use crate::metrics::under_way::{Commit, Live, Questions, UnderWay, is_waiting, questions};

/// How long somebody who looks at a pull request waits for what is not stored.
const PATIENCE: Duration = Duration::from_secs(10);

const APPROVERS: &str = "who is to approve";

/// Runs under way, newest first, of which one is looked for.
const RUNS: u32 = 500;

/// What was told of the runs that bring a commit to production. What could not be read is added to `missing`.
///
/// # Errors
/// The store's. Azure DevOps never fails it.
pub async fn ask(
    ctx: &Context,
    project: &Project,
    (repository, commit): (RepositoryId, &ObjectId),
    (input, rules): (&Input, &Rules),
    me: Option<&Guid>,
    missing: &mut Vec<String>,
) -> Result<Vec<Live>> {
    let runs = ctx.store.builds_under_way(project.id, RUNS).await?;
    if runs.is_empty() && !input.stages.iter().any(is_waiting) {
        return Ok(Vec::new());
    }
    let runs: Vec<UnderWay> = runs
        .into_iter()
        .map(|build| UnderWay {
            project: project.id,
            definition: build.definition,
            number: build.number,
            repository: build.repository,
            sha: build.sha,
            branch: build.branch.map(|branch| branch.strip_prefix("refs/heads/").map(str::to_owned).unwrap_or(branch)),
            started_at: build.started_at,
        })
        .collect();
    let asked = questions(&Commit::of(repository, commit, input), input, rules, &runs);
    if asked.run.is_none() && asked.release.is_empty() {
        return Ok(Vec::new());
    }
    let mut said = Vec::new();
    let told = tokio::time::timeout(PATIENCE, async {
        match ctx.client(project).await {
            Ok(client) => all(&client, project, &asked, input, me, &mut said).await,
            Err(error) => {
                said.push(format!("what it waits for could not be asked: {error}"));
                Vec::new()
            }
        }
    })
    .await;
    missing.append(&mut said);
    Ok(told.unwrap_or_else(|_| {
        missing.push("Azure DevOps did not say in time what it waits for".to_owned());
        Vec::new()
    }))
}

async fn all(
    client: &Client,
    project: &Project,
    asked: &Questions<'_>,
    input: &Input,
    me: Option<&Guid>,
    said: &mut Vec<String>,
) -> Vec<Live> {
    let (mut of_run, mut of_release) = (Vec::new(), Vec::new());
    let (run, release) = tokio::join!(
        async {
            match asked.run {
                Some(run) => run_of_pipeline(client, project, run, input, me, &mut of_run).await,
                None => None,
            }
        },
        async {
            match asked.release.first() {
                Some(first) => {
                    let pending = pending(client, project, first, &mut of_release).await;
                    Some(Live::of_release(&asked.release, &pending, me))
                }
                None => None,
            }
        },
    );
    said.append(&mut of_run);
    said.append(&mut of_release);
    run.into_iter().chain(release).collect()
}

async fn run_of_pipeline(
    client: &Client,
    project: &Project,
    run: &UnderWay,
    input: &Input,
    me: Option<&Guid>,
    said: &mut Vec<String>,
) -> Option<Live> {
    let stages = answered(client.standing(&project.guid, run.number).await, "the run under way", said)??;
    let checks = stages.iter().filter_map(|standing| standing.gate.as_ref()).flat_map(|gate| &gate.checks);
    let ids: Vec<Guid> = checks.filter_map(|check| if let Check::Approval(id) = check { Some(id.clone()) } else { None }).collect();
    let approvals = answered(client.open_approvals(&project.guid, &ids).await, APPROVERS, said).unwrap_or_default();
    Some(Live::of_run(run, &stages, &approvals, &input.kinds, me))
}

async fn pending(client: &Client, project: &Project, row: &StageRun, said: &mut Vec<String>) -> Vec<PendingRelease> {
    answered(client.pending_release_approvals(&project.guid, row.run).await, APPROVERS, said).unwrap_or_default()
}

/// An answer, or nothing. A Server that does not know of approvals has nothing to put right.
fn answered<T>(answer: ado::Result<T>, what: &str, said: &mut Vec<String>) -> Option<T> {
    let error = match answer {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::NotFound => {}
        ErrorKind::ScopeMissing { .. } | ErrorKind::PermissionMissing { .. } => said.push(format!("the token may not read {what}")),
        _ => said.push(error.to_string()),
    }
    None
}
