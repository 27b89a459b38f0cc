//! Every action of the catalogue: from a state, by its own key (through the palette where it has none), to what comes of it.

use super::scenes::go;
use super::*;
use crate::domain::id::TicketKey;
use crate::domain::status::Status;
use crate::metrics::period::Span;
use crate::metrics::query::{Definition, Hours};
use crate::tui::actions::{ACTIONS, Action, Context};
use crate::tui::effect::{Link, MouseCapture, QuitMode, SyncReason};
use crate::tui::intent::Intent;
use crate::tui::model::activity::Shown;
use crate::tui::model::board::Filtering;
use crate::tui::model::metrics::Scope;
use crate::tui::model::overlay::{Confirmed, Overlay, PromptFor, SpecDirection};
use crate::tui::model::picker::PickerKind;
use crate::tui::model::setup::Section;
use crate::tui::model::ticket::Tab;
use crate::tui::model::webhooks::HookVerb;
use crate::tui::model::{Base, TerminalFocus};
use crate::tui::refusal::refusal;
use crate::tui::theme::ThemeName;

/// What the action does, seen in the model and the effects.
type Outcome = fn(&Model, &[Effect]) -> bool;

fn at(model: &Model, number: u32) -> bool {
    model.board.selected == Some(fixture::key(number))
}

fn is(key: &TicketKey, number: u32) -> bool {
    *key == fixture::key(number)
}

fn text(model: &Model) -> String {
    model.editor.as_ref().map_or_else(String::new, |editor| editor.text())
}

fn line(model: &Model) -> String {
    model.editor.as_ref().map_or_else(String::new, |editor| editor.area.lines()[editor.area.cursor().0].clone())
}

fn titled(model: &Model, title: &str) -> bool {
    matches!(&model.overlay, Some(Overlay::Picker(picker)) if picker.title == title)
}

fn asked(model: &Model, what: &Confirmed) -> bool {
    matches!(&model.overlay, Some(Overlay::Confirm(confirm)) if confirm.what == *what)
}

macro_rules! asks_for {
    ($pattern:pat $(if $guard:expr)?) => {
        |_, effects: &[Effect]| effects.iter().any(|effect| matches!(effect, $pattern $(if $guard)?))
    };
}

/// Id of the action, keys before it, what comes of it.
const TRIPLES: &[(&str, &str, Outcome)] = &[
    ("ticket.start", "", |model, effects| {
        matches!(effects, [Effect::PlanStart { key, .. }] if is(key, 12)) && matches!(model.overlay, Some(Overlay::Start(_)))
    }),
    ("spec.edit", "l enter", |model, _| model.editor.as_ref().is_some_and(|editor| is(&editor.key, 9))),
    ("pr.open", "l", |model, effects| {
        matches!(effects, [Effect::PlanPullRequest { key, .. }] if is(key, 9)) && matches!(model.overlay, Some(Overlay::PullRequest(_)))
    }),
    ("ticket.move", "", |model, _| titled(model, "Move ATL-12 to")),
    ("ticket.new", "", |model, _| matches!(model.overlay, Some(Overlay::NewTicket(_)))),
    ("ticket.left", "l l l l", asks_for!(Effect::Move { key, to: Status::Merged } if is(key, 1))),
    ("ticket.right", "l l l", asks_for!(Effect::Move { key, to: Status::Done } if is(key, 2))),
    ("ticket.assign", "", |model, effects| matches!(effects, [Effect::LoadMembers { .. }]) && titled(model, "Assign ATL-12 to")),
    ("ticket.take", "", asks_for!(Effect::AssignToMe { key, version: 1 } if is(key, 12))),
    ("criterion.toggle", "l l enter ] j j j", |model, effects| {
        let ticked = model.ticket.as_ref().and_then(|ticket| ticket.detail.as_ref()).is_some_and(|detail| detail.ticket.criteria[3].ticked);
        ticked && matches!(effects, [Effect::ToggleCriterion { key, index: 3 }] if is(key, 4))
    }),
    ("spec.external", "l enter", asks_for!(Effect::ExternalEditor { key, text } if is(key, 9) && text.starts_with("# ATL-9"))),
    ("spec.diff", "l", |model, effects| {
        matches!(effects, [Effect::DiffSpec { key, .. }] if is(key, 9)) && matches!(model.overlay, Some(Overlay::Diff(_)))
    }),
    ("spec.push", "l", |model, effects| {
        let dialog = matches!(&model.overlay, Some(Overlay::SpecPlan(dialog)) if dialog.direction == SpecDirection::Push);
        dialog && matches!(effects, [Effect::PlanPush { key, .. }] if is(key, 9))
    }),
    ("spec.pull", "l", asks_for!(Effect::PullSpec { key, .. } if is(key, 9))),
    ("ticket.open", "l l", asks_for!(Effect::OpenPage { key } if is(key, 4))),
    ("ticket.copy_key", "j", asks_for!(Effect::CopyText { what: "key", text } if text == "ATL-14")),
    ("ticket.copy_menu", "", |model, _| titled(model, "Copy of ATL-12")),
    ("ticket.watch", "", |model, effects| {
        model.watching.contains(&fixture::key(12))
            && effects.iter().any(|effect| matches!(effect, Effect::SaveSession(session) if session.watched.len() == 1))
    }),
    ("webhooks.register", "5", asks_for!(Effect::PlanHooks { verb: HookVerb::Register, .. })),
    ("webhooks.remove", "5", asks_for!(Effect::PlanHooks { verb: HookVerb::Remove, .. })),
    ("webhooks.generate", "5 without", asks_for!(Effect::PlanHooks { verb: HookVerb::Generate, .. })),
    ("webhooks.rotate", "5", asks_for!(Effect::PlanHooks { verb: HookVerb::Rotate, .. })),
    ("webhooks.revoke", "5", asks_for!(Effect::PlanHooks { verb: HookVerb::Revoke, .. })),
    ("webhooks.steps", "5", asks_for!(Effect::LoadSteps { .. })),
    ("webhooks.copy_address", "5", asks_for!(Effect::CopyText { what: "address", text } if text.ends_with("000000000001"))),
    ("metrics.formula", "3 j", |model, _| matches!(&model.overlay, Some(Overlay::Text(view)) if view.title == "Change lead time")),
    ("metrics.window", "3", |model, effects| {
        model.metrics.ask.span == Span::Days(90) && matches!(effects, [Effect::LoadMetrics { ask, .. }] if ask.span == Span::Days(90))
    }),
    ("metrics.window_typed", "3", |model, _| matches!(&model.overlay, Some(Overlay::Prompt(prompt)) if prompt.what == PromptFor::Window)),
    ("metrics.filter", "3", |model, effects| titled(model, "Figures of") && matches!(effects, [Effect::LoadTeams { .. }])),
    ("metrics.definition", "3", asks_for!(Effect::LoadMetrics { ask, .. } if ask.definition == Definition::DevLake)),
    ("metrics.hours", "3", asks_for!(Effect::LoadMetrics { ask, .. } if ask.hours == Hours::Working)),
    ("metrics.collect", "3", asks_for!(Effect::Collect { scope: Scope::Here, .. })),
    ("metrics.export", "3", |model, _| matches!(&model.overlay, Some(Overlay::Prompt(prompt)) if prompt.what == PromptFor::Export)),
    ("metrics.open", "3 enter", asks_for!(Effect::OpenUrl { url } if url.ends_with("pullrequest/40"))),
    ("metrics.copy", "3", asks_for!(Effect::CopyText { what: "figure", text } if text.starts_with("Deployment frequency: 1.4 a day ("))),
    ("go.metrics", "", |model, effects| model.base == Base::Metrics && matches!(effects, [Effect::LoadMetrics { .. }, ..])),
    ("activity.problems", "4 ]", asks_for!(Effect::LoadDeliveries { shown: Shown::Problems, .. })),
    ("delivery.replay", "4 ] j j j", |model, _| asked(model, &Confirmed::Replay(809))),
    ("go.activity", "", |model, _| model.base == Base::Activity),
    ("ticket.archive", "l", |model, _| asked(model, &Confirmed::Archive(fixture::key(9), 1))),
    ("ticket.delete", "", |model, _| asked(model, &Confirmed::Delete(fixture::key(12), 1))),
    ("editor.push", "l enter e", asks_for!(Effect::PlanPush { key, .. } if is(key, 9))),
    ("editor.save", "l enter e x", asks_for!(Effect::SaveSpec { text, .. } if text.starts_with("x#"))),
    ("editor.preview", "l enter e", |model, _| model.editor.as_ref().is_some_and(|editor| editor.preview == Some(false))),
    ("editor.external", "l enter e", asks_for!(Effect::ExternalEditor { .. })),
    ("editor.tick", "l enter e f8 f8 down down", |model, _| line(model) == "- [ ] a new key is picked up within a minute"),
    ("editor.undo", "l enter e x", |model, _| text(model).starts_with("# ATL-9")),
    ("editor.redo", "l enter e x ctrl+z", |model, _| text(model).starts_with("x# ATL-9")),
    ("editor.previous_section", "l enter e f8 f8", |model, _| line(model) == "## Overview"),
    ("editor.next_section", "l enter e f8", |model, _| line(model) == "## Acceptance criteria"),
    ("editor.leave", "l enter e", |model, _| model.editor.is_none() && model.ticket.is_some()),
    ("form.submit", "n S", asks_for!(Effect::CreateTicket { request, .. } if request.title == "S")),
    ("setup.toggle", "5 ] ]", asks_for!(Effect::LinkRepository { link: Link::Unlinked, .. })),
    ("setup.discover", "5 ] ] ]", asks_for!(Effect::DiscoverMembers { .. })),
    ("setup.default_reviewer", "5 ] ] ]", |model, _| titled(model, "Who reviews Alice Moreau")),
    ("setup.comments", "5 ]", |model, _| titled(model, "Comments on pull requests of Atlas")),
    ("setup.deselect", "5 ]", |model, _| titled(model, "Take Atlas off the board")),
    ("setup.less", "5 [ j", asks_for!(Effect::SetReviewRules { rules, .. } if rules.overload_threshold == 3)),
    ("setup.more", "5 [ j", asks_for!(Effect::SetReviewRules { rules, .. } if rules.overload_threshold == 5)),
    ("filter.text", "", |model, _| model.board.filtering == Filtering::Typing),
    ("filter.by", "", |model, _| titled(model, "Filter by")),
    ("filter.mine", "", |model, _| model.board.mine && model.board.lanes[0].cards.len() == 1),
    ("filter.clear", "M", |model, _| !model.board.is_filtered() && model.board.lanes[0].cards.len() == 4),
    ("board.preview", "", |model, effects| {
        model.board.preview == Some(true) && matches!(effects, [Effect::LoadTicket { key, .. }] if is(key, 12))
    }),
    ("preview.down", "p", |model, _| model.board.preview_scroll == 3),
    ("preview.up", "p J J", |model, _| model.board.preview_scroll == 3),
    ("sync.this", "l l", asks_for!(Effect::SyncTicket { key } if is(key, 4))),
    ("sync.all", "", asks_for!(Effect::Sync { why: SyncReason::Asked, .. })),
    ("nav.open", "j", |model, _| model.ticket.as_ref().is_some_and(|ticket| is(&ticket.key, 14) && ticket.tab == Tab::Spec)),
    ("nav.back", "enter", |model, _| model.ticket.is_none()),
    ("nav.down", "", |model, _| at(model, 14)),
    ("nav.up", "j", |model, _| at(model, 12)),
    ("nav.left", "l", |model, _| at(model, 12)),
    ("nav.right", "", |model, _| at(model, 9)),
    ("nav.top", "G", |model, _| at(model, 12)),
    ("nav.bottom", "", |model, _| at(model, 18)),
    ("nav.half_down", "", |model, _| at(model, 18)),
    ("nav.half_up", "G", |model, _| at(model, 12)),
    ("nav.next_tab", "enter", |model, _| model.ticket.as_ref().is_some_and(|ticket| ticket.tab == Tab::Criteria)),
    ("nav.previous_tab", "5", |model, _| model.setup.section == Section::Review),
    ("go.board", "5", |model, _| model.base == Base::Board),
    ("go.pull_requests", "", |model, effects| model.base == Base::PullRequests && matches!(effects, [Effect::LoadPullRequests { .. }, ..])),
    ("go.setup", "", |model, effects| {
        let loads = |wanted: fn(&Effect) -> bool| effects.iter().filter(|effect| wanted(effect)).count() == 1;
        model.base == Base::Setup
            && loads(|effect| matches!(effect, Effect::LoadProjects { .. }))
            && loads(|effect| matches!(effect, Effect::LoadRepositories { .. }))
            && loads(|effect| matches!(effect, Effect::LoadMembers { .. }))
    }),
    ("go.project", "", |model, effects| titled(model, "Go to project") && matches!(effects, [Effect::LoadProjects { .. }])),
    ("app.help", "", |model, _| titled(model, "Help: Board")),
    ("app.palette", "", |model, _| matches!(&model.overlay, Some(Overlay::Picker(picker)) if picker.kind == PickerKind::Palette)),
    ("task.cancel", "task", |model, _| asked(model, &Confirmed::CancelTask(7))),
    ("app.theme", "", |model, _| model.theme.name == ThemeName::Light),
    ("app.mouse", "", |model, effects| model.mouse == MouseCapture::On && matches!(effects, [Effect::Mouse(MouseCapture::On)])),
    ("app.redraw", "", asks_for!(Effect::Redraw)),
    ("app.suspend", "", asks_for!(Effect::Suspend)),
    ("app.quit", "", asks_for!(Effect::Quit(QuitMode::Now))),
];

fn before(keys: &str) -> Model {
    let mut model = sized(fixture::board(), 120, 40);
    match keys {
        "" => {}
        "task" => drop(happens(&mut model, What::Tasks(vec![fixture::start_task(12)]))),
        "5 without" => {
            go(&mut model, "5");
            model.setup.webhooks.rows.as_mut().expect("a card").secrets.clear();
        }
        keys => go(&mut model, keys),
    }
    model
}

/// Presses one of the action's keys, or chooses it in the palette.
fn act(model: &mut Model, action: &Action, keys: Option<&str>) -> Vec<Effect> {
    if let Some(keys) = keys {
        return press(model, keys);
    }
    press(model, ":");
    typed(model, action.words);
    press(model, "enter")
}

#[test]
fn every_action_does_what_it_says_by_each_of_its_keys() {
    for action in ACTIONS {
        let Some((_, keys, outcome)) = TRIPLES.iter().find(|(id, ..)| *id == action.id) else {
            panic!("{} has no before and after", action.id);
        };
        let ways: Vec<Option<&str>> = if action.keys.is_empty() { vec![None] } else { action.keys.iter().copied().map(Some).collect() };
        for way in ways {
            let mut model = before(keys);
            let effects = act(&mut model, action, way);
            let toast = model.toast.as_ref().map(|toast| toast.notice.to_string());
            assert!(outcome(&model, &effects), "{} by {way:?} after {keys:?}: {effects:?}, {toast:?}", action.id);
        }
    }
    for (id, ..) in TRIPLES {
        assert!(ACTIONS.iter().any(|action| action.id == *id), "{id} is no action");
    }
}

#[test]
fn what_the_help_calls_an_action_is_what_the_palette_runs() {
    for action in ACTIONS.iter().filter(|action| action.contexts.contains(&Context::Board)) {
        let mut model = before("");
        press(&mut model, ":");
        let Some(Overlay::Picker(picker)) = &model.overlay else { panic!("no palette") };
        let listed = picker.items.iter().any(|item| item.label == action.words);
        // Plain movement and the palette itself are left out of it.
        let movement = action.id.starts_with("nav.") || action.id.starts_with("preview.") || action.id == "app.palette";
        assert_eq!(listed, !movement, "{}", action.id);
    }
}

/// A state and a key whose action is refused there, and what must be said: why, and the way out.
const REFUSALS: &[(&str, &str, &str, &str)] = &[
    ("l", "s", "work on ATL-9 has started, on feature/ATL-9", "e edits the spec, P opens the pull request"),
    ("l l", "s", "ATL-4 is PR Open: its work is under way", ""),
    ("", "P", "ATL-12 has no branch yet", "press s"),
    ("", "d", "ATL-12 has no branch yet", "press s"),
    ("", "U", "ATL-12 has no branch yet", "press s"),
    ("", "T", "ATL-12 has no branch yet", "press s"),
    ("", "r", "ATL-12 has no branch, so no pull request", "press s"),
    ("j", "i", "ATL-14 is yours already", ""),
    ("l", "D", "work on ATL-9 has started; it is not deleted", "press Z"),
    ("", "o", "no pull request to open in the browser", ""),
    ("", "H", "there is no column on that side of To Do", ""),
    ("", "L", "a ticket gets there by starting work on it: press s", ""),
    ("l l", "L", "pull request 41 is not merged", ""),
    ("", "ctrl+x", "no task is running", ""),
    ("l l enter", "x", "criteria are ticked on their tab", "press ]"),
    ("task", "s", "ATL-12: push .tickets/ATL-12.md 2/3 is still running", "Ctrl+X"),
    ("2 j", "y", "no ticket is selected", ""),
    ("2 j", "w", "no ticket is selected", ""),
    ("4 ]", "r", "this delivery is waiting", "only dead and parked ones are tried again"),
    ("4", "r", "no delivery is selected", "press ]"),
    ("5", "D", "no project is selected", "press ]"),
    ("3", "o", "a row is opened in the browser, not a figure", "Enter shows the rows"),
    ("3 enter ] G", "o", "no page is known for this row", ""),
];

#[test]
fn what_is_refused_says_why_and_what_to_do_instead() {
    for (keys, key, why, way_out) in REFUSALS {
        let mut model = before(keys);
        let effects = press(&mut model, key);
        let notice = model.toast.as_ref().map(|toast| toast.notice.clone()).unwrap_or_else(|| panic!("{keys} {key}: no word"));
        assert!(notice.text.contains(why), "{keys} {key}: {notice}");
        assert!(notice.hint.as_deref().unwrap_or_default().contains(way_out), "{keys} {key}: {notice}");
        assert!(effects.is_empty() && model.overlay.is_none(), "{keys} {key}: {effects:?}");
        let foot = picture(&model).lines().last().unwrap_or_default().to_owned();
        assert!(foot.contains(&why.chars().take(30).collect::<String>()), "{foot}");
    }
}

#[test]
fn a_refusal_is_known_before_the_key_is_pressed() {
    // What the help greys is what the key refuses, and the other way round.
    for keys in ["", "j", "l", "l l", "l l l", "l l l l", "task"] {
        let model = before(keys);
        for action in ACTIONS.iter().filter(|action| action.contexts.contains(&Context::Board) && !action.keys.is_empty()) {
            let mut after = model.clone();
            let effects = press(&mut after, action.keys[0]);
            let refused = refusal(&model, action.intent);
            if let Some(why) = refused {
                assert_eq!(after.toast.as_ref().map(|toast| &toast.notice), Some(&why), "{keys} {}", action.id);
                assert!(effects.is_empty(), "{keys} {}: {effects:?}", action.id);
            } else {
                let said_no = after.toast.as_ref().is_some_and(|toast| toast.tone == crate::tui::model::Tone::Plain);
                assert!(!said_no, "{keys} {}: {:?}", action.id, after.toast);
            }
        }
    }
}

#[test]
fn read_only_refuses_what_changes_the_remote_and_nothing_else() {
    let mut model = before("l");
    model.settings.readonly = Some("kanado runs with --readonly".into());
    for action in ACTIONS.iter().filter(|action| action.contexts.contains(&Context::Board)) {
        let why = refusal(&model, action.intent);
        let said = why.is_some_and(|why| why.text.contains("--readonly"));
        assert_eq!(said, matches!(action.intent, Intent::StartWork | Intent::PushSpec), "{}", action.id);
    }
    let effects = press(&mut model, "P");
    assert!(effects.is_empty() && model.toast.as_ref().is_some_and(|toast| toast.notice.text.contains("--readonly")));
}

#[test]
fn without_a_project_the_way_to_one_is_told() {
    let mut model = sized(Model::new(fixture::now(), crate::tui::model::Settings::default()), 120, 40);
    model.base = Base::Board;
    for keys in ["n", "R", "2", "3", "4"] {
        press(&mut model, keys);
        let notice = model.toast.clone().map(|toast| toast.notice).unwrap_or_else(|| panic!("{keys}: no word"));
        assert!(
            notice.text.contains("no project is connected") && notice.hint.as_deref().unwrap_or_default().contains("press 5"),
            "{notice}"
        );
        assert!(model.overlay.is_none() && model.base == Base::Board);
    }
    press(&mut model, "5");
    assert_eq!(model.base, Base::Setup);
    press(&mut model, "esc q");
    assert_eq!(model.base, Base::Welcome, "back, then quit");
}

#[test]
fn losing_the_focus_saves_the_draft_and_getting_it_back_looks_for_news() {
    let mut model = before("l enter e x");
    let effects = happens(&mut model, What::FocusLost);
    assert!(matches!(effects.as_slice(), [Effect::SaveSpec { .. }]) && model.focus == TerminalFocus::Elsewhere);
    model.sync.asked_at = None;
    assert!(matches!(happens(&mut model, What::FocusGained).as_slice(), [Effect::Sync { why: SyncReason::ViewLoad, .. }]));
}

#[test]
fn a_move_from_the_picker_greys_what_is_refused_with_the_whole_reason() {
    let mut model = before("l l l m");
    let words = picture(&model);
    assert!(words.contains("▌Done"), "the first allowed one is chosen: {words}");
    assert!(matches!(press(&mut model, "enter").as_slice(), [Effect::Move { to: Status::Done, .. }]));

    let mut model = before("l m");
    press(&mut model, "j j");
    let words = picture(&model);
    assert!(words.contains("a ticket gets there by its pull request: press P, or run") && words.contains("│ `kanado pr` "), "{words}");
    assert!(press(&mut model, "enter").is_empty());
    assert!(matches!(model.overlay, Some(Overlay::Picker(_))), "a refusal leaves the list open");
}

#[test]
fn a_full_column_takes_no_more_by_hand() {
    let mut model = before("l l l");
    model.settings.columns[4].wip_limit = Some(1);
    assert!(press(&mut model, "L").is_empty());
    let notice = model.toast.map(|toast| toast.notice.to_string()).unwrap_or_default();
    assert!(notice.contains("Done holds 1 already, its limit"), "{notice}");
}
