//! JSON shapes of a pull request and what hangs on it: reviewers, labels, threads, statuses.
use serde_json::{Map, Value, json};

use super::render::{Renderer, cut, link, object, with_extra};
use crate::sim::git::CommitRow;
use crate::sim::world::{
    Comment, CompletionOptions, Label, MergeStatus, MergeStrategy, PrState, PrStatus, Project, Property, PullRequest, Repository, Reviewer,
    Thread, ado_date,
};

/// How much of a pull request an endpoint shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A row of a list.
    Row,
    /// A row with `_links`.
    LinkedRow,
    /// By id alone: everything but `_links`.
    ById,
    Full,
}

/// Descriptions of pull requests are cut in lists.
const DESCRIPTION_IN_LIST: usize = 400;

impl Renderer<'_> {
    /// What list rows carry instead of the project.
    fn project_stub(project: &Project) -> Value {
        json!({
            "id": project.id, "name": project.name, "state": "unchanged", "visibility": "unchanged",
            "lastUpdateTime": "0001-01-01T00:00:00",
        })
    }

    pub fn pull_request_url(&self, repository: &Repository, id: i32, rest: &str) -> String {
        let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
        self.site.repository_api(repository.project, repository.id, &format!("pullRequests/{id}{rest}"))
    }

    pub fn reviewer(&self, repository: &Repository, pull_request: i32, reviewer: &Reviewer) -> Value {
        let mut map = object(self.identity_without_descriptor(reviewer.id));
        let address = self.pull_request_url(repository, pull_request, &format!("reviewers/{}", reviewer.id));
        map.insert("reviewerUrl".to_owned(), json!(address));
        map.insert("vote".to_owned(), json!(reviewer.vote));
        map.insert("hasDeclined".to_owned(), json!(reviewer.has_declined));
        map.insert("isFlagged".to_owned(), json!(reviewer.is_flagged));
        if reviewer.is_required {
            map.insert("isRequired".to_owned(), json!(true));
        }
        Value::Object(map)
    }

    pub fn label(&self, repository: &Repository, pull_request: i32, label: &Label) -> Value {
        json!({
            "id": label.id, "name": label.name, "active": true,
            "url": self.pull_request_url(repository, pull_request, &format!("labels/{}", label.id)),
        })
    }

    /// A pull request; `merged` is the merge commit's details where they are at hand.
    pub fn pull_request(&self, pr: &PullRequest, shape: Shape, merged: Option<&CommitRow>) -> Value {
        let Some(repository) = self.world.repository(pr.repository) else {
            return Value::Null;
        };
        let is_row = matches!(shape, Shape::Row | Shape::LinkedRow);
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        put("repository", if is_row { self.repository_stub(repository) } else { self.repository(repository) });
        put("pullRequestId", json!(pr.id));
        put("codeReviewId", json!(pr.id));
        put("status", json!(pr.state.word()));
        put("createdBy", self.identity(pr.created_by));
        put("creationDate", json!(ado_date(pr.created)));
        if let Some(closed) = pr.closed {
            put("closedDate", json!(ado_date(closed)));
        }
        put("title", json!(pr.title));
        if let Some(description) = &pr.description {
            let shown = if is_row { cut(description, DESCRIPTION_IN_LIST).0 } else { description };
            put("description", json!(shown));
        }
        put("sourceRefName", json!(pr.source_ref));
        put("targetRefName", json!(pr.target_ref));
        put("isDraft", json!(pr.is_draft));
        put("mergeId", json!(pr.merge_id));
        put("lastMergeSourceCommit", self.commit_ref(repository, &pr.merge.source));
        put("lastMergeTargetCommit", self.commit_ref(repository, &pr.merge.target));
        if pr.state != PrState::Abandoned {
            if pr.merge.status != MergeStatus::NotSet {
                put("mergeStatus", json!(pr.merge.status.word()));
            }
            if let Some(commit) = &pr.merge.commit {
                let value = match merged {
                    Some(row) if !is_row => Value::Object(self.commit(repository, row)),
                    _ => self.commit_ref(repository, commit),
                };
                put("lastMergeCommit", value);
            }
            if let Some(failure) = &pr.merge.failure {
                put("mergeFailureMessage", json!(failure));
                put("mergeFailureType", json!("unknown"));
            }
        }
        put("reviewers", pr.reviewers.iter().map(|reviewer| self.reviewer(repository, pr.id, reviewer)).collect());
        if !pr.labels.is_empty() {
            put("labels", pr.labels.iter().map(|label| self.label(repository, pr.id, label)).collect());
        }
        put("url", json!(self.pull_request_url(repository, pr.id, "")));
        if matches!(shape, Shape::Full | Shape::LinkedRow) {
            put("_links", self.pull_request_links(repository, pr));
        }
        if let Some(options) = &pr.completion {
            put("completionOptions", completion_json(options));
        }
        if let Some(queued) = pr.completion_queued {
            put("completionQueueTime", json!(ado_date(queued)));
        }
        if let Some(by) = pr.closed_by {
            put("closedBy", self.identity(by));
        }
        if let Some(by) = pr.auto_complete_set_by {
            put("autoCompleteSetBy", self.identity(by));
        }
        put("supportsIterations", json!(true));
        if !is_row {
            let id = format!("vstfs:///Git/PullRequestId/{}%2f{}%2f{}", repository.project, repository.id, pr.id);
            put("artifactId", json!(id));
        }
        with_extra(Value::Object(map), &pr.extra)
    }

    fn repository_stub(&self, repository: &Repository) -> Value {
        let mut map = object(json!({
            "id": repository.id,
            "name": repository.name,
            "url": self.site.repository_api(repository.project, repository.id, ""),
        }));
        if let Some(project) = self.world.project_by_id(repository.project) {
            map.insert("project".to_owned(), Self::project_stub(project));
        }
        Value::Object(map)
    }

    fn pull_request_links(&self, repository: &Repository, pr: &PullRequest) -> Value {
        let api = |rest: &str| link(self.site.repository_api(repository.project, repository.id, rest));
        let here = |rest: &str| link(self.pull_request_url(repository, pr.id, rest));
        json!({
            "self": here(""),
            "repository": api(""),
            "workItems": here("workitems"),
            "sourceBranch": api(&pr.source_ref),
            "targetBranch": api(&pr.target_ref),
            "statuses": here("statuses"),
            "sourceCommit": api(&format!("commits/{}", pr.merge.source)),
            "targetCommit": api(&format!("commits/{}", pr.merge.target)),
            "createdBy": link(self.site.api(&format!("Identities/{}", pr.created_by))),
            "iterations": here("iterations"),
        })
    }

    pub fn thread(&self, repository: &Repository, pull_request: i32, thread: &Thread) -> Value {
        let address = self.pull_request_url(repository, pull_request, &format!("threads/{}", thread.id));
        let comments: Vec<Value> = thread.comments.iter().map(|comment| self.comment(comment, &address)).collect();
        let properties: Map<String, Value> = thread.properties.iter().map(|(key, value)| (key.clone(), property(value))).collect();
        let identities: Map<String, Value> =
            thread.identities.iter().zip(1..).map(|(id, index)| (index.to_string(), self.identity(*id))).collect();
        let or_null = |map: Map<String, Value>| {
            if map.is_empty() { Value::Null } else { Value::Object(map) }
        };
        let mut map = object(json!({
            "pullRequestThreadContext": thread.pull_request_context,
            "id": thread.id,
            "publishedDate": ado_date(thread.published),
            "lastUpdatedDate": ado_date(thread.last_updated),
            "comments": comments,
            "threadContext": thread.context,
            "properties": properties,
            "identities": or_null(identities),
            "isDeleted": thread.is_deleted,
            "_links": {"self": link(address.clone()), "repository": link(self.site.repository_api(repository.project, repository.id, ""))},
        }));
        if let Some(status) = thread.status {
            map.insert("status".to_owned(), json!(status.word()));
        }
        with_extra(Value::Object(map), &thread.extra)
    }

    pub fn comment(&self, comment: &Comment, thread_address: &str) -> Value {
        let mut map = object(json!({
            "id": comment.id,
            "parentCommentId": comment.parent,
            "author": self.identity(comment.author),
            "publishedDate": ado_date(comment.published),
            "lastUpdatedDate": ado_date(comment.last_updated),
            "lastContentUpdatedDate": ado_date(comment.last_content_updated),
            "commentType": comment.kind.word(),
            "usersLiked": comment.liked_by.iter().map(|id| self.identity(*id)).collect::<Vec<_>>(),
            "_links": {"self": link(format!("{thread_address}/comments/{}", comment.id))},
        }));
        if let Some(content) = &comment.content {
            map.insert("content".to_owned(), json!(content));
        }
        if comment.is_deleted {
            map.insert("isDeleted".to_owned(), json!(true));
        }
        Value::Object(map)
    }

    /// A status of whatever lives at `address`.
    pub fn status(&self, status: &PrStatus, address: &str) -> Value {
        let mut context = Map::new();
        context.insert("name".to_owned(), json!(status.context_name));
        if let Some(genre) = &status.context_genre {
            context.insert("genre".to_owned(), json!(genre));
        }
        let mut map = object(json!({
            "id": status.id,
            "state": status.state.word(),
            "context": context,
            "creationDate": ado_date(status.created),
            "updatedDate": ado_date(status.updated),
            "createdBy": self.identity(status.created_by),
            "_links": {"self": link(format!("{address}/statuses/{}", status.id))},
        }));
        for (key, value) in [("description", &status.description), ("targetUrl", &status.target_url)] {
            if let Some(value) = value {
                map.insert(key.to_owned(), json!(value));
            }
        }
        if let Some(iteration) = status.iteration {
            map.insert("iterationId".to_owned(), json!(iteration));
        }
        Value::Object(map)
    }
}

fn completion_json(options: &CompletionOptions) -> Value {
    let mut map = object(json!({
        "mergeStrategy": options.strategy.word(),
        "squashMerge": options.strategy == MergeStrategy::Squash,
        "deleteSourceBranch": options.delete_source_branch,
        "transitionWorkItems": options.transition_work_items,
        "bypassPolicy": options.bypass_policy,
        "autoCompleteIgnoreConfigIds": [],
    }));
    if let Some(message) = &options.message {
        map.insert("mergeCommitMessage".to_owned(), json!(message));
    }
    if let Some(reason) = &options.bypass_reason {
        map.insert("bypassReason".to_owned(), json!(reason));
    }
    Value::Object(map)
}

/// A value of a property bag.
pub fn property(value: &Property) -> Value {
    match value {
        Property::Text(text) => json!({ "$type": "System.String", "$value": text }),
        Property::Number(number) => json!({ "$type": "System.Int32", "$value": number }),
    }
}
