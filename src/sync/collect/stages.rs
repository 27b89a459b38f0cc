//! Which runs are asked for their stages: only where nothing cheaper tells what went to production.
//!
//! A pipeline that deploys into a production environment is told of by the environment's records. Of every other one that runs on a
//! default branch, one run is looked at; if a stage of it is production, all its runs are, the newest first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::attempts;
use super::course::{Course, Stop};
use crate::domain::collection::Source;
use crate::domain::run::{DefinitionKind, RunResult};
use crate::metrics::production;
use crate::store::{BuildFilter, KnownBuild};

/// A pipeline without a production stage is looked at again after this long: it may have got one.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// A run that ended on a default branch, and whose stages nobody told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub number: i64,
    pub definition: i64,
    pub has_succeeded: bool,
}

/// What is known of the pipelines of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipelines {
    /// Environments tell of their production.
    pub told: BTreeSet<i64>,
    /// A stage of theirs that no environment tells of is production.
    pub with_production: BTreeSet<i64>,
    /// When a run of theirs was last asked for its stages.
    pub looked: BTreeMap<i64, Timestamp>,
}

impl Pipelines {
    /// Whether anything is asked about a pipeline.
    fn is_open(&self, definition: i64, now: Timestamp) -> bool {
        let is_due = |at: &Timestamp| now.duration_since(*at) >= LOOK_AGAIN;
        !self.told.contains(&definition) && (self.with_production.contains(&definition) || self.looked.get(&definition).is_none_or(is_due))
    }
}

/// The runs to ask, with their pipelines, newest first as the candidates are.
pub fn wanted(candidates: &[Candidate], pipelines: &Pipelines, now: Timestamp) -> Vec<(i64, i64)> {
    let mut probes: BTreeMap<i64, Candidate> = BTreeMap::new();
    let mut wanted = Vec::new();
    for one in candidates.iter().filter(|one| pipelines.is_open(one.definition, now)) {
        if pipelines.with_production.contains(&one.definition) {
            wanted.push((one.definition, one.number));
        } else {
            // The newest one that went through shows all its stages.
            let probe = probes.entry(one.definition).or_insert(*one);
            if !probe.has_succeeded && one.has_succeeded {
                *probe = *one;
            }
        }
    }
    probes.values().map(|probe| (probe.definition, probe.number)).chain(wanted).collect()
}

/// Runs of a pipeline that are considered at once: more than a window of figures holds.
const MOST_RUNS: u32 = 5000;
/// Enough to find one that went through.
const SOME_RUNS: u32 = 50;

impl Course<'_> {
    /// The runs whose stages are asked for next, with their pipelines.
    pub async fn timelines(&self) -> Result<Vec<(i64, i64)>, Stop> {
        let project = self.project().id;
        let mut pipelines = Pipelines::default();
        let kinds = self.store().stage_kinds(&[project]).await?;
        for (kind, verdict) in kinds.iter().zip(production::verdicts(&kinds, &self.shared.settings.rules)) {
            let is_stage = kind.kind == DefinitionKind::Pipeline && !(kind.stage.is_empty() && kind.environment.is_none());
            if is_stage && verdict.production {
                let known = if kind.environment.is_some() { &mut pipelines.told } else { &mut pipelines.with_production };
                known.insert(kind.definition);
            }
        }
        let definitions = self.store().definitions(project).await?;
        let mut candidates = Vec::new();
        for definition in definitions.iter().filter(|definition| definition.kind == DefinitionKind::Pipeline) {
            let number = definition.number;
            if let Some(at) = self.looked(Source::Timelines, &number.to_string()).await {
                pipelines.looked.insert(number, at);
            }
            if !pipelines.is_open(number, self.now()) {
                continue;
            }
            let limit = if pipelines.with_production.contains(&number) { MOST_RUNS } else { SOME_RUNS };
            let filter = BuildFilter { definition: Some(number), without_timeline: true, ..BuildFilter::default() };
            candidates.extend(self.store().builds(project, &filter, limit).await?.iter().filter_map(|build| self.candidate(build)));
        }
        Ok(wanted(&candidates, &pipelines, self.now()))
    }

    /// A run of a default branch, within the window.
    fn candidate(&self, build: &KnownBuild) -> Option<Candidate> {
        let repository = self.repositories().iter().find(|known| Some(known.id) == build.repository)?;
        let branch = build.branch.as_deref()?.strip_prefix("refs/heads/")?;
        (repository.default_branch.as_deref() == Some(branch) && build.finished_at? >= self.from).then_some(())?;
        let has_succeeded = matches!(build.result, Some(RunResult::Succeeded | RunResult::PartiallySucceeded));
        Some(Candidate { number: build.number, definition: build.definition, has_succeeded })
    }

    /// Reads the stages of a run. One without any is remembered as asked.
    pub async fn timeline(&self, definition: i64, build: i64) -> Result<(), Stop> {
        if !self.may(Source::Timelines) {
            return Ok(());
        }
        let asked_at = self.now();
        let project = self.project();
        let mut stages = self.client().timeline(&project.guid, build).await?.unwrap_or_default();
        if stages.iter().any(|stage| !stage.earlier.is_empty()) {
            let kinds = self.store().stage_kinds(&[project.id]).await?;
            let tried_again = attempts::wanted(&stages, (project.id, definition), &kinds, &self.shared.settings.rules);
            stages.extend(attempts::earlier(self.client(), &project.guid, build, &tried_again).await?);
        }
        let mut turn = self.turn(Source::Timelines).await;
        turn.look(definition.to_string(), asked_at);
        self.store().put_timeline(self.project().id, build, &stages, asked_at, turn.page()).await?;
        turn.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: i64, definition: i64, has_succeeded: bool) -> Candidate {
        Candidate { number, definition, has_succeeded }
    }

    #[test]
    fn one_run_of_a_pipeline_is_looked_at_and_all_of_one_that_deploys() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let candidates = [run(9, 1, false), run(8, 1, true), run(7, 1, true), run(6, 2, true), run(5, 3, false), run(4, 2, false)];
        assert_eq!(
            wanted(&candidates, &Pipelines::default(), now),
            [(1, 8), (2, 6), (3, 5)],
            "the newest that went through, else the newest"
        );
        let pipelines = Pipelines {
            told: [3].into(),
            with_production: [2].into(),
            looked: [(1, now - SignedDuration::from_hours(23)), (2, now)].into(),
        };
        assert_eq!(wanted(&candidates, &pipelines, now), [(2, 6), (2, 4)]);
        let later = now + SignedDuration::from_hours(1);
        assert_eq!(wanted(&candidates, &pipelines, later), [(1, 8), (2, 6), (2, 4)], "a day later it may have got a production stage");
    }
}
