//! Service hooks in words: what a subscription is for, how it stands, what became of a delivery.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{Guid, ProjectId};

/// What one subscription is for. Each has its own path at the receiver, because a payload does not say which kind of update it tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    PullRequestCreated,
    /// A merge was attempted; whether it happened is the pull request's status.
    PullRequestMerged,
    PullRequestPush,
    PullRequestReviewers,
    PullRequestStatus,
    PullRequestVote,
    PullRequestComment,
    Push,
    RepositoryCreated,
    RepositoryRenamed,
    RepositoryDeleted,
    RepositoryStatus,
    BuildCompleted,
    RunState,
    StageState,
    DeploymentCompleted,
    WorkItemCreated,
    WorkItemUpdated,
    WorkItemDeleted,
    WorkItemRestored,
    WorkItemCommented,
}

/// The service that publishes an event; release management has a host of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Publisher {
    #[serde(rename = "tfs")]
    Tfs,
    #[serde(rename = "pipelines")]
    Pipelines,
    #[serde(rename = "rm")]
    ReleaseManagement,
}

impl Publisher {
    pub fn word(self) -> &'static str {
        match self {
            Self::Tfs => "tfs",
            Self::Pipelines => "pipelines",
            Self::ReleaseManagement => "rm",
        }
    }
}

/// What is subscribed to for a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    pub publisher: Publisher,
    /// `git.pullrequest.updated`.
    pub event_type: &'static str,
    /// The version of the payload that is asked for, so that it stays the same.
    pub resource_version: &'static str,
    /// Which of the updates, for `git.pullrequest.updated`.
    pub notification_type: Option<&'static str>,
}

impl Purpose {
    pub const ALL: [Self; 21] = [
        Self::PullRequestCreated,
        Self::PullRequestMerged,
        Self::PullRequestPush,
        Self::PullRequestReviewers,
        Self::PullRequestStatus,
        Self::PullRequestVote,
        Self::PullRequestComment,
        Self::Push,
        Self::RepositoryCreated,
        Self::RepositoryRenamed,
        Self::RepositoryDeleted,
        Self::RepositoryStatus,
        Self::BuildCompleted,
        Self::RunState,
        Self::StageState,
        Self::DeploymentCompleted,
        Self::WorkItemCreated,
        Self::WorkItemUpdated,
        Self::WorkItemDeleted,
        Self::WorkItemRestored,
        Self::WorkItemCommented,
    ];

    /// As it stands in the receiver's path: `pull-request-vote`.
    pub fn word(self) -> &'static str {
        match self {
            Self::PullRequestCreated => "pull-request-created",
            Self::PullRequestMerged => "pull-request-merged",
            Self::PullRequestPush => "pull-request-push",
            Self::PullRequestReviewers => "pull-request-reviewers",
            Self::PullRequestStatus => "pull-request-status",
            Self::PullRequestVote => "pull-request-vote",
            Self::PullRequestComment => "pull-request-comment",
            Self::Push => "push",
            Self::RepositoryCreated => "repository-created",
            Self::RepositoryRenamed => "repository-renamed",
            Self::RepositoryDeleted => "repository-deleted",
            Self::RepositoryStatus => "repository-status",
            Self::BuildCompleted => "build-completed",
            Self::RunState => "run-state",
            Self::StageState => "stage-state",
            Self::DeploymentCompleted => "deployment-completed",
            Self::WorkItemCreated => "work-item-created",
            Self::WorkItemUpdated => "work-item-updated",
            Self::WorkItemDeleted => "work-item-deleted",
            Self::WorkItemRestored => "work-item-restored",
            Self::WorkItemCommented => "work-item-commented",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }

    /// Event types and versions as Microsoft's list of service-hook events names them.
    pub fn event(self) -> EventKind {
        use Publisher::{Pipelines, ReleaseManagement, Tfs};
        let (publisher, event_type, resource_version, notification_type) = match self {
            Self::PullRequestCreated => (Tfs, "git.pullrequest.created", "1.0", None),
            Self::PullRequestMerged => (Tfs, "git.pullrequest.merged", "1.0", None),
            Self::PullRequestPush => (Tfs, "git.pullrequest.updated", "1.0", Some("PushNotification")),
            Self::PullRequestReviewers => (Tfs, "git.pullrequest.updated", "1.0", Some("ReviewersUpdateNotification")),
            Self::PullRequestStatus => (Tfs, "git.pullrequest.updated", "1.0", Some("StatusUpdateNotification")),
            Self::PullRequestVote => (Tfs, "git.pullrequest.updated", "1.0", Some("ReviewerVoteNotification")),
            Self::PullRequestComment => (Tfs, "ms.vss-code.git-pullrequest-comment-event", "2.0", None),
            Self::Push => (Tfs, "git.push", "1.0", None),
            Self::RepositoryCreated => (Tfs, "git.repo.created", "1.0-preview.1", None),
            Self::RepositoryRenamed => (Tfs, "git.repo.renamed", "1.0-preview.1", None),
            Self::RepositoryDeleted => (Tfs, "git.repo.deleted", "1.0-preview.1", None),
            Self::RepositoryStatus => (Tfs, "git.repo.statuschanged", "1.0-preview.1", None),
            Self::BuildCompleted => (Tfs, "build.complete", "2.0", None),
            Self::RunState => (Pipelines, "ms.vss-pipelines.run-state-changed-event", "5.1-preview.1", None),
            Self::StageState => (Pipelines, "ms.vss-pipelines.stage-state-changed-event", "5.1-preview.1", None),
            Self::DeploymentCompleted => (ReleaseManagement, "ms.vss-release.deployment-completed-event", "3.0-preview.1", None),
            Self::WorkItemCreated => (Tfs, "workitem.created", "1.0", None),
            Self::WorkItemUpdated => (Tfs, "workitem.updated", "1.0", None),
            Self::WorkItemDeleted => (Tfs, "workitem.deleted", "1.0", None),
            Self::WorkItemRestored => (Tfs, "workitem.restored", "1.0", None),
            Self::WorkItemCommented => (Tfs, "workitem.commented", "1.0", None),
        };
        EventKind { publisher, event_type, resource_version, notification_type }
    }

    /// Whether a card's pull request follows from it: without all of these, a board is not live.
    pub fn moves_cards(self) -> bool {
        matches!(
            self,
            Self::PullRequestCreated
                | Self::PullRequestMerged
                | Self::PullRequestPush
                | Self::PullRequestReviewers
                | Self::PullRequestStatus
                | Self::PullRequestVote
        )
    }
}

/// How a subscription stands at Azure DevOps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// Written down; whether the request that makes it arrived is not known.
    Making,
    Enabled,
    /// It failed; until a probe succeeds, events are lost.
    OnProbation,
    DisabledByUser,
    DisabledBySystem,
    /// The person it belongs to left or lost the rights.
    DisabledByInactiveIdentity,
    /// Azure DevOps does not know it any more.
    Missing,
    /// To be deleted at the next occasion.
    Removing,
}

impl SubscriptionState {
    pub fn words(self) -> &'static str {
        match self {
            Self::Making => "being made",
            Self::Enabled => "enabled",
            Self::OnProbation => "on probation",
            Self::DisabledByUser => "disabled by a person",
            Self::DisabledBySystem => "disabled by Azure DevOps",
            Self::DisabledByInactiveIdentity => "its owner is inactive",
            Self::Missing => "gone",
            Self::Removing => "being removed",
        }
    }
}

/// A subscription that kanado made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: i64,
    pub project: ProjectId,
    pub purpose: Purpose,
    /// The id Azure DevOps gave it; absent until that is known.
    pub remote: Option<Guid>,
    pub url: String,
    pub state: SubscriptionState,
    /// Why it does not work, in words.
    pub problem: Option<String>,
    /// Who it was made by: it fires only for what this account may see.
    pub identity: Option<String>,
    pub created_at: Timestamp,
    /// When a test notification last arrived.
    pub verified_at: Option<Timestamp>,
    /// When its state was last asked for.
    pub checked_at: Option<Timestamp>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not looked at yet, or to be tried again.
    Waiting,
    Applied,
    /// Understood, and nothing of the board depends on it.
    Ignored,
    /// Azure DevOps' "Test" button.
    Test,
    /// Of another project than its address says; believed in nothing.
    Quarantined,
    /// Not to be understood.
    Dead,
    /// Understood, but applying it failed again and again.
    Parked,
}

/// A delivery without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: i64,
    pub project: ProjectId,
    /// The last part of the path it came to, if it had one.
    pub purpose: Option<String>,
    pub event_type: Option<String>,
    pub event_id: Option<String>,
    pub subscription: Option<Guid>,
    pub notification: Option<i64>,
    pub received_at: Timestamp,
    pub bytes: i64,
    pub state: DeliveryState,
    pub tries: i64,
    /// What it did, or why it did not.
    pub words: Option<String>,
    pub settled_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_found_again_by_its_word() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.word()), Some(purpose));
            assert_eq!(serde_json::to_string(&purpose).unwrap(), format!("\"{}\"", purpose.word()));
        }
    }

    #[test]
    fn only_updates_of_pull_requests_share_an_event_type() {
        for purpose in Purpose::ALL {
            let same = Purpose::ALL.into_iter().filter(|other| other.event().event_type == purpose.event().event_type).count();
            assert_eq!(same > 1, purpose.event().notification_type.is_some(), "{}", purpose.word());
        }
    }
}
