//! A spec that changed on both sides: mine, the common base, theirs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spec_plan::thirds;
use crate::domain::merge::{DiffKind, diff};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::{ConflictView, Side};
use crate::tui::widget::{panel, text};

fn name(view: &ConflictView, side: Side) -> &'static str {
    match side {
        Side::Mine => "Mine: the draft here",
        Side::Base => "Base: what both began from",
        Side::Theirs if view.conflict.object.is_some() => "Theirs: the branch",
        Side::Theirs => "Theirs: the other session",
    }
}

pub fn draw(model: &Model, view: &ConflictView, buf: &mut Buffer) {
    let theme = &model.theme;
    let area = layout::dialog(model.width, model.height, model.width, model.height);
    let hints =
        [("m", "keep mine"), ("t", "take theirs"), ("e", "edit the merge"), ("Esc", "decide later"), ("h l", "side"), ("j k", "scroll")];
    let title = format!("{}: changed on both sides", view.key);
    let inner = panel::draw(buf, area, &title, &hints, theme);
    if model.width >= layout::WIDE {
        for (side, area) in Side::ALL.into_iter().zip(thirds(inner)) {
            pane(model, view, side, area, buf);
        }
    } else {
        pane(model, view, view.side, inner, buf);
    }
}

fn pane(model: &Model, view: &ConflictView, side: Side, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let focused = side == view.side;
    let style = if focused { theme.accent } else { theme.strong };
    text::put_fit(buf, area.x, area.y, area.width, name(view, side), style, &theme.marks);
    text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
    let conflict = &view.conflict;
    let rows: Vec<(String, ratatui::style::Style)> = match side {
        Side::Base => conflict.base.lines().map(|line| (line.to_owned(), theme.dim)).collect(),
        Side::Mine | Side::Theirs => {
            let text = if side == Side::Mine { &conflict.mine } else { &conflict.theirs };
            diff(&conflict.base, text)
                .into_iter()
                .map(|line| match line.kind {
                    DiffKind::Same => (format!("  {}", line.text), theme.text),
                    DiffKind::Added => (format!("+ {}", line.text), theme.added),
                    DiffKind::Removed => (format!("- {}", line.text), theme.removed),
                })
                .collect()
        }
    };
    let visible = usize::from(area.height.saturating_sub(2));
    let from = view.scroll.min(rows.len().saturating_sub(visible));
    for (y, (line, style)) in (area.y + 2..area.bottom()).zip(rows.iter().skip(from)) {
        text::put_fit(buf, area.x, y, area.width, line.trim_end(), *style, &theme.marks);
    }
}
