//! How many approvals a branch wants, from its policy to the review phase: over a generated organisation against its plan, and over a
//! branch whose policy takes votes back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::id::RepositoryId;
use kanado::metrics::approvals::Knowledge;
use kanado::metrics::figures::Metric;
use kanado::metrics::input::Flow;
use kanado::sim;
use kanado::sim::control::{Merging, Votes};
use kanado::sim::generate::Size;
use kanado::sim::generate::plan::Nature;
use kanado::sim::world::PrState;

use crate::support::measured::{Measured, collect, figures};

const START: &str = "2026-11-18T12:00:00Z";
const LISTED: &str = "policy/configurations";

async fn repositories(measured: &Measured) -> BTreeMap<String, RepositoryId> {
    let mut found = BTreeMap::new();
    for project in &measured.projects {
        let of_project = measured.services.ctx.store.repositories(project.id).await.unwrap();
        found.extend(of_project.into_iter().map(|repository| (repository.guid.as_str().to_lowercase(), repository.id)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_end_with_the_approval_that_the_plan_says_completed_them() {
    let measured = Measured::generated(Size::S, START.parse().unwrap()).await;
    measured.control().reset_requests();
    assert!(measured.collect().await.is_complete());
    assert_eq!(measured.asked(LISTED), measured.projects.len() as u64, "once a project");
    let (store, repositories) = (&measured.services.ctx.store, repositories(&measured).await);
    let (mut compared, mut of_two, mut other) = (0, 0, 0);
    for planned in &measured.world.sim.plan().unwrap().pull_requests {
        let is_bots = matches!(planned.nature, Nature::ServiceBot | Nature::ListedBot);
        if planned.state != PrState::Completed || is_bots || planned.has_undated_vote {
            continue;
        }
        let repository = repositories[&planned.repository_id.to_string()];
        // Closed before the window: not collected.
        let Some(flow) = store.flow(repository, i64::from(planned.number)).await.unwrap() else { continue };
        let whole = |at: Option<Timestamp>| at.map(Timestamp::as_second);
        assert_eq!(whole(flow.approved_at), whole(planned.completing_approval), "!{}: {planned:?}", planned.number);
        compared += 1;
        of_two += usize::from(planned.required_approvals == 2 && planned.completing_approval.is_some());
        other += usize::from(
            planned.completing_approval.is_some() && planned.completing_approval != planned.approvals_in_force.first().copied(),
        );
    }
    assert!(compared > 30 && of_two > 5 && other > 5, "{compared} compared, {of_two} of branches that want two, {other} not by the first");

    measured.control().reset_requests();
    assert!(measured.collect().await.is_complete());
    assert_eq!(measured.asked(LISTED), 0, "policies change seldom");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_list_policies_is_told_that_one_approval_counts() {
    let start: Timestamp = START.parse().unwrap();
    let clock = Clock::fixed(start);
    let options = sim::Options { organisation: sim::Content::Generated(Size::S), start: Some(start), ..sim::Options::default() };
    let measured = Measured::at(options, clock.clone()).await;
    measured.control().add_fault("403:path=policy/configurations".parse().unwrap());
    measured.control().reset_requests();
    assert!(measured.collect().await.is_complete(), "nothing else suffers");
    let (store, project) = (&measured.services.ctx.store, measured.projects[0].id);
    assert!(matches!(store.approvals(project).await.unwrap().knowledge, Knowledge::Unreadable { .. }));
    let said = async || {
        let figures = figures(&measured.services, &measured.projects, 30, start).await;
        figures.tile(Metric::CycleTime).unwrap().notes.iter().find(|note| note.contains("approvals")).cloned()
    };
    let note = said().await.unwrap();
    assert!(note.contains("there the first one ends the review") && note.contains("Read (of its repositories)"), "{note}");
    assert!(measured.collect().await.is_complete());
    assert_eq!(measured.asked(LISTED), measured.projects.len() as u64, "not asked for again in every pass");

    measured.control().clear_faults();
    clock.advance(SignedDuration::from_hours(7));
    assert!(measured.collect().await.is_complete());
    assert_eq!((store.approvals(project).await.unwrap().knowledge, said().await), (Knowledge::Read, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_takes_votes_back_moves_the_approval_and_a_reopening_the_start() {
    const REPOSITORY: &str = "Harbor/tide-api";
    let clock = Clock::fixed(Timestamp::now());
    let measured = Measured::with(sim::Options::default(), clock.clone(), Config::default(), "everything").await;
    let control = measured.control();
    control.unprotect(REPOSITORY, "main").await.unwrap();
    control.want_approvals(REPOSITORY, "main", 2, Votes::Reset).await.unwrap();
    let push = async |text: &[u8]| {
        control.push_file(REPOSITORY, ("gate", Some("main")), "bob", ("/gate.txt", text), "Mend the gate").await.unwrap();
    };
    push(b"one\n").await;
    let number = control.open(REPOSITORY, ("gate", "main"), "Mend the gate", "bob").await.unwrap();
    // The world's clock and the collector's: an hour later.
    let later = async || {
        clock.advance(SignedDuration::from_hours(1));
        control.advance(SignedDuration::from_hours(1)).await
    };
    let flow = async || -> Flow {
        assert!(collect(&measured.services, &measured.projects).await.is_complete());
        let store = &measured.services.ctx.store;
        let harbor = measured.projects.iter().find(|project| project.name == "Harbor").unwrap().id;
        let all = store.repositories(harbor).await.unwrap();
        let repository = all.into_iter().find(|repository| repository.name == "tide-api").unwrap().id;
        store.flow(repository, i64::from(number)).await.unwrap().unwrap()
    };
    let same =
        |one: Option<Timestamp>, other: Timestamp| one.is_some_and(|one| one.duration_since(other).abs() < SignedDuration::from_mins(10));

    later().await;
    control.vote(number, "carol", 10).await.unwrap();
    let reviewed = later().await - SignedDuration::from_hours(1);
    control.vote(number, "alice", 5).await.unwrap();
    let approved = flow().await;
    assert!(
        same(approved.first_review_at, reviewed) && same(approved.approved_at, reviewed + SignedDuration::from_hours(1)),
        "{approved:?}"
    );

    later().await;
    push(b"two\n").await;
    let reset = flow().await;
    assert_eq!((reset.approved_at, reset.undated_vote), (None, false), "{reset:?}");
    control.vote(number, "carol", 10).await.unwrap();
    assert_eq!(flow().await.approved_at, None, "one of two");

    control.abandon(number, "bob").await.unwrap();
    let reopened = later().await;
    control.reactivate(number, "bob").await.unwrap();
    let waiting = flow().await;
    assert!(same(waiting.ready_at, reopened) && same(waiting.first_review_at, reopened), "{waiting:?}");
    let second = later().await;
    control.vote(number, "alice", 10).await.unwrap();
    control.merge(number, "carol", Merging::default()).await.unwrap();
    let merged = flow().await;
    assert!(same(merged.approved_at, second) && same(merged.ready_at, reopened), "{merged:?}");
}
