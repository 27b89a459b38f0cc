//! Work items made, changed and linked.
//!
//! Limits: any state can follow any other; nobody is checked for the right to do it.
use serde_json::{Value, json};
use uuid::Uuid;

use super::repository_of;
use crate::sim::hooks::event::{FieldChange, Happening};
use crate::sim::hooks::publish;
use crate::sim::host::Sim;
use crate::sim::reply::Failure;
use crate::sim::world::{Relation, WorkItem};

/// What about a work item changes; what is not said stays.
#[derive(Debug, Clone, Default)]
pub struct WorkItemChange {
    pub title: Option<String>,
    pub state: Option<String>,
    pub tags: Option<Vec<String>>,
}

/// What a work item is linked to.
#[derive(Debug, Clone)]
pub enum Link {
    PullRequest(i32),
    Commit(Uuid, String),
    Build(i32),
}

/// Makes one in the state `New`; answers its id.
pub async fn create_work_item(
    sim: &Sim,
    actor: Uuid,
    project: Uuid,
    (kind, title): (&str, &str),
    tags: Vec<String>,
) -> Result<i32, Failure> {
    let mut world = sim.write().await;
    let name = world.project_by_id(project).map(|row| row.name.clone()).ok_or_else(|| Failure::no_project(&project.to_string()))?;
    let id = world.next_work_item_id();
    let mut item = WorkItem::new(id, (project, &name), kind, title, actor, world.now());
    item.tags = tags;
    world.work_items.insert(id, item);
    publish(sim, &world, &Happening::WorkItemCreated { id });
    Ok(id)
}

pub async fn update_work_item(sim: &Sim, actor: Uuid, id: i32, change: WorkItemChange) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let item = world.work_items.get_mut(&id).ok_or_else(|| Failure::no_work_item(&id.to_string()))?;
    let mut changes = Vec::new();
    let mut note = |field: &'static str, old: Value, new: Value| {
        if old != new {
            changes.push(FieldChange { field, old, new });
        }
    };
    if let Some(title) = change.title {
        note("System.Title", json!(item.title), json!(title));
        item.title = title;
    }
    if let Some(tags) = change.tags {
        note("System.Tags", json!(item.tags.join("; ")), json!(tags.join("; ")));
        item.tags = tags;
    }
    let rev = item.rev;
    match change.state {
        Some(state) if state != item.state => {
            note("System.State", json!(item.state), json!(state));
            item.enter(&state, now);
        }
        _ => item.touch(now),
    }
    item.changed_by = actor;
    note("System.Rev", json!(rev), json!(item.rev));
    publish(sim, &world, &Happening::WorkItemUpdated { id, by: actor, changes: &changes });
    Ok(())
}

/// Links an item; nothing happens if it is linked already.
pub async fn link_work_item(sim: &Sim, actor: Uuid, id: i32, to: Link) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let rev = world.work_item(id).ok_or_else(|| Failure::no_work_item(&id.to_string()))?.rev;
    match to {
        Link::PullRequest(request) => {
            world.pull_request(request).ok_or_else(Failure::no_pull_request)?;
            world.link_pull_request(id, request, now);
        }
        Link::Commit(repository, commit) => {
            let project = repository_of(&world, repository)?.project;
            link(&mut world, id, Relation::commit(project, repository, &commit, now));
        }
        Link::Build(build) => {
            world.build(build).ok_or_else(|| Failure::no_build(&build.to_string()))?;
            link(&mut world, id, Relation::build(build, now));
        }
    }
    let Some(item) = world.work_items.get_mut(&id).filter(|item| item.rev > rev) else { return Ok(()) };
    item.changed_by = actor;
    let changes = [FieldChange { field: "System.Rev", old: json!(rev), new: json!(item.rev) }];
    publish(sim, &world, &Happening::WorkItemUpdated { id, by: actor, changes: &changes });
    Ok(())
}

fn link(world: &mut crate::sim::world::World, id: i32, relation: Relation) {
    let now = world.now();
    if let Some(item) = world.work_items.get_mut(&id)
        && !item.relates(&relation)
    {
        item.relations.push(relation);
        item.touch(now);
    }
}
