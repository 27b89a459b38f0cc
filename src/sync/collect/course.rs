//! The collection of one project under way: where each source is, what was kept of it, and what went wrong.
//!
//! A page and the cursor after it are kept in one transaction; within a source one after the other, so that no cursor is lost to
//! another one. Pages of all projects stand in one line before the store: whoever else writes - a person at the board, above all - waits
//! for one page and not for forty, and on a slow machine no page runs out of the time that the store gives to get hold of it. A source
//! that is refused or fails stops alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{MutexGuard, OnceCell, Semaphore, SemaphorePermit, watch};

use super::cursor::{Cursor, Place, Step};
use super::plan::Operation;
use super::progress::{Progress, ProjectProgress, SourceProgress, State};
use super::trouble::Trouble;
use super::{Job, Settings};
use crate::ado::{self, ErrorKind, RepoRef};
use crate::clock::Clock;
use crate::domain::collection::{Source, SourceState};
use crate::domain::id::RepositoryId;
use crate::domain::project::{Project, Repository};
use crate::store::{self, Engine, PageDone, PassEnd, Store};

/// After so many failures in a row a source is left alone until the next pass.
const MOST_FAILURES: u32 = 5;

/// What all projects of a pass share.
pub struct Shared<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub settings: &'a Settings,
    pub progress: &'a watch::Sender<Progress>,
    line: Semaphore,
}

impl<'a> Shared<'a> {
    pub fn new(store: &'a Store, clock: &'a Clock, settings: &'a Settings, progress: &'a watch::Sender<Progress>) -> Self {
        let at_once = match store.engine() {
            Engine::Sqlite => 1,
            // Half of the connections that write.
            Engine::Postgres => 4,
        };
        Self { store, clock, settings, progress, line: Semaphore::new(at_once) }
    }
}

/// Why an operation stopped.
#[derive(Debug)]
pub enum Stop {
    Ado(ado::Error),
    /// The store's trouble ends the whole pass.
    Store(store::Error),
    /// The repository can't be seen in this pass.
    Hidden,
}

impl From<ado::Error> for Stop {
    fn from(error: ado::Error) -> Self {
        Self::Ado(error)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// A project's collection under way.
pub struct Course<'a> {
    pub shared: &'a Shared<'a>,
    pub job: &'a Job,
    /// Facts are wanted since then.
    pub from: Timestamp,
    /// As they were when the pass began.
    first: Vec<Repository>,
    /// Its place in the progress.
    at: usize,
    tracks: BTreeMap<Source, Track>,
    /// Azure DevOps cannot be reached, or the token is of no use: nothing more is asked.
    down: AtomicBool,
    is_token_refused: AtomicBool,
    /// Listed at most once in a pass.
    listed: OnceCell<Vec<Repository>>,
    /// Repositories that were not there when something in them was asked for: deleted, or hidden from the token. Not asked about again
    /// in this pass, and by the next.
    hidden: Mutex<BTreeSet<RepositoryId>>,
}

struct Track {
    cursor: tokio::sync::Mutex<Cursor>,
    standing: Mutex<Standing>,
}

/// How a source stands in this pass.
#[derive(Debug, Clone, Default)]
struct Standing {
    begun: Timestamp,
    was_refused: bool,
    was_backfilled: bool,
    /// When the last whole pass began.
    synced_at: Option<Timestamp>,
    done: i64,
    total: Option<i64>,
    failures: u32,
    failed: Option<String>,
    refused: Option<String>,
    is_over: bool,
}

impl<'a> Course<'a> {
    /// Goes on with the passes that were begun, and begins the others.
    pub async fn open(shared: &'a Shared<'a>, job: &'a Job, at: usize) -> store::Result<Self> {
        let (store, project, now) = (shared.store, &job.project, shared.clock.now());
        let collection = store.collection(project.id).await?;
        let from = collection.from.unwrap_or(now);
        let first = store.repositories(project.id).await?;
        let pushes = Cursor::read(store.source_cursor(project.id, Source::Pushes).await?.as_deref());
        let names = || first.iter().filter(|repository| !repository.disabled).map(|repository| repository.id.to_string());
        let readable = || names().filter(|name| !pushes.has_hidden(name)).collect();
        let mut tracks = BTreeMap::new();
        for source in Source::ALL {
            let state = collection.source(source).cloned().unwrap_or_else(|| SourceState::new(source));
            let mut cursor = Cursor::read(store.source_cursor(project.id, source).await?.as_deref());
            if matches!(source, Source::PullRequests | Source::Builds | Source::Releases) {
                cursor.see(readable(), now);
            }
            let goes_on = cursor.pass().is_some();
            let begun = cursor.begin(now);
            let done = if goes_on { state.done } else { 0 };
            let (was_refused, was_backfilled) = (state.refused.is_some(), state.backfilled_at.is_some());
            let synced_at = state.synced_at.filter(|_| was_backfilled);
            let standing = Standing { begun, was_refused, was_backfilled, synced_at, done, ..Standing::default() };
            tracks.insert(source, Track { cursor: tokio::sync::Mutex::new(cursor), standing: Mutex::new(standing) });
        }
        let (down, is_token_refused) = (AtomicBool::new(false), AtomicBool::new(false));
        let course =
            Self { shared, job, from, first, at, tracks, down, is_token_refused, listed: OnceCell::new(), hidden: Mutex::default() };
        course.show();
        Ok(course)
    }

    pub fn store(&self) -> &'a Store {
        self.shared.store
    }

    pub fn client(&self) -> &'a ado::Client {
        &self.job.client
    }

    pub fn project(&self) -> &'a Project {
        &self.job.project
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// A repository by its row, as the client names it; nothing for one that cannot be read.
    pub fn repo(&self, id: RepositoryId) -> Option<RepoRef<'_>> {
        let found = self.repositories().iter().find(|repository| repository.id == id && !repository.disabled && !self.is_hidden(id))?;
        Some(RepoRef { project: &self.project().guid, repository: &found.guid })
    }

    fn hidden(&self) -> std::sync::MutexGuard<'_, BTreeSet<RepositoryId>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_hidden(&self, id: RepositoryId) -> bool {
        self.hidden().contains(&id)
    }

    pub fn repositories(&self) -> &[Repository] {
        self.listed.get().unwrap_or(&self.first)
    }

    /// Lists the project's repositories again, once a pass: somebody named one that is not known.
    pub async fn list_repositories(&self) -> Result<(), Stop> {
        if self.listed.initialized() {
            return Ok(());
        }
        let listed = self.client().repositories(&self.project().guid).await?;
        self.store().put_repositories(self.project().id, &listed).await?;
        // It is no page of a source, and a call all the same.
        self.shared.progress.send_modify(|progress| progress.here += 1);
        // Two that list at once find the same.
        let _ = self.listed.set(self.store().repositories(self.project().id).await?);
        Ok(())
    }

    /// When the pass of a source began.
    pub fn begun(&self, source: Source) -> Timestamp {
        self.standing(source).begun
    }

    fn track(&self, source: Source) -> &Track {
        // Made for all of them.
        &self.tracks[&source]
    }

    fn standing(&self, source: Source) -> std::sync::MutexGuard<'_, Standing> {
        self.track(source).standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything more is asked of a source in this pass.
    pub fn may(&self, source: Source) -> bool {
        let standing = self.standing(source);
        !self.down.load(Ordering::Relaxed) && standing.refused.is_none() && standing.failures < MOST_FAILURES && !standing.is_over
    }

    /// Whether it was refused last time, so that one question is asked before the others.
    pub fn was_refused(&self, source: Source) -> bool {
        self.standing(source).was_refused
    }

    /// Whether it was read completely once.
    pub fn was_backfilled(&self, source: Source) -> bool {
        self.standing(source).was_backfilled
    }

    /// When the last pass over it began that read everything, unless more was asked for since.
    pub fn synced(&self, source: Source) -> Option<Timestamp> {
        self.standing(source).synced_at
    }

    /// Whether a unit is read as far back as is wanted.
    pub async fn covers(&self, operation: &Operation) -> bool {
        self.track(operation.source()).cursor.lock().await.covers(&operation.unit(), self.from)
    }

    pub fn is_token_refused(&self) -> bool {
        self.is_token_refused.load(Ordering::Relaxed)
    }

    /// Where to go on with an operation that has pages.
    pub async fn place(&self, operation: &Operation) -> Option<Place> {
        self.track(operation.source()).cursor.lock().await.place(&operation.unit(), self.from)
    }

    pub async fn restart(&self, operation: &Operation) {
        self.track(operation.source()).cursor.lock().await.restart(&operation.unit());
    }

    pub async fn looked(&self, source: Source, what: &str) -> Option<Timestamp> {
        self.track(source).cursor.lock().await.looked(what)
    }

    pub async fn has_lost(&self, source: Source, what: &str) -> bool {
        self.track(source).cursor.lock().await.has_lost(what)
    }

    /// The source's cursor for as long as a page is kept, when its turn at the store has come.
    pub async fn turn(&self, source: Source) -> Turn<'_, 'a> {
        let guard = self.track(source).cursor.lock().await;
        // The line is never closed, so this is always a place in it.
        let place = self.shared.line.acquire().await.ok();
        let next = guard.clone();
        Turn { course: self, source, guard, next, more: 0, _place: place }
    }

    /// So many calls a source makes from here on.
    pub fn expect(&self, source: Source, calls: usize) {
        let mut standing = self.standing(source);
        standing.total = Some(standing.done + i64::try_from(calls).unwrap_or(i64::MAX));
        drop(standing);
        self.show();
    }

    /// Takes note of how an operation ended.
    ///
    /// # Errors
    /// The store's trouble is passed on.
    pub fn take<T>(&self, source: Source, result: Result<T, Stop>) -> store::Result<Option<T>> {
        let error = match result {
            Ok(done) => {
                self.standing(source).failures = 0;
                return Ok(Some(done));
            }
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Hidden) => return Ok(None),
            Err(Stop::Ado(error)) => error,
        };
        if matches!(error.kind(), ErrorKind::BadToken | ErrorKind::TokenExpired) {
            self.is_token_refused.store(true, Ordering::Relaxed);
        }
        let trouble = Trouble::of(&error, source, &self.project().name);
        let mut standing = self.standing(source);
        match trouble {
            Trouble::Gone => {}
            Trouble::Refused(words) => {
                standing.refused.get_or_insert(words);
            }
            Trouble::Failed { words, everywhere } => {
                standing.failures += 1;
                standing.failed.get_or_insert(words);
                if everywhere {
                    self.down.store(true, Ordering::Relaxed);
                }
            }
        }
        drop(standing);
        self.show();
        Ok(None)
    }

    /// As [`Course::take`], of an operation in a repository: whether it is there, every other question in it will say the same.
    pub fn take_of<T>(&self, source: Source, repository: RepositoryId, result: Result<T, Stop>) -> store::Result<Option<T>> {
        if let Err(Stop::Ado(error)) = &result
            && *error.kind() == ErrorKind::RepositoryMissing
        {
            self.hidden().insert(repository);
        }
        self.take(source, result)
    }

    /// Remembers that a repository could not be seen, so that it is noticed when it can be again.
    pub async fn hide(&self, repository: RepositoryId) -> store::Result<()> {
        let mut turn = self.turn(Source::Pushes).await;
        turn.next.hide(repository.to_string());
        self.store().put_page(self.project().id, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    /// Refuses a source for which another one that is refused is needed first.
    pub fn refuse_with(&self, source: Source, needed: Source) {
        let words = self.standing(needed).refused.clone();
        if let Some(words) = words {
            self.standing(source).refused.get_or_insert(words);
            self.show();
        }
    }

    /// Writes down how the pass of a source ended. Facts are as old as its beginning.
    pub async fn end(&self, source: Source) -> store::Result<()> {
        let (end, begun) = {
            let standing = self.standing(source);
            if standing.is_over {
                return Ok(());
            }
            let end = match (&standing.refused, &standing.failed, self.down.load(Ordering::Relaxed)) {
                (Some(words), ..) => PassEnd::Refused { words: words.clone(), at: self.now() },
                (None, Some(words), _) => PassEnd::Failed { words: words.clone(), at: self.now() },
                (None, None, true) => PassEnd::Failed { words: self.why_down(), at: self.now() },
                (None, None, false) => PassEnd::Complete { synced_at: standing.begun },
            };
            (end, standing.begun)
        };
        let is_complete = matches!(end, PassEnd::Complete { .. });
        if is_complete {
            let mut turn = self.turn(source).await;
            if turn.next.pass() == Some(begun) {
                turn.next.end();
                turn.more = -1;
                self.store().put_page(self.project().id, turn.page()).await?;
                turn.keep();
            }
        }
        self.store().end_pass(self.project().id, source, end).await?;
        self.standing(source).is_over = true;
        self.show();
        Ok(())
    }

    /// Why nothing is asked any more, as another source met it.
    fn why_down(&self) -> String {
        let words = self.tracks.values().find_map(|track| track.standing.try_lock().ok()?.failed.clone());
        words.unwrap_or_else(|| "Azure DevOps is out of reach".to_owned())
    }

    /// How it stands, for whoever watches.
    fn show(&self) {
        let sources = Source::ALL.map(|source| {
            let standing = self.standing(source);
            let state = match (&standing.refused, &standing.failed) {
                (Some(words), _) => State::Refused(words.clone()),
                (None, Some(words)) if standing.is_over => State::Failed(words.clone()),
                _ if standing.is_over && self.down.load(Ordering::Relaxed) => State::Failed(String::new()),
                _ if standing.is_over => State::Done,
                _ if standing.done > 0 => State::Running,
                _ => State::Waiting,
            };
            SourceProgress { source, done: standing.done, total: standing.total, state }
        });
        let row = ProjectProgress { project: self.project().id, name: self.project().name.clone(), sources: sources.into() };
        self.shared.progress.send_modify(|progress| {
            if let Some(known) = progress.projects.get_mut(self.at) {
                *known = row;
            }
        });
    }
}

/// A source's cursor while a page is being kept: what is not kept leaves it as it was.
pub struct Turn<'c, 'a> {
    course: &'c Course<'a>,
    source: Source,
    guard: MutexGuard<'c, Cursor>,
    next: Cursor,
    /// Calls to add to what is done, besides the one that this page took.
    more: i64,
    _place: Option<SemaphorePermit<'c>>,
}

impl Turn<'_, '_> {
    /// What the page of an operation led to.
    pub fn step(&mut self, operation: &Operation, place: &Place, step: Step) {
        self.next.step(&operation.unit(), place, self.course.from, step);
    }

    /// This page stands for so many calls.
    pub fn calls(&mut self, calls: usize) {
        self.more = i64::try_from(calls).unwrap_or(i64::MAX) - 1;
    }

    /// A repository answers.
    pub fn show(&mut self, repository: RepositoryId) {
        self.next.show(&repository.to_string());
    }

    pub fn look(&mut self, what: impl Into<String>, at: Timestamp) {
        self.next.look(what, at);
    }

    pub fn lose(&mut self, what: impl Into<String>) {
        self.next.lose(what);
    }

    /// What is kept with the rows.
    pub fn page(&self) -> PageDone {
        let standing = self.course.standing(self.source);
        let done = standing.done + 1 + self.more;
        PageDone { source: self.source, cursor: Some(self.next.write()), done, total: standing.total.map(|total| total.max(done)) }
    }

    /// The rows are kept.
    pub fn keep(mut self) {
        *self.guard = std::mem::take(&mut self.next);
        let calls = 1 + self.more;
        {
            let mut standing = self.course.standing(self.source);
            standing.done += calls;
            standing.total = standing.total.map(|total| total.max(standing.done));
        }
        self.course.shared.progress.send_modify(|progress| progress.here += calls);
        self.course.show();
    }
}
