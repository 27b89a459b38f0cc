//! Work items: answers of queries, rows of the batch, links, and the URIs by which work items name other things.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::build::is_sha;
use super::loose;
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::work_item::{LinkTarget, WorkItem as Item};

/// The fields that are asked for. The two at the end are missing in collections whose processes left them out.
pub const FIELDS: [&str; 11] = [
    "System.Id",
    "System.Rev",
    "System.WorkItemType",
    "System.State",
    "System.Title",
    "System.Tags",
    "System.AreaPath",
    "System.CreatedDate",
    "System.ChangedDate",
    "Microsoft.VSTS.Common.ResolvedDate",
    "Microsoft.VSTS.Common.ClosedDate",
];

/// How many of [`FIELDS`] every collection has.
pub const SYSTEM_FIELDS: usize = 9;

/// The answer to a query: only numbers come back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    #[serde(default, deserialize_with = "loose::list")]
    pub work_items: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
pub struct Reference {
    pub id: i64,
}

#[derive(Debug, Deserialize)]
pub struct WorkItem {
    id: i64,
    #[serde(default, deserialize_with = "loose::number")]
    rev: Option<i64>,
    #[serde(default, deserialize_with = "loose::part")]
    fields: Option<BTreeMap<String, Value>>,
    #[serde(default, deserialize_with = "loose::list")]
    relations: Vec<Relation>,
}

#[derive(Debug, Deserialize)]
struct Relation {
    #[serde(default, deserialize_with = "loose::word")]
    rel: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    url: Option<String>,
}

impl WorkItem {
    pub fn fact(self) -> Item {
        let fields = self.fields.unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let time = |name: &str| -> Option<Timestamp> { fields.get(name).and_then(Value::as_str).and_then(loose::timestamp) };
        Item {
            number: self.id,
            revision: self.rev.or_else(|| fields.get("System.Rev").and_then(Value::as_i64)).unwrap_or_default(),
            kind: text("System.WorkItemType"),
            state: text("System.State"),
            title: text("System.Title"),
            tags: text("System.Tags").split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            area: text("System.AreaPath"),
            created_at: time("System.CreatedDate"),
            changed_at: time("System.ChangedDate"),
            resolved_at: time("Microsoft.VSTS.Common.ResolvedDate").or_else(|| time("Microsoft.VSTS.Common.ClosedDate")),
        }
    }

    pub fn linked(mut self) -> fact::LinkedWorkItem {
        let mut links: Vec<fact::ItemLink> = Vec::new();
        for relation in std::mem::take(&mut self.relations) {
            let is_artifact = relation.rel.is_some_and(|rel| rel.eq_ignore_ascii_case("ArtifactLink"));
            if let Some(link) = relation.url.filter(|_| is_artifact).and_then(|url| link(&url))
                && !links.contains(&link)
            {
                links.push(link);
            }
        }
        fact::LinkedWorkItem { item: self.fact(), links }
    }
}

/// The answer of `artifacturiquery`: what hangs on each URI that was asked about, in whatever case the server writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hanging {
    #[serde(default, deserialize_with = "loose::part")]
    pub artifact_uris_query_result: Option<BTreeMap<String, Vec<Reference>>>,
}

/// `vstfs:///Git/PullRequestId/{project}%2F{repository}%2F{number}`, the slashes encoded.
pub fn pull_request_uri(project: &Guid, repository: &Guid, number: i64) -> String {
    format!("vstfs:///Git/PullRequestId/{project}%2F{repository}%2F{number}")
}

pub fn commit_uri(project: &Guid, repository: &Guid, sha: &ObjectId) -> String {
    format!("vstfs:///Git/Commit/{project}%2F{repository}%2F{sha}")
}

pub fn build_uri(number: i64) -> String {
    format!("vstfs:///Build/Build/{number}")
}

/// Takes such a URI apart; anything else (a branch, a wiki page) is no link of interest.
pub fn link(uri: &str) -> Option<fact::ItemLink> {
    let lower = uri.trim().to_ascii_lowercase().replace("%2f", "/");
    let rest = lower.strip_prefix("vstfs:///")?;
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match parts.as_slice() {
        ["git", "pullrequestid", _, repository, number] => {
            fact::ItemLink { repository: Some(Guid::new(repository)), target: LinkTarget::PullRequest { number: number.parse().ok()? } }
        }
        ["git", "commit", _, repository, sha] if is_sha(sha) => {
            fact::ItemLink { repository: Some(Guid::new(repository)), target: LinkTarget::Commit { sha: ObjectId::new(sha) } }
        }
        ["build", "build", number] => fact::ItemLink { repository: None, target: LinkTarget::Build { number: number.parse().ok()? } },
        _ => return None,
    })
}
