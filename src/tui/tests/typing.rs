//! Where text is typed, printable keys are text and nothing else.

use proptest::prelude::*;

use super::*;
use crate::tui::model::form::text_of;
use crate::tui::model::overlay::Overlay;

/// A model in which a text field has the keyboard, and what is in the field.
type Field = (&'static str, fn() -> Model, fn(&Model) -> String);

fn at(keys: &str) -> Model {
    let mut model = sized(fixture::board(), 100, 30);
    scenes::go(&mut model, keys);
    model
}

const FIELDS: [Field; 10] = [
    ("filter", || at("/"), |model| model.board.filter.text().into()),
    ("pull request filter", || at("2 /"), |model| model.pull_requests.filter.text().into()),
    (
        "palette",
        || at(":"),
        |model| match &model.overlay {
            Some(Overlay::Picker(picker)) => picker.query.text().into(),
            _ => "closed".into(),
        },
    ),
    (
        "help",
        || at("?"),
        |model| match &model.overlay {
            Some(Overlay::Picker(picker)) => picker.query.text().into(),
            _ => "closed".into(),
        },
    ),
    ("editor", || at("l enter e"), |model| model.editor.as_ref().map_or("closed".into(), |editor| editor.plain_text())),
    (
        "new ticket title",
        || at("n"),
        |model| match &model.overlay {
            Some(Overlay::NewTicket(form)) => form.title.text().into(),
            _ => "closed".into(),
        },
    ),
    (
        "new ticket description",
        || at("n tab"),
        |model| match &model.overlay {
            Some(Overlay::NewTicket(form)) => text_of(&form.description),
            _ => "closed".into(),
        },
    ),
    (
        "pull request title",
        || at("l P"),
        |model| match &model.overlay {
            Some(Overlay::PullRequest(form)) => form.title.text().into(),
            _ => "closed".into(),
        },
    ),
    (
        "address",
        || {
            let mut model = at("5");
            scenes::go(&mut model, "enter");
            model
        },
        |model| model.setup.url.text().into(),
    ),
    (
        "token",
        || {
            let mut model = at("5");
            scenes::go(&mut model, "enter tab");
            model
        },
        |model| model.setup.token.text().into(),
    ),
];

/// What a typed key may ask for: nothing, but a look at the preview of what a narrower list selects.
fn is_harmless(effect: &Effect) -> bool {
    matches!(effect, Effect::LoadTicket { .. } | Effect::SaveSpec { .. })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_printable_key_acts_in_a_text_field(keys in "[ -~éß日]{1,12}", which in 0..FIELDS.len()) {
        let (name, open, text) = FIELDS[which];
        let mut model = open();
        let before = text(&model);
        let screens = |model: &Model| (model.base, model.ticket.is_some(), model.editor.is_some(), model.overlay.is_some());
        let place = screens(&model);
        for c in keys.chars() {
            let effects = happens(&mut model, What::Key(Key::char(c)));
            prop_assert!(effects.iter().all(is_harmless), "{name}: {c:?} asked for {effects:?}");
            prop_assert_eq!(screens(&model), place, "{}: {:?}", name, c);
        }
        let after = text(&model);
        prop_assert_eq!(after.chars().count(), before.chars().count() + keys.chars().count(), "{}", name);
        for c in keys.chars() {
            prop_assert!(after.contains(c), "{name}: {c:?} is not in {after:?}");
        }
    }

    #[test]
    fn a_paste_acts_nowhere(text in "[ -~\\n\\x1b]{1,40}", which in 0..FIELDS.len() + 3) {
        let mut model = match which.checked_sub(FIELDS.len()) {
            None => FIELDS[which].1(),
            Some(0) => at("j"),
            Some(1) => at("s"),
            _ => at("D"),
        };
        let effects = happens(&mut model, What::Paste(text));
        prop_assert!(effects.iter().all(is_harmless), "{effects:?}");
    }
}

#[test]
fn a_paste_of_megabytes_is_refused_and_nothing_is_lost() {
    let mut model = at("l enter e");
    let before = model.editor.as_ref().map(|editor| editor.text());
    happens(&mut model, What::Paste("x".repeat(3 * 1024 * 1024)));
    assert_eq!(model.editor.as_ref().map(|editor| editor.text()), before);
    assert!(picture(&model).contains("too large"));
    let mut model = at("/");
    happens(&mut model, What::Paste("x".repeat(3 * 1024 * 1024)));
    assert!(model.board.filter.text().len() <= 4_000);
}
