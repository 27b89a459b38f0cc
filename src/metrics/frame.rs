//! Everything that the figures of one query share: deployments, changes and failures, made once in one pass over the rows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::calendar::Days;
use super::containment::{self, Changes, Lines};
use super::deployments::{self, Deployment, Deployments};
use super::failures::{self, Failures};
use super::figures::{Metric, Reason};
use super::hash::FastMap;
use super::input::{Flow, Input, MeasuredProject};
use super::query::{Definition, Query, Window};
use super::{counts, cycle, frequency, lead_time, readiness, reliability, reverts};
use crate::domain::collection::Source;
use crate::domain::id::{Guid, ProjectId, RepositoryId};

/// How far back the table of days goes at most.
const MOST_BACK: SignedDuration = SignedDuration::from_hours(24 * 3_650);

pub struct Frame<'a> {
    pub input: &'a Input,
    pub query: &'a Query,
    pub now: Timestamp,
    pub deployments: Deployments,
    pub changes: Changes,
    pub failures: Failures,
    pub days: Days,
    /// Projects whose deployments are not known.
    pub blind: Vec<ProjectId>,
    project_of: FastMap<i64, ProjectId>,
    /// By project, since when its runs are collected.
    runs_from: FastMap<i64, Timestamp>,
    /// Repositories of the service asked for.
    of_service: Option<BTreeSet<RepositoryId>>,
}

/// A row of the input that a figure counts or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Flow(u32),
    Tip(u32),
    Deployment(u32),
    Stage(u32),
    Incident(u32),
}

/// What one row says to a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub item: Item,
    /// When it counts.
    pub at: Timestamp,
    pub seconds: Option<f64>,
    /// Whether it is one of the k of a rate.
    pub hit: bool,
    /// It goes on: `seconds` is its age.
    pub open: bool,
    pub excluded: Option<Reason>,
}

impl Sample {
    pub fn counted(item: Item, at: Timestamp) -> Self {
        Self { item, at, seconds: None, hit: false, open: false, excluded: None }
    }

    pub fn lasting(item: Item, at: Timestamp, seconds: f64) -> Self {
        // A negative time says that clocks disagree: no value, and never zero.
        let excluded = (seconds < 0.0).then_some(Reason::Invalid);
        Self { seconds: Some(seconds).filter(|_| excluded.is_none()), excluded, ..Self::counted(item, at) }
    }

    pub fn excluded(item: Item, at: Timestamp, reason: Reason) -> Self {
        Self { excluded: Some(reason), ..Self::counted(item, at) }
    }

    pub fn hit(self, hit: bool) -> Self {
        Self { hit, ..self }
    }
}

impl<'a> Frame<'a> {
    pub fn of(input: &'a Input, query: &'a Query, now: Timestamp) -> Self {
        let lines = Lines::of(&input.tips);
        let blind = readiness::blind(input, query);
        let mut deployments = deployments::of(input, query, &lines, &blind);
        let mut changes = containment::changes(input, query, &lines);
        let reverts = if query.definition == Definition::Ours { reverts::of(input, &changes) } else { Vec::new() };
        let watched = failures::watched(input, &changes, &reverts);
        containment::carry(input, query, &lines, &mut deployments, &mut changes, &watched);
        let failures = failures::of(input, query, &deployments, &changes, &reverts);
        let of_flows = input.flows.iter().map(|flow| flow.first_commit_at.unwrap_or(flow.created_at).min(flow.created_at)).min();
        let earliest = of_flows.into_iter().chain(input.tips.iter().filter_map(|tip| tip.authored_at).min()).min();
        let from = query.window.previous().from;
        let from = earliest.map_or(from, |earliest| earliest.min(from)).max(from - MOST_BACK);
        let days = Days::between(from, query.window.to.max(now), &query.zone, &query.rules.holidays);
        let of_service = query.service.as_ref().map(|_| {
            let asked = deployments.services.iter().filter(|service| service.asked);
            asked.flat_map(|service| &deployments.all[service.range.clone()]).filter_map(|deployment| deployment.repository).collect()
        });
        let project_of = input.repositories.iter().map(|(repository, project, ..)| (repository.0, *project)).collect();
        let runs_from = |project: &MeasuredProject| Some((project.id.0, project.collection.source(Source::Builds)?.from?));
        let runs_from = input.projects.iter().filter_map(runs_from).collect();
        Self { input, query, now, deployments, changes, failures, days, blind, project_of, runs_from, of_service }
    }

    /// Whether all runs of a repository's project since then were collected.
    pub fn has_runs_since(&self, repository: RepositoryId, since: Timestamp) -> bool {
        let project = self.project_of.get(&repository.0);
        project.and_then(|project| self.runs_from.get(&project.0)).is_some_and(|from| *from <= since)
    }

    /// Whether the query asks for what happens in a repository.
    pub fn asks_for(&self, repository: RepositoryId) -> bool {
        self.query.repository.is_none_or(|asked| asked == repository)
            && self.of_service.as_ref().is_none_or(|repositories| repositories.contains(&repository))
            && (self.query.projects.is_empty() || self.project_of.get(&repository.0).is_none_or(|id| self.query.projects.contains(id)))
    }

    /// Whether it is known what of a repository was deployed.
    pub fn knows_deployments(&self, repository: RepositoryId) -> bool {
        self.blind.is_empty() || self.project_of.get(&repository.0).is_none_or(|id| !self.blind.contains(id))
    }

    /// Whether the query asks for what a person does.
    pub fn asks_for_person(&self, person: Option<&Guid>) -> bool {
        self.query.team.as_ref().is_none_or(|team| person.is_some_and(|person| team.members.contains(person)))
    }

    pub fn asks_for_flow(&self, flow: &Flow) -> bool {
        self.asks_for(flow.repository) && self.asks_for_person(Some(&flow.author))
    }

    /// Deployments of the services asked for in a window.
    pub fn each_deployment(&self, window: Window, mut take: impl FnMut(u32, &Deployment)) {
        for service in self.deployments.services.iter().filter(|service| service.asked) {
            let rows = &self.deployments.all[service.range.clone()];
            let from = rows.partition_point(|row| row.at < window.from);
            let to = rows.partition_point(|row| row.at < window.to);
            for (at, row) in rows.iter().enumerate().take(to).skip(from) {
                if self.query.repository.is_none_or(|asked| row.repository == Some(asked)) {
                    take((service.range.start + at) as u32, row);
                }
            }
        }
    }

    /// The project of a deployment.
    pub fn project(&self, deployment: &Deployment) -> ProjectId {
        self.deployments.services[deployment.service as usize].id.project
    }

    /// What every row says to a figure in a window.
    pub fn each(&self, metric: Metric, window: Window, take: &mut dyn FnMut(Sample)) {
        match metric {
            Metric::DeploymentFrequency => frequency::each(self, window, take),
            Metric::LeadTime => lead_time::each(self, window, take),
            Metric::ChangeFailRate => reliability::each_failed(self, window, take),
            Metric::RecoveryTime => reliability::each_recovery(self, window, take),
            Metric::ReworkRate => reliability::each_unplanned(self, window, take),
            Metric::PipelineReliability => reliability::each_stage(self, window, take),
            Metric::CycleTime => cycle::each(self, window, take),
            Metric::Throughput => counts::each_completed(self, window, take),
            Metric::WorkInProgress => counts::each_in_progress(self, window, take),
            Metric::MergedWithoutReview => counts::each_without_review(self, window, take),
        }
    }
}
