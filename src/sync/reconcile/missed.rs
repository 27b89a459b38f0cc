//! Which changes of pull requests hooks should have told of and had not. Pure but for reading deliveries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ado::event::{Read, What, read};
use crate::domain::id::{Guid, ObjectId, RepositoryId};
use crate::domain::project::Project;
use crate::domain::pull_request::{KnownPullRequest, PullRequest, PullRequestStatus, Vote};
use crate::store::{self, Store};

/// With more deliveries than this on their way nothing is said to be missed: they may tell of anything.
const MOST_NEWS: i64 = 500;

/// What an event tells of when it changes. Labels, titles and merge checks change without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    status: PullRequestStatus,
    tip: Option<ObjectId>,
    votes: BTreeMap<Guid, Vote>,
}

impl Told {
    fn of(facts: &PullRequest) -> Self {
        let votes = facts.reviewers.iter().map(|reviewer| (reviewer.identity.id.clone(), reviewer.vote)).collect();
        Self { status: facts.status, tip: facts.source_commit.clone(), votes }
    }
}

/// How pull requests were known.
pub fn seen(known: &[KnownPullRequest]) -> BTreeMap<(RepositoryId, i64), Told> {
    known.iter().map(|known| ((known.facts.repository, known.facts.number), Told::of(&known.facts))).collect()
}

/// When pull requests were looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// The last time before, when what was closed already was of no interest.
    pub last: Option<Timestamp>,
    /// This time.
    pub begun: Timestamp,
}

/// How many of the changed ones differ in what an event tells of, and no delivery at hand is about them.
pub async fn count(
    store: &Store,
    project: &Project,
    before: &BTreeMap<(RepositoryId, i64), Told>,
    changed: &[(RepositoryId, i64)],
    looked: Looked,
) -> store::Result<i64> {
    let mut missed = Vec::new();
    for (repository, number) in changed {
        let Some(now) = store.pull_request(*repository, *number).await? else { continue };
        let is_news = match before.get(&(*repository, *number)) {
            Some(told) => *told != Told::of(&now.facts),
            // One that was closed before anybody looked is new here, and no event was to tell of it.
            None => now.facts.closed_at.zip(looked.last).is_none_or(|(closed, last)| closed >= last),
        };
        if is_news {
            missed.push((*repository, *number));
        }
    }
    if missed.is_empty() {
        return Ok(0);
    }
    let news = store.delivery_news(project.id, looked.begun, MOST_NEWS).await?;
    if news.len() as i64 >= MOST_NEWS {
        return Ok(0);
    }
    let announced: BTreeSet<(Guid, i64)> = news.iter().filter_map(|body| about(body)).collect();
    let mut healed = 0;
    for (repository, number) in missed {
        let known = store.repository(repository).await?;
        if !known.is_some_and(|known| announced.contains(&(known.guid, number))) {
            healed += 1;
        }
    }
    Ok(healed)
}

fn about(body: &[u8]) -> Option<(Guid, i64)> {
    match read(body) {
        Read::Event(event) => match event.what {
            What::PullRequest(about) | What::Comment { about, .. } => Some((about.repository, about.number)),
            _ => None,
        },
        Read::Unreadable(_) => None,
    }
}
