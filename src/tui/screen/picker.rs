//! Pickers, the help and the palette: a search, a list, what is refused and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::picker::{Item, Picker, PickerKind, Search};
use crate::tui::widget::text_field::{self, Focus};
use crate::tui::widget::{panel, text};

pub fn draw(model: &Model, picker: &Picker, buf: &mut Buffer) {
    let theme = &model.theme;
    let searching = picker.search == Search::On;
    // Headings only while the order is that of the catalogue.
    let grouped = picker.query.is_empty();
    let rows = rows(picker, grouped);
    let width = match picker.kind {
        PickerKind::Plain => 64,
        PickerKind::Help | PickerKind::Palette => 84,
    };
    // Why the selected one is refused, in full: below the list.
    let with_reasons = !searching && picker.items.iter().any(|item| item.refused.is_some());
    let wanted =
        u16::try_from(rows.len().max(1)).unwrap_or(u16::MAX).saturating_add(2 + 2 * u16::from(searching) + 3 * u16::from(with_reasons));
    let room = layout::parts(model.width, model.height).body.height;
    let height = match picker.kind {
        PickerKind::Help => room,
        // The height stays while the list narrows: a dialog that jumps is hard to read.
        _ if searching => u16::try_from(picker.items.len() + 4).unwrap_or(u16::MAX).clamp(8, 20),
        _ => wanted,
    };
    let area = layout::dialog(model.width, model.height, width, height);
    let hints: &[(&str, &str)] = match picker.kind {
        PickerKind::Help => &[("Enter", "run"), ("Esc", "close")],
        _ if searching => &[("Enter", "choose"), ("Esc", "close")],
        _ => &[("j k", "move"), ("Enter", "choose"), ("Esc", "close")],
    };
    let mut inner = panel::draw(buf, area, &picker.title, hints, theme);
    if searching {
        let at = text::put(buf, inner.x, inner.y, 2, if picker.kind == PickerKind::Palette { ":" } else { "/" }, theme.key) + 1;
        let found = if grouped { picker.items.len().to_string() } else { format!("{} of {}", picker.shown.len(), picker.items.len()) };
        let end = text::put_right(buf, inner.right(), inner.y, 16, &found, theme.dim, &theme.marks);
        text_field::draw(buf, at, inner.y, end.saturating_sub(at + 1), &picker.query, Focus::Yes, theme);
        inner = Rect::new(inner.x, inner.y + 2, inner.width, inner.height.saturating_sub(2));
    }
    if picker.shown.is_empty() {
        let words = if picker.loading.is_some() { "loading" } else { picker.empty.as_str() };
        text::put(buf, inner.x, inner.y, inner.width, words, theme.dim);
        return;
    }
    let selected = rows.iter().position(|row| matches!(row, Row::Item(at) if *at == picker.cursor)).unwrap_or(0);
    if with_reasons {
        let below = Rect::new(inner.x, inner.bottom().saturating_sub(2), inner.width, 2.min(inner.height));
        inner.height = inner.height.saturating_sub(3);
        let why = picker.selected().and_then(|item| item.refused.as_deref()).unwrap_or_default();
        for (y, line) in (below.top()..below.bottom()).zip(text::wrap(why, below.width)) {
            text::put(buf, below.x, y, below.width, &line, theme.warn);
        }
    }
    let visible = usize::from(inner.height);
    let from = selected.saturating_sub(visible / 2).min(rows.len().saturating_sub(visible));
    for (y, row) in (inner.top()..inner.bottom()).zip(rows.iter().skip(from)) {
        match row {
            Row::Gap => {}
            Row::Head(words) => {
                text::put(buf, inner.x, y, inner.width, words, theme.heading);
            }
            Row::Item(at) => item(model, picker, *at, y, inner, buf),
        }
    }
}

enum Row {
    Gap,
    Head(&'static str),
    /// The place in `shown`.
    Item(usize),
}

fn rows(picker: &Picker, grouped: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut group = None;
    for (at, index) in picker.shown.iter().enumerate() {
        let own = picker.items[*index].group;
        if grouped && own.is_some() && own != group {
            if group.is_some() {
                rows.push(Row::Gap);
            }
            rows.extend(own.map(Row::Head));
            group = own;
        }
        rows.push(Row::Item(at));
    }
    rows
}

fn item(model: &Model, picker: &Picker, at: usize, y: u16, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(item): Option<&Item> = picker.shown.get(at).and_then(|index| picker.items.get(*index)) else { return };
    let selected = at == picker.cursor;
    if selected {
        text::put(buf, area.x, y, 1, theme.marks.bar, theme.accent);
    }
    let style = match (&item.refused, selected) {
        (Some(_), _) => theme.dim,
        (None, true) => theme.strong,
        (None, false) => theme.text,
    };
    let right = area.right();
    let keys = matches!(picker.kind, PickerKind::Help | PickerKind::Palette);
    // A detail has what the label leaves it, unless the reason of a refusal needs the place.
    let third = area.width / 3;
    let rest = area.width.saturating_sub(text::width(&item.label) + 4);
    let for_detail = if item.refused.is_some() { third } else { third.max(rest) };
    let end = text::put_right(buf, right, y, for_detail, &item.detail, if keys { theme.key } else { theme.dim }, &theme.marks);
    let room = end.saturating_sub(area.x + 2);
    let x = text::put_fit(buf, area.x + 1, y, room, &item.label, style, &theme.marks);
    if let Some(why) = &item.refused {
        // Why not is worth its place where it does not push the words away.
        let room = end.saturating_sub(x + 3);
        if room >= 16 && (picker.search == Search::On || !selected) {
            text::put_fit(buf, x + 2, y, room, why, theme.warn, &theme.marks);
        }
    }
}
