//! Refs, the outcome of ref updates, pushes and branch statistics.

use jiff::Timestamp;
use serde::Deserialize;

use super::identity::Reference;
use super::loose;
use crate::domain::fact;
use crate::domain::id::ObjectId;
use crate::domain::run::BranchPush;

/// A branch's name without `refs/heads/`.
pub fn branch_name(full: &str) -> String {
    full.strip_prefix("refs/heads/").unwrap_or(full).to_owned()
}

/// A branch's name with `refs/heads/`.
pub fn full_name(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ref {
    pub name: String,
    pub object_id: String,
    #[serde(default, deserialize_with = "loose::part")]
    creator: Option<Reference>,
}

impl Ref {
    pub fn fact(self) -> fact::Branch {
        fact::Branch {
            name: branch_name(&self.name),
            tip: ObjectId::new(self.object_id),
            creator: self.creator.filter(|c| c.id.is_some()).map(Reference::identity),
        }
    }
}

/// How one ref of an update fared. The HTTP status is 200 either way.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefOutcome {
    #[serde(default, deserialize_with = "loose::flag")]
    pub success: bool,
    #[serde(default, deserialize_with = "loose::word")]
    pub update_status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub custom_message: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub rejected_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    #[serde(default, deserialize_with = "loose::list")]
    commits: Vec<PushedCommit>,
    #[serde(default, deserialize_with = "loose::list")]
    ref_updates: Vec<PushedRef>,
}

/// A row of the list of pushes, with the refs that it moved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedPush {
    push_id: i64,
    #[serde(default, deserialize_with = "loose::time")]
    date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::part")]
    pushed_by: Option<Reference>,
    #[serde(default, deserialize_with = "loose::list")]
    ref_updates: Vec<PushedRef>,
}

impl ListedPush {
    /// What it did to one branch; `None` where it did nothing to it, or the answer does not say when.
    pub fn on(self, branch: &str) -> Option<BranchPush> {
        let wanted = full_name(branch);
        let update = self.ref_updates.into_iter().find(|update| update.name.as_deref().is_none_or(|name| name == wanted))?;
        let id = |id: Option<String>| id.map_or_else(ObjectId::zero, ObjectId::new);
        Some(BranchPush {
            number: self.push_id,
            branch: branch_name(&wanted),
            old: id(update.old_object_id),
            new: id(Some(update.new_object_id?)),
            at: self.date?,
            pusher: self.pushed_by.filter(|who| who.id.is_some()).map(Reference::identity),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PushedCommit {
    commit_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PushedRef {
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    old_object_id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    new_object_id: Option<String>,
}

impl Pushed {
    /// `None` where the answer names no commit.
    pub fn fact(self, old_tip: &ObjectId) -> Option<fact::Pushed> {
        let update = self.ref_updates.into_iter().next();
        let (old, new) = update.map_or((None, None), |u| (u.old_object_id, u.new_object_id));
        let commit = self.commits.into_iter().next().map(|c| c.commit_id).or(new)?;
        Some(fact::Pushed { commit: ObjectId::new(commit), old_tip: old.map_or_else(|| old_tip.clone(), ObjectId::new) })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchStatistics {
    #[serde(default, deserialize_with = "loose::number")]
    pub ahead_count: Option<i64>,
    #[serde(default, deserialize_with = "loose::number")]
    pub behind_count: Option<i64>,
}
