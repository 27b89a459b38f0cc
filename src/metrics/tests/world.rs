//! A small organisation to ask about: one project, two repositories, rows added one by one. Everything is collected.

use jiff::Timestamp;

use crate::domain::collection::{Collection, Source, SourceState};
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::run::{DefinitionKind, RunResult, StageResult};
use crate::metrics::approvals::Knowledge;
use crate::metrics::figures::{Excluded, Figures, Metric, Reason, Row, Tile};
use crate::metrics::input::{Flow, Incident, IncidentSource, Input, MeasuredProject, Nature, Segment, StageKind, StageRun, Tip};
use crate::metrics::query::{Query, Rules, Window};
use crate::metrics::{rows, summarise};

pub const HARBOUR: ProjectId = ProjectId(1);
pub const WEB: RepositoryId = RepositoryId(1);
pub const API: RepositoryId = RepositoryId(2);

/// `2026-03-02 09:30`, UTC.
pub fn t(text: &str) -> Timestamp {
    let text = text.replace(' ', "T");
    format!("{text}{}Z", if text.len() > 16 { "" } else { ":00" }).parse().unwrap()
}

pub fn hours(count: f64) -> f64 {
    count * 3_600.0
}

/// The commit that merges pull request `number`, or any commit by a number.
pub fn commit(number: i64) -> ObjectId {
    ObjectId::new(format!("{:08x}{:032x}", number + 4_096, number + 1))
}

pub fn collected(from: &str, at: &str) -> Collection {
    let state =
        |source| SourceState { from: Some(t(from)), backfilled_at: Some(t(at)), synced_at: Some(t(at)), ..SourceState::new(source) };
    Collection { sources: Source::ALL.into_iter().map(state).collect(), from: Some(t(from)) }
}

#[derive(Clone)]
pub struct World {
    pub input: Input,
    pub rules: Rules,
    pub window: Window,
    pub now: Timestamp,
    pushes: i64,
}

impl World {
    /// March 2026, four whole weeks of it, asked on 2 April.
    pub fn new() -> Self {
        let repositories =
            vec![(WEB, HARBOUR, "web".to_owned(), Some("main".to_owned())), (API, HARBOUR, "api".to_owned(), Some("main".to_owned()))];
        let project = MeasuredProject {
            id: HARBOUR,
            name: "Harbour".to_owned(),
            collection: collected("2025-06-01 00:00", "2026-04-02 00:00"),
            incident_source: IncidentSource::None,
            approvals: Knowledge::Read,
        };
        Self {
            input: Input { projects: vec![project], repositories, ..Input::default() },
            rules: Rules::default(),
            window: Window { from: t("2026-03-02 00:00"), to: t("2026-03-30 00:00") },
            now: t("2026-04-02 00:00"),
            pushes: 0,
        }
    }

    /// A web repository deployed by pipeline 1 from stage `Production`, its first commit (number 0) deployed before the window.
    pub fn with_web() -> Self {
        let mut world = Self::new();
        world.kind(1, "deploy web", "Production", None);
        world.push(WEB, 0, "2026-02-20 09:00").old = ObjectId::zero();
        world.deploy(1, 1, "2026-02-25 09:00", WEB, 0);
        world
    }

    pub fn query(&self) -> Query {
        Query::new(vec![HARBOUR], self.window, self.rules.clone())
    }

    pub fn figures(&self) -> Figures {
        summarise(&self.input, &self.query(), self.now)
    }

    pub fn tile(&self, metric: Metric) -> Tile {
        self.figures().tile(metric).unwrap().clone()
    }

    pub fn rows(&self, metric: Metric) -> Vec<Row> {
        rows(&self.input, &self.query(), metric, self.now)
    }

    pub fn kind(&mut self, definition: i64, name: &str, stage: &str, environment: Option<&str>) -> &mut StageKind {
        self.input.kinds.push(StageKind {
            project: HARBOUR,
            kind: DefinitionKind::Pipeline,
            definition,
            definition_name: name.to_owned(),
            tags: Vec::new(),
            stage: stage.to_owned(),
            shown: None,
            environment: environment.map(str::to_owned),
            runs: 1,
            last_at: None,
            decided: None,
            left_alone: Vec::new(),
        });
        self.input.kinds.last_mut().unwrap()
    }

    /// A push to the default branch; the tip is `commit(number)`.
    pub fn push(&mut self, repository: RepositoryId, number: i64, at: &str) -> &mut Tip {
        self.pushes += 1;
        let old = self.input.tips.iter().rev().find(|tip| tip.repository == repository).map_or(commit(-1), |tip| tip.new.clone());
        let (push, new, at) = (self.pushes, commit(number), t(at));
        self.input.tips.push(Tip { repository, push, old, new, at, pusher: None, authored_at: Some(at), segment: Segment::Human });
        self.input.tips.last_mut().unwrap()
    }

    /// A successful production stage `Production` of a run.
    pub fn deploy(&mut self, definition: i64, run: i64, at: &str, repository: RepositoryId, number: i64) -> &mut StageRun {
        self.stage(definition, run, "Production", at, repository, number)
    }

    pub fn stage(&mut self, definition: i64, run: i64, stage: &str, at: &str, repository: RepositoryId, number: i64) -> &mut StageRun {
        let at = t(at);
        self.input.stages.push(StageRun {
            project: HARBOUR,
            kind: DefinitionKind::Pipeline,
            definition,
            run,
            stage: stage.to_owned(),
            environment: None,
            attempt: 1,
            result: StageResult::Succeeded,
            started_at: Some(at - jiff::SignedDuration::from_mins(5)),
            finished_at: Some(at),
            approval: None,
            run_result: Some(RunResult::Succeeded),
            run_finished_at: Some(at),
            sha: Some(commit(number)),
            branch: Some("main".to_owned()),
            repository: Some(repository),
        });
        self.input.stages.last_mut().unwrap()
    }

    /// A completed pull request of a person, with its push: first commit, creation, first review, approval, completion.
    pub fn merge(&mut self, repository: RepositoryId, number: i64, times: [&str; 5]) -> &mut Flow {
        let [first, created, review, approved, closed] = times;
        self.push(repository, number, closed);
        self.flow(repository, number, created);
        let flow = self.input.flows.last_mut().unwrap();
        flow.status = PullRequestStatus::Completed;
        flow.first_commit_at = Some(t(first));
        flow.first_review_at = (!review.is_empty()).then(|| t(review));
        flow.approved_at = (!approved.is_empty()).then(|| t(approved));
        flow.closed_at = Some(t(closed));
        flow.merge_commit = Some(commit(number));
        flow
    }

    /// An active pull request of a person, ready from its creation, everything read.
    pub fn flow(&mut self, repository: RepositoryId, number: i64, created: &str) -> &mut Flow {
        self.input.flows.push(Flow {
            repository,
            number,
            status: PullRequestStatus::Active,
            segment: Segment::Human,
            nature: Nature::Ordinary,
            title: crate::metrics::flow::title_mark(&format!("Change {number}")),
            reverts: None,
            author: Guid::new("ann"),
            target_branch: "main".to_owned(),
            first_commit_at: Some(t(created)),
            created_at: t(created),
            ready_at: Some(t(created)),
            first_review_at: None,
            approved_at: None,
            closed_at: None,
            merge_commit: None,
            undated_vote: false,
            rework_rounds: 0,
            iterations: 1,
            files: None,
            commits: Some(1),
            items: Vec::new(),
            ticket: None,
            validated: None,
            has_threads: true,
            has_detail: true,
        });
        self.input.flows.last_mut().unwrap()
    }

    pub fn incident(&mut self, number: i64, area: &str, created: &str) -> &mut Incident {
        self.input.incidents.push(Incident {
            project: HARBOUR,
            number,
            title: "Down".to_owned(),
            area: area.to_owned(),
            created_at: t(created),
            resolved_at: None,
            pull_requests: Vec::new(),
            commits: Vec::new(),
            builds: Vec::new(),
        });
        self.input.incidents.last_mut().unwrap()
    }
}

/// How many a tile left out for a reason.
pub fn left_out(tile: &Tile, reason: Reason) -> u64 {
    tile.excluded.iter().find(|excluded| excluded.reason == reason).map_or(0, |excluded| excluded.count)
}

pub fn excluded(list: &[(Reason, u64)]) -> Vec<Excluded> {
    let mut list: Vec<Excluded> = list.iter().map(|(reason, count)| Excluded { reason: *reason, count: *count }).collect();
    list.sort_by_key(|excluded| excluded.reason);
    list
}

/// Numbers of the pull requests that count, or are left out for a reason.
pub fn numbers(rows: &[Row], reason: Option<Reason>) -> Vec<i64> {
    use crate::metrics::figures::Subject;
    let mut numbers: Vec<i64> = rows
        .iter()
        .filter(|row| row.excluded == reason)
        .map(|row| match &row.subject {
            Subject::PullRequest { number, .. } | Subject::WorkItem { number, .. } => *number,
            Subject::Deployment { run, .. } => *run,
            Subject::Commit { .. } => -1,
        })
        .collect();
    numbers.sort_unstable();
    numbers
}
