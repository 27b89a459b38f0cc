//! `kanado delete`: tickets that were never started. Their keys are not issued again.

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
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let mut lines = Vec::new();
    for key in &args.keys {
        lines.push(format!("delete {}, with its spec", ticket_fields::line(&ticket_fields::view(&ctx, key).await?)));
    }
    let plan = json!({ "delete": args.keys });
    let outline = Outline { reach: Reach::Lasting, lines, warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    for key in &args.keys {
        tickets::delete(&ctx, key).await?;
        frame.output.say(format!("{key} is deleted."))?;
    }
    frame.output.json(&json!({ "deleted": args.keys }))?;
    Ok(Exit::Done)
}
