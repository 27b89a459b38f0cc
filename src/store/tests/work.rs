//! Commits, pushes, work items and how they hang together; our own comments.

use super::collection::page;
use super::*;
use crate::domain::collection::Source;
use crate::domain::fact::{ChangeCounts, Commit};
use crate::domain::id::ObjectId;
use crate::domain::run::BranchPush;
use crate::domain::work_item::{LinkTarget, Via, WorkItem};
use crate::metrics::input::Segment;
use crate::metrics::query::Rules;
use crate::store::{CommentState, HistoryUpdate, QualityComment};

fn sha(number: i64) -> ObjectId {
    ObjectId::new(format!("{number:040x}"))
}

fn commit(number: i64, message: &str, is_cut: bool, changes: Option<ChangeCounts>) -> Commit {
    Commit {
        id: sha(number),
        author_name: "Ada".to_owned(),
        author_email: "ada@example.test".to_owned(),
        authored_at: Some(at(number)),
        committed_at: Some(at(number + 1)),
        message: message.to_owned(),
        is_cut,
        parents: vec![],
        changes,
    }
}

fn item(number: i64, revision: i64, title: &str) -> WorkItem {
    WorkItem {
        number,
        revision,
        kind: "Bug".to_owned(),
        state: "New".to_owned(),
        title: title.to_owned(),
        tags: vec!["outage".to_owned()],
        area: "Lumen\\Api".to_owned(),
        created_at: Some(at(3)),
        changed_at: Some(at(4)),
        resolved_at: None,
    }
}

async fn measured() -> Desk {
    let desk = Desk::new().await;
    desk.store.measure_project(desk.project, at(-1000)).await.unwrap();
    desk
}

async fn a_list_that_says_less_takes_nothing_away() {
    let desk = measured().await;
    let (store, api) = (&desk.store, desk.repository);
    let counts = Some(ChangeCounts { added: 1, edited: 2, deleted: 3 });
    let whole = commit(1, "Fix #12 and everything that hangs on it", false, counts);
    let cut = commit(1, "Fix #12 and", true, None);
    for commits in [[cut.clone()], [whole.clone()], [cut]] {
        store.put_commits(api, &commits, page(Source::Commits, "c", 1)).await.unwrap();
    }
    assert_eq!(store.commit_of(api, &whole.id).await.unwrap(), Some(whole.clone()));
    store.put_commits(api, &[commit(2, "other", false, None)], None).await.unwrap();
    assert_eq!(store.commits_like(api, &"0".repeat(39)).await.unwrap().len(), 2);
    assert_eq!(store.commits_like(api, whole.id.as_str()).await.unwrap(), [whole]);
    assert!(store.commits_like(desk.other_repository, "0").await.unwrap().is_empty());
}

async fn pushes_get_the_author_dates_of_their_commits_whichever_comes_first() {
    let desk = measured().await;
    let (store, api) = (&desk.store, desk.repository);
    let push = |number: i64| BranchPush {
        number,
        branch: "main".to_owned(),
        old: sha(number - 1),
        new: sha(number),
        at: at(number + 5),
        pusher: Some(identity("Ada")),
    };
    store.put_commits(api, &[commit(1, "a", false, None)], None).await.unwrap();
    for _ in 0..2 {
        store.put_pushes(api, &[push(1), push(2)], page(Source::Pushes, "p", 1)).await.unwrap();
        store.put_commits(api, &[commit(2, "b", false, None)], None).await.unwrap();
    }
    store.put_pushes(api, &[push(3)], None).await.unwrap();
    let lines: Vec<String> = sqlx::query_scalar("SELECT line FROM pushes ORDER BY number").fetch_all(&store.inner.readers).await.unwrap();
    let authors = crate::store::commits::Authors::new(&Rules::default());
    let tips: Vec<_> = lines.iter().map(|line| crate::store::commits::tip_of_line(line, &authors).unwrap()).collect();
    assert_eq!(
        tips.iter().map(|tip| (tip.push, tip.at, tip.authored_at)).collect::<Vec<_>>(),
        [(1, at(6), Some(at(1))), (2, at(7), Some(at(2))), (3, at(8), None)]
    );
    assert_eq!((&tips[1].old, &tips[1].new, &tips[1].pusher), (&sha(1), &sha(2), &Some(identity("Ada").id)));
}

async fn a_push_is_a_machines_where_the_rules_asked_by_say_so_of_the_author_of_its_last_commit() {
    let desk = measured().await;
    let (store, api) = (&desk.store, desk.repository);
    let of = |number: i64, name: &str, email: &str| Commit {
        author_name: name.to_owned(),
        author_email: email.to_owned(),
        ..commit(number, "bump", false, None)
    };
    let push = |number: i64| BranchPush {
        number,
        branch: "main".to_owned(),
        old: sha(number - 1),
        new: sha(number),
        at: at(number),
        pusher: None,
    };
    let commits = [of(1, "Ada <3", "ada@example.test"), of(2, "Release", "release-bot@example.test"), of(3, "Versions", "v@example.test")];
    store.put_pushes(api, &[push(1), push(2), push(3), push(4)], None).await.unwrap();
    store.put_commits(api, &commits, None).await.unwrap();
    let lines: Vec<String> = sqlx::query_scalar("SELECT line FROM pushes ORDER BY number").fetch_all(&store.inner.readers).await.unwrap();
    let segments = |rules: &Rules| {
        let authors = crate::store::commits::Authors::new(rules);
        lines.iter().map(|line| crate::store::commits::tip_of_line(line, &authors).unwrap().segment).collect::<Vec<_>>()
    };
    use Segment::{Bot, Human};
    assert_eq!(segments(&Rules::default()), [Human, Bot, Human, Human], "of the last nothing is known yet");
    assert_eq!(segments(&Rules { bots: vec!["versions".to_owned(), "ada <3".to_owned()], ..Rules::default() }), [Bot, Human, Bot, Human]);
}

async fn an_older_revision_of_a_work_item_changes_nothing() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let newer = WorkItem { resolved_at: Some(at(9)), ..item(12, 5, "new words") };
    for items in [vec![item(12, 3, "old words")], vec![newer.clone(), item(12, 4, "between")], vec![item(12, 3, "old words")]] {
        store.put_work_items(project, &items, page(Source::WorkItems, "w", 1)).await.unwrap();
    }
    assert_eq!(store.work_item(project, 12).await.unwrap(), Some(newer));
}

async fn links_are_known_from_either_end_and_a_real_one_beats_a_mention() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let listed = HistoryUpdate::Listed(pull_request(4, &key("LUM-1"), PullRequestStatus::Active, 4));
    store.put_histories(project, vec![listed], at(10), None).await.unwrap();
    let (of_pull_request, of_commit) = (LinkTarget::PullRequest { number: 4 }, LinkTarget::Commit { sha: sha(1) });
    let build = LinkTarget::Build { number: 77 };
    let links = [
        (12, api, of_commit.clone(), Via::Text),
        (12, api, of_pull_request.clone(), Via::Text),
        (12, api, of_pull_request.clone(), Via::Link),
        (13, RepositoryId(99), build.clone(), Via::Link),
    ];
    for _ in 0..2 {
        store.put_links(project, &links).await.unwrap();
        store.put_links(project, &links[1..2]).await.unwrap();
    }
    let of_item = store.links_of_item(project, 12).await.unwrap();
    assert_eq!(of_item, [(api, of_commit.clone(), Via::Text), (api, of_pull_request, Via::Link)]);
    assert_eq!(store.links_of_item(project, 13).await.unwrap(), [(RepositoryId(0), build, Via::Link)]);
    assert_eq!(store.pull_request_history(api, 4).await.unwrap().unwrap().items, [12], "the pull request knows of it");
    assert_eq!(store.flow(api, 4).await.unwrap().unwrap().items, [12]);

    assert_eq!(store.items_without_facts(project).await.unwrap(), [12, 13]);
    store.put_work_items(project, &[item(12, 1, "Fix it")], None).await.unwrap();
    assert_eq!(store.items_without_facts(project).await.unwrap(), [13]);
    assert!(store.known_items(project).await.unwrap().contains(&12));
    assert_eq!(store.items_of(api, &of_commit).await.unwrap()[0].title, "Fix it");
}

async fn a_link_that_a_person_took_away_is_gone_and_a_mention_of_the_same_item_stays() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let listed = |number| HistoryUpdate::Listed(pull_request(number, &key("LUM-1"), PullRequestStatus::Active, number));
    store.put_histories(project, vec![listed(4), listed(5)], at(10), None).await.unwrap();
    let of = |number| LinkTarget::PullRequest { number };
    let (build, commit) = (LinkTarget::Build { number: 77 }, LinkTarget::Commit { sha: sha(1) });
    let mention = (12, api, commit.clone(), Via::Text);
    let all =
        [(12, api, of(4), Via::Link), (12, api, of(5), Via::Link), (12, RepositoryId(0), build, Via::Link), (13, api, of(4), Via::Link)];
    store.put_links(project, &[mention]).await.unwrap();
    store.put_own_links(project, &[12, 13], &all).await.unwrap();
    assert_eq!(store.links_of_item(project, 12).await.unwrap().len(), 4);
    assert_eq!(store.flow(api, 4).await.unwrap().unwrap().items, [12, 13]);

    // It was linked to the wrong pull request, and to a build.
    for _ in 0..2 {
        store.put_own_links(project, &[12], &all[1..2]).await.unwrap();
    }
    let left = store.links_of_item(project, 12).await.unwrap();
    assert_eq!(left, [(api, commit, Via::Text), (api, of(5), Via::Link)]);
    assert_eq!(store.flow(api, 4).await.unwrap().unwrap().items, [13], "what was not read again stays");
    assert_eq!(store.flow(api, 5).await.unwrap().unwrap().items, [12]);
}

async fn an_incident_that_was_deleted_is_none_any_more_and_a_number_that_was_never_known_is_none_to_forget() {
    let desk = measured().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let rules = Rules::default();
    let resolved = WorkItem { resolved_at: Some(at(9)), ..item(14, 1, "Over") };
    store.put_work_items(project, &[item(12, 1, "By mistake"), item(13, 1, "Real"), resolved], None).await.unwrap();
    let links = [(12, api, LinkTarget::Commit { sha: sha(1) }, Via::Link), (99, api, LinkTarget::Commit { sha: sha(1) }, Via::Link)];
    store.put_links(project, &links).await.unwrap();
    assert_eq!(store.open_incidents(project, &rules).await.unwrap(), [12, 13], "by their tag");
    assert_eq!(store.forget_items(project, &[12, 99]).await.unwrap(), [12]);
    assert_eq!(store.open_incidents(project, &rules).await.unwrap(), [13]);
    assert!(store.links_of_item(project, 12).await.unwrap().is_empty());
    assert_eq!(store.links_of_item(project, 99).await.unwrap().len(), 1, "one that may not be read is linked all the same");
}

async fn our_comment_is_found_again() {
    let desk = measured().await;
    let store = &desk.store;
    let mut comment = QualityComment {
        repository: desk.repository,
        number: 4,
        thread: None,
        comment: None,
        digest: "a".to_owned(),
        state: CommentState::Open,
        written_at: None,
    };
    store.put_quality_comment(&comment).await.unwrap();
    comment = QualityComment { thread: Some(7), comment: Some(1), state: CommentState::Left, written_at: Some(at(3)), ..comment };
    store.put_quality_comment(&comment).await.unwrap();
    assert_eq!(store.quality_comment(desk.repository, 4).await.unwrap(), Some(comment.clone()));
    assert_eq!(store.quality_comment(desk.repository, 5).await.unwrap(), None);
    assert_eq!(store.quality_comments(desk.project).await.unwrap(), [comment]);
}

async fn what_lies_between_two_commits_is_kept() {
    let desk = measured().await;
    let (store, api) = (&desk.store, desk.repository);
    assert_eq!(store.compare(api, &sha(1), &sha(3)).await.unwrap(), None);
    store.put_compare(api, &sha(1), &sha(3), &[sha(3), sha(2)], None).await.unwrap();
    assert_eq!(store.compare(api, &sha(1), &sha(3)).await.unwrap(), Some(vec![sha(3), sha(2)]));
}

on_both!(
    a_list_that_says_less_takes_nothing_away,
    pushes_get_the_author_dates_of_their_commits_whichever_comes_first,
    a_push_is_a_machines_where_the_rules_asked_by_say_so_of_the_author_of_its_last_commit,
    an_older_revision_of_a_work_item_changes_nothing,
    a_link_that_a_person_took_away_is_gone_and_a_mention_of_the_same_item_stays,
    an_incident_that_was_deleted_is_none_any_more_and_a_number_that_was_never_known_is_none_to_forget,
    links_are_known_from_either_end_and_a_real_one_beats_a_mention,
    our_comment_is_found_again,
    what_lies_between_two_commits_is_kept,
);
