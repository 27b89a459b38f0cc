//! Where a commit is: merged, in which runs, at which stages, in production or waiting for it.
//!
//! A run has a commit when the commit that it runs is the same, or stands at the same place or later on the default branch. Of each
//! pipeline the first run that has it is shown, and the first that brought it to production, where that is another one; while no run did,
//! the last run that has it. In the order in which they began; what began only after the commit had come to production and did not bring
//! it there is not on its way.
//!
//! Of a stage that was tried several times, the first attempt that succeeded is shown, else the last.
//!
//! A run that Azure DevOps was asked about a moment ago ([`Live`]) stands as it was told, with what its stages wait for, instead of what is
//! stored of it; what succeeded stays.
//!
//! Limits: stages are what the input has: for every stage of a run the store has to be asked for all kinds of stages. Of a run that
//! nobody asked about it is not known what a stage waits for, nor whether it waits for itself or for the stage before it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::input::{Input, StageRun};
use super::production::verdicts;
use super::query::{Rules, ServiceId};
use super::under_way::{Commit, Live, Wait};
use crate::domain::approval::Asked;
use crate::domain::id::{ObjectId, RepositoryId};
use crate::domain::run::{DefinitionKind, RunResult, StageResult};

/// What a stop is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stop")]
pub enum Stop {
    /// It is on the default branch.
    Merged { at: Timestamp },
    /// It is in a run.
    Run { service: ServiceId, pipeline: String, run: i64, at: Option<Timestamp>, result: Option<RunResult> },
    /// A stage of that run.
    Stage { stage: String, environment: Option<String>, production: bool, state: StageState },
}

/// How a stage stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StageState {
    Done {
        at: Option<Timestamp>,
    },
    Failed {
        at: Option<Timestamp>,
    },
    Running {
        since: Option<Timestamp>,
    },
    /// Since it was asked for; where nobody was asked about the run, since the stage before it ended.
    Waiting {
        since: Option<Timestamp>,
        /// Empty: for an approval, a check or an agent, and which of them is not known.
        on: Vec<WaitsFor>,
    },
    /// What is before it is not over.
    Later,
    /// Skipped, cancelled, rejected or abandoned.
    Not {
        at: Option<Timestamp>,
    },
}

/// What keeps a stage from beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "waits_for")]
pub enum WaitsFor {
    /// Absent: who is to give it could not be read.
    Approval { asked: Option<Asked> },
    /// By its name.
    Check { name: String },
}

impl WaitsFor {
    /// "an approval by Bob Tanaka", "a check: Exclusive lock".
    pub fn words(&self) -> String {
        match self {
            Self::Approval { asked: Some(asked) } => asked.words(),
            Self::Approval { asked: None } => "an approval".to_owned(),
            Self::Check { name } => format!("a check: {name}"),
        }
    }
}

/// The stops of a commit of a repository's default branch. `merged_at` where its merge is known.
pub fn of(
    repository: RepositoryId,
    commit: &ObjectId,
    merged_at: Option<Timestamp>,
    input: &Input,
    rules: &Rules,
    live: &[Live],
) -> Vec<Stop> {
    let wanted = Commit::of(repository, commit, input);
    let pushed_at = wanted.pushed_at(input);
    let mut stops: Vec<Stop> = merged_at.or(pushed_at).map(|at| Stop::Merged { at }).into_iter().collect();

    let production: BTreeMap<_, _> = input
        .kinds
        .iter()
        .zip(verdicts(&input.kinds, rules))
        .map(|(kind, verdict)| {
            (key(kind.project.0, kind.kind, kind.definition, &kind.stage, kind.environment.as_deref()), verdict.production)
        })
        .collect();
    let is_production = |row: &StageRun| {
        production.get(&key(row.project.0, row.kind, row.definition, &row.stage, row.environment.as_deref())).copied().unwrap_or(false)
    };
    let mut runs: BTreeMap<(ServiceId, i64), Vec<&StageRun>> = BTreeMap::new();
    let stored = input.stages.iter().filter(|row| !live.iter().any(|live| live.replaces(row)));
    let told = live.iter().flat_map(|live| &live.rows).map(|told| &told.row);
    for row in stored.chain(told).filter(|row| wanted.is_in(row.repository, row.sha.as_ref())) {
        runs.entry((service_of(row), row.run)).or_default().push(row);
    }
    let mut by_service: BTreeMap<ServiceId, Vec<(i64, Vec<&StageRun>)>> = BTreeMap::new();
    for ((service, run), rows) in runs {
        by_service.entry(service).or_default().push((run, rows));
    }
    let mut ways: Vec<Way> = Vec::new();
    for (service, runs) in by_service {
        let reached = runs.iter().position(|(_, rows)| rows.iter().any(|row| is_production(row) && is_success(row.result)));
        let mut shown = vec![0];
        shown.extend(reached.or(Some(runs.len() - 1)).filter(|place| *place != 0));
        let pipeline = input
            .kinds
            .iter()
            .find(|kind| kind.project == service.project && kind.kind == service.kind && kind.definition == service.definition)
            .map_or_else(String::new, |kind| kind.definition_name.clone());
        for place in shown {
            let (run, rows) = &runs[place];
            ways.push(Way {
                begun: rows.iter().filter_map(|row| row.started_at.or(row.finished_at)).min(),
                in_production: rows
                    .iter()
                    .filter(|row| is_production(row) && is_success(row.result))
                    .filter_map(|row| row.finished_at)
                    .min(),
                stops: of_run(&service, &pipeline, *run, rows, live, &is_production),
            });
        }
    }
    let arrived = ways.iter().filter_map(|way| way.in_production).min();
    ways.retain(|way| way.in_production.is_some() || arrived.is_none_or(|arrived| way.begun.is_none_or(|begun| begun <= arrived)));
    // What has not begun comes last.
    ways.sort_by_key(|way| (way.begun.is_none(), way.begun));
    stops.extend(ways.into_iter().flat_map(|way| way.stops));
    stops
}

/// A run on the way, with its stages.
struct Way {
    begun: Option<Timestamp>,
    in_production: Option<Timestamp>,
    stops: Vec<Stop>,
}

type Key = (i64, bool, i64, String, Option<String>);

fn key(project: i64, kind: DefinitionKind, definition: i64, stage: &str, environment: Option<&str>) -> Key {
    (project, kind == DefinitionKind::Release, definition, stage.to_owned(), environment.map(str::to_owned))
}

/// The service that a stage is of.
pub fn service_of(row: &StageRun) -> ServiceId {
    ServiceId { project: row.project, kind: row.kind, definition: row.definition }
}

pub(super) fn is_success(result: StageResult) -> bool {
    matches!(result, StageResult::Succeeded | StageResult::SucceededWithIssues)
}

/// Of several attempts of a stage: the first that succeeded, for the commit got there with it; else the last.
fn is_shown(row: &StageRun, rows: &[&StageRun]) -> bool {
    let rank = |row: &StageRun| if is_success(row.result) { (true, -row.attempt) } else { (false, row.attempt) };
    let others = rows.iter().filter(|other| other.stage == row.stage && other.environment == row.environment);
    others.into_iter().all(|other| rank(other) <= rank(row))
}

fn of_run(
    service: &ServiceId,
    pipeline: &str,
    run: i64,
    rows: &[&StageRun],
    live: &[Live],
    is_production: &impl Fn(&StageRun) -> bool,
) -> Vec<Stop> {
    let mut rows: Vec<&StageRun> = rows.iter().copied().filter(|row| is_shown(row, rows)).collect();
    // By when they ended; what has not ended comes last, in its order where that was told, else production after the rest.
    rows.sort_by_key(|row| {
        let at = row.finished_at.or(row.started_at);
        let order = live.iter().find_map(|live| live.place(row));
        (at.is_none(), at, order, is_production(row), row.stage.clone(), row.environment.clone())
    });
    let begun = rows.iter().filter_map(|row| row.started_at).min();
    let result = rows.iter().find_map(|row| row.run_result);
    let mut stops = vec![Stop::Run { service: service.clone(), pipeline: pipeline.to_owned(), run, at: begun, result }];
    let ended = rows.iter().filter_map(|row| row.finished_at).max();
    for row in rows {
        let at = row.finished_at;
        let state = match row.result {
            StageResult::Succeeded | StageResult::SucceededWithIssues => StageState::Done { at },
            StageResult::Failed => StageState::Failed { at },
            StageResult::Running => StageState::Running { since: row.started_at },
            StageResult::Pending if row.run_result.is_none() => match live.iter().find_map(|live| live.wait(row)) {
                Some(Wait::For { since, on }) => StageState::Waiting { since: since.or(ended), on: on.clone() },
                Some(Wait::ForItsTurn) => StageState::Later,
                None => StageState::Waiting { since: ended, on: Vec::new() },
            },
            StageResult::Pending
            | StageResult::Canceled
            | StageResult::Skipped
            | StageResult::Abandoned
            | StageResult::Rejected
            | StageResult::Unknown => StageState::Not { at },
        };
        let (stage, environment) = (row.stage.clone(), row.environment.clone());
        stops.push(Stop::Stage { stage, environment, production: is_production(row), state });
    }
    stops
}
