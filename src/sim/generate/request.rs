//! A pull request as it is planned: every instant of its life is decided before anything of it is made.
//!
//! Limits: what the service would note by itself follows from the acts, and is not planned.

use jiff::Timestamp;
use uuid::Uuid;

use super::plan::Nature;
use crate::sim::world::{MergeStrategy, PrState};

/// A commit of a branch or of a direct push.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub author: Uuid,
    pub authored: Timestamp,
    pub committed: Timestamp,
    pub message: String,
    pub edits: Vec<Edit>,
}

/// A change of one file, which lies in one folder or at the root.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    Write { path: String },
    Delete { path: String },
}

impl Edit {
    pub fn path(&self) -> &str {
        match self {
            Edit::Write { path } | Edit::Delete { path } => path,
        }
    }
}

/// A push to the branch of a pull request, the first being its creation.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub at: Timestamp,
    /// How many of its commits the branch has from then on.
    pub commits: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Vote { by: Uuid, vote: i8 },
    Comment { by: Uuid, text: String, reply: Option<(Timestamp, String)>, is_deleted: bool, is_open: bool },
    Draft { is_draft: bool },
    AutoComplete,
}

/// How it comes to its review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Remarks perhaps, then as many approvals as are required, or one more.
    Plain,
    /// Turned down, pushed again, approved.
    Rework,
    /// Merged past the policy, without any review.
    Unreviewed,
    /// The author's own vote is all there is.
    SelfVote,
    /// A bot votes and a build service comments before any person does.
    BotFirst,
    /// A vote of which no thread tells when it was given.
    Undated,
    /// The first remark was deleted.
    DeletedRemark,
    /// An approval that was taken back before another was given.
    Withdrawn,
    /// Nobody looked until after the merge.
    LateRemark,
}

/// Whether it was a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drafting {
    Never,
    Published,
    /// Published, made a draft again, and published again.
    Twice,
    Still,
}

/// How its work item is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// `AB#12` in a commit message.
    Commit,
    /// `#12` in the description.
    Description,
    /// Azure DevOps's own link.
    Artifact,
    /// A ticket key in the name of the branch, which is no work item.
    Branch,
    Nothing,
}

/// What is asked of one pull request.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub nature: Nature,
    pub style: Style,
    pub drafting: Drafting,
    pub strategy: MergeStrategy,
    pub link: Link,
    pub auto_complete: bool,
    /// Author dates long before the branch: a cherry-pick.
    pub stale: bool,
    /// The first commits were replaced by a forced push after the creation.
    pub amended: bool,
    /// Open for months.
    pub long_lived: bool,
    /// The team was asked as a whole.
    pub group: bool,
    pub labels: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub place: usize,
    pub wish: Wish,
    pub state: PrState,
    pub author: Uuid,
    pub title: String,
    pub description: String,
    /// Without `refs/heads/`.
    pub branch: String,
    pub is_draft: bool,
    pub reviewers: Vec<(Uuid, i8)>,
    /// What the branch has at the end.
    pub commits: Vec<Commit>,
    /// What a forced push replaced.
    pub discarded: Vec<Commit>,
    pub steps: Vec<Step>,
    /// When the branch left main.
    pub branched: Timestamp,
    pub created: Timestamp,
    pub ready: Option<Timestamp>,
    pub first_review: Option<Timestamp>,
    /// Approvals by people that were in force at the merge, oldest first.
    pub approvals: Vec<Timestamp>,
    pub closed: Option<Timestamp>,
    pub closed_by: Option<Uuid>,
    pub acts: Vec<(Timestamp, Act)>,
    pub reverts: Option<usize>,
    /// Given when all are known.
    pub id: i32,
    pub work_item: Option<i32>,
    /// The place on main that the branch left from, and the one of its merge.
    pub base: usize,
    pub merged: Option<usize>,
}

impl Request {
    /// The earliest author date of its commits.
    pub fn first_author_date(&self) -> Option<Timestamp> {
        self.commits.iter().map(|commit| commit.authored).min()
    }

    /// The approval by a person that completed the requirement, towards which the service counts those of machines as well.
    pub fn completing_approval(&self, required: usize, machine: Uuid) -> Option<Timestamp> {
        let is_machines = |(who, vote): &&(Uuid, i8)| *who == machine && *vote >= 5 && self.author != machine;
        let by_machines = self.reviewers.iter().filter(is_machines).count();
        self.approvals.get(required.saturating_sub(by_machines).max(1) - 1).copied()
    }

    pub fn was_bypassed(&self, required: usize) -> bool {
        self.state == PrState::Completed && self.wish.style != Style::Undated && self.approvals.len() < required
    }
}
