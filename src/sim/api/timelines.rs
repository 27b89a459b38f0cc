//! The timeline of a build: stages with their attempts and checkpoints, phases, jobs and tasks, as a flat list of records.
//!
//! A run that never started has none (204), one that retention took neither (404). Earlier attempts of a stage are in timelines
//! of their own, named by `previousAttempts`. Limits: one task a job; agents and logs do not exist.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render_run::put_time;
use super::{Call, builds};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{
    ApprovalStatus, Build, BuildStatus, CheckKind, JobRun, MissingTime, RecordResult, RecordState, StageApproval, StageAttempt, StageRun,
    TimelineState, ado_date,
};

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let build = builds::find(call, &world)?;
    match build.timeline {
        TimelineState::Gone => return Err(Failure::no_timeline(build.id)),
        TimelineState::Empty => return Ok(Answer::no_content()),
        TimelineState::Kept if build.status == BuildStatus::NotStarted && build.stages.is_empty() => return Ok(Answer::no_content()),
        TimelineState::Kept => {}
    }
    let asked = match call.capture("timeline") {
        "" => timeline_id(build),
        text => Uuid::try_parse(text).map_err(|_| Failure::argument("timelineId", &format!("The value '{text}' is not valid.")))?,
    };
    let records: Vec<Value> = if asked == timeline_id(build) {
        (1..).zip(&build.stages).flat_map(|(order, stage)| records(build, stage, order, None)).collect()
    } else {
        let earlier = (1..).zip(&build.stages).find_map(|(order, stage)| {
            (1..stage.attempts.len()).find(|nth| earlier_id(build, stage, *nth) == asked).map(|n| (order, stage, n))
        });
        match earlier {
            Some((order, stage, nth)) => records(build, stage, order, Some(nth)),
            None => return Ok(Answer::no_content()),
        }
    };
    let here = call.sim.site.project_api(build.project, &format!("build/builds/{}/Timeline/{asked}", build.id));
    Ok(Answer::ok(json!({
        "records": records,
        "lastChangedBy": build.requested_by,
        "lastChangedOn": ado_date(build.changed),
        "id": asked,
        "changeId": records.len(),
        "url": here,
    })))
}

fn timeline_id(build: &Build) -> Uuid {
    Uuid::new_v5(&build.plan_id(), b"timeline")
}

/// The timeline of an attempt that another one followed; the first is 1.
fn earlier_id(build: &Build, stage: &StageRun, attempt: usize) -> Uuid {
    Uuid::new_v5(&build.plan_id(), format!("timeline {} {attempt}", stage.identifier).as_bytes())
}

/// One line of a timeline, before it is written.
struct Record<'a> {
    id: Uuid,
    parent: Option<Uuid>,
    kind: &'a str,
    name: &'a str,
    identifier: String,
    order: usize,
    attempt: usize,
    state: RecordState,
    result: Option<RecordResult>,
    times: (Option<jiff::Timestamp>, Option<jiff::Timestamp>),
}

impl Record<'_> {
    fn json(&self, build: &Build) -> Map<String, Value> {
        let mut map = Map::new();
        let failed = usize::from(self.result == Some(RecordResult::Failed));
        let warned = usize::from(self.result == Some(RecordResult::SucceededWithIssues));
        for (name, value) in [
            ("previousAttempts", json!([])),
            ("id", json!(self.id)),
            ("parentId", json!(self.parent)),
            ("type", json!(self.kind)),
            ("name", json!(self.name)),
            ("currentOperation", Value::Null),
            ("percentComplete", Value::Null),
            ("state", json!(self.state.word())),
            ("result", json!(self.result.map(RecordResult::word))),
            ("resultCode", Value::Null),
            ("changeId", json!(self.order)),
            ("lastModified", json!(super::render_run::NO_TIME)),
            ("workerName", Value::Null),
            ("order", json!(self.order)),
            ("details", Value::Null),
            ("errorCount", json!(failed)),
            ("warningCount", json!(warned)),
            ("url", Value::Null),
            ("log", Value::Null),
            ("task", Value::Null),
            ("attempt", json!(self.attempt)),
            ("identifier", json!(self.identifier)),
        ] {
            map.insert(name.to_owned(), value);
        }
        let missing = if build.missing_times == MissingTime::Sentinel { MissingTime::Sentinel } else { MissingTime::Null };
        put_time(&mut map, "startTime", self.times.0, missing);
        put_time(&mut map, "finishTime", self.times.1, missing);
        map
    }
}

/// The records of a stage: of its last attempt, or of the one asked for (the first is 1).
fn records(build: &Build, stage: &StageRun, order: usize, asked: Option<usize>) -> Vec<Value> {
    let attempt = asked.unwrap_or(stage.attempts.len()).max(1);
    let run = stage.attempts.get(attempt - 1);
    let id = |what: &str| Uuid::new_v5(&build.plan_id(), format!("{} {attempt} {what}", stage.identifier).as_bytes());
    let top = id("stage");
    let mut head = Record {
        id: top,
        parent: None,
        kind: "Stage",
        name: &stage.name,
        identifier: stage.identifier.clone(),
        order,
        attempt,
        state: run.map_or(RecordState::Pending, |run| run.state),
        result: run.and_then(|run| run.result),
        times: run.map_or((None, None), |run| (run.started, run.finished)),
    }
    .json(build);
    if asked.is_none() {
        let earlier: Vec<Value> = (1..attempt)
            .map(|nth| {
                let record = Uuid::new_v5(&build.plan_id(), format!("{} {nth} stage", stage.identifier).as_bytes());
                json!({ "attempt": nth, "timelineId": earlier_id(build, stage, nth), "recordId": record })
            })
            .collect();
        head.insert("previousAttempts".to_owned(), json!(earlier));
    }
    let mut rows = vec![Value::Object(head)];
    let Some(run) = run else { return rows };
    rows.extend(checkpoint(build, run, (top, attempt), &id));
    for (order, job) in (1..).zip(&run.jobs) {
        rows.extend(job_records(build, stage, job, (top, attempt, order), &id));
    }
    rows
}

fn checkpoint(build: &Build, run: &StageAttempt, (stage, attempt): (Uuid, usize), id: &dyn Fn(&str) -> Uuid) -> Vec<Value> {
    if run.approvals.is_empty() && run.checks.is_empty() {
        return Vec::new();
    }
    let outcome = |status: ApprovalStatus| match status {
        ApprovalStatus::Pending | ApprovalStatus::Uninitiated => (RecordState::InProgress, None),
        ApprovalStatus::Approved | ApprovalStatus::Skipped => (RecordState::Completed, Some(RecordResult::Succeeded)),
        ApprovalStatus::Rejected => (RecordState::Completed, Some(RecordResult::Failed)),
        ApprovalStatus::TimedOut => (RecordState::Completed, Some(RecordResult::Abandoned)),
        ApprovalStatus::Canceled => (RecordState::Completed, Some(RecordResult::Canceled)),
    };
    let verdict = run.verdict();
    let all = || std::iter::once(verdict).chain(run.checks.iter().map(|check| check.status));
    let mut worst = [ApprovalStatus::Rejected, ApprovalStatus::TimedOut, ApprovalStatus::Canceled, ApprovalStatus::Pending].into_iter();
    let (state, result) = outcome(worst.find(|status| all().any(|one| one == *status)).unwrap_or(ApprovalStatus::Approved));
    let since = |approvals: &[StageApproval]| approvals.iter().map(|approval| approval.since).min();
    let decided = |approvals: &[StageApproval]| approvals.iter().filter_map(|approval| approval.decided).max();
    let began = since(&run.approvals).into_iter().chain(run.checks.iter().map(|check| check.since)).min();
    let ended = decided(&run.approvals).into_iter().chain(run.checks.iter().filter_map(|check| check.decided)).max();
    let parent = id("checkpoint");
    let mut records = vec![Record {
        id: parent,
        parent: Some(stage),
        kind: "Checkpoint",
        name: "Checkpoint",
        identifier: "Checkpoint".to_owned(),
        order: 1,
        attempt,
        state,
        result,
        times: (began, ended.filter(|_| state == RecordState::Completed)),
    }];
    let part = |id, kind: &'static str, name, order, status, (began, ended): (_, Option<jiff::Timestamp>)| {
        let (state, result) = outcome(status);
        let times = (began, ended.filter(|_| state == RecordState::Completed));
        Record { id, parent: Some(parent), kind, name, identifier: kind.to_owned(), order, attempt, state, result, times }
    };
    // One record whoever is asked: who that is, the approval of this id says.
    if !run.approvals.is_empty() {
        let times = (since(&run.approvals), decided(&run.approvals));
        records.push(part(id("approval"), "Checkpoint.Approval", "Checkpoint.Approval", 1, verdict, times));
    }
    for (order, check) in (2..).zip(&run.checks) {
        let kind = match check.kind {
            CheckKind::ExclusiveLock => "Checkpoint.ExclusiveLock",
            CheckKind::TaskCheck => "Checkpoint.TaskCheck",
            CheckKind::Authorization => "Checkpoint.Authorization",
        };
        let name = check.name.as_deref().unwrap_or(kind);
        records.push(part(id(&format!("check {order}")), kind, name, order, check.status, (Some(check.since), check.decided)));
    }
    records.iter().map(|record| Value::Object(record.json(build))).collect()
}

fn job_records(
    build: &Build,
    stage: &StageRun,
    job: &JobRun,
    (top, attempt, order): (Uuid, usize, usize),
    id: &dyn Fn(&str) -> Uuid,
) -> Vec<Value> {
    let path = format!("{}.{}", stage.identifier, job.name);
    let (phase, here) = (id(&format!("phase {}", job.name)), id(&format!("job {}", job.name)));
    let times = (job.started, job.finished);
    let record = |id, parent, kind, name, identifier| Record {
        id,
        parent: Some(parent),
        kind,
        name,
        identifier,
        order,
        attempt,
        state: job.state,
        result: job.result,
        times,
    };
    let mut rows = vec![
        Value::Object(record(phase, top, "Phase", &job.name, path.clone()).json(build)),
        Value::Object(record(here, phase, "Job", &job.name, format!("{path}.__default")).json(build)),
    ];
    if job.started.is_some() {
        let name = if job.environment.is_some() { "Deploy" } else { "Run" };
        let mut task = record(id(&format!("task {}", job.name)), here, "Task", name, String::new()).json(build);
        task.insert("task".to_owned(), json!({ "id": SCRIPT, "name": "Bash", "version": "3.246.1" }));
        rows.push(Value::Object(task));
    }
    rows
}

/// The task that runs a script: a constant of the protocol.
const SCRIPT: &str = "6c731c3c-3c68-459a-a5c9-bde6e6595b5b";
