//! The timeline of a build: flat records that name their parents, of which stages and their checkpoints are read.
//!
//! A stage's record stands for its latest attempt; earlier ones are only named (`previousAttempts`), each with a timeline of its own.
//! Approvals and checks are
//! records of the type `Checkpoint` and `Checkpoint.…` below the stage; the id of one of the type `Checkpoint.Approval` is the approval's.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::build::is_guid;
use super::loose;
use crate::domain::id::Guid;
use crate::domain::run::{Check, Gate, Stage, StageResult, Standing};

#[derive(Debug, Default, Deserialize)]
pub struct Timeline {
    #[serde(default, deserialize_with = "loose::list")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    parent_id: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "loose::word")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    identifier: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    ref_name: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    finish_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::word")]
    state: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    result: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    order: Option<i64>,
    #[serde(default, deserialize_with = "loose::number")]
    attempt: Option<i64>,
    #[serde(default, deserialize_with = "loose::list")]
    previous_attempts: Vec<serde_json::Value>,
}

impl Record {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(kind))
    }

    /// `Checkpoint` itself, or one of what it waits for: `Checkpoint.Approval`, `Checkpoint.Authorization` ...
    fn is_checkpoint(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default().to_ascii_lowercase();
        kind == "checkpoint" || kind.starts_with("checkpoint.")
    }

    /// Whether it is waited for.
    fn is_open(&self) -> bool {
        self.has_state("inProgress") || self.has_state("pending")
    }

    /// What is waited for; nothing where it is the checkpoint that all of it hangs on.
    fn check(&self) -> Option<Check> {
        let (_, what) = self.kind.as_deref()?.split_once('.')?;
        if what.eq_ignore_ascii_case("Approval") && is_guid(&self.id) {
            return Some(Check::Approval(Guid::new(&self.id)));
        }
        // A name that only repeats the type is none.
        let name =
            self.name.as_deref().map(str::trim).filter(|name| !name.is_empty() && !name.to_ascii_lowercase().starts_with("checkpoint"));
        Some(Check::Other(name.map_or_else(|| spoken(what), str::to_owned)))
    }

    fn has_state(&self, state: &str) -> bool {
        self.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(state))
    }

    fn attempt(&self) -> i64 {
        self.attempt.unwrap_or(1).max(i64::try_from(self.previous_attempts.len()).unwrap_or_default() + 1)
    }

    fn earlier(&self) -> Vec<Guid> {
        let named = self.previous_attempts.iter().filter_map(|attempt| attempt.get("timelineId")?.as_str());
        named.filter(|id| is_guid(id)).map(Guid::new).collect()
    }
}

impl Timeline {
    /// The stages in the order of the pipeline. A build without stages has none.
    pub fn stages(self) -> Vec<Stage> {
        self.standing().into_iter().map(|standing| standing.stage).collect()
    }

    /// As [`Timeline::stages`], each with what keeps it from beginning.
    pub fn standing(self) -> Vec<Standing> {
        let mut children: HashMap<&str, Vec<&Record>> = HashMap::new();
        for record in &self.records {
            if let Some(parent) = &record.parent_id {
                children.entry(parent.as_str()).or_default().push(record);
            }
        }
        let mut stages: Vec<&Record> = self.records.iter().filter(|record| record.is("Stage")).collect();
        stages.sort_by_key(|stage| stage.order.unwrap_or(i64::MAX));
        stages.into_iter().map(|stage| read(stage, &children)).collect()
    }
}

fn read(stage: &Record, children: &HashMap<&str, Vec<&Record>>) -> Standing {
    let below = |id: &str| children.get(id).map_or(&[][..], Vec::as_slice);
    let mut checkpoints: Vec<&Record> = below(&stage.id).iter().copied().filter(|record| record.is_checkpoint()).collect();
    // Two levels: what a checkpoint waits for hangs on it.
    let parts: Vec<&Record> = checkpoints.iter().flat_map(|c| below(&c.id).iter().copied()).filter(|r| r.is_checkpoint()).collect();
    checkpoints.extend(parts);

    let open: Vec<&Record> = checkpoints.iter().copied().filter(|c| c.is_open()).collect();
    let is_waiting = !open.is_empty();
    let approval_from = checkpoints.iter().filter_map(|c| c.start_time).min();
    let approval_to = if is_waiting { None } else { checkpoints.iter().filter_map(|c| c.finish_time).max() };
    let was_refused = checkpoints.iter().any(|c| matches!(result(c.result.as_deref()), StageResult::Failed));
    let has_worked = below(&stage.id).iter().any(|record| !record.is_checkpoint() && record.start_time.is_some());

    let result = if !stage.has_state("completed") && stage.result.is_none() {
        if stage.has_state("inProgress") && !is_waiting { StageResult::Running } else { StageResult::Pending }
    } else {
        match result(stage.result.as_deref()) {
            // The service says that the stage failed, or that it was skipped; nothing of it ever ran.
            StageResult::Failed | StageResult::Skipped | StageResult::Canceled | StageResult::Abandoned if was_refused && !has_worked => {
                StageResult::Rejected
            }
            result => result,
        }
    };
    let display_name = stage.name.clone().unwrap_or_default();
    let name = [&stage.identifier, &stage.ref_name, &stage.name].into_iter().flatten().find(|n| !n.is_empty()).cloned().unwrap_or_default();
    let gate = (is_waiting && result == StageResult::Pending).then(|| {
        let named = || open.iter().filter(|c| c.check().is_some());
        let since = named().filter_map(|c| c.start_time).min().or_else(|| open.iter().filter_map(|c| c.start_time).min());
        Gate { since, checks: named().filter_map(|c| c.check()).collect() }
    });
    let stage = Stage {
        display_name: if display_name.is_empty() { name.clone() } else { display_name },
        name,
        attempt: stage.attempt(),
        result,
        started_at: stage.start_time,
        finished_at: stage.finish_time,
        approval_from,
        approval_to,
        earlier: stage.earlier(),
    };
    Standing { stage, gate }
}

/// `Exclusive lock` of `ExclusiveLock`.
fn spoken(word: &str) -> String {
    let mut words = String::with_capacity(word.len() + 4);
    for (at, letter) in word.char_indices() {
        match (at, letter.is_uppercase()) {
            (0, _) => words.extend(letter.to_uppercase()),
            (_, true) => {
                words.push(' ');
                words.extend(letter.to_lowercase());
            }
            (_, false) => words.push(letter),
        }
    }
    words
}

/// Words of timelines and of deployment records; numbers from old servers.
pub fn result(word: Option<&str>) -> StageResult {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "succeeded" | "0" => StageResult::Succeeded,
        "succeededwithissues" | "1" => StageResult::SucceededWithIssues,
        "failed" | "2" => StageResult::Failed,
        "canceled" | "cancelled" | "3" => StageResult::Canceled,
        "skipped" | "4" => StageResult::Skipped,
        "abandoned" | "5" => StageResult::Abandoned,
        _ => StageResult::Unknown,
    }
}
