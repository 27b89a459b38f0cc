//! What lies over a screen: one dialog at a time.

use jiff::{SignedDuration, Timestamp};

use super::form::{FormPhase, NewTicketForm, PullRequestForm};
use super::picker::Picker;
use super::text_field::TextField;
use super::webhooks::{HookDialog, SecretView};
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::notice::Notice;
use crate::tui::answer::{DiffLine, Plan, SpecConflict, StartPlan};
use crate::tui::effect::Collected;
use crate::tui::event::{Answer, Generation};
use crate::tui::key::Key;

/// Answers to a question are ignored for this long, and longer while the key that came in it repeats: a key typed for something
/// else never says yes.
pub const GUARD: SignedDuration = SignedDuration::from_millis(250);

/// Ignores keys that were not meant for a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    until: Timestamp,
    last: Option<Key>,
}

impl Guard {
    pub fn new(now: Timestamp) -> Self {
        Self { until: now + GUARD, last: None }
    }

    /// Whether a key counts. One that repeats without a pause never does.
    pub fn lets_through(&mut self, key: Key, now: Timestamp) -> bool {
        let repeats = self.last == Some(key);
        if now < self.until {
            if repeats || self.last.is_none() {
                self.until = now + GUARD;
            }
            self.last = Some(key);
            return false;
        }
        true
    }
}

impl Overlay {
    /// The task whose progress and end this dialog shows.
    pub fn task(&self) -> Option<u64> {
        match self {
            Self::Start(dialog) => dialog.asking.task(),
            Self::SpecPlan(dialog) => dialog.asking.task(),
            Self::Hooks(dialog) => dialog.asking.task(),
            Self::Task(id) => Some(*id),
            Self::PullRequest(form) => match form.phase {
                FormPhase::Running(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The dialogs.
#[derive(Debug, Clone)]
pub enum Overlay {
    Start(Box<StartDialog>),
    /// Push or pull a spec: a plan, then `y`.
    SpecPlan(Box<SpecPlanDialog>),
    Confirm(Confirm),
    Picker(Box<Picker>),
    NewTicket(Box<NewTicketForm>),
    PullRequest(Box<PullRequestForm>),
    Diff(Box<DiffView>),
    Conflict(Box<ConflictView>),
    /// Text to read: a delivery's body, the steps of a person.
    Text(Box<TextView>),
    /// A task, with its steps.
    Task(u64),
    /// A change of the webhooks: a plan, then `y`.
    Hooks(Box<HookDialog>),
    Secret(Box<SecretView>),
    /// One line to type.
    Prompt(Box<Prompt>),
    /// A pull request that no ticket follows.
    PullRequestFacts(Box<crate::tui::answer::PullRequestRow>),
}

/// How far a start has come.
#[derive(Debug, Clone, PartialEq)]
pub enum StartPhase {
    Planning(Generation),
    /// Waits for `y`.
    Planned,
    Asked(Generation),
    Running(u64),
    CouldNotPlan(Notice),
}

/// A plan that is made, read, answered with `y` and carried out as a task.
#[derive(Debug, Clone)]
pub struct Asking<P> {
    pub phase: StartPhase,
    pub plan: Option<Box<P>>,
    pub guard: Guard,
}

impl<P> Asking<P> {
    pub fn new(phase: StartPhase, now: Timestamp) -> Self {
        Self { phase, plan: None, guard: Guard::new(now) }
    }

    /// The plan that was asked for, or why there is none. An older one changes nothing.
    pub fn planned(&mut self, generation: Generation, plan: Answer<Box<P>>, now: Timestamp) {
        if self.phase != StartPhase::Planning(generation) {
            return;
        }
        match plan {
            Ok(plan) => {
                self.plan = Some(plan);
                self.phase = StartPhase::Planned;
                // The plan is new to the reader: a key typed before it was there is no answer to it.
                self.guard = Guard::new(now);
            }
            Err(notice) => self.phase = StartPhase::CouldNotPlan(notice),
        }
    }

    /// The task that carries it out has a number.
    pub fn started(&mut self, generation: Generation, task: &Answer<u64>) {
        if self.phase == StartPhase::Asked(generation) {
            self.phase = match task {
                Ok(id) => StartPhase::Running(*id),
                Err(notice) => StartPhase::CouldNotPlan(notice.clone()),
            };
        }
    }

    /// The task that carries it out.
    pub fn task(&self) -> Option<u64> {
        match self.phase {
            StartPhase::Running(id) => Some(id),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct StartDialog {
    pub key: TicketKey,
    pub title: String,
    pub repository: Option<RepositoryId>,
    pub asking: Asking<StartPlan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecDirection {
    Push,
    Pull,
}

#[derive(Debug, Clone)]
pub struct SpecPlanDialog {
    pub key: TicketKey,
    pub direction: SpecDirection,
    pub asking: Asking<Plan>,
}

/// A question that only `y` answers with yes.
#[derive(Debug, Clone)]
pub struct Confirm {
    pub question: String,
    pub lines: Vec<String>,
    pub what: Confirmed,
    pub guard: Guard,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    Archive(TicketKey, i64),
    Delete(TicketKey, i64),
    Quit,
    CancelTask(u64),
    /// Leaves the editor although the draft could not be saved.
    LeaveUnsaved,
    /// Tries a delivery again.
    Replay(i64),
    /// Takes a project off the board.
    Deselect {
        project: ProjectId,
        name: String,
        collected: Collected,
    },
}

#[derive(Debug, Clone)]
pub struct TextView {
    pub title: String,
    pub loading: Option<Generation>,
    pub lines: Vec<String>,
    pub scroll: usize,
    pub problem: Option<Notice>,
}

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptFor {
    /// The window of figures.
    Window,
    /// Where figures are written to.
    Export,
}

/// One line to type. What was typed is kept when it is left.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub what: PromptFor,
    pub title: &'static str,
    pub field: TextField,
    /// What may be written.
    pub about: &'static str,
    pub problem: Option<Notice>,
    /// It was sent, and is being carried out.
    pub waiting: Option<Generation>,
}

#[derive(Debug, Clone)]
pub struct DiffView {
    pub key: TicketKey,
    pub loading: Option<Generation>,
    pub rows: Vec<DiffLine>,
    pub scroll: usize,
    pub problem: Option<Notice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Mine,
    Base,
    Theirs,
}

impl Side {
    pub const ALL: [Self; 3] = [Self::Mine, Self::Base, Self::Theirs];
}

#[derive(Debug, Clone)]
pub struct ConflictView {
    pub key: TicketKey,
    pub conflict: Box<SpecConflict>,
    /// The side that is shown where only one fits.
    pub side: Side,
    pub scroll: usize,
    pub guard: Guard,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_held_down_never_answers_a_question() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |ms| start + SignedDuration::from_millis(ms);
        let y = Key::char('y');
        let mut guard = Guard::new(start);
        for ms in (30..2_000).step_by(30) {
            assert!(!guard.lets_through(y, at(ms)), "{ms}");
        }
        assert!(guard.lets_through(y, at(2_300)));

        let mut guard = Guard::new(start);
        assert!(guard.lets_through(y, at(251)));
    }
}
