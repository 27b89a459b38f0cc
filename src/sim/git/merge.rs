//! Merging: the preview the service makes of every pull request, and the four ways to complete one.
//!
//! Limits: files are merged by libgit2's recursive strategy with rename detection; no merge drivers, no `.gitattributes`.

use git2::{Commit, Index, MergeOptions, Oid, Repository, Sort};

use super::read::merge_base;
use super::refs::swap;
use super::{Attempt, GitError, Repo, Stamp, find_commit, message_of};

/// How a pull request becomes part of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A merge commit with two parents: target, source.
    NoFastForward,
    /// One commit on the target.
    Squash,
    /// The source's commits replayed onto the target.
    Rebase,
    /// Replayed, then a merge commit on top.
    RebaseMerge,
}

/// What merging two tips gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergePreview {
    Clean {
        commit: String,
        tree: String,
    },
    /// Paths with a leading slash.
    Conflicts(Vec<String>),
}

/// What completes a pull request.
#[derive(Debug, Clone)]
pub struct Completion<'a> {
    /// Full ref name.
    pub target_ref: &'a str,
    /// Where the target must still be.
    pub target_tip: &'a str,
    pub source_tip: &'a str,
    pub strategy: Strategy,
    pub message: &'a str,
    /// Of the squash commit: the pull request's author.
    pub author: Stamp,
    /// Who completes; also the author of merge commits.
    pub committer: Stamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The target's new tip.
    pub commit: String,
}

impl Repo {
    /// Merges two tips for show: writes the merge commit (parents target, source) and points `preview_ref` at it, as the
    /// service does with `refs/pull/{id}/merge`. On conflicts the ref is removed. No branch moves.
    pub fn merge_preview(
        &self,
        source_tip: &str,
        target_tip: &str,
        preview_ref: &str,
        message: &str,
        by: &Stamp,
    ) -> Result<MergePreview, GitError> {
        let repo = self.open_or_create()?;
        let source = find_commit(&repo, source_tip)?;
        let target = find_commit(&repo, target_tip)?;
        match merged_tree(&repo, &target, &source) {
            Ok(tree) => {
                let commit = write(&repo, by, by, message, tree, &[&target, &source])?;
                repo.reference(preview_ref, commit, true, "preview").attempt("point at the merge preview")?;
                Ok(MergePreview::Clean { commit: commit.to_string(), tree: tree.to_string() })
            }
            Err(GitError::Conflicts(paths)) => {
                if let Ok(mut reference) = repo.find_reference(preview_ref) {
                    reference.delete().attempt("remove an old merge preview")?;
                }
                Ok(MergePreview::Conflicts(paths))
            }
            Err(other) => Err(other),
        }
    }

    /// Does what the strategy says and moves the target, if it still is where the caller saw it.
    ///
    /// Errors: `Conflicts` (a rebase can conflict where a merge does not), `Stale`, `NoObject`.
    pub fn complete(&self, completion: &Completion<'_>) -> Result<Completed, GitError> {
        let repo = self.open_or_create()?;
        let source = find_commit(&repo, completion.source_tip)?;
        let target = find_commit(&repo, completion.target_tip)?;
        let (by, message) = (&completion.committer, completion.message);
        let tip = match completion.strategy {
            Strategy::NoFastForward => {
                let tree = merged_tree(&repo, &target, &source)?;
                write(&repo, by, by, message, tree, &[&target, &source])?
            }
            Strategy::Squash => {
                let tree = merged_tree(&repo, &target, &source)?;
                write(&repo, &completion.author, by, message, tree, &[&target])?
            }
            Strategy::Rebase => replay(&repo, &target, &source, by)?,
            Strategy::RebaseMerge => {
                let replayed = replay(&repo, &target, &source, by)?;
                let replayed = repo.find_commit(replayed).attempt("read a commit")?;
                let tree = replayed.tree_id();
                write(&repo, by, by, message, tree, &[&target, &replayed])?
            }
        };
        swap(&repo, completion.target_ref, target.id(), tip)?;
        Ok(Completed { commit: tip.to_string() })
    }
}

fn merged_tree(repo: &Repository, target: &Commit<'_>, source: &Commit<'_>) -> Result<Oid, GitError> {
    let mut options = MergeOptions::new();
    options.find_renames(true);
    let index = repo.merge_commits(target, source, Some(&options)).attempt("merge two commits")?;
    tree_of(repo, index)
}

fn tree_of(repo: &Repository, mut index: Index) -> Result<Oid, GitError> {
    if index.has_conflicts() {
        let mut paths = Vec::new();
        for conflict in index.conflicts().attempt("list the conflicts")? {
            let conflict = conflict.attempt("list the conflicts")?;
            if let Some(entry) = conflict.our.or(conflict.their).or(conflict.ancestor) {
                paths.push(format!("/{}", String::from_utf8_lossy(&entry.path)));
            }
        }
        paths.sort();
        paths.dedup();
        return Err(GitError::Conflicts(paths));
    }
    index.write_tree_to(repo).attempt("write a tree")
}

/// The source's own commits, oldest first, each applied on the one before; merges drop out, as in `git rebase`.
fn replay(repo: &Repository, target: &Commit<'_>, source: &Commit<'_>, by: &Stamp) -> Result<Oid, GitError> {
    let mut walk = repo.revwalk().attempt("walk the history")?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).attempt("walk the history")?;
    walk.push(source.id()).attempt("walk the history")?;
    walk.hide(target.id()).attempt("walk the history")?;
    let mut own = Vec::new();
    for id in walk {
        let commit = id.and_then(|id| repo.find_commit(id)).attempt("walk the history")?;
        own.push(commit);
    }
    // Nothing to replay: the source stands on the target already, in one line.
    let based = merge_base(repo, target.id(), source.id())? == Some(target.id());
    if based && own.iter().all(|commit| commit.parent_count() == 1) {
        return Ok(source.id());
    }
    let mut tip = target.clone();
    for commit in own.iter().filter(|commit| commit.parent_count() < 2) {
        let tree = if commit.parent_count() == 0 {
            // A root commit of an unrelated history has no parent to compare with: merge its tree as an addition.
            merged_tree(repo, &tip, commit)?
        } else {
            let index = repo.cherrypick_commit(commit, &tip, 0, None).attempt("replay a commit")?;
            tree_of(repo, index)?
        };
        if tree == tip.tree_id() {
            // Its change is in the target already.
            continue;
        }
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        let author = Stamp::read(&commit.author());
        let id = write(repo, &author, by, &message, tree, &[&tip])?;
        tip = repo.find_commit(id).attempt("read a commit")?;
    }
    Ok(tip.id())
}

fn write(repo: &Repository, author: &Stamp, committer: &Stamp, message: &str, tree: Oid, parents: &[&Commit<'_>]) -> Result<Oid, GitError> {
    let tree = repo.find_tree(tree).attempt("read a tree")?;
    repo.commit(None, &author.signature()?, &committer.signature()?, &message_of(message), &tree, parents).attempt("write a commit")
}
