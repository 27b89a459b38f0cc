//! `kanado start`: branch, spec and status in one go; run again after an interruption, it finishes.

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::start_work::{self, ExistingBranch, Options};
use crate::action::{Context, checkout};
use crate::domain::id::TicketKey;
use crate::notice::Notice;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket [default: the one of the branch you stand on]
    key: Option<TicketKey>,
    /// Name the branch like this instead of by the template
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Work on the branch although it is there already
    #[arg(long)]
    reuse_branch: bool,
    /// Fetch the branch into the clone you stand in, and switch to it
    #[arg(long)]
    checkout: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let key = frame.key(args.key.clone()).await?;
    let ctx = frame.ctx().await?;
    let target = if args.checkout { Some(clone_of(frame, &ctx, &key).await?) } else { None };
    let existing = if args.reuse_branch { ExistingBranch::Reuse } else { ExistingBranch::Refuse };
    let options = Options { branch: args.branch.clone(), existing };
    let plan = start_work::plan(&ctx, &key, &options).await;
    let started = match plan {
        Ok(plan) => {
            let mut warnings = plan.warnings.clone();
            if let Some(found) = &plan.found
                && existing == ExistingBranch::Refuse
            {
                let who = found.creator.as_ref().map_or("somebody", |creator| creator.display_name.as_str());
                let notice = Notice::new(format!("branch {} is there already, made by {who}", plan.branch));
                warnings.push(
                    notice.hint(format!("work on it with `kanado start {key} --reuse-branch`, or choose another name with --branch")),
                );
            }
            let mut lines =
                vec![format!("Start {key}  {}  in {}{}", plan.title, plan.repository, if plan.resumes { ", continuing" } else { "" })];
            lines.extend(plan.steps.iter().map(|step| format!("  {}", step.words)));
            if args.checkout {
                lines.push(format!("  switch this clone to {}", plan.branch));
            }
            let outline = Outline { reach: Reach::Remote, lines, warnings: &warnings, plan: &plan };
            if let Decision::Stop(exit) = frame.settle(&outline)? {
                return Ok(exit);
            }
            let (ctx, key, options) = (&ctx, &key, &options);
            frame.carry_out(|reporter| async move { start_work::run(ctx, key, options, &reporter).await }).await?
        }
        // `run` knows a ticket that is started already, which a plan refuses.
        Err(refused) => match started_already(&ctx, &key, &options).await {
            Some(started) => started,
            None => return Err(refused.into()),
        },
    };
    if let Some((root, remote)) = &target {
        checkout::switch(root, remote, &started.branch).await.map_err(|error| {
            let mut failure = Failure::from(error);
            if let Failure::Stopped { exit, .. } = &mut failure {
                // The work is started; only this clone is not where it was to be.
                *exit = Exit::Partly;
            }
            failure
        })?;
    }
    frame.output.json(&started)?;
    frame.output.say(if started.already_started {
        format!("{key} is started already, on {}.", started.branch)
    } else {
        format!("{key} is in progress on {}.", started.branch)
    })?;
    if target.is_none() && !started.already_started {
        frame.output.note(format!("  git fetch && git switch {}", started.branch));
    }
    Ok(Exit::Done)
}

/// A ticket in progress whose branch and spec are there: nothing to do, and nothing wrong.
async fn started_already(ctx: &Context, key: &TicketKey, options: &Options) -> Option<start_work::Started> {
    let ticket = ctx.ticket(key).await.ok()?;
    if ticket.status != crate::domain::status::Status::InProgress {
        return None;
    }
    let started = start_work::run(ctx, key, options, &crate::action::Reporter::silent()).await.ok()?;
    started.already_started.then_some(started)
}

/// The clone of the ticket's repository that the command was started in, and its remote.
async fn clone_of(frame: &mut Frame<'_>, ctx: &Context, key: &TicketKey) -> Result<(std::path::PathBuf, String), Failure> {
    let at = ctx.whereabouts(key).await?;
    let name = &at.repository.name;
    let hint = format!("clone {name} first, or leave --checkout out");
    let Some(clone) = frame.clone_here() else {
        return Err(Failure::refused("this is not a clone, so there is nothing to switch", hint));
    };
    match &clone.remote {
        Some((remote, address))
            if address.base.url().eq_ignore_ascii_case(&at.organisation.url)
                && address.repository.as_deref().is_some_and(|repository| repository.eq_ignore_ascii_case(name)) =>
        {
            Ok((clone.root.clone(), remote.clone()))
        }
        _ => Err(Failure::refused(format!("this clone is not of {name}, where {key} is worked on"), hint)),
    }
}
