//! Bodies as Azure DevOps posts them, of every kind that kanado follows, written from the published descriptions.

use kanado::ado::event::What;
use serde_json::{Value, json};

pub const PROJECT: &str = "5e0a7c11-0000-4000-8000-0000000000a1";
pub const REPOSITORY: &str = "5e0a7c11-0000-4000-8000-0000000000b1";
const SUBSCRIPTION: &str = "5e0a7c11-0000-4000-8000-0000000000d1";
const PERSON: &str = "5e0a7c11-0000-4000-8000-0000000000c1";

/// Where the bodies come from.
#[derive(Debug, Clone)]
pub struct Sender {
    pub organisation: String,
    pub project: String,
    pub repository: String,
    pub repository_name: String,
    pub subscription: String,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            organisation: "https://dev.azure.com/lumen".to_owned(),
            project: PROJECT.to_owned(),
            repository: REPOSITORY.to_owned(),
            repository_name: "tide-api".to_owned(),
            subscription: SUBSCRIPTION.to_owned(),
        }
    }
}

/// A pull request as a body tells it.
#[derive(Debug, Clone)]
pub struct Told {
    pub number: i64,
    pub status: &'static str,
    pub merge: &'static str,
    pub title: String,
    pub source: String,
    pub target: String,
    pub vote: i64,
}

impl Told {
    pub fn new(number: i64, source: &str) -> Self {
        Self {
            number,
            status: "active",
            merge: "succeeded",
            title: "KAN-1: Answer faster".to_owned(),
            source: source.to_owned(),
            target: "main".to_owned(),
            vote: 0,
        }
    }

    pub fn status(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }

    pub fn merge(mut self, merge: &'static str) -> Self {
        self.merge = merge;
        self
    }

    pub fn title(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }
}

impl Sender {
    /// The outside around a resource; `n` tells notifications apart.
    pub fn envelope(&self, kind: &str, version: &str, n: i64, resource: Value) -> Value {
        let words = json!({"text": format!("{kind} {n}"), "html": format!("{kind} <b>{n}</b>"), "markdown": format!("{kind} *{n}*")});
        let publisher = match kind {
            _ if kind.starts_with("ms.vss-pipelines.") => "pipelines",
            _ if kind.starts_with("ms.vss-release.") => "rm",
            _ => "tfs",
        };
        json!({
            "subscriptionId": self.subscription, "notificationId": n, "id": format!("5e0a7c11-0000-4000-8000-{n:012x}"),
            "eventType": kind, "publisherId": publisher, "message": words, "detailedMessage": words, "resource": resource,
            "resourceVersion": version,
            "resourceContainers": {
                "collection": {"id": "5e0a7c11-0000-4000-8000-0000000000e1", "baseUrl": format!("{}/", self.organisation)},
                "account": {"id": "5e0a7c11-0000-4000-8000-0000000000e2", "baseUrl": format!("{}/", self.organisation)},
                "project": {"id": self.project, "baseUrl": format!("{}/", self.organisation)}
            },
            "createdDate": "2026-03-01T10:00:00.1234567Z"
        })
    }

    fn project(&self) -> Value {
        let url = format!("{}/_apis/projects/{}", self.organisation, self.project);
        json!({"id": self.project, "name": "Harbor", "url": url, "state": "wellFormed", "visibility": "private",
            "lastUpdateTime": "0001-01-01T00:00:00"})
    }

    pub fn repository(&self) -> Value {
        let url = self.repository_url();
        json!({"id": self.repository, "name": self.repository_name, "url": url, "project": self.project(),
            "defaultBranch": "refs/heads/main", "size": 728, "isDisabled": false,
            "remoteUrl": format!("{}/Harbor/_git/{}", self.organisation, self.repository_name)})
    }

    fn repository_url(&self) -> String {
        format!("{}/_apis/git/repositories/{}", self.organisation, self.repository)
    }

    fn person() -> Value {
        json!({"displayName": "Bob Кита", "url": "https://vssps.dev.azure.com/lumen/_apis/Identities/1", "id": PERSON,
            "uniqueName": "bob@lumen.example", "imageUrl": null})
    }

    pub fn pull_request(&self, told: &Told) -> Value {
        let url = format!("{}/pullRequests/{}", self.repository_url(), told.number);
        let mut body = json!({
            "repository": self.repository(), "pullRequestId": told.number, "codeReviewId": told.number, "status": told.status,
            "createdBy": Self::person(), "creationDate": "2026-02-20T09:00:00.5Z", "title": told.title,
            "description": "What it is about.", "sourceRefName": format!("refs/heads/{}", told.source),
            "targetRefName": format!("refs/heads/{}", told.target), "mergeStatus": told.merge, "isDraft": false,
            "mergeId": "5e0a7c11-0000-4000-8000-0000000000f1",
            "lastMergeSourceCommit": {"commitId": "53d54ac915144006c2c9e90d2c7d3880920db49c", "url": "https://dev.azure.com/x"},
            "lastMergeTargetCommit": {"commitId": "a511f535b1ea495ee0c903badb68fbc83772c882"},
            "reviewers": [{"reviewerUrl": null, "vote": told.vote, "hasDeclined": false, "isRequired": true, "id": PERSON,
                "displayName": "Bob Кита", "uniqueName": "bob@lumen.example", "isContainer": false}],
            "url": url, "supportsIterations": true,
            "_links": {"web": {"href": format!("{}/Harbor/_git/x/pullrequest/{}", self.organisation, told.number)},
                "statuses": {"href": format!("{url}/statuses")}}
        });
        if told.status != "active" {
            body["closedDate"] = json!("2026-03-01T09:59:59.9999999+00:00");
        }
        if told.merge == "succeeded" {
            body["lastMergeCommit"] = json!({"commitId": "eef717f69257a6333f221566c1c987dc94cc0d72"});
        }
        body
    }

    pub fn pull_request_event(&self, kind: &str, n: i64, told: &Told) -> Value {
        self.envelope(kind, "1.0", n, self.pull_request(told))
    }

    pub fn comment(&self, n: i64, told: &Told, deleted: bool) -> Value {
        self.envelope(COMMENT, "2.0", n, json!({"comment": self.bare_comment(told, deleted), "pullRequest": self.pull_request(told)}))
    }

    /// Version 1.0: the comment alone.
    pub fn comment_alone(&self, n: i64, told: &Told) -> Value {
        self.envelope(COMMENT, "1.0", n, self.bare_comment(told, false))
    }

    fn bare_comment(&self, told: &Told, deleted: bool) -> Value {
        let thread = format!("{}/pullRequests/{}/threads/5", self.repository_url(), told.number);
        let mut comment = json!({"id": 2, "parentCommentId": 1, "author": Self::person(), "content": "Why so?",
            "publishedDate": "2026-03-01T10:00:00Z", "lastUpdatedDate": "2026-03-01T10:00:00Z",
            "lastContentUpdatedDate": "2026-03-01T10:00:00Z", "commentType": "text",
            "_links": {"self": {"href": format!("{thread}/comments/2")}, "threads": {"href": thread}}});
        if deleted {
            comment["isDeleted"] = json!(true);
        }
        comment
    }

    /// `updates` are `(ref, old, new)`.
    pub fn push(&self, n: i64, updates: &[(&str, &str, &str)]) -> Value {
        let updates: Vec<Value> =
            updates.iter().map(|(name, old, new)| json!({"name": name, "oldObjectId": old, "newObjectId": new})).collect();
        let who = json!({"name": "Bob", "email": "bob@lumen.example", "date": "2026-03-01T09:58:00Z"});
        let commits = json!([{"commitId": NEW, "author": who, "committer": who, "comment": "Fix it", "url": "https://dev.azure.com/x"}]);
        let resource = json!({"commits": commits, "refUpdates": updates, "repository": self.repository(), "pushedBy": Self::person(),
            "pushId": 14, "date": "2026-03-01T09:59:00.1234567Z", "url": format!("{}/pushes/14", self.repository_url())});
        self.envelope("git.push", "1.0", n, resource)
    }

    pub fn repository_event(&self, kind: &str, n: i64) -> Value {
        let resource = match kind {
            "git.repo.deleted" => json!({"project": self.project(), "repositoryId": self.repository,
                "repositoryName": self.repository_name, "isHardDelete": false, "initiatedBy": Self::person(),
                "utcTimestamp": "2026-03-01T10:00:00Z"}),
            "git.repo.forked" => json!({"sourceRepository": self.repository(), "targetRepository": self.repository(),
                "initiatedBy": Self::person()}),
            "git.repo.renamed" => json!({"oldName": "old-name", "newName": self.repository_name, "repository": self.repository(),
                "initiatedBy": Self::person()}),
            _ => json!({"repository": self.repository(), "initiatedBy": Self::person(), "utcTimestamp": "2026-03-01T10:00:00Z"}),
        };
        self.envelope(kind, "1.0-preview.1", n, resource)
    }

    pub fn build(&self, n: i64, branch: &str) -> Value {
        let resource = json!({"id": 2727, "buildNumber": "20260301.1", "status": "completed", "result": "succeeded",
            "definition": {"id": 4, "name": "main", "project": self.project()}, "project": self.project(), "sourceBranch": branch,
            "triggerInfo": {}, "queue": {"id": 1}, "repository": {"id": self.repository, "type": "TfsGit"}});
        self.envelope("build.complete", "2.0", n, resource)
    }

    fn run(&self, n: i64, kind: &str, branch: &str) -> Value {
        let run = json!({"id": 2, "name": "20260301.1", "state": "completed", "result": "succeeded",
            "pipeline": {"id": 2, "name": "CI", "folder": "\\"},
            "resources": {"repositories": {"self": {"repository": {"id": self.repository}, "refName": branch, "version": NEW}}}});
        self.envelope(kind, "5.1-preview.1", n, json!({"run": run, "pipeline": {"id": 2}, "repositories": []}))
    }

    fn deployment(&self, n: i64) -> Value {
        let resource = json!({"environment": {"id": 5, "releaseId": 1, "name": "Dev", "status": "succeeded"}, "project": self.project()});
        let mut body = self.envelope("ms.vss-release.deployment-completed-event", "3.0-preview.1", n, resource);
        body["resourceContainers"].as_object_mut().unwrap().remove("project");
        body
    }

    pub fn work_item_updated(&self, n: i64, id: i64, revision: i64) -> Value {
        let fields = json!({"System.State": {"oldValue": "New", "newValue": "Active"},
            "System.RevisedDate": {"oldValue": "2026-03-01T10:00:00Z", "newValue": "9999-01-01T00:00:00Z"}});
        let now = json!({"System.Title": "It is slow", "System.AssignedTo": "Bob <bob@lumen.example>"});
        let resource = json!({"id": revision, "workItemId": id, "rev": revision, "revisedDate": "0001-01-01T00:00:00", "revisedBy": null,
            "fields": fields, "revision": {"id": id, "rev": revision, "fields": now}});
        self.envelope("workitem.updated", "1.0", n, resource)
    }

    fn work_item(&self, n: i64, kind: &str, id: i64) -> Value {
        let fields = json!({"System.Title": "It is slow", "System.AssignedTo": {"displayName": "Bob", "id": PERSON}});
        self.envelope(kind, "1.0", n, json!({"id": id, "rev": 1, "fields": fields, "_links": {}, "url": "https://dev.azure.com/x"}))
    }

    /// A body of every kind, with what it is to be read as.
    pub fn every(&self) -> Vec<(&'static str, Value)> {
        let told = Told::new(7, "feature/KAN-1");
        let mut all = vec![
            ("pull request", self.pull_request_event("git.pullrequest.created", 1, &told)),
            ("pull request", self.pull_request_event("git.pullrequest.updated", 2, &told)),
            ("pull request", self.pull_request_event("git.pullrequest.merged", 3, &told.clone().status("completed"))),
            ("pull request", self.pull_request_event("git.pullrequest.merged", 4, &told.clone().merge("conflicts"))),
            ("comment", self.comment(5, &told, false)),
            ("comment", self.comment(6, &told, true)),
            ("comment", self.comment_alone(7, &told)),
            ("push", self.push(8, &[("refs/heads/feature/KAN-1", OLD, NEW)])),
            ("push", self.push(9, &[("refs/heads/a", OLD, ZERO), ("refs/heads/b", ZERO, NEW), ("refs/tags/v1", ZERO, NEW)])),
            ("build", self.build(10, "refs/pull/7/merge")),
            ("build", self.run(11, "ms.vss-pipelines.run-state-changed-event", "refs/pull/7/merge")),
            ("build", self.run(12, "ms.vss-pipelines.stage-state-changed-event", "refs/heads/main")),
            ("deployment", self.deployment(13)),
            ("work item", self.work_item_updated(14, 40, 7)),
            ("work item", self.work_item(15, "workitem.created", 41)),
            ("work item", self.work_item(16, "workitem.deleted", 42)),
            ("work item", self.work_item(17, "workitem.restored", 42)),
            ("work item", self.work_item(18, "workitem.commented", 42)),
            ("other", self.envelope("tfvc.checkin", "1.0", 19, json!({"changesetId": 18}))),
        ];
        let repositories = ["git.repo.created", "git.repo.deleted", "git.repo.renamed", "git.repo.forked", "git.repo.statuschanged"];
        all.extend(repositories.iter().zip(20..).map(|(kind, n)| ("repository", self.repository_event(kind, n))));
        all
    }
}

pub const COMMENT: &str = "ms.vss-code.git-pullrequest-comment-event";
pub const OLD: &str = "aad331d8d3b131fa9ae03cf5e53965b51942618a";
pub const NEW: &str = "33b55f7cb7e7e245323987634f960cf4a6e6bc74";
pub const ZERO: &str = "0000000000000000000000000000000000000000";

/// The button that tries a subscription out: Microsoft's sample about Fabrikam, from a subscription that is not saved yet.
pub fn sample(kind: &str, n: i64, saved: bool) -> Value {
    let sender = Sender {
        organisation: "https://fabrikam.visualstudio.com/DefaultCollection".to_owned(),
        project: "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c".to_owned(),
        repository: "4bc14d40-c903-45e2-872e-0462c7748079".to_owned(),
        repository_name: "Fabrikam".to_owned(),
        subscription: if saved { SUBSCRIPTION.to_owned() } else { "00000000-0000-0000-0000-000000000000".to_owned() },
    };
    let found = sender.every().into_iter().map(|(_, body)| body).find(|body| body["eventType"] == kind);
    let mut body = found.unwrap_or_else(|| sender.envelope(kind, "1.0", n, json!({"id": 1})));
    body["id"] = json!("af07be1b-f3ad-44c8-a7f1-c4835f2df06b");
    body["notificationId"] = json!(n);
    body["resourceContainers"]["project"] = json!({"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"});
    body
}

/// Every place in a value, as the path to it.
pub fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        let mut step = |name: &str, inside: &Value| {
            let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            walk(inside, &path, found);
            found.push(path);
        };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, inside)| step(name, inside)),
            Value::Array(items) => items.iter().enumerate().for_each(|(n, inside)| step(&n.to_string(), inside)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// A value with one place changed: taken away, null, and of every other type.
pub fn spoilt(value: &Value, place: &str) -> Vec<(&'static str, Value)> {
    let with = |new: Value| {
        let mut whole = value.clone();
        if let Some(old) = whole.pointer_mut(place) {
            *old = new;
        }
        whole
    };
    let mut without = value.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match without.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&name)),
        Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap())),
        _ => {}
    }
    let old = value.pointer(place).cloned().unwrap_or_default();
    let retyped = match &old {
        Value::String(text) => text.parse::<i64>().map_or(json!(4), |number| json!(number)),
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Object(fields) => json!(fields.values().collect::<Vec<_>>()),
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item.clone())).collect(),
        Value::Null => json!("null"),
    };
    vec![
        ("without", without),
        ("null", with(Value::Null)),
        ("retyped", with(retyped)),
        ("an object", with(json!({"id": {}}))),
        ("a list", with(json!([[]]))),
        ("a huge number", with(json!(u64::MAX))),
        ("a text", with(json!("\u{0}\u{1b}[2J\u{202e}x"))),
    ]
}

/// What an event is taken for, in a word.
pub fn named(what: &What) -> &'static str {
    match what {
        What::PullRequest(_) => "pull request",
        What::Comment { .. } => "comment",
        What::Push { .. } => "push",
        What::Repository { .. } => "repository",
        What::Build { .. } => "build",
        What::Deployment => "deployment",
        What::WorkItem { .. } => "work item",
        What::Other => "other",
        What::Incomplete(_) => "incomplete",
    }
}
