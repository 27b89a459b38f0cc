//! Branches from behind the scene: files pushed, conflicts made, branches moved and deleted, past every policy.
//!
//! Limits: one file a push; what git itself refuses stays refused.

use uuid::Uuid;

use super::{Control, full, short};
use crate::sim::deed::{self, Guard, NewPush, RefUpdate};
use crate::sim::git::{ChangeKind, GitError, TreeEdit, Version};
use crate::sim::reply::Failure;
use crate::sim::world::ZERO_ID;

impl Control {
    /// Commits to the target another version of a file that the source changed; answers the file's path.
    pub async fn make_conflict(&self, pull_request: i32, who: &str) -> Result<String, Failure> {
        let row = {
            let world = self.sim.read().await;
            world.pull_request(pull_request).cloned().ok_or_else(Failure::no_pull_request)?
        };
        let (source, target) = (short(&row.source_ref), short(&row.target_ref));
        let (base, branch) = (Version::Branch(target.clone()), Version::Branch(source));
        let (path, is_on_target) = self
            .with_git(row.repository, move |repo| {
                let diff = repo.diff_commits(&base, &branch)?;
                let changed = diff
                    .changes
                    .into_iter()
                    .find(|change| matches!(change.kind, ChangeKind::Add | ChangeKind::Edit | ChangeKind::EditRename));
                let path = changed.map(|change| change.path);
                let is_there = match &path {
                    Some(path) => repo.item(&base, path).is_ok(),
                    None => false,
                };
                Ok((path, is_there))
            })
            .await?;
        let path = path.ok_or_else(|| Failure::argument("pullRequest", "The source changes no file that could conflict."))?;
        let content = format!("Somebody else wrote this while pull request {pull_request} was open.\n");
        let edit = if is_on_target {
            TreeEdit::Edit { path: path.clone(), content: content.into_bytes() }
        } else {
            TreeEdit::Add { path: path.clone(), content: content.into_bytes() }
        };
        let message = format!("Change {path} meanwhile");
        self.commit(row.repository, &target, None, who, vec![edit], &message).await?;
        self.settle().await?;
        Ok(path)
    }

    /// Writes a file to a branch, whatever was there; a new branch starts at `from`, or the default branch. Answers the
    /// commit.
    pub async fn push_file(
        &self,
        repository: &str,
        (branch, from): (&str, Option<&str>),
        who: &str,
        (path, content): (&str, &[u8]),
        message: &str,
    ) -> Result<String, Failure> {
        let place = self.repository(repository).await?;
        let (on, at) = (branch.to_owned(), path.to_owned());
        let start = from.map_or_else(|| short(&place.default_branch), str::to_owned);
        let is_there = self
            .with_git(place.id, move |repo| {
                let version = match repo.tip(&on)? {
                    Some(_) => Version::Branch(on),
                    None => Version::Branch(start),
                };
                Ok(repo.item(&version, &at).is_ok())
            })
            .await?;
        let (path, content) = (path.to_owned(), content.to_vec());
        let edit = if is_there { TreeEdit::Edit { path, content } } else { TreeEdit::Add { path, content } };
        self.commit(place.id, branch, from, who, vec![edit], message).await
    }

    /// Points a branch at a commit (or at another branch's tip), creating it if need be.
    pub async fn move_branch(&self, repository: &str, branch: &str, who: &str, to: &str) -> Result<(), Failure> {
        let place = self.repository(repository).await?;
        let (name, wanted) = (full(branch), to.to_owned());
        let (old, new) = self
            .with_git(place.id, {
                let name = name.clone();
                move |repo| {
                    let new = if repo.has_commit(&wanted)? { wanted } else { repo.tip(&wanted)?.ok_or(GitError::NoVersion(wanted))? };
                    Ok((repo.tip(&name)?, new))
                }
            })
            .await?;
        self.set_ref(place.id, who, name, old.unwrap_or_else(zero), new).await
    }

    pub async fn delete_branch(&self, repository: &str, branch: &str, who: &str) -> Result<(), Failure> {
        let place = self.repository(repository).await?;
        let name = full(branch);
        let asked = name.clone();
        let old = self.with_git(place.id, move |repo| repo.tip(&asked)?.ok_or(GitError::NoVersion(asked))).await?;
        self.set_ref(place.id, who, name, old, zero()).await
    }

    async fn commit(
        &self,
        repository: Uuid,
        branch: &str,
        from: Option<&str>,
        who: &str,
        edits: Vec<TreeEdit>,
        message: &str,
    ) -> Result<String, Failure> {
        let person = self.person(who).await?;
        let name = full(branch);
        let default = {
            let world = self.sim.read().await;
            world.repository(repository).map_or_else(String::new, |row| short(&row.default_branch))
        };
        let (asked, start) = (name.clone(), from.map_or(default, str::to_owned));
        let old = self
            .with_git(repository, move |repo| match repo.tip(&asked)? {
                Some(tip) => Ok(Some(tip)),
                None => repo.tip(&start),
            })
            .await?;
        let new =
            NewPush { repository, ref_name: name, old_object_id: old, edits, message: message.to_owned(), author: None, committer: None };
        let pushed = deed::push(&self.sim, person, new, Guard::Bypassed).await?;
        Ok(pushed.commit.id)
    }

    async fn set_ref(&self, repository: Uuid, who: &str, name: String, old: String, new: String) -> Result<(), Failure> {
        let person = self.person(who).await?;
        let update = RefUpdate { name, old, new };
        let outcomes = deed::update_refs(&self.sim, person, repository, vec![update], Guard::Bypassed).await?;
        match outcomes.iter().find(|outcome| !outcome.status.is_success()) {
            None => Ok(()),
            Some(outcome) => Err(Failure::argument("branch", &format!("{}: {}", outcome.update.name, outcome.status.word()))),
        }
    }
}

fn zero() -> String {
    ZERO_ID.to_owned()
}
