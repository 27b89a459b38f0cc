//! What webhooks tell of moves figures before any pass does, what they lose is found by the next pass, and what they tell twice or in the
//! wrong order moves nothing. The product's clock moves only when a test moves it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kanado::action::{Reporter, figures, hooks};
use kanado::clock::Clock;
use kanado::domain::health::Live;
use kanado::domain::hook::DeliveryState;
use kanado::domain::project::Project;
use kanado::engine::{Engine, EngineOptions};
use kanado::hook::{HookOptions, Server};
use kanado::metrics::figures::{Figures, Metric, Phase, Tile, Value};
use kanado::metrics::input::Input;
use kanado::metrics::query::{Query, Window};
use kanado::sim;
use kanado::sim::control::{Link, Merging};
use kanado::sim::hooks::Loopback;
use kanado::sim::hooks::faults::{Drop as Lost, HookFaults};
use kanado::sim::world::{BuildResult, DeploymentStatus, RecordResult};
use kanado::store::{DeliveryFilter, NewDelivery, Store};
use kanado::sync::wake::Wake;
use tokio_util::sync::CancellationToken;

use crate::support::inside::{Inside, receiving};
use crate::support::measured::{Measured, assert_same};
use crate::support::patience::until;
use crate::support::receiver::free_address;

const REPOSITORY: &str = "Harbor/tide-api";
/// Went to production six days before the demo begins.
const OLD_DEPLOYMENT: i32 = 407;

/// Harbor, measured and live: a receiver of this process, to which the simulator delivers, and an engine beside it.
struct Scene {
    measured: Measured,
    clock: Clock,
    engine: Engine,
    wake: Wake,
    end: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), kanado::hook::Error>>,
}

impl Scene {
    async fn new() -> Self {
        let world = Inside::start(sim::Options { loopback_hooks: Loopback::Allowed, ..sim::Options::default() }).await;
        let clock = Clock::fixed(Timestamp::now());
        let address = free_address();
        let measured = Measured::in_world(world, clock.clone(), receiving(&format!("http://{address}")), "everything").await;
        let services = &measured.services;
        let harbor = measured.projects.iter().find(|project| project.name == "Harbor").unwrap();
        hooks::generate(&services.ctx, harbor).await.unwrap();
        let wake = Wake::default();
        let server = Server::bind(HookOptions::on(address), services, wake.clone()).await.unwrap();
        let engine = Engine::start(services, EngineOptions::of(&services.ctx.config).receiving_at(server.address(), wake.clone()));
        let end = CancellationToken::new();
        let serving = tokio::spawn(server.serve_until(end.clone()));
        hooks::register(&services.ctx, harbor, hooks::Renew::Needed, &Reporter::silent()).await.unwrap();
        let scene = Self { measured, clock, engine, wake, end, serving };
        until("Harbor is live", async || scene.store().live(scene.harbor().id, scene.clock.now()).await.unwrap() == Live::Now).await;
        scene.until_collected().await;
        scene
    }

    async fn stop(self) {
        self.end.cancel();
        self.serving.await.unwrap().unwrap();
        self.engine.stop().await;
    }

    fn store(&self) -> &Store {
        &self.measured.services.ctx.store
    }

    fn harbor(&self) -> &Project {
        self.measured.projects.iter().find(|project| project.name == "Harbor").unwrap()
    }

    fn control(&self) -> sim::control::Control {
        self.measured.control()
    }

    /// Waits until every source of Harbor was read at the time that the clock shows.
    async fn until_collected(&self) {
        let now = self.clock.now();
        until("everything is collected", async || {
            let collection = self.store().collection(self.harbor().id).await.unwrap();
            collection.sources.iter().all(|source| source.failed.is_none() && source.synced_at == Some(now))
        })
        .await;
    }

    /// Lets a cycle of the collector pass.
    async fn cycle(&self) {
        self.clock.advance(SignedDuration::from_mins(15));
        self.until_collected().await;
    }

    /// Waits until everything that the simulator had to tell was told and taken.
    async fn until_told(&self) {
        self.control().hooks_idle().await.unwrap();
        until("every delivery is settled", async || self.store().next_due().await.unwrap().is_none()).await;
    }

    /// Everything is lost from now on.
    fn lose_everything(&self) {
        self.control().hook_faults(HookFaults { drop: Lost::Percent(100), ..HookFaults::default() });
    }

    /// Nobody can have collected: the clock stands where it was collected last.
    async fn no_pass_since(&self, at: Timestamp) {
        assert_eq!(self.clock.now(), at);
        let collection = self.store().collection(self.harbor().id).await.unwrap();
        assert!(collection.sources.iter().all(|source| source.synced_at == Some(at)), "{:?}", collection.sources);
    }

    /// The figures of the last 30 days, up to an hour in which everything that a test does has happened.
    async fn figures(&self) -> Figures {
        let (query, now) = self.query();
        figures::read(&self.measured.services.ctx, &query, now).await.unwrap().1
    }

    /// What they rest on.
    async fn input(&self) -> Arc<Input> {
        figures::input(&self.measured.services.ctx, &self.query().0).await.unwrap()
    }

    fn query(&self) -> (Query, Timestamp) {
        let now = self.clock.now() + SignedDuration::from_hours(1);
        let rules = self.measured.services.ctx.config.metrics.rules.clone();
        (Query::new(vec![self.harbor().id], Window::last(30, now), rules), now)
    }

    async fn deploy(&self) -> i32 {
        let went_well = ["Build", "Staging", "ProdNorth", "ProdSouth"].map(|stage| (stage, RecordResult::Succeeded));
        self.control().deploy("harbor-web", "carol", (None, None), &went_well).await.unwrap()
    }

    async fn incident(&self) -> i32 {
        let item = self.control().create_work_item("Harbor", ("Bug", "The board is dark"), "dave", &["incident"]).await.unwrap();
        self.control().link_work_item(item, "dave", Link::Build(OLD_DEPLOYMENT)).await.unwrap();
        item
    }

    async fn merge(&self, branch: &str) -> i32 {
        let control = self.control();
        control.push_file(REPOSITORY, (branch, Some("main")), "bob", ("/x.txt", branch.as_bytes()), "Add x").await.unwrap();
        let number = control.open(REPOSITORY, (branch, "main"), "Add x", "bob").await.unwrap();
        control.comment(number, "carol", "Fine").await.unwrap();
        control.vote(number, "carol", 10).await.unwrap();
        control.merge(number, "carol", Merging::default()).await.unwrap();
        number
    }
}

fn tile(figures: &Figures, metric: Metric) -> &Tile {
    figures.tile(metric).unwrap()
}

fn deployments(figures: &Figures) -> u64 {
    match tile(figures, Metric::DeploymentFrequency).value {
        Value::Frequency { count, .. } => count,
        ref other => panic!("{other:?}"),
    }
}

/// Deployments that failed, of so many.
fn failed(figures: &Figures) -> (u64, u64) {
    match tile(figures, Metric::ChangeFailRate).value {
        Value::Rate { k, n, .. } => (k, n),
        ref other => panic!("{other:?}"),
    }
}

fn merged(figures: &Figures) -> (u64, u64) {
    (tile(figures, Metric::CycleTime).n, tile(figures, Metric::Throughput).n)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_deploys_is_counted_when_its_delivery_was_taken() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.figures().await);
    scene.deploy().await;
    scene.until_told().await;
    assert_eq!(deployments(&scene.figures().await), deployments(&before) + 1);
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_a_classic_release_is_counted_when_its_delivery_was_taken() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.figures().await);
    let control = scene.control();
    let build = control.deploy("ops", "erin", (None, None), &[]).await.unwrap();
    control.deploy_release("ops", build, "Test", "erin", DeploymentStatus::Succeeded).await.unwrap();
    let deployment = control.deploy_release("ops", build, "Production", "erin", DeploymentStatus::InProgress).await.unwrap();
    scene.until_told().await;
    assert_eq!(deployments(&scene.figures().await), deployments(&before), "it goes on");
    control.finish_deployment(deployment, DeploymentStatus::Succeeded).await.unwrap();
    scene.until_told().await;
    assert_eq!(deployments(&scene.figures().await), deployments(&before) + 1);
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_the_default_branch_is_a_change_when_its_delivery_was_taken() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.input().await);
    scene.control().push_file(REPOSITORY, ("main", None), "bob", ("/x.txt", b"x\n"), "Add x for #205").await.unwrap();
    scene.until_told().await;
    let after = scene.input().await;
    assert_eq!(after.tips.len(), before.tips.len() + 1);
    let (linked, all) = (after.linkage.linked_commits, after.linkage.commits);
    assert_eq!((linked, all), (before.linkage.linked_commits + 1, before.linkage.commits + 1), "with the work item that it names");
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_counted_when_its_delivery_was_taken() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.figures().await);
    scene.incident().await;
    scene.until_told().await;
    let (k, n) = failed(&before);
    assert_eq!(failed(&scene.figures().await), (k + 1, n), "of the same deployments one more failed");
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_pull_request_is_counted_with_its_review_when_its_deliveries_were_taken() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.figures().await);
    let number = scene.merge("quick").await;
    scene.until_told().await;
    let (cycle, throughput) = merged(&before);
    assert_eq!(merged(&scene.figures().await), (cycle + 1, throughput + 1));
    let repositories = scene.store().repositories(scene.harbor().id).await.unwrap();
    let repository = repositories.iter().find(|known| known.name == "tide-api").unwrap().id;
    let flow = scene.store().flow(repository, i64::from(number)).await.unwrap().unwrap();
    assert!(flow.has_threads && flow.has_detail && flow.first_review_at.is_some() && flow.approved_at.is_some(), "{flow:?}");
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_ends_after_the_merge_moves_what_ci_took_when_its_delivery_was_taken() {
    let scene = Scene::new().await;
    let (at, control) = (scene.clock.now(), scene.control());
    control.push_file(REPOSITORY, ("checked", Some("main")), "bob", ("/x.txt", b"checked"), "Add x").await.unwrap();
    let number = control.open(REPOSITORY, ("checked", "main"), "Add x", "bob").await.unwrap();
    control.comment(number, "carol", "Fine").await.unwrap();
    control.vote(number, "carol", 10).await.unwrap();
    control.advance(SignedDuration::from_mins(3)).await;
    scene.until_told().await;
    // That it began is not told: its end has to be enough.
    scene.lose_everything();
    let check = control.queue_check("tide-api", "bob", number).await.unwrap();
    control.start_build(check).await.unwrap();
    scene.until_told().await;
    control.hook_faults(HookFaults::default());
    control.advance(SignedDuration::from_mins(12)).await;
    control.merge(number, "carol", Merging::default()).await.unwrap();
    scene.until_told().await;
    let ci = |figures: &Figures| figures.phases.iter().find(|one| one.phase == Phase::MergeWait).unwrap().overlay.clone().unwrap();
    let before = ci(&scene.figures().await);
    control.finish_build(check, BuildResult::Succeeded).await.unwrap();
    scene.until_told().await;
    let after = ci(&scene.figures().await);
    assert_eq!((before.known, before.of, after.known, after.of), (0, 1, 1, 1), "first nobody knows of a check");
    let repositories = scene.store().repositories(scene.harbor().id).await.unwrap();
    let repository = repositories.iter().find(|known| known.name == "tide-api").unwrap().id;
    let flow = scene.store().flow(repository, i64::from(number)).await.unwrap().unwrap();
    let stretches = flow.validated.unwrap();
    assert_eq!((stretches.len(), stretches[0].to), (1, flow.closed_at), "up to the merge, over which it went on: {stretches:?}");
    let minutes = stretches[0].to.unwrap().duration_since(stretches[0].from).as_mins();
    assert!((12..15).contains(&minutes), "{minutes} minutes");
    let (query, now) = scene.query();
    let explained = kanado::metrics::rows(&*scene.input().await, &query, Metric::CycleTime, now);
    assert!(explained.iter().any(|row| row.words.contains("CI 12m of 15m merge wait")), "{explained:?}");
    scene.no_pass_since(at).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_hook_lost_is_counted_after_the_next_cycle() {
    let scene = Scene::new().await;
    scene.lose_everything();
    let before = scene.figures().await;
    scene.deploy().await;
    scene.incident().await;
    scene.merge("lost").await;
    scene.until_told().await;
    let still = scene.figures().await;
    assert_eq!((deployments(&still), failed(&still), merged(&still)), (deployments(&before), failed(&before), merged(&before)));
    scene.cycle().await;
    let after = scene.figures().await;
    let ((k, n), (cycle, throughput)) = (failed(&before), merged(&before));
    assert_eq!((deployments(&after), failed(&after), merged(&after)), (deployments(&before) + 1, (k + 1, n), (cycle + 1, throughput + 1)));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_come_three_times_in_any_order_move_figures_once() {
    let scene = Scene::new().await;
    let (at, before) = (scene.clock.now(), scene.figures().await);
    scene.control().hook_faults(HookFaults { duplicate: 2, reorder: 100, seed: 7, ..HookFaults::default() });
    scene.deploy().await;
    scene.incident().await;
    scene.merge("told-thrice").await;
    scene.until_told().await;
    let after = scene.figures().await;
    let ((k, n), (cycle, throughput)) = (failed(&before), merged(&before));
    assert_eq!((deployments(&after), failed(&after), merged(&after)), (deployments(&before) + 1, (k + 1, n), (cycle + 1, throughput + 1)));
    scene.no_pass_since(at).await;

    // The same once more, the last first, as deliveries that nobody has seen.
    let facts = scene.measured.facts().await;
    let bodies = scene.bodies().await;
    assert!(bodies.len() > 8, "a build, an item and what befell a pull request: {}", bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let new = NewDelivery {
            project: scene.harbor().id,
            dedupe: format!("again {number}"),
            purpose: None,
            event_type: None,
            event_id: None,
            subscription: None,
            notification: None,
            received_at: scene.clock.now(),
            body,
            state: DeliveryState::Waiting,
            words: None,
        };
        scene.store().keep_delivery(new).await.unwrap();
    }
    scene.wake.wake();
    scene.until_told().await;
    assert_same(&facts, &scene.measured.facts().await);

    // And a pass finds nothing that is not known.
    scene.cycle().await;
    let late = scene.figures().await;
    assert_eq!((deployments(&late), failed(&late), merged(&late)), (deployments(&after), failed(&after), merged(&after)));
    scene.stop().await;
}

impl Scene {
    /// What was delivered to Harbor, the last first.
    async fn bodies(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        for row in self.store().deliveries(Some(self.harbor().id), DeliveryFilter::All, 500).await.unwrap() {
            bodies.push(self.store().delivery_body(row.id).await.unwrap().unwrap());
        }
        bodies
    }
}
