//! One board from its first connection to a merged pull request, closed and opened again on the way.

use super::*;
use crate::domain::id::ObjectId;
use crate::domain::person::{ReviewRules, ReviewerStrategy};
use crate::domain::pull_request::{Checks, Reviewer, Source, Threads, Vote};
use crate::domain::status::{Cause, Transition};
use crate::domain::ticket::{Priority, SpecBadge};

fn listing(minute: i64) -> Listing {
    Listing::ActiveComplete { since_poll: at(minute) }
}

async fn a_ticket_goes_from_an_idea_to_a_merged_pull_request() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let mut changes = store.subscribe();

    // A new ticket gets the project's next key, and shows what its spec says.
    let dependency = desk.ticket("Lay the ground").await;
    let new = NewTicket {
        assignee: Some(desk.grace),
        labels: vec!["ui".to_owned(), "späte Idee".to_owned()],
        priority: Priority::new(2),
        estimate_hours: Some(2.5),
        dependencies: vec![dependency.clone()],
        ..desk.new_ticket("Show a chart 📈")
    };
    let ticket = store.create_ticket(new, at(1)).await.unwrap();
    assert_eq!(ticket.key, key("LUM-2"));
    assert_eq!(ticket.title, "Show a chart 📈");
    assert_eq!(ticket.criteria.len(), 2);
    assert_eq!(ticket.version, 1);
    assert_eq!(heard(store, &mut changes).await, Change::Ticket { project: desk.project, key: key("LUM-1") });
    assert_eq!(heard(store, &mut changes).await, Change::Ticket { project: desk.project, key: key("LUM-2") });
    assert_eq!(store.ticket(&ticket.key).await.unwrap().as_ref(), Some(&ticket), "what is read is what was made");

    // Work starts; the same start again changes nothing.
    let applied = store.start_ticket(&ticket.key, desk.repository, "feature/LUM-2", Some(desk.ada), at(10)).await.unwrap();
    assert_eq!(applied.before, Status::Todo);
    assert_eq!(applied.ticket.times.started_at, Some(at(10)));
    assert_eq!(applied.ticket.assignee, Some(desk.ada));
    let again = store.start_ticket(&ticket.key, desk.repository, "feature/LUM-2", Some(desk.ada), at(11)).await.unwrap();
    assert_eq!((again.transition, again.ticket.version), (Transition::Same, applied.ticket.version));

    // The spec is pushed, edited, and edited on the branch.
    let spec = store.spec(&ticket.key).await.unwrap();
    assert_eq!(spec.badge(), SpecBadge::Local);
    let object = ObjectId::new("1111111111111111111111111111111111111111");
    let spec = store.record_spec_pushed(&ticket.key, &spec.text, &object, at(12)).await.unwrap();
    assert_eq!(spec.badge(), SpecBadge::Pushed);
    let edited = spec.text.replace("- [ ] it works", "- [x] it works").replace("chart 📈", "chart\r");
    let spec = store.save_spec(&ticket.key, spec.revision, &edited, at(13)).await.unwrap();
    assert_eq!((spec.badge(), spec.text.as_str(), spec.revision), (SpecBadge::Draft, edited.as_str(), 2));
    let shown = store.ticket(&ticket.key).await.unwrap().unwrap();
    assert!(shown.criteria.iter().all(|criterion| criterion.ticked), "the ticket follows its text");
    let conflict = store.save_spec(&ticket.key, 1, "older", at(14)).await.unwrap_err();
    assert!(matches!(conflict, Error::RevisionConflict { expected: 1, found: 2, .. }), "{conflict}");
    let remote = ObjectId::new("2222222222222222222222222222222222222222");
    assert_eq!(store.record_spec_remote(&ticket.key, Some(&remote)).await.unwrap().badge(), SpecBadge::ChangedOnBranch);
    let pulled = Pulled { text: edited.clone(), base_text: "theirs".to_owned(), base_object: remote.clone() };
    let spec = store.record_spec_pulled(&ticket.key, 2, &pulled, at(15)).await.unwrap();
    assert_eq!((spec.badge(), spec.base_object, spec.text.as_str()), (SpecBadge::Draft, Some(remote), edited.as_str()));

    // The pull request is opened, reviewed and completed.
    let mut fact = pull_request(7, &ticket.key, PullRequestStatus::Active, 20);
    fact.reviewers = vec![Reviewer { identity: identity("Grace"), vote: Vote::None, required: true, is_group: false }];
    let rules = IngestRules::default();
    let ingested = store.ingest(desk.project, &[fact.clone()], Listing::Some, Source::Action, &rules, at(20)).await.unwrap();
    assert_eq!(ingested.changed, [(desk.repository, 7)]);
    assert_eq!(ingested.moved, [(ticket.key.clone(), Status::InProgress, Status::PrOpen, None)]);
    let (checks, threads) = (Checks { passed: 1, failed: 0, pending: 2 }, Threads { unresolved: 3, resolved: 4 });
    store.put_pull_request_detail(desk.repository, 7, Some(checks), None, at(21)).await.unwrap();
    store.put_pull_request_detail(desk.repository, 7, None, Some(threads), at(22)).await.unwrap();
    fact.reviewers[0].vote = Vote::Approved;
    store.ingest(desk.project, &[fact.clone()], listing(23), Source::Poll, &rules, at(23)).await.unwrap();

    let board = store.board(desk.project, Some(&Guid::new("PERSON-ADA"))).await.unwrap();
    assert_eq!((board.project_name.as_str(), board.organisation_name.as_str(), board.synced_at), ("Lumen", "lumen", Some(at(23))));
    let card = board.cards.iter().find(|card| card.key == ticket.key).unwrap();
    assert_eq!((card.status, card.assigned_to_me, card.assignee.as_deref()), (Status::PrOpen, true, Some("Ada")));
    assert_eq!((card.repository.as_deref(), card.branch.as_deref()), (Some("api"), Some("feature/LUM-2")));
    assert_eq!((card.criteria_done, card.criteria_total, card.priority), (2, 2, Some(2)));
    assert_eq!(card.labels, ["ui", "späte Idee"]);
    let chip = card.pull_request.as_ref().unwrap();
    assert_eq!((chip.number, chip.status, chip.votes.approved, chip.votes.open), (7, PullRequestStatus::Active, 1, 0));
    assert_eq!((chip.checks, chip.threads), (Some(checks), Some(threads)));
    assert_eq!((chip.source, chip.seen_at), (Source::Poll, at(23)));

    fact.status = PullRequestStatus::Completed;
    fact.closed_at = Some(at(30));
    let ingested = store.ingest(desk.project, &[fact], Listing::Some, Source::Hook, &rules, at(31)).await.unwrap();
    assert_eq!(ingested.moved, [(ticket.key.clone(), Status::PrOpen, Status::Merged, None)]);
    let applied = store.transition(&ticket.key, &Cause::MovedTo(Status::Done), at(40)).await.unwrap();
    assert_eq!((applied.ticket.status, applied.ticket.times.merged_at), (Status::Done, Some(at(31))));

    // Everything is there after closing and opening again.
    store.close().await;
    let store = Store::open(&desk.location()).await.unwrap();
    let view = store.ticket_view(&ticket.key).await.unwrap().unwrap();
    assert_eq!(view.ticket, applied.ticket);
    assert_eq!(view.assignee.unwrap().identity.display_name, "Ada");
    let pull_request = view.pull_request.unwrap();
    assert_eq!(pull_request.web_url.as_deref(), Some("https://dev.example.test/lumen/_git/api/pullrequest/7"));
    assert_eq!(view.dependencies, [(dependency, Some(Status::Todo))]);
    let words: Vec<&str> = view.history.iter().map(|row| row.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "ticket made",
            "work started on feature/LUM-2",
            "spec pushed",
            "spec pulled from the branch",
            "pull request 7 is open",
            "pull request 7 was completed",
            "moved to Done by hand"
        ]
    );
    assert_eq!(view.history[5].moved, Some((Status::PrOpen, Status::Merged)));
    for finding in store.check().await.unwrap() {
        let about_the_machine = matches!(finding.subject, "space" | "file_system" | "durability");
        assert!(finding.level == Level::Good || about_the_machine, "{finding:?}");
    }
}

async fn several_organisations_live_in_one_store() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let server = NewOrganisation {
        name: "DefaultCollection".to_owned(),
        url: "https://ado.example.test/DefaultCollection".to_owned(),
        deployment: Deployment::Server,
        instance: None,
        me: None,
    };
    let second = store.put_organisation(&server, at(1)).await.unwrap();
    assert_eq!(store.organisations().await.unwrap().len(), 2);
    let project = store.put_project(second.id, &project_fact("Lumen"), "LMN").await.unwrap();
    assert_eq!(project.organisation, second.id);

    let ambiguous = store.find_project("lumen").await.unwrap_err();
    assert!(crate::notice::Explain::hint(&ambiguous).unwrap().contains("LUM"), "{ambiguous}");
    assert_eq!(store.find_project("lmn").await.unwrap().unwrap().id, project.id);
    assert_eq!(store.find_project("nothing").await.unwrap(), None);
    assert_eq!(store.free_prefix("Lumen").await.unwrap(), "LUM2");

    // The same organisation again is the same row; another instance behind its URL is refused.
    let again = store.put_organisation(&NewOrganisation { me: None, ..organisation() }, at(5)).await.unwrap();
    assert_eq!((again.url.as_str(), again.me.unwrap().display_name.as_str()), ("https://dev.example.test/lumen", "Ada"));
    let stranger = NewOrganisation { instance: Some(Guid::new("instance-2")), ..organisation() };
    assert!(matches!(store.put_organisation(&stranger, at(6)).await, Err(Error::Refused { .. })));
}

async fn prefixes_are_unique_and_fixed_once_tickets_carry_them() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let organisation = store.organisations().await.unwrap()[0].id;
    assert!(matches!(store.put_project(organisation, &project_fact("Other"), "LUM").await, Err(Error::Refused { .. })));
    assert!(matches!(store.put_project(organisation, &project_fact("Other"), "lower").await, Err(Error::Refused { .. })));
    assert_eq!(store.put_project(organisation, &project_fact("Lumen"), "LMN").await.unwrap().id, desk.project);
    desk.ticket("first").await;
    assert!(matches!(store.put_project(organisation, &project_fact("Lumen"), "LUM").await, Err(Error::Refused { .. })));
}

async fn keys_from_outside_are_kept_and_never_issued_again() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let import =
        |text: &str| NewTicket { key: Some(key(text)), spec_text: SpecText::Given(spec_text(text, "imported")), ..desk.new_ticket("") };
    store.create_ticket(import("LUM-7"), at(1)).await.unwrap();
    assert_eq!(desk.ticket("next").await, key("LUM-8"));
    assert!(matches!(store.create_ticket(import("LUM-7"), at(2)).await, Err(Error::KeyTaken(_))));
    let organisation = store.organisations().await.unwrap()[0].id;
    store.put_project(organisation, &project_fact("Other"), "OTH").await.unwrap();
    assert!(matches!(store.create_ticket(import("OTH-1"), at(3)).await, Err(Error::Refused { .. })), "another project's key");

    // A deleted key is gone for good, and a batch is made whole or not at all.
    store.delete_ticket(&key("LUM-8"), 1).await.unwrap();
    assert!(store.history(&key("LUM-8")).await.is_err());
    assert!(store.create_tickets(vec![desk.new_ticket("a"), import("LUM-7")], at(4)).await.is_err());
    assert_eq!(store.tickets(desk.project, Archived::Shown).await.unwrap().len(), 1);
    assert_eq!(desk.ticket("next").await, key("LUM-9"));
}

async fn a_change_made_on_top_of_an_older_version_is_refused() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let key = desk.ticket("A").await;
    let change = TicketChange { priority: Some(Priority::new(1)), archived: Some(true), ..TicketChange::default() };
    let changed = store.update_ticket(&key, 1, &change, at(2)).await.unwrap();
    assert_eq!((changed.version, changed.times.updated_at), (2, at(2)));
    let stale = store.update_ticket(&key, 1, &TicketChange { labels: Some(vec!["x".into()]), ..TicketChange::default() }, at(3)).await;
    assert!(matches!(stale, Err(Error::VersionConflict { expected: 1, found: 2, .. })));
    assert_eq!(store.update_ticket(&key, 2, &change, at(4)).await.unwrap().version, 2, "nothing to change is no change");

    assert!(store.tickets(desk.project, Archived::Hidden).await.unwrap().is_empty());
    assert!(store.board(desk.project, None).await.unwrap().cards.is_empty());
    assert!(matches!(store.delete_ticket(&key, 1).await, Err(Error::VersionConflict { .. })));
    store.delete_ticket(&key, 2).await.unwrap();
}

async fn what_cannot_be_is_refused_with_words_and_changes_nothing() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let started = desk.started("A").await;
    let other = desk.ticket("B").await;
    let version = store.ticket(&started).await.unwrap().unwrap().version;

    let change = async |change: TicketChange| store.update_ticket(&started, version, &change, at(20)).await.unwrap_err().to_string();
    let moved = change(TicketChange { repository: Some(Some(desk.other_repository)), ..TicketChange::default() }).await;
    assert!(moved.contains("feature/LUM-1"), "{moved}");
    let own = change(TicketChange { dependencies: Some(vec![started.clone()]), ..TicketChange::default() }).await;
    assert!(own.contains("wait for itself"), "{own}");
    let endless = change(TicketChange { estimate_hours: Some(Some(f64::NAN)), ..TicketChange::default() }).await;
    assert!(endless.contains("hours"), "{endless}");
    let nobody = change(TicketChange { assignee: Some(Some(MemberId(99))), ..TicketChange::default() }).await;
    assert!(nobody.contains("member number 99"), "{nobody}");
    let kept = store.delete_ticket(&started, version).await.unwrap_err();
    assert!(kept.to_string().contains("started"), "{kept}");

    let refused = |applied: Applied| match applied.transition {
        Transition::Refused(words) => words,
        other => panic!("{other:?}"),
    };
    let words = refused(store.start_ticket(&other, desk.repository, "feature/LUM-1", None, at(21)).await.unwrap());
    assert!(words.contains("belongs to LUM-1"), "{words}");
    let words = refused(store.start_ticket(&started, desk.repository, "feature/other", None, at(21)).await.unwrap());
    assert!(words.contains("already, on feature/LUM-1"), "{words}");
    let words = refused(store.transition(&other, &Cause::MovedTo(Status::Merged), at(21)).await.unwrap());
    assert!(words.contains("not started"), "{words}");
    assert_eq!(store.ticket(&started).await.unwrap().unwrap().version, version);
    assert_eq!(store.ticket(&other).await.unwrap().unwrap().version, 1);

    store.set_linked(desk.other_repository, Linked::No).await.unwrap();
    let unlinked = NewTicket { repository: Some(desk.other_repository), ..desk.new_ticket("C") };
    assert!(matches!(store.create_ticket(unlinked, at(22)).await, Err(Error::Refused { .. })));
}

async fn done_is_taken_back_to_merged_and_keeps_the_time_of_the_merge() {
    let desk = Desk::new().await;
    let key = desk.started("A").await;
    let merged = pull_request(1, &key, PullRequestStatus::Completed, 11);
    let rules = IngestRules { done_on_merge: true };
    desk.store.ingest(desk.project, std::slice::from_ref(&merged), Listing::Some, Source::Poll, &rules, at(12)).await.unwrap();
    assert_eq!(desk.status(&key).await, Status::Done);
    let applied = desk.store.transition(&key, &Cause::MovedTo(Status::Merged), at(13)).await.unwrap();
    assert_eq!((applied.ticket.times.merged_at, applied.ticket.times.done_at), (Some(at(12)), None));
    desk.store.ingest(desk.project, &[merged], Listing::Some, Source::Poll, &rules, at(14)).await.unwrap();
    assert_eq!(desk.status(&key).await, Status::Merged, "the merge seen again does not undo the person's move");
}

async fn what_a_team_decided_survives_another_discovery() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let change = MemberChange { can_review: Some(true), default_reviewer: Some(Some(desk.grace)) };
    store.set_member(desk.ada, &change).await.unwrap();
    store.record_assigned(desk.ada, at(3)).await.unwrap();
    let renamed = Identity { display_name: "Ada L.".to_owned(), ..identity("Ada") };
    let members = store.put_members(desk.project, &[renamed]).await.unwrap();
    assert_eq!(members.len(), 2, "who was not listed stays");
    let ada = store.member_by_identity(desk.project, &Guid::new("PERSON-ADA")).await.unwrap().unwrap();
    assert_eq!((ada.identity.display_name.as_str(), ada.can_review, ada.default_reviewer), ("Ada L.", true, Some(desk.grace)));
    assert_eq!(ada.last_assigned_at, Some(at(3)));
    assert!(!members[1].can_review, "nobody reviews without having been asked");
    let own = store.set_member(desk.ada, &MemberChange { default_reviewer: Some(Some(desk.ada)), ..MemberChange::default() }).await;
    assert!(matches!(own, Err(Error::Refused { .. })));

    store.set_target_branch(desk.repository, Some("develop")).await.unwrap();
    let bare = fact::Repository { web_url: None, default_branch: Some("trunk".to_owned()), ..repository("api") };
    let repositories = store.put_repositories(desk.project, &[bare]).await.unwrap();
    assert_eq!(repositories.len(), 2, "what was not listed stays");
    let api = &repositories[0];
    assert_eq!((api.linked, api.target(), api.default_branch.as_deref()), (true, Some("develop"), Some("trunk")));
    assert!(api.web_url.is_some());

    let rules = ReviewRules { strategy: ReviewerStrategy::Mapped, overload_threshold: 2 };
    store.set_review_rules(desk.project, &rules).await.unwrap();
    assert_eq!(store.project(desk.project).await.unwrap().unwrap().review_rules, rules);
}

async fn the_journal_tells_the_next_run_how_far_the_last_one_came() {
    let desk = Desk::new().await;
    let store = &desk.store;
    let id = store.begin("start", "LUM-1", r#"{"branch":"feature/LUM-1"}"#, at(1)).await.unwrap();
    store.step(id, "branch", "{}", at(2)).await.unwrap();
    store.step(id, "spec", r#"{"commit":"a"}"#, at(3)).await.unwrap();
    store.step(id, "branch", r#"{"tip":"b"}"#, at(4)).await.unwrap();
    assert_eq!(store.begin("start", "LUM-1", "{}", at(5)).await.unwrap(), id, "the one under way is continued");
    let entry = store.open_journal("start", "LUM-1").await.unwrap().unwrap();
    assert_eq!(entry.payload, r#"{"branch":"feature/LUM-1"}"#);
    assert_eq!(entry.steps, [("branch".into(), r#"{"tip":"b"}"#.into()), ("spec".into(), r#"{"commit":"a"}"#.into())]);
    assert_eq!(store.open_journals().await.unwrap().len(), 1);
    let findings = store.check().await.unwrap();
    assert!(findings.iter().any(|finding| finding.subject == "unfinished" && finding.words.contains("start LUM-1")));
    store.finish(id, at(6)).await.unwrap();
    assert_eq!(store.open_journal("start", "LUM-1").await.unwrap(), None);
    assert_ne!(store.begin("start", "LUM-1", "{}", at(7)).await.unwrap(), id);
}

async fn settings_and_cursors_are_kept_until_replaced() {
    let desk = Desk::new().await;
    let store = &desk.store;
    assert_eq!(store.setting("theme").await.unwrap(), None);
    store.set_setting("theme", "dark").await.unwrap();
    store.set_setting("theme", "light").await.unwrap();
    assert_eq!(store.setting("theme").await.unwrap().as_deref(), Some("light"));
    store.forget_setting("theme").await.unwrap();
    assert_eq!(store.setting("theme").await.unwrap(), None);
    store.set_cursor("prs:1", "a").await.unwrap();
    assert_eq!(store.cursor("prs:1").await.unwrap().as_deref(), Some("a"));
}

on_both!(
    a_ticket_goes_from_an_idea_to_a_merged_pull_request,
    several_organisations_live_in_one_store,
    prefixes_are_unique_and_fixed_once_tickets_carry_them,
    keys_from_outside_are_kept_and_never_issued_again,
    a_change_made_on_top_of_an_older_version_is_refused,
    what_cannot_be_is_refused_with_words_and_changes_nothing,
    done_is_taken_back_to_merged_and_keeps_the_time_of_the_merge,
    what_a_team_decided_survives_another_discovery,
    the_journal_tells_the_next_run_how_far_the_last_one_came,
    settings_and_cursors_are_kept_until_replaced,
);
