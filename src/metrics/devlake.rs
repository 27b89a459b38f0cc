//! Figures as Apache DevLake computes them for Azure DevOps, from the same facts.
//!
//! | what | how |
//! |---|---|
//! | deployment | a finished run of a pipeline whose `name;tags`, or the name of any stage (or environment) of it, contains `deploy` or `push-image` |
//! | production | the pipeline's name, or the name of any stage (or environment), contains `prod` - so `preprod`, `non-prod` and `product` as well, and a skipped stage as well |
//! | result | that of the whole run: succeeded and partially succeeded are success, failed and cancelled are failure |
//! | deployment frequency | distinct deployment days a week, lower median |
//! | change lead time | a merged pull request whose commit a successful deployment brought since the success before it (the first brings none): coding + (merged - created) + deploy, each rounded up to minutes, a negative part left out; lower median; whoever wrote it |
//! | change fail rate | deployments with an incident / successful deployments; an incident belongs to the latest success before it, however long before |
//! | recovery time | incident resolved - deployment finished, lower median |
//!
//! Limits: these are DevLake's default patterns with case ignored (its own expressions heed it, and whoever has `DeployProd` writes
//! `(?i)`); classic releases are not collected by it; it orders deployments by their start, we by their finish; it looks at jobs as well
//! as stages. For Azure DevOps it collects neither comments nor incidents: those figures are what it would say if it had them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::calendar::seconds;
use super::deployments::{Class, Deployment, Made, Notes, Origin, Outcome, Part, of_origin};
use super::input::{Flow, Input, StageKind};
use super::production::{KindKey, Wanted, service_of};
use super::query::ServiceId;
use crate::domain::run::{DefinitionKind, RunResult};

/// Whether a name or a tag says deployment.
pub fn deploys(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("deploy") || name.contains("push-image")
}

fn produces(name: &str) -> bool {
    name.to_lowercase().contains("prod")
}

/// Whether a kind of stage says deployment, and production.
fn says(kind: &StageKind) -> (bool, bool) {
    if kind.stage.is_empty() && kind.environment.is_none() {
        return of_pipeline(kind);
    }
    let environment = kind.environment.as_deref().unwrap_or_default();
    let names = [kind.stage.as_str(), kind.shown.as_deref().unwrap_or_default(), environment];
    (names.into_iter().any(deploys), names.into_iter().any(produces))
}

/// What the name of a pipeline says, or a tag of some of its runs.
fn of_pipeline(kind: &StageKind) -> (bool, bool) {
    (deploys(&kind.definition_name) || is_by_tag(kind), produces(&kind.definition_name))
}

/// Whether only a tag makes runs of a pipeline deployments: those that have one, each by itself.
pub fn is_by_tag(kind: &StageKind) -> bool {
    !deploys(&kind.definition_name) && kind.tags.iter().any(|tag| deploys(tag))
}

/// Definitions of which some run can be a production deployment, with what their names say.
fn eligible(kinds: &[StageKind]) -> BTreeMap<ServiceId, (bool, bool)> {
    let mut seen: BTreeMap<ServiceId, (bool, bool)> = BTreeMap::new();
    let mut pipelines: BTreeMap<ServiceId, (bool, bool)> = BTreeMap::new();
    for kind in kinds.iter().filter(|kind| kind.kind == DefinitionKind::Pipeline) {
        let (deploys, produces) = says(kind);
        let own = of_pipeline(kind);
        let any = seen.entry(service_of(kind)).or_default();
        *any = (any.0 | deploys | own.0, any.1 | produces | own.1);
        let pipeline = pipelines.entry(service_of(kind)).or_default();
        *pipeline = (pipeline.0 | own.0, pipeline.1 | own.1);
    }
    pipelines.retain(|id, _| seen.get(id) == Some(&(true, true)));
    pipelines
}

/// What each kind is, in their order: whether a run with it is a deployment, is production, and why for a person.
pub fn marks(kinds: &[StageKind]) -> Vec<Option<(bool, bool, String)>> {
    let eligible = eligible(kinds);
    kinds
        .iter()
        .map(|kind| {
            let own = eligible.get(&service_of(kind))?;
            let (deploys, produces) = says(kind);
            let is_whole = kind.stage.is_empty() && kind.environment.is_none();
            // Rows of a stage that says nothing still tell of their run where the pipeline's name says what they do not.
            let tells = is_whole || deploys || produces || *own != (false, false);
            let what = if is_whole { &kind.definition_name } else { &kind.stage };
            // A tag says it of its own run, which is read besides.
            let by_name = own.0 && !is_by_tag(kind);
            tells.then(|| (deploys | by_name, produces | own.1, format!("`{what}`, by DevLake's patterns")))
        })
        .collect()
}

/// The rows that DevLake's definition needs.
pub fn wanted(kinds: &[StageKind]) -> Wanted {
    let eligible = eligible(kinds);
    let mut wanted = Wanted::default();
    let mut runs = BTreeSet::new();
    for (kind, mark) in kinds.iter().zip(marks(kinds)) {
        if mark.is_none() {
            continue;
        }
        if !(kind.stage.is_empty() && kind.environment.is_none()) {
            wanted.kinds.push(KindKey::of(kind));
        }
        // Where the name says both, runs without any stage row count as well; and a tag is known of a run alone.
        if eligible.get(&service_of(kind)) == Some(&(true, true)) || is_by_tag(kind) {
            runs.insert((kind.project, kind.definition));
        }
    }
    wanted.runs = runs.into_iter().collect();
    wanted
}

/// A run with its rows as DevLake sees it.
pub fn deployment(input: &Input, parts: &[Part]) -> Made {
    if !(parts.iter().any(|part| part.deploys) && parts.iter().any(|part| part.produces)) {
        return Made::Nothing;
    }
    let end = |origin: Origin| match origin {
        Origin::Stage(at) => {
            let stage = &input.stages[at as usize];
            (stage.run_result, stage.run_finished_at.or(stage.finished_at))
        }
        Origin::Run(at) => (input.runs[at as usize].result, input.runs[at as usize].finished_at),
    };
    let known = parts.iter().map(|part| (part, end(part.origin))).filter(|(_, (result, _))| result.is_some());
    let Some((part, (result, finished_at))) = known.max_by_key(|(part, (_, at))| (*at, key(input, part.origin))) else {
        return Made::Nothing;
    };
    let outcome = match result {
        Some(RunResult::Succeeded | RunResult::PartiallySucceeded) => Outcome::Succeeded,
        Some(RunResult::Failed | RunResult::Canceled) => Outcome::Failed,
        _ => return Made::Nothing,
    };
    let Some(at) = finished_at else { return Made::WithoutTime };
    let (sha, repository) = of_origin(input, part.origin);
    Made::Deployment(Deployment {
        service: part.service,
        run: part.run,
        at,
        first_at: at,
        sha,
        repository,
        place: None,
        origin: part.origin,
        regions: 1,
        reached: u16::from(outcome == Outcome::Succeeded),
        outcome,
        class: Class::Forward,
        notes: Notes::default(),
        approvals: None,
    })
}

/// Orders rows of one run the same way however they come.
fn key(input: &Input, origin: Origin) -> (bool, &str, Option<&str>) {
    match origin {
        Origin::Stage(at) => {
            let stage = &input.stages[at as usize];
            (false, stage.stage.as_str(), stage.environment.as_deref())
        }
        Origin::Run(_) => (true, "", None),
    }
}

/// Minutes from one instant to another, rounded up; absent where negative. In seconds.
pub fn span(from: Timestamp, to: Timestamp) -> Option<f64> {
    let minutes = (seconds(from, to) / 60.0).ceil();
    (minutes >= 0.0).then_some(minutes * 60.0)
}

/// Coding, review and deployment of a pull request as one sum.
pub fn lead_time(flow: &Flow, merged_at: Timestamp, deployed_at: Timestamp) -> f64 {
    let coding = flow.first_commit_at.and_then(|from| span(from, flow.created_at));
    let during = span(flow.created_at, merged_at);
    let deploying = span(merged_at, deployed_at);
    [coding, during, deploying].into_iter().flatten().sum()
}
