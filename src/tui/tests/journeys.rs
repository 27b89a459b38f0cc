//! Before, keys, after: what a person does, and what comes of it.

use super::scenes::{conflict, go, settle};
use super::*;
use crate::domain::change::Change;
use crate::domain::id::ProjectId;
use crate::domain::progress::StepState;
use crate::domain::status::Status;
use crate::notice::Notice;
use crate::tui::answer::{NewPullRequestState, SaveFailure, TaskState};
use crate::tui::effect::{QuitMode, SyncReason};
use crate::tui::event::Generation;
use crate::tui::model::editor::Saving;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::{Base, Settings};

fn board() -> Model {
    sized(fixture::board(), 120, 40)
}

fn selected(model: &Model) -> String {
    model.board.selected.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

#[test]
fn the_cursor_moves_within_and_between_lanes() {
    for (keys, key) in [
        ("j", "ATL-14"),
        ("j j k", "ATL-14"),
        ("k", "ATL-12"),
        ("G", "ATL-18"),
        ("G g g", "ATL-12"),
        ("l", "ATL-9"),
        ("l l j", "ATL-6"),
        ("G l", "ATL-11"),
        ("l l l l l", "ATL-1"),
        ("l h", "ATL-12"),
        ("down right", "ATL-11"),
        ("ctrl+d", "ATL-18"),
        ("tab", "ATL-9"),
    ] {
        let mut model = board();
        press(&mut model, keys);
        assert_eq!(selected(&model), key, "{keys}");
    }
}

#[test]
fn the_selection_follows_its_ticket_to_another_lane() {
    let mut model = board();
    press(&mut model, "l l");
    assert_eq!(selected(&model), "ATL-4");
    let effects = happens(&mut model, What::Changed(Change::PullRequests(ProjectId(1))));
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadBoard { generation, .. } => Some(*generation),
        _ => None,
    });
    let mut newer = model.board.board.clone().expect("a board");
    newer.cards.iter_mut().filter(|card| card.key == fixture::key(4)).for_each(|card| card.status = Status::Merged);
    newer.cards.sort_by_key(|card| card.status);
    happens(&mut model, What::BoardLoaded { generation: generation.expect("a load"), board: Ok(newer) });
    assert_eq!((selected(&model).as_str(), model.board.lane), ("ATL-4", 3));
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let mut model = board();
    let mut empty = model.board.board.clone().expect("a board");
    empty.cards.clear();
    happens(&mut model, What::BoardLoaded { generation: Generation(99), board: Ok(empty) });
    assert_eq!(selected(&model), "ATL-12");
}

#[test]
fn changes_during_a_load_are_loaded_after_it_once() {
    let mut model = board();
    let change = || What::Changed(Change::Tickets(ProjectId(1)));
    let first = happens(&mut model, change());
    let Some(Effect::LoadBoard { generation, .. }) = first.first() else { panic!("{first:?}") };
    assert!(happens(&mut model, change()).is_empty());
    assert!(happens(&mut model, change()).is_empty());
    let board = model.board.board.clone().expect("a board");
    let after = happens(&mut model, What::BoardLoaded { generation: *generation, board: Ok(board) });
    assert_eq!(after.iter().filter(|effect| matches!(effect, Effect::LoadBoard { .. })).count(), 1);
}

#[test]
fn start_work_shows_a_plan_and_starts_with_y_alone() {
    for (keys, starts) in [("s y", true), ("s enter", false), ("s esc", false), ("s n", false), ("s space", false)] {
        let mut model = board();
        let mut keys = keys.split(' ');
        go(&mut model, keys.next().expect("a key"));
        assert!(matches!(model.overlay, Some(Overlay::Start(_))));
        let effects = press(&mut model, keys.next().expect("a key"));
        assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::Start { .. })), starts);
    }
}

#[test]
fn a_key_pressed_before_the_plan_could_be_read_starts_nothing() {
    let mut model = board();
    go(&mut model, "s");
    // The plan came at this moment; a held y repeats every 30 ms.
    for ms in (0..1_000).step_by(30) {
        let at = model.now + SignedDuration::from_millis(ms.min(30));
        let effects = update(&mut model, Event::new(at, What::Key(Key::char('y'))));
        assert!(effects.is_empty(), "{ms}: {effects:?}");
    }
}

#[test]
fn a_start_that_fails_says_what_is_done_and_goes_on_with_s() {
    let mut model = board();
    go(&mut model, "s");
    let effects = press(&mut model, "y");
    settle(&mut model, effects);
    let mut task = fixture::start_task(12);
    task.progress.steps[1].state = StepState::Failed("the line was cut".into());
    task.state = TaskState::Failed(Notice::new("could not push the spec: the line was cut"));
    happens(&mut model, What::Tasks(vec![task]));
    let words = picture(&model);
    assert!(words.contains("1 of 3 done") && words.contains("s continue"), "{words}");
    let effects = press(&mut model, "s");
    assert!(matches!(effects.as_slice(), [Effect::PlanStart { .. }]), "{effects:?}");
}

#[test]
fn closing_the_dialog_stops_nothing() {
    let mut model = board();
    go(&mut model, "s y");
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    let effects = press(&mut model, "esc");
    assert!(model.overlay.is_none() && effects.is_empty());
    assert_eq!(model.running_tasks().count(), 1);
}

#[test]
fn what_is_not_allowed_is_refused_with_words() {
    for (keys, words) in [
        ("P", "has no branch yet"),
        ("d", "has no branch yet"),
        ("l s", "work on ATL-9 has started"),
        ("l D", "work on ATL-9 has started"),
        ("l l L", "pull request 41 is not merged"),
        ("H", "no column on that side"),
        ("j i", "is yours already"),
        ("l o", "no pull request"),
    ] {
        let mut model = board();
        let effects = press(&mut model, keys);
        let toast = model.toast.as_ref().map(|toast| toast.notice.to_string()).unwrap_or_default();
        assert!(toast.contains(words), "{keys}: {toast}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Move { .. } | Effect::Start { .. } | Effect::Delete { .. })));
    }
}

#[test]
fn merged_and_done_are_a_persons_to_move() {
    let mut model = board();
    let effects = press(&mut model, "l l l L");
    assert!(matches!(effects.last(), Some(Effect::Move { to: Status::Done, .. })), "{effects:?}");
    let effects = press(&mut model, "l H");
    assert!(matches!(effects.last(), Some(Effect::Move { to: Status::Merged, .. })), "{effects:?}");
}

#[test]
fn the_filter_narrows_as_it_is_typed_and_stays_when_left() {
    let mut model = board();
    press(&mut model, "/");
    typed(&mut model, "@alice");
    let count = |model: &Model| model.board.lanes.iter().map(|lane| lane.cards.len()).sum::<usize>();
    assert_eq!((count(&model), selected(&model).as_str()), (3, "ATL-14"));
    press(&mut model, "esc j");
    assert_eq!((model.board.filter.text(), count(&model)), ("@alice", 3));
    press(&mut model, "esc");
    assert_eq!(count(&model), 11);
    press(&mut model, "M");
    assert_eq!(count(&model), 3);
}

#[test]
fn a_draft_is_saved_when_the_keyboard_rests() {
    let mut model = board();
    go(&mut model, "l enter e");
    let at = model.now;
    let pressed = update(&mut model, Event::new(at, What::Key(Key::char('x'))));
    assert!(pressed.is_empty());
    let wake = model.wake_at().expect("a deadline");
    assert!(wake.duration_since(at) <= SignedDuration::from_secs(1));
    let effects = update(&mut model, Event::new(wake, What::Tick));
    let [Effect::SaveSpec { text, expected_revision: 3, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.starts_with("x# ATL-9"));
}

#[test]
fn leaving_the_editor_saves_first_and_leaves_when_saved() {
    let mut model = board();
    go(&mut model, "l enter e");
    typed(&mut model, "x");
    let effects = press(&mut model, "esc");
    let Some(Effect::SaveSpec { key, text, generation, .. }) = effects.first().cloned() else { panic!("{effects:?}") };
    assert!(model.editor.is_some(), "not before it is saved");
    let mut spec = fixture::detail(9).spec;
    (spec.text, spec.revision) = (text, 4);
    happens(&mut model, What::SpecSaved { generation, key, saved: Ok(Box::new(spec)) });
    assert!(model.editor.is_none());
}

#[test]
fn a_save_that_fails_keeps_the_text_and_asks_before_leaving() {
    let mut model = board();
    go(&mut model, "l enter e");
    typed(&mut model, "x");
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::SaveSpec { key, generation, .. }) = effects.first().cloned() else { panic!("{effects:?}") };
    let failed = SaveFailure::Refused(Notice::new("the disk is full"));
    happens(&mut model, What::SpecSaved { generation, key, saved: Err(failed) });
    assert!(matches!(model.editor.as_ref().map(|e| &e.saving), Some(Saving::Failed(_))));
    press(&mut model, "esc");
    assert!(model.editor.is_some() && matches!(model.overlay, Some(Overlay::Confirm(_))));
    press(&mut model, "enter");
    assert!(model.editor.as_ref().is_some_and(|editor| editor.text().starts_with('x')));
}

#[test]
fn two_sessions_on_one_draft_are_told_and_neither_is_overwritten() {
    let mut model = board();
    go(&mut model, "l enter e");
    happens(&mut model, What::Paste("mine ".into()));
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::SaveSpec { key, generation, .. }) = effects.first().cloned() else { panic!("{effects:?}") };
    let mut theirs = fixture::detail(9).spec;
    theirs.text.insert_str(0, "theirs ");
    theirs.revision = 7;
    happens(&mut model, What::SpecSaved { generation, key, saved: Err(SaveFailure::Conflict(Box::new(theirs))) });
    assert!(matches!(model.overlay, Some(Overlay::Conflict(_))));
    assert!(model.editor.as_ref().is_some_and(|editor| editor.text().starts_with("mine ")));
    let effects = press(&mut model, "m");
    let Some(Effect::SaveSpec { text, expected_revision: 7, .. }) = effects.first() else { panic!("{effects:?}") };
    assert!(text.starts_with("mine "));
}

#[test]
fn a_conflict_with_the_branch_is_settled_by_a_choice_and_never_by_enter() {
    for (key, begins) in [("m", "# ATL-9: Cache\n\nPrices are read once an hour"), ("t", "# ATL-9: Cache\n\nPrices are read once a day")] {
        let mut model = board();
        go(&mut model, "l enter e");
        if let Some(editor) = &mut model.editor {
            editor.replace(&conflict().mine);
        }
        happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict()) });
        assert!(press(&mut model, "enter").is_empty());
        let effects = press(&mut model, key);
        let Some(Effect::ResolveSpec { text, .. }) = effects.first() else { panic!("{effects:?}") };
        assert!(text.starts_with(begins), "{text}");
        assert!(model.editor.as_ref().is_some_and(|editor| editor.text().starts_with(begins)));
    }
}

#[test]
fn ticking_in_the_editor_changes_one_box() {
    let mut model = board();
    go(&mut model, "l enter e");
    let before = model.editor.as_ref().map(|editor| editor.text()).expect("an editor");
    let line = before.lines().position(|line| line.starts_with("- [ ]")).expect("an open criterion");
    if let Some(editor) = &mut model.editor {
        editor.move_to(line, 3);
    }
    press(&mut model, "ctrl+t");
    let after = model.editor.as_ref().map(|editor| editor.text()).expect("an editor");
    assert_eq!(after, before.replacen("- [ ]", "- [x]", 1));
    press(&mut model, "ctrl+z ctrl+z ctrl+z");
    assert_eq!(model.editor.as_ref().map(|editor| editor.text()), Some(before));
}

#[test]
fn line_endings_survive_the_editor() {
    let mut model = board();
    let mut detail = fixture::detail(9);
    detail.spec.text = "# ATL-9: x\r\n\r\none\r\ntwo\r\n".into();
    let effects = press(&mut model, "l e");
    for effect in effects {
        if let Effect::LoadTicket { generation, key } = effect {
            happens(&mut model, What::TicketLoaded { generation, key, detail: Ok(Box::new(detail.clone())) });
        }
    }
    go(&mut model, "down down end");
    typed(&mut model, "!");
    assert_eq!(model.editor.as_ref().map(|editor| editor.text()).as_deref(), Some("# ATL-9: x\r\n\r\none!\r\ntwo\r\n"));
}

#[test]
fn a_new_ticket_is_made_from_its_form_and_selected() {
    let mut model = board();
    go(&mut model, "n");
    typed(&mut model, "Say hello");
    press(&mut model, "tab");
    typed(&mut model, "In words.");
    press(&mut model, "tab");
    typed(&mut model, "- [ ] hello");
    press(&mut model, "enter");
    typed(&mut model, "goodbye");
    press(&mut model, "tab");
    typed(&mut model, "api, web");
    press(&mut model, "tab l tab l tab l");
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::CreateTicket { request, generation }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!((request.title.as_str(), request.description.as_str()), ("Say hello", "In words."));
    assert_eq!(request.criteria, ["hello", "goodbye"]);
    assert_eq!(request.labels, ["api", "web"]);
    assert_eq!((request.priority, request.repository.map(|id| id.0)), (Some(1), Some(1)));
    let effects = happens(&mut model, What::TicketCreated { generation: *generation, key: Ok(fixture::key(99)) });
    assert!(model.overlay.is_none() && selected(&model) == "ATL-99");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LoadBoard { .. })));
}

#[test]
fn forms_keep_what_was_typed_when_they_are_left() {
    let mut model = board();
    go(&mut model, "n");
    typed(&mut model, "Half a title");
    go(&mut model, "esc n");
    let Some(Overlay::NewTicket(form)) = &model.overlay else { panic!("no form") };
    assert_eq!(form.title.text(), "Half a title");
    assert!(press(&mut model, "ctrl+u ctrl+s").iter().all(|effect| !matches!(effect, Effect::CreateTicket { .. })), "a title is needed");

    let mut model = board();
    go(&mut model, "l P end");
    typed(&mut model, " (second try)");
    go(&mut model, "esc P");
    let Some(Overlay::PullRequest(form)) = &model.overlay else { panic!("no form") };
    assert!(form.title.text().ends_with("(second try)"));
}

#[test]
fn a_pull_request_is_opened_with_what_the_form_says_and_kept_when_it_fails() {
    let mut model = board();
    go(&mut model, "l P tab tab l tab tab l");
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::OpenPullRequest { request, generation }) = effects.first().cloned() else { panic!("{effects:?}") };
    assert_eq!(request.title, "ATL-9: Cache the price list per region");
    assert_eq!((request.reviewer.map(|id| id.0), request.state), (Some(3), NewPullRequestState::Draft));
    assert!(request.body.contains("## Acceptance criteria"));
    happens(&mut model, What::TaskStarted { generation, task: Ok(3) });
    let mut task = fixture::start_task(9);
    (task.id, task.state) = (3, TaskState::Failed(Notice::new("the reviewer may not review")));
    happens(&mut model, What::Tasks(vec![task]));
    let words = picture(&model);
    assert!(words.contains("the reviewer may not review") && words.contains("ATL-9: Cache the price list"), "{words}");
}

#[test]
fn lists_that_come_into_view_are_refreshed_at_most_once_in_a_while() {
    let mut model = board();
    let syncs = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Sync { why: SyncReason::ViewLoad, .. })).count();
    model.sync.asked_at = None;
    let effects = happens(&mut model, What::FocusGained);
    assert_eq!(syncs(&effects), 1);
    settle(&mut model, effects);
    assert_eq!(syncs(&happens(&mut model, What::FocusGained)), 0);
    assert_eq!(syncs(&press(&mut model, "2 1")), 0);
    let at = model.now + SignedDuration::from_secs(20);
    assert_eq!(syncs(&update(&mut model, Event::new(at, What::FocusGained))), 1);
    model.sync.running = None;
    assert!(matches!(press(&mut model, "R").first(), Some(Effect::Sync { why: SyncReason::Asked, .. })));
}

#[test]
fn quitting_saves_the_place_and_asks_while_something_runs() {
    let mut model = board();
    let effects = press(&mut model, "q");
    assert!(matches!(effects.as_slice(), [Effect::SaveSession(_), Effect::Quit(QuitMode::Now)]), "{effects:?}");
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    assert!(press(&mut model, "q").is_empty());
    assert!(press(&mut model, "enter").is_empty() && model.overlay.is_none(), "Enter is the safe choice");
    assert!(matches!(press(&mut model, "q f").last(), Some(Effect::Quit(QuitMode::WhenIdle))));
    assert!(matches!(press(&mut model, "q y").last(), Some(Effect::Quit(QuitMode::Now))));
}

#[test]
fn a_dropped_line_saves_the_draft_and_the_place() {
    let mut model = board();
    go(&mut model, "l enter e");
    typed(&mut model, "x");
    let effects = happens(&mut model, What::HangUp);
    assert!(matches!(effects.as_slice(), [Effect::SaveSpec { .. }, Effect::SaveSession(_), Effect::Quit(QuitMode::Now)]), "{effects:?}");
}

#[test]
fn everything_is_where_it_was_after_a_restart() {
    let mut model = board();
    go(&mut model, "l l enter ] esc /");
    typed(&mut model, "repo:gateway");
    go(&mut model, "esc enter e down down down");
    let session = model.session();

    let mut again = Model::new(fixture::now(), Settings::default());
    (again.width, again.height) = (120, 40);
    again.restore(session);
    let effects = crate::tui::update::start(&mut again);
    let Some(Effect::LoadProjects { generation }) = effects.first() else { panic!("{effects:?}") };
    let effects = happens(&mut again, What::ProjectsLoaded { generation: *generation, rows: Ok(vec![fixture::project()]) });
    assert!(matches!(effects.first(), Some(Effect::SelectProject { .. })));
    let effects = happens(&mut again, What::ProjectSelected { project: Box::new(fixture::project()), token_days_left: None });
    for effect in effects {
        if let Effect::LoadBoard { generation, .. } = effect {
            let board = model.board.board.clone().expect("a board");
            let effects = happens(&mut again, What::BoardLoaded { generation, board: Ok(board) });
            settle(&mut again, effects);
        }
    }
    assert_eq!(again.session(), model.session());
    assert_eq!(again.editor.as_ref().map(|editor| editor.area.cursor().0), Some(3));
}

#[test]
fn a_first_run_offers_to_connect_or_to_try() {
    let mut model = Model::new(fixture::now(), Settings::default());
    let effects = crate::tui::update::start(&mut model);
    let Some(Effect::LoadProjects { generation }) = effects.first() else { panic!("{effects:?}") };
    happens(&mut model, What::ProjectsLoaded { generation: *generation, rows: Ok(Vec::new()) });
    assert_eq!(model.base, Base::Welcome);
    assert!(matches!(press(&mut model, "j enter").as_slice(), [Effect::StartDemo]));
    press(&mut model, "k enter");
    assert_eq!(model.base, Base::Setup);
    typed(&mut model, "lumen");
    press(&mut model, "enter");
    typed(&mut model, "secret");
    let effects = press(&mut model, "enter");
    let Some(Effect::CheckConnection { url, token, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!((url.as_str(), token.reveal()), ("lumen", "secret"));
    settle(&mut model, effects);
    let effects = press(&mut model, "j enter");
    assert!(matches!(effects.as_slice(), [Effect::Activate { .. }]), "{effects:?}");
}

#[test]
fn the_palette_runs_actions_and_opens_tickets() {
    let mut model = board();
    go(&mut model, ":");
    typed(&mut model, "only mine");
    press(&mut model, "enter");
    assert!(model.board.mine);
    go(&mut model, "esc :");
    typed(&mut model, "atl-6");
    let effects = press(&mut model, "enter");
    assert!(matches!(effects.as_slice(), [Effect::LoadTicket { .. }]), "{effects:?}");
    assert_eq!(model.ticket.as_ref().map(|ticket| ticket.key.to_string()).as_deref(), Some("ATL-6"));
}

#[test]
fn a_running_task_can_be_cancelled_after_a_question() {
    let mut model = board();
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    assert!(press(&mut model, "ctrl+x").is_empty());
    assert!(matches!(press(&mut model, "y").as_slice(), [Effect::CancelTask { task: 7 }]));
}

#[test]
fn an_idle_board_wakes_only_when_an_age_changes_its_words() {
    let mut model = board();
    let wake = model.wake_at().expect("an age steps");
    assert!(
        wake.duration_since(model.now) >= SignedDuration::from_secs(5),
        "a fact seen 3 seconds ago says now until it is 10 seconds old"
    );
    let before = painted(&model);
    let almost = wake - SignedDuration::from_secs(1);
    update(&mut model, Event::new(almost, What::Tick));
    assert_eq!(painted(&model), before);
    update(&mut model, Event::new(wake, What::Tick));
    assert_ne!(painted(&model), before);
}

#[test]
fn a_read_only_run_changes_nothing_outside() {
    let mut model = board();
    model.settings.readonly = Some("kanado runs with --readonly".into());
    for keys in ["s", "l U", "l P"] {
        assert!(
            press(&mut model, keys).iter().all(|effect| !matches!(effect, Effect::PlanStart { .. } | Effect::PlanPush { .. })),
            "{keys}"
        );
        assert!(model.overlay.is_none(), "{keys}");
    }
}
