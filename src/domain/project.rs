//! Organisations, projects and repositories as the board knows them.

use serde::{Deserialize, Serialize};

use super::id::{Guid, OrganisationId, ProjectId, RepositoryId};
use super::person::{Identity, ReviewRules};

/// Azure DevOps Services, or a Server (formerly Team Foundation Server).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    Services,
    Server,
}

/// A connected organisation (Services) or collection (Server).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    pub id: OrganisationId,
    /// Organisation or collection name, as shown.
    pub name: String,
    /// Base URL without a trailing slash: `https://dev.azure.com/{org}` or `https://host/{collection}`.
    pub url: String,
    pub deployment: Deployment,
    /// The GUID of the organisation; guards against a URL that now answers for another one.
    pub instance: Option<Guid>,
    /// Who the token belongs to, as of the last passing check.
    pub me: Option<Identity>,
    pub checked_at: Option<jiff::Timestamp>,
}

/// A project that the board shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    pub organisation: OrganisationId,
    pub guid: Guid,
    pub name: String,
    /// What ticket keys of this project begin with.
    pub prefix: String,
    pub review_rules: ReviewRules,
    /// When pull requests were last listed completely.
    pub synced_at: Option<jiff::Timestamp>,
}

/// A repository of a project. Only linked ones take tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    pub id: RepositoryId,
    pub project: ProjectId,
    pub guid: Guid,
    pub name: String,
    pub linked: bool,
    /// The remote's default branch without `refs/heads/`; absent for an empty repository.
    pub default_branch: Option<String>,
    /// The branch that feature branches start from and pull requests target, when a person chose one.
    pub target_branch: Option<String>,
    pub web_url: Option<String>,
    pub remote_url: Option<String>,
    pub disabled: bool,
}

impl Repository {
    /// The branch to start from and to merge into, without `refs/heads/`.
    pub fn target(&self) -> Option<&str> {
        self.target_branch.as_deref().or(self.default_branch.as_deref())
    }
}
