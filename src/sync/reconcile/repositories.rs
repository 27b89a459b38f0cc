//! The repositories of a project: new, renamed, disabled, enabled, deleted.

use crate::ado::{Client, ErrorKind};
use crate::domain::fact;
use crate::domain::project::{Project, Repository};
use crate::store::Store;
use crate::sync::Error;

/// Takes over what is not as known; how many repositories that was.
pub async fn compare(store: &Store, client: &Client, project: &Project) -> Result<usize, Error> {
    let listed = client.repositories(&project.guid).await?;
    let known = store.repositories(project.id).await?;
    let mut facts: Vec<fact::Repository> =
        listed.iter().filter(|fact| !known.iter().any(|known| known.guid == fact.guid && is_as(known, fact))).cloned().collect();
    for gone in known.iter().filter(|known| !known.disabled && !listed.iter().any(|fact| fact.guid == known.guid)) {
        // A list leaves out what the token may not see: only the repository itself tells that it is gone.
        match client.repository(&project.guid, gone.guid.as_str()).await {
            Ok(fact) if is_as(gone, &fact) => {}
            Ok(fact) => facts.push(fact),
            Err(error) if matches!(error.kind(), ErrorKind::RepositoryMissing | ErrorKind::NotFound) => facts.push(closed(gone, project)),
            Err(error) if matches!(error.kind(), ErrorKind::PermissionMissing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !facts.is_empty() {
        store.put_repositories(project.id, &facts).await?;
    }
    Ok(facts.len())
}

fn is_as(known: &Repository, fact: &fact::Repository) -> bool {
    // An address that was left out says nothing.
    let same = |known: &Option<String>, told: &Option<String>| told.is_none() || known == told;
    known.name == fact.name
        && known.disabled == fact.disabled
        && known.default_branch == fact.default_branch
        && same(&known.web_url, &fact.web_url)
        && same(&known.remote_url, &fact.remote_url)
}

/// Nothing can be done in a repository that was deleted: to the board it is one that is disabled.
fn closed(gone: &Repository, project: &Project) -> fact::Repository {
    fact::Repository {
        guid: gone.guid.clone(),
        name: gone.name.clone(),
        project: project.guid.clone(),
        default_branch: gone.default_branch.clone(),
        disabled: true,
        web_url: None,
        remote_url: None,
    }
}
