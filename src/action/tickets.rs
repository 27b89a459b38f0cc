//! Tickets by hand: make, edit, assign, move, archive, delete. Nothing here touches Azure DevOps.

use crate::domain::id::{MemberId, ProjectId, RepositoryId, TicketKey};
use crate::domain::spec::{self, Spec};
use crate::domain::status::{Status, Transition};
use crate::domain::ticket::{Criterion, Priority, Ticket};
use crate::notice::Notice;
use crate::store::{self, Applied, NewTicket, SpecText, TicketChange};

use super::context::Context;
use super::error::{Error, Result};

/// A ticket to be made.
#[derive(Debug, Clone, Default)]
pub struct New {
    pub title: String,
    pub description: String,
    pub parent_story: Option<String>,
    pub criteria: Vec<String>,
    pub repository: Option<RepositoryId>,
    pub assignee: Option<MemberId>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub estimate_hours: Option<f64>,
    pub dependencies: Vec<TicketKey>,
}

/// Changes to a ticket; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The version that whoever edits looked at; absent for whatever it is now. Somebody else's change since then is not overwritten.
    pub seen: Option<i64>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub parent_story: Option<String>,
    pub add_criteria: Vec<String>,
    /// Places of criteria to tick or untick, from 0.
    pub toggle_criteria: Vec<usize>,
    pub repository: Option<RepositoryId>,
    /// `Some(None)` for nobody.
    pub assignee: Option<Option<MemberId>>,
    pub labels: Option<Vec<String>>,
    pub priority: Option<Option<Priority>>,
    pub estimate_hours: Option<Option<f64>>,
    pub dependencies: Option<Vec<TicketKey>>,
}

/// Makes a ticket; its key is issued with it.
pub async fn new(ctx: &Context, project: ProjectId, new: New) -> Result<Ticket> {
    let title = single_line(&new.title)?;
    estimate(new.estimate_hours)?;
    let (description, parent, dependencies) = (new.description, new.parent_story, new.dependencies.clone());
    let criteria: Vec<_> = new.criteria.into_iter().map(|text| Criterion { text, ticked: false }).collect();
    let render = move |key: &TicketKey| {
        let parent_story = parent.as_deref();
        spec::template(&spec::Template {
            key,
            title: &title,
            description: &description,
            parent_story,
            criteria: &criteria,
            dependencies: &dependencies,
        })
    };
    let ticket = NewTicket {
        project,
        key: None,
        spec_text: SpecText::FromKey(Box::new(render)),
        repository: new.repository,
        assignee: new.assignee,
        labels: new.labels,
        priority: new.priority,
        estimate_hours: new.estimate_hours,
        dependencies: new.dependencies,
    };
    Ok(ctx.store.create_ticket(ticket, ctx.clock.now()).await?)
}

/// Edits a ticket. Words go into the spec's text, which changes nowhere else.
pub async fn edit(ctx: &Context, key: &TicketKey, edit: &Edit) -> Result<Ticket> {
    let before = ctx.ticket(key).await?;
    estimate(edit.estimate_hours.flatten())?;
    if let (Some(new), Some(old)) = (edit.repository, before.repository)
        && new != old
        && before.status != Status::Todo
    {
        return Err(Error::refused(
            format!("{key} was started in its repository; it can't move to another"),
            "make a new ticket for the other repository",
        ));
    }
    if edit.dependencies.as_ref().is_some_and(|all| all.contains(key)) {
        return Err(Error::refused(format!("{key} can't depend on itself"), "leave it out"));
    }
    let state = ctx.store.spec(key).await?;
    let mut text = state.text.clone();
    if let Some(title) = &edit.title {
        text = Spec::parse(&text).set_title(&single_line(title)?);
    }
    if let Some(description) = &edit.description {
        text = Spec::parse(&text).set_description(description);
    }
    if let Some(parent) = &edit.parent_story {
        text = Spec::parse(&text).set_parent_story(Some(parent));
    }
    for criterion in &edit.add_criteria {
        text = Spec::parse(&text).add_criterion(&single_line(criterion)?);
    }
    for &index in &edit.toggle_criteria {
        text = toggled(key, &text, index)?;
    }
    let change = TicketChange {
        repository: edit.repository.map(Some),
        assignee: edit.assignee,
        labels: edit.labels.clone(),
        priority: edit.priority,
        estimate_hours: edit.estimate_hours,
        dependencies: edit.dependencies.clone(),
        ..TicketChange::default()
    };
    let text = (text != state.text).then_some((state.revision, text.as_str()));
    let version = edit.seen.unwrap_or(before.version);
    Ok(ctx.store.edit_ticket(key, version, &change, text, ctx.clock.now()).await?)
}

/// Ticks or unticks one criterion; only its box changes in the spec.
pub async fn toggle_criterion(ctx: &Context, key: &TicketKey, index: usize) -> Result<Ticket> {
    edit(ctx, key, &Edit { toggle_criteria: vec![index], ..Edit::default() }).await
}

fn toggled(key: &TicketKey, text: &str, index: usize) -> Result<String> {
    Spec::parse(text).toggle_criterion(index).ok_or_else(|| {
        let count = Spec::parse(text).criteria().len();
        Error::refused(format!("{key} has no criterion {}", index + 1), format!("it has {count}"))
    })
}

/// Gives a ticket to a member, or to nobody. `seen` is the version that whoever gives it looked at: a ticket that somebody else took
/// meanwhile is not taken from them unseen.
pub async fn assign(ctx: &Context, key: &TicketKey, assignee: Option<MemberId>, seen: i64) -> Result<Ticket> {
    let change = TicketChange { assignee: Some(assignee), ..TicketChange::default() };
    Ok(ctx.store.update_ticket(key, seen, &change, ctx.clock.now()).await?)
}

/// Moves a ticket by hand. Most moves follow facts; a refusal says which key or event does it.
pub async fn move_to(ctx: &Context, key: &TicketKey, status: Status) -> Result<Applied> {
    let moved = ctx.store.move_by_hand(key, status, &ctx.config.board.columns, ctx.clock.now()).await;
    let applied = match moved {
        // A full column; said as every refusal is.
        Err(store::Error::Refused { text, hint }) => return Err(Error::Refused(Notice { text, hint })),
        other => other?,
    };
    match &applied.transition {
        Transition::Refused(why) => Err(Error::refused(
            format!("{key} can't move to {}: {why}", status.title()),
            format!("`kanado show {key}` tells where it stands"),
        )),
        _ => Ok(applied),
    }
}

/// Takes a ticket off the board, or puts it back. Nothing is deleted.
pub async fn archive(ctx: &Context, key: &TicketKey, archived: bool) -> Result<Ticket> {
    let before = ctx.ticket(key).await?;
    let change = TicketChange { archived: Some(archived), ..TicketChange::default() };
    Ok(ctx.store.update_ticket(key, before.version, &change, ctx.clock.now()).await?)
}

/// Deletes a ticket that was never started. Its key is not issued again.
pub async fn delete(ctx: &Context, key: &TicketKey) -> Result<()> {
    let before = ctx.ticket(key).await?;
    if before.status != Status::Todo || before.branch.is_some() {
        return Err(Error::refused(
            format!("{key} was started, so it can't be deleted"),
            format!("take it off the board instead: `kanado archive {key}`"),
        ));
    }
    Ok(ctx.store.delete_ticket(key, before.version).await?)
}

fn single_line(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::refused("a ticket needs a title", "give it a few words"));
    }
    if text.contains(['\n', '\r']) {
        return Err(Error::refused("a title or a criterion is one line", "put the rest into the description"));
    }
    Ok(text.to_owned())
}

fn estimate(hours: Option<f64>) -> Result<()> {
    match hours {
        Some(hours) if !(hours.is_finite() && (0.0..=10_000.0).contains(&hours)) => {
            Err(Error::refused(format!("an estimate of {hours} hours makes no sense"), "give hours between 0 and 10000"))
        }
        _ => Ok(()),
    }
}
