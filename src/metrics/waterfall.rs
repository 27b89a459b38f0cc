//! Why a pull request is slow right now: its phases so far against those of the pull requests before it.
//!
//! Phases are those of [`Phase`]; the one it is in has no end. Typical times are those of the figures' phases in the query's window
//! (`cycle`): the median needs five, the 85th percentile 19 (see [`figures::Value`](super::figures::Value)).
//!
//! What went on in a phase (CI, approvals) is laid over it by [`overlay`](super::overlay).
//!
//! Limits: while its threads were not read, or a vote has no date, the phases after the draft are not known: one span of unknown phase
//! stands for all of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::blocker::{Blocker, Situation, blockers};
use super::calendar::seconds;
use super::cycle;
use super::figures::Phase;
use super::flow;
use super::frame::Frame;
use super::input::{Flow, History, Input, Segment};
use super::lead_time::{Start, start};
use super::overlay::Overlay;
use super::query::{Query, Rules};
use super::statistics::percentile;
use crate::domain::pull_request::PullRequestStatus;

/// How long phases take here, of pull requests that are over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typical {
    /// By phase, in the order of [`Phase::ALL`]: seconds of completed ones, ascending.
    phases: [Vec<f64>; 6],
    /// By phase: how long each was in it (whether completed or abandoned), and from its begin to the completion, if it came to that.
    pub(super) stays: [Vec<(f64, Option<f64>)>; 6],
}

impl Typical {
    /// Of the pull requests that the query asks for.
    pub fn of(input: &Input, query: &Query, now: Timestamp) -> Self {
        let frame = Frame::of(input, query, now);
        let mut typical = Self::default();
        let is_asked = |flow: &&Flow| {
            flow.segment == Segment::Human
                && flow.closed_at.is_some_and(|closed_at| query.window.contains(closed_at))
                && frame.asks_for_flow(flow)
        };
        input.flows.iter().filter(is_asked).for_each(|flow| typical.stay(flow));
        // What the phases of the figures are made of, row by row: both say the same of the same window.
        for (phase, sample) in Phase::ALL.into_iter().zip(&mut typical.phases) {
            cycle::each_phase(&frame, phase, query.window, &mut |row| sample.extend(row.seconds.filter(|_| row.excluded.is_none())));
        }
        for phase in &mut typical.phases {
            phase.sort_unstable_by(f64::total_cmp);
        }
        for phase in &mut typical.stays {
            phase.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.unwrap_or(f64::MAX).total_cmp(&b.1.unwrap_or(f64::MAX))));
        }
        typical
    }

    fn stay(&mut self, flow: &Flow) {
        let Some(closed_at) = flow.closed_at else { return };
        let landed = flow.status == PullRequestStatus::Completed;
        for part in parts(flow, closed_at) {
            let (Some(phase), Some(to)) = (part.phase, part.to.or(Some(closed_at))) else { continue };
            let (stay, rest) = (seconds(part.from, to), seconds(part.from, closed_at));
            if phase != Phase::Coding && phase != Phase::DeployWait && stay >= 0.0 && rest >= stay {
                self.stays[place(phase)].push((stay, landed.then_some(rest)));
            }
        }
    }

    /// The median and the 85th percentile of a phase where there are enough, and how many there are.
    pub fn phase(&self, phase: Phase) -> (Option<f64>, Option<f64>, u64) {
        let sample = &self.phases[place(phase)];
        let at = |enough: usize, q| if sample.len() >= enough { percentile(sample, q) } else { None };
        (at(5, 0.5), at(19, 0.85), sample.len() as u64)
    }
}

pub(super) fn place(phase: Phase) -> usize {
    Phase::ALL.iter().position(|other| *other == phase).unwrap_or_default()
}

/// Where a phase stands against the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// At most the median.
    Usual,
    /// Longer than the median, at most the 85th percentile.
    Long,
    /// Longer than the 85th percentile.
    Slow,
    /// Too few to compare with.
    Unknown,
}

/// A phase of one pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Absent where reviews are not known.
    pub phase: Option<Phase>,
    pub from: Timestamp,
    /// Absent while it goes on.
    pub to: Option<Timestamp>,
    /// Up to now where it goes on.
    pub seconds: f64,
    pub median: Option<f64>,
    pub p85: Option<f64>,
    /// How many it is compared with.
    pub n: u64,
    pub pace: Pace,
    /// What went on in it; absent where that is not known. [`overlay::lay`](super::overlay::lay) says it.
    pub of_which: Option<OfWhich>,
}

/// How long something went on inside a phase, up to now where it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OfWhich {
    pub overlay: Overlay,
    pub seconds: f64,
}

/// A pull request's way so far, and what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    pub parts: Vec<Part>,
    /// The phase it is in; absent when it is over, or not known.
    pub current: Option<Phase>,
    /// What it waits for, the most certain first.
    pub blockers: Vec<Blocker>,
}

impl Waterfall {
    /// The part that goes on.
    pub fn now(&self) -> Option<&Part> {
        self.parts.iter().find(|part| part.to.is_none())
    }
}

/// The way of a pull request. `deployed_at` is when it reached production, where that is known.
pub fn of(
    history: &History,
    situation: &Situation,
    rules: &Rules,
    typical: &Typical,
    deployed_at: Option<Timestamp>,
    now: Timestamp,
) -> Waterfall {
    let flow = flow::of(history, rules);
    let mut parts = parts(&flow, now);
    if flow.status == PullRequestStatus::Completed
        && let Some(closed_at) = flow.closed_at
    {
        parts.push(bare(Some(Phase::DeployWait), closed_at, deployed_at, now));
    }
    for part in &mut parts {
        if let Some(phase) = part.phase {
            (part.median, part.p85, part.n) = typical.phase(phase);
            part.pace = match (part.median, part.p85) {
                (_, Some(p85)) if part.seconds > p85 => Pace::Slow,
                (Some(median), _) if part.seconds <= median => Pace::Usual,
                (Some(_), _) => Pace::Long,
                (None, _) => Pace::Unknown,
            };
        }
    }
    let current = parts.iter().find(|part| part.to.is_none()).and_then(|part| part.phase);
    let blockers = if history.status == PullRequestStatus::Active { blockers(history, &flow, situation, rules) } else { Vec::new() };
    Waterfall { parts, current, blockers }
}

fn bare(phase: Option<Phase>, from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> Part {
    Part { phase, from, to, seconds: seconds(from, to.unwrap_or(now)), median: None, p85: None, n: 0, pace: Pace::Unknown, of_which: None }
}

/// The phases of a flow up to its closing, or to now: contiguous from creation on.
fn parts(flow: &Flow, now: Timestamp) -> Vec<Part> {
    let mut parts = Vec::new();
    let end = flow.closed_at;
    let mut add = |phase: Option<Phase>, from: Timestamp, to: Option<Timestamp>| parts.push(bare(phase, from, to.or(end), now));
    match start(flow) {
        Some(Start::FirstCommit(at)) => add(Some(Phase::Coding), at, Some(flow.created_at)),
        Some(Start::Creation(_) | Start::Stale(_)) | None => {}
    }
    let Some(ready_at) = flow.ready_at else {
        add(Some(Phase::Draft), flow.created_at, None);
        return parts;
    };
    if ready_at > flow.created_at {
        add(Some(Phase::Draft), flow.created_at, Some(ready_at));
    }
    if !flow.has_threads || flow.undated_vote {
        add(None, ready_at, None);
        return parts;
    }
    add(Some(Phase::Pickup), ready_at, flow.first_review_at);
    if let Some(reviewed_at) = flow.first_review_at {
        add(Some(Phase::Review), reviewed_at, flow.approved_at);
        if let Some(approved_at) = flow.approved_at {
            add(Some(Phase::MergeWait), approved_at, None);
        }
    }
    parts
}
