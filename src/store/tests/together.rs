//! Several stores on one file, as several processes have them.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::domain::change::Change;
use crate::domain::status::Transition;
use crate::domain::ticket::Priority;

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_may_make_the_store_at_the_same_moment() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::in_directory(directory.path());
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

#[tokio::test]
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
        assert_eq!(changes.recv().await.unwrap(), Change::Ticket { project: desk.project, key: ticket.key }, "and was announced");
    }
}

#[tokio::test]
async fn nothing_is_announced_that_was_not_committed() {
    let desk = Desk::new().await;
    let mut changes = desk.store.subscribe();
    let mut writing = desk.store.writing().await.unwrap();
    writing.announce(Change::Settings);
    drop(writing);
    assert!(desk.store.delete_ticket(&key("LUM-99"), 1).await.is_err());
    desk.store.set_cursor("c", "1").await.unwrap();
    assert!(changes.try_recv().is_err());
}

#[tokio::test]
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
