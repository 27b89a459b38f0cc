//! Everything that figures of a query rest on, read in one state of the store.
//!
//! What there is much of (stages, flows, tips, runs) comes as lines that the database hands out in one value, and is taken apart on
//! another thread while the next value is read. Rows of the asked-for projects are complete: who asks for less narrows it down itself.
//! Limits: as far back as [`LOOK_BACK`] before the window that precedes the query's, up to now.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Row as _};
use tokio::task::JoinHandle;

use super::column::Columns as _;
use super::connect::Engine;
use super::error::{Error, Result, Trouble};
use super::line::Fields;
use super::production::{kinds, list};
use super::sources::{self, collection_of};
use super::{Store, commits, flow_line, linkage, stage_rows};
use crate::domain::collection::{Collection, SourceState};
use crate::domain::id::{ObjectId, ProjectId, RepositoryId};
use crate::metrics::input::{Compare, Flow, Input, MeasuredProject, Run, StageKind, StageRun, Tip};
use crate::metrics::production::{KindKey, Wanted};
use crate::metrics::query::Query;

/// How far before the two windows rows are read: for what was merged long before it was deployed, and for recoveries.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The lines of rows of the listed numbers, as one value.
macro_rules! lines {
    ($line:literal, $rest:literal) => {
        concat!("SELECT string_agg(", $line, ", '\n') AS lines FROM json_each($1) j CROSS JOIN ", $rest)
    };
}

macro_rules! lines_on_server {
    ($line:literal, $rest:literal) => {
        concat!(
            "SELECT string_agg(",
            $line,
            ", '\n') AS lines FROM (SELECT CAST(value AS BIGINT) AS value FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))) AS j \
             CROSS JOIN ",
            $rest
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
    STAGES_ON_SERVER = lines_on_server!("s.line", "LATERAL (SELECT coalesce((SELECT max(b.ended_at) FROM stage_runs b \
        WHERE b.stage_kind = j.value AND b.ended_at < $2), $2) AS since) AS w JOIN stage_runs s ON s.stage_kind = j.value \
        AND s.ended_at >= w.since");
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
    REPOSITORIES = "SELECT id, project, name, default_branch FROM repositories ORDER BY id";
    /// Runs of a definition as lines; `unfinished` ones whenever they were.
    RUNS = "SELECT string_agg(concat_ws('\x1f', number, coalesce(result, ''), coalesce(CAST(started_at AS TEXT), ''), \
        coalesce(CAST(finished_at AS TEXT), ''), coalesce(sha, ''), coalesce(CAST(repository AS TEXT), ''), \
        replace(coalesce(branch, ''), '\n', '')), '\n') AS lines FROM builds \
        WHERE project = $1 AND definition = $2 AND (finished_at >= $3 OR finished_at IS NULL)";
}

fn lines_of(row: &sqlx::any::AnyRow) -> Result<String> {
    let text: Option<String> = row.try_get("lines")?;
    Ok(text.unwrap_or_default())
}

/// Takes lines apart on a thread that may be busy for long.
fn parse<T: Send + 'static>(lines: String, read: impl Fn(&str) -> Result<T> + Send + 'static) -> JoinHandle<Result<Vec<T>>> {
    tokio::task::spawn_blocking(move || lines.split('\n').filter(|line| !line.is_empty()).map(read).collect())
}

async fn parsed<T>(task: JoinHandle<Result<Vec<T>>>) -> Result<Vec<T>> {
    task.await.map_err(|stopped| Error::trouble(Trouble::Other(format!("the lines were not read to their end: {stopped}"))))?
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

impl Store {
    /// Reads what figures of a query rest on; `wanted` says which kinds of stages and whose runs, as `metrics::production::wanted` makes
    /// it of [`Store::stage_kinds`].
    pub async fn metric_input(&self, query: &Query, wanted: &Wanted) -> Result<Input> {
        self.attempt("read what figures rest on", self.read_input(query, wanted)).await
    }

    async fn read_input(&self, query: &Query, wanted: &Wanted) -> Result<Input> {
        let since = query.window.previous().from.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let since_ms = since.as_millisecond();
        let mut snapshot = self.snapshot().await?;
        let conn: &mut AnyConnection = &mut snapshot;
        let engine = self.engine();
        let on = |sqlite: &'static str, server: &'static str| match engine {
            Engine::Sqlite => sqlite,
            Engine::Postgres => server,
        };
        let projects = projects_of(&mut *conn, query).await?;
        let ids: Vec<ProjectId> = projects.iter().map(|(id, ..)| *id).collect();
        let all = list(ids.iter().map(|id| id.0));

        let row = sqlx::query(on(FLOWS, FLOWS_ON_SERVER)).bind(&*all).bind(since_ms).fetch_one(&mut *conn).await?;
        let flows: JoinHandle<Result<Vec<Flow>>> = parse(lines_of(&row)?, flow_line::read);
        let row = sqlx::query(on(TIPS, TIPS_ON_SERVER)).bind(&*all).bind(since_ms).fetch_one(&mut *conn).await?;
        let tips: JoinHandle<Result<Vec<Tip>>> = parse(lines_of(&row)?, commits::tip_of_line);

        let kinds = kinds(&mut *conn, engine, &ids).await?;
        let keys: HashMap<KindKey, i64> = kinds.iter().filter(|(id, _)| *id != 0).map(|(id, kind)| (KindKey::of(kind), *id)).collect();
        let stage_kinds = list(wanted.kinds.iter().filter_map(|key| keys.get(key)).copied());
        let row = sqlx::query(on(STAGES, STAGES_ON_SERVER)).bind(stage_kinds).bind(since_ms).fetch_one(&mut *conn).await?;
        let by_id: HashMap<i64, StageKind> = kinds.iter().cloned().collect();
        let stages: JoinHandle<Result<Vec<StageRun>>> = parse(lines_of(&row)?, move |line| stage_rows::of_line(line, &by_id));

        let mut runs = Vec::new();
        for (project, definition) in wanted.runs.iter().filter(|(project, _)| ids.contains(project)).copied() {
            let row = sqlx::query(RUNS).bind(project.0).bind(definition).bind(since_ms).fetch_one(&mut *conn).await?;
            let lines = lines_of(&row)?;
            runs.push(parse(lines, move |line| run_of_line(project, definition, line)));
        }

        let mut repositories = Vec::new();
        for row in sqlx::query(REPOSITORIES).fetch_all(&mut *conn).await? {
            let project = ProjectId(row.int("project")?);
            if ids.contains(&project) {
                repositories.push((RepositoryId(row.int("id")?), project, row.text("name")?, row.maybe_text("default_branch")?));
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
        let incidents = linkage::incidents(&mut *conn, engine, &ids, &query.rules).await?;
        let flows = parsed(flows).await?;
        let linkage = linkage::of(&mut *conn, engine, &ids, query, &flows).await?;
        snapshot.rollback().await?;

        let mut tips = parsed(tips).await?;
        tips.sort_by_key(|tip| (tip.repository, tip.push));
        let mut whole_runs = Vec::new();
        for task in runs {
            whole_runs.extend(parsed(task).await?);
        }
        let projects = projects.into_iter().map(|(id, name, collection)| MeasuredProject {
            incident_source: linkage::source_of(id, &incidents, &query.rules),
            id,
            name,
            collection,
        });
        Ok(Input {
            projects: projects.collect(),
            repositories,
            kinds: kinds.into_iter().map(|(_, kind)| kind).collect(),
            stages: parsed(stages).await?,
            runs: whole_runs,
            flows,
            tips,
            incidents: incidents
                .into_iter()
                .filter(|one| one.created_at >= since || one.resolved_at.is_none_or(|at| at >= since))
                .collect(),
            compares,
            linkage,
        })
    }
}
