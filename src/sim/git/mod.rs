//! Real bare git repositories behind the simulated service: what REST calls a ref, a push, an item, a merge.
//!
//! Limits: blocking (call it on a blocking thread); no knowledge of HTTP, users, permissions or pull requests; refs are
//! read anew by every call, so a `git push` through another process is seen at once. A `Repo` is a path and a branch
//! name: a repository that nobody wrote to yet does not exist on disk and reads as empty.

pub mod bulk;
mod change;
mod merge;
mod push;
mod read;
mod refs;

#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use git2::{Commit, ErrorCode, Oid, Repository, RepositoryInitOptions, Signature, Time};
use jiff::Timestamp;

pub use change::{ChangeCounts, ChangeKind, FileChange, FolderChange};
pub use merge::{Completed, Completion, MergePreview, Strategy};
pub use push::{NewContent, Push, Pushed, TreeEdit};
pub use read::{BranchStats, CommitDiff, Item, ItemKind, LogQuery, Recursion, Version};
pub use refs::{Ref, RefStatus, RewriteRule};

/// Forty zeros: "no object" on the wire.
pub const ZERO_ID: &str = "0000000000000000000000000000000000000000";

/// A bare repository at a path; cheap to clone, touches the disk only when asked something.
#[derive(Clone)]
pub struct Repo {
    path: PathBuf,
    default_branch: String,
    /// What the last call opened: opening reads four configurations and forgets every object.
    idle: Arc<Mutex<Option<Repository>>>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.path).finish()
    }
}

/// An open repository that goes back to its handle. Two calls at once have one each.
struct Opened<'a> {
    repository: Option<Repository>,
    idle: &'a Mutex<Option<Repository>>,
}

impl Deref for Opened<'_> {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        match &self.repository {
            Some(repository) => repository,
            None => unreachable!("it is taken by drop alone"),
        }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        if let Ok(mut idle) = self.idle.lock() {
            *idle = self.repository.take();
        }
    }
}

/// Who made a commit, and when. Git keeps whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub name: String,
    pub email: String,
    pub when: Timestamp,
}

/// A commit as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRow {
    pub id: String,
    pub tree: String,
    pub parents: Vec<String>,
    pub author: Stamp,
    pub committer: Stamp,
    /// The whole message; the service cuts it in lists.
    pub message: String,
}

/// What went wrong, told apart where the service answers differently.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// A branch, tag or commit that resolves to nothing (TF401175).
    #[error("nothing in the repository is called {0}")]
    NoVersion(String),
    /// The version exists, the path in it does not (TF401174).
    #[error("no {path} at commit {commit}")]
    NoItem { path: String, commit: String },
    /// The object is named by a well-formed or malformed id that is not in the repository.
    #[error("no object {0} in the repository")]
    NoObject(String),
    /// The ref moved since the caller looked (TF401028).
    #[error("{name} is no longer at the expected commit")]
    Stale { name: String },
    #[error("{0} is not a valid ref name")]
    InvalidRefName(String),
    #[error("{name} cannot exist beside {other}")]
    RefNameConflict { name: String, other: String },
    #[error("{0} is not a path inside a repository")]
    InvalidPath(String),
    #[error("{0} exists already")]
    PathExists(String),
    #[error("{0} does not exist")]
    PathMissing(String),
    /// A merge, squash or rebase that git cannot do by itself.
    #[error("the merge conflicts in {}", .0.join(", "))]
    Conflicts(Vec<String>),
    /// libgit2 or the disk failed.
    #[error("git could not {attempted}: {source}")]
    Storage {
        attempted: &'static str,
        #[source]
        source: git2::Error,
    },
}

/// Names what was attempted when libgit2 fails for reasons of its own.
trait Attempt<T> {
    fn attempt(self, attempted: &'static str) -> Result<T, GitError>;
}

impl<T> Attempt<T> for Result<T, git2::Error> {
    fn attempt(self, attempted: &'static str) -> Result<T, GitError> {
        self.map_err(|source| GitError::Storage { attempted, source })
    }
}

impl Repo {
    /// A handle; `default_branch` without `refs/heads/`. Nothing is created before the first write.
    pub fn at(path: impl Into<PathBuf>, default_branch: &str) -> Repo {
        Repo {
            path: path.into(),
            default_branch: default_branch.strip_prefix("refs/heads/").unwrap_or(default_branch).to_owned(),
            idle: Arc::default(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The default branch without `refs/heads/`.
    pub fn default_branch(&self) -> &str {
        &self.default_branch
    }

    /// Creates the bare repository if it is not there yet.
    pub fn ensure(&self) -> Result<(), GitError> {
        self.open_or_create().map(drop)
    }

    /// No branch and no tag: the service then leaves `defaultBranch` out.
    pub fn is_empty(&self) -> Result<bool, GitError> {
        match self.open()? {
            Some(repo) => refs::has_none(&repo),
            None => Ok(true),
        }
    }

    /// Whether a commit is really here; pull requests about others can only be read.
    pub fn has_commit(&self, id: &str) -> Result<bool, GitError> {
        let Some(repo) = self.open()? else {
            return Ok(false);
        };
        Ok(Oid::from_str(id).is_ok_and(|oid| repo.find_commit(oid).is_ok()))
    }

    /// Bytes of all objects on disk, as the `size` of a repository.
    pub fn size(&self) -> u64 {
        fn of(dir: &Path) -> u64 {
            let Ok(entries) = std::fs::read_dir(dir) else {
                return 0;
            };
            entries
                .flatten()
                .map(|entry| match entry.metadata() {
                    Ok(meta) if meta.is_dir() => of(&entry.path()),
                    Ok(meta) => meta.len(),
                    Err(_) => 0,
                })
                .sum()
        }
        of(&self.path.join("objects"))
    }

    /// The repository, or `None` when nobody wrote to it yet.
    fn open(&self) -> Result<Option<Opened<'_>>, GitError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.take());
        if let Some(repository) = idle {
            return Ok(Some(self.opened(repository)));
        }
        match Repository::open_bare(&self.path) {
            Ok(repository) => Ok(Some(self.opened(repository))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(GitError::Storage { attempted: "open the repository", source }),
        }
    }

    fn opened(&self, repository: Repository) -> Opened<'_> {
        Opened { repository: Some(repository), idle: &self.idle }
    }

    fn open_or_create(&self) -> Result<Opened<'_>, GitError> {
        if let Some(repository) = self.open()? {
            return Ok(repository);
        }
        // No template: hooks and samples of the machine have no place in a simulated service.
        let mut options = RepositoryInitOptions::new();
        options.bare(true).mkpath(true).external_template(false).initial_head(&self.default_branch);
        let repository = Repository::init_opts(&self.path, &options).attempt("create the repository")?;
        Ok(self.opened(repository))
    }
}

impl Stamp {
    pub fn new(name: &str, email: &str, when: Timestamp) -> Stamp {
        Stamp { name: name.to_owned(), email: email.to_owned(), when }
    }

    fn signature(&self) -> Result<Signature<'static>, GitError> {
        // libgit2 refuses angle brackets and empty names; the service accepts whatever a directory holds.
        fn clean(text: &str, fallback: &str) -> String {
            let text: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
            if text.trim().is_empty() { fallback.to_owned() } else { text }
        }
        Signature::new(&clean(&self.name, "unknown"), &clean(&self.email, "unknown@invalid"), &Time::new(self.when.as_second(), 0))
            .attempt("build a signature")
    }

    /// As it stands in a commit.
    fn line(&self) -> Result<String, GitError> {
        let signature = self.signature()?;
        let (name, email) = (String::from_utf8_lossy(signature.name_bytes()), String::from_utf8_lossy(signature.email_bytes()));
        Ok(format!("{name} <{email}> {} +0000", signature.when().seconds()))
    }

    fn read(signature: &Signature<'_>) -> Stamp {
        Stamp {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            when: Timestamp::from_second(signature.when().seconds()).unwrap_or_default(),
        }
    }
}

impl CommitRow {
    fn read(commit: &Commit<'_>) -> CommitRow {
        CommitRow {
            id: commit.id().to_string(),
            tree: commit.tree_id().to_string(),
            parents: commit.parent_ids().map(|id| id.to_string()).collect(),
            author: Stamp::read(&commit.author()),
            committer: Stamp::read(&commit.committer()),
            message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        }
    }
}

/// A commit by its hexadecimal id.
fn find_commit<'r>(repo: &'r Repository, id: &str) -> Result<Commit<'r>, GitError> {
    // `Oid::from_str` accepts abbreviations and pads them; the wire has whole ids only.
    if id.len() != 40 {
        return Err(GitError::NoObject(id.to_owned()));
    }
    Oid::from_str(id).and_then(|oid| repo.find_commit(oid)).map_err(|_| GitError::NoObject(id.to_owned()))
}

/// A message as libgit2 takes it: it passes C strings.
fn message_of(text: &str) -> String {
    text.replace('\0', "")
}
