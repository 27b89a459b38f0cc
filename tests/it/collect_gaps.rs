//! What could not be read for a while, or is read under another name since: nothing of it is lost, and it holds up nothing else.

use jiff::{SignedDuration, Timestamp};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::collection::Source;
use kanado::domain::id::{ProjectId, RepositoryId};
use kanado::domain::pull_request::PullRequestStatus;
use kanado::sim;
use kanado::sim::control::Merging;
use kanado::sim::world::Permission;
use kanado::store::BuildFilter;

use crate::support::measured::Measured;

const REPOSITORY: &str = "Harbor/tide-api";

struct Scene {
    measured: Measured,
    clock: Clock,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::fixed(Timestamp::now());
        let measured = Measured::with(sim::Options::default(), clock.clone(), Config::default(), "everything").await;
        let scene = Self { measured, clock };
        assert!(scene.measured.collect().await.is_complete());
        scene
    }

    /// A pass after so long; whether everything was read.
    async fn pass(&self, after: SignedDuration) -> bool {
        self.clock.advance(after);
        self.measured.control().advance(after).await;
        self.measured.collect().await.is_complete()
    }

    fn harbor(&self) -> ProjectId {
        self.measured.projects.iter().find(|project| project.name == "Harbor").unwrap().id
    }

    async fn repository(&self, name: &str) -> RepositoryId {
        let all = self.measured.services.ctx.store.repositories(self.harbor()).await.unwrap();
        all.into_iter().find(|repository| repository.name == name).unwrap().id
    }

    async fn open(&self, branch: &str) -> i32 {
        let control = self.measured.control();
        let path = format!("/{branch}.txt");
        control.push_file(REPOSITORY, (branch, Some("main")), "bob", (&path, b"x\n"), "Add x").await.unwrap();
        control.open(REPOSITORY, (branch, "main"), "Add x", "bob").await.unwrap()
    }

    async fn status(&self, number: i32) -> Option<PullRequestStatus> {
        let repository = self.repository("tide-api").await;
        let flow = self.measured.services.ctx.store.flow(repository, i64::from(number)).await.unwrap();
        flow.map(|flow| flow.status)
    }
}

const QUARTER: SignedDuration = SignedDuration::from_mins(15);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_in_a_repository_while_it_was_hidden_is_there_soon_after_it_can_be_seen_again() {
    let scene = Scene::new().await;
    let (known, control) = (scene.open("known").await, scene.measured.control());
    assert!(scene.pass(QUARTER).await);
    assert_eq!(scene.status(known).await, Some(PullRequestStatus::Active));

    control.deny(REPOSITORY, "alice", Permission::GenericRead).await.unwrap();
    let unknown = scene.open("unknown").await;
    control.merge(known, "carol", Merging::default()).await.unwrap();
    control.merge(unknown, "carol", Merging::default()).await.unwrap();
    for _ in 0..3 {
        assert!(scene.pass(QUARTER).await, "the rest goes on without it");
    }
    assert_eq!(scene.status(known).await, Some(PullRequestStatus::Active), "as it was last seen");
    assert_eq!(scene.status(unknown).await, None);

    control.permit(REPOSITORY, "alice", Permission::GenericRead).await.unwrap();
    for _ in 0..2 {
        assert!(scene.pass(QUARTER).await);
    }
    assert_eq!(scene.status(known).await, Some(PullRequestStatus::Completed));
    assert_eq!(scene.status(unknown).await, Some(PullRequestStatus::Completed), "closed before the last list, and listed all the same");
    let repository = scene.repository("tide-api").await;
    let store = &scene.measured.services.ctx.store;
    for number in [known, unknown] {
        let flow = store.flow(repository, i64::from(number)).await.unwrap().unwrap();
        assert!(flow.has_threads && flow.has_detail, "{flow:?}");
    }
    let settled = scene.measured.facts().await;
    control.reset_requests();
    assert!(scene.pass(QUARTER).await);
    crate::support::measured::assert_same(&settled, &scene.measured.facts().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_every_time_in_one_repository_keeps_no_other_from_being_read() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let broken = scene.measured.services.ctx.store.repository(scene.repository("harbor-web").await).await.unwrap().unwrap();
    control.add_fault(format!("500:times=always:path={}/pushes", broken.guid.as_str()).parse().unwrap());
    let store = scene.measured.services.ctx.store.clone();
    let collection = async || store.collection(scene.harbor()).await.unwrap();
    for turn in 0..3 {
        let branch = format!("turn-{turn}");
        let number = scene.open(&branch).await;
        let merged = control.merge(number, "carol", Merging::default()).await.unwrap();
        assert!(!scene.pass(QUARTER).await, "one repository fails");
        let pushes = collection().await;
        let words = pushes.source(Source::Pushes).unwrap().failed.clone();
        assert!(words.is_some_and(|words| words.contains("pushes")));
        let place = scene.repository("tide-api").await;
        let unread = store.unread_pushes(place, "main", scene.clock.now() - SignedDuration::from_hours(24)).await.unwrap();
        assert_eq!(unread, []);
        let known = store.commit_of(place, &kanado::domain::id::ObjectId::new(&merged)).await.unwrap();
        assert!(known.is_some(), "turn {turn}: the push of another repository was read, and its commit");
    }
    control.clear_faults();
    assert!(scene.pass(QUARTER).await);
    assert!(collection().await.sources.iter().all(|source| source.failed.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_branch_that_changed_is_noticed_within_a_day_and_its_pushes_are_read_from_the_beginning() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    let first = control.push_file(REPOSITORY, ("next", Some("main")), "bob", ("/1.txt", b"1\n"), "First on next").await.unwrap();
    let second = control.push_file(REPOSITORY, ("next", None), "bob", ("/2.txt", b"2\n"), "Second on next").await.unwrap();
    for _ in 0..2 {
        assert!(scene.pass(SignedDuration::from_hours(1)).await);
    }
    let (place, store) = (scene.repository("tide-api").await, scene.measured.services.ctx.store.clone());
    let guid = store.repository(place).await.unwrap().unwrap().guid;
    let token = scene.measured.world.sim.token_of("alice").unwrap().to_owned();
    let url = format!("{}/Harbor/_apis/git/repositories/{}?api-version=7.1", scene.measured.world.sim.organisation_url(), guid.as_str());
    let changed = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .patch(url)
        .basic_auth("", Some(token))
        .header("content-type", "application/json")
        .body(r#"{"defaultBranch": "refs/heads/next"}"#)
        .send()
        .await
        .unwrap();
    assert!(changed.status().is_success(), "{changed:?}");

    for _ in 0..2 {
        assert!(scene.pass(SignedDuration::from_hours(13)).await);
    }
    let repository = store.repository(place).await.unwrap().unwrap();
    assert_eq!(repository.default_branch.as_deref(), Some("next"), "nobody compared the project");
    let tips = scene.measured.number("SELECT count(*) FROM pushes WHERE branch = 'next'").await;
    assert_eq!(tips, 2, "made long before the last pass over the branch that was default");
    for sha in [first, second] {
        assert!(store.commit_of(place, &kanado::domain::id::ObjectId::new(&sha)).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_was_cut_off_a_week_ago_ends_with_what_happened_since() {
    let scene = Scene::new().await;
    let control = scene.measured.control();
    // The second page of nothing fails for ever: pushes of one repository keep the pass of their source open.
    let broken = scene.measured.services.ctx.store.repository(scene.repository("harbor-web").await).await.unwrap().unwrap();
    control.add_fault(format!("500:times=always:path={}/pushes", broken.guid.as_str()).parse().unwrap());
    assert!(!scene.pass(QUARTER).await);
    control.clear_faults();
    let number = scene.open("later").await;
    control.merge(number, "carol", Merging::default()).await.unwrap();
    assert!(scene.pass(SignedDuration::from_hours(24 * 7)).await, "one pass is enough");
    assert_eq!(scene.status(number).await, Some(PullRequestStatus::Completed));
    let collection = scene.measured.services.ctx.store.collection(scene.harbor()).await.unwrap();
    assert_eq!(collection.source(Source::Pushes).unwrap().synced_at, Some(scene.clock.now()));
    let builds = scene.measured.services.ctx.store.builds(scene.harbor(), &BuildFilter::default(), 10).await.unwrap();
    assert!(builds.iter().all(|build| build.repository.is_some()));
}
