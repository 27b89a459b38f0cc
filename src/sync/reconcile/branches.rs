//! Specs on the branches of tickets under way: one listing of branches a repository, and files only where a tip moved.

use std::collections::BTreeMap;

use crate::ado::{At, Client, ErrorKind, RepoRef};
use crate::domain::id::{ObjectId, RepositoryId, TicketKey};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::ticket::Ticket;
use crate::store::{self, Archived, BranchFound, Store};
use crate::sync::Error;

/// How often a look is repeated because a push of our own came in between.
const LOOKS: usize = 3;

/// The tips that were looked at, by branch.
type Tips = BTreeMap<String, ObjectId>;

/// Looks at the branches that moved; the tickets whose spec is another one there than known.
pub async fn compare(store: &Store, client: &Client, project: &Project) -> Result<Vec<TicketKey>, Error> {
    let mut by_repository: BTreeMap<RepositoryId, Vec<(String, TicketKey)>> = BTreeMap::new();
    for ticket in store.tickets(project.id, Archived::Hidden).await? {
        if let Some((repository, branch)) = under_way(&ticket) {
            by_repository.entry(repository).or_default().push((branch, ticket.key));
        }
    }
    let mut changed = Vec::new();
    for (id, tickets) in by_repository {
        let Some(repository) = store.repository(id).await?.filter(|known| !known.disabled) else { continue };
        let place = RepoRef { project: &project.guid, repository: &repository.guid };
        let cursor = format!("tips:{id}");
        let before: Tips = store.cursor(&cursor).await?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let prefix = common_prefix(tickets.iter().map(|(branch, _)| branch.as_str()));
        let listed: Tips = client.branches(place, prefix).await?.into_iter().map(|branch| (branch.name, branch.tip)).collect();
        let mut tips = Tips::new();
        for (branch, key) in &tickets {
            // A branch that is gone took its spec along: the ticket's own text stays what it is.
            let Some(tip) = listed.get(branch) else { continue };
            if before.get(branch) == Some(tip) || look(store, client, place, branch, key, &mut changed).await? {
                tips.insert(branch.clone(), tip.clone());
            }
        }
        if tips != before {
            // Branch names and ids: nothing in it can fail to be written.
            store.set_cursor(&cursor, &serde_json::to_string(&tips).unwrap_or_default()).await?;
        }
    }
    Ok(changed)
}

/// Where somebody works on a ticket that has a spec on a branch.
fn under_way(ticket: &Ticket) -> Option<(RepositoryId, String)> {
    matches!(ticket.status, Status::InProgress | Status::PrOpen).then_some(())?;
    Some((ticket.repository?, ticket.branch.clone()?))
}

/// What all the names begin with: the listing asks for no more than that.
fn common_prefix<'a>(mut names: impl Iterator<Item = &'a str>) -> &'a str {
    let first = names.next().unwrap_or_default();
    names.fold(first, |prefix, name| {
        let same = prefix.char_indices().zip(name.chars()).find(|((_, a), b)| a != b);
        let end = same.map_or(prefix.len().min(name.len()), |((at, _), _)| at);
        prefix.get(..end).unwrap_or_default()
    })
}

/// Notes what the branch holds of a ticket's spec; whether the look is done with.
async fn look(
    store: &Store,
    client: &Client,
    place: RepoRef<'_>,
    branch: &str,
    key: &TicketKey,
    changed: &mut Vec<TicketKey>,
) -> Result<bool, Error> {
    let path = key.spec_path();
    for _ in 0..LOOKS {
        let before = match store.spec(key).await {
            Ok(before) => before,
            Err(store::Error::Missing(_)) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let files = match client.files_under(place, &At::Branch(branch), ".tickets").await {
            Ok(files) => files,
            Err(error) if *error.kind() == ErrorKind::BranchMissing => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let object = files.into_iter().find(|(found, _)| *found == path).map(|(_, object)| object);
        match store.record_spec_found(key, &before, object.as_ref()).await? {
            BranchFound::Overtaken => {}
            BranchFound::Known => return Ok(true),
            BranchFound::New(_) => {
                changed.push(key.clone());
                return Ok(true);
            }
        }
    }
    // It is being pushed again and again: the next comparison looks once more.
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_branches_begin_with_is_asked_for() {
        let table: &[(&[&str], &str)] = &[
            (&[], ""),
            (&["feature/KAN-1"], "feature/KAN-1"),
            (&["feature/KAN-1", "feature/KAN-12"], "feature/KAN-1"),
            (&["feature/KAN-1", "fix/KAN-2"], "f"),
            (&["feature/ä1", "feature/ö1"], "feature/"),
            (&["a", "b"], ""),
        ];
        for (names, expected) in table {
            assert_eq!(common_prefix(names.iter().copied()), *expected, "{names:?}");
        }
    }
}
