//! Stages of runs as their timelines tell of them: where no environment does, and how long approvals took.
//!
//! A timeline tells of a stage as a whole: one that deployed and then failed at a job of its own, a smoke test say, has failed. Where an
//! environment tells of the deployment, its word counts.

use jiff::Timestamp;

use super::column::Columns as _;
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::stage_rows::{self, StageRow, Told, Writer};
use super::{Store, builds};
use crate::domain::id::ProjectId;
use crate::domain::run::{DefinitionKind, Stage, StageResult};
use crate::metrics::input::Approval;

queries! {
    READ_AT = "UPDATE builds SET timeline_at = $3 WHERE project = $1 AND number = $2 AND (timeline_at IS NULL OR timeline_at <= $3) \
        RETURNING number";
}

/// How a stage was held up by approvals; nothing while that is open, and where the clocks disagree.
fn approval(stage: &Stage) -> Option<Approval> {
    match (stage.approval_from, stage.approval_to) {
        // What has not begun may be held up yet.
        (None, None) => (stage.result != StageResult::Pending).then_some(Approval::NotAsked),
        (Some(from), Some(to)) => (to >= from).then_some(Approval::Waited { from, to }),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

impl Store {
    /// Keeps the stages of a run, one for each attempt that is known, as asked for at `asked_at`, with the cursor of the page. An answer
    /// that is older than the known one, or of a run that is not known, changes nothing but the cursor. A run without a timeline has no
    /// stages.
    pub async fn put_timeline(
        &self,
        project: ProjectId,
        build: i64,
        stages: &[Stage],
        asked_at: Timestamp,
        page: impl Into<Option<PageDone>>,
    ) -> Result<()> {
        let page = page.into();
        self.attempt(format!("keep the stages of run {build}"), async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let conn = writing.conn();
            let news = sqlx::query(READ_AT).bind(project.0).bind(build).bind(asked_at.as_millisecond()).fetch_optional(&mut *conn).await?;
            let definition = builds::find(&mut *conn, project, build).await?.map(|known| known.definition);
            if let (Some(row), Some(definition)) = (news, definition) {
                debug_assert_eq!(row.int("number")?, build);
                let mut writer = Writer::new(project);
                let mut known = stage_rows::of_run(&mut *conn, project, DefinitionKind::Pipeline, build).await?;
                let of_run = stage_rows::of_build(&mut *conn, project, build).await?;
                for stage in stages {
                    let is_it = |row: &StageRow| row.stage == stage.name || row.stage == stage.display_name;
                    let in_environments: Vec<StageRow> =
                        known.iter().filter(|row| row.told == Told::Environment && is_it(row)).cloned().collect();
                    if !in_environments.is_empty() {
                        for row in in_environments {
                            if stage.display_name != row.stage {
                                writer.show(&mut *conn, &row, &stage.display_name).await?;
                            }
                            let approval = approval(stage).filter(|_| stage.attempt == row.attempt).or(row.approval);
                            writer.put(&mut *conn, StageRow { approval, ..row }, &mut known).await?;
                        }
                        continue;
                    }
                    let row = StageRow {
                        kind: DefinitionKind::Pipeline,
                        definition,
                        run: build,
                        stage: stage.name.clone(),
                        environment: String::new(),
                        told: Told::Timeline,
                        attempt: stage.attempt,
                        result: stage.result,
                        queued_at: None,
                        started_at: stage.started_at,
                        finished_at: stage.finished_at,
                        approval: approval(stage),
                        of_run: of_run.clone(),
                        jobs: Vec::new(),
                    };
                    if stage.display_name != stage.name {
                        writer.show(&mut *conn, &row, &stage.display_name).await?;
                    }
                    writer.put(&mut *conn, row, &mut known).await?;
                }
                writer.finish(conn).await?;
            }
            self.finish_page(writing, project, page).await
        })
        .await
    }
}
