//! The text fields that `typing` leaves out, and what typing must not touch: everything but the field.

use proptest::prelude::*;

use super::scenes::go;
use super::*;
use crate::tui::model::form::text_of;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::picker::Picker;

/// A name, the keys that lead to it, and the text in it.
type Field = (&'static str, &'static str, fn(&Model) -> String);

fn picker(model: &Model) -> &Picker {
    match &model.overlay {
        Some(Overlay::Picker(picker)) => picker,
        other => panic!("no picker: {other:?}"),
    }
}

fn query(model: &Model) -> String {
    picker(model).query.text().into()
}

macro_rules! form {
    ($kind:ident, $form:ident => $text:expr) => {
        |model: &Model| match &model.overlay {
            Some(Overlay::$kind($form)) => $text,
            _ => "closed".into(),
        }
    };
}

const FIELDS: [Field; 17] = [
    ("filter", "/", |model| model.board.filter.text().into()),
    ("pull request filter", "2 /", |model| model.pull_requests.filter.text().into()),
    ("palette", ":", query),
    ("help", "?", query),
    ("help over a form", "n f1", query),
    ("projects", "g o", query),
    ("people", "a", query),
    ("filter words", "f", query),
    ("default reviewer", "5 ] ] ] a", query),
    ("criteria", "n tab tab", form!(NewTicket, form => text_of(&form.criteria))),
    ("labels", "n tab tab tab", form!(NewTicket, form => form.labels.text().into())),
    ("title", "n", form!(NewTicket, form => form.title.text().into())),
    ("body", "l P tab", form!(PullRequest, form => text_of(&form.body))),
    ("target", "l P tab tab tab", form!(PullRequest, form => form.target.text().into())),
    ("work items", "l P tab tab tab tab tab", form!(PullRequest, form => form.work_items.text().into())),
    ("address", "5 enter", |model| model.setup.url.text().into()),
    ("editor", "l l enter e", |model| model.editor.as_ref().map_or("closed".into(), |editor| editor.plain_text())),
];

/// Everything that a printable key must leave as it is.
fn surroundings(model: &Model) -> String {
    let overlay = model.overlay.as_ref().map(std::mem::discriminant);
    let ticket = model.ticket.as_ref().map(|ticket| (&ticket.key, ticket.tab, ticket.scroll, ticket.criterion));
    let editor = model.editor.as_ref().map(|editor| &editor.key);
    let (setup, list) = (&model.setup, &model.pull_requests);
    format!(
        "{overlay:?} {:?} {ticket:?} {editor:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        model.base,
        model.theme.name,
        model.mouse,
        model.tasks,
        model.toast,
        model.sync,
        model.pending,
        model.board.mine,
        model.board.preview,
        (setup.section, setup.focus, &setup.rules, &setup.repositories, &setup.members),
        (list.section, &list.rows),
        model.kept,
        model.board.board.as_ref().map(|board| board.cards.len()),
    )
}

fn field(name: &str) -> Field {
    FIELDS.into_iter().find(|(other, ..)| *other == name).expect("a field")
}

fn at(keys: &str) -> Model {
    let mut model = sized(fixture::board(), 100, 30);
    go(&mut model, keys);
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Any printable key, in any field, on any screen: the field's text changes, and nothing else.
    #[test]
    fn a_printable_key_changes_the_text_of_its_field_and_nothing_else(
        keys in prop::collection::vec(prop_oneof![prop::char::range(' ', '~'), any::<char>().prop_filter("printable", |c| !c.is_control())], 1..12),
        which in 0..FIELDS.len(),
    ) {
        let (name, path, text) = FIELDS[which];
        let mut model = at(path);
        let before = surroundings(&model);
        for c in keys {
            let old = text(&model);
            let effects = happens(&mut model, What::Key(Key::char(c)));
            // A narrower list may select another card, whose preview is read; a draft is saved when the keyboard rests.
            let harmless = effects.iter().all(|effect| matches!(effect, Effect::LoadTicket { .. } | Effect::SaveSpec { .. }));
            prop_assert!(harmless, "{name}: {c:?} asked for {effects:?}");
            prop_assert_eq!(surroundings(&model), before.clone(), "{}: {:?}", name, c);
            let new = text(&model);
            prop_assert_eq!(new.chars().count(), old.chars().count() + 1, "{}: {:?} in {:?}", name, c, new);
            prop_assert!(new.contains(c));
        }
    }
}

#[test]
fn every_printable_ascii_key_is_text_in_every_field() {
    for (name, path, text) in FIELDS {
        let mut model = at(path);
        let before = (surroundings(&model), text(&model));
        for c in ' '..='~' {
            let effects = happens(&mut model, What::Key(Key::char(c)));
            assert!(effects.iter().all(|effect| matches!(effect, Effect::LoadTicket { .. } | Effect::SaveSpec { .. })), "{name}: {c}");
        }
        assert_eq!(surroundings(&model), before.0, "{name}");
        assert_eq!(text(&model).chars().count(), before.1.chars().count() + 95, "{name}");
    }
}

#[test]
fn fields_that_are_turned_through_take_only_their_own_keys() {
    for (path, which) in [
        ("n tab tab tab tab", "repository"),
        ("n tab tab tab tab tab", "priority"),
        ("l P tab tab", "reviewer"),
        ("l P tab tab tab tab", "draft"),
    ] {
        for c in ' '..='~' {
            let mut model = at(path);
            let before = surroundings(&model);
            let effects = happens(&mut model, What::Key(Key::char(c)));
            assert!(effects.is_empty(), "{which}: {c}: {effects:?}");
            assert_eq!(surroundings(&model), before, "{which}: {c}");
        }
    }
}

#[test]
fn typing_moves_the_cursor_of_a_list_to_the_best_match() {
    let (_, path, _) = field("palette");
    let mut model = at(path);
    typed(&mut model, "theme");
    assert_eq!(picker(&model).selected().map(|item| item.label.as_str()), Some("next theme"));
    typed(&mut model, "zzzz");
    assert!(picker(&model).selected().is_none());
    assert!(press(&mut model, "enter").is_empty(), "nothing is run when nothing matches");
    assert!(picture(&model).contains("nothing matches"));
}
