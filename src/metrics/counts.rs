//! Figures that count pull requests: throughput, work in progress, merged without review. People's only; bots are left out by name.
//!
//! - **Throughput**: completed in the window.
//! - **Work in progress**: open (drafts too) at the end of the window, or now where that is earlier; by week, at the end of each.
//! - **Merged without review**: of those completed in the window whose threads were read, those that nobody but the author commented or
//!   voted on before the merge. A vote without a date is a review all the same.

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::Weeks;
use super::figures::{Measured, Metric, Reason, Week};
use super::frame::{Frame, Item, Sample};
use super::input::Segment;
use super::query::Window;
use super::readiness;
use crate::domain::pull_request::PullRequestStatus;

pub fn each_completed(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    for (at, flow) in frame.input.flows.iter().enumerate() {
        let Some(closed_at) = flow.closed_at.filter(|closed_at| window.contains(*closed_at)) else { continue };
        if frame.asks_for_flow(flow) {
            let item = Item::Flow(at as u32);
            take(match (flow.status, flow.segment) {
                (PullRequestStatus::Abandoned, _) => Sample::excluded(item, closed_at, Reason::Abandoned),
                (PullRequestStatus::Completed, Segment::Human) => Sample::counted(item, closed_at),
                (PullRequestStatus::Completed, Segment::Bot) => Sample::excluded(item, closed_at, Reason::Bot),
                _ => continue,
            });
        }
    }
}

pub fn each_in_progress(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    let moment = window.to.min(frame.now);
    for (at, flow) in frame.input.flows.iter().enumerate() {
        let is_open = match flow.status {
            PullRequestStatus::Active => true,
            PullRequestStatus::Completed | PullRequestStatus::Abandoned => flow.closed_at.is_some_and(|closed_at| closed_at > moment),
            PullRequestStatus::Unknown => false,
        };
        if is_open && flow.created_at <= moment && frame.asks_for_flow(flow) {
            let item = Item::Flow(at as u32);
            take(match flow.segment {
                Segment::Bot => Sample::excluded(item, flow.created_at, Reason::Bot),
                Segment::Human => {
                    Sample { seconds: Some(super::calendar::seconds(flow.created_at, moment)), ..Sample::counted(item, flow.created_at) }
                }
            });
        }
    }
}

/// How many were open at the end of each week, or at the end of the window. Whoever closed before anything was collected is not known.
pub fn open_by_week(frame: &Frame<'_>, window: Window, weeks: &Weeks) -> Vec<Week> {
    let to = window.to.min(frame.now);
    let moments: Vec<Timestamp> = weeks.ends().iter().map(|end| (*end).min(to)).collect();
    // What changes at each moment against the one before.
    let mut steps = vec![0_i64; moments.len() + 1];
    for flow in &frame.input.flows {
        let closed_at = match flow.status {
            PullRequestStatus::Active => None,
            PullRequestStatus::Completed | PullRequestStatus::Abandoned if flow.closed_at.is_some() => flow.closed_at,
            _ => continue,
        };
        if flow.segment == Segment::Human && frame.asks_for_flow(flow) {
            steps[moments.partition_point(|moment| *moment < flow.created_at)] += 1;
            if let Some(closed_at) = closed_at.filter(|closed_at| *closed_at >= flow.created_at) {
                steps[moments.partition_point(|moment| *moment < closed_at)] -= 1;
            }
        }
    }
    let (_, known_from) = readiness::measured_from(frame, Metric::WorkInProgress, window);
    let mut open = 0_i64;
    let of = |(at, (starts, step)): (usize, (&Date, &i64))| {
        open += step;
        let n = u64::try_from(open).unwrap_or(0);
        let is_known = moments[at] >= known_from && weeks.measured(at, Timestamp::MIN, Timestamp::MIN, to) != Measured::None;
        let measured = if is_known { Measured::Whole } else { Measured::None };
        Week { starts: *starts, value: is_known.then_some(n as f64), n: if is_known { n } else { 0 }, measured }
    };
    weeks.mondays.iter().zip(&steps).enumerate().map(of).collect()
}

pub fn each_without_review(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    for (at, flow) in frame.input.flows.iter().enumerate() {
        let Some(closed_at) = flow.closed_at.filter(|closed_at| window.contains(*closed_at)) else { continue };
        if flow.status != PullRequestStatus::Completed || !frame.asks_for_flow(flow) {
            continue;
        }
        let item = Item::Flow(at as u32);
        take(if flow.segment == Segment::Bot {
            Sample::excluded(item, closed_at, Reason::Bot)
        } else if !flow.has_threads {
            Sample::excluded(item, closed_at, Reason::NotRead)
        } else {
            Sample::counted(item, closed_at).hit(flow.first_review_at.is_none() && !flow.undated_vote)
        });
    }
}
