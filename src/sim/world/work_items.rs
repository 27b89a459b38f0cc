//! Work items as data: their fields as far as anybody asks for them, and their links to pull requests, commits and builds.
//!
//! Link addresses are the service's `vstfs:///` ones, with `%2F` inside. A pull request keeps the ids of its work items
//! itself: `World::link_pull_request` writes both sides.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::World;
use super::runs::after;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkItem {
    pub id: i32,
    pub project: Uuid,
    /// `Bug`, `User Story`, `Task`, `Incident`.
    pub kind: String,
    pub state: String,
    pub title: String,
    #[serde(default)]
    pub tags: Vec<String>,
    /// `harbour\tides`
    pub area_path: String,
    pub iteration_path: String,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub changed_by: Uuid,
    pub changed: Timestamp,
    #[serde(default)]
    pub assigned_to: Option<Uuid>,
    #[serde(default)]
    pub activated: Option<Timestamp>,
    #[serde(default)]
    pub resolved: Option<Timestamp>,
    #[serde(default)]
    pub closed: Option<Timestamp>,
    pub rev: i32,
    #[serde(default)]
    pub relations: Vec<Relation>,
    /// Fields beside these, by reference name.
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
    #[serde(default)]
    pub is_deleted: bool,
}

impl WorkItem {
    /// A new one in the state `New`, in the area that has the project's name.
    pub fn new(id: i32, project: (Uuid, &str), kind: &str, title: &str, by: Uuid, created: Timestamp) -> Self {
        let (project, project_name) = project;
        WorkItem {
            id,
            project,
            kind: kind.to_owned(),
            state: "New".to_owned(),
            title: title.to_owned(),
            tags: Vec::new(),
            area_path: project_name.to_owned(),
            iteration_path: project_name.to_owned(),
            created_by: by,
            created,
            changed_by: by,
            changed: created,
            assigned_to: None,
            activated: None,
            resolved: None,
            closed: None,
            rev: 1,
            relations: Vec::new(),
            fields: BTreeMap::new(),
            is_deleted: false,
        }
    }

    /// Another state, with the dates that go with it.
    pub fn enter(&mut self, state: &str, at: Timestamp) {
        state.clone_into(&mut self.state);
        match state {
            "Active" | "Committed" | "Doing" | "In Progress" => {
                self.activated = Some(at);
                (self.resolved, self.closed) = (None, None);
            }
            "Resolved" => (self.resolved, self.closed) = (Some(at), None),
            "Closed" | "Done" => {
                self.resolved = self.resolved.or(Some(at));
                self.closed = Some(at);
            }
            _ => (self.resolved, self.closed) = (None, None),
        }
        self.touch(at);
    }

    pub fn in_state(mut self, state: &str, at: Timestamp) -> Self {
        self.enter(state, at);
        self
    }

    pub fn tagged(mut self, tags: &[&str]) -> Self {
        self.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self
    }

    /// One more revision.
    pub fn touch(&mut self, at: Timestamp) {
        self.rev += 1;
        self.changed = self.changed.max(at);
    }

    /// Whether a link of the same kind to the same thing was there before.
    pub fn relates(&self, relation: &Relation) -> bool {
        self.relations.iter().any(|known| known.rel == relation.rel && known.url.eq_ignore_ascii_case(&relation.url))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// `ArtifactLink`, `Hyperlink`, `System.LinkTypes.Hierarchy-Reverse`, ...
    pub rel: String,
    pub url: String,
    /// `Pull Request`, `Fixed in Commit`, `Branch`, `Build`, `Parent`.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub created: Option<Timestamp>,
    #[serde(default)]
    pub comment: Option<String>,
}

impl Relation {
    fn artifact(name: &str, url: String, created: Timestamp) -> Self {
        Relation { rel: "ArtifactLink".to_owned(), url, name: name.to_owned(), created: Some(created), comment: None }
    }

    pub fn pull_request(project: Uuid, repository: Uuid, id: i32, created: Timestamp) -> Self {
        Self::artifact("Pull Request", format!("vstfs:///Git/PullRequestId/{project}%2F{repository}%2F{id}"), created)
    }

    pub fn commit(project: Uuid, repository: Uuid, sha: &str, created: Timestamp) -> Self {
        Self::artifact("Fixed in Commit", format!("vstfs:///Git/Commit/{project}%2F{repository}%2F{sha}"), created)
    }

    /// `branch` without `refs/heads/`.
    pub fn branch(project: Uuid, repository: Uuid, branch: &str, created: Timestamp) -> Self {
        let branch = branch.replace('/', "%2F");
        Self::artifact("Branch", format!("vstfs:///Git/Ref/{project}%2F{repository}%2FGB{branch}"), created)
    }

    pub fn build(id: i32, created: Timestamp) -> Self {
        Self::artifact("Build", format!("vstfs:///Build/Build/{id}"), created)
    }
}

impl World {
    pub fn work_item(&self, id: i32) -> Option<&WorkItem> {
        self.work_items.get(&id)
    }

    pub fn next_work_item_id(&self) -> i32 {
        after(self.work_items.keys())
    }

    /// Links the two from both sides; nothing if one of them is not there or they are linked already.
    pub fn link_pull_request(&mut self, work_item: i32, pull_request: i32, at: Timestamp) {
        let Some(request) = self.pull_requests.get_mut(&pull_request) else { return };
        let Some(project) = self.repositories.iter().find(|found| found.id == request.repository).map(|found| found.project) else {
            return;
        };
        let Some(item) = self.work_items.get_mut(&work_item) else { return };
        if !request.work_items.contains(&work_item) {
            request.work_items.push(work_item);
        }
        let relation = Relation::pull_request(project, request.repository, pull_request, at);
        if !item.relates(&relation) {
            item.relations.push(relation);
            item.touch(at);
        }
    }
}
