//! How much of a body's word on a pull request is believed, and when.
//!
//! A pull request goes from active to abandoned or completed, and from abandoned to completed; completed is final. Believing only steps
//! forward makes the end the same in whatever order bodies arrive. The step back (a reactivation) needs a look.

use crate::domain::fact;
use crate::domain::project::{Project, Repository};
use crate::domain::pull_request::{KnownPullRequest, PullRequest, PullRequestStatus};

/// How far a pull request is on its way; unknown words are nowhere.
pub fn rank(status: PullRequestStatus) -> u8 {
    match status {
        PullRequestStatus::Unknown => 0,
        PullRequestStatus::Active => 1,
        PullRequestStatus::Abandoned => 2,
        PullRequestStatus::Completed => 3,
    }
}

pub fn is_completed(fact: &fact::PullRequest) -> bool {
    fact.status == PullRequestStatus::Completed
}

/// What is known with what a body adds to it: how it ended. Of a pull request that is not known, everything the body says.
pub fn with_known(
    known: Option<&KnownPullRequest>,
    said: &fact::PullRequest,
    project: &Project,
    repository: &Repository,
) -> fact::PullRequest {
    let Some(known) = known else {
        return fact::PullRequest { project: Some(project.guid.clone()), ..said.clone() };
    };
    let PullRequest { title, description, is_draft, source_branch, target_branch, author, created_at, .. } = known.facts.clone();
    let facts = &known.facts;
    fact::PullRequest {
        number: facts.number,
        repository: repository.guid.clone(),
        repository_name: repository.name.clone(),
        project: Some(project.guid.clone()),
        title,
        description,
        status: said.status,
        is_draft,
        source_branch,
        target_branch,
        author,
        created_at,
        closed_at: said.closed_at.or(facts.closed_at),
        merge: said.merge,
        auto_complete: facts.auto_complete,
        reviewers: facts.reviewers.clone(),
        labels: facts.labels.clone(),
        source_commit: said.source_commit.clone().or_else(|| facts.source_commit.clone()),
        target_commit: said.target_commit.clone().or_else(|| facts.target_commit.clone()),
        merge_commit: said.merge_commit.clone().or_else(|| facts.merge_commit.clone()),
    }
}
