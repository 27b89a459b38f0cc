//! Which runs are asked for their stages: what environments do not tell of what went to production, and no more than that.
//!
//! Of every pipeline one run is looked at a day, so that its stages are known. Where a stage of it is production and no environment tells
//! of it, its runs are taken by sorts: those on the default branch that no schedule began (all are looked at), those that a schedule
//! began, and those of other branches by their folder (`release/1.2` and `release/1.3` are of one sort). Of the two latter the longest
//! are looked at first, because a run that deployed took longer than one that did not; where one of them began to deploy, all of its sort
//! are looked at, and those that ended since the last pass in any case.
//!
//! Nothing is asked of runs that check the merge of a pull request, nor of runs that were cancelled before they began. Runs of a
//! repository that is gone are taken as of its default branch: which it was, nobody says any more.
//!
//! Limits: of a first pass, a sort whose longest runs did not deploy is taken for one that never does. That it was is kept with the
//! pipeline ([`LeftAlone`]), so that figures say so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attempts;
use super::course::{Course, Stop};
use super::cursor::OVERLAP;
use crate::domain::collection::Source;
use crate::domain::run::{DefinitionKind, RunResult};
use crate::metrics::input::StageKind;
use crate::metrics::left_alone::{LeftAlone, Sort};
use crate::metrics::production;
use crate::store::{EndedRun, Looked};

/// A pipeline is looked at again after this long: it may have got another stage.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// Runs that a schedule began, and runs of a folder of branches, that are looked at before the others of their sort.
pub const SCHEDULED_FIRST: usize = 3;
pub const OF_A_FOLDER_FIRST: usize = 1;

/// A run that ended, and that may have deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub number: i64,
    pub definition: i64,
    pub sort: Sort,
    pub has_succeeded: bool,
    /// How long it took.
    pub length: SignedDuration,
    pub ended_at: Timestamp,
    pub is_looked_at: bool,
}

/// What is known of the pipelines of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipelines {
    /// A stage of theirs that no environment tells of is production.
    pub with_production: BTreeSet<i64>,
    /// Sorts of theirs of which a run began to deploy.
    pub deploying: BTreeSet<(i64, Sort)>,
    /// When a run of theirs was last asked for its stages.
    pub looked: BTreeMap<i64, Timestamp>,
    /// When the last whole pass over them began.
    pub since: Option<Timestamp>,
}

impl Pipelines {
    fn is_due(&self, definition: i64, now: Timestamp) -> bool {
        self.looked.get(&definition).is_none_or(|at| now.duration_since(*at) >= LOOK_AGAIN)
    }
}

/// The runs to ask, with their pipelines, in the order of the candidates.
pub fn wanted(candidates: &[Candidate], pipelines: &Pipelines, now: Timestamp) -> Vec<(i64, i64)> {
    let mut probes: BTreeMap<i64, &Candidate> = BTreeMap::new();
    for one in candidates.iter().filter(|one| !pipelines.with_production.contains(&one.definition)) {
        if !one.is_looked_at && pipelines.is_due(one.definition, now) {
            // Of the default branch rather than another, and of these the newest that went through: it shows all its stages.
            let rank = |one: &Candidate| (!matches!(one.sort, Sort::Branches(_) | Sort::Tags), one.has_succeeded);
            let probe = probes.entry(one.definition).or_insert(one);
            if rank(one) > rank(probe) {
                *probe = one;
            }
        }
    }
    let mut all = BTreeSet::new();
    for (_, runs) in by_sort(candidates, pipelines) {
        all.extend(runs.iter().filter(|(one, is_chosen)| *is_chosen && !one.is_looked_at).map(|(one, _)| one.number));
    }
    let probes: Vec<_> = probes.values().map(|probe| (probe.definition, probe.number)).collect();
    probes.into_iter().chain(candidates.iter().filter(|one| all.contains(&one.number)).map(|one| (one.definition, one.number))).collect()
}

/// The runs of the pipelines with production, by their sorts, each with whether it is one of those to look at.
fn by_sort<'a>(candidates: &'a [Candidate], pipelines: &Pipelines) -> BTreeMap<(i64, &'a Sort), Vec<(&'a Candidate, bool)>> {
    let mut sorts: BTreeMap<(i64, &Sort), Vec<(&Candidate, bool)>> = BTreeMap::new();
    for one in candidates.iter().filter(|one| pipelines.with_production.contains(&one.definition)) {
        sorts.entry((one.definition, &one.sort)).or_default().push((one, false));
    }
    for ((definition, sort), runs) in &mut sorts {
        let first = match sort {
            Sort::Line => usize::MAX,
            _ if pipelines.deploying.contains(&(*definition, (*sort).clone())) => usize::MAX,
            Sort::Scheduled => SCHEDULED_FIRST,
            Sort::Branches(_) | Sort::Tags => OF_A_FOLDER_FIRST,
        };
        runs.sort_by_key(|(one, _)| std::cmp::Reverse((one.has_succeeded, one.length, one.number)));
        let is_new = |one: &Candidate| pipelines.since.is_some_and(|since| one.ended_at >= since - OVERLAP);
        for (place, (one, is_chosen)) in runs.iter_mut().enumerate() {
            *is_chosen = place < first || is_new(one);
        }
    }
    sorts
}

/// Of the pipelines with production the sorts of which some runs were looked at, and others will not be, because none of those deployed.
pub fn left_alone(candidates: &[Candidate], pipelines: &Pipelines) -> BTreeMap<i64, Vec<LeftAlone>> {
    let mut found: BTreeMap<i64, Vec<LeftAlone>> = BTreeMap::new();
    for ((definition, sort), runs) in by_sort(candidates, pipelines) {
        let looked_at = runs.iter().filter(|(one, _)| one.is_looked_at).count() as u64;
        if looked_at > 0 && runs.iter().any(|(one, is_chosen)| !is_chosen && !one.is_looked_at) {
            found.entry(definition).or_default().push(LeftAlone { sort: sort.clone(), looked_at, runs: runs.len() as u64 });
        }
    }
    found
}

/// Runs of a pipeline that are considered at once: more than a window of figures holds.
const MOST_RUNS: u32 = 5000;
/// Enough to find one that went through.
const SOME_RUNS: u32 = 50;

impl Course<'_> {
    /// The runs whose stages are asked for next, with their pipelines.
    pub async fn timelines(&self) -> Result<Vec<(i64, i64)>, Stop> {
        let (store, project) = (self.store(), self.project().id);
        let mut pipelines = Pipelines { since: self.synced(Source::Timelines), ..Pipelines::default() };
        let kinds = store.stage_kinds(&[project]).await?;
        let verdicts = production::verdicts(&kinds, &self.shared.settings.rules);
        let counts = kinds.iter().zip(verdicts).filter(|(_, verdict)| verdict.production).map(|(kind, _)| kind);
        let by_timelines =
            counts.filter(|kind| kind.kind == DefinitionKind::Pipeline && kind.environment.is_none() && !kind.stage.is_empty());
        let mut stages: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for kind in by_timelines {
            stages.entry(kind.definition).or_default().push(&kind.stage);
        }
        pipelines.with_production = stages.keys().copied().collect();
        let definitions = store.definitions(project).await?;
        let mut candidates = Vec::new();
        for number in definitions.iter().filter(|one| one.kind == DefinitionKind::Pipeline).map(|one| one.number) {
            if let Some(at) = self.looked(Source::Timelines, &number.to_string()).await {
                pipelines.looked.insert(number, at);
            }
            let Some(stages) = stages.get(&number) else {
                if pipelines.is_due(number, self.now()) {
                    let runs = store.ended_runs(project, number, self.from, Looked::NotYet, SOME_RUNS).await?;
                    candidates.extend(runs.iter().filter_map(|run| self.candidate(number, run)));
                }
                continue;
            };
            let runs = store.ended_runs(project, number, self.from, Looked::Any, MOST_RUNS).await?;
            let runs: Vec<_> = runs.iter().filter_map(|run| self.candidate(number, run)).collect();
            for stage in stages {
                let began: BTreeSet<_> = store.runs_that_began(project, number, stage, self.from).await?.into_iter().collect();
                pipelines.deploying.extend(runs.iter().filter(|run| began.contains(&run.number)).map(|run| (number, run.sort.clone())));
            }
            candidates.extend(runs);
        }
        self.keep_left_alone(&kinds, left_alone(&candidates, &pipelines)).await?;
        Ok(wanted(&candidates, &pipelines, self.now()))
    }

    /// Keeps which runs are left alone, where that is not what is known.
    async fn keep_left_alone(&self, kinds: &[StageKind], mut found: BTreeMap<i64, Vec<LeftAlone>>) -> Result<(), Stop> {
        let is_whole = |kind: &&StageKind| kind.kind == DefinitionKind::Pipeline && kind.stage.is_empty() && kind.environment.is_none();
        for kind in kinds.iter().filter(is_whole) {
            let now = found.remove(&kind.definition).unwrap_or_default();
            if now != kind.left_alone {
                self.store().put_left_alone(self.project().id, kind.definition, &now).await?;
            }
        }
        Ok(())
    }

    fn candidate(&self, definition: i64, run: &EndedRun) -> Option<Candidate> {
        let default = run
            .repository
            .and_then(|id| self.repositories().iter().find(|known| known.id == id))
            .and_then(|repository| repository.default_branch.as_deref());
        Some(Candidate {
            number: run.number,
            definition,
            sort: Sort::of(run.branch.as_deref()?, &run.reason, default),
            has_succeeded: matches!(run.result, Some(RunResult::Succeeded | RunResult::PartiallySucceeded)),
            length: run.started_at.map_or(SignedDuration::ZERO, |started| run.finished_at.duration_since(started)),
            ended_at: run.finished_at,
            is_looked_at: run.is_looked_at,
        })
    }

    /// Reads the stages of a run. One without any is remembered as asked.
    pub async fn timeline(&self, definition: i64, build: i64) -> Result<(), Stop> {
        if !self.may(Source::Timelines) {
            return Ok(());
        }
        let asked_at = self.now();
        let project = self.project();
        let mut stages = self.client().timeline(&project.guid, build).await?.unwrap_or_default();
        let mut calls = 1;
        if stages.iter().any(|stage| !stage.earlier.is_empty()) {
            let kinds = self.store().stage_kinds(&[project.id]).await?;
            let tried_again = attempts::wanted(&stages, (project.id, definition), &kinds, &self.shared.settings.rules);
            calls += tried_again.iter().map(|stage| stage.earlier.len()).sum::<usize>();
            stages.extend(attempts::earlier(self.client(), &project.guid, build, &tried_again).await?);
        }
        let mut turn = self.turn(Source::Timelines).await;
        turn.calls(calls);
        turn.look(definition.to_string(), asked_at);
        self.store().put_timeline(self.project().id, build, &stages, asked_at, turn.page()).await?;
        turn.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A run that took so many minutes and ended a day ago.
    fn run(number: i64, definition: i64, sort: Sort, has_succeeded: bool, minutes: i64) -> Candidate {
        let (length, ended_at) = (SignedDuration::from_mins(minutes), at(NOW - 86_400));
        Candidate { number, definition, sort, has_succeeded, length, ended_at, is_looked_at: false }
    }

    fn line(number: i64, definition: i64, has_succeeded: bool) -> Candidate {
        run(number, definition, Sort::Line, has_succeeded, 10)
    }

    fn beside(number: i64, folder: &str, minutes: i64) -> Candidate {
        run(number, 1, Sort::Branches(folder.to_owned()), true, minutes)
    }

    #[test]
    fn one_run_of_a_pipeline_is_looked_at_and_all_of_one_that_deploys() {
        let candidates = [line(9, 1, false), line(8, 1, true), line(7, 1, true), line(6, 2, true), line(5, 3, false), line(4, 2, false)];
        assert_eq!(
            wanted(&candidates, &Pipelines::default(), at(NOW)),
            [(1, 8), (2, 6), (3, 5)],
            "the newest that went through, else the newest"
        );
        let pipelines = Pipelines {
            with_production: [2].into(),
            looked: [(1, at(NOW) - SignedDuration::from_hours(23)), (2, at(NOW)), (3, at(NOW))].into(),
            ..Pipelines::default()
        };
        assert_eq!(wanted(&candidates, &pipelines, at(NOW)), [(2, 6), (2, 4)]);
        let later = at(NOW) + SignedDuration::from_hours(1);
        assert_eq!(wanted(&candidates, &pipelines, later), [(1, 8), (2, 6), (2, 4)], "a day later it may have got a production stage");
    }

    #[test]
    fn a_pipeline_that_never_runs_on_the_default_branch_is_looked_at_too() {
        let candidates = [beside(9, "release", 5), run(8, 2, Sort::Branches("topic".to_owned()), true, 5), line(7, 2, false)];
        assert_eq!(wanted(&candidates, &Pipelines::default(), at(NOW)), [(1, 9), (2, 7)], "the default branch rather than another");
    }

    #[test]
    fn of_scheduled_runs_and_of_each_folder_of_branches_the_longest_are_looked_at_until_one_began_to_deploy() {
        let nights = [30, 10, 20, 40, 15].into_iter().zip(20..).map(|(minutes, number)| run(number, 1, Sort::Scheduled, true, minutes));
        let mut candidates: Vec<_> = nights.collect();
        candidates.push(run(25, 1, Sort::Scheduled, false, 90));
        candidates.extend([beside(9, "release", 5), beside(8, "release", 50), beside(7, "topic", 3), line(6, 1, true)]);
        let mut pipelines = Pipelines { with_production: [1].into(), looked: [(1, at(NOW))].into(), ..Pipelines::default() };
        assert_eq!(
            wanted(&candidates, &pipelines, at(NOW)),
            [(1, 20), (1, 22), (1, 23), (1, 8), (1, 7), (1, 6)],
            "those that failed come after those that went through"
        );
        assert_eq!(left_alone(&candidates, &pipelines), BTreeMap::new(), "nothing is said of what was not begun with");
        for one in &mut candidates {
            one.is_looked_at = [20, 22, 23, 8, 7, 6].contains(&one.number);
        }
        assert_eq!(wanted(&candidates, &pipelines, at(NOW)), [], "what was looked at is not looked at again, nor more than that");
        let alone = |sort, looked_at, runs| LeftAlone { sort, looked_at, runs };
        let release = alone(Sort::Branches("release".to_owned()), 1, 2);
        let expected = [(1, vec![alone(Sort::Scheduled, 3, 6), release])].into();
        assert_eq!(left_alone(&candidates, &pipelines), expected, "neither the line nor a sort of which all were looked at");
        pipelines.deploying = [(1, Sort::Branches("release".to_owned()))].into();
        assert_eq!(wanted(&candidates, &pipelines, at(NOW)), [(1, 9)], "all of the sort that deploys");
        assert_eq!(left_alone(&candidates, &pipelines)[&1], [alone(Sort::Scheduled, 3, 6)]);
        candidates[1].ended_at = at(NOW - 60);
        pipelines.since = Some(at(NOW - 900));
        assert_eq!(wanted(&candidates, &pipelines, at(NOW)), [(1, 21), (1, 9)], "what ended since the last pass in any case");
    }
}
