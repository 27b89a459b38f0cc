//! The spec editor: badge and outline above, the text, and from 120 columns the text as it reads.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::spec::{Section, Spec};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::editor::{EditorState, Saving};
use crate::tui::screen::ticket::badge_words;
use crate::tui::widget::lines_field;
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::text_field::Focus;
use crate::tui::widget::{markdown, text};

pub fn draw(model: &Model, editor: &EditorState, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let source = editor.plain_text();
    head(model, editor, area, buf);
    outline(model, editor, &source, Rect::new(area.x, area.y + 1, area.width, 1), buf);
    text::line(buf, area.x, area.y + 2, area.width, theme.marks.rule, theme.faint);
    let below = Rect::new(area.x + 1, area.y + 3, area.width.saturating_sub(2), area.height.saturating_sub(3));
    let wide = area.width >= layout::WIDE;
    let shows_preview = editor.preview.unwrap_or(wide);
    if shows_preview && wide {
        let half = below.width / 2;
        lines_field::draw(buf, Rect { width: half.saturating_sub(1), ..below }, &editor.area, Focus::Yes, theme);
        for y in below.top()..below.bottom() {
            text::put(buf, below.x + half, y, 1, theme.marks.upright, theme.faint);
        }
        let right = Rect::new(below.x + half + 2, below.y, below.width - half - 2, below.height);
        preview(model, editor, &source, right, buf);
    } else if shows_preview {
        // Where there is no room for both, the preview takes the place of the text until it is put away.
        preview(model, editor, &source, below, buf);
    } else {
        lines_field::draw(buf, below, &editor.area, Focus::Yes, theme);
    }
}

fn head(model: &Model, editor: &EditorState, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let (badge, badge_style) = badge_words(model, editor.badge());
    let (saved, saved_style) = match &editor.saving {
        Saving::Saved => ("saved", theme.dim),
        Saving::Dirty => ("typing", theme.dim),
        Saving::Running(_) => ("saving", theme.dim),
        Saving::Failed(_) => ("not saved", theme.bad),
    };
    let left = vec![Part::new(90, editor.key.to_string(), theme.accent), Part::new(60, editor.title.clone(), theme.strong)];
    let cursor = editor.area.cursor();
    let right = vec![
        Part::new(80, badge, badge_style),
        Part::new(70, saved, saved_style),
        Part::new(10, format!("{}:{}", cursor.0 + 1, cursor.1 + 1), theme.dim),
    ];
    parts::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), 2, left, right);
}

/// The six sections, the one with the cursor marked; a missing one is faint.
fn outline(model: &Model, editor: &EditorState, source: &str, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let outline = Spec::parse(source).outline();
    let row = editor.area.cursor().0;
    let here = outline.iter().rfind(|entry| entry.line <= row && entry.known.is_some()).and_then(|entry| entry.known);
    let mut left = Vec::new();
    for (rank, section) in (0..).zip(Section::ALL) {
        let there = outline.iter().any(|entry| entry.known == Some(section));
        let current = here == Some(section);
        let style = if current {
            theme.accent
        } else if there {
            theme.text
        } else {
            theme.faint
        };
        let mark = if current { theme.marks.bar } else { " " };
        let name = section.title();
        let short = name.split(' ').next().unwrap_or(name);
        let rank = if current { 50 } else { 20 - rank };
        left.push(Part::new(rank, format!("{mark}{name}"), style).short(format!("{mark}{short}")));
    }
    parts::put(buf, area.x, area.y, area.width, 1, left, Vec::new());
}

fn preview(model: &Model, editor: &EditorState, source: &str, area: Rect, buf: &mut Buffer) {
    let rendered = markdown::render(source, area.width, &model.theme);
    let row = editor.area.cursor().0;
    let at: usize = source.split_inclusive('\n').take(row).map(str::len).sum();
    let line = rendered.line_of(at);
    let height = usize::from(area.height);
    // The place being written stays in the upper third; short texts do not move at all.
    let last = rendered.lines.len().saturating_sub(height);
    super::put_lines(buf, area, &rendered.lines, line.saturating_sub(height / 3).min(last), &model.theme);
}
