//! `kanado archive`: tickets off the board, or back on it. Nothing is deleted.

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::tickets;
use crate::domain::id::TicketKey;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<TicketKey>,
    /// Put them back
    #[arg(long)]
    restore: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    for key in &args.keys {
        ctx.ticket(key).await?;
    }
    let names: Vec<String> = args.keys.iter().map(ToString::to_string).collect();
    let verb = if args.restore { "put back on the board" } else { "take off the board" };
    let plan = json!({ "keys": args.keys, "archived": !args.restore });
    let outline = Outline { reach: Reach::Board, lines: vec![format!("{verb}: {}", names.join(", "))], warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let mut rows = Vec::new();
    for key in &args.keys {
        tickets::archive(&ctx, key, !args.restore).await?;
        let view = ticket_fields::view(&ctx, key).await?;
        frame.output.say(format!("{}{}", ticket_fields::line(&view), if args.restore { "" } else { ", archived" }))?;
        rows.push(ticket_fields::to_json(&view));
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}
