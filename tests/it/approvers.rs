//! Who production waits for: a merged change on its way, the simulator's approvals, and what somebody is told who looks.
//!
//! The seeded run 421 of `tide-api` has what was merged last, and waits for Bob.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kanado::action::explain_pull_request::{self, Explained};
use kanado::clock::Clock;
use kanado::metrics::departures::{StageState, Stop, WaitsFor};
use kanado::sim::control::Decision::{Approve, Reject};
use kanado::sim::control::Merging;
use kanado::sim::world::{ApprovalOrder, ApprovalTerms, BuildResult, DeploymentStatus, RecordResult};
use kanado::sim::{self, Content};

use crate::support::measured::Measured;

const START: &str = "2026-11-18T12:00:00Z";
const APPROVALS: &str = "~pipelines/approvals";
const WAITING: i32 = 421;

struct Scene {
    measured: Measured,
    clock: Clock,
}

impl Scene {
    async fn new() -> Self {
        let start: Timestamp = START.parse().unwrap();
        let options = sim::Options { organisation: Content::Busy, start: Some(start), ..sim::Options::default() };
        let clock = Clock::fixed(start);
        let scene = Self { measured: Measured::at(options, clock.clone()).await, clock };
        scene.collect().await;
        scene
    }

    async fn collect(&self) {
        assert!(self.measured.collect().await.is_complete());
        self.measured.control().reset_requests();
        // What happens next happens after it, on both sides.
        self.clock.advance(SignedDuration::from_mins(15));
        self.measured.control().advance(SignedDuration::from_mins(15)).await;
    }

    async fn look(&self, title: &str) -> Explained {
        let ctx = &self.measured.services.ctx;
        let (number, repository) = {
            let world = self.measured.control().world().await;
            let row = world.pull_requests.values().find(|row| row.title.starts_with(title)).expect("there is one");
            (i64::from(row.id), row.repository.to_string())
        };
        for project in &self.measured.projects {
            let repositories = ctx.store.repositories(project.id).await.unwrap();
            if let Some(found) = repositories.iter().find(|known| known.guid.as_str() == repository) {
                return explain_pull_request::run(ctx, found.id, number).await.unwrap();
            }
        }
        panic!("the repository of {title} is not known")
    }

    /// What a stage of a run is told to wait for; what it does where it does not wait.
    async fn told(&self, title: &str, run: i32, stage: &str) -> Result<String, StageState> {
        let explained = self.look(title).await;
        let of_run =
            explained.stops.iter().skip_while(|stop| !matches!(stop, Stop::Run { run: shown, .. } if *shown == i64::from(run))).skip(1);
        let stages: BTreeMap<&str, &StageState> = of_run
            .map_while(|stop| if let Stop::Stage { stage, state, .. } = stop { Some((stage.as_str(), state)) } else { None })
            .collect();
        match stages.get(stage).unwrap_or_else(|| panic!("no {stage} in {:?}", explained.stops)) {
            StageState::Waiting { on, .. } => Ok(on.iter().map(WaitsFor::words).collect::<Vec<_>>().join(" and ")),
            other => Err((*other).clone()),
        }
    }

    /// A run of tide-api of what was merged last, at the door of production.
    async fn at_production(&self) -> i32 {
        let control = self.measured.control();
        let build = control.queue_build("tide-api", "alice", (None, None)).await.unwrap();
        control.start_build(build).await.unwrap();
        for name in ["Build", "Test", "Staging"] {
            control.end_stage(build, name, RecordResult::Succeeded).await.unwrap();
        }
        control.begin_stage(build, "Production").await.unwrap();
        self.collect().await;
        build
    }
}

/// Merged last in `tide-api`, which has no ticket.
const HEALTH: &str = "Say whether the gauges answer";

#[tokio::test(flavor = "multi_thread")]
async fn production_waits_for_whom_it_asks_until_they_approve() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let explained = scene.look(HEALTH).await;
    assert_eq!(explained.missing, [""; 0]);
    let since = explained.stops.iter().find_map(|stop| match stop {
        Stop::Stage { production: true, environment, state: StageState::Waiting { since, .. }, .. } => {
            Some((environment.as_deref(), *since))
        }
        _ => None,
    });
    let (environment, since) = since.unwrap_or_else(|| panic!("{:?}", explained.stops));
    assert_eq!(environment, Some("tide-production"), "{:?}", explained.stops);
    let minutes = explained.read_at.duration_since(since.unwrap()).as_mins();
    assert!((75..=105).contains(&minutes), "since {minutes} minutes");
    assert_eq!((scene.measured.asked("~timeline"), scene.measured.asked(APPROVALS)), (1, 1), "one call for the run, one for its approval");
    assert_eq!(scene.told(HEALTH, WAITING, "Production").await, Ok("an approval by Bob Tanaka".to_owned()));

    // He approves; nothing was collected since.
    control.decide_stage(WAITING, "Production", "bob", Approve).await.unwrap();
    control.reset_requests();
    let state = scene.told(HEALTH, WAITING, "Production").await;
    assert!(matches!(state, Err(StageState::Running { .. })), "{state:?}");
    assert_eq!(scene.measured.asked(APPROVALS), 0, "nobody is waited for");
    control.end_stage(WAITING, "Production", RecordResult::Succeeded).await.unwrap();
    let state = scene.told(HEALTH, WAITING, "Production").await;
    assert!(matches!(state, Err(StageState::Done { .. })), "{state:?}");

    // Once that is collected, there is nothing to ask.
    control.finish_build(WAITING, BuildResult::Succeeded).await.unwrap();
    scene.collect().await;
    let state = scene.told(HEALTH, WAITING, "Production").await;
    assert!(matches!(state, Err(StageState::Done { .. })), "{state:?}");
    assert_eq!(scene.measured.asked("~"), 0, "{:?}", control.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_two_of_three_and_a_lock_are_told_as_they_are() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let two = ApprovalTerms { needed: 2, order: ApprovalOrder::AnyOrder };
    control.ask_for("tide-api", "Production", &["[Harbor]\\Tides", "carol", "erin"], &["ExclusiveLock"], two).await.unwrap();
    let build = scene.at_production().await;
    let told = async || scene.told(HEALTH, build, "Production").await;
    let lock = "a check: Exclusive lock";
    assert_eq!(told().await, Ok(format!("2 approvals of: anyone of Tides, Carol Okafor, Erin Castellanos and {lock}")));
    control.decide_stage(build, "Production", "dave", Approve).await.unwrap();
    let words = "an approval by one of: Carol Okafor, Erin Castellanos, approved by Dave Lindqvist already";
    assert_eq!(told().await, Ok(format!("{words} and {lock}")));
    control.decide_stage(build, "Production", "carol", Approve).await.unwrap();
    assert_eq!(told().await, Ok(lock.to_owned()));
    control.decide_check(build, "Production", "ExclusiveLock", Approve).await.unwrap();
    let state = told().await;
    assert!(matches!(state, Err(StageState::Running { .. })), "{state:?}");

    // Whoever looks is asked themselves, in turn; and says no.
    let turns = ApprovalTerms { needed: 0, order: ApprovalOrder::InSequence };
    control.ask_for("tide-api", "Production", &["alice", "bob"], &[], turns).await.unwrap();
    let build = scene.at_production().await;
    let told = async || scene.told(HEALTH, build, "Production").await;
    assert_eq!(told().await, Ok("approvals by you, then Bob Tanaka".to_owned()));
    control.decide_stage(build, "Production", "alice", Approve).await.unwrap();
    assert_eq!(told().await, Ok("an approval by Bob Tanaka, approved by you already".to_owned()));
    control.decide_stage(build, "Production", "bob", Reject).await.unwrap();
    let state = told().await;
    assert!(matches!(state, Err(StageState::Not { .. })), "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_a_wait_has_no_names_and_the_rest_is_told() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    control.add_fault("403:times=always:path=pipelines/approvals".parse().unwrap());
    assert_eq!(scene.told(HEALTH, WAITING, "Production").await, Ok("an approval".to_owned()));
    let explained = scene.look(HEALTH).await;
    assert!(matches!(explained.missing.as_slice(), [why] if why.contains("who is to approve")), "{:?}", explained.missing);
    control.clear_faults();
    // Not even the run: then what is collected is told.
    control.add_fault("403:times=always:path=/timeline".parse().unwrap());
    let explained = scene.look(HEALTH).await;
    let stages: Vec<_> =
        explained.stops.iter().filter_map(|stop| if let Stop::Stage { stage, .. } = stop { Some(stage.as_str()) } else { None }).collect();
    assert_eq!((stages.as_slice(), explained.missing.len()), ([""; 0].as_slice(), 1), "{explained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_release_waits_for_its_approver() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let number = {
        let world = control.world().await;
        world.pull_requests.values().find(|row| row.title.starts_with("HAR-21")).expect("it is open").id
    };
    control.merge(number, "alice", Merging::default()).await.unwrap();
    let build = control.deploy("ops", "erin", (None, None), &[]).await.unwrap();
    let test = control.ask_release("ops", build, "Test", "erin").await.unwrap();
    control.finish_deployment(test, DeploymentStatus::Succeeded).await.unwrap();
    let deployment = control.ask_release("ops", build, "Production", "erin").await.unwrap();
    let release = control.world().await.release_deployments[&deployment].release;
    scene.collect().await;
    assert_eq!(scene.told("HAR-21", release, "Production").await, Ok("an approval by Bob Tanaka".to_owned()));
    assert_eq!(scene.measured.asked("~release/approvals"), 1);
    control.decide_release(deployment, "bob", Approve).await.unwrap();
    scene.collect().await;
    let state = scene.told("HAR-21", release, "Production").await;
    assert!(matches!(state, Err(StageState::Running { .. })), "{state:?}");
    assert_eq!(scene.measured.asked("~release/approvals"), 0);
}
