//! People: the identity Azure DevOps knows, and the member of a project we keep.

use serde::{Deserialize, Serialize};

use super::id::{Guid, MemberId, ProjectId};

/// An identity as Azure DevOps names it. `id` is what reviewers and filters by creator want.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    pub id: Guid,
    pub display_name: String,
    /// Account or mail address; may be empty.
    pub unique_name: String,
}

/// How a reviewer is chosen for the pull requests of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewerStrategy {
    /// The member with the fewest active reviews.
    #[default]
    LoadBalance,
    /// The author's default reviewer, unless that person is at or over the threshold.
    Mapped,
}

/// The review rules of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRules {
    pub strategy: ReviewerStrategy,
    /// Active reviews at which a default reviewer counts as overloaded.
    pub overload_threshold: u32,
}

impl Default for ReviewRules {
    fn default() -> Self {
        Self { strategy: ReviewerStrategy::LoadBalance, overload_threshold: 4 }
    }
}

/// A person of a project, as the team set it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub project: ProjectId,
    pub identity: Identity,
    pub can_review: bool,
    /// The member who reviews this person's pull requests under `mapped`.
    pub default_reviewer: Option<MemberId>,
    /// When kanado last chose this person as a reviewer.
    pub last_assigned_at: Option<jiff::Timestamp>,
}
