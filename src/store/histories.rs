//! What is known of the past of each pull request, merged from lists, threads and details, and the flow that figures are made from.
//!
//! Each part has the time at which it was asked for: an older answer changes nothing. A completed pull request stays completed.
//! [`metrics::flow`](crate::metrics) has the rules; the store only keeps what they say, and under which rules.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word, flag, json};
use super::error::Result;
use super::hold::Hold;
use super::ingest::stranger;
use super::sources::PageDone;
use super::stage_rows::NOT_ENDED;
use super::{Store, flow_line, projects, repositories};
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, ProjectId, RepositoryId};
use crate::domain::pull_request::PullRequestStatus;
use crate::metrics::input::{Actor, ChangeCommit, Flow, Happening, History, Required, Segment};
use crate::metrics::query::Rules;

/// A part of what is known of a pull request. Threads and details are as old as their `at`.
#[derive(Debug, Clone, PartialEq)]
pub enum HistoryUpdate {
    /// A row of a list, or a get; as old as the page.
    Listed(fact::PullRequest),
    /// All of its threads.
    Threads { repository: RepositoryId, number: i64, happenings: Vec<Happening>, actors: Vec<Actor>, at: Timestamp },
    /// Its commits, oldest first, and the work items that it is linked to or names.
    Detail {
        repository: RepositoryId,
        number: i64,
        commits: Vec<ChangeCommit>,
        items: Vec<i64>,
        /// Absent keeps what is known.
        files: Option<u32>,
        iterations: Option<u32>,
        at: Timestamp,
    },
}

/// A part that is read for each pull request by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    Threads,
    Detail,
}

impl Due {
    fn bit(self) -> i64 {
        match self {
            Self::Threads => 1,
            Self::Detail => 2,
        }
    }
}

/// An active pull request, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveHistory {
    pub repository: RepositoryId,
    pub number: i64,
    pub created_at: Timestamp,
    /// When a list last named it.
    pub listed_at: Timestamp,
    pub threads_at: Option<Timestamp>,
    pub detail_at: Option<Timestamp>,
    /// Whether its threads and details are wanted at all: not a bot's.
    pub is_followed: bool,
}

/// The rules of flows, and their name in the store.
pub(super) struct FlowRules {
    rules: RwLock<(Rules, String)>,
}

impl Default for FlowRules {
    fn default() -> Self {
        let rules = Rules::default();
        let name = name_of(&rules);
        Self { rules: RwLock::new((rules, name)) }
    }
}

impl FlowRules {
    fn get(&self) -> (Rules, String) {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, rules: &Rules) -> String {
        let name = name_of(rules);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = (rules.clone(), name.clone());
        name
    }
}

/// Names the rules that a flow depends on, and the version of its line.
fn name_of(rules: &Rules) -> String {
    use sha2::Digest as _;
    let words = format!("{:?}|{:?}|{:?}", rules.bots, rules.hotfix_branches, rules.hotfix_labels);
    let digest = sha2::Sha256::digest(words.as_bytes());
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hex}", flow_line::VERSION)
}

queries! {
    KNOWN = "SELECT f.listed_at, f.changed_at, f.threads_at, f.detail_at, f.rules, f.line, h.history FROM flows f \
        JOIN pull_request_histories h ON h.repository = f.repository AND h.number = f.number WHERE f.repository = $1 AND f.number = $2";
    PUT_FLOW = "INSERT INTO flows (repository, number, project, status, created_at, ended_at, listed_at, changed_at, threads_at, detail_at, \
        followed, due, rules, line) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (repository, number) DO UPDATE SET \
        status = excluded.status, created_at = excluded.created_at, ended_at = excluded.ended_at, listed_at = excluded.listed_at, \
        changed_at = excluded.changed_at, threads_at = excluded.threads_at, detail_at = excluded.detail_at, followed = excluded.followed, \
        due = excluded.due, rules = excluded.rules, line = excluded.line";
    PUT_HISTORY = "INSERT INTO pull_request_histories (repository, number, history) VALUES ($1, $2, $3) \
        ON CONFLICT (repository, number) DO UPDATE SET history = excluded.history";
    HISTORY = "SELECT history FROM pull_request_histories WHERE repository = $1 AND number = $2";
    FLOW = "SELECT line FROM flows WHERE repository = $1 AND number = $2";
    FLOWS = "SELECT line FROM flows WHERE project = $1 AND ended_at >= $2 ORDER BY ended_at, repository, number";
    WANTING = "SELECT repository, number FROM flows WHERE project = $1 AND due IN ($2, 3) \
        ORDER BY CASE WHEN status = 'active' THEN 0 ELSE 1 END, created_at DESC, repository, number";
    TOUCH = "UPDATE flows SET listed_at = $3 WHERE repository = $1 AND number = $2";
    ACTIVE = "SELECT repository, number, created_at, listed_at, threads_at, detail_at, followed FROM flows WHERE project = $1 AND status = 'active' \
        ORDER BY coalesce(threads_at, 0), repository, number";
    OTHER_RULES = "SELECT project, repository, number FROM flows WHERE rules <> $1 ORDER BY project, repository, number LIMIT $2";
}

/// A history with how it came about.
struct Known {
    history: History,
    listed_at: Timestamp,
    changed_at: Timestamp,
    threads_at: Option<Timestamp>,
    detail_at: Option<Timestamp>,
}

async fn find(conn: &mut AnyConnection, repository: RepositoryId, number: i64) -> Result<Option<Known>> {
    let Some(row) = sqlx::query(KNOWN).bind(repository.0).bind(number).fetch_optional(conn).await? else { return Ok(None) };
    Ok(Some(Known {
        history: row.json("history")?,
        listed_at: row.instant("listed_at")?,
        changed_at: row.instant("changed_at")?,
        threads_at: row.maybe_instant("threads_at")?,
        detail_at: row.maybe_instant("detail_at")?,
    }))
}

fn flow_of(history: &History, _rules: &Rules) -> Flow {
    Flow {
        repository: history.repository,
        number: history.number,
        status: history.status,
        segment: Segment::Human,
        nature: crate::metrics::input::Nature::Ordinary,
        author: history.author.id.clone(),
        target_branch: history.target_branch.clone(),
        first_commit_at: None,
        created_at: history.created_at,
        ready_at: None,
        first_review_at: None,
        approved_at: None,
        closed_at: history.closed_at,
        merge_commit: history.merge_commit.clone(),
        undated_vote: false,
        rework_rounds: 0,
        iterations: history.iterations.unwrap_or_default(),
        files: history.files,
        commits: None,
        items: history.items.clone(),
        has_threads: history.happenings.is_some(),
        has_detail: history.commits.is_some(),
    }
}

/// What is due to be read: never read, or something was new since.
fn due(known: &Known, flow: &Flow) -> i64 {
    if flow.segment == Segment::Bot {
        return 0;
    }
    let since = |read: Option<Timestamp>| read.is_none_or(|read| read < known.changed_at);
    let bit = |part: Due, read| if since(read) { part.bit() } else { 0 };
    bit(Due::Threads, known.threads_at) | bit(Due::Detail, known.detail_at)
}

async fn keep(conn: &mut AnyConnection, project: ProjectId, known: &Known, rules: &(Rules, String)) -> Result<()> {
    let history = &known.history;
    let flow = flow_of(history, &rules.0);
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    sqlx::query(PUT_FLOW)
        .bind(history.repository.0)
        .bind(history.number)
        .bind(project.0)
        .bind(history.status.to_word())
        .bind(history.created_at.as_millisecond())
        .bind(millis(history.closed_at.filter(|_| history.status != PullRequestStatus::Active)).unwrap_or(NOT_ENDED))
        .bind(known.listed_at.as_millisecond())
        .bind(known.changed_at.as_millisecond())
        .bind(millis(known.threads_at))
        .bind(millis(known.detail_at))
        .bind(flag(flow.segment != Segment::Bot))
        .bind(due(known, &flow))
        .bind(&*rules.1)
        .bind(flow_line::write(&flow))
        .execute(&mut *conn)
        .await?;
    sqlx::query(PUT_HISTORY).bind(history.repository.0).bind(history.number).bind(json(history)?).execute(conn).await?;
    Ok(())
}

fn actor(identity: &crate::domain::person::Identity, is_group: bool) -> Actor {
    Actor { id: identity.id.clone(), name: identity.display_name.clone(), unique_name: identity.unique_name.clone(), is_group }
}

/// A history with what a list says, and what was known besides.
fn listed(repository: RepositoryId, fact: &fact::PullRequest, known: Option<&History>) -> History {
    let required = |required: bool| if required { Required::Required } else { Required::Optional };
    History {
        repository,
        number: fact.number,
        title: fact.title.clone(),
        status: fact.status,
        is_draft: fact.is_draft,
        author: actor(&fact.author, false),
        source_branch: fact.source_branch.clone(),
        target_branch: fact.target_branch.clone(),
        created_at: fact.created_at,
        closed_at: fact.closed_at,
        merge_commit: fact.merge_commit.clone(),
        source_commit: fact.source_commit.clone(),
        labels: fact.labels.clone(),
        reviewers: fact.reviewers.iter().map(|r| (actor(&r.identity, r.is_group), r.vote, required(r.required))).collect(),
        happenings: known.and_then(|known| known.happenings.clone()),
        actors: known.map(|known| known.actors.clone()).unwrap_or_default(),
        commits: known.and_then(|known| known.commits.clone()),
        items: known.map(|known| known.items.clone()).unwrap_or_default(),
        iterations: known.and_then(|known| known.iterations),
        files: known.and_then(|known| known.files),
    }
}

/// Takes a list's row in: what is known then, and whether the row says something new. Nothing where it is older than what is known.
fn take_in_list(repository: RepositoryId, fact: &fact::PullRequest, known: Option<Known>, at: Timestamp) -> Option<(Known, bool)> {
    let Some(known) = known else {
        let history = listed(repository, fact, None);
        return Some((Known { history, listed_at: at, changed_at: at, threads_at: None, detail_at: None }, true));
    };
    let is_final = known.history.status == PullRequestStatus::Completed && fact.status != PullRequestStatus::Completed;
    if known.listed_at > at || is_final {
        return None;
    }
    let history = listed(repository, fact, Some(&known.history));
    let is_new = history != known.history;
    let changed_at = if is_new { at } else { known.changed_at };
    Some((Known { history, listed_at: at, changed_at, ..known }, is_new))
}

fn active(row: &AnyRow) -> Result<ActiveHistory> {
    Ok(ActiveHistory {
        repository: RepositoryId(row.int("repository")?),
        number: row.int("number")?,
        created_at: row.instant("created_at")?,
        listed_at: row.instant("listed_at")?,
        threads_at: row.maybe_instant("threads_at")?,
        detail_at: row.maybe_instant("detail_at")?,
        is_followed: row.flag("followed")?,
    })
}

/// Adds a work item that a link tells of to what a pull request is known to hang on.
pub(super) async fn add_item(
    conn: &mut AnyConnection,
    project: ProjectId,
    (repository, number): (RepositoryId, i64),
    item: i64,
    rules: &(Rules, String),
) -> Result<()> {
    if let Some(mut known) = find(&mut *conn, repository, number).await?
        && !known.history.items.contains(&item)
    {
        known.history.items.push(item);
        keep(conn, project, &known, rules).await?;
    }
    Ok(())
}

impl Store {
    /// The rules that flows are made with from now on. [`Store::refresh_flows`] makes those that were made with others again.
    pub fn set_flow_rules(&self, rules: &Rules) {
        self.inner.flow_rules.set(rules);
    }

    pub(super) fn flow_rules(&self) -> (Rules, String) {
        self.inner.flow_rules.get()
    }

    /// Keeps a page of what is known of pull requests, asked for at `at`, with its cursor; those of which something changed. What tells
    /// of a pull request that no list has named is left out, and so are pull requests of other projects.
    pub async fn put_histories(
        &self,
        project: ProjectId,
        updates: Vec<HistoryUpdate>,
        at: Timestamp,
        page: impl Into<Option<PageDone>>,
    ) -> Result<Vec<(RepositoryId, i64)>> {
        let page = page.into();
        let rules = self.flow_rules();
        self.attempt("keep the past of pull requests", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let owner = projects::by_id(writing.conn(), project).await?.ok_or_else(|| projects::missing(project))?;
            let mut by_guid: HashMap<Guid, RepositoryId> = HashMap::new();
            for repository in repositories::of_project(writing.conn(), project).await? {
                by_guid.insert(repository.guid, repository.id);
            }
            let mut changed = Vec::new();
            for update in updates {
                let news = match update {
                    HistoryUpdate::Listed(fact) => {
                        if fact.project.as_ref().is_some_and(|guid| *guid != owner.guid) {
                            continue;
                        }
                        let repository = match by_guid.get(&fact.repository) {
                            Some(id) => *id,
                            None => {
                                let id = repositories::insert(writing.conn(), project, &stranger(&fact, &owner.guid)).await?;
                                by_guid.insert(fact.repository.clone(), id);
                                writing.announce(Change::Repositories(project));
                                id
                            }
                        };
                        let known = find(writing.conn(), repository, fact.number).await?;
                        match take_in_list(repository, &fact, known, at) {
                            Some((known, true)) => Some(known),
                            Some((_, false)) => {
                                let touch = sqlx::query(TOUCH).bind(repository.0).bind(fact.number).bind(at.as_millisecond());
                                touch.execute(writing.conn()).await?;
                                None
                            }
                            None => None,
                        }
                    }
                    HistoryUpdate::Threads { repository, number, happenings, actors, at } => {
                        let known = find(writing.conn(), repository, number).await?;
                        known.filter(|known| known.threads_at.is_none_or(|read| read <= at)).map(|mut known| {
                            known.history.happenings = Some(happenings);
                            known.history.actors = actors;
                            known.threads_at = Some(at);
                            known
                        })
                    }
                    HistoryUpdate::Detail { repository, number, commits, items, files, iterations, at } => {
                        let known = find(writing.conn(), repository, number).await?;
                        known.filter(|known| known.detail_at.is_none_or(|read| read <= at)).map(|mut known| {
                            known.history.commits = Some(commits);
                            let linked = std::mem::replace(&mut known.history.items, items);
                            for item in linked {
                                if !known.history.items.contains(&item) {
                                    known.history.items.push(item);
                                }
                            }
                            known.history.files = files.or(known.history.files);
                            known.history.iterations = iterations.or(known.history.iterations);
                            known.detail_at = Some(at);
                            known
                        })
                    }
                };
                if let Some(known) = news {
                    keep(writing.conn(), project, &known, &rules).await?;
                    changed.push((known.history.repository, known.history.number));
                }
            }
            changed.sort_unstable();
            changed.dedup();
            self.finish_page(writing, project, page).await?;
            Ok(changed)
        })
        .await
    }

    /// Pull requests of which a part was never read, or not since a list said something new: active ones first, then the newest.
    pub async fn histories_wanting(&self, project: ProjectId, due: Due) -> Result<Vec<(RepositoryId, i64)>> {
        self.attempt("read which pull requests are to be read", async {
            let rows = sqlx::query(WANTING).bind(project.0).bind(due.bit()).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(|row| Ok((RepositoryId(row.int("repository")?), row.int("number")?))).collect()
        })
        .await
    }

    /// The active pull requests, the one whose threads were read longest ago first.
    pub async fn histories_active(&self, project: ProjectId) -> Result<Vec<ActiveHistory>> {
        self.attempt("read the active pull requests", async {
            let rows = sqlx::query(ACTIVE).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(active).collect()
        })
        .await
    }

    /// All that is known of the past of a pull request.
    pub async fn pull_request_history(&self, repository: RepositoryId, number: i64) -> Result<Option<History>> {
        self.attempt(format!("read the past of pull request {number}"), async {
            let row = sqlx::query(HISTORY).bind(repository.0).bind(number).fetch_optional(&mut *self.reader().await?).await?;
            row.map(|row| row.json("history")).transpose()
        })
        .await
    }

    /// The flow of a pull request.
    pub async fn flow(&self, repository: RepositoryId, number: i64) -> Result<Option<Flow>> {
        self.attempt(format!("read the flow of pull request {number}"), async {
            let row = sqlx::query(FLOW).bind(repository.0).bind(number).fetch_optional(&mut *self.reader().await?).await?;
            row.map(|row| flow_line::read(row.borrowed("line")?)).transpose()
        })
        .await
    }

    /// The flows of pull requests that were closed since then or are still open; in the order of their ends, open ones last.
    pub async fn flow_rows(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Flow>> {
        self.attempt("read the flows of pull requests", async {
            let rows = sqlx::query(FLOWS).bind(project.0).bind(since.as_millisecond()).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(|row| flow_line::read(row.borrowed("line")?)).collect()
        })
        .await
    }

    /// Takes on rules, and makes again what was made with others; how many flows that were.
    pub async fn refresh_flows(&self, rules: &Rules) -> Result<u64> {
        const AT_ONCE: i64 = 200;
        self.set_flow_rules(rules);
        let rules = self.flow_rules();
        self.attempt("make flows again with other rules", async {
            let mut made = 0;
            loop {
                let mut writing = self.writing_on(Hold::Shared).await?;
                let rows = sqlx::query(OTHER_RULES).bind(&*rules.1).bind(AT_ONCE).fetch_all(writing.conn()).await?;
                if rows.is_empty() {
                    return Ok(made);
                }
                let mut projects: Vec<ProjectId> = Vec::new();
                for row in &rows {
                    projects.push(ProjectId(row.int("project")?));
                }
                projects.dedup();
                self.hold_too(&mut writing, Hold::Projects(&projects)).await?;
                let before = made;
                for row in &rows {
                    let (repository, number) = (RepositoryId(row.int("repository")?), row.int("number")?);
                    if let Some(known) = find(writing.conn(), repository, number).await? {
                        keep(writing.conn(), ProjectId(row.int("project")?), &known, &rules).await?;
                        made += 1;
                    }
                }
                for project in projects {
                    writing.announce(Change::Facts(project));
                }
                self.commit(writing).await?;
                if made == before {
                    return Ok(made);
                }
            }
        })
        .await
    }
}
