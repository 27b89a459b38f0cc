//! What `update` wants done outside the model. The runtime performs effects; each load, plan and change answers with an event.

use std::fmt;

use super::answer::{ExistingBranch, HiddenText, NewTicketRequest, PullRequestRequest, SpecConflict};
use super::event::Generation;
use super::model::activity::Shown;
use super::model::metrics::{Ask, Scope};
use super::model::webhooks::HookVerb;
use super::session::Session;
use crate::domain::id::{Guid, MemberId, ProjectId, RepositoryId, TicketKey};
use crate::domain::person::ReviewRules;
use crate::domain::quality::Posting;
use crate::domain::status::Status;
use crate::metrics::figures::Metric;

/// A wish to the world outside. Named in the imperative.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    // Reading what the store knows; answered by `...Loaded`.
    LoadBoard {
        project: ProjectId,
        generation: Generation,
    },
    LoadTicket {
        key: TicketKey,
        generation: Generation,
    },
    LoadPullRequests {
        project: ProjectId,
        generation: Generation,
    },
    LoadProjects {
        generation: Generation,
    },
    LoadRepositories {
        project: ProjectId,
        generation: Generation,
    },
    LoadMembers {
        project: ProjectId,
        generation: Generation,
    },
    SelectProject {
        project: ProjectId,
    },

    /// Answered by `LiveLoaded`.
    LoadLive {
        project: ProjectId,
        generation: Generation,
    },
    LoadDeliveries {
        project: ProjectId,
        shown: Shown,
        generation: Generation,
    },
    /// Answered by `BodyLoaded`.
    LoadBody {
        delivery: i64,
        generation: Generation,
    },
    /// Answered by `HealthLoaded`.
    LoadHealth {
        project: ProjectId,
        generation: Generation,
    },
    /// The requests to the project's organisation; answered by `RequestsLoaded`.
    LoadRequests {
        project: ProjectId,
        generation: Generation,
    },
    LoadWebhooks {
        project: ProjectId,
        generation: Generation,
    },

    // Figures
    /// Answered by `MetricsLoaded`.
    LoadMetrics {
        project: ProjectId,
        ask: Box<Ask>,
        generation: Generation,
    },
    /// The rows behind a number and those left out; answered by `MetricRowsLoaded`.
    LoadMetricRows {
        project: ProjectId,
        ask: Box<Ask>,
        metric: Metric,
        generation: Generation,
    },
    /// What moved a median since last week; answered by `MovedLoaded`.
    LoadMoved {
        project: ProjectId,
        ask: Box<Ask>,
        metric: Metric,
        generation: Generation,
    },
    /// How the collection of facts stands; answered by `CollectionsLoaded`.
    LoadCollections {
        project: ProjectId,
        generation: Generation,
    },
    /// Asks Azure DevOps, three calls at most, none of a merged one that nothing brings further; answered by `Explained`.
    Explain {
        repository: RepositoryId,
        number: i64,
        generation: Generation,
    },
    /// Asks Azure DevOps; answered by `TeamsLoaded`.
    LoadTeams {
        project: ProjectId,
        generation: Generation,
    },
    /// Writes figures, or the rows behind one, into a new file; answered by `MetricsExported`.
    ExportMetrics {
        project: ProjectId,
        ask: Box<Ask>,
        /// Of this one the rows; of none of them the figures.
        metric: Option<Metric>,
        path: String,
        generation: Generation,
    },
    /// A task: collects what is new of the projects that are asked for, from now on measured.
    Collect {
        project: ProjectId,
        scope: Scope,
    },

    // Webhooks
    /// Answered by `Done`.
    ReplayDelivery {
        delivery: i64,
    },
    /// Answered by `HooksPlanned`.
    PlanHooks {
        project: ProjectId,
        verb: HookVerb,
        generation: Generation,
    },
    /// A task; `SecretMade` when it made one.
    ChangeHooks {
        project: ProjectId,
        verb: HookVerb,
        generation: Generation,
    },
    /// Answered by `StepsLoaded`.
    LoadSteps {
        project: ProjectId,
        generation: Generation,
    },

    // Specs
    /// Answered by `SpecSaved`.
    SaveSpec {
        key: TicketKey,
        expected_revision: i64,
        text: String,
        generation: Generation,
    },
    /// Answered by `Planned`.
    PlanPush {
        key: TicketKey,
        generation: Generation,
    },
    /// A task; `SpecConflicted` when both sides changed.
    PushSpec {
        key: TicketKey,
        generation: Generation,
    },
    /// A task; `SpecConflicted` when both sides changed.
    PullSpec {
        key: TicketKey,
        generation: Generation,
    },
    /// Answered by `SpecCompared`.
    DiffSpec {
        key: TicketKey,
        generation: Generation,
    },
    /// Keeps `text` as the draft on top of what the other side holds; answered by `SpecSaved`.
    ResolveSpec {
        key: TicketKey,
        text: String,
        conflict: Box<SpecConflict>,
        generation: Generation,
    },
    /// Answered by `Done`.
    ToggleCriterion {
        key: TicketKey,
        index: usize,
    },

    // The way of a ticket
    /// Chooses the repository if one is given, and looks. Answered by `StartPlanned`.
    PlanStart {
        key: TicketKey,
        repository: Option<RepositoryId>,
        generation: Generation,
    },
    /// A task.
    Start {
        key: TicketKey,
        existing: ExistingBranch,
        generation: Generation,
    },
    /// Answered by `PullRequestPlanned`.
    PlanPullRequest {
        key: TicketKey,
        target_branch: Option<String>,
        generation: Generation,
    },
    /// A task.
    OpenPullRequest {
        request: Box<PullRequestRequest>,
        generation: Generation,
    },
    /// Answered by `TicketCreated`.
    CreateTicket {
        request: Box<NewTicketRequest>,
        generation: Generation,
    },
    // Answered by `Done`.
    Assign {
        key: TicketKey,
        version: i64,
        member: Option<MemberId>,
    },
    AssignToMe {
        key: TicketKey,
        version: i64,
    },
    Move {
        key: TicketKey,
        to: Status,
    },
    Archive {
        key: TicketKey,
        version: i64,
    },
    Delete {
        key: TicketKey,
        version: i64,
    },

    // Keeping up
    /// Lists the project's pull requests; answered by `Synced`.
    Sync {
        project: ProjectId,
        why: SyncReason,
        generation: Generation,
    },
    /// Reads one ticket's pull request, its policies and threads.
    SyncTicket {
        key: TicketKey,
    },
    /// Reads policies and threads of what is on the screen, a few at a time: of tickets, and of pull requests that no ticket follows.
    LoadDetails {
        project: ProjectId,
        keys: Vec<TicketKey>,
        pull_requests: Vec<(RepositoryId, i64)>,
        reread: Reread,
    },

    // Setup
    /// Answered by `Connected`. An empty token means the one found by the configured sources.
    CheckConnection {
        url: String,
        token: HiddenText,
        generation: Generation,
    },
    /// Keeps the organisation and its token; answered by `Activated`.
    Activate {
        url: String,
        token: HiddenText,
        project: Guid,
        generation: Generation,
    },
    StartDemo,
    /// Asks Azure DevOps; answered by `RepositoriesLoaded`.
    DiscoverRepositories {
        project: ProjectId,
        generation: Generation,
    },
    /// A task: takes a project off the board, with its webhooks.
    Deselect {
        project: ProjectId,
        name: String,
        collected: Collected,
    },
    LinkRepository {
        repository: RepositoryId,
        link: Link,
    },
    /// Asks Azure DevOps; answered by `MembersLoaded`.
    DiscoverMembers {
        project: ProjectId,
        generation: Generation,
    },
    SetMember {
        member: MemberId,
        change: MemberChange,
    },
    SetReviewRules {
        project: ProjectId,
        rules: ReviewRules,
    },
    /// Whether a project's pull requests are commented by themselves; `None` leaves it to the configuration.
    SetComments {
        project: ProjectId,
        posting: Option<Posting>,
    },

    // Everything else
    CancelTask {
        task: u64,
    },
    CopyText {
        what: &'static str,
        text: String,
    },
    /// As `CopyText`, of what must not be shown again.
    CopyHidden {
        what: &'static str,
        text: HiddenText,
    },
    OpenUrl {
        url: String,
    },
    /// The page of the ticket's pull request.
    OpenPage {
        key: TicketKey,
    },
    /// Answered by `EditedOutside`.
    ExternalEditor {
        key: TicketKey,
        text: String,
    },
    SaveSession(Box<Session>),
    SetTitle(String),
    Mouse(MouseCapture),
    Redraw,
    Suspend,
    Bell,
    /// Tells a person who looks elsewhere.
    Notify(String),
    Quit(QuitMode),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SyncReason {
    #[default]
    ViewLoad,
    Asked,
}

/// Which policies and threads are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reread {
    /// Those that were not read for a while.
    Old,
    /// A person asked: all of them.
    All,
}

/// What becomes of the facts that were collected of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collected {
    Kept,
    Deleted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Linked,
    Unlinked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseCapture {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuitMode {
    Now,
    /// After the running tasks are done.
    WhenIdle,
}

/// A change of a member's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    CanReview(bool),
    DefaultReviewer(Option<MemberId>),
}

impl fmt::Display for SyncReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ViewLoad => "view load",
            Self::Asked => "asked",
        })
    }
}
