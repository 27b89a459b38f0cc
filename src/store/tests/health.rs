//! Leases, reconciliations, and what is read of a project's webhooks.

use super::*;
use crate::domain::health::{Live, Reconciled};
use crate::domain::hook::Purpose;

/// A row as registration leaves it.
async fn subscribe(desk: &Desk, id: i64, purpose: Purpose, state: &str) {
    let mut writing = desk.store.writing().await.unwrap();
    sqlx::query(
        "INSERT INTO subscriptions (id, project, purpose, remote, url, inputs, state, created_at) VALUES ($1, $2, $3, $4, 'u', '{}', $5, 0)",
    )
    .bind(id)
    .bind(desk.project.0)
    .bind(purpose.word())
    .bind(format!("remote-{id}"))
    .bind(state)
    .execute(writing.conn())
    .await
    .unwrap();
    desk.store.commit(writing).await.unwrap();
}

async fn subscribe_all(desk: &Desk) {
    for (id, purpose) in Purpose::ALL.into_iter().filter(|purpose| purpose.moves_cards()).enumerate() {
        subscribe(desk, i64::try_from(id).unwrap() + 1, purpose, "enabled").await;
    }
}

async fn deliver(desk: &Desk, id: i64, subscription: &str, notification: i64, state: &str, at: Timestamp) {
    let mut writing = desk.store.writing().await.unwrap();
    sqlx::query(
        "INSERT INTO deliveries (id, project, dedupe, subscription, notification, received_at, bytes, state, tries, not_before) \
         VALUES ($1, $2, $3, $4, $5, $6, 2, $7, 0, 0)",
    )
    .bind(id)
    .bind(desk.project.0)
    .bind(format!("{id}"))
    .bind(subscription)
    .bind(notification)
    .bind(at.as_millisecond())
    .bind(state)
    .execute(writing.conn())
    .await
    .unwrap();
    sqlx::query("INSERT INTO delivery_bodies (delivery, body) VALUES ($1, $2)")
        .bind(id)
        .bind(id.to_string().into_bytes())
        .execute(writing.conn())
        .await
        .unwrap();
    desk.store.commit(writing).await.unwrap();
}

async fn shown_secret(desk: &Desk) {
    let mut writing = desk.store.writing().await.unwrap();
    sqlx::query("INSERT INTO hook_secrets (id, project, digest, created_at) VALUES (1, $1, 'd', 0)")
        .bind(desk.project.0)
        .execute(writing.conn())
        .await
        .unwrap();
    desk.store.commit(writing).await.unwrap();
}

fn done(minute: i64, healed: i64) -> Reconciliation {
    Reconciliation { attempted_at: at(minute), outcome: Ok(healed) }
}

async fn one_holder_has_a_lease_until_it_ends_or_lets_go() {
    let desk = Desk::new().await;
    let hold = async |holder: &str, until, now| desk.store.hold_lease("reconcile:1", holder, None, at(until), at(now)).await.unwrap();
    assert!(hold("a", 10, 0).await);
    assert!(!hold("b", 15, 5).await, "somebody else holds it");
    assert!(hold("a", 20, 9).await, "the holder may hold on");
    assert!(!hold("b", 25, 15).await);
    assert!(hold("b", 30, 20).await, "it has ended");
    desk.store.release_lease("reconcile:1", "a", at(21)).await.unwrap();
    assert!(!hold("a", 40, 22).await, "nobody lets go of another's");
    desk.store.release_lease("reconcile:1", "b", at(23)).await.unwrap();
    assert!(hold("a", 40, 23).await);
}

async fn leases_are_listed_by_how_their_names_begin_while_they_hold() {
    let desk = Desk::new().await;
    for (name, until) in [("receiver:a", 10), ("receiver:b", 20), ("receiver%", 20), ("reconcile:1", 20)] {
        assert!(desk.store.hold_lease(name, "me", Some("host"), at(until), at(0)).await.unwrap());
    }
    let names =
        async |now| -> Vec<String> { desk.store.leases_like(RECEIVER, at(now)).await.unwrap().into_iter().map(|l| l.name).collect() };
    assert_eq!(names(5).await, ["receiver:a", "receiver:b"]);
    assert_eq!(names(10).await, ["receiver:b"]);
    assert_eq!(desk.store.forget_old_leases(at(11)).await.unwrap(), 0, "when a receiver was last there is remembered");
    assert_eq!(desk.store.forget_old_leases(at(60 * 24 * 31)).await.unwrap(), 4);
}

async fn a_receiver_that_comes_or_goes_is_announced_and_one_that_stays_is_not() {
    let desk = Desk::new().await;
    let mut changes = desk.store.subscribe();
    desk.store.hold_lease("receiver:a", "a", None, at(2), at(0)).await.unwrap();
    desk.store.hold_lease("receiver:a", "a", None, at(3), at(1)).await.unwrap();
    desk.store.hold_lease("reconcile:1", "a", None, at(3), at(1)).await.unwrap();
    desk.store.set_setting("between", "1").await.unwrap();
    desk.store.release_leases_of("a", at(2)).await.unwrap();
    for expected in [Change::Hooks(desk.project), Change::Settings, Change::Hooks(desk.project)] {
        assert_eq!(heard(&desk.store, &mut changes).await, expected);
    }
    assert!(desk.store.hold_lease("reconcile:1", "b", None, at(9), at(2)).await.unwrap(), "it was let go with the others");
}

async fn a_project_is_live_while_a_receiver_is_there_and_every_hook_works() {
    let desk = Desk::new().await;
    let live = async |now| desk.store.live(desk.project, at(now)).await.unwrap();
    assert_eq!(live(1).await, Live::Off);
    subscribe_all(&desk).await;
    assert_eq!(live(1).await, Live::Broken("no receiver".to_owned()));
    desk.store.hold_lease("receiver:a", "a", Some("host 12"), at(10), at(1)).await.unwrap();
    assert_eq!(live(2).await, Live::Now);
    assert_eq!(live(13).await, Live::Broken("no receiver since 3m".to_owned()));

    desk.store.owe_reconciliation(desk.project, "catching up", at(2)).await.unwrap();
    assert_eq!(live(2).await, Live::Broken("catching up".to_owned()));
    desk.store.record_reconciled(desk.project, &done(3, 2)).await.unwrap();
    assert_eq!(live(4).await, Live::Now);
    subscribe(&desk, 50, Purpose::PullRequestVote, "on_probation").await;
    assert_eq!(live(4).await, Live::Now, "another one of that purpose works");
}

async fn a_hook_that_a_person_made_counts_when_it_delivers() {
    let desk = Desk::new().await;
    shown_secret(&desk).await;
    desk.store.hold_lease("receiver:a", "a", None, at(100), at(1)).await.unwrap();
    let live = async |now| desk.store.live(desk.project, at(now)).await.unwrap();
    assert_eq!(live(2).await, Live::Broken("nothing was delivered yet".to_owned()));
    deliver(&desk, 1, "manual", 1, "test", at(1)).await;
    assert_eq!(live(2).await, Live::Broken("nothing was delivered yet".to_owned()), "the Test button is no event");
    deliver(&desk, 2, "manual", 2, "applied", at(1)).await;
    assert_eq!(live(2).await, Live::Now);
}

async fn what_was_healed_is_added_up_and_a_failure_keeps_it() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.reconciled(desk.project).await.unwrap(), Reconciled::default());
    desk.store.record_reconciled(desk.project, &done(1, 2)).await.unwrap();
    desk.store.record_reconciled(desk.project, &done(2, 3)).await.unwrap();
    let failed = Reconciliation { attempted_at: at(3), outcome: Err("offline".to_owned()) };
    desk.store.record_reconciled(desk.project, &failed).await.unwrap();
    let known = desk.store.reconciled(desk.project).await.unwrap();
    let expected =
        Reconciled { attempted_at: Some(at(3)), done_at: Some(at(2)), failed: Some("offline".to_owned()), healed_last: 3, healed_total: 5 };
    assert_eq!(known, expected);
    desk.store.owe_reconciliation(desk.project, "catching up", at(2)).await.unwrap();
    let owed = desk.store.reconciled(desk.project).await.unwrap();
    assert_eq!((owed.attempted_at, owed.done_at), (None, Some(at(2))), "what is owed is due at once");
}

async fn what_came_to_be_owed_while_a_comparison_was_under_way_is_still_owed() {
    let desk = Desk::new().await;
    let failed = async || desk.store.reconciled(desk.project).await.unwrap().failed;
    desk.store.owe_reconciliation(desk.project, "a hook was on probation", at(5)).await.unwrap();
    desk.store.record_reconciled(desk.project, &done(4, 0)).await.unwrap();
    assert_eq!(failed().await.as_deref(), Some("a hook was on probation"));
    desk.store.record_reconciled(desk.project, &done(5, 0)).await.unwrap();
    assert_eq!(failed().await, None);
}

async fn news_are_what_waits_and_what_arrived_since() {
    let desk = Desk::new().await;
    for (id, state, minute) in [(1, "applied", 1), (2, "waiting", 2), (3, "applied", 3), (4, "ignored", 4)] {
        deliver(&desk, id, "remote-1", id, state, at(minute)).await;
    }
    let news = async |limit| desk.store.delivery_news(desk.project, at(4), limit).await.unwrap();
    assert_eq!(news(10).await, [b"4".to_vec(), b"2".to_vec()]);
    assert_eq!(news(1).await, [b"4".to_vec()]);
}

async fn health_counts_deliveries_by_what_became_of_them_and_the_numbers_that_are_missing() {
    let desk = Desk::new().await;
    subscribe_all(&desk).await;
    desk.store.hold_lease("receiver:a", "a", Some("host 12"), at(10), at(1)).await.unwrap();
    let rows = [
        (1, "remote-1", 4, "applied", 1),
        (2, "remote-1", 8, "waiting", 2),
        (3, "remote-1", 5, "dead", 3),
        (4, "remote-2", 1, "parked", 4),
        (5, "remote-2", 2, "quarantined", 3),
        (6, "remote-3", 9, "test", 5),
    ];
    for (id, subscription, notification, state, minute) in rows {
        deliver(&desk, id, subscription, notification, state, at(minute)).await;
    }
    let health = desk.store.hook_health(desk.project, at(5)).await.unwrap();
    assert_eq!((health.waiting, health.dead, health.parked, health.quarantined), (1, 1, 1, 1));
    assert_eq!(health.last_delivery_at, Some(at(5)));
    assert_eq!(health.receivers.iter().map(|receiver| receiver.name.as_str()).collect::<Vec<_>>(), ["host 12"]);
    let sources: Vec<_> = health.sources.iter().map(|s| (s.subscription.as_ref().unwrap().as_str(), s.deliveries, s.gaps)).collect();
    assert_eq!(sources, [("remote-2", 2, 0), ("remote-1", 3, 2)], "the latest first");
    assert_eq!(health.live, Live::Now);
    assert_eq!(health.subscriptions.len(), 6);
}

on_both!(
    one_holder_has_a_lease_until_it_ends_or_lets_go,
    leases_are_listed_by_how_their_names_begin_while_they_hold,
    a_receiver_that_comes_or_goes_is_announced_and_one_that_stays_is_not,
    a_project_is_live_while_a_receiver_is_there_and_every_hook_works,
    a_hook_that_a_person_made_counts_when_it_delivers,
    what_was_healed_is_added_up_and_a_failure_keeps_it,
    what_came_to_be_owed_while_a_comparison_was_under_way_is_still_owed,
    news_are_what_waits_and_what_arrived_since,
    health_counts_deliveries_by_what_became_of_them_and_the_numbers_that_are_missing,
);
