//! `kanado edit`: change a ticket's words and fields. Without a flag, the spec in `$EDITOR`.

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::spec;
use super::ticket_fields::{self, Fields, Given};
use crate::action::tickets::{self, Edit};
use crate::domain::id::TicketKey;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket [default: the one of the branch you stand on]
    key: Option<TicketKey>,
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Tick or untick a criterion, by its number from 1 (may be given several times)
    #[arg(long, value_name = "NUMBER")]
    tick: Vec<usize>,
    /// Take all labels away before adding those given
    #[arg(long)]
    no_labels: bool,
    /// Take all dependencies away before adding those given
    #[arg(long)]
    no_dependencies: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let key = frame.key(args.key.clone()).await?;
    let ctx = frame.ctx().await?;
    let before = ticket_fields::view(&ctx, &key).await?;
    let fields = &args.fields;
    let (mut edit, changes) = edit(&args, frame, &before).await?;
    if changes.is_empty() && fields.assign.is_none() {
        return spec::edit(key, None, frame).await;
    }
    let assignee = match &fields.assign {
        Some(name) => Some(ticket_fields::person(&ctx, &before.project, name).await?),
        None => None,
    };
    let mut changes = changes;
    if assignee.is_some() {
        changes.push("assignee");
    }
    let plan = json!({ "key": key, "changes": changes });
    let outline =
        Outline { reach: Reach::Board, lines: vec![format!("change {} of {key}", changes.join(", "))], warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    edit.assignee = assignee;
    tickets::edit(&ctx, &key, &edit).await?;
    let view = ticket_fields::view(&ctx, &key).await?;
    frame.output.json(&ticket_fields::to_json(&view))?;
    frame.output.say(ticket_fields::line(&view))?;
    Ok(Exit::Done)
}

/// The edit the flags ask for, and the names of what changes.
async fn edit(
    args: &Args,
    frame: &mut Frame<'_>,
    before: &crate::domain::ticket_view::TicketView,
) -> Result<(Edit, Vec<&'static str>), Failure> {
    let fields = &args.fields;
    let ticket = &before.ticket;
    let mut toggle_criteria = Vec::new();
    for number in &args.tick {
        match number.checked_sub(1) {
            Some(index) => toggle_criteria.push(index),
            None => return Err(Failure::usage("criteria are counted from 1", format!("`kanado show {}` lists them", ticket.key))),
        }
    }
    let mut labels = if args.no_labels { Vec::new() } else { ticket.labels.clone() };
    labels.extend(fields.labels.iter().filter(|label| !ticket.labels.contains(label) || args.no_labels).cloned());
    let mut dependencies = if args.no_dependencies { Vec::new() } else { ticket.dependencies.clone() };
    dependencies.extend(fields.dependencies.iter().filter(|key| !ticket.dependencies.contains(key) || args.no_dependencies).cloned());
    let ctx = frame.ctx().await?;
    let edit = Edit {
        seen: Some(ticket.version),
        assignee: None,
        title: args.title.clone(),
        description: fields.description(frame)?,
        parent_story: fields.parent.clone(),
        add_criteria: fields.criteria.clone(),
        toggle_criteria,
        repository: fields.repository(&ctx, &before.project).await?,
        labels: (labels != ticket.labels).then_some(labels),
        priority: fields.priority.map(Given::value),
        estimate_hours: fields.estimate.map(Given::value),
        dependencies: (dependencies != ticket.dependencies).then_some(dependencies),
    };
    let changes = [
        (edit.title.is_some(), "title"),
        (edit.description.is_some(), "description"),
        (edit.parent_story.is_some(), "parent story"),
        (!edit.add_criteria.is_empty() || !edit.toggle_criteria.is_empty(), "criteria"),
        (edit.repository.is_some(), "repository"),
        (args.no_labels || !fields.labels.is_empty(), "labels"),
        (edit.priority.is_some(), "priority"),
        (edit.estimate_hours.is_some(), "estimate"),
        (args.no_dependencies || !fields.dependencies.is_empty(), "dependencies"),
    ];
    Ok((edit, changes.into_iter().filter(|(changed, _)| *changed).map(|(_, name)| name).collect()))
}
