//! What the store announces after a commit, so that screens know what to read again.

use super::id::{OrganisationId, ProjectId, RepositoryId, TicketKey};

/// A committed change. Receivers read again what it names; it carries no data of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    Organisation(OrganisationId),
    Project(ProjectId),
    Ticket {
        project: ProjectId,
        key: TicketKey,
    },
    /// Several tickets at once (an import, a sync).
    Tickets(ProjectId),
    PullRequest {
        repository: RepositoryId,
        number: i64,
    },
    /// Pull requests of a project were listed.
    PullRequests(ProjectId),
    Members(ProjectId),
    Repositories(ProjectId),
    Settings,
    /// Deliveries arrived, or something became of them.
    Deliveries(ProjectId),
    /// Facts for figures were collected, or how far the collection is has changed. Announced seldom: at most every few pages.
    Facts(ProjectId),
    /// Subscriptions, secrets, receivers or reconciliations of a project.
    Hooks(ProjectId),
    /// Another process wrote: nothing more is known, read everything again.
    Elsewhere,
}
