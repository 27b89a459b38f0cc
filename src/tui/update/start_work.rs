//! The start-work dialog: a plan, `y`, then each line ticks. Closing it stops nothing.

use crate::tui::answer::{ExistingBranch, StartPlan, TaskState};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::key::{Code, Key};
use crate::tui::model::Model;
use crate::tui::model::form::{Turn, turned};
use crate::tui::model::overlay::{Asking, Overlay, StartDialog, StartPhase};
use crate::tui::refusal;

use super::Out;

pub fn open(model: &mut Model, out: &mut Out) {
    let Some(subject) = refusal::subject(model) else { return };
    let generation = model.next_generation();
    out.push(Effect::PlanStart { key: subject.key.clone(), repository: None, generation });
    model.overlay = Some(Overlay::Start(Box::new(StartDialog {
        key: subject.key,
        title: subject.title,
        repository: None,
        asking: Asking::new(StartPhase::Planning(generation), model.now),
    })));
}

fn dialog(model: &mut Model) -> Option<&mut StartDialog> {
    match &mut model.overlay {
        Some(Overlay::Start(dialog)) => Some(dialog),
        _ => None,
    }
}

pub fn planned(model: &mut Model, generation: Generation, plan: Answer<Box<StartPlan>>) {
    let now = model.now;
    let Some(dialog) = dialog(model) else { return };
    dialog.asking.planned(generation, plan, now);
    if let (StartPhase::Planned, Some(plan)) = (&dialog.asking.phase, &dialog.asking.plan) {
        dialog.repository = plan.repository;
    }
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    let now = model.now;
    let failed = finished(model).is_some_and(|state| matches!(state, TaskState::Failed(_) | TaskState::Cancelled));
    let next = model.next_generation();
    let Some(dialog) = dialog(model) else { return };
    if matches!(key.code, Code::Esc | Code::Char('q')) {
        model.overlay = None;
        return;
    }
    match &dialog.asking.phase {
        StartPhase::Planned => {
            if !dialog.asking.guard.lets_through(key, now) {
                return;
            }
            match key.code {
                Code::Char('y') if allows(dialog, ExistingBranch::Refuse) => start(dialog, ExistingBranch::Refuse, next, out),
                Code::Char('u') if allows(dialog, ExistingBranch::Reuse) => start(dialog, ExistingBranch::Reuse, next, out),
                Code::Char('l') | Code::Right | Code::Tab => turn(dialog, Turn::Next, next, out),
                Code::Char('h') | Code::Left => turn(dialog, Turn::Previous, next, out),
                // Enter is the safe choice: it changes nothing.
                Code::Enter | Code::Char('n') => model.overlay = None,
                _ => {}
            }
        }
        StartPhase::Running(_) if failed && key.code == Code::Char('s') => replan(dialog, next, out),
        StartPhase::CouldNotPlan(_) if key.code == Code::Char('s') => replan(dialog, next, out),
        StartPhase::Running(_) | StartPhase::CouldNotPlan(_) if key.code == Code::Enter => model.overlay = None,
        _ => {}
    }
}

/// Whether the plan can be carried out so.
fn allows(dialog: &StartDialog, existing: ExistingBranch) -> bool {
    dialog
        .asking
        .plan
        .as_ref()
        .is_some_and(|plan| plan.refused.is_none() && plan.existing_branch.is_some() == (existing == ExistingBranch::Reuse))
}

fn start(dialog: &mut StartDialog, existing: ExistingBranch, generation: Generation, out: &mut Out) {
    dialog.asking.phase = StartPhase::Asked(generation);
    out.push(Effect::Start { key: dialog.key.clone(), existing, generation });
}

fn replan(dialog: &mut StartDialog, generation: Generation, out: &mut Out) {
    dialog.asking.phase = StartPhase::Planning(generation);
    out.push(Effect::PlanStart { key: dialog.key.clone(), repository: dialog.repository, generation });
}

/// Another repository: the plan is made again for it.
fn turn(dialog: &mut StartDialog, by: Turn, generation: Generation, out: &mut Out) {
    let Some(plan) = &dialog.asking.plan else { return };
    let ids: Vec<_> = plan.repositories.iter().filter(|row| !row.disabled).map(|row| Some(row.id)).collect();
    if ids.len() < 2 {
        return;
    }
    dialog.repository = turned(&ids, &dialog.repository, by);
    replan(dialog, generation, out);
}

pub fn started(model: &mut Model, generation: Generation, task: &Answer<u64>) {
    if let Some(dialog) = dialog(model) {
        dialog.asking.started(generation, task);
    }
}

/// How the task of the dialog ended, if it did.
pub fn finished(model: &Model) -> Option<&TaskState> {
    let Some(Overlay::Start(dialog)) = &model.overlay else { return None };
    let id = dialog.asking.task()?;
    model.task(id).map(|task| &task.state).filter(|state| **state != TaskState::Running)
}

/// The words for a start that could not be carried through: `2 of 3 done, s to continue`.
pub fn left(done: usize, all: usize) -> String {
    format!("{done} of {all} done, s to continue")
}
