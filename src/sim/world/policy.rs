//! Branch policies and how they judge a pull request.
//!
//! Evaluations are computed from votes, threads and statuses each time they are asked for: nothing can go stale.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::{PullRequest, Repository, StatusState};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyKind {
    MinimumReviewers {
        count: usize,
        creator_vote_counts: bool,
        allow_downvotes: bool,
        reset_on_source_push: bool,
    },
    /// Satisfied by the newest status whose context carries this name.
    Build {
        display_name: String,
        definition: i32,
    },
    CommentRequirements,
    WorkItemLinking,
    RequiredReviewers {
        reviewers: Vec<Uuid>,
    },
    /// Names of the strategies that may be used (`squash`, ...).
    MergeStrategy {
        allowed: Vec<super::MergeStrategy>,
    },
    Status {
        name: String,
        genre: Option<String>,
    },
}

impl PolicyKind {
    pub fn type_id(&self) -> Uuid {
        match self {
            PolicyKind::MinimumReviewers { .. } => uuid!("fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"),
            PolicyKind::Build { .. } => uuid!("0609b952-1397-4640-95ec-e00a01b2c241"),
            PolicyKind::CommentRequirements => uuid!("c6a1889d-b943-4856-b76f-9e46bb6b0df2"),
            PolicyKind::WorkItemLinking => uuid!("40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e"),
            PolicyKind::RequiredReviewers { .. } => uuid!("fd2167ab-b0be-447a-8ec8-39368250530e"),
            PolicyKind::MergeStrategy { .. } => uuid!("fa4e907d-c16b-4a4c-9dfa-4916e5d171ab"),
            PolicyKind::Status { .. } => uuid!("cbdc66da-9728-4af8-aada-9a5a32e4a226"),
        }
    }

    pub fn display_name(&self) -> &'static str {
        match self {
            PolicyKind::MinimumReviewers { .. } => "Minimum number of reviewers",
            PolicyKind::Build { .. } => "Build",
            PolicyKind::CommentRequirements => "Comment requirements",
            PolicyKind::WorkItemLinking => "Work item linking",
            PolicyKind::RequiredReviewers { .. } => "Required reviewers",
            PolicyKind::MergeStrategy { .. } => "Require a merge strategy",
            PolicyKind::Status { .. } => "Status",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefMatch {
    Exact,
    Prefix,
    DefaultBranch,
}

impl RefMatch {
    pub fn word(self) -> &'static str {
        match self {
            RefMatch::Exact => "Exact",
            RefMatch::Prefix => "Prefix",
            RefMatch::DefaultBranch => "DefaultBranch",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyScope {
    /// None covers every repository of the project.
    pub repository: Option<Uuid>,
    pub ref_name: Option<String>,
    pub matching: RefMatch,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    pub id: i32,
    pub project: Uuid,
    pub kind: PolicyKind,
    pub is_blocking: bool,
    pub is_enabled: bool,
    pub scopes: Vec<PolicyScope>,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub revision: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluationStatus {
    Queued,
    Running,
    Approved,
    Rejected,
    NotApplicable,
}

impl EvaluationStatus {
    pub fn word(self) -> &'static str {
        match self {
            EvaluationStatus::Queued => "queued",
            EvaluationStatus::Running => "running",
            EvaluationStatus::Approved => "approved",
            EvaluationStatus::Rejected => "rejected",
            EvaluationStatus::NotApplicable => "notApplicable",
        }
    }
}

#[derive(Debug)]
pub struct Evaluation<'a> {
    pub policy: &'a Policy,
    pub id: Uuid,
    pub status: EvaluationStatus,
    pub started: Timestamp,
    pub completed: Option<Timestamp>,
}

impl Policy {
    pub fn covers(&self, repository: &Repository, ref_name: &str) -> bool {
        self.scopes.iter().any(|scope| {
            scope.repository.is_none_or(|id| id == repository.id)
                && match (scope.matching, &scope.ref_name) {
                    (RefMatch::DefaultBranch, _) => ref_name == repository.default_branch,
                    (_, None) => true,
                    (RefMatch::Exact, Some(name)) => name.eq_ignore_ascii_case(ref_name),
                    (RefMatch::Prefix, Some(name)) => ref_name.to_lowercase().starts_with(&name.to_lowercase()),
                }
        })
    }

    /// The policy's view of one pull request it covers.
    pub fn evaluate(&self, pull_request: &PullRequest) -> Evaluation<'_> {
        let status = self.judge(pull_request);
        let decided = matches!(status, EvaluationStatus::Approved | EvaluationStatus::Rejected);
        Evaluation {
            policy: self,
            id: Uuid::new_v5(&self.project, format!("evaluation {} of {}", self.id, pull_request.id).as_bytes()),
            status,
            started: pull_request.created,
            completed: decided.then(|| last_activity(pull_request)),
        }
    }

    fn judge(&self, pull_request: &PullRequest) -> EvaluationStatus {
        use EvaluationStatus::{Approved, NotApplicable, Queued, Rejected, Running};
        match &self.kind {
            PolicyKind::MinimumReviewers { count, creator_vote_counts, allow_downvotes, .. } => {
                let votes = pull_request.reviewers.iter().filter(|reviewer| *creator_vote_counts || reviewer.id != pull_request.created_by);
                let approvals = votes.clone().filter(|reviewer| reviewer.vote >= 5).count();
                let refused = votes.clone().any(|reviewer| reviewer.vote <= -10);
                let waiting = votes.clone().any(|reviewer| reviewer.vote < 0);
                match () {
                    () if refused && !allow_downvotes => Rejected,
                    () if waiting && !allow_downvotes => Running,
                    () if approvals >= *count => Approved,
                    () => Running,
                }
            }
            PolicyKind::Build { display_name, .. } => match pull_request.latest_status(display_name).map(|s| s.state) {
                None | Some(StatusState::NotSet) => Queued,
                Some(StatusState::Pending) => Running,
                Some(StatusState::Succeeded) => Approved,
                Some(StatusState::NotApplicable) => NotApplicable,
                Some(StatusState::Failed | StatusState::Error) => Rejected,
            },
            PolicyKind::Status { name, .. } => match pull_request.latest_status(name).map(|s| s.state) {
                None | Some(StatusState::NotSet) => Queued,
                Some(StatusState::Pending) => Running,
                Some(StatusState::Succeeded) => Approved,
                Some(StatusState::NotApplicable) => NotApplicable,
                Some(StatusState::Failed | StatusState::Error) => Rejected,
            },
            PolicyKind::CommentRequirements => {
                let open =
                    pull_request.threads.iter().any(|thread| !thread.is_deleted && thread.status.is_some_and(|status| status.is_open()));
                if open { Running } else { Approved }
            }
            PolicyKind::WorkItemLinking if pull_request.work_items.is_empty() => Rejected,
            PolicyKind::WorkItemLinking => Approved,
            PolicyKind::RequiredReviewers { reviewers } => {
                let vote = |id: &Uuid| pull_request.reviewer(*id).map_or(0, |reviewer| reviewer.vote);
                match () {
                    () if reviewers.iter().any(|id| vote(id) <= -10) => Rejected,
                    () if reviewers.iter().all(|id| vote(id) >= 5) => Approved,
                    () => Running,
                }
            }
            PolicyKind::MergeStrategy { .. } => Approved,
        }
    }
}

/// The newest date that the pull request carries.
fn last_activity(pull_request: &PullRequest) -> Timestamp {
    let threads = pull_request.threads.iter().map(|thread| thread.last_updated);
    let statuses = pull_request.statuses.iter().map(|status| status.updated);
    threads.chain(statuses).max().unwrap_or(pull_request.created).max(pull_request.created)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::{PrStatus, Reviewer};

    fn at() -> Timestamp {
        Timestamp::from_second(1_760_000_000).unwrap()
    }

    fn policy(kind: PolicyKind) -> Policy {
        Policy {
            id: 1,
            project: Uuid::nil(),
            kind,
            is_blocking: true,
            is_enabled: true,
            scopes: vec![PolicyScope { repository: None, ref_name: Some("refs/heads/main".to_owned()), matching: RefMatch::Exact }],
            created_by: Uuid::nil(),
            created: at(),
            revision: 1,
        }
    }

    fn pull_request() -> PullRequest {
        PullRequest::new(7, Uuid::nil(), Uuid::from_u128(1), at(), "t", ("refs/heads/a", "a"), ("refs/heads/main", "b"))
    }

    #[test]
    fn reviewers_approve_only_without_a_rejection_and_not_their_own_work() {
        let policy = policy(PolicyKind::MinimumReviewers {
            count: 1,
            creator_vote_counts: false,
            allow_downvotes: false,
            reset_on_source_push: false,
        });
        let mut pr = pull_request();
        assert_eq!(policy.evaluate(&pr).status, EvaluationStatus::Running);
        pr.reviewers.push(Reviewer { vote: 10, ..Reviewer::new(Uuid::from_u128(1)) });
        assert_eq!(policy.evaluate(&pr).status, EvaluationStatus::Running);
        pr.reviewers.push(Reviewer { vote: 5, ..Reviewer::new(Uuid::from_u128(2)) });
        assert_eq!(policy.evaluate(&pr).status, EvaluationStatus::Approved);
        pr.reviewers.push(Reviewer { vote: -10, ..Reviewer::new(Uuid::from_u128(3)) });
        assert_eq!(policy.evaluate(&pr).status, EvaluationStatus::Rejected);
    }

    #[test]
    fn the_last_status_of_a_build_wins() {
        let policy = policy(PolicyKind::Build { display_name: "ci".to_owned(), definition: 1 });
        let mut pr = pull_request();
        assert_eq!(policy.evaluate(&pr).status, EvaluationStatus::Queued);
        for (state, expected) in [
            (StatusState::Failed, EvaluationStatus::Rejected),
            (StatusState::Pending, EvaluationStatus::Running),
            (StatusState::Succeeded, EvaluationStatus::Approved),
        ] {
            pr.statuses.push(PrStatus {
                id: 1,
                state,
                description: None,
                context_name: "ci".to_owned(),
                context_genre: None,
                target_url: None,
                created: at(),
                updated: at(),
                created_by: Uuid::nil(),
                iteration: None,
            });
            assert_eq!(policy.evaluate(&pr).status, expected);
        }
    }

    #[test]
    fn a_prefix_scope_covers_the_branches_below_it() {
        let mut policy = policy(PolicyKind::CommentRequirements);
        policy.scopes[0].matching = RefMatch::Prefix;
        policy.scopes[0].ref_name = Some("refs/heads/release/".to_owned());
        let repository = Repository::new(Uuid::nil(), Uuid::nil(), "r");
        assert!(policy.covers(&repository, "refs/heads/release/1"));
        assert!(!policy.covers(&repository, "refs/heads/main"));
    }
}
