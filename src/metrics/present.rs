//! What the last look at a pull request says, over what was collected of its past: it is looked at more often than histories are read.

use super::input::{Actor, History, Required};
use crate::domain::person::Identity;
use crate::domain::pull_request::{PullRequest, Reviewer, Vote};

impl History {
    /// Of one of which nothing was collected: without happenings, commits, files and linked work items.
    pub fn bare(facts: &PullRequest) -> Self {
        let mut history = Self {
            repository: facts.repository,
            number: facts.number,
            title: facts.title.clone(),
            status: facts.status,
            is_draft: facts.is_draft,
            author: actor(&facts.author, false),
            source_branch: facts.source_branch.clone(),
            target_branch: facts.target_branch.clone(),
            created_at: facts.created_at,
            closed_at: None,
            merge_commit: None,
            source_commit: facts.source_commit.clone(),
            labels: facts.labels.clone(),
            reviewers: Vec::new(),
            happenings: None,
            actors: Vec::new(),
            commits: None,
            items: Vec::new(),
            iterations: None,
            files: None,
            // Without happenings there are no approvals to count.
            wanted: Vec::new(),
            validations: Vec::new(),
        };
        history.refresh(facts);
        history
    }

    /// Takes over what may have changed since it was collected.
    pub fn refresh(&mut self, facts: &PullRequest) {
        self.status = facts.status;
        self.is_draft = facts.is_draft;
        self.closed_at = facts.closed_at.or(self.closed_at);
        self.merge_commit = facts.merge_commit.clone().or_else(|| self.merge_commit.clone());
        self.reviewers = facts.reviewers.iter().map(reviewer).collect();
    }
}

fn reviewer(reviewer: &Reviewer) -> (Actor, Vote, Required) {
    let required = if reviewer.required { Required::Required } else { Required::Optional };
    (actor(&reviewer.identity, reviewer.is_group), reviewer.vote, required)
}

fn actor(identity: &Identity, is_group: bool) -> Actor {
    Actor { id: identity.id.clone(), name: identity.display_name.clone(), unique_name: identity.unique_name.clone(), is_group }
}
