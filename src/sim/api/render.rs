//! JSON shapes that several endpoints share: identities, projects, repositories, commits.
//!
//! Written by hand from the contract: no type here is shared with any client.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::git::{ChangeCounts, ChangeKind, CommitRow, FileChange, FolderChange};
use crate::sim::site::{Site, percent_encode};
use crate::sim::world::{Extra, Project, Repository, Team, World, ado_date, git_date};

/// What the world looks like from outside.
#[derive(Clone, Copy)]
pub struct Renderer<'a> {
    pub world: &'a World,
    pub site: &'a Site,
}

/// Comments of commits are cut in lists.
const COMMENT_LIMIT: usize = 4000;
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub(super) fn link(address: impl Into<String>) -> Value {
    json!({ "href": address.into() })
}

/// Adds what a loaded object had beyond what is modelled.
pub(super) fn with_extra(value: Value, extra: &Extra) -> Value {
    let mut map = object(value);
    for (key, value) in extra {
        if !map.contains_key(key) {
            map.insert(key.clone(), value.clone());
        }
    }
    Value::Object(map)
}

pub(super) fn cut(text: &str, limit: usize) -> (&str, bool) {
    match text.char_indices().nth(limit) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    }
}

impl Renderer<'_> {
    /// An identity as most places show it.
    pub fn identity(&self, id: Uuid) -> Value {
        let mut map = object(self.identity_without_descriptor(id));
        if let Some(user) = self.world.user(id) {
            map.insert("descriptor".to_owned(), json!(user.descriptor(self.site.directory())));
        }
        Value::Object(map)
    }

    /// An identity as reviewers are shown.
    pub fn identity_without_descriptor(&self, id: Uuid) -> Value {
        let base = self.site.organisation_url();
        let Some(user) = self.world.user(id) else {
            return json!({
                "displayName": "Unknown user", "url": self.site.api(&format!("Identities/{id}")), "id": id,
                "_links": {"avatar": link(format!("{base}/_apis/GraphProfile/MemberAvatars/unknown"))},
                "uniqueName": id.to_string(), "imageUrl": format!("{base}/_api/_common/identityImage?id={id}"),
            });
        };
        let mut map = object(json!({
            "displayName": user.display_name,
            "url": self.site.api(&format!("Identities/{id}")),
            "_links": {"avatar": link(format!("{base}/_apis/GraphProfile/MemberAvatars/{}", user.descriptor(self.site.directory())))},
            "id": id,
            "uniqueName": user.unique_name,
            "imageUrl": format!("{base}/_api/_common/identityImage?id={id}"),
        }));
        if user.is_container {
            map.insert("isContainer".to_owned(), json!(true));
        }
        if !user.is_active {
            map.insert("inactive".to_owned(), json!(true));
        }
        Value::Object(map)
    }

    pub fn project_ref(&self, project: &Project) -> Value {
        let mut map = object(json!({
            "id": project.id,
            "name": project.name,
            "url": self.site.api(&format!("projects/{}", project.id)),
            "state": project.state,
            "revision": project.revision,
            "visibility": project.visibility,
            "lastUpdateTime": ado_date(project.last_update),
        }));
        if let Some(description) = &project.description {
            map.insert("description".to_owned(), json!(description));
        }
        Value::Object(map)
    }

    pub fn project_row(&self, project: &Project) -> Value {
        with_extra(self.project_ref(project), &project.extra)
    }

    pub fn team(&self, project: &Project, team: &Team) -> Value {
        let value = json!({
            "id": team.id,
            "name": team.name,
            "url": self.site.api(&format!("projects/{}/teams/{}", project.id, team.id)),
            "description": team.description,
            "identityUrl": self.site.api(&format!("Identities/{}", team.id)),
            "projectName": project.name,
            "projectId": project.id,
        });
        with_extra(value, &team.extra)
    }

    /// A repository without what only git knows.
    pub fn repository(&self, repository: &Repository) -> Value {
        let project = self.world.project_by_id(repository.project);
        let name = project.map_or("", |project| project.name.as_str());
        let mut map = object(json!({
            "id": repository.id,
            "name": repository.name,
            "url": self.site.repository_api(repository.project, repository.id, ""),
            "size": repository.size,
            "remoteUrl": self.site.remote(name, &repository.name),
            "sshUrl": self.site.ssh(name, &repository.name),
            "webUrl": self.site.web(name, &repository.name),
            "isDisabled": repository.is_disabled,
            "isInMaintenance": false,
        }));
        if let Some(project) = project {
            map.insert("project".to_owned(), self.project_ref(project));
        }
        Value::Object(map)
    }

    pub fn repository_links(&self, repository: &Repository) -> Value {
        let api = |rest: &str| link(self.site.repository_api(repository.project, repository.id, rest));
        let name = self.world.project_by_id(repository.project).map_or("", |project| project.name.as_str());
        json!({
            "self": api(""),
            "project": link(format!("vstfs:///Classification/TeamProject/{}", repository.project)),
            "web": link(self.site.web(name, &repository.name)),
            "ssh": link(self.site.ssh(name, &repository.name)),
            "commits": api("commits"),
            "refs": api("refs"),
            "pullRequests": api("pullRequests"),
            "items": api("items"),
            "pushes": api("pushes"),
        })
    }

    pub fn commit_url(&self, repository: &Repository, id: &str) -> String {
        self.site.repository_api(repository.project, repository.id, &format!("commits/{id}"))
    }

    pub fn commit_web(&self, repository: &Repository, id: &str) -> String {
        let name = self.world.project_by_id(repository.project).map_or("", |project| project.name.as_str());
        format!("{}/commit/{id}", self.site.web(name, &repository.name))
    }

    pub fn commit_ref(&self, repository: &Repository, id: &str) -> Value {
        json!({ "commitId": id, "url": self.commit_url(repository, id) })
    }

    /// A commit as pull requests list it.
    pub fn commit(&self, repository: &Repository, row: &CommitRow) -> Map<String, Value> {
        let (comment, is_cut) = cut(&row.message, COMMENT_LIMIT);
        let mut map = object(json!({
            "commitId": row.id,
            "author": {"name": row.author.name, "email": row.author.email, "date": git_date(row.author.when)},
            "committer": {
                "name": row.committer.name, "email": row.committer.email, "date": git_date(row.committer.when),
            },
            "comment": comment,
            "url": self.commit_url(repository, &row.id),
        }));
        if is_cut {
            map.insert("commentTruncated".to_owned(), json!(true));
        }
        map
    }

    /// A commit with its numbers of files, as commit lists show it.
    pub fn commit_row(&self, repository: &Repository, row: &CommitRow, counts: &ChangeCounts) -> Map<String, Value> {
        let mut map = self.commit(repository, row);
        map.insert("changeCounts".to_owned(), counts_json(counts));
        map.insert("remoteUrl".to_owned(), json!(self.commit_web(repository, &row.id)));
        map
    }

    pub fn item_url(&self, repository: &Repository, path: &str, commit: &str) -> String {
        let path: Vec<String> = path.trim_start_matches('/').split('/').map(percent_encode).collect();
        let rest = format!("items/{}?versionType=Commit&version={commit}", path.join("/"));
        self.site.repository_api(repository.project, repository.id, &rest)
    }

    pub fn change(&self, repository: &Repository, commit: &str, change: &FileChange) -> Value {
        let mut item = object(json!({
            "gitObjectType": "blob",
            "commitId": commit,
            "path": change.path,
            "url": self.item_url(repository, &change.path, commit),
        }));
        let id = change.object_id.as_ref().or(change.original_object_id.as_ref());
        item.insert("objectId".to_owned(), json!(id));
        if change.kind != ChangeKind::Delete
            && let Some(original) = &change.original_object_id
        {
            item.insert("originalObjectId".to_owned(), json!(original));
        }
        let mut map = object(json!({ "item": item, "changeType": change.kind.word() }));
        if let Some(source) = &change.source_path {
            map.insert("sourceServerItem".to_owned(), json!(source));
        }
        Value::Object(map)
    }

    /// One folder with something in it that differs.
    pub fn folder_change(&self, repository: &Repository, commit: &str, change: &FolderChange) -> Value {
        let item = json!({
            "objectId": change.object_id,
            "gitObjectType": "tree",
            "commitId": commit,
            "path": change.path,
            "isFolder": true,
            "url": self.item_url(repository, &change.path, commit),
        });
        json!({ "item": item, "changeType": change.kind.word() })
    }
}

/// `Add`, `Edit` and `Delete` are always there.
pub fn counts_json(counts: &ChangeCounts) -> Value {
    let mut map = object(json!({ "Add": 0, "Edit": 0, "Delete": 0 }));
    for (key, value) in counts {
        map.insert((*key).to_owned(), json!(value));
    }
    Value::Object(map)
}
