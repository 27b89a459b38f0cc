//! Deliveries: on the disk before anybody is told, one row a notification, claimed by one at a time.

use std::collections::BTreeSet;

use futures_util::poll;
use jiff::SignedDuration;

use super::*;
use crate::domain::hook::DeliveryState;
use connect::Tuning;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn delivery(project: ProjectId, number: i64) -> NewDelivery {
    NewDelivery {
        project,
        dedupe: format!("{project}:sub-1:{number}"),
        purpose: Some("push".to_owned()),
        event_type: Some("git.push".to_owned()),
        event_id: Some(format!("event-{number}")),
        subscription: Some(Guid::new("sub-1")),
        notification: Some(number),
        received_at: at(1),
        body: format!("{{\"number\":{number}}}").into_bytes(),
        state: DeliveryState::Waiting,
        words: None,
    }
}

fn ids(claimed: &[ClaimedDelivery]) -> Vec<i64> {
    claimed.iter().map(|claimed| claimed.delivery.id).collect()
}

async fn rows(store: &Store) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM deliveries").fetch_one(&store.inner.readers).await.unwrap()
}

async fn what_was_kept_is_there_byte_for_byte_after_the_store_was_opened_again() {
    let desk = Desk::new().await;
    let mut bodies = vec![vec![], vec![0, 159, 146, 150, 0], vec![b'x'; 300_000]];
    bodies.push((0..=255).collect());
    let mut changes = desk.store.subscribe();
    for (number, body) in (1..).zip(&bodies) {
        let new = NewDelivery { body: body.clone(), ..delivery(desk.project, number) };
        assert_eq!(desk.store.keep_delivery(new).await.unwrap(), Kept::New(number));
        assert_eq!(heard(&desk.store, &mut changes).await, Change::Deliveries(desk.project));
    }
    desk.store.close().await;
    let store = Store::open(&desk.location()).await.unwrap();
    for (number, body) in (1..).zip(&bodies) {
        assert_eq!(store.delivery_body(number).await.unwrap().as_ref(), Some(body));
    }
    let listed = store.deliveries(Some(desk.project), DeliveryFilter::All, 10).await.unwrap();
    assert_eq!(listed.iter().map(|delivery| (delivery.id, delivery.bytes)).collect::<Vec<_>>(), [(4, 256), (3, 300_000), (2, 5), (1, 0)]);
    assert_eq!(listed[3].event_type.as_deref(), Some("git.push"));
    assert_eq!(store.delivery_body(99).await.unwrap(), None);
}

async fn the_same_notification_a_thousand_times_at_once_is_one_row() {
    let desk = Desk::new().await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (store, new) = (desk.store.clone(), delivery(desk.project, 7));
        callers.spawn(async move { store.keep_delivery(new).await.unwrap() });
    }
    let kept = callers.join_all().await;
    assert_eq!(kept.iter().filter(|kept| matches!(kept, Kept::New(_))).count(), 1);
    assert_eq!(kept.iter().map(|kept| kept.id()).collect::<BTreeSet<_>>().len(), 1, "all are told of the same row");
    assert_eq!(rows(&desk.store).await, 1);
}

async fn callers_at_the_same_time_share_their_commits() {
    let desk = Desk::new().await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 1..=1_000 {
        let (store, new) = (desk.store.clone(), delivery(desk.project, number));
        callers.spawn(async move { store.keep_delivery(new).await.unwrap().id() });
    }
    let ids: BTreeSet<i64> = callers.join_all().await.into_iter().collect();
    assert_eq!(ids, (1..=1_000).collect(), "each has its own row, and no number is left out");
    let figures = desk.store.inbox();
    assert_eq!((figures.rows, figures.waiting, figures.failures), (1_000, 0, 0));
    assert!(figures.commits <= 100, "{figures:?}");
}

#[tokio::test]
async fn a_full_inbox_refuses_at_once_and_takes_again_when_there_is_room() {
    let desk = Desk::new().await;
    let held = desk.store.writing().await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for number in 1..=3_000 {
        let (store, new) = (desk.store.clone(), delivery(desk.project, number));
        callers.spawn(async move { store.keep_delivery(new).await });
    }
    let refused = callers.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(refused.kind(), Some(&Trouble::Busy), "{refused}");
    drop(held);
    let (mut kept, mut busy) = (0, 1);
    while let Some(outcome) = callers.join_next().await {
        match outcome.unwrap() {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_eq!(error.kind(), Some(&Trouble::Busy), "{error}");
                busy += 1;
            }
        }
    }
    assert!(kept >= 2_048 && kept + busy == 3_000, "{kept} kept, {busy} refused");
    assert_eq!(rows(&desk.store).await, kept, "what was refused left no row");
    assert!(matches!(desk.store.keep_delivery(delivery(desk.project, 4_000)).await.unwrap(), Kept::New(_)));
}

async fn a_row_that_the_database_refuses_does_not_take_its_neighbours_with_it() {
    let desk = Desk::new().await;
    let nobodys = ProjectId(999);
    let mut callers: Vec<_> = (1..)
        .zip([desk.project, desk.project, nobodys, desk.project])
        .map(|(number, project)| Box::pin(desk.store.keep_delivery(delivery(project, number))))
        .collect();
    for caller in &mut callers {
        assert!(poll!(caller).is_pending(), "all are in the queue before the first is written");
    }
    let mut outcomes = Vec::new();
    for caller in callers {
        outcomes.push(caller.await.map_err(|error| error.kind().cloned()));
    }
    assert_eq!(outcomes[2], Err(Some(Trouble::Constraint)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3, "{outcomes:?}");
    assert_eq!(rows(&desk.store).await, 3);
}

async fn a_caller_who_stops_waiting_does_not_undo_the_row() {
    let desk = Desk::new().await;
    let mut caller = Box::pin(desk.store.keep_delivery(delivery(desk.project, 1)));
    assert!(poll!(&mut caller).is_pending());
    drop(caller);
    assert_eq!(desk.store.keep_delivery(delivery(desk.project, 1)).await.unwrap(), Kept::Again(1));
}

#[tokio::test]
async fn a_locked_store_and_a_full_disk_are_errors_and_leave_no_row() {
    let desk = Desk::new().await;
    let impatient = Tuning { busy_timeout_ms: 30, ..Tuning::default() };
    let store = Store::open_tuned(&desk.location(), impatient).await.unwrap();
    let held = desk.store.writing().await.unwrap();
    let error = store.keep_delivery(delivery(desk.project, 1)).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::Locked), "{error}");
    drop(held);
    desk.store.set_cursor("c", "1").await.unwrap();
    assert_eq!(store.keep_delivery(delivery(desk.project, 1)).await.unwrap(), Kept::New(1));
    store.close().await;

    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&desk.store.inner.writer).await.unwrap();
    let narrow = Tuning { max_pages: Some(u32::try_from(pages).unwrap() + 4), ..Tuning::default() };
    let store = Store::open_tuned(&desk.location(), narrow).await.unwrap();
    let large = |number| NewDelivery { body: vec![b'x'; 100_000], ..delivery(desk.project, number) };
    let error = store.keep_delivery(large(2)).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::DiskFull), "{error}");
    assert_eq!(rows(&store).await, 1);
    store.close().await;
    // Room again: the same delivery is taken.
    let store = Store::open(&desk.location()).await.unwrap();
    assert_eq!(store.keep_delivery(large(2)).await.unwrap(), Kept::New(2));
}

async fn a_delivery_is_claimed_by_one_at_a_time_and_again_when_the_claim_ran_out() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for number in 1..=5 {
        store.keep_delivery(delivery(desk.project, number)).await.unwrap();
    }
    assert_eq!(store.next_due().await.unwrap(), Some(at(1)));
    let first = store.claim_deliveries("a", 2, MINUTE, at(2)).await.unwrap();
    assert_eq!(ids(&first), [1, 2]);
    assert_eq!(first[1].body, b"{\"number\":2}");
    let second = store.claim_deliveries("b", 10, MINUTE, at(2)).await.unwrap();
    assert_eq!(ids(&second), [3, 4, 5]);
    assert!(store.claim_deliveries("c", 10, MINUTE, at(2)).await.unwrap().is_empty());
    assert_eq!(store.next_due().await.unwrap(), Some(at(3)), "when the claims run out");

    let settled = |id, state| Settled { id, state, words: Some("done".to_owned()) };
    store.settle_deliveries(&[settled(1, DeliveryState::Applied), settled(3, DeliveryState::Dead)], at(2)).await.unwrap();
    store.postpone_delivery(4, "the server was away", at(9)).await.unwrap();
    assert_eq!(ids(&store.claim_deliveries("c", 10, MINUTE, at(3)).await.unwrap()), [2, 5], "the claims ran out");
    assert!(store.claim_deliveries("c", 10, MINUTE, at(3)).await.unwrap().is_empty());
    store.settle_deliveries(&[settled(2, DeliveryState::Ignored), settled(5, DeliveryState::Parked)], at(3)).await.unwrap();
    // Whoever held the first claim is late: what was settled stays so.
    store.settle_deliveries(&[settled(2, DeliveryState::Dead)], at(4)).await.unwrap();
    store.postpone_delivery(5, "late", at(4)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(9)));

    let listed = store.deliveries(None, DeliveryFilter::All, 10).await.unwrap();
    let states: Vec<_> = listed.iter().map(|delivery| (delivery.id, delivery.state, delivery.tries)).collect();
    use DeliveryState::{Applied, Dead, Ignored, Parked, Waiting};
    assert_eq!(states, [(5, Parked, 0), (4, Waiting, 1), (3, Dead, 0), (2, Ignored, 0), (1, Applied, 0)]);
    assert_eq!(listed[1].words.as_deref(), Some("the server was away"));
    let problems = store.deliveries(Some(desk.project), DeliveryFilter::Problems, 10).await.unwrap();
    assert_eq!(problems.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [5, 3]);
    let counts = store.delivery_counts(desk.project).await.unwrap();
    assert_eq!(counts, DeliveryCounts { waiting: 1, dead: 1, parked: 1, quarantined: 0, last_at: Some(at(1)) });
}

async fn a_replayed_delivery_waits_again_but_a_strangers_never_does() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for (number, state) in (1..).zip([DeliveryState::Dead, DeliveryState::Quarantined, DeliveryState::Test, DeliveryState::Waiting]) {
        store.keep_delivery(NewDelivery { state, ..delivery(desk.project, number) }).await.unwrap();
    }
    let mut replayed = Vec::new();
    for id in 1..=5 {
        replayed.push(store.replay_delivery(id, at(5)).await.unwrap());
    }
    assert_eq!(replayed, [true, false, false, false, false]);
    assert_eq!(
        ids(&store.claim_deliveries("a", 10, MINUTE, at(5)).await.unwrap()),
        [4, 1].into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
}

async fn what_was_settled_is_swept_out_and_what_went_wrong_stays_longer() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for number in 1..=1_200 {
        let state = match number {
            1 => DeliveryState::Dead,
            2 => DeliveryState::Waiting,
            _ => DeliveryState::Test,
        };
        store.keep_delivery(NewDelivery { state, ..delivery(desk.project, number) }).await.unwrap();
    }
    assert_eq!(store.prune_deliveries(at(1)).await.unwrap(), 0);
    assert_eq!(store.prune_deliveries(at(2)).await.unwrap(), 1_198);
    assert_eq!(rows(store).await, 2);
    assert_eq!(store.delivery_body(3).await.unwrap(), None);
    assert_eq!(store.prune_deliveries(at(2 + 31 * 24 * 60)).await.unwrap(), 1);
    assert_eq!(store.deliveries(None, DeliveryFilter::All, 10).await.unwrap()[0].id, 2, "what waits is never swept out");
}

async fn numbers_that_are_missing_between_notifications_are_counted() {
    let desk = Desk::new().await;
    let store = &desk.store;
    for number in [3, 4, 7, i64::MAX] {
        let subscription = Some(Guid::new(if number == i64::MAX { "odd" } else { "sub-1" }));
        store.keep_delivery(NewDelivery { subscription, ..delivery(desk.project, number) }).await.unwrap();
    }
    let odd = NewDelivery { subscription: Some(Guid::new("odd")), received_at: at(3), ..delivery(desk.project, i64::MIN) };
    store.keep_delivery(odd).await.unwrap();
    let bare = NewDelivery { subscription: None, notification: None, received_at: at(2), ..delivery(desk.project, 8) };
    store.keep_delivery(bare).await.unwrap();
    let sources = store.delivery_sources(desk.project).await.unwrap();
    let found: Vec<_> = sources
        .iter()
        .map(|source| (source.subscription.as_ref().map(|guid| guid.to_string()), source.deliveries, source.gaps, source.last_at))
        .collect();
    assert_eq!(found, [(Some("odd".to_owned()), 2, i64::MAX - 2, at(3)), (None, 1, 0, at(2)), (Some("sub-1".to_owned()), 3, 2, at(1)),]);
}

on_both!(
    what_was_kept_is_there_byte_for_byte_after_the_store_was_opened_again,
    the_same_notification_a_thousand_times_at_once_is_one_row,
    callers_at_the_same_time_share_their_commits,
    a_row_that_the_database_refuses_does_not_take_its_neighbours_with_it,
    a_caller_who_stops_waiting_does_not_undo_the_row,
    a_delivery_is_claimed_by_one_at_a_time_and_again_when_the_claim_ran_out,
    a_replayed_delivery_waits_again_but_a_strangers_never_does,
    what_was_settled_is_swept_out_and_what_went_wrong_stays_longer,
    numbers_that_are_missing_between_notifications_are_counted,
);
