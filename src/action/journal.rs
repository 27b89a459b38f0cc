//! The journal of one run: what was intended before the first step, and what was done after each.
//!
//! An entry that was begun and not finished marks an interrupted run; the next run of the same action on the same subject takes it over,
//! with the intent that was written down then, so that it finishes the same branch or pull request instead of beginning another.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::store::{JournalId, Store};

use super::error::{Error, Result};
use super::reporter::Reporter;

/// A begun entry of the journal.
pub(super) struct Journal<I> {
    store: Store,
    clock: Clock,
    id: JournalId,
    action: &'static str,
    /// What the first run wrote down.
    pub intent: I,
    /// Whether an interrupted run was taken over.
    pub resumed: bool,
    steps: Vec<(String, String)>,
}

impl<I: Serialize + DeserializeOwned> Journal<I> {
    /// The intent of an interrupted run, if there is one. Changes nothing.
    pub async fn interrupted(store: &Store, action: &'static str, subject: &str) -> Result<Option<I>> {
        let entry = store.open_journal(action, subject).await?;
        Ok(entry.and_then(|entry| serde_json::from_str(&entry.payload).ok()))
    }

    /// Begins with `intent`. An interrupted run that left nothing behind is closed: there is nothing of it to finish.
    pub async fn begin_anew(store: &Store, clock: &Clock, action: &'static str, subject: &str, intent: I) -> Result<Self> {
        close_interrupted(store, clock, action, subject).await?;
        Self::begin(store, clock, action, subject, intent).await
    }

    /// Takes over an interrupted run, or begins one with `intent`.
    pub async fn begin(store: &Store, clock: &Clock, action: &'static str, subject: &str, intent: I) -> Result<Self> {
        let (store, clock) = (store.clone(), clock.clone());
        if let Some(entry) = store.open_journal(action, subject).await? {
            if let Ok(intent) = serde_json::from_str(&entry.payload) {
                return Ok(Self { store, clock, id: entry.id, action, intent, resumed: true, steps: entry.steps });
            }
            // An entry of another version that can't be read says nothing about what to resume: close it and begin anew.
            store.finish(entry.id, clock.now()).await?;
        }
        let payload = serde_json::to_string(&intent).unwrap_or_default();
        let id = store.begin(action, subject, &payload, clock.now()).await?;
        kill_point(action, "begin", "recorded");
        Ok(Self { store, clock, id, action, intent, resumed: false, steps: Vec::new() })
    }
}

/// Closes an interrupted run of which nothing is left to finish.
pub(super) async fn close_interrupted(store: &Store, clock: &Clock, action: &str, subject: &str) -> Result<()> {
    if let Some(entry) = store.open_journal(action, subject).await? {
        store.finish(entry.id, clock.now()).await?;
    }
    Ok(())
}

impl<I> Journal<I> {
    /// For a step that is written down in the transaction of what it changes.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Takes note of a step that such a transaction has written down.
    pub fn was_recorded(&mut self, step: &str, detail: &str) {
        self.steps.push((step.to_owned(), detail.to_owned()));
        kill_point(self.action, step, "recorded");
    }

    /// What an earlier run wrote down for a step.
    pub fn recorded(&self, step: &str) -> Option<&str> {
        self.steps.iter().rev().find(|(name, _)| name == step).map(|(_, detail)| detail.as_str())
    }

    /// Writes down that a step is done.
    pub async fn record(&mut self, step: &str, detail: &str) -> Result<()> {
        kill_point(self.action, step, "done");
        self.store.step(self.id, step, detail, self.clock.now()).await?;
        self.steps.push((step.to_owned(), detail.to_owned()));
        kill_point(self.action, step, "recorded");
        Ok(())
    }

    /// Closes the entry: nothing is left to resume.
    pub async fn finish(self) -> Result<()> {
        self.store.finish(self.id, self.clock.now()).await?;
        kill_point(self.action, "finish", "recorded");
        Ok(())
    }
}

/// Marks a step as failed on the reporter and names it, with what is done, in the error.
pub(super) fn at_step<T>(reporter: &Reporter, action: &'static str, step: &str, result: Result<T>) -> Result<T> {
    result.map_err(|source| {
        reporter.failed(step, source.to_string());
        match source {
            step @ Error::Step { .. } => step,
            source => Error::Step { action, step: step.to_owned(), done: reporter.finished(), source: Box::new(source) },
        }
    })
}

/// Where tests of interruption end the process: `KANADO_TEST_KILL_AT=start.branch.done` kills it with SIGKILL after the branch is made
/// and before that is journalled, `start.branch.recorded` just after; `KANADO_TEST_PANIC_AT` panics there instead. Unset, it costs two
/// looks at the environment a step.
pub(super) fn kill_point(action: &str, step: &str, moment: &str) {
    let is_wanted = |name: &str| std::env::var_os(name).is_some_and(|wanted| wanted == format!("{action}.{step}.{moment}").as_str());
    if is_wanted("KANADO_TEST_KILL_AT") {
        #[cfg(unix)]
        // SAFETY: `kill` and `getpid` take and return plain integers.
        unsafe {
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
        #[cfg(not(unix))]
        std::process::abort();
    }
    assert!(!is_wanted("KANADO_TEST_PANIC_AT"), "a test asked for a panic at {action}.{step}.{moment}");
}
