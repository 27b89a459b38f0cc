//! What a delivery wants, by its body alone.

use crate::ado::event::{AboutPullRequest, Deed, Event, Read, RefUpdate, What};
use crate::domain::hook::DeliveryState;
use crate::domain::project::Project;

use super::fate::Fate;

/// What is to be done about a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// Nothing: this is what becomes of it.
    Nothing(Fate),
    PullRequest(AboutPullRequest),
    /// Look at these branches (without `refs/heads/`) of a repository.
    Branches(Box<(crate::domain::id::Guid, Vec<String>)>),
    /// List the repositories again; the words say why.
    Repositories(String),
    /// A run of a pipeline: the checks of the pull request that it builds are read again if a ticket follows that, and the run itself
    /// where facts for figures are collected.
    Run {
        number: Option<i64>,
        pull_request: Option<i64>,
    },
    /// The latest deployments of classic releases, where facts are collected.
    Deployments,
    /// A work item, where facts are collected.
    WorkItem(i64),
}

/// Decides for a body that was sent to a project.
pub fn decide(read: Read, project: &Project) -> Want {
    let event = match read {
        Read::Event(event) => *event,
        Read::Unreadable(words) => return nothing(DeliveryState::Dead, words),
    };
    if event.envelope.is_test_at(&project.guid) {
        return nothing(DeliveryState::Test, "a test delivery: the hook reaches kanado");
    }
    if event.envelope.is_of_another_than(&project.guid) {
        return nothing(DeliveryState::Quarantined, "it says that it is of another project; nothing of it was believed");
    }
    want(event)
}

fn nothing(state: DeliveryState, words: impl AsRef<str>) -> Want {
    Want::Nothing(Fate::settled(state, words))
}

fn want(event: Event) -> Want {
    let ignored = |words: &str| nothing(DeliveryState::Ignored, words);
    let kind = event.envelope.event_type.unwrap_or_default();
    match event.what {
        What::PullRequest(about) | What::Comment { about, .. } => Want::PullRequest(about),
        What::Push { repository, updates } => {
            let names = branches(updates);
            match names.is_empty() {
                true => ignored("a push that names no branch"),
                false => Want::Branches(Box::new((repository, names))),
            }
        }
        What::Repository { name, deed, .. } => Want::Repositories(repository_words(name.as_deref(), deed)),
        What::Build { number, pull_request } => Want::Run { number, pull_request },
        What::Deployment => Want::Deployments,
        What::WorkItem { id, .. } => Want::WorkItem(id),
        What::Other => ignored(&format!("`{kind}` is nothing the board follows")),
        What::Incomplete(part) => nothing(DeliveryState::Dead, format!("`{kind}` that does not say {part}")),
    }
}

/// The branches of a push, each once.
fn branches(updates: Vec<RefUpdate>) -> Vec<String> {
    let mut names: Vec<String> =
        updates.into_iter().filter_map(|update| update.name.strip_prefix("refs/heads/").map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !name.is_empty());
    names
}

fn repository_words(name: Option<&str>, deed: Deed) -> String {
    let name = name.unwrap_or("a repository");
    match deed {
        Deed::Created => format!("{name} was made"),
        Deed::Deleted => format!("{name} was deleted; what the board knows of it stays"),
        Deed::Renamed => format!("renamed to {name}"),
        Deed::Forked => format!("{name} was forked"),
        Deed::StatusChanged => format!("{name} was disabled or enabled"),
    }
}
