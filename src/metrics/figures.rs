//! The answer: tiles with value, sample size, coverage, what was left out and why; the rows behind each number.
//!
//! Durations are seconds. Everything serialises: `--json` prints these shapes.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::overlay::OverlayFigure;
use super::query::{Definition, Hours, ServiceId, Window};
use crate::domain::collection::Source;
use crate::domain::id::{ObjectId, ProjectId, RepositoryId};
use crate::domain::run::DefinitionKind;

/// A figure. The first five are DORA's, by their current names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    DeploymentFrequency,
    LeadTime,
    ChangeFailRate,
    RecoveryTime,
    ReworkRate,
    CycleTime,
    PipelineReliability,
    Throughput,
    WorkInProgress,
    MergedWithoutReview,
}

impl Metric {
    pub const ALL: [Self; 10] = [
        Self::DeploymentFrequency,
        Self::LeadTime,
        Self::ChangeFailRate,
        Self::RecoveryTime,
        Self::ReworkRate,
        Self::CycleTime,
        Self::PipelineReliability,
        Self::Throughput,
        Self::WorkInProgress,
        Self::MergedWithoutReview,
    ];

    /// As `--json` and Prometheus name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "deployment_frequency",
            Self::LeadTime => "lead_time",
            Self::ChangeFailRate => "change_fail_rate",
            Self::RecoveryTime => "recovery_time",
            Self::ReworkRate => "rework_rate",
            Self::CycleTime => "cycle_time",
            Self::PipelineReliability => "pipeline_reliability",
            Self::Throughput => "throughput",
            Self::WorkInProgress => "work_in_progress",
            Self::MergedWithoutReview => "merged_without_review",
        }
    }

    /// The title of its tile.
    pub fn title(self) -> &'static str {
        match self {
            Self::DeploymentFrequency => "Deployment frequency",
            Self::LeadTime => "Change lead time",
            Self::ChangeFailRate => "Change fail rate",
            Self::RecoveryTime => "Failed deployment recovery time",
            Self::ReworkRate => "Deployment rework rate",
            Self::CycleTime => "Pull-request cycle time",
            Self::PipelineReliability => "Pipeline reliability",
            Self::Throughput => "Throughput",
            Self::WorkInProgress => "Work in progress",
            Self::MergedWithoutReview => "Merged without review",
        }
    }
}

/// A value, or why there is none. Samples under 5 are listed; the median needs 5, the 85th percentile 19, the 95th 59.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Value {
    /// Why, for a person.
    NotMeasured {
        why: String,
    },
    /// No stage, environment or pipeline is known as production: never falls back to all builds.
    NoProduction,
    Backfilling {
        percent: u8,
    },
    /// Fewer than five: each of them, ascending.
    Few {
        seconds: Vec<f64>,
    },
    Times {
        median: f64,
        low: f64,
        high: f64,
        p85: Option<f64>,
        p95: Option<f64>,
    },
    /// The median with open cases counted as at least their age (Kaplan-Meier).
    Censored {
        median: f64,
        open: u64,
    },
    /// Too many are open for a median: it is at least this.
    AtLeast {
        seconds: f64,
        open: u64,
    },
    /// k of n, with the Wilson interval of 95 %, as fractions.
    Rate {
        k: u64,
        n: u64,
        low: f64,
        high: f64,
    },
    /// So many in so many days in which there was something to deploy.
    Frequency {
        count: u64,
        days: f64,
        per_day: f64,
        deploy_days_per_week: Option<f64>,
    },
    Count {
        count: u64,
    },
}

/// Whether it changed against the window before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// A test supports it. Whether up is good depends on the metric.
    Up,
    Down,
    NoClearChange,
    /// One of the windows has fewer than ten.
    TooFew,
    /// The window before was not collected, or not as a whole.
    NotCollected,
}

/// Why something was left out of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Bot,
    Revert,
    Abandoned,
    NoReview,
    /// Threads or details were not read yet, or may not be.
    NotRead,
    /// A vote without a date.
    UndatedVote,
    /// Negative: clocks disagree, or commits were rewritten.
    Invalid,
    /// Merged and not in production yet.
    NotDeployed,
    /// Another branch was deployed since, and what that contained could not be read.
    Beyond,
    /// The first deployment known of its service: what it brought is not known.
    Seed,
    Redeploy,
    /// Younger than 72 hours: a failure may still show.
    TooYoung,
    Canceled,
    Skipped,
    FailedAttempt,
    Pending,
    OtherBranch,
    NoTime,
    /// Reviewed, but no approval was in force at the merge.
    NoApproval,
    /// Nothing tells failures in its project: no incidents, rollbacks or hotfixes were ever seen.
    NoSource,
    /// An incident that hangs on no deployment known.
    NoDeployment,
    /// The first commit is more than 90 days older than the pull request: rebased or cherry-picked.
    StaleStart,
    /// A run that validated a pull request: what it ran is not merged.
    Validation,
}

impl Reason {
    pub const ALL: [Self; 23] = [
        Self::Bot,
        Self::Revert,
        Self::Abandoned,
        Self::NoReview,
        Self::NotRead,
        Self::UndatedVote,
        Self::Invalid,
        Self::NotDeployed,
        Self::Beyond,
        Self::Seed,
        Self::Redeploy,
        Self::TooYoung,
        Self::Canceled,
        Self::Skipped,
        Self::FailedAttempt,
        Self::Pending,
        Self::OtherBranch,
        Self::NoTime,
        Self::NoApproval,
        Self::NoSource,
        Self::NoDeployment,
        Self::StaleStart,
        Self::Validation,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Bot => "by a bot",
            Self::Revert => "reverts another",
            Self::Abandoned => "abandoned",
            Self::NoReview => "no review before the merge",
            Self::NotRead => "reviews or commits not read",
            Self::UndatedVote => "a vote without a date",
            Self::Invalid => "times contradict each other",
            Self::NotDeployed => "not in production yet",
            Self::Beyond => "a branch was deployed, contents unknown",
            Self::Seed => "first deployment known",
            Self::Redeploy => "same commit deployed again",
            Self::TooYoung => "younger than 72 hours",
            Self::Canceled => "cancelled",
            Self::Skipped => "production stage skipped",
            Self::FailedAttempt => "failed in the stage",
            Self::Pending => "waiting or running",
            Self::OtherBranch => "merged to another branch",
            Self::NoTime => "no time given",
            Self::NoApproval => "no approval in force at the merge",
            Self::NoSource => "nothing tells failures in its project",
            Self::NoDeployment => "no deployment known before it",
            Self::StaleStart => "first commit over 90 days older",
            Self::Validation => "validated a pull request",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    pub reason: Reason,
    pub count: u64,
}

/// `k` of `n`, of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub k: u64,
    pub n: u64,
    /// "merged pull requests deployed"
    pub of: String,
}

/// A week of a sparkline: its value and how many it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// Monday, in the query's zone.
    pub starts: Date,
    /// Seconds, a rate as a fraction, or a count, as the tile's value; absent where there was none, and where nothing was measured.
    pub value: Option<f64>,
    pub n: u64,
    pub measured: Measured,
}

/// How much of a week was measured: it may begin before the window, before anything was collected, or not be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    Whole,
    /// What it counts is less than the week's.
    Part,
    None,
}

/// A cluster of answers to DORA's survey, printed only if the whole interval lies in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// `elite`, `high`, `medium`, `low`.
    pub name: String,
    /// "2024 cluster"
    pub year: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    pub metric: Metric,
    pub value: Value,
    pub previous: Option<Value>,
    pub trend: Trend,
    /// How many the value rests on.
    pub n: u64,
    pub coverage: Option<Coverage>,
    pub excluded: Vec<Excluded>,
    pub definition: Definition,
    pub band: Option<Band>,
    pub weeks: Vec<Week>,
    /// What counts as production here, which failures were looked for, what is a proxy.
    pub notes: Vec<String>,
    /// The formula with its numbers filled in, a line each.
    pub formula: Vec<String>,
    /// Sources that the value lacks, each with what to do.
    pub missing: Vec<Missing>,
}

impl Tile {
    /// A value alone: resting on nothing, compared with nothing.
    pub fn new(metric: Metric, value: Value, definition: Definition) -> Self {
        Tile {
            metric,
            value,
            previous: None,
            trend: Trend::TooFew,
            n: 0,
            coverage: None,
            excluded: Vec::new(),
            definition,
            band: None,
            weeks: Vec::new(),
            notes: Vec::new(),
            formula: Vec::new(),
            missing: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub source: Source,
    pub project: String,
    pub words: String,
}

/// A part of a pull request's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Coding,
    Draft,
    Pickup,
    Review,
    MergeWait,
    DeployWait,
}

impl Phase {
    pub const ALL: [Self; 6] = [Self::Coding, Self::Draft, Self::Pickup, Self::Review, Self::MergeWait, Self::DeployWait];

    pub fn words(self) -> &'static str {
        match self {
            Self::Coding => "coding",
            Self::Draft => "draft",
            Self::Pickup => "pickup",
            Self::Review => "review",
            Self::MergeWait => "merge wait",
            Self::DeployWait => "deploy wait",
        }
    }

    /// Pickup, review and merge wait make the cycle time.
    pub fn is_in_cycle_time(self) -> bool {
        matches!(self, Self::Pickup | Self::Review | Self::MergeWait)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseFigure {
    pub phase: Phase,
    pub value: Value,
    pub n: u64,
    pub excluded: Vec<Excluded>,
    /// What went on in it, where something may have; by kanado's definition only.
    pub overlay: Option<OverlayFigure>,
}

/// A service that was found, for the filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    /// "environment `prod-eu`", "stage `Production`"
    pub production: Vec<String>,
    pub deployments: u64,
}

/// Everything for one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub window: Window,
    pub definition: Definition,
    pub hours: Hours,
    /// The oldest "last sync" of what it rests on.
    pub as_of: Option<Timestamp>,
    pub tiles: Vec<Tile>,
    pub phases: Vec<PhaseFigure>,
    pub services: Vec<Service>,
    pub linkage: super::input::Linkage,
}

impl Figures {
    pub fn tile(&self, metric: Metric) -> Option<&Tile> {
        self.tiles.iter().find(|tile| tile.metric == metric)
    }
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "subject")]
pub enum Subject {
    PullRequest { repository: RepositoryId, number: i64 },
    Deployment { project: ProjectId, kind: DefinitionKind, definition: i64, run: i64 },
    Commit { repository: RepositoryId, sha: ObjectId },
    WorkItem { project: ProjectId, number: i64 },
}

/// One of the rows behind a number, or one that was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub subject: Subject,
    /// When it counts: completion, deployment, creation.
    pub at: Timestamp,
    /// Seconds, where it has a duration.
    pub seconds: Option<f64>,
    /// What is to say of it: "deployed by run 4711", "3 regions, first after 4m".
    pub words: String,
    /// Absent where it counts.
    pub excluded: Option<Reason>,
    /// One of the k of a rate: it failed, was unplanned, had no review.
    pub hit: bool,
}
