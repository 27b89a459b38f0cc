//! Collecting where not everything may be read, where the service is slow or down, and where a project comes and goes.

use kanado::action::deselect::{self, Collected};
use kanado::action::{Reporter, connect};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::collection::{Source, SourceState};
use kanado::domain::id::ProjectId;
use kanado::sim;
use kanado::sim::world::Service;

use crate::support::measured::{Measured, assert_same};

async fn harbor() -> Measured {
    Measured::of(sim::Options::default()).await
}

impl Measured {
    fn project(&self, name: &str) -> ProjectId {
        self.projects.iter().find(|project| project.name == name).unwrap_or_else(|| panic!("no project {name}")).id
    }

    async fn state(&self, project: ProjectId, source: Source) -> SourceState {
        self.services.ctx.store.collection(project).await.unwrap().source(source).unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_may_not_be_seen_in_one_project_stop_nothing_else_and_are_read_once_they_may() {
    let measured = harbor().await;
    let control = measured.control();
    control.hide_builds("Harbor", "alice").await.unwrap();
    let ended = measured.collect().await;
    assert!(ended.is_complete(), "a refusal is no failure: {:#?}", ended.progress);
    let harbor = measured.project("Harbor");
    let refused = measured.state(harbor, Source::Builds).await.refused.unwrap();
    assert!(refused.contains("Harbor") && refused.contains("View builds"), "{refused}");
    for source in [Source::PullRequests, Source::Threads, Source::Details, Source::Commits, Source::WorkItems] {
        let state = measured.state(harbor, source).await;
        assert!(state.refused.is_none() && state.backfilled_at.is_some(), "{state:?}");
    }
    for other in measured.projects.iter().filter(|project| project.id != harbor) {
        let state = measured.state(other.id, Source::Builds).await;
        assert!(state.refused.is_none() && state.backfilled_at.is_some(), "{}: {state:?}", other.name);
    }
    control.show_builds("Harbor", "alice").await.unwrap();
    measured.collect().await;
    let state = measured.state(harbor, Source::Builds).await;
    assert!(state.refused.is_none() && state.backfilled_at.is_some(), "{state:?}");
    assert!(measured.number("SELECT count(*) FROM builds").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_without_boards_pipelines_and_releases_has_pull_requests_all_the_same() {
    let measured = harbor().await;
    for service in [Service::Boards, Service::Pipelines, Service::ClassicReleases] {
        measured.control().switch_off(service).await;
    }
    let ended = measured.collect().await;
    assert!(ended.is_complete(), "{:#?}", ended.progress.troubles().collect::<Vec<_>>());
    let harbor = measured.project("Harbor");
    for source in [Source::PullRequests, Source::Threads, Source::Details, Source::Pushes, Source::Commits] {
        assert!(measured.state(harbor, source).await.backfilled_at.is_some(), "{source:?}");
    }
    assert!(measured.number("SELECT count(*) FROM flows").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_of_the_service_ends_with_the_same_facts() {
    let good = harbor().await;
    good.collect().await;
    let bad = harbor().await;
    for fault in [
        "429:every=7:times=12:retry-after=1",
        "200-retry-after:every=9:times=5:retry-after=1",
        "cut:every=5:times=10",
        "503:every=11:times=6",
    ] {
        bad.control().add_fault(fault.parse().unwrap());
    }
    let ended = bad.collect().await;
    assert!(ended.requests > ended.progress.here as u64, "some were asked again: {} of {}", ended.requests, ended.progress.here);
    bad.control().clear_faults();
    assert!(bad.collect().await.is_complete());
    // The two worlds were made at different moments: what is counted is how much is there.
    let (good, bad) = (good.facts().await, bad.facts().await);
    let sizes = |facts: &std::collections::BTreeMap<&'static str, Vec<String>>| {
        facts.iter().map(|(table, rows)| (*table, rows.len())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&good), sizes(&bad));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_and_the_rest_is_there_and_the_next_pass_heals_it() {
    let measured = harbor().await;
    let fault = measured.control().add_fault("500:times=always:path=build/builds".parse().unwrap());
    let ended = measured.collect().await;
    assert!(!ended.is_complete());
    let harbor = measured.project("Harbor");
    let state = measured.state(harbor, Source::Builds).await;
    assert!(state.failed.as_deref().is_some_and(|words| words.contains("pipeline runs")) && state.backfilled_at.is_none(), "{state:?}");
    assert!(measured.state(harbor, Source::Details).await.backfilled_at.is_some());
    measured.control().remove_fault(fault);
    assert!(measured.collect().await.is_complete());
    assert!(measured.state(harbor, Source::Builds).await.failed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_in_between_stops_everything_in_words_and_loses_nothing() {
    let measured = harbor().await;
    measured.collect().await;
    let before = measured.number("SELECT count(*) FROM flows").await;
    let token = measured.world.sim.tokens().iter().find(|token| token.note == "everything").unwrap().token.clone();
    measured.control().revoke_token(&token).await.unwrap();
    let ended = measured.collect().await;
    assert!(ended.is_token_refused && !ended.is_complete());
    let state = measured.state(measured.project("Harbor"), Source::PullRequests).await;
    assert!(state.failed.is_some() && state.backfilled_at.is_some(), "{state:?}");
    assert_eq!(measured.number("SELECT count(*) FROM flows").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_comes_back_goes_on_where_it_was_and_one_that_is_purged_begins_anew() {
    let measured = harbor().await;
    measured.collect().await;
    let ctx = &measured.services.ctx;
    let project = measured.projects.iter().find(|project| project.name == "Harbor").unwrap().clone();
    let facts = measured.facts().await;
    deselect::run(ctx, &project, Collected::Keep, &Reporter::silent()).await.unwrap();
    assert!(!ctx.store.collection(project.id).await.unwrap().sources.is_empty(), "what was collected stays");

    let organisation = ctx.organisation(project.organisation).await.unwrap();
    let fact = ctx.client(&project).await.unwrap().project(project.guid.as_str()).await.unwrap();
    connect::add_project(ctx, &organisation, &fact, None).await.unwrap();
    connect::measure(ctx, &project).await.unwrap();
    measured.control().reset_requests();
    measured.collect().await;
    let threads = measured.asked("/threads");
    let active = measured.number("SELECT count(*) FROM flows WHERE status = 'active' AND threads_at IS NOT NULL").await as u64;
    assert!(threads <= active.div_ceil(4) + measured.projects.len() as u64, "{threads} of {active}");
    assert_same(&facts, &measured.facts().await);

    assert!(deselect::run(ctx, &project, Collected::Purge, &Reporter::silent()).await.unwrap().purged.is_some_and(|rows| rows > 0));
    assert!(ctx.store.collection(project.id).await.unwrap().sources.is_empty());
    connect::add_project(ctx, &organisation, &fact, None).await.unwrap();
    connect::measure(ctx, &project).await.unwrap();
    measured.collect().await;
    assert_same(&facts, &measured.facts().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_further_back_reads_what_is_older_and_keeps_the_rest() {
    let measured = Measured::with(sim::Options::default(), Clock::System, one_day(), "everything").await;
    measured.collect().await;
    let few = measured.number("SELECT count(*) FROM flows WHERE status <> 'active'").await;
    let now = measured.services.ctx.clock.now();
    for project in &measured.projects {
        measured.services.ctx.store.measure_from(project.id, now - jiff::SignedDuration::from_hours(24 * 90)).await.unwrap();
    }
    assert!(measured.collect().await.is_complete());
    let many = measured.number("SELECT count(*) FROM flows WHERE status <> 'active'").await;
    assert!(many > few, "{few}, then {many}");
}

/// A configuration that goes back one day only.
fn one_day() -> Config {
    let mut config = Config::default();
    config.metrics.days = 1;
    config
}
