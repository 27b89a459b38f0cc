//! What hooks told of, and what they did not: figures' facts follow within seconds, or within the cycle of the collector. The clock moves
//! only when a test moves it.

use jiff::{SignedDuration, Timestamp};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::collection::Source;
use kanado::domain::id::{ObjectId, RepositoryId};
use kanado::domain::pull_request::{PullRequestStatus, Vote};
use kanado::engine::{Engine, EngineOptions};
use kanado::metrics::input::{Flow, What};
use kanado::sim;
use kanado::sim::control::Merging;

use crate::support::measured::Measured;
use crate::support::patience::until;

const REPOSITORY: &str = "Harbor/tide-api";

/// Harbor, measured, with a collector on a clock of its own.
struct Scene {
    measured: Measured,
    clock: Clock,
    engine: Engine,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::fixed(Timestamp::now());
        let measured = Measured::with(sim::Options::default(), clock.clone(), Config::default(), "everything").await;
        let engine = Engine::start_collecting(&measured.services, EngineOptions::of(&Config::default()));
        let scene = Self { measured, clock, engine };
        scene.until_synced().await;
        scene
    }

    /// Waits until every source of Harbor was read at the time that the clock shows.
    async fn until_synced(&self) {
        let now = self.clock.now();
        until("everything is collected", async || {
            let collection = self.measured.services.ctx.store.collection(self.harbor()).await.unwrap();
            collection.sources.iter().all(|source| source.failed.is_none() && source.synced_at == Some(now))
        })
        .await;
    }

    /// Lets a cycle pass.
    async fn cycle(&self) {
        self.clock.advance(SignedDuration::from_mins(15));
        self.until_synced().await;
    }

    fn harbor(&self) -> kanado::domain::id::ProjectId {
        self.measured.projects.iter().find(|project| project.name == "Harbor").unwrap().id
    }

    async fn repository(&self) -> RepositoryId {
        let all = self.measured.services.ctx.store.repositories(self.harbor()).await.unwrap();
        all.into_iter().find(|repository| repository.name == "tide-api").unwrap().id
    }

    async fn flow(&self, number: i32) -> Option<Flow> {
        self.measured.services.ctx.store.flow(self.repository().await, i64::from(number)).await.unwrap()
    }

    async fn open(&self, branch: &str) -> i32 {
        let control = self.measured.control();
        let from = control.world().await.repositories.iter().find(|row| row.name == "tide-api").map(|_| ()).is_some();
        assert!(from);
        control.push_file(REPOSITORY, (branch, Some("main")), "bob", ("/x.txt", b"x\n"), "Add x").await.unwrap();
        control.open(REPOSITORY, (branch, "main"), "Add x", "bob").await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_was_opened_before_a_cycle_and_merged_after_it_is_seen_by_the_next() {
    let scene = Scene::new().await;
    let number = scene.open("late").await;
    assert!(scene.flow(number).await.is_none(), "no hook told");
    scene.cycle().await;
    assert_eq!(scene.flow(number).await.unwrap().status, PullRequestStatus::Active);
    scene.cycle().await;
    scene.measured.control().merge(number, "carol", Merging::default()).await.unwrap();
    scene.cycle().await;
    let flow = scene.flow(number).await.unwrap();
    assert_eq!(flow.status, PullRequestStatus::Completed);
    assert!(flow.has_threads && flow.has_detail && flow.commits == Some(1), "{flow:?}");
    scene.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_opened_and_merged_between_two_cycles_is_seen_by_the_next() {
    let scene = Scene::new().await;
    let number = scene.open("quick").await;
    scene.measured.control().merge(number, "carol", Merging::default()).await.unwrap();
    scene.cycle().await;
    let flow = scene.flow(number).await.unwrap();
    assert_eq!(flow.status, PullRequestStatus::Completed);
    assert!(flow.merge_commit.is_some());
    scene.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_no_hook_told_of_is_found_within_four_cycles() {
    let scene = Scene::new().await;
    let number = scene.open("quiet").await;
    scene.cycle().await;
    assert!(scene.flow(number).await.unwrap().first_review_at.is_none());
    scene.measured.control().comment(number, "carol", "Why so?").await.unwrap();
    let repository = scene.repository().await;
    let store = scene.measured.services.ctx.store.clone();
    let heard = async || {
        let history = store.pull_request_history(repository, i64::from(number)).await.unwrap().unwrap();
        history.happenings.unwrap().iter().any(|happening| matches!(happening.what, What::Comment { .. }))
    };
    assert!(!heard().await);
    for _ in 0..4 {
        scene.cycle().await;
    }
    assert!(heard().await, "an hour is enough");
    scene.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_no_hook_told_of_is_found_by_the_next_cycle() {
    let scene = Scene::new().await;
    let number = scene.open("voted").await;
    scene.cycle().await;
    scene.measured.control().vote(number, "carol", 10).await.unwrap();
    scene.cycle().await;
    let flow = scene.flow(number).await.unwrap();
    assert!(flow.first_review_at.is_some(), "{flow:?}");
    let repository = scene.repository().await;
    let history = scene.measured.services.ctx.store.pull_request_history(repository, i64::from(number)).await.unwrap().unwrap();
    let approved = |what: What| matches!(what, What::Vote { vote: Vote::Approved });
    assert!(history.happenings.unwrap().iter().any(|happening| approved(happening.what)), "a dated vote");
    scene.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_made_long_before_it_was_pushed_is_found_by_the_next_cycle_and_asked_for_once() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let made = control.push_file(REPOSITORY, ("slow", Some("main")), "bob", ("/slow.txt", b"x\n"), "Take time, for #7").await.unwrap();
    let direct = control.push_file(REPOSITORY, ("direct", Some("main")), "bob", ("/direct.txt", b"x\n"), "Wait too").await.unwrap();
    let number = control.open(REPOSITORY, ("slow", "main"), "Take time", "bob").await.unwrap();
    // Hours go by for everybody.
    for _ in 0..2 {
        control.advance(SignedDuration::from_hours(3)).await;
        scene.clock.advance(SignedDuration::from_hours(3) - SignedDuration::from_mins(15));
        scene.cycle().await;
    }
    let store = scene.measured.services.ctx.store.clone();
    let repository = scene.repository().await;
    let known = async |sha: &str| store.commit_of(repository, &ObjectId::new(sha)).await.unwrap().is_some();
    assert!(!known(&made).await && !known(&direct).await, "on no default branch yet");

    control.move_branch(REPOSITORY, "main", "bob", "direct").await.unwrap();
    let merged = control.merge(number, "carol", Merging::default()).await.unwrap();
    control.reset_requests();
    scene.cycle().await;
    assert!(known(&merged).await && known(&direct).await && known(&made).await, "by the pushes that brought them");
    let since = scene.clock.now() - SignedDuration::from_hours(24);
    assert_eq!(store.unread_pushes(repository, "main", since).await.unwrap(), [], "and every push has its author's date");
    let links = &scene.measured.facts().await["work_item_links"];
    assert!(links.iter().any(|link| link.contains(&made) && link.contains(" 7 ")), "{links:#?}");
    assert_eq!(scene.measured.asked("/commits"), 1, "pushes that follow one another together, and no other repository");
    scene.cycle().await;
    assert_eq!(scene.measured.asked("/commits"), 1, "once");
    scene.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_in_which_nothing_happened_changes_nothing() {
    let scene = Scene::new().await;
    let before = scene.measured.facts().await;
    scene.cycle().await;
    scene.cycle().await;
    crate::support::measured::assert_same(&before, &scene.measured.facts().await);
    let collection = scene.measured.services.ctx.store.collection(scene.harbor()).await.unwrap();
    assert!(collection.source(Source::PullRequests).unwrap().synced_at == Some(scene.clock.now()));
    scene.engine.stop().await;
}
