//! The one way the model changes: `update(model, event)` applies an event and says what is to be done outside.
//!
//! No IO, no clock, no spawning here. Each screen and dialog has a file of its own.

mod act;
pub mod activity;
mod answers;
mod board;
mod confirm;
mod editor;
mod filter;
mod help;
mod keys;
mod load;
pub mod metrics;
mod new_ticket;
mod picker;
mod pull_request_form;
mod setup;
mod spec_plan;
mod start_work;
mod story;
mod ticket;
mod toast;
mod watching;
pub mod webhooks;

use super::effect::Effect;
use super::event::{Direction, Event, What};
use super::model::editor::SAVE_AFTER;
use super::model::overlay::Overlay;
use super::model::{Base, Model, TerminalFocus};

/// Effects asked for while an event is applied.
pub(super) type Out = Vec<Effect>;

/// Applies an event.
pub fn update(model: &mut Model, event: Event) -> Vec<Effect> {
    let mut out = Out::new();
    model.now = event.at;
    time_passed(model, &mut out);
    match event.what {
        What::Key(key) => {
            keys::key(model, key, &mut out);
            expect_form(model);
        }
        What::Paste(text) => {
            keys::paste(model, &text, &mut out);
            expect_form(model);
        }
        What::Wheel(direction) => wheel(model, direction, &mut out),
        What::Click { x, y } => board::click(model, x, y, &mut out),
        What::Resize { width, height } => {
            (model.width, model.height) = (width, height);
            board::settle(model, &mut out);
            metrics::settle(model);
        }
        What::FocusGained => {
            model.focus = TerminalFocus::Here;
            load::view_load(model, &mut out);
        }
        What::FocusLost => {
            model.focus = TerminalFocus::Elsewhere;
            editor::save_now(model, &mut out);
        }
        What::Tick => keep_form(model, &mut out),
        What::HangUp => {
            editor::save_now(model, &mut out);
            out.push(Effect::SaveSession(Box::new(model.session())));
            out.push(Effect::Quit(super::effect::QuitMode::Now));
        }
        What::Changed(change) => load::changed(model, &change, &mut out),
        answer => answers::apply(model, answer, &mut out),
    }
    webhooks::show_unread(model);
    story::look(model, &mut out);
    watching::expect(model, &out);
    out
}

/// What to ask for when the program starts.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut out = Out::new();
    let generation = model.next_generation();
    model.setup.loading_projects = Some(generation);
    out.push(Effect::LoadProjects { generation });
    out
}

fn time_passed(model: &mut Model, out: &mut Out) {
    if model.live.next_look().is_some_and(|at| at <= model.now) {
        load::look_again(model, out);
    }
    if model.base == Base::Metrics && model.metrics.next_look().is_some_and(|at| at <= model.now) {
        metrics::reload(model, out);
    }
    if model.next_sync().is_some_and(|at| at <= model.now) {
        load::view_load(model, out);
    }
    if model.toast.as_ref().is_some_and(|toast| toast.until.is_some_and(|until| until <= model.now)) {
        model.toast = None;
    }
    if model.rate_limited_until.is_some_and(|until| until <= model.now) {
        model.rate_limited_until = None;
    }
    if model.editor.as_ref().is_some_and(|editor| editor.save_at.is_some_and(|at| at <= model.now)) {
        editor::save_now(model, out);
    }
}

/// Has the text of an open form kept soon after a key, also while others follow.
fn expect_form(model: &mut Model) {
    let is_expected = model.form_save_at.is_some_and(|at| at > model.now);
    if !is_expected && matches!(model.overlay, Some(Overlay::NewTicket(_) | Overlay::PullRequest(_))) {
        model.form_save_at = Some(model.now + SAVE_AFTER);
    }
}

fn keep_form(model: &mut Model, out: &mut Out) {
    if model.form_save_at.is_some_and(|at| at <= model.now) {
        model.form_save_at = None;
        out.push(Effect::SaveSession(Box::new(model.session())));
    }
}

fn wheel(model: &mut Model, direction: Direction, out: &mut Out) {
    if model.overlay.is_some() {
        return;
    }
    let intent = match direction {
        Direction::Up => super::intent::Intent::Up,
        Direction::Down => super::intent::Intent::Down,
    };
    if model.editor.is_none() {
        act::act(model, intent, out);
    }
}

/// The words for an action that stopped half way: `2 of 3 done, s to continue`.
pub fn left_words(done: usize, all: usize) -> String {
    start_work::left(done, all)
}
