//! The form that opens a pull request: what it will say, who reviews and why, and what was checked before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::new_ticket::{choice, extent, label};
use crate::tui::answer::PreflightState;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::form::{FormPhase, PullRequestField as Field, PullRequestForm, text_of};
use crate::tui::widget::text_field::{self, Focus};
use crate::tui::widget::{lines_field, panel, progress, text};

const LABEL: u16 = 14;

pub fn draw(model: &Model, form: &PullRequestForm, buf: &mut Buffer) {
    let theme = &model.theme;
    let area = layout::dialog(model.width, model.height, 96, 34);
    let hints: &[(&str, &str)] = match (&form.phase, form.field) {
        (FormPhase::Running(_) | FormPhase::Sending(_), _) => &[("Esc", "close; it goes on")],
        (FormPhase::Loading(_), _) => &[("Esc", "close")],
        (_, Field::Reviewer | Field::Draft) => &[("Ctrl+S", "open it"), ("Tab", "next"), ("h l", "change"), ("Esc", "leave")],
        _ => &[("Ctrl+S", "open it"), ("Tab", "next"), ("Esc", "leave, text kept")],
    };
    let inner = panel::draw(buf, area, &format!("Pull request of {}", form.key), hints, theme);
    let Some(plan) = &form.plan else {
        let words = match &form.phase {
            FormPhase::Failed(notice) => notice.to_string(),
            _ => "looking at the branch and its reviewers".to_owned(),
        };
        let style = if matches!(form.phase, FormPhase::Failed(_)) { theme.bad } else { theme.dim };
        for (y, line) in (inner.top()..inner.bottom()).zip(text::wrap(&words, inner.width)) {
            text::put(buf, inner.x, y, inner.width, &line, style);
        }
        return;
    };

    // Below the fields: checks, and how it goes.
    let mut below: Vec<(String, ratatui::style::Style)> = Vec::new();
    let task = match form.phase {
        FormPhase::Running(id) => model.task(id),
        _ => None,
    };
    let tight = inner.height < 12;
    if task.is_none() {
        let worth = |state| !tight || state != PreflightState::Ok;
        for check in plan.preflight.iter().filter(|check| worth(check.state)) {
            let (mark, style) = match check.state {
                PreflightState::Ok => (theme.marks.tick, theme.good),
                PreflightState::Warning => (theme.marks.warning, theme.warn),
                PreflightState::Stops => (theme.marks.cross, theme.bad),
            };
            let words = text::clean(&check.words);
            let words = text::fit(&words, inner.width.saturating_sub(2), &theme.marks).into_owned();
            below.push((format!("{mark} {words}"), style));
        }
    }
    match &form.phase {
        // What a check says already is not said twice.
        FormPhase::Failed(notice) if plan.preflight.iter().any(|check| check.words == notice.text) => {
            below.push(("it is not opened while this stops it".into(), theme.bad));
        }
        FormPhase::Failed(notice) => {
            below.extend(text::wrap(&notice.to_string(), inner.width).into_iter().map(|line| (line, theme.bad)));
        }
        FormPhase::Sending(_) => below.push(("opening it".into(), theme.dim)),
        _ => {}
    }
    let steps = task.map_or(0, |task| progress::height(&task.progress, inner.width));
    let most = if tight { 2 } else { inner.height / 3 };
    let below_rows = u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(steps).min(most);
    let reason = text::wrap(&plan.reviewer_reason, inner.width.saturating_sub(LABEL));
    let reason_rows = u16::try_from(reason.len()).unwrap_or(1).min(if tight { 0 } else { 2 });
    let gap = u16::from(!tight);
    // The description takes what the five other fields leave.
    let body_rows = inner.height.saturating_sub(5 + reason_rows + below_rows + gap).max(1);

    let x = inner.x + LABEL;
    let width = inner.width.saturating_sub(LABEL);
    let mut y = inner.y;
    for field in Field::ALL {
        if y >= inner.bottom() {
            return;
        }
        let focused = form.field == field && matches!(form.phase, FormPhase::Filling | FormPhase::Failed(_));
        let focus = Focus::when(focused);
        let style = if focused { theme.strong } else { theme.text };
        label(model, inner.x, y, name(field), focused, buf);
        let rows = match field {
            Field::Title => {
                text_field::draw(buf, x, y, width, &form.title, focus, theme);
                1
            }
            Field::Body => {
                let rows = body_rows.min(inner.bottom() - y);
                extent(model, Rect::new(x, y, width, rows), buf);
                lines_field::draw(buf, Rect::new(x, y, width, rows), &form.body, focus, theme);
                let length = text_of(&form.body).encode_utf16().count();
                let limit = crate::domain::pull_request_body::BODY_LIMIT;
                if rows > 1 {
                    let style = if length > limit { theme.bad } else { theme.faint };
                    text::put(buf, inner.x + 1, y + 1, LABEL - 2, &format!("{length}/{limit}"), style);
                }
                rows
            }
            Field::Reviewer => {
                choice(model, x, y, width, form.reviewer_name().unwrap_or("nobody"), style, focused, buf);
                for (line, words) in (1..).zip(&reason).take(usize::from(reason_rows)) {
                    text::put(buf, x, y + line, width, words, theme.dim);
                }
                1 + reason_rows
            }
            Field::Target => {
                let at = text::put_fit(buf, x, y, width / 2, &plan.source_branch, theme.info, &theme.marks);
                let at = text::put(buf, at, y, 3, &format!(" {} ", theme.marks.arrow), theme.dim);
                text_field::draw(buf, at, y, (x + width).saturating_sub(at), &form.target, focus, theme);
                1
            }
            Field::Draft => {
                choice(
                    model,
                    x,
                    y,
                    width,
                    if form.is_draft { "draft: nobody is asked yet" } else { "ready for review" },
                    style,
                    focused,
                    buf,
                );
                1
            }
            Field::WorkItems => {
                text_field::draw(buf, x, y, width, &form.work_items, focus, theme);
                if !focused && form.work_items.is_empty() {
                    text::put_fit(buf, x, y, width, "numbers to link", theme.faint, &theme.marks);
                }
                1
            }
        };
        y += rows;
    }
    y += gap;
    if let Some(task) = task {
        y = progress::draw(buf, Rect { y, height: inner.bottom().saturating_sub(y), ..inner }, &task.progress, theme);
    }
    for (y, (line, style)) in (y..inner.bottom()).zip(&below) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Title => "Title",
        Field::Body => "Description",
        Field::Reviewer => "Reviewer",
        Field::Target => "Branches",
        Field::Draft => "State",
        Field::WorkItems => "Work items",
    }
}
