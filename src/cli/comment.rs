//! `kanado comment`: the comment that kanado keeps on a pull request: show it, write it now, switch it on and off for a project.

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::quality_comment::{self, Wanted};
use crate::domain::id::TicketKey;
use crate::domain::quality::Posting;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket [default: the one of the branch you stand on]
    #[arg(conflicts_with_all = ["on", "off", "auto", "status"])]
    key: Option<TicketKey>,
    /// Comment on the pull requests of the project by themselves, whatever the configuration says
    #[arg(long, conflicts_with_all = ["off", "auto", "status"])]
    on: bool,
    /// Never comment by themselves in the project, whatever the configuration says
    #[arg(long, conflicts_with_all = ["auto", "status"])]
    off: bool,
    /// Let the configuration decide for the project again
    #[arg(long, conflicts_with = "status")]
    auto: bool,
    /// Only say whether the project's pull requests are commented
    #[arg(long)]
    status: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let wish = match (args.on, args.off, args.auto) {
        (true, ..) => Some(Some(Posting::On)),
        (_, true, _) => Some(Some(Posting::Off)),
        (.., true) => Some(None),
        _ => None,
    };
    match wish {
        Some(wish) => switch(wish, frame).await,
        None if args.status => status(frame).await,
        None => write(args.key, frame).await,
    }
}

async fn switch(wish: Option<Posting>, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let words = match wish {
        Some(Posting::On) => "comment on the pull requests of",
        Some(Posting::Off) => "never comment by itself on the pull requests of",
        None => "let the configuration decide over comments of",
    };
    let plan = json!({ "project": project.name, "posting": wish });
    if let Some(exit) = frame.stop(format!("{words} {}", project.name), &plan)? {
        return Ok(exit);
    }
    let ctx = frame.ctx().await?;
    quality_comment::set_policy(&ctx, project.id, wish).await?;
    status(frame).await
}

async fn status(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    let policy = quality_comment::policy(&ctx, &project).await?;
    let posting = policy.posting();
    frame.output.json(&json!({
        "project": project.name, "posting": posting, "overridden": policy.own.is_some(), "configured": policy.configured,
    }))?;
    let why = match policy.own {
        Some(own) if own != policy.configured => format!("set for the project; the configuration here says {}", policy.configured.word()),
        Some(_) => "set for the project".to_owned(),
        None => "by the configuration here".to_owned(),
    };
    let words = match posting {
        Posting::On => "Pull requests of tickets are commented while `kanado serve` or a board with a receiver runs",
        Posting::Off => "No pull request is commented by itself",
    };
    frame.output.say(format!("{}: {words} ({why}).", project.name))?;
    Ok(Exit::Done)
}

async fn write(key: Option<TicketKey>, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let key = frame.key(key).await?;
    let ctx = frame.ctx().await?;
    let ticket = ctx.ticket(&key).await?;
    let team = quality_comment::team(&ctx, ticket.project, ctx.clock.now()).await?;
    let plan = quality_comment::plan(&ctx, &key, &team, Wanted::ByHand).await?;
    let mut lines = vec![format!("{key}, !{} in {}: {}", plan.number, plan.repository, plan.step.words())];
    lines.extend(plan.text.lines().map(|line| format!("  | {line}")));
    let reach = if plan.step.writes() { Reach::Remote } else { Reach::Board };
    if let Decision::Stop(exit) = frame.settle(&Outline { reach, lines, warnings: &[], plan: &plan })? {
        return Ok(exit);
    }
    let done = quality_comment::run(&ctx, &key, &team, Wanted::ByHand).await?;
    frame.output.json(&done)?;
    let words = match done.step.writes() {
        true => "commented",
        false => "not commented",
    };
    frame.output.say(format!("!{} in {}: {words} ({}).", done.number, done.repository, done.step.words()))?;
    Ok(Exit::Done)
}
