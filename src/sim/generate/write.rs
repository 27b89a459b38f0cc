//! Writes a planned history into bare repositories: every commit, merge and preview as a real object.
//!
//! Trees are put together here rather than merged by git: pull requests touch files of their own, so the result is the same
//! and costs a hundredth. Limits: folders are one level deep.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use git2::Oid;
use jiff::Timestamp;
use uuid::Uuid;

use super::history::{Event, History, What};
use super::layout::Layout;
use super::request::{Commit, Edit, Request};
use super::words;
use crate::sim::git::bulk::Objects;
use crate::sim::git::{GitError, Repo, Stamp};
use crate::sim::host::git_path;
use crate::sim::world::{MergeStrategy, PrState, World};

/// The objects of one repository's history.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Tips of main, by position.
    pub main: Vec<String>,
    /// What each move brought, oldest first.
    pub brought: Vec<Vec<String>>,
    /// By index of the pull request.
    pub requests: BTreeMap<usize, WrittenRequest>,
    pub size: u64,
}

#[derive(Debug, Default)]
pub(super) struct WrittenRequest {
    /// The branch after each push.
    pub tips: Vec<String>,
    /// The commits that each push brought.
    pub pushed: Vec<Vec<String>>,
    /// Main and the merge into it, as they were at each push.
    pub targets: Vec<String>,
    pub previews: Vec<String>,
    pub base: String,
    /// The merge with main as it is at the end; of an open pull request.
    pub last_preview: Option<String>,
    /// Main before and after the merge.
    pub merged: Option<(String, String)>,
}

/// Who signs, by identity.
type Names = BTreeMap<Uuid, (String, String)>;

/// Writes all repositories, several at a time; by place.
pub(super) fn write(world: &World, git_root: &Path, layout: &Layout, history: &History) -> Result<Vec<Written>, GitError> {
    let names: Names = world.users.iter().map(|user| (user.id, (user.display_name.clone(), user.unique_name.clone()))).collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    let work = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = layout.places.get(place) else { return Ok(done) };
            let repo = Repo::at(git_path(git_root, row.id), "main");
            done.push((place, one(&repo, place, history, &names)?));
        }
    };
    let results: Vec<Result<Vec<(usize, Written)>, GitError>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // A panic in a worker goes on in the caller.
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut written: Vec<Written> = layout.places.iter().map(|_| Written::default()).collect();
    for result in results {
        for (place, row) in result? {
            written[place] = row;
        }
    }
    Ok(written)
}

fn one(repo: &Repo, place: usize, history: &History, names: &Names) -> Result<Written, GitError> {
    let mut written = repo.write_objects(|objects| {
        let mut scribe = Scribe { objects, names, serial: 0 };
        scribe.tell(&history.lines[place], place, &history.requests)
    })?;
    written.size = repo.size();
    Ok(written)
}

/// A tree: the files of each folder, `""` being the root.
#[derive(Debug, Clone, Default)]
struct Tree {
    folders: BTreeMap<String, Arc<Folder>>,
    id: Option<Oid>,
}

#[derive(Debug, Clone, Default)]
struct Folder {
    files: BTreeMap<String, Oid>,
    /// Absent while it is not written, and at the root.
    id: Option<Oid>,
}

/// The files that a change leaves behind, and those it removes.
type Overlay = BTreeMap<String, Option<Oid>>;

struct Scribe<'a, 'o> {
    objects: &'a Objects<'o>,
    names: &'a Names,
    serial: u32,
}

/// A branch of a pull request as it is written.
struct Branch {
    /// Ids, and the tree after each.
    commits: Vec<(Oid, Overlay)>,
    discarded: Vec<(Oid, Overlay)>,
}

/// Where main was: its tip and its tree.
#[derive(Clone)]
struct Point {
    id: Oid,
    tree: Tree,
}

impl Scribe<'_, '_> {
    fn tell(&mut self, line: &[Event], place: usize, requests: &[Request]) -> Result<Written, GitError> {
        let mut written = Written::default();
        let mut points: Vec<Point> = Vec::new();
        let mut branches: BTreeMap<usize, Branch> = BTreeMap::new();
        for event in line {
            let before = points.last().cloned();
            let (point, brought) = match &event.what {
                What::Direct { commits } => self.push(before, commits)?,
                What::Merge(index) => {
                    let (request, before) = (&requests[*index], before.unwrap_or_else(|| unreachable!("a root is first")));
                    let branch = self.branch(request, &points)?;
                    let merged = self.merge(request, event, &branch, &before)?;
                    branches.insert(*index, branch);
                    merged
                }
            };
            written.main.push(point.id.to_string());
            written.brought.push(brought.iter().map(Oid::to_string).collect());
            points.push(point);
        }
        for (index, request) in requests.iter().enumerate().filter(|(_, request)| request.place == place) {
            let branch = match branches.remove(&index) {
                Some(branch) => branch,
                None => self.branch(request, &points)?,
            };
            let row = self.previews(request, &branch, line, &points)?;
            written.requests.insert(index, row);
        }
        if let Some(last) = points.last() {
            self.objects.point("refs/heads/main", last.id)?;
        }
        Ok(written)
    }

    /// Direct commits on top of main.
    fn push(&mut self, before: Option<Point>, commits: &[Commit]) -> Result<(Point, Vec<Oid>), GitError> {
        let mut at = before;
        let mut brought = Vec::new();
        for commit in commits {
            let mut tree = at.as_ref().map(|point| point.tree.clone()).unwrap_or_default();
            let overlay = self.overlay(&commit.edits)?;
            self.apply(&mut tree, &overlay)?;
            let parents: Vec<Oid> = at.iter().map(|point| point.id).collect();
            let id = self.commit(commit, &mut tree, &parents)?;
            brought.push(id);
            at = Some(Point { id, tree });
        }
        match at {
            Some(point) => Ok((point, brought)),
            None => unreachable!("the root has a commit"),
        }
    }

    /// The commits of a branch on its base.
    fn branch(&mut self, request: &Request, points: &[Point]) -> Result<Branch, GitError> {
        let base = &points[request.base];
        let mut lines = Vec::new();
        for commits in [&request.discarded, &request.commits] {
            let (mut parent, mut tree) = (base.id, base.tree.clone());
            let (mut sum, mut line) = (Overlay::new(), Vec::new());
            for commit in commits {
                let overlay = self.overlay(&commit.edits)?;
                self.apply(&mut tree, &overlay)?;
                sum.extend(overlay);
                parent = self.commit(commit, &mut tree, &[parent])?;
                line.push((parent, sum.clone()));
            }
            lines.push(line);
        }
        let (commits, discarded) = (lines.pop().unwrap_or_default(), lines.pop().unwrap_or_default());
        Ok(Branch { commits, discarded })
    }

    /// What completing does, as the strategy says.
    fn merge(&mut self, request: &Request, event: &Event, branch: &Branch, before: &Point) -> Result<(Point, Vec<Oid>), GitError> {
        let overlay = branch.commits.last().map(|(_, overlay)| overlay.clone()).unwrap_or_default();
        let source = branch.commits.last().map_or(before.id, |(id, _)| *id);
        let message = format!("Merged PR {}: {}", request.id, request.title);
        let closing =
            |author: Uuid, message: String| Commit { author, authored: event.at, committed: event.at, message, edits: Vec::new() };
        let mut tree = before.tree.clone();
        let mut brought: Vec<Oid> = Vec::new();
        let (target, own) = (before.id, || branch.commits.iter().map(|(id, _)| *id));
        let id = match request.wish.strategy {
            MergeStrategy::Squash => {
                self.apply(&mut tree, &overlay)?;
                self.signed(&closing(request.author, message), event.by, &mut tree, &[target])?
            }
            MergeStrategy::NoFastForward => {
                self.apply(&mut tree, &overlay)?;
                brought.extend(own());
                self.signed(&closing(event.by, message), event.by, &mut tree, &[target, source])?
            }
            MergeStrategy::Rebase | MergeStrategy::RebaseMerge => {
                let mut tip = target;
                if Some(request.base + 1) == request.merged {
                    // It stands on main's tip already: nothing is replayed.
                    self.apply(&mut tree, &overlay)?;
                    brought.extend(own());
                    tip = source;
                } else {
                    for commit in &request.commits {
                        let step = self.overlay(&commit.edits)?;
                        self.apply(&mut tree, &step)?;
                        let replayed = Commit { committed: event.at, ..commit.clone() };
                        tip = self.signed(&replayed, event.by, &mut tree, &[tip])?;
                        brought.push(tip);
                    }
                }
                if request.wish.strategy == MergeStrategy::RebaseMerge {
                    tip = self.signed(&closing(event.by, message), event.by, &mut tree, &[target, tip])?;
                }
                tip
            }
        };
        if !brought.contains(&id) {
            brought.push(id);
        }
        Ok((Point { id, tree }, brought))
    }

    /// What the service merges for show after each push, and branches that are still there.
    fn previews(&mut self, request: &Request, branch: &Branch, line: &[Event], points: &[Point]) -> Result<WrittenRequest, GitError> {
        let mut row = WrittenRequest { base: points[request.base].id.to_string(), ..WrittenRequest::default() };
        let mut pushed = 0;
        for (turn, step) in request.steps.iter().enumerate() {
            let commits = if turn == 0 && !branch.discarded.is_empty() { &branch.discarded } else { &branch.commits };
            let Some((tip, overlay)) = commits.get(step.commits.max(1) - 1) else { continue };
            let position = line.iter().take_while(|event| event.at <= step.at).count().saturating_sub(1);
            let preview = self.preview(request, *tip, overlay, &points[position], step.at)?;
            row.tips.push(tip.to_string());
            row.targets.push(points[position].id.to_string());
            row.previews.push(preview.to_string());
            let from = if turn == 0 || (turn == 1 && !branch.discarded.is_empty()) { 0 } else { pushed };
            row.pushed.push(commits.iter().take(step.commits).skip(from).map(|(id, _)| id.to_string()).collect());
            pushed = step.commits;
        }
        if let Some(merged) = request.merged {
            row.merged = Some((points[merged - 1].id.to_string(), points[merged].id.to_string()));
        }
        let Some((tip, overlay)) = branch.commits.last() else { return Ok(row) };
        if request.state != PrState::Completed || keeps_branch(request) {
            self.objects.point(&format!("refs/heads/{}", request.branch), *tip)?;
        }
        if let (PrState::Active, Some(last)) = (request.state, points.last()) {
            let at = line.last().map_or(request.created, |event| event.at).max(request.created);
            let preview = self.preview(request, *tip, overlay, last, at)?;
            self.objects.point(&format!("refs/pull/{}/merge", request.id), preview)?;
            row.last_preview = Some(preview.to_string());
        }
        Ok(row)
    }

    fn preview(&mut self, request: &Request, tip: Oid, overlay: &Overlay, target: &Point, at: Timestamp) -> Result<Oid, GitError> {
        let mut tree = target.tree.clone();
        self.apply(&mut tree, overlay)?;
        let message = format!("Merge pull request {} from {} into main", request.id, request.branch);
        let commit = Commit { author: request.author, authored: at, committed: at, message, edits: Vec::new() };
        self.commit(&commit, &mut tree, &[target.id, tip])
    }

    fn overlay(&mut self, edits: &[Edit]) -> Result<Overlay, GitError> {
        let mut overlay = Overlay::new();
        for edit in edits {
            match edit {
                Edit::Write { path } => {
                    self.serial += 1;
                    let blob = self.objects.blob(words::content(path, self.serial).as_bytes())?;
                    overlay.insert(path.clone(), Some(blob));
                }
                Edit::Delete { path } => {
                    overlay.insert(path.clone(), None);
                }
            }
        }
        Ok(overlay)
    }

    fn apply(&mut self, tree: &mut Tree, overlay: &Overlay) -> Result<(), GitError> {
        for (path, blob) in overlay {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            let folder = Arc::make_mut(tree.folders.entry(folder.to_owned()).or_default());
            match blob {
                Some(blob) => folder.files.insert(file.to_owned(), *blob),
                None => folder.files.remove(file),
            };
            folder.id = None;
            tree.id = None;
        }
        Ok(())
    }

    fn tree(&mut self, tree: &mut Tree) -> Result<Oid, GitError> {
        if let Some(id) = tree.id {
            return Ok(id);
        }
        let mut entries: Vec<(Vec<u8>, bool, Oid)> = Vec::new();
        for (name, folder) in &mut tree.folders {
            let file = |(name, id): (&String, &Oid)| (name.clone().into_bytes(), false, *id);
            if name.is_empty() {
                entries.extend(folder.files.iter().map(file));
            } else if !folder.files.is_empty() {
                let id = match folder.id {
                    Some(id) => id,
                    None => {
                        let id = self.objects.tree(folder.files.iter().map(file).collect())?;
                        Arc::make_mut(folder).id = Some(id);
                        id
                    }
                };
                entries.push((name.clone().into_bytes(), true, id));
            }
        }
        let id = self.objects.tree(entries)?;
        tree.id = Some(id);
        Ok(id)
    }

    /// A commit that its author committed.
    fn commit(&mut self, commit: &Commit, tree: &mut Tree, parents: &[Oid]) -> Result<Oid, GitError> {
        self.signed(commit, commit.author, tree, parents)
    }

    fn signed(&mut self, commit: &Commit, committer: Uuid, tree: &mut Tree, parents: &[Oid]) -> Result<Oid, GitError> {
        let tree = self.tree(tree)?;
        let stamp = |who: Uuid, when: Timestamp| match self.names.get(&who) {
            Some((name, email)) => Stamp::new(name, email, when),
            None => Stamp::new("unknown", "unknown@invalid", when),
        };
        self.objects.commit(tree, parents, &stamp(commit.author, commit.authored), &stamp(committer, commit.committed), &commit.message)
    }
}

/// Most branches are deleted when they are merged.
pub(super) fn keeps_branch(request: &Request) -> bool {
    request.id % 5 == 0
}
