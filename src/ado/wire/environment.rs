//! Environments of YAML pipelines, and the records of jobs that deployed into them.

use jiff::Timestamp;
use serde::Deserialize;

use super::loose;
use super::timeline::result;
use crate::domain::run::{DeploymentRecord, Environment as Place, StageResult};

#[derive(Debug, Deserialize)]
pub struct Environment {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

impl Environment {
    pub fn fact(self) -> Place {
        Place { number: self.id, name: self.name.unwrap_or_else(|| self.id.to_string()) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    id: i64,
    #[serde(default, deserialize_with = "loose::number")]
    environment_id: Option<i64>,
    /// Of the definition.
    definition: Owner,
    /// The build.
    owner: Owner,
    #[serde(default, deserialize_with = "loose::word")]
    stage_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    job_name: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    stage_attempt: Option<i64>,
    #[serde(default, deserialize_with = "loose::number")]
    job_attempt: Option<i64>,
    #[serde(default, deserialize_with = "loose::word")]
    result: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    queue_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    finish_time: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Owner {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

impl Record {
    /// `environment` is the one that was asked about.
    pub fn fact(self, environment: i64) -> DeploymentRecord {
        let result = match (self.result.as_deref(), self.finish_time, self.start_time) {
            (Some(word), _, _) if !word.is_empty() => result(Some(word)),
            // Finished, and the service does not say how.
            (_, Some(_), _) => StageResult::Unknown,
            (_, None, Some(_)) => StageResult::Running,
            (_, None, None) => StageResult::Pending,
        };
        DeploymentRecord {
            number: self.id,
            environment: self.environment_id.unwrap_or(environment),
            definition: self.definition.id,
            definition_name: self.definition.name.unwrap_or_else(|| self.definition.id.to_string()),
            run: self.owner.id,
            stage: self.stage_name.unwrap_or_default(),
            stage_attempt: self.stage_attempt.unwrap_or(1),
            job: self.job_name.unwrap_or_default(),
            job_attempt: self.job_attempt.unwrap_or(1),
            result,
            queued_at: self.queue_time,
            started_at: self.start_time,
            finished_at: self.finish_time,
        }
    }
}
