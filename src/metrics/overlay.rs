//! What went on inside a phase: "merge wait 3h, of which CI 1h 20m".
//!
//! | phase | of which | from | not known where |
//! |---|---|---|---|
//! | review, merge wait | CI | runs that check the pull request's merge: queued or running | no such run was ever seen; the phase began before runs are collected; more than [`MOST_STRETCHES`] stretches reach beyond it |
//! | deploy wait | approval | the checkpoints of the production stages of the deployment that brought it, of all their attempts | a timeline of one of them was not read, or the service keeps it no more; classic releases; runs that are production as wholes |
//!
//! Runs at the same time count once, and only what lies in the phase: what ran before the approval is none of the merge wait. A run that
//! went on at the close ends there. Not known is not zero: such a pull request is in no median here, and how many are known is said with
//! it. Zero is a run that was seen, or a timeline that was read, and nothing of it lay in the phase.
//!
//! By the hours of the query, as the phases themselves. The other definitions know no such thing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cycle::{self, Span};
use super::departures::{StageState, Stop};
use super::deployments::{Origin, approvals};
use super::figures::{Metric, Phase, Value};
use super::flow::MOST_STRETCHES;
use super::frame::{Frame, Item};
use super::input::{Flow, Input, StageRun};
use super::query::{Definition, Window};
use super::readiness;
use super::statistics::ascending;
use super::stretch::{Stretch, within};
use super::tally::times;
use super::telling;
use super::waterfall::{OfWhich, Waterfall};
use crate::domain::collection::Source;

/// What may go on inside a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlay {
    /// A run that checks the merge is queued or running.
    Ci,
    /// A production stage waits for approvals or checks.
    Approval,
}

impl Overlay {
    /// What may go on inside a phase.
    pub fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Coding | Phase::Draft | Phase::Pickup => None,
            Phase::Review | Phase::MergeWait => Some(Self::Ci),
            Phase::DeployWait => Some(Self::Approval),
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Ci => "CI",
            Self::Approval => "approval",
        }
    }

    /// Why nothing is known.
    fn unknown(self) -> &'static str {
        match self {
            Self::Ci => "no run that checks a merge was seen",
            Self::Approval => "no timeline of these deployments was read",
        }
    }
}

/// How long something went on inside a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverlayFigure {
    pub overlay: Overlay,
    /// Of those of which it is known.
    pub value: Value,
    /// How many these are, and how many have the phase at all.
    pub known: u64,
    pub of: u64,
}

/// What is said while that is not there which tells of it.
fn withheld(frame: &Frame<'_>, overlay: Overlay) -> Option<Value> {
    let sources: &[Source] = match overlay {
        Overlay::Ci => &[Source::Builds],
        Overlay::Approval => &[Source::Builds, Source::Timelines],
    };
    let refused = || sources.iter().find_map(|source| readiness::refused(frame, *source));
    let backfilling = readiness::backfilling(frame, sources).map(|percent| Value::Backfilling { percent });
    backfilling.or_else(|| Some(Value::NotMeasured { why: refused()? }))
}

/// Of a phase in a window; nothing where the phase has no such thing.
pub fn figure(frame: &Frame<'_>, phase: Phase, window: Window) -> Option<OverlayFigure> {
    let overlay = Overlay::of(phase).filter(|_| frame.query.definition == Definition::Ours)?;
    if let Some(value) = withheld(frame, overlay) {
        return Some(OverlayFigure { overlay, value, known: 0, of: 0 });
    }
    let (mut seconds, mut of) = (Vec::new(), 0);
    cycle::each_phase(frame, phase, window, &mut |sample| {
        if let (None, Item::Flow(at)) = (sample.excluded, sample.item) {
            of += 1;
            seconds.extend(seconds_of(frame, at as usize, phase));
        }
    });
    let known = seconds.len() as u64;
    Some(OverlayFigure { overlay, value: times(Definition::Ours, &ascending(seconds), overlay.unknown()), known, of })
}

/// How long something went on inside a phase of a closed pull request, in seconds of the query's hours; nothing where that is not known.
pub fn seconds_of(frame: &Frame<'_>, flow: usize, phase: Phase) -> Option<f64> {
    let Span::Of(from, to) = cycle::span(&frame.input.flows[flow], phase, cycle::brought(frame, flow)) else { return None };
    let stretches = match Overlay::of(phase)? {
        Overlay::Ci => {
            let flow = &frame.input.flows[flow];
            validated(flow, from).filter(|_| frame.has_runs_since(flow.repository, from))?
        }
        Overlay::Approval => {
            let change = &frame.changes.all[frame.changes.of_flow[flow]? as usize];
            let (_, deployment) = change.brought?;
            frame.deployments.all[deployment as usize].approvals.as_deref()?
        }
    };
    Some(total(within(stretches, from, to).map(|(from, to)| frame.days.seconds(frame.query.hours, from, to))))
}

/// The sum of nothing is zero, and not the `-0` that it would be printed as.
fn total(seconds: impl Iterator<Item = f64>) -> f64 {
    seconds.fold(0.0, |sum, one| sum + one)
}

/// When a pull request was validated, where that is known from an instant on.
fn validated(flow: &Flow, from: Timestamp) -> Option<&[Stretch]> {
    let all = flow.validated.as_deref()?;
    let is_cut = all.len() >= MOST_STRETCHES && all.first().is_some_and(|first| from < first.from);
    (!is_cut).then_some(all)
}

/// "of merge wait, CI 12m: median of 30, known of 30 of 41"
fn told(phase: Phase, figure: &OverlayFigure) -> String {
    let what = format!("of {}, {}", phase.words(), figure.overlay.words());
    match &figure.value {
        Value::NotMeasured { why } => format!("{what} is not known: {why}"),
        Value::Backfilling { percent } => format!("{what} is being collected, {percent} %"),
        value => {
            let how = if matches!(value, Value::Few { .. }) { "each of them" } else { "median" };
            format!("{what} {}: {how}, {}", telling::headline(value), telling::known_of(figure))
        }
    }
}

/// What the formula of a figure says of the phases that it is made of.
pub fn lines(frame: &Frame<'_>, metric: Metric, window: Window) -> Vec<String> {
    let phases: &[Phase] = match metric {
        Metric::CycleTime => &[Phase::Review, Phase::MergeWait],
        Metric::LeadTime => &[Phase::DeployWait],
        _ => &[],
    };
    let says = |figure: &OverlayFigure| figure.of > 0 || withheld(frame, figure.overlay).is_some();
    let line = |phase: &Phase| figure(frame, *phase, window).filter(says).map(|figure| told(*phase, &figure));
    phases.iter().filter_map(line).collect()
}

/// What a row says of it: "CI 1h 20m of 3h merge wait". Only where something is known, and more than nothing.
pub fn words(frame: &Frame<'_>, flow: usize, phase: Phase) -> Option<String> {
    let overlay = Overlay::of(phase).filter(|_| frame.query.definition == Definition::Ours)?;
    let seconds = seconds_of(frame, flow, phase).filter(|seconds| *seconds > 0.0)?;
    let Span::Of(from, to) = cycle::span(&frame.input.flows[flow], phase, cycle::brought(frame, flow)) else { return None };
    let whole = frame.days.seconds(frame.query.hours, from, to);
    Some(format!("{} {} of {} {}", overlay.words(), telling::duration(seconds), telling::duration(whole), phase.words()))
}

/// What is known of one pull request besides its history.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Since when all runs that check its merge are known.
    pub runs_from: Option<Timestamp>,
    /// When the deployment that brought it waited for approvals.
    pub approvals: Option<Vec<Stretch>>,
}

/// When the production stage waited for approvals with which a commit arrived, by its stops.
pub fn before_arrival(stops: &[Stop], input: &Input) -> Option<Vec<Stretch>> {
    let mut of_run = Vec::new();
    for stop in stops {
        match stop {
            Stop::Run { service, run, .. } => {
                let is_of = |row: &StageRun| {
                    (row.project, row.kind, row.definition, row.run) == (service.project, service.kind, service.definition, *run)
                };
                of_run = (0..input.stages.len() as u32).filter(|at| is_of(&input.stages[*at as usize])).collect();
            }
            Stop::Stage { stage, environment, production: true, state: StageState::Done { at: Some(at) } } => {
                let is_it = |row: &StageRun| row.stage == *stage && row.environment == *environment && row.finished_at == Some(*at);
                let arrived = of_run.iter().copied().find(|place| is_it(&input.stages[*place as usize]))?;
                return approvals(input, std::iter::once(Origin::Stage(arrived)), &of_run);
            }
            _ => {}
        }
    }
    None
}

/// Says of the phases of one pull request what went on in them, in calendar hours, as they are.
pub fn lay(waterfall: &mut Waterfall, flow: &Flow, known: &Known, now: Timestamp) {
    for part in &mut waterfall.parts {
        let Some(overlay) = part.phase.and_then(Overlay::of) else { continue };
        let stretches = match overlay {
            Overlay::Ci => validated(flow, part.from).filter(|_| known.runs_from.is_some_and(|from| from <= part.from)),
            Overlay::Approval => known.approvals.as_deref(),
        };
        let to = part.to.unwrap_or(now);
        part.of_which = stretches.map(|stretches| OfWhich {
            overlay,
            seconds: total(within(stretches, part.from, to).map(|(from, to)| super::calendar::seconds(from, to))),
        });
    }
}
