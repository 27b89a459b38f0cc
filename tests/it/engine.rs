//! The engine in front of the simulator, on a clock that only a test moves: what is missed, what is found again, and who does it.
//!
//! Hooks are registered by the product, and the simulator delivers to a receiver of this process.

use jiff::{SignedDuration, Timestamp};
use kanado::action::{Reporter, hooks, start_work, tickets};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::health::Live;
use kanado::domain::hook::{DeliveryState, Purpose, SubscriptionState};
use kanado::domain::id::TicketKey;
use kanado::domain::project::Project;
use kanado::domain::pull_request::{Source, Vote};
use kanado::domain::status::Status;
use kanado::domain::ticket::SpecBadge;
use kanado::engine::{self, Engine, EngineOptions};
use kanado::hook::{HookOptions, Server};
use kanado::services::Services;
use kanado::sim;
use kanado::sim::control::{Control, Merging};
use kanado::sim::hooks::Loopback;
use kanado::sim::hooks::faults::{Drop as Lost, HookFaults};
use kanado::store::{DeliveryFilter, Location, NewDelivery, RECEIVER};
use kanado::sync::wake::Wake;
use tokio_util::sync::CancellationToken;

use crate::support::inside::{Inside, receiving};
use crate::support::killed;
use crate::support::patience::until;
use crate::support::postgres;
use crate::support::receiver::free_address;

const REPOSITORY: &str = "Harbor/tide-api";

/// Alice's process, connected to Harbor.
struct Scene {
    world: Inside,
    alice: Services,
    clock: Clock,
    project: Project,
    address: std::net::SocketAddr,
}

/// A receiver with its engine.
struct Receiving {
    engine: Engine,
    end: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), kanado::hook::Error>>,
}

impl Receiving {
    async fn stop(self) {
        self.end.cancel();
        self.serving.await.unwrap().unwrap();
        self.engine.stop().await;
    }
}

impl Scene {
    async fn new() -> Self {
        Self::on(None).await
    }

    async fn on(location: Option<Location>) -> Self {
        let world = Inside::start(sim::Options { loopback_hooks: Loopback::Allowed, ..sim::Options::default() }).await;
        let clock = Clock::fixed(Timestamp::now());
        let address = free_address();
        let location = location.unwrap_or_else(|| world.file_of("alice"));
        let alice = world.services("alice", receiving(&format!("http://{address}")), clock.clone(), &location).await;
        let project = world.connect(&alice, "alice", &["tide-api"]).await;
        Self { world, alice, clock, project, address }
    }

    /// Another process on the same store.
    async fn another_process(&self) -> Services {
        self.world.services("alice", Config::default(), self.clock.clone(), &self.world.file_of("alice")).await
    }

    fn control(&self) -> Control {
        self.world.sim.control()
    }

    fn options(&self) -> EngineOptions {
        EngineOptions::of(&self.alice.ctx.config)
    }

    /// Begins to listen.
    async fn receive(&self) -> Receiving {
        let wake = Wake::default();
        let server = Server::bind(HookOptions::on(self.address), &self.alice, wake.clone()).await.unwrap();
        let engine = Engine::start(&self.alice, self.options().receiving_at(server.address(), wake));
        let end = CancellationToken::new();
        let serving = tokio::spawn(server.serve_until(end.clone()));
        Receiving { engine, end, serving }
    }

    /// Listens, with every hook registered.
    async fn go_live(&self) -> Receiving {
        hooks::generate(&self.alice.ctx, &self.project).await.unwrap();
        let receiving = self.receive().await;
        hooks::register(&self.alice.ctx, &self.project, hooks::Renew::Needed, &Reporter::silent()).await.unwrap();
        self.until_live().await;
        receiving
    }

    async fn live(&self) -> Live {
        self.alice.ctx.store.live(self.project.id, self.clock.now()).await.unwrap()
    }

    async fn until_live(&self) {
        until("the project is live", async || self.live().await == Live::Now).await;
    }

    /// A ticket under way.
    async fn started(&self, title: &str) -> (TicketKey, String) {
        let new = tickets::New { title: title.to_owned(), ..tickets::New::default() };
        let key = tickets::new(&self.alice.ctx, self.project.id, new).await.unwrap().key;
        start_work::run(&self.alice.ctx, &key, &Default::default(), &Reporter::silent()).await.unwrap();
        let branch = format!("feature/{key}");
        (key, branch)
    }

    async fn open(&self, branch: &str) -> i32 {
        self.control().open(REPOSITORY, (branch, "main"), "Ready", "bob").await.unwrap()
    }

    async fn status(&self, key: &TicketKey) -> Status {
        self.alice.ctx.ticket(key).await.unwrap().status
    }

    async fn votes(&self, number: i32) -> Vec<Vote> {
        let repositories = self.alice.ctx.store.repositories(self.project.id).await.unwrap();
        let repository = repositories.iter().find(|known| known.name == "tide-api").unwrap().id;
        let known = self.alice.ctx.store.pull_request(repository, i64::from(number)).await.unwrap();
        let votes = known.into_iter().flat_map(|known| known.facts.reviewers).map(|reviewer| reviewer.vote);
        votes.filter(|vote| *vote != Vote::None).collect()
    }

    async fn healed(&self) -> (i64, i64) {
        let reconciled = self.alice.ctx.store.reconciled(self.project.id).await.unwrap();
        (reconciled.healed_last, reconciled.healed_total)
    }

    async fn done_at(&self) -> Option<Timestamp> {
        self.alice.ctx.store.reconciled(self.project.id).await.unwrap().done_at
    }

    /// Lets time pass, no faster than the receiver can say that it is there.
    async fn pass(&self, time: SignedDuration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.clock.advance(SignedDuration::from_secs(20));
            until("the receiver said that it is there", async || {
                let leases = self.alice.ctx.store.leases_like(RECEIVER, self.clock.now()).await.unwrap();
                leases.iter().any(|lease| lease.until > self.clock.now() + SignedDuration::from_secs(60))
            })
            .await;
        }
    }

    fn ours(&self, purpose: Purpose) -> Option<sim::hooks::subscription::Subscription> {
        let path = format!("/{}", purpose.word());
        self.control().subscriptions().into_iter().find(|one| {
            one.consumer_inputs.get("url").is_some_and(|url| url.starts_with(&format!("http://{}", self.address)) && url.ends_with(&path))
        })
    }
}

async fn ten_minutes_without_a_receiver(scene: Scene) {
    let store = &scene.alice.ctx.store;
    let (control, receiving) = (scene.control(), scene.go_live().await);
    let (merged, merged_branch) = scene.started("Merged meanwhile").await;
    let (opened, opened_branch) = scene.started("Opened meanwhile").await;
    let (voted, voted_branch) = scene.started("Voted on meanwhile").await;
    let (to_merge, to_vote) = (scene.open(&merged_branch).await, scene.open(&voted_branch).await);
    until("both cards follow their pull requests", async || {
        scene.status(&merged).await == Status::PrOpen && scene.status(&voted).await == Status::PrOpen
    })
    .await;
    assert!(control.hooks_idle().await.is_ok());
    until("every delivery is settled", async || store.next_due().await.unwrap().is_none()).await;
    assert_eq!(scene.healed().await, (0, 0), "the hooks told everything");
    receiving.stop().await;
    assert_eq!(scene.live().await, Live::Broken("no receiver since now".to_owned()));

    // Nobody listens, and nothing is tried again later.
    control.hook_faults(HookFaults { drop: Lost::Percent(100), ..HookFaults::default() });
    scene.clock.advance(SignedDuration::from_mins(10));
    control.merge(to_merge, "bob", Merging::default()).await.unwrap();
    control.vote(to_vote, "carol", -5).await.unwrap();
    control.comment(to_vote, "carol", "Why so?").await.unwrap();
    let spec = format!("/{}", opened.spec_path());
    control.push_file(REPOSITORY, (&opened_branch, None), "bob", (&spec, b"# Another text\n"), "Change the spec").await.unwrap();
    let new = scene.open(&opened_branch).await;
    control.rename_repository(REPOSITORY, "alice", "tide-service").await.unwrap();
    assert!(control.hooks_idle().await.is_ok());
    assert_eq!(scene.live().await, Live::Broken("no receiver since 10m".to_owned()));

    control.hook_faults(HookFaults::default());
    let receiving = scene.receive().await;
    until("the comparison is done", async || scene.done_at().await == Some(scene.clock.now())).await;
    assert_eq!(scene.status(&merged).await, Status::Merged);
    assert_eq!(scene.status(&opened).await, Status::PrOpen);
    assert_eq!(scene.alice.ctx.ticket(&opened).await.unwrap().pull_request.unwrap().number, i64::from(new));
    assert_eq!(store.spec(&opened).await.unwrap().badge(), SpecBadge::ChangedOnBranch);
    let repository = store.repository(scene.alice.ctx.ticket(&voted).await.unwrap().repository.unwrap()).await.unwrap().unwrap();
    assert_eq!(repository.name, "tide-service");
    let known = store.pull_request(repository.id, i64::from(to_vote)).await.unwrap().unwrap();
    assert!(known.facts.reviewers.iter().any(|reviewer| reviewer.vote == Vote::WaitingForAuthor));
    assert_eq!(known.threads.unwrap().unresolved, 1, "what no list shows is there too");
    // Merged, opened, voted on; the spec; the name.
    assert_eq!(scene.healed().await, (5, 5), "one cycle found it all");
    scene.until_live().await;
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_comparison_closes_every_gap_of_ten_minutes_without_a_receiver() {
    ten_minutes_without_a_receiver(Scene::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_comparison_closes_every_gap_on_postgresql_too() {
    let Some(server) = postgres::server() else {
        eprintln!("not run: there is no PostgreSQL here");
        return;
    };
    let database = server.database();
    ten_minutes_without_a_receiver(Scene::on(Some(Location::Url(database.url().to_owned()))).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_is_on_the_card_without_anybody_asking() {
    let scene = Scene::new().await;
    let receiving = scene.go_live().await;
    let (key, branch) = scene.started("Reviewed").await;
    let number = scene.open(&branch).await;
    until("the card follows it", async || scene.status(&key).await == Status::PrOpen).await;
    scene.control().vote(number, "carol", 10).await.unwrap();
    until("the vote is there", async || scene.votes(number).await == [Vote::Approved]).await;
    let board = scene.alice.ctx.ticket(&key).await.unwrap();
    let followed = board.pull_request.unwrap();
    let known = scene.alice.ctx.store.pull_request(followed.repository, followed.number).await.unwrap().unwrap();
    assert_eq!(known.source, Source::Hook);
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_on_probation_is_seen_at_the_next_look_and_what_it_lost_is_compared() {
    let scene = Scene::new().await;
    let store = &scene.alice.ctx.store;
    let (key, branch) = scene.started("Reviewed").await;
    let receiving = scene.go_live().await;
    let number = scene.open(&branch).await;
    until("the card follows it", async || scene.status(&key).await == Status::PrOpen).await;
    // What is still on its way would tell of the vote.
    assert!(scene.control().hooks_idle().await.is_ok());
    until("every delivery is settled", async || store.next_due().await.unwrap().is_none()).await;
    receiving.stop().await;

    // An engine that cannot make it anew, because it has no receiver, beside a receiver somewhere else.
    let far = scene.clock.now() + SignedDuration::from_hours(9);
    assert!(store.hold_lease("receiver:elsewhere", "elsewhere", Some("elsewhere"), far, scene.clock.now()).await.unwrap());
    let engine = Engine::start(&scene.alice, scene.options());
    scene.until_live().await;
    let vote = scene.ours(Purpose::PullRequestVote).unwrap();
    scene.control().set_subscription_status(vote.id, sim::hooks::retry::Status::OnProbation).unwrap();
    scene.control().vote(number, "carol", 10).await.unwrap();
    scene.clock.advance(SignedDuration::from_mins(6));
    until("it is seen", async || scene.live().await == Live::Broken("1 hook on probation".to_owned())).await;
    until("the lost vote is found", async || scene.votes(number).await == [Vote::Approved]).await;
    until("it is counted", async || scene.healed().await.1 == 1).await;

    // A probe succeeded: what was lost until then is looked for once more.
    let before = scene.clock.now();
    scene.control().set_subscription_status(vote.id, sim::hooks::retry::Status::Enabled).unwrap();
    scene.clock.advance(SignedDuration::from_mins(6));
    scene.until_live().await;
    until("it was compared again", async || scene.done_at().await.is_some_and(|at| at > before)).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_on_probation_is_made_anew_at_the_next_look() {
    let scene = Scene::new().await;
    let receiving = scene.go_live().await;
    let old = scene.ours(Purpose::PullRequestVote).unwrap();
    scene.control().set_subscription_status(old.id, sim::hooks::retry::Status::OnProbation).unwrap();
    scene.pass(SignedDuration::from_mins(6)).await;
    until("another one took its place", async || scene.ours(Purpose::PullRequestVote).is_some_and(|new| new.id != old.id)).await;
    scene.until_live().await;
    // The old one goes when the new one is known to work.
    until("only the new one is left", async || {
        let rows = scene.alice.ctx.store.subscriptions(scene.project.id).await.unwrap();
        let votes: Vec<_> = rows.iter().filter(|row| row.purpose == Purpose::PullRequestVote).map(|row| row.state).collect();
        votes == [SubscriptionState::Enabled]
    })
    .await;
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_engines_one_compares() {
    let scene = Scene::new().await;
    let other = scene.another_process().await;
    // Collecting lists repositories too, now and then.
    let options = || EngineOptions { collect_every: None, ..scene.options() };
    let engines = [Engine::start(&scene.alice, options()), Engine::start(&other, options())];
    let first = scene.clock.now();
    until("the first comparison is done", async || scene.done_at().await == Some(first)).await;
    for engine in engines {
        engine.stop().await;
    }
    scene.control().reset_requests();
    let engines = [Engine::start(&scene.alice, options()), Engine::start(&other, options())];
    scene.clock.advance(SignedDuration::from_mins(15));
    until("the second comparison is done", async || scene.done_at().await == Some(scene.clock.now())).await;
    // What the other one had begun is finished by then.
    for engine in engines {
        engine.stop().await;
    }
    let requests = scene.control().requests();
    let repositories: Vec<_> = requests.by_route.iter().filter(|(route, _)| route.ends_with(" git/repositories")).collect();
    assert!(matches!(repositories.as_slice(), [(_, 1)]), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_an_engine_that_died_is_taken_over_when_it_ends() {
    let scene = Scene::new().await;
    let store = &scene.alice.ctx.store;
    let ends = scene.clock.now() + SignedDuration::from_secs(120);
    let lease = format!("reconcile:{}", scene.project.id);
    assert!(store.hold_lease(&lease, "dead", None, ends, scene.clock.now()).await.unwrap());
    let engine = Engine::start(&scene.alice, scene.options());
    scene.clock.advance(SignedDuration::from_secs(119));
    scene.clock.advance(SignedDuration::from_secs(1));
    until("it is compared", async || scene.done_at().await.is_some()).await;
    assert_eq!(scene.done_at().await, Some(ends), "and not before");
    engine.stop().await;
    assert!(store.lease(&lease).await.unwrap().unwrap().until <= ends, "it was let go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_holds_up_neither_the_hooks_nor_their_registration() {
    let scene = Scene::new().await;
    let store = &scene.alice.ctx.store;
    let killed = killed::name();
    // The clock stands still: no lease runs out.
    let now = scene.clock.now();
    let leave = async |lease: &str| {
        assert!(store.hold_lease(lease, &killed, None, now + SignedDuration::from_mins(4), now).await.unwrap());
    };
    leave(&format!("registration:{}", scene.project.id)).await;
    let live = tokio::time::timeout(std::time::Duration::from_secs(60), scene.go_live()).await;
    live.expect("the turn is taken over").stop().await;

    let lease = format!("hooks:{}", scene.project.id);
    leave(&lease).await;
    let engine = Engine::start(&scene.alice, scene.options());
    until("somebody else looks after the hooks", async || {
        let held = store.lease(&lease).await.unwrap().unwrap();
        held.holder != killed && held.until > now
    })
    .await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_killed_is_not_taken_for_one_that_is_there_and_what_it_missed_is_compared() {
    let scene = Scene::new().await;
    let store = &scene.alice.ctx.store;
    scene.go_live().await.stop().await;
    scene.clock.advance(SignedDuration::from_mins(1));
    let (killed, now) = (killed::name(), scene.clock.now());
    let ends = now + SignedDuration::from_secs(90);
    assert!(store.hold_lease(&format!("{RECEIVER}{killed}"), &killed, Some("killed"), ends, now).await.unwrap());
    assert_eq!(scene.live().await, Live::Now, "nobody has looked yet");
    assert_ne!(scene.done_at().await, Some(now));
    let receiving = scene.receive().await;
    until("what happened meanwhile is compared", async || scene.done_at().await == Some(now)).await;
    let health = store.hook_health(scene.project.id, now).await.unwrap();
    assert!(health.receivers.len() == 1 && health.receivers[0].name != "killed", "{:?}", health.receivers);
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_an_engine_that_died_in_the_middle_are_applied_by_the_next() {
    let scene = Scene::new().await;
    let store = &scene.alice.ctx.store;
    let now = scene.clock.now();
    for number in 0..3 {
        let new = NewDelivery {
            project: scene.project.id,
            dedupe: format!("{number}"),
            purpose: None,
            event_type: None,
            event_id: None,
            subscription: None,
            notification: None,
            received_at: now,
            body: b"{\"eventType\": \"workitem.created\", \"resource\": {\"id\": 7}}".to_vec(),
            state: DeliveryState::Waiting,
            words: None,
        };
        store.keep_delivery(new).await.unwrap();
    }
    assert_eq!(store.claim_deliveries("dead", 2, SignedDuration::from_mins(5), now).await.unwrap().len(), 2);
    let engine = Engine::start(&scene.alice, scene.options());
    let waiting = async || {
        let all = store.deliveries(Some(scene.project.id), DeliveryFilter::All, 10).await.unwrap();
        all.iter().filter(|delivery| delivery.state == DeliveryState::Waiting).count()
    };
    until("what nobody claimed is applied", async || waiting().await == 2).await;
    scene.clock.advance(SignedDuration::from_mins(5));
    until("the rest is too", async || waiting().await == 0).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_a_project_that_left_the_board_are_deleted_within_a_minute_and_nobody_elses() {
    let scene = Scene::new().await;
    let others = scene.control().subscriptions().len();
    let receiving = scene.go_live().await;
    assert!(scene.control().subscriptions().len() > others);
    // As by a process that could not reach Azure DevOps.
    scene.alice.ctx.store.remove_project(scene.project.id, scene.clock.now()).await.unwrap();
    scene.pass(SignedDuration::from_secs(40)).await;
    until("ours are gone", async || scene.control().subscriptions().len() == others).await;
    until("and forgotten", async || scene.alice.ctx.store.removing_subscriptions().await.unwrap().is_empty()).await;
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_azure_devops_is_told_and_over_when_a_comparison_succeeds() {
    let scene = Scene::new().await;
    let receiving = scene.go_live().await;
    let (key, branch) = scene.started("Opened in the dark").await;
    let fault = scene.control().add_fault("500".parse().unwrap());
    receiving.engine.reconcile_now(scene.project.id);
    until("it is told", async || scene.live().await == Live::Broken("Azure DevOps answers 500".to_owned())).await;
    scene.control().hook_faults(HookFaults { drop: Lost::Percent(100), ..HookFaults::default() });
    assert!(scene.control().remove_fault(fault));
    scene.open(&branch).await;
    scene.pass(SignedDuration::from_mins(2)).await;
    scene.until_live().await;
    assert_eq!(scene.status(&key).await, Status::PrOpen);
    receiving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_compare_at_any_time() {
    let scene = Scene::new().await;
    let (key, branch) = scene.started("Opened").await;
    scene.open(&branch).await;
    scene.control().rename_project("Harbor", "Haven").await.unwrap();
    let compared = engine::compare_now(&scene.alice.ctx, &scene.project).await.unwrap();
    assert_eq!(compared.moved.iter().map(|(key, ..)| key).collect::<Vec<_>>(), [&key]);
    assert_eq!((compared.renamed.as_deref(), compared.healed), (Some("Haven"), 0), "no hook was expected to tell");
    assert_eq!(scene.alice.ctx.project(scene.project.id).await.unwrap().name, "Haven");
}
