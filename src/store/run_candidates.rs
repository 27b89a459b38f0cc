//! Runs of a pipeline whose stages may be worth asking for, with what is known of them before.
//!
//! Which of them are left alone is kept with their pipeline.
//!
//! Limits: a run that was cancelled before it began is none: nothing of it ran, so it has no stages to tell of.

use jiff::Timestamp;
use sqlx::any::AnyRow;

use super::Store;
use super::column::{Columns as _, json};
use super::error::Result;
use super::hold::Hold;
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::run::RunResult;
use crate::metrics::left_alone::LeftAlone;

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRun {
    pub number: i64,
    /// Absent where the repository is gone, or was never seen.
    pub repository: Option<RepositoryId>,
    /// The full ref.
    pub branch: Option<String>,
    /// In the service's word: `schedule`, `individualCI` ...
    pub reason: String,
    pub result: Option<RunResult>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Timestamp,
    /// Whether its stages were asked for since it ended.
    pub is_looked_at: bool,
}

queries! {
    ENDED = "SELECT number, repository, branch, reason, result, started_at, finished_at, \
        CASE WHEN timeline_at IS NULL OR timeline_at < finished_at THEN 0 ELSE 1 END AS looked FROM builds \
        WHERE project = $1 AND definition = $2 AND finished_at >= $3 AND status = 'completed' \
        AND NOT (result = 'canceled' AND started_at IS NULL) AND NOT (coalesce(branch, '') LIKE 'refs/pull/%') \
        AND ($4 = 0 OR timeline_at IS NULL OR timeline_at < finished_at) ORDER BY number DESC LIMIT $5";
    /// As timelines told: skipped, waiting and cancelled before it began is not begun; a refused approval is, as far as the run could go.
    BEGUN = "SELECT DISTINCT s.run FROM stage_kinds k JOIN stage_runs s ON s.stage_kind = k.id WHERE k.project = $1 \
        AND k.kind = 'pipeline' AND k.definition = $2 AND k.stage = $3 AND k.environment = '' AND s.ended_at >= $4 \
        AND (s.result IN ('succeeded', 'succeeded_with_issues', 'failed', 'running', 'rejected') \
        OR (s.result = 'canceled' AND s.started_at IS NOT NULL)) ORDER BY s.run";
    LEAVE_ALONE = "UPDATE definitions SET left_alone = $3 WHERE project = $1 AND kind = 'pipeline' AND number = $2";
}

/// Which runs of a pipeline to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    Any,
    /// Those whose stages were not asked for since they ended.
    NotYet,
}

impl Store {
    /// Runs of a pipeline that ended at or after `since`, newest first, at most `limit`; none that checks a pull request's merge.
    pub async fn ended_runs(
        &self,
        project: ProjectId,
        definition: i64,
        since: Timestamp,
        looked: Looked,
        limit: u32,
    ) -> Result<Vec<EndedRun>> {
        self.attempt("read which runs ended", async {
            let query = sqlx::query(ENDED)
                .bind(project.0)
                .bind(definition)
                .bind(since.as_millisecond())
                .bind(i64::from(looked == Looked::NotYet))
                .bind(i64::from(limit));
            let rows = query.fetch_all(&mut *self.reader().await?).await?;
            let read = |row: &AnyRow| {
                Ok(EndedRun {
                    number: row.int("number")?,
                    repository: row.maybe_int("repository")?.map(RepositoryId),
                    branch: row.maybe_text("branch")?,
                    reason: row.text("reason")?,
                    result: row.maybe_word("result")?,
                    started_at: row.maybe_instant("started_at")?,
                    finished_at: row.instant("finished_at")?,
                    is_looked_at: row.flag("looked")?,
                })
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Runs of a pipeline in which a stage began that no environment tells of, by their timelines.
    pub async fn runs_that_began(&self, project: ProjectId, definition: i64, stage: &str, since: Timestamp) -> Result<Vec<i64>> {
        self.attempt("read which runs began a stage", async {
            let query = sqlx::query_scalar(BEGUN).bind(project.0).bind(definition).bind(stage.to_owned()).bind(since.as_millisecond());
            Ok(query.fetch_all(&mut *self.reader().await?).await?)
        })
        .await
    }

    /// Keeps which runs of a pipeline are not asked for their stages, in place of what was known of that.
    pub async fn put_left_alone(&self, project: ProjectId, definition: i64, left_alone: &[LeftAlone]) -> Result<()> {
        self.attempt("keep which runs are left alone", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let query = sqlx::query(LEAVE_ALONE).bind(project.0).bind(definition).bind(json(left_alone)?);
            query.execute(writing.conn()).await?;
            self.finish_page(writing, project, None).await
        })
        .await
    }
}
