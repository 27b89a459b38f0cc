//! Repositories of a project or of the whole organisation; no paging, as on the service.
//!
//! An empty repository has no `defaultBranch`; a disabled one is listed and cannot be read.
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use crate::sim::git::{self, GitError};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Repository, World};

/// What only git knows about a repository.
struct GitFacts {
    has_default_branch: bool,
    size: i64,
}

async fn facts(handles: Vec<git::Repo>) -> Result<Vec<GitFacts>, Failure> {
    blocking(move || {
        handles
            .iter()
            .map(|git| {
                Ok(GitFacts {
                    has_default_branch: git.tip(git.default_branch())?.is_some(),
                    size: i64::try_from(git.size()).unwrap_or(i64::MAX),
                })
            })
            .collect::<Result<Vec<_>, GitError>>()
    })
    .await
}

fn row(call: &Call, world: &World, repository: &Repository, facts: &GitFacts) -> Value {
    let mut value = call.renderer(world).repository(repository);
    if let Some(map) = value.as_object_mut() {
        if facts.has_default_branch || repository.is_without_git {
            map.insert("defaultBranch".to_owned(), json!(repository.default_branch));
        }
        if repository.size == 0 {
            map.insert("size".to_owned(), json!(facts.size));
        }
        for (key, value) in &repository.extra {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    value
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?;
    let with_hidden = call.query.is_true("includeHidden");
    let mut found: Vec<&Repository> = world
        .repositories
        .iter()
        .filter(|repository| scope.is_none_or(|project| project.id == repository.project))
        .filter(|repository| with_hidden || !repository.is_hidden)
        .filter(|repository| call.may_read(&world, repository))
        .collect();
    found.sort_by_key(|repository| repository.name.to_lowercase());
    let facts = facts(found.iter().map(|repository| call.git(repository)).collect()).await?;
    let with_links = call.query.is_true("includeLinks");
    let rows = found
        .iter()
        .zip(&facts)
        .map(|(repository, facts)| {
            let mut row = row(call, &world, repository, facts);
            if with_links {
                row["_links"] = call.renderer(&world).repository_links(repository);
            }
            row
        })
        .collect();
    Ok(Answer::git_list(rows))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    // The repository itself can be looked at while it is disabled; what is in it cannot.
    whole(call, &world, call.repository_even_disabled(&world)?).await.map(Answer::ok)
}

/// A repository by id, as it is after a change.
pub async fn shown(call: &Call, id: Uuid) -> Result<Value, Failure> {
    let world = call.sim.read().await;
    whole(call, &world, world.repository(id).ok_or_else(|| Failure::no_repository(&id.to_string()))?).await
}

async fn whole(call: &Call, world: &World, repository: &Repository) -> Result<Value, Failure> {
    let facts = facts(vec![call.git(repository)]).await?;
    let Some(facts) = facts.first() else {
        return Err(Failure::no_repository(&repository.name));
    };
    let mut value = row(call, world, repository, facts);
    value["_links"] = call.renderer(world).repository_links(repository);
    Ok(value)
}
