//! The lines of a plan, each with how it stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text;
use crate::domain::progress::{Progress, Step, StepState};
use crate::tui::theme::Theme;

/// Rows that the plan takes at this width.
pub fn height(progress: &Progress, width: u16) -> u16 {
    let rows: usize = progress.steps.iter().map(|step| text::wrap(&words(step), width.saturating_sub(2)).len()).sum();
    u16::try_from(rows).unwrap_or(u16::MAX)
}

fn words(step: &Step) -> String {
    match &step.state {
        StepState::Waiting | StepState::Running => step.words.clone(),
        StepState::Done(what) if what.is_empty() => step.words.clone(),
        StepState::Done(what) => format!("{}: {what}", step.words),
        StepState::Already(what) => format!("{}: {what}, already so", step.words),
        StepState::Failed(why) => format!("{}: {why}", step.words),
        StepState::Skipped(why) => format!("{}: left out, {why}", step.words),
    }
}

/// Paints the steps from the top of the area and returns the row below them.
pub fn draw(buf: &mut Buffer, area: Rect, progress: &Progress, theme: &Theme) -> u16 {
    let mut y = area.y;
    for step in &progress.steps {
        let (mark, style, words_style) = match &step.state {
            StepState::Waiting => (theme.marks.open, theme.dim, theme.text),
            StepState::Running => (theme.marks.running, theme.accent, theme.strong),
            StepState::Done(_) => (theme.marks.tick, theme.good, theme.text),
            StepState::Already(_) => (theme.marks.tick, theme.dim, theme.dim),
            StepState::Failed(_) => (theme.marks.cross, theme.bad, theme.bad),
            StepState::Skipped(_) => (theme.marks.open, theme.dim, theme.dim),
        };
        for (at, line) in text::wrap(&words(step), area.width.saturating_sub(2)).iter().enumerate() {
            if y >= area.bottom() {
                return y;
            }
            if at == 0 {
                text::put(buf, area.x, y, 1, mark, style);
            }
            text::put(buf, area.x + 2, y, area.width.saturating_sub(2), line, words_style);
            y += 1;
        }
    }
    y
}
