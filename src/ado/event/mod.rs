//! What Azure DevOps posts to a webhook: pure reading, from bytes to words of the trade.
//!
//! Nothing here fails or panics, whatever the bytes are: a field that is missing, null or of another type is absent, and a body that
//! cannot be understood is one that says why. No text of a body is judged (a title may imitate a message), no time in it orders
//! anything, and no address in it is ever asked: only ids leave here.

mod bag;
mod envelope;
mod link;
mod resource;

use jiff::Timestamp;

use super::wire::loose;
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};

pub use envelope::{Envelope, envelope};

/// What a body was read as.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    Event(Box<Event>),
    /// Why it cannot be understood, in words that quote nothing of it.
    Unreadable(String),
}

/// An event as its body tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub envelope: Envelope,
    /// By the sender's clock: for people, never for an order.
    pub created_at: Option<Timestamp>,
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    PullRequest(AboutPullRequest),
    /// Written, changed or deleted.
    Comment {
        about: AboutPullRequest,
        deleted: bool,
    },
    Push {
        repository: Guid,
        /// Empty where the body does not tell.
        updates: Vec<RefUpdate>,
    },
    Repository {
        repository: Option<Guid>,
        name: Option<String>,
        deed: Deed,
    },
    /// A build, run or stage; of a pull request where its branch says so.
    Build {
        /// The build, which a run is as well; absent where the body does not tell.
        number: Option<i64>,
        pull_request: Option<i64>,
    },
    /// Of a classic release.
    Deployment,
    WorkItem {
        id: i64,
        revision: Option<i64>,
    },
    /// A kind of event that nothing here follows.
    Other,
    /// A kind that is followed, without the part that says what it is about.
    Incomplete(&'static str),
}

/// A pull request by its ids, with what the body says of it where it says enough.
#[derive(Debug, Clone, PartialEq)]
pub struct AboutPullRequest {
    pub repository: Guid,
    pub number: i64,
    pub fact: Option<Box<fact::PullRequest>>,
}

/// One ref of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// In full: `refs/heads/main`.
    pub name: String,
    pub old: Option<ObjectId>,
    /// All zeros, or absent, where the ref is gone.
    pub new: Option<ObjectId>,
}

/// What happened to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Created,
    Deleted,
    Renamed,
    Forked,
    /// Disabled or enabled.
    StatusChanged,
}

/// Reads a body.
pub fn read(body: &[u8]) -> Read {
    let bag = match envelope::text(body).and_then(envelope::open) {
        Ok(bag) => bag,
        Err(words) => return Read::Unreadable(words),
    };
    let envelope = envelope::of(&bag);
    let Some(kind) = envelope.event_type.clone() else {
        return Read::Unreadable("the body does not say what kind of event it is".to_owned());
    };
    let created_at = bag.word("createdDate").and_then(|text| loose::timestamp(&text));
    Read::Event(Box::new(Event { envelope, created_at, what: resource::what(&kind, &bag) }))
}
