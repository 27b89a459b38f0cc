//! `kanado move`: a ticket to another status by hand. Most moves follow facts; a refusal says what does it.

use clap::ValueEnum;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::tickets;
use crate::domain::id::TicketKey;
use crate::domain::status::Status;

#[derive(Debug, clap::Args)]
pub struct Args {
    key: TicketKey,
    #[arg(value_enum)]
    status: StatusFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFlag {
    Todo,
    #[value(alias = "in_progress")]
    InProgress,
    #[value(alias = "pr_open")]
    PrOpen,
    Merged,
    Done,
}

impl StatusFlag {
    pub fn status(self) -> Status {
        match self {
            Self::Todo => Status::Todo,
            Self::InProgress => Status::InProgress,
            Self::PrOpen => Status::PrOpen,
            Self::Merged => Status::Merged,
            Self::Done => Status::Done,
        }
    }
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let before = ticket_fields::view(&ctx, &args.key).await?;
    let to = args.status.status();
    let plan = json!({ "key": args.key, "from": before.ticket.status, "to": to });
    let words = format!("move {} from {} to {}", args.key, before.ticket.status.title(), to.title());
    let outline = Outline { reach: Reach::Board, lines: vec![words], warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    tickets::move_to(&ctx, &args.key, to).await?;
    let view = ticket_fields::view(&ctx, &args.key).await?;
    frame.output.json(&ticket_fields::to_json(&view))?;
    frame.output.say(ticket_fields::line(&view))?;
    Ok(Exit::Done)
}
