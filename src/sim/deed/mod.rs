//! What somebody can do to the simulated organisation: the verbs behind the REST routes, the control routes and the cast.
//!
//! Each verb checks what the service checks (state, permission, policy), changes the world, leaves the system threads
//! the service would leave, and rings for the merge worker. None of them knows HTTP beyond returning a `Failure`.
mod branch;
mod chronicle;
mod pull_request;
mod release;
mod repository;
mod review;
mod run;
mod settle;
mod work_item;

use jiff::Timestamp;
use uuid::Uuid;

use super::git::{GitError, Stamp};
use super::reply::Failure;
use super::world::{Permission, PullRequest, Repository, World};

pub use branch::{Guard, Moved, NewPush, RefUpdate, push, refs_moved, set_lock, update_refs};
pub use chronicle::{Event, note};
pub use pull_request::{
    Change, NewPullRequest, abandon, complete, create_pull_request, publish, reactivate, set_auto_complete, update_pull_request,
};
pub use release::{ask_release, decide_release, deploy_release, finish_deployment};
pub use repository::{Service, create_repository, delete_repository, disable_repository, rename_repository, set_default_branch};
pub use review::{
    NewComment, NewStatus, NewThread, add_label, add_reviewer, add_status, delete_comment, edit_comment, open_thread, remove_label,
    remove_reviewer, reply, set_commit_status, set_flags, set_thread_status, vote,
};
pub use run::{Decision, NewRun, begin_stage, decide_check, decide_stage, end_stage, finish_run, queue_run, start_run};
pub use settle::{settle, work};
pub use work_item::{Link, WorkItemChange, create_work_item, link_work_item, update_work_item};

/// A pull request that may be changed: it exists and its commits are really here.
fn changeable(world: &mut World, id: i32) -> Result<&mut PullRequest, Failure> {
    let pull_request = world.pull_request_mut(id).ok_or_else(Failure::no_pull_request)?;
    if pull_request.read_only {
        return Err(Failure::not_editable());
    }
    Ok(pull_request)
}

/// An open pull request that somebody may take part in.
fn open_to(world: &mut World, actor: Uuid, id: i32) -> Result<&mut PullRequest, Failure> {
    let pull_request = changeable(world, id)?;
    if !pull_request.is_active() {
        return Err(Failure::not_editable());
    }
    let repository = pull_request.repository;
    permit(world, repository, actor, Permission::PullRequestContribute)?;
    changeable(world, id)
}

fn repository_of(world: &World, id: Uuid) -> Result<&Repository, Failure> {
    world.repository(id).ok_or_else(|| Failure::no_repository(&id.to_string()))
}

fn permit(world: &World, repository: Uuid, actor: Uuid, permission: Permission) -> Result<(), Failure> {
    let repository = repository_of(world, repository)?;
    if repository.permits(actor, permission) {
        return Ok(());
    }
    let identity = world.user(actor).map_or_else(|| actor.to_string(), |user| user.unique_name.clone());
    Err(Failure::needs_permission(permission.name(), &identity))
}

/// How somebody signs a commit.
pub fn stamp(world: &World, user: Uuid, when: Timestamp) -> Stamp {
    match world.user(user) {
        Some(user) => Stamp::new(&user.display_name, &user.unique_name, when),
        None => Stamp::new("unknown", "unknown@invalid", when),
    }
}

impl From<GitError> for Failure {
    /// Where the version or path that was asked for is not at hand; reads add it themselves.
    fn from(error: GitError) -> Failure {
        match error {
            GitError::NoVersion(version) => Failure::no_version("Branch", &version, ""),
            GitError::NoItem { path, commit } => Failure::no_item(&path, "", "Commit", &commit, &commit),
            GitError::NoObject(id) => Failure::no_commit(&id),
            GitError::Stale { name } => Failure::stale_ref(&name),
            GitError::InvalidRefName(name) => Failure::argument("refName", &format!("The ref name {name} is not valid.")),
            GitError::RefNameConflict { name, other } => {
                Failure::argument("refName", &format!("The ref {name} cannot be created because {other} exists."))
            }
            GitError::InvalidPath(path) => Failure::invalid_path(&path),
            GitError::PathExists(path) => Failure::path_exists(&path),
            GitError::PathMissing(path) => Failure::path_missing(&path),
            GitError::Conflicts(paths) => Failure::internal(format!("The merge conflicts in {}.", paths.join(", "))),
            storage @ GitError::Storage { .. } => Failure::internal(storage),
        }
    }
}
