//! How far a collection is: a value for every screen and every format. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::collection::Source;
use crate::domain::id::ProjectId;

/// How far a pass over projects is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// When this run of it began: what was done before is not counted in its rate.
    pub began: Option<Timestamp>,
    /// When this run had what the first tiles need, as far as it can be had.
    pub first_tiles_at: Option<Timestamp>,
    /// Calls of this run that were answered.
    pub here: i64,
    pub projects: Vec<ProjectProgress>,
    /// Whom it waits for before it begins.
    pub waiting: Option<Waiting>,
}

/// Another process that collects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The project, by name.
    pub project: String,
    /// Who has it, for a person: "process 4711".
    pub by: String,
    /// When its claim ends unless it goes on.
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectProgress {
    pub project: ProjectId,
    pub name: String,
    pub sources: Vec<SourceProgress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceProgress {
    pub source: Source,
    /// Calls answered, and to make in all; absent until it is known.
    pub done: i64,
    pub total: Option<i64>,
    #[serde(flatten)]
    pub state: State,
}

/// How a source's pass stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "words")]
pub enum State {
    #[default]
    Waiting,
    Running,
    Done,
    Failed(String),
    Refused(String),
}

impl State {
    /// Why it failed or was refused.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Failed(words) | Self::Refused(words) => Some(words),
            Self::Waiting | Self::Running | Self::Done => None,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Refused(_))
    }
}

impl Progress {
    fn sources(&self) -> impl Iterator<Item = &SourceProgress> {
        self.projects.iter().flat_map(|project| &project.sources)
    }

    /// Calls answered, of this run and of the ones before that it goes on with.
    pub fn done(&self) -> i64 {
        self.sources().map(|source| source.done).sum()
    }

    /// Calls in all; absent until every list that tells is read.
    pub fn total(&self) -> Option<i64> {
        self.sources().map(|source| if source.state.is_over() { Some(source.done) } else { source.total }).sum()
    }

    /// Calls answered and in all, of one kind.
    pub fn of(&self, source: Source) -> (i64, Option<i64>) {
        let mut rows = self.sources().filter(|row| row.source == source).peekable();
        if rows.peek().is_none() {
            return (0, None);
        }
        let (mut done, mut total) = (0, Some(0));
        for row in rows {
            done += row.done;
            let all = if row.state.is_over() { Some(row.done) } else { row.total };
            total = total.zip(all).map(|(sum, all)| sum + all);
        }
        (done, total)
    }

    /// Whether everything that the first tiles need is there, or cannot be had.
    pub fn has_first_tiles(&self) -> bool {
        !self.projects.is_empty() && self.sources().filter(|row| row.source.is_for_first_tiles()).all(|row| row.state.is_over())
    }

    pub fn is_over(&self) -> bool {
        !self.projects.is_empty() && self.sources().all(|row| row.state.is_over())
    }

    /// Calls a second since this run began.
    pub fn rate(&self, now: Timestamp) -> Option<f64> {
        let seconds = now.duration_since(self.began?).as_secs_f64();
        (seconds > 0.0 && self.here > 0).then(|| self.here as f64 / seconds)
    }

    /// How long the rest takes at this rate; absent until both are known.
    pub fn left(&self, now: Timestamp) -> Option<SignedDuration> {
        let open = self.total()? - self.done();
        let seconds = open.max(0) as f64 / self.rate(now)?;
        SignedDuration::try_from_secs_f64(seconds.min(1e9)).ok()
    }

    /// What failed or was refused: project, source, words.
    pub fn troubles(&self) -> impl Iterator<Item = (&str, &SourceProgress)> {
        let rows = self.projects.iter().flat_map(|project| project.sources.iter().map(|row| (project.name.as_str(), row)));
        rows.filter(|(_, row)| matches!(row.state, State::Failed(_) | State::Refused(_)))
    }

    /// Projects of which something failed.
    pub fn failed_projects(&self) -> impl Iterator<Item = ProjectId> {
        let failed = |project: &&ProjectProgress| project.sources.iter().any(|row| matches!(row.state, State::Failed(_)));
        self.projects.iter().filter(failed).map(|project| project.project)
    }

    pub fn failed(&self) -> usize {
        self.sources().filter(|row| matches!(row.state, State::Failed(_))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: Source, done: i64, total: Option<i64>, state: State) -> SourceProgress {
        SourceProgress { source, done, total, state }
    }

    fn progress(sources: Vec<SourceProgress>) -> Progress {
        let project = ProjectProgress { project: ProjectId(1), name: "Harbor".to_owned(), sources };
        Progress { began: Some(Timestamp::UNIX_EPOCH), first_tiles_at: None, here: 10, projects: vec![project], waiting: None }
    }

    #[test]
    fn the_end_is_told_once_every_total_is_known() {
        let now = Timestamp::from_second(5).unwrap();
        let mut known = progress(vec![row(Source::PullRequests, 10, Some(10), State::Done), row(Source::Threads, 0, None, State::Waiting)]);
        assert_eq!((known.total(), known.left(now)), (None, None));
        known.projects[0].sources[1].total = Some(40);
        assert_eq!((known.done(), known.total()), (10, Some(50)));
        assert_eq!(known.left(now), Some(SignedDuration::from_secs(20)), "40 calls at 2 a second");
        known.projects[0].sources[1].state = State::Refused("no scope".to_owned());
        assert_eq!(known.total(), Some(10), "what is refused is not waited for");
        assert!(known.is_over() && known.has_first_tiles());
    }

    #[test]
    fn first_tiles_wait_for_their_lists_only() {
        let lists = [Source::PullRequests, Source::Builds, Source::Environments, Source::Releases];
        let mut rows: Vec<_> = lists.map(|source| row(source, 1, Some(1), State::Done)).into();
        rows.push(row(Source::Details, 0, None, State::Waiting));
        assert!(progress(rows.clone()).has_first_tiles());
        rows[2].state = State::Running;
        assert!(!progress(rows).has_first_tiles());
        assert!(!Progress::default().has_first_tiles());
    }
}
