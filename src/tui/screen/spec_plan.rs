//! Pushing or pulling a spec, and comparing it with the branch.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::answer::{DiffKind, Plan, TaskState};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::{Asking, DiffView, SpecDirection, SpecPlanDialog, StartPhase};
use crate::tui::widget::{panel, progress, text};

pub fn draw(model: &Model, dialog: &SpecPlanDialog, buf: &mut Buffer) {
    let verb = match dialog.direction {
        SpecDirection::Push => "Push the spec of",
        SpecDirection::Pull => "Pull the spec of",
    };
    let words = Words { title: format!("{verb} {}", dialog.key), planning: "looking at the branch", verb: "push" };
    draw_asking(model, &words, &dialog.asking, buf);
}

/// What a plan's dialog says besides the plan.
pub struct Words {
    pub title: String,
    pub planning: &'static str,
    /// What `y` does.
    pub verb: &'static str,
}

/// A plan, and how it is carried out.
pub fn draw_asking(model: &Model, words: &Words, asking: &Asking<Plan>, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 72.min(model.width.saturating_sub(2));
    let task = asking.task().and_then(|id| model.task(id));
    let shown = match task {
        // Why it failed stands below the steps.
        Some(task) => Some(progress::without_reasons(&task.progress)),
        None => asking.plan.as_ref().map(|plan| plan.progress.clone()),
    };
    let shown = shown.as_ref();
    let mut below: Vec<(String, Style)> = Vec::new();
    let mut say = |words: &str, style| below.extend(text::wrap(words, width - 4).into_iter().map(|line| (line, style)));
    let mut hints: Vec<(&str, &str)> = Vec::new();
    match (&asking.phase, task.map(|task| &task.state)) {
        (StartPhase::Planning(_), _) => {
            say(words.planning, theme.dim);
            hints.push(("Esc", "close"));
        }
        (StartPhase::Planned, _) => {
            if let Some(plan) = &asking.plan {
                plan.warnings.iter().for_each(|warning| say(&warning.to_string(), theme.warn));
                match &plan.refused {
                    Some(why) => say(&why.to_string(), theme.bad),
                    None => hints.push(("y", words.verb)),
                }
            }
            hints.push(("Enter", "not now"));
        }
        (StartPhase::CouldNotPlan(notice), _) | (StartPhase::Running(_), Some(TaskState::Failed(notice))) => {
            say(&notice.to_string(), theme.bad);
            hints.push(("Esc", "close"));
        }
        (StartPhase::Running(_), Some(TaskState::Cancelled)) => {
            say("cancelled", theme.warn);
            hints.push(("Esc", "close"));
        }
        (StartPhase::Running(_), Some(TaskState::Done(done))) => {
            say(done, theme.good);
            hints.push(("Enter", "close"));
        }
        _ => hints.push(("Esc", "close; it goes on")),
    }
    let steps = shown.map_or(0, |shown| progress::height(shown, width - 4));
    let lines = u16::try_from(below.len()).unwrap_or(u16::MAX);
    let gap = u16::from(steps > 0 && lines > 0);
    let area = layout::dialog(model.width, model.height, width, steps.saturating_add(lines).saturating_add(gap).max(1).saturating_add(2));
    let inner = panel::draw(buf, area, &words.title, &hints, theme);
    let mut y = inner.y;
    if let Some(shown) = shown {
        // Where not all of it fits, steps give way: what went wrong is what must be read.
        let room = inner.height.saturating_sub(lines + gap);
        y = progress::draw(buf, Rect { height: room, ..inner }, shown, theme) + gap;
    }
    for (y, (line, style)) in (y..inner.bottom()).zip(&below) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}

/// The spec here against the spec on the branch.
pub fn draw_diff(model: &Model, view: &DiffView, buf: &mut Buffer) {
    let theme = &model.theme;
    let area = layout::dialog(model.width, model.height, 110, model.height);
    let changed = view.rows.iter().filter(|row| row.kind != DiffKind::Same).count();
    let title = format!("{}: here and on the branch", view.key);
    let inner = panel::draw(buf, area, &title, &[("j k", "scroll"), ("Esc", "close")], theme);
    let message = if view.loading.is_some() {
        Some(("comparing".to_owned(), theme.dim))
    } else if let Some(problem) = &view.problem {
        Some((problem.to_string(), theme.bad))
    } else if changed == 0 {
        Some(("No difference: the branch holds this text.".to_owned(), theme.text))
    } else {
        None
    };
    if let Some((words, style)) = message {
        for (y, line) in (inner.top()..inner.bottom()).zip(text::wrap(&words, inner.width)) {
            text::put(buf, inner.x, y, inner.width, &line, style);
        }
        return;
    }
    let visible = usize::from(inner.height);
    let from = view.scroll.min(view.rows.len().saturating_sub(visible));
    for (y, row) in (inner.top()..inner.bottom()).zip(view.rows.iter().skip(from)) {
        let (sign, style) = match row.kind {
            DiffKind::Same => (" ", theme.dim),
            DiffKind::Added => ("+", theme.added),
            DiffKind::Removed => ("-", theme.removed),
        };
        let at = text::put(buf, inner.x, y, 1, sign, style) + 1;
        text::put_fit(buf, at, y, inner.right().saturating_sub(at), &row.text, style, &theme.marks);
    }
}

/// A narrow area split in equal parts with one cell between.
pub fn thirds(area: Rect) -> [Rect; 3] {
    let width = area.width.saturating_sub(2) / 3;
    [0, 1, 2].map(|at| Rect::new(area.x + at * (width + 1), area.y, width, area.height))
}
