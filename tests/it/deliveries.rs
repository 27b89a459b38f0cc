//! Deliveries on their way to the board, by the real parts in front of the simulator.

use jiff::{SignedDuration, Timestamp};
use kanado::action::Reporter;
use kanado::action::edit_spec;
use kanado::domain::hook::DeliveryState::{Applied, Dead, Ignored, Parked, Quarantined, Test, Waiting};
use kanado::domain::pull_request::{PullRequestStatus, Source, Vote};
use kanado::domain::status::Status;
use kanado::domain::ticket::SpecBadge;
use kanado::sim::control::Merging;
use kanado::sim::world::StatusState;
use kanado::store::DeliveryFilter;
use kanado::sync::deliveries::{Fate, MOST_TRIES, Rules, work};
use serde_json::{Value, json};

use crate::support::desk::{Desk, Line, settled};
use crate::support::payload::{COMMENT, NEW, OLD, Sender, ZERO, sample};

const CREATED: &str = "git.pullrequest.created";
const UPDATED: &str = "git.pullrequest.updated";
const MERGED: &str = "git.pullrequest.merged";

/// The board as a person sees it: cards, pull requests, texts.
async fn picture(desk: &Desk) -> (Value, usize) {
    let store = &desk.alice.ctx.store;
    let mut board = serde_json::to_value(store.board(desk.project.id, None).await.unwrap()).unwrap();
    strip(&mut board, &["synced_at", "seen_at", "source", "detail_at", "age"]);
    (board, store.history(&desk.key).await.unwrap().len())
}

/// Takes away when and how something was learnt.
fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|inside| strip(inside, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
        _ => {}
    }
}

#[tokio::test]
async fn a_card_follows_its_pull_request_through_its_whole_life() {
    let desk = Desk::new().await;
    let control = desk.control();
    let number = desk.open().await;
    let told = desk.told(number);

    let (state, words) = desk.deliver_one(&desk.event(CREATED, 1, &told)).await;
    assert_eq!((state, words.as_str()), (Applied, format!("pull request {number}: KAN-1 to PR Open").as_str()));
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    assert_eq!(desk.known(number).await.unwrap().source, Source::Hook);

    // A merge was attempted, and there were conflicts: nothing was merged.
    control.make_conflict(number, "carol").await.unwrap();
    desk.deliver_one(&desk.event(MERGED, 2, &told.clone().merge("conflicts"))).await;
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    assert_eq!(desk.known(number).await.unwrap().facts.merge, kanado::domain::pull_request::MergeState::Conflicts);

    control.vote(number, "carol", -5).await.unwrap();
    desk.deliver_one(&desk.event(UPDATED, 3, &told)).await;
    let votes = |known: kanado::domain::pull_request::KnownPullRequest| {
        known.facts.reviewers.iter().map(|r| r.vote).filter(|vote| *vote != Vote::None).collect::<Vec<_>>()
    };
    assert_eq!(votes(desk.known(number).await.unwrap()), [Vote::WaitingForAuthor]);

    control.comment(number, "carol", "Why so?").await.unwrap();
    desk.deliver_one(&desk.sender.comment(4, &told, false)).await;
    assert_eq!(desk.known(number).await.unwrap().threads.unwrap().unresolved, 1, "the discussion is on the card");

    control.abandon(number, "bob").await.unwrap();
    desk.deliver_one(&desk.event(UPDATED, 5, &told.clone().status("abandoned"))).await;
    assert_eq!(desk.ticket().await.status, Status::InProgress);

    control.reactivate(number, "bob").await.unwrap();
    desk.deliver_one(&desk.event(UPDATED, 6, &told)).await;
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
}

#[tokio::test]
async fn only_a_completed_pull_request_is_merged_and_it_may_end_its_ticket() {
    for (done_on_merge, end) in [(false, Status::Merged), (true, Status::Done)] {
        let mut desk = Desk::new().await;
        desk.rules = Rules { done_on_merge, ..Rules::default() };
        let number = desk.open().await;
        // The event's name says merged; the pull request's status says active.
        desk.deliver_one(&desk.event(MERGED, 1, &desk.told(number))).await;
        assert_eq!(desk.ticket().await.status, Status::PrOpen);
        desk.control().merge(number, "bob", Merging::default()).await.unwrap();
        desk.deliver_one(&desk.event(MERGED, 2, &desk.told(number).status("completed"))).await;
        assert_eq!(desk.ticket().await.status, end);
        let known = desk.known(number).await.unwrap();
        assert_eq!(known.facts.status, PullRequestStatus::Completed);
        assert!(known.facts.merge_commit.is_some());
    }
}

#[tokio::test]
async fn the_same_change_by_two_subscriptions_and_in_two_deliveries_has_one_effect() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let told = desk.told(number);
    let first = desk.event(CREATED, 1, &told);
    desk.deliver_one(&first).await;
    let before = picture(&desk).await;
    let other = Sender { subscription: "5e0a7c11-0000-4000-8000-0000000000d2".to_owned(), ..desk.sender.clone() };
    let (state, words) = desk.deliver_one(&other.pull_request_event(CREATED, 1, &told)).await;
    assert_eq!((state, words), (Applied, format!("nothing new of pull request {number}")));
    assert_eq!(picture(&desk).await, before);
    assert!(desk.deliver(&[first]).await.is_empty(), "the same notification is not kept twice");
}

#[tokio::test]
async fn fifty_deliveries_of_one_pull_request_cost_one_look() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let bodies: Vec<Value> = (1..=50).map(|n| desk.event(UPDATED, n, &desk.told(number))).collect();
    desk.control().reset_requests();
    let outcomes = desk.deliver(&bodies).await;
    assert_eq!(outcomes.len(), 50);
    assert!(outcomes.iter().all(|outcome| settled(outcome).0 == Applied), "{outcomes:?}");
    // The pull request, and what its card shows besides; policies take a second page to find out that there is none.
    let requests = desk.control().requests();
    assert!(requests.total <= 5, "{requests:?}");
    assert_eq!((desk.asked("{pull}"), desk.asked("{pull}/statuses"), desk.asked("{pull}/threads")), (3, 1, 1), "{requests:?}");
}

#[tokio::test]
async fn a_pull_request_that_no_ticket_follows_costs_one_request() {
    let desk = Desk::new().await;
    let control = desk.control();
    control.push_file("Harbor/tide-api", ("topic", None), "bob", ("/x.md", b"x"), "A topic").await.unwrap();
    let number = control.open("Harbor/tide-api", ("topic", "main"), "A topic", "bob").await.unwrap();
    control.reset_requests();
    let (state, _) = desk.deliver_one(&desk.event(UPDATED, 1, &desk.told(number))).await;
    assert_eq!((state, control.requests().total), (Applied, 1), "{:?}", control.requests());
    assert!(desk.known(number).await.is_some());
}

#[tokio::test]
async fn a_body_of_another_project_changes_nothing_and_is_put_aside() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let before = picture(&desk).await;
    desk.control().reset_requests();
    let foreign = "5e0a7c11-0000-4000-8000-0000000000a2";
    for (n, place) in [(1, "/resourceContainers/project/id"), (2, "/resource/repository/project/id")] {
        let mut body = desk.event(MERGED, n, &desk.told(number).status("completed"));
        *body.pointer_mut(place).unwrap() = json!(foreign);
        let (state, words) = desk.deliver_one(&body).await;
        assert_eq!(state, Quarantined, "{words}");
    }
    assert_eq!(picture(&desk).await, before);
    assert_eq!(desk.control().requests().total, 0, "nobody was asked");
}

#[tokio::test]
async fn a_repository_that_is_not_of_the_project_gets_no_row() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let strange = Sender { repository: "5e0a7c11-0000-4000-8000-00000000bbbb".to_owned(), ..desk.sender.clone() };
    let (state, words) = desk.deliver_one(&strange.pull_request_event(MERGED, 1, &desk.told(number).status("completed"))).await;
    assert_eq!(state, Ignored, "{words}");
    let repositories = desk.alice.ctx.store.repositories(desk.project.id).await.unwrap();
    assert!(repositories.iter().all(|known| known.guid.as_str() != strange.repository));
    assert_eq!(desk.ticket().await.status, Status::InProgress);
}

#[tokio::test]
async fn test_deliveries_of_every_kind_leave_no_trace_on_the_board_twice() {
    let desk = Desk::new().await;
    let before = picture(&desk).await;
    desk.control().reset_requests();
    let kinds =
        [CREATED, UPDATED, MERGED, COMMENT, "git.push", "git.repo.renamed", "git.repo.deleted", "build.complete", "workitem.created"];
    let mut n = 0;
    for saved in [true, false] {
        for kind in kinds {
            for _ in 0..2 {
                n += 1;
                let (state, words) = desk.deliver_one(&sample(kind, n, saved)).await;
                assert_eq!(state, Test, "{kind}: {words}");
            }
        }
    }
    assert_eq!(picture(&desk).await, before);
    let store = &desk.alice.ctx.store;
    assert!(store.pull_requests(desk.project.id, &Default::default()).await.unwrap().is_empty(), "no phantom");
    assert_eq!(desk.control().requests().total, 0);
}

#[tokio::test]
async fn a_title_that_imitates_a_message_decides_nothing() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let title = "Bob approved pull request and completed it \u{1b}[2J";
    desk.control().retitle(number, "bob", title).await.unwrap();
    let mut body = desk.event(UPDATED, 1, &desk.told(number).title(title));
    body["message"] = json!({"text": format!("Bob approved {title}")});
    desk.deliver_one(&body).await;
    let known = desk.known(number).await.unwrap();
    assert_eq!(known.facts.status, PullRequestStatus::Active);
    assert!(known.facts.reviewers.iter().all(|reviewer| reviewer.vote == Vote::None), "{:?}", known.facts.reviewers);
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    let deliveries = desk.alice.ctx.store.deliveries(None, DeliveryFilter::All, 10).await.unwrap();
    assert!(deliveries.iter().all(|d| d.words.as_deref().is_none_or(|words| !words.contains('\u{1b}'))));
}

#[tokio::test]
async fn the_words_of_a_message_or_their_absence_make_no_difference() {
    let mut pictures = Vec::new();
    for shape in ["full", "null", "absent"] {
        let desk = Desk::new().await;
        let number = desk.open().await;
        desk.control().vote(number, "carol", 10).await.unwrap();
        let mut body = desk.event(UPDATED, 1, &desk.told(number));
        match shape {
            "null" => (body["message"], body["detailedMessage"]) = (Value::Null, Value::Null),
            "absent" => body.as_object_mut().unwrap().retain(|name, _| !name.to_lowercase().contains("message")),
            _ => {}
        }
        assert_eq!(desk.deliver_one(&body).await.0, Applied, "{shape}");
        let known = desk.known(number).await.unwrap();
        let votes: Vec<_> = known.facts.reviewers.iter().map(|r| (r.identity.display_name.clone(), r.vote)).collect();
        pictures.push((desk.ticket().await.status, known.facts.status, votes));
    }
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0], pictures[2]);
    assert_eq!(pictures[0].0, Status::PrOpen);
}

#[tokio::test]
async fn a_month_old_body_takes_nothing_back() {
    let mut desk = Desk::new().await;
    let number = desk.open().await;
    let old = desk.told(number).title("As it was a month ago");
    desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    desk.control().merge(number, "bob", Merging::default()).await.unwrap();
    desk.deliver_one(&desk.event(MERGED, 2, &desk.told(number).status("completed"))).await;
    let before = picture(&desk).await;
    assert_eq!(desk.ticket().await.status, Status::Merged);
    // Once with Azure DevOps to ask, once without.
    for (n, status) in [(3, "active"), (4, "abandoned"), (5, "completed")] {
        desk.deliver_one(&desk.event(UPDATED, n, &old.clone().status(status))).await;
        assert_eq!(picture(&desk).await, before, "{status}");
    }
    desk.line = Line(Err("no token is kept here".to_owned()));
    for (n, status) in [(6, "active"), (7, "abandoned"), (8, "completed")] {
        desk.deliver_one(&desk.event(UPDATED, n, &old.clone().status(status))).await;
        assert_eq!(picture(&desk).await, before, "{status} without a look");
    }
}

#[tokio::test]
async fn the_senders_clock_orders_and_expires_nothing() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let dated = |n: i64, kind: &str, status: &'static str, date: &str| {
        let mut body = desk.event(kind, n, &desk.told(number).status(status));
        body["createdDate"] = json!(date);
        body["resource"]["creationDate"] = json!(date);
        body
    };
    desk.deliver_one(&dated(1, CREATED, "active", "2027-06-01T00:00:00Z")).await;
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    desk.control().abandon(number, "bob").await.unwrap();
    desk.deliver_one(&dated(2, UPDATED, "abandoned", "2024-06-01T00:00:00Z")).await;
    assert_eq!(desk.ticket().await.status, Status::InProgress);
    desk.control().reactivate(number, "bob").await.unwrap();
    desk.deliver_one(&dated(3, UPDATED, "active", "0001-01-01T00:00:00")).await;
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    desk.control().merge(number, "bob", Merging::default()).await.unwrap();
    desk.deliver_one(&dated(4, MERGED, "completed", "9999-01-01T00:00:00Z")).await;
    assert_eq!(desk.ticket().await.status, Status::Merged);
}

#[tokio::test]
async fn work_items_in_any_order_and_events_nobody_follows_change_nothing() {
    let desk = Desk::new().await;
    let before = picture(&desk).await;
    let mut bodies = vec![desk.sender.work_item_updated(101, 40, 7), desk.sender.work_item_updated(102, 40, 6)];
    bodies.push(desk.sender.envelope("tfvc.checkin", "1.0", 103, json!({"changesetId": 1})));
    bodies.push(desk.sender.envelope("ms.vss-new.thing", "1.0", 104, json!([])));
    bodies.push(desk.sender.build(105, "refs/heads/main"));
    bodies.push(desk.sender.build(106, "refs/pull/999/merge"));
    for outcome in desk.deliver(&bodies).await {
        assert_eq!(settled(&outcome).0, Ignored, "{outcome:?}");
    }
    assert_eq!(picture(&desk).await, before);
}

#[tokio::test]
async fn a_build_of_a_followed_pull_request_brings_its_checks() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    let before = desk.known(number).await.unwrap().checks;
    desk.control().add_status(number, "bob", "unit", StatusState::Failed, "3 tests failed").await.unwrap();
    let (state, words) = desk.deliver_one(&desk.sender.build(2, &format!("refs/pull/{number}/merge"))).await;
    assert_eq!(state, Applied, "{words}");
    let after = desk.known(number).await.unwrap().checks.unwrap();
    assert_eq!(after.failed, before.unwrap_or_default().failed + 1);
}

#[tokio::test]
async fn a_spec_changed_on_the_branch_is_shown_and_our_own_push_is_not() {
    let desk = Desk::new().await;
    let ctx = &desk.alice.ctx;
    let full = format!("refs/heads/{}", desk.branch);
    let badge = async || ctx.store.spec(&desk.key).await.unwrap().badge();

    // What starting the work pushed comes back as an event.
    let (state, words) = desk.deliver_one(&desk.sender.push(1, &[(&full, ZERO, NEW)])).await;
    assert_eq!((state, badge().await), (Applied, SpecBadge::Pushed), "{words}");

    let spec = ctx.store.spec(&desk.key).await.unwrap();
    let theirs = format!("{}\nMore to say.\n", spec.text);
    let path = format!("/{}", desk.key.spec_path());
    desk.control().push_file("Harbor/tide-api", (&desk.branch, None), "bob", (&path, theirs.as_bytes()), "Say more").await.unwrap();
    let (state, words) = desk.deliver_one(&desk.sender.push(2, &[(&full, OLD, NEW)])).await;
    assert_eq!((state, badge().await), (Applied, SpecBadge::ChangedOnBranch), "{words}");

    edit_spec::pull(ctx, &desk.key).await.unwrap();
    assert_eq!(badge().await, SpecBadge::Pushed);
    let state = ctx.store.spec(&desk.key).await.unwrap();
    edit_spec::save(ctx, &desk.key, state.revision, &format!("{}\nMine.\n", state.text)).await.unwrap();
    edit_spec::push(ctx, &desk.key, &Reporter::silent()).await.unwrap();
    desk.deliver_one(&desk.sender.push(3, &[(&full, OLD, NEW)])).await;
    assert_eq!(badge().await, SpecBadge::Pushed, "our own push");

    // Code beside the spec, and other branches.
    desk.control().push_file("Harbor/tide-api", (&desk.branch, None), "bob", ("/code.rs", b"fn f() {}"), "Code").await.unwrap();
    desk.deliver_one(&desk.sender.push(4, &[(&full, OLD, NEW)])).await;
    assert_eq!(badge().await, SpecBadge::Pushed);
    desk.control().reset_requests();
    let (state, _) = desk.deliver_one(&desk.sender.push(5, &[("refs/heads/main", OLD, NEW), ("refs/tags/v1", ZERO, NEW)])).await;
    assert_eq!((state, desk.control().requests().total), (Ignored, 0));
    for (n, refs) in [(6, json!([])), (7, Value::Null)] {
        let mut body = desk.sender.push(n, &[]);
        body["resource"]["refUpdates"] = refs;
        assert_eq!(desk.deliver_one(&body).await.0, Ignored);
    }

    // The branch is gone, and with it what it held; the text here stays.
    let text = ctx.store.spec(&desk.key).await.unwrap().text;
    desk.control().delete_branch("Harbor/tide-api", &desk.branch, "bob").await.unwrap();
    let (state, words) = desk.deliver_one(&desk.sender.push(8, &[(&full, NEW, ZERO)])).await;
    assert_eq!(state, Applied, "{words}");
    let spec = ctx.store.spec(&desk.key).await.unwrap();
    assert_eq!((spec.text, spec.remote_object), (text, None));
}

#[tokio::test]
async fn repositories_that_come_go_or_change_are_listed_once_and_none_is_lost() {
    let desk = Desk::new().await;
    let store = &desk.alice.ctx.store;
    let before = store.repositories(desk.project.id).await.unwrap();
    desk.control().disable_repository("Harbor/tide-api").await.unwrap();
    desk.control().reset_requests();
    let kinds = ["git.repo.created", "git.repo.renamed", "git.repo.statuschanged", "git.repo.deleted", "git.repo.forked"];
    let bodies: Vec<Value> = kinds.iter().zip(1..).map(|(kind, n)| desk.sender.repository_event(kind, n)).collect();
    for outcome in desk.deliver(&bodies).await {
        assert_eq!(settled(&outcome).0, Applied, "{outcome:?}");
    }
    assert_eq!(desk.control().requests().total, 1);
    let after = store.repositories(desk.project.id).await.unwrap();
    assert_eq!(after.len(), before.len());
    let disabled = |all: &[kanado::domain::project::Repository]| all.iter().find(|r| r.id == desk.repository.id).unwrap().disabled;
    assert_eq!((disabled(&before), disabled(&after)), (false, true));
}

#[tokio::test]
async fn an_event_of_a_pull_request_that_is_gone_keeps_what_is_known() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    let before = picture(&desk).await;
    // Never there: no row comes of it.
    let (state, words) = desk.deliver_one(&desk.event(UPDATED, 2, &desk.told(9_999))).await;
    assert_eq!(state, Ignored, "{words}");
    assert!(desk.known(9_999).await.is_none());
    // Its repository is disabled: it cannot be read any more.
    desk.control().disable_repository("Harbor/tide-api").await.unwrap();
    let (state, words) = desk.deliver_one(&desk.event(UPDATED, 3, &desk.told(number))).await;
    assert_eq!(state, Ignored, "{words}");
    assert_eq!(picture(&desk).await, before);
}

#[tokio::test]
async fn what_arrives_for_a_project_off_the_board_is_let_lie() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    desk.alice.ctx.store.remove_project(desk.project.id, Timestamp::now()).await.unwrap();
    let (state, words) = desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    assert_eq!(state, Ignored, "{words}");
    assert!(words.contains("not on the board"), "{words}");
    desk.alice.ctx.store.restore_project(desk.project.id).await.unwrap();
    assert_eq!(desk.ticket().await.status, Status::InProgress);
}

#[tokio::test]
async fn a_token_that_may_not_read_leaves_steps_forward_to_the_bodies_in_any_order() {
    let mut desk = Desk::new().await;
    let number = desk.open().await;
    desk.line = Line(Err("no token is kept here".to_owned()));
    let (state, words) = desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    assert_eq!((state, desk.ticket().await.status), (Applied, Status::PrOpen), "{words}");
    assert!(words.contains("as the delivery says; no token is kept here"), "{words}");
    desk.deliver_one(&desk.event(UPDATED, 2, &desk.told(number).status("abandoned"))).await;
    assert_eq!(desk.ticket().await.status, Status::InProgress);
    // The late creation does not take the end back.
    desk.deliver_one(&desk.event(UPDATED, 3, &desk.told(number))).await;
    assert_eq!(desk.ticket().await.status, Status::InProgress);
    desk.deliver_one(&desk.event(MERGED, 4, &desk.told(number).status("completed"))).await;
    assert_eq!(desk.known(number).await.unwrap().facts.status, PullRequestStatus::Completed);
}

#[tokio::test]
async fn a_completed_pull_request_moves_its_card_while_azure_devops_cannot_be_asked() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    desk.deliver_one(&desk.event(CREATED, 1, &desk.told(number))).await;
    desk.control().add_fault("429:times=always:retry-after=60".parse().unwrap());
    let (state, words) = desk.deliver_one(&desk.event(UPDATED, 2, &desk.told(number).status("abandoned"))).await;
    assert_eq!((state, desk.ticket().await.status), (Waiting, Status::PrOpen), "put off: {words}");
    let known = desk.known(number).await.unwrap();
    let (state, words) = desk.deliver_one(&desk.event(MERGED, 3, &desk.told(number).status("completed"))).await;
    assert_eq!((state, desk.ticket().await.status), (Applied, Status::Merged), "{words}");
    let now = desk.known(number).await.unwrap();
    assert_eq!((now.facts.reviewers, now.facts.title), (known.facts.reviewers, known.facts.title), "only its end was believed");
}

#[tokio::test]
async fn a_delivery_that_fails_is_put_off_then_parked_and_holds_up_nobody() {
    let mut desk = Desk::new().await;
    let store = desk.alice.ctx.store.clone();
    let number = desk.open().await;
    let fault = desk.control().add_fault(format!("429:times=always:retry-after=60:path=/pullrequests/{number}").parse().unwrap());
    let mut now = desk.alice.ctx.clock.now();
    let poison = desk.keep(&desk.event(UPDATED, 1, &desk.told(number)), now).await;
    for tries in 1..=MOST_TRIES {
        // Another one comes along each time, and goes through.
        let other = desk.keep(&desk.sender.work_item_updated(100 + tries, 40, tries), now).await;
        let outcomes = desk.work_at(now).await;
        assert_eq!(outcomes.len(), 2, "try {tries}: {outcomes:?}");
        assert_eq!(settled(outcomes.iter().find(|outcome| outcome.id == other).unwrap()).0, Ignored);
        match &outcomes.iter().find(|outcome| outcome.id == poison).unwrap().fate {
            Fate::Postponed { not_before, .. } => {
                assert!(tries < MOST_TRIES);
                assert!(*not_before > now);
                assert_eq!(desk.work_at(now).await, [], "not before its time");
                now = *not_before;
            }
            Fate::Settled { state, words } => assert_eq!((tries, *state), (MOST_TRIES, Parked), "{words}"),
        }
    }
    assert_eq!(store.delivery_counts(desk.project.id).await.unwrap().parked, 1);
    // A person replays it when the cause is gone.
    desk.control().remove_fault(fault);
    desk.line = Line(Ok(desk.another_client()));
    assert!(store.replay_delivery(poison, now).await.unwrap());
    let outcomes = desk.work_at(now).await;
    assert_eq!(settled(&outcomes[0]).0, Applied);
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
}

#[tokio::test]
async fn after_one_refusal_nothing_more_is_asked_in_the_round() {
    let desk = Desk::new().await;
    desk.control().add_fault("429:times=always:retry-after=60".parse().unwrap());
    desk.control().reset_requests();
    let bodies: Vec<Value> = (1..=40).map(|n| desk.event(UPDATED, n, &desk.told(i32::try_from(n).unwrap()))).collect();
    let outcomes = desk.deliver(&bodies).await;
    assert!(outcomes.iter().all(|outcome| settled(outcome).0 == Waiting), "{outcomes:?}");
    assert!(desk.control().requests().total <= 4, "{:?}", desk.control().requests());
}

#[tokio::test]
async fn a_worker_that_dies_leaves_its_deliveries_to_the_next_one() {
    let desk = Desk::new().await;
    let store = &desk.alice.ctx.store;
    let number = desk.open().await;
    let now = desk.alice.ctx.clock.now();
    desk.keep(&desk.event(CREATED, 1, &desk.told(number)), now).await;
    desk.keep(&desk.sender.comment(2, &desk.told(number), false), now).await;
    let claim_for = SignedDuration::from_secs(60);
    let claimed = store.claim_deliveries("one that dies", 10, claim_for, now).await.unwrap();
    assert_eq!(claimed.len(), 2);
    // It applied one of the two and settled none.
    let half = &claimed[..1];
    kanado::sync::deliveries::apply(store, &desk.line, &desk.alice.ctx.clock, &desk.project, half, desk.rules.clone()).await;
    let before = picture(&desk).await;
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
    assert_eq!(store.claim_deliveries("the next one", 10, claim_for, now).await.unwrap(), [], "still claimed");

    let later = now + claim_for;
    let again = store.claim_deliveries("the next one", 10, claim_for, later).await.unwrap();
    assert_eq!(again.len(), 2, "claims run out");
    let outcomes = work(store, &desk.line, &desk.alice.ctx.clock, again, desk.rules.clone()).await.unwrap();
    assert!(outcomes.iter().all(|outcome| settled(outcome).0 == Applied), "{outcomes:?}");
    assert_eq!(picture(&desk).await, before, "nothing twice");
    // The first one comes round after all: what was settled stays so.
    work(store, &desk.line, &desk.alice.ctx.clock, claimed, desk.rules.clone()).await.unwrap();
    assert_eq!(picture(&desk).await, before);
    let counts = store.delivery_counts(desk.project.id).await.unwrap();
    assert_eq!((counts.waiting, counts.parked, counts.dead), (0, 0, 0));
}

#[tokio::test]
async fn a_body_that_cannot_be_understood_is_dead_at_once_and_says_why() {
    let desk = Desk::new().await;
    let mut nameless = desk.event(CREATED, 1, &desk.told(7));
    nameless["resource"] = json!({"status": "active"});
    let (state, words) = desk.deliver_one(&nameless).await;
    assert_eq!(state, Dead);
    assert!(words.contains("which pull request"), "{words}");
    let (state, words) = desk.deliver_one(&json!([1, 2])).await;
    assert_eq!((state, words.as_str()), (Dead, "the body is JSON, but not an object"));
}

#[tokio::test]
async fn no_address_in_a_body_is_ever_asked() {
    let desk = Desk::new().await;
    let number = desk.open().await;
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}/lumen", trap.local_addr().unwrap());
    let sender = Sender { organisation: elsewhere, ..desk.sender.clone() };
    let full = format!("refs/heads/{}", desk.branch);
    let told = desk.told(number);
    let outcomes = desk
        .deliver(&[
            sender.pull_request_event(CREATED, 1, &told),
            sender.comment(2, &told, false),
            sender.comment_alone(3, &told),
            sender.push(4, &[(&full, OLD, NEW)]),
            sender.repository_event("git.repo.renamed", 5),
            sender.build(6, &format!("refs/pull/{number}/merge")),
        ])
        .await;
    assert_eq!(outcomes.len(), 6);
    assert!(outcomes.iter().all(|outcome| matches!(settled(outcome).0, Applied | Ignored)), "{outcomes:?}");
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody called");
    assert_eq!(desk.ticket().await.status, Status::PrOpen);
}
