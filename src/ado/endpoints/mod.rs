//! What the client can ask, one file an endpoint family.

pub mod approvals;
pub mod builds;
pub mod commits;
pub mod connection;
pub mod environments;
pub mod hooks;
pub mod items;
pub mod people;
pub mod places;
pub mod policies;
pub mod pull_requests;
pub mod pushes;
pub mod refs;
pub mod releases;
pub mod reviewers;
pub mod threads;
pub mod work_items;

use super::RepoRef;
use super::call::encode;
use crate::domain::id::Guid;

/// `/{project}/_apis/{rest}`
fn in_project(project: &Guid, rest: &str) -> String {
    format!("/{}/_apis/{rest}", encode(project.as_str()))
}

/// `/{project}/_apis/git/repositories/{repository}{rest}`
fn in_repository(repository: RepoRef<'_>, rest: &str) -> String {
    let RepoRef { project, repository } = repository;
    format!("/{}/_apis/git/repositories/{}{rest}", encode(project.as_str()), encode(repository.as_str()))
}

/// `/{project}/_apis/git/repositories/{repository}/pullrequests/{number}{rest}`
fn in_pull_request(repository: RepoRef<'_>, number: i64, rest: &str) -> String {
    in_repository(repository, &format!("/pullrequests/{number}{rest}"))
}
