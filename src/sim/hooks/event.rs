//! What happened, as far as subscriptions care: the facts that filters look at, and the event that is sent.
//!
//! Limits: one event serves all its subscriptions, with the same event id for each.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::sim::git::CommitRow;

/// What about a pull request was updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    Push,
    Reviewers,
    Status,
    /// No draft any more: one of the status updates.
    Published,
    Vote(i8),
}

impl Update {
    pub fn word(self) -> &'static str {
        match self {
            Update::Push => "PushNotification",
            Update::Reviewers => "ReviewersUpdateNotification",
            Update::Status | Update::Published => "StatusUpdateNotification",
            Update::Vote(_) => "ReviewerVoteNotification",
        }
    }

    /// For whoever repeats an event; a vote is taken for an approval.
    pub fn named(word: &str) -> Option<Update> {
        [Update::Push, Update::Reviewers, Update::Status, Update::Vote(10)]
            .into_iter()
            .find(|known| known.word().eq_ignore_ascii_case(word))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    Made,
    Edited,
    Deleted,
}

/// Something that was done, to be rendered from the world as it is right after.
#[derive(Debug, Clone)]
pub enum Happening<'a> {
    /// The push is the last of the world's.
    Pushed {
        commits: &'a [CommitRow],
    },
    PullRequestCreated {
        id: i32,
        by: Uuid,
    },
    PullRequestUpdated {
        id: i32,
        by: Uuid,
        what: Update,
    },
    /// Whether or not it went well.
    MergeAttempted {
        id: i32,
        by: Uuid,
    },
    Commented {
        pull_request: i32,
        thread: i32,
        comment: i32,
        remark: Remark,
    },
    RepositoryCreated {
        id: Uuid,
        by: Uuid,
    },
    RepositoryRenamed {
        id: Uuid,
        by: Uuid,
        old: &'a str,
    },
    /// Told before it is gone.
    RepositoryDeleted {
        id: Uuid,
        by: Uuid,
    },
    RepositoryForked {
        source: Uuid,
        target: Uuid,
        by: Uuid,
    },
    RepositoryStatusChanged {
        id: Uuid,
        by: Uuid,
    },
    BuildCompleted {
        id: i32,
    },
    /// Queued, started or finished.
    RunChanged {
        id: i32,
    },
    StageChanged {
        build: i32,
        stage: &'a str,
    },
    ReleaseDeploymentStarted {
        id: i32,
    },
    ReleaseDeploymentCompleted {
        id: i32,
    },
    WorkItemCreated {
        id: i32,
    },
    WorkItemUpdated {
        id: i32,
        by: Uuid,
        changes: &'a [FieldChange],
    },
}

/// One field of a work item before and after.
#[derive(Debug, Clone)]
pub struct FieldChange {
    pub field: &'static str,
    pub old: Value,
    pub new: Value,
}

impl Happening<'_> {
    pub fn event_type(&self) -> &'static str {
        match self {
            Happening::Pushed { .. } => "git.push",
            Happening::PullRequestCreated { .. } => "git.pullrequest.created",
            Happening::PullRequestUpdated { .. } => "git.pullrequest.updated",
            Happening::MergeAttempted { .. } => "git.pullrequest.merged",
            Happening::Commented { .. } => super::catalogue::COMMENT,
            Happening::RepositoryCreated { .. } => "git.repo.created",
            Happening::RepositoryRenamed { .. } => "git.repo.renamed",
            Happening::RepositoryDeleted { .. } => "git.repo.deleted",
            Happening::RepositoryForked { .. } => "git.repo.forked",
            Happening::RepositoryStatusChanged { .. } => "git.repo.statuschanged",
            Happening::BuildCompleted { .. } => "build.complete",
            Happening::RunChanged { .. } => "ms.vss-pipelines.run-state-changed-event",
            Happening::StageChanged { .. } => "ms.vss-pipelines.stage-state-changed-event",
            Happening::ReleaseDeploymentStarted { .. } => "ms.vss-release.deployment-started-event",
            Happening::ReleaseDeploymentCompleted { .. } => "ms.vss-release.deployment-completed-event",
            Happening::WorkItemCreated { .. } => "workitem.created",
            Happening::WorkItemUpdated { .. } => "workitem.updated",
        }
    }
}

/// What filters look at.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub project: Uuid,
    pub repository: Option<Uuid>,
    /// Full names: what a push moved, or the target of a pull request.
    pub branches: Vec<String>,
    pub author: Option<Uuid>,
    pub reviewers: Vec<Uuid>,
    pub pushed_by: Option<Uuid>,
    /// Of a work item.
    pub tags: Vec<String>,
    /// Where a work item belongs; none: not about one.
    pub area: Option<String>,
    /// Of a work item that was changed, by reference name.
    pub fields: Vec<String>,
    /// Whether it is told only to those who may see builds.
    pub about_builds: bool,
    /// Everything else, by the name of the input. A filter that nothing is known about lets everything through.
    pub more: BTreeMap<String, String>,
}

impl Facts {
    /// Whether one filter, which is not empty, lets the event through.
    pub fn fits(&self, key: &str, value: &str) -> bool {
        let is = |id: Option<Uuid>| Uuid::try_parse(value).is_ok_and(|wanted| Some(wanted) == id);
        match key {
            "projectId" | "tfsSubscriptionId" | "hostId" => true,
            "repository" => is(self.repository),
            "branch" => self.branches.iter().any(|name| name == value || name.strip_prefix("refs/heads/") == Some(value)),
            "pullrequestCreatedBy" => is(self.author),
            "pushedBy" => is(self.pushed_by),
            "tag" if self.area.is_some() => self.tags.iter().any(|tag| tag.eq_ignore_ascii_case(value)),
            "changedFields" if !self.fields.is_empty() => self.fields.iter().any(|name| name.eq_ignore_ascii_case(value)),
            "areaPath" => self.area.as_ref().is_none_or(|area| {
                let (area, value) = (area.to_lowercase(), value.trim_start_matches('\\').to_lowercase());
                area == value || area.strip_prefix(&value).is_some_and(|rest| rest.starts_with('\\'))
            }),
            "pullrequestReviewersContains" => self.reviewers.iter().any(|reviewer| is(Some(*reviewer))),
            "mergeResult" if value.eq_ignore_ascii_case("Unsuccessful") => {
                self.more.get(key).is_some_and(|known| !known.eq_ignore_ascii_case("Succeeded"))
            }
            other => self.more.get(other).is_none_or(|known| known.eq_ignore_ascii_case(value)),
        }
    }
}

/// The three ways a message is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Message {
    pub text: String,
    pub html: String,
    pub markdown: String,
}

impl Message {
    /// The same words in all three.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        Message { html, markdown: text.clone(), text }
    }
}

/// What a publisher tells about one happening.
#[derive(Debug, Clone)]
pub struct Told {
    pub message: Message,
    pub detailed: Message,
    pub resource: Value,
}

/// An event as it is kept until everybody has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    pub id: Uuid,
    pub event_type: String,
    pub publisher: String,
    pub message: Message,
    pub detailed: Message,
    /// JSON; text, because many subscriptions send the same.
    pub resource: String,
    /// JSON.
    pub containers: String,
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_look_at_what_their_names_say() {
        let facts = Facts {
            repository: Some(Uuid::from_u128(7)),
            branches: vec!["refs/heads/main".to_owned(), "refs/heads/next".to_owned()],
            reviewers: vec![Uuid::from_u128(3)],
            more: [("mergeResult".to_owned(), "Conflicts".to_owned())].into(),
            ..Facts::default()
        };
        for (key, value, fits) in [
            ("repository", Uuid::from_u128(7).to_string(), true),
            ("repository", Uuid::from_u128(8).to_string(), false),
            ("branch", "next".to_owned(), true),
            ("branch", "refs/heads/main".to_owned(), true),
            ("branch", "other".to_owned(), false),
            ("pullrequestReviewersContains", Uuid::from_u128(3).to_string(), true),
            ("pullrequestCreatedBy", Uuid::from_u128(3).to_string(), false),
            ("mergeResult", "conflicts".to_owned(), true),
            ("mergeResult", "Unsuccessful".to_owned(), true),
            ("mergeResult", "Succeeded".to_owned(), false),
            ("areaPath", "Anywhere".to_owned(), true),
        ] {
            assert_eq!(facts.fits(key, &value), fits, "{key} {value}");
        }
    }
}
