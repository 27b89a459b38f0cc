//! What is collected for the figures, from which source, how far, how fresh, and what is refused.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A last sync that is older is stale: two cycles of fifteen minutes.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// A stream of facts about a project, with a cursor of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Lists: what was closed in the window, what is active.
    PullRequests,
    Builds,
    Environments,
    Releases,
    /// Comments, dated votes, draft transitions: one call a pull request.
    Threads,
    /// Commits, work items and the whole description: one call a pull request.
    Details,
    Commits,
    /// The order of tips on default branches.
    Pushes,
    WorkItems,
    /// Stages of runs, where environments do not tell.
    Timelines,
}

impl Source {
    /// In the order in which they are collected: what the first tiles need comes first.
    pub const ALL: [Self; 10] = [
        Self::PullRequests,
        Self::Builds,
        Self::Environments,
        Self::Releases,
        Self::Pushes,
        Self::Threads,
        Self::Details,
        Self::Timelines,
        Self::Commits,
        Self::WorkItems,
    ];

    /// As the store and `--json` name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PullRequests => "pull_requests",
            Self::Builds => "builds",
            Self::Environments => "environments",
            Self::Releases => "releases",
            Self::Threads => "threads",
            Self::Details => "details",
            Self::Commits => "commits",
            Self::Pushes => "pushes",
            Self::WorkItems => "work_items",
            Self::Timelines => "timelines",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::PullRequests => "pull requests",
            Self::Builds => "pipeline runs",
            Self::Environments => "environments",
            Self::Releases => "classic releases",
            Self::Threads => "reviews and comments",
            Self::Details => "pull-request commits",
            Self::Commits => "commits",
            Self::Pushes => "pushes",
            Self::WorkItems => "work items",
            Self::Timelines => "stages",
        }
    }

    /// Whether the first tiles wait for it.
    pub fn is_for_first_tiles(self) -> bool {
        matches!(self, Self::PullRequests | Self::Builds | Self::Environments | Self::Releases)
    }
}

/// How a source of a project stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    pub source: Source,
    /// What it covers begins here.
    pub from: Option<Timestamp>,
    /// Operations done and to do of the pass under way, or of the last one. `total` is absent until it is known.
    pub done: i64,
    pub total: Option<i64>,
    /// The first complete pass ended.
    pub backfilled_at: Option<Timestamp>,
    /// The last complete pass ended: the "last sync".
    pub synced_at: Option<Timestamp>,
    pub attempted_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failed: Option<String>,
    /// A scope or a permission is missing: what to do, in words. Not a failure: everything else goes on without it.
    pub refused: Option<String>,
}

impl SourceState {
    pub fn new(source: Source) -> Self {
        Self {
            source,
            from: None,
            done: 0,
            total: None,
            backfilled_at: None,
            synced_at: None,
            attempted_at: None,
            failed: None,
            refused: None,
        }
    }

    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.refused.is_none() && self.synced_at.is_none_or(|at| now.duration_since(at) > STALE_AFTER)
    }
}

/// How the collection of a project's facts stands. Empty `sources` means that the project is not measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    pub sources: Vec<SourceState>,
    /// Facts since then are covered once everything is backfilled.
    pub from: Option<Timestamp>,
}

impl Collection {
    pub fn source(&self, source: Source) -> Option<&SourceState> {
        self.sources.iter().find(|state| state.source == source)
    }

    /// Whether everything that can be read has been read once.
    pub fn is_complete(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(|s| s.backfilled_at.is_some() || s.refused.is_some())
    }

    /// Whether the first tiles have what they need.
    pub fn has_first_tiles(&self) -> bool {
        let mut needed = self.sources.iter().filter(|s| s.source.is_for_first_tiles()).peekable();
        needed.peek().is_some() && needed.all(|s| s.backfilled_at.is_some() || s.refused.is_some())
    }

    /// How much of the first pass is done, 0 to 100; sources whose size is not known count as nothing done.
    pub fn percent(&self) -> u8 {
        if self.is_complete() {
            return 100;
        }
        let share = |s: &SourceState| match (s.backfilled_at.is_some() || s.refused.is_some(), s.total) {
            (true, _) => 1.0,
            (false, Some(total)) if total > 0 => (s.done as f64 / total as f64).clamp(0.0, 1.0),
            _ => 0.0,
        };
        let sum: f64 = self.sources.iter().map(share).sum();
        ((sum / self.sources.len().max(1) as f64 * 100.0) as u8).min(99)
    }

    /// The last sync of the source that is behind most; absent while one was never complete.
    pub fn last_sync(&self) -> Option<Timestamp> {
        self.sources.iter().filter(|s| s.refused.is_none()).map(|s| s.synced_at).min().flatten()
    }
}
