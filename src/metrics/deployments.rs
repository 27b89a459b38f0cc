//! From stage runs to deployments, and from their order to their class.
//!
//! A **deployment** is a run (a build or a classic release) of a definition with all its production stages together, once for each time
//! that it was deployed. An attempt of a stage that did not succeed is taken up by the next attempt; one that succeeded is done, and another
//! attempt after it begins the next deployment of the same run ([`attempts`](super::attempts)). Of the stages, by the result of the
//! attempts that stand:
//!
//! | the stages | the deployment |
//! |---|---|
//! | one failed | failed attempt: at the last finish of a failed one; counted in pipeline reliability only |
//! | none failed, one succeeded (issues are noted) | success: at the last finish of a successful one; the first is kept, and n of m regions |
//! | none of these, one cancelled after its start | cancelled: shown, in no rate |
//! | none of these, one running, or waiting in a run that goes on | pending |
//! | all skipped, abandoned, rejected, never started, of a word unknown | no deployment |
//!
//! Where runs count as wholes the result of the run takes the place of its stages' (partially succeeded is success with issues). Runs that validate a
//! pull request (`refs/pull/*`) are no deployments then: what they ran is not merged. One of them whose production stage succeeded is.
//!
//! It knows when its stages waited for approvals, where timelines told of all of them: the stages that decided it, at every attempt.
//!
//! A **service** is a definition with production. Of which class its successes are, see [`standing`](super::standing).
//!
//! Limits: a run that counts as a whole and was run again counts once, at its last end: the service tells no other. Of a stage that only a
//! timeline tells of, a failure after the deployment itself (a smoke test in the same stage) is a failed attempt; where an environment
//! tells of it, it is a success whose run failed afterwards.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;

use super::attempts;
use super::containment::Lines;
use super::devlake;
use super::hash::{FastMap, sha};
use super::input::{Approval, Input, Run, StageKind, StageRun};
use super::production::{is_by_tag, says_production, service_of, verdicts};
use super::query::{Definition, Query, ServiceId};
use super::standing;
use super::stretch::{Stretch, joined};
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::run::{DefinitionKind, RunResult, StageResult};

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    Canceled,
    NotDeployed,
    Pending,
    /// A run that counts as a whole, and only validated a pull request.
    Validation,
}

/// What a success is in the row of its service's successes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Forward,
    Seed,
    Redeploy,
    Rollback,
}

/// Which row of the input tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Stage(u32),
    Run(u32),
}

/// A run of a service with its production stages together, the first time or another.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub service: u32,
    pub run: i64,
    pub at: Timestamp,
    /// When the first region had it.
    pub first_at: Timestamp,
    /// 0 where it is not known.
    pub sha: u128,
    pub repository: Option<RepositoryId>,
    /// Of its commit on the line of its repository; of successes only.
    pub place: Option<u32>,
    pub origin: Origin,
    /// Production stages of the run, and how many of them succeeded.
    pub regions: u16,
    pub reached: u16,
    pub outcome: Outcome,
    pub class: Class,
    pub notes: Notes,
    /// When its stages waited for approvals, joined; absent where that is not known of all of them.
    pub approvals: Option<Vec<Stretch>>,
}

/// What is to say of a deployment besides its outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes {
    /// Attempts before one of it did not succeed.
    pub retried: bool,
    /// The run failed although production succeeded: a smoke stage, say.
    pub failed_after: bool,
    pub with_issues: bool,
    /// No finish is known: it has no duration, and counts in nothing that needs its time.
    pub untimed: bool,
    /// It carries a pull request that reverts another, whether or not that one had been deployed.
    pub reverts: bool,
    /// It carries a hotfix, or was made from a branch of hotfixes.
    pub hotfix: bool,
}

/// What deploys to production by itself.
#[derive(Debug, Clone)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub production: Vec<String>,
    /// Whether the query asks for it, and it is known as a whole.
    pub asked: bool,
    /// Its deployments.
    pub range: Range<usize>,
    /// The earliest sign of it in the data.
    pub seen_from: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct Deployments {
    pub services: Vec<Service>,
    /// By service, then time, then run.
    pub all: Vec<Deployment>,
    /// Of a stage run in the input: its service, where it is production and no later attempt took it up.
    pub of_stage: Vec<Option<u32>>,
    /// Runs that say nothing about when they were.
    pub without_time: u64,
}

/// What a row does in its run.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub service: u32,
    pub run: i64,
    pub origin: Origin,
    /// DevLake's patterns: a deployment by its name, production by its name.
    pub deploys: bool,
    pub produces: bool,
    /// An attempt that took up others.
    pub retried: bool,
}

/// Finds the service of rows that come one kind after the other.
struct Finder<'a> {
    kinds: FastMap<(i64, bool, i64), Vec<Marked<'a>>>,
    last: Option<(&'a StageRun, Option<Mark>)>,
}

type Marked<'a> = (&'a StageKind, Option<Mark>);

/// What rows of a kind are.
#[derive(Debug, Clone, Copy)]
struct Mark {
    service: u32,
    deploys: bool,
    produces: bool,
}

impl<'a> Finder<'a> {
    fn mark(&mut self, row: &'a StageRun) -> Option<Mark> {
        if let Some((last, mark)) = self.last
            && last.definition == row.definition
            && last.project == row.project
            && last.kind == row.kind
            && last.stage == row.stage
            && last.environment == row.environment
        {
            return mark;
        }
        let found = self
            .kinds
            .get(&(row.project.0, row.kind == DefinitionKind::Release, row.definition))
            .and_then(|kinds| kinds.iter().find(|(kind, _)| kind.stage == row.stage && kind.environment == row.environment))
            .and_then(|(_, mark)| *mark);
        self.last = Some((row, found));
        found
    }
}

/// Services of `blind` projects are not asked for: what is known of them is a part.
pub fn of(input: &Input, query: &Query, lines: &Lines, blind: &[ProjectId]) -> Deployments {
    let in_projects = |project: ProjectId| query.projects.is_empty() || query.projects.contains(&project);
    let kinds: Vec<StageKind> = input.kinds.iter().filter(|kind| in_projects(kind.project)).cloned().collect();
    // Which kinds count, and what they say for a person.
    let is_devlake = query.definition == Definition::DevLake;
    let by_tag: Vec<bool>;
    let marks: Vec<Option<(bool, bool, String)>> = if is_devlake {
        by_tag = kinds.iter().map(devlake::is_by_tag).collect();
        devlake::marks(&kinds)
    } else {
        let verdicts = verdicts(&kinds, &query.rules);
        by_tag = kinds.iter().zip(&verdicts).map(|(kind, verdict)| is_by_tag(kind, verdict)).collect();
        verdicts.into_iter().map(|verdict| verdict.production.then_some((true, true, verdict.why))).collect()
    };
    let mut names: BTreeMap<ServiceId, (&str, Vec<String>)> = BTreeMap::new();
    for (kind, mark) in kinds.iter().zip(&marks) {
        if let Some((_, _, why)) = mark {
            let service = names.entry(service_of(kind)).or_insert((&kind.definition_name, Vec::new()));
            service.1.push(why.clone());
        }
    }
    let mut services: Vec<Service> = names
        .into_iter()
        .map(|(id, (name, mut production))| {
            production.sort_unstable();
            production.dedup();
            let asked = query.service.as_ref().is_none_or(|asked| *asked == id) && !blind.contains(&id.project);
            Service { id, name: name.to_owned(), production, asked, range: 0..0, seen_from: None }
        })
        .collect();
    let place = |id: &ServiceId| services.binary_search_by(|service| service.id.cmp(id)).ok().map(|at| at as u32);

    let mut finder = Finder { kinds: FastMap::default(), last: None };
    // With whether each run has to have a tag for it.
    let mut wholes: FastMap<(i64, i64), (Mark, bool)> = FastMap::default();
    for ((kind, mark), by_tag) in kinds.iter().zip(&marks).zip(by_tag) {
        let mark = mark
            .as_ref()
            .and_then(|(deploys, produces, _)| Some(Mark { service: place(&service_of(kind))?, deploys: *deploys, produces: *produces }));
        finder.kinds.entry((kind.project.0, kind.kind == DefinitionKind::Release, kind.definition)).or_default().push((kind, mark));
        if let Some(mark) = mark
            && kind.kind == DefinitionKind::Pipeline
            && (is_devlake || (kind.stage.is_empty() && kind.environment.is_none()))
        {
            let nothing = Mark { deploys: false, produces: false, ..mark };
            let whole = wholes.entry((kind.project.0, kind.definition)).or_insert((nothing, false));
            // Of a pipeline in DevLake's way: what its own name says. What stages say comes with their rows.
            if kind.stage.is_empty() && kind.environment.is_none() {
                *whole = (mark, by_tag);
            }
        }
    }

    let mut parts: Vec<Part> = Vec::with_capacity(input.stages.len());
    let mut of_stage = Vec::with_capacity(input.stages.len());
    for (at, row) in input.stages.iter().enumerate() {
        let mark = finder.mark(row);
        of_stage.push(mark.map(|mark| mark.service));
        if let Some(mark) = mark {
            let Mark { service, deploys, produces } = mark;
            parts.push(Part { service, run: row.run, origin: Origin::Stage(at as u32), deploys, produces, retried: false });
        }
    }
    for (at, run) in input.runs.iter().enumerate() {
        if let Some((mark, by_tag)) = wholes.get(&(run.project.0, run.definition)) {
            let Mark { service, mut deploys, produces } = *mark;
            if *by_tag {
                match is_devlake {
                    true => deploys = run.tags.iter().any(|tag| devlake::deploys(tag)),
                    false if !run.tags.iter().any(|tag| says_production(tag)) => continue,
                    false => {}
                }
            }
            parts.push(Part { service, run: run.number, origin: Origin::Run(at as u32), deploys, produces, retried: false });
        }
    }
    parts.sort_unstable_by_key(|part| (part.service, part.run));

    let mut all = Vec::with_capacity(parts.len());
    let mut without_time = 0;
    let mut take = |made: Made| match made {
        Made::Deployment(deployment) => all.push(deployment),
        Made::Nothing => {}
        Made::WithoutTime => without_time += 1,
    };
    for group in parts.chunk_by_mut(|a, b| (a.service, a.run) == (b.service, b.run)) {
        if is_devlake {
            take(devlake::deployment(input, group));
        } else if !attempts::has_several(input, group) {
            take(deployment(input, group, &[]));
        } else {
            let standing = attempts::standing(input, group);
            for taken_up in &standing.taken_up {
                of_stage[*taken_up as usize] = None;
            }
            for time in standing.times {
                take(deployment(input, &time, &standing.taken_up));
            }
        }
    }
    let mut from = 0;
    for group in all.chunk_by_mut(|a, b| a.service == b.service) {
        let service = &mut services[group[0].service as usize];
        service.range = from..from + group.len();
        // By run, they are nearly by time already.
        group.sort_unstable_by_key(|deployment| (deployment.at, deployment.run));
        service.seen_from = group.first().map(|deployment| deployment.first_at.min(deployment.at));
        standing::classify(service.id.kind, group, lines);
        from += group.len();
    }
    Deployments { services, all, of_stage, without_time }
}

/// What a group of parts makes.
pub enum Made {
    Deployment(Deployment),
    /// It is none by this definition.
    Nothing,
    WithoutTime,
}

/// What a part says of its end.
pub struct End {
    pub outcome: Outcome,
    pub finished_at: Option<Timestamp>,
    /// Where no finish is known.
    pub sign: Option<Timestamp>,
}

pub fn stage_end(stage: &StageRun) -> End {
    let outcome = match stage.result {
        StageResult::Succeeded | StageResult::SucceededWithIssues => Outcome::Succeeded,
        StageResult::Failed => Outcome::Failed,
        StageResult::Canceled if stage.started_at.is_some() => Outcome::Canceled,
        StageResult::Running => Outcome::Pending,
        StageResult::Pending if stage.run_result.is_none() => Outcome::Pending,
        StageResult::Canceled
        | StageResult::Pending
        | StageResult::Skipped
        | StageResult::Abandoned
        | StageResult::Rejected
        | StageResult::Unknown => Outcome::NotDeployed,
    };
    End { outcome, finished_at: stage.finished_at.or(stage.run_finished_at), sign: stage.started_at }
}

fn run_end(run: &Run) -> End {
    let outcome = match run.result {
        _ if run.branch.as_deref().is_some_and(|branch| branch.starts_with("refs/pull/")) => Outcome::Validation,
        Some(RunResult::Succeeded | RunResult::PartiallySucceeded) => Outcome::Succeeded,
        Some(RunResult::Failed) => Outcome::Failed,
        Some(RunResult::Canceled) if run.started_at.is_some() => Outcome::Canceled,
        Some(RunResult::Canceled | RunResult::Unknown) => Outcome::NotDeployed,
        None => Outcome::Pending,
    };
    End { outcome, finished_at: run.finished_at, sign: run.started_at }
}

/// `taken_up` are attempts of the run that later ones took up.
fn deployment(input: &Input, parts: &[Part], taken_up: &[u32]) -> Made {
    let end = |part: &Part| match part.origin {
        Origin::Stage(at) => stage_end(&input.stages[at as usize]),
        Origin::Run(at) => run_end(&input.runs[at as usize]),
    };
    let ends = || parts.iter().map(|part| (part, end(part)));
    let precedence = [Outcome::Failed, Outcome::Succeeded, Outcome::Canceled, Outcome::Pending, Outcome::Validation];
    let outcome = precedence.into_iter().find(|outcome| ends().any(|(_, end)| end.outcome == *outcome)).unwrap_or(Outcome::NotDeployed);
    let deciding = || ends().filter(|(_, end)| end.outcome == outcome);
    // The last to finish tells of the whole; of several at once the first by name, so that the order of rows does not matter.
    let last = deciding()
        .max_by(|(a, x), (b, y)| x.finished_at.or(x.sign).cmp(&y.finished_at.or(y.sign)).then(name(input, b).cmp(&name(input, a))));
    let Some((last, last_end)) = last else { return Made::Nothing };
    let Some(at) = last_end.finished_at.or(last_end.sign) else { return Made::WithoutTime };
    let first_at = deciding().filter_map(|(_, end)| end.finished_at.or(end.sign)).min().unwrap_or(at);
    let mut notes = Notes { untimed: last_end.finished_at.is_none(), ..Notes::default() };
    for part in parts {
        notes.retried |= part.retried;
        match part.origin {
            Origin::Stage(at) => {
                let stage = &input.stages[at as usize];
                notes.with_issues |= stage.result == StageResult::SucceededWithIssues;
                notes.failed_after |= outcome == Outcome::Succeeded && stage.run_result == Some(RunResult::Failed);
            }
            Origin::Run(at) => notes.with_issues |= input.runs[at as usize].result == Some(RunResult::PartiallySucceeded),
        }
    }
    Made::Deployment(Deployment {
        service: last.service,
        run: last.run,
        at,
        first_at,
        sha: of_origin(input, last.origin).0,
        repository: of_origin(input, last.origin).1,
        place: None,
        origin: last.origin,
        regions: u16::try_from(parts.len()).unwrap_or(u16::MAX),
        reached: u16::try_from(ends().filter(|(_, end)| end.outcome == Outcome::Succeeded).count()).unwrap_or(u16::MAX),
        outcome,
        class: Class::Forward,
        notes,
        approvals: approvals(input, deciding().map(|(part, _)| part.origin), taken_up),
    })
}

/// When the stages that decided a deployment waited for approvals, with those of the attempts before: a change waited for all of them.
/// `taken_up` may have other rows of the run as well.
pub fn approvals(input: &Input, deciding: impl Iterator<Item = Origin>, taken_up: &[u32]) -> Option<Vec<Stretch>> {
    let mut stretches = Vec::new();
    for origin in deciding {
        let Origin::Stage(at) = origin else { return None };
        let last = &input.stages[at as usize];
        let before = || taken_up.iter().map(|at| &input.stages[*at as usize]).filter(|row| is_before(row, last));
        // What an attempt that nobody told of waited for is not known.
        if last.attempt > 1 && before().count() as i64 + 1 < last.attempt {
            return None;
        }
        for row in before().chain([last]) {
            match row.approval? {
                Approval::NotAsked => {}
                Approval::Waited { from, to } => stretches.push(Stretch::new(from, to)),
            }
        }
    }
    Some(joined(stretches))
}

fn is_before(row: &StageRun, last: &StageRun) -> bool {
    row.stage == last.stage && row.environment == last.environment && row.attempt < last.attempt
}

fn name<'a>(input: &'a Input, part: &Part) -> (&'a str, Option<&'a str>) {
    match part.origin {
        Origin::Stage(at) => {
            let stage = &input.stages[at as usize];
            (&stage.stage, stage.environment.as_deref())
        }
        Origin::Run(_) => ("", None),
    }
}

/// The commit and the repository of a row.
pub fn of_origin(input: &Input, origin: Origin) -> (u128, Option<RepositoryId>) {
    let (commit, repository) = match origin {
        Origin::Stage(at) => (&input.stages[at as usize].sha, input.stages[at as usize].repository),
        Origin::Run(at) => (&input.runs[at as usize].sha, input.runs[at as usize].repository),
    };
    (commit.as_ref().map_or(0, sha), repository)
}

/// The branch of a row.
pub fn branch_of(input: &Input, origin: Origin) -> Option<&str> {
    match origin {
        Origin::Stage(at) => input.stages[at as usize].branch.as_deref(),
        Origin::Run(at) => input.runs[at as usize].branch.as_deref(),
    }
}
