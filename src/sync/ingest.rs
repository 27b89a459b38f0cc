//! The one door: facts about pull requests enter the store here, and tickets follow in the same transaction.

use jiff::Timestamp;

use crate::domain::fact;
use crate::domain::project::{Project, Repository};
use crate::domain::pull_request::Source;
use crate::store::{self, IngestRules, Ingested, Listing, Store};

/// Applies facts of one project, as seen at `now`.
///
/// `now` is when the question was asked, so that an older answer never wins over a newer one. A repository nobody has listed yet gets an
/// unlinked row.
pub async fn facts(
    store: &Store,
    project: &Project,
    facts: &[fact::PullRequest],
    listing: Listing,
    source: Source,
    done_on_merge: bool,
    now: Timestamp,
) -> Result<Ingested, store::Error> {
    store.ingest(project.id, facts, listing, source, &IngestRules { done_on_merge }, now).await
}

/// The page of a pull request, where the repository's own page is known.
pub fn web_url(repository: &Repository, number: i64) -> Option<String> {
    repository.web_url.as_ref().map(|url| format!("{}/pullrequest/{number}", url.trim_end_matches('/')))
}
