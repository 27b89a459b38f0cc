//! `kanado sync`: look at pull requests now; tickets follow what Azure DevOps says.

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::sync_pull_requests;
use crate::domain::id::TicketKey;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the pull request of this ticket [default: the whole project]
    key: Option<TicketKey>,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
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
    for moved in &synced.moved {
        let why = moved.notice.as_ref().map(|notice| format!("  ({notice})")).unwrap_or_default();
        frame.output.say(format!("{}  {} -> {}{why}", moved.key, moved.from.title(), moved.to.title()))?;
    }
    for name in &synced.unexplained {
        frame.output.note(format!("{name} was open and cannot be read any more; its ticket stays where it is."));
    }
    frame.output.say(format!("{} open, {} changed, {} tickets moved", synced.active, synced.changed, synced.moved.len()))?;
    Ok(Exit::Done)
}
