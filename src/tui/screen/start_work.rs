//! The start-work dialog: the plan line by line, warnings, and what to press.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::notice::Notice;
use crate::tui::answer::TaskState;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::{StartDialog, StartPhase};
use crate::tui::update::left_words;
use crate::tui::widget::{panel, progress, text};

pub fn draw(model: &Model, dialog: &StartDialog, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 76.min(model.width.saturating_sub(2));
    let task = dialog.asking.task().and_then(|id| model.task(id));
    let shown = match task {
        // Why it failed stands below the steps.
        Some(task) => Some(progress::without_reasons(&task.progress)),
        None => dialog.asking.plan.as_ref().map(|plan| plan.progress.clone()),
    };
    let shown = shown.as_ref();
    let mut below: Vec<(String, ratatui::style::Style)> = Vec::new();
    let mut say = |notice: &Notice, style| {
        below.extend(text::wrap(&notice.text, width - 4).into_iter().map(|line| (line, style)));
        if let Some(hint) = &notice.hint {
            below.extend(text::wrap(hint, width - 4).into_iter().map(|line| (line, theme.text)));
        }
    };
    let mut hints: Vec<(&str, &str)> = Vec::new();
    match (&dialog.asking.phase, task.map(|task| &task.state)) {
        (StartPhase::Planning(_), _) => {
            say(&Notice::new("looking at the branch and the spec"), theme.dim);
            hints.push(("Esc", "close"));
        }
        (StartPhase::Planned, _) => {
            if let Some(plan) = &dialog.asking.plan {
                plan.warnings.iter().for_each(|warning| say(warning, theme.warn));
                match (&plan.refused, &plan.existing_branch) {
                    (Some(why), _) => say(why, theme.bad),
                    (None, Some(branch)) => {
                        say(&Notice::new(branch.clone()), theme.warn);
                        hints.push(("u", "use that branch"));
                    }
                    (None, None) => hints.push(("y", "start work")),
                }
            }
            hints.push(("Enter", "not now"));
            if dialog.asking.plan.as_ref().is_some_and(|plan| plan.repositories.len() > 1) {
                hints.push(("h l", "repository"));
            }
        }
        (StartPhase::CouldNotPlan(notice), _) => {
            say(notice, theme.bad);
            hints.extend([("s", "try again"), ("Esc", "close")]);
        }
        (StartPhase::Asked(_), _) | (StartPhase::Running(_), None | Some(TaskState::Running)) => {
            hints.push(("Esc", "close; it goes on"));
        }
        (StartPhase::Running(_), Some(TaskState::Done(_))) => {
            say(&Notice::new(format!("{} is in progress", dialog.key)), theme.good);
            hints.push(("Enter", "close"));
        }
        (StartPhase::Running(_), Some(TaskState::Failed(notice))) => {
            say(notice, theme.bad);
            if let Some(task) = task {
                let (done, all) = task.progress.count();
                say(&Notice::new(left_words(done, all)), theme.strong);
            }
            hints.extend([("s", "continue"), ("Esc", "close")]);
        }
        (StartPhase::Running(_), Some(TaskState::Cancelled)) => {
            say(&Notice::new("cancelled"), theme.warn);
            hints.extend([("s", "continue"), ("Esc", "close")]);
        }
    }
    let repository = dialog.asking.plan.as_ref().and_then(|plan| {
        let chosen = dialog.repository?;
        plan.repositories.iter().find(|row| row.id == chosen).map(|row| row.name.clone())
    });
    let steps = shown.map_or(0, |shown| progress::height(shown, width - 4));
    let gap = u16::from(steps > 0 && !below.is_empty());
    let rows = 2 + u16::from(repository.is_some()) + steps + u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(gap);
    let area = layout::dialog(model.width, model.height, width, rows.saturating_add(2));
    let inner = panel::draw(buf, area, &format!("Start work on {}", dialog.key), &hints, theme);
    let mut y = inner.y;
    let below_rows = u16::try_from(below.len()).unwrap_or(u16::MAX);
    // Where not all of it fits, the title goes first, then steps: what went wrong and what to press is what must be read.
    if rows <= inner.height {
        text::put_fit(buf, inner.x, y, inner.width, &dialog.title, theme.strong, &theme.marks);
        y += 1;
        if let Some(name) = repository {
            let at = text::put(buf, inner.x, y, inner.width, "in ", theme.dim);
            text::put_fit(buf, at, y, inner.right().saturating_sub(at), &name, theme.info, &theme.marks);
            y += 1;
        }
        y += 1;
    }
    if let Some(shown) = shown {
        let room = inner.bottom().saturating_sub(y).saturating_sub(below_rows);
        let gap = u16::from(steps + gap <= room);
        y = progress::draw(buf, Rect { y, height: room, ..inner }, shown, theme) + gap;
    }
    put_rows(buf, inner, y, &below);
}

fn put_rows(buf: &mut Buffer, inner: Rect, from: u16, rows: &[(String, ratatui::style::Style)]) {
    for (y, (line, style)) in (from..inner.bottom()).zip(rows) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}
