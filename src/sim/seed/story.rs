//! Tells a past: commits, pull requests, votes and words at times before the start, through real git.
//!
//! Limits: for seeding alone, no rule of the service is checked; times are given in minutes before the start and
//! must fall from call to call where order matters.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::sim::deed::{Event, note};
use crate::sim::git::{Completion, GitError, MergePreview, Push as GitPush, Repo, Stamp, Strategy, TreeEdit, Version, ZERO_ID};
use crate::sim::host::git_path;
use crate::sim::world::{
    Comment, CommentKind, CompletionOptions, Iteration, IterationReason, Label, MergeStatus, MergeStrategy, PrState, PrStatus, PullRequest,
    Push, RefMove, Reviewer, StatusState, Thread, ThreadStatus, World,
};

/// An hour and a day in the story's unit.
pub(super) const HOUR: i64 = 60;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) struct Story<'w> {
    world: &'w mut World,
    /// Kept open: a story goes back to the same four repositories again and again.
    repos: BTreeMap<Uuid, Repo>,
    seed: u64,
    start: Timestamp,
}

/// Who and when.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    pub who: &'a str,
    /// Minutes before the start.
    pub ago: i64,
}

/// `by("bob", 3 * HOUR)`.
pub(super) fn by(who: &str, ago: i64) -> By<'_> {
    By { who, ago }
}

/// What a pull request says about itself.
pub(super) struct Proposal<'a> {
    pub repository: &'a str,
    pub branch: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub reviewers: &'a [&'a str],
    pub labels: &'a [&'a str],
}

impl<'w> Story<'w> {
    pub fn new(world: &'w mut World, git_root: &Path, seed: u64, start: Timestamp) -> Self {
        let repos = world.repositories.iter().map(|row| (row.id, Repo::at(git_path(git_root, row.id), "main"))).collect();
        Story { world, repos, seed, start }
    }

    /// A commit on a branch, which starts at main if it is new; files are added or replaced.
    pub fn commit(&mut self, repository: &str, branch: &str, by: By<'_>, message: &str, files: &[(&str, &str)]) -> Result<(), GitError> {
        let (id, repo) = self.repo(repository)?;
        let name = format!("refs/heads/{branch}");
        let old = match repo.tip(branch)? {
            Some(tip) => tip,
            None => repo.tip("main")?.unwrap_or_else(|| ZERO_ID.to_owned()),
        };
        let edits: Vec<_> = files
            .iter()
            .map(|(path, content)| {
                let (path, content) = ((*path).to_owned(), content.as_bytes().to_vec());
                match repo.item(&Version::Commit(old.clone()), &path) {
                    Ok(_) => TreeEdit::Edit { path, content },
                    Err(_) => TreeEdit::Add { path, content },
                }
            })
            .collect();
        let stamp = self.stamp(by);
        let pushed =
            repo.push(&GitPush { ref_name: &name, old_object_id: &old, edits: &edits, message, author: stamp.clone(), committer: stamp })?;
        let person = self.person(by.who);
        if let Some(row) = self.world.repository_mut(id) {
            let facts = row.refs.entry(name.clone()).or_default();
            facts.creator = facts.creator.or(Some(person));
        }
        let moved = RefMove { name, old: pushed.old_object_id, new: pushed.new_object_id.clone() };
        self.push(id, by, moved, vec![pushed.new_object_id]);
        Ok(())
    }

    /// An active pull request into main; answers its id.
    pub fn open(&mut self, by: By<'_>, proposal: &Proposal<'_>) -> Result<i32, GitError> {
        let (repository, repo) = self.repo(proposal.repository)?;
        let tip = |branch: &str| repo.tip(branch)?.ok_or_else(|| GitError::NoVersion(branch.to_owned()));
        let (source, target) = (tip(proposal.branch)?, tip("main")?);
        let id = self.world.next_pull_request_id();
        let mut row = PullRequest::new(
            id,
            repository,
            self.person(by.who),
            self.at(by.ago),
            proposal.title,
            (&format!("refs/heads/{}", proposal.branch), &source),
            ("refs/heads/main", &target),
        );
        row.description = Some(proposal.description.to_owned());
        row.reviewers = proposal.reviewers.iter().map(|alias| Reviewer::new(self.person(alias))).collect();
        row.labels =
            proposal.labels.iter().map(|name| Label { id: Uuid::new_v5(&repository, name.as_bytes()), name: (*name).to_owned() }).collect();
        let common = repo.merge_base(&target, &source)?;
        for iteration in &mut row.iterations {
            iteration.common.clone_from(&common);
        }
        self.world.pull_requests.insert(id, row);
        Ok(id)
    }

    /// One more commit on the branch of an active pull request.
    pub fn push_to(&mut self, id: i32, by: By<'_>, message: &str, files: &[(&str, &str)]) -> Result<(), GitError> {
        let Some(row) = self.world.pull_request(id).cloned() else { return Ok(()) };
        let name = self.world.repository(row.repository).map_or_else(String::new, |repository| repository.name.clone());
        self.commit(&name, row.source_ref.trim_start_matches("refs/heads/"), by, message, files)?;
        let head = self.repo_of(row.repository)?.tip(&row.source_ref)?.ok_or_else(|| GitError::NoVersion(row.source_ref.clone()))?;
        let (person, when) = (self.person(by.who), self.at(by.ago));
        self.edit(id, |row| {
            let last = row.iterations.last().cloned();
            row.iterations.extend(last.map(|last| Iteration {
                id: last.id + 1,
                author: person,
                created: when,
                source: head.clone(),
                reason: IterationReason::Push,
                ..last
            }));
        });
        let pushed = Event::Push { by: person, ref_name: row.source_ref, commits: vec![head.clone()], head };
        note(self.world, id, pushed, when);
        Ok(())
    }

    /// Makes it a draft.
    pub fn draft(&mut self, id: i32) {
        self.edit(id, |row| row.is_draft = true);
    }

    pub fn vote(&mut self, id: i32, by: By<'_>, vote: i8) {
        let (person, when) = (self.person(by.who), self.at(by.ago));
        self.edit(id, |row| match row.reviewer_mut(person) {
            Some(reviewer) => reviewer.vote = vote,
            None => row.reviewers.push(Reviewer { vote, ..Reviewer::new(person) }),
        });
        note(self.world, id, Event::Vote { by: person, vote }, when);
    }

    /// A comment of its own thread; answers the thread's id.
    pub fn say(&mut self, id: i32, by: By<'_>, place: Option<(&str, u32)>, text: &str, status: ThreadStatus) -> i32 {
        let (person, when) = (self.person(by.who), self.at(by.ago));
        let thread = self.next_thread();
        self.edit(id, |row| {
            row.threads.push(Thread {
                id: thread,
                published: when,
                last_updated: when,
                comments: vec![comment(1, 0, person, when, text, CommentKind::Text)],
                status: Some(status),
                context: place.map(|(path, line)| {
                    serde_json::json!({
                        "filePath": path,
                        "rightFileStart": { "line": line, "offset": 1 },
                        "rightFileEnd": { "line": line, "offset": 2 },
                    })
                }),
                pull_request_context: place.map(|_| {
                    serde_json::json!({
                        "changeTrackingId": 1,
                        "iterationContext": {
                            "firstComparingIteration": 1, "secondComparingIteration": 1,
                        },
                    })
                }),
                properties: BTreeMap::new(),
                identities: Vec::new(),
                is_deleted: false,
                extra: Default::default(),
            });
        });
        thread
    }

    pub fn reply(&mut self, id: i32, thread: i32, by: By<'_>, text: &str) {
        let (person, when) = (self.person(by.who), self.at(by.ago));
        self.edit(id, |row| {
            if let Some(thread) = row.thread_mut(thread) {
                let next = i32::try_from(thread.comments.len()).unwrap_or(0) + 1;
                thread.last_updated = when;
                thread.comments.push(comment(next, 1, person, when, text, CommentKind::Text));
            }
        });
    }

    /// A status of the pull request, as its build posts it.
    pub fn status(&mut self, id: i32, ago: i64, name: &str, state: StatusState, text: &str) {
        let (when, erin) = (self.at(ago), self.person("erin"));
        self.edit(id, |row| {
            let next = i32::try_from(row.statuses.len()).unwrap_or(0) + 1;
            row.statuses.push(PrStatus {
                id: next,
                state,
                description: Some(text.to_owned()),
                context_name: name.to_owned(),
                context_genre: Some("continuous-integration".to_owned()),
                target_url: None,
                created: when,
                updated: when,
                created_by: erin,
                iteration: None,
            });
        });
    }

    pub fn abandon(&mut self, id: i32, by: By<'_>) {
        let (person, when) = (self.person(by.who), self.at(by.ago));
        self.edit(id, |row| {
            row.state = PrState::Abandoned;
            row.closed = Some(when);
            row.closed_by = Some(person);
            row.merge.status = MergeStatus::NotSet;
        });
        self.note_status(id, person, "Abandoned", when);
    }

    /// Merges for real and deletes the source branch.
    pub fn complete(&mut self, id: i32, by: By<'_>, strategy: MergeStrategy) -> Result<(), GitError> {
        let Some(row) = self.world.pull_request(id).cloned() else {
            return Ok(());
        };
        let repo = self.repo_of(row.repository)?;
        let missing = |name: &str| GitError::NoVersion(name.to_owned());
        let source = repo.tip(&row.source_ref)?.ok_or_else(|| missing(&row.source_ref))?;
        let target = repo.tip("main")?.ok_or_else(|| missing("main"))?;
        let message = format!("Merged PR {id}: {}", row.title);
        let (person, when) = (self.person(by.who), self.at(by.ago));
        let author = By { who: &self.alias(row.created_by), ago: by.ago };
        let done = repo.complete(&Completion {
            target_ref: "refs/heads/main",
            target_tip: &target,
            source_tip: &source,
            strategy: match strategy {
                MergeStrategy::NoFastForward => Strategy::NoFastForward,
                MergeStrategy::Squash => Strategy::Squash,
                MergeStrategy::Rebase => Strategy::Rebase,
                MergeStrategy::RebaseMerge => Strategy::RebaseMerge,
            },
            message: &message,
            author: self.stamp(author),
            committer: self.stamp(by),
        })?;
        repo.update_ref(&row.source_ref, &source, ZERO_ID, crate::sim::git::RewriteRule::Anything)?;
        let moved = RefMove { name: "refs/heads/main".to_owned(), old: target.clone(), new: done.commit.clone() };
        self.push(row.repository, by, moved, vec![done.commit.clone()]);
        let gone = RefMove { name: row.source_ref.clone(), old: source.clone(), new: ZERO_ID.to_owned() };
        self.push(row.repository, by, gone, Vec::new());
        if let Some(repository) = self.world.repository_mut(row.repository) {
            repository.refs.remove(&row.source_ref);
        }
        self.edit(id, |row| {
            row.state = PrState::Completed;
            row.closed = Some(when);
            row.closed_by = Some(person);
            row.merge.status = MergeStatus::Succeeded;
            row.merge.source = source;
            row.merge.target = target;
            row.merge.commit = Some(done.commit);
            row.completion =
                Some(CompletionOptions { strategy, delete_source_branch: true, message: Some(message), ..CompletionOptions::default() });
        });
        self.note_status(id, person, "Completed", when);
        Ok(())
    }

    pub fn world(&mut self) -> &mut World {
        self.world
    }

    /// Tells what happened in one repository, in one go, up to the merges of the pull requests that are active at the end.
    pub fn in_repository(&mut self, name: &str, tell: impl FnOnce(&mut Self, &str) -> Result<(), GitError>) -> Result<(), GitError> {
        let (id, repo) = self.repo(name)?;
        repo.in_one_pack(|| {
            tell(self, name)?;
            self.try_merges(id, &repo)
        })?;
        if let Some(row) = self.world.repository_mut(id) {
            row.size = i64::try_from(repo.size()).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    fn try_merges(&mut self, repository: Uuid, repo: &Repo) -> Result<(), GitError> {
        let active: Vec<_> =
            self.world.pull_requests.values().filter(|row| row.repository == repository && row.is_active()).cloned().collect();
        for row in active {
            let (source, target) = (repo.tip(&row.source_ref)?, repo.tip(&row.target_ref)?);
            let (Some(source), Some(target)) = (source, target) else {
                continue;
            };
            let who = self.alias(row.created_by);
            let ago = self.start.duration_since(row.created).as_mins();
            let preview = repo.merge_preview(
                &source,
                &target,
                &format!("refs/pull/{}/merge", row.id),
                &format!("Merge pull request {} from {} into main", row.id, row.source_ref),
                &self.stamp(By { who: &who, ago }),
            )?;
            self.edit(row.id, |row| {
                row.merge.source = source;
                row.merge.target = target;
                (row.merge.status, row.merge.commit) = match preview {
                    MergePreview::Clean { commit, .. } => (MergeStatus::Succeeded, Some(commit)),
                    MergePreview::Conflicts(_) => (MergeStatus::Conflicts, None),
                };
            });
        }
        Ok(())
    }

    pub fn person(&self, alias: &str) -> Uuid {
        self.world.user_named(alias).map_or(Uuid::nil(), |user| user.id)
    }

    pub fn repository_id(&self, name: &str) -> Uuid {
        self.repo(name).map_or(Uuid::nil(), |(id, _)| id)
    }

    /// A moment; its seconds come from the seed, so that rows do not all fall on the minute.
    pub fn at(&self, ago: i64) -> Timestamp {
        let mixed = (self.seed ^ ago.unsigned_abs()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let seconds = i64::try_from(mixed % 50).unwrap_or(0);
        self.start - SignedDuration::from_secs(ago * 60 - seconds)
    }

    fn stamp(&self, by: By<'_>) -> Stamp {
        let when = self.at(by.ago);
        match self.world.user_named(by.who) {
            Some(user) => Stamp::new(&user.display_name, &user.unique_name, when),
            None => Stamp::new(by.who, "nobody@lumen.example", when),
        }
    }

    fn alias(&self, id: Uuid) -> String {
        self.world.user(id).map_or_else(String::new, |user| user.alias().to_owned())
    }

    fn note_status(&mut self, id: i32, by: Uuid, word: &'static str, when: Timestamp) {
        note(self.world, id, Event::Status { by, word }, when);
    }

    fn repo(&self, name: &str) -> Result<(Uuid, Repo), GitError> {
        let row = self.world.repositories.iter().find(|row| row.name == name);
        let id = row.map_or(Uuid::nil(), |row| row.id);
        Ok((id, self.repo_of(id)?))
    }

    fn repo_of(&self, id: Uuid) -> Result<Repo, GitError> {
        let repo = self.repos.get(&id).cloned();
        repo.ok_or_else(|| GitError::NoVersion(format!("repository {id}")))
    }

    fn push(&mut self, repository: Uuid, by: By<'_>, moved: RefMove, commits: Vec<String>) {
        let row =
            Push { id: self.world.next_push_id(), repository, by: self.person(by.who), date: self.at(by.ago), moves: vec![moved], commits };
        self.world.pushes.push(row);
    }

    fn next_thread(&mut self) -> i32 {
        self.world.next_thread_id()
    }

    fn edit(&mut self, id: i32, change: impl FnOnce(&mut PullRequest)) {
        if let Some(row) = self.world.pull_request_mut(id) {
            change(row);
        }
    }
}

fn comment(id: i32, parent: i32, author: Uuid, when: Timestamp, text: &str, kind: CommentKind) -> Comment {
    Comment {
        id,
        parent,
        author,
        content: Some(text.to_owned()),
        kind,
        published: when,
        last_updated: when,
        last_content_updated: when,
        is_deleted: false,
        liked_by: Vec::new(),
    }
}
