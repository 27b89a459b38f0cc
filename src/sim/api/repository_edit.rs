//! Making, forking, renaming, disabling and deleting a repository.
//!
//! Limits: a fork gets all branches and no policies; a deleted repository is gone, there is no recycle bin.
use serde_json::Value;
use uuid::Uuid;

use super::{Call, bool_field, field, repositories, text_field};
use crate::sim::deed;
use crate::sim::reply::{Answer, Failure};

fn guid(value: Option<&Value>) -> Option<Uuid> {
    value.and_then(|row| text_field(row, "id")).and_then(|id| Uuid::try_parse(&id).ok())
}

pub async fn create(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let name = text_field(&body, "name").ok_or_else(|| Failure::null_argument("name"))?;
    let parent = guid(field(&body, "parentRepository"));
    let project = {
        let world = call.sim.read().await;
        match guid(field(&body, "project")) {
            Some(id) => call.find_project(&world, &id.to_string())?.id,
            None => call.project(&world)?.id,
        }
    };
    let id = deed::create_repository(&call.sim, call.actor(), project, &name, parent).await?;
    repositories::shown(call, id).await.map(Answer::created)
}

pub async fn update(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let id = {
        let world = call.sim.read().await;
        call.repository_even_disabled(&world)?.id
    };
    if let Some(name) = text_field(&body, "name") {
        deed::rename_repository(&call.sim, call.actor(), id, &name).await?;
    }
    if let Some(branch) = text_field(&body, "defaultBranch") {
        deed::set_default_branch(&call.sim, call.actor(), id, &branch).await?;
    }
    if let Some(is_disabled) = bool_field(&body, "isDisabled") {
        deed::disable_repository(&call.sim, call.actor(), id, is_disabled.into()).await?;
    }
    repositories::shown(call, id).await.map(Answer::ok)
}

pub async fn delete(call: &Call) -> Result<Answer, Failure> {
    let id = {
        let world = call.sim.read().await;
        call.repository_even_disabled(&world)?.id
    };
    deed::delete_repository(&call.sim, call.actor(), id).await?;
    Ok(Answer::no_content())
}
