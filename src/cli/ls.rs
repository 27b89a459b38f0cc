//! `kanado ls`: the tickets of the project, as the board has them. Asks nobody.

use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use super::move_to::StatusFlag;
use super::prs;
use crate::domain::board::Card;
use crate::domain::ticket::Filter;
use crate::store::Archived;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look for: words, @name, @me, label:x, repo:x, status:pr_open
    filter: Vec<String>,
    /// Only tickets of this status
    #[arg(long, value_enum)]
    status: Option<StatusFlag>,
    /// Only mine
    #[arg(long)]
    mine: bool,
    /// The archived tickets instead
    #[arg(long)]
    archived: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    if args.archived {
        let tickets: Vec<_> = ctx.store.tickets(project.id, Archived::Shown).await?.into_iter().filter(|ticket| ticket.archived).collect();
        for ticket in &tickets {
            frame.output.say(format!("{:<12} {:<11} {}", ticket.key, ticket.status.title(), ticket.title))?;
        }
        let rows: Vec<_> =
            tickets.iter().map(|ticket| json!({ "key": ticket.key, "title": ticket.title, "status": ticket.status })).collect();
        frame.output.json(&rows)?;
        return Ok(Exit::Done);
    }
    let me = ctx.organisation(project.organisation).await?.me;
    let board = ctx.store.board(project.id, me.as_ref().map(|me| &me.id)).await?;
    let filter = Filter::parse(&args.filter.join(" "));
    let wanted = |card: &&Card| {
        filter.matches(card) && args.status.is_none_or(|status| status.status() == card.status) && (!args.mine || card.assigned_to_me)
    };
    let cards: Vec<&Card> = board.cards.iter().filter(wanted).collect();
    frame.output.json(&cards)?;
    if frame.output.is_json() {
        return Ok(Exit::Done);
    }
    let now = frame.clock.now();
    let key_width = cards.iter().map(|card| card.key.to_string().len()).max().unwrap_or(0);
    let who_width = widest(cards.iter().filter_map(|card| card.assignee.as_deref())).min(20);
    for card in &cards {
        let criteria = if card.criteria_total > 0 { format!("{}/{}", card.criteria_done, card.criteria_total) } else { String::new() };
        let chip = card.pull_request.as_ref().map(|chip| prs::chip(chip, now)).unwrap_or_default();
        let who = fit(card.assignee.as_deref().unwrap_or(""), who_width);
        let notice = card.notice.as_ref().map(|notice| format!("  ! {notice}")).unwrap_or_default();
        let line = format!(
            "{:<key_width$}  {:<11}  {who}  {criteria:>5}  {}  {chip}{notice}",
            card.key,
            card.status.title(),
            fit(&card.title, 48)
        );
        frame.output.say(line.trim_end())?;
    }
    if cards.is_empty() {
        let none = if board.cards.is_empty() { "There is no ticket yet. `kanado new TITLE` makes one." } else { "No ticket matches." };
        frame.output.note(none);
    }
    Ok(Exit::Done)
}
