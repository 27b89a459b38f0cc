//! Pull requests with their reviewers, labels, work items and statuses.

use jiff::Timestamp;
use serde::Deserialize;

use super::commit::Commit;
use super::identity::Reference;
use super::loose;
use super::place::ProjectReference;
use super::refs::branch_name;
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::{MergeState, PullRequestStatus, Reviewer as Asked, Vote};

/// Clears what an identity is set to.
pub const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    pull_request_id: i64,
    repository: Repository,
    #[serde(default, deserialize_with = "loose::word")]
    title: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    description: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_draft: bool,
    #[serde(default, deserialize_with = "loose::word")]
    source_ref_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    target_ref_name: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    created_by: Option<Reference>,
    #[serde(default, deserialize_with = "loose::time")]
    creation_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    closed_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::word")]
    merge_status: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    auto_complete_set_by: Option<Reference>,
    #[serde(default, deserialize_with = "loose::list")]
    reviewers: Vec<Reviewer>,
    #[serde(default, deserialize_with = "loose::list")]
    labels: Vec<Label>,
    #[serde(default, deserialize_with = "loose::part")]
    last_merge_source_commit: Option<CommitReference>,
    #[serde(default, deserialize_with = "loose::part")]
    last_merge_target_commit: Option<CommitReference>,
    #[serde(default, deserialize_with = "loose::part")]
    last_merge_commit: Option<CommitReference>,
    #[serde(default, deserialize_with = "loose::list")]
    commits: Vec<Commit>,
    #[serde(default, deserialize_with = "loose::list")]
    work_item_refs: Vec<WorkItemReference>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    project: Option<ProjectReference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitReference {
    commit_id: String,
}

impl CommitReference {
    fn object(self) -> ObjectId {
        ObjectId::new(self.commit_id)
    }
}

impl PullRequest {
    pub fn detail(mut self) -> fact::PullRequestDetail {
        let commits = std::mem::take(&mut self.commits).into_iter().map(Commit::fact).collect();
        let items = std::mem::take(&mut self.work_item_refs);
        let mut work_items: Vec<i64> = items.into_iter().filter_map(|w| w.id?.trim().parse().ok()).collect();
        work_items.sort_unstable();
        work_items.dedup();
        fact::PullRequestDetail { pull_request: self.fact(), commits, work_items }
    }

    pub fn fact(self) -> fact::PullRequest {
        let repository_name = self.repository.name.unwrap_or_else(|| self.repository.id.clone());
        fact::PullRequest {
            number: self.pull_request_id,
            repository: Guid::new(self.repository.id),
            repository_name,
            project: self.repository.project.map(|p| Guid::new(p.id)),
            title: self.title.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            status: status(self.status.as_deref()),
            is_draft: self.is_draft,
            source_branch: branch_name(&self.source_ref_name.unwrap_or_default()),
            target_branch: branch_name(&self.target_ref_name.unwrap_or_default()),
            author: self.created_by.unwrap_or_default().identity(),
            created_at: self.creation_date.unwrap_or_default(),
            closed_at: self.closed_date,
            merge: merge(self.merge_status.as_deref()),
            auto_complete: self.auto_complete_set_by.is_some_and(|who| who.id.is_some_and(|id| !id.is_empty() && id != NOBODY)),
            reviewers: self.reviewers.into_iter().map(Reviewer::fact).collect(),
            labels: self.labels.into_iter().filter_map(Label::name).collect(),
            source_commit: self.last_merge_source_commit.map(CommitReference::object),
            target_commit: self.last_merge_target_commit.map(CommitReference::object),
            merge_commit: self.last_merge_commit.map(CommitReference::object),
        }
    }
}

/// Words or, from old servers, numbers. What is unknown stays unknown: it never means merged.
fn status(word: Option<&str>) -> PullRequestStatus {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "active" | "1" => PullRequestStatus::Active,
        "abandoned" | "2" => PullRequestStatus::Abandoned,
        "completed" | "3" => PullRequestStatus::Completed,
        _ => PullRequestStatus::Unknown,
    }
}

fn merge(word: Option<&str>) -> MergeState {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "queued" => MergeState::Queued,
        "conflicts" => MergeState::Conflicts,
        "succeeded" => MergeState::Succeeded,
        "rejectedbypolicy" => MergeState::RejectedByPolicy,
        "failure" => MergeState::Failure,
        _ => MergeState::NotSet,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reviewer {
    id: String,
    #[serde(flatten)]
    who: Reference,
    #[serde(default, deserialize_with = "loose::number")]
    vote: Option<i64>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_required: bool,
}

impl Reviewer {
    pub fn fact(self) -> Asked {
        let is_group = self.who.is_container;
        let mut identity = self.who.identity();
        identity.id = Guid::new(self.id);
        Asked { identity, vote: Vote::from_wire(self.vote.unwrap_or_default()), required: self.is_required, is_group }
    }
}

#[derive(Debug, Deserialize)]
pub struct Label {
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default = "yes")]
    active: serde_json::Value,
}

fn yes() -> serde_json::Value {
    true.into()
}

impl Label {
    pub fn name(self) -> Option<String> {
        self.name.filter(|_| self.active != serde_json::Value::Bool(false))
    }
}

/// A work item named by a pull request: its id is text there.
#[derive(Debug, Deserialize)]
pub struct WorkItemReference {
    #[serde(default, deserialize_with = "loose::word")]
    pub id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    state: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    description: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    context: Option<Context>,
    #[serde(default, deserialize_with = "loose::word")]
    target_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Context {
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    genre: Option<String>,
}

impl Status {
    pub fn fact(self) -> fact::CheckStatus {
        let context = self.context.map_or_else(String::new, |c| match (c.genre.filter(|g| !g.is_empty()), c.name) {
            (Some(genre), Some(name)) => format!("{genre}/{name}"),
            (genre, name) => name.or(genre).unwrap_or_default(),
        });
        fact::CheckStatus {
            id: self.id,
            context,
            state: self.state.unwrap_or_else(|| "notSet".to_owned()),
            description: self.description.unwrap_or_default(),
            target_url: self.target_url,
        }
    }
}
