//! The client of Azure DevOps: the only module that speaks HTTP to it. Endpoints return facts of `domain`.
//!
//! [`event`] reads what it posts by itself; nothing there speaks HTTP.
//!
//! Limits: what the wire looks like stays in `wire`; nothing here is stored. A token leaves only for the host it was given for and
//! for the sub-hosts that this host names and that are trusted ([`hosts`]), over plain http only to loopback unless allowed.
//! Only reads and repeatable writes are sent again by themselves; a write whose answer was lost is
//! [`ErrorKind::OutcomeUnknown`], and its caller reads again before repeating it. Dropping a future is safe at any point.

mod address;
mod base;
mod budget;
mod call;
mod classify;
mod client;
mod credential;
mod diagnose;
mod endpoints;
mod error;
pub mod event;
mod gate;
pub mod history;
mod hosts;
mod log;
mod paging;
mod proxy;
mod retry;
mod scope;
mod tally;
mod transport;
mod version;
mod wire;

#[cfg(test)]
mod tests;

pub use address::{Address, AddressError};
pub use base::Base;
pub use budget::Budget;
pub use client::{Access, Client, Settings};
pub use credential::Credential;
pub use endpoints::builds::{BUILDS_A_PAGE, BuildQuery};
pub use endpoints::connection::{Need, ScopeCheck, ScopeOutcome};
pub use endpoints::hooks::{HookSecret, NewHook};
pub use endpoints::items::At;
pub use endpoints::pull_requests::{
    Completion, In, MergeStrategy, NewPullRequest, PullRequestPatch, PullRequestQuery, StatusChange, StatusFilter,
};
pub use endpoints::pushes::{ChangeKind, FileChange, Push};
pub use endpoints::refs::BranchOutcome;
pub use endpoints::releases::DEPLOYMENTS_A_PAGE;
pub use endpoints::reviewers::Duty;
pub use endpoints::threads::{NewThread, ThreadStatus};
pub use endpoints::work_items::{Artifact, WORK_ITEMS_A_CALL, WorkItemQuery};
pub use error::{Error, ErrorKind};
pub use log::{LoggedRequest, RequestLog};
pub use paging::Page;
pub use scope::tokens_page;
pub use tally::Tally;
pub use version::ApiVersion;

use crate::domain::id::Guid;

pub type Result<T> = std::result::Result<T, Error>;

/// A repository by the ids Azure DevOps gives: ids survive renames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepoRef<'a> {
    pub project: &'a Guid,
    pub repository: &'a Guid,
}
