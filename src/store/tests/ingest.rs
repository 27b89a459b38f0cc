//! The rules of following pull requests, one by one, through the real door.

use super::*;
use crate::domain::pull_request::Source;
use PullRequestStatus::{Abandoned, Active, Completed, Unknown};

impl Desk {
    async fn take_in(&self, facts: &[fact::PullRequest], minute: i64) -> Ingested {
        self.store.ingest(self.project, facts, Listing::Some, Source::Poll, &IngestRules::default(), at(minute)).await.unwrap()
    }

    /// A complete listing of the active ones, asked for at a minute.
    async fn poll(&self, facts: &[fact::PullRequest], minute: i64) -> Ingested {
        let listing = Listing::ActiveComplete { since_poll: at(minute) };
        self.store.ingest(self.project, facts, listing, Source::Poll, &IngestRules::default(), at(minute)).await.unwrap()
    }

    async fn linked(&self, key: &TicketKey) -> Option<i64> {
        self.store.ticket(key).await.unwrap().unwrap().pull_request.map(|followed| followed.number)
    }
}

async fn an_active_pull_request_from_the_branch_is_adopted_whoever_opened_it() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let mut theirs = pull_request(3, &key, Active, 5);
    theirs.author = identity("Stranger");
    theirs.is_draft = true;
    desk.poll(&[theirs], 11).await;
    assert_eq!((desk.status(&key).await, desk.linked(&key).await), (Status::PrOpen, Some(3)));
    let board = desk.store.board(desk.project, None).await.unwrap();
    assert!(board.cards[0].pull_request.as_ref().unwrap().is_draft);
}

async fn a_pull_request_known_before_the_work_started_is_adopted_at_the_next_look() {
    let desk = Desk::new().await;
    let key = desk.ticket("A").await;
    let early = pull_request(3, &key, Active, 5);
    assert!(desk.poll(std::slice::from_ref(&early), 6).await.moved.is_empty(), "nothing is followed before the start");
    desk.store.start_ticket(&key, desk.repository, &format!("feature/{key}"), None, at(10)).await.unwrap();
    let ingested = desk.poll(&[early], 11).await;
    assert!(ingested.changed.is_empty(), "the fact is an old one");
    assert_eq!(ingested.moved.len(), 1);
    assert_eq!(desk.linked(&key).await, Some(3));
}

async fn the_branch_of_another_repository_or_another_name_is_not_the_tickets() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let elsewhere = fact::PullRequest { repository: Guid::new("repo-web"), ..pull_request(1, &key, Active, 11) };
    let other_case = fact::PullRequest { source_branch: format!("Feature/{key}"), ..pull_request(2, &key, Active, 11) };
    let other_project = fact::PullRequest { project: Some(Guid::new("project-other")), ..pull_request(3, &key, Active, 11) };
    let ingested = desk.poll(&[elsewhere, other_case, other_project], 12).await;
    assert!(ingested.moved.is_empty());
    assert_eq!(ingested.changed.len(), 2, "facts of another project stay outside");
}

async fn of_several_active_pull_requests_the_newest_is_followed() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    let ingested = desk.poll(&[pull_request(3, &key, Active, 11), pull_request(4, &key, Active, 13)], 14).await;
    assert_eq!(desk.linked(&key).await, Some(4));
    let (moved, from, to, notice) = &ingested.moved[0];
    assert_eq!((moved, *from, *to), (&key, Status::PrOpen, Status::PrOpen));
    assert!(notice.as_ref().unwrap().contains('4'));
    assert!(desk.poll(&[pull_request(3, &key, Active, 11), pull_request(4, &key, Active, 13)], 15).await.moved.is_empty());

    // The newest is abandoned: the older one, still active, is followed again, and the ticket stays open.
    desk.take_in(&[pull_request(4, &key, Abandoned, 13)], 16).await;
    assert_eq!((desk.status(&key).await, desk.linked(&key).await), (Status::PrOpen, Some(3)));
}

async fn an_abandoned_pull_request_returns_the_ticket_and_a_reactivated_one_opens_it_again() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    desk.take_in(&[pull_request(3, &key, Abandoned, 11)], 13).await;
    let ticket = desk.store.ticket(&key).await.unwrap().unwrap();
    assert_eq!((ticket.status, ticket.notice.as_deref()), (Status::InProgress, Some("pull request 3 was abandoned")));
    assert_eq!(ticket.times.started_at, Some(at(10)), "work did not start anew");
    assert!(desk.take_in(&[pull_request(3, &key, Abandoned, 11)], 14).await.moved.is_empty(), "the same twice is the same as once");
    desk.take_in(&[pull_request(3, &key, Active, 11)], 15).await;
    let ticket = desk.store.ticket(&key).await.unwrap().unwrap();
    assert_eq!((ticket.status, ticket.notice), (Status::PrOpen, None));
}

async fn only_the_status_completed_merges() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    let mut merged_looking = pull_request(3, &key, Active, 11);
    merged_looking.closed_at = Some(at(13));
    merged_looking.merge_commit = Some(crate::domain::id::ObjectId::new("a".repeat(40)));
    desk.take_in(&[merged_looking], 13).await;
    assert_eq!(desk.status(&key).await, Status::PrOpen);
    desk.take_in(&[pull_request(3, &key, Unknown, 11)], 14).await;
    assert_eq!((desk.status(&key).await, desk.linked(&key).await), (Status::PrOpen, Some(3)), "an unknown status changes nothing");
    desk.take_in(&[pull_request(3, &key, Completed, 11)], 15).await;
    assert_eq!(desk.status(&key).await, Status::Merged);
}

async fn a_missing_row_is_reported_and_never_means_merged() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    for minute in [13, 14] {
        let ingested = desk.poll(&[], minute).await;
        assert_eq!(ingested.missing_active, [(desk.repository, 3)]);
        assert!(ingested.moved.is_empty());
        assert_eq!(desk.status(&key).await, Status::PrOpen);
    }
    assert!(desk.take_in(&[], 15).await.missing_active.is_empty(), "only a complete listing can miss one");
}

async fn a_pull_request_opened_while_a_listing_was_under_way_is_not_missing_from_it() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.take_in(&[pull_request(3, &key, Active, 11)], 13).await;
    assert!(desk.poll(&[], 12).await.missing_active.is_empty());
    assert_eq!(desk.poll(&[], 14).await.missing_active.len(), 1);
}

async fn a_pull_request_completed_between_two_looks_is_adopted_if_it_is_younger_than_the_work() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.take_in(&[pull_request(2, &key, Completed, 9)], 20).await;
    assert_eq!(desk.status(&key).await, Status::InProgress, "it is of an earlier use of the branch");
    desk.take_in(&[pull_request(3, &key, Completed, 11)], 21).await;
    assert_eq!((desk.status(&key).await, desk.linked(&key).await), (Status::Merged, Some(3)));
}

async fn abandoned_and_replaced_by_a_completed_one_between_two_looks_is_merged() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    let ingested = desk.take_in(&[pull_request(4, &key, Completed, 13), pull_request(3, &key, Abandoned, 11)], 20).await;
    let path: Vec<Status> = ingested.moved.iter().map(|(_, _, to, _)| *to).collect();
    assert_eq!(path, [Status::InProgress, Status::Merged]);
    assert_eq!(desk.linked(&key).await, Some(4));
}

async fn older_facts_never_replace_newer_ones() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    desk.take_in(&[pull_request(3, &key, Abandoned, 11)], 20).await;
    let late = desk.poll(&[pull_request(3, &key, Active, 11)], 15).await;
    assert!(late.changed.is_empty() && late.moved.is_empty());
    assert_eq!(desk.status(&key).await, Status::InProgress);
    let known = desk.store.pull_request(desk.repository, 3).await.unwrap().unwrap();
    assert_eq!((known.facts.status, known.seen_at), (Abandoned, at(20)));

    // Completed is final, even when the clocks disagree.
    desk.take_in(&[pull_request(3, &key, Completed, 11)], 21).await;
    desk.take_in(&[pull_request(3, &key, Active, 11)], 22).await;
    assert_eq!(desk.store.pull_request(desk.repository, 3).await.unwrap().unwrap().facts.status, Completed);
}

async fn the_order_of_the_facts_does_not_matter() {
    let facts = |key: &TicketKey| [pull_request(3, key, Abandoned, 11), pull_request(4, key, Active, 12), pull_request(5, key, Active, 13)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let desk = Desk::new().await;
        let key = desk.started("A").await;
        for (step, index) in order.into_iter().enumerate() {
            desk.take_in(&[facts(&key)[index].clone()], 20 + i64::try_from(step).unwrap()).await;
        }
        assert_eq!((desk.status(&key).await, desk.linked(&key).await), (Status::PrOpen, Some(5)), "{order:?}");
    }
}

async fn a_description_cut_by_a_listing_does_not_replace_the_whole_one() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let whole = "é".repeat(1_000);
    let get = fact::PullRequest { description: whole.clone(), ..pull_request(3, &key, Active, 11) };
    let row = fact::PullRequest { description: "é".repeat(400), ..pull_request(3, &key, Active, 11) };
    desk.take_in(&[get], 12).await;
    assert!(desk.poll(&[row], 13).await.changed.is_empty());
    assert_eq!(desk.store.pull_request(desk.repository, 3).await.unwrap().unwrap().facts.description, whole);
    let edited = fact::PullRequest { description: "short now".to_owned(), ..pull_request(3, &key, Active, 11) };
    assert_eq!(desk.poll(&[edited], 14).await.changed.len(), 1);
}

async fn a_push_makes_the_known_checks_due_again() {
    use crate::domain::id::ObjectId;
    use crate::domain::pull_request::Checks;
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let mut fact = pull_request(3, &key, Active, 11);
    fact.source_commit = Some(ObjectId::new("a".repeat(40)));
    desk.poll(&[fact.clone()], 12).await;
    let checks = Checks { passed: 1, ..Checks::default() };
    desk.store.put_pull_request_detail(desk.repository, 3, Some(checks), None, at(13)).await.unwrap();
    desk.poll(&[fact.clone()], 14).await;
    assert_eq!(desk.store.pull_request(desk.repository, 3).await.unwrap().unwrap().detail_at, Some(at(13)));
    fact.source_commit = Some(ObjectId::new("b".repeat(40)));
    desk.poll(&[fact], 15).await;
    let known = desk.store.pull_request(desk.repository, 3).await.unwrap().unwrap();
    assert_eq!((known.detail_at, known.checks), (None, Some(checks)));
}

async fn a_repository_nobody_listed_gets_an_unlinked_row() {
    let desk = Desk::new().await;
    let key = key("LUM-9");
    let new = fact::PullRequest { repository: Guid::new("repo-new"), repository_name: "new".into(), ..pull_request(1, &key, Active, 1) };
    desk.poll(&[new], 2).await;
    let repositories = desk.store.repositories(desk.project).await.unwrap();
    let found = repositories.iter().find(|repository| repository.name == "new").unwrap();
    assert!(!found.linked);
    let known = desk.store.pull_requests(desk.project, &PullRequestFilter::active()).await.unwrap();
    assert_eq!((known.len(), known[0].repository_name.as_str()), (1, "new"));
}

async fn pull_requests_are_found_by_status_author_reviewer_and_branch() {
    use crate::domain::pull_request::{Reviewer, Vote};
    let desk = Desk::new().await;
    let key = key("LUM-9");
    let mut second = pull_request(2, &key, Active, 2);
    second.author = identity("Grace");
    second.reviewers = vec![Reviewer { identity: identity("Ada"), vote: Vote::None, required: false, is_group: false }];
    desk.take_in(&[pull_request(1, &key, Active, 1), second, pull_request(3, &key, Completed, 3)], 4).await;
    let numbers = |filter: PullRequestFilter| {
        let desk = &desk;
        async move {
            let found = desk.store.pull_requests(desk.project, &filter).await.unwrap();
            found.iter().map(|known| known.facts.number).collect::<Vec<_>>()
        }
    };
    assert_eq!(numbers(PullRequestFilter::default()).await, [3, 2, 1], "newest first");
    assert_eq!(numbers(PullRequestFilter::active()).await, [2, 1]);
    assert_eq!(numbers(PullRequestFilter { author: Some(identity("Grace").id), ..PullRequestFilter::default() }).await, [2]);
    assert_eq!(numbers(PullRequestFilter { reviewer: Some(identity("Ada").id), ..PullRequestFilter::active() }).await, [2]);
    let of_branch = desk.store.pull_requests_of_branch(desk.repository, "feature/LUM-9").await.unwrap();
    assert_eq!(of_branch.len(), 3);
}

async fn started_work_without_a_pull_request_is_known_as_such() {
    let desk = Desk::new().await;
    assert!(!desk.store.has_started_without_pull_request(desk.project).await.unwrap());
    let key = desk.started("A").await;
    assert!(desk.store.has_started_without_pull_request(desk.project).await.unwrap());
    desk.poll(&[pull_request(3, &key, Active, 11)], 12).await;
    assert!(!desk.store.has_started_without_pull_request(desk.project).await.unwrap());
    desk.take_in(&[pull_request(3, &key, Abandoned, 11)], 13).await;
    assert!(desk.store.has_started_without_pull_request(desk.project).await.unwrap(), "another one may come and be merged unseen");
}

async fn who_follows_a_pull_request_is_found_without_reading_the_tickets() {
    use crate::domain::ticket::PullRequestRef;
    let desk = Desk::new().await;
    let (first, _, third) = (desk.started("A").await, desk.started("B").await, desk.started("C").await);
    desk.poll(&[pull_request(1, &first, Active, 11), pull_request(2, &third, Active, 11)], 12).await;
    let version = desk.store.ticket(&third).await.unwrap().unwrap().version;
    let archived = TicketChange { archived: Some(true), ..TicketChange::default() };
    desk.store.update_ticket(&third, version, &archived, at(13)).await.unwrap();
    let followers = desk.store.followers(desk.project).await.unwrap();
    assert_eq!(followers.into_iter().collect::<Vec<_>>(), [(PullRequestRef { repository: desk.repository, number: 1 }, first)]);
}

on_both!(
    an_active_pull_request_from_the_branch_is_adopted_whoever_opened_it,
    a_pull_request_known_before_the_work_started_is_adopted_at_the_next_look,
    the_branch_of_another_repository_or_another_name_is_not_the_tickets,
    of_several_active_pull_requests_the_newest_is_followed,
    an_abandoned_pull_request_returns_the_ticket_and_a_reactivated_one_opens_it_again,
    only_the_status_completed_merges,
    a_missing_row_is_reported_and_never_means_merged,
    a_pull_request_opened_while_a_listing_was_under_way_is_not_missing_from_it,
    a_pull_request_completed_between_two_looks_is_adopted_if_it_is_younger_than_the_work,
    abandoned_and_replaced_by_a_completed_one_between_two_looks_is_merged,
    older_facts_never_replace_newer_ones,
    the_order_of_the_facts_does_not_matter,
    a_description_cut_by_a_listing_does_not_replace_the_whole_one,
    a_push_makes_the_known_checks_due_again,
    a_repository_nobody_listed_gets_an_unlinked_row,
    pull_requests_are_found_by_status_author_reviewer_and_branch,
    started_work_without_a_pull_request_is_known_as_such,
    who_follows_a_pull_request_is_found_without_reading_the_tickets,
);
