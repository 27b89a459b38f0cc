//! Pull requests as last seen, with where that came from and when.
//!
//! The narrow row is what a list of cards needs and what each look touches; the whole pull request lies beside it as JSON.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Store;
use super::board;
use super::column::{Columns, Word, json};
use super::error::{Error, Result};
use super::hold::Hold;
use crate::domain::change::Change;
use crate::domain::id::{Guid, ProjectId, RepositoryId, TicketKey};
use crate::domain::pull_request::{Checks, KnownPullRequest, PullRequest, PullRequestStatus, Source, Threads};
use crate::domain::ticket::PullRequestRef;

/// Which pull requests to read; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequestFilter {
    pub status: Option<PullRequestStatus>,
    pub repository: Option<RepositoryId>,
    pub author: Option<Guid>,
    pub reviewer: Option<Guid>,
}

impl PullRequestFilter {
    /// The active ones.
    pub fn active() -> Self {
        Self { status: Some(PullRequestStatus::Active), ..Self::default() }
    }

    fn matches(&self, facts: &PullRequest) -> bool {
        self.repository.is_none_or(|repository| repository == facts.repository)
            && self.author.as_ref().is_none_or(|author| *author == facts.author.id)
            && self.reviewer.as_ref().is_none_or(|wanted| facts.reviewers.iter().any(|reviewer| reviewer.identity.id == *wanted))
    }
}

macro_rules! select {
    () => {
        "SELECT f.facts, p.checks, p.threads, p.source, p.seen_at, p.detail_at, r.name, r.web_url FROM pull_requests p \
         JOIN pull_request_facts f ON f.repository = p.repository AND f.number = p.number \
         JOIN repositories r ON r.id = p.repository "
    };
}

queries! {
    ONE = concat!(select!(), "WHERE p.repository = $1 AND p.number = $2");
    OF_PROJECT = concat!(select!(), "WHERE p.project = $1 ORDER BY p.created_at DESC, p.number DESC");
    OF_PROJECT_BY_STATUS = concat!(select!(), "WHERE p.project = $1 AND p.status = $2 ORDER BY p.created_at DESC, p.number DESC");
    OF_BRANCH = concat!(select!(), "WHERE p.repository = $1 AND p.source_branch = $2 ORDER BY p.created_at DESC, p.number DESC");
    FOLLOWERS = "SELECT pr_repository, pr_number, key FROM tickets WHERE project = $1 AND archived = 0 AND pr_number IS NOT NULL";
    INSERT = "INSERT INTO pull_requests (repository, number, project, status, source_branch, created_at, chip, source, seen_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    INSERT_FACTS = "INSERT INTO pull_request_facts (repository, number, facts) VALUES ($1, $2, $3)";
    UPDATE = "UPDATE pull_requests SET status = $3, source_branch = $4, created_at = $5, chip = $6, source = $7, seen_at = $8, \
        detail_at = $9 WHERE repository = $1 AND number = $2";
    UPDATE_FACTS = "UPDATE pull_request_facts SET facts = $3 WHERE repository = $1 AND number = $2";
    TOUCH = "UPDATE pull_requests SET source = $3, seen_at = $4 WHERE repository = $1 AND number = $2";
    DETAIL = "UPDATE pull_requests SET checks = $3, threads = $4, chip = $5, detail_at = $6 WHERE repository = $1 AND number = $2";
}

fn read(row: &AnyRow) -> Result<KnownPullRequest> {
    let facts: PullRequest = row.json("facts")?;
    let web_url = row.maybe_text("web_url")?.map(|url| format!("{}/pullrequest/{}", url.trim_end_matches('/'), facts.number));
    Ok(KnownPullRequest {
        repository_name: row.text("name")?,
        web_url,
        checks: row.maybe_json("checks")?,
        threads: row.maybe_json("threads")?,
        source: row.word("source")?,
        seen_at: row.instant("seen_at")?,
        detail_at: row.maybe_instant("detail_at")?,
        facts,
    })
}

pub(super) async fn find(conn: &mut AnyConnection, repository: RepositoryId, number: i64) -> Result<Option<KnownPullRequest>> {
    sqlx::query(ONE).bind(repository.0).bind(number).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

/// What putting a fact did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// Something newer is known: nothing was changed.
    Older,
    /// Nothing new, except that it is still so.
    Same,
    Changed,
}

/// Keeps what was said of a pull request at a time, unless something newer is known.
pub(super) async fn put(
    conn: &mut AnyConnection,
    project: ProjectId,
    mut facts: PullRequest,
    source: Source,
    at: Timestamp,
) -> Result<Put> {
    let Some(known) = find(conn, facts.repository, facts.number).await? else {
        sqlx::query(INSERT)
            .bind(facts.repository.0)
            .bind(facts.number)
            .bind(project.0)
            .bind(facts.status.to_word())
            .bind(&*facts.source_branch)
            .bind(facts.created_at.as_millisecond())
            .bind(board::chip_line(&facts, None, None))
            .bind(source.to_word())
            .bind(at.as_millisecond())
            .execute(&mut *conn)
            .await?;
        sqlx::query(INSERT_FACTS).bind(facts.repository.0).bind(facts.number).bind(json(&facts)?).execute(conn).await?;
        return Ok(Put::Changed);
    };
    // Completed is final in Azure DevOps: whoever says otherwise looked earlier, whatever the clocks say.
    let final_already = known.facts.status == PullRequestStatus::Completed && facts.status != PullRequestStatus::Completed;
    if known.seen_at > at || final_already {
        return Ok(Put::Older);
    }
    keep_whole_description(&mut facts, &known.facts);
    if facts == known.facts {
        sqlx::query(TOUCH)
            .bind(facts.repository.0)
            .bind(facts.number)
            .bind(source.to_word())
            .bind(at.as_millisecond())
            .execute(conn)
            .await?;
        return Ok(Put::Same);
    }
    // Checks are of a commit: after a push they are due to be read again.
    let detail_at = known.detail_at.filter(|_| known.facts.source_commit == facts.source_commit);
    sqlx::query(UPDATE)
        .bind(facts.repository.0)
        .bind(facts.number)
        .bind(facts.status.to_word())
        .bind(&*facts.source_branch)
        .bind(facts.created_at.as_millisecond())
        .bind(board::chip_line(&facts, known.checks, known.threads))
        .bind(source.to_word())
        .bind(at.as_millisecond())
        .bind(detail_at.map(Timestamp::as_millisecond))
        .execute(&mut *conn)
        .await?;
    sqlx::query(UPDATE_FACTS).bind(facts.repository.0).bind(facts.number).bind(json(&facts)?).execute(conn).await?;
    Ok(Put::Changed)
}

/// Lists cut descriptions at 400 characters. One that begins like the known whole one is taken for cut, not for edited.
fn keep_whole_description(facts: &mut PullRequest, known: &PullRequest) {
    const CUT: usize = 400;
    let cut = facts.description.encode_utf16().count() >= CUT || facts.description.chars().count() >= CUT;
    if cut && known.description.len() > facts.description.len() && known.description.starts_with(&facts.description) {
        facts.description.clone_from(&known.description);
    }
}

impl Store {
    pub async fn pull_request(&self, repository: RepositoryId, number: i64) -> Result<Option<KnownPullRequest>> {
        self.attempt(format!("read pull request {number}"), async { find(&mut *self.reader().await?, repository, number).await }).await
    }

    /// Newest first.
    pub async fn pull_requests(&self, project: ProjectId, filter: &PullRequestFilter) -> Result<Vec<KnownPullRequest>> {
        self.attempt("read the pull requests", async {
            let mut conn = self.reader().await?;
            let query = match filter.status {
                Some(status) => sqlx::query(OF_PROJECT_BY_STATUS).bind(project.0).bind(status.to_word()),
                None => sqlx::query(OF_PROJECT).bind(project.0),
            };
            let mut found = Vec::new();
            for row in query.fetch_all(&mut *conn).await? {
                let known = read(&row)?;
                if filter.matches(&known.facts) {
                    found.push(known);
                }
            }
            Ok(found)
        })
        .await
    }

    /// The tickets that follow pull requests, by what they follow. Archived tickets are left out.
    pub async fn followers(&self, project: ProjectId) -> Result<HashMap<PullRequestRef, TicketKey>> {
        self.attempt("read which tickets follow pull requests", async {
            let mut conn = self.reader().await?;
            let mut followers = HashMap::new();
            for row in sqlx::query(FOLLOWERS).bind(project.0).fetch_all(&mut *conn).await? {
                if let (Some(repository), Some(number)) = (row.maybe_int("pr_repository")?, row.maybe_int("pr_number")?) {
                    let key = TicketKey::parse(row.borrowed("key")?).map_err(|error| Error::unreadable(error.to_string()))?;
                    followers.insert(PullRequestRef { repository: RepositoryId(repository), number }, key);
                }
            }
            Ok(followers)
        })
        .await
    }

    /// All pull requests from a branch (without `refs/heads/`), newest first.
    pub async fn pull_requests_of_branch(&self, repository: RepositoryId, branch: &str) -> Result<Vec<KnownPullRequest>> {
        self.attempt(format!("read the pull requests of {branch}"), async {
            let mut conn = self.reader().await?;
            sqlx::query(OF_BRANCH).bind(repository.0).bind(branch).fetch_all(&mut *conn).await?.iter().map(read).collect()
        })
        .await
    }

    /// Keeps what was read besides the pull request itself; what is absent stays as known, and so does what was read later.
    pub async fn put_pull_request_detail(
        &self,
        repository: RepositoryId,
        number: i64,
        checks: Option<Checks>,
        threads: Option<Threads>,
        now: Timestamp,
    ) -> Result<()> {
        self.attempt(format!("keep the checks of pull request {number}"), async {
            let mut writing = self.writing_on(Hold::Repository(repository)).await?;
            let known = find(writing.conn(), repository, number).await?;
            let known = known.ok_or_else(|| Error::Missing(format!("pull request {number}")))?;
            if known.detail_at.is_some_and(|read| read > now) {
                return Ok(());
            }
            let checks = checks.or(known.checks);
            let threads = threads.or(known.threads);
            sqlx::query(DETAIL)
                .bind(repository.0)
                .bind(number)
                .bind(checks.as_ref().map(json).transpose()?)
                .bind(threads.as_ref().map(json).transpose()?)
                .bind(board::chip_line(&known.facts, checks, threads))
                .bind(now.as_millisecond())
                .execute(writing.conn())
                .await?;
            if checks != known.checks || threads != known.threads {
                writing.announce(Change::PullRequest { repository, number });
            }
            self.commit(writing).await
        })
        .await
    }
}
