//! Several stores on one file, as several processes have them.

use std::collections::HashSet;

use super::*;
use crate::domain::board::Column;
use crate::domain::status::Transition;
use crate::domain::ticket::Priority;

async fn two_stores_never_issue_the_same_key() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..40 {
        let store = if number % 2 == 0 { desk.store.clone() } else { other.clone() };
        let new = desk.new_ticket(&format!("ticket {number}"));
        tasks.push(tokio::spawn(async move { store.create_ticket(new, at(1)).await.unwrap().key }));
    }
    let mut keys = HashSet::new();
    for task in tasks {
        keys.insert(task.await.unwrap().number());
    }
    assert_eq!(keys, (1..=40).collect());
}

async fn of_two_changes_to_one_version_one_wins() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let key = desk.ticket("A").await;
    let change = |level| TicketChange { priority: Some(Priority::new(level)), ..TicketChange::default() };
    let (one, two) = (change(1), change(2));
    let (one, two) = tokio::join!(desk.store.update_ticket(&key, 1, &one, at(2)), other.update_ticket(&key, 1, &two, at(2)));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    let lost = one.err().or(two.err()).unwrap();
    assert!(matches!(lost, Error::VersionConflict { expected: 1, found: 2, .. }), "{lost}");
}

async fn of_two_starts_with_two_branches_one_wins_and_the_other_is_told() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let key = desk.ticket("A").await;
    let (one, two) = tokio::join!(
        desk.store.start_ticket(&key, desk.repository, "one", Some(desk.ada), at(2)),
        other.start_ticket(&key, desk.repository, "two", Some(desk.grace), at(2)),
    );
    let outcomes = [one.unwrap().transition, two.unwrap().transition];
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Transition::To { status: Status::InProgress, .. })));
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Transition::Refused(words) if words.contains("already"))));
}

async fn two_programs_may_make_the_store_at_the_same_moment() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let location = engines::fresh_location(directory.path()).await;
        let (one, two, three) = tokio::join!(Store::open(&location), Store::open(&location), Store::open(&location));
        for store in [one.unwrap(), two.unwrap(), three.unwrap()] {
            assert!(store.projects().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn what_another_process_wrote_is_announced_and_what_we_wrote_is_not_mistaken_for_it() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let mut changes = desk.store.subscribe();
    let mut next = async || tokio::time::timeout(Duration::from_secs(10), changes.recv()).await.unwrap().unwrap();
    other.set_setting("a", "1").await.unwrap();
    assert_eq!(next().await, Change::Elsewhere);
    let mine = desk.ticket("A").await;
    assert_eq!(next().await, Change::Ticket { project: desk.project, key: mine.clone() });
    other.set_setting("a", "2").await.unwrap();
    assert_eq!(next().await, Change::Elsewhere, "our own write in between was not announced as somebody else's");
}

async fn a_write_given_up_half_way_happened_or_did_not_and_the_store_goes_on() {
    let desk = Desk::new().await;
    let mut changes = desk.store.subscribe();
    for microseconds in (0..3_000).step_by(100) {
        let write = desk.store.create_ticket(desk.new_ticket("A"), at(1));
        let _ = tokio::time::timeout(Duration::from_micros(microseconds), write).await;
    }
    let last = desk.ticket("last").await;
    let made = desk.store.tickets(desk.project, Archived::Shown).await.unwrap();
    assert_eq!(made.len(), last.number() as usize, "every key that was issued has its ticket");
    for ticket in made {
        assert_eq!(heard(&desk.store, &mut changes).await, Change::Ticket { project: desk.project, key: ticket.key }, "and was announced");
    }
}

async fn nothing_is_announced_that_was_not_committed() {
    let desk = Desk::new().await;
    let mut changes = desk.store.subscribe();
    let mut writing = desk.store.writing().await.unwrap();
    writing.announce(Change::Settings);
    drop(writing);
    assert!(desk.store.delete_ticket(&key("LUM-99"), 1).await.is_err());
    desk.store.set_cursor("c", "1").await.unwrap();
    assert!(silent(&desk.store, &mut changes));
}

async fn watching_ends_with_the_last_subscriber_and_with_the_store() {
    let desk = Desk::new().await;
    let first = desk.store.subscribe();
    let second = desk.store.subscribe();
    assert_eq!(desk.store.inner.changes.receiver_count(), 2);
    drop((first, second));
    let inner = std::sync::Arc::downgrade(&desk.store.inner);
    let mut again = desk.store.subscribe();
    drop(desk);
    // The task holds the store only while it looks, so the channel closes.
    let closed = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = again.recv().await {
                break;
            }
        }
    });
    closed.await.unwrap();
    assert!(inner.upgrade().is_none());
}

async fn a_column_that_is_nearly_full_takes_one_of_many() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let statuses = |list: &[Status]| list.to_vec();
    let columns = [
        Column { name: "Open".into(), statuses: statuses(&[Status::Todo, Status::InProgress, Status::PrOpen]), wip_limit: None },
        Column { name: "Merged".into(), statuses: statuses(&[Status::Merged]), wip_limit: Some(3) },
        Column { name: "Done".into(), statuses: statuses(&[Status::Done]), wip_limit: None },
    ];
    let mut keys = Vec::new();
    for number in 0..8 {
        let key = desk.started(&format!("ticket {number}")).await;
        let merged = pull_request(number, &key, PullRequestStatus::Completed, 11);
        let rules = IngestRules { done_on_merge: true };
        desk.store.ingest(desk.project, &[merged], Listing::Some, crate::domain::pull_request::Source::Poll, &rules, at(12)).await.unwrap();
        assert_eq!(desk.status(&key).await, Status::Done);
        keys.push(key);
    }
    let mut moves = Vec::new();
    for (index, key) in keys.iter().cloned().enumerate() {
        let (store, columns) = (if index % 2 == 0 { desk.store.clone() } else { other.clone() }, columns.clone());
        moves.push(tokio::spawn(async move { store.move_by_hand(&key, Status::Merged, &columns, at(20)).await }));
    }
    let mut moved = 0;
    for outcome in moves {
        match outcome.await.unwrap() {
            Ok(applied) => {
                assert!(matches!(applied.transition, Transition::To { .. }));
                moved += 1;
            }
            Err(Error::Refused { text, .. }) => assert_eq!(text, "Merged is full: 3 of 3"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(moved, 3);
}

async fn whoever_starts_second_does_not_take_the_ticket_away() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let key = desk.ticket("A").await;
    let branch = format!("feature/{key}");
    let (one, two) = tokio::join!(
        desk.store.start_ticket(&key, desk.repository, &branch, Some(desk.ada), at(2)),
        other.start_ticket(&key, desk.repository, &branch, Some(desk.grace), at(2)),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let first = if one.transition == Transition::Same { &two } else { &one };
    assert!(matches!(first.transition, Transition::To { .. }));
    let ticket = desk.store.ticket(&key).await.unwrap().unwrap();
    assert_eq!(ticket, first.ticket, "the second changed nothing");
}

async fn everybody_at_once_loses_nothing() {
    let desk = Desk::new().await;
    let stores = [desk.store.clone(), Store::open(&desk.location()).await.unwrap(), Store::open(&desk.location()).await.unwrap()];
    let key = desk.ticket("A").await;
    let mut tasks = Vec::new();
    for number in 0..60_usize {
        let store = stores[number % 3].clone();
        let key = key.clone();
        tasks.push(tokio::spawn(async move {
            // Each adds a label on top of what it read, again and again until nobody was faster.
            loop {
                let ticket = store.ticket(&key).await.unwrap().unwrap();
                let mut labels = ticket.labels.clone();
                labels.push(format!("label-{number}"));
                let change = TicketChange { labels: Some(labels), ..TicketChange::default() };
                match store.update_ticket(&key, ticket.version, &change, at(3)).await {
                    Ok(_) => return,
                    Err(Error::VersionConflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let ticket = desk.store.ticket(&key).await.unwrap().unwrap();
    assert_eq!((ticket.labels.len(), ticket.version), (60, 61), "no label was lost, and no version was used twice");
}

on_both!(
    two_stores_never_issue_the_same_key,
    a_column_that_is_nearly_full_takes_one_of_many,
    whoever_starts_second_does_not_take_the_ticket_away,
    everybody_at_once_loses_nothing,
    of_two_changes_to_one_version_one_wins,
    of_two_starts_with_two_branches_one_wins_and_the_other_is_told,
    two_programs_may_make_the_store_at_the_same_moment,
    a_write_given_up_half_way_happened_or_did_not_and_the_store_goes_on,
    nothing_is_announced_that_was_not_committed,
    watching_ends_with_the_last_subscriber_and_with_the_store,
);
