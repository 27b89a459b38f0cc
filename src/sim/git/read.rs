//! Reading: items at a version, commit lists, what a commit changed, how two versions differ.
//!
//! Limits: no paging beyond `skip` and `top`; path history follows no renames; nothing is written.

use std::path::Path;

use git2::{Commit, ErrorCode, ObjectType, Oid, Repository, Sort, Tree};
use jiff::Timestamp;

use super::change::{self, ChangeCounts, FileChange, FolderChange};
use super::{Attempt, CommitRow, GitError, Opened, Repo, find_commit};

/// Which state of the repository is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The tip of the default branch.
    Default,
    /// Without `refs/heads/`.
    Branch(String),
    Tag(String),
    Commit(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    Blob,
    Tree,
    /// A submodule.
    Commit,
}

/// A file or folder at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// With a leading slash; the root is `/`.
    pub path: String,
    pub object_id: String,
    pub kind: ItemKind,
    /// The commit that the version resolved to.
    pub commit_id: String,
}

/// How deep a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recursion {
    None,
    OneLevel,
    Full,
}

/// Which commits to list; newest first.
#[derive(Debug, Clone)]
pub struct LogQuery {
    pub version: Version,
    /// Leave out what is reachable from here.
    pub exclude: Option<Version>,
    /// Inclusive bounds of the committer's time.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Part of the author's name or e-mail, in any case.
    pub author: Option<String>,
    pub committer: Option<String>,
    /// Only commits that changed this file or something below this folder.
    pub path: Option<String>,
    pub skip: usize,
    pub top: usize,
}

/// How two versions differ, seen from their common commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitDiff {
    pub base_commit: String,
    pub target_commit: String,
    /// Absent for unrelated histories.
    pub common_commit: Option<String>,
    pub ahead: usize,
    pub behind: usize,
    pub changes: Vec<FileChange>,
    pub folders: Vec<FolderChange>,
}

/// A branch against the base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchStats {
    pub name: String,
    pub commit: CommitRow,
    pub ahead: usize,
    pub behind: usize,
    pub is_base: bool,
}

impl Default for LogQuery {
    fn default() -> LogQuery {
        LogQuery {
            version: Version::Default,
            exclude: None,
            from: None,
            to: None,
            author: None,
            committer: None,
            path: None,
            skip: 0,
            top: 100,
        }
    }
}

impl Repo {
    /// The commit a version means; `NoVersion` when there is none.
    pub fn resolve(&self, version: &Version) -> Result<String, GitError> {
        let repo = self.existing(version)?;
        Ok(self.commit_of(&repo, version)?.id().to_string())
    }

    /// One file or folder. `NoVersion` and `NoItem` are told apart.
    pub fn item(&self, version: &Version, path: &str) -> Result<Item, GitError> {
        let repo = self.existing(version)?;
        let commit = self.commit_of(&repo, version)?;
        let tree = commit.tree().attempt("read a tree")?;
        item_in(&tree, path, &commit)
    }

    /// The folder or file at `scope` and, as deep as asked, what lies below it; the scope itself comes first.
    pub fn items(&self, version: &Version, scope: &str, recursion: Recursion) -> Result<Vec<Item>, GitError> {
        let repo = self.existing(version)?;
        let commit = self.commit_of(&repo, version)?;
        let tree = commit.tree().attempt("read a tree")?;
        let root = item_in(&tree, scope, &commit)?;
        let (id, kind, path) = (root.object_id.clone(), root.kind, root.path.clone());
        let mut items = vec![root];
        if kind == ItemKind::Tree && recursion != Recursion::None {
            let prefix = if path == "/" { String::new() } else { path };
            below(&repo, &id, &prefix, recursion, &commit, &mut items)?;
        }
        Ok(items)
    }

    /// The bytes of a blob.
    pub fn blob(&self, object_id: &str) -> Result<Vec<u8>, GitError> {
        let none = || GitError::NoObject(object_id.to_owned());
        let repo = self.open()?.ok_or_else(none)?;
        let oid = Oid::from_str(object_id).map_err(|_| none())?;
        let blob = repo.find_blob(oid).map_err(|_| none())?;
        Ok(blob.content().to_vec())
    }

    /// The bytes of a file at a version.
    pub fn file(&self, version: &Version, path: &str) -> Result<Vec<u8>, GitError> {
        let item = self.item(version, path)?;
        match item.kind {
            ItemKind::Blob => self.blob(&item.object_id),
            _ => Err(GitError::NoItem { path: path.to_owned(), commit: item.commit_id }),
        }
    }

    pub fn commit(&self, id: &str) -> Result<CommitRow, GitError> {
        let repo = self.open()?.ok_or_else(|| GitError::NoObject(id.to_owned()))?;
        Ok(CommitRow::read(&find_commit(&repo, id)?))
    }

    /// Commits, newest first.
    pub fn log(&self, query: &LogQuery) -> Result<Vec<CommitRow>, GitError> {
        let repo = self.existing(&query.version)?;
        let tip = self.commit_of(&repo, &query.version)?.id();
        let mut walk = repo.revwalk().attempt("walk the history")?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).attempt("walk the history")?;
        walk.push(tip).attempt("walk the history")?;
        if let Some(exclude) = &query.exclude {
            walk.hide(self.commit_of(&repo, exclude)?.id()).attempt("walk the history")?;
        }
        let mut rows = Vec::new();
        let mut skipped = 0;
        for id in walk {
            if rows.len() >= query.top {
                break;
            }
            let commit = id.and_then(|id| repo.find_commit(id)).attempt("walk the history")?;
            if !query.admits(&repo, &commit)? {
                continue;
            }
            if skipped < query.skip {
                skipped += 1;
            } else {
                rows.push(CommitRow::read(&commit));
            }
        }
        Ok(rows)
    }

    /// Commits of `source` that `target` does not have, newest first: what a pull request brings.
    pub fn commits_between(&self, target: &str, source: &str) -> Result<Vec<CommitRow>, GitError> {
        self.log(&LogQuery {
            version: Version::Commit(source.to_owned()),
            exclude: Some(Version::Commit(target.to_owned())),
            top: usize::MAX,
            ..LogQuery::default()
        })
    }

    /// What a commit changed against its first parent.
    pub fn changes(&self, id: &str) -> Result<Vec<FileChange>, GitError> {
        let repo = self.open()?.ok_or_else(|| GitError::NoObject(id.to_owned()))?;
        changes_of(&repo, &find_commit(&repo, id)?)
    }

    /// [`Repo::changes`] counted, for many commits with one opening.
    pub fn change_counts(&self, ids: &[String]) -> Result<Vec<ChangeCounts>, GitError> {
        let Some(repo) = self.open()? else {
            return Ok(vec![ChangeCounts::new(); ids.len()]);
        };
        ids.iter()
            .map(|id| {
                let commit = find_commit(&repo, id)?;
                Ok(change::counts(&changes_of(&repo, &commit)?))
            })
            .collect()
    }

    /// Target against base: ahead, behind, and the files that differ since their common commit.
    pub fn diff_commits(&self, base: &Version, target: &Version) -> Result<CommitDiff, GitError> {
        let repo = self.existing(base)?;
        let base = self.commit_of(&repo, base)?;
        let target = self.commit_of(&repo, target)?;
        let (ahead, behind) = repo.graph_ahead_behind(target.id(), base.id()).attempt("compare two commits")?;
        let common = merge_base(&repo, base.id(), target.id())?;
        let old = common.map(|id| repo.find_commit(id).and_then(|commit| commit.tree())).transpose().attempt("read a tree")?;
        let new = target.tree().attempt("read a tree")?;
        let changes = change::between(&repo, old.as_ref(), Some(&new))?;
        Ok(CommitDiff {
            base_commit: base.id().to_string(),
            target_commit: target.id().to_string(),
            common_commit: common.map(|id| id.to_string()),
            ahead,
            behind,
            folders: change::folders(old.as_ref(), Some(&new), &changes),
            changes,
        })
    }

    /// The last commit that two have in common.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, GitError> {
        let Some(repo) = self.open()? else {
            return Ok(None);
        };
        let (one, other) = (find_commit(&repo, one)?, find_commit(&repo, other)?);
        Ok(merge_base(&repo, one.id(), other.id())?.map(|id| id.to_string()))
    }

    /// One branch against another (the default branch when `base` is `None`).
    pub fn branch_stats(&self, branch: &str, base: Option<&str>) -> Result<BranchStats, GitError> {
        let base = base.unwrap_or(&self.default_branch);
        let version = Version::Branch(branch.to_owned());
        let repo = self.existing(&version)?;
        let commit = self.commit_of(&repo, &version)?;
        let base_commit = self.commit_of(&repo, &Version::Branch(base.to_owned()))?;
        let (ahead, behind) = repo.graph_ahead_behind(commit.id(), base_commit.id()).attempt("compare two branches")?;
        Ok(BranchStats { name: branch.to_owned(), commit: CommitRow::read(&commit), ahead, behind, is_base: branch == base })
    }

    fn existing(&self, version: &Version) -> Result<Opened<'_>, GitError> {
        self.open()?.ok_or_else(|| GitError::NoVersion(self.words(version)))
    }

    fn words(&self, version: &Version) -> String {
        match version {
            Version::Default => self.default_branch.clone(),
            Version::Branch(name) | Version::Tag(name) | Version::Commit(name) => name.clone(),
        }
    }

    fn commit_of<'r>(&self, repo: &'r Repository, version: &Version) -> Result<Commit<'r>, GitError> {
        let none = || GitError::NoVersion(self.words(version));
        let named = |name: String| repo.find_reference(&name).and_then(|reference| reference.peel_to_commit()).map_err(|_| none());
        match version {
            Version::Default => named(format!("refs/heads/{}", self.default_branch)),
            Version::Branch(name) => named(format!("refs/heads/{name}")),
            Version::Tag(name) => named(format!("refs/tags/{name}")),
            Version::Commit(id) => find_commit(repo, id).map_err(|_| none()),
        }
    }
}

impl LogQuery {
    fn admits(&self, repo: &Repository, commit: &Commit<'_>) -> Result<bool, GitError> {
        let seconds = commit.time().seconds();
        let row_matches = |wanted: &Option<String>, who: &git2::Signature<'_>| {
            wanted.as_ref().is_none_or(|wanted| {
                let wanted = wanted.to_lowercase();
                [who.name_bytes(), who.email_bytes()].iter().any(|text| String::from_utf8_lossy(text).to_lowercase().contains(&wanted))
            })
        };
        if self.from.is_some_and(|from| seconds < from.as_second())
            || self.to.is_some_and(|to| seconds > to.as_second())
            || !row_matches(&self.author, &commit.author())
            || !row_matches(&self.committer, &commit.committer())
        {
            return Ok(false);
        }
        let Some(path) = &self.path else {
            return Ok(true);
        };
        let inside = path.trim_matches('/');
        if inside.is_empty() {
            return Ok(true);
        }
        // As git does: a merge that took the path from one of its parents did not change it.
        let at =
            |tree: Result<Tree<'_>, git2::Error>| tree.ok().and_then(|tree| tree.get_path(Path::new(inside)).ok()).map(|entry| entry.id());
        let here = at(commit.tree());
        if commit.parent_count() == 0 {
            return Ok(here.is_some());
        }
        let _ = repo;
        Ok(commit.parents().all(|parent| at(parent.tree()) != here))
    }
}

fn item_in(tree: &Tree<'_>, path: &str, commit: &Commit<'_>) -> Result<Item, GitError> {
    let inside = path.trim_matches('/');
    let commit_id = commit.id().to_string();
    if inside.is_empty() {
        return Ok(Item { path: "/".to_owned(), object_id: tree.id().to_string(), kind: ItemKind::Tree, commit_id });
    }
    let none = || GitError::NoItem { path: format!("/{inside}"), commit: commit_id.clone() };
    let entry = tree.get_path(Path::new(inside)).map_err(|_| none())?;
    Ok(Item { path: format!("/{inside}"), object_id: entry.id().to_string(), kind: kind_of(entry.kind()), commit_id })
}

fn below(
    repo: &Repository,
    tree: &str,
    prefix: &str,
    recursion: Recursion,
    commit: &Commit<'_>,
    items: &mut Vec<Item>,
) -> Result<(), GitError> {
    let tree = Oid::from_str(tree).and_then(|id| repo.find_tree(id)).attempt("read a tree")?;
    for entry in tree.iter() {
        let path = format!("{prefix}/{}", String::from_utf8_lossy(entry.name_bytes()));
        let kind = kind_of(entry.kind());
        let object_id = entry.id().to_string();
        items.push(Item { path: path.clone(), object_id: object_id.clone(), kind, commit_id: commit.id().to_string() });
        if kind == ItemKind::Tree && recursion == Recursion::Full {
            below(repo, &object_id, &path, recursion, commit, items)?;
        }
    }
    Ok(())
}

fn kind_of(kind: Option<ObjectType>) -> ItemKind {
    match kind {
        Some(ObjectType::Tree) => ItemKind::Tree,
        Some(ObjectType::Commit) => ItemKind::Commit,
        _ => ItemKind::Blob,
    }
}

fn changes_of(repo: &Repository, commit: &Commit<'_>) -> Result<Vec<FileChange>, GitError> {
    let new = commit.tree().attempt("read a tree")?;
    let old = match commit.parents().next() {
        Some(parent) => Some(parent.tree().attempt("read a tree")?),
        None => None,
    };
    change::between(repo, old.as_ref(), Some(&new))
}

pub(super) fn merge_base(repo: &Repository, one: Oid, other: Oid) -> Result<Option<Oid>, GitError> {
    match repo.merge_base(one, other) {
        Ok(id) => Ok(Some(id)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(source) => Err(GitError::Storage { attempted: "find the common commit", source }),
    }
}
