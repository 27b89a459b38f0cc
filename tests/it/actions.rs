//! The way of a ticket through the actions, against the simulator in the same process.

use kanado::action::edit_spec::{self, PullOutcome, PushOutcome};
use kanado::action::open_pull_request::{self as pr, ReviewerWish};
use kanado::action::start_work::{self, ExistingBranch};
use kanado::action::{Reporter, sync_pull_requests as sync, tickets};
use kanado::domain::id::TicketKey;
use kanado::domain::project::Project;
use kanado::domain::spec::Spec;
use kanado::domain::status::Status;
use kanado::domain::ticket::SpecBadge;
use kanado::notice::Explain;
use kanado::services::Services;
use kanado::sim;
use kanado::sim::control::Merging;

use crate::support::inside::Inside;

async fn ticket(services: &Services, project: &Project, title: &str) -> TicketKey {
    let new = tickets::New {
        title: title.to_owned(),
        description: "As a skipper I want it.".to_owned(),
        criteria: vec!["it works".to_owned(), "it is fast".to_owned()],
        ..tickets::New::default()
    };
    tickets::new(&services.ctx, project.id, new).await.unwrap().key
}

fn silent() -> Reporter {
    Reporter::silent()
}

#[tokio::test]
async fn a_ticket_goes_from_an_idea_to_merged() {
    let world = Inside::start(sim::Options::default()).await;
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let ctx = &alice.ctx;
    let key = ticket(&alice, &project, "Answer faster 🚀").await;
    assert_eq!(key.to_string(), "KAN-1");

    let plan = start_work::plan(ctx, &key, &Default::default()).await.unwrap();
    assert_eq!((plan.branch.as_str(), plan.base_branch.as_str()), ("feature/KAN-1", "main"));
    assert!(plan.found.is_none() && !plan.resumes);
    let started = start_work::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    assert!(started.commit.is_some());
    let row = ctx.ticket(&key).await.unwrap();
    assert_eq!(row.status, Status::InProgress);
    assert!(row.assignee.is_some());
    assert_eq!(ctx.store.spec(&key).await.unwrap().badge(), SpecBadge::Pushed);
    let again = start_work::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    assert!(again.already_started && again.commit.is_none());

    let state = ctx.store.spec(&key).await.unwrap();
    let text = Spec::parse(&state.text).toggle_criterion(0).unwrap();
    edit_spec::save(ctx, &key, state.revision, &text).await.unwrap();
    assert!(matches!(edit_spec::push(ctx, &key, &silent()).await.unwrap(), PushOutcome::Pushed { merged: false, .. }));
    assert!(matches!(edit_spec::push(ctx, &key, &silent()).await.unwrap(), PushOutcome::Unchanged));

    let plan = pr::plan(ctx, &key, &Default::default()).await.unwrap();
    assert_eq!(plan.title, "KAN-1: Answer faster 🚀");
    assert!(plan.description.contains("## Acceptance criteria") && plan.description.contains("- [x] it works"), "{}", plan.description);
    assert!(plan.reviewer.is_some(), "{}", plan.reviewer_sentence);
    let opened = pr::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    assert_eq!(opened.status, Status::PrOpen);
    assert!(!opened.existing);
    assert_eq!(opened.reviewer, plan.reviewer.map(|m| m.identity.display_name));
    let again = pr::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    assert!(again.existing && again.number == opened.number);
    let known = ctx.store.pull_request(row.repository.unwrap(), opened.number).await.unwrap().unwrap();
    assert_eq!(known.facts.reviewers.len(), 1, "{:?}", known.facts.reviewers);

    let control = world.sim.control();
    let number = i32::try_from(opened.number).unwrap();
    control.merge(number, "bob", Merging::default()).await.unwrap();
    control.settle().await.unwrap();
    let synced = sync::project(ctx, project.id, &silent()).await.unwrap();
    assert_eq!(synced.moved.len(), 1, "{synced:?}");
    assert_eq!(ctx.ticket(&key).await.unwrap().status, Status::Merged);
    tickets::move_to(ctx, &key, Status::Done).await.unwrap();
    assert_eq!(ctx.ticket(&key).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn two_people_starting_one_ticket_leave_one_branch_and_a_loser_who_is_told() {
    let world = Inside::start(sim::Options::default()).await;
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let (bob, bobs) = world.person("bob", &["tide-api"]).await;
    let key = ticket(&alice, &project, "The same").await;
    assert_eq!(ticket(&bob, &bobs, "The same").await, key);
    let (nothing, silence) = (start_work::Options::default(), silent());
    let (first, second) =
        tokio::join!(start_work::run(&alice.ctx, &key, &nothing, &silence), start_work::run(&bob.ctx, &key, &nothing, &silence));
    let (winners, losers): (Vec<_>, Vec<_>) = [first, second].into_iter().partition(Result::is_ok);
    assert_eq!((winners.len(), losers.len()), (1, 1));
    let told = losers.into_iter().next().unwrap().unwrap_err();
    assert!(told.to_string().contains("feature/KAN-1 already exists") && told.to_string().contains("made it"), "{told}");
    assert!(told.hint().unwrap().contains("--reuse-branch"));
}

#[tokio::test]
async fn a_branch_of_somebody_else_is_reused_only_on_request() {
    let world = Inside::start(sim::Options::default()).await;
    let (bob, bobs) = world.person("bob", &["tide-api"]).await;
    let key = ticket(&bob, &bobs, "Prepared by bob").await;
    start_work::run(&bob.ctx, &key, &Default::default(), &silent()).await.unwrap();
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let key = ticket(&alice, &project, "Prepared by bob").await;
    let refused = start_work::run(&alice.ctx, &key, &Default::default(), &silent()).await.unwrap_err();
    assert!(refused.to_string().contains("already exists"), "{refused}");
    assert_eq!(alice.ctx.ticket(&key).await.unwrap().status, Status::Todo);
    let options = start_work::Options { existing: ExistingBranch::Reuse, ..Default::default() };
    start_work::run(&alice.ctx, &key, &options, &silent()).await.unwrap();
    assert_eq!(alice.ctx.ticket(&key).await.unwrap().status, Status::InProgress);
}

#[tokio::test]
async fn a_spec_changed_on_both_sides_is_merged_or_shown_as_a_conflict_and_no_draft_is_lost() {
    let world = Inside::start(sim::Options::default()).await;
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let ctx = &alice.ctx;
    let key = ticket(&alice, &project, "Both sides").await;
    start_work::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    let base = ctx.store.spec(&key).await.unwrap().text;
    let control = world.sim.control();
    let theirs = base.replace("it is fast", "it is very fast");
    control
        .push_file("Harbor/tide-api", ("feature/KAN-1", None), "bob", ("/.tickets/KAN-1.md", theirs.as_bytes()), "Update the spec")
        .await
        .unwrap();

    // Another line here: merged.
    let state = ctx.store.spec(&key).await.unwrap();
    edit_spec::save(ctx, &key, state.revision, &base.replace("As a skipper", "As a pilot")).await.unwrap();
    assert!(matches!(edit_spec::push(ctx, &key, &silent()).await.unwrap(), PushOutcome::Pushed { merged: true, .. }));
    let merged = ctx.store.spec(&key).await.unwrap();
    assert!(merged.text.contains("As a pilot") && merged.text.contains("very fast"));

    // The same line: nothing is pushed, the draft stays, the badge says so.
    let theirs = merged.text.replace("it works", "it works at night");
    control
        .push_file("Harbor/tide-api", ("feature/KAN-1", None), "bob", ("/.tickets/KAN-1.md", theirs.as_bytes()), "Update the spec")
        .await
        .unwrap();
    let mine = merged.text.replace("it works", "it works by day");
    edit_spec::save(ctx, &key, merged.revision, &mine).await.unwrap();
    let PushOutcome::Conflict(conflict) = edit_spec::push(ctx, &key, &silent()).await.unwrap() else { panic!("a conflict was expected") };
    assert_eq!((conflict.mine.as_str(), conflict.theirs.as_str()), (mine.as_str(), theirs.as_str()));
    let state = ctx.store.spec(&key).await.unwrap();
    assert_eq!((state.text.as_str(), state.badge()), (mine.as_str(), SpecBadge::ChangedOnBranch));
    assert!(matches!(edit_spec::pull(ctx, &key).await.unwrap(), PullOutcome::Conflict(_)));

    // Resolved by hand, then pushed.
    let resolved = theirs.replace("it works at night", "it works day and night");
    edit_spec::resolve(ctx, &key, state.revision, &resolved, &conflict.theirs, &conflict.theirs_object).await.unwrap();
    assert!(matches!(edit_spec::push(ctx, &key, &silent()).await.unwrap(), PushOutcome::Pushed { merged: false, .. }));
    assert_eq!(ctx.store.spec(&key).await.unwrap().badge(), SpecBadge::Pushed);
}

#[tokio::test]
async fn an_abandoned_pull_request_gives_the_ticket_back_and_a_reactivated_one_takes_it() {
    let world = Inside::start(sim::Options::default()).await;
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let ctx = &alice.ctx;
    let key = ticket(&alice, &project, "Back and forth").await;
    start_work::run(ctx, &key, &Default::default(), &silent()).await.unwrap();
    let options = pr::Options { draft: true, reviewer: ReviewerWish::Nobody, ..Default::default() };
    let opened = pr::run(ctx, &key, &options, &silent()).await.unwrap();
    assert!(opened.draft && opened.reviewer.is_none());
    let number = i32::try_from(opened.number).unwrap();
    let control = world.sim.control();
    control.abandon(number, "bob").await.unwrap();
    sync::project(ctx, project.id, &silent()).await.unwrap();
    let row = ctx.ticket(&key).await.unwrap();
    assert_eq!(row.status, Status::InProgress);
    assert!(row.notice.unwrap().contains("abandoned"));
    control.reactivate(number, "bob").await.unwrap();
    sync::project(ctx, project.id, &silent()).await.unwrap();
    assert_eq!(ctx.ticket(&key).await.unwrap().status, Status::PrOpen);
}
