//! A pull request as the board knows it: what Azure DevOps said, from which source, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact;
use super::id::{ObjectId, RepositoryId};
use super::person::Identity;
use super::quality;

/// The life-cycle of a pull request. Merged is `Completed`, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestStatus {
    Active,
    Completed,
    Abandoned,
    /// A value this version does not know. Never treated as any of the others.
    Unknown,
}

/// What a merge of the two tips gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeState {
    NotSet,
    Queued,
    Conflicts,
    Succeeded,
    RejectedByPolicy,
    Failure,
}

/// A reviewer's vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    Rejected,
    WaitingForAuthor,
    None,
    ApprovedWithSuggestions,
    Approved,
}

impl Vote {
    /// From the wire's number; anything unknown counts as no vote.
    pub fn from_wire(number: i64) -> Self {
        match number {
            10 => Self::Approved,
            5 => Self::ApprovedWithSuggestions,
            -5 => Self::WaitingForAuthor,
            -10 => Self::Rejected,
            _ => Self::None,
        }
    }

    pub fn to_wire(self) -> i64 {
        match self {
            Self::Approved => 10,
            Self::ApprovedWithSuggestions => 5,
            Self::None => 0,
            Self::WaitingForAuthor => -5,
            Self::Rejected => -10,
        }
    }
}

/// A person or group asked to review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    pub identity: Identity,
    pub vote: Vote,
    pub required: bool,
    pub is_group: bool,
}

/// How a fact reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A service hook: shown as `live`.
    Hook,
    /// A list or get call: shown as `poll`.
    Poll,
    /// The answer to a change of our own: shown as `poll`.
    Action,
}

/// Policies and status checks of a pull request, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checks {
    pub passed: u32,
    pub failed: u32,
    pub pending: u32,
}

/// Discussion threads that people wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Threads {
    pub unresolved: u32,
    pub resolved: u32,
}

/// What Azure DevOps says of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub repository: RepositoryId,
    pub number: i64,
    pub title: String,
    /// Lists cut it at 400 characters; a get gives it whole.
    pub description: String,
    pub status: PullRequestStatus,
    pub is_draft: bool,
    /// Without `refs/heads/`.
    pub source_branch: String,
    /// Without `refs/heads/`.
    pub target_branch: String,
    pub author: Identity,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub merge: MergeState,
    pub auto_complete: bool,
    pub reviewers: Vec<Reviewer>,
    pub labels: Vec<String>,
    pub source_commit: Option<ObjectId>,
    pub target_commit: Option<ObjectId>,
    pub merge_commit: Option<ObjectId>,
}

/// A pull request with what we fetched besides, and how fresh it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPullRequest {
    pub facts: PullRequest,
    pub repository_name: String,
    /// The page people open.
    pub web_url: Option<String>,
    pub checks: Option<Checks>,
    pub threads: Option<Threads>,
    pub source: Source,
    pub seen_at: Timestamp,
    /// When checks and threads were last read.
    pub detail_at: Option<Timestamp>,
}

/// Sums up what decides over a merge: blocking policies, and of each context the status posted last. What does not apply is not
/// counted; a word this version does not know is pending.
pub fn sum_checks(policies: &[fact::PolicyEvaluation], statuses: &[fact::CheckStatus]) -> Checks {
    let mut checks = Checks::default();
    for policy in policies.iter().filter(|policy| policy.blocking) {
        match policy.status.to_ascii_lowercase().as_str() {
            "approved" => checks.passed += 1,
            "rejected" | "broken" => checks.failed += 1,
            "notapplicable" => {}
            _ => checks.pending += 1,
        }
    }
    let mut last: BTreeMap<&str, &fact::CheckStatus> = BTreeMap::new();
    for status in statuses {
        let kept = last.entry(&status.context).or_insert(status);
        if status.id >= kept.id {
            *kept = status;
        }
    }
    for status in last.values() {
        match status.state.to_ascii_lowercase().as_str() {
            "succeeded" => checks.passed += 1,
            "failed" | "error" => checks.failed += 1,
            "notapplicable" => {}
            _ => checks.pending += 1,
        }
    }
    checks
}

/// Sums up the discussions of people: threads with a comment that a person wrote and nobody deleted, and with a status. A comment
/// without one (`unknown` on the wire) asks for nothing, and neither does the one that kanado keeps.
pub fn sum_threads(threads: &[fact::Thread]) -> Threads {
    let mut sum = Threads::default();
    for thread in threads.iter().filter(|thread| !thread.deleted && !quality::is_ours(thread)) {
        if !thread.comments.iter().any(|comment| !comment.system && !comment.deleted) {
            continue;
        }
        match thread.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("unknown") => {}
            Some("fixed" | "closed" | "wontfix" | "bydesign") => sum.resolved += 1,
            // `active` and `pending`, and what a newer server may call open.
            Some(_) => sum.unresolved += 1,
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(status: &str, blocking: bool) -> fact::PolicyEvaluation {
        fact::PolicyEvaluation { id: "p".into(), name: "Build".into(), status: status.into(), blocking }
    }

    fn status(id: i64, context: &str, state: &str) -> fact::CheckStatus {
        fact::CheckStatus { id, context: context.into(), state: state.into(), description: String::new(), target_url: None }
    }

    #[test]
    fn only_blocking_policies_are_checks() {
        let words = ["approved", "rejected", "broken", "queued", "running", "notApplicable", "newerWord"];
        let policies: Vec<_> = words.into_iter().map(|word| policy(word, true)).chain([policy("rejected", false)]).collect();
        assert_eq!(sum_checks(&policies, &[]), Checks { passed: 1, failed: 2, pending: 3 });
    }

    #[test]
    fn the_last_status_of_a_context_counts() {
        let statuses = [
            status(1, "ci/build", "failed"),
            status(3, "ci/build", "succeeded"),
            status(2, "ci/build", "pending"),
            status(4, "lint", "error"),
            status(5, "docs", "notApplicable"),
            status(6, "size", "notSet"),
        ];
        assert_eq!(sum_checks(&[], &statuses), Checks { passed: 1, failed: 1, pending: 1 });
    }

    #[test]
    fn only_threads_of_people_with_a_status_are_counted() {
        let comment = |system, deleted| fact::Comment { id: 1, content: "x".into(), system, deleted, ..fact::Comment::default() };
        let thread =
            |status: Option<&str>, comments| fact::Thread { id: 1, status: status.map(str::to_owned), comments, ..fact::Thread::default() };
        let threads = [
            thread(Some("active"), vec![comment(false, false)]),
            thread(Some("pending"), vec![comment(true, false), comment(false, false)]),
            thread(Some("fixed"), vec![comment(false, false)]),
            thread(Some("wontFix"), vec![comment(false, false)]),
            thread(Some("byDesign"), vec![comment(false, false)]),
            thread(Some("closed"), vec![comment(false, false)]),
            thread(Some("unknown"), vec![comment(false, false)]),
            thread(None, vec![comment(false, false)]),
            thread(Some("active"), vec![comment(true, false)]),
            thread(Some("active"), vec![comment(false, true)]),
            fact::Thread { deleted: true, ..thread(Some("active"), vec![comment(false, false)]) },
        ];
        assert_eq!(sum_threads(&threads), Threads { unresolved: 2, resolved: 4 });
    }
}
