//! Finding tickets by branch and pull request, and looks at a branch that race with pushes.

use super::*;
use crate::domain::id::ObjectId;
use crate::domain::pull_request::Source;
use crate::domain::ticket::SpecBadge;

fn object(digit: &str) -> ObjectId {
    ObjectId::new(digit.repeat(40))
}

async fn a_ticket_is_found_by_its_branch_and_by_what_it_follows() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let branch = format!("feature/{key}");
    assert_eq!(desk.store.ticket_of_branch(desk.repository, &branch).await.unwrap(), Some(key.clone()));
    assert_eq!(desk.store.ticket_of_branch(desk.other_repository, &branch).await.unwrap(), None);
    assert_eq!(desk.store.ticket_of_branch(desk.repository, "main").await.unwrap(), None);

    assert_eq!(desk.store.followed_in(desk.project, 3).await.unwrap(), []);
    let open = [pull_request(3, &key, PullRequestStatus::Active, 11)];
    desk.store.ingest(desk.project, &open, Listing::Some, Source::Hook, &IngestRules::default(), at(12)).await.unwrap();
    assert_eq!(desk.store.followed_in(desk.project, 3).await.unwrap(), [desk.repository]);
    assert_eq!(desk.store.followed_in(desk.project, 4).await.unwrap(), []);
}

async fn a_look_at_a_branch_that_a_push_overtook_changes_nothing() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let store = &desk.store;
    store.record_spec_pushed(&key, "one", &object("a"), at(1)).await.unwrap();
    let before = store.spec(&key).await.unwrap();
    // Looked at now, told after the next push.
    store.record_spec_pushed(&key, "two", &object("b"), at(2)).await.unwrap();
    assert_eq!(store.record_spec_found(&key, &before, Some(&object("a"))).await.unwrap(), BranchFound::Overtaken);
    assert_eq!(store.spec(&key).await.unwrap().remote_object, Some(object("b")));

    let before = store.spec(&key).await.unwrap();
    assert_eq!(store.record_spec_found(&key, &before, Some(&object("b"))).await.unwrap(), BranchFound::Known);
    let BranchFound::New(state) = store.record_spec_found(&key, &before, Some(&object("c"))).await.unwrap() else { panic!() };
    assert_eq!(state.badge(), SpecBadge::ChangedOnBranch);
    assert_eq!(store.board(desk.project, None).await.unwrap().cards[0].spec, SpecBadge::ChangedOnBranch);
}

on_both!(a_ticket_is_found_by_its_branch_and_by_what_it_follows, a_look_at_a_branch_that_a_push_overtook_changes_nothing,);
