//! YAML environments and what was deployed into them.
//!
//! A stage may have several jobs in an environment, each tried several times, and a page may hold only some of them. The jobs of an
//! attempt of the stage are kept beside its row, so that pages may come in any order and any number of times: the row is their fold.
//!
//! A job that deploys into no environment has no record: where it fails inside a stage that deployed, the stage is told as deployed here,
//! and its run as failed.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Store;
use super::builds::name_definition;
use super::column::Columns as _;
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::stage_rows::{self, Job, OfRun, StageRow, Told, Writer};
use crate::domain::id::ProjectId;
use crate::domain::run::{DefinitionKind, DeploymentRecord, Environment, StageResult};

queries! {
    PUT = "INSERT INTO environments (project, number, name) VALUES ($1, $2, $3) ON CONFLICT (project, number) DO UPDATE \
        SET name = excluded.name";
    OF_PROJECT = "SELECT number, name FROM environments WHERE project = $1 ORDER BY number";
    /// Unless something else had the name before.
    RENAME_KINDS = "UPDATE stage_kinds SET environment = $3 WHERE project = $1 AND kind = 'pipeline' AND environment = $2 \
        AND NOT EXISTS (SELECT 1 FROM stage_kinds o WHERE o.project = stage_kinds.project AND o.kind = stage_kinds.kind \
        AND o.definition = stage_kinds.definition AND o.stage = stage_kinds.stage AND o.environment = $3) RETURNING id";
    RENAME_STAGES = "UPDATE stage_runs SET environment = $2 WHERE stage_kind = $1";
    RENAME_RULES = "UPDATE production_rules SET environment = $3 WHERE project = $1 AND kind = 'pipeline' AND environment = $2 \
        AND NOT EXISTS (SELECT 1 FROM production_rules o WHERE o.project = production_rules.project AND o.kind = production_rules.kind \
        AND o.definition = production_rules.definition AND o.stage = production_rules.stage AND o.environment = $3)";
}

/// What an environment is called until its name is known.
fn unnamed(number: i64) -> String {
    format!("#{number}")
}

/// What was deployed into an environment, and what was decided about it, goes by its name: both follow it.
async fn rename(conn: &mut AnyConnection, project: ProjectId, from: &str, to: &str) -> Result<()> {
    let kinds: Vec<i64> =
        sqlx::query_scalar(RENAME_KINDS).bind(project.0).bind(from.to_owned()).bind(to.to_owned()).fetch_all(&mut *conn).await?;
    for kind in kinds {
        sqlx::query(RENAME_STAGES).bind(kind).bind(to.to_owned()).execute(&mut *conn).await?;
    }
    sqlx::query(RENAME_RULES).bind(project.0).bind(from.to_owned()).bind(to.to_owned()).execute(conn).await?;
    Ok(())
}

pub(super) async fn of_project(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<Environment>> {
    let rows = sqlx::query(OF_PROJECT).bind(project.0).fetch_all(conn).await?;
    rows.iter().map(|row| Ok(Environment { number: row.int("number")?, name: row.text("name")? })).collect()
}

async fn names(conn: &mut AnyConnection, project: ProjectId) -> Result<HashMap<i64, String>> {
    Ok(of_project(conn, project).await?.into_iter().map(|environment| (environment.number, environment.name)).collect())
}

/// How bad an end is; a stage ended as badly as the worst of its jobs.
fn badness(result: StageResult) -> u8 {
    match result {
        StageResult::Failed => 9,
        StageResult::Rejected => 8,
        StageResult::Abandoned => 7,
        StageResult::Canceled => 6,
        StageResult::Running => 5,
        StageResult::Pending => 4,
        StageResult::Unknown => 3,
        StageResult::SucceededWithIssues => 2,
        StageResult::Succeeded => 1,
        // One region left out does not undo the others.
        StageResult::Skipped => 0,
    }
}

/// Takes a record of a row's attempt in.
fn take_in(row: &mut StageRow, record: &DeploymentRecord) {
    let job = Job {
        number: record.number,
        name: record.job.clone(),
        attempt: record.job_attempt,
        result: record.result,
        queued_at: record.queued_at,
        started_at: record.started_at,
        finished_at: record.finished_at,
    };
    let known = row.jobs.iter().position(|known| known.number == job.number);
    match known {
        // Only finished ones are listed: the later end is the later word.
        Some(at) if row.jobs[at].finished_at > job.finished_at => {}
        Some(at) => row.jobs[at] = job,
        None => row.jobs.push(job),
    }
    let mut last: HashMap<String, i64> = HashMap::new();
    for job in &row.jobs {
        let attempt = last.entry(job.name.clone()).or_insert(job.attempt);
        *attempt = (*attempt).max(job.attempt);
    }
    row.jobs.retain(|job| last.get(&job.name) == Some(&job.attempt));
    row.jobs.sort_by_key(|job| job.number);
    fold(row);
}

/// What the jobs of an attempt make of their stage.
fn fold(row: &mut StageRow) {
    let times = |of: fn(&Job) -> Option<Timestamp>| row.jobs.iter().filter_map(of);
    row.queued_at = times(|job| job.queued_at).min();
    row.started_at = times(|job| job.started_at).min();
    let open = row.jobs.iter().any(|job| job.finished_at.is_none() && matches!(job.result, StageResult::Running | StageResult::Pending));
    row.finished_at = if open { None } else { times(|job| job.finished_at).max() };
    row.result = row.jobs.iter().map(|job| job.result).max_by_key(|result| badness(*result)).unwrap_or(StageResult::Unknown);
}

fn empty(record: &DeploymentRecord, environment: &str, of_run: OfRun) -> StageRow {
    StageRow {
        kind: DefinitionKind::Pipeline,
        definition: record.definition,
        run: record.run,
        stage: record.stage.clone(),
        environment: environment.to_owned(),
        told: Told::Environment,
        attempt: record.stage_attempt,
        result: StageResult::Unknown,
        queued_at: None,
        started_at: None,
        finished_at: None,
        approval: None,
        of_run,
        jobs: Vec::new(),
    }
}

impl Store {
    /// Keeps environments. Those that a listing left out stay: what was deployed into them is still there.
    pub async fn put_environments(
        &self,
        project: ProjectId,
        environments: &[Environment],
        page: impl Into<Option<PageDone>>,
    ) -> Result<()> {
        let page = page.into();
        self.attempt("keep the environments", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let known = names(writing.conn(), project).await?;
            for environment in environments {
                let before = known.get(&environment.number).cloned().unwrap_or_else(|| unnamed(environment.number));
                if before != environment.name {
                    rename(writing.conn(), project, &before, &environment.name).await?;
                }
                sqlx::query(PUT).bind(project.0).bind(environment.number).bind(&*environment.name).execute(writing.conn()).await?;
            }
            self.finish_page(writing, project, page).await
        })
        .await
    }

    /// The environments of a project, by number.
    pub async fn environments(&self, project: ProjectId) -> Result<Vec<Environment>> {
        self.attempt("read the environments", async { of_project(&mut *self.reader().await?, project).await }).await
    }

    /// Keeps a page of what was deployed into environments, with its cursor. What a timeline told of the same stages gives way, except
    /// how long an approval took.
    pub async fn put_deployment_records(
        &self,
        project: ProjectId,
        records: &[DeploymentRecord],
        page: impl Into<Option<PageDone>>,
    ) -> Result<()> {
        let page = page.into();
        self.attempt("keep deployments into environments", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let names = names(writing.conn(), project).await?;
            let mut by_run: BTreeMap<i64, Vec<&DeploymentRecord>> = BTreeMap::new();
            let mut definitions: HashMap<i64, &str> = HashMap::new();
            for record in records {
                by_run.entry(record.run).or_default().push(record);
                definitions.insert(record.definition, &record.definition_name);
            }
            for (number, name) in definitions {
                name_definition(writing.conn(), project, DefinitionKind::Pipeline, number, name).await?;
            }
            let mut writer = Writer::new(project);
            for (run, records) in by_run {
                let conn = writing.conn();
                let mut known = stage_rows::of_run(&mut *conn, project, DefinitionKind::Pipeline, run).await?;
                let of_run = stage_rows::of_build(&mut *conn, project, run).await?;
                let mut rows: BTreeMap<(String, String, i64), StageRow> = BTreeMap::new();
                for record in records {
                    let environment = names.get(&record.environment).cloned().unwrap_or_else(|| unnamed(record.environment));
                    let row = rows.entry((record.stage.clone(), environment.clone(), record.stage_attempt)).or_insert_with(|| {
                        let same = |row: &&StageRow| {
                            row.stage == record.stage && row.environment == environment && row.attempt == record.stage_attempt
                        };
                        known.iter().find(same).cloned().unwrap_or_else(|| empty(record, &environment, of_run.clone()))
                    });
                    take_in(row, record);
                }
                let by_timeline: Vec<StageRow> = known.iter().filter(|row| row.told == Told::Timeline).cloned().collect();
                for timeline in by_timeline.iter().filter(|told| rows.keys().any(|(stage, ..)| *stage == told.stage)) {
                    if let Some(at) = known.iter().position(|row| row == timeline) {
                        writer.delete(&mut *conn, at, &mut known).await?;
                    }
                }
                for ((stage, _, attempt), mut row) in rows {
                    let timeline = by_timeline.iter().find(|told| told.stage == stage && told.attempt == attempt);
                    row.approval = row.approval.or(timeline.and_then(|told| told.approval));
                    writer.put(&mut *conn, row, &mut known).await?;
                }
            }
            writer.finish(writing.conn()).await?;
            self.finish_page(writing, project, page).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Option<Timestamp> {
        Timestamp::from_second(1_800_000_000 + minute * 60).ok()
    }

    fn record(number: i64, stage_attempt: i64, job: &str, job_attempt: i64, result: StageResult, end: i64) -> DeploymentRecord {
        DeploymentRecord {
            number,
            environment: 1,
            definition: 7,
            definition_name: "api".to_owned(),
            run: 4711,
            stage: "Production".to_owned(),
            stage_attempt,
            job: job.to_owned(),
            job_attempt,
            result,
            queued_at: at(end - 3),
            started_at: at(end - 2),
            finished_at: at(end),
        }
    }

    /// The rows of the attempts, in their order.
    fn folded(records: &[DeploymentRecord]) -> Vec<StageRow> {
        let mut rows: BTreeMap<i64, StageRow> = BTreeMap::new();
        for record in records {
            take_in(rows.entry(record.stage_attempt).or_insert_with(|| empty(record, "prod", OfRun::default())), record);
        }
        rows.into_values().collect()
    }

    #[test]
    fn an_attempt_of_a_stage_ends_with_the_last_and_as_the_worst_of_its_jobs() {
        use StageResult::{Failed, Succeeded};
        let eu = record(1, 1, "eu", 1, Succeeded, 10);
        let us = record(2, 1, "us", 1, Failed, 14);
        let row = &folded(&[eu.clone(), us.clone()])[0];
        assert_eq!((row.result, row.started_at, row.finished_at, row.attempt), (Failed, at(8), at(14), 1));
        // The job is tried again inside the same attempt of the stage.
        let again = record(3, 1, "us", 2, Succeeded, 20);
        let row = &folded(&[eu.clone(), us.clone(), again])[0];
        assert_eq!((row.result, row.finished_at, row.attempt), (Succeeded, at(20), 1));
        // The whole stage is tried again, for one region only.
        let second = record(4, 2, "us", 1, Succeeded, 30);
        let rows = folded(&[eu, us, second]);
        assert_eq!((rows[0].result, rows[0].finished_at, rows[0].jobs.len()), (Failed, at(14), 2), "the first attempt stays as it was");
        assert_eq!((rows[1].result, rows[1].started_at, rows[1].finished_at, rows[1].attempt), (Succeeded, at(28), at(30), 2));
        assert_eq!((rows[1].jobs.len(), rows.len()), (1, 2));
    }

    proptest! {
        #[test]
        fn the_order_and_the_repetition_of_records_do_not_matter(
            shuffled in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
            twice in proptest::collection::vec(0_usize..9, 0..9),
        ) {
            use StageResult::{Canceled, Failed, Skipped, Succeeded};
            let records = [
                record(1, 1, "eu", 1, Succeeded, 10),
                record(2, 1, "us", 1, Failed, 14),
                record(3, 1, "us", 2, Canceled, 16),
                record(4, 2, "us", 1, Failed, 30),
                record(5, 2, "us", 2, Succeeded, 40),
                record(6, 2, "eu", 1, Skipped, 31),
                record(7, 2, "as", 1, Succeeded, 45),
                record(8, 2, "as", 1, Failed, 44),
                record(9, 1, "as", 3, Succeeded, 50),
            ];
            let order: Vec<_> = shuffled.iter().chain(&twice).map(|index| records[*index].clone()).collect();
            prop_assert_eq!(folded(&order), folded(&records));
            prop_assert_eq!(folded(&order).last().and_then(|row| row.finished_at), at(45));
        }
    }
}
