//! The stages of a run as data: each with its attempts, their approvals and their jobs.
//!
//! Words of the enums are the wire's. Limits: an attempt's jobs are one level, without phases and tasks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::runs::words;

words! {
    RecordState { Pending = "pending", InProgress = "inProgress", Completed = "completed" }
}

words! {
    /// How a stage, a job or a deployment ended.
    RecordResult {
        Succeeded = "succeeded",
        SucceededWithIssues = "succeededWithIssues",
        Failed = "failed",
        Canceled = "canceled",
        Skipped = "skipped",
        Abandoned = "abandoned",
    }
}

words! {
    /// Uninitiated: somebody else is asked first. Canceled: the run was, meanwhile.
    ApprovalStatus {
        Uninitiated = "uninitiated",
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
        TimedOut = "timedOut",
        Skipped = "skipped",
        Canceled = "canceled",
    }
}

words! {
    /// Who of several is asked when.
    ApprovalOrder { AnyOrder = "anyOrder", InSequence = "inSequence" }
}

words! {
    /// What a stage may wait for besides an approval; on the wire after `Checkpoint.`.
    CheckKind { ExclusiveLock = "ExclusiveLock", TaskCheck = "TaskCheck", Authorization = "Authorization" }
}

/// How many of those who are asked have to approve, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTerms {
    /// Nought: all of them.
    pub needed: usize,
    pub order: ApprovalOrder,
}

impl Default for ApprovalTerms {
    fn default() -> Self {
        ApprovalTerms { needed: 1, order: ApprovalOrder::AnyOrder }
    }
}

/// A stage of one run, with all its attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageRun {
    pub identifier: String,
    pub name: String,
    /// Oldest first; the last is the one that counts. Empty: not reached yet.
    pub attempts: Vec<StageAttempt>,
}

impl StageRun {
    pub fn new(identifier: &str, attempt: StageAttempt) -> Self {
        StageRun { identifier: identifier.to_owned(), name: identifier.to_owned(), attempts: vec![attempt] }
    }

    /// Not reached yet.
    pub fn waiting(identifier: &str) -> Self {
        StageRun { identifier: identifier.to_owned(), name: identifier.to_owned(), attempts: Vec::new() }
    }

    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub fn retried(mut self, attempt: StageAttempt) -> Self {
        self.attempts.push(attempt);
        self
    }

    pub fn last(&self) -> Option<&StageAttempt> {
        self.attempts.last()
    }
}

/// One try at a stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageAttempt {
    pub state: RecordState,
    #[serde(default)]
    pub result: Option<RecordResult>,
    #[serde(default)]
    pub started: Option<Timestamp>,
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// Approvals that it had to pass before it could begin.
    #[serde(default)]
    pub approvals: Vec<StageApproval>,
    #[serde(default)]
    pub terms: ApprovalTerms,
    /// What else it had to pass.
    #[serde(default)]
    pub checks: Vec<StageCheck>,
    #[serde(default)]
    pub jobs: Vec<JobRun>,
}

impl StageAttempt {
    /// One that ran, with one job named `Job` inside the same times.
    pub fn ran(started: Timestamp, finished: Timestamp, result: RecordResult) -> Self {
        StageAttempt {
            started: Some(started),
            jobs: vec![JobRun::ran("Job", started, finished, result)],
            ..StageAttempt::never_ran(result, Some(finished))
        }
    }

    /// One that deployed to `environment` in a deployment job of the given name.
    pub fn deployed(environment: i32, job: &str, started: Timestamp, finished: Timestamp, result: RecordResult) -> Self {
        let job = JobRun { environment: Some(environment), ..JobRun::ran(job, started, finished, result) };
        StageAttempt { jobs: vec![job], ..StageAttempt::ran(started, finished, result) }
    }

    /// One that never ran: skipped by a condition, or abandoned after a refused approval.
    pub fn never_ran(result: RecordResult, at: Option<Timestamp>) -> Self {
        StageAttempt { state: RecordState::Completed, result: Some(result), finished: at, ..StageAttempt::pending() }
    }

    /// One that runs now.
    pub fn running(started: Timestamp) -> Self {
        StageAttempt { state: RecordState::InProgress, started: Some(started), ..StageAttempt::pending() }
    }

    /// One that waits, for an approval or for its turn.
    pub fn pending() -> Self {
        StageAttempt {
            state: RecordState::Pending,
            result: None,
            started: None,
            finished: None,
            approvals: Vec::new(),
            terms: ApprovalTerms::default(),
            checks: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// What its approvals come to, seen together.
    pub fn verdict(&self) -> ApprovalStatus {
        let has = |status: ApprovalStatus| self.approvals.iter().any(|approval| approval.status == status);
        let ended = [ApprovalStatus::Rejected, ApprovalStatus::TimedOut, ApprovalStatus::Canceled].into_iter().find(|status| has(*status));
        let open = has(ApprovalStatus::Pending) || has(ApprovalStatus::Uninitiated);
        ended.unwrap_or(if open { ApprovalStatus::Pending } else { ApprovalStatus::Approved })
    }

    pub fn approved_by(mut self, approval: StageApproval) -> Self {
        self.approvals.push(approval);
        self
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageApproval {
    pub approver: Uuid,
    pub status: ApprovalStatus,
    /// Since when it was waited for.
    pub since: Timestamp,
    #[serde(default)]
    pub decided: Option<Timestamp>,
    /// Who decided for a group.
    #[serde(default)]
    pub by: Option<Uuid>,
}

impl StageApproval {
    pub fn asked(approver: Uuid, since: Timestamp) -> Self {
        StageApproval { approver, status: ApprovalStatus::Pending, since, decided: None, by: None }
    }

    pub fn decided(mut self, status: ApprovalStatus, at: Timestamp) -> Self {
        (self.status, self.decided) = (status, Some(at));
        self
    }
}

/// A check that is no approval: nobody is asked, something has to be so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageCheck {
    pub kind: CheckKind,
    /// What people call it; the service's own checks have no name of their own.
    #[serde(default)]
    pub name: Option<String>,
    pub status: ApprovalStatus,
    pub since: Timestamp,
    #[serde(default)]
    pub decided: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobRun {
    pub name: String,
    pub state: RecordState,
    #[serde(default)]
    pub result: Option<RecordResult>,
    #[serde(default)]
    pub started: Option<Timestamp>,
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// Where a deployment job deploys to: it leaves a record there.
    #[serde(default)]
    pub environment: Option<i32>,
}

impl JobRun {
    pub fn ran(name: &str, started: Timestamp, finished: Timestamp, result: RecordResult) -> Self {
        JobRun {
            name: name.to_owned(),
            state: RecordState::Completed,
            result: Some(result),
            started: Some(started),
            finished: Some(finished),
            environment: None,
        }
    }
}
