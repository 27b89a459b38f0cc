//! One look at a project's pull requests with as few calls as possible.
//!
//! All active ones come from one paged listing. One that was active and is not listed any more was closed: a single listing of what was
//! closed since the last look finds it (before api-version 7.1, which lacks that filter, one get each). The same listing finds what was
//! opened and merged between two looks. A row that is found nowhere stays as it is: absence never means merged.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::ado::{self, Client, ErrorKind, In, PullRequestQuery, RepoRef, StatusFilter};
use crate::domain::fact;
use crate::domain::id::{RepositoryId, TicketKey};
use crate::domain::project::Project;
use crate::domain::pull_request::Source;
use crate::domain::status::Status;
use crate::store::{Listing, Store};

use super::{Error, ingest};

/// Closed pull requests are asked for from a little before the last such listing: clocks differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How far back the first look asks for closed pull requests.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What a look found.
#[derive(Debug, Clone, Default)]
pub struct Polled {
    /// Active pull requests listed.
    pub active: usize,
    pub changed: Vec<(RepositoryId, i64)>,
    /// Tickets that moved: key, from, to, and words for the person where there are any.
    pub moved: Vec<(TicketKey, Status, Status, Option<String>)>,
    /// Tracked as active, and found neither active nor closed.
    pub unexplained: Vec<(RepositoryId, i64)>,
}

/// Looks at all pull requests of a project.
pub async fn project(store: &Store, client: &Client, project: &Project, done_on_merge: bool, now: Timestamp) -> Result<Polled, Error> {
    let query = PullRequestQuery { status: StatusFilter::Active, ..PullRequestQuery::default() };
    let active = client.pull_requests(In::Project(&project.guid), &query).await?;
    discover_unknown(store, client, project, &active).await?;
    let ingested =
        ingest::facts(store, project, &active, Listing::ActiveComplete { since_poll: now }, Source::Poll, done_on_merge, now).await?;
    let mut polled = Polled { active: active.len(), changed: ingested.changed, moved: ingested.moved, unexplained: Vec::new() };

    let missing: HashSet<_> = ingested.missing_active.into_iter().collect();
    let waiting = client.lists_closed_since().await? && store.has_started_without_pull_request(project.id).await?;
    if !missing.is_empty() || waiting {
        let cursor = format!("closed:{}", project.id);
        let last =
            store.cursor(&cursor).await?.and_then(|text| text.parse::<i64>().ok()).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let since = last.map_or(now - FIRST_LOOK, |at| at - OVERLAP);
        let closed = closed_since(store, client, project, &missing, since).await?;
        let ingested = ingest::facts(store, project, &closed, Listing::Some, Source::Poll, done_on_merge, now).await?;
        polled.changed.extend(ingested.changed);
        polled.moved.extend(ingested.moved);
        // Only now: a listing that failed is asked for again from where the last good one began.
        store.set_cursor(&cursor, &now.as_millisecond().to_string()).await?;
        for (repository, number) in missing {
            let still_active = store.pull_request(repository, number).await?;
            if still_active.is_some_and(|pr| pr.facts.status == crate::domain::pull_request::PullRequestStatus::Active) {
                // Closed before the window (a long break), or not readable any more: one get tells which.
                match get(store, client, project, repository, number).await? {
                    Some(found) => {
                        let ingested = ingest::facts(store, project, &[found], Listing::Some, Source::Poll, done_on_merge, now).await?;
                        polled.changed.extend(ingested.changed);
                        polled.moved.extend(ingested.moved);
                    }
                    None => polled.unexplained.push((repository, number)),
                }
            }
        }
    }
    Ok(polled)
}

/// A listing names a repository the store has not met: it was made after the last discovery.
async fn discover_unknown(store: &Store, client: &Client, project: &Project, active: &[fact::PullRequest]) -> Result<(), Error> {
    let known: HashSet<_> = store.repositories(project.id).await?.into_iter().map(|r| r.guid).collect();
    if active.iter().any(|pr| !known.contains(&pr.repository)) {
        let repositories = client.repositories(&project.guid).await?;
        store.put_repositories(project.id, &repositories).await?;
    }
    Ok(())
}

async fn closed_since(
    store: &Store,
    client: &Client,
    project: &Project,
    missing: &HashSet<(RepositoryId, i64)>,
    since: Timestamp,
) -> Result<Vec<fact::PullRequest>, Error> {
    if client.lists_closed_since().await? {
        let query = PullRequestQuery { status: StatusFilter::All, closed_since: Some(since), ..PullRequestQuery::default() };
        return Ok(client.pull_requests(In::Project(&project.guid), &query).await?);
    }
    let mut found = Vec::new();
    for (repository, number) in missing {
        found.extend(get(store, client, project, *repository, *number).await?);
    }
    Ok(found)
}

/// One pull request, or nothing where it can't be read any more.
async fn get(
    store: &Store,
    client: &Client,
    project: &Project,
    repository: RepositoryId,
    number: i64,
) -> Result<Option<fact::PullRequest>, Error> {
    let Some(repository) = store.repository(repository).await? else { return Ok(None) };
    match client.pull_request(RepoRef { project: &project.guid, repository: &repository.guid }, number).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_unreadable(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Looks at one pull request, or at what a ticket's branch has.
pub async fn one(
    store: &Store,
    client: &Client,
    project: &Project,
    repository: RepositoryId,
    number: i64,
    done_on_merge: bool,
    now: Timestamp,
) -> Result<Polled, Error> {
    let Some(found) = get(store, client, project, repository, number).await? else {
        return Ok(Polled { unexplained: vec![(repository, number)], ..Polled::default() });
    };
    let ingested = ingest::facts(store, project, &[found], Listing::Some, Source::Poll, done_on_merge, now).await?;
    Ok(Polled { active: 0, changed: ingested.changed, moved: ingested.moved, unexplained: Vec::new() })
}

/// Looks at the pull requests of one branch, open and closed.
pub async fn branch(
    store: &Store,
    client: &Client,
    project: &Project,
    repository: RepositoryId,
    branch: &str,
    done_on_merge: bool,
    now: Timestamp,
) -> Result<Polled, Error> {
    let Some(row) = store.repository(repository).await? else { return Ok(Polled::default()) };
    let query = PullRequestQuery { status: StatusFilter::All, source_branch: Some(branch.to_owned()), ..PullRequestQuery::default() };
    let found = client.pull_requests(In::Repository(RepoRef { project: &project.guid, repository: &row.guid }), &query).await?;
    let ingested = ingest::facts(store, project, &found, Listing::Some, Source::Poll, done_on_merge, now).await?;
    Ok(Polled { active: found.len(), changed: ingested.changed, moved: ingested.moved, unexplained: Vec::new() })
}

fn is_unreadable(error: &ado::Error) -> bool {
    matches!(error.kind(), ErrorKind::PullRequestMissing | ErrorKind::RepositoryMissing | ErrorKind::ProjectMissing | ErrorKind::NotFound)
}
