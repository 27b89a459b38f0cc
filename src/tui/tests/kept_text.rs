//! Nothing a person typed is lost: not by Esc, by a failure, by another dialog, or by the end of the program.

use super::scenes::{conflict, go, settle};
use super::*;
use crate::notice::Notice;
use crate::tui::answer::TaskState;
use crate::tui::model::Settings;
use crate::tui::model::form::text_of;
use crate::tui::model::overlay::Overlay;
use crate::tui::session::Session;

fn board() -> Model {
    sized(fixture::board(), 120, 40)
}

fn after(keys: &str) -> Model {
    let mut model = board();
    go(&mut model, keys);
    model
}

/// A form of a new ticket with something in each of its text fields.
fn filled() -> Model {
    let mut model = after("n");
    for text in ["Say hello", "In words.", "- [ ] hello", "api"] {
        typed(&mut model, text);
        press(&mut model, "tab");
    }
    model
}

fn new_ticket(model: &Model) -> [String; 4] {
    let Some(Overlay::NewTicket(form)) = &model.overlay else { panic!("no form") };
    [form.title.text().into(), text_of(&form.description), text_of(&form.criteria), form.labels.text().into()]
}

const FILLED: [&str; 4] = ["Say hello", "In words.", "- [ ] hello", "api"];

fn session_of(effects: &[Effect]) -> Option<Session> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::SaveSession(session) => Some((**session).clone()),
        _ => None,
    })
}

/// The next run of the program, from what was kept of the last one.
fn next_run(session: &Session) -> Model {
    let kept: Session = serde_json::from_str(&serde_json::to_string(session).expect("json")).expect("a session");
    assert_eq!(kept, *session);
    let mut model = board();
    model.restore(kept);
    model
}

#[test]
fn esc_keeps_every_field_of_a_form() {
    let mut model = filled();
    press(&mut model, "esc");
    assert!(model.overlay.is_none());
    go(&mut model, "n");
    assert_eq!(new_ticket(&model), FILLED);

    // One field alone is worth keeping, whichever it is.
    for (tabs, at) in [("", 0), ("tab", 1), ("tab tab", 2), ("tab tab tab", 3)] {
        let mut model = after("n");
        if !tabs.is_empty() {
            press(&mut model, tabs);
        }
        typed(&mut model, "kept");
        go(&mut model, "esc n");
        assert_eq!(new_ticket(&model)[at], "kept");
    }
}

#[test]
fn a_form_that_was_left_is_there_in_the_next_run() {
    let mut model = filled();
    let effects = press(&mut model, "esc");
    let mut again = next_run(&session_of(&effects).expect("the place is kept"));
    go(&mut again, "n");
    assert_eq!(new_ticket(&again), FILLED);

    let mut model = after("l P end");
    typed(&mut model, " (second try)");
    let effects = press(&mut model, "esc");
    let mut again = next_run(&session_of(&effects).expect("the place is kept"));
    go(&mut again, "l P");
    let Some(Overlay::PullRequest(form)) = &again.overlay else { panic!("no form") };
    assert_eq!(form.title.text(), "ATL-9: Cache the price list per region (second try)");
    assert!(text_of(&form.body).contains("## Acceptance criteria"));
}

#[test]
fn a_line_that_drops_keeps_the_form_that_is_open() {
    let mut model = filled();
    let effects = happens(&mut model, What::HangUp);
    let mut again = next_run(&session_of(&effects).expect("the place is kept"));
    go(&mut again, "n");
    assert_eq!(new_ticket(&again), FILLED);

    // Also while the help lies over it.
    let mut model = filled();
    go(&mut model, "f1");
    let effects = happens(&mut model, What::HangUp);
    assert_eq!(session_of(&effects).and_then(|session| session.new_ticket).map(|text| text.title).as_deref(), Some("Say hello"));
}

#[test]
fn a_form_is_kept_while_it_is_typed_for_a_process_that_is_killed() {
    let mut model = after("n");
    typed(&mut model, "Say hello");
    let at = model.wake_at().expect("the rest is kept soon");
    assert!(at <= model.now + SignedDuration::from_secs(1));
    let effects = update(&mut model, Event::new(at, What::Tick));
    let mut again = next_run(&session_of(&effects).expect("it is kept"));
    go(&mut again, "n");
    assert_eq!(new_ticket(&again)[0], "Say hello");
    let effects = update(&mut model, Event::new(at + SignedDuration::from_secs(9), What::Tick));
    assert!(session_of(&effects).is_none(), "nothing was typed since");
}

#[test]
fn a_ticket_that_could_not_be_made_keeps_its_form() {
    let mut model = filled();
    let effects = press(&mut model, "ctrl+s");
    let Some(Effect::CreateTicket { generation, .. }) = effects.first() else { panic!("{effects:?}") };
    happens(&mut model, What::TicketCreated { generation: *generation, key: Err(Notice::new("the disk is full")) });
    assert_eq!(new_ticket(&model), FILLED);
    assert!(picture(&model).contains("the disk is full"));
}

#[test]
fn a_form_closed_while_it_is_sent_comes_back_if_it_fails_and_not_if_it_arrives() {
    for arrives in [true, false] {
        let mut model = filled();
        let effects = press(&mut model, "ctrl+s");
        let Some(Effect::CreateTicket { generation, .. }) = effects.first() else { panic!("{effects:?}") };
        press(&mut model, "esc");
        let key = if arrives { Ok(fixture::key(99)) } else { Err(Notice::new("the disk is full")) };
        happens(&mut model, What::TicketCreated { generation: *generation, key });
        go(&mut model, "n");
        assert_eq!(new_ticket(&model), if arrives { [""; 4] } else { FILLED });
    }
    // Opened again before the answer is there: it cannot be sent twice.
    let mut model = filled();
    press(&mut model, "ctrl+s esc n");
    assert!(press(&mut model, "ctrl+s").is_empty());
}

#[test]
fn a_pull_request_form_closed_while_it_runs_comes_back_if_it_fails_and_not_if_it_is_opened() {
    for succeeds in [true, false] {
        let mut model = after("l P end");
        typed(&mut model, " (second try)");
        let effects = press(&mut model, "ctrl+s");
        let Some(Effect::OpenPullRequest { generation, .. }) = effects.first() else { panic!("{effects:?}") };
        let generation = *generation;
        press(&mut model, "esc");
        happens(&mut model, What::TaskStarted { generation, task: Ok(3) });
        let mut task = fixture::start_task(9);
        task.id = 3;
        happens(&mut model, What::Tasks(vec![task.clone()]));
        task.state = if succeeds { TaskState::Done("!46 is open".into()) } else { TaskState::Failed(Notice::new("the line was cut")) };
        happens(&mut model, What::Tasks(vec![task]));
        assert!(model.overlay.is_none(), "it was closed and stays closed");
        go(&mut model, "P");
        let Some(Overlay::PullRequest(form)) = &model.overlay else { panic!("no form") };
        assert_eq!(form.title.text().ends_with("(second try)"), !succeeds);
    }
}

#[test]
fn a_conflict_that_comes_while_a_form_is_open_keeps_the_form() {
    let mut model = filled();
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict()) });
    assert!(matches!(model.overlay, Some(Overlay::Conflict(_))));
    go(&mut model, "esc n");
    assert_eq!(new_ticket(&model), FILLED);
}

#[test]
fn what_was_typed_after_a_push_was_asked_for_is_part_of_mine() {
    let mut model = after("l enter e");
    typed(&mut model, "newer words ");
    let typed_text = model.editor.as_ref().map(|editor| editor.text()).expect("an editor");
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict()) });
    let effects = press(&mut model, "m");
    let resolved = effects.iter().find_map(|effect| match effect {
        Effect::ResolveSpec { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(resolved, Some(typed_text.clone()));
    assert_eq!(model.editor.as_ref().map(|editor| editor.text()), Some(typed_text));
}

#[test]
fn taking_theirs_can_be_undone() {
    let mut model = after("l enter e");
    typed(&mut model, "mine ");
    let mine = model.editor.as_ref().map(|editor| editor.plain_text());
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict()) });
    for effect in press(&mut model, "t") {
        if let Effect::ResolveSpec { key, text, generation, .. } = effect {
            let mut spec = fixture::detail(9).spec;
            (spec.text, spec.revision) = (text, 4);
            happens(&mut model, What::SpecSaved { generation, key, saved: Ok(Box::new(spec)) });
        }
    }
    assert!(model.editor.as_ref().is_some_and(|editor| editor.text() == conflict().theirs));
    for _ in 0..4 {
        press(&mut model, "ctrl+z");
        if model.editor.as_ref().map(|editor| editor.plain_text()) == mine {
            return;
        }
    }
    panic!("{:?}", model.editor.map(|editor| editor.plain_text()));
}

#[test]
fn esc_in_the_editor_leaves_only_when_the_text_is_saved() {
    let mut model = after("l enter e");
    typed(&mut model, "x");
    let effects = press(&mut model, "esc esc esc");
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::SaveSpec { .. })).count(), 1);
    assert!(model.editor.is_some());
    // What is typed while the save is under way is saved as well before the editor closes.
    typed(&mut model, "y");
    let Some(Effect::SaveSpec { key, text, generation, .. }) = effects.first().cloned() else { panic!("{effects:?}") };
    let mut spec = fixture::detail(9).spec;
    (spec.text, spec.revision) = (text, 4);
    let effects = happens(&mut model, What::SpecSaved { generation, key, saved: Ok(Box::new(spec)) });
    let [Effect::SaveSpec { text, expected_revision: 4, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.starts_with("xy#") && model.editor.is_some(), "{text}");
}

#[test]
fn esc_keeps_the_filter_and_the_address() {
    let mut model = after("/");
    typed(&mut model, "@alice");
    press(&mut model, "esc");
    assert_eq!(model.board.filter.text(), "@alice");

    let mut model = Model::new(fixture::now(), Settings::default());
    press(&mut model, "c");
    typed(&mut model, "lumen");
    press(&mut model, "tab");
    typed(&mut model, "canary");
    press(&mut model, "esc c");
    assert_eq!((model.setup.url.text(), model.setup.token.text()), ("lumen", "canary"));
}

#[test]
fn the_token_is_forgotten_once_it_is_kept_and_never_in_the_session() {
    let mut model = Model::new(fixture::now(), Settings::default());
    press(&mut model, "c");
    typed(&mut model, "lumen");
    press(&mut model, "enter");
    typed(&mut model, "canary");
    let effects = press(&mut model, "enter");
    settle(&mut model, effects);
    let effects = press(&mut model, "enter");
    let Some(Effect::Activate { generation, token, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(token.reveal(), "canary");
    assert!(!format!("{effects:?}{model:?}{:?}", model.session()).contains("canary"));
    happens(&mut model, What::Activated { generation: *generation, project: Ok(Box::new(fixture::project())) });
    assert!(model.setup.token.is_empty());
}
