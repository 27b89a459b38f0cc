//! Nothing outside changes by accident: a plan first, `y` alone says yes, and no key that was meant for something else does.

use super::scenes::go;
use super::*;
use crate::notice::Notice;
use crate::tui::answer::{Plan, SaveFailure};
use crate::tui::effect::QuitMode;
use crate::tui::model::overlay::{GUARD, Overlay};

/// A dialog, and how to come to it: the last thing that happens opens it.
type Dialog = (&'static str, fn() -> Model);

fn board() -> Model {
    sized(fixture::board(), 120, 40)
}

fn after(keys: &str) -> Model {
    let mut model = board();
    go(&mut model, keys);
    model
}

/// Without going back to the fixture's moment: the dialog is as old as the model says.
fn pressed(keys: &str) -> Model {
    let mut model = board();
    press(&mut model, keys);
    model
}

fn start() -> Model {
    let mut model = board();
    for effect in press(&mut model, "s") {
        if let Effect::PlanStart { generation, .. } = effect {
            happens(&mut model, What::StartPlanned { generation, plan: Ok(Box::new(fixture::start_plan(12))) });
        }
    }
    model
}

fn with_task() -> Model {
    let mut model = board();
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    model
}

fn push() -> Model {
    let mut model = board();
    for effect in press(&mut model, "l U") {
        if let Effect::PlanPush { generation, .. } = effect {
            let plan = Plan { progress: fixture::start_plan(9).progress, warnings: Vec::new(), refused: None };
            happens(&mut model, What::Planned { generation, plan: Ok(Box::new(plan)) });
        }
    }
    model
}

fn existing_branch() -> Model {
    let mut model = board();
    for effect in press(&mut model, "s") {
        if let Effect::PlanStart { generation, .. } = effect {
            let mut plan = fixture::start_plan(12);
            plan.existing_branch = Some("feature/ATL-12 is there already".into());
            happens(&mut model, What::StartPlanned { generation, plan: Ok(Box::new(plan)) });
        }
    }
    model
}

fn unsaved() -> Model {
    let mut model = after("l enter e");
    typed(&mut model, "x");
    for effect in press(&mut model, "ctrl+s") {
        if let Effect::SaveSpec { key, generation, .. } = effect {
            let saved = Err(SaveFailure::Refused(Notice::new("the disk is full")));
            happens(&mut model, What::SpecSaved { generation, key, saved });
        }
    }
    press(&mut model, "esc");
    model
}

const DIALOGS: [Dialog; 8] = [
    ("start", start),
    ("start on a branch that is there", existing_branch),
    ("push", push),
    ("archive", || pressed("l Z")),
    ("delete", || pressed("D")),
    ("cancel", || {
        let mut model = with_task();
        press(&mut model, "ctrl+x");
        model
    }),
    ("quit", || {
        let mut model = with_task();
        press(&mut model, "q");
        model
    }),
    ("leave unsaved", unsaved),
];

/// Keys that a person or a terminal may send.
fn keyboard() -> Vec<Key> {
    let mut keys: Vec<Key> = (' '..='~').map(Key::char).collect();
    keys.extend(('a'..='z').map(Key::ctrl));
    let named = ["enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdn", "delete", "backspace"];
    keys.extend(named.map(|key| Key::parse(key).expect(key)));
    keys.extend((1..=12).map(|n| Key::parse(&format!("f{n}")).expect("a function key")));
    keys
}

/// What changes something outside this screen. Reading, planning, copying and looking do not.
fn changes(effect: &Effect) -> bool {
    use Effect::*;
    matches!(
        effect,
        PushSpec { .. }
            | PullSpec { .. }
            | ResolveSpec { .. }
            | ToggleCriterion { .. }
            | Start { .. }
            | OpenPullRequest { .. }
            | CreateTicket { .. }
            | Assign { .. }
            | AssignToMe { .. }
            | Move { .. }
            | Archive { .. }
            | Delete { .. }
            | Activate { .. }
            | LinkRepository { .. }
            | SetMember { .. }
            | SetReviewRules { .. }
            | SetComments { .. }
            | CancelTask { .. }
            | Quit(_)
    )
}

/// What changes Azure DevOps itself.
fn changes_the_remote(effect: &Effect) -> bool {
    matches!(effect, Effect::PushSpec { .. } | Effect::Start { .. } | Effect::OpenPullRequest { .. })
}

fn is_left(model: &Model) -> bool {
    model.overlay.is_none()
}

#[test]
fn only_y_says_yes() {
    for (name, open) in DIALOGS {
        for key in keyboard() {
            let mut model = open();
            assert!(model.overlay.is_some(), "{name}");
            let editing = model.editor.is_some();
            let effects = happens(&mut model, What::Key(key));
            let did = effects.iter().any(changes) || model.editor.is_some() != editing;
            let says_yes = match name {
                "start on a branch that is there" => key == Key::char('u'),
                "quit" => key == Key::char('y') || key == Key::char('f'),
                _ => key == Key::char('y'),
            };
            assert_eq!(did, says_yes, "{name}: {key}: {effects:?}");
        }
    }
}

#[test]
fn enter_and_esc_are_the_safe_choices() {
    for (name, open) in DIALOGS {
        for key in ["enter", "esc", "n"] {
            let mut model = open();
            let text = model.editor.as_ref().map(|editor| editor.text());
            let effects = press(&mut model, key);
            assert!(is_left(&model), "{name}: {key} closes it");
            assert!(!effects.iter().any(changes), "{name}: {key}: {effects:?}");
            assert_eq!(model.editor.as_ref().map(|editor| editor.text()), text, "{name}: {key}");
        }
    }
}

#[test]
fn a_dialog_is_deaf_for_a_quarter_of_a_second_and_while_a_key_repeats() {
    for (name, open) in DIALOGS {
        let yes = Key::char(if name.starts_with("start on") { 'u' } else { 'y' });
        for ms in [0, 1, 100, 249] {
            let mut model = open();
            let at = model.now + SignedDuration::from_millis(ms);
            let effects = update(&mut model, Event::new(at, What::Key(yes)));
            assert!(!effects.iter().any(changes) && !is_left(&model), "{name} after {ms} ms");
        }
        let mut model = open();
        let at = model.now + GUARD;
        let effects = update(&mut model, Event::new(at, What::Key(yes)));
        assert!(effects.iter().any(changes) || is_left(&model), "{name} after {GUARD:?}");

        // Held down since before it opened: the first comes at once, the rest every 30 ms.
        let mut model = open();
        let mut at = model.now;
        for _ in 0..100 {
            let effects = update(&mut model, Event::new(at, What::Key(yes)));
            assert!(!effects.iter().any(changes) && !is_left(&model), "{name}: a held key said yes");
            at += SignedDuration::from_millis(30);
        }
    }
}

#[test]
fn esc_closes_a_dialog_at_once() {
    for (name, open) in DIALOGS {
        let mut model = open();
        let at = model.now;
        let effects = update(&mut model, Event::new(at, What::Key(Key::parse("esc").expect("a key"))));
        assert!(is_left(&model) && !effects.iter().any(changes), "{name}");
    }
}

#[test]
fn no_single_key_changes_the_remote_and_no_small_one_changes_anything_without_being_asked() {
    for screens in [
        "",
        "l",
        "l l",
        "l l l",
        "l l l l",
        "enter",
        "l l enter",
        "l l enter ]",
        "l l enter ] ]",
        "2",
        "2 ] ]",
        "5",
        "5 ]",
        "5 ] ]",
        "5 ] ] ]",
    ] {
        for key in keyboard() {
            let mut model = board();
            if !screens.is_empty() {
                go(&mut model, screens);
            }
            let effects = happens(&mut model, What::Key(key));
            assert!(!effects.iter().any(changes_the_remote), "{screens:?} {key}: {effects:?}");
            let own = |effect: &Effect| {
                // What a small key may do without a question: take a ticket, tick a box, toggle a row of the setup, leave.
                let asked = matches!(effect, Effect::AssignToMe { .. } | Effect::ToggleCriterion { .. } | Effect::Quit(QuitMode::Now));
                let setup = matches!(effect, Effect::LinkRepository { .. } | Effect::SetMember { .. } | Effect::SetReviewRules { .. });
                asked || (setup && screens.starts_with('5'))
            };
            if key.typed().is_some_and(|c| c.is_lowercase()) {
                assert!(effects.iter().all(|effect| !changes(effect) || own(effect)), "{screens:?} {key}: {effects:?}");
            }
        }
    }
}

#[test]
fn a_plan_that_is_refused_cannot_be_said_yes_to() {
    let mut model = board();
    for effect in press(&mut model, "s") {
        if let Effect::PlanStart { generation, .. } = effect {
            let mut plan = fixture::start_plan(12);
            plan.refused = Some(Notice::new(".tickets/ATL-12.md on main is another ticket's").hint("give this ticket another prefix"));
            happens(&mut model, What::StartPlanned { generation, plan: Ok(Box::new(plan)) });
        }
    }
    let words = picture(&model);
    assert!(words.contains("is another ticket's") && words.contains("give this ticket another prefix"), "{words}");
    assert!(!words.contains("y start work"), "no hint for what is not possible");
    assert!(press(&mut model, "y u").is_empty());
    assert!(matches!(model.overlay, Some(Overlay::Start(_))));

    let mut model = board();
    for effect in press(&mut model, "l U") {
        if let Effect::PlanPush { generation, .. } = effect {
            let refused = Some(Notice::new("the branch holds this text already"));
            let plan = Plan { progress: fixture::start_plan(9).progress, warnings: Vec::new(), refused };
            happens(&mut model, What::Planned { generation, plan: Ok(Box::new(plan)) });
        }
    }
    assert!(press(&mut model, "y").is_empty());
}

#[test]
fn a_plan_for_another_repository_is_made_anew_before_it_can_be_agreed_to() {
    let mut model = start();
    let effects = press(&mut model, "l");
    let Some(Effect::PlanStart { repository, generation, .. }) = effects.first().cloned() else { panic!("{effects:?}") };
    assert_eq!(repository.map(|id| id.0), Some(2));
    assert!(press(&mut model, "y").is_empty(), "not before the new plan is here");
    let mut plan = fixture::start_plan(12);
    plan.repository = repository;
    happens(&mut model, What::StartPlanned { generation, plan: Ok(Box::new(plan)) });
    assert!(picture(&model).contains("in billing"));
    assert!(matches!(press(&mut model, "y").as_slice(), [Effect::Start { .. }]));
}

#[test]
fn quitting_asks_while_a_spec_written_here_is_not_on_its_branch() {
    let mut model = board();
    // ATL-9's spec is a draft that somebody wrote another day: no question for that.
    assert!(press(&mut model, "q").iter().any(|effect| matches!(effect, Effect::Quit(QuitMode::Now))));

    let mut model = after("l enter e");
    typed(&mut model, "x");
    for effect in press(&mut model, "esc") {
        if let Effect::SaveSpec { key, text, generation, .. } = effect {
            let mut spec = fixture::detail(9).spec;
            (spec.text, spec.revision) = (text, 4);
            happens(&mut model, What::SpecSaved { generation, key, saved: Ok(Box::new(spec)) });
        }
    }
    press(&mut model, "esc");
    let effects = press(&mut model, "q");
    assert!(effects.is_empty(), "{effects:?}");
    let words = picture(&model);
    assert!(words.contains("not pushed: the spec of ATL-9 Cache the price list") && words.contains("y quit"), "{words}");
    assert!(press(&mut model, "f").is_empty(), "there is nothing to wait for");
    press(&mut model, "enter");
    assert!(matches!(press(&mut model, "q y").as_slice(), [Effect::SaveSession(_), Effect::Quit(QuitMode::Now)]));
}

#[test]
fn the_wheel_and_the_mouse_never_answer_a_dialog() {
    use crate::tui::event::Direction;
    for (name, open) in DIALOGS {
        let mut model = open();
        for what in [What::Wheel(Direction::Down), What::Wheel(Direction::Up), What::Click { x: 40, y: 12 }, What::Paste("y".into())] {
            let effects = happens(&mut model, what);
            assert!(effects.is_empty() && !is_left(&model), "{name}: {effects:?}");
        }
    }
}
