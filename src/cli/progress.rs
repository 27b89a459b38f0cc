//! Carrying out an action while showing how far it is, and stopping it on Ctrl+C and SIGTERM where it can be resumed.

use std::future::Future;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::{self, Reporter};
use crate::ado::ErrorKind;
use crate::domain::progress::{Progress, StepState};
use crate::notice::{Explain, Notice};

impl Frame<'_> {
    /// Runs an action; each step that ends is a line on stderr, except with `--json`.
    pub async fn carry_out<T, F>(&mut self, work: impl FnOnce(Reporter) -> F) -> Result<T, Failure>
    where
        F: Future<Output = action::Result<T>>,
    {
        let (sender, mut reports) = unbounded_channel();
        let reporter = Reporter::new(move |progress| {
            // The receiver is gone only when nobody looks any more.
            let _ = sender.send(progress.clone());
        });
        let finished = reporter.clone();
        let mut shown = 0;
        let mut work = std::pin::pin!(work(reporter));
        let mut told_to_stop = std::pin::pin!(told_to_stop());
        let result = loop {
            tokio::select! {
                biased;
                Some(progress) = reports.recv() => self.show_steps(&progress, &mut shown),
                result = &mut work => break result,
                () = &mut told_to_stop => return Err(interrupted(&finished)),
            }
        };
        drain(&mut reports, |progress| self.show_steps(&progress, &mut shown));
        result.map_err(Failure::from)
    }

    fn show_steps(&mut self, progress: &Progress, shown: &mut usize) {
        if self.output.is_json() {
            return;
        }
        while let Some(step) = progress.steps.get(*shown) {
            let line = match &step.state {
                StepState::Waiting | StepState::Running => return,
                StepState::Done(detail) => format!("  done     {}: {detail}", step.id),
                StepState::Already(detail) => format!("  already  {}: {detail}", step.id),
                StepState::Skipped(detail) => format!("  skipped  {}: {detail}", step.id),
                // The error that follows says it.
                StepState::Failed(_) => return,
            };
            self.output.note(line);
            *shown += 1;
        }
    }
}

/// Ends at Ctrl+C and at SIGTERM. Where neither can be watched for, it never does: they then end the process as they always do.
pub(super) async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            Ok(()) = tokio::signal::ctrl_c() => return,
            Some(()) = terminate.recv() => return,
            else => {}
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn drain(reports: &mut UnboundedReceiver<Progress>, mut show: impl FnMut(Progress)) {
    while let Ok(progress) = reports.try_recv() {
        show(progress);
    }
}

fn interrupted(reporter: &Reporter) -> Failure {
    let done = reporter.finished();
    let notice = match done.as_slice() {
        [] => Notice::new("stopped before anything was done"),
        done => Notice::new(format!("stopped; done: {}", done.join(", "))).hint("the same command finishes the rest"),
    };
    Failure::new(if done.is_empty() { Exit::Failed } else { Exit::Partly }, "interrupted", notice)
}

impl From<action::Error> for Failure {
    fn from(error: action::Error) -> Self {
        let exit = if error.is_partly_done() { Exit::Partly } else { Exit::Failed };
        let code = match (&error, error.ado_kind()) {
            (_, Some(kind)) => word(kind),
            (action::Error::Refused(_), _) => "refused",
            (action::Error::Store(_), _) => "store",
            (action::Error::Secret(_), _) => "token",
            (action::Error::Step { .. }, _) => "step_failed",
            _ => "failed",
        };
        Self::new(exit, code, error.notice())
    }
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::new(Exit::Failed, "store", error.notice())
    }
}

impl From<crate::ado::AddressError> for Failure {
    fn from(error: crate::ado::AddressError) -> Self {
        Self::new(Exit::Usage, "address", error.notice())
    }
}

impl From<crate::ado::Error> for Failure {
    fn from(error: crate::ado::Error) -> Self {
        Self::from(action::Error::from(error))
    }
}

/// What went wrong with Azure DevOps, as a word that scripts can rely on.
fn word(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadToken => "bad_token",
        ErrorKind::TokenExpired => "token_expired",
        ErrorKind::NotAMember => "not_a_member",
        ErrorKind::ScopeMissing { .. } => "scope_missing",
        ErrorKind::PermissionMissing { .. } => "permission_missing",
        ErrorKind::ProjectMissing => "project_missing",
        ErrorKind::RepositoryMissing => "repository_missing",
        ErrorKind::CollectionMissing => "collection_missing",
        ErrorKind::BranchMissing => "branch_missing",
        ErrorKind::FileMissing => "file_missing",
        ErrorKind::PullRequestMissing => "pull_request_missing",
        ErrorKind::NotFound => "not_found",
        ErrorKind::StaleRef => "stale_ref",
        ErrorKind::RefRejected(_) => "ref_rejected",
        ErrorKind::PathExists => "path_exists",
        ErrorKind::PullRequestExists => "pull_request_exists",
        ErrorKind::PullRequestStale => "pull_request_stale",
        ErrorKind::PolicyRejected => "policy_rejected",
        ErrorKind::NotEditable => "not_editable",
        ErrorKind::Throttled { .. } => "throttled",
        ErrorKind::Offline => "offline",
        ErrorKind::Tls => "tls",
        ErrorKind::Proxy => "proxy",
        ErrorKind::ReadOnly => "read_only",
        ErrorKind::UntrustedHost => "untrusted_host",
        ErrorKind::PlainHttp => "plain_http",
        ErrorKind::TimedOut => "timed_out",
        ErrorKind::ServerError { .. } => "server_error",
        ErrorKind::BadRequest => "bad_request",
        ErrorKind::Unreadable { .. } => "unreadable",
        ErrorKind::OutcomeUnknown => "outcome_unknown",
    }
}
