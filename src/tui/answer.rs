//! What the runtime answers to effects: read-models and plans, as the screen needs them.
//!
//! Shapes only. The runtime fills them from the store, the client and the actions; fixtures fill them for tests.

use std::fmt;

use jiff::Timestamp;

use crate::domain::health::HookHealth;
use crate::domain::id::{Guid, MemberId, ObjectId, ProjectId, RepositoryId, TicketKey};
pub use crate::domain::merge::{DiffKind, DiffLine};
use crate::domain::person::ReviewRules;
use crate::domain::progress::Progress;
use crate::domain::pull_request::KnownPullRequest;
use crate::domain::quality;
use crate::domain::rate_limit;
use crate::domain::ticket::{SpecState, Ticket};
use crate::metrics::departures::Stop;
use crate::metrics::figures::{Figures, Row};
use crate::metrics::input::{Linkage, MeasuredProject};
use crate::metrics::landing::Landing;
use crate::metrics::query::Zone;
use crate::metrics::waterfall::Waterfall;
use crate::notice::Notice;

/// A ticket with everything its screen shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketDetail {
    pub ticket: Ticket,
    pub spec: SpecState,
    pub repository_name: Option<String>,
    pub target_branch: Option<String>,
    pub assignee_name: Option<String>,
    pub pull_request: Option<KnownPullRequest>,
    /// Oldest first.
    pub history: Vec<HistoryLine>,
}

/// Something that happened to a ticket, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    pub at: Timestamp,
    pub words: String,
}

/// A pull request in the list, with the ticket that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestRow {
    pub pull_request: KnownPullRequest,
    pub ticket: Option<TicketKey>,
}

/// A project one can switch to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    pub id: ProjectId,
    pub name: String,
    pub organisation: String,
    pub prefix: String,
    /// The identity behind the organisation's token.
    pub me: Option<Guid>,
    pub me_name: Option<String>,
    pub rules: ReviewRules,
    /// Whether its pull requests are commented by themselves.
    pub comments: quality::Policy,
}

/// A repository of the project, for pickers and setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRow {
    pub id: RepositoryId,
    pub name: String,
    pub target_branch: Option<String>,
    pub linked: bool,
    pub disabled: bool,
}

/// A person of the project, for pickers and setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub id: MemberId,
    pub identity: Guid,
    pub name: String,
    pub account: String,
    pub can_review: bool,
    pub default_reviewer: Option<MemberId>,
    pub active_reviews: Option<u32>,
}

/// A request to Azure DevOps, as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    /// Absent when no answer came.
    pub status: Option<u16>,
    pub duration_ms: u64,
    pub activity_id: Option<String>,
    /// Why no answer came, in a word.
    pub trouble: Option<&'static str>,
}

/// The webhooks of a project, for the setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookCard {
    /// What hooks that a person makes are to call, or why there is no such address.
    pub url: Result<String, Notice>,
    /// Secrets that a person was shown: when each was made, and until when an old one counts.
    pub secrets: Vec<(Timestamp, Option<Timestamp>)>,
    pub health: HookHealth,
}

/// Figures with what they stand on.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsPage {
    pub figures: Figures,
    /// Whose days the window has.
    pub zone: Zone,
    /// The projects that were asked for, with how their collection stands.
    pub projects: Vec<MeasuredProject>,
    /// Every project on the board, for the filter.
    pub others: Vec<(ProjectId, String)>,
    /// Repositories of the projects that were asked for, for the filter.
    pub repositories: Vec<(RepositoryId, String)>,
    /// How much Azure DevOps lets us ask; absent where nobody can tell.
    pub rate_limit: Option<rate_limit::Known>,
}

/// How the collection of facts stands, of every project on the board.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collections {
    pub projects: Vec<MeasuredProject>,
    /// Of the open project's organisation.
    pub rate_limit: Option<rate_limit::Known>,
}

/// What is behind a number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricRows {
    pub rows: Vec<MetricRow>,
    /// Of the lead time alone.
    pub links: Option<Links>,
}

/// How much of the window's work hangs on work items and tickets, and on which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    pub linkage: Linkage,
    /// Work items, then tickets.
    pub rows: Vec<Link>,
    /// Why work items are not known, where they may not be read.
    pub refused: Option<String>,
}

/// What commits and pull requests hang on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `#4711`, `ATL-2`.
    pub name: String,
    /// Empty where it is not known.
    pub title: String,
    pub hanging: u64,
    pub url: Option<String>,
    pub ticket: Option<TicketKey>,
}

/// A row behind a number, as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    pub row: Row,
    /// `gateway !41`, `deploy-gateway 4711`.
    pub name: String,
    /// The title of a pull request, where it is known.
    pub title: Option<String>,
    pub url: Option<String>,
    /// The ticket that follows the pull request.
    pub ticket: Option<TicketKey>,
}

/// Why a pull request is where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub waterfall: Waterfall,
    pub landing: Option<Landing>,
    /// Where its commit is; empty while it is not merged.
    pub stops: Vec<Stop>,
    /// What the token may not read.
    pub missing: Vec<String>,
    pub read_at: Timestamp,
}

/// What starting work would do.
#[derive(Debug, Clone, PartialEq)]
pub struct StartPlan {
    pub progress: Progress,
    pub warnings: Vec<Notice>,
    /// Why it cannot be started, if it cannot.
    pub refused: Option<Notice>,
    /// A branch of the wanted name that is there already, made by somebody or something else, in words.
    pub existing_branch: Option<String>,
    /// Where it would start, and where else it could.
    pub repository: Option<RepositoryId>,
    pub repositories: Vec<RepositoryRow>,
}

/// What a small change of the remote would do: pushing or pulling a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub progress: Progress,
    pub warnings: Vec<Notice>,
    pub refused: Option<Notice>,
}

/// Somebody who may review, and how busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewerChoice {
    pub member: MemberId,
    pub name: String,
    pub active_reviews: u32,
}

/// A check before a pull request is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    pub words: String,
    pub state: PreflightState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreflightState {
    Ok,
    Warning,
    Stops,
}

/// A pull request before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestDraft {
    pub title: String,
    /// With the criteria and the spec's path, within Azure DevOps' limit.
    pub body: String,
    pub source_branch: String,
    pub target_branch: String,
    pub reviewers: Vec<ReviewerChoice>,
    pub chosen: Option<MemberId>,
    /// Why that one, or why nobody.
    pub reviewer_reason: String,
    pub work_items: Vec<String>,
    pub preflight: Vec<Preflight>,
    /// The one that is open already.
    pub existing: Option<i64>,
}

/// What to open, after a person read the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestRequest {
    pub key: TicketKey,
    pub title: String,
    pub body: String,
    pub target_branch: String,
    pub reviewer: Option<MemberId>,
    pub state: NewPullRequestState,
    pub work_items: Vec<String>,
}

/// What to do with a branch that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingBranch {
    Refuse,
    Reuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPullRequestState {
    Ready,
    Draft,
}

/// A ticket before it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicketRequest {
    pub project: ProjectId,
    pub title: String,
    pub description: String,
    pub criteria: Vec<String>,
    pub labels: Vec<String>,
    pub priority: Option<u8>,
    pub repository: Option<RepositoryId>,
    pub assignee: NewAssignee,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewAssignee {
    Nobody,
    Me,
}

/// Why a draft was not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveFailure {
    /// Another session saved in between: what it saved.
    Conflict(Box<SpecState>),
    Refused(Notice),
}

/// Two texts that both changed since they were one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecConflict {
    pub base: String,
    pub mine: String,
    pub theirs: String,
    /// All three merged, with markers where they disagree.
    pub merged: String,
    pub conflicts: usize,
    /// What the branch holds; absent when the other side is another session's draft.
    pub object: Option<ObjectId>,
}

/// What a connection check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionReport {
    pub organisation: String,
    pub url: String,
    pub user: String,
    pub projects: Vec<ProjectOption>,
    pub scopes: Vec<ScopeLine>,
    /// Where the scopes of the token are changed.
    pub tokens_page: String,
    /// Where the token was found, in words.
    pub token_source: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectOption {
    pub guid: Guid,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    pub scope: String,
    pub needed_for: String,
    /// What happens without it.
    pub degrades: String,
    pub need: ScopeNeed,
    pub outcome: ScopeOutcome,
}

/// Whether a missing scope is something to put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeNeed {
    Required,
    Expected,
    Optional,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeOutcome {
    Allowed,
    Missing,
    Unknown(String),
}

/// A task as the screen shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    pub id: u64,
    pub title: String,
    pub subject: Option<TicketKey>,
    pub progress: Progress,
    pub state: TaskState,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    Running,
    Done(String),
    Failed(Notice),
    Cancelled,
}

/// Text that must never be shown: a token on its way from a field to the runtime.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HiddenText(zeroize::Zeroizing<String>);

impl HiddenText {
    pub fn new(text: impl Into<String>) -> Self {
        Self(zeroize::Zeroizing::new(text.into()))
    }

    /// The text itself, for the one who keeps or sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(..)")
    }
}
