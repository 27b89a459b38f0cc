//! Pushes: one commit on one branch, made by the service from file contents.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::in_repository;
use crate::ado::call::Call;
use crate::ado::error::ErrorKind;
use crate::ado::paging::Page;
use crate::ado::scope::Scope;
use crate::ado::wire::refs::{ListedPush, Pushed, full_name};
use crate::ado::{Client, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::ObjectId;
use crate::domain::run::BranchPush;

/// One commit to make on a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Without `refs/heads/`. A branch that does not exist yet is created when `old_tip` is the commit to start from.
    pub branch: String,
    /// The tip as last read: the push fails as stale if the branch has moved. Zero in an empty repository.
    pub old_tip: ObjectId,
    pub message: String,
    pub changes: Vec<FileChange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Without a leading slash.
    pub path: String,
    pub kind: ChangeKind,
    /// Written exactly as given; ignored for a deletion.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The file must not exist.
    Add,
    /// The file must exist.
    Edit,
    Delete,
}

impl Client {
    /// One page of the pushes that moved a branch at or after `since`, newest first.
    pub async fn pushes_page(
        &self,
        repository: RepoRef<'_>,
        branch: &str,
        since: Timestamp,
        skip: usize,
        top: usize,
    ) -> Result<Page<BranchPush>> {
        let call = Call::get(in_repository(repository, "/pushes"), Scope::Code, format!("list the pushes to `{branch}`"))
            .query("searchCriteria.fromDate", since)
            .query("searchCriteria.refName", full_name(branch))
            .query("searchCriteria.includeRefUpdates", true)
            .query("$top", top);
        let page = self.page_by_skip::<ListedPush>(call, "$skip", skip, top).await?;
        Ok(page.filter_map(|push| push.on(branch)))
    }

    /// Pushes. Never repeated by itself: a lost answer is `OutcomeUnknown`.
    pub async fn push(&self, repository: RepoRef<'_>, push: &Push) -> Result<fact::Pushed> {
        let attempt = format!("push to the branch `{}`", push.branch);
        let body = json!({
            "refUpdates": [{"name": full_name(&push.branch), "oldObjectId": push.old_tip}],
            "commits": [{"comment": push.message, "changes": push.changes.iter().map(change).collect::<Vec<_>>()}],
        });
        let call = Call::post(in_repository(repository, "/pushes"), attempt.clone()).json(&body);
        let pushed: Pushed = self.object(&call).await?;
        pushed.fact(&push.old_tip).ok_or_else(|| self.error(ErrorKind::Unreadable { path: "commits[0].commitId".to_owned() }, &attempt))
    }
}

/// Base64 keeps every byte: line endings, byte order marks, whatever is no text.
fn change(change: &FileChange) -> Value {
    let item = json!({"path": format!("/{}", change.path.trim_start_matches('/'))});
    let kind = match change.kind {
        ChangeKind::Add => "add",
        ChangeKind::Edit => "edit",
        ChangeKind::Delete => return json!({"changeType": "delete", "item": item}),
    };
    let content = base64::engine::general_purpose::STANDARD.encode(&change.bytes);
    json!({"changeType": kind, "item": item, "newContent": {"content": content, "contentType": "base64encoded"}})
}
