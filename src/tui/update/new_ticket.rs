//! The form for a new ticket.

use crate::notice::Notice;
use crate::tui::actions::Context;
use crate::tui::answer::{NewAssignee, NewTicketRequest, RepositoryRow};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::key::{Code, Key};
use crate::tui::model::Model;
use crate::tui::model::form::{NewTicketField, NewTicketForm, Turn, text_of};
use crate::tui::model::overlay::Overlay;

use super::{Out, editor, keys, load, toast};

/// What a description may hold at once; longer texts belong into the spec.
const PASTE_LIMIT: usize = 16 * 1024;

pub fn open(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    let mut form = model.kept.new_ticket.take().unwrap_or_default();
    form.loading = Some(generation);
    out.push(Effect::LoadRepositories { project, generation });
    model.overlay = Some(Overlay::NewTicket(form));
}

/// The form, also while the help lies over it.
fn form(model: &mut Model) -> Option<&mut NewTicketForm> {
    match (&mut model.overlay, model.under.as_deref_mut()) {
        (Some(Overlay::NewTicket(form)), _) | (_, Some(Overlay::NewTicket(form))) => Some(form),
        _ => None,
    }
}

/// The repositories a ticket may be for.
pub fn repositories(model: &mut Model, generation: Generation, rows: &Answer<Vec<RepositoryRow>>) {
    let Some(form) = form(model).filter(|form| form.loading == Some(generation)) else { return };
    form.loading = None;
    if let Ok(rows) = rows {
        form.repositories = rows.iter().filter(|row| row.linked && !row.disabled).cloned().collect();
        if let [only] = form.repositories.as_slice() {
            form.repository = Some(only.id);
        }
    }
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    if let Some(intent) = keys::meaning_in(model, Context::Form, key) {
        return super::act::act(model, intent, out);
    }
    let Some(form) = form(model) else { return };
    if key.code == Code::Esc {
        let typed = !form.is_empty() && form.sending.is_none();
        model.put_form_aside();
        if typed {
            toast::plain(model, Notice::new("the form keeps what you typed").hint("n opens it again"));
            out.push(Effect::SaveSession(Box::new(model.session())));
        }
        return;
    }
    if form.sending.is_some() {
        return;
    }
    let at = NewTicketField::ALL.iter().position(|field| *field == form.field).unwrap_or(0);
    let to = |at: usize| NewTicketField::ALL[at % NewTicketField::ALL.len()];
    let lines = matches!(form.field, NewTicketField::Description | NewTicketField::Criteria);
    let turn = match (key.code, key.typed()) {
        (Code::Left, _) | (_, Some('h')) => Some(Turn::Previous),
        (Code::Right, _) | (_, Some('l' | ' ')) => Some(Turn::Next),
        _ => None,
    };
    match (key.code, key.shift) {
        (Code::Tab, false) => return form.field = to(at + 1),
        (Code::Tab, true) => return form.field = to(at + NewTicketField::ALL.len() - 1),
        (Code::Enter | Code::Down, _) if !lines => return form.field = to(at + 1),
        (Code::Up, _) if !lines => return form.field = to(at + NewTicketField::ALL.len() - 1),
        _ => {}
    }
    match form.field {
        NewTicketField::Title => {
            form.title.handle(key);
            form.problem = None;
        }
        NewTicketField::Labels => {
            form.labels.handle(key);
        }
        NewTicketField::Description => type_lines(&mut form.description, key),
        NewTicketField::Criteria => type_lines(&mut form.criteria, key),
        NewTicketField::Repository => turn.into_iter().for_each(|turn| form.turn_repository(turn)),
        NewTicketField::Priority => turn.into_iter().for_each(|turn| form.turn_priority(turn)),
        NewTicketField::Assignee => turn.into_iter().for_each(|_| form.mine = !form.mine),
    }
}

/// Typing and moving in a field of several lines.
pub fn type_lines(area: &mut crate::tui::model::form::LinesField, key: Key) {
    use ratatui_textarea::CursorMove;
    let to = match key.code {
        Code::Up => CursorMove::Up,
        Code::Down => CursorMove::Down,
        Code::Left => CursorMove::Back,
        Code::Right => CursorMove::Forward,
        Code::Home => CursorMove::Head,
        Code::End => CursorMove::End,
        _ => {
            if key.code == Code::Char('w') && key.ctrl {
                area.delete_word();
            } else if let Some(input) = editor::input_of(key) {
                area.input_without_shortcuts(input);
            }
            return;
        }
    };
    area.move_cursor(to);
}

/// Refuses a paste that is longer than a field is meant for: a part of it would be worse than nothing.
pub fn too_long(model: &mut Model, text: &str, limit: usize) -> bool {
    let refused = text.len() > limit;
    if refused {
        let notice = Notice::new(format!("the paste is too long: at most {} KiB fit here", limit / 1024));
        toast::bad(model, notice.hint("nothing was inserted"));
    }
    refused
}

pub fn paste(model: &mut Model, text: &str) {
    if too_long(model, text, PASTE_LIMIT) {
        return;
    }
    let Some(form) = form(model) else { return };
    let lines = crate::notice::inert_lines(&text.replace("\r\n", "\n").replace('\r', "\n"));
    match form.field {
        NewTicketField::Title => form.title.paste(text),
        NewTicketField::Labels => form.labels.paste(text),
        NewTicketField::Description => drop(form.description.insert_str(&lines)),
        NewTicketField::Criteria => drop(form.criteria.insert_str(&lines)),
        _ => {}
    }
}

pub fn submit(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    let Some(form) = form(model) else { return };
    if form.sending.is_some() {
        return;
    }
    if form.title.is_empty() {
        form.field = NewTicketField::Title;
        form.problem = Some(Notice::new("a ticket needs a title"));
        return;
    }
    form.sending = Some(generation);
    form.problem = None;
    let bare = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("- [ ]").or_else(|| line.strip_prefix("- ")).unwrap_or(line);
        line.trim().to_owned()
    };
    let request = NewTicketRequest {
        project,
        title: form.title.text().trim().to_owned(),
        description: text_of(&form.description).trim().to_owned(),
        criteria: form.criteria.lines().iter().map(|line| bare(line)).filter(|line| !line.is_empty()).collect(),
        labels: form.labels.text().split([' ', ',']).filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        priority: form.priority,
        repository: form.repository,
        assignee: if form.mine { NewAssignee::Me } else { NewAssignee::Nobody },
    };
    out.push(Effect::CreateTicket { request: Box::new(request), generation });
}

pub fn created(model: &mut Model, generation: Generation, key: Answer<crate::domain::id::TicketKey>, out: &mut Out) {
    // It may have been closed meanwhile: what was typed is then kept until it is known that it arrived.
    let open = form(model).is_some_and(|form| form.sending == Some(generation));
    let form = if open { form(model) } else { model.kept.new_ticket.as_deref_mut() };
    let Some(form) = form.filter(|form| form.sending == Some(generation)) else { return };
    match key {
        Ok(key) => {
            if open {
                (model.overlay, model.under) = (None, None);
            }
            model.kept.new_ticket = None;
            out.push(Effect::SaveSession(Box::new(model.session())));
            model.board.selected = Some(key.clone());
            model.board.awaited = Some(key);
            load::board(model, out);
        }
        Err(notice) => {
            form.sending = None;
            form.problem = Some(notice.clone());
            if !open {
                toast::bad(model, notice.hint("n opens the form again, with what you typed"));
            }
        }
    }
}
