//! `kanado assign`: who does a ticket.

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::tickets;
use crate::domain::id::TicketKey;

#[derive(Debug, clap::Args)]
pub struct Args {
    key: TicketKey,
    /// Name, account, `me` or `nobody`
    #[arg(default_value = "me")]
    person: String,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let before = ticket_fields::view(&ctx, &args.key).await?;
    let assignee = ticket_fields::person(&ctx, &before.project, &args.person).await?;
    let plan = json!({ "key": args.key, "assignee": args.person });
    let outline = Outline { reach: Reach::Board, lines: vec![format!("give {} to {}", args.key, args.person)], warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    tickets::assign(&ctx, &args.key, assignee, before.ticket.version).await?;
    let view = ticket_fields::view(&ctx, &args.key).await?;
    frame.output.json(&ticket_fields::to_json(&view))?;
    frame.output.say(ticket_fields::line(&view))?;
    Ok(Exit::Done)
}
