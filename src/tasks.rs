//! Running actions as async tasks: start, cancel, watch how far they have come.
//!
//! A task is an action with a subject and a state that any screen can show. Cancelling drops the action's future at its next await;
//! every action can be resumed, so nothing half-done is lost.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::action::{self, Reporter};
use crate::clock::Clock;
use crate::domain::id::TicketKey;
use crate::domain::progress::Progress;
use crate::notice::{Explain, Notice};

/// Finished tasks that are kept for the record.
const KEPT: usize = 50;

/// Names a task for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    Running,
    /// With what came of it, in words.
    Done(String),
    Failed(Notice),
    Cancelled,
}

/// A task as screens show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    pub id: TaskId,
    pub title: String,
    pub subject: Option<TicketKey>,
    pub progress: Progress,
    pub state: TaskState,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// The tasks of this process; cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    clock: Clock,
    next: Arc<AtomicU64>,
    views: Arc<watch::Sender<Vec<TaskView>>>,
    tokens: Arc<Mutex<Vec<(TaskId, CancellationToken)>>>,
    tracker: TaskTracker,
}

impl Tasks {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            next: Arc::default(),
            views: Arc::new(watch::Sender::new(Vec::new())),
            tokens: Arc::default(),
            tracker: TaskTracker::new(),
        }
    }

    /// Runs an action. `work` is handed the reporter whose progress the task shows, and answers with words for the status bar; the value
    /// it makes is what the returned handle gives, or `None` when the task was cancelled.
    pub fn start<T, F, W>(&self, title: impl Into<String>, subject: Option<TicketKey>, work: W) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = action::Result<(T, String)>> + Send + 'static,
        W: FnOnce(Reporter) -> F,
    {
        let id = TaskId(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        let token = CancellationToken::new();
        let progress = Progress { action: "", subject: subject.clone(), steps: Vec::new() };
        let view = TaskView {
            id,
            title: title.into(),
            subject,
            progress,
            state: TaskState::Running,
            started_at: self.clock.now(),
            finished_at: None,
        };
        self.views.send_modify(|views| {
            let finished = views.iter().filter(|v| v.state != TaskState::Running).count();
            if finished > KEPT
                && let Some(oldest) = views.iter().position(|v| v.state != TaskState::Running)
            {
                views.remove(oldest);
            }
            views.push(view);
        });
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push((id, token.clone()));

        let listener = self.clone();
        let reporter = Reporter::new(move |progress| listener.change(id, |view| view.progress = progress.clone()));
        let future = work(reporter);
        let tasks = self.clone();
        let handle = self.tracker.spawn(async move {
            let result = AssertUnwindSafe(token.run_until_cancelled(future)).catch_unwind().await;
            tasks.tokens.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != id);
            let (state, value) = match result {
                Ok(None) => (TaskState::Cancelled, Ok(None)),
                Ok(Some(Ok((value, words)))) => (TaskState::Done(words), Ok(Some(Ok(value)))),
                Ok(Some(Err(error))) => (TaskState::Failed(error.notice()), Ok(Some(Err(error)))),
                // Nobody waits for ever for a task that is gone.
                Err(panic) => (
                    TaskState::Failed(Notice::new("kanado crashed while it did this").hint("do it again: it goes on from there")),
                    Err(panic),
                ),
            };
            let now = tasks.clock.now();
            tasks.change(id, |view| {
                view.state = state;
                view.finished_at = Some(now);
            });
            value.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        Task { id, handle }
    }

    /// All tasks, running and recently finished, oldest first; changes as they do.
    pub fn watch(&self) -> watch::Receiver<Vec<TaskView>> {
        self.views.subscribe()
    }

    pub fn running(&self) -> usize {
        self.views.borrow().iter().filter(|v| v.state == TaskState::Running).count()
    }

    /// Asks a task to stop at its next await. A task that is gone is left alone.
    pub fn cancel(&self, id: TaskId) {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, token)) = tokens.iter().find(|(other, _)| *other == id) {
            token.cancel();
        }
    }

    /// Stops all tasks and waits until they have stopped.
    pub async fn stop_all(&self) {
        for (_, token) in self.tokens.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            token.cancel();
        }
        self.finish_all().await;
    }

    /// Waits until all running tasks have ended.
    pub async fn finish_all(&self) {
        let mut views = self.watch();
        // The sender lives as long as `self`, so the wait ends only when nothing runs.
        let _ = views.wait_for(|views| views.iter().all(|v| v.state != TaskState::Running)).await;
    }

    fn change(&self, id: TaskId, change: impl FnOnce(&mut TaskView)) {
        self.views.send_modify(|views| {
            if let Some(view) = views.iter_mut().find(|view| view.id == id) {
                change(view);
            }
        });
    }
}

/// A started task.
pub struct Task<T> {
    pub id: TaskId,
    handle: tokio::task::JoinHandle<Option<action::Result<T>>>,
}

impl<T> Task<T> {
    /// What came of it; `None` when it was cancelled.
    pub async fn outcome(self) -> Option<action::Result<T>> {
        match self.handle.await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::progress::{Step, StepState};

    fn tasks() -> Tasks {
        Tasks::new(Clock::fixed(Timestamp::UNIX_EPOCH))
    }

    #[tokio::test]
    async fn a_task_shows_its_steps_and_what_came_of_it() {
        let tasks = tasks();
        let task = tasks.start("start KAN-1", None, |reporter| async move {
            reporter.begin("start", None, vec![Step { id: "branch", words: "create branch".into(), state: StepState::Waiting }]);
            reporter.done("branch", "feature/KAN-1");
            Ok((7, "started".to_owned()))
        });
        assert_eq!(task.outcome().await.unwrap().unwrap(), 7);
        let views = tasks.watch().borrow().clone();
        assert_eq!(views[0].progress.count(), (1, 1));
        assert_eq!(views[0].state, TaskState::Done("started".into()));
    }

    #[tokio::test]
    async fn a_cancelled_task_stops_and_says_so() {
        let tasks = tasks();
        let task = tasks.start("wait", None, |_| async move {
            std::future::pending::<()>().await;
            Ok(((), String::new()))
        });
        tasks.cancel(task.id);
        assert!(task.outcome().await.is_none());
        assert_eq!(tasks.watch().borrow()[0].state, TaskState::Cancelled);
        assert_eq!(tasks.running(), 0);
    }
}
