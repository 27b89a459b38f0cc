//! The one comment that kanado keeps on a pull request of a ticket.
//!
//! Written by the account that acts for the team, once: the thread is remembered, and found again by its mark; a lease keeps two
//! processes from opening two. It is written anew in place, only when its digest changed and not more often than every ten minutes.
//! What tells whether a text is due asks nobody.
//!
//! Its thread is closed from the beginning: an active one would keep the pull request from completion wherever the target branch wants all
//! comments resolved, and would count as something to answer everywhere else. So a person's word is any other status (resolved, won't fix,
//! reactivated) or the deletion; then it is left alone for good.
//!
//! Limits: a person who reactivates and closes it between two looks of ours has said nothing.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::error::{Error, Result};
use super::{figures, holder, lease};
use crate::ado::{self, NewThread, RepoRef, ThreadStatus};
use crate::domain::fact::Thread;
use crate::domain::id::{Guid, ProjectId, TicketKey};
use crate::domain::project::{Project, Repository};
use crate::domain::pull_request::{KnownPullRequest, PullRequestStatus};
use crate::domain::quality::{PROPERTY, is_ours};
use crate::domain::ticket_view::TicketView;
use crate::metrics::blocker::{Situation, blockers, foremost};
use crate::metrics::figures::{Figures, Phase, Value};
use crate::metrics::flow;
use crate::metrics::input::{Flow, History, Segment};
use crate::metrics::quality::{Quality, Size, Standing, Usual};
use crate::metrics::size;
use crate::metrics::statistics;
use crate::notice::inert;
use crate::store::{CommentState, HistoryUpdate, QualityComment};
pub use posting::{policy, set_policy};

/// The least between two versions of a comment.
pub const APART: SignedDuration = SignedDuration::from_mins(10);
/// Longer than a comment takes; then somebody else may do it.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// A commit is older than the merge that it is of, by less than this.
const MERGED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A median of fewer says nothing.
const FEW: usize = 5;

/// What is done with the comment, or why nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Open the thread.
    Create,
    /// Write it anew in place.
    Update { thread: i64, comment: i64 },
    /// It says all this already.
    Unchanged,
    /// Written too short a time ago.
    TooSoon { until: Timestamp },
    /// A person gave its thread another status, or deleted it.
    Left,
    /// Another account keeps one.
    SomebodyElses,
    /// Another process is writing it.
    Busy,
}

impl Step {
    pub fn words(&self) -> String {
        match self {
            Self::Create => "open a thread with this text".to_owned(),
            Self::Update { thread, .. } => format!("write thread {thread} anew with this text"),
            Self::Unchanged => "nothing: the comment says so already".to_owned(),
            Self::TooSoon { until } => format!("nothing before {}: it was written less than ten minutes ago", until.strftime("%H:%M UTC")),
            Self::Left => "nothing: a person gave it another status or deleted it, so it is left alone".to_owned(),
            Self::SomebodyElses => "nothing: another account keeps one on this pull request".to_owned(),
            Self::Busy => "nothing: another process is writing it".to_owned(),
        }
    }

    pub fn writes(&self) -> bool {
        matches!(self, Self::Create | Self::Update { .. })
    }
}

/// A comment and what is to be done with it, or was.
#[derive(Debug, Clone, Serialize)]
pub struct Commented {
    pub key: TicketKey,
    pub repository: String,
    pub number: i64,
    pub text: String,
    #[serde(flatten)]
    pub step: Step,
}

/// Who wants it written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The engine, as facts change: not more often than every ten minutes.
    ByItself,
    /// A person, now.
    ByHand,
}

/// What the team's pull requests are like; read once for many comments.
pub struct TeamFigures {
    figures: Figures,
    usual: Option<Usual>,
}

pub async fn team(ctx: &Context, project: ProjectId, now: Timestamp) -> Result<TeamFigures> {
    let query = figures::of_team(ctx, project, now).await?;
    let (input, figures) = figures::read(ctx, &query, now).await?;
    let merged = |flow: &&Flow| {
        flow.status == PullRequestStatus::Completed
            && flow.segment == Segment::Human
            && flow.closed_at.is_some_and(|at| query.window.contains(at))
    };
    let merged: Vec<&Flow> = input.flows.iter().filter(merged).collect();
    let middle = |numbers: Vec<f64>| if numbers.len() < FEW { None } else { statistics::median(&statistics::ascending(numbers)) };
    let landed = ctx.store.changes_since(project, query.window.from - MERGED_AFTER).await?;
    let files = |flow: &&Flow| size::files(flow, landed.get(&(flow.repository, flow.merge_commit.clone()?)));
    let files = middle(merged.iter().filter_map(files).map(f64::from).collect());
    let commits = middle(merged.iter().filter_map(|flow| flow.commits).map(f64::from).collect());
    let usual = (files.is_some() || commits.is_some()).then_some(Usual { files, commits, n: merged.len() as u64 });
    Ok(TeamFigures { figures, usual })
}

/// What there is to say of a ticket's active pull request. Asks nobody, but once after each push how many files differ.
struct Said {
    quality: Quality,
    project: Project,
    repository: Repository,
    number: i64,
}

async fn say(ctx: &Context, key: &TicketKey, team: &TeamFigures) -> Result<Said> {
    let view = ctx.store.ticket_view(key).await?;
    let view = view.ok_or_else(|| Error::refused(format!("there is no ticket {key}"), "`kanado ls` lists the tickets of the project"))?;
    let known = view.pull_request.as_ref().filter(|known| known.facts.status == PullRequestStatus::Active);
    let Some(known) = known else {
        return Err(Error::refused(format!("{key} has no open pull request to comment on"), format!("open one: `kanado pr {key}`")));
    };
    let number = known.facts.number;
    let flow = ctx.store.flow(known.facts.repository, number).await?;
    let repository = ctx.repository(known.facts.repository).await?;
    let blocker = blocker(ctx, known).await?;
    let files = match &flow {
        Some(flow) => files(ctx, &view.project, &repository, known, flow).await?,
        None => None,
    };
    Ok(Said { quality: quality(&view, flow.as_ref(), files, team, blocker), project: view.project.clone(), repository, number })
}

/// How many files it changes: as counted for what was last pushed, else counted now and kept. A comment without the number is better than
/// none.
async fn files(ctx: &Context, project: &Project, repository: &Repository, known: &KnownPullRequest, flow: &Flow) -> Result<Option<u32>> {
    let facts = &known.facts;
    let (None, Some(target), Some(source)) = (flow.files, &facts.target_commit, &facts.source_commit) else { return Ok(flow.files) };
    let organisation = ctx.organisation(project.organisation).await?;
    let client = ctx.clients.acting(&organisation).await?.client;
    let repo = RepoRef { project: &project.guid, repository: &repository.guid };
    let files = match client.changed_files(repo, target, source).await {
        Ok(files) => files,
        Err(error) => {
            tracing::warn!(number = flow.number, "the files that changed are left out of a comment: {}", inert(&error.to_string()));
            return Ok(None);
        }
    };
    let counted = HistoryUpdate::Files { repository: flow.repository, number: flow.number, source: source.clone(), files };
    ctx.store.put_histories(project.id, vec![counted], ctx.clock.now(), None).await?;
    Ok(Some(files))
}

fn quality(view: &TicketView, flow: Option<&Flow>, files: Option<u32>, team: &TeamFigures, blocker: Option<String>) -> Quality {
    let ticket = &view.ticket;
    Quality {
        key: ticket.key.clone(),
        title: inert(&ticket.title),
        criteria: (ticket.criteria.iter().filter(|criterion| criterion.ticked).count(), ticket.criteria.len()),
        spec: view.spec.badge(),
        size: Size { files, commits: flow.and_then(|flow| flow.commits) },
        usual: team.usual,
        tickets: ticket.dependencies.clone(),
        work_items: flow.map(|flow| flow.items.clone()).unwrap_or_default(),
        phase: flow.and_then(|flow| standing(flow, &team.figures)),
        blocker,
    }
}

/// Where an active pull request is, by what was read of it.
fn standing(flow: &Flow, figures: &Figures) -> Option<Standing> {
    let (phase, since) = match (flow.ready_at, flow.first_review_at, flow.approved_at) {
        (None, ..) => (Phase::Draft, flow.created_at),
        // Without its threads nobody can say whether somebody has looked.
        (Some(_), None, _) if !flow.has_threads => return None,
        (Some(ready), None, _) => (Phase::Pickup, ready),
        (Some(_), Some(reviewed), None) => (Phase::Review, reviewed),
        (Some(_), Some(_), Some(approved)) => (Phase::MergeWait, approved),
    };
    let value = figures.phases.iter().find(|figure| figure.phase == phase).map(|figure| &figure.value);
    let (half, most) = match value {
        Some(Value::Times { median, p85, .. }) => (Some(*median), *p85),
        _ => (None, None),
    };
    Some(Standing { phase, since, half, most })
}

/// What keeps it from being merged, as the pull request's own page says it. Names of policies and builds would have to be asked for.
async fn blocker(ctx: &Context, known: &KnownPullRequest) -> Result<Option<String>> {
    let facts = &known.facts;
    let history = match ctx.store.pull_request_history(facts.repository, facts.number).await? {
        Some(mut history) => {
            history.refresh(facts);
            history
        }
        None => History::bare(facts),
    };
    let situation = Situation {
        merge: facts.merge,
        checks: known.checks.unwrap_or_default(),
        open_threads: known.threads.map_or(0, |threads| threads.unresolved),
        ..Situation::default()
    };
    let rules = &ctx.config.metrics.rules;
    let blockers = blockers(&history, &flow::of(&history, rules), &situation, rules);
    Ok(foremost(&blockers).map(|words| inert(&words)))
}

fn digest_of(said: &Said, now: Timestamp) -> String {
    Sha256::digest(said.quality.digest(now)).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the store alone says of the step; nothing where Azure DevOps has to be asked.
fn settled(row: Option<&QualityComment>, digest: &str, wanted: Wanted, now: Timestamp) -> Option<Step> {
    let row = row?;
    if row.state == CommentState::Left {
        return Some(Step::Left);
    }
    if row.digest == digest {
        return Some(Step::Unchanged);
    }
    let until = row.written_at? + APART;
    (wanted == Wanted::ByItself && now < until).then_some(Step::TooSoon { until })
}

/// What Azure DevOps's threads say of the step.
fn found(row: Option<&QualityComment>, threads: &[Thread], me: &Guid) -> Step {
    let ours: Vec<&Thread> = threads.iter().filter(|thread| is_ours(thread)).collect();
    let remembered = row.and_then(|row| row.thread).and_then(|known| threads.iter().find(|thread| thread.id == known));
    let mine = |thread: &&&Thread| thread.comments.first().and_then(|c| c.author.as_ref()).is_some_and(|author| author.id == *me);
    let thread = match (remembered, ours.iter().find(mine)) {
        (Some(thread), _) => thread,
        // It is gone, or was deleted with its thread.
        (None, None) if row.is_some_and(|row| row.thread.is_some()) => return Step::Left,
        (None, Some(thread)) => thread,
        (None, None) => return if ours.is_empty() { Step::Create } else { Step::SomebodyElses },
    };
    let Some(comment) = thread.comments.first() else { return Step::Left };
    // A server that does not say how a thread stands says nothing of a person either.
    let is_as_made = matches!(thread.status.as_deref().map(str::to_ascii_lowercase).as_deref(), None | Some("closed" | "unknown"));
    if thread.deleted || comment.deleted || !is_as_made {
        return Step::Left;
    }
    if comment.author.as_ref().is_some_and(|author| author.id != *me) {
        return Step::SomebodyElses;
    }
    Step::Update { thread: thread.id, comment: comment.id }
}

/// The account that writes, as Azure DevOps knows it.
async fn acting(ctx: &Context, project: &Project) -> Result<(ado::Client, Guid)> {
    let organisation = ctx.organisation(project.organisation).await?;
    let acting = ctx.clients.acting(&organisation).await?;
    let me = acting.client.connection().await?.me.id;
    Ok((acting.client, me))
}

async fn look(ctx: &Context, said: &Said, row: Option<&QualityComment>) -> Result<(ado::Client, Step)> {
    let (client, me) = acting(ctx, &said.project).await?;
    let repo = RepoRef { project: &said.project.guid, repository: &said.repository.guid };
    let threads = client.threads(repo, said.number).await?;
    let step = found(row, &threads, &me);
    Ok((client, step))
}

/// The text, and what would be done. Changes nothing.
pub async fn plan(ctx: &Context, key: &TicketKey, team: &TeamFigures, wanted: Wanted) -> Result<Commented> {
    let now = ctx.clock.now();
    let said = say(ctx, key, team).await?;
    let row = ctx.store.quality_comment(said.repository.id, said.number).await?;
    let step = match settled(row.as_ref(), &digest_of(&said, now), wanted, now) {
        Some(step) => step,
        None => look(ctx, &said, row.as_ref()).await?.1,
    };
    Ok(commented(&said, step, now))
}

fn commented(said: &Said, step: Step, now: Timestamp) -> Commented {
    Commented {
        key: said.quality.key.clone(),
        repository: said.repository.name.clone(),
        number: said.number,
        text: said.quality.text(now),
        step,
    }
}

/// Writes the comment where it is due.
pub async fn run(ctx: &Context, key: &TicketKey, team: &TeamFigures, wanted: Wanted) -> Result<Commented> {
    let now = ctx.clock.now();
    let said = say(ctx, key, team).await?;
    let digest = digest_of(&said, now);
    let row = ctx.store.quality_comment(said.repository.id, said.number).await?;
    if let Some(step) = settled(row.as_ref(), &digest, wanted, now) {
        return Ok(commented(&said, step, now));
    }
    let (name, holder) = (format!("comment:{}:{}", said.repository.id, said.number), holder::name());
    if lease::take(ctx, &name, &holder, LEASE).await?.is_some() {
        return Ok(commented(&said, Step::Busy, now));
    }
    let written = write(ctx, &said, &digest, wanted).await;
    ctx.store.release_lease(&name, &holder, ctx.clock.now()).await?;
    Ok(commented(&said, written?, now))
}

/// Looks again under the lease, and writes.
async fn write(ctx: &Context, said: &Said, digest: &str, wanted: Wanted) -> Result<Step> {
    let now = ctx.clock.now();
    let (repository, number) = (said.repository.id, said.number);
    let row = ctx.store.quality_comment(repository, number).await?;
    if let Some(step) = settled(row.as_ref(), digest, wanted, now) {
        return Ok(step);
    }
    let (client, step) = look(ctx, said, row.as_ref()).await?;
    let repo = RepoRef { project: &said.project.guid, repository: &said.repository.guid };
    let text = said.quality.text(now);
    let (thread, comment, state) = match (&step, &row) {
        (Step::Create, _) => {
            let new = NewThread { content: text, mark: Some(PROPERTY), status: ThreadStatus::Closed, ..NewThread::default() };
            let made = client.create_thread(repo, number, &new).await?;
            let comment = made.comments.first().map_or(1, |comment| comment.id);
            (Some(made.id), Some(comment), CommentState::Open)
        }
        (Step::Update { thread, comment }, _) => {
            client.edit_comment(repo, number, *thread, *comment, &text).await?;
            (Some(*thread), Some(*comment), CommentState::Open)
        }
        (Step::Left, Some(row)) => (row.thread, row.comment, CommentState::Left),
        // One that was never remembered here and is a person's already: no word on it.
        (Step::Left, None) => (None, None, CommentState::Left),
        _ => return Ok(step),
    };
    let row = QualityComment { repository, number, thread, comment, digest: digest.to_owned(), state, written_at: Some(now) };
    ctx.store.put_quality_comment(&row).await?;
    Ok(step)
}

mod posting;
#[cfg(test)]
mod tests;
