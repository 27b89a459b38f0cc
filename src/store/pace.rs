//! How often it is announced that facts for figures arrived: pages follow each other quickly, and whoever listens reads much again.
//!
//! [`Change::Facts`] of a project goes out at most once in [`PAUSE`]; what is held back goes out at its end, so that the last word is
//! never lost. The end of a pass, and what a person decides, is told at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::connect::Engine;
use super::{Inner, feed};
use crate::domain::change::Change;
use crate::domain::id::ProjectId;

const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
struct Spoken {
    at: Instant,
    /// Whether somebody will speak at the end of the pause.
    waiting: bool,
}

/// When facts of each project were last announced.
#[derive(Default)]
pub(super) struct Pace {
    projects: Mutex<HashMap<ProjectId, Spoken>>,
}

impl Pace {
    fn projects(&self) -> MutexGuard<'_, HashMap<ProjectId, Spoken>> {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next announcement of a project goes out at once.
    pub fn hurry(&self, project: ProjectId) {
        self.projects().remove(&project);
    }

    /// Takes out what is to be announced later, with when.
    pub fn hold_back(&self, changes: &mut Vec<Change>) -> Vec<(ProjectId, Instant)> {
        let now = Instant::now();
        let mut projects = self.projects();
        let mut later = Vec::new();
        changes.retain(|change| {
            let Change::Facts(project) = change else { return true };
            match projects.get(project) {
                Some(spoken) if now < spoken.at + PAUSE => {
                    later.push((*project, spoken.at + PAUSE));
                    false
                }
                Some(spoken) => {
                    let waiting = spoken.waiting;
                    projects.insert(*project, Spoken { at: now, waiting });
                    true
                }
                None => {
                    projects.insert(*project, Spoken { at: now, waiting: false });
                    true
                }
            }
        });
        later
    }

    /// Whether the caller is the one who is to speak at the end of the pause.
    fn takes_over(&self, project: ProjectId) -> bool {
        match self.projects().get_mut(&project) {
            Some(spoken) => !std::mem::replace(&mut spoken.waiting, true),
            // Told at once meanwhile: what was committed before that is covered by it, and this may have been after.
            None => true,
        }
    }

    fn speaks(&self, project: ProjectId) {
        self.projects().insert(project, Spoken { at: Instant::now(), waiting: false });
    }

    /// Those about whom something is still to be said.
    pub fn unsaid(&self) -> Vec<ProjectId> {
        let mut projects = self.projects();
        let waiting = projects.iter_mut().filter_map(|(project, spoken)| std::mem::take(&mut spoken.waiting).then_some(*project));
        waiting.collect()
    }
}

/// Announces at the end of the pause what [`Pace::hold_back`] took out, now that it is committed.
pub(super) fn announce_later(inner: &Arc<Inner>, later: Vec<(ProjectId, Instant)>) {
    for (project, due) in later {
        if inner.pace.takes_over(project) {
            tokio::spawn(announce(Arc::downgrade(inner), project, due));
        }
    }
}

async fn announce(inner: Weak<Inner>, project: ProjectId, due: Instant) {
    tokio::time::sleep_until(due).await;
    let Some(inner) = inner.upgrade() else { return };
    // Before the word: what is committed from here on asks for another one.
    inner.pace.speaks(project);
    say(&inner, project).await;
}

/// Announces to this process and, on a server, to the others. Whoever cannot be reached hears of the next commit.
pub(super) async fn say(inner: &Inner, project: ProjectId) {
    let change = Change::Facts(project);
    if inner.target.engine() == Engine::Postgres
        && let Ok(mut conn) = inner.writer.acquire().await
    {
        let _ = feed::send(&mut conn, inner.schema.number, &inner.name, std::slice::from_ref(&change)).await;
    }
    let _ = inner.changes.send(change);
}
