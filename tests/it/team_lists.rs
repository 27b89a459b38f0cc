//! A team on one PostgreSQL whose configurations name different bots: figures are made with one list, and who has another is told.

use jiff::Timestamp;
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::project::Project;
use kanado::engine;
use kanado::metrics::input::{Flow, Segment};
use kanado::services::Services;
use kanado::sim;
use kanado::store::Location;
use kanado::sync::collect::{Progress, Whose, agreed};
use tokio::sync::watch;

use crate::support::inside::Inside;
use crate::support::postgres;

async fn collect(services: &Services, project: &Project, lists: Whose) {
    let mut settings = engine::collect_settings(&services.ctx.config);
    settings.lists = lists;
    let (progress, _) = watch::channel(Progress::default());
    let ended = engine::collect_now(&services.ctx, std::slice::from_ref(project), &settings, &progress).await.unwrap();
    assert!(ended.is_complete(), "{:#?}", ended.progress);
}

async fn flows(services: &Services, project: &Project) -> Vec<Flow> {
    services.ctx.store.flow_rows(project.id, Timestamp::UNIX_EPOCH).await.unwrap()
}

fn bots(flows: &[Flow]) -> usize {
    flows.iter().filter(|flow| flow.segment == Segment::Bot).count()
}

async fn differences(services: &Services) -> Vec<String> {
    agreed::differences(&services.ctx.store, &services.ctx.config.metrics.rules).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_with_different_bots_make_each_others_flows_again_only_when_a_person_asks() {
    let Some(server) = postgres::server() else {
        eprintln!("not run: there is no PostgreSQL here");
        return;
    };
    let database = server.database();
    let location = Location::Url(database.url().to_owned());
    let world = Inside::start(sim::Options::default()).await;
    let alice = world.services("alice", Config::default(), Clock::System, &location).await;
    let project = world.connect(&alice, "alice", &["tide-api"]).await;
    let mut config = Config::default();
    config.metrics.rules.bots.push("*alice*".to_owned());
    let bob = world.services("bob", config, Clock::System, &location).await;
    world.connect(&bob, "bob", &["tide-api"]).await;

    collect(&alice, &project, Whose::Team).await;
    let first = flows(&alice, &project).await;
    assert!(!first.is_empty() && differences(&alice).await.is_empty());

    // By itself, Bob's board goes on with the list that is there; what a hook tells it is kept so, too.
    assert_eq!(differences(&bob).await, ["bots without *alice*"]);
    collect(&bob, &project, Whose::Team).await;
    assert_eq!(bots(&flows(&bob, &project).await), bots(&first));
    agreed::adopt(&bob.ctx.store, &bob.ctx.config.metrics.rules).await.unwrap();
    assert_eq!(bob.ctx.store.refresh_flows(&alice.ctx.config.metrics.rules).await.unwrap(), 0, "all are made with it already");

    // Asked by a person it brings its own, and then Alice's keeps to that.
    collect(&bob, &project, Whose::Own).await;
    let second = bots(&flows(&bob, &project).await);
    assert!(second > bots(&first), "{second}");
    assert!(differences(&bob).await.is_empty());
    assert_eq!(differences(&alice).await, ["bots with *alice*"]);
    collect(&alice, &project, Whose::Team).await;
    assert_eq!(bots(&flows(&alice, &project).await), second);
}
