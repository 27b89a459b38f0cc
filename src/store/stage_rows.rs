//! Attempts of stages of runs, one row each as it ended, and the kinds of which they are. Whoever tells of stages (environments,
//! timelines, classic releases) writes them through here, in a transaction of its own.
//!
//! All attempts are kept, so that what is known does not depend on the order in which they are told; which of them are deployments, the
//! figures decide.

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
use crate::metrics::input::{Approval, StageKind, StageRun};

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
    pub approval: Option<Approval>,
    pub of_run: OfRun,
    pub jobs: Vec<Job>,
}

impl StageRow {
    /// Whether it is of the same stage, in the same environment, of the same run.
    pub fn is_stage_of(&self, other: &Self) -> bool {
        self.stage == other.stage && self.environment == other.environment && self.run == other.run && self.kind == other.kind
    }
}

macro_rules! select {
    () => {
        "SELECT kind, definition, run, stage, environment, source, attempt, result, queued_at, started_at, finished_at, approval_ms, approval_from, \
         run_result, run_finished_at, label, sha, branch, repository, build, web_url, jobs FROM stage_runs "
    };
}

queries! {
    OF_RUN = concat!(select!(), "WHERE project = $1 AND kind = $2 AND run = $3 ORDER BY stage, environment, attempt");
    PUT = "INSERT INTO stage_runs (project, kind, run, stage, environment, stage_kind, definition, source, attempt, result, queued_at, \
        started_at, finished_at, approval_ms, approval_from, run_result, run_finished_at, label, sha, branch, repository, build, web_url, \
        ended_at, line, jobs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
        $23, $24, $25, $26) \
        ON CONFLICT (project, kind, run, stage, environment, attempt) DO UPDATE SET stage_kind = excluded.stage_kind, \
        definition = excluded.definition, source = excluded.source, result = excluded.result, \
        queued_at = excluded.queued_at, started_at = excluded.started_at, finished_at = excluded.finished_at, \
        approval_ms = excluded.approval_ms, approval_from = excluded.approval_from, run_result = excluded.run_result, run_finished_at = excluded.run_finished_at, \
        label = excluded.label, sha = excluded.sha, branch = excluded.branch, repository = excluded.repository, build = excluded.build, \
        web_url = excluded.web_url, ended_at = excluded.ended_at, line = excluded.line, jobs = excluded.jobs";
    DELETE = "DELETE FROM stage_runs WHERE project = $1 AND kind = $2 AND run = $3 AND stage = $4 AND environment = $5 \
        AND attempt = $6";
    /// Runs of which the stages know something else than the run.
    BEHIND = "SELECT DISTINCT s.run FROM stage_runs s JOIN builds b ON b.project = s.project AND b.number = s.run \
        WHERE s.project = $1 AND s.kind = 'pipeline' AND s.run >= $2 AND s.run <= $3 AND (s.run_result IS DISTINCT FROM b.result \
        OR s.run_finished_at IS DISTINCT FROM b.finished_at OR s.sha IS DISTINCT FROM b.sha OR s.label <> b.label \
        OR s.repository IS DISTINCT FROM b.repository)";
    /// Releases that could learn from the build that they deploy what they were not told.
    BEHIND_OF_RELEASES = "SELECT DISTINCT s.run FROM stage_runs s JOIN builds b ON b.project = s.project AND b.number = s.build \
        WHERE s.project = $1 AND s.kind = 'release' AND s.build >= $2 AND s.build <= $3 AND ((s.sha IS NULL AND b.sha IS NOT NULL) \
        OR (s.branch IS NULL AND b.branch IS NOT NULL) OR (s.repository IS NULL AND b.repository IS NOT NULL))";
    FIND_KIND = "SELECT id FROM stage_kinds WHERE project = $1 AND kind = $2 AND definition = $3 AND stage = $4 AND environment = $5";
    PUT_KIND = "INSERT INTO stage_kinds (id, project, kind, definition, stage, environment, runs, shown, shown_in) \
        VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0)";
    SHOW_KIND = "UPDATE stage_kinds SET shown = $2, shown_in = $3 WHERE id = $1 AND shown_in <= $3 AND (shown <> $2 OR shown_in < $3)";
    COUNT_KIND = "UPDATE stage_kinds SET runs = runs + $2, last_at = CASE WHEN last_at IS NULL OR last_at < $3 THEN $3 ELSE last_at END \
        WHERE id = $1";
}

/// How long it waited, milliseconds; 0 where nothing was asked for.
fn waited_ms(approval: Option<Approval>) -> Option<i64> {
    approval.map(|approval| match approval {
        Approval::NotAsked => 0,
        Approval::Waited { from, to } => to.as_millisecond() - from.as_millisecond(),
    })
}

fn waited_from(approval: Option<Approval>) -> Option<Timestamp> {
    match approval? {
        Approval::NotAsked => None,
        Approval::Waited { from, .. } => Some(from),
    }
}

fn approval_of(ms: Option<i64>, from: Option<Timestamp>) -> Result<Option<Approval>> {
    let bad = || Error::unreadable("an approval without its times");
    match (ms, from) {
        (None, None) => Ok(None),
        (Some(0), None) => Ok(Some(Approval::NotAsked)),
        (Some(ms), Some(from)) => {
            let to = Timestamp::from_millisecond(from.as_millisecond().saturating_add(ms)).map_err(|_| bad())?;
            Ok(Some(Approval::Waited { from, to }))
        }
        (Some(_), None) | (None, Some(_)) => Err(bad()),
    }
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
        approval: approval_of(row.maybe_int("approval_ms")?, row.maybe_instant("approval_from")?)?,
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
        .maybe_int(waited_ms(row.approval))
        .at(waited_from(row.approval))
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
        approval: approval_of(fields.maybe_int()?, fields.maybe_at()?)?,
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
        approval: row.approval,
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

    /// Puts a row in place of the one of the same attempt, if any, among those known of the run.
    pub async fn put(&mut self, conn: &mut AnyConnection, row: StageRow, known: &mut Vec<StageRow>) -> Result<()> {
        let before = known.iter().position(|known| known.attempt == row.attempt && known.is_stage_of(&row));
        if before.is_some_and(|at| known[at] == row) {
            return Ok(());
        }
        let others = known.iter().filter(|known| known.attempt != row.attempt && known.is_stage_of(&row));
        let is_first = !others.into_iter().any(|known| known.definition == row.definition);
        let kind = self.kind(&mut *conn, &row).await?;
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
            .bind(waited_ms(row.approval))
            .bind(millis(waited_from(row.approval)))
            .bind(row.of_run.result.map(|result| result.to_word().to_owned()))
            .bind(millis(row.of_run.finished_at))
            .bind(&*row.of_run.label)
            .bind(row.of_run.sha.as_ref().map(|sha| sha.as_str().to_owned()))
            .bind(row.of_run.branch.clone())
            .bind(row.of_run.repository.map(|id| id.0))
            .bind(row.of_run.build)
            .bind(row.of_run.web_url.clone())
            .bind(millis(row.finished_at).unwrap_or(NOT_ENDED))
            .bind(line_of(kind, &row))
            .bind(if row.jobs.is_empty() { None } else { Some(json(&row.jobs)?) })
            .execute(&mut *conn)
            .await?;
        let count = self.counts.entry(kind).or_default();
        count.1 = count.1.max(millis(row.finished_at));
        let is_new = before.is_none_or(|at| known[at].definition != row.definition);
        count.0 += i64::from(is_first && is_new);
        match before {
            // A run whose definition was not known, or another one's: it is of another kind now.
            Some(at) if is_new => {
                let former = std::mem::replace(&mut known[at], row);
                self.uncount(conn, &former, known).await?;
            }
            Some(at) => known[at] = row,
            None => known.push(row),
        }
        Ok(())
    }

    /// Deletes a row that is known of a run.
    pub async fn delete(&mut self, conn: &mut AnyConnection, at: usize, known: &mut Vec<StageRow>) -> Result<()> {
        let row = known.remove(at);
        sqlx::query(DELETE)
            .bind(self.project.0)
            .bind(row.kind.to_word())
            .bind(row.run)
            .bind(&*row.stage)
            .bind(&*row.environment)
            .bind(row.attempt)
            .execute(&mut *conn)
            .await?;
        self.uncount(conn, &row, known).await
    }

    /// The run is no longer one of a kind, unless another attempt among the rest is.
    async fn uncount(&mut self, conn: &mut AnyConnection, gone: &StageRow, rest: &[StageRow]) -> Result<()> {
        if !rest.iter().any(|row| row.is_stage_of(gone) && row.definition == gone.definition) {
            let kind = self.kind(conn, gone).await?;
            self.counts.entry(kind).or_default().0 -= 1;
        }
        Ok(())
    }

    /// Keeps what people see in the stead of a stage's name; the newest run has the last word.
    pub async fn show(&mut self, conn: &mut AnyConnection, row: &StageRow, shown: &str) -> Result<()> {
        let kind = self.kind(&mut *conn, row).await?;
        sqlx::query(SHOW_KIND).bind(kind).bind(shown.to_owned()).bind(row.run).execute(conn).await?;
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

/// What a release was not told of the commit that it deploys, its build knows. A build of another project is not asked: it is collected
/// apart, if at all.
pub(super) async fn learn_from_build(conn: &mut AnyConnection, project: ProjectId, of_run: &mut OfRun) -> Result<()> {
    let Some(build) = of_run.build.filter(|_| of_run.sha.is_none() || of_run.branch.is_none() || of_run.repository.is_none()) else {
        return Ok(());
    };
    let OfRun { sha, branch, repository, .. } = of_build(conn, project, build).await?;
    of_run.sha = of_run.sha.take().or(sha);
    of_run.branch = of_run.branch.take().or(branch);
    of_run.repository = of_run.repository.or(repository);
    Ok(())
}

/// Lets stages follow what changed of their runs, which have numbers from `first` to `last`, and releases learn from them.
pub(super) async fn follow_builds(conn: &mut AnyConnection, project: ProjectId, first: i64, last: i64) -> Result<()> {
    let behind: Vec<i64> = sqlx::query_scalar(BEHIND).bind(project.0).bind(first).bind(last).fetch_all(&mut *conn).await?;
    let mut writer = Writer::new(project);
    for run in behind {
        let of_run_now = of_build(&mut *conn, project, run).await?;
        let mut known = of_run(&mut *conn, project, DefinitionKind::Pipeline, run).await?;
        for row in known.clone() {
            writer.put(&mut *conn, StageRow { of_run: of_run_now.clone(), ..row }, &mut known).await?;
        }
    }
    let behind: Vec<i64> = sqlx::query_scalar(BEHIND_OF_RELEASES).bind(project.0).bind(first).bind(last).fetch_all(&mut *conn).await?;
    for release in behind {
        let mut known = of_run(&mut *conn, project, DefinitionKind::Release, release).await?;
        for mut row in known.clone() {
            learn_from_build(&mut *conn, project, &mut row.of_run).await?;
            writer.put(&mut *conn, row, &mut known).await?;
        }
    }
    writer.finish(conn).await
}
