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
        StepState::Done(what) => format!("{}{}", step.words, news(&step.words, what)),
        StepState::Already(what) => format!("{}: {what}, already so", step.words),
        StepState::Failed(why) if why.is_empty() => step.words.clone(),
        StepState::Failed(why) => format!("{}: {why}", step.words),
        StepState::Skipped(why) => format!("{}: left out, {why}", step.words),
    }
}

/// What came of a step beyond what the plan said already: `push .tickets/KAN-1.md` and `.tickets/KAN-1.md at 9436f0ae` need one name.
fn news(words: &str, what: &str) -> String {
    let known = |word: &str| words.split_whitespace().any(|other| other.trim_end_matches([',', ':']) == word.trim_end_matches([',', ':']));
    if what.split_whitespace().all(known) {
        return String::new();
    }
    match what.split_once(' ') {
        Some((first, rest)) if known(first) => format!(" {rest}"),
        _ => format!(": {what}"),
    }
}

/// The same steps without why one failed, for a place that says it elsewhere.
pub fn without_reasons(progress: &Progress) -> Progress {
    let mut progress = progress.clone();
    for step in &mut progress.steps {
        if let StepState::Failed(why) = &mut step.state {
            why.clear();
        }
    }
    progress
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

#[cfg(test)]
mod tests {
    use super::news;

    #[test]
    fn a_done_step_does_not_say_twice_what_its_plan_said() {
        for (words, what, said) in [
            ("create branch feature/KAN-1 from main at 8dea4284", "feature/KAN-1 at 8dea4284", ""),
            ("push .tickets/KAN-1.md", ".tickets/KAN-1.md at 9436f0ae", " at 9436f0ae"),
            ("mark in progress, assigned to Alice", "in progress, assigned to Alice", ""),
            ("open feature/KAN-1 -> main", "!13", ": !13"),
            ("discover members", "5 people", ": 5 people"),
            ("create the branch", "", ""),
        ] {
            assert_eq!(news(words, what), said, "{words}: {what}");
        }
    }
}
