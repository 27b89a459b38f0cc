//! Branches: list, read, create, delete. A failed update is a 200 with a word in it.

use serde_json::json;

use super::in_repository;
use crate::ado::call::Call;
use crate::ado::error::ErrorKind;
use crate::ado::retry::Effect;
use crate::ado::scope::Scope;
use crate::ado::wire::refs::{Ref, RefOutcome, full_name};
use crate::ado::{Client, Error, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::ObjectId;
use crate::domain::person::Identity;

/// How creating a branch went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchOutcome {
    Created,
    /// Somebody was first, or it was there all along.
    Exists {
        tip: ObjectId,
        /// Who made the ref, if the server tells.
        creator: Option<Identity>,
    },
}

impl Client {
    /// All branches whose name begins with `prefix` (without `refs/heads/`; empty for all).
    pub async fn branches(&self, repository: RepoRef<'_>, prefix: &str) -> Result<Vec<fact::Branch>> {
        let call = Call::get(in_repository(repository, "/refs"), Scope::Code, "list the branches")
            .query("filter", format!("heads/{prefix}"))
            .query("$top", 1000);
        let rows: Vec<Ref> = self.all_by_token(call).await?;
        let wanted = format!("refs/heads/{prefix}");
        Ok(rows.into_iter().filter(|r| r.name.starts_with(&wanted)).map(Ref::fact).collect())
    }

    /// One branch, by its exact name; `None` if there is none.
    pub async fn branch(&self, repository: RepoRef<'_>, name: &str) -> Result<Option<fact::Branch>> {
        let full = full_name(name);
        // The filter is a prefix: `main` also finds `main-2`.
        let call = Call::get(in_repository(repository, "/refs"), Scope::Code, format!("read the branch `{name}`"))
            .query("filter", full.trim_start_matches("refs/"))
            .query("$top", 1000);
        let rows: Vec<Ref> = self.all_by_token(call).await?;
        Ok(rows.into_iter().find(|r| r.name == full).map(Ref::fact))
    }

    /// Creates a branch at a commit. Never repeated by itself: a lost answer is `OutcomeUnknown`.
    pub async fn create_branch(&self, repository: RepoRef<'_>, name: &str, at: &ObjectId) -> Result<BranchOutcome> {
        let attempt = format!("create the branch `{name}`");
        let outcome = self.update_ref(repository, name, &ObjectId::zero(), at, &attempt, Effect::Once).await?;
        if outcome.success {
            return Ok(BranchOutcome::Created);
        }
        if is_word(&outcome, "staleOldObjectId")
            && let Some(there) = self.branch(repository, name).await?
        {
            return Ok(BranchOutcome::Exists { tip: there.tip, creator: there.creator });
        }
        Err(self.refused(outcome, &attempt))
    }

    /// Deletes a branch if it still is at `tip`. One that is gone already is deleted.
    pub async fn delete_branch(&self, repository: RepoRef<'_>, name: &str, tip: &ObjectId) -> Result<()> {
        let attempt = format!("delete the branch `{name}`");
        let outcome = self.update_ref(repository, name, tip, &ObjectId::zero(), &attempt, Effect::Repeatable).await?;
        if outcome.success || is_word(&outcome, "succeededNonExistentRef") {
            return Ok(());
        }
        if is_word(&outcome, "staleOldObjectId") && self.branch(repository, name).await?.is_none() {
            return Ok(());
        }
        Err(self.refused(outcome, &attempt))
    }

    async fn update_ref(
        &self,
        repository: RepoRef<'_>,
        name: &str,
        old: &ObjectId,
        new: &ObjectId,
        attempt: &str,
        effect: Effect,
    ) -> Result<RefOutcome> {
        let body = json!([{"name": full_name(name), "oldObjectId": old, "newObjectId": new}]);
        let call = Call::post(in_repository(repository, "/refs"), attempt).json(&body).effect(effect);
        let rows: Vec<RefOutcome> = self.rows(&call).await?;
        rows.into_iter().next().ok_or_else(|| {
            // It was accepted, and its outcome is not told.
            self.error(ErrorKind::OutcomeUnknown, attempt).detail("the answer names no branch")
        })
    }

    fn refused(&self, outcome: RefOutcome, attempt: &str) -> Error {
        let word = outcome.update_status.unwrap_or_else(|| "failed".to_owned());
        let kind = match word.to_ascii_lowercase().as_str() {
            "staleoldobjectid" => ErrorKind::StaleRef,
            "createbranchpermissionrequired" => ErrorKind::PermissionMissing { permission: "CreateBranch".to_owned() },
            "writepermissionrequired" => ErrorKind::PermissionMissing { permission: "GenericContribute".to_owned() },
            "forcepushrequired" => ErrorKind::PermissionMissing { permission: "ForcePush".to_owned() },
            "rejectedbypolicy" => ErrorKind::PolicyRejected,
            "unresolvabletocommit" => ErrorKind::BranchMissing,
            _ => ErrorKind::RefRejected(word),
        };
        let words: Vec<String> = [outcome.custom_message, outcome.rejected_by].into_iter().flatten().filter(|w| !w.is_empty()).collect();
        self.error(kind, attempt).detail(words.join("; "))
    }
}

fn is_word(outcome: &RefOutcome, word: &str) -> bool {
    outcome.update_status.as_deref().is_some_and(|w| w.eq_ignore_ascii_case(word))
}
