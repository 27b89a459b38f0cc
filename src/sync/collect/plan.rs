//! What a pass over projects asks for, in which order, and how many calls that is. Pure.
//!
//! First what the first tiles need, by lists of a project; then one call a pull request, active ones and the newest first; then what
//! completes the picture. Nothing is asked of pull requests of machines, and of a pipeline whose environments tell no more than one run.
//!
//! [`Counts::calls`] is the budget: what a first pass over an organisation of that size may ask, as a formula.

use std::collections::BTreeSet;

use crate::domain::collection::Source;
use crate::domain::id::{ObjectId, RepositoryId};

/// Something to ask for: one call, or a listing with its pages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    ActivePullRequests,
    ClosedPullRequests,
    FinishedBuilds,
    RunningBuilds,
    /// The environments' names; the records of production ones follow.
    Environments,
    Records {
        environment: i64,
    },
    Deployments,
    /// How many approvals branches want, where that was not asked lately.
    Approvals,
    Threads {
        repository: RepositoryId,
        number: i64,
    },
    Detail {
        repository: RepositoryId,
        number: i64,
    },
    Pushes {
        repository: RepositoryId,
        /// The default one. Another one's pushes are another list.
        branch: String,
    },
    Timeline {
        definition: i64,
        build: i64,
    },
    /// Those of the default branch, by date: once, as far back as is wanted.
    Commits {
        repository: RepositoryId,
        branch: String,
    },
    /// What pushes to the default branch brought, whatever its date.
    Pushed {
        repository: RepositoryId,
        old: ObjectId,
        new: ObjectId,
    },
    /// What a deployment from elsewhere has that the one before lacks.
    Between {
        repository: RepositoryId,
        base: ObjectId,
        head: ObjectId,
    },
    /// Incidents and whatever changed, by their ids; the batches follow.
    ChangedWorkItems,
}

impl Operation {
    pub fn source(&self) -> Source {
        match self {
            Self::ActivePullRequests | Self::ClosedPullRequests => Source::PullRequests,
            Self::FinishedBuilds | Self::RunningBuilds => Source::Builds,
            Self::Environments | Self::Records { .. } => Source::Environments,
            Self::Deployments => Source::Releases,
            // Without them threads don't tell which vote completed the review.
            Self::Approvals | Self::Threads { .. } => Source::Threads,
            Self::Detail { .. } => Source::Details,
            Self::Pushes { .. } => Source::Pushes,
            Self::Timeline { .. } => Source::Timelines,
            Self::Commits { .. } | Self::Pushed { .. } | Self::Between { .. } => Source::Commits,
            Self::ChangedWorkItems => Source::WorkItems,
        }
    }

    /// As the cursor of its source names it.
    pub fn unit(&self) -> String {
        match self {
            Self::ActivePullRequests => "active".to_owned(),
            Self::ClosedPullRequests => "closed".to_owned(),
            Self::FinishedBuilds => "finished".to_owned(),
            Self::RunningBuilds => "running".to_owned(),
            Self::Environments => "names".to_owned(),
            Self::Records { environment } => environment.to_string(),
            Self::Deployments => "deployments".to_owned(),
            Self::Approvals => "approvals".to_owned(),
            Self::Threads { repository, number } | Self::Detail { repository, number } => format!("{repository}:{number}"),
            Self::Pushes { repository, branch } | Self::Commits { repository, branch } => format!("{repository}:{branch}"),
            Self::Timeline { build, .. } => build.to_string(),
            Self::Pushed { repository, new, .. } => format!("{repository}:{new}"),
            Self::Between { repository, base, head } => format!("{repository}:{base}:{head}"),
            Self::ChangedWorkItems => "changed".to_owned(),
        }
    }
}

/// The lists that the first tiles wait for. Which environments' records are wanted is known once their names are.
pub fn first_tiles() -> Vec<Operation> {
    use Operation::{ActivePullRequests, ClosedPullRequests, Deployments, Environments, FinishedBuilds, RunningBuilds};
    vec![ActivePullRequests, ClosedPullRequests, FinishedBuilds, RunningBuilds, Environments, Deployments]
}

/// What is known of a project once its lists are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether it is time to ask how many approvals branches want.
    pub approvals_due: bool,
    /// Pull requests whose threads are not as new as they are: active ones first, then the newest.
    pub threads: Vec<(RepositoryId, i64)>,
    pub details: Vec<(RepositoryId, i64)>,
    /// Active pull requests whose threads were read, the one read longest ago first.
    pub read: Vec<(RepositoryId, i64)>,
    /// Repositories that can be read and have a default branch, with that.
    pub repositories: Vec<(RepositoryId, String)>,
    /// Those of them whose commits were not listed yet, as far back as is wanted: later ones are found by pushes.
    pub unlisted: Vec<(RepositoryId, String)>,
    /// Runs whose stages nothing else tells, with their pipelines.
    pub timelines: Vec<(i64, i64)>,
}

/// What follows the lists, in order.
pub fn after_lists(known: &Known) -> Vec<Operation> {
    let wanted: BTreeSet<_> = known.threads.iter().copied().collect();
    let turn = known.read.iter().copied().filter(|place| !wanted.contains(place)).take(known.rotation());
    let threads = known.threads.iter().copied().chain(turn).map(|(repository, number)| Operation::Threads { repository, number });
    let details = known.details.iter().map(|&(repository, number)| Operation::Detail { repository, number });
    let pushes = known.repositories.iter().cloned().map(|(repository, branch)| Operation::Pushes { repository, branch });
    let timelines = known.timelines.iter().map(|&(definition, build)| Operation::Timeline { definition, build });
    let commits = known.unlisted.iter().cloned().map(|(repository, branch)| Operation::Commits { repository, branch });
    let approvals = known.approvals_due.then_some(Operation::Approvals);
    approvals
        .into_iter()
        .chain(threads)
        .chain(details)
        .chain(pushes)
        .chain(timelines)
        .chain(commits)
        .chain([Operation::ChangedWorkItems])
        .collect()
}

impl Known {
    /// How many active pull requests are read again although no list shows that anything changed: a quarter in each pass, so that a
    /// comment that no hook told of is found within four.
    fn rotation(&self) -> usize {
        self.read.len().div_ceil(4)
    }
}

/// How large an organisation is, as far as the number of calls depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub projects: usize,
    /// Those that can be read.
    pub repositories: usize,
    /// Closed in the window, or active.
    pub pull_requests: usize,
    /// Of these, those of machines: nothing but the list is read of them.
    pub of_machines: usize,
    pub builds: usize,
    /// Environments that are production, and their records.
    pub environments: usize,
    pub records: usize,
    pub deployments: usize,
    pub commits: usize,
    pub work_items: usize,
    /// Runs whose stages nothing else tells, and one of each other pipeline.
    pub timelines: usize,
    /// Deployments from other branches than the default one, and groups of pushes whose commits are older than the window.
    pub between: usize,
}

/// How many calls a first pass makes at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Until the first tiles have what they need.
    pub first_tiles: usize,
    pub whole: usize,
}

/// Rows that a listing gives at once.
pub const PULL_REQUESTS: usize = 1000;
pub const BUILDS: usize = 5000;
pub const RECORDS: usize = 100;
pub const DEPLOYMENTS: usize = 100;
pub const COMMITS: usize = 1000;
pub const PUSHES: usize = 1000;
pub const WORK_ITEMS: usize = 200;

impl Counts {
    /// The formula. Every listing costs a call for each place that it is asked at, and one more for each full page that it could fill.
    pub fn calls(&self) -> Calls {
        let pages = |rows: usize, page: usize| rows.div_ceil(page);
        let lists = 2 * self.projects + pages(self.pull_requests, PULL_REQUESTS);
        let builds = 2 * self.projects + pages(self.builds, BUILDS);
        let environments = self.projects + self.environments + pages(self.records, RECORDS);
        let releases = self.projects + pages(self.deployments, DEPLOYMENTS);
        let first_tiles = lists + builds + environments + releases;
        let read = self.pull_requests.saturating_sub(self.of_machines);
        let history = 2 * self.repositories + pages(self.commits, COMMITS);
        let items = self.projects + pages(self.work_items, WORK_ITEMS) + self.projects.min(self.work_items);
        let approvals = self.projects;
        Calls { first_tiles, whole: first_tiles + approvals + 2 * read + history + items + self.timelines + self.between }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: i64) -> (RepositoryId, i64) {
        (RepositoryId(1), number)
    }

    #[test]
    fn lists_come_first_then_threads_then_details_then_the_rest() {
        assert!(first_tiles().iter().all(|operation| operation.source().is_for_first_tiles()));
        let known = Known {
            threads: vec![place(9), place(7)],
            details: vec![place(9), place(8)],
            repositories: vec![(RepositoryId(1), "main".to_owned()), (RepositoryId(2), "main".to_owned())],
            unlisted: vec![(RepositoryId(2), "main".to_owned())],
            timelines: vec![(5, 51)],
            ..Known::default()
        };
        let sources: Vec<_> = after_lists(&known).iter().map(Operation::source).collect();
        use Source::{Commits, Details, Pushes, Threads, Timelines, WorkItems};
        assert_eq!(sources, [Threads, Threads, Details, Details, Pushes, Pushes, Timelines, Commits, WorkItems]);
        assert_eq!(after_lists(&known)[0], Operation::Threads { repository: RepositoryId(1), number: 9 }, "the order that was given");
    }

    #[test]
    fn how_many_approvals_are_wanted_is_asked_once_and_before_the_threads() {
        let known = Known { approvals_due: true, threads: vec![place(9)], ..Known::default() };
        let operations = after_lists(&known);
        assert_eq!(operations[..2], [Operation::Approvals, Operation::Threads { repository: RepositoryId(1), number: 9 }]);
        assert_eq!(operations.iter().filter(|operation| **operation == Operation::Approvals).count(), 1);
        assert!(!after_lists(&Known { approvals_due: false, ..known }).contains(&Operation::Approvals));
    }

    #[test]
    fn a_quarter_of_the_active_pull_requests_is_read_again_each_time() {
        for (read, turn) in [(0, 0), (1, 1), (4, 1), (5, 2), (30, 8)] {
            let known = Known { read: (1..=read).map(place).collect(), ..Known::default() };
            let threads = after_lists(&known).into_iter().filter(|operation| operation.source() == Source::Threads).count();
            assert_eq!(threads, turn, "{read}");
        }
        let known = Known { threads: vec![place(1)], read: vec![place(1), place(2)], ..Known::default() };
        let threads: Vec<_> = after_lists(&known).into_iter().filter(|operation| operation.source() == Source::Threads).collect();
        assert_eq!(threads.len(), 2, "what is read anyway is not read twice: {threads:?}");
    }

    #[test]
    fn the_budget_is_the_formula() {
        // 1 project, 5 repositories, 60 pull requests of people, 400 builds, 2 environments with 30 records, 300 commits, 80 work items:
        // lists 2+1, builds 2+1, environments 1+2+1, releases 1+0; policies 1; threads 60, details 60; pushes and commits 5+5+1; items 1+1+1.
        let small = Counts {
            projects: 1,
            repositories: 5,
            pull_requests: 60,
            builds: 400,
            environments: 2,
            records: 30,
            commits: 300,
            work_items: 80,
            ..Counts::default()
        };
        assert_eq!(small.calls(), Calls { first_tiles: 11, whole: 146 });
        // Ten of the pull requests are a machine's: 20 calls less.
        assert_eq!(Counts { of_machines: 10, ..small }.calls().whole, 126);
        let medium = Counts {
            projects: 10,
            repositories: 50,
            pull_requests: 600,
            builds: 3000,
            environments: 12,
            records: 1000,
            deployments: 200,
            commits: 3000,
            work_items: 600,
            ..Counts::default()
        };
        assert_eq!(medium.calls(), Calls { first_tiles: 86, whole: 1422 });
        // A stage of 40 runs, and what 3 deployments from a release branch brought: a call each.
        assert_eq!(Counts { timelines: 40, between: 3, ..medium }.calls(), Calls { first_tiles: 86, whole: 1465 });
    }
}
