//! Repositories: discover them, link the ones that take tickets, choose the branch that work starts from.

use crate::ado::Client;
use crate::domain::project::{Project, Repository};
use crate::domain::{branch, fact};
use crate::store::Linked;

use super::context::Context;
use super::error::{Error, Result};

/// Lists the project's repositories in Azure DevOps and keeps them. What was linked stays linked.
pub async fn discover(ctx: &Context, client: &Client, project: &Project) -> Result<Vec<Repository>> {
    let found: Vec<fact::Repository> = client.repositories(&project.guid).await?;
    ctx.store.put_repositories(project.id, &found).await?;
    Ok(ctx.store.repositories(project.id).await?)
}

/// The repositories to link when a project is connected: the named ones, else the only usable one. Answers the names of all linked ones.
pub(super) async fn link_on_connect(ctx: &Context, project: &Project, names: &[String]) -> Result<Vec<String>> {
    let all = ctx.store.repositories(project.id).await?;
    for name in names {
        if let Some(found) = all.iter().find(|r| r.name.eq_ignore_ascii_case(name)) {
            ctx.store.set_linked(found.id, Linked::Yes).await?;
        }
    }
    let usable: Vec<_> = all.iter().filter(|r| !r.disabled).collect();
    if let ([only], true, false) = (usable.as_slice(), names.is_empty(), all.iter().any(|r| r.linked)) {
        ctx.store.set_linked(only.id, Linked::Yes).await?;
    }
    let all = ctx.store.repositories(project.id).await?;
    Ok(all.into_iter().filter(|r| r.linked).map(|r| r.name).collect())
}

/// Links a repository: tickets can be worked on in it.
pub async fn link(ctx: &Context, project: &Project, name: &str) -> Result<Repository> {
    let found = find(ctx, project, name).await?;
    if found.disabled {
        return Err(Error::refused(
            format!("repository {} is disabled in Azure DevOps", found.name),
            "enable it there, then `kanado repos discover`",
        ));
    }
    ctx.store.set_linked(found.id, Linked::Yes).await?;
    ctx.repository(found.id).await
}

/// Unlinks a repository. Tickets that work in it keep it; new ones can't choose it.
pub async fn unlink(ctx: &Context, project: &Project, name: &str) -> Result<Repository> {
    let found = find(ctx, project, name).await?;
    ctx.store.set_linked(found.id, Linked::No).await?;
    ctx.repository(found.id).await
}

/// Chooses the branch that work starts from and pull requests target; it must exist.
pub async fn set_target(ctx: &Context, project: &Project, name: &str, target: &str) -> Result<Repository> {
    let found = find(ctx, project, name).await?;
    branch::validate_name(target).map_err(|error| Error::refused(error.to_string(), "give a branch name without `refs/heads/`"))?;
    let client = ctx.client(project).await?;
    let repo = crate::ado::RepoRef { project: &project.guid, repository: &found.guid };
    if client.branch(repo, target).await?.is_none() {
        return Err(Error::refused(format!("there is no branch {target} in {}", found.name), "push it first, or check its name"));
    }
    ctx.store.set_target_branch(found.id, Some(target)).await?;
    ctx.repository(found.id).await
}

/// The repository of that name, in any case.
pub async fn find(ctx: &Context, project: &Project, name: &str) -> Result<Repository> {
    let all = ctx.store.repositories(project.id).await?;
    if let Some(found) = all.iter().find(|r| r.name.eq_ignore_ascii_case(name)) {
        return Ok(found.clone());
    }
    let names: Vec<_> = all.iter().map(|r| r.name.as_str()).collect();
    Err(Error::refused(
        format!("project {} has no repository {name}", project.name),
        match names.as_slice() {
            [] => "`kanado repos discover` looks for them".to_owned(),
            names => format!("it has {}; `kanado repos discover` looks again", names.join(", ")),
        },
    ))
}
