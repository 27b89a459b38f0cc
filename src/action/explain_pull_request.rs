//! Why a pull request is where it is: its phases against those of the team, what it waits for, when others like it landed, and where its
//! commit is once it is merged. Asks Azure DevOps for what is not collected: at most three calls; of a merged one only while something is
//! under way that has its commit ([`on_the_way`]).

use jiff::Timestamp;

use super::context::Context;
use super::error::{Error, Result};
use super::{figures, on_the_way};
use crate::ado::history::happenings;
use crate::ado::{self, BuildQuery, ErrorKind, RepoRef};
use crate::domain::collection::Source;
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::pull_request::{Checks, MergeState, PullRequestStatus, sum_threads};
use crate::domain::run::{Build, RunStatus};
use crate::metrics::blocker::{PendingBuild, Situation};
use crate::metrics::departures::{self, StageState, Stop};
use crate::metrics::figures::Phase;
use crate::metrics::flow;
use crate::metrics::input::{History, Input, MeasuredProject, Validation};
use crate::metrics::landing::{self, Landing};
use crate::metrics::overlay::{self, Known};
use crate::metrics::production::{self, KindKey};
use crate::metrics::query::Query;
use crate::metrics::under_way::Live;
use crate::metrics::waterfall::{self, Typical, Waterfall};

/// Builds of its merge that are looked at.
const BUILDS: usize = 20;

/// What there is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub waterfall: Waterfall,
    pub landing: Option<Landing>,
    /// Where its commit is; empty while it is not merged.
    pub stops: Vec<Stop>,
    /// What the token may not read, in words.
    pub missing: Vec<String>,
    pub read_at: Timestamp,
}

/// # Errors
/// Refused while nothing was collected of the pull request; what Azure DevOps does not answer.
pub async fn run(ctx: &Context, repository: RepositoryId, number: i64) -> Result<Explained> {
    let row = ctx.repository(repository).await?;
    let project = ctx.project(row.project).await?;
    let mut history = ctx.store.pull_request_history(repository, number).await?.ok_or_else(|| {
        Error::refused(
            format!("nothing is collected of pull request {number} of {} yet", row.name),
            "`kanado backfill` collects it, or r on the metrics screen",
        )
    })?;
    let now = ctx.clock.now();
    let known = ctx.store.pull_request(repository, number).await?;
    let me = ctx.organisation(project.organisation).await?.me.map(|me| me.id);
    let mut situation = Situation { me: me.clone(), ..Situation::default() };
    let mut missing = Vec::new();
    let mut checks = Checks::default();
    if let Some(known) = known {
        // The list of pull requests is read more often than histories are.
        situation.merge = known.facts.merge;
        situation.open_threads = known.threads.map_or(0, |threads| threads.unresolved);
        checks = known.checks.unwrap_or_default();
        history.refresh(&known.facts);
    }
    if history.status == PullRequestStatus::Active {
        let client = ctx.client(&project).await?;
        let repo = RepoRef { project: &project.guid, repository: &row.guid };
        let builds = BuildQuery::OfRef(format!("refs/pull/{number}/merge"));
        let (threads, policies, builds) = tokio::join!(
            client.threads(repo, number),
            client.policy_evaluations(&project.guid, number),
            client.builds_page(&project.guid, &builds, None, BUILDS),
        );
        if let Some(threads) = readable(threads, "comments and votes", &mut missing)? {
            situation.open_threads = sum_threads(&threads).unresolved;
            let (happened, actors) = happenings(&threads);
            (history.happenings, history.actors) = (Some(happened), actors);
        }
        match readable(policies, "policies", &mut missing)? {
            Some(policies) => situation.policies = policies,
            None => situation.checks = checks,
        }
        if let Some(page) = readable(builds, "pipeline runs", &mut missing)? {
            history.validations.retain(|known| !page.rows.iter().any(|build| build.number == known.run));
            history.validations.extend(page.rows.iter().map(validation));
            let unfinished = ctx.store.unfinished_builds(project.id).await?;
            let pending = page.rows.into_iter().filter(|build| build.result.is_none() && build.finished_at.is_none());
            situation.builds = pending.map(|build| pending_build(build, &unfinished)).collect();
        }
    } else {
        situation.merge = MergeState::NotSet;
    }
    let (input, query) = read(ctx, project.id, history.status, now).await?;
    if history.status == PullRequestStatus::Completed && hides_runs(&input) {
        missing.push("the token may not read pipeline runs".to_owned());
    }
    let live = match (&history.merge_commit, history.status) {
        (Some(commit), PullRequestStatus::Completed) => {
            let commit = (history.repository, commit);
            on_the_way::ask(ctx, &project, commit, (&input, &query.rules), me.as_ref(), &mut missing).await?
        }
        _ => Vec::new(),
    };
    let worked_out = tokio::task::spawn_blocking(move || work_out(&history, &situation, &input, &live, &query, now)).await;
    let (waterfall, landing, stops) =
        worked_out.map_err(|error| Error::refused(format!("the phases could not be worked out: {error}"), "report this: `kanado log`"))?;
    Ok(Explained { waterfall, landing, stops, missing, read_at: now })
}

fn validation(build: &Build) -> Validation {
    Validation {
        run: build.number,
        queued_at: build.queued_at.or(build.started_at),
        finished_at: build.finished_at,
        goes_on: build.status != RunStatus::Completed,
    }
}

fn pending_build(build: Build, unfinished: &[i64]) -> PendingBuild {
    // What was queued before it and has not ended, as far as it is known here.
    let ahead = unfinished.iter().filter(|number| **number < build.number).count();
    let waits = build.started_at.is_none();
    PendingBuild {
        number: build.number,
        label: build.label,
        definition: build.definition_name,
        queued_at: build.queued_at,
        started_at: build.started_at,
        ahead: waits.then(|| u32::try_from(ahead).unwrap_or(u32::MAX)),
    }
}

/// An answer, or nothing where the token may not read it: then what is missing is noted.
fn readable<T>(answer: ado::Result<T>, what: &str, missing: &mut Vec<String>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            ErrorKind::ScopeMissing { .. } | ErrorKind::PermissionMissing { .. } | ErrorKind::NotFound => {
                missing.push(format!("the token may not read {what}"));
                Ok(None)
            }
            _ => Err(error.into()),
        },
    }
}

/// Whether runs of the project may not be read.
fn hides_runs(input: &Input) -> bool {
    let is_refused = |project: &MeasuredProject| project.collection.source(Source::Builds).is_some_and(|state| state.refused.is_some());
    input.projects.iter().any(is_refused)
}

/// Since when the runs of a repository's project are collected.
fn runs_from(input: &Input, repository: RepositoryId) -> Option<Timestamp> {
    let (_, project, ..) = input.repositories.iter().find(|(id, ..)| *id == repository)?;
    input.projects.iter().find(|one| one.id == *project)?.collection.source(Source::Builds)?.from
}

/// The team's pull requests, and the stages that a merged one may have come to.
async fn read(ctx: &Context, project: ProjectId, status: PullRequestStatus, now: Timestamp) -> Result<(Input, Query)> {
    let query = figures::of_team(ctx, project, now).await?;
    let kinds = ctx.store.stage_kinds(&query.projects).await?;
    let mut wanted = production::wanted(&kinds, &query);
    if status == PullRequestStatus::Completed {
        // A way has more stops than production.
        wanted.kinds = kinds.iter().filter(|kind| !kind.stage.is_empty() || kind.environment.is_some()).map(KindKey::of).collect();
    }
    Ok((ctx.store.metric_input(&query, &wanted).await?, query))
}

fn work_out(
    history: &History,
    situation: &Situation,
    input: &Input,
    live: &[Live],
    query: &Query,
    now: Timestamp,
) -> (Waterfall, Option<Landing>, Vec<Stop>) {
    let typical = Typical::of(input, query, now);
    let stops = match (&history.merge_commit, history.status) {
        (Some(commit), PullRequestStatus::Completed) => {
            departures::of(history.repository, commit, history.closed_at, input, &query.rules, live)
        }
        _ => Vec::new(),
    };
    let deployed_at = stops.iter().find_map(|stop| match stop {
        Stop::Stage { production: true, state: StageState::Done { at }, .. } => *at,
        _ => None,
    });
    let mut waterfall = waterfall::of(history, situation, &query.rules, &typical, deployed_at, now);
    if deployed_at.is_none() && hides_runs(input) {
        // Whether it waits is not known.
        waterfall.parts.retain(|part| part.phase != Some(Phase::DeployWait));
        waterfall.current = waterfall.current.filter(|phase| *phase != Phase::DeployWait);
    }
    let known = Known { runs_from: runs_from(input, history.repository), approvals: overlay::before_arrival(&stops, input) };
    overlay::lay(&mut waterfall, &flow::of(history, &query.rules), &known, now);
    let landing = landing::of(&waterfall, &typical);
    (waterfall, landing, stops)
}
