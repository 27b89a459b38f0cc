//! The help of a screen and the palette: lists of actions, searchable, run with Enter.

use crate::domain::id::TicketKey;
use crate::tui::actions::{ACTIONS, Action, Context};
use crate::tui::intent::Intent;
use crate::tui::model::Model;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::picker::{Item, Pick, Picker, PickerKind, Search};
use crate::tui::model::setup::Focus;
use crate::tui::refusal::refusal;

/// Tickets offered in the palette beside the actions.
const TICKETS: usize = 2_000;

/// Every action of the context, with its keys, under its heading. Refused ones say why.
pub fn help(model: &mut Model) {
    let context = shown_context(model);
    let items = ACTIONS.iter().filter(|action| action.contexts.contains(&context)).map(|action| item(model, context, action)).collect();
    let title = format!("Help: {}", context.title());
    // A form comes back when the help is closed.
    model.under = model.overlay.take().map(Box::new);
    model.overlay = Some(Overlay::Picker(Box::new(Picker::new(PickerKind::Help, title, Search::On, items))));
}

/// The actions of the context that have a meaning from here, and the tickets of the board.
pub fn palette(model: &mut Model) {
    let context = shown_context(model);
    let mut items: Vec<Item> = ACTIONS
        .iter()
        .filter(|action| action.contexts.contains(&context) && !is_plain_movement(action.intent))
        .map(|action| item(model, context, action))
        .collect();
    if context != Context::Editor
        && let Some(board) = &model.board.board
    {
        items.extend(board.cards.iter().take(TICKETS).map(|card| ticket(&card.key, &card.title, card.status.title())));
    }
    model.overlay = Some(Overlay::Picker(Box::new(Picker::new(PickerKind::Palette, "Palette", Search::On, items))));
}

fn shown_context(model: &Model) -> Context {
    match model.overlay {
        Some(Overlay::NewTicket(_) | Overlay::PullRequest(_)) => Context::Form,
        // The address and the token are a form as well.
        None if model.context() == Context::Setup && model.setup.focus != Focus::List => Context::Form,
        _ => model.context(),
    }
}

fn ticket(key: &TicketKey, title: &str, status: &str) -> Item {
    Item::new(format!("{key} {}", crate::notice::inert(title)), status, Pick::Ticket(key.clone()))
}

fn item(model: &Model, context: Context, action: &'static Action) -> Item {
    let keys = model.keymap.all_shown(context, action.intent).join("  ");
    Item::new(action.words, keys, Pick::Act(action.intent))
        .refused(refusal(model, action.intent).map(|notice| notice.text))
        .group(action.group.title())
}

fn is_plain_movement(intent: Intent) -> bool {
    use Intent::*;
    matches!(
        intent,
        Down | Up
            | Left
            | Right
            | Top
            | Bottom
            | HalfDown
            | HalfUp
            | Open
            | Back
            | NextTab
            | PreviousTab
            | Palette
            | PreviewDown
            | PreviewUp
    )
}
