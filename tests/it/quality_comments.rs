//! The comment that kanado keeps on a pull request, in front of the simulator: written once, written anew in place, in nobody's way, left
//! alone when a person gave its thread another status.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kanado::action::quality_comment::{self, APART, Commented, Step, Wanted};
use kanado::action::{Reporter, start_work, sync_pull_requests, tickets};
use kanado::ado::{RepoRef, ThreadStatus};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::fact::Thread;
use kanado::domain::id::TicketKey;
use kanado::domain::project::{Project, Repository};
use kanado::domain::quality::{MARK, PROPERTY, Posting, is_ours};
use kanado::engine::{Engine, EngineOptions};
use kanado::services::Services;
use kanado::sim;
use kanado::sim::control::{Merging, Policies};

use crate::support::inside::Inside;
use crate::support::killed;
use crate::support::measured::collect;
use crate::support::patience::until;

const REPOSITORY: &str = "Harbor/tide-api";
const PATIENCE: Duration = Duration::from_secs(60);

/// Alice with a ticket under way whose pull request Bob opened.
struct Scene {
    world: Inside,
    alice: Services,
    clock: Clock,
    project: Project,
    repository: Repository,
    key: TicketKey,
    number: i32,
}

impl Scene {
    async fn new(config: Config) -> Self {
        Self::within(sim::Content::default(), config).await
    }

    async fn within(organisation: sim::Content, config: Config) -> Self {
        let world = Inside::start(sim::Options { organisation, ..sim::Options::default() }).await;
        let clock = Clock::fixed(Timestamp::now());
        let alice = world.services("alice", config, clock.clone(), &world.file_of("alice")).await;
        let project = world.connect(&alice, "alice", &["tide-api"]).await;
        let spec = "# Answer faster\n\n## Acceptance criteria\n- [x] one\n- [ ] two\n";
        let new = tickets::New { title: "Answer faster".to_owned(), ..tickets::New::default() };
        let key = tickets::new(&alice.ctx, project.id, new).await.unwrap().key;
        let revision = alice.ctx.store.spec(&key).await.unwrap().revision;
        kanado::action::edit_spec::save(&alice.ctx, &key, revision, spec).await.unwrap();
        start_work::run(&alice.ctx, &key, &Default::default(), &Reporter::silent()).await.unwrap();
        let repositories = alice.ctx.store.repositories(project.id).await.unwrap();
        let repository = repositories.into_iter().find(|r| r.name == "tide-api").unwrap();
        let branch = format!("feature/{key}");
        let number = world.sim.control().open(REPOSITORY, (&branch, "main"), "Ready", "bob").await.unwrap();
        let scene = Self { world, alice, clock, project, repository, key, number };
        scene.sync().await;
        scene
    }

    async fn sync(&self) {
        sync_pull_requests::project(&self.alice.ctx, self.project.id, &Reporter::silent()).await.unwrap();
    }

    async fn comment_as(&self, services: &Services, wanted: Wanted) -> Commented {
        let team = quality_comment::team(&services.ctx, self.project.id, services.ctx.clock.now()).await.unwrap();
        quality_comment::run(&services.ctx, &self.key, &team, wanted).await.unwrap()
    }

    async fn comment(&self) -> Commented {
        self.comment_as(&self.alice, Wanted::ByItself).await
    }

    /// All threads of the pull request that kanado keeps.
    async fn ours(&self) -> Vec<Thread> {
        let client = self.alice.ctx.client(&self.project).await.unwrap();
        let repo = RepoRef { project: &self.project.guid, repository: &self.repository.guid };
        client.threads(repo, i64::from(self.number)).await.unwrap().into_iter().filter(is_ours).collect()
    }

    async fn text(&self) -> String {
        let ours = self.ours().await;
        assert_eq!(ours.len(), 1, "{ours:?}");
        ours[0].comments[0].content.clone()
    }

    /// As a person does in the pull request's page.
    async fn set_status(&self, thread: i64, status: ThreadStatus) {
        let client = self.alice.ctx.client(&self.project).await.unwrap();
        let repo = RepoRef { project: &self.project.guid, repository: &self.repository.guid };
        client.set_thread_status(repo, i64::from(self.number), thread, status).await.unwrap();
    }

    async fn tick_a_criterion(&self) {
        let spec = self.alice.ctx.store.spec(&self.key).await.unwrap();
        let text = spec.text.replacen("- [ ]", "- [x]", 1);
        assert_ne!(text, spec.text);
        kanado::action::edit_spec::save(&self.alice.ctx, &self.key, spec.revision, &text).await.unwrap();
    }

    fn asked(&self) -> u64 {
        self.world.sim.control().requests().by_route.iter().map(|(_, n)| n).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_made_once_and_says_how_far_the_ticket_is() {
    let scene = Scene::new(Config::default()).await;
    let done = scene.comment().await;
    assert_eq!(done.step, Step::Create);
    let text = scene.text().await;
    assert_eq!(text, done.text, "what was sent is kept as it was, the mark included");
    assert!(text.starts_with(MARK));
    for words in ["1 of 2 ticked", "on the branch, in step", "| Blocked by |"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let ours = scene.ours().await;
    assert_eq!(ours[0].properties.get(PROPERTY.0).map(String::as_str), Some(PROPERTY.1));

    // Nobody is asked as long as nothing changed, however long that is.
    let asked = scene.asked();
    scene.clock.advance(SignedDuration::from_hours(5));
    assert_eq!(scene.comment().await.step, Step::Unchanged);
    assert_eq!(scene.asked(), asked);

    // It is nobody's review, and no discussion to be resolved on the board.
    sync_pull_requests::details(&scene.alice.ctx, scene.project.id, vec![(scene.repository.id, i64::from(scene.number))]).await.unwrap();
    let known = scene.alice.ctx.store.pull_request(scene.repository.id, i64::from(scene.number)).await.unwrap().unwrap();
    assert_eq!(known.threads.map(|threads| threads.unresolved), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_is_told_against_the_teams_and_files_are_counted_once_for_each_push() {
    let scene = Scene::within(sim::Content::Busy, Config::default()).await;
    let control = scene.world.sim.control();
    let read = async || assert!(collect(&scene.alice, std::slice::from_ref(&scene.project)).await.is_complete());
    let comparisons = || control.requests().of("GET git/repositories/{repository}/diffs/commits");
    let size = async || {
        let text = scene.text().await;
        text.lines().find_map(|line| line.strip_prefix("| Size | ").map(str::to_owned)).unwrap_or(text)
    };
    read().await;
    assert_eq!(scene.comment().await.step, Step::Create);
    let words = size().await;
    assert!(words.starts_with("1 file, 1 commit; the team's median is ") && words.contains(" files, "), "{words}");
    assert_eq!(comparisons(), 1);

    scene.tick_a_criterion().await;
    scene.clock.advance(APART);
    assert!(matches!(scene.comment().await.step, Step::Update { .. }));
    assert_eq!(comparisons(), 1, "nothing was pushed");

    let branch = format!("feature/{}", scene.key);
    control.push_file(REPOSITORY, (&branch, None), "bob", ("/src/answer.rs", b"fn answer() {}\n"), "Answer").await.unwrap();
    scene.clock.advance(APART);
    scene.sync().await;
    read().await;
    assert!(matches!(scene.comment().await.step, Step::Update { .. }));
    let words = size().await;
    assert!(words.starts_with("2 files, 2 commits;"), "a folder is no file: {words}");
    assert_eq!(comparisons(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_written_in_place_and_not_more_often_than_every_ten_minutes() {
    let scene = Scene::new(Config::default()).await;
    scene.comment().await;
    let thread = scene.ours().await[0].id;
    scene.tick_a_criterion().await;
    scene.clock.advance(SignedDuration::from_mins(9));
    let asked = scene.asked();
    assert!(matches!(scene.comment().await.step, Step::TooSoon { .. }));
    assert_eq!(scene.asked(), asked, "nobody is asked before it is time");
    scene.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(scene.comment().await.step, Step::Update { thread, comment: 1 });
    assert!(scene.text().await.contains("all 2 ticked"));
    assert_eq!(scene.ours().await[0].comments.len(), 1, "no reply, so nobody is notified of one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_keeps_no_pull_request_open_where_all_comments_must_be_resolved() {
    let scene = Scene::new(Config::default()).await;
    let control = scene.world.sim.control();
    control.unprotect(REPOSITORY, "main").await.unwrap();
    control.want_resolved(REPOSITORY, "main").await.unwrap();
    assert_eq!(scene.comment().await.step, Step::Create);
    assert_eq!(scene.ours().await[0].status.as_deref(), Some("closed"));

    // The policy does count: a person's question holds it up, and so would an active thread of ours.
    let enforced = || Merging { policies: Policies::Enforced, ..Merging::default() };
    let question = control.comment(scene.number, "carol", "why?").await.unwrap();
    assert!(control.merge(scene.number, "bob", enforced()).await.is_err(), "a question is open");
    control.resolve(scene.number, "carol", question).await.unwrap();
    let thread = scene.ours().await[0].id;
    scene.set_status(thread, ThreadStatus::Active).await;
    assert!(control.merge(scene.number, "bob", enforced()).await.is_err(), "a person wants it answered");
    scene.set_status(thread, ThreadStatus::Closed).await;

    // Written anew, it is as closed as before.
    scene.tick_a_criterion().await;
    scene.clock.advance(SignedDuration::from_mins(20));
    assert_eq!(scene.comment().await.step, Step::Update { thread, comment: 1 });
    assert_eq!(scene.ours().await[0].status.as_deref(), Some("closed"));
    control.merge(scene.number, "bob", enforced()).await.expect("nothing is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_whose_thread_a_person_gave_another_status_is_left_alone() {
    for status in [ThreadStatus::Fixed, ThreadStatus::WontFix, ThreadStatus::Active, ThreadStatus::Pending] {
        let scene = Scene::new(Config::default()).await;
        scene.comment().await;
        let thread = scene.ours().await[0].id;
        scene.set_status(thread, status).await;
        scene.tick_a_criterion().await;
        scene.clock.advance(SignedDuration::from_mins(20));
        assert_eq!(scene.comment().await.step, Step::Left, "{status:?}");
        assert!(scene.text().await.contains("1 of 2 ticked"), "its text stays");
        // For good: not even asked again, by hand neither.
        let asked = scene.asked();
        assert_eq!(scene.comment_as(&scene.alice, Wanted::ByHand).await.step, Step::Left);
        assert_eq!(scene.asked(), asked);
        // Closed again by a person it stays theirs.
        scene.set_status(thread, ThreadStatus::Closed).await;
        assert_eq!(scene.comment().await.step, Step::Left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_forgot_finds_its_comment_again_and_another_persons_is_not_doubled() {
    let scene = Scene::new(Config::default()).await;
    scene.comment().await;
    let thread = scene.ours().await[0].id;
    // Alice on another machine, with a store of its own; and Bob, whose account did not write it.
    for (name, folder, step) in [("alice", "elsewhere", Step::Update { thread, comment: 1 }), ("bob", "bob", Step::SomebodyElses)] {
        let services = scene.world.services(folder, Config::default(), scene.clock.clone(), &scene.world.file_of(folder)).await;
        let project = scene.world.connect(&services, name, &["tide-api"]).await;
        let spec_text = scene.alice.ctx.store.spec(&scene.key).await.unwrap().text;
        let new = tickets::New { title: "Answer faster".to_owned(), ..tickets::New::default() };
        let key = tickets::new(&services.ctx, project.id, new).await.unwrap().key;
        assert_eq!(key, scene.key, "the first of each store");
        let revision = services.ctx.store.spec(&key).await.unwrap().revision;
        kanado::action::edit_spec::save(&services.ctx, &key, revision, &spec_text).await.unwrap();
        let reuse = start_work::Options { branch: None, existing: start_work::ExistingBranch::Reuse };
        start_work::run(&services.ctx, &key, &reuse, &Reporter::silent()).await.unwrap();
        sync_pull_requests::project(&services.ctx, project.id, &Reporter::silent()).await.unwrap();
        let team = quality_comment::team(&services.ctx, project.id, scene.clock.now()).await.unwrap();
        let done = quality_comment::run(&services.ctx, &key, &team, Wanted::ByHand).await.unwrap();
        assert_eq!(done.step, step, "{name} on {folder}");
        assert_eq!(scene.ours().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_race_make_one_comment() {
    let scene = Scene::new(Config::default()).await;
    let mut racers = Vec::new();
    for _ in 0..4 {
        racers.push(scene.world.services("alice", Config::default(), scene.clock.clone(), &scene.world.file_of("alice")).await);
    }
    let races = racers.iter().map(|services| scene.comment_as(services, Wanted::ByItself));
    let steps: Vec<Step> = futures_util::future::join_all(races).await.into_iter().map(|done| done.step).collect();
    assert_eq!(steps.iter().filter(|step| **step == Step::Create).count(), 1, "{steps:?}");
    assert!(steps.iter().all(|step| matches!(step, Step::Create | Step::Busy | Step::Unchanged)), "{steps:?}");
    assert_eq!(scene.ours().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_the_text_and_changes_nothing() {
    let scene = Scene::new(Config::default()).await;
    let team = quality_comment::team(&scene.alice.ctx, scene.project.id, scene.clock.now()).await.unwrap();
    let plan = quality_comment::plan(&scene.alice.ctx, &scene.key, &team, Wanted::ByHand).await.unwrap();
    assert_eq!(plan.step, Step::Create);
    assert!(plan.text.contains("1 of 2 ticked"));
    assert!(scene.ours().await.is_empty());
    assert_eq!(scene.alice.ctx.store.quality_comment(scene.repository.id, i64::from(scene.number)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_off_unless_the_configuration_or_the_project_says_otherwise() {
    let scene = Scene::new(Config::default()).await;
    let policy = |config: Config| {
        let mut ctx = scene.alice.ctx.clone();
        ctx.config = std::sync::Arc::new(config);
        let project = scene.project.clone();
        async move { quality_comment::policy(&ctx, &project).await.unwrap() }
    };
    let with = |post: bool, except: &[&str]| {
        let mut config = Config::default();
        config.comments.post = post;
        config.comments.except = except.iter().map(|name| (*name).to_owned()).collect();
        config
    };
    assert_eq!(policy(Config::default()).await.posting(), Posting::Off);
    assert_eq!(policy(with(true, &[])).await.posting(), Posting::On);
    assert_eq!(policy(with(true, &["harbor"])).await.posting(), Posting::Off);
    assert_eq!(policy(with(false, &["KAN"])).await.posting(), Posting::On);
    for posting in [Posting::On, Posting::Off] {
        quality_comment::set_policy(&scene.alice.ctx, scene.project.id, Some(posting)).await.unwrap();
        for config in [with(true, &[]), with(false, &[])] {
            let policy = policy(config).await;
            assert_eq!((policy.posting(), policy.own), (posting, Some(posting)));
        }
    }
    quality_comment::set_policy(&scene.alice.ctx, scene.project.id, None).await.unwrap();
    assert_eq!(policy(Config::default()).await.own, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_was_switched_off_is_left_alone_by_a_process_whose_configuration_says_otherwise() {
    let scene = Scene::new(Config::default()).await;
    quality_comment::set_policy(&scene.alice.ctx, scene.project.id, Some(Posting::Off)).await.unwrap();
    let mut config = Config::default();
    config.comments.post = true;
    let eager = scene.world.services("alice", config, scene.clock.clone(), &scene.world.file_of("alice")).await;
    let engine = Engine::start(&eager, EngineOptions::of(&eager.ctx.config));
    // The same process comments as soon as the word is taken back: it was looking all the time.
    assert!(scene.ours().await.is_empty());
    quality_comment::set_policy(&scene.alice.ctx, scene.project.id, None).await.unwrap();
    scene.clock.advance(SignedDuration::from_mins(20));
    let waiting = async {
        while scene.alice.ctx.store.quality_comment(scene.repository.id, i64::from(scene.number)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "no comment came");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_comments_by_itself_where_that_is_wished() {
    let scene = Scene::new(Config::default()).await;
    quality_comment::set_policy(&scene.alice.ctx, scene.project.id, Some(Posting::On)).await.unwrap();
    let engine = Engine::start(&scene.alice, EngineOptions::of(&scene.alice.ctx.config));
    let waiting = async {
        while scene.alice.ctx.store.quality_comment(scene.repository.id, i64::from(scene.number)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "no comment came");
    engine.stop().await;
    assert!(scene.text().await.contains("1 of 2 ticked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_that_was_killed_left_behind_keeps_nobody_from_commenting() {
    let scene = Scene::new(Config::default()).await;
    let (ctx, now) = (&scene.alice.ctx, scene.clock.now());
    quality_comment::set_policy(ctx, scene.project.id, Some(Posting::On)).await.unwrap();
    let killed = killed::name();
    // The clock stands still: no lease runs out.
    for lease in [format!("comments:{}", scene.project.id), format!("comment:{}:{}", scene.repository.id, scene.number)] {
        assert!(ctx.store.hold_lease(&lease, &killed, None, now + SignedDuration::from_mins(5), now).await.unwrap());
    }
    let engine = Engine::start(&scene.alice, EngineOptions::of(&ctx.config));
    until("it is commented", async || ctx.store.quality_comment(scene.repository.id, i64::from(scene.number)).await.unwrap().is_some())
        .await;
    engine.stop().await;
    assert_eq!(scene.ours().await.len(), 1);
}
