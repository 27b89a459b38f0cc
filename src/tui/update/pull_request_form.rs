//! The form that opens a pull request. What is typed is kept when it fails, and when it is left.

use crate::notice::Notice;
use crate::tui::actions::Context;
use crate::tui::answer::{NewPullRequestState, PreflightState, PullRequestDraft, PullRequestRequest, TaskState};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::key::{Code, Key};
use crate::tui::model::Model;
use crate::tui::model::form::{FormPhase, PullRequestField, PullRequestForm, Turn, text_of};
use crate::tui::model::overlay::Overlay;
use crate::tui::model::ticket::Tab;
use crate::tui::refusal;

use super::{Out, act, keys, new_ticket, toast};

/// Several times what Azure DevOps takes: what is too much is cut by hand.
const PASTE_LIMIT: usize = 64 * 1024;

/// Opens the form, or shows the pull request there is.
pub fn open(model: &mut Model, out: &mut Out) {
    let Some(subject) = refusal::subject(model) else { return };
    if subject.pull_request.is_some() {
        match &mut model.ticket {
            Some(ticket) => (ticket.tab, ticket.scroll) = (Tab::PullRequest, 0),
            None => act::open_ticket(model, subject.key, Tab::PullRequest, out),
        }
        return;
    }
    if let Some(why) = &model.settings.readonly {
        let why = Notice::new(why.clone());
        return toast::plain(model, why);
    }
    let generation = model.next_generation();
    let mut form =
        model.kept.pull_requests.remove(&subject.key).unwrap_or_else(|| Box::new(PullRequestForm::new(subject.key.clone(), generation)));
    form.phase = FormPhase::Loading(generation);
    out.push(Effect::PlanPullRequest { key: subject.key, target_branch: None, generation });
    model.overlay = Some(Overlay::PullRequest(form));
}

/// The form, also while the help lies over it.
fn form(model: &mut Model) -> Option<&mut PullRequestForm> {
    match (&mut model.overlay, model.under.as_deref_mut()) {
        (Some(Overlay::PullRequest(form)), _) | (_, Some(Overlay::PullRequest(form))) => Some(form),
        _ => None,
    }
}

/// All forms: the one that is open, and those that were left.
fn forms(model: &mut Model) -> impl Iterator<Item = &mut PullRequestForm> {
    let open = match (&mut model.overlay, model.under.as_deref_mut()) {
        (Some(Overlay::PullRequest(form)), _) | (_, Some(Overlay::PullRequest(form))) => Some(form.as_mut()),
        _ => None,
    };
    open.into_iter().chain(model.kept.pull_requests.values_mut().map(AsMut::as_mut))
}

pub fn planned(model: &mut Model, generation: Generation, draft: Answer<Box<PullRequestDraft>>) {
    let Some(form) = form(model).filter(|form| form.phase == FormPhase::Loading(generation)) else { return };
    match draft {
        Ok(draft) => form.fill(draft),
        Err(notice) => form.phase = FormPhase::Failed(notice),
    }
}

/// What stops the form from being sent, as it is filled now.
pub fn stops(form: &PullRequestForm) -> Option<String> {
    if form.title.is_empty() {
        return Some("the title is empty".into());
    }
    if form.title.text().encode_utf16().count() > crate::domain::pull_request_body::TITLE_LIMIT {
        return Some(format!("the title is longer than {} characters", crate::domain::pull_request_body::TITLE_LIMIT));
    }
    if form.target.is_empty() {
        return Some("the target branch is empty".into());
    }
    let length = text_of(&form.body).encode_utf16().count();
    if length > BODY_LIMIT {
        return Some(format!("the description is {} characters too long", length - BODY_LIMIT));
    }
    let plan = form.plan.as_ref()?;
    plan.preflight.iter().find(|check| check.state == PreflightState::Stops).map(|check| check.words.clone())
}

/// Azure DevOps' limit, in UTF-16 units.
pub use crate::domain::pull_request_body::BODY_LIMIT;

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    if let Some(intent) = keys::meaning_in(model, Context::Form, key) {
        return super::act::act(model, intent, out);
    }
    let Some(form) = form(model) else { return };
    if key.code == Code::Esc {
        let on_its_way = matches!(form.phase, FormPhase::Sending(_) | FormPhase::Running(_));
        // What is on its way is kept as well, until it is known that it arrived.
        form.touched |= on_its_way;
        let typed = form.touched && !on_its_way;
        model.put_form_aside();
        if typed {
            toast::plain(model, Notice::new("the form keeps what you typed").hint("P opens it again"));
            out.push(Effect::SaveSession(Box::new(model.session())));
        }
        return;
    }
    if !matches!(form.phase, FormPhase::Filling | FormPhase::Failed(_)) {
        return;
    }
    let at = PullRequestField::ALL.iter().position(|field| *field == form.field).unwrap_or(0);
    let to = |at: usize| PullRequestField::ALL[at % PullRequestField::ALL.len()];
    let lines = form.field == PullRequestField::Body;
    match (key.code, key.shift) {
        (Code::Tab, false) => return form.field = to(at + 1),
        (Code::Tab, true) => return form.field = to(at + PullRequestField::ALL.len() - 1),
        (Code::Enter | Code::Down, _) if !lines => return form.field = to(at + 1),
        (Code::Up, _) if !lines => return form.field = to(at + PullRequestField::ALL.len() - 1),
        _ => {}
    }
    let turn = match (key.code, key.typed()) {
        (Code::Left, _) | (_, Some('h')) => Some(Turn::Previous),
        (Code::Right, _) | (_, Some('l' | ' ')) => Some(Turn::Next),
        _ => None,
    };
    form.touched = true;
    match form.field {
        PullRequestField::Title => drop(form.title.handle(key)),
        PullRequestField::Target => drop(form.target.handle(key)),
        PullRequestField::WorkItems => drop(form.work_items.handle(key)),
        PullRequestField::Body => new_ticket::type_lines(&mut form.body, key),
        PullRequestField::Reviewer => turn.into_iter().for_each(|turn| form.turn_reviewer(turn)),
        PullRequestField::Draft => turn.into_iter().for_each(|_| form.is_draft = !form.is_draft),
    }
}

pub fn paste(model: &mut Model, text: &str) {
    if new_ticket::too_long(model, text, PASTE_LIMIT) {
        return;
    }
    let Some(form) = form(model) else { return };
    form.touched = true;
    match form.field {
        PullRequestField::Title => form.title.paste(text),
        PullRequestField::Target => form.target.paste(text),
        PullRequestField::WorkItems => form.work_items.paste(text),
        PullRequestField::Body => {
            let text = crate::notice::inert_lines(&text.replace("\r\n", "\n").replace('\r', "\n"));
            form.body.insert_str(&text);
        }
        PullRequestField::Reviewer | PullRequestField::Draft => {}
    }
}

pub fn submit(model: &mut Model, out: &mut Out) {
    let generation = model.next_generation();
    let Some(form) = form(model) else { return };
    if !matches!(form.phase, FormPhase::Filling | FormPhase::Failed(_)) || form.plan.is_none() {
        return;
    }
    if let Some(why) = stops(form) {
        form.phase = FormPhase::Failed(Notice::new(why));
        return;
    }
    form.phase = FormPhase::Sending(generation);
    let request = PullRequestRequest {
        key: form.key.clone(),
        title: form.title.text().trim().to_owned(),
        body: text_of(&form.body),
        target_branch: form.target.text().trim().to_owned(),
        reviewer: form.reviewer,
        state: if form.is_draft { NewPullRequestState::Draft } else { NewPullRequestState::Ready },
        work_items: form.work_items.text().split([' ', ',', '#']).filter(|item| !item.is_empty()).map(str::to_owned).collect(),
    };
    out.push(Effect::OpenPullRequest { request: Box::new(request), generation });
}

pub fn started(model: &mut Model, generation: Generation, task: &Answer<u64>) {
    let Some(form) = forms(model).find(|form| form.phase == FormPhase::Sending(generation)) else { return };
    form.touched = true;
    form.phase = match task {
        Ok(id) => FormPhase::Running(*id),
        Err(notice) => FormPhase::Failed(notice.clone()),
    };
}

/// Tasks moved on: the form closes when its task is done, or says what failed with the text still in it.
pub fn tasks_changed(model: &mut Model, out: &mut Out) {
    // A form that was left is forgotten when what it said has arrived.
    let done = |form: &PullRequestForm| match form.phase {
        FormPhase::Running(id) => model.tasks.iter().any(|task| task.id == id && matches!(task.state, TaskState::Done(_))),
        _ => false,
    };
    let before = model.kept.pull_requests.len();
    model.kept.pull_requests.retain(|_, form| !done(form));
    if model.kept.pull_requests.len() < before {
        out.push(Effect::SaveSession(Box::new(model.session())));
    }
    let Some((key, FormPhase::Running(id))) = form(model).map(|form| (form.key.clone(), form.phase.clone())) else { return };
    let failed = match model.task(id).map(|task| task.state.clone()) {
        Some(TaskState::Done(_)) => {
            (model.overlay, model.under) = (None, None);
            out.push(Effect::SaveSession(Box::new(model.session())));
            match &mut model.ticket {
                Some(ticket) => (ticket.tab, ticket.scroll) = (Tab::PullRequest, 0),
                None => act::open_ticket(model, key, Tab::PullRequest, out),
            }
            return;
        }
        Some(TaskState::Failed(notice)) => notice,
        Some(TaskState::Cancelled) => Notice::new("cancelled").hint("Ctrl+S goes on from where it stopped"),
        _ => return,
    };
    if let Some(form) = form(model) {
        form.phase = FormPhase::Failed(failed);
    }
}
