//! Build definitions and builds.

use jiff::Timestamp;
use serde::Deserialize;

use super::identity::Reference;
use super::loose;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::run::{Build as Run, Definition as Pipeline, DefinitionKind, RunResult, RunStatus};

#[derive(Debug, Deserialize)]
pub struct Definition {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    path: Option<String>,
    /// Only in whole definitions, which are not asked for.
    #[serde(default, deserialize_with = "loose::part")]
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default, deserialize_with = "loose::word")]
    id: Option<String>,
}

impl Repository {
    /// Repositories elsewhere (GitHub) have ids that are no GUIDs.
    fn guid(self) -> Option<Guid> {
        let id = self.id?;
        is_guid(&id).then(|| Guid::new(id))
    }
}

pub fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.char_indices().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}

impl Definition {
    pub fn pipeline(self) -> Pipeline {
        Pipeline {
            kind: DefinitionKind::Pipeline,
            number: self.id,
            name: self.name.unwrap_or_else(|| self.id.to_string()),
            path: self.path.filter(|p| !p.is_empty()).unwrap_or_else(|| "\\".to_owned()),
            repository: self.repository.and_then(Repository::guid),
        }
    }

    pub fn release(self) -> Pipeline {
        Pipeline { kind: DefinitionKind::Release, ..self.pipeline() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    id: i64,
    definition: DefinitionReference,
    #[serde(default, deserialize_with = "loose::word")]
    build_number: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    repository: Option<Repository>,
    #[serde(default, deserialize_with = "loose::word")]
    source_branch: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    source_version: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    result: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    queue_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    finish_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::part")]
    requested_for: Option<Reference>,
    #[serde(default, deserialize_with = "loose::list")]
    tags: Vec<String>,
    #[serde(default, rename = "_links", deserialize_with = "loose::part")]
    links: Option<Links>,
}

#[derive(Debug, Deserialize)]
struct DefinitionReference {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Links {
    #[serde(default, deserialize_with = "loose::part")]
    web: Option<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: String,
}

impl Build {
    pub fn run(self) -> Run {
        let result = result(self.result.as_deref());
        Run {
            number: self.id,
            label: self.build_number.filter(|n| !n.is_empty()).unwrap_or_else(|| self.id.to_string()),
            definition: self.definition.id,
            definition_name: self.definition.name.unwrap_or_else(|| self.definition.id.to_string()),
            repository: self.repository.and_then(Repository::guid),
            branch: self.source_branch.filter(|b| !b.is_empty()),
            // Anything but a commit (a changeset of the other version control, a label) is no sha.
            sha: self.source_version.filter(|v| is_sha(v)).map(ObjectId::new),
            reason: self.reason.unwrap_or_default(),
            status: status(self.status.as_deref()),
            result,
            queued_at: self.queue_time,
            started_at: self.start_time,
            finished_at: self.finish_time,
            requested_for: self.requested_for.filter(|who| who.id.is_some()).map(Reference::identity),
            tags: self.tags,
            web_url: self.links.and_then(|links| links.web).map(|web| web.href),
        }
    }
}

pub fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) && !text.bytes().all(|b| b == b'0')
}

/// Words or, from old servers, numbers.
fn status(word: Option<&str>) -> RunStatus {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "notstarted" | "32" => RunStatus::NotStarted,
        "inprogress" | "1" => RunStatus::InProgress,
        "cancelling" | "4" => RunStatus::Cancelling,
        "postponed" | "8" => RunStatus::Postponed,
        "completed" | "2" => RunStatus::Completed,
        _ => RunStatus::Unknown,
    }
}

fn result(word: Option<&str>) -> Option<RunResult> {
    Some(match word?.to_ascii_lowercase().as_str() {
        "" | "none" | "0" => return None,
        "succeeded" | "2" => RunResult::Succeeded,
        "partiallysucceeded" | "4" => RunResult::PartiallySucceeded,
        "failed" | "8" => RunResult::Failed,
        "canceled" | "cancelled" | "32" => RunResult::Canceled,
        _ => RunResult::Unknown,
    })
}
