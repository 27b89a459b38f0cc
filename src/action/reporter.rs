//! How a running action tells how far it has come.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::id::TicketKey;
use crate::domain::progress::{Progress, Step, StepState};

type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Handed to every action; each change of a step reaches the listener at once.
#[derive(Clone)]
pub struct Reporter {
    progress: Arc<Mutex<Progress>>,
    listener: Listener,
}

impl Reporter {
    pub fn new(listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self { progress: Arc::new(Mutex::new(Progress { action: "", subject: None, steps: Vec::new() })), listener: Arc::new(listener) }
    }

    /// A reporter nobody listens to.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Announces the steps before the first of them.
    pub fn begin(&self, action: &'static str, subject: Option<&TicketKey>, steps: Vec<Step>) {
        self.change(|progress| *progress = Progress { action, subject: subject.cloned(), steps });
    }

    pub fn running(&self, step: &str) {
        self.set(step, StepState::Running);
    }

    pub fn done(&self, step: &str, words: impl Into<String>) {
        self.set(step, StepState::Done(words.into()));
    }

    pub fn already(&self, step: &str, words: impl Into<String>) {
        self.set(step, StepState::Already(words.into()));
    }

    pub fn skipped(&self, step: &str, words: impl Into<String>) {
        self.set(step, StepState::Skipped(words.into()));
    }

    pub fn failed(&self, step: &str, words: impl Into<String>) {
        self.set(step, StepState::Failed(words.into()));
    }

    /// Everything reported so far.
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The steps that are finished, by their stable words.
    pub fn finished(&self) -> Vec<String> {
        let progress = self.progress();
        let finished = progress.steps.iter().filter(|s| matches!(s.state, StepState::Done(_) | StepState::Already(_)));
        finished.map(|s| s.id.to_owned()).collect()
    }

    fn set(&self, step: &str, state: StepState) {
        self.change(|progress| {
            if let Some(found) = progress.steps.iter_mut().find(|s| s.id == step) {
                found.state = state;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        let snapshot = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut progress);
            progress.clone()
        };
        (self.listener)(&snapshot);
    }
}

/// A step that has not begun.
pub(crate) fn step(id: &'static str, words: impl Into<String>) -> Step {
    Step { id, words: words.into(), state: StepState::Waiting }
}
