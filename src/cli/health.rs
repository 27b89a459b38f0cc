//! `kanado health`: how well the board and the figures are kept up with: the connection, receivers, hooks, deliveries, comparisons, what
//! was collected and how fresh it is. Asks nobody over the network, except with `--check`. Exit code 0 when all is well, 1 when not.

mod collected;
pub mod connected;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use crate::action::{Account, Context};
use crate::domain::board::age_step;
use crate::domain::health::{HookHealth, Live};
use crate::domain::hook::{Subscription, SubscriptionState};
use crate::domain::project::Project;
use crate::notice::inert;
use crate::secret;
use crate::sync::collect::agreed;
use collected::Collected;
use connected::Connection;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask Azure DevOps whether the token works, what its scopes allow, and how much of the rate limit is left
    #[arg(long)]
    check: bool,
}

/// A project's webhooks, and who keeps them.
#[derive(Debug, Serialize)]
struct Report {
    project: String,
    prefix: String,
    /// Whether the board can be relied on: it is live, or was never meant to be.
    healthy: bool,
    account: Account,
    /// Who the account is, as far as is known here.
    identity: Option<String>,
    /// Days until its token ends, where a person said so.
    token_days_left: Option<i32>,
    connection: Connection,
    collected: Collected,
    /// How the lists that figures are made with differ from those of the configuration here.
    other_lists: Vec<String>,
    #[serde(flatten)]
    hooks: HookHealth,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let projects = match frame.globals.project.is_some() {
        true => vec![frame.project().await?],
        false => ctx.store.projects().await?,
    };
    if projects.is_empty() {
        return Err(Failure::refused("no project is on the board yet", "connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`"));
    }
    let now = ctx.clock.now();
    let mut reports = Vec::new();
    for project in &projects {
        reports.push(report(&ctx, project, args.check, now).await?);
    }
    let healthy = reports.iter().all(|report| report.healthy);
    frame.output.json(&json!({ "healthy": healthy, "projects": reports }))?;
    for report in &reports {
        for line in lines(report, now) {
            frame.output.say(line)?;
        }
    }
    Ok(if healthy { Exit::Done } else { Exit::Failed })
}

async fn report(ctx: &Context, project: &Project, check: bool, now: Timestamp) -> Result<Report, Failure> {
    let organisation = ctx.organisation(project.organisation).await?;
    let service = secret::find_service(&ctx.tokens, &organisation.url).await?;
    let account = if service.is_some() { Account::Service } else { Account::Person };
    let token = match service {
        Some(found) => Ok(found),
        None => secret::find(&ctx.tokens, &organisation.url).await,
    };
    let token_days_left = token.as_ref().ok().and_then(|found| found.expires).map(|date| secret::days_left(date, now));
    let hooks = ctx.store.hook_health(project.id, now).await?;
    let collection = ctx.store.collection(project.id).await?;
    let mut connection = connected::known(&organisation, project, &hooks, &collection, token.as_ref().map(|_| ()));
    if check {
        connection = connected::ask(ctx, &organisation, project, connection).await;
    }
    let collected = Collected::of(collection, now);
    let made_by = hooks.subscriptions.iter().rev().find_map(|one| one.identity.clone());
    let me = organisation.me.as_ref().map(|me| format!("{} <{}>", me.display_name, me.unique_name));
    Ok(Report {
        project: project.name.clone(),
        prefix: project.prefix.clone(),
        healthy: !matches!(hooks.live, Live::Broken(_))
            && token_days_left.is_none_or(|days| days >= 0)
            && connection.is_well()
            && collected.is_well(),
        account,
        identity: made_by.or(if account == Account::Person { me } else { None }),
        token_days_left,
        connection,
        collected,
        other_lists: agreed::differences(&ctx.store, &ctx.config.metrics.rules).await?,
        hooks,
    })
}

fn lines(report: &Report, now: Timestamp) -> Vec<String> {
    let hooks = &report.hooks;
    let live = match &hooks.live {
        Live::Now => "live".to_owned(),
        Live::Off => "no webhooks: pull requests are looked at".to_owned(),
        Live::Broken(why) => format!("NOT live: {}", inert(why)),
    };
    let mut lines = vec![format!("{} ({}): {live}", inert(&report.project), report.prefix)];
    let mut say = |name: &str, words: String| lines.push(format!("  {name:<15} {words}"));
    say("connection", report.connection.words(now));
    report.connection.lines(now).into_iter().for_each(|(name, words)| say(name, words));
    let account = match report.account {
        Account::Service => "the service account",
        Account::Person => "the user's own",
    };
    let identity = report.identity.as_ref().map_or(String::new(), |who| format!(", {}", inert(who)));
    let token = match report.token_days_left {
        None => String::new(),
        Some(days) if days < 0 => "; its token HAS ENDED".to_owned(),
        Some(days) => format!("; its token ends in {days} days"),
    };
    say("account", format!("{account}{identity}{token}"));
    match hooks.receivers.as_slice() {
        [] => say("receivers", "none".to_owned()),
        some => some.iter().for_each(|receiver| say("receiver", inert(&receiver.name))),
    }
    let problems =
        format!("{} waiting, {} dead, {} parked, {} of other projects", hooks.waiting, hooks.dead, hooks.parked, hooks.quarantined);
    let last = hooks.last_delivery_at.map_or("none ever".to_owned(), |at| format!("the last {} ago", age_step(at, now)));
    say("deliveries", format!("{last}; {problems}"));
    let reconciled = &hooks.reconciled;
    let done = reconciled.done_at.map_or("never".to_owned(), |at| format!("{} ago", age_step(at, now)));
    let healed = format!("{} found that hooks had missed, {} in all", reconciled.healed_last, reconciled.healed_total);
    let failed = reconciled.failed.as_ref().map_or(String::new(), |words| format!("; since then: {}", inert(words)));
    say("compared", format!("{done}; {healed}{failed}"));
    report.collected.lines(now).into_iter().for_each(|(name, words)| say(name, words));
    if !report.other_lists.is_empty() {
        let words = inert(&report.other_lists.join("; "));
        say("LISTS", format!("figures are made with {words}, other than the configuration here; `kanado backfill` takes the lists here"));
    }
    lines.extend(hook_lines(hooks, now));
    lines
}

fn hook_lines(hooks: &HookHealth, now: Timestamp) -> Vec<String> {
    let width = widest(hooks.subscriptions.iter().map(|one| one.purpose.word()));
    let source =
        |one: &Subscription| hooks.sources.iter().find(|source| source.subscription.is_some() && source.subscription == one.remote);
    let mut lines: Vec<String> = hooks
        .subscriptions
        .iter()
        .map(|one| {
            let told =
                source(one).map_or("nothing yet".to_owned(), |source| told(source.deliveries, source.gaps, &age_step(source.last_at, now)));
            let problem = one.problem.as_ref().map_or(String::new(), |words| format!("; {}", inert(words)));
            format!("  {}  {:<14} {told}{problem}", fit(one.purpose.word(), width), state(one.state))
        })
        .collect();
    for source in &hooks.sources {
        if !hooks.subscriptions.iter().any(|one| one.remote.is_some() && one.remote == source.subscription) {
            let words = told(source.deliveries, source.gaps, &age_step(source.last_at, now));
            lines.push(format!("  {}  {:<14} {words}", fit("made by a person", width.max(16)), ""));
        }
    }
    lines
}

fn told(deliveries: i64, gaps: i64, ago: &str) -> String {
    let gaps = if gaps > 0 { format!(", {gaps} numbers missing") } else { String::new() };
    format!("{deliveries} deliveries, the last {ago} ago{gaps}")
}

fn state(state: SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::Making => "not confirmed",
        SubscriptionState::Enabled => "enabled",
        SubscriptionState::OnProbation => "ON PROBATION",
        SubscriptionState::DisabledByUser | SubscriptionState::DisabledBySystem | SubscriptionState::DisabledByInactiveIdentity => {
            "DISABLED"
        }
        SubscriptionState::Missing => "MISSING",
        SubscriptionState::Removing => "being removed",
    }
}
