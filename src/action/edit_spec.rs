//! The ticket's spec between here and its branch: save, push, pull, diff.
//!
//! A push never overwrites what somebody else pushed: the blob on the branch is compared with the one last seen, a difference goes
//! through a three-way merge, and a conflict changes nothing on either side. A draft is lost by none of these.

use serde::Serialize;

use crate::ado::{At, ChangeKind, ErrorKind, FileChange, Push};
use crate::domain::fact::File;
use crate::domain::id::{ObjectId, TicketKey};
use crate::domain::merge::{self, DiffKind, DiffLine, Merge};
use crate::domain::spec;
use crate::domain::ticket::SpecState;
use crate::store::Pulled;

use super::context::{Context, Whereabouts};
use super::error::{Error, Result};
use super::journal::{Journal, at_step};
use super::reporter::{Reporter, step};

const ACTION: &str = "spec push";
/// How often a push is tried again when the branch moves under it.
const ATTEMPTS: usize = 3;

/// A change on the branch that touches the same lines as ours.
#[derive(Debug, Clone, Serialize)]
pub struct Conflict {
    pub base: String,
    pub mine: String,
    pub theirs: String,
    /// The blob on the branch.
    pub theirs_object: ObjectId,
    /// All three with conflict markers, to edit.
    pub marked: String,
}

/// What a push came to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PushOutcome {
    Pushed {
        commit: ObjectId,
        /// Somebody's changes on the branch were merged in.
        merged: bool,
    },
    /// The branch holds this text already.
    Unchanged,
    /// Nothing was pushed.
    Conflict(Box<Conflict>),
}

/// What a pull came to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PullOutcome {
    /// The text here is now the branch's, or a clean merge of both.
    Pulled {
        merged: bool,
    },
    Unchanged,
    Conflict(Box<Conflict>),
}

/// What to do with a text on the branch that was never seen here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unknown {
    /// This blob is an older text of the same ticket that the branch inherits, and the plan said that it will be replaced.
    Replace(ObjectId),
    Conflict,
}

/// Saves a text here. Nothing leaves this machine.
///
/// # Errors
/// A revision that is not the current one (another session saved meanwhile): `store::Error` says so, nothing is written.
pub async fn save(ctx: &Context, key: &TicketKey, expected_revision: i64, text: &str) -> Result<SpecState> {
    validate(key, text)?;
    Ok(ctx.store.save_spec(key, expected_revision, text, ctx.clock.now()).await?)
}

/// Pushes the saved text to the ticket's branch.
pub async fn push(ctx: &Context, key: &TicketKey, reporter: &Reporter) -> Result<PushOutcome> {
    let at = ctx.whereabouts(key).await?;
    let branch = branch_of(ctx, &at).await?;
    let journal = Journal::begin(&ctx.store, &ctx.clock, ACTION, &key.to_string(), branch.clone()).await?;
    reporter.begin(ACTION, Some(key), vec![step("push", format!("push {} to {branch}", key.spec_path()))]);
    reporter.running("push");
    let outcome = push_to(ctx, &at, &branch, &Unknown::Conflict).await;
    let mut journal = journal;
    if matches!(outcome, Ok(PushOutcome::Pushed { .. })) {
        journal.record("push", &branch).await?;
    }
    // A push resumes by comparing texts, so an entry left open would tell a later run nothing more.
    journal.finish().await?;
    let outcome = at_step(reporter, ACTION, "push", outcome)?;
    match &outcome {
        PushOutcome::Pushed { commit, merged: false } => reporter.done("push", format!("{} at {}", branch, commit.short())),
        PushOutcome::Pushed { commit, merged: true } => reporter.done("push", format!("merged with the branch, {}", commit.short())),
        PushOutcome::Unchanged => reporter.already("push", "the branch holds this text"),
        PushOutcome::Conflict(_) => reporter.failed("push", "changed on the branch in the same lines; nothing was pushed"),
    }
    Ok(outcome)
}

/// Takes the branch's text: replaces an unchanged one, merges with a changed one.
pub async fn pull(ctx: &Context, key: &TicketKey) -> Result<PullOutcome> {
    let at = ctx.whereabouts(key).await?;
    let branch = branch_of(ctx, &at).await?;
    let (_, file) = read(&at, &branch, key).await?;
    let Some(file) = file else {
        ctx.store.record_spec_remote(key, None).await?;
        return Err(Error::refused(format!("{} is not on {branch}", key.spec_path()), format!("push it: `kanado spec push {key}`")));
    };
    let theirs = text_of(key, &branch, &file)?;
    let state = ctx.store.spec(key).await?;
    if state.text == theirs {
        ctx.store.record_spec_pushed(key, &theirs, &file.object, ctx.clock.now()).await?;
        return Ok(PullOutcome::Unchanged);
    }
    let base = state.base_text.clone().unwrap_or_default();
    let unchanged_here = state.base_text.as_ref() == Some(&state.text);
    let (text, merged) = match unchanged_here {
        true => (theirs.clone(), false),
        false => match merge::three_way(&base, &state.text, &theirs) {
            Merge::Clean(text) => (text, true),
            conflicts => {
                ctx.store.record_spec_remote(key, Some(&file.object)).await?;
                return Ok(PullOutcome::Conflict(Box::new(conflict(base, &state.text, theirs, file.object, &conflicts))));
            }
        },
    };
    ctx.store.record_spec_pulled(key, state.revision, &pulled(&text, &theirs, &file.object), ctx.clock.now()).await?;
    Ok(PullOutcome::Pulled { merged })
}

/// Takes a text that was made from all three sides as the new one here, and the branch's as what it is based on, so that the next push
/// goes on top of what the branch holds.
pub async fn resolve(
    ctx: &Context,
    key: &TicketKey,
    expected_revision: i64,
    text: &str,
    theirs: &str,
    theirs_object: &ObjectId,
) -> Result<SpecState> {
    validate(key, text)?;
    Ok(ctx.store.record_spec_pulled(key, expected_revision, &pulled(text, theirs, theirs_object), ctx.clock.now()).await?)
}

/// The text here against the branch's.
#[derive(Debug, Clone)]
pub struct Diff {
    pub branch: String,
    /// Absent when the branch has no spec yet.
    pub theirs: Option<String>,
    pub lines: Vec<DiffLine>,
}

impl Diff {
    /// Whether the branch holds exactly the text that is here.
    pub fn is_same(&self) -> bool {
        self.theirs.is_some() && self.lines.iter().all(|line| line.kind == DiffKind::Same)
    }
}

/// Compares, and notes when the branch's text is another one than the last seen.
pub async fn diff(ctx: &Context, key: &TicketKey) -> Result<Diff> {
    let at = ctx.whereabouts(key).await?;
    let branch = branch_of(ctx, &at).await?;
    let (_, file) = read(&at, &branch, key).await?;
    ctx.store.record_spec_remote(key, file.as_ref().map(|f| &f.object)).await?;
    let theirs = file.map(|file| text_of(key, &branch, &file)).transpose()?;
    let state = ctx.store.spec(key).await?;
    let lines = merge::diff(theirs.as_deref().unwrap_or(""), &state.text);
    Ok(Diff { branch, theirs, lines })
}

/// One push of the saved text, merging where the branch went on. Used by `start` too.
pub(super) async fn push_to(ctx: &Context, at: &Whereabouts, branch: &str, unknown: &Unknown) -> Result<PushOutcome> {
    let key = &at.ticket.key;
    let mut lost_answer = false;
    for attempt in 1.. {
        let state = ctx.store.spec(key).await?;
        validate(key, &state.text)?;
        let (tip, file) = read(at, branch, key).await?;
        let mut text = state.text.clone();
        let mut merged = false;
        if let Some(file) = &file {
            let theirs = text_of(key, branch, file)?;
            if theirs == state.text {
                ctx.store.record_spec_pushed(key, &theirs, &file.object, ctx.clock.now()).await?;
                return Ok(match lost_answer {
                    true => PushOutcome::Pushed { commit: tip, merged },
                    false => PushOutcome::Unchanged,
                });
            }
            let seen = state.base_object.as_ref() == Some(&file.object);
            let replace = matches!(unknown, Unknown::Replace(blob) if *blob == file.object) && state.base_object.is_none();
            if !seen && !replace {
                let base = state.base_text.clone().unwrap_or_default();
                match merge::three_way(&base, &state.text, &theirs) {
                    Merge::Clean(clean) => (text, merged) = (clean, true),
                    conflicts => {
                        ctx.store.record_spec_remote(key, Some(&file.object)).await?;
                        return Ok(PushOutcome::Conflict(Box::new(conflict(base, &state.text, theirs, file.object.clone(), &conflicts))));
                    }
                }
                if text == theirs {
                    // All that was changed here is on the branch already.
                    ctx.store.record_spec_pulled(key, state.revision, &pulled(&text, &theirs, &file.object), ctx.clock.now()).await?;
                    return Ok(PushOutcome::Unchanged);
                }
            }
        }
        let kind = if file.is_some() { ChangeKind::Edit } else { ChangeKind::Add };
        let request = Push {
            branch: branch.to_owned(),
            old_tip: tip,
            message: message(key, &at.ticket.title, kind),
            changes: vec![FileChange { path: key.spec_path(), kind, bytes: text.clone().into_bytes() }],
        };
        match at.client.push(at.repo(), &request).await {
            Ok(pushed) => {
                let object = blob_id(text.as_bytes());
                match merged {
                    true => ctx.store.record_spec_pulled(key, state.revision, &pulled(&text, &text, &object), ctx.clock.now()).await?,
                    false => ctx.store.record_spec_pushed(key, &text, &object, ctx.clock.now()).await?,
                };
                return Ok(PushOutcome::Pushed { commit: pushed.commit, merged });
            }
            Err(error) if attempt < ATTEMPTS => match error.kind() {
                ErrorKind::StaleRef | ErrorKind::PathExists | ErrorKind::FileMissing => {}
                ErrorKind::OutcomeUnknown => lost_answer = true,
                _ => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    unreachable!("the last attempt returns")
}

fn pulled(text: &str, base_text: &str, base_object: &ObjectId) -> Pulled {
    Pulled { text: text.to_owned(), base_text: base_text.to_owned(), base_object: base_object.clone() }
}

fn conflict(base: String, mine: &str, theirs: String, theirs_object: ObjectId, merge: &Merge) -> Conflict {
    let marked = match merge {
        Merge::Clean(text) => text.clone(),
        Merge::Conflicts { text_with_markers, .. } => text_with_markers.clone(),
    };
    Conflict { base, mine: mine.to_owned(), theirs, theirs_object, marked }
}

/// The tip of the branch, and the spec as of that commit.
async fn read(at: &Whereabouts, branch: &str, key: &TicketKey) -> Result<(ObjectId, Option<File>)> {
    let found = at.client.branch(at.repo(), branch).await?.ok_or_else(|| {
        Error::refused(
            format!("branch {branch} is not in {} any more", at.repository.name),
            format!("`kanado start {key}` makes it again and pushes the spec; your text is kept here"),
        )
    })?;
    let file = at.client.file(at.repo(), &At::Commit(&found.tip), &key.spec_path()).await?;
    Ok((found.tip, file))
}

fn text_of(key: &TicketKey, branch: &str, file: &File) -> Result<String> {
    match spec::validate(&file.bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::refused(
            format!("{} on {branch} can't be used: {error}", key.spec_path()),
            "repair the file on the branch; your text here is kept",
        )),
    }
}

/// The ticket's branch. A start that stopped at a conflict has one that the ticket does not carry yet: it is settled there.
async fn branch_of(ctx: &Context, at: &Whereabouts) -> Result<String> {
    if let Some(branch) = &at.ticket.branch {
        return Ok(branch.clone());
    }
    if let Some(branch) = super::start_work::unfinished_branch(ctx, &at.ticket.key).await? {
        return Ok(branch);
    }
    Err(Error::refused(
        format!("{} has no branch yet", at.ticket.key),
        format!("start work first: `kanado start {}`, on the board `s`", at.ticket.key),
    ))
}

fn validate(key: &TicketKey, text: &str) -> Result<()> {
    match spec::validate(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::refused(format!("the spec of {key} can't be saved: {error}"), "nothing was changed")),
    }
}

fn message(key: &TicketKey, title: &str, kind: ChangeKind) -> String {
    let verb = if kind == ChangeKind::Add { "add" } else { "update" };
    format!("{key}: {verb} spec\n\n{}", title.trim())
}

/// The id git gives to a file's content.
fn blob_id(bytes: &[u8]) -> ObjectId {
    // Hashing needs no repository and can't fail for a blob; the zero id would only make the next push compare texts again.
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).map_or_else(|_| ObjectId::zero(), |id| ObjectId::new(id.to_string()))
}
