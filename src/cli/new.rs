//! `kanado new`: a ticket with its spec, on the board and nowhere else yet.

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields::{self, Fields, Given};
use crate::action::tickets;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What it is, in a few words
    #[arg(required = true, value_name = "TITLE")]
    title: Vec<String>,
    #[command(flatten)]
    fields: Fields,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let fields = &args.fields;
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    let new = tickets::New {
        title: args.title.join(" "),
        description: fields.description(frame)?.unwrap_or_default(),
        parent_story: fields.parent.clone(),
        criteria: fields.criteria.clone(),
        repository: fields.repository(&ctx, &project).await?,
        assignee: match &fields.assign {
            Some(name) => ticket_fields::person(&ctx, &project, name).await?,
            None => None,
        },
        labels: fields.labels.clone(),
        priority: fields.priority.and_then(Given::value),
        estimate_hours: fields.estimate.and_then(Given::value),
        dependencies: fields.dependencies.clone(),
    };
    let plan = json!({ "title": new.title, "project": project.name });
    let outline = Outline {
        reach: Reach::Board,
        lines: vec![format!("make a ticket in {}: {}", project.name, new.title)],
        warnings: &[],
        plan: &plan,
    };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let ticket = tickets::new(&ctx, project.id, new).await?;
    let view = ticket_fields::view(&ctx, &ticket.key).await?;
    frame.output.json(&ticket_fields::to_json(&view))?;
    frame.output.say(ticket_fields::line(&view))?;
    Ok(Exit::Done)
}
