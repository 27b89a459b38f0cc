//! Figures that count pull requests: throughput, work in progress, merged without review. People's only; bots are left out by name.
//!
//! - **Throughput**: completed in the window.
//! - **Work in progress**: open (drafts too) at the end of the window, or now where that is earlier.
//! - **Merged without review**: of those completed in the window whose threads were read, those that nobody but the author commented or
//!   voted on before the merge. A vote without a date is a review all the same.

use super::figures::Reason;
use super::frame::{Frame, Item, Sample};
use super::input::Segment;
use super::query::Window;
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
