//! Stages of runs as their timelines tell of them: where no environment does, and how long approvals took.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::column::Columns as _;
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::stage_rows::{self, StageRow, Told, Writer};
use super::{Store, builds};
use crate::domain::id::ProjectId;
use crate::domain::run::{DefinitionKind, Stage};

queries! {
    READ_AT = "UPDATE builds SET timeline_at = $3 WHERE project = $1 AND number = $2 AND (timeline_at IS NULL OR timeline_at <= $3) \
        RETURNING number";
}

/// The final attempt of each stage.
fn final_attempts(stages: &[Stage]) -> impl Iterator<Item = &Stage> {
    let mut last: BTreeMap<&str, &Stage> = BTreeMap::new();
    for stage in stages {
        let known = last.entry(&stage.name).or_insert(stage);
        if stage.attempt >= known.attempt {
            *known = stage;
        }
    }
    last.into_values()
}

/// How long a stage waited for an approval; nothing where the clocks disagree.
fn approval_ms(stage: &Stage) -> Option<i64> {
    let waited = stage.approval_to?.as_millisecond() - stage.approval_from?.as_millisecond();
    (waited >= 0).then_some(waited)
}

impl Store {
    /// Keeps the stages of a run, as asked for at `asked_at`, with the cursor of the page. An answer that is older than the known one, or
    /// of a run that is not known, changes nothing but the cursor. A run without a timeline has no stages.
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
                let known = stage_rows::of_run(&mut *conn, project, DefinitionKind::Pipeline, build).await?;
                let of_run = stage_rows::of_build(&mut *conn, project, build).await?;
                for stage in final_attempts(stages) {
                    let is_it = |row: &StageRow| row.stage == stage.name || row.stage == stage.display_name;
                    let in_environments: Vec<_> = known.iter().filter(|row| row.told == Told::Environment && is_it(row)).collect();
                    if !in_environments.is_empty() {
                        for row in in_environments {
                            let approval_ms = approval_ms(stage).filter(|_| stage.attempt == row.attempt).or(row.approval_ms);
                            writer.put(&mut *conn, &StageRow { approval_ms, ..row.clone() }, Some(row)).await?;
                        }
                        continue;
                    }
                    let before = known.iter().find(|row| row.told == Told::Timeline && row.stage == stage.name);
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
                        approval_ms: approval_ms(stage),
                        of_run: of_run.clone(),
                        jobs: Vec::new(),
                    };
                    writer.put(&mut *conn, &row, before).await?;
                }
                writer.finish(conn).await?;
            }
            self.finish_page(writing, project, page).await
        })
        .await
    }
}
