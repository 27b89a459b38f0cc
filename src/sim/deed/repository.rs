//! The life of a repository: made, forked, renamed, disabled, deleted.
//!
//! Deleting takes its pull requests and policies along, at once and for good; the numbers of its pull requests are not given out
//! again. Limits: any member may do it who is not denied to contribute; the service has finer permissions.
use uuid::Uuid;

use super::{permit, repository_of};
use crate::sim::hooks::event::Happening;
use crate::sim::hooks::publish;
use crate::sim::host::{Sim, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{Permission, Repository, World};

/// Whether a repository answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Enabled,
    Disabled,
}

impl From<bool> for Service {
    fn from(is_disabled: bool) -> Service {
        if is_disabled { Service::Disabled } else { Service::Enabled }
    }
}

fn check_name(world: &World, project: Uuid, name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(Failure::argument("name", &format!("The repository name '{name}' is not valid.")));
    }
    match world.repository_named(project, name) {
        Some(_) => Err(Failure::repository_exists(name)),
        None => Ok(()),
    }
}

/// Makes an empty repository, or a fork with all branches of `parent`; answers its id.
pub async fn create_repository(sim: &Sim, actor: Uuid, project: Uuid, name: &str, parent: Option<Uuid>) -> Result<Uuid, Failure> {
    let mut world = sim.write().await;
    check_name(&world, project, name)?;
    let mut made = Repository::new(Uuid::new_v4(), project, name);
    let handle = match parent {
        Some(parent) => {
            permit(&world, parent, actor, Permission::GenericRead)?;
            let source = repository_of(&world, parent)?;
            made.default_branch = source.default_branch.clone();
            let (from, to) = (sim.git_path(parent), sim.git_path(made.id));
            blocking(move || copy(&from, &to).map_err(Failure::internal)).await?;
            sim.git(&made)
        }
        None => sim.git(&made),
    };
    blocking(move || handle.ensure()).await?;
    let id = made.id;
    world.repositories.push(made);
    publish(sim, &world, &Happening::RepositoryCreated { id, by: actor });
    if let Some(source) = parent {
        publish(sim, &world, &Happening::RepositoryForked { source, target: id, by: actor });
    }
    Ok(id)
}

/// Copies a bare repository file by file; nobody writes to it while the world is held.
fn copy(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

pub async fn rename_repository(sim: &Sim, actor: Uuid, id: Uuid, name: &str) -> Result<(), Failure> {
    let mut world = sim.write().await;
    permit(&world, id, actor, Permission::GenericContribute)?;
    let place = repository_of(&world, id)?;
    let (old, project) = (place.name.clone(), place.project);
    if old == name {
        return Ok(());
    }
    if !old.eq_ignore_ascii_case(name) {
        check_name(&world, project, name)?;
    }
    if let Some(place) = world.repository_mut(id) {
        place.name = name.to_owned();
    }
    publish(sim, &world, &Happening::RepositoryRenamed { id, by: actor, old: &old });
    Ok(())
}

pub async fn set_default_branch(sim: &Sim, actor: Uuid, id: Uuid, branch: &str) -> Result<(), Failure> {
    let mut world = sim.write().await;
    permit(&world, id, actor, Permission::GenericContribute)?;
    let (git, name) = (sim.git(repository_of(&world, id)?), branch.to_owned());
    if !branch.starts_with("refs/heads/") || blocking(move || git.tip(&name)).await?.is_none() {
        return Err(Failure::argument("defaultBranch", &format!("The branch '{branch}' does not exist.")));
    }
    if let Some(place) = world.repository_mut(id) {
        place.default_branch = branch.to_owned();
    }
    Ok(())
}

pub async fn disable_repository(sim: &Sim, actor: Uuid, id: Uuid, service: Service) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let is_disabled = service == Service::Disabled;
    if repository_of(&world, id)?.is_disabled == is_disabled {
        return Ok(());
    }
    if let Some(place) = world.repository_mut(id) {
        place.is_disabled = is_disabled;
    }
    publish(sim, &world, &Happening::RepositoryStatusChanged { id, by: actor });
    Ok(())
}

pub async fn delete_repository(sim: &Sim, actor: Uuid, id: Uuid) -> Result<(), Failure> {
    let mut world = sim.write().await;
    permit(&world, id, actor, Permission::GenericContribute)?;
    publish(sim, &world, &Happening::RepositoryDeleted { id, by: actor });
    let highest = world.pull_requests.keys().next_back().copied().unwrap_or(0);
    world.last_pull_request_id = world.last_pull_request_id.max(highest);
    world.pull_requests.retain(|_, row| row.repository != id);
    world.policies.retain(|policy| policy.scopes.is_empty() || policy.scopes.iter().any(|scope| scope.repository != Some(id)));
    world.repositories.retain(|row| row.id != id);
    let path = sim.git_path(id);
    blocking(move || match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::internal(error)),
        _ => Ok(()),
    })
    .await
}
