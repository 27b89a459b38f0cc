//! `kanado spec`: a ticket's spec between here and its branch. A draft is lost by none of these.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::edit_spec::{self, Conflict, PullOutcome, PushOutcome};
use crate::action::{self, Context};
use crate::domain::id::TicketKey;
use crate::domain::merge::{DiffKind, DiffLine, around_changes, diff, has_markers};
use crate::domain::spec;
use crate::notice::Notice;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Edit the spec here, in $EDITOR or from a file
    Edit {
        key: Option<TicketKey>,
        /// Take this text instead of opening an editor; `-` is standard input
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Push the spec to the ticket's branch; changes there are merged, never overwritten
    Push { key: Option<TicketKey> },
    /// Take what the branch has; changes here are merged, never overwritten
    Pull {
        key: Option<TicketKey>,
        /// Where both changed the same lines: settle it in $EDITOR
        #[arg(long, group = "settle")]
        edit: bool,
        /// Where both changed the same lines: keep what is here
        #[arg(long, group = "settle")]
        mine: bool,
        /// Where both changed the same lines: take what the branch has
        #[arg(long, group = "settle")]
        theirs: bool,
    },
    /// Show how the spec here differs from the branch's
    Diff { key: Option<TicketKey> },
    /// Print the spec, byte for byte
    Show { key: Option<TicketKey> },
}

/// More than a spec may hold, so that the refusal names the right limit.
const LONGEST: u64 = 64 * 1024 * 1024;

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command {
        Command::Edit { key, from } => {
            let key = frame.key(key).await?;
            edit(key, from.as_deref(), frame).await
        }
        Command::Push { key } => {
            let key = frame.key(key).await?;
            push(key, frame).await
        }
        Command::Pull { key, edit, mine, theirs } => {
            let key = frame.key(key).await?;
            let settle = match (edit, mine, theirs) {
                (true, ..) => Settle::InEditor,
                (_, true, _) => Settle::Mine,
                (_, _, true) => Settle::Theirs,
                _ => Settle::Not,
            };
            pull(key, settle, frame).await
        }
        Command::Diff { key } => {
            let key = frame.key(key).await?;
            show_diff(key, frame).await
        }
        Command::Show { key } => {
            let key = frame.key(key).await?;
            let ctx = frame.ctx().await?;
            let view = ticket_fields::view(&ctx, &key).await?;
            frame
                .output
                .json(&json!({ "key": key, "text": view.spec.text, "badge": view.spec.badge(), "revision": view.spec.revision }))?;
            if !frame.output.is_json() {
                frame.output.bytes(view.spec.text.as_bytes())?;
            }
            Ok(Exit::Done)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settle {
    Not,
    InEditor,
    Mine,
    Theirs,
}

/// Saves a new text here, from an editor or a file.
pub async fn edit(key: TicketKey, from: Option<&Path>, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let before = ticket_fields::view(&ctx, &key).await?.spec;
    let text = match from {
        Some(path) => {
            let bytes = ticket_fields::read(frame, path, LONGEST)?;
            checked(&key, &path.display().to_string(), bytes)?
        }
        None => in_editor(frame, &key, &before.text).await?,
    };
    if text == before.text {
        frame.output.json(&json!({ "key": key, "changed": false, "revision": before.revision }))?;
        frame.output.say("The spec is as it was.")?;
        return Ok(Exit::Done);
    }
    let lines = diff_lines(&diff(&before.text, &text));
    let plan = json!({ "key": key, "diff": lines });
    let outline = Outline { reach: Reach::Board, lines, warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let saved = match edit_spec::save(&ctx, &key, before.revision, &text).await {
        Ok(saved) => saved,
        Err(error) => return Err(kept_aside(frame, &key, &text, error)),
    };
    frame.output.json(&json!({ "key": key, "changed": true, "revision": saved.revision, "badge": saved.badge() }))?;
    frame.output.say(format!("Saved. `kanado spec push {key}` pushes it to the branch."))?;
    Ok(Exit::Done)
}

/// What was typed is put into a file before the failure is reported: nothing typed is ever lost.
fn kept_aside(frame: &Frame<'_>, key: &TicketKey, text: &str, error: action::Error) -> Failure {
    let mut failure = Failure::from(error);
    let path = aside(frame, key, "unsaved");
    if let Failure::Stopped { notice, .. } = &mut failure
        && std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).and_then(|()| std::fs::write(&path, text)).is_ok()
    {
        let hint = notice.hint.take().map(|hint| format!("{hint}; ")).unwrap_or_default();
        notice.hint = Some(format!("{hint}your text is in {}", path.display()));
    }
    failure
}

fn aside(frame: &Frame<'_>, key: &TicketKey, what: &str) -> PathBuf {
    frame.config.paths.state_dir.join("edit").join(format!("{key}.{what}.{}.md", std::process::id()))
}

/// A text of a spec, or the reason why it cannot be one.
fn checked(key: &TicketKey, source: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    if let Err(error) = spec::validate(&bytes) {
        return Err(Failure::refused(format!("{source} cannot be the spec of {key}: {error}"), "the spec here is as it was"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::refused(format!("{source} is not UTF-8 text"), "save it as UTF-8"))
}

/// Lets a person edit a text in their editor. The file stays where it is when the result cannot be used.
async fn in_editor(frame: &mut Frame<'_>, key: &TicketKey, text: &str) -> Result<String, Failure> {
    let environment = &frame.output.stdio.environment;
    let named = environment.get("VISUAL").or_else(|| environment.get("EDITOR")).map(str::to_owned);
    let editor = match named {
        Some(editor) => editor,
        None if frame.output.stdio.stdin_is_terminal => "vi".to_owned(),
        None => return Err(Failure::usage("there is no terminal to edit on", "give the text with `kanado spec edit KEY --from FILE`")),
    };
    let folder = frame.config.paths.state_dir.join("edit").join(std::process::id().to_string());
    let path = folder.join(format!("{key}.md"));
    let failed = |error: std::io::Error| Failure::local(format!("cannot write {} for the editor", path.display()), &error);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)?;
    frame.output.flush()?;
    // Through the shell, because EDITOR may hold arguments: `code --wait`.
    let status = tokio::process::Command::new("/bin/sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&path).status().await;
    let status = status.map_err(|error| Failure::local(format!("cannot start the editor {editor}"), &error))?;
    let bytes = std::fs::read(&path).map_err(|error| Failure::local(format!("cannot read {} after editing", path.display()), &error))?;
    if !status.success() {
        let hint = format!("nothing was saved; what you wrote is in {}", path.display());
        return Err(Failure::refused(format!("the editor {editor} ended with an error"), hint));
    }
    let edited = checked(key, &path.display().to_string(), bytes)?;
    let _ = std::fs::remove_dir_all(&folder);
    Ok(edited)
}

async fn push(key: TicketKey, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let compared = edit_spec::diff(&ctx, &key).await?;
    let lines = diff_lines(&compared.lines);
    let plan = json!({ "key": key, "branch": compared.branch, "path": key.spec_path(), "diff": lines });
    let mut words = vec![format!("push {} to {}", key.spec_path(), compared.branch)];
    words.extend(lines);
    // Where the branch has this text, nothing is sent; that it has it is noted, which finishes an interrupted push.
    if !compared.is_same() {
        let outline = Outline { reach: Reach::Remote, lines: words, warnings: &[], plan: &plan };
        if let Decision::Stop(exit) = frame.settle(&outline)? {
            return Ok(exit);
        }
    }
    let outcome = {
        let (ctx, key) = (&ctx, &key);
        frame.carry_out(|reporter| async move { edit_spec::push(ctx, key, &reporter).await }).await?
    };
    match &outcome {
        PushOutcome::Conflict(_) => return Err(conflicting(&key, "nothing was pushed")),
        PushOutcome::Unchanged => frame.output.say(format!("{} already has this text.", compared.branch))?,
        PushOutcome::Pushed { commit, merged } => {
            let merged = if *merged { ", merged with what was changed there" } else { "" };
            frame.output.say(format!("{} is on {} at {}{merged}.", key.spec_path(), compared.branch, commit.short()))?;
        }
    }
    frame.output.json(&outcome)?;
    Ok(Exit::Done)
}

async fn pull(key: TicketKey, settle: Settle, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let compared = edit_spec::diff(&ctx, &key).await?;
    let lines = diff_lines(&compared.lines);
    if !lines.is_empty() {
        let plan = json!({ "key": key, "branch": compared.branch, "diff": lines });
        let mut words = vec![format!("take what {} has; now `-` is there and `+` is here:", compared.branch)];
        words.extend(lines);
        let outline = Outline { reach: Reach::Board, lines: words, warnings: &[], plan: &plan };
        if let Decision::Stop(exit) = frame.settle(&outline)? {
            return Ok(exit);
        }
    }
    let outcome = edit_spec::pull(&ctx, &key).await?;
    match outcome {
        PullOutcome::Conflict(conflict) if settle != Settle::Not => settled(&ctx, &key, *conflict, settle, frame).await,
        PullOutcome::Conflict(_) => Err(conflicting(&key, "the spec here is as it was")),
        PullOutcome::Pulled { merged } => {
            frame.output.json(&PullOutcome::Pulled { merged })?;
            frame.output.say(if merged { "Merged: both changes are here now." } else { "The spec here is now the branch's." })?;
            Ok(Exit::Done)
        }
        PullOutcome::Unchanged => {
            frame.output.json(&PullOutcome::Unchanged)?;
            frame.output.say("The spec here is the branch's already.")?;
            Ok(Exit::Done)
        }
    }
}

fn conflicting(key: &TicketKey, state: &str) -> Failure {
    let text = format!("{} was changed here and on the branch in the same lines; {state}", key.spec_path());
    let hint = format!("settle it: `kanado spec pull {key} --edit`, --mine or --theirs; then `kanado spec push {key}`");
    Failure::new(Exit::Failed, "conflict", Notice::new(text).hint(hint))
}

async fn settled(ctx: &Context, key: &TicketKey, conflict: Conflict, how: Settle, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let revision = ctx.store.spec(key).await?.revision;
    let text = match how {
        Settle::Mine => conflict.mine.clone(),
        Settle::Theirs => conflict.theirs.clone(),
        Settle::InEditor | Settle::Not => {
            let text = in_editor(frame, key, &conflict.marked).await?;
            if has_markers(&text) {
                let path = aside(frame, key, "conflict");
                let kept = std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).and_then(|()| std::fs::write(&path, &text));
                let place = kept.map_or_else(|_| String::new(), |()| format!("what you wrote is in {}; ", path.display()));
                let hint = format!("{place}take the lines with <<<<<<<, ======= and >>>>>>> out");
                return Err(Failure::refused("there are conflict markers left; nothing was changed", hint));
            }
            text
        }
    };
    match edit_spec::resolve(ctx, key, revision, &text, &conflict.theirs, &conflict.theirs_object).await {
        Ok(saved) => {
            frame.output.json(&json!({ "outcome": "settled", "revision": saved.revision, "badge": saved.badge() }))?;
            frame.output.say(format!("Settled. `kanado spec push {key}` pushes it."))?;
            Ok(Exit::Done)
        }
        Err(error) => Err(kept_aside(frame, key, &text, error)),
    }
}

async fn show_diff(key: TicketKey, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let compared = edit_spec::diff(&ctx, &key).await?;
    let lines = diff_lines(&compared.lines);
    frame.output.json(&json!({ "key": key, "branch": compared.branch, "on_branch": compared.theirs.is_some(), "diff": lines }))?;
    if lines.is_empty() {
        frame.output.say(format!("{} has the same text.", compared.branch))?;
        return Ok(Exit::Done);
    }
    frame.output.say(format!("--- {} on {}", key.spec_path(), compared.branch))?;
    frame.output.say(format!("+++ {} here", key.spec_path()))?;
    for line in lines {
        frame.output.say(line)?;
    }
    Ok(Exit::Done)
}

/// The changed lines with three around them, as `diff -u` marks them.
fn diff_lines(lines: &[DiffLine]) -> Vec<String> {
    let mut shown = Vec::new();
    for part in around_changes(lines, 3) {
        if !shown.is_empty() {
            shown.push("...".to_owned());
        }
        shown.extend(lines[part].iter().map(|line| {
            let mark = match line.kind {
                DiffKind::Same => ' ',
                DiffKind::Added => '+',
                DiffKind::Removed => '-',
            };
            format!("{mark}{}", line.text)
        }));
    }
    shown
}
