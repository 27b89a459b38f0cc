//! A watched ticket tells of its changes, whoever made them, but of those this screen made itself; each once.

use super::scenes::go;
use super::*;
use crate::domain::board::Card;
use crate::domain::change::Change;
use crate::domain::id::ProjectId;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::status::Status;
use crate::notice::{Notice, inert};
use crate::tui::answer::TaskState;
use crate::tui::model::Bell;

/// The board with ATL-4 (a pull request is open) and ATL-9 (in progress) watched.
fn board() -> Model {
    let mut model = sized(fixture::board(), 120, 40);
    model.settings.bell = Bell::Rings;
    go(&mut model, "l w l w");
    model.toast = None;
    model
}

/// A newer board, with one ticket changed: what is told.
fn changed(model: &mut Model, number: u32, change: impl FnOnce(&mut Card)) -> Vec<Effect> {
    let mut board = model.board.board.clone().expect("a board");
    change(board.cards.iter_mut().find(|card| card.key == fixture::key(number)).expect("the ticket"));
    let effects = happens(model, What::Changed(Change::Tickets(ProjectId(1))));
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadBoard { generation, .. } => Some(*generation),
        _ => None,
    });
    happens(model, What::BoardLoaded { generation: generation.expect("a load"), board: Ok(board) })
}

fn told(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Notify(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn rings(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Bell)).count()
}

#[test]
fn a_watched_ticket_has_a_mark_and_the_next_session_watches_it_still() {
    let mut model = board();
    assert!(picture(&model).contains("ATL-4 ◉") && picture(&model).contains("ATL-9 ◉"), "{}", picture(&model));
    let session = model.session();
    let text = serde_json::to_string(&session).expect("a session");
    let mut next = sized(fixture::board(), 120, 40);
    next.restore(serde_json::from_str(&text).expect("the session"));
    assert!(next.watching.contains(&fixture::key(4)) && next.watching.contains(&fixture::key(9)));
    // A session that was kept before tickets could be watched is read as well.
    assert!(serde_json::from_str::<crate::tui::session::Session>("{}").is_ok());
    go(&mut model, "w");
    assert!(!picture(&model).contains("ATL-4 ◉") && !model.watching.contains(&fixture::key(4)));
}

#[test]
fn what_others_do_to_a_watched_ticket_is_told_once_with_bell_and_notification() {
    let mut model = board();
    let effects = changed(&mut model, 4, |card| card.status = Status::Merged);
    assert_eq!(told(&effects), ["ATL-4 is now Merged: Rotate signing keys without a restart"]);
    assert_eq!(rings(&effects), 1);
    assert!(picture(&model).contains("ATL-4 is now Merged"), "{}", picture(&model));
    let effects = changed(&mut model, 4, |_| {});
    assert_eq!((told(&effects).len(), rings(&effects)), (0, 0), "once");
    let effects = changed(&mut model, 6, |card| card.status = Status::Merged);
    assert!(told(&effects).is_empty(), "nobody watches that one");
}

#[test]
fn votes_and_the_state_of_the_pull_request_are_told_in_words() {
    type Case = (fn(&mut Card), &'static str);
    let cases: [Case; 6] = [
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.votes.approved += 1), "ATL-4 !41 approved by 2"),
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.votes.rejected = 1), "ATL-4 !41 rejected"),
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.votes.approved = 0), "ATL-4 !41 no longer approved"),
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.votes.open = 7), "ATL-4 !41 waits for 7 votes"),
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.status = PullRequestStatus::Abandoned), "ATL-4 !41 was abandoned"),
        (|card| card.pull_request.iter_mut().for_each(|chip| chip.number = 50), "ATL-4 has pull request !50"),
    ];
    for (change, words) in cases {
        let mut model = board();
        let effects = changed(&mut model, 4, change);
        assert!(matches!(told(&effects).as_slice(), [told] if told.starts_with(words)), "{words}: {effects:?}");
    }
}

#[test]
fn what_this_screen_does_itself_is_no_news_and_a_vote_in_between_is() {
    let mut model = board();
    go(&mut model, "l");
    model.watching.toggle(&fixture::key(2), model.board.card(&fixture::key(2)).cloned().as_ref());
    let effects = press(&mut model, "L");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Move { to: Status::Done, .. })), "{effects:?}");
    let effects = changed(&mut model, 4, |card| card.pull_request.iter_mut().for_each(|chip| chip.votes.rejected = 1));
    assert_eq!(told(&effects).len(), 1);
    let effects = changed(&mut model, 2, |card| card.status = Status::Done);
    assert!(told(&effects).is_empty(), "{effects:?}");
    let effects = changed(&mut model, 2, |card| card.status = Status::Merged);
    assert_eq!(told(&effects).len(), 1, "and the next one is somebody else's");
}

#[test]
fn a_change_of_ours_that_failed_is_expected_no_more() {
    // A move that was refused.
    let mut model = board();
    go(&mut model, "l");
    model.watching.toggle(&fixture::key(2), model.board.card(&fixture::key(2)).cloned().as_ref());
    press(&mut model, "L");
    happens(&mut model, What::Done { words: Err(Notice::new("the ticket was changed elsewhere")) });
    model.board.loading = None;
    model.board.stale = false;
    let effects = changed(&mut model, 2, |card| card.status = Status::Done);
    assert_eq!(told(&effects).len(), 1);

    // A start that did not come through.
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "w s y");
    let mut task = fixture::start_task(12);
    happens(&mut model, What::Tasks(vec![task.clone()]));
    task.state = TaskState::Failed(Notice::new("the line was cut"));
    happens(&mut model, What::Tasks(vec![task]));
    let effects = changed(&mut model, 12, |card| card.status = Status::InProgress);
    assert_eq!(told(&effects).len(), 1);
}

#[test]
fn several_changes_at_once_are_one_message_one_bell_and_a_notification_each() {
    let mut model = board();
    let mut board = model.board.board.clone().expect("a board");
    board.cards.iter_mut().for_each(|card| card.status = Status::Merged);
    let effects = happens(&mut model, What::Changed(Change::Elsewhere));
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadBoard { generation, .. } => Some(*generation),
        _ => None,
    });
    let effects = happens(&mut model, What::BoardLoaded { generation: generation.expect("a load"), board: Ok(board) });
    assert_eq!((told(&effects).len(), rings(&effects)), (2, 1));
    assert!(picture(&model).contains("and 1 more that you watch changed"), "{}", picture(&model));
}

#[test]
fn the_bell_is_silent_where_it_is_not_wanted() {
    let mut model = board();
    model.settings.bell = Bell::Silent;
    let effects = changed(&mut model, 4, |card| card.status = Status::Merged);
    assert_eq!((told(&effects).len(), rings(&effects)), (1, 0));
}

#[test]
fn a_notification_carries_nothing_a_terminal_would_act_on() {
    for title in super::hostile::HOSTILE {
        let mut model = board();
        let effects = changed(&mut model, 4, |card| {
            card.title = title.into();
            card.status = Status::Merged;
        });
        let told = told(&effects);
        assert!(matches!(told.as_slice(), [text] if inert(text) == **text), "{told:?}");
        let sequence = crate::tui::notification::sequence(told[0], crate::tui::clipboard::Multiplexer::None, None).expect("a sequence");
        assert_eq!(sequence.matches(['\u{1b}', '\u{7}', '\u{9b}', '\u{9c}', '\u{9d}']).count(), 2, "{sequence:?}");
    }
}
