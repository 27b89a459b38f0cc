//! Refs: list by prefix, create, move, delete, lock.
//!
//! Updating always answers 200; what became of each ref is in its row.
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, bool_field, field, text_field};
use crate::sim::deed::{self, Guard, RefUpdate};
use crate::sim::git::{Ref, RefStatus};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::site::percent_encode;
use crate::sim::world::{Repository, World, ZERO_ID};

const LARGEST_PAGE: usize = 1000;
const PAGE_AFTER_TOKEN: usize = 100;

fn row(call: &Call, world: &World, repository: &Repository, found: &Ref) -> Value {
    let render = call.renderer(world);
    let facts = repository.refs.get(&found.name);
    let nobody = world.users.first().map_or_else(Uuid::nil, |user| user.id);
    let creator = facts.and_then(|facts| facts.creator).unwrap_or(nobody);
    let short = found.name.strip_prefix("refs/").unwrap_or(&found.name);
    let mut row = json!({
        "name": found.name,
        "objectId": found.object_id,
        "creator": render.identity(creator),
        "url": call.sim.site.repository_api(
            repository.project,
            repository.id,
            &format!("refs?filter={}", percent_encode(short)),
        ),
    });
    if let Some(owner) = facts.and_then(|facts| facts.locked_by) {
        row["isLocked"] = json!(true);
        row["isLockedBy"] = render.identity(owner);
    }
    row
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let prefix = call.query.get("filter").unwrap_or_default().trim_start_matches('/').to_owned();
    let contains = call.query.get("filterContains").map(str::to_lowercase);
    let after = call.query.get("continuationToken").map(str::to_owned);
    let top = match (call.query.number("$top")?, &after) {
        (Some(top), _) if top > LARGEST_PAGE => return Err(Failure::out_of_range("top")),
        (Some(top), _) => Some(top),
        (None, Some(_)) => Some(PAGE_AFTER_TOKEN),
        (None, None) => None,
    };
    let git = call.git(repository);
    let mut found = blocking(move || git.refs(&prefix)).await?;
    if let Some(after) = &after {
        found.retain(|found| found.name.as_str() > after.as_str());
    }
    let mut next = None;
    if let Some(top) = top
        && found.len() > top
    {
        found.truncate(top);
        next = found.last().map(|last| last.name.clone());
    }
    // After the page was cut: a page may be shorter than asked for, and only the token tells whether there is more.
    found.retain(|found| contains.as_ref().is_none_or(|part| found.name.to_lowercase().contains(part)));
    let rows = found
        .iter()
        .map(|found| {
            let mut value = row(call, &world, repository, found);
            if call.query.is_true("peelTags")
                && let Some(peeled) = &found.peeled_object_id
            {
                value["peeledObjectId"] = json!(peeled);
            }
            if call.query.is_true("includeStatuses") {
                let address = call.renderer(&world).commit_url(repository, &found.object_id);
                let statuses = world.commit_statuses.get(&found.object_id).map(Vec::as_slice).unwrap_or_default();
                let render = call.renderer(&world);
                value["statuses"] = statuses.iter().map(|status| render.status(status, &address)).collect();
            }
            value
        })
        .collect();
    Ok(Answer::git_list(rows).continued(next))
}

pub async fn update(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let rows = body.as_array().ok_or_else(|| Failure::null_argument("refUpdates"))?;
    if rows.is_empty() {
        return Err(Failure::null_argument("refUpdates"));
    }
    let updates = rows
        .iter()
        .map(|row| {
            Ok(RefUpdate {
                name: text_field(row, "name").ok_or_else(|| Failure::null_argument("name"))?,
                old: text_field(row, "oldObjectId").unwrap_or_else(|| ZERO_ID.to_owned()).to_lowercase(),
                new: text_field(row, "newObjectId").ok_or_else(|| Failure::null_argument("newObjectId"))?.to_lowercase(),
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let repository = call.repository_id().await?;
    let outcomes = deed::update_refs(&call.sim, call.actor(), repository, updates, Guard::Enforced).await?;
    let rows = outcomes
        .into_iter()
        .map(|outcome| {
            let mut row = json!({
                "repositoryId": repository,
                "name": outcome.update.name,
                "oldObjectId": outcome.update.old,
                "newObjectId": outcome.update.new,
                "isLocked": outcome.is_locked,
                "updateStatus": outcome.status.word(),
                "success": outcome.status.is_success(),
            });
            if let Some(message) = outcome.message {
                row["customMessage"] = json!(message);
            }
            if outcome.status == RefStatus::RejectedByPolicy {
                row["rejectedBy"] = json!("Microsoft.TeamFoundation.Policy");
            }
            row
        })
        .collect();
    Ok(Answer::git_list(rows))
}

pub async fn lock(call: &Call) -> Result<Answer, Failure> {
    let filter = call.query.get("filter").ok_or_else(|| Failure::null_argument("filter"))?;
    let name = format!("refs/{}", filter.strip_prefix("refs/").unwrap_or(filter));
    let body = call.json()?;
    if field(&body, "isLocked").is_none() {
        return Err(Failure::null_argument("isLocked"));
    }
    let is_locked = bool_field(&body, "isLocked").unwrap_or(false);
    let (repository, found) = {
        let world = call.sim.read().await;
        let repository = call.repository(&world)?;
        let (git, asked) = (call.git(repository), name.clone());
        let found = blocking(move || git.find_ref(&asked)).await?;
        (repository.id, found.ok_or_else(|| Failure::no_version("Branch", filter, &repository.name))?)
    };
    let owner = is_locked.then(|| call.actor());
    deed::set_lock(&call.sim, call.actor(), repository, &name, owner).await?;
    let world = call.sim.read().await;
    Ok(Answer::ok(row(call, &world, call.repository(&world)?, &found)))
}
