//! `kanado show`: a ticket with everything that hangs on it. Asks nobody.

use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::prs;
use super::ticket_fields;
use crate::domain::id::TicketKey;
use crate::domain::ticket::SpecBadge;
use crate::domain::ticket_view::TicketView;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket [default: the one of the branch you stand on]
    key: Option<TicketKey>,
    /// Print the text of its spec, byte for byte
    #[arg(long)]
    spec: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let key = frame.key(args.key).await?;
    let ctx = frame.ctx().await?;
    let view = ticket_fields::view(&ctx, &key).await?;
    if args.spec && !frame.output.is_json() {
        frame.output.bytes(view.spec.text.as_bytes())?;
        return Ok(Exit::Done);
    }
    let mut value = ticket_fields::to_json(&view);
    if let Some(object) = value.as_object_mut() {
        object.insert("pull_request".to_owned(), json!(view.pull_request));
        object.insert("history".to_owned(), json!(view.history));
        object.insert("spec_text".to_owned(), json!(view.spec.text));
    }
    frame.output.json(&value)?;
    for line in lines(&view, frame) {
        frame.output.say(line)?;
    }
    Ok(Exit::Done)
}

fn lines(view: &TicketView, frame: &Frame<'_>) -> Vec<String> {
    let ticket = &view.ticket;
    let mut lines = vec![format!("{}  {}", ticket.key, ticket.title), String::new()];
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            lines.push(format!("{name:<13} {value}"));
        }
    };
    let archived = if ticket.archived { ", archived" } else { "" };
    field("status", Some(format!("{}{archived}", ticket.status.title())));
    field("notice", ticket.notice.clone());
    field("assignee", view.assignee.as_ref().map(|member| member.identity.display_name.clone()));
    field("story", ticket.parent_story.clone());
    field("repository", view.repository.as_ref().map(|repository| repository.name.clone()));
    field("branch", ticket.branch.clone());
    field("spec", Some(badge(view.spec.badge()).to_owned()));
    field("labels", Some(ticket.labels.join(", ")));
    field("priority", ticket.priority.map(|priority| priority.level().to_string()));
    field("estimate", ticket.estimate_hours.map(|hours| format!("{hours} h")));
    let waits: Vec<String> = view
        .dependencies
        .iter()
        .map(|(key, status)| format!("{key} ({})", status.map_or("not on this board", |status| status.title())))
        .collect();
    field("waits for", Some(waits.join(", ")));
    if let Some(known) = &view.pull_request {
        field("pull request", Some(prs::sentence(known, frame.clock.now())));
        field("", known.web_url.clone());
    }
    if !ticket.description.trim().is_empty() {
        lines.extend([String::new(), ticket.description.trim_end().to_owned()]);
    }
    if !ticket.criteria.is_empty() {
        let done = ticket.criteria.iter().filter(|criterion| criterion.ticked).count();
        lines.extend([String::new(), format!("Acceptance criteria {done}/{}", ticket.criteria.len())]);
        lines
            .extend(ticket.criteria.iter().map(|criterion| format!("  [{}] {}", if criterion.ticked { 'x' } else { ' ' }, criterion.text)));
    }
    if !view.history.is_empty() {
        lines.extend([String::new(), "History".to_owned()]);
        lines.extend(view.history.iter().map(|row| format!("  {}  {}", row.at.strftime("%Y-%m-%d %H:%M"), row.words)));
    }
    lines
}

fn badge(badge: SpecBadge) -> &'static str {
    match badge {
        SpecBadge::Local => "only here, never pushed",
        SpecBadge::Draft => "changed here since the last push",
        SpecBadge::Pushed => "pushed",
        SpecBadge::ChangedOnBranch => "changed on the branch since",
    }
}
