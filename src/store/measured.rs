//! Everything that figures of a query rest on, read in one state of the store.
//!
//! What there is much of (stages, flows, tips, runs) comes as lines that the database hands out many in a value, and is taken apart on
//! other threads while the next values are read. Rows of the asked-for projects are complete: who asks for less narrows it down itself,
//! except for what hangs on work items, which is counted here: of the repository asked for, and of those that the service deploys.
//! Limits: as far back as [`LOOK_BACK`] before the window that precedes the query's, up to now.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Row as _};
use tokio::task::JoinHandle;

use super::column::Columns as _;
use super::connect::Engine;
use super::error::{Error, Result, Trouble};
use super::line::Fields;
use super::production::{kinds, list};
use super::sources::{self, collection_of};
use super::{Store, approvals, commits, flow_line, linkage, sqlite, stage_rows};
use crate::domain::collection::{Collection, SourceState};
use crate::domain::id::{ObjectId, ProjectId, RepositoryId};
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::run::DefinitionKind;
use crate::metrics::input::{Compare, Input, Linkage, MeasuredProject, Run, StageKind};
use crate::metrics::production::{KindKey, Wanted};
use crate::metrics::query::{Query, ServiceId};

/// How far before the two windows rows are read: for what was merged long before it was deployed, and for recoveries.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The lines of each listed number, as one value a number: one value of all of them would be copied again and again as it grows.
macro_rules! lines {
    ($line:literal, $rest:literal) => {
        concat!("SELECT (SELECT string_agg(", $line, ", '\n') FROM ", $rest, ") AS lines FROM json_each($1) j")
    };
}

macro_rules! lines_on_server {
    ($line:literal, $rest:literal) => {
        concat!(
            "SELECT (SELECT string_agg(",
            $line,
            ", '\n') FROM ",
            $rest,
            ") AS lines FROM (SELECT CAST(value AS BIGINT) AS value FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) AS j"
        )
    };
}

sqlite_queries! {
    /// And of each kind the last one before.
    STAGES = lines!("s.line", "stage_runs s WHERE s.stage_kind = j.value AND s.ended_at >= coalesce((SELECT max(b.ended_at) \
        FROM stage_runs b WHERE b.stage_kind = j.value AND b.ended_at < $2), $2)");
    FLOWS = lines!("f.line", "flows f WHERE f.project = j.value AND f.ended_at >= $2");
    TIPS = lines!("p.line", "repositories r CROSS JOIN pushes p WHERE r.project = j.value AND p.repository = r.id \
        AND p.branch = r.default_branch AND p.at >= $2");
    COMPARES = "SELECT c.repository, c.base, c.head, c.commits FROM json_each($1) j CROSS JOIN repositories r \
        CROSS JOIN compares c WHERE r.project = j.value AND c.repository = r.id";
}

postgres_queries! {
    STAGES_ON_SERVER = lines_on_server!("s.line", "stage_runs s WHERE s.stage_kind = j.value AND s.ended_at >= coalesce((SELECT \
        max(b.ended_at) FROM stage_runs b WHERE b.stage_kind = j.value AND b.ended_at < $2), $2)");
    FLOWS_ON_SERVER = lines_on_server!("f.line", "flows f WHERE f.project = j.value AND f.ended_at >= $2");
    TIPS_ON_SERVER = lines_on_server!("p.line", "repositories r CROSS JOIN pushes p WHERE r.project = j.value \
        AND p.repository = r.id AND p.branch = r.default_branch AND p.at >= $2");
    COMPARES_ON_SERVER = "SELECT c.repository, c.base, c.head, c.commits FROM repositories r JOIN compares c ON c.repository = r.id \
        WHERE r.project IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)))";
}

queries! {
    PROJECTS = "SELECT p.id, p.name, CASE WHEN p.removed_at IS NULL THEN 0 ELSE 1 END AS removed, s.source, s.covers_from, s.done, s.total, \
        s.backfilled_at, s.synced_at, s.attempted_at, s.failed, s.refused FROM projects p LEFT JOIN sync_sources s ON s.project = p.id \
        ORDER BY p.name, p.id";
    REPOSITORIES = "SELECT id, project, name, default_branch, disabled FROM repositories ORDER BY id";
    OF_STAGES = "SELECT DISTINCT repository FROM stage_runs WHERE stage_kind = $1 AND ended_at >= $2 AND repository IS NOT NULL";
    OF_RUNS = "SELECT DISTINCT repository FROM builds WHERE project = $1 AND definition = $2 AND (finished_at >= $3 OR finished_at IS NULL) \
        AND repository IS NOT NULL";
    /// Runs of a definition as lines; `unfinished` ones whenever they were.
    RUNS = "SELECT string_agg(concat_ws('\x1f', number, coalesce(result, ''), coalesce(CAST(started_at AS TEXT), ''), \
        coalesce(CAST(finished_at AS TEXT), ''), coalesce(sha, ''), coalesce(CAST(repository AS TEXT), ''), \
        replace(coalesce(branch, ''), '\n', ''), tags), '\n') AS lines FROM builds \
        WHERE project = $1 AND definition = $2 AND (finished_at >= $3 OR finished_at IS NULL)";
}

/// Tells SQLite how a connection is to get at pages.
async fn tune(conn: &mut AnyConnection, engine: Engine, sql: &'static str) -> Result<()> {
    if engine == Engine::Sqlite {
        sqlx::raw_sql(sql).execute(conn).await?;
    }
    Ok(())
}

fn lines_of(row: &sqlx::any::AnyRow) -> Result<String> {
    let text: Option<String> = row.try_get("lines")?;
    Ok(text.unwrap_or_default())
}

/// Bytes of lines that are worth a thread of their own.
const PORTION: usize = 1024 * 1024;

/// Lines that are taken apart on threads that may be busy for long.
struct Parsing<T, R> {
    read: R,
    waiting: Vec<String>,
    waiting_bytes: usize,
    portions: Vec<JoinHandle<Result<Vec<T>>>>,
}

impl<T: Send + 'static, R: Fn(&str) -> Result<T> + Clone + Send + 'static> Parsing<T, R> {
    fn new(read: R) -> Self {
        Self { read, waiting: Vec::new(), waiting_bytes: 0, portions: Vec::new() }
    }

    /// Reads the lines of all listed numbers.
    async fn of(conn: &mut AnyConnection, sql: &'static str, numbers: &str, since_ms: i64, read: R) -> Result<Self> {
        let mut parsing = Self::new(read);
        let mut rows = sqlx::query(sql).bind(numbers.to_owned()).bind(since_ms).fetch(conn);
        while let Some(row) = rows.try_next().await? {
            parsing.take(lines_of(&row)?);
        }
        parsing.begin();
        Ok(parsing)
    }

    fn take(&mut self, lines: String) {
        self.waiting_bytes += lines.len();
        self.waiting.push(lines);
        if self.waiting_bytes >= PORTION {
            self.begin();
        }
    }

    fn begin(&mut self) {
        let (lines, read) = (std::mem::take(&mut self.waiting), self.read.clone());
        if std::mem::take(&mut self.waiting_bytes) > 0 {
            let lines_in = move || lines.iter().flat_map(|lines| lines.split('\n')).filter(|line| !line.is_empty()).map(read).collect();
            self.portions.push(tokio::task::spawn_blocking(lines_in));
        }
    }

    /// All of them, in the order in which they came.
    async fn end(mut self) -> Result<Vec<T>> {
        self.begin();
        let mut portions = Vec::with_capacity(self.portions.len());
        for portion in self.portions {
            let stopped = |stopped| Error::trouble(Trouble::Other(format!("the lines were not read to their end: {stopped}")));
            portions.push(portion.await.map_err(stopped)??);
        }
        let mut all = Vec::with_capacity(portions.iter().map(Vec::len).sum());
        portions.into_iter().for_each(|portion| all.extend(portion));
        Ok(all)
    }
}

fn run_of_line(project: ProjectId, definition: i64, line: &str) -> Result<Run> {
    let mut fields = Fields::of(line);
    Ok(Run {
        project,
        definition,
        number: fields.int()?,
        result: fields.maybe_word()?,
        started_at: fields.maybe_at()?,
        finished_at: fields.maybe_at()?,
        sha: fields.maybe_text()?.map(ObjectId::new),
        repository: fields.maybe_int()?.map(RepositoryId),
        branch: fields.maybe_text()?.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned()),
        tags: match fields.maybe_text()? {
            None | Some("[]") => Vec::new(),
            Some(tags) => serde_json::from_str(tags).map_err(|error| Error::unreadable(format!("tags of a run: {error}")))?,
        },
    })
}

/// The projects of a query with their collections: those asked for, else all on the board that are measured.
async fn projects_of(conn: &mut AnyConnection, query: &Query) -> Result<Vec<(ProjectId, String, Collection)>> {
    let mut projects: Vec<(ProjectId, String, Vec<SourceState>, bool)> = Vec::new();
    for row in sqlx::query(PROJECTS).fetch_all(conn).await? {
        let id = ProjectId(row.int("id")?);
        if projects.last().is_none_or(|(last, ..)| *last != id) {
            projects.push((id, row.text("name")?, Vec::new(), row.flag("removed")?));
        }
        if row.maybe_text("source")?.is_some()
            && let Some((_, _, sources, _)) = projects.last_mut()
        {
            sources.push(sources::read(&row)?);
        }
    }
    projects.retain(|(id, _, sources, is_removed)| match query.projects.as_slice() {
        [] => !sources.is_empty() && !is_removed,
        asked => asked.contains(id),
    });
    Ok(projects.into_iter().map(|(id, name, sources, _)| (id, name, collection_of(sources))).collect())
}

/// The repositories that the query's service deploys, as what is wanted of it tells.
async fn of_service(
    conn: &mut AnyConnection,
    service: &ServiceId,
    wanted: &Wanted,
    keys: &HashMap<KindKey, i64>,
    since_ms: i64,
) -> Result<BTreeSet<RepositoryId>> {
    let mut found = BTreeSet::new();
    let is_of = |key: &&KindKey| (key.project, key.kind, key.definition) == (service.project, service.kind, service.definition);
    for kind in wanted.kinds.iter().filter(is_of).filter_map(|key| keys.get(key)) {
        let repositories: Vec<i64> = sqlx::query_scalar(OF_STAGES).bind(*kind).bind(since_ms).fetch_all(&mut *conn).await?;
        found.extend(repositories.into_iter().map(RepositoryId));
    }
    if service.kind == DefinitionKind::Pipeline && wanted.runs.contains(&(service.project, service.definition)) {
        let query = sqlx::query_scalar(OF_RUNS).bind(service.project.0).bind(service.definition).bind(since_ms);
        let repositories: Vec<i64> = query.fetch_all(&mut *conn).await?;
        found.extend(repositories.into_iter().map(RepositoryId));
    }
    Ok(found)
}

/// How much of it to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Everything,
    /// What was deployed, and where that stands on its line: no pull requests, no work items.
    Deployments,
}

impl Store {
    /// Reads what figures of a query rest on; `wanted` says which kinds of stages and whose runs, as `metrics::production::wanted` makes
    /// it of [`Store::stage_kinds`].
    pub async fn metric_input(&self, query: &Query, wanted: &Wanted) -> Result<Input> {
        self.attempt("read what figures rest on", self.read_input(query, wanted, Extent::Everything)).await
    }

    /// The part of [`Store::metric_input`] that `metrics::off_line` needs: neither pull requests nor anything about work items.
    pub async fn deployment_input(&self, query: &Query, wanted: &Wanted) -> Result<Input> {
        self.attempt("read what was deployed", self.read_input(query, wanted, Extent::Deployments)).await
    }

    async fn read_input(&self, query: &Query, wanted: &Wanted, extent: Extent) -> Result<Input> {
        let since = query.window.previous().from.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let since_ms = since.as_millisecond();
        let mut snapshot = self.snapshot().await?;
        let conn: &mut AnyConnection = &mut snapshot;
        let engine = self.engine();
        // Who is cancelled leaves it so, until figures are read over that connection again.
        tune(&mut *conn, engine, sqlite::FOR_FIGURES).await?;
        let on = |sqlite: &'static str, server: &'static str| match engine {
            Engine::Sqlite => sqlite,
            Engine::Postgres => server,
        };
        let projects = projects_of(&mut *conn, query).await?;
        let ids: Vec<ProjectId> = projects.iter().map(|(id, ..)| *id).collect();
        let all = list(ids.iter().map(|id| id.0));

        let flows = match extent {
            Extent::Everything => Parsing::of(&mut *conn, on(FLOWS, FLOWS_ON_SERVER), &all, since_ms, flow_line::read).await?,
            Extent::Deployments => Parsing::new(flow_line::read),
        };
        let authors = commits::Authors::new(&query.rules);
        let of_tip = move |line: &str| commits::tip_of_line(line, &authors);
        let tips = Parsing::of(&mut *conn, on(TIPS, TIPS_ON_SERVER), &all, since_ms, of_tip).await?;

        let kinds = kinds(&mut *conn, engine, &ids).await?;
        let keys: HashMap<KindKey, i64> = kinds.iter().filter(|(id, _)| *id != 0).map(|(id, kind)| (KindKey::of(kind), *id)).collect();
        let stage_kinds = list(wanted.kinds.iter().filter_map(|key| keys.get(key)).copied());
        let by_id: Arc<HashMap<i64, StageKind>> = Arc::new(kinds.iter().cloned().collect());
        let of_line = move |line: &str| stage_rows::of_line(line, &by_id);
        let stages = Parsing::of(&mut *conn, on(STAGES, STAGES_ON_SERVER), &stage_kinds, since_ms, of_line).await?;

        let mut runs = Vec::new();
        for (project, definition) in wanted.runs.iter().filter(|(project, _)| ids.contains(project)).copied() {
            let row = sqlx::query(RUNS).bind(project.0).bind(definition).bind(since_ms).fetch_one(&mut *conn).await?;
            let mut parsing = Parsing::new(move |line: &str| run_of_line(project, definition, line));
            parsing.take(lines_of(&row)?);
            parsing.begin();
            runs.push(parsing);
        }

        let (mut repositories, mut disabled) = (Vec::new(), HashSet::new());
        for row in sqlx::query(REPOSITORIES).fetch_all(&mut *conn).await? {
            let (id, project) = (RepositoryId(row.int("id")?), ProjectId(row.int("project")?));
            if row.flag("disabled")? {
                disabled.insert(id);
            }
            if ids.contains(&project) {
                repositories.push((id, project, row.text("name")?, row.maybe_text("default_branch")?));
            }
        }
        let mut compares = Vec::new();
        for row in sqlx::query(on(COMPARES, COMPARES_ON_SERVER)).bind(&*all).fetch_all(&mut *conn).await? {
            compares.push(Compare {
                repository: RepositoryId(row.int("repository")?),
                base: ObjectId::new(row.borrowed("base")?),
                head: ObjectId::new(row.borrowed("head")?),
                commits: row.json("commits")?,
            });
        }
        let mut approvals = approvals::knowledge(&mut *conn).await?;
        let incidents = match extent {
            Extent::Everything => linkage::incidents(&mut *conn, engine, &ids, &query.rules).await?,
            Extent::Deployments => Vec::new(),
        };
        let mut flows = flows.end().await?;
        // What is open in a repository that is gone or disabled, nobody can close any more.
        flows.retain(|flow| flow.status != PullRequestStatus::Active || !disabled.contains(&flow.repository));
        let mut linked = Linkage::default();
        if extent == Extent::Everything {
            let mut asked: BTreeSet<RepositoryId> = repositories.iter().map(|(id, ..)| *id).collect();
            asked.retain(|id| query.repository.is_none_or(|only| only == *id));
            if let Some(service) = &query.service {
                let of_it = of_service(&mut *conn, service, wanted, &keys, since_ms).await?;
                asked.retain(|id| of_it.contains(id));
            }
            linked = linkage::of(&mut *conn, engine, &ids, &asked, query, &flows).await?;
        }
        tune(&mut *conn, engine, sqlite::AS_USUAL).await?;
        snapshot.rollback().await?;

        let mut tips = tips.end().await?;
        tips.sort_by_key(|tip| (tip.repository, tip.push));
        let mut whole_runs = Vec::new();
        for parsing in runs {
            whole_runs.extend(parsing.end().await?);
        }
        let projects = projects.into_iter().map(|(id, name, collection)| MeasuredProject {
            incident_source: linkage::source_of(id, &incidents, &query.rules),
            approvals: approvals.remove(&id).unwrap_or_default(),
            id,
            name,
            collection,
        });
        Ok(Input {
            projects: projects.collect(),
            repositories,
            kinds: kinds.into_iter().map(|(_, kind)| kind).collect(),
            stages: stages.end().await?,
            runs: whole_runs,
            flows,
            tips,
            incidents: incidents
                .into_iter()
                .filter(|one| one.created_at >= since || one.resolved_at.is_none_or(|at| at >= since))
                .collect(),
            compares,
            linkage: linked,
        })
    }
}
