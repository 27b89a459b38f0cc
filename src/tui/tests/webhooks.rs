//! The webhook card: nothing is changed before its plan was read, and the secret is shown once and is gone.

use super::scenes::{go, settle};
use super::*;
use crate::domain::change::Change;
use crate::domain::id::ProjectId;
use crate::notice::Notice;
use crate::tui::answer::{HiddenText, TaskState};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::setup::Section;
use crate::tui::model::webhooks::{HookVerb, MENU};

const SECRET: &str = "canary-Zk3pW0yq8sT1vB6nM4xR7aLdC2eH9uJfGiOoQwE";

fn card() -> Model {
    let mut model = sized(fixture::board(), 80, 24);
    go(&mut model, "5 ] ] ] ]");
    assert_eq!(model.setup.section, Section::Webhooks);
    model
}

/// A model with the secret on its screen.
fn shown() -> Model {
    let mut model = card();
    happens(&mut model, What::SecretMade { secret: HiddenText::new(SECRET), url: Some("https://kanado.example/x".into()) });
    model
}

fn joined(model: &Model) -> String {
    picture(model).split(|c: char| c.is_whitespace() || c == '│').collect()
}

#[test]
fn every_row_of_the_card_says_what_it_does_or_why_not() {
    for (width, height) in SIZES {
        let mut model = sized(fixture::board(), width, height);
        go(&mut model, "5 ] ] ] ]");
        let words = picture(&model);
        assert!(joined(&model).contains("5f1c6f5e-7b0a-4f0e-9d3c-000000000001"), "{width}: the whole address\n{words}");
        for text in ["1 hook on probation", "register the webhooks", "copy the address"] {
            assert!(words.contains(text), "{width}: {text}\n{words}");
        }
        assert!(width < 80 || words.contains("there is a secret already"), "{width}: {words}");
    }
}

#[test]
fn nothing_is_changed_before_the_plan_was_read_and_answered_with_yes() {
    for (row, verb) in [(0, HookVerb::Register), (1, HookVerb::Remove), (3, HookVerb::Rotate), (4, HookVerb::Revoke)] {
        for (answer, changes) in [("y", true), ("enter", false), ("esc", false), ("n", false)] {
            let mut model = card();
            (0..row).for_each(|_| drop(press(&mut model, "j")));
            let effects = press(&mut model, "enter");
            assert!(matches!(effects.as_slice(), [Effect::PlanHooks { verb: asked, .. }] if *asked == verb), "{effects:?}");
            settle(&mut model, effects);
            assert!(picture(&model).contains(verb.title()), "{}", picture(&model));
            let effects = press(&mut model, answer);
            let changed = effects.iter().any(|effect| matches!(effect, Effect::ChangeHooks { verb: asked, .. } if *asked == verb));
            assert_eq!(changed, changes, "{answer}: {effects:?}");
        }
    }
}

#[test]
fn a_registration_that_failed_says_so_in_its_dialog_and_once() {
    let mut model = card();
    go(&mut model, "enter y");
    let mut task = fixture::start_task(12);
    (task.subject, task.title) = (None, "register webhooks".into());
    task.state = TaskState::Failed(Notice::new("Azure DevOps does not let you edit subscriptions").hint("the steps by hand need no right"));
    happens(&mut model, What::Tasks(vec![task]));
    assert_eq!(joined(&model).matches("doesnotletyouedit").count(), 1, "{}", picture(&model));
    assert!(model.toast.is_none());
}

#[test]
fn read_only_refuses_every_change_and_still_shows_the_steps() {
    let mut model = card();
    model.settings.readonly = Some("kanado runs with --readonly".into());
    for (at, intent) in MENU.into_iter().enumerate().take(5) {
        model.setup.row = at;
        model.toast = None;
        let effects = press(&mut model, "enter");
        assert!(effects.is_empty() && model.overlay.is_none(), "{intent:?}: {effects:?}");
        assert!(model.toast.as_ref().is_some_and(|toast| toast.notice.text.contains("--readonly")), "{intent:?}");
    }
    model.setup.row = 5;
    assert!(matches!(press(&mut model, "enter").as_slice(), [Effect::LoadSteps { .. }]));
}

#[test]
fn the_secret_is_shown_whole_and_is_nowhere_once_its_dialog_is_closed() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (200, 50)] {
        let mut model = shown();
        happens(&mut model, What::Resize { width, height });
        assert!(joined(&model).contains(SECRET), "{width}: {}", picture(&model));
        assert!(!format!("{model:?}").contains("canary"), "not in what is written down of a model");
        assert!(!serde_json::to_string(&model.session()).expect("a session").contains("canary"));
        press(&mut model, "enter");
        assert!(model.overlay.is_none() && model.unread_secret.is_none());
        assert!(!joined(&model).contains("canary"), "{width}");
        assert!(!format!("{model:?}").contains("canary"));
    }
}

#[test]
fn the_secret_is_copied_without_being_said_again() {
    let mut model = shown();
    let effects = press(&mut model, "y");
    let [Effect::CopyHidden { what: "secret", text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(text.reveal(), SECRET);
    assert!(!format!("{effects:?}").contains("canary"));
    assert!(matches!(model.overlay, Some(Overlay::Secret(_))), "it stays until it is closed");
}

#[test]
fn a_key_meant_for_something_else_does_not_close_the_secret() {
    let mut model = shown();
    let now = model.now;
    for ms in (0..600).step_by(30) {
        update(&mut model, Event::new(now + SignedDuration::from_millis(ms), What::Key(Key::parse("enter").expect("a key"))));
    }
    assert!(matches!(model.overlay, Some(Overlay::Secret(_))));
    for keys in ["j", "q", "4", "n", "space"] {
        press(&mut model, keys);
        assert!(matches!(model.overlay, Some(Overlay::Secret(_))), "{keys}");
    }
}

#[test]
fn a_secret_that_something_else_took_the_place_of_is_shown_again() {
    let mut model = shown();
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(scenes::conflict()) });
    assert!(matches!(model.overlay, Some(Overlay::Conflict(_))));
    press(&mut model, "esc");
    assert!(joined(&model).contains(SECRET), "{}", picture(&model));
    press(&mut model, "enter");
    assert!(model.overlay.is_none());
}

#[test]
fn a_form_that_was_open_when_the_secret_came_is_kept() {
    let mut model = card();
    go(&mut model, "1 n");
    typed(&mut model, "Say hello");
    happens(&mut model, What::SecretMade { secret: HiddenText::new(SECRET), url: None });
    press(&mut model, "enter");
    go(&mut model, "n");
    assert!(picture(&model).contains("Say hello"), "{}", picture(&model));
}

#[test]
fn the_card_follows_what_happens_to_the_hooks() {
    let mut model = card();
    model.live.asked_at = None;
    let effects = happens(&mut model, What::Changed(Change::Hooks(ProjectId(1))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LoadWebhooks { .. })), "{effects:?}");
}
