//! Change lead time: from the first commit of a change to the deployment that brought it to production.
//!
//! `LT(p) = t(d) - start(p)`, with `d` the earliest successful production deployment that brought `p` (see
//! [`containment`](super::containment)) and `start(p)` the earliest author date of its commits; creation where that is later than
//! creation, or more than 90 days before it (*stale start*: rebased or cherry-picked). A direct push starts at the author date of its
//! new tip. Counted in the window of `d`. Bots' pull requests are a segment of their own, and so are direct pushes whose new tip a bot
//! wrote: the version that a release bumps is nobody's change.
//!
//! Left out, listed in the window of the merge: what no deployment brought, what only a first deployment may have brought, what a
//! deployment from another branch may have brought, what was merged to another branch. Left out, in the window of the deployment: commits
//! not read, no author date, negative times.
//!
//! By DevLake's definition see [`devlake`]. By fourkeys': each tip pushed to the default branch, deployment - author date, those above
//! zero; median by interpolation. Limits there: of a push with several commits only the last is known.

use jiff::{SignedDuration, Timestamp};

use super::containment::{Change, Source};
use super::devlake;
use super::figures::{Coverage, Reason};
use super::frame::{Frame, Item, Sample};
use super::input::{Flow, Segment};
use super::query::{Definition, Hours, Window};
use crate::domain::id::Guid;

/// A first commit that is older than this before the creation was not written for this pull request.
const STALE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Where a pull request starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    FirstCommit(Timestamp),
    /// The first commit is later than the creation.
    Creation(Timestamp),
    /// The first commit is stale.
    Stale(Timestamp),
}

impl Start {
    pub fn at(self) -> Timestamp {
        match self {
            Self::FirstCommit(at) | Self::Creation(at) | Self::Stale(at) => at,
        }
    }
}

/// Absent where the commits are not known.
pub fn start(flow: &Flow) -> Option<Start> {
    let first = flow.first_commit_at?;
    Some(if first > flow.created_at {
        Start::Creation(flow.created_at)
    } else if flow.created_at.duration_since(first) > STALE {
        Start::Stale(flow.created_at)
    } else {
        Start::FirstCommit(first)
    })
}

fn item(change: &Change) -> Item {
    match change.source {
        Source::Flow(at) => Item::Flow(at),
        Source::Tip(at) => Item::Tip(at),
    }
}

fn person<'a>(frame: &'a Frame<'_>, change: &Change) -> Option<&'a Guid> {
    match change.source {
        Source::Flow(at) => Some(&frame.input.flows[at as usize].author),
        Source::Tip(at) => frame.input.tips[at as usize].pusher.as_ref(),
    }
}

/// Changes that the query asks for.
fn asked<'a>(frame: &'a Frame<'_>) -> impl Iterator<Item = &'a Change> {
    let is_asked = |change: &&Change| {
        let of_definition = match frame.query.definition {
            Definition::FourKeys => matches!(change.source, Source::Tip(_)),
            Definition::Ours | Definition::DevLake => true,
        };
        of_definition
            && frame.asks_for(change.repository)
            && frame.knows_deployments(change.repository)
            && frame.asks_for_person(person(frame, change))
    };
    frame.changes.all.iter().filter(is_asked)
}

pub fn each(frame: &Frame<'_>, window: Window, take: &mut dyn FnMut(Sample)) {
    for change in asked(frame) {
        match change.brought {
            Some((at, _)) if window.contains(at) => take(sample(frame, change, at, frame.query.hours)),
            None if window.contains(change.merged_at) => {
                let reason = if is_bot(frame, change) {
                    Reason::Bot
                } else if change.beyond {
                    Reason::Beyond
                } else if change.other_branch {
                    Reason::OtherBranch
                } else if change.before_seed {
                    Reason::Seed
                } else {
                    Reason::NotDeployed
                };
                take(Sample::excluded(item(change), change.merged_at, reason));
            }
            _ => {}
        }
    }
}

fn is_bot(frame: &Frame<'_>, change: &Change) -> bool {
    let segment = match change.source {
        Source::Flow(at) => frame.input.flows[at as usize].segment,
        Source::Tip(at) => frame.input.tips[at as usize].segment,
    };
    frame.query.definition == Definition::Ours && segment == Segment::Bot
}

fn sample(frame: &Frame<'_>, change: &Change, at: Timestamp, hours: Hours) -> Sample {
    let item = item(change);
    if is_bot(frame, change) {
        return Sample::excluded(item, at, Reason::Bot);
    }
    match change.source {
        Source::Flow(flow) => {
            let flow = &frame.input.flows[flow as usize];
            if frame.query.definition == Definition::DevLake {
                return Sample::lasting(item, at, devlake::lead_time(flow, change.merged_at, at));
            }
            let Some(start) = start(flow) else { return Sample::excluded(item, at, Reason::NotRead) };
            Sample::lasting(item, at, if change.merged_at < flow.created_at { -1.0 } else { frame.days.seconds(hours, start.at(), at) })
        }
        Source::Tip(tip) => match frame.input.tips[tip as usize].authored_at {
            None => Sample::excluded(item, at, Reason::NoTime),
            Some(authored_at) => {
                let seconds = frame.days.seconds(hours, authored_at, at);
                // Fourkeys takes those above zero only.
                let is_zero = frame.query.definition == Definition::FourKeys && seconds == 0.0;
                Sample::lasting(item, at, if is_zero { -1.0 } else { seconds })
            }
        },
    }
}

/// How many of the pull requests merged in the window are in production.
pub fn coverage(frame: &Frame<'_>, window: Window) -> Coverage {
    let (mut k, mut n) = (0, 0);
    for change in asked(frame) {
        if matches!(change.source, Source::Flow(_)) && window.contains(change.merged_at) && !is_bot(frame, change) {
            n += 1;
            k += u64::from(change.brought.is_some());
        }
    }
    Coverage { k, n, of: "merged pull requests deployed".to_owned() }
}

/// What the notes say besides.
#[derive(Debug, Default)]
pub struct Besides {
    pub direct_pushes: u64,
    pub stale_starts: u64,
    /// Of bots, in seconds.
    pub bots: Vec<f64>,
    /// By the hours that the query does not ask for.
    pub other_hours: Vec<f64>,
}

pub fn besides(frame: &Frame<'_>, window: Window) -> Besides {
    let mut besides = Besides::default();
    let other = match frame.query.hours {
        Hours::Calendar => Hours::Working,
        Hours::Working => Hours::Calendar,
    };
    for change in asked(frame) {
        let Some((at, _)) = change.brought.filter(|(at, _)| window.contains(*at)) else { continue };
        if is_bot(frame, change) {
            let from = match change.source {
                Source::Flow(flow) => {
                    let flow = &frame.input.flows[flow as usize];
                    Some(start(flow).map_or(flow.created_at, Start::at))
                }
                Source::Tip(tip) => frame.input.tips[tip as usize].authored_at,
            };
            let seconds = from.map(|from| frame.days.seconds(frame.query.hours, from, at));
            besides.bots.extend(seconds.filter(|seconds| *seconds >= 0.0));
            continue;
        }
        let other = sample(frame, change, at, other);
        besides.other_hours.extend(other.seconds);
        match change.source {
            Source::Tip(_) => besides.direct_pushes += u64::from(other.excluded.is_none()),
            Source::Flow(flow) => {
                let is_stale = matches!(start(&frame.input.flows[flow as usize]), Some(Start::Stale(_)));
                besides.stale_starts += u64::from(is_stale && other.excluded.is_none());
            }
        }
    }
    besides
}
