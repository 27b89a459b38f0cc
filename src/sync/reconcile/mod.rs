//! One comparison of a project with Azure DevOps: what webhooks tell of is asked for by list calls, and differences enter through the
//! same doors. It closes whatever gap there is, because it looks at how things are and not at what happened.
//!
//! Limits: what a hook should have told of and had not is counted. An event that is on its way while the comparison looks is taken
//! for missed, since nothing can tell the two apart.

mod branches;
mod missed;
mod repositories;

use jiff::Timestamp;

use crate::ado::Client;
use crate::clock::Clock;
use crate::domain::fact;
use crate::domain::health::Signs;
use crate::domain::hook::Purpose;
use crate::domain::id::{RepositoryId, TicketKey};
use crate::domain::project::Project;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::status::Status;
use crate::store::{PullRequestFilter, Store};

use super::{Error, detail, poll};

/// Which kinds of change hooks should have told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    pub pull_requests: bool,
    pub pushes: bool,
    pub repositories: bool,
}

impl Expected {
    /// Nothing is expected before the first comparison: what it finds is how things were when webhooks were set up.
    pub fn of(signs: &Signs) -> Self {
        if signs.reconciled.done_at.is_none() {
            return Self::default();
        }
        Self {
            pull_requests: Purpose::ALL.into_iter().filter(|purpose| purpose.moves_cards()).any(|purpose| signs.should_tell_of(purpose)),
            pushes: signs.should_tell_of(Purpose::Push),
            repositories: signs.should_tell_of(Purpose::RepositoryRenamed),
        }
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// Lists only.
    #[default]
    Lists,
    /// The checks and threads of every pull request that a ticket follows besides, which no list shows: after an outage.
    Details,
}

/// What is asked of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    pub expected: Expected,
    /// When the last comparison was done.
    pub last: Option<Timestamp>,
    pub depth: Depth,
    /// Whether a completed pull request takes its ticket to done at once.
    pub done_on_merge: bool,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Active pull requests listed.
    pub active: usize,
    /// Pull requests that were not as known.
    pub changed: Vec<(RepositoryId, i64)>,
    /// Tickets that moved: key, from, to, and words for the person where there are any.
    pub moved: Vec<(TicketKey, Status, Status, Option<String>)>,
    /// Tracked as active, and found neither active nor closed.
    pub unexplained: Vec<(RepositoryId, i64)>,
    /// Repositories that are new, were renamed, disabled, enabled or deleted.
    pub repositories: usize,
    /// Tickets whose spec on the branch is another one than known.
    pub specs: Vec<TicketKey>,
    /// The project's new name.
    pub renamed: Option<String>,
    /// Differences that hooks should have told of.
    pub healed: i64,
}

/// Compares a project.
///
/// # Errors
/// What was compared before the call that failed is kept; the next comparison begins from the start.
pub async fn project(store: &Store, client: &Client, clock: &Clock, project: &Project, ask: &Ask) -> Result<Compared, Error> {
    let mut compared = Compared { renamed: renamed(store, client, project).await?, ..Compared::default() };
    compared.repositories = repositories::compare(store, client, project).await?;

    let begun = clock.now();
    let before = missed::seen(&store.pull_requests(project.id, &PullRequestFilter::active()).await?);
    let polled = poll::project(store, client, project, ask.done_on_merge, begun).await?;
    compared.specs = branches::compare(store, client, project).await?;

    if ask.expected.pull_requests {
        compared.healed += missed::count(store, project, &before, &polled.changed, missed::Looked { last: ask.last, begun }).await?;
    }
    if ask.expected.pushes {
        compared.healed += count(compared.specs.len());
    }
    if ask.expected.repositories {
        compared.healed += count(compared.repositories);
    }
    let details = detail::pull_requests(store, client, clock, project, wanted_details(store, project, ask.depth, &polled).await?).await;
    compared.active = polled.active;
    compared.changed = polled.changed;
    compared.moved = polled.moved;
    compared.unexplained = polled.unexplained;
    details?;
    Ok(compared)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Follows the project's name. Ids survive a rename, so nothing else depends on it.
async fn renamed(store: &Store, client: &Client, project: &Project) -> Result<Option<String>, Error> {
    let found = client.project(project.guid.as_str()).await?;
    if found.name == project.name {
        return Ok(None);
    }
    let fact = fact::Project { guid: project.guid.clone(), ..found };
    store.put_project(project.organisation, &fact, &project.prefix).await?;
    Ok(Some(fact.name))
}

/// Pull requests whose checks and threads are read again: those that changed and that a ticket follows, or all of the followed ones.
async fn wanted_details(store: &Store, project: &Project, depth: Depth, polled: &poll::Polled) -> Result<Vec<(RepositoryId, i64)>, Error> {
    let mut wanted = Vec::new();
    for followed in store.followers(project.id).await?.into_keys() {
        let place = (followed.repository, followed.number);
        let known = store.pull_request(followed.repository, followed.number).await?;
        let open = known.is_some_and(|known| known.facts.status == PullRequestStatus::Active);
        if open && (depth == Depth::Details || polled.changed.contains(&place)) {
            wanted.push(place);
        }
    }
    Ok(wanted)
}
