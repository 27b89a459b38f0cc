//! Refs: list by prefix, and compare-and-swap with the service's own words for every outcome.
//!
//! Limits: one ref a call (the service treats several in one request as independent); who may do it is not asked here.

use git2::{ErrorCode, Oid, Reference, Repository};

use super::{Attempt, GitError, Repo, ZERO_ID};

/// A ref and what it points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// Full, `refs/heads/main`.
    pub name: String,
    pub object_id: String,
    /// The commit behind an annotated tag.
    pub peeled_object_id: Option<String>,
}

/// The outcome of an update, as `updateStatus` names it. Those about permissions, policies and locks are never
/// returned here: they are for the caller, who knows the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefStatus {
    Succeeded,
    ForcePushRequired,
    StaleOldObjectId,
    InvalidRefName,
    UnresolvableToCommit,
    RefNameConflict,
    SucceededNonExistentRef,
    Unprocessed,
    WritePermissionRequired,
    CreateBranchPermissionRequired,
    RejectedByPolicy,
    Locked,
}

/// Whether a branch may move to a commit that does not contain its old tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewriteRule {
    FastForwardOnly,
    Anything,
}

impl RefStatus {
    pub fn word(self) -> &'static str {
        match self {
            RefStatus::Succeeded => "succeeded",
            RefStatus::ForcePushRequired => "forcePushRequired",
            RefStatus::StaleOldObjectId => "staleOldObjectId",
            RefStatus::InvalidRefName => "invalidRefName",
            RefStatus::UnresolvableToCommit => "unresolvableToCommit",
            RefStatus::RefNameConflict => "refNameConflict",
            RefStatus::SucceededNonExistentRef => "succeededNonExistentRef",
            RefStatus::Unprocessed => "unprocessed",
            RefStatus::WritePermissionRequired => "writePermissionRequired",
            RefStatus::CreateBranchPermissionRequired => "createBranchPermissionRequired",
            RefStatus::RejectedByPolicy => "rejectedByPolicy",
            RefStatus::Locked => "locked",
        }
    }

    pub fn is_success(self) -> bool {
        matches!(self, RefStatus::Succeeded | RefStatus::SucceededNonExistentRef)
    }
}

impl Repo {
    /// Refs whose name without `refs/` starts with `prefix`, by name. `heads/main` also finds `heads/main-2`.
    pub fn refs(&self, prefix: &str) -> Result<Vec<Ref>, GitError> {
        let Some(repo) = self.open()? else {
            return Ok(Vec::new());
        };
        let wanted = format!("refs/{}", prefix.strip_prefix("refs/").unwrap_or(prefix));
        let mut rows = Vec::new();
        for reference in repo.references().attempt("list the refs")? {
            let reference = reference.attempt("list the refs")?;
            if reference.name_bytes().starts_with(wanted.as_bytes())
                && let Some(row) = row(&reference)
            {
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// One ref by its full name.
    pub fn find_ref(&self, name: &str) -> Result<Option<Ref>, GitError> {
        let Some(repo) = self.open()? else {
            return Ok(None);
        };
        match repo.find_reference(name) {
            Ok(reference) => Ok(row(&reference)),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
            Err(source) => Err(GitError::Storage { attempted: "read a ref", source }),
        }
    }

    /// The commit a branch points at; the name with or without `refs/heads/`.
    pub fn tip(&self, branch: &str) -> Result<Option<String>, GitError> {
        let name = if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") };
        Ok(self.find_ref(&name)?.map(|row| row.object_id))
    }

    /// Creates (`old` zeros), moves or deletes (`new` zeros) one ref if it is still at `old`.
    pub fn update_ref(&self, name: &str, old: &str, new: &str, rule: RewriteRule) -> Result<RefStatus, GitError> {
        if !is_valid_name(name) {
            return Ok(RefStatus::InvalidRefName);
        }
        let repo = self.open_or_create()?;
        let (Ok(old), Ok(new)) = (whole_id(old), whole_id(new)) else {
            return Ok(RefStatus::UnresolvableToCommit);
        };
        let current = current_id(&repo, name)?;
        if new.is_zero() && current.is_none() {
            return Ok(if old.is_zero() { RefStatus::SucceededNonExistentRef } else { RefStatus::StaleOldObjectId });
        }
        if current.unwrap_or_else(zero) != old {
            return Ok(RefStatus::StaleOldObjectId);
        }
        if !new.is_zero() {
            let resolves = if name.starts_with("refs/heads/") {
                repo.find_commit(new).is_ok()
            } else {
                repo.find_object(new, None).and_then(|object| object.peel_to_commit()).is_ok()
            };
            if !resolves {
                return Ok(RefStatus::UnresolvableToCommit);
            }
            if !old.is_zero()
                && rule == RewriteRule::FastForwardOnly
                && !(old == new || repo.graph_descendant_of(new, old).unwrap_or(false))
            {
                return Ok(RefStatus::ForcePushRequired);
            }
            if name_conflict(&repo, name)?.is_some() {
                return Ok(RefStatus::RefNameConflict);
            }
        }
        match swap(&repo, name, old, new) {
            Ok(()) => Ok(RefStatus::Succeeded),
            Err(GitError::Stale { .. }) => Ok(RefStatus::StaleOldObjectId),
            Err(other) => Err(other),
        }
    }
}

fn row(reference: &Reference<'_>) -> Option<Ref> {
    // Symbolic refs (HEAD is not under refs/) do not appear on the service.
    let target = reference.target()?;
    let name = reference.name().ok()?.to_owned();
    let peeled = reference.peel_to_commit().ok().map(|commit| commit.id()).filter(|id| *id != target);
    Some(Ref { name, object_id: target.to_string(), peeled_object_id: peeled.map(|id| id.to_string()) })
}

pub(super) fn zero() -> Oid {
    Oid::ZERO_SHA1
}

pub(super) fn whole_id(text: &str) -> Result<Oid, GitError> {
    if text.len() != ZERO_ID.len() {
        return Err(GitError::NoObject(text.to_owned()));
    }
    Oid::from_str(text).map_err(|_| GitError::NoObject(text.to_owned()))
}

/// Git's own rules, and that the service has refs in a folder under `refs/` only.
pub(super) fn is_valid_name(name: &str) -> bool {
    name.strip_prefix("refs/").and_then(|rest| rest.split_once('/')).is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
        && Reference::is_valid_name(name)
}

pub(super) fn current_id(repo: &Repository, name: &str) -> Result<Option<Oid>, GitError> {
    match repo.find_reference(name) {
        Ok(reference) => Ok(reference.target()),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(source) => Err(GitError::Storage { attempted: "read a ref", source }),
    }
}

/// Another ref that is a folder on the way to `name`, or that lies below it.
pub(super) fn name_conflict(repo: &Repository, name: &str) -> Result<Option<String>, GitError> {
    let below = format!("{name}/");
    for reference in repo.references().attempt("list the refs")? {
        let reference = reference.attempt("list the refs")?;
        let other = String::from_utf8_lossy(reference.name_bytes()).into_owned();
        let above = name.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if above || other.starts_with(&below) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// No branch and no tag.
pub(super) fn has_none(repo: &Repository) -> Result<bool, GitError> {
    for pattern in ["refs/heads/*", "refs/tags/*"] {
        let mut found = repo.references_glob(pattern).attempt("list the refs")?;
        if found.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The swap itself. Git's own lock file decides between two writers, of which one may be a `git receive-pack`.
pub(super) fn swap(repo: &Repository, name: &str, old: Oid, new: Oid) -> Result<(), GitError> {
    let stale = || GitError::Stale { name: name.to_owned() };
    let mut attempts = 0;
    loop {
        let done = if new.is_zero() {
            repo.find_reference(name).and_then(|mut reference| {
                if reference.target() == Some(old) {
                    reference.delete()
                } else {
                    Err(git2::Error::new(ErrorCode::Modified, git2::ErrorClass::Reference, "moved"))
                }
            })
        } else if old.is_zero() {
            repo.reference(name, new, false, "push").map(drop)
        } else {
            repo.reference_matching(name, new, true, old, "push").map(drop)
        };
        match done {
            Ok(()) => return Ok(()),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => {
                    return Err(stale());
                }
                // Another process holds the lock file for the moment of its own update.
                ErrorCode::Locked if attempts < 200 => {
                    attempts += 1;
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                _ => {
                    return Err(GitError::Storage { attempted: "update a ref", source: error });
                }
            },
        }
    }
}
