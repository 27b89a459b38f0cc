//! The past of pull requests: merged from parts of different age, and what is still to be read.

use super::collection::page;
use super::delivery::build;
use super::*;
use crate::domain::collection::Source;
use crate::domain::id::ObjectId;
use crate::domain::run::{Build, RunStatus};
use crate::metrics::approvals::{AuthorsVote, Branches, Found, Rule, Wanted};
use crate::metrics::input::{Actor, ChangeCommit, Happening, Segment, What};
use crate::metrics::query::Rules;
use crate::metrics::stretch::Stretch;
use crate::store::{Due, HistoryUpdate, PageDone};

fn fact(number: i64, status: PullRequestStatus, closed: Option<i64>) -> fact::PullRequest {
    let key = TicketKey::parse("LUM-1").unwrap();
    fact::PullRequest { closed_at: closed.map(at), ..pull_request(number, &key, status, number) }
}

fn listed(number: i64, status: PullRequestStatus, closed: Option<i64>) -> HistoryUpdate {
    HistoryUpdate::Listed(fact(number, status, closed))
}

fn next(source: Source) -> PageDone {
    page(source, "next", 1)
}

fn threads(repository: RepositoryId, number: i64, minute: i64) -> HistoryUpdate {
    let grace = identity("Grace");
    let happening = Happening { at: at(minute - 1), by: Some(grace.id.clone()), what: What::Comment { open: true } };
    let actor = Actor { id: grace.id, name: grace.display_name, unique_name: grace.unique_name, is_group: false };
    HistoryUpdate::Threads { repository, number, happenings: vec![happening], actors: vec![actor], at: at(minute) }
}

fn detail(repository: RepositoryId, number: i64, items: &[i64], minute: i64) -> HistoryUpdate {
    let commits = vec![ChangeCommit { sha: ObjectId::new("cd".repeat(20)), authored_at: Some(at(-30)) }];
    HistoryUpdate::Detail { repository, number, commits, items: items.to_vec(), iterations: Some(3), at: at(minute) }
}

async fn measured() -> Desk {
    let desk = Desk::new().await;
    desk.store.measure_project(desk.project, at(-1000)).await.unwrap();
    desk
}

async fn parts_come_in_any_order_and_an_older_one_changes_nothing() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    // What nobody listed is not taken for a pull request.
    assert!(store.put_histories(project, vec![threads(api, 4, 20)], at(20), next(Source::Threads)).await.unwrap().is_empty());
    let put = async |update: HistoryUpdate, minute: i64| {
        store.put_histories(project, vec![update], at(minute), next(Source::PullRequests)).await.unwrap()
    };
    assert_eq!(put(listed(4, PullRequestStatus::Active, None), 20).await, [(api, 4)]);
    put(detail(api, 4, &[7, 5], 22), 22).await;
    put(threads(api, 4, 24), 24).await;
    put(listed(4, PullRequestStatus::Completed, Some(30)), 31).await;
    let known = store.pull_request_history(api, 4).await.unwrap().unwrap();
    assert_eq!((known.status, known.closed_at, known.iterations), (PullRequestStatus::Completed, Some(at(30)), Some(3)));
    assert_eq!(
        (known.happenings.as_ref().map(Vec::len), known.commits.as_ref().map(Vec::len), &*known.items),
        (Some(1), Some(1), &[7, 5][..])
    );

    for (update, minute) in [
        (listed(4, PullRequestStatus::Active, None), 25),
        // Completed is final, whatever the clocks say.
        (listed(4, PullRequestStatus::Active, None), 99),
        (detail(api, 4, &[1], 21), 21),
        (HistoryUpdate::Threads { repository: api, number: 4, happenings: vec![], actors: vec![], at: at(23) }, 23),
    ] {
        assert!(put(update, minute).await.is_empty());
    }
    assert_eq!(store.pull_request_history(api, 4).await.unwrap().unwrap(), known);
    assert!(put(listed(4, PullRequestStatus::Completed, Some(30)), 40).await.is_empty(), "nothing new");
    let flow = store.flow(api, 4).await.unwrap().unwrap();
    assert_eq!((flow.number, flow.closed_at, flow.has_threads, flow.has_detail), (4, Some(at(30)), true, true));

    // Files are of a commit: not noted for another one, and unknown again after a push.
    let counted = |source: &str, files| HistoryUpdate::Files { repository: api, number: 8, source: ObjectId::new(source), files };
    let pushed = |source: &str| {
        HistoryUpdate::Listed(fact::PullRequest { source_commit: Some(ObjectId::new(source)), ..fact(8, PullRequestStatus::Active, None) })
    };
    for (update, minute, files) in [
        (pushed("aa"), 40, None),
        (counted("bb", 3), 41, None),
        (counted("aa", 4), 42, Some(4)),
        (pushed("aa"), 43, Some(4)),
        (detail(api, 8, &[], 44), 44, Some(4)),
        (pushed("bb"), 45, None),
        (counted("bb", 3), 46, Some(3)),
    ] {
        put(update, minute).await;
        assert_eq!(store.flow(api, 8).await.unwrap().unwrap().files, files, "at {minute}");
    }

    let elsewhere = fact::PullRequest { project: Some(Guid::new("project-other")), ..fact(5, PullRequestStatus::Active, None) };
    assert!(put(HistoryUpdate::Listed(elsewhere), 41).await.is_empty());
    let stranger = fact::PullRequest { repository: Guid::new("repo-new"), ..fact(6, PullRequestStatus::Active, None) };
    assert_eq!(put(HistoryUpdate::Listed(stranger), 41).await.len(), 1);
    assert_eq!(store.repositories(project).await.unwrap().len(), 3, "a repository that nobody listed gets a row");
}

async fn what_is_due_is_what_was_never_read_or_changed_since() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let all = vec![
        listed(1, PullRequestStatus::Completed, Some(15)),
        listed(2, PullRequestStatus::Active, None),
        listed(3, PullRequestStatus::Completed, Some(16)),
        listed(4, PullRequestStatus::Abandoned, Some(17)),
    ];
    store.put_histories(project, all.clone(), at(20), next(Source::PullRequests)).await.unwrap();
    let due = async |part| store.histories_wanting(project, part).await.unwrap().into_iter().map(|(_, number)| number).collect::<Vec<_>>();
    assert_eq!(due(Due::Threads).await, [2, 4, 3, 1], "active ones first, then the newest");
    assert_eq!(due(Due::Detail).await, [2, 3, 1], "the commits of what was abandoned say nothing");

    store.put_histories(project, vec![threads(api, 2, 21), threads(api, 3, 21), detail(api, 3, &[], 21)], at(21), None).await.unwrap();
    assert_eq!((due(Due::Threads).await, due(Due::Detail).await), (vec![4, 1], vec![2, 1]));
    // The same list again: nothing is due because of it.
    store.put_histories(project, all, at(30), None).await.unwrap();
    assert_eq!((due(Due::Threads).await, due(Due::Detail).await), (vec![4, 1], vec![2, 1]));
    // Merged meanwhile: everything of it is read once more.
    store.put_histories(project, vec![listed(2, PullRequestStatus::Completed, Some(31))], at(32), None).await.unwrap();
    assert_eq!((due(Due::Threads).await, due(Due::Detail).await), (vec![4, 2, 1], vec![2, 1]));

    let flows = store.flow_rows(project, at(16)).await.unwrap();
    assert_eq!(flows.iter().map(|flow| flow.number).collect::<Vec<_>>(), [3, 4, 2]);
}

async fn a_bot_is_not_followed_and_stops_being_one_when_the_rules_change() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let bot = fact::PullRequest { author: identity("renovate-x"), ..fact(1, PullRequestStatus::Active, None) };
    let updates = vec![HistoryUpdate::Listed(bot), listed(2, PullRequestStatus::Active, None)];
    store.put_histories(project, updates, at(20), None).await.unwrap();
    assert_eq!(store.histories_wanting(project, Due::Threads).await.unwrap(), [(api, 2)]);
    let active = store.histories_active(project).await.unwrap();
    assert_eq!(active.iter().map(|one| (one.number, one.is_followed)).collect::<Vec<_>>(), [(1, false), (2, true)]);
    assert_eq!(store.flow(api, 1).await.unwrap().unwrap().segment, Segment::Bot);

    let mut rules = Rules { bots: vec!["Ada".to_owned()], ..Rules::default() };
    assert_eq!(store.refresh_flows(&rules).await.unwrap(), 2);
    assert_eq!(store.histories_wanting(project, Due::Threads).await.unwrap(), [(api, 1)]);
    rules.incident_types = vec!["Bug".to_owned()];
    assert_eq!(store.refresh_flows(&rules).await.unwrap(), 0, "flows do not depend on these");
    // What arrives now is made with the new rules.
    store.put_histories(project, vec![listed(3, PullRequestStatus::Active, None)], at(21), None).await.unwrap();
    assert_eq!(store.flow(api, 3).await.unwrap().unwrap().segment, Segment::Bot);
}

async fn flows_are_made_again_when_a_branch_wants_other_approvals() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let target = fact(4, PullRequestStatus::Active, None).target_branch;
    let vote = |name: &str, minute| Happening {
        at: at(minute),
        by: Some(identity(name).id),
        what: What::Vote { vote: crate::domain::pull_request::Vote::Approved },
    };
    let mut updates: Vec<HistoryUpdate> = (4..=6).map(|number| listed(number, PullRequestStatus::Completed, Some(60))).collect();
    let happenings = vec![vote("Grace", 30), vote("Edsger", 40)];
    updates.push(HistoryUpdate::Threads { repository: api, number: 4, happenings, actors: vec![], at: at(61) });
    store.put_histories(project, updates, at(61), None).await.unwrap();
    let approved = async || store.flow(api, 4).await.unwrap().unwrap().approved_at;
    assert_eq!(approved().await, Some(at(30)));
    let rules = |approvals| {
        let wanted = Wanted { approvals, author: AuthorsVote::DoesNot };
        Found::Rules(vec![Rule { repository: Some(api), branches: Branches::Exact(target.clone()), wanted }])
    };
    assert!(store.approvals(project).await.unwrap().is_due(at(70)));
    store.put_approvals(project, rules(2), at(70), next(Source::Threads)).await.unwrap();
    assert_eq!(approved().await, Some(at(40)));
    assert!(!store.approvals(project).await.unwrap().is_due(at(71)));
    let history = store.pull_request_history(api, 4).await.unwrap().unwrap();
    assert_eq!(history.wanted, [Wanted { approvals: 2, author: AuthorsVote::DoesNot }]);
    assert_eq!(store.collection(project).await.unwrap().source(Source::Threads).unwrap().done, 1, "the page is kept with it");
    assert_eq!(store.refresh_flows(&Rules::default()).await.unwrap(), 0, "all are made with it already");
    // What arrives later is made with it too, and what can't be seen takes nothing away.
    store.put_approvals(project, Found::Unreadable { why: "no".to_owned() }, at(900), None).await.unwrap();
    assert_eq!((approved().await, store.refresh_flows(&Rules::default()).await.unwrap()), (Some(at(40)), 0));
    store.put_approvals(project, Found::Rules(vec![]), at(1000), None).await.unwrap();
    assert_eq!(approved().await, Some(at(30)));
}

async fn a_pull_request_follows_the_runs_that_check_its_merge() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    // Queued at the minute of its number.
    let check = |number, branch: &str, end: Option<i64>| {
        let status = if end.is_some() { RunStatus::Completed } else { RunStatus::InProgress };
        Build { branch: Some(branch.to_owned()), ..build(number, 7, status, end) }
    };
    let put = async |builds: &[Build]| store.put_builds(project, builds, next(Source::Builds)).await.unwrap().new_or_changed;
    let validated = async || store.flow(api, 4).await.unwrap().unwrap().validated;
    let stretch = |from, to: Option<i64>| Stretch { from: at(from), to: to.map(at) };

    // Before any list named it, and what is about something else.
    put(&[check(21, "refs/pull/4/merge", None), check(22, "refs/pull/5/merge", Some(30)), check(23, "refs/heads/main", Some(31))]).await;
    store.put_histories(project, vec![listed(4, PullRequestStatus::Active, None)], at(20), None).await.unwrap();
    assert_eq!(validated().await, Some(vec![]), "nobody has looked at it yet");
    store.put_histories(project, vec![threads(api, 4, 20)], at(20), None).await.unwrap();
    assert_eq!(validated().await, Some(vec![stretch(21, None)]), "it goes on");

    assert_eq!(put(&[check(21, "refs/pull/4/merge", Some(30))]).await, [21]);
    assert_eq!(validated().await, Some(vec![stretch(21, Some(30))]));
    assert_eq!(put(&[check(21, "refs/pull/4/merge", Some(30))]).await, Vec::<i64>::new(), "nothing new");
    // Closed over a run: what it told later changes nothing, another one does.
    store.put_histories(project, vec![listed(4, PullRequestStatus::Completed, Some(45))], at(46), None).await.unwrap();
    put(&[check(40, "refs/pull/4/merge", None)]).await;
    assert_eq!(validated().await, Some(vec![stretch(21, Some(30)), stretch(40, Some(45))]));
    put(&[check(40, "refs/pull/4/merge", Some(50)), check(29, "refs/pull/4/merge", Some(35))]).await;
    assert_eq!(validated().await, Some(vec![stretch(21, Some(35)), stretch(40, Some(45))]));

    let history = store.pull_request_history(api, 4).await.unwrap().unwrap();
    let runs: Vec<_> = history.validations.iter().map(|one| (one.run, one.queued_at, one.finished_at, one.goes_on)).collect();
    let run = |number, end| (number, Some(at(number)), Some(at(end)), false);
    assert_eq!(runs, [run(21, 30), run(29, 35), run(40, 50)]);
    // Made again as a whole it is the same.
    let before = validated().await;
    let rules = Rules { bots: vec!["nobody".to_owned()], ..Rules::default() };
    assert_eq!(store.refresh_flows(&rules).await.unwrap(), 1);
    assert_eq!(validated().await, before);
}

async fn the_one_read_longest_ago_is_next_in_the_rotation() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let updates = (1..=4).map(|number| listed(number, PullRequestStatus::Active, None)).collect();
    store.put_histories(project, updates, at(20), None).await.unwrap();
    for (number, minute) in [(2, 25), (1, 26), (4, 24)] {
        store.put_histories(project, vec![threads(api, number, minute)], at(minute), None).await.unwrap();
    }
    let order: Vec<i64> = store.histories_active(project).await.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(order, [3, 4, 2, 1]);
}

on_both!(
    parts_come_in_any_order_and_an_older_one_changes_nothing,
    what_is_due_is_what_was_never_read_or_changed_since,
    a_bot_is_not_followed_and_stops_being_one_when_the_rules_change,
    flows_are_made_again_when_a_branch_wants_other_approvals,
    a_pull_request_follows_the_runs_that_check_its_merge,
    the_one_read_longest_ago_is_next_in_the_rotation,
);
