//! A push through REST: one commit on one branch, made from a list of edits, then a compare-and-swap of the ref.
//!
//! Limits: regular files only; a path's mode is kept on edit and rename, new files are 100644.

use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid, Repository};

use super::refs::{current_id, has_none, is_valid_name, name_conflict, swap, whole_id, zero};
use super::{Attempt, CommitRow, GitError, Repo, Stamp, find_commit, message_of};

/// What a push carries.
#[derive(Debug, Clone)]
pub struct Push<'a> {
    /// Full ref name, `refs/heads/feature/K-1`.
    pub ref_name: &'a str,
    /// The branch's tip; for a new branch the commit it starts from; forty zeros in an empty repository.
    pub old_object_id: &'a str,
    pub edits: &'a [TreeEdit],
    pub message: &'a str,
    pub author: Stamp,
    pub committer: Stamp,
}

/// One change; paths with a leading slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEdit {
    /// The path must not exist.
    Add {
        path: String,
        content: Vec<u8>,
    },
    /// The path must exist.
    Edit {
        path: String,
        content: Vec<u8>,
    },
    Delete {
        path: String,
    },
    /// `from` must exist, `to` must not.
    Rename {
        from: String,
        to: String,
        content: NewContent,
    },
}

/// Whether a rename also changes the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewContent {
    Same,
    Bytes(Vec<u8>),
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    pub commit: CommitRow,
    /// As answered in `refUpdates`: forty zeros when the branch is new.
    pub old_object_id: String,
    pub new_object_id: String,
}

impl Repo {
    /// Commits and moves (or creates) the branch, or changes nothing.
    ///
    /// Errors: `Stale`, `InvalidRefName`, `RefNameConflict`, `NoObject` (unknown base), `PathExists`, `PathMissing`,
    /// `InvalidPath`.
    pub fn push(&self, push: &Push<'_>) -> Result<Pushed, GitError> {
        let stale = || GitError::Stale { name: push.ref_name.to_owned() };
        if !is_valid_name(push.ref_name) || !push.ref_name.starts_with("refs/heads/") {
            return Err(GitError::InvalidRefName(push.ref_name.to_owned()));
        }
        let base = whole_id(push.old_object_id)?;
        let repo = self.open_or_create()?;
        let current = current_id(&repo, push.ref_name)?;
        match current {
            Some(tip) if tip != base => return Err(stale()),
            Some(_) => {}
            // An unrelated root beside existing history is never what a client wants.
            None if base.is_zero() && !has_none(&repo)? => return Err(stale()),
            None => {
                if let Some(other) = name_conflict(&repo, push.ref_name)? {
                    return Err(GitError::RefNameConflict { name: push.ref_name.to_owned(), other });
                }
            }
        }
        let parent = if base.is_zero() { None } else { Some(find_commit(&repo, push.old_object_id)?) };
        let mut index = Index::new().attempt("open an index")?;
        if let Some(parent) = &parent {
            let tree = parent.tree().attempt("read a tree")?;
            index.read_tree(&tree).attempt("read a tree")?;
        }
        for edit in push.edits {
            apply(&repo, &mut index, edit)?;
        }
        let tree = index.write_tree_to(&repo).attempt("write a tree")?;
        let tree = repo.find_tree(tree).attempt("read a tree")?;
        let parents: Vec<_> = parent.iter().collect();
        let commit = repo
            .commit(None, &push.author.signature()?, &push.committer.signature()?, &message_of(push.message), &tree, &parents)
            .attempt("write a commit")?;
        let old = current.unwrap_or_else(zero);
        swap(&repo, push.ref_name, old, commit)?;
        let commit = repo.find_commit(commit).attempt("read a commit")?;
        Ok(Pushed { commit: CommitRow::read(&commit), old_object_id: old.to_string(), new_object_id: commit.id().to_string() })
    }
}

fn apply(repo: &Repository, index: &mut Index, edit: &TreeEdit) -> Result<(), GitError> {
    match edit {
        TreeEdit::Add { path, content } => {
            let inside = free_path(index, path)?;
            let blob = repo.blob(content).attempt("write a blob")?;
            put(index, inside, blob, 0o100_644)
        }
        TreeEdit::Edit { path, content } => {
            let (inside, entry) = existing(index, path)?;
            let blob = repo.blob(content).attempt("write a blob")?;
            put(index, inside, blob, entry.mode)
        }
        TreeEdit::Delete { path } => {
            let (inside, _) = existing(index, path)?;
            index.remove(Path::new(inside), 0).attempt("remove a file")
        }
        TreeEdit::Rename { from, to, content } => {
            let (old, entry) = existing(index, from)?;
            index.remove(Path::new(old), 0).attempt("remove a file")?;
            let inside = free_path(index, to)?;
            let blob = match content {
                NewContent::Same => entry.id,
                NewContent::Bytes(bytes) => repo.blob(bytes).attempt("write a blob")?,
            };
            put(index, inside, blob, entry.mode)
        }
    }
}

fn existing<'p>(index: &Index, path: &'p str) -> Result<(&'p str, IndexEntry), GitError> {
    let inside = inside(path)?;
    match index.get_path(Path::new(inside), 0) {
        Some(entry) => Ok((inside, entry)),
        None => Err(GitError::PathMissing(path.to_owned())),
    }
}

/// The path if no file, no folder and no parent file stands there.
fn free_path<'p>(index: &Index, path: &'p str) -> Result<&'p str, GitError> {
    let inside = inside(path)?;
    let file = |at: &str| index.get_path(Path::new(at), 0).is_some();
    let parent_is_file = inside.match_indices('/').any(|(slash, _)| file(&inside[..slash]));
    let is_folder = index.find_prefix(format!("{inside}/")).is_ok();
    if file(inside) || parent_is_file || is_folder {
        return Err(GitError::PathExists(path.to_owned()));
    }
    Ok(inside)
}

/// The path without its leading slash, if git can hold it.
fn inside(path: &str) -> Result<&str, GitError> {
    let invalid = || GitError::InvalidPath(path.to_owned());
    let inside = path.strip_prefix('/').ok_or_else(invalid)?;
    let refused = |part: &str| {
        part.is_empty()
            || part == "."
            || part == ".."
            || part.eq_ignore_ascii_case(".git")
            || part.chars().any(|c| c.is_control() || c == '\\')
    };
    if inside.split('/').any(refused) {
        return Err(invalid());
    }
    Ok(inside)
}

fn put(index: &mut Index, path: &str, id: Oid, mode: u32) -> Result<(), GitError> {
    let entry = IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    };
    index.add(&entry).map_err(|_| GitError::InvalidPath(format!("/{path}")))
}
