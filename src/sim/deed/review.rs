//! Reviewing: reviewers and votes, threads and comments, statuses, labels.
//!
//! Comments may be left on closed pull requests too; votes may not, and count only for oneself.
use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::chronicle::{Event, note};
use super::{changeable, open_to, permit};
use crate::sim::hooks::event::{Happening, Remark, Update};
use crate::sim::hooks::publish;
use crate::sim::host::Sim;
use crate::sim::reply::Failure;
use crate::sim::world::{
    Comment, CommentKind, Extra, Label, Permission, PrState, PrStatus, Property, PullRequest, Reviewer, StatusState, Thread, ThreadStatus,
    World,
};

/// Whether somebody can stand as a reviewer: known, and able to read the repository.
pub fn check_reviewer(world: &World, repository: Uuid, reviewer: Uuid) -> Result<(), Failure> {
    let user = world.user(reviewer).ok_or_else(|| Failure::no_identity(&reviewer.to_string()))?;
    let place = world.repository(repository);
    let reads = place.is_some_and(|place| {
        place.permits(reviewer, Permission::GenericRead)
            && world.project_by_id(place.project).is_some_and(|project| project.is_visible_to(reviewer))
    });
    if user.is_member && reads { Ok(()) } else { Err(Failure::needs_permission(Permission::GenericRead.name(), &user.unique_name)) }
}

/// Adds a reviewer, or changes whether an existing one is required; answers the reviewer.
pub async fn add_reviewer(sim: &Sim, actor: Uuid, id: i32, reviewer: Uuid, is_required: Option<bool>) -> Result<Reviewer, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    if pr.state == PrState::Completed {
        return Err(Failure::not_editable());
    }
    let repository = pr.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    check_reviewer(&world, repository, reviewer)?;
    let pr = changeable(&mut world, id)?;
    if let Some(known) = pr.reviewer_mut(reviewer) {
        known.is_required = is_required.unwrap_or(known.is_required);
        return Ok(known.clone());
    }
    let new = Reviewer { is_required: is_required.unwrap_or(false), ..Reviewer::new(reviewer) };
    pr.reviewers.push(new.clone());
    note(&mut world, id, Event::ReviewersAdded { by: actor, added: vec![reviewer] }, now);
    publish(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Reviewers });
    Ok(new)
}

/// Votes as oneself, becoming a reviewer if need be. On a draft the vote is taken and not kept.
pub async fn vote(sim: &Sim, actor: Uuid, id: i32, vote: i8) -> Result<Reviewer, Failure> {
    if ![10, 5, 0, -5, -10].contains(&vote) {
        return Err(Failure::enum_value("vote", &vote.to_string()));
    }
    let mut world = sim.write().await;
    let now = world.now();
    let pr = open_to(&mut world, actor, id)?;
    if pr.reviewer(actor).is_none() {
        pr.reviewers.push(Reviewer::new(actor));
    }
    let is_draft = pr.is_draft;
    let Some(reviewer) = pr.reviewer_mut(actor) else {
        return Err(Failure::no_identity(&actor.to_string()));
    };
    if !is_draft {
        reviewer.vote = vote;
        reviewer.has_declined = false;
    }
    let reviewer = reviewer.clone();
    if !is_draft {
        note(&mut world, id, Event::Vote { by: actor, vote }, now);
        publish(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Vote(vote) });
        sim.work.notify_one();
    }
    Ok(reviewer)
}

/// Flags and declines, without touching the vote.
pub async fn set_flags(
    sim: &Sim,
    id: i32,
    reviewer: Uuid,
    is_flagged: Option<bool>,
    has_declined: Option<bool>,
) -> Result<Reviewer, Failure> {
    let mut world = sim.write().await;
    let pr = changeable(&mut world, id)?;
    let known = pr.reviewer_mut(reviewer).ok_or_else(|| Failure::no_identity(&reviewer.to_string()))?;
    known.is_flagged = is_flagged.unwrap_or(known.is_flagged);
    known.has_declined = has_declined.unwrap_or(known.has_declined);
    Ok(known.clone())
}

pub async fn remove_reviewer(sim: &Sim, actor: Uuid, id: i32, reviewer: Uuid) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    if !pr.is_active() {
        return Err(Failure::not_editable());
    }
    let before = pr.reviewers.len();
    pr.reviewers.retain(|known| known.id != reviewer);
    if pr.reviewers.len() != before {
        note(&mut world, id, Event::ReviewerRemoved { by: actor, removed: reviewer }, now);
        publish(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Reviewers });
    }
    Ok(())
}

#[derive(Debug, Clone)]
pub struct NewComment {
    pub content: String,
    pub parent: i32,
    pub kind: CommentKind,
}

impl NewComment {
    pub fn text(content: &str) -> Self {
        NewComment { content: content.to_owned(), parent: 0, kind: CommentKind::Text }
    }
}

#[derive(Debug, Clone, Default)]
pub struct NewThread {
    pub comments: Vec<NewComment>,
    pub status: Option<ThreadStatus>,
    pub context: Option<Value>,
    pub pull_request_context: Option<Value>,
    pub properties: BTreeMap<String, Property>,
}

impl NewThread {
    /// An open thread about the whole pull request.
    pub fn remark(content: &str) -> Self {
        NewThread { comments: vec![NewComment::text(content)], status: Some(ThreadStatus::Active), ..NewThread::default() }
    }
}

/// Opens a thread and answers its id.
pub async fn open_thread(sim: &Sim, actor: Uuid, id: i32, new: NewThread) -> Result<i32, Failure> {
    if new.comments.is_empty() {
        return Err(Failure::null_argument("comments"));
    }
    let mut world = sim.write().await;
    let now = world.now();
    let repository = changeable(&mut world, id)?.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    let thread_id = world.next_thread_id();
    let comments: Vec<Comment> =
        new.comments.into_iter().zip(1..).map(|(comment, comment_id)| comment_by(actor, comment_id, comment, now)).collect();
    let told: Vec<i32> = comments.iter().filter(|comment| comment.kind != CommentKind::System).map(|comment| comment.id).collect();
    changeable(&mut world, id)?.threads.push(Thread {
        id: thread_id,
        published: now,
        last_updated: now,
        comments,
        status: new.status,
        context: new.context,
        pull_request_context: new.pull_request_context,
        properties: new.properties,
        identities: Vec::new(),
        is_deleted: false,
        extra: Extra::new(),
    });
    for comment in told {
        publish(sim, &world, &Happening::Commented { pull_request: id, thread: thread_id, comment, remark: Remark::Made });
    }
    Ok(thread_id)
}

fn comment_by(author: Uuid, id: i32, new: NewComment, now: jiff::Timestamp) -> Comment {
    Comment {
        id,
        parent: new.parent,
        author,
        content: Some(new.content),
        kind: new.kind,
        published: now,
        last_updated: now,
        last_content_updated: now,
        is_deleted: false,
        liked_by: Vec::new(),
    }
}

/// Adds a comment to a thread and answers its id.
pub async fn reply(sim: &Sim, actor: Uuid, id: i32, thread: i32, new: NewComment) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let repository = changeable(&mut world, id)?.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    let thread_id = thread;
    let thread = find_thread(changeable(&mut world, id)?, thread)?;
    if new.parent != 0 && !thread.comments.iter().any(|comment| comment.id == new.parent) {
        return Err(Failure::no_comment(&new.parent.to_string()));
    }
    let comment_id = i32::try_from(thread.comments.len()).unwrap_or(i32::MAX - 1) + 1;
    thread.comments.push(comment_by(actor, comment_id, new, now));
    thread.last_updated = now;
    publish(sim, &world, &Happening::Commented { pull_request: id, thread: thread_id, comment: comment_id, remark: Remark::Made });
    Ok(comment_id)
}

fn find_thread(pr: &mut PullRequest, id: i32) -> Result<&mut Thread, Failure> {
    pr.thread_mut(id).ok_or_else(|| Failure::no_thread(&id.to_string()))
}

fn own_comment(thread: &mut Thread, actor: Uuid, id: i32) -> Result<&mut Comment, Failure> {
    let comment = thread.comments.iter_mut().find(|comment| comment.id == id).ok_or_else(|| Failure::no_comment(&id.to_string()))?;
    if comment.author != actor || comment.kind == CommentKind::System {
        return Err(Failure::needs_permission("PullRequestContribute", &actor.to_string()));
    }
    Ok(comment)
}

pub async fn edit_comment(sim: &Sim, actor: Uuid, (id, thread, comment): (i32, i32, i32), content: String) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let changed = find_thread(changeable(&mut world, id)?, thread)?;
    let words = own_comment(changed, actor, comment)?;
    words.content = Some(content);
    words.last_updated = now;
    words.last_content_updated = now;
    changed.last_updated = now;
    publish(sim, &world, &Happening::Commented { pull_request: id, thread, comment, remark: Remark::Edited });
    Ok(())
}

/// Empties a comment; its place in the thread stays. A thread of deleted comments only is deleted itself.
pub async fn delete_comment(sim: &Sim, actor: Uuid, (id, thread, comment): (i32, i32, i32)) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let changed = find_thread(changeable(&mut world, id)?, thread)?;
    let words = own_comment(changed, actor, comment)?;
    words.content = None;
    words.is_deleted = true;
    words.last_updated = now;
    changed.last_updated = now;
    changed.is_deleted = changed.comments.iter().all(|comment| comment.is_deleted);
    publish(sim, &world, &Happening::Commented { pull_request: id, thread, comment, remark: Remark::Deleted });
    sim.work.notify_one();
    Ok(())
}

pub async fn set_thread_status(sim: &Sim, actor: Uuid, id: i32, thread: i32, status: Option<ThreadStatus>) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let repository = changeable(&mut world, id)?.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    let thread = find_thread(changeable(&mut world, id)?, thread)?;
    if status.is_some() && !thread.is_system() {
        thread.status = status;
    }
    thread.last_updated = now;
    sim.work.notify_one();
    Ok(())
}

#[derive(Debug, Clone)]
pub struct NewStatus {
    pub state: StatusState,
    pub description: Option<String>,
    pub context_name: String,
    pub context_genre: Option<String>,
    pub target_url: Option<String>,
    pub iteration: Option<i32>,
}

fn status_by(actor: Uuid, id: i32, new: NewStatus, now: jiff::Timestamp) -> PrStatus {
    PrStatus {
        id,
        state: new.state,
        description: new.description,
        context_name: new.context_name,
        context_genre: new.context_genre,
        target_url: new.target_url,
        created: now,
        updated: now,
        created_by: actor,
        iteration: new.iteration,
    }
}

/// Posts a status to a pull request.
pub async fn add_status(sim: &Sim, actor: Uuid, id: i32, new: NewStatus) -> Result<PrStatus, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    if let Some(iteration) = new.iteration
        && !pr.iterations.iter().any(|known| known.id == iteration)
    {
        return Err(Failure::out_of_range("iterationId"));
    }
    let status = status_by(actor, i32::try_from(pr.statuses.len()).unwrap_or(i32::MAX - 1) + 1, new, now);
    pr.statuses.push(status.clone());
    sim.work.notify_one();
    Ok(status)
}

/// Posts a status to a commit.
pub async fn set_commit_status(sim: &Sim, actor: Uuid, commit: &str, new: NewStatus) -> Result<PrStatus, Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let statuses = world.commit_statuses.entry(commit.to_owned()).or_default();
    let status = status_by(actor, i32::try_from(statuses.len()).unwrap_or(i32::MAX - 1) + 1, new, now);
    statuses.push(status.clone());
    Ok(status)
}

/// The label of that name on the pull request, added if it was not there.
pub(super) fn add_label_to(pr: &mut PullRequest, name: &str) -> Label {
    if let Some(known) = pr.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name)) {
        return known.clone();
    }
    let label = Label { id: Uuid::new_v5(&pr.repository, format!("label {name}").as_bytes()), name: name.to_owned() };
    pr.labels.push(label.clone());
    label
}

pub async fn add_label(sim: &Sim, actor: Uuid, id: i32, name: &str) -> Result<Label, Failure> {
    if name.trim().is_empty() {
        return Err(Failure::null_argument("name"));
    }
    let mut world = sim.write().await;
    let repository = changeable(&mut world, id)?.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    Ok(add_label_to(changeable(&mut world, id)?, name))
}

/// Removes a label by id or name; one that is not there is no error.
pub async fn remove_label(sim: &Sim, actor: Uuid, id: i32, id_or_name: &str) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let repository = changeable(&mut world, id)?.repository;
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    changeable(&mut world, id)?.labels.retain(|label| !label.name.eq_ignore_ascii_case(id_or_name) && label.id.to_string() != id_or_name);
    Ok(())
}
