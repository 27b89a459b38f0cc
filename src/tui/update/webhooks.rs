//! The webhook card of the setup: its rows, the plan of a change, the secret that is shown once.

use crate::notice::Notice;
use crate::tui::answer::{HiddenText, Plan, TaskState, WebhookCard};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::model::listed::Taken;
use crate::tui::model::overlay::{Asking, Guard, Overlay, StartPhase, TextView};
use crate::tui::model::setup::Section;
use crate::tui::model::webhooks::{HookDialog, HookVerb, MENU, SecretView};
use crate::tui::model::{Base, Model};

use super::{Out, act};

/// The card came into view, or what it shows changed.
pub fn reload(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id).filter(|_| model.base == Base::Setup) else { return };
    let generation = model.next_generation();
    if model.setup.webhooks.ask(generation) {
        out.push(Effect::LoadWebhooks { project, generation });
    }
}

pub fn loaded(model: &mut Model, generation: Generation, card: Answer<Box<WebhookCard>>, out: &mut Out) {
    if model.setup.webhooks.take(generation, card) == Taken::AskAgain {
        reload(model, out);
    }
}

/// Enter on a row of the card.
pub fn enter(model: &mut Model, out: &mut Out) {
    if let Some(intent) = MENU.get(model.setup.row) {
        act::act(model, *intent, out);
    }
}

pub fn perform(model: &mut Model, intent: Intent, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    // What it does is seen on the card.
    model.setup.section = Section::Webhooks;
    model.setup.row = MENU.iter().position(|row| *row == intent).unwrap_or(0);
    let verb = match intent {
        Intent::HooksRegister => HookVerb::Register,
        Intent::HooksRemove => HookVerb::Remove,
        Intent::SecretGenerate => HookVerb::Generate,
        Intent::SecretRotate => HookVerb::Rotate,
        Intent::SecretRevoke => HookVerb::Revoke,
        Intent::HookSteps => {
            let generation = model.next_generation();
            out.push(Effect::LoadSteps { project, generation });
            let title = "Webhooks by hand".to_owned();
            let view = TextView { title, loading: Some(generation), lines: Vec::new(), scroll: 0, problem: None };
            model.overlay = Some(Overlay::Text(Box::new(view)));
            return;
        }
        Intent::CopyWebhookUrl => {
            if let Some(text) = model.setup.webhooks.rows.as_ref().and_then(|card| card.url.clone().ok()) {
                out.push(Effect::CopyText { what: "address", text });
            }
            return;
        }
        _ => return,
    };
    let generation = model.next_generation();
    out.push(Effect::PlanHooks { project, verb, generation });
    let asking = Asking::new(StartPhase::Planning(generation), model.now);
    model.overlay = Some(Overlay::Hooks(Box::new(HookDialog { verb, asking })));
}

/// Why something of the card is refused just now.
pub fn refusal(model: &Model, intent: Intent) -> Option<Notice> {
    let card = model.setup.webhooks.rows.as_deref();
    if model.project.is_none() {
        return Some(Notice::new("no project is connected").hint("connect an organisation first: press 5"));
    }
    let Some(card) = card else { return Some(Notice::new("how the webhooks stand is not read yet")) };
    let secret = card.secrets.iter().any(|(_, until)| until.is_none());
    match intent {
        Intent::HooksRegister | Intent::CopyWebhookUrl => card.url.clone().err(),
        Intent::HooksRemove if card.health.subscriptions.is_empty() => Some(Notice::new("kanado registered no webhooks here")),
        Intent::SecretGenerate if secret => Some(Notice::new("there is a secret already").hint("rotate it to get another one")),
        Intent::SecretRotate if !secret => Some(Notice::new("there is no secret to rotate").hint("make one first")),
        Intent::SecretRevoke if card.secrets.is_empty() => Some(Notice::new("there is no secret to revoke")),
        _ => None,
    }
}

pub fn planned(model: &mut Model, generation: Generation, plan: Answer<Box<Plan>>) {
    let now = model.now;
    if let Some(Overlay::Hooks(dialog)) = &mut model.overlay {
        dialog.asking.planned(generation, plan, now);
    }
}

pub fn started(model: &mut Model, generation: Generation, task: &Answer<u64>) {
    if let Some(Overlay::Hooks(dialog)) = &mut model.overlay {
        dialog.asking.started(generation, task);
    }
}

/// A change that made a secret gives way to it; what a registration did stays to be read.
pub fn close_when_done(model: &mut Model) {
    let Some(Overlay::Hooks(dialog)) = &model.overlay else { return };
    let makes_secret = matches!(dialog.verb, HookVerb::Generate | HookVerb::Rotate | HookVerb::Revoke);
    let done = dialog.asking.task().and_then(|id| model.task(id)).is_some_and(|task| matches!(task.state, TaskState::Done(_)));
    if makes_secret && done {
        model.overlay = None;
    }
}

/// A secret was made: it is shown over whatever is there, once.
pub fn made(model: &mut Model, secret: HiddenText, url: Option<String>) {
    model.put_form_aside();
    model.overlay = Some(Overlay::Secret(Box::new(SecretView { secret, url, guard: Guard::new(model.now) })));
}

/// A secret that something else took the place of is shown again as soon as there is room.
pub fn show_unread(model: &mut Model) {
    if model.overlay.is_none()
        && let Some(mut view) = model.unread_secret.take()
    {
        view.guard = Guard::new(model.now);
        model.overlay = Some(Overlay::Secret(view));
    }
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    let now = model.now;
    let next = model.next_generation();
    let project = model.project.as_ref().map(|project| project.id);
    match &mut model.overlay {
        Some(Overlay::Hooks(dialog)) => {
            if matches!(key.code, Code::Esc | Code::Char('q')) {
                model.overlay = None;
                return;
            }
            match &dialog.asking.phase {
                StartPhase::Planned => {
                    if !dialog.asking.guard.lets_through(key, now) {
                        return;
                    }
                    match (key.code, project) {
                        (Code::Char('y'), Some(project)) if dialog.asking.plan.as_ref().is_some_and(|plan| plan.refused.is_none()) => {
                            dialog.asking.phase = StartPhase::Asked(next);
                            out.push(Effect::ChangeHooks { project, verb: dialog.verb, generation: next });
                        }
                        (Code::Enter | Code::Char('n'), _) => model.overlay = None,
                        _ => {}
                    }
                }
                StartPhase::Running(_) | StartPhase::CouldNotPlan(_) if key.code == Code::Enter => model.overlay = None,
                _ => {}
            }
        }
        Some(Overlay::Secret(view)) => {
            if !view.guard.lets_through(key, now) {
                return;
            }
            match key.code {
                Code::Char('y') => out.push(Effect::CopyHidden { what: "secret", text: view.secret.clone() }),
                Code::Esc | Code::Enter => model.overlay = None,
                _ => {}
            }
        }
        _ => {}
    }
}
