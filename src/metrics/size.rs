//! How many files a merged pull request changed: by the commit that it landed as, which lists of commits tell for nothing.

use jiff::{SignedDuration, Timestamp};

use super::input::Flow;

/// Azure DevOps writes the commit of a merge or a squash when it completes the pull request, or shortly before or after.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(10);

/// A commit of a default branch, as a list tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    pub authored_at: Option<Timestamp>,
    /// That differ from its first parent.
    pub files: u32,
}

/// Files that a merged pull request changed, given the commit that it landed as: as counted while it was open, else what that commit
/// changed. Nothing where several commits were rebased onto the target: the last one, which kept the time at which it was written, is not all.
pub fn files(flow: &Flow, landed: Option<&Landed>) -> Option<u32> {
    let is_whole = |landed: &&Landed| {
        let authored = landed.authored_at.zip(flow.closed_at);
        flow.commits == Some(1) || authored.is_some_and(|(authored, closed)| authored.duration_until(closed).abs() <= AT_ONCE)
    };
    flow.files.or_else(|| landed.filter(is_whole).map(|landed| landed.files))
}
