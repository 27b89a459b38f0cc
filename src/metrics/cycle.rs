//! Pull-request cycle time and its phases.
//!
//! Cycle time is `closed - ready` of completed pull requests of people, in the window of their completion. Left out: abandoned ones (in
//! the window in which they were closed), bots, reverts (unless the configuration counts them), negative times.
//!
//! | phase | from | to | has no value where |
//! |---|---|---|---|
//! | coding | start (see [`lead_time`](super::lead_time)) | creation | commits not read; stale start |
//! | draft | creation | ready | it was no draft (then it is not counted either) |
//! | pickup | ready | first review | threads not read; no review; an undated vote |
//! | review | first review | approval | the same; no approval in force |
//! | merge wait | approval | completion | the same |
//! | deploy wait | completion | deployment | not in production; merged to another branch |
//!
//! Pickup, review and merge wait are contiguous: where all three have a value they add up to the cycle time.
//!
//! What was going on in a phase besides is its [`overlay`](super::overlay).
//!
//! By DevLake's definition cycle time is `merged - created` of all, in minutes rounded up.

use super::devlake;
use super::figures::{Phase, Reason};
use super::frame::{Frame, Item, Sample};
use super::input::{Flow, Nature, Segment};
use super::lead_time::{Start, start};
use super::query::{Definition, Hours, Window};
use crate::domain::pull_request::PullRequestStatus;

pub fn each(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    each_closed(frame, window, frame.query.hours, take);
}

/// The same by other hours.
pub fn each_closed(frame: &Frame<'_>, window: Window, hours: Hours, take: &mut dyn FnMut(Sample)) {
    for (at, flow) in frame.input.flows.iter().enumerate() {
        let Some(closed_at) = flow.closed_at.filter(|closed_at| window.contains(*closed_at)) else { continue };
        if !frame.asks_for_flow(flow) {
            continue;
        }
        let item = Item::Flow(at as u32);
        let sample = match left_out(frame, flow) {
            Some(reason) => Sample::excluded(item, closed_at, reason),
            None if frame.query.definition == Definition::DevLake => match devlake::span(flow.created_at, closed_at) {
                Some(seconds) => Sample::lasting(item, closed_at, seconds),
                None => Sample::excluded(item, closed_at, Reason::Invalid),
            },
            None => match flow.ready_at {
                Some(ready_at) => Sample::lasting(item, closed_at, frame.days.seconds(hours, ready_at, closed_at)),
                None => Sample::excluded(item, closed_at, Reason::NoTime),
            },
        };
        take(sample);
    }
}

/// Why a closed pull request is not in the figures of cycle time at all.
pub fn left_out(frame: &Frame<'_>, flow: &Flow) -> Option<Reason> {
    match flow.status {
        PullRequestStatus::Completed => {}
        PullRequestStatus::Abandoned => return Some(Reason::Abandoned),
        PullRequestStatus::Active | PullRequestStatus::Unknown => return Some(Reason::NoTime),
    }
    if frame.query.definition == Definition::DevLake {
        return None;
    }
    if flow.segment == Segment::Bot {
        Some(Reason::Bot)
    } else if flow.nature == Nature::Revert && frame.query.rules.leave_out_reverts {
        Some(Reason::Revert)
    } else {
        None
    }
}

/// What every pull request says to a phase.
pub fn each_phase(frame: &Frame<'_>, phase: Phase, window: Window, take: &mut dyn FnMut(Sample)) {
    for (at, flow) in frame.input.flows.iter().enumerate() {
        let Some(closed_at) = flow.closed_at.filter(|closed_at| window.contains(*closed_at)) else { continue };
        if !frame.asks_for_flow(flow) || (phase == Phase::DeployWait && !frame.knows_deployments(flow.repository)) {
            continue;
        }
        let item = Item::Flow(at as u32);
        let left_out = left_out(frame, flow).filter(|reason| phase != Phase::DeployWait || *reason != Reason::Revert);
        if let Some(reason) = left_out {
            take(Sample::excluded(item, closed_at, reason));
            continue;
        }
        match span(flow, phase, brought(frame, at)) {
            Span::Of(from, to) => take(Sample::lasting(item, closed_at, frame.days.seconds(frame.query.hours, from, to))),
            Span::Unknown(reason) => take(Sample::excluded(item, closed_at, reason)),
            Span::None => {}
        }
    }
}

/// When a pull request was brought to production, or why that is not known; nothing where it is no change.
pub fn brought(frame: &Frame<'_>, flow: usize) -> Option<Result<jiff::Timestamp, Reason>> {
    let change = &frame.changes.all[frame.changes.of_flow[flow]? as usize];
    let why = match change {
        _ if change.beyond => Reason::Beyond,
        _ if change.other_branch => Reason::OtherBranch,
        _ => Reason::NotDeployed,
    };
    Some(change.brought.map(|(at, _)| at).ok_or(why))
}

/// Where a phase of a closed pull request begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Of(jiff::Timestamp, jiff::Timestamp),
    Unknown(Reason),
    /// It had no such phase.
    None,
}

/// `brought` is the deployment that brought it, or why there is none.
pub fn span(flow: &Flow, phase: Phase, brought: Option<Result<jiff::Timestamp, Reason>>) -> Span {
    let Some(closed_at) = flow.closed_at else { return Span::None };
    let Some(ready_at) = flow.ready_at else { return Span::Unknown(Reason::NoTime) };
    let unread = || (!flow.has_threads).then_some(Reason::NotRead).or(flow.undated_vote.then_some(Reason::UndatedVote));
    let review = || match (unread(), flow.first_review_at) {
        (Some(reason), _) => Err(reason),
        (None, Some(at)) => Ok(at),
        (None, None) => Err(Reason::NoReview),
    };
    let approval = || review().and_then(|at| Ok((at, flow.approved_at.ok_or(Reason::NoApproval)?)));
    let known = match phase {
        Phase::Coding => match start(flow) {
            None => Err(Reason::NotRead),
            Some(Start::Stale(_)) => Err(Reason::StaleStart),
            Some(start) => Ok((start.at(), flow.created_at)),
        },
        Phase::Draft if ready_at == flow.created_at => return Span::None,
        Phase::Draft => Ok((flow.created_at, ready_at)),
        Phase::Pickup => review().map(|at| (ready_at, at)),
        Phase::Review => approval(),
        Phase::MergeWait => approval().map(|(_, at)| (at, closed_at)),
        Phase::DeployWait => brought.unwrap_or(Err(Reason::NotDeployed)).map(|at| (closed_at, at)),
    };
    match known {
        Ok((from, to)) => Span::Of(from, to),
        Err(reason) => Span::Unknown(reason),
    }
}
