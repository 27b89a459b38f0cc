//! What decides over a comment, without anybody asked.

use std::collections::BTreeMap;

use super::*;
use crate::domain::fact::Comment;
use crate::domain::id::RepositoryId;
use crate::domain::person::Identity;
use crate::domain::quality::MARK;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

fn row(digest: &str, state: CommentState) -> QualityComment {
    QualityComment {
        repository: RepositoryId(1),
        number: 9,
        thread: Some(7),
        comment: Some(1),
        digest: digest.to_owned(),
        state,
        written_at: Some(at(0)),
    }
}

fn thread(id: i64, author: &str, content: &str, status: &str) -> Thread {
    let identity = Identity { id: Guid::new(author), display_name: author.to_owned(), unique_name: format!("{author}@example.test") };
    let comment = Comment {
        id: 1,
        parent: 0,
        author: Some(identity),
        author_is_group: false,
        content: content.to_owned(),
        published_at: None,
        system: false,
        deleted: false,
    };
    Thread {
        id,
        status: Some(status.to_owned()),
        comments: vec![comment],
        file: None,
        deleted: false,
        published_at: None,
        updated_at: None,
        properties: BTreeMap::new(),
        identities: BTreeMap::new(),
    }
}

#[test]
fn nothing_is_asked_while_nothing_changed_or_it_was_written_just_now() {
    let open = row("a", CommentState::Open);
    assert_eq!(settled(None, "a", Wanted::ByItself, at(1)), None);
    assert_eq!(settled(Some(&open), "a", Wanted::ByItself, at(60)), Some(Step::Unchanged));
    assert_eq!(settled(Some(&open), "b", Wanted::ByItself, at(9)), Some(Step::TooSoon { until: at(10) }));
    assert_eq!(settled(Some(&open), "b", Wanted::ByItself, at(10)), None);
    assert_eq!(settled(Some(&open), "b", Wanted::ByHand, at(1)), None, "a person does not wait");
    assert_eq!(settled(Some(&row("a", CommentState::Left)), "b", Wanted::ByHand, at(60)), Some(Step::Left));
}

#[test]
fn the_comment_is_found_again_and_nobody_elses_is_touched() {
    let me = Guid::new("me");
    let marked = format!("{MARK}\ntext");
    let remembered = row("a", CommentState::Open);
    let talk = thread(3, "bob", "why?", "active");
    for (name, row, threads, step) in [
        ("none yet", None, vec![talk.clone()], Step::Create),
        ("found by its mark", None, vec![talk.clone(), thread(5, "me", &marked, "closed")], Step::Update { thread: 5, comment: 1 }),
        ("another account's", None, vec![thread(5, "bob", &marked, "closed")], Step::SomebodyElses),
        (
            "remembered, and its text replaced",
            Some(&remembered),
            vec![thread(7, "me", "x", "Closed")],
            Step::Update { thread: 7, comment: 1 },
        ),
        (
            "remembered, with another one before it",
            Some(&remembered),
            vec![thread(5, "me", &marked, "closed"), thread(7, "me", &marked, "closed")],
            Step::Update { thread: 7, comment: 1 },
        ),
        ("remembered of another account", Some(&remembered), vec![thread(7, "bob", &marked, "closed")], Step::SomebodyElses),
        ("resolved", Some(&remembered), vec![thread(7, "me", &marked, "wontFix")], Step::Left),
        ("resolved before it was remembered", None, vec![thread(7, "me", &marked, "Fixed")], Step::Left),
        ("gone", Some(&remembered), vec![talk.clone()], Step::Left),
        ("reactivated", Some(&remembered), vec![thread(7, "me", &marked, "active")], Step::Left),
        ("pending", Some(&remembered), vec![thread(7, "me", &marked, "pending")], Step::Left),
        ("how it stands is not told", Some(&remembered), vec![thread(7, "me", &marked, "unknown")], Step::Update { thread: 7, comment: 1 }),
    ] {
        assert_eq!(found(row, &threads, &me), step, "{name}");
    }
    let mut deleted = thread(7, "me", &marked, "closed");
    deleted.comments[0].deleted = true;
    assert_eq!(found(Some(&remembered), &[deleted], &me), Step::Left);
}
