//! Stages of runs, one row each as the final attempt ended, and the kinds of which they are. Whoever tells of stages (environments,
//! timelines, classic releases) writes them through here, in a transaction of its own.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word, json};
use super::error::{Error, Result};
use super::line::{Fields, Line};
use super::{Store, builds, next};
use crate::domain::id::{ObjectId, ProjectId, RepositoryId};
use crate::domain::run::{DefinitionKind, RunResult, StageResult};
use crate::metrics::input::{StageKind, StageRun};

/// When what has not ended is taken to end: after everything.
pub(super) const NOT_ENDED: i64 = 9_007_199_254_740_991;

/// Who told of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Environment,
    Timeline,
    Release,
}

impl Word for Told {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Environment, "environment"), (Self::Timeline, "timeline"), (Self::Release, "release")];
}

/// A deployment job of a stage, as an environment told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub number: i64,
    pub name: String,
    pub attempt: i64,
    pub result: StageResult,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// What is known of the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OfRun {
    pub label: String,
    pub sha: Option<ObjectId>,
    /// Without `refs/heads/`.
    pub branch: Option<String>,
    pub repository: Option<RepositoryId>,
    pub build: Option<i64>,
    pub web_url: Option<String>,
    pub result: Option<RunResult>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StageRow {
    pub kind: DefinitionKind,
    pub definition: i64,
    pub run: i64,
    pub stage: String,
    /// Empty where there is none.
    pub environment: String,
    pub told: Told,
    pub attempt: i64,
    pub result: StageResult,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub approval_ms: Option<i64>,
    pub of_run: OfRun,
    pub jobs: Vec<Job>,
}

macro_rules! select {
    () => {
        "SELECT kind, definition, run, stage, environment, source, attempt, result, queued_at, started_at, finished_at, approval_ms, \
         run_result, run_finished_at, label, sha, branch, repository, build, web_url, jobs FROM stage_runs "
    };
}

queries! {
    OF_RUN = concat!(select!(), "WHERE project = $1 AND kind = $2 AND run = $3 ORDER BY stage, environment");
    PUT = "INSERT INTO stage_runs (project, kind, run, stage, environment, stage_kind, definition, source, attempt, result, queued_at, \
        started_at, finished_at, approval_ms, run_result, run_finished_at, label, sha, branch, repository, build, web_url, ended_at, line, \
        jobs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) \
        ON CONFLICT (project, kind, run, stage, environment) DO UPDATE SET stage_kind = excluded.stage_kind, \
        definition = excluded.definition, source = excluded.source, attempt = excluded.attempt, result = excluded.result, \
        queued_at = excluded.queued_at, started_at = excluded.started_at, finished_at = excluded.finished_at, \
        approval_ms = excluded.approval_ms, run_result = excluded.run_result, run_finished_at = excluded.run_finished_at, \
        label = excluded.label, sha = excluded.sha, branch = excluded.branch, repository = excluded.repository, build = excluded.build, \
        web_url = excluded.web_url, ended_at = excluded.ended_at, line = excluded.line, jobs = excluded.jobs";
    DELETE = "DELETE FROM stage_runs WHERE project = $1 AND kind = $2 AND run = $3 AND stage = $4 AND environment = $5 \
        RETURNING stage_kind";
    /// Runs of which the stages know something else than the run.
    BEHIND = "SELECT DISTINCT s.run FROM stage_runs s JOIN builds b ON b.project = s.project AND b.number = s.run \
        WHERE s.project = $1 AND s.kind = 'pipeline' AND s.run >= $2 AND s.run <= $3 AND (s.run_result IS DISTINCT FROM b.result \
        OR s.run_finished_at IS DISTINCT FROM b.finished_at OR s.sha IS DISTINCT FROM b.sha OR s.label <> b.label \
        OR s.repository IS DISTINCT FROM b.repository)";
    FIND_KIND = "SELECT id FROM stage_kinds WHERE project = $1 AND kind = $2 AND definition = $3 AND stage = $4 AND environment = $5";
    PUT_KIND = "INSERT INTO stage_kinds (id, project, kind, definition, stage, environment, runs) VALUES ($1, $2, $3, $4, $5, $6, 0)";
    COUNT_KIND = "UPDATE stage_kinds SET runs = runs + $2, last_at = CASE WHEN last_at IS NULL OR last_at < $3 THEN $3 ELSE last_at END \
        WHERE id = $1";
}

fn read(row: &AnyRow) -> Result<StageRow> {
    let result: Option<String> = row.maybe_text("run_result")?;
    Ok(StageRow {
        kind: row.word("kind")?,
        definition: row.int("definition")?,
        run: row.int("run")?,
        stage: row.text("stage")?,
        environment: row.text("environment")?,
        told: row.word("source")?,
        attempt: row.int("attempt")?,
        result: row.word("result")?,
        queued_at: row.maybe_instant("queued_at")?,
        started_at: row.maybe_instant("started_at")?,
        finished_at: row.maybe_instant("finished_at")?,
        approval_ms: row.maybe_int("approval_ms")?,
        of_run: OfRun {
            label: row.text("label")?,
            sha: row.maybe_text("sha")?.map(ObjectId::new),
            branch: row.maybe_text("branch")?,
            repository: row.maybe_int("repository")?.map(RepositoryId),
            build: row.maybe_int("build")?,
            web_url: row.maybe_text("web_url")?,
            result: result.as_deref().and_then(RunResult::from_word),
            finished_at: row.maybe_instant("run_finished_at")?,
        },
        jobs: row.maybe_json("jobs")?.unwrap_or_default(),
    })
}

/// What figures need of a stage. Which stage it is, its kind tells.
pub(super) fn line_of(kind: i64, row: &StageRow) -> String {
    Line::new()
        .int(kind)
        .int(row.run)
        .int(row.attempt)
        .word(Some(row.result))
        .at(row.started_at)
        .at(row.finished_at)
        .maybe_int(row.approval_ms)
        .word(row.of_run.result)
        .at(row.of_run.finished_at)
        .text(row.of_run.sha.as_ref().map_or("", ObjectId::as_str))
        .maybe_int(row.of_run.repository.map(|id| id.0))
        .text(row.of_run.branch.as_deref().unwrap_or_default())
        .finish()
}

/// A stage of a kind from its line.
pub(super) fn of_line(line: &str, kinds: &HashMap<i64, StageKind>) -> Result<StageRun> {
    let mut fields = Fields::of(line);
    let number = fields.int()?;
    let kind = kinds.get(&number).ok_or_else(|| Error::unreadable(format!("a stage of a kind that is not there: {number}")))?;
    Ok(StageRun {
        project: kind.project,
        kind: kind.kind,
        definition: kind.definition,
        stage: kind.stage.clone(),
        environment: kind.environment.clone(),
        run: fields.int()?,
        attempt: fields.int()?,
        result: fields.word()?,
        started_at: fields.maybe_at()?,
        finished_at: fields.maybe_at()?,
        approval_ms: fields.maybe_int()?,
        run_result: fields.maybe_word()?,
        run_finished_at: fields.maybe_at()?,
        sha: fields.maybe_text()?.map(ObjectId::new),
        repository: fields.maybe_int()?.map(RepositoryId),
        branch: fields.maybe_text()?.map(str::to_owned),
    })
}

/// What a build says of its stages; nothing yet where it is not known.
pub(super) async fn of_build(conn: &mut AnyConnection, project: ProjectId, number: i64) -> Result<OfRun> {
    let Some(build) = builds::find(conn, project, number).await? else { return Ok(OfRun::default()) };
    Ok(OfRun {
        label: build.label,
        sha: build.sha,
        branch: build.branch.map(|branch| branch.strip_prefix("refs/heads/").map(str::to_owned).unwrap_or(branch)),
        repository: build.repository,
        build: Some(build.number),
        web_url: build.web_url,
        result: build.result,
        finished_at: build.finished_at,
    })
}

/// The stages of a run.
pub(super) async fn of_run(conn: &mut AnyConnection, project: ProjectId, kind: DefinitionKind, run: i64) -> Result<Vec<StageRow>> {
    sqlx::query(OF_RUN).bind(project.0).bind(kind.to_word()).bind(run).fetch_all(conn).await?.iter().map(read).collect()
}

fn shown(project: ProjectId, row: StageRow) -> StageRun {
    StageRun {
        project,
        kind: row.kind,
        definition: row.definition,
        run: row.run,
        stage: row.stage,
        environment: Some(row.environment).filter(|name| !name.is_empty()),
        attempt: row.attempt,
        result: row.result,
        started_at: row.started_at,
        finished_at: row.finished_at,
        approval_ms: row.approval_ms,
        run_result: row.of_run.result,
        run_finished_at: row.of_run.finished_at,
        sha: row.of_run.sha,
        branch: row.of_run.branch,
        repository: row.of_run.repository,
    }
}

impl Store {
    /// The stages of a run, or the environments of a release, whatever they are.
    pub async fn stages_of_run(&self, project: ProjectId, kind: DefinitionKind, run: i64) -> Result<Vec<StageRun>> {
        self.attempt(format!("read the stages of run {run}"), async {
            let rows = of_run(&mut *self.reader().await?, project, kind, run).await?;
            Ok(rows.into_iter().map(|row| shown(project, row)).collect())
        })
        .await
    }
}

/// Writes rows, and keeps count of what they are.
pub(super) struct Writer {
    project: ProjectId,
    kinds: HashMap<(DefinitionKind, i64, String, String), i64>,
    counts: HashMap<i64, (i64, Option<i64>)>,
}

impl Writer {
    pub fn new(project: ProjectId) -> Self {
        Self { project, kinds: HashMap::new(), counts: HashMap::new() }
    }

    async fn kind(&mut self, conn: &mut AnyConnection, row: &StageRow) -> Result<i64> {
        let key = (row.kind, row.definition, row.stage.clone(), row.environment.clone());
        if let Some(id) = self.kinds.get(&key) {
            return Ok(*id);
        }
        let found: Option<i64> = sqlx::query_scalar(FIND_KIND)
            .bind(self.project.0)
            .bind(row.kind.to_word())
            .bind(row.definition)
            .bind(&*row.stage)
            .bind(&*row.environment)
            .fetch_optional(&mut *conn)
            .await?;
        let id = match found {
            Some(id) => id,
            None => {
                let id = next(&mut *conn, "stage_kinds").await?;
                sqlx::query(PUT_KIND)
                    .bind(id)
                    .bind(self.project.0)
                    .bind(row.kind.to_word())
                    .bind(row.definition)
                    .bind(&*row.stage)
                    .bind(&*row.environment)
                    .execute(conn)
                    .await?;
                id
            }
        };
        self.kinds.insert(key, id);
        Ok(id)
    }

    /// Puts a row in place of the known one of the same run, stage and environment, if any.
    pub async fn put(&mut self, conn: &mut AnyConnection, row: &StageRow, known: Option<&StageRow>) -> Result<()> {
        if known == Some(row) {
            return Ok(());
        }
        let kind = self.kind(&mut *conn, row).await?;
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        sqlx::query(PUT)
            .bind(self.project.0)
            .bind(row.kind.to_word())
            .bind(row.run)
            .bind(&*row.stage)
            .bind(&*row.environment)
            .bind(kind)
            .bind(row.definition)
            .bind(row.told.to_word())
            .bind(row.attempt)
            .bind(row.result.to_word())
            .bind(millis(row.queued_at))
            .bind(millis(row.started_at))
            .bind(millis(row.finished_at))
            .bind(row.approval_ms)
            .bind(row.of_run.result.map(|result| result.to_word().to_owned()))
            .bind(millis(row.of_run.finished_at))
            .bind(&*row.of_run.label)
            .bind(row.of_run.sha.as_ref().map(|sha| sha.as_str().to_owned()))
            .bind(row.of_run.branch.clone())
            .bind(row.of_run.repository.map(|id| id.0))
            .bind(row.of_run.build)
            .bind(row.of_run.web_url.clone())
            .bind(millis(row.finished_at).unwrap_or(NOT_ENDED))
            .bind(line_of(kind, row))
            .bind(if row.jobs.is_empty() { None } else { Some(json(&row.jobs)?) })
            .execute(&mut *conn)
            .await?;
        let count = self.counts.entry(kind).or_default();
        count.1 = count.1.max(millis(row.finished_at));
        match known {
            None => count.0 += 1,
            // A run whose definition was not known, or another one's: it is of another kind now.
            Some(known) if known.definition != row.definition => {
                count.0 += 1;
                let former = self.kind(conn, known).await?;
                self.counts.entry(former).or_default().0 -= 1;
            }
            Some(_) => {}
        }
        Ok(())
    }

    pub async fn delete(&mut self, conn: &mut AnyConnection, row: &StageRow) -> Result<()> {
        let kind: Option<i64> = sqlx::query_scalar(DELETE)
            .bind(self.project.0)
            .bind(row.kind.to_word())
            .bind(row.run)
            .bind(&*row.stage)
            .bind(&*row.environment)
            .fetch_optional(conn)
            .await?;
        if let Some(kind) = kind {
            self.counts.entry(kind).or_default().0 -= 1;
        }
        Ok(())
    }

    /// Writes the counts down.
    pub async fn finish(self, conn: &mut AnyConnection) -> Result<()> {
        for (kind, (runs, last)) in self.counts {
            sqlx::query(COUNT_KIND).bind(kind).bind(runs).bind(last).execute(&mut *conn).await?;
        }
        Ok(())
    }
}

/// Lets stages follow what changed of their runs, which have numbers from `first` to `last`.
pub(super) async fn follow_builds(conn: &mut AnyConnection, project: ProjectId, first: i64, last: i64) -> Result<()> {
    let behind: Vec<i64> = sqlx::query_scalar(BEHIND).bind(project.0).bind(first).bind(last).fetch_all(&mut *conn).await?;
    let mut writer = Writer::new(project);
    for run in behind {
        let of_run_now = of_build(&mut *conn, project, run).await?;
        for known in of_run(&mut *conn, project, DefinitionKind::Pipeline, run).await? {
            let row = StageRow { of_run: of_run_now.clone(), ..known.clone() };
            writer.put(&mut *conn, &row, Some(&known)).await?;
        }
    }
    writer.finish(conn).await
}
