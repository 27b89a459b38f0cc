//! Secrets and subscriptions, on real files.

use super::*;
use crate::domain::change::Change;
use crate::domain::hook::{Purpose, SubscriptionState};

fn secret(byte: u8) -> [u8; 32] {
    [byte; 32]
}

impl Desk {
    fn wanted(&self, purpose: Purpose, byte: u8) -> NewSubscription {
        NewSubscription {
            project: self.project,
            purpose,
            url: format!("https://board.example.test/api/webhooks/ado/project-lumen/{}", purpose.word()),
            inputs: r#"{"projectId":"project-lumen"}"#.to_owned(),
            digest: secret(byte),
            identity: Some("Ada".to_owned()),
        }
    }

    async fn accepted(&self, minute: i64) -> Vec<u8> {
        self.store.accepted_secrets(at(minute)).await.unwrap().iter().map(|accepted| accepted.digest[0]).collect()
    }
}

async fn a_rotation_accepts_both_secrets_until_its_overlap_ends() {
    let desk = Desk::new().await;
    desk.store.add_secret(desk.project, &secret(1), None, at(0)).await.unwrap();
    desk.store.rotate_shown_secret(desk.project, &secret(2), at(60), at(10)).await.unwrap();
    assert_eq!(desk.accepted(59).await, [1, 2]);
    assert_eq!(desk.accepted(60).await, [2], "the end itself is past the overlap");
    // Rotating again does not lengthen the first overlap, and drops what has run out.
    desk.store.rotate_shown_secret(desk.project, &secret(3), at(120), at(61)).await.unwrap();
    assert_eq!(desk.accepted(61).await, [2, 3]);
    assert_eq!(desk.store.shown_secrets(desk.project).await.unwrap().len(), 2);
    assert_eq!(desk.store.revoke_shown_secrets(desk.project).await.unwrap(), 2);
    assert!(desk.accepted(61).await.is_empty());
}

async fn expiring_shown_secrets_leaves_those_of_subscriptions() {
    let desk = Desk::new().await;
    desk.store.add_secret(desk.project, &secret(1), None, at(0)).await.unwrap();
    desk.store.begin_subscription(&desk.wanted(Purpose::Push, 2), at(0)).await.unwrap();
    desk.store.rotate_shown_secret(desk.project, &secret(3), at(5), at(0)).await.unwrap();
    assert_eq!(desk.accepted(4).await, [1, 2, 3]);
    assert_eq!(desk.accepted(5).await, [2, 3]);
    desk.store.revoke_shown_secrets(desk.project).await.unwrap();
    assert_eq!(desk.accepted(4).await, [2]);
}

async fn a_subscription_is_written_down_before_it_is_made_and_forgotten_with_its_secret() {
    let desk = Desk::new().await;
    let mut changes = desk.store.subscribe();
    let begun = desk.store.begin_subscription(&desk.wanted(Purpose::PullRequestVote, 7), at(1)).await.unwrap();
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Hooks(desk.project));
    assert_eq!((begun.state, begun.remote.clone()), (SubscriptionState::Making, None));
    assert_eq!(desk.store.accepted_secrets(at(1)).await.unwrap()[0].subscription, Some(begun.id));
    assert_eq!(desk.store.subscription_inputs(begun.id).await.unwrap(), r#"{"projectId":"project-lumen"}"#);

    let remote = Guid::new("5C9A7E0F-0000-4000-8000-000000000001");
    desk.store.made_subscription(begun.id, &remote, at(2)).await.unwrap();
    desk.store.verified_subscription(begun.id, at(3)).await.unwrap();
    desk.store.set_subscription_state(begun.id, SubscriptionState::OnProbation, Some("it failed"), at(4)).await.unwrap();
    let known = desk.store.subscriptions(desk.project).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].remote.as_ref(), known[0].verified_at), (Some(&remote), Some(at(3))));
    assert_eq!((known[0].state, known[0].problem.as_deref()), (SubscriptionState::OnProbation, Some("it failed")));
    assert_eq!((known[0].checked_at, known[0].identity.as_deref()), (Some(at(4)), Some("Ada")));

    desk.store.drop_subscription(begun.id).await.unwrap();
    desk.store.drop_subscription(begun.id).await.unwrap();
    assert!(desk.store.subscriptions(desk.project).await.unwrap().is_empty() && desk.accepted(5).await.is_empty());
}

async fn two_rows_never_stand_for_the_same_subscription() {
    let desk = Desk::new().await;
    let first = desk.store.begin_subscription(&desk.wanted(Purpose::Push, 1), at(1)).await.unwrap();
    let second = desk.store.begin_subscription(&desk.wanted(Purpose::Push, 2), at(1)).await.unwrap();
    let remote = Guid::new("r");
    desk.store.made_subscription(first.id, &remote, at(2)).await.unwrap();
    let error = desk.store.made_subscription(second.id, &remote, at(2)).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::Constraint));
}

async fn a_project_off_the_board_is_hidden_keeps_its_tickets_and_still_knows_its_secrets() {
    let desk = Desk::new().await;
    let key = desk.ticket("Something").await;
    desk.store.add_secret(desk.project, &secret(1), None, at(0)).await.unwrap();
    let hook = desk.store.begin_subscription(&desk.wanted(Purpose::Push, 2), at(0)).await.unwrap();
    desk.store.remove_project(desk.project, at(5)).await.unwrap();

    assert!(desk.store.projects().await.unwrap().is_empty());
    assert_eq!(desk.store.find_project("LUM").await.unwrap(), None);
    assert_eq!(desk.store.removed_projects().await.unwrap()[0].id, desk.project);
    assert!(desk.store.project(desk.project).await.unwrap().is_some(), "who knows its number still finds it");
    assert!(desk.store.accepted_secrets(at(6)).await.unwrap().iter().all(|accepted| accepted.removed));
    assert_eq!(desk.store.removing_subscriptions().await.unwrap()[0].id, hook.id);
    assert_ne!(desk.store.free_prefix("Lumen").await.unwrap(), "LUM", "its keys are not given to another project");

    desk.store.restore_project(desk.project).await.unwrap();
    assert_eq!(desk.store.find_project("LUM").await.unwrap().unwrap().id, desk.project);
    assert!(desk.store.ticket(&key).await.unwrap().is_some());
    assert!(desk.store.accepted_secrets(at(6)).await.unwrap().iter().all(|accepted| !accepted.removed));
    assert!(desk.store.remove_project(ProjectId(99), at(6)).await.is_err());
}

async fn the_digest_is_all_the_file_knows_of_a_secret() {
    let desk = Desk::new().await;
    let words = format!("{:?}", desk.store.accepted_secrets(at(0)).await.unwrap());
    assert!(!words.contains("digest"));
    desk.store.add_secret(desk.project, &secret(0xab), None, at(0)).await.unwrap();
    let accepted = desk.store.accepted_secrets(at(0)).await.unwrap();
    assert!(!format!("{accepted:?}").to_lowercase().contains("abab") && !format!("{accepted:?}").contains("171"));
}

on_both!(
    a_rotation_accepts_both_secrets_until_its_overlap_ends,
    expiring_shown_secrets_leaves_those_of_subscriptions,
    a_subscription_is_written_down_before_it_is_made_and_forgotten_with_its_secret,
    two_rows_never_stand_for_the_same_subscription,
    a_project_off_the_board_is_hidden_keeps_its_tickets_and_still_knows_its_secrets,
    the_digest_is_all_the_file_knows_of_a_secret,
);
