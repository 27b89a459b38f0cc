//! What is known of the past of each pull request, merged from lists, threads and details, and the flow that figures are made from.
//!
//! The runs that check the merge of a pull request are kept as runs; its flow follows them.
//!
//! Each part has the time at which it was asked for: an older answer changes nothing. A completed pull request stays completed.
//! [`metrics::flow`](crate::metrics) has the rules; the store only keeps what they say, and under which rules.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::batch;
use super::column::{Columns, Word, flag, json};
use super::error::Result;
use super::hold::Hold;
use super::ingest::stranger;
use super::sources::PageDone;
use super::stage_rows::NOT_ENDED;
use super::{Store, approvals, flow_line, projects, repositories};
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::run::RunStatus;
use crate::metrics;
use crate::metrics::approvals::Approvals;
use crate::metrics::input::{Actor, ChangeCommit, Flow, Happening, History, Required, Segment, Validation};
use crate::metrics::query::Rules;

/// A part of what is known of a pull request. Threads and details are as old as their `at`.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a page of them at most, and not for long")]
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
        iterations: Option<u32>,
        at: Timestamp,
    },
    /// How many files it changes, as of that commit of its source branch.
    Files { repository: RepositoryId, number: i64, source: ObjectId, files: u32 },
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
    format!("{}:{}", flow_line::VERSION, metrics::flow::rules_name(rules))
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
    OTHER_RULES = "SELECT repository, number FROM flows WHERE project = $1 AND rules <> $2 ORDER BY repository, number LIMIT $3";
    OF_PROJECTS = "SELECT DISTINCT project FROM flows ORDER BY project";
    /// Runs that checked the merge of a pull request.
    VALIDATIONS = "SELECT number, status, queued_at, started_at, finished_at FROM builds WHERE repository = $1 AND pull_request = $2 \
        ORDER BY number";
    SET_LINE = "UPDATE flows SET line = $3 WHERE repository = $1 AND number = $2 AND line <> $3";
    PROJECT_OF = "SELECT project FROM repositories WHERE id = $1";
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

/// What is due to be read: never read, or something was new since.
fn due(known: &Known, flow: &Flow) -> i64 {
    if flow.segment == Segment::Bot {
        return 0;
    }
    let since = |read: Option<Timestamp>| read.is_none_or(|read| read < known.changed_at);
    let bit = |part: Due, read| if since(read) { part.bit() } else { 0 };
    // The commits of what never reached a branch say nothing about delivery: a call each that is better spent.
    let detail = if flow.status == PullRequestStatus::Abandoned { 0 } else { bit(Due::Detail, known.detail_at) };
    bit(Due::Threads, known.threads_at) | detail
}

/// The rules of a project's flows: its branches want approvals of their own.
fn name_in(name: &str, approvals: &Approvals) -> String {
    match approvals.name() {
        own if own.is_empty() => name.to_owned(),
        own => format!("{name}\u{1e}{own}"),
    }
}

/// Puts in what is not kept with a history: what its branch wants, and the runs that checked its merge.
async fn complete(conn: &mut AnyConnection, history: &mut History, approvals: &Approvals) -> Result<()> {
    history.wanted = approvals.wanted(history.repository, &history.target_branch);
    let rows = sqlx::query(VALIDATIONS).bind(history.repository.0).bind(history.number).fetch_all(conn).await?;
    history.validations = rows.iter().map(validation).collect::<Result<_>>()?;
    Ok(())
}

fn validation(row: &AnyRow) -> Result<Validation> {
    Ok(Validation {
        run: row.int("number")?,
        queued_at: row.maybe_instant("queued_at")?.or(row.maybe_instant("started_at")?),
        finished_at: row.maybe_instant("finished_at")?,
        goes_on: row.word::<RunStatus>("status")? != RunStatus::Completed,
    })
}

/// Makes the flows of pull requests again of which runs that check their merges changed.
pub(super) async fn follow_validations(
    conn: &mut AnyConnection,
    project: ProjectId,
    checked: &BTreeSet<(RepositoryId, i64)>,
    rules: &(Rules, String),
) -> Result<()> {
    if checked.is_empty() {
        return Ok(());
    }
    let approvals = approvals::of(&mut *conn, project).await?;
    for (repository, number) in checked {
        // What no list has named yet gets its flow when one does.
        let Some(Known { mut history, .. }) = find(&mut *conn, *repository, *number).await? else { continue };
        complete(&mut *conn, &mut history, &approvals).await?;
        let line = flow_line::write(&metrics::flow::of(&history, &rules.0));
        sqlx::query(SET_LINE).bind(repository.0).bind(*number).bind(line).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Keeps histories with their flows. Each occurs once.
async fn keep(conn: &mut AnyConnection, project: ProjectId, mut known: Vec<Known>, rules: &(Rules, String)) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let approvals = approvals::of(&mut *conn, project).await?;
    let name = name_in(&rules.1, &approvals);
    for Known { history, .. } in &mut known {
        complete(&mut *conn, history, &approvals).await?;
    }
    let known = known.as_slice();
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    batch::put(&mut *conn, PUT_FLOW, known, |query, known| {
        let history = &known.history;
        let flow = metrics::flow::of(history, &rules.0);
        let closed_at = history.closed_at.filter(|_| history.status != PullRequestStatus::Active);
        Ok(query
            .bind(history.repository.0)
            .bind(history.number)
            .bind(project.0)
            .bind(history.status.to_word())
            .bind(history.created_at.as_millisecond())
            .bind(millis(closed_at).unwrap_or(NOT_ENDED))
            .bind(known.listed_at.as_millisecond())
            .bind(known.changed_at.as_millisecond())
            .bind(millis(known.threads_at))
            .bind(millis(known.detail_at))
            .bind(flag(flow.segment != Segment::Bot))
            .bind(due(known, &flow))
            .bind(name.clone())
            .bind(flow_line::write(&flow)))
    })
    .await?;
    batch::put(conn, PUT_HISTORY, known, |query, known| {
        Ok(query.bind(known.history.repository.0).bind(known.history.number).bind(json(&known.history)?))
    })
    .await?;
    Ok(())
}

/// What a page works on: each pull request is read once and written once, however often the page tells of it.
#[derive(Default)]
struct Table {
    rows: BTreeMap<(RepositoryId, i64), Option<Known>>,
    /// Those of which something is new.
    new: BTreeSet<(RepositoryId, i64)>,
    /// Those that a list only named again.
    touched: BTreeSet<(RepositoryId, i64)>,
}

impl Table {
    async fn row(&mut self, conn: &mut AnyConnection, repository: RepositoryId, number: i64) -> Result<&mut Option<Known>> {
        Ok(match self.rows.entry((repository, number)) {
            Entry::Occupied(row) => row.into_mut(),
            Entry::Vacant(row) => row.insert(find(conn, repository, number).await?),
        })
    }

    async fn list(&mut self, conn: &mut AnyConnection, repository: RepositoryId, fact: &fact::PullRequest, at: Timestamp) -> Result<()> {
        let row = self.row(conn, repository, fact.number).await?;
        let Some((known, is_new)) = take_in_list(repository, fact, row.as_ref(), at) else { return Ok(()) };
        *row = Some(known);
        let set = if is_new { &mut self.new } else { &mut self.touched };
        set.insert((repository, fact.number));
        Ok(())
    }

    /// Changes a part of a pull request that is known, where `at` is not before the last time that it was read.
    async fn change(
        &mut self,
        conn: &mut AnyConnection,
        (repository, number): (RepositoryId, i64),
        part: Due,
        at: Timestamp,
        change: impl FnOnce(&mut History),
    ) -> Result<()> {
        let Some(known) = self.row(conn, repository, number).await? else { return Ok(()) };
        let read_at = match part {
            Due::Threads => &mut known.threads_at,
            Due::Detail => &mut known.detail_at,
        };
        if read_at.is_some_and(|read| read > at) {
            return Ok(());
        }
        *read_at = Some(at);
        change(&mut known.history);
        self.new.insert((repository, number));
        Ok(())
    }

    /// Notes how many files a pull request changes, where `source` is still what was last pushed to it.
    async fn count(&mut self, conn: &mut AnyConnection, key: (RepositoryId, i64), source: &ObjectId, files: u32) -> Result<()> {
        if let Some(known) = self.row(conn, key.0, key.1).await?
            && known.history.source_commit.as_ref() == Some(source)
        {
            known.history.files = Some(files);
            self.new.insert(key);
        }
        Ok(())
    }

    /// Writes what is new; which pull requests that was.
    async fn write(mut self, conn: &mut AnyConnection, project: ProjectId, rules: &(Rules, String)) -> Result<Vec<(RepositoryId, i64)>> {
        for key in self.touched.difference(&self.new) {
            if let Some(Some(known)) = self.rows.get(key) {
                let touch = sqlx::query(TOUCH).bind(key.0.0).bind(key.1).bind(known.listed_at.as_millisecond());
                touch.execute(&mut *conn).await?;
            }
        }
        let new: Vec<Known> = self.new.iter().filter_map(|key| self.rows.remove(key).flatten()).collect();
        keep(conn, project, new, rules).await?;
        Ok(self.new.into_iter().collect())
    }
}

fn actor(identity: &crate::domain::person::Identity, is_group: bool) -> Actor {
    Actor { id: identity.id.clone(), name: identity.display_name.clone(), unique_name: identity.unique_name.clone(), is_group }
}

/// A history with what a list says, and what was known besides.
fn listed(repository: RepositoryId, fact: &fact::PullRequest, known: Option<&History>) -> History {
    let required = |required: bool| if required { Required::Required } else { Required::Optional };
    // Counted for what was last pushed.
    let files = known.filter(|known| known.source_commit == fact.source_commit).and_then(|known| known.files);
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
        files,
        wanted: Vec::new(),
        validations: Vec::new(),
    }
}

/// Takes a list's row in: what is known then, and whether the row says something new. Nothing where it is older than what is known.
fn take_in_list(repository: RepositoryId, fact: &fact::PullRequest, known: Option<&Known>, at: Timestamp) -> Option<(Known, bool)> {
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
    Some((Known { history, listed_at: at, changed_at, threads_at: known.threads_at, detail_at: known.detail_at }, is_new))
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

/// What became of the links between pull requests and work items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemChange {
    Hung,
    Taken,
}

/// Follows links in what pull requests are known to hang on.
pub(super) async fn change_items(
    conn: &mut AnyConnection,
    project: ProjectId,
    items: impl Iterator<Item = ((RepositoryId, i64), i64)>,
    change: ItemChange,
    rules: &(Rules, String),
) -> Result<()> {
    let mut table = Table::default();
    for ((repository, number), item) in items {
        let Some(known) = table.row(&mut *conn, repository, number).await? else { continue };
        let hangs = known.history.items.contains(&item);
        match change {
            ItemChange::Hung if !hangs => known.history.items.push(item),
            ItemChange::Taken if hangs => known.history.items.retain(|other| *other != item),
            ItemChange::Hung | ItemChange::Taken => continue,
        }
        table.new.insert((repository, number));
    }
    table.write(conn, project, rules).await.map(|_| ())
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
            let mut table = Table::default();
            for update in updates {
                match update {
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
                        table.list(writing.conn(), repository, &fact, at).await?;
                    }
                    HistoryUpdate::Threads { repository, number, happenings, actors, at } => {
                        let change = |history: &mut History| {
                            history.happenings = Some(happenings);
                            history.actors = actors;
                        };
                        table.change(writing.conn(), (repository, number), Due::Threads, at, change).await?;
                    }
                    HistoryUpdate::Detail { repository, number, commits, items, iterations, at } => {
                        let change = |history: &mut History| {
                            history.commits = Some(commits);
                            let linked = std::mem::replace(&mut history.items, items);
                            for item in linked {
                                if !history.items.contains(&item) {
                                    history.items.push(item);
                                }
                            }
                            history.iterations = iterations.or(history.iterations);
                        };
                        table.change(writing.conn(), (repository, number), Due::Detail, at, change).await?;
                    }
                    HistoryUpdate::Files { repository, number, source, files } => {
                        table.count(writing.conn(), (repository, number), &source, files).await?;
                    }
                }
            }
            let changed = table.write(writing.conn(), project, &rules).await?;
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
            let mut reader = self.reader().await?;
            let row = sqlx::query(HISTORY).bind(repository.0).bind(number).fetch_optional(&mut *reader).await?;
            let Some(mut history) = row.map(|row| row.json::<History>("history")).transpose()? else { return Ok(None) };
            let project: i64 = sqlx::query_scalar(PROJECT_OF).bind(repository.0).fetch_one(&mut *reader).await?;
            let approvals = approvals::of(&mut reader, ProjectId(project)).await?;
            complete(&mut reader, &mut history, &approvals).await?;
            Ok(Some(history))
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
        self.set_flow_rules(rules);
        self.attempt("make flows again with other rules", async {
            let projects = sqlx::query(OF_PROJECTS).fetch_all(&mut *self.reader().await?).await?;
            let mut made = 0;
            for row in projects {
                made += refresh(self, ProjectId(row.int("project")?)).await?;
            }
            Ok(made)
        })
        .await
    }
}

/// Makes those flows of a project again that were made with other rules than today's, so many in a transaction; how many they were.
pub(super) async fn refresh(store: &Store, project: ProjectId) -> Result<u64> {
    const AT_ONCE: i64 = 200;
    let rules = store.flow_rules();
    let mut made = 0;
    loop {
        // Looked for first: mostly there are none, and a write would hold everybody else up.
        let mut reader = store.reader().await?;
        let name = name_in(&rules.1, &approvals::of(&mut reader, project).await?);
        let rows = sqlx::query(OTHER_RULES).bind(project.0).bind(&*name).bind(AT_ONCE).fetch_all(&mut *reader).await?;
        drop(reader);
        if rows.is_empty() {
            return Ok(made);
        }
        let mut writing = store.writing_on(Hold::Project(project)).await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in &rows {
            known.extend(find(writing.conn(), RepositoryId(row.int("repository")?), row.int("number")?).await?);
        }
        let found = known.len() as u64;
        keep(writing.conn(), project, known, &rules).await?;
        writing.announce(Change::Facts(project));
        store.commit(writing).await?;
        made += found;
        if found == 0 {
            return Ok(made);
        }
    }
}
