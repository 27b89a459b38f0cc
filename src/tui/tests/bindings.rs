//! Keys and what a person is told of them: help, hints, palette and `[keys]` agree.

use super::scenes::go;
use super::*;
use crate::tui::actions::{ACTIONS, Context};
use crate::tui::intent::Intent;
use crate::tui::keymap::{Keymap, Meaning, Override};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::picker::{Pick, Picker, PickerKind};

/// The keys that lead to each context, and the one that opens its help.
const CONTEXTS: [(Context, &str, &str); 8] = [
    (Context::Board, "", "?"),
    (Context::Ticket, "enter", "?"),
    (Context::PullRequests, "2", "?"),
    (Context::Metrics, "3", "?"),
    (Context::Activity, "4", "?"),
    (Context::Setup, "5", "?"),
    (Context::Editor, "l enter e", "f1"),
    (Context::Form, "n", "f1"),
];

fn written(action: &str, keys: &[&str], line: usize) -> Override {
    Override { action: action.into(), keys: keys.iter().map(|key| (*key).to_owned()).collect(), place: format!("config.toml:{line}") }
}

fn helped(keymap: Keymap, keys: &str, help: &str) -> (Model, Picker) {
    let mut model = sized(fixture::board(), 120, 40);
    model.keymap = keymap;
    for part in [keys, help].into_iter().filter(|keys| !keys.is_empty()) {
        go(&mut model, part);
    }
    let Some(Overlay::Picker(picker)) = model.overlay.clone() else { panic!("no help after {keys}") };
    assert_eq!(picker.kind, PickerKind::Help);
    (model, *picker)
}

#[test]
fn the_help_of_each_screen_lists_exactly_what_is_bound_there() {
    for (context, keys, help) in CONTEXTS {
        let keymap = Keymap::default();
        let (_, picker) = helped(keymap.clone(), keys, help);
        assert_eq!(picker.title, format!("Help: {}", context.title()));
        let listed: Vec<Intent> = picker
            .items
            .iter()
            .map(|item| match &item.pick {
                Pick::Act(intent) => *intent,
                other => panic!("{other:?}"),
            })
            .collect();
        let wanted: Vec<Intent> = ACTIONS.iter().filter(|action| action.contexts.contains(&context)).map(|action| action.intent).collect();
        assert_eq!(listed, wanted, "{context:?}");
        for item in &picker.items {
            let Pick::Act(intent) = item.pick else { continue };
            assert_eq!(item.detail, keymap.all_shown(context, intent).join("  "));
            // What the help says, the keyboard does.
            for shown in keymap.all_shown(context, intent) {
                let sequence = Key::parse_sequence(&shown).expect(&shown);
                assert_eq!(keymap.meaning(context, &sequence), Meaning::Intent(intent), "{context:?}: {shown}");
            }
        }
    }
}

#[test]
fn every_key_that_means_something_is_in_the_help() {
    let keymap = Keymap::default();
    let mut keys: Vec<Key> = (' '..='~').map(Key::char).collect();
    keys.extend(('a'..='z').map(Key::ctrl));
    keys.extend(
        ["enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdn"].map(|k| Key::parse(k).expect(k)),
    );
    keys.extend((1..=12).map(|n| Key::parse(&format!("f{n}")).expect("a function key")));
    for (context, path, help) in CONTEXTS {
        let (_, picker) = helped(keymap.clone(), path, help);
        let shown: Vec<String> = picker.items.iter().map(|item| item.detail.clone()).collect();
        for key in &keys {
            let first = key.to_string();
            let listed = shown.iter().any(|detail| detail.split("  ").any(|way| way.split(' ').next() == Some(&first)));
            assert_eq!(keymap.meaning(context, &[*key]) != Meaning::Nothing, listed, "{context:?}: {first}");
        }
    }
}

#[test]
fn the_help_runs_what_is_chosen_and_goes_back_where_it_came_from() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "?");
    typed(&mut model, "only mine");
    press(&mut model, "enter");
    assert!(model.board.mine && model.overlay.is_none());

    // From a form: the form is there again, with what was typed, and submitting from the help sends it.
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "n");
    typed(&mut model, "Say hello");
    go(&mut model, "f1");
    assert!(picture(&model).contains("Help: Form"));
    press(&mut model, "esc");
    let Some(Overlay::NewTicket(form)) = &model.overlay else { panic!("no form") };
    assert_eq!(form.title.text(), "Say hello");
    go(&mut model, "f1");
    typed(&mut model, "submit");
    let effects = press(&mut model, "enter");
    assert!(matches!(effects.as_slice(), [Effect::CreateTicket { request, .. }] if request.title == "Say hello"), "{effects:?}");
}

#[test]
fn an_answer_for_a_form_arrives_while_the_help_lies_over_it() {
    let mut model = sized(fixture::board(), 120, 40);
    let effects = press(&mut model, "l P f1");
    for effect in effects {
        if let Effect::PlanPullRequest { generation, .. } = effect {
            happens(&mut model, What::PullRequestPlanned { generation, draft: Ok(Box::new(fixture::pull_request_draft())) });
        }
    }
    press(&mut model, "esc");
    let words = picture(&model);
    assert!(words.contains("ATL-9: Cache the price list per region") && words.contains("Bob Okafor"), "{words}");
}

#[test]
fn what_a_person_binds_is_what_hints_help_and_palette_show() {
    let (keymap, wrong) = Keymap::new(&[written("ticket.start", &["W", "g w"], 2), written("ticket.take", &[], 3)]);
    assert!(wrong.is_empty(), "{wrong:?}");
    let (mut model, picker) = helped(keymap.clone(), "", "?");
    let detail = |intent: Intent| picker.items.iter().find(|item| item.pick == Pick::Act(intent)).map(|item| item.detail.clone());
    assert_eq!(detail(Intent::StartWork).as_deref(), Some("W  g w"));
    assert_eq!(detail(Intent::TakeIt).as_deref(), Some(""), "unbound, and still to be run from the help");
    press(&mut model, "esc");
    assert!(picture(&model).lines().last().is_some_and(|foot| foot.contains("W start") && !foot.contains("s start")));

    let mut model = sized(fixture::board(), 120, 40);
    model.keymap = keymap;
    assert!(press(&mut model, "s i").is_empty(), "what was unbound does nothing");
    assert!(matches!(press(&mut model, "W").as_slice(), [Effect::PlanStart { .. }]));
    press(&mut model, "esc");
    assert!(matches!(press(&mut model, "g w").as_slice(), [Effect::PlanStart { .. }]));
}

#[test]
fn a_key_given_to_another_action_leaves_its_first_owner() {
    let (keymap, wrong) = Keymap::new(&[written("ticket.take", &["s"], 5)]);
    assert!(wrong.is_empty(), "a default gives way without a word: {wrong:?}");
    assert_eq!(keymap.meaning(Context::Board, &[Key::char('s')]), Meaning::Intent(Intent::TakeIt));
    assert_eq!(keymap.shown(Context::Board, Intent::StartWork), None);
}

#[test]
fn mistakes_in_the_keys_are_told_with_file_and_line_and_the_rest_still_works() {
    let (keymap, wrong) = Keymap::new(&[
        written("ticket.start", &["w"], 2),
        written("spec.edit", &["w"], 3),
        written("ticket.strat", &["x"], 4),
        written("ticket.archive", &["ctrl+ü+x"], 5),
        written("editor.push", &["p"], 6),
        written("ticket.assign", &["g"], 7),
        written("filter.mine", &["N"], 8),
    ]);
    let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    for (place, words) in [
        ("config.toml:3", "`ticket.start`"),
        ("config.toml:4", "ticket.start"),
        ("config.toml:5", "is not a key"),
        ("config.toml:6", "types text"),
    ] {
        assert!(told.iter().any(|notice| notice.contains(place) && notice.contains(words)), "{place}: {told:#?}");
    }
    assert_eq!(keymap.meaning(Context::Board, &[Key::char('w')]), Meaning::Intent(Intent::StartWork), "the first of two keeps the key");
    assert_eq!(keymap.meaning(Context::Board, &[Key::char('N')]), Meaning::Intent(Intent::Mine));
    // `g` given away takes the sequences that begin with it along, and the arrows still go home.
    assert_eq!(keymap.meaning(Context::Board, &[Key::char('g')]), Meaning::Intent(Intent::Assign));
    assert_eq!(keymap.meaning(Context::Board, &[Key::parse("home").expect("a key")]), Meaning::Intent(Intent::Top));
}

#[test]
fn a_sequence_begun_by_mistake_is_left_without_acting() {
    for keys in ["g esc", "g x"] {
        let mut model = sized(fixture::board(), 120, 40);
        let before = model.board.selected.clone();
        assert!(press(&mut model, keys).is_empty(), "{keys}");
        assert!(model.pending.keys.is_empty() && model.board.selected == before);
    }
    let mut model = sized(fixture::board(), 120, 40);
    press(&mut model, "g");
    assert!(!picture(&model).contains("g …"), "no strip before it is needed");
    let wake = model.wake_at().expect("the strip comes by itself");
    assert_eq!(wake.duration_since(model.now), SignedDuration::from_millis(300));
    update(&mut model, Event::new(wake, What::Tick));
    let words = picture(&model);
    let strip = words.lines().last().unwrap_or_default();
    for hint in ["g top", "b board", "p pull requests", "s setup", "o another project"] {
        assert!(strip.contains(hint), "{hint}: {strip}");
    }
}

#[test]
fn the_hints_at_the_foot_are_bound_keys() {
    for (context, keys, _) in CONTEXTS {
        let mut model = sized(fixture::board(), 200, 40);
        if !keys.is_empty() {
            go(&mut model, keys);
        }
        let words = picture(&model);
        let foot = words.lines().last().unwrap_or_default();
        for action in ACTIONS.iter().filter(|action| action.contexts.contains(&context)) {
            let (Some(hint), Some(key)) = (action.hint, model.keymap.shown(context, action.intent)) else { continue };
            let shown = foot.contains(&format!(" {key} {hint} "));
            if foot.contains(&format!(" {hint} ")) && context != Context::Form {
                assert!(shown, "{context:?}: {hint} with another key than {key}: {foot}");
            }
        }
    }
}
