//! `kanado sync`: look at pull requests now; tickets follow what Azure DevOps says.

use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::sync_pull_requests::{self, Move};
use crate::domain::id::TicketKey;
use crate::domain::progress::{Step, StepState};
use crate::engine;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the pull request of this ticket [default: the whole project]
    key: Option<TicketKey>,
    /// Compare repositories, branches, specs, checks and comments of the project too, as a receiver does every so often
    #[arg(long, conflicts_with = "key")]
    reconcile: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    if args.reconcile {
        return reconcile(frame).await;
    }
    let ctx = frame.ctx().await?;
    let synced = match &args.key {
        Some(key) => {
            let ctx = &ctx;
            frame.carry_out(|reporter| async move { sync_pull_requests::ticket(ctx, key, &reporter).await }).await?
        }
        None => {
            let project = frame.project().await?;
            let ctx = &ctx;
            frame.carry_out(|reporter| async move { sync_pull_requests::project(ctx, project.id, &reporter).await }).await?
        }
    };
    frame.output.json(&synced)?;
    say_moves(frame, &synced.moved, &synced.unexplained)?;
    frame.output.say(format!("{} open, {} changed, {} tickets moved", synced.active, synced.changed, synced.moved.len()))?;
    Ok(Exit::Done)
}

async fn reconcile(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = &frame.ctx().await?;
    let (words, project) = (format!("compare {} with Azure DevOps", project.name), &project);
    let compared = frame
        .carry_out(|reporter| async move {
            reporter.begin("sync", None, vec![Step { id: "compare", words, state: StepState::Waiting }]);
            reporter.running("compare");
            let compared = engine::compare_now(ctx, project).await?;
            reporter.done("compare", format!("{} changed", compared.changed.len()));
            Ok(compared)
        })
        .await?;
    let moved: Vec<Move> = compared.moved.iter().cloned().map(|(key, from, to, notice)| Move { key, from, to, notice }).collect();
    let mut unexplained = Vec::new();
    for (repository, number) in &compared.unexplained {
        let name = ctx.store.repository(*repository).await?.map_or_else(|| repository.to_string(), |repository| repository.name);
        unexplained.push(format!("{name} !{number}"));
    }
    frame.output.json(&json!({
        "active": compared.active, "changed": compared.changed.len(), "moved": moved, "unexplained": unexplained,
        "repositories": compared.repositories, "specs": compared.specs, "renamed": compared.renamed, "healed": compared.healed,
    }))?;
    say_moves(frame, &moved, &unexplained)?;
    if let Some(name) = &compared.renamed {
        frame.output.say(format!("the project is called {} now", crate::notice::inert(name)))?;
    }
    for key in &compared.specs {
        frame.output.say(format!("{key}  its spec changed on the branch"))?;
    }
    frame.output.say(format!(
        "{} open, {} changed, {} tickets moved, {} repositories changed; {} of it hooks should have told of",
        compared.active,
        compared.changed.len(),
        moved.len(),
        compared.repositories,
        compared.healed
    ))?;
    Ok(Exit::Done)
}

fn say_moves(frame: &mut Frame<'_>, moved: &[Move], unexplained: &[String]) -> Result<(), Failure> {
    for moved in moved {
        let why = moved.notice.as_ref().map(|notice| format!("  ({notice})")).unwrap_or_default();
        frame.output.say(format!("{}  {} -> {}{why}", moved.key, moved.from.title(), moved.to.title()))?;
    }
    for name in unexplained {
        frame.output.note(format!("{name} was open and cannot be read any more; its ticket stays where it is."));
    }
    Ok(())
}
