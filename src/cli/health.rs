//! `kanado health`: how well the board and the figures are kept up with: the connection, receivers, hooks, deliveries, comparisons, what
//! was collected and how fresh it is. Asks nobody over the network, except with `--check`. Exit code 0 when all is well, 1 when not.

mod collected;
pub mod connected;
mod lines;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::{Account, Context, lease, rate_limit};
use crate::domain::health::{HookHealth, Live};
use crate::domain::project::Project;
use crate::domain::rate_limit::{Distance, Known, RateLimit};
use crate::secret;
use crate::store::RECEIVER;
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
    organisation: String,
    /// What the figures of a receiver name the organisation by.
    organisation_id: i64,
    /// Whether the board can be relied on: it is live, or was never meant to be.
    healthy: bool,
    account: Account,
    /// Who the account is, as far as is known here.
    identity: Option<String>,
    /// Days until its token ends, where a person said so.
    token_days_left: Option<i32>,
    connection: Connection,
    /// How much Azure DevOps lets us ask, as far as it has said.
    rate_limit: RateLimits,
    collected: Collected,
    /// How the lists that figures are made with differ from those of the configuration here.
    other_lists: Vec<String>,
    #[serde(flatten)]
    hooks: HookHealth,
}

/// What is known of a rate limit, for scripts.
#[derive(Debug, Serialize)]
struct RateLimits {
    state: Distance,
    /// When the newest of this was learnt; a limit of which nothing was said until then is far away.
    as_of: Option<Timestamp>,
    /// The last word, also when it is over: see `said_at` and `reset_at`.
    said: Option<RateLimit>,
    #[serde(skip)]
    known: Known,
}

impl RateLimits {
    fn of(known: Known, now: Timestamp) -> Self {
        Self { state: known.distance(now), as_of: known.as_of(), said: known.said, known }
    }
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
    // One that was killed says for a while yet that it is there.
    lease::bury(&ctx, RECEIVER).await?;
    let now = ctx.clock.now();
    let mut reports = Vec::new();
    for project in &projects {
        reports.push(report(&ctx, project, args.check, now).await?);
    }
    let healthy = reports.iter().all(|report| report.healthy);
    frame.output.json(&json!({ "healthy": healthy, "projects": reports }))?;
    for report in &reports {
        for line in lines::of(report, now) {
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
    let said = rate_limit::said(ctx).await?.remove(&organisation.id);
    let limit = Known { said, answered_at: connection.last_answer };
    let collected = Collected::of(collection, now);
    let made_by = hooks.subscriptions.iter().rev().find_map(|one| one.identity.clone());
    let me = organisation.me.as_ref().map(|me| format!("{} <{}>", me.display_name, me.unique_name));
    Ok(Report {
        project: project.name.clone(),
        prefix: project.prefix.clone(),
        organisation: organisation.name.clone(),
        organisation_id: organisation.id.0,
        healthy: !matches!(hooks.live, Live::Broken(_))
            && token_days_left.is_none_or(|days| days >= 0)
            && connection.is_well()
            && collected.is_well(),
        account,
        identity: made_by.or(if account == Account::Person { me } else { None }),
        token_days_left,
        connection,
        rate_limit: RateLimits::of(limit, now),
        collected,
        other_lists: agreed::differences(&ctx.store, &ctx.config.metrics.rules).await?,
        hooks,
    })
}
