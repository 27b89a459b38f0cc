//! Where a key goes: to the dialog, to the field that has the focus, else through the keymap.

use crate::tui::actions::Context;
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::keymap::Meaning;
use crate::tui::model::board::Filtering;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::setup::Focus;
use crate::tui::model::{Base, Model};

use super::{
    Out, act, activity, confirm, editor, filter, metrics, new_ticket, picker, pull_request_form, setup, spec_plan, start_work, webhooks,
};

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    // Whoever goes on before all of the last session is back wants no editor to open under the keys.
    if model.restoring.take().is_some() {
        model.opening_editor = None;
    }
    if key.code == Code::Esc {
        model.toast = None;
    }
    if let Some(overlay) = &model.overlay {
        model.pending.keys.clear();
        if matches!(key.code, Code::Char(_)) && key.typed().is_none() && asks(overlay) {
            return;
        }
        match overlay {
            Overlay::Start(_) => start_work::key(model, key, out),
            Overlay::SpecPlan(_) | Overlay::Diff(_) | Overlay::Conflict(_) => spec_plan::key(model, key, out),
            Overlay::Confirm(_) => confirm::key(model, key, out),
            Overlay::Text(_) | Overlay::Task(_) => activity::text_key(model, key),
            Overlay::Hooks(_) | Overlay::Secret(_) => webhooks::key(model, key, out),
            Overlay::Picker(_) => picker::key(model, key, out),
            Overlay::Prompt(_) => metrics::prompt_key(model, key, out),
            Overlay::NewTicket(_) => new_ticket::key(model, key, out),
            Overlay::PullRequest(_) => pull_request_form::key(model, key, out),
            Overlay::PullRequestFacts(_) => match key.code {
                Code::Esc | Code::Enter | Code::Char('q') => model.overlay = None,
                Code::Char('o') => act::act(model, Intent::OpenOutside, out),
                _ => super::story::scroll(model, key),
            },
        }
        return;
    }
    if model.editor.is_some() {
        editor::key(model, key, out);
    } else if is_filtering(model) {
        filter::key(model, key, out);
    } else if model.ticket.is_none() && model.base == Base::Setup && model.setup.focus != Focus::List {
        setup::field_key(model, key, out);
    } else if model.ticket.is_none() && model.base == Base::Welcome {
        setup::welcome_key(model, key, out);
    } else {
        through_keymap(model, key, out);
    }
}

/// Whether single letters answer the dialog: then a letter with Ctrl or Alt is another key, and no answer.
fn asks(overlay: &Overlay) -> bool {
    match overlay {
        Overlay::Start(_)
        | Overlay::SpecPlan(_)
        | Overlay::Confirm(_)
        | Overlay::Conflict(_)
        | Overlay::PullRequestFacts(_)
        | Overlay::Hooks(_)
        | Overlay::Secret(_) => true,
        Overlay::Picker(_)
        | Overlay::Prompt(_)
        | Overlay::NewTicket(_)
        | Overlay::PullRequest(_)
        | Overlay::Diff(_)
        | Overlay::Text(_)
        | Overlay::Task(_) => false,
    }
}

/// A key of a context without text fields.
fn through_keymap(model: &mut Model, key: Key, out: &mut Out) {
    let context = model.context();
    if key.code == Code::Esc && !model.pending.keys.is_empty() {
        model.pending.keys.clear();
        return;
    }
    if model.pending.keys.is_empty() {
        model.pending.since = model.now;
    }
    model.pending.keys.push(key);
    match model.keymap.meaning(context, &model.pending.keys) {
        Meaning::Prefix => {}
        Meaning::Nothing => model.pending.keys.clear(),
        Meaning::Intent(intent) => {
            model.pending.keys.clear();
            act::act(model, intent, out);
        }
    }
}

/// What a key means where text is typed: actions on keys that type nothing.
pub fn meaning_in(model: &Model, context: Context, key: Key) -> Option<Intent> {
    match model.keymap.meaning(context, &[key]) {
        Meaning::Intent(intent) => Some(intent),
        _ => None,
    }
}

fn is_filtering(model: &Model) -> bool {
    model.ticket.is_none()
        && match model.base {
            Base::Board => model.board.filtering == Filtering::Typing,
            Base::PullRequests => model.pull_requests.filtering == Filtering::Typing,
            Base::Metrics | Base::Activity | Base::Setup | Base::Welcome => false,
        }
}

/// Text from the clipboard: it goes where text is typed, and nowhere else, so that it never acts.
pub fn paste(model: &mut Model, text: &str, out: &mut Out) {
    match &model.overlay {
        Some(Overlay::Picker(_)) => picker::paste(model, text),
        Some(Overlay::Prompt(_)) => metrics::paste(model, text),
        Some(Overlay::NewTicket(_)) => new_ticket::paste(model, text),
        Some(Overlay::PullRequest(_)) => pull_request_form::paste(model, text),
        Some(_) => {}
        None if model.editor.is_some() => editor::paste(model, text),
        None if is_filtering(model) => filter::paste(model, text, out),
        None if model.ticket.is_none() && model.base == Base::Setup => setup::paste(model, text),
        None => {}
    }
}
