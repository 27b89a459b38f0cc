//! Policies, checks and threads of the pull requests somebody looks at, a few at a time.
//!
//! The listing of pull requests carries votes and merge state; these three cost a call each, so they are read for visible cards only.

use futures_util::StreamExt;
use futures_util::stream;

use crate::ado::{Client, ErrorKind, RepoRef};
use crate::clock::Clock;
use crate::domain::id::RepositoryId;
use crate::domain::project::Project;
use crate::domain::pull_request::{sum_checks, sum_threads};
use crate::store::Store;

use super::Error;

/// How many pull requests are read at once.
const IN_FLIGHT: usize = 4;

/// Reads the details of these pull requests. What a token may not read is left unknown; the first other error is returned after the rest
/// has been tried.
pub async fn pull_requests(
    store: &Store,
    client: &Client,
    clock: &Clock,
    project: &Project,
    wanted: Vec<(RepositoryId, i64)>,
) -> Result<usize, Error> {
    let results: Vec<Result<(), Error>> = stream::iter(wanted)
        .map(|(repository, number)| one(store, client, clock, project, repository, number))
        .buffer_unordered(IN_FLIGHT)
        .collect()
        .await;
    let mut read = 0;
    let mut failed = None;
    for result in results {
        match result {
            Ok(()) => read += 1,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(read), Err)
}

async fn one(store: &Store, client: &Client, clock: &Clock, project: &Project, repository: RepositoryId, number: i64) -> Result<(), Error> {
    let Some(row) = store.repository(repository).await? else { return Ok(()) };
    let repo = RepoRef { project: &project.guid, repository: &row.guid };
    let asked_at = clock.now();
    let (policies, statuses, threads) =
        tokio::join!(client.policy_evaluations(&project.guid, number), client.statuses(repo, number), client.threads(repo, number));
    let policies = readable(policies)?;
    let statuses = readable(statuses)?;
    let threads = readable(threads)?;
    let checks = match (&policies, &statuses) {
        (None, None) => None,
        (policies, statuses) => Some(sum_checks(policies.as_deref().unwrap_or(&[]), statuses.as_deref().unwrap_or(&[]))),
    };
    let threads = threads.map(|threads| sum_threads(&threads));
    store.put_pull_request_detail(repository, number, checks, threads, asked_at).await?;
    Ok(())
}

/// An answer, or nothing where the token may not read it.
fn readable<T>(answer: Result<T, crate::ado::Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            ErrorKind::ScopeMissing { .. } | ErrorKind::PermissionMissing { .. } | ErrorKind::NotFound | ErrorKind::PullRequestMissing => {
                Ok(None)
            }
            _ => Err(error.into()),
        },
    }
}
