//! How far the collection is, and how it is announced.

use super::*;
use crate::domain::collection::Source;
use crate::metrics::query::ZoneOf;
use crate::store::{PageDone, PassEnd};

pub fn page(source: Source, cursor: &str, done: i64) -> PageDone {
    PageDone { source, cursor: Some(cursor.to_owned()), done, total: Some(10) }
}

async fn a_project_is_measured_from_the_moment_somebody_says_so() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    assert!(store.collection(project).await.unwrap().sources.is_empty());
    assert!(store.measured_projects().await.unwrap().is_empty());
    let refused = store.put_builds(project, &[], page(Source::Builds, "x", 1)).await.unwrap_err();
    assert!(refused.to_string().contains("is not measured"), "{refused}");

    store.measure_project(project, at(-100)).await.unwrap();
    let collection = store.collection(project).await.unwrap();
    assert_eq!(collection.sources.iter().map(|state| state.source).collect::<Vec<_>>(), Source::ALL);
    assert_eq!((collection.from, collection.percent()), (Some(at(-100)), 0));
    assert_eq!(store.measured_projects().await.unwrap(), [(project, "Lumen".to_owned())]);

    // Whoever says it again changes nothing.
    store.put_page(project, page(Source::Builds, "b1", 3)).await.unwrap();
    store.measure_project(project, at(-50)).await.unwrap();
    assert_eq!(store.collection(project).await.unwrap().from, Some(at(-100)));
    assert_eq!(store.source_cursor(project, Source::Builds).await.unwrap().as_deref(), Some("b1"));
    assert_eq!(store.source_cursor(project, Source::Commits).await.unwrap(), None);
}

async fn a_pass_ends_complete_failed_or_refused_and_keeps_what_was_known() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    store.measure_project(project, at(-100)).await.unwrap();
    let state = async |source| store.collection(project).await.unwrap().source(source).cloned().unwrap();

    store.put_page(project, page(Source::Builds, "b1", 3)).await.unwrap();
    store.end_pass(project, Source::Builds, PassEnd::Failed { words: "timed out".to_owned(), at: at(1) }).await.unwrap();
    let builds = state(Source::Builds).await;
    assert_eq!((builds.failed.as_deref(), builds.attempted_at, builds.backfilled_at), (Some("timed out"), Some(at(1)), None));
    assert_eq!((builds.done, builds.total), (3, Some(10)));
    assert_eq!(store.source_cursor(project, Source::Builds).await.unwrap().as_deref(), Some("b1"), "to go on from");

    for minute in [2, 20] {
        store.end_pass(project, Source::Builds, PassEnd::Complete { synced_at: at(minute) }).await.unwrap();
        let builds = state(Source::Builds).await;
        assert_eq!((builds.failed, builds.synced_at, builds.backfilled_at), (None, Some(at(minute)), Some(at(2))));
    }
    store.end_pass(project, Source::Releases, PassEnd::Refused { words: "needs Release (read)".to_owned(), at: at(3) }).await.unwrap();
    assert_eq!(state(Source::Releases).await.refused.as_deref(), Some("needs Release (read)"));
    store.end_pass(project, Source::Releases, PassEnd::Complete { synced_at: at(4) }).await.unwrap();
    assert_eq!(state(Source::Releases).await.refused, None);

    // Further back: what covers less begins anew, and keeps when it was last in step.
    store.measure_from(project, at(-500)).await.unwrap();
    let builds = state(Source::Builds).await;
    assert_eq!((builds.from, builds.backfilled_at, builds.synced_at, builds.done), (Some(at(-500)), None, Some(at(20)), 0));
    assert_eq!(store.source_cursor(project, Source::Builds).await.unwrap(), None);
}

/// The next announcement of facts; that somebody wrote elsewhere may be said at any time.
async fn facts_heard(changes: &mut broadcast::Receiver<Change>) -> ProjectId {
    let next = async {
        loop {
            if let Change::Facts(project) = changes.recv().await.unwrap() {
                return project;
            }
        }
    };
    tokio::time::timeout(SOON, next).await.expect("an announcement of facts")
}

async fn facts_are_announced_seldom_and_the_last_ones_always() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    store.measure_project(project, at(-100)).await.unwrap();
    let mut changes = store.subscribe();
    let began = std::time::Instant::now();
    for number in 0..40 {
        store.put_page(project, page(Source::Builds, &number.to_string(), number)).await.unwrap();
    }
    // The last page was committed after the last word, or right before it: there is one that comes after the page.
    assert_eq!(facts_heard(&mut changes).await, project);
    let mut heard_of = 1;
    let most = began.elapsed().as_millis() / 500 + 2;
    while let Ok(change) = changes.try_recv() {
        heard_of += u128::from(change == Change::Facts(project));
    }
    assert!(heard_of <= most, "{heard_of} announcements of 40 pages");

    store.put_page(project, page(Source::Builds, "a", 41)).await.unwrap();
    while changes.try_recv().is_ok() {}
    store.end_pass(project, Source::Builds, PassEnd::Complete { synced_at: at(1) }).await.unwrap();
    let told = std::iter::from_fn(|| changes.try_recv().ok()).any(|change| change == Change::Facts(project));
    assert!(told, "the end of a pass is told at once");
}

async fn what_was_held_back_is_announced_although_nobody_commits_any_more() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    store.measure_project(project, at(-100)).await.unwrap();
    let mut changes = store.subscribe();
    // Measuring spoke a moment ago: both pages are in one word.
    store.put_page(project, page(Source::Builds, "1", 1)).await.unwrap();
    store.put_page(project, page(Source::Builds, "2", 2)).await.unwrap();
    assert_eq!(facts_heard(&mut changes).await, project);
    assert!(store.inner.pace.unsaid().is_empty(), "nothing is left to say");
}

async fn settings_of_a_project_stand_beside_the_configuration() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    store.set_project_setting(project, "comments", Some("on")).await.unwrap();
    store.set_project_setting(project, "comments", Some("off")).await.unwrap();
    assert_eq!(store.project_setting(project, "comments").await.unwrap().as_deref(), Some("off"));
    store.set_project_setting(project, "comments", None).await.unwrap();
    assert_eq!(store.project_setting(project, "comments").await.unwrap(), None);

    let people = [Guid::new("ada"), Guid::new("grace")];
    store.put_team_members(project, &Guid::new("t1"), "Core", &people).await.unwrap();
    store.put_team_members(project, &Guid::new("t1"), "Kernel", &people[..1]).await.unwrap();
    let teams = store.teams(project).await.unwrap();
    assert_eq!((teams.len(), &*teams[0].name, &*teams[0].members), (1, "Kernel", &people[..1]));
    store.put_team_members(project, &Guid::new("t1"), "Kernel", &[]).await.unwrap();
    assert!(store.teams(project).await.unwrap().is_empty());
}

async fn the_last_word_of_a_rate_limit_is_kept_whoever_writes_it_first() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let organisation = store.project(desk.project).await.unwrap().unwrap().organisation;
    assert!(store.rate_limits().await.unwrap().is_empty());
    let known = async || store.rate_limits().await.unwrap().remove(&organisation);
    let (first, later) = (rate_limit(at(1)), RateLimit { remaining: Some(7.25), ..rate_limit(at(2)) });
    let mut changes = store.subscribe();
    assert!(store.put_rate_limit(organisation, &later).await.unwrap());
    assert_eq!(heard(store, &mut changes).await, Change::Organisation(organisation));
    assert!(!store.put_rate_limit(organisation, &first).await.unwrap(), "it is older than what is known");
    assert!(!store.put_rate_limit(organisation, &later).await.unwrap(), "nothing new is written");
    assert_eq!(known().await, Some(later));
    // A service that only tells to wait says nothing of what is left.
    let wait = RateLimit { limit: None, remaining: None, reset_at: None, told_to_wait: Some(at(9)), said_at: at(3) };
    assert!(store.put_rate_limit(organisation, &wait).await.unwrap());
    assert_eq!(known().await, Some(wait));
    let both = RateLimit { told_to_wait: Some(at(9)), ..rate_limit(at(3)) };
    assert!(store.put_rate_limit(organisation, &both).await.unwrap(), "the same answer says more");
    assert!(!store.put_rate_limit(organisation, &both).await.unwrap());
    assert_eq!(known().await, Some(both));
}

async fn the_days_of_a_question_are_those_of_its_projects_or_of_the_configuration() {
    let desk = Desk::new().await;
    let (store, project) = (&desk.store, desk.project);
    let organisation = store.project(project).await.unwrap().unwrap().organisation;
    let other = store.put_project(organisation, &project_fact("Umbra"), "UMB").await.unwrap().id;
    store.measure_project(project, at(0)).await.unwrap();
    let zone = |name: &str| jiff::tz::TimeZone::get(name).unwrap();
    let (utc, berlin) = (zone("UTC"), zone("Europe/Berlin"));
    let of = async |projects: &[ProjectId]| {
        let found = store.zone_of(projects, &utc).await.unwrap();
        (found.name().to_owned(), found.of)
    };
    assert_eq!(of(&[project]).await, ("UTC".to_owned(), ZoneOf::Configuration));
    let mut changes = store.subscribe();
    store.set_time_zone(project, Some(&berlin)).await.unwrap();
    assert_eq!(heard(store, &mut changes).await, Change::Project(project));
    assert_eq!(store.time_zone(project).await.unwrap().as_deref(), Some("Europe/Berlin"));
    assert_eq!(of(&[project]).await, ("Europe/Berlin".to_owned(), ZoneOf::Projects));
    assert_eq!(of(&[]).await, ("Europe/Berlin".to_owned(), ZoneOf::Projects), "the only one that is measured");
    assert_eq!(of(&[other]).await, ("UTC".to_owned(), ZoneOf::Configuration));
    assert_eq!(of(&[project, other]).await, ("UTC".to_owned(), ZoneOf::Several));
    store.set_time_zone(other, Some(&berlin)).await.unwrap();
    assert_eq!(of(&[project, other]).await, ("Europe/Berlin".to_owned(), ZoneOf::Projects));
    store.set_time_zone(project, None).await.unwrap();
    assert_eq!(of(&[project]).await, ("UTC".to_owned(), ZoneOf::Configuration));
}

on_both!(
    a_project_is_measured_from_the_moment_somebody_says_so,
    a_pass_ends_complete_failed_or_refused_and_keeps_what_was_known,
    facts_are_announced_seldom_and_the_last_ones_always,
    what_was_held_back_is_announced_although_nobody_commits_any_more,
    settings_of_a_project_stand_beside_the_configuration,
    the_last_word_of_a_rate_limit_is_kept_whoever_writes_it_first,
    the_days_of_a_question_are_those_of_its_projects_or_of_the_configuration,
);
