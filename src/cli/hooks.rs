//! `kanado hooks`: let Azure DevOps tell of changes: register its webhooks, see how they stand, remove them, or do it by hand.

use clap::Subcommand;
use jiff::SignedDuration;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use crate::action::hooks::{self, Manual, Plan, Registered, Renew, Step, Trial};
use crate::action::{Context, Reporter};
use crate::domain::project::Project;
use crate::notice::Notice;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make what is missing and replace what does not work, for the project; repeated it finds all done
    Register {
        /// Make all of them anew, each with a new secret
        #[arg(long)]
        renew: bool,
    },
    /// Ask how the project's webhooks stand, and who else delivers to this receiver
    Status,
    /// Let Azure DevOps send a test through each of them
    Verify,
    /// Delete all that kanado made for the project, and nobody else's
    Remove,
    /// Print the steps that a person does in the web page instead
    Print,
    /// The secret for webhooks that are made by hand
    Secret {
        #[command(subcommand)]
        command: SecretCommand,
    },
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Make the project's secret and show it, this once
    Generate,
    /// Make a new one and show it, this once; every webhook that kanado made gets a new one too, unseen
    Rotate {
        /// How long the old one is taken besides
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap)]
        overlap: SignedDuration,
    },
    /// Refuse the secret from now on
    Revoke,
}

/// `24h`, `90m`; not negative.
fn overlap(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(time) if !time.is_negative() => Ok(time),
        Ok(_) => Err("it cannot be negative".to_owned()),
        Err(_) => Err("a time such as 24h or 90m is wanted here".to_owned()),
    }
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    match args.command {
        Command::Register { renew } => {
            let renew = if renew { Renew::Before(ctx.clock.now()) } else { Renew::Needed };
            register(frame, &ctx, &project, renew).await
        }
        Command::Status => status(frame, &ctx, &project).await,
        Command::Verify => verify(frame, &ctx, &project).await,
        Command::Remove => remove(frame, &ctx, &project).await,
        Command::Print => {
            let manual = steps_by_hand(&ctx, &project).await?;
            frame.output.json(&manual)?;
            say_manual(frame, &manual)?;
            Ok(Exit::Done)
        }
        Command::Secret { command: SecretCommand::Generate } => generate(frame, &ctx, &project).await,
        Command::Secret { command: SecretCommand::Rotate { overlap } } => rotate(frame, &ctx, &project, overlap).await,
        Command::Secret { command: SecretCommand::Revoke } => revoke(frame, &ctx, &project).await,
    }
}

async fn steps_by_hand(ctx: &Context, project: &Project) -> Result<Manual, Failure> {
    let organisation = ctx.organisation(project.organisation).await?;
    Ok(hooks::manual(&organisation.url, &project.name, &project.guid, ctx.config.webhooks.public_url.as_deref()))
}

fn say_manual(frame: &mut Frame<'_>, manual: &Manual) -> Result<(), Failure> {
    for line in manual.lines() {
        frame.output.say(line)?;
    }
    Ok(())
}

/// Where the rights are missing, the steps by hand are printed: somebody who has them can follow them.
async fn or_by_hand<T>(
    frame: &mut Frame<'_>,
    ctx: &Context,
    project: &Project,
    outcome: Result<T, crate::action::Error>,
) -> Result<T, Failure> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error) if hooks::is_about_permission(&error) => {
            let manual = steps_by_hand(ctx, project).await?;
            frame.output.json(&json!({ "applied": false, "manual": manual }))?;
            frame.output.note("This account may not make or see webhooks. Somebody who may can do it in the web page:");
            say_manual(frame, &manual)?;
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn register(frame: &mut Frame<'_>, ctx: &Context, project: &Project, renew: Renew) -> Result<Exit, Failure> {
    let planned = hooks::plan_registration(ctx, project, renew).await;
    let plan = or_by_hand(frame, ctx, project, planned).await?;
    if plan.is_done() && !frame.globals.dry_run {
        say_overlaps(frame, &plan);
        let kept = plan.steps.iter().filter(|step| matches!(step, Step::Keep { .. })).count();
        frame.output.json(&json!({ "applied": false, "plan": plan, "kept": kept }))?;
        frame.output.say(format!("Nothing to do: {kept} webhooks of {} are there and enabled.", project.name))?;
        return Ok(Exit::Done);
    }
    let outline = Outline { reach: Reach::Remote, lines: lines(&plan), warnings: &plan.warnings, plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let done = carry_out(frame, ctx, project, renew).await?;
    let exit = report(frame, project, &done)?;
    frame.output.json(&done)?;
    Ok(exit)
}

async fn carry_out(frame: &mut Frame<'_>, ctx: &Context, project: &Project, renew: Renew) -> Result<Registered, Failure> {
    let refused = std::cell::Cell::new(false);
    let outcome = frame
        .carry_out(async |reporter: Reporter| {
            let outcome = hooks::register(ctx, project, renew, &reporter).await;
            refused.set(outcome.as_ref().is_err_and(hooks::is_about_permission));
            outcome
        })
        .await;
    if refused.get() {
        let manual = steps_by_hand(ctx, project).await?;
        frame.output.json(&json!({ "applied": false, "manual": manual }))?;
        frame.output.note("This account may not make webhooks. Somebody who may can do it in the web page:");
        say_manual(frame, &manual)?;
    }
    outcome
}

/// The plan for people.
fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!("webhooks of {} deliver to {}, and belong to {}", plan.project, plan.url, plan.identity)];
    for step in &plan.steps {
        lines.push(match step {
            Step::Keep { .. } => continue,
            Step::Adopt { purpose, .. } => format!("  take over  {}: an interrupted run made it", purpose.word()),
            Step::Create { purpose, .. } => format!("  make       {}", purpose.word()),
            Step::Recreate { purpose, why, .. } => format!("  replace    {}: {why}", purpose.word()),
            Step::Delete { purpose, why, .. } => format!("  delete     {}: {why}", purpose.word()),
            Step::Leave { purpose, why } => format!("  leave      {}: {why}", purpose.word()),
            Step::Skip { purpose, why } => format!("  leave out  {}: {why}", purpose.word()),
            Step::Foreign { overlap } => format!("  untouched  {} of {}: {}", overlap.event_type, who(overlap), overlap.words),
        });
    }
    lines
}

fn who(overlap: &hooks::Overlap) -> &str {
    overlap.created_by.as_deref().unwrap_or("somebody")
}

fn say_overlaps(frame: &mut Frame<'_>, plan: &Plan) {
    for step in &plan.steps {
        if let Step::Foreign { overlap } = step {
            warn_of(frame, overlap);
        }
    }
}

fn warn_of(frame: &mut Frame<'_>, overlap: &hooks::Overlap) {
    let notice = Notice::new(format!("a webhook of {} ({}) delivers here too: {}", who(overlap), overlap.event_type, overlap.words))
        .hint("it does no harm; delete it in the web page if nobody needs it");
    frame.output.warn(&notice);
}

fn report(frame: &mut Frame<'_>, project: &Project, done: &Registered) -> Result<Exit, Failure> {
    for overlap in &done.overlaps {
        warn_of(frame, overlap);
    }
    let replaced = done.replaced.len();
    frame.output.say(format!(
        "{}: {} webhooks made, {replaced} replaced, {} taken over, {} kept, {} deleted. They belong to {}.",
        project.name,
        done.made.len(),
        done.adopted.len(),
        done.kept,
        done.deleted,
        done.identity
    ))?;
    if let Some((purpose, words)) = done.unverified.first() {
        let notice = Notice::new(format!("{} of them could not be tested; {}: {words}", done.unverified.len(), purpose.word()))
            .hint("start the receiver with `kanado serve`, then `kanado hooks verify`");
        frame.output.warn(&notice);
    }
    Ok(Exit::Done)
}

async fn status(frame: &mut Frame<'_>, ctx: &Context, project: &Project) -> Result<Exit, Failure> {
    let looked = hooks::look(ctx, project).await;
    let look = or_by_hand(frame, ctx, project, looked).await?;
    let sources = ctx.store.delivery_sources(project.id).await?;
    frame.output.json(&json!({ "look": look, "sources": sources }))?;
    let width = widest(look.subscriptions.iter().map(|row| row.purpose.word()));
    let states = widest(look.subscriptions.iter().map(|row| row.state.words()));
    for row in &look.subscriptions {
        let source = sources.iter().find(|source| source.subscription.is_some() && source.subscription == row.remote);
        let last = source.map_or("nothing arrived yet".to_owned(), |source| format!("last delivery {}", source.last_at));
        let gaps = source.filter(|source| source.gaps > 0).map(|source| format!(", {} numbers missing", source.gaps)).unwrap_or_default();
        let tested = if row.verified_at.is_some() { "" } else { ", never tested" };
        frame.output.say(format!("{}  {}  {last}{gaps}{tested}", fit(row.purpose.word(), width), fit(row.state.words(), states)))?;
        if let Some(problem) = &row.problem {
            frame.output.say(format!("    {problem}"))?;
        }
    }
    if look.subscriptions.is_empty() {
        frame.output.say(format!("{} has no webhook of kanado's. `kanado hooks register` makes them.", project.name))?;
    } else if let Some(identity) = look.subscriptions.iter().find_map(|row| row.identity.as_deref()) {
        frame.output.say(format!("They belong to {identity}."))?;
    }
    for words in &look.unavailable {
        frame.output.warn(&Notice::new(format!("could not be asked: {words}")));
    }
    for overlap in &look.overlaps {
        warn_of(frame, overlap);
    }
    Ok(if look.lost_events { Exit::Failed } else { Exit::Done })
}

async fn verify(frame: &mut Frame<'_>, ctx: &Context, project: &Project) -> Result<Exit, Failure> {
    let tried = hooks::verify(ctx, project).await;
    let verified = or_by_hand(frame, ctx, project, tried).await?;
    frame.output.json(&verified)?;
    let width = widest(verified.iter().map(|one| one.purpose.word()));
    let mut failed = 0;
    for one in &verified {
        let words = match &one.trial {
            Trial::Arrived => "arrived".to_owned(),
            Trial::Unknown(words) => format!("not known: {words}"),
            Trial::Failed(words) => {
                failed += 1;
                format!("FAILED: {words}")
            }
        };
        frame.output.say(format!("{}  {words}", fit(one.purpose.word(), width)))?;
    }
    if failed > 0 {
        return Err(Failure::refused(
            format!("{failed} of {} tests did not arrive", verified.len()),
            "see that `kanado serve` runs and webhooks.public_url leads to it; `kanado hooks register --renew` makes them anew",
        ));
    }
    Ok(Exit::Done)
}

async fn remove(frame: &mut Frame<'_>, ctx: &Context, project: &Project) -> Result<Exit, Failure> {
    let planned = hooks::plan_removal(ctx, project).await;
    let plan = or_by_hand(frame, ctx, project, planned).await?;
    let mut lines: Vec<String> = plan.doomed.iter().map(|doomed| format!("delete {} -> {}", doomed.event_type, doomed.url)).collect();
    lines.push(format!("{} webhooks of others stay", plan.others));
    let outline = Outline { reach: Reach::Remote, lines, warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let removed = hooks::remove(ctx, project).await?;
    frame.output.json(&removed)?;
    frame.output.say(format!("{}: {} webhooks deleted; {} of others stay.", project.name, removed.deleted, removed.others))?;
    Ok(say_left(frame, &removed))
}

/// What is still there, and how the command ends for it.
fn say_left(frame: &mut Frame<'_>, removed: &hooks::Removed) -> Exit {
    for (event, words) in &removed.left {
        let notice = Notice::new(format!("the webhook for {event} is still there: {words}"))
            .hint("`kanado hooks remove` tries again, and so does `kanado serve`");
        frame.output.warn(&notice);
    }
    if removed.left.is_empty() { Exit::Done } else { Exit::Partly }
}

async fn generate(frame: &mut Frame<'_>, ctx: &Context, project: &Project) -> Result<Exit, Failure> {
    if let Some(exit) = frame.stop(format!("make the webhook secret of {}", project.name), &json!({ "project": project.name }))? {
        return Ok(exit);
    }
    let fresh = hooks::generate(ctx, project).await?;
    say_secret(frame, project, &fresh)?;
    Ok(Exit::Done)
}

/// The only place where a secret is written: alone on stdout, once.
fn say_secret(frame: &mut Frame<'_>, project: &Project, fresh: &hooks::Fresh) -> Result<(), Failure> {
    frame.output.note(format!("The webhook secret of {}, shown this once:", project.name));
    frame.output.json(&json!({ "project": project.name, "secret": fresh.show() }))?;
    frame.output.say(fresh.show())?;
    frame.output.flush()?;
    frame.output.note("`kanado hooks print` says where it goes.");
    Ok(())
}

async fn rotate(frame: &mut Frame<'_>, ctx: &Context, project: &Project, overlap: SignedDuration) -> Result<Exit, Failure> {
    let made = ctx.store.subscriptions(project.id).await?.len();
    let renew = Renew::Before(ctx.clock.now());
    let mut outlined = vec![format!("make a new webhook secret of {}; the old one is taken for {overlap:#} more", project.name)];
    let mut warnings = Vec::new();
    if made > 0 {
        let planned = hooks::plan_registration(ctx, project, renew).await;
        let plan = or_by_hand(frame, ctx, project, planned).await?;
        outlined.extend(lines(&plan));
        warnings = plan.warnings;
    }
    let reach = if made > 0 { Reach::Remote } else { Reach::Lasting };
    let plan = json!({ "project": project.name, "overlap_seconds": overlap.as_secs(), "webhooks": made });
    if let Decision::Stop(exit) = frame.settle(&Outline { reach, lines: outlined, warnings: &warnings, plan: &plan })? {
        return Ok(exit);
    }
    let fresh = hooks::rotate(ctx, project, overlap).await?;
    say_secret(frame, project, &fresh)?;
    if made == 0 {
        return Ok(Exit::Done);
    }
    // The secret is on stdout already, alone: what else there is to say goes to stderr.
    let done = carry_out(frame, ctx, project, renew).await?;
    frame.output.note(format!("{} webhooks that kanado made have new secrets.", done.replaced.len()));
    for (purpose, words) in &done.unverified {
        frame.output.warn(&Notice::new(format!("{} could not be tested: {words}", purpose.word())));
    }
    Ok(Exit::Done)
}

async fn revoke(frame: &mut Frame<'_>, ctx: &Context, project: &Project) -> Result<Exit, Failure> {
    let line = format!("refuse the webhook secret of {} from now on: hooks made by hand stop, those that kanado made go on", project.name);
    let outline = Outline { reach: Reach::Lasting, lines: vec![line], warnings: &[], plan: &json!({ "project": project.name }) };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let revoked = hooks::revoke(ctx, project).await?;
    frame.output.json(&json!({ "project": project.name, "revoked": revoked }))?;
    frame.output.say(match revoked {
        0 => format!("{} had no secret.", project.name),
        _ => format!("The secret of {} is refused from now on.", project.name),
    })?;
    Ok(Exit::Done)
}
