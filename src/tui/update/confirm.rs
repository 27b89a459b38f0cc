//! Questions that only `y` answers with yes.

use crate::domain::id::ProjectId;
use crate::tui::answer::TaskState;
use crate::tui::effect::{Collected, Effect, QuitMode};
use crate::tui::key::{Code, Key};
use crate::tui::model::activity::{Section, in_order};
use crate::tui::model::overlay::{Confirm, Confirmed, Guard, Overlay};
use crate::tui::model::{Base, Model};
use crate::tui::refusal;
use crate::tui::widget::delivery;

use super::Out;

fn ask(model: &mut Model, question: String, lines: Vec<String>, what: Confirmed) {
    model.overlay = Some(Overlay::Confirm(Confirm { question, lines, what, guard: Guard::new(model.now) }));
}

pub fn archive(model: &mut Model) {
    if let Some(subject) = refusal::subject(model) {
        let mut lines = vec![subject.title.clone(), "It leaves the board; nothing is deleted, here or in Azure DevOps.".into()];
        if let Some(branch) = &subject.branch {
            lines.push(format!("The branch {branch} stays."));
        }
        ask(model, format!("Archive {}?", subject.key), lines, Confirmed::Archive(subject.key.clone(), subject.version));
    }
}

pub fn delete(model: &mut Model) {
    if let Some(subject) = refusal::subject(model) {
        let lines = vec![subject.title.clone(), "The ticket and its spec are deleted for good.".into()];
        ask(model, format!("Delete {}?", subject.key), lines, Confirmed::Delete(subject.key.clone(), subject.version));
    }
}

pub fn cancel_task(model: &mut Model) {
    let on_subject = model.subject().and_then(|key| model.task_on(&key).map(|task| task.id));
    let selected = match model.base {
        Base::Activity if model.activity.section == Section::Tasks => in_order(&model.tasks).get(model.activity.cursor).map(|task| task.id),
        _ => None,
    };
    let chosen = selected.filter(|id| model.running_tasks().any(|task| task.id == *id)).or(on_subject);
    if let Some(id) = chosen.or_else(|| model.running_tasks().next().map(|task| task.id)) {
        cancel(model, id);
    }
}

/// Asks whether to cancel a task.
pub fn cancel(model: &mut Model, id: u64) {
    let Some(task) = model.task(id) else { return };
    let lines = vec![task.progress.summary(), "What is done stays done; the next run goes on from there.".into()];
    let title = task.title.clone();
    ask(model, format!("Cancel: {title}?"), lines, Confirmed::CancelTask(id));
}

/// Asks whether to try a delivery again.
pub fn replay(model: &mut Model) {
    let Some(row) = model.activity.delivery().cloned() else { return };
    let mut lines = vec![delivery::event_words(&row)];
    lines.extend(row.words.clone());
    lines.push("It is read and applied as if it had just arrived. What is newer is never undone by it.".into());
    ask(model, "Try this delivery again?".into(), lines, Confirmed::Replay(row.id));
}

/// Asks whether to take a project off the board.
pub fn deselect(model: &mut Model, project: ProjectId, name: String, collected: Collected) {
    let mut lines = vec![
        "The webhooks that kanado made for it are deleted in Azure DevOps; those of others stay.".to_owned(),
        "Its tickets stay here; connecting the project again brings them back.".to_owned(),
    ];
    lines.push(match collected {
        Collected::Kept => "What was collected for figures stays.".to_owned(),
        Collected::Deleted => "What was collected for figures is deleted for good.".to_owned(),
    });
    ask(model, format!("Take {name} off the board?"), lines, Confirmed::Deselect { project, name, collected });
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    let now = model.now;
    let Some(Overlay::Confirm(confirm)) = &mut model.overlay else { return };
    if key.code == Code::Esc {
        model.overlay = None;
        return;
    }
    if !confirm.guard.lets_through(key, now) {
        return;
    }
    match key.code {
        Code::Char('y') => {
            let what = confirm.what.clone();
            model.overlay = None;
            confirmed(model, what, out);
        }
        Code::Char('f') if confirm.what == Confirmed::Quit && model.tasks.iter().any(|task| task.state == TaskState::Running) => {
            model.overlay = None;
            out.push(Effect::SaveSession(Box::new(model.session())));
            out.push(Effect::Quit(QuitMode::WhenIdle));
        }
        Code::Enter | Code::Char('n' | 'q') => model.overlay = None,
        _ => {}
    }
}

fn confirmed(model: &mut Model, what: Confirmed, out: &mut Out) {
    match what {
        Confirmed::Archive(key, version) => out.push(Effect::Archive { key, version }),
        Confirmed::Delete(key, version) => {
            model.ticket = None;
            out.push(Effect::Delete { key, version });
        }
        Confirmed::Quit => {
            out.push(Effect::SaveSession(Box::new(model.session())));
            out.push(Effect::Quit(QuitMode::Now));
        }
        Confirmed::CancelTask(task) => out.push(Effect::CancelTask { task }),
        Confirmed::Deselect { project, name, collected } => out.push(Effect::Deselect { project, name, collected }),
        Confirmed::Replay(delivery) => out.push(Effect::ReplayDelivery { delivery }),
        Confirmed::LeaveUnsaved => super::editor::leave(model, out),
    }
}
