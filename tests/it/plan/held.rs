//! A generated organisation as the product measured it, beside the plan that it was made from.
//!
//! Limits: thirty days before the start, everybody's projects, kanado's own definition, calendar hours of UTC.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use kanado::domain::id::{ProjectId, RepositoryId};
use kanado::domain::run::DefinitionKind;
use kanado::metrics::figures::{Figures, Metric, Row, Subject};
use kanado::metrics::input::{Flow, Input};
use kanado::metrics::query::{Query, Window};
use kanado::metrics::{production, rows, summarise};
use kanado::sim::generate::plan::{PlannedDeployment, PlannedPullRequest, Way};
use kanado::sim::generate::{Plan, Size};

use super::arithmetic::as_seen;
use crate::support::measured::Measured;

/// Where and when: the hour and the weekday at which an organisation begins decide what its people happened to do.
const WORLDS: [(Size, &str); 4] = [
    (Size::S, "2026-11-16T09:20:31Z"),
    (Size::S, "2026-12-30T06:13:27Z"),
    (Size::M, "2026-11-19T22:13:27Z"),
    (Size::M, "2026-11-22T11:05:00Z"),
];

static HELD: LazyLock<Vec<Held>> = LazyLock::new(|| {
    let collect = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut held = Vec::new();
            for (size, start) in WORLDS {
                held.push(Held::collect(size, start).await);
            }
            held
        })
    };
    // A thread of its own: whoever asks first is in a runtime already, perhaps.
    std::thread::spawn(collect).join().unwrap()
});

/// All of them, collected once for all tests that only look.
pub fn all() -> &'static [Held] {
    &HELD
}

pub struct Held {
    pub label: String,
    pub plan: Plan,
    pub now: Timestamp,
    pub input: Input,
    pub figures: Figures,
    pub rows: BTreeMap<Metric, Vec<Row>>,
    projects: BTreeMap<String, ProjectId>,
    repositories: BTreeMap<(ProjectId, String), RepositoryId>,
}

impl Held {
    async fn collect(size: Size, start: &str) -> Self {
        let start: Timestamp = start.parse().unwrap();
        let measured = Measured::generated(size, start).await;
        assert!(measured.collect().await.is_complete());
        let now = measured.services.ctx.clock.now();
        let store = &measured.services.ctx.store;
        let ids: Vec<_> = measured.projects.iter().map(|project| project.id).collect();
        let kinds = store.stage_kinds(&ids).await.unwrap();
        let query = Query::new(ids, Window::last(30, now), measured.services.ctx.config.metrics.rules.clone());
        let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
        Self {
            label: format!("{size:?} from {start}"),
            plan: as_seen(measured.world.sim.plan().unwrap().clone()),
            now,
            figures: summarise(&input, &query, now),
            rows: Metric::ALL.into_iter().map(|metric| (metric, rows(&input, &query, metric, now))).collect(),
            projects: measured.projects.iter().map(|project| (project.name.clone(), project.id)).collect(),
            repositories: input.repositories.iter().map(|(id, project, name, _)| ((*project, name.clone()), *id)).collect(),
            input,
        }
    }

    pub fn repository(&self, project: &str, name: &str) -> RepositoryId {
        self.repositories[&(self.projects[project], name.to_owned())]
    }

    /// What the product boiled a pull request down to.
    pub fn flow(&self, planned: &PlannedPullRequest) -> Option<&Flow> {
        let repository = self.repository(&planned.project, &planned.repository);
        self.input.flows.iter().find(|flow| flow.repository == repository && flow.number == i64::from(planned.number))
    }

    /// Pull requests that a collection of thirty days knows: closed in them, or open.
    pub fn known(&self) -> impl Iterator<Item = &PlannedPullRequest> {
        self.plan.pull_requests.iter().filter(|row| row.closed.is_none_or(|closed| closed >= self.plan.window_from))
    }

    /// What a figure says of a pull request.
    pub fn row_of(&self, metric: Metric, planned: &PlannedPullRequest) -> Option<&Row> {
        let repository = self.repository(&planned.project, &planned.repository);
        let subject = Subject::PullRequest { repository, number: i64::from(planned.number) };
        self.rows[&metric].iter().find(|row| row.subject == subject)
    }

    /// What a figure says of a planned deployment: of the same run, ended at the same moment.
    pub fn row_of_deployment(&self, metric: Metric, planned: &PlannedDeployment) -> Option<&Row> {
        let at = planned.at?;
        self.rows[&metric].iter().find(|row| self.is_of(&row.subject, planned) && near(row.at, at))
    }

    /// Whether a row is of the run of a planned deployment.
    pub fn is_of(&self, subject: &Subject, planned: &PlannedDeployment) -> bool {
        let asked = kind(planned.way);
        matches!(subject, Subject::Deployment { project, kind, definition, run }
            if *project == self.projects[&planned.project] && *kind == asked
                && *definition == i64::from(planned.definition) && *run == i64::from(planned.run))
    }
}

pub fn kind(way: Way) -> DefinitionKind {
    if way == Way::Classic { DefinitionKind::Release } else { DefinitionKind::Pipeline }
}

/// What the product keeps is cut off to milliseconds.
pub fn near(one: Timestamp, other: Timestamp) -> bool {
    one.as_millisecond().abs_diff(other.as_millisecond()) <= 1
}

pub fn same(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => near(one, other),
        (one, other) => one == other,
    }
}

/// What was compared, and where the two sides differ.
#[derive(Default)]
pub struct Differences {
    compared: usize,
    found: Vec<String>,
}

impl Differences {
    /// Notes a difference in the words given, which name both sides.
    pub fn check(&mut self, agrees: bool, words: impl FnOnce() -> String) {
        self.compared += 1;
        if !agrees {
            self.found.push(words());
        }
    }

    #[track_caller]
    pub fn none_in_at_least(self, enough: usize) {
        let all = self.found.len();
        assert!(all == 0, "{all} of {} differ:\n{}", self.compared, self.found[..all.min(30)].join("\n"));
        assert!(self.compared >= enough, "only {} were compared", self.compared);
    }
}
