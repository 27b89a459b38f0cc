//! Starting work on a ticket: ensure the branch, push the spec to it, mark the ticket as in progress and assign it.
//!
//! The ticket is shown as started only after Azure DevOps acknowledged the push. An interrupted run is finished by the next one: the
//! branch it meant to make is in the journal, and each step looks before it acts.

use serde::{Deserialize, Serialize};

use crate::ado::{At, BranchOutcome};
use crate::domain::id::{ObjectId, TicketKey};
use crate::domain::person::Identity;
use crate::domain::progress::Step;
use crate::domain::status::{Cause, Status, Transition};
use crate::domain::{branch, spec, status};
use crate::notice::Notice;

use super::context::{Context, Whereabouts};
use super::edit_spec::{self, PushOutcome, Unknown};
use super::error::{Error, Result};
use super::journal::{Journal, at_step, close_interrupted};
use super::reporter::{Reporter, step};

const ACTION: &str = "start";

/// What the caller may decide.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A branch name instead of the one from the template.
    pub branch: Option<String>,
    pub existing: ExistingBranch,
}

/// What to do when the branch is already there and not of an interrupted run of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExistingBranch {
    /// Say so and stop; the plan offers to reuse it.
    #[default]
    Refuse,
    Reuse,
}

/// A branch of the wanted name that is already there.
#[derive(Debug, Clone, Serialize)]
pub struct FoundBranch {
    pub tip: ObjectId,
    pub creator: Option<Identity>,
}

/// What a start would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub key: TicketKey,
    pub title: String,
    pub repository: String,
    pub branch: String,
    /// Where the branch starts and the pull request will go.
    pub base_branch: String,
    pub base_commit: ObjectId,
    /// The branch is there already, made by somebody or something else: `--reuse-branch` takes it.
    pub found: Option<FoundBranch>,
    /// An interrupted run is being finished.
    pub resumes: bool,
    pub spec_path: String,
    pub steps: Vec<Step>,
    #[serde(skip)]
    pub warnings: Vec<Notice>,
}

/// What a start did.
#[derive(Debug, Clone, Serialize)]
pub struct Started {
    pub key: TicketKey,
    pub branch: String,
    pub base_commit: ObjectId,
    /// The commit that carries the spec; absent when the branch held it already.
    pub commit: Option<ObjectId>,
    pub already_started: bool,
}

/// What is written down before the first step.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    branch: String,
    base_branch: String,
    base_commit: ObjectId,
    reused: bool,
}

/// Looks at the ticket, the target branch and the remote; changes nothing.
pub async fn plan(ctx: &Context, key: &TicketKey, options: &Options) -> Result<Plan> {
    let at = ctx.whereabouts(key).await?;
    let survey = survey(ctx, &at, options).await?;
    let mut warnings = Vec::new();
    for dependency in &at.ticket.dependencies {
        if let Some(other) = ctx.store.ticket(dependency).await?.filter(|t| t.status < Status::Merged) {
            warnings.push(Notice::new(format!("{dependency} should be finished first; it is {}", other.status.title())));
        }
    }
    let intent = &survey.intent;
    Ok(Plan {
        key: key.clone(),
        title: at.ticket.title.clone(),
        repository: at.repository.name.clone(),
        branch: intent.branch.clone(),
        base_branch: intent.base_branch.clone(),
        base_commit: intent.base_commit.clone(),
        found: survey.found.clone(),
        resumes: survey.resumes,
        spec_path: key.spec_path(),
        steps: steps(&at, intent, survey.replaces_spec, assignee_words(&at)),
        warnings,
    })
}

/// Carries out a start, or finishes an interrupted one.
///
/// # Errors
/// Refused when the ticket is started already by other means, when the branch belongs to somebody else and `options` does not reuse it,
/// when the target carries another ticket under the spec's path; else the failing step with what is done.
pub async fn run(ctx: &Context, key: &TicketKey, options: &Options, reporter: &Reporter) -> Result<Started> {
    let at = ctx.whereabouts(key).await?;
    if at.ticket.status == Status::InProgress
        && let Some(branch) = &at.ticket.branch
        && let Some(found) = at.client.branch(at.repo(), branch).await?
        && at.client.file(at.repo(), &At::Commit(&found.tip), &key.spec_path()).await?.is_some()
    {
        // An interrupted run may have come this far without saying so.
        close_interrupted(&ctx.store, &ctx.clock, ACTION, &key.to_string()).await?;
        return Ok(Started { key: key.clone(), branch: branch.clone(), base_commit: found.tip, commit: None, already_started: true });
    }
    let survey = survey(ctx, &at, options).await?;
    if let (Some(found), ExistingBranch::Refuse) = (&survey.found, options.existing) {
        return Err(branch_is_there(&at, &survey.intent.branch, found));
    }
    let spec_text = ctx.store.spec(key).await?.text;
    spec::validate(spec_text.as_bytes())
        .map_err(|error| Error::refused(format!("the spec of {key} can't be pushed: {error}"), "edit it first: `e`"))?;

    let subject = key.to_string();
    let begun = match survey.resumes {
        true => Journal::begin(&ctx.store, &ctx.clock, ACTION, &subject, survey.intent.clone()).await,
        false => Journal::begin_anew(&ctx.store, &ctx.clock, ACTION, &subject, survey.intent.clone()).await,
    };
    let mut journal = begun?;
    let mut intent = journal.intent.clone();
    intent.reused |= options.existing == ExistingBranch::Reuse;
    reporter.begin(ACTION, Some(key), steps(&at, &intent, survey.replaces_spec, assignee_words(&at)));

    let branch = ensure_branch(&at, &intent, journal.resumed, reporter).await;
    let created = match branch {
        // Nothing was done: there is nothing to resume.
        Err(error) if !error.may_have_happened() => {
            reporter.failed("branch", error.to_string());
            journal.finish().await?;
            return match error {
                refused @ Error::Refused(_) => Err(refused),
                failed => at_step(reporter, ACTION, "branch", Err(failed)),
            };
        }
        other => at_step(reporter, ACTION, "branch", other)?,
    };
    at_step(reporter, ACTION, "branch", journal.record("branch", &created).await)?;

    reporter.running("spec");
    let pushed = edit_spec::push_to(ctx, &at, &intent.branch, &survey.inherited).await;
    let commit = match at_step(reporter, ACTION, "spec", pushed)? {
        PushOutcome::Pushed { commit, .. } => {
            reporter.done("spec", format!("{} at {}", key.spec_path(), commit.short()));
            Some(commit)
        }
        PushOutcome::Unchanged => {
            reporter.already("spec", format!("{} is on the branch", key.spec_path()));
            None
        }
        PushOutcome::Conflict(_) => {
            let source = Error::refused(
                format!("{} on {} was changed by somebody else, in the same lines", key.spec_path(), intent.branch),
                format!("compare: `kanado spec diff {key}`; settle: `kanado spec pull {key} --edit`, --mine or --theirs"),
            );
            return at_step(reporter, ACTION, "spec", Err(source));
        }
    };
    let recorded = journal.record("spec", commit.as_ref().map_or("unchanged", ObjectId::as_str)).await;
    at_step(reporter, ACTION, "spec", recorded)?;

    reporter.running("status");
    let me = ctx.me(&at.organisation, at.project.id).await?;
    let assignee = me.as_ref().map(|m| m.id);
    let applied = ctx.store.start_ticket(key, at.repository.id, &intent.branch, assignee, ctx.clock.now()).await;
    let applied = at_step(reporter, ACTION, "status", applied.map_err(Error::from))?;
    match applied.transition {
        Transition::Refused(why) => {
            // The ticket moved meanwhile (its pull request was found, or merged). The work is there; say what it is now.
            reporter.skipped("status", why);
        }
        Transition::Same => reporter.already("status", "in progress"),
        Transition::To { .. } => reporter.done("status", assignee_words(&at)),
    }
    at_step(reporter, ACTION, "status", journal.record("status", "in_progress").await)?;
    journal.finish().await?;
    Ok(Started { key: key.clone(), branch: intent.branch, base_commit: intent.base_commit, commit, already_started: false })
}

/// What was found before the first step.
struct Survey {
    intent: Intent,
    found: Option<FoundBranch>,
    resumes: bool,
    /// The spec's path holds an older text of the same ticket.
    replaces_spec: bool,
    /// That older text, which the branch inherits from the target. Any other text on a branch that is reused is somebody's work.
    inherited: Unknown,
}

/// The branch of a start that was interrupted, or stopped at a conflict.
pub(super) async fn unfinished_branch(ctx: &Context, key: &TicketKey) -> Result<Option<String>> {
    let interrupted: Option<Intent> = Journal::interrupted(&ctx.store, ACTION, &key.to_string()).await?;
    Ok(interrupted.map(|intent| intent.branch))
}

/// The interrupted run, if it may have left a branch behind. One that did not binds nobody: the next run is planned anew, on the target
/// as it is now and with the name that is wanted now.
async fn interrupted(ctx: &Context, at: &Whereabouts) -> Result<Option<Intent>> {
    let interrupted: Option<Intent> = Journal::interrupted(&ctx.store, ACTION, &at.ticket.key.to_string()).await?;
    let Some(intent) = interrupted else { return Ok(None) };
    let found = at.client.branch(at.repo(), &intent.branch).await?;
    Ok(found.filter(|found| intent.reused || is_ours(at, &found.creator)).map(|_| intent))
}

async fn survey(ctx: &Context, at: &Whereabouts, options: &Options) -> Result<Survey> {
    let key = &at.ticket.key;
    let interrupted = interrupted(ctx, at).await?;
    if interrupted.is_none()
        && let Transition::Refused(why) =
            status::transition(at.ticket.status, at.ticket.pull_request.map(|p| p.number), &Cause::WorkStarted)
    {
        return Err(Error::refused(format!("{key} can't be started: {why}"), format!("`kanado show {key}` tells where it stands")));
    }
    if at.ticket.title.trim().is_empty() {
        return Err(Error::refused(format!("{key} has no title"), format!("give it one: `kanado edit {key} --title TEXT`")));
    }
    let base_branch = at.repository.target().map(str::to_owned).ok_or_else(|| {
        Error::refused(
            format!("repository {} is empty: there is no branch to start from", at.repository.name),
            "push a first commit to it, then `kanado repos discover`",
        )
    })?;
    let base = at.client.branch(at.repo(), &base_branch).await?.ok_or_else(|| {
        Error::refused(
            format!("the target branch {base_branch} does not exist in {}", at.repository.name),
            format!("choose another: `kanado repos target {} BRANCH`", at.repository.name),
        )
    })?;
    let (intent, resumes) = match interrupted {
        Some(intent) => (intent, true),
        None => {
            let user = at.organisation.me.as_ref().map_or("", |me| me.unique_name.split('@').next().unwrap_or(""));
            let name = match options.branch.clone().or_else(|| at.ticket.branch.clone()) {
                Some(name) => branch::validate_name(&name).map(|()| name),
                None => branch::render(&ctx.config.branch.template, key, &at.ticket.title, user),
            };
            let name = name.map_err(|error| Error::refused(error.to_string(), "set `[branch] template`, or give `--branch NAME`"))?;
            let reused = options.existing == ExistingBranch::Reuse;
            (Intent { branch: name, base_branch: base_branch.clone(), base_commit: base.tip.clone(), reused }, false)
        }
    };
    let on_target = at.client.file(at.repo(), &At::Commit(&base.tip), &key.spec_path()).await?;
    let (mut replaces_spec, mut inherited) = (false, Unknown::Conflict);
    if let Some(file) = &on_target {
        let text = String::from_utf8_lossy(&file.bytes);
        if let Some(other) = spec::key_of(&text).filter(|other| other != key) {
            return Err(another_ticket(key, &base_branch, &other.to_string()));
        }
        let ours = ctx.store.spec(key).await?;
        // The key proves nothing: every board counts from 1. The same text or title does.
        let theirs = spec::Spec::parse(&text);
        let same_title = |text: &String| spec::Spec::parse(text).title().trim() == theirs.title().trim();
        let same_text = ours.base_object.as_ref() == Some(&file.object) || ours.text.as_bytes() == file.bytes.as_slice();
        if !same_text && !same_title(&ours.text) && !ours.base_text.as_ref().is_some_and(same_title) {
            return Err(another_ticket(key, &base_branch, theirs.title().trim()));
        }
        replaces_spec = ours.text.as_bytes() != file.bytes.as_slice();
        inherited = Unknown::Replace(file.object.clone());
    }
    let found = at.client.branch(at.repo(), &intent.branch).await?;
    let found = found.filter(|found| !is_expected(at, &intent, resumes, &found.creator));
    let found = found.map(|found| FoundBranch { tip: found.tip, creator: found.creator });
    Ok(Survey { intent, found, resumes, replaces_spec, inherited })
}

/// Whether a branch of the wanted name may be there: it was to be reused, it is the ticket's already, or an interrupted run made it.
fn is_expected(at: &Whereabouts, intent: &Intent, resumes: bool, creator: &Option<Identity>) -> bool {
    intent.reused || at.ticket.branch.as_deref() == Some(&intent.branch) || resumes && is_ours(at, creator)
}

/// Whether a branch was made with our token. A creator the server does not name counts as ours only for an interrupted run.
fn is_ours(at: &Whereabouts, creator: &Option<Identity>) -> bool {
    match (creator, &at.organisation.me) {
        (Some(creator), Some(me)) => creator.id == me.id,
        _ => true,
    }
}

fn another_ticket(key: &TicketKey, branch: &str, other: &str) -> Error {
    Error::refused(
        format!("{} on {branch} already carries another ticket: {other}", key.spec_path()),
        "give this ticket another key (make it anew), or adopt that spec with `kanado import --from-branch`",
    )
}

fn branch_is_there(at: &Whereabouts, branch: &str, found: &FoundBranch) -> Error {
    let who = match (&found.creator, &at.organisation.me) {
        (Some(creator), Some(me)) if creator.id == me.id => "you made it".to_owned(),
        (Some(creator), _) => format!("{} made it", creator.display_name),
        _ => "its maker is not known".to_owned(),
    };
    Error::refused(
        format!("branch {branch} already exists in {} at {} ({who})", at.repository.name, found.tip.short()),
        format!("talk to them, or work on it: `kanado start {} --reuse-branch`; or choose another name: `--branch NAME`", at.ticket.key),
    )
}

async fn ensure_branch(at: &Whereabouts, intent: &Intent, resumes: bool, reporter: &Reporter) -> Result<String> {
    reporter.running("branch");
    if let Some(found) = at.client.branch(at.repo(), &intent.branch).await? {
        if is_expected(at, intent, resumes, &found.creator) {
            reporter.already("branch", format!("{} at {}", intent.branch, found.tip.short()));
            return Ok(found.tip.to_string());
        }
        return Err(branch_is_there(at, &intent.branch, &FoundBranch { tip: found.tip, creator: found.creator }));
    }
    let outcome = match at.client.create_branch(at.repo(), &intent.branch, &intent.base_commit).await {
        Err(error) if matches!(error.kind(), crate::ado::ErrorKind::OutcomeUnknown) => reread_branch(at, intent).await?.ok_or(error)?,
        other => other?,
    };
    match outcome {
        BranchOutcome::Created => {
            reporter.done("branch", format!("{} at {}", intent.branch, intent.base_commit.short()));
            Ok(intent.base_commit.to_string())
        }
        // Made by another run of ours that is under way, such as the board's.
        BranchOutcome::Exists { tip, creator } if is_expected(at, intent, resumes, &creator) => {
            reporter.already("branch", format!("{} at {}", intent.branch, tip.short()));
            Ok(tip.to_string())
        }
        BranchOutcome::Exists { tip, creator } => Err(branch_is_there(at, &intent.branch, &FoundBranch { tip, creator })),
    }
}

/// After a lost answer: whether our branch is there.
async fn reread_branch(at: &Whereabouts, intent: &Intent) -> Result<Option<BranchOutcome>> {
    let found = at.client.branch(at.repo(), &intent.branch).await?;
    Ok(found.map(|found| match is_ours(at, &found.creator) && found.tip == intent.base_commit {
        true => BranchOutcome::Created,
        false => BranchOutcome::Exists { tip: found.tip, creator: found.creator },
    }))
}

fn assignee_words(at: &Whereabouts) -> String {
    match &at.organisation.me {
        Some(me) => format!("in progress, assigned to {}", me.display_name),
        None => "in progress".to_owned(),
    }
}

fn steps(at: &Whereabouts, intent: &Intent, replaces_spec: bool, status: String) -> Vec<Step> {
    let branch = match intent.reused {
        true => format!("use branch {}", intent.branch),
        false => format!("create branch {} from {} at {}", intent.branch, intent.base_branch, intent.base_commit.short()),
    };
    let verb = if replaces_spec { "replace" } else { "push" };
    vec![step("branch", branch), step("spec", format!("{verb} {}", at.ticket.key.spec_path())), step("status", format!("mark {status}"))]
}
