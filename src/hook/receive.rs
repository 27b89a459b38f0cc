//! A recognised delivery: its body is read within the limits, judged, kept, and only then acknowledged.
//!
//! What cannot be kept now is asked for again (503, 408). What can never be kept whole (too large) is kept in part and acknowledged:
//! asking again would bring the same, and refusing would silence the project.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::handle::{Answer, Desk};
use super::keys::Granted;
use super::limits::Share;
use super::verdict::{Addressed, Arrived, Verdict, verdict};
use crate::domain::hook::DeliveryState;
use crate::notice::inert;
use crate::store::Kept;

/// A body from this size on is judged on a thread of its own, so that others are not kept waiting.
const HEAVY: usize = 256 * 1024;

/// Whom a delivery is from, and what its head says.
pub struct Recognised {
    pub granted: Vec<Granted>,
    pub by_path: bool,
    pub purpose: Option<String>,
    pub headers: HeaderMap,
    /// The request must be answered by then.
    pub deadline: Instant,
}

/// What became of reading a body.
enum Taken {
    Body(Arrived, Share),
    /// The sender was too slow.
    Slow,
    /// The sender broke off, or sent what is no HTTP.
    Broken,
    /// Too many bodies are in memory.
    NoRoom,
    Stopping,
}

pub async fn receive(desk: &Arc<Desk>, from: Recognised, body: Body) -> Answer {
    let taken = tokio::select! {
        biased;
        taken = tokio::time::timeout_at(from.deadline, take(desk, &from.headers, body)) => taken.unwrap_or(Taken::Slow),
        () = grace_is_over(desk) => Taken::Stopping,
    };
    let (arrived, share) = match taken {
        Taken::Body(arrived, share) => (arrived, share),
        Taken::Slow => return Answer::TooSlow,
        Taken::Broken => return Answer::later("the body broke off"),
        Taken::NoRoom => return Answer::later("too many bodies at once"),
        Taken::Stopping => return Answer::later("the receiver is stopping"),
    };
    let rest_unread = matches!(&arrived, Arrived::Cut { bytes, .. } if *bytes > desk.limits.discarded);
    let new = match judge(desk, from, arrived).await {
        Some(Verdict::Keep(new)) => new,
        Some(Verdict::Gone) => return Answer::Gone,
        None => return Answer::later("the body could not be judged"),
    };
    let (state, bytes) = (new.state, new.body.len());
    let desk_of_task = desk.clone();
    // A task of its own: a sender who goes away must not free the memory of a body that is still being written.
    let keeping = tokio::spawn(async move {
        let kept = desk_of_task.store.keep_delivery(*new).await;
        drop(share);
        kept
    });
    match keeping.await {
        Ok(Ok(kept)) => {
            desk.figures.kept(kept, state, bytes);
            if state == DeliveryState::Waiting && matches!(kept, Kept::New(_)) {
                desk.wake.wake();
            }
            if rest_unread { Answer::KeptInPart } else { Answer::Kept }
        }
        Ok(Err(error)) => {
            tracing::warn!("a delivery was put off: {error}");
            Answer::later("it could not be stored")
        }
        Err(stopped) => {
            tracing::error!("keeping a delivery stopped: {stopped}");
            Answer::later("it could not be stored")
        }
    }
}

/// Whoever is in the middle of a body when the receiver stops has most of the grace to finish it; the rest is for the answer.
async fn grace_is_over(desk: &Desk) {
    desk.stop.cancelled().await;
    tokio::time::sleep(desk.limits.grace.mul_f64(0.8).max(Duration::from_millis(1))).await;
}

async fn judge(desk: &Arc<Desk>, from: Recognised, arrived: Arrived) -> Option<Verdict> {
    let limit = desk.limits.body;
    let now = desk.clock.now();
    let unique = uuid::Uuid::now_v7().to_string();
    let encoding = from.headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let encoding = encoding.filter(|word| !word.eq_ignore_ascii_case("identity")).map(|word| inert(&word).chars().take(40).collect());
    let is_heavy = matches!(&arrived, Arrived::Whole(body) if body.len() >= HEAVY);
    let work = move || {
        let to = Addressed { granted: &from.granted, by_path: from.by_path, purpose: from.purpose, encoding, limit };
        verdict(arrived, to, &unique, now)
    };
    if is_heavy { tokio::task::spawn_blocking(work).await.ok() } else { Some(work()) }
}

/// Reads a body: whole up to the limit, its beginning beyond.
async fn take(desk: &Desk, headers: &HeaderMap, body: Body) -> Taken {
    let limits = &desk.limits;
    let mut share = desk.budget.share();
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if let Some(bytes) = declared.filter(|bytes| *bytes > limits.discarded) {
        return Taken::Body(Arrived::Cut { beginning: Vec::new(), bytes }, share);
    }
    let mut chunks = body.into_data_stream();
    let mut kept: Vec<u8> = Vec::new();
    let mut read: u64 = 0;
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return Taken::Broken };
        read += chunk.len() as u64;
        if read <= limits.body as u64 {
            if !share.grow_to(kept.len() + chunk.len()) {
                return Taken::NoRoom;
            }
            kept.extend_from_slice(&chunk);
        } else if read > limits.discarded {
            break;
        } else if kept.len() > limits.kept_of_large {
            kept.truncate(limits.kept_of_large);
            kept.shrink_to_fit();
        }
    }
    if read <= limits.body as u64 {
        return Taken::Body(Arrived::Whole(kept), share);
    }
    kept.truncate(limits.kept_of_large);
    Taken::Body(Arrived::Cut { beginning: kept, bytes: read }, share)
}
