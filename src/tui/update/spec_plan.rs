//! Pushing and pulling a spec, comparing it with the branch, and settling a conflict.

use crate::notice::Notice;
use crate::tui::answer::{DiffLine, Plan, TaskState};
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::key::{Code, Key};
use crate::tui::model::Model;
use crate::tui::model::editor::Saving;
use crate::tui::model::overlay::{Asking, DiffView, Overlay, Side, SpecDirection, SpecPlanDialog, StartPhase};

use super::{Out, toast};

pub fn open(model: &mut Model, direction: SpecDirection, out: &mut Out) {
    let Some(key) = model.subject() else { return };
    let generation = model.next_generation();
    let phase = match direction {
        SpecDirection::Push => {
            out.push(Effect::PlanPush { key: key.clone(), generation });
            StartPhase::Planning(generation)
        }
        // Pulling changes nothing outside, and merges rather than overwrites.
        SpecDirection::Pull => {
            out.push(Effect::PullSpec { key: key.clone(), generation });
            StartPhase::Asked(generation)
        }
    };
    model.overlay = Some(Overlay::SpecPlan(Box::new(SpecPlanDialog { key, direction, asking: Asking::new(phase, model.now) })));
}

pub fn diff(model: &mut Model, out: &mut Out) {
    let Some(key) = model.subject() else { return };
    let generation = model.next_generation();
    out.push(Effect::DiffSpec { key: key.clone(), generation });
    model.overlay = Some(Overlay::Diff(Box::new(DiffView { key, loading: Some(generation), rows: Vec::new(), scroll: 0, problem: None })));
}

pub fn compared(model: &mut Model, generation: Generation, rows: Answer<Vec<DiffLine>>) {
    if let Some(Overlay::Diff(view)) = &mut model.overlay
        && view.loading == Some(generation)
    {
        view.loading = None;
        match rows {
            Ok(rows) => view.rows = rows,
            Err(notice) => view.problem = Some(notice),
        }
    }
}

fn dialog(model: &mut Model) -> Option<&mut SpecPlanDialog> {
    match &mut model.overlay {
        Some(Overlay::SpecPlan(dialog)) => Some(dialog),
        _ => None,
    }
}

pub fn planned(model: &mut Model, generation: Generation, plan: Answer<Box<Plan>>) {
    let now = model.now;
    if let Some(dialog) = dialog(model) {
        dialog.asking.planned(generation, plan, now);
    }
}

pub fn started(model: &mut Model, generation: Generation, task: &Answer<u64>) {
    if let Some(dialog) = dialog(model) {
        dialog.asking.started(generation, task);
    }
}

/// A push or pull that is done closes its dialog by itself.
pub fn close_when_done(model: &mut Model) {
    let done = match &model.overlay {
        Some(Overlay::SpecPlan(dialog)) => {
            dialog.asking.task().and_then(|id| model.task(id)).is_some_and(|task| matches!(task.state, TaskState::Done(_)))
        }
        _ => false,
    };
    if done {
        model.overlay = None;
    }
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    match &model.overlay {
        Some(Overlay::SpecPlan(_)) => plan_key(model, key, out),
        Some(Overlay::Diff(_)) => diff_key(model, key),
        Some(Overlay::Conflict(_)) => conflict_key(model, key, out),
        _ => {}
    }
}

fn plan_key(model: &mut Model, key: Key, out: &mut Out) {
    let now = model.now;
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
                Code::Char('y') if dialog.asking.plan.as_ref().is_some_and(|plan| plan.refused.is_none()) => {
                    dialog.asking.phase = StartPhase::Asked(next);
                    out.push(Effect::PushSpec { key: dialog.key.clone(), generation: next });
                }
                Code::Enter | Code::Char('n') => model.overlay = None,
                _ => {}
            }
        }
        StartPhase::Running(_) | StartPhase::CouldNotPlan(_) if key.code == Code::Enter => model.overlay = None,
        _ => {}
    }
}

fn diff_key(model: &mut Model, key: Key) {
    let page = crate::tui::layout::picker_rows(model);
    let Some(Overlay::Diff(view)) = &mut model.overlay else { return };
    match super::activity::scrolled(key, view.scroll, page, view.rows.len().saturating_sub(1)) {
        Some(scroll) => view.scroll = scroll,
        None => model.overlay = None,
    }
}

fn conflict_key(model: &mut Model, key: Key, out: &mut Out) {
    let now = model.now;
    let next = model.next_generation();
    let Some(Overlay::Conflict(view)) = &mut model.overlay else { return };
    match key.code {
        Code::Down | Code::Char('j') => return view.scroll += 1,
        Code::Up | Code::Char('k') => return view.scroll = view.scroll.saturating_sub(1),
        Code::PageDown => return view.scroll += 10,
        Code::PageUp => return view.scroll = view.scroll.saturating_sub(10),
        Code::Tab | Code::Right | Code::Char('l') => return view.side = Side::ALL[(view.side as usize + 1) % 3],
        Code::Left | Code::Char('h') => return view.side = Side::ALL[(view.side as usize + 2) % 3],
        Code::Esc | Code::Char('q') => {
            model.overlay = None;
            let notice = Notice::new("both texts are kept as they are").hint("push again to settle it");
            return toast::plain(model, notice);
        }
        _ => {}
    }
    if !view.guard.lets_through(key, now) {
        return;
    }
    let text = match key.code {
        Code::Char('m') => view.conflict.mine.clone(),
        Code::Char('t') => view.conflict.theirs.clone(),
        Code::Char('e') => view.conflict.merged.clone(),
        _ => return,
    };
    let ticket = view.key.clone();
    let conflict = view.conflict.clone();
    model.overlay = None;
    let editing = model.editor.as_mut().filter(|editor| editor.key == ticket);
    if conflict.object.is_some() {
        // The other side is the branch: what is kept becomes a draft on top of it.
        if let Some(editor) = editing {
            editor.replace(&text);
            editor.saving = Saving::Running(next);
            editor.changed_since = false;
        }
        out.push(Effect::ResolveSpec { key: ticket.clone(), text, conflict, generation: next });
        if key.code == Code::Char('e') && model.editor.is_none() {
            model.open_editor_after = Some((next, ticket));
        }
    } else if let Some(editor) = editing {
        editor.replace(&text);
        editor.touched(now);
        super::editor::save_now(model, out);
    }
    let hint = match key.code {
        Code::Char('e') => "settle the lines between <<<<<<< and >>>>>>>, then push: F2",
        _ => "push it to the branch: F2 in the editor, U elsewhere",
    };
    toast::plain(model, Notice::new("kept as the draft").hint(hint));
}
