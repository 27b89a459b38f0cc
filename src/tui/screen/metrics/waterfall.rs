//! The phases of pull requests, one after the other: bars with words beside them, each where the one before ends. What went on in them is
//! said where the line is wide enough; the formula says it everywhere.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::metrics::figures::{Phase, PhaseFigure, Value};
use crate::metrics::telling;
use crate::tui::theme::Theme;
use crate::tui::widget::bars::bars;
use crate::tui::widget::figure as words;
use crate::tui::widget::text;

/// Rows that every phase in a line of its own takes, with the heading.
pub const WHOLE: u16 = 7;

/// Cells of how many a value rests on.
const COUNT: u16 = 8;

/// Cells of what went on in a phase, and how wide a line has to be for it.
const OF_WHICH: u16 = 28;
const WIDE: u16 = 116;

/// The length that stands for a value in a drawing; what has none has no bar.
pub fn length(value: &Value) -> Option<f64> {
    match value {
        Value::Times { median, .. } | Value::Censored { median, .. } => Some(*median),
        Value::AtLeast { seconds, .. } => Some(*seconds),
        Value::Few { seconds } => seconds.get(seconds.len() / 2).copied(),
        _ => None,
    }
}

/// Of the phases that make the cycle time, and of those beside it.
fn style(phase: Phase, theme: &Theme) -> Style {
    if phase.is_in_cycle_time() { theme.info } else { theme.dim }
}

/// A value in so many cells.
fn value(figure: &PhaseFigure, cells: u16) -> String {
    match &figure.value {
        Value::NotMeasured { .. } => "not measured".to_owned(),
        // Six of them stand together, where a tile's word is too long.
        Value::Backfilling { percent } => format!("{percent} % read"),
        Value::Few { seconds } if !seconds.is_empty() => {
            let all = telling::headline(&figure.value);
            let middle = || format!("{} (n {})", words::duration(seconds[seconds.len() / 2]), seconds.len());
            if text::width(&all) <= cells { all } else { middle() }
        }
        value => words::value(value, crate::metrics::figures::Metric::CycleTime).headline,
    }
}

/// What went on in a phase, in so many cells.
fn of_which_words(figure: &PhaseFigure, cells: u16) -> Option<String> {
    let overlay = figure.overlay.as_ref().filter(|_| cells > 0)?;
    let few = if let Value::Few { seconds } = &overlay.value { format!(" (n {})", seconds.len()) } else { String::new() };
    Some(format!("of which {} {}{few}", overlay.overlay.words(), words::duration(length(&overlay.value)?)))
}

/// Paints them into the area: a line each where there is room, else two a line.
pub fn draw(phases: &[PhaseFigure], area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.height < 2 || phases.is_empty() {
        return;
    }
    let heading = "Phases of merged pull requests, medians; pickup, review and merge wait make the cycle time";
    let brief = "Phases of merged pull requests, medians";
    let heading = if text::width(heading) <= area.width.saturating_sub(2) { heading } else { brief };
    text::put_fit(buf, area.x + 1, area.y, area.width.saturating_sub(2), heading, theme.heading, &theme.marks);
    let columns: u16 = if area.height >= WHOLE { 1 } else { 2 };
    let each = area.width / columns;
    let names = 12;
    let values = if columns == 1 { 29 + COUNT } else { 14 };
    let of_which = if columns == 1 && each >= WIDE { OF_WHICH } else { 0 };
    let cells = each.saturating_sub(names + values + of_which + 3);
    let lengths: Vec<Option<f64>> = phases.iter().map(|figure| length(&figure.value)).collect();
    let rows = phases.len().div_ceil(usize::from(columns));
    for (at, (figure, bar)) in phases.iter().zip(bars(&lengths, cells)).enumerate() {
        let column = u16::try_from(at / rows).unwrap_or(0);
        let y = area.y + 1 + u16::try_from(at % rows).unwrap_or(0);
        if y >= area.bottom() {
            continue;
        }
        let x = area.x + 1 + column * each;
        let style = style(figure.phase, theme);
        text::put(buf, x, y, names, figure.phase.words(), style);
        if let Some((from, to)) = bar {
            // Two a line stand side by side and not below each other: there the bars all begin at the left.
            let (from, to) = if columns == 1 { (from, to) } else { (0, to - from) };
            text::line(buf, x + names + from, y, to - from, theme.marks.block, style);
        }
        let for_words = if columns == 1 { values - COUNT } else { values };
        let words = match (&figure.value, columns) {
            (Value::Times { p85: Some(p85), .. }, 1) => format!("{}, 85 % within {}", value(figure, for_words), words::duration(*p85)),
            _ => value(figure, for_words),
        };
        let at = x + names + cells + 1;
        text::put_fit(buf, at, y, for_words, &words, theme.text, &theme.marks);
        if columns == 1 && telling::is_measured(&figure.value) {
            text::put_fit(buf, at + for_words, y, COUNT, &format!("n {}", words::grouped(figure.n)), theme.faint, &theme.marks);
        }
        if let Some(words) = of_which_words(figure, of_which) {
            text::put_fit(buf, at + values, y, of_which, &words, theme.dim, &theme.marks);
        }
    }
}
