//! What newer data does to the screen: the selection follows its ticket, older answers are dropped, good data stays.

use jiff::Timestamp;
use proptest::prelude::*;

use super::scenes::{go, settle};
use super::*;
use crate::domain::board::{Board, Card};
use crate::domain::change::Change;
use crate::domain::id::ProjectId;
use crate::domain::status::Status;
use crate::notice::Notice;
use crate::tui::answer::SaveFailure;
use crate::tui::event::Generation;
use crate::tui::layout;
use crate::tui::model::{Base, Settings};

fn board() -> Model {
    sized(fixture::board(), 120, 40)
}

/// Brings a newer board, as the store would after a change.
fn reload(model: &mut Model, cards: Vec<Card>) -> Vec<Effect> {
    let effects = happens(model, What::Changed(Change::Tickets(ProjectId(1))));
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadBoard { generation, .. } => Some(*generation),
        _ => None,
    });
    let newer = Board { cards, ..model.board.board.as_deref().cloned().expect("a board") };
    happens(model, What::BoardLoaded { generation: generation.expect("a load"), board: Ok(Box::new(newer)) })
}

/// The selected card is the one under the cursor, and it is on the screen.
fn is_consistent(model: &Model) {
    let state = &model.board;
    assert_eq!(state.selected_card().map(|card| &card.key), state.selected.as_ref());
    let visible = layout::board(model).visible;
    if let Some(lane) = state.lanes.get(state.lane).filter(|lane| !lane.cards.is_empty()) {
        assert!((lane.offset..lane.offset + visible).contains(&lane.row), "row {} of {}..+{visible}", lane.row, lane.offset);
        let key = state.selected.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(picture(model).contains(&format!("▌{key}")), "{key} is painted as selected");
    }
}

fn status(index: usize) -> Status {
    Status::ALL[index % Status::ALL.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Cards appear, vanish and move: the cursor stays on its ticket wherever that went, else in its lane.
    #[test]
    fn the_selection_follows_its_ticket_through_any_reload(
        walk in "[jkhlGH]{0,12}",
        boards in prop::collection::vec(prop::collection::vec((1_u32..60, 0_usize..5), 0..50), 1..4),
        size in prop::sample::select(vec![(60_u16, 20_u16), (80, 24), (120, 40)]),
    ) {
        let mut model = sized(fixture::large_board(40), size.0, size.1);
        for c in walk.chars() {
            happens(&mut model, What::Key(Key::char(c)));
        }
        is_consistent(&model);
        for cards in boards {
            let before = model.board.selected.clone();
            let lane = model.board.lane;
            let mut seen = std::collections::BTreeMap::new();
            for (number, at) in cards {
                seen.insert(number, status(at));
            }
            let template = fixture::cards();
            let mut cards: Vec<Card> = seen.iter().map(|(number, status)| Card { key: fixture::key(*number), status: *status, ..template[0].clone() }).collect();
            cards.sort_by_key(|card| card.status);
            reload(&mut model, cards.clone());
            is_consistent(&model);
            match before.filter(|key| cards.iter().any(|card| card.key == *key)) {
                Some(key) => prop_assert_eq!(model.board.selected.as_ref(), Some(&key)),
                None => prop_assert!(model.board.lane == lane || cards.is_empty() || model.board.lanes[lane].cards.is_empty()),
            }
        }
    }

    /// A filter narrows without losing the cursor, and taking it away brings every card back.
    #[test]
    fn a_filter_never_loses_the_cursor(text in "[a-z@:]{0,6}", walk in "[jkhlG]{0,8}") {
        let mut model = sized(fixture::large_board(60), 80, 24);
        for c in walk.chars() {
            happens(&mut model, What::Key(Key::char(c)));
        }
        press(&mut model, "/");
        typed(&mut model, &text);
        is_consistent(&model);
        press(&mut model, "ctrl+u enter");
        is_consistent(&model);
        prop_assert_eq!(model.board.lanes.iter().map(|lane| lane.cards.len()).sum::<usize>(), 60);
    }
}

#[test]
fn the_row_of_a_ticket_that_is_gone_is_kept() {
    let mut model = board();
    press(&mut model, "j");
    let mut cards = fixture::cards();
    cards.retain(|card| card.key != fixture::key(14));
    reload(&mut model, cards);
    assert_eq!((model.board.lane, model.board.lanes[0].row), (0, 1));
    assert_eq!(model.board.selected, Some(fixture::key(17)));
}

#[test]
fn a_ticket_just_made_is_selected_when_it_appears_and_not_before() {
    let mut model = board();
    go(&mut model, "n");
    typed(&mut model, "Say hello");
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::CreateTicket { generation, .. }) = effects.first() else { panic!("{effects:?}") };
    let effects = happens(&mut model, What::TicketCreated { generation: *generation, key: Ok(fixture::key(99)) });
    let load = effects.iter().find_map(|effect| match effect {
        Effect::LoadBoard { generation, .. } => Some(*generation),
        _ => None,
    });
    // A load that began before the ticket was made does not know it yet.
    let old = model.board.board.clone().expect("a board");
    happens(&mut model, What::Changed(Change::Tickets(ProjectId(1))));
    let effects = happens(&mut model, What::BoardLoaded { generation: load.expect("a load"), board: Ok(old) });
    let Some(Effect::LoadBoard { generation, .. }) = effects.iter().find(|effect| matches!(effect, Effect::LoadBoard { .. })) else {
        panic!("{effects:?}")
    };
    let mut cards = fixture::cards();
    cards.insert(1, Card { key: fixture::key(99), ..cards[0].clone() });
    let newer = Board { cards, ..model.board.board.as_deref().cloned().expect("a board") };
    happens(&mut model, What::BoardLoaded { generation: *generation, board: Ok(Box::new(newer)) });
    assert_eq!(model.board.selected, Some(fixture::key(99)));
    is_consistent(&model);
}

#[test]
fn answers_to_older_questions_change_nothing() {
    let old = Generation(9_999);
    let notice = || Notice::new("an old failure");
    let key = fixture::key(9);
    let answers = || {
        vec![
            What::BoardLoaded { generation: old, board: Err(notice()) },
            What::TicketLoaded { generation: old, key: key.clone(), detail: Ok(Box::new(fixture::detail(1))) },
            What::TicketLoaded { generation: old, key: key.clone(), detail: Err(notice()) },
            What::PullRequestsLoaded { generation: old, rows: Ok(Vec::new()) },
            What::RepositoriesLoaded { generation: old, rows: Ok(Vec::new()) },
            What::MembersLoaded { generation: old, rows: Ok(Vec::new()) },
            What::StartPlanned { generation: old, plan: Err(notice()) },
            What::Planned { generation: old, plan: Err(notice()) },
            What::PullRequestPlanned { generation: old, draft: Err(notice()) },
            What::TaskStarted { generation: old, task: Err(notice()) },
            What::SpecCompared { generation: old, key: key.clone(), rows: Err(notice()) },
            What::TicketCreated { generation: old, key: Err(notice()) },
            What::Connected { generation: old, report: Err(notice()) },
            What::Activated { generation: old, project: Err(notice()) },
            What::MetricsLoaded { generation: old, page: Ok(Box::new(fixture::metrics::page())) },
            What::MetricRowsLoaded { generation: old, rows: Err(notice()) },
            What::MovedLoaded { generation: old, lines: Err(notice()) },
            What::CollectionsLoaded { generation: old, collections: Err(notice()) },
            What::Explained { generation: old, story: Err(notice()) },
            What::TeamsLoaded { generation: old, teams: Ok(Vec::new()) },
            What::Synced { generation: old, outcome: Err(notice()) },
        ]
    };
    for keys in ["", "l enter", "l enter e", "s", "l P", "n", "l d", "2", "l l enter ] ]", "3", "3 enter", "3 f", "5 ] ]", "a", "l U"] {
        let mut model = board();
        if !keys.is_empty() {
            go(&mut model, keys);
        }
        let before = format!("{model:?}");
        for answer in answers() {
            let what = format!("{answer:?}");
            let at = model.now;
            let effects = update(&mut model, Event::new(at, answer));
            assert!(effects.is_empty(), "after {keys:?}: {what} asked for {effects:?}");
            assert!(format!("{model:?}") == before, "after {keys:?}: {what} changed the model");
        }
        let at = model.now;
        let saved = What::SpecSaved { generation: old, key: key.clone(), saved: Ok(Box::new(fixture::detail(9).spec)) };
        assert!(update(&mut model, Event::new(at, saved)).is_empty());
        assert!(format!("{model:?}") == before, "after {keys:?}: an old save changed the model");
        if model.editor.is_some() {
            let failed = What::SpecSaved { generation: old, key: key.clone(), saved: Err(SaveFailure::Refused(notice())) };
            update(&mut model, Event::new(at, failed));
            assert!(format!("{model:?}") == before, "after {keys:?}: an old failure changed the model");
        }
    }
}

#[test]
fn the_last_good_data_stays_when_a_load_fails() {
    // The board.
    let mut model = board();
    let effects = happens(&mut model, What::Changed(Change::Elsewhere));
    let before = model.board.board.clone();
    for effect in effects {
        if let Effect::LoadBoard { generation, .. } = effect {
            happens(&mut model, What::BoardLoaded { generation, board: Err(Notice::new("the store is locked")) });
        }
    }
    assert_eq!(model.board.board, before);
    assert!(picture(&model).contains("the store is locked"));

    // The open ticket.
    let mut model = board();
    go(&mut model, "l l enter");
    let effects = happens(&mut model, What::Changed(Change::Elsewhere));
    for effect in effects {
        if let Effect::LoadTicket { generation, key } = effect {
            happens(&mut model, What::TicketLoaded { generation, key, detail: Err(Notice::new("the store is locked")) });
        }
    }
    let words = picture(&model);
    assert!(words.contains("ATL-4 Rotate signing keys") && words.contains("the store is locked"), "{words}");
    assert!(model.ticket.as_ref().is_some_and(|ticket| ticket.loading.is_none()), "and it can be loaded again");

    // A ticket that was never shown is left, with the reason.
    let mut model = board();
    let effects = press(&mut model, "enter");
    for effect in effects {
        if let Effect::LoadTicket { generation, key } = effect {
            happens(&mut model, What::TicketLoaded { generation, key, detail: Err(Notice::new("the store is locked")) });
        }
    }
    assert!(model.ticket.is_none() && picture(&model).contains("the store is locked"));
}

#[test]
fn the_selected_pull_request_is_followed_too() {
    let mut model = board();
    go(&mut model, "2 ] ]");
    let selected = model.pull_requests.selected;
    assert_eq!(selected.map(|(_, number)| number), Some(39));
    let effects = happens(&mut model, What::Changed(Change::PullRequests(ProjectId(1))));
    for effect in effects {
        if let Effect::LoadPullRequests { generation, .. } = effect {
            let mut rows = fixture::pull_request_rows();
            rows.rotate_left(2);
            rows.truncate(4);
            happens(&mut model, What::PullRequestsLoaded { generation, rows: Ok(rows) });
        }
    }
    assert_eq!(model.pull_requests.selected, selected);
    assert!(picture(&model).contains("▌!39"));
}

#[test]
fn another_project_starts_from_its_own_first_card() {
    let mut model = board();
    go(&mut model, "l l j /");
    typed(&mut model, "francs");
    go(&mut model, "enter");
    let mut other = fixture::project();
    (other.id, other.name) = (ProjectId(2), "Borealis".into());
    let effects = happens(&mut model, What::ProjectSelected { project: Box::new(other), token_days_left: None });
    assert!(model.board.board.is_none() && model.board.filter.is_empty(), "nothing of the old project is shown under the new name");
    let loads = effects.iter().filter(|effect| matches!(effect, Effect::LoadBoard { project: ProjectId(2), .. })).count();
    assert_eq!(loads, 1);
    // A change of the project that was left asks for nothing.
    settle(&mut model, effects);
    assert!(happens(&mut model, What::Changed(Change::Tickets(ProjectId(1)))).is_empty());
}

#[test]
fn a_screen_reached_without_data_says_that_it_loads() {
    for (keys, words) in [
        ("2", "loading"),
        ("enter", "loading"),
        ("5 ] ]", "loading"),
        ("a", "loading"),
        ("l d", "comparing"),
        ("s", "looking at the branch"),
    ] {
        let mut model = board();
        press(&mut model, keys);
        assert!(picture(&model).contains(words), "{keys}: {}", picture(&model));
    }
    let mut model = Model::new(Timestamp::UNIX_EPOCH, Settings::default());
    model.base = Base::Board;
    assert!(picture(&model).contains("no project is open"));
}

#[test]
fn a_sync_that_was_asked_for_reads_checks_and_comments_whatever_their_age() {
    use crate::tui::effect::Reread;
    let answered = |model: &mut Model, effects: Vec<Effect>| {
        let generation = effects.iter().find_map(|effect| match effect {
            Effect::Sync { generation, .. } => Some(*generation),
            _ => None,
        });
        happens(model, What::Synced { generation: generation.expect("a sync"), outcome: Ok(None) })
    };
    let reread = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::LoadDetails { keys, pull_requests, reread, .. } => Some((keys.len(), pull_requests.len(), *reread)),
            _ => None,
        })
    };
    for (keys, asked) in [("", (3, 0, Reread::All)), ("l l enter", (1, 0, Reread::All)), ("2 ] ]", (0, 4, Reread::All))] {
        let mut model = board();
        if !keys.is_empty() {
            go(&mut model, keys);
        }
        model.sync.running = None;
        let effects = press(&mut model, "R");
        let effects = answered(&mut model, effects);
        assert_eq!(reread(&effects), Some(asked), "{keys}");
    }
    // Coming into view reads what is old only.
    let mut model = board();
    model.sync.asked_at = None;
    let effects = happens(&mut model, What::FocusGained);
    let effects = answered(&mut model, effects);
    assert_eq!(reread(&effects), Some((3, 0, Reread::Old)));
}
