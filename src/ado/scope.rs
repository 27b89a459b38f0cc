//! Which token scope an operation needs, in the words of the page where people create tokens.

/// The scope that an operation needs; a wider one (`vso.code_manage`) does as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any valid token will do.
    Any,
    Project,
    Code,
    CodeWrite,
    /// Code (read) does as well.
    Threads,
    /// Writing in discussions.
    Commenting,
    Build,
    WorkItems,
    /// Classic releases.
    Release,
    /// The service has no read-only scope for environments.
    Environment,
    Graph,
    Identity,
    /// The specification names these three for every call about service hooks.
    Hooks,
}

/// Where people change what a token may.
pub fn tokens_page(organisation_url: &str) -> String {
    format!("{}/_usersSettings/tokens", organisation_url.trim_end_matches('/'))
}

impl Scope {
    pub fn words(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Project => "Project and Team (read)",
            Self::Code => "Code (read)",
            Self::CodeWrite => "Code (read & write)",
            Self::Threads => "Pull Request Threads (read & write)",
            Self::Commenting => "Pull Request Threads (read & write) or Code (read & write)",
            Self::Build => "Build (read)",
            Self::WorkItems => "Work Items (read)",
            Self::Release => "Release (read)",
            Self::Environment => "Environment (read & manage)",
            Self::Graph => "Graph (read)",
            Self::Identity => "Identity (read)",
            Self::Hooks => "Code (read), Build (read) and Work Items (read)",
        }
    }
}
