//! What differs between two trees, in the words of the service: add, edit, delete, rename.
//!
//! Limits: a rename is one row on the new path plus a `delete, sourceRename` row on the old; folders are never renamed.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Delta, DiffFindOptions, DiffOptions, Oid, Repository, Tree};

use super::{Attempt, GitError};

/// How a file differs. The wire word is [`ChangeKind::word`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Add,
    Edit,
    Delete,
    Rename,
    EditRename,
    /// The old path of a renamed file.
    SourceRename,
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub kind: ChangeKind,
    /// With a leading slash.
    pub path: String,
    /// Where a renamed file was.
    pub source_path: Option<String>,
    /// Absent for a deletion.
    pub object_id: Option<String>,
    /// Absent for an addition.
    pub original_object_id: Option<String>,
}

/// A folder with something in it that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderChange {
    pub kind: ChangeKind,
    /// With a leading slash.
    pub path: String,
    /// Of its tree: the new one, or the old one of what was deleted.
    pub object_id: String,
}

/// Numbers of files by kind, under the capitalised names of the wire (`Add`, `Edit`, `Delete`, `Rename`).
pub type ChangeCounts = BTreeMap<&'static str, usize>;

impl ChangeKind {
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Add => "add",
            ChangeKind::Edit => "edit",
            ChangeKind::Delete => "delete",
            ChangeKind::Rename => "rename",
            ChangeKind::EditRename => "edit, rename",
            ChangeKind::SourceRename => "delete, sourceRename",
        }
    }

    pub fn count_name(self) -> Option<&'static str> {
        match self {
            ChangeKind::Add => Some("Add"),
            ChangeKind::Edit => Some("Edit"),
            ChangeKind::Delete => Some("Delete"),
            ChangeKind::Rename | ChangeKind::EditRename => Some("Rename"),
            ChangeKind::SourceRename => None,
        }
    }
}

/// Counts rows by kind.
pub fn counts(changes: &[FileChange]) -> ChangeCounts {
    let mut counts = ChangeCounts::new();
    for name in changes.iter().filter_map(|change| change.kind.count_name()) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// The files that differ from `old` to `new`, by path; `None` is the empty tree.
pub(super) fn between(repo: &Repository, old: Option<&Tree<'_>>, new: Option<&Tree<'_>>) -> Result<Vec<FileChange>, GitError> {
    let mut options = DiffOptions::new();
    options.include_typechange(true).skip_binary_check(true);
    let mut diff = repo.diff_tree_to_tree(old, new, Some(&mut options)).attempt("compare two trees")?;
    let mut find = DiffFindOptions::new();
    find.renames(true);
    diff.find_similar(Some(&mut find)).attempt("find renamed files")?;
    let mut changes = Vec::new();
    for delta in diff.deltas() {
        let (before, after) = (delta.old_file(), delta.new_file());
        let path = |bytes: Option<&[u8]>| format!("/{}", String::from_utf8_lossy(bytes.unwrap_or_default()));
        let id = |oid: Oid| (!oid.is_zero()).then(|| oid.to_string());
        let (old_path, new_path) = (path(before.path_bytes()), path(after.path_bytes()));
        let row = |kind, path: String, source_path| FileChange {
            kind,
            path,
            source_path,
            object_id: id(after.id()),
            original_object_id: id(before.id()),
        };
        match delta.status() {
            Delta::Added | Delta::Copied => changes.push(row(ChangeKind::Add, new_path, None)),
            Delta::Deleted => changes.push(row(ChangeKind::Delete, old_path, None)),
            Delta::Renamed => {
                let kind = if before.id() == after.id() { ChangeKind::Rename } else { ChangeKind::EditRename };
                changes.push(FileChange {
                    kind: ChangeKind::SourceRename,
                    path: old_path.clone(),
                    source_path: None,
                    object_id: None,
                    original_object_id: id(before.id()),
                });
                changes.push(row(kind, new_path, Some(old_path)));
            }
            Delta::Unmodified => {}
            _ => changes.push(row(ChangeKind::Edit, new_path, None)),
        }
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// The folders on the way to what differs, each once, without the root.
pub(super) fn folders(old: Option<&Tree<'_>>, new: Option<&Tree<'_>>, changes: &[FileChange]) -> Vec<FolderChange> {
    let paths: BTreeSet<&str> = changes
        .iter()
        .flat_map(|change| change.path.match_indices('/').map(|(at, _)| &change.path[..at]))
        .filter(|path| !path.is_empty())
        .collect();
    let tree = |tree: Option<&Tree<'_>>, path: &str| {
        let entry = tree?.get_path(std::path::Path::new(path.trim_start_matches('/'))).ok()?;
        (entry.kind() == Some(git2::ObjectType::Tree)).then(|| entry.id().to_string())
    };
    let row = |path: &str| {
        let (kind, object_id) = match (tree(old, path), tree(new, path)) {
            (Some(_), Some(id)) => (ChangeKind::Edit, id),
            (None, Some(id)) => (ChangeKind::Add, id),
            (Some(id), None) => (ChangeKind::Delete, id),
            (None, None) => return None,
        };
        Some(FolderChange { kind, path: path.to_owned(), object_id })
    };
    paths.into_iter().filter_map(row).collect()
}
