//! Commits, items of a tree, and what differs between two commits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::loose;
use crate::domain::fact;
use crate::domain::id::ObjectId;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    commit_id: String,
    #[serde(default, deserialize_with = "loose::part")]
    author: Option<Signature>,
    #[serde(default, deserialize_with = "loose::part")]
    committer: Option<Signature>,
    #[serde(default, deserialize_with = "loose::word")]
    comment: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    comment_truncated: bool,
    #[serde(default, deserialize_with = "loose::list")]
    parents: Vec<String>,
    #[serde(default, deserialize_with = "loose::part")]
    change_counts: Option<BTreeMap<String, Value>>,
}

/// Not an identity: what git wrote.
#[derive(Debug, Default, Deserialize)]
struct Signature {
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    email: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    date: Option<Timestamp>,
}

impl Commit {
    pub fn fact(self) -> fact::Commit {
        let author = self.author.unwrap_or_default();
        fact::Commit {
            id: ObjectId::new(self.commit_id),
            author_name: author.name.unwrap_or_default(),
            author_email: author.email.unwrap_or_default(),
            authored_at: author.date,
            committed_at: self.committer.and_then(|c| c.date),
            message: self.comment.unwrap_or_default(),
            is_cut: self.comment_truncated,
            parents: self.parents.into_iter().map(ObjectId::new).collect(),
            changes: self.change_counts.map(|counts| count(&counts)),
        }
    }
}

/// Keys are kinds of change, some of them joined (`Edit, Rename`): whatever neither adds nor deletes changes.
fn count(counts: &BTreeMap<String, Value>) -> fact::ChangeCounts {
    let mut sum = fact::ChangeCounts::default();
    for (kind, files) in counts {
        let files = files.as_i64().or_else(|| files.as_str()?.trim().parse().ok()).unwrap_or_default().max(0);
        let kind = kind.to_ascii_lowercase();
        let place = match kind.split(',').next().unwrap_or_default().trim() {
            "add" | "undelete" => &mut sum.added,
            "delete" => &mut sum.deleted,
            "none" | "all" => continue,
            _ => &mut sum.edited,
        };
        *place = place.saturating_add(files);
    }
    sum
}

/// A page of what differs between two versions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    /// Whether there is no other page; not said by every page that is the last.
    #[serde(default, deserialize_with = "loose::flag")]
    pub all_changes_included: bool,
    #[serde(default, deserialize_with = "loose::list")]
    pub changes: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    #[serde(default, deserialize_with = "loose::part")]
    item: Option<Differing>,
    #[serde(default, deserialize_with = "loose::word")]
    change_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Differing {
    #[serde(default, deserialize_with = "loose::word")]
    git_object_type: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_folder: bool,
}

impl Difference {
    /// Folders have rows of their own, and a renamed file has a second one where it was.
    pub fn is_a_file(&self) -> bool {
        let is_where_it_was = self.change_type.as_ref().is_some_and(|kind| kind.to_ascii_lowercase().contains("sourcerename"));
        let is_blob =
            |item: &Differing| !item.is_folder && item.git_object_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("blob"));
        !is_where_it_was && self.item.as_ref().is_some_and(is_blob)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub object_id: String,
    #[serde(default, deserialize_with = "loose::word")]
    pub commit_id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub path: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    git_object_type: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_folder: bool,
    #[serde(default, deserialize_with = "loose::word")]
    pub content: Option<String>,
}

impl Item {
    pub fn is_file(&self) -> bool {
        !self.is_folder && self.git_object_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("blob"))
    }
}
