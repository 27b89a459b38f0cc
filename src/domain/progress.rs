//! How far a running action has come: a value that every screen and every format can show.

use serde::Serialize;

use super::id::TicketKey;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "detail")]
pub enum StepState {
    Waiting,
    Running,
    /// Done now; the text says what was made (`feature/KAN-4 at 1a2b3c4d`).
    Done(String),
    /// Was already so before this run.
    Already(String),
    Failed(String),
    Skipped(String),
}

/// One line of a plan, in the order it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Stable word for scripts and the journal: `branch`, `spec`, `status`.
    pub id: &'static str,
    /// Words for people: `create branch feature/KAN-4 from main at 1a2b3c4d`.
    pub words: String,
    pub state: StepState,
}

/// Everything a plan dialog, a status bar or `--json` needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// `start`, `spec push`, `pr`, `sync` ...
    pub action: &'static str,
    /// The ticket it concerns, if it is one.
    pub subject: Option<TicketKey>,
    pub steps: Vec<Step>,
}

impl Progress {
    /// `(finished, all)`.
    pub fn count(&self) -> (usize, usize) {
        let finished = self.steps.iter().filter(|s| matches!(s.state, StepState::Done(_) | StepState::Already(_) | StepState::Skipped(_)));
        (finished.count(), self.steps.len())
    }

    /// The step being carried out, else the next one waiting.
    pub fn current(&self) -> Option<&Step> {
        self.steps.iter().find(|s| s.state == StepState::Running).or_else(|| self.steps.iter().find(|s| s.state == StepState::Waiting))
    }

    /// `pushing spec 2/3` for a card or a status bar.
    pub fn summary(&self) -> String {
        let (done, all) = self.count();
        match self.current() {
            Some(step) => format!("{} {}/{all}", step.words, (done + 1).min(all)),
            None => format!("{} {done}/{all}", self.action),
        }
    }
}
