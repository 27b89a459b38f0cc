//! Watching tickets: what this screen does itself is expected, everything else that changes is told once.

use crate::notice::Notice;
use crate::tui::answer::{TaskRow, TaskState};
use crate::tui::effect::Effect;
use crate::tui::model::{Bell, Model};

use super::{Out, toast};

pub fn toggle(model: &mut Model, out: &mut Out) {
    let Some(key) = model.subject() else { return };
    let card = model.board.board.as_ref().and_then(|board| board.cards.iter().find(|card| card.key == key));
    let words = match model.watching.toggle(&key, card) {
        true if model.settings.bell == Bell::Rings => format!("{key} is watched: bell and notification when it changes"),
        true => format!("{key} is watched: a notification when it changes"),
        false => format!("{key} is not watched any more"),
    };
    toast::good(model, words);
    out.push(Effect::SaveSession(Box::new(model.session())));
}

/// What this screen asks for changes a ticket: that is no news.
pub fn expect(model: &mut Model, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Move { key, .. } | Effect::Start { key, .. } => model.watching.expect(key),
            Effect::OpenPullRequest { request, .. } => model.watching.expect(&request.key),
            _ => {}
        }
    }
}

/// Tasks that ended without having done what was expected of them.
pub fn tasks_ended(model: &mut Model, tasks: &[TaskRow]) {
    for task in tasks.iter().filter(|task| matches!(task.state, TaskState::Failed(_) | TaskState::Cancelled)) {
        let ran = model.task(task.id).is_none_or(|before| before.state == TaskState::Running);
        if ran && let Some(key) = &task.subject {
            model.watching.expect_no_more(Some(key));
        }
    }
}

/// A newer board is there: what changed of watched tickets is told, at the foot and to whoever looks elsewhere.
pub fn board_changed(model: &mut Model, out: &mut Out) {
    let Some(board) = &model.board.board else { return };
    let news = model.watching.news(&board.cards);
    let notice = match news.as_slice() {
        [] => return,
        [one] => Notice::new(one.clone()),
        [first, rest @ ..] => Notice::new(first.clone()).hint(format!("and {} more that you watch changed", rest.len())),
    };
    toast::plain(model, notice);
    toast::bell(model, out);
    out.extend(news.into_iter().map(Effect::Notify));
}
