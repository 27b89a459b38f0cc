//! How the harbour's software got to its machines before the demo begins: pipelines, runs, environments, releases.
//!
//! Told after the rest of the past, from the commits that are there; nothing in git is changed. Builds have the numbers that
//! statuses of pull requests name. Limits: few runs, each for one thing that happens; times are whole minutes.
use std::collections::BTreeMap;

use uuid::Uuid;

use super::Month;
use super::story::{DAY, HOUR, Story};
use crate::sim::world::{
    ApprovalStage, ApprovalStatus, ArtifactSource, Build, BuildReason, BuildResult, BuildStatus, Definition, DefinitionKind,
    DeploymentReason, DeploymentStatus, Environment, JobRun, Push, RecordResult, Release, ReleaseApproval, ReleaseArtifact,
    ReleaseDefinition, ReleaseDeployment, StageApproval, StageAttempt, StagePlan, StageRun, TimelineState,
};

const TIDE: i32 = 7;
const WEB: i32 = 8;
const PILOT: i32 = 9;
const OPS: i32 = 10;

/// What became of a stage, and how many minutes it took.
#[derive(Clone, Copy)]
enum Went {
    Well(i64),
    Wrong(i64),
    /// Failed first, went well when tried again.
    AtTheSecondTry(i64),
    /// Waited this long for an approval, then went well.
    Approved(i64, i64),
    Skipped,
    Stopped(i64),
    /// Goes on now.
    On,
    /// Waits for an approval now.
    Waiting,
}

/// Where a run's commit comes from.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// The nth state of main, the first is 0.
    Main(usize),
    /// Main as it is at the end.
    Latest,
    /// Main after the pull request whose title begins like this.
    Merged(&'a str),
    /// The trial merge of the pull request whose title begins like this.
    PullRequest(&'a str),
}

struct Past<'s, 'w> {
    story: &'s mut Story<'w>,
    project: Uuid,
    /// By repository: what main pointed to, oldest first.
    main: BTreeMap<Uuid, Vec<String>>,
}

pub(super) fn tell(story: &mut Story<'_>, last: Month) {
    let Some(project) = story.world().project("Harbor").map(|project| project.id) else { return };
    let mut main: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for push in &story.world().pushes {
        for moved in push.moves.iter().filter(|moved| moved.name == "refs/heads/main") {
            main.entry(push.repository).or_default().push(moved.new.clone());
        }
    }
    let mut past = Past { story, project, main };
    past.places();
    past.runs(last);
    past.releases();
}

impl Past<'_, '_> {
    fn places(&mut self) {
        let (bob, erin, made) = (self.story.person("bob"), self.story.person("erin"), self.story.at(59 * DAY));
        for (id, name) in [(1, "tide-staging"), (2, "tide-production"), (3, "web-staging"), (4, "web-production")] {
            let row = Environment::new(id, self.project, name, erin, made);
            self.story.world().environments.insert(id, row);
        }
        let plan = |name: &str| StagePlan::new(name);
        let asked = |name: &str| StagePlan { approvers: vec![bob], ..StagePlan::new(name) };
        let rows = [
            (TIDE, "tide-api", vec![plan("Build"), plan("Test"), plan("Staging").to(1), asked("Production").to(2)]),
            (WEB, "harbor-web", vec![plan("Build"), plan("Staging").to(3), plan("ProdNorth").to(4), plan("ProdSouth").to(4)]),
            (PILOT, "pilot-cli", vec![plan("Build"), plan("Test")]),
            (OPS, "ops", Vec::new()),
        ];
        for (id, name, stages) in rows {
            let repository = self.story.repository_id(name);
            let mut row = Definition::new(id, self.project, name, repository, erin, made).with_stages(stages);
            if id == OPS {
                row.kind = DefinitionKind::Designer;
            }
            self.story.world().definitions.insert(id, row);
        }
    }

    fn runs(&mut self, last: Month) {
        use Of::{Latest, Main, Merged, PullRequest};
        use Went::{Approved, AtTheSecondTry, On, Skipped, Stopped, Waiting, Well, Wrong};
        let built = [Well(3), Well(4)];
        let tide = |staging: Went, production: Went| [built[0], built[1], staging, production];
        let web = |staging: Went, north: Went, south: Went| [built[0], staging, north, south];
        let skipped = tide(Skipped, Skipped);
        let unshipped = web(Skipped, Skipped, Skipped);
        // In a quiet month old states of main went out again; in a busy one what was merged did.
        let is_told = |definition: i32, of: Of<'_>, ago: i64| {
            let again = matches!(of, Main(_)) && [TIDE, WEB].contains(&definition) && ago < 28 * DAY;
            last == Month::Quiet || !again
        };
        for (id, definition, of, who, ago, stages) in [
            (380, TIDE, Main(1), "bob", 57 * DAY, tide(Well(5), Approved(HOUR, 6)).as_slice()),
            (381, OPS, Main(2), "erin", 54 * DAY - 2 * HOUR, &[]),
            (382, WEB, Main(0), "carol", 50 * DAY, &web(Well(4), Well(7), Well(8))),
            (383, TIDE, Main(2), "alice", 48 * DAY - 2 * HOUR, &tide(Well(5), Skipped)),
            (384, WEB, Main(1), "carol", 42 * DAY - 2 * HOUR, &web(Well(4), Skipped, Skipped)),
            (385, TIDE, Main(3), "alice", 40 * DAY - 20, &tide(Wrong(5), Skipped)),
            (386, OPS, Main(3), "bob", 38 * DAY - 20, &[]),
            (387, PILOT, Main(2), "bob", 33 * DAY - 20, &built),
            (388, TIDE, Main(4), "carol", 30 * DAY - 20, &tide(Well(5), Skipped)),
            (390, TIDE, Main(4), "alice", 29 * DAY, &tide(Well(5), Approved(3 * HOUR, 7))),
            (391, WEB, Main(1), "dave", 28 * DAY, &web(Well(4), Well(7), Well(9))),
            (392, PILOT, Main(2), "erin", 27 * DAY, &built),
            (393, OPS, Main(3), "erin", 26 * DAY, &[]),
            (396, TIDE, Main(4), "bob", 22 * DAY, &tide(Well(5), Approved(40, 6))),
            (398, WEB, Main(1), "carol", 18 * DAY, &web(Well(4), AtTheSecondTry(6), Well(8))),
            (399, PILOT, Main(2), "erin", 16 * DAY, &[Well(3), Wrong(4)]),
            (401, PILOT, Main(2), "erin", 15 * DAY, &built),
            (402, TIDE, Main(3), "alice", 12 * DAY, &tide(Well(5), Approved(10, 6))),
            (403, TIDE, Main(4), "alice", 11 * DAY, &tide(Well(5), Approved(2 * HOUR, 7))),
            (404, TIDE, Main(4), "dave", 10 * DAY, &tide(Stopped(2), Skipped)),
            (405, WEB, Main(1), "carol", 9 * DAY, &web(Well(4), Wrong(3), Skipped)),
            (407, WEB, Main(1), "carol", 6 * DAY, &web(Well(4), Well(7), Well(8))),
            (408, PILOT, Main(2), "erin", 5 * DAY + HOUR, &built),
            (409, OPS, Latest, "bob", 5 * DAY, &[]),
            (411, TIDE, PullRequest("HAR-14"), "bob", 26 * HOUR, &skipped),
            (415, WEB, PullRequest("HAR-11"), "alice", 22 * HOUR, &unshipped),
            (417, PILOT, Main(3), "erin", 30 * HOUR - 10, &built),
            (418, TIDE, PullRequest("HAR-16"), "dave", 6 * HOUR, &[Well(3), Wrong(2), Skipped, Skipped]),
            (420, OPS, PullRequest("HAR-21"), "erin", 2 * HOUR, &[On]),
            (421, TIDE, Latest, "carol", HOUR + 30, &tide(Well(5), Waiting)),
        ] {
            if is_told(definition, of, ago) {
                self.run(id, (definition, of), (who, ago), stages);
            }
        }
        if last == Month::Busy {
            for (id, definition, of, who, hours, stages) in [
                (394, TIDE, Merged("Tell heights in feet"), "bob", 620, tide(Well(5), Approved(40, 6)).as_slice()),
                (395, WEB, Merged("HAR-4 "), "carol", 600, &web(Well(4), Well(7), Well(8))),
                (396, TIDE, Merged("HAR-7 "), "bob", 22 * 24, &tide(Well(5), Approved(HOUR, 6))),
                (397, TIDE, Merged("Turn the sign"), "bob", 505, &tide(Well(5), Approved(5, 6))),
                (398, WEB, Merged("HAR-10 "), "carol", 18 * 24, &web(Well(4), AtTheSecondTry(6), Well(8))),
                (400, WEB, Merged("Revert "), "dave", 411, &web(Well(4), Well(7), Well(7))),
                (402, TIDE, Merged("Count requests"), "alice", 12 * 24, &tide(Well(5), Approved(10, 6))),
                (403, TIDE, Merged("HAR-15 "), "alice", 11 * 24, &tide(Well(5), Approved(2 * HOUR, 7))),
                (404, TIDE, Merged("Compress answers"), "dave", 10 * 24, &tide(Stopped(2), Skipped)),
                (405, WEB, Merged("Raise the contrast"), "carol", 9 * 24, &web(Well(4), Wrong(3), Skipped)),
                (407, WEB, Merged("HAR-18 "), "carol", 6 * 24, &web(Well(4), Well(7), Well(8))),
                (410, TIDE, Merged("HAR-19 "), "alice", 118, &tide(Well(5), Approved(3 * HOUR, 7))),
                (412, WEB, Merged("Explain the colours"), "alice", 25, &web(Well(4), Well(6), Well(7))),
            ] {
                self.run(id, (definition, of), (who, hours * HOUR), stages);
            }
        }
        self.never_began(406, TIDE, 8 * DAY);
        for id in [392, 399, 401, 408] {
            self.edit(id, |row| row.reason = BuildReason::Schedule);
        }
        let by_hand: &[i32] = match last {
            Month::Quiet => &[390, 391, 396, 398, 402, 403, 404, 405, 407, 421],
            Month::Busy => &[390, 391, 421],
        };
        for id in by_hand.iter().copied() {
            self.edit(id, |row| row.reason = BuildReason::Manual);
        }
    }

    fn edit(&mut self, id: i32, change: impl FnOnce(&mut Build)) {
        if let Some(row) = self.story.world().builds.get_mut(&id) {
            change(row);
        }
    }

    fn run(&mut self, id: i32, (definition, of): (i32, Of<'_>), (who, ago): (&str, i64), stages: &[Went]) {
        let person = self.story.person(who);
        let Some(definition) = self.story.world().definition(definition).cloned() else { return };
        let request = match of {
            Of::Main(_) | Of::Latest => None,
            Of::PullRequest(key) | Of::Merged(key) => {
                self.story.world().pull_requests.values().find(|row| row.title.starts_with(key)).cloned()
            }
        };
        let commit = match of {
            Of::Main(nth) => self.main.get(&definition.repository).and_then(|known| known.get(nth)).cloned(),
            Of::Latest => self.main.get(&definition.repository).and_then(|known| known.last()).cloned(),
            Of::PullRequest(_) | Of::Merged(_) => request.as_ref().and_then(|row| row.merge.commit.clone()),
        };
        let Some(commit) = commit else { return };
        let mut build = Build::new(id, &definition, &commit, self.story.at(ago), person);
        if let (Of::PullRequest(_), Some(request)) = (of, &request) {
            build = build.of_pull_request(request.id);
        }
        let mut left = ago - 1;
        build.start(self.story.at(left));
        let mut result = Some(BuildResult::Succeeded);
        // A definition of the old kind has one stage without a name.
        let old = StagePlan::new("__default");
        let plans = if definition.stages.is_empty() { vec![old] } else { definition.stages.clone() };
        let stages = if stages.is_empty() { &[Went::Well(2)] } else { stages };
        for (plan, went) in plans.iter().zip(stages) {
            let (row, took, ended) = self.stage(plan, *went, left);
            left -= took;
            build.stages.push(row);
            result = match (ended, result) {
                (Some(RecordResult::Failed), _) => Some(BuildResult::Failed),
                (Some(RecordResult::Canceled), _) => Some(BuildResult::Canceled),
                (None, _) => None,
                (Some(_), known) => known,
            };
            if ended.is_none() {
                break;
            }
        }
        match result {
            Some(result) => build.finish(self.story.at(left), result),
            None => build.status = BuildStatus::InProgress,
        }
        self.story.world().add_build(build);
    }

    /// A stage that begins with so many minutes left until the start; how long it took, and how it ended.
    fn stage(&self, plan: &StagePlan, went: Went, left: i64) -> (StageRun, i64, Option<RecordResult>) {
        let at = |minutes: i64| self.story.at(left - minutes);
        let ran = |from: i64, to: i64, result: RecordResult| {
            let mut attempt = StageAttempt::ran(at(from), at(to), result);
            if let (Some(environment), Some(job)) = (plan.environment, attempt.jobs.first_mut()) {
                *job = JobRun { environment: Some(environment), ..JobRun::ran("Deploy", at(from), at(to), result) };
            }
            attempt
        };
        let approver = plan.approvers.first().copied().unwrap_or_default();
        let asked = |status: ApprovalStatus, decided: Option<i64>| StageApproval {
            status,
            decided: decided.map(at),
            ..StageApproval::asked(approver, at(0))
        };
        let row = |attempt: StageAttempt| StageRun::new(&plan.identifier, attempt).named(&plan.name);
        match went {
            Went::Well(took) => (row(ran(0, took, RecordResult::Succeeded)), took, Some(RecordResult::Succeeded)),
            Went::Wrong(took) => (row(ran(0, took, RecordResult::Failed)), took, Some(RecordResult::Failed)),
            Went::Stopped(took) => (row(ran(0, took, RecordResult::Canceled)), took, Some(RecordResult::Canceled)),
            Went::AtTheSecondTry(took) => {
                let again = ran(took + 15, 2 * took + 15, RecordResult::Succeeded);
                (row(ran(0, took, RecordResult::Failed)).retried(again), 2 * took + 15, Some(RecordResult::Succeeded))
            }
            Went::Approved(waited, took) => {
                let attempt = ran(waited, waited + took, RecordResult::Succeeded);
                let attempt = attempt.approved_by(asked(ApprovalStatus::Approved, Some(waited)));
                (row(attempt), waited + took, Some(RecordResult::Succeeded))
            }
            Went::Skipped => (row(StageAttempt::never_ran(RecordResult::Skipped, None)), 0, Some(RecordResult::Skipped)),
            Went::On => (row(StageAttempt::running(at(0))), 0, None),
            Went::Waiting => (row(StageAttempt::pending().approved_by(asked(ApprovalStatus::Pending, None))), 0, None),
        }
    }

    /// Cancelled in the queue: no start, no timeline.
    fn never_began(&mut self, id: i32, definition: i32, ago: i64) {
        let (person, at) = (self.story.person("dave"), self.story.at(ago));
        let Some(definition) = self.story.world().definition(definition).cloned() else { return };
        let moved = |push: &&Push| push.repository == definition.repository && push.date < at;
        let mut moves = self.story.world().pushes.iter().filter(moved).flat_map(|push| &push.moves);
        let Some(commit) = moves.rfind(|moved| moved.name == "refs/heads/main").map(|moved| moved.new.clone()) else { return };
        let mut build = Build::new(id, &definition, &commit, at, person).finished_at(self.story.at(ago - 2), BuildResult::Canceled);
        build.timeline = TimelineState::Empty;
        build.reason = BuildReason::Manual;
        self.story.world().add_build(build);
    }

    fn releases(&mut self) {
        let (erin, bob) = (self.story.person("erin"), self.story.person("bob"));
        let source = ArtifactSource { alias: "_ops".to_owned(), definition: OPS };
        let mut definition = ReleaseDefinition::new(1, self.project, "ops", source, &["Test", "Production"], erin, self.story.at(56 * DAY));
        for plan in definition.environments.iter_mut().filter(|plan| plan.name == "Production") {
            plan.approvers = vec![bob];
        }
        self.story.world().release_definitions.insert(1, definition.clone());
        // Build, days ago, and how Production went.
        for (release, (build, ago, production)) in (1..).zip([
            (381, 54 * DAY - 3 * HOUR, DeploymentStatus::Succeeded),
            (386, 38 * DAY - HOUR, DeploymentStatus::NotDeployed),
            (393, 26 * DAY - HOUR, DeploymentStatus::Succeeded),
            (409, 5 * DAY - HOUR, DeploymentStatus::Failed),
        ]) {
            let row = Release::new(release, &definition, ReleaseArtifact::of_build(build), erin, self.story.at(ago));
            self.story.world().releases.insert(release, row.clone());
            for (plan, later) in definition.environments.iter().zip([0, 20]) {
                let status = if plan.approvers.is_empty() { DeploymentStatus::Succeeded } else { production };
                self.deployment(&row, plan, ago - later, status, 1);
                if status == DeploymentStatus::Failed {
                    self.deployment(&row, plan, ago - later - HOUR, DeploymentStatus::Succeeded, 2);
                }
            }
        }
    }

    fn deployment(
        &mut self,
        release: &Release,
        plan: &crate::sim::world::ReleaseEnvironmentPlan,
        ago: i64,
        status: DeploymentStatus,
        attempt: i32,
    ) {
        let erin = self.story.person("erin");
        let queued = self.story.at(ago);
        let id = self.story.world().next_release_deployment_id();
        let mut row = ReleaseDeployment::new(id, release, plan, queued, erin);
        row.attempt = attempt;
        row.reason = if attempt > 1 { DeploymentReason::Manual } else { DeploymentReason::Automated };
        let approver = plan.approvers.first().copied();
        let (decided, refused) = (self.story.at(ago - 5), status == DeploymentStatus::NotDeployed);
        row.approvals.push(ReleaseApproval {
            id,
            stage: ApprovalStage::PreDeploy,
            status: if refused { ApprovalStatus::Rejected } else { ApprovalStatus::Approved },
            approver,
            created: queued,
            modified: decided,
        });
        let row = match (refused, approver) {
            (true, Some(approver)) => row.rejected(decided, approver),
            _ => row.ran(decided, self.story.at(ago - 12), status),
        };
        self.story.world().release_deployments.insert(id, row);
    }
}
