//! What happened: keys, answers to effects, changes of the store. The only way anything reaches the model.

use jiff::Timestamp;

use super::answer::{
    Collections, ConnectionReport, DiffLine, HiddenText, MemberRow, MetricRows, MetricsPage, Plan, ProjectRow, PullRequestDraft,
    PullRequestRow, RepositoryRow, RequestRow, SaveFailure, SpecConflict, StartPlan, Story, TaskRow, TicketDetail, WebhookCard,
};
use super::key::Key;
use crate::domain::board::Board;
use crate::domain::change::Change;
use crate::domain::health::{HookHealth, Live};
use crate::domain::hook::Delivery;
use crate::domain::id::TicketKey;
use crate::domain::ticket::SpecState;
use crate::notice::Notice;

/// Something that happened, and when: `update` reads no clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub what: What,
}

impl Event {
    pub fn new(at: Timestamp, what: What) -> Self {
        Self { at, what }
    }
}

/// The number of a load or a question. An answer to an older one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Generation(pub u64);

/// An answer, or why there is none.
pub type Answer<T> = Result<T, Notice>;

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    // From the terminal
    Key(Key),
    Paste(String),
    Wheel(Direction),
    Click {
        x: u16,
        y: u16,
    },
    Resize {
        width: u16,
        height: u16,
    },
    FocusGained,
    FocusLost,
    /// A deadline of [`super::model::Model::wake_at`] has passed, or the terminal was resumed.
    Tick,
    /// The terminal is gone or the system wants us to end.
    HangUp,

    // From the store
    Changed(Change),

    // Answers to loads
    BoardLoaded {
        generation: Generation,
        board: Answer<Box<Board>>,
    },
    TicketLoaded {
        generation: Generation,
        key: TicketKey,
        detail: Answer<Box<TicketDetail>>,
    },
    PullRequestsLoaded {
        generation: Generation,
        rows: Answer<Vec<PullRequestRow>>,
    },
    ProjectsLoaded {
        generation: Generation,
        rows: Answer<Vec<ProjectRow>>,
    },
    RepositoriesLoaded {
        generation: Generation,
        rows: Answer<Vec<RepositoryRow>>,
    },
    MembersLoaded {
        generation: Generation,
        rows: Answer<Vec<MemberRow>>,
    },

    LiveLoaded {
        generation: Generation,
        live: Answer<Live>,
    },
    DeliveriesLoaded {
        generation: Generation,
        rows: Answer<Vec<Delivery>>,
    },
    /// A delivery's body, laid out.
    BodyLoaded {
        generation: Generation,
        lines: Answer<Vec<String>>,
    },
    HealthLoaded {
        generation: Generation,
        health: Answer<Box<HookHealth>>,
    },
    RequestsLoaded {
        generation: Generation,
        rows: Answer<Vec<RequestRow>>,
    },
    WebhooksLoaded {
        generation: Generation,
        card: Answer<Box<WebhookCard>>,
    },

    MetricsLoaded {
        generation: Generation,
        page: Answer<Box<MetricsPage>>,
    },
    MetricRowsLoaded {
        generation: Generation,
        rows: Answer<Box<MetricRows>>,
    },
    /// In words; nothing for a figure that no row can move.
    MovedLoaded {
        generation: Generation,
        lines: Answer<Vec<String>>,
    },
    CollectionsLoaded {
        generation: Generation,
        collections: Answer<Box<Collections>>,
    },
    Explained {
        generation: Generation,
        story: Answer<Box<Story>>,
    },
    TeamsLoaded {
        generation: Generation,
        teams: Answer<Vec<String>>,
    },
    /// With words for what was written where.
    MetricsExported {
        generation: Generation,
        written: Answer<String>,
    },

    // Answers to questions and wishes
    HooksPlanned {
        generation: Generation,
        plan: Answer<Box<Plan>>,
    },
    /// What a person does in the web page, line by line.
    StepsLoaded {
        generation: Generation,
        lines: Answer<Vec<String>>,
    },
    /// A secret, to be shown once.
    SecretMade {
        secret: HiddenText,
        url: Option<String>,
    },
    StartPlanned {
        generation: Generation,
        plan: Answer<Box<StartPlan>>,
    },
    Planned {
        generation: Generation,
        plan: Answer<Box<Plan>>,
    },
    PullRequestPlanned {
        generation: Generation,
        draft: Answer<Box<PullRequestDraft>>,
    },
    TaskStarted {
        generation: Generation,
        task: Answer<u64>,
    },
    SpecSaved {
        generation: Generation,
        key: TicketKey,
        saved: Result<Box<SpecState>, SaveFailure>,
    },
    SpecConflicted {
        key: TicketKey,
        conflict: Box<SpecConflict>,
    },
    SpecCompared {
        generation: Generation,
        key: TicketKey,
        rows: Answer<Vec<DiffLine>>,
    },
    EditedOutside {
        key: TicketKey,
        text: Answer<String>,
    },
    TicketCreated {
        generation: Generation,
        key: Answer<TicketKey>,
    },
    Connected {
        generation: Generation,
        report: Answer<Box<ConnectionReport>>,
    },
    Activated {
        generation: Generation,
        project: Answer<Box<ProjectRow>>,
    },
    ProjectSelected {
        project: Box<ProjectRow>,
        token_days_left: Option<i64>,
    },
    /// With words for what moved, if something did.
    Synced {
        generation: Generation,
        outcome: Answer<Option<String>>,
    },
    /// A small wish was carried out; words to show, if any.
    Done {
        words: Answer<Option<String>>,
    },
    Tasks(Vec<TaskRow>),
    /// Azure DevOps asked us to wait; no more waiting with `None`.
    RateLimited {
        until: Option<Timestamp>,
    },
    Notice(Notice),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}
