//! The filter of the board and of the pull requests: it narrows while it is typed, and stays when it is left.

use crate::tui::key::{Code, Key};
use crate::tui::model::board::Filtering;
use crate::tui::model::text_field::TextField;
use crate::tui::model::{Base, Model};

use super::{Out, board};

fn field(model: &mut Model) -> &mut TextField {
    match model.base {
        Base::PullRequests => &mut model.pull_requests.filter,
        _ => &mut model.board.filter,
    }
}

fn set_typing(model: &mut Model, filtering: Filtering) {
    match model.base {
        Base::PullRequests => model.pull_requests.filtering = filtering,
        _ => model.board.filtering = filtering,
    }
}

pub fn begin(model: &mut Model) {
    set_typing(model, Filtering::Typing);
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    match key.code {
        Code::Enter | Code::Esc => set_typing(model, Filtering::No),
        Code::Down | Code::Up | Code::Tab => {
            set_typing(model, Filtering::No);
            super::act::act(
                model,
                if key.code == Code::Up { crate::tui::intent::Intent::Up } else { crate::tui::intent::Intent::Down },
                out,
            );
        }
        _ => {
            if field(model).handle(key) {
                narrowed(model, out);
            }
        }
    }
}

pub fn paste(model: &mut Model, text: &str, out: &mut Out) {
    field(model).paste(text);
    narrowed(model, out);
}

pub fn clear(model: &mut Model, out: &mut Out) {
    field(model).clear();
    if model.base == Base::Board {
        model.board.mine = false;
    }
    narrowed(model, out);
}

/// Puts a word into the filter, or takes it out when it is there.
pub fn toggle_word(model: &mut Model, word: &str, out: &mut Out) {
    let field = field(model);
    let mut words: Vec<&str> = field.text().split_whitespace().collect();
    let before = words.len();
    words.retain(|w| *w != word);
    if words.len() == before {
        words.push(word);
    }
    let text = words.join(" ");
    field.set(&text);
    narrowed(model, out);
}

pub fn narrowed(model: &mut Model, out: &mut Out) {
    match model.base {
        Base::PullRequests => {
            let me = model.project.as_ref().and_then(|project| project.me.clone());
            model.pull_requests.arrange(me.as_ref());
        }
        _ => board::settle(model, out),
    }
}
