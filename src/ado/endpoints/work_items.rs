//! Work items of Boards, read only: found by query, read in batches, and what hangs on pull requests, commits and builds.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::in_project;
use crate::ado::call::Call;
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::work_item::{FIELDS, Found, Hanging, SYSTEM_FIELDS, WorkItem as Row, build_uri, commit_uri, pull_request_uri};
use crate::ado::{Client, Error, RepoRef, Result};
use crate::domain::fact::LinkedWorkItem;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::work_item::WorkItem;

/// The most the service takes in one call.
pub const WORK_ITEMS_A_CALL: usize = 200;

/// A guess: the service names no limit for questions about links.
const ARTIFACTS_A_CALL: usize = 200;

/// Above the number of every work item: they are 32-bit numbers.
const NO_NUMBER: i64 = 1 << 31;

/// Which work items to look for: changed since, and (where there are types or tags) of one of the types or with one of the tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItemQuery {
    pub changed_since: Timestamp,
    pub types: Vec<String>,
    pub tags: Vec<String>,
}

/// What work items may hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artifact<'a> {
    PullRequest { repository: RepoRef<'a>, number: i64 },
    Commit { repository: RepoRef<'a>, sha: &'a ObjectId },
    Build { number: i64 },
}

impl Artifact<'_> {
    fn uri(&self) -> String {
        match self {
            Self::PullRequest { repository, number } => pull_request_uri(repository.project, repository.repository, *number),
            Self::Commit { repository, sha } => commit_uri(repository.project, repository.repository, sha),
            Self::Build { number } => build_uri(*number),
        }
    }
}

impl Client {
    /// The numbers of a project's work items that a query finds, ascending. Where there are more than the service answers with
    /// (20,000), it is asked for ranges of numbers.
    pub async fn work_item_ids(&self, project: &Guid, query: &WorkItemQuery) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        let mut ranges = vec![(0, NO_NUMBER)];
        while let Some((from, to)) = ranges.pop() {
            let text = wiql(query, (from, to));
            let call = Call::ask(in_project(project, "wit/wiql"), Scope::WorkItems, "look for work items")
                .query("timePrecision", true)
                .json(&json!({"query": text}));
            match self.object::<Found>(&call).await {
                Ok(answer) => found.extend(answer.work_items.into_iter().map(|item| item.id)),
                Err(e) if is_too_many(&e) && to - from > 1 => {
                    let middle = from + (to - from) / 2;
                    ranges.extend([(middle, to), (from, middle)]);
                }
                Err(e) => return Err(e),
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Work items by number, in batches. Numbers that do not exist, or that the token's owner may not see, are left out.
    pub async fn work_items(&self, numbers: &[i64]) -> Result<Vec<WorkItem>> {
        let mut all = Vec::with_capacity(numbers.len());
        for part in numbers.chunks(WORK_ITEMS_A_CALL) {
            let rows = match self.batch(part, &json!({"fields": FIELDS})).await {
                Err(e) if is_unknown_field(&e) => self.batch(part, &json!({"fields": FIELDS[..SYSTEM_FIELDS]})).await,
                rows => rows,
            };
            all.extend(rows?.into_iter().map(Row::fact));
        }
        Ok(all)
    }

    /// As [`Client::work_items`], with each one's own links; every field of them travels.
    pub async fn work_items_with_links(&self, numbers: &[i64]) -> Result<Vec<LinkedWorkItem>> {
        let mut all = Vec::with_capacity(numbers.len());
        for part in numbers.chunks(WORK_ITEMS_A_CALL) {
            // The service takes either fields or an expansion.
            all.extend(self.batch(part, &json!({"$expand": "relations"})).await?.into_iter().map(Row::linked));
        }
        Ok(all)
    }

    async fn batch(&self, numbers: &[i64], what: &Value) -> Result<Vec<Row>> {
        let mut body = json!({"ids": numbers, "errorPolicy": "omit"});
        if let (Some(body), Some(what)) = (body.as_object_mut(), what.as_object()) {
            body.extend(what.clone());
        }
        let call = Call::ask("/_apis/wit/workitemsbatch", Scope::WorkItems, "read work items").json(&body);
        self.rows(&call).await
    }

    /// The numbers of the work items that hang on each of these by Azure DevOps's own links, in the same order.
    pub async fn linked_work_items(&self, artifacts: &[Artifact<'_>]) -> Result<Vec<Vec<i64>>> {
        let mut all = Vec::with_capacity(artifacts.len());
        for part in artifacts.chunks(ARTIFACTS_A_CALL) {
            let uris: Vec<String> = part.iter().map(Artifact::uri).collect();
            let call = Call::ask("/_apis/wit/artifacturiquery", Scope::WorkItems, "find out which work items are linked")
                .json(&json!({"artifactUris": uris}));
            let hanging: Hanging = self.object(&call).await?;
            let hanging = hanging.artifact_uris_query_result.unwrap_or_default();
            let mut by_uri: HashMap<String, Vec<i64>> = HashMap::new();
            for (uri, items) in hanging {
                by_uri.entry(uri.to_ascii_lowercase()).or_default().extend(items.into_iter().map(|item| item.id));
            }
            all.extend(uris.iter().map(|uri| {
                let mut items = by_uri.get(&uri.to_ascii_lowercase()).cloned().unwrap_or_default();
                items.sort_unstable();
                items.dedup();
                items
            }));
        }
        Ok(all)
    }
}

/// More rows than one answer holds.
fn is_too_many(error: &Error) -> bool {
    error.service_code() == Some("VS402337")
}

/// A field that was asked for does not exist in this collection.
fn is_unknown_field(error: &Error) -> bool {
    *error.kind() == ErrorKind::BadRequest && matches!(error.service_code(), Some("TF51535" | "TF51005"))
}

fn wiql(query: &WorkItemQuery, (from, to): (i64, i64)) -> String {
    let mut text = format!(
        "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.ChangedDate] >= '{}'",
        query.changed_since
    );
    let mut any = Vec::new();
    if !query.types.is_empty() {
        let types: Vec<String> = query.types.iter().map(|name| quoted(name)).collect();
        any.push(format!("[System.WorkItemType] IN ({})", types.join(", ")));
    }
    any.extend(query.tags.iter().map(|tag| format!("[System.Tags] CONTAINS {}", quoted(tag))));
    if !any.is_empty() {
        text.push_str(&format!(" AND ({})", any.join(" OR ")));
    }
    if (from, to) != (0, NO_NUMBER) {
        text.push_str(&format!(" AND [System.Id] >= {from} AND [System.Id] < {to}"));
    }
    text.push_str(" ORDER BY [System.Id]");
    text
}

/// A text of the query language: a quote in it is doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
