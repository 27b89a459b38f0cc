//! Runs that have a commit and are under way: which of them to ask about, and what was told of them a moment ago.
//!
//! Asking costs calls, so at most one run of a pipeline and one release are asked about: of those that have the commit, that may bring it
//! to production and whose service did not do so yet, the newest, for that is the one that people approve. Pipelines whose stages are known
//! and none of them production are not asked.
//!
//! Limits: a run that began after the last collection is not known, and is not asked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::containment::Lines;
use super::departures::{WaitsFor, is_success, service_of};
use super::hash::sha;
use super::input::{Input, StageKind, StageRun};
use super::production::{self, verdicts};
use super::query::{Rules, ServiceId};
use crate::domain::approval::Approval;
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use crate::domain::run::{Check, DefinitionKind, PendingRelease, StageResult, Standing};

/// A commit and its place on the default branch.
pub struct Commit<'a> {
    repository: RepositoryId,
    id: &'a ObjectId,
    lines: Lines,
    place: Option<u32>,
}

impl<'a> Commit<'a> {
    pub fn of(repository: RepositoryId, id: &'a ObjectId, input: &Input) -> Self {
        let lines = Lines::of(&input.tips);
        let place = lines.place(repository, sha(id));
        Self { repository, id, lines, place }
    }

    /// When it came to the default branch, where that is known.
    pub fn pushed_at(&self, input: &Input) -> Option<Timestamp> {
        let tip = self.lines.at(self.repository, self.place?)?;
        Some(input.tips[tip as usize].at)
    }

    /// Whether what runs this commit has it.
    pub fn is_in(&self, repository: Option<RepositoryId>, runs: Option<&ObjectId>) -> bool {
        repository == Some(self.repository)
            && runs.is_some_and(|runs| {
                runs == self.id
                    || self.place.is_some_and(|place| self.lines.place(self.repository, sha(runs)).is_some_and(|at| at >= place))
            })
    }
}

/// A run of a pipeline that had not ended when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    pub project: ProjectId,
    pub definition: i64,
    pub number: i64,
    pub repository: Option<RepositoryId>,
    pub sha: Option<ObjectId>,
    /// Without `refs/heads/`.
    pub branch: Option<String>,
    pub started_at: Option<Timestamp>,
}

impl UnderWay {
    fn service(&self) -> ServiceId {
        ServiceId { project: self.project, kind: DefinitionKind::Pipeline, definition: self.definition }
    }
}

/// What to ask about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Questions<'a> {
    pub run: Option<&'a UnderWay>,
    /// Rows of one release, those that wait.
    pub release: Vec<&'a StageRun>,
}

/// Whether it is a deployment of a classic release that waits for something.
pub fn is_waiting(row: &StageRun) -> bool {
    row.kind == DefinitionKind::Release && row.result == StageResult::Pending && row.run_result.is_none()
}

/// Which runs to ask about, of a commit that was merged.
pub fn questions<'a>(commit: &Commit<'_>, input: &'a Input, rules: &Rules, runs: &'a [UnderWay]) -> Questions<'a> {
    let mut by_stage: BTreeSet<ServiceId> = BTreeSet::new();
    let mut known: BTreeSet<ServiceId> = BTreeSet::new();
    let mut production: BTreeSet<(ServiceId, &str, Option<&str>)> = BTreeSet::new();
    for (kind, verdict) in input.kinds.iter().zip(verdicts(&input.kinds, rules)) {
        if !kind.stage.is_empty() || kind.environment.is_some() {
            known.insert(production::service_of(kind));
        }
        if verdict.production {
            by_stage.insert(production::service_of(kind));
            production.insert((production::service_of(kind), &kind.stage, kind.environment.as_deref()));
        }
    }
    let arrived = |row: &&StageRun| {
        is_success(row.result)
            && commit.is_in(row.repository, row.sha.as_ref())
            && production.contains(&(service_of(row), row.stage.as_str(), row.environment.as_deref()))
    };
    let arrivals: Vec<_> = input.stages.iter().filter(arrived).collect();
    let first = arrivals.iter().filter_map(|row| row.finished_at).min();
    let is_there: BTreeSet<ServiceId> = arrivals.iter().map(|row| service_of(row)).collect();

    let run = runs
        .iter()
        .filter(|run| commit.is_in(run.repository, run.sha.as_ref()) && !is_there.contains(&run.service()))
        .filter(|run| first.is_none_or(|first| run.started_at.is_some_and(|began| began <= first)))
        .filter(|run| by_stage.contains(&run.service()) || !known.contains(&run.service()))
        .max_by_key(|run| (by_stage.contains(&run.service()), run.number));
    let waits = |row: &&StageRun| is_waiting(row) && first.is_none() && commit.is_in(row.repository, row.sha.as_ref());
    let waiting: Vec<_> = input.stages.iter().filter(waits).collect();
    let newest = waiting.iter().map(|row| (row.run, service_of(row))).max();
    let release =
        waiting.into_iter().filter(|row| newest.as_ref().is_some_and(|(run, service)| row.run == *run && service_of(row) == *service));
    Questions { run, release: release.collect() }
}

/// A run as it was told a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// All of one run, in the order of its stages.
    pub rows: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub row: StageRun,
    pub wait: Option<Wait>,
}

/// Why a stage that waits does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    For { since: Option<Timestamp>, on: Vec<WaitsFor> },
    ForItsTurn,
}

impl Live {
    /// Of the stages of a pipeline's run. Approvals are those of its checks that are known and still open.
    pub fn of_run(run: &UnderWay, stages: &[Standing], approvals: &[Approval], kinds: &[StageKind], me: Option<&Guid>) -> Self {
        let service = run.service();
        let rows = stages.iter().flat_map(|standing| {
            let stage = &standing.stage;
            let environments = kinds.iter().filter(|kind| production::service_of(kind) == service && kind.stage == stage.name);
            let mut environments: Vec<_> = environments.filter_map(|kind| kind.environment.clone()).map(Some).collect();
            if environments.is_empty() {
                environments.push(None);
            }
            let wait = match &standing.gate {
                Some(gate) => {
                    let on = gate.checks.iter().map(|check| match check {
                        Check::Approval(id) => {
                            let known = approvals.iter().find(|approval| approval.id == *id);
                            WaitsFor::Approval { asked: known.and_then(|approval| approval.asked(me)) }
                        }
                        Check::Other(name) => WaitsFor::Check { name: name.clone() },
                    });
                    Wait::For { since: gate.since, on: on.collect() }
                }
                None => Wait::ForItsTurn,
            };
            environments.into_iter().map(move |environment| Told {
                row: StageRun {
                    project: run.project,
                    kind: DefinitionKind::Pipeline,
                    definition: run.definition,
                    run: run.number,
                    stage: stage.name.clone(),
                    environment,
                    attempt: stage.attempt,
                    result: stage.result,
                    started_at: stage.started_at,
                    finished_at: stage.finished_at,
                    approval: None,
                    run_result: None,
                    run_finished_at: None,
                    sha: run.sha.clone(),
                    branch: run.branch.clone(),
                    repository: run.repository,
                },
                wait: (stage.result == StageResult::Pending).then(|| wait.clone()),
            })
        });
        Self { rows: rows.collect() }
    }

    /// Of the rows of a release that wait; what waits for no approval stays as it is stored.
    pub fn of_release(rows: &[&StageRun], pending: &[PendingRelease], me: Option<&Guid>) -> Self {
        let told = rows.iter().filter_map(|row| {
            let found = pending.iter().find(|pending| row.environment.as_deref() == Some(&pending.environment))?;
            let on = vec![WaitsFor::Approval { asked: found.approval.asked(me) }];
            Some(Told { row: (*row).clone(), wait: Some(Wait::For { since: found.since, on }) })
        });
        Self { rows: told.collect() }
    }

    /// Whether it tells of this row: of all of a pipeline's run but what succeeded in an attempt that it does not tell of.
    pub(super) fn replaces(&self, row: &StageRun) -> bool {
        let is_same = |told: &Told| {
            let other = &told.row;
            (&other.stage, &other.environment, other.attempt) == (&row.stage, &row.environment, row.attempt)
        };
        let mut of_run = self.rows.iter().filter(|told| service_of(&told.row) == service_of(row) && told.row.run == row.run).peekable();
        let is_whole = row.kind == DefinitionKind::Pipeline && !is_success(row.result);
        of_run.peek().is_some() && (is_whole || of_run.any(is_same))
    }

    pub(super) fn place(&self, row: &StageRun) -> Option<usize> {
        self.rows.iter().position(|told| told.row == *row)
    }

    pub(super) fn wait(&self, row: &StageRun) -> Option<&Wait> {
        self.rows.iter().find(|told| told.row == *row)?.wait.as_ref()
    }
}
