//! A figure week by week: a bar for its value, and how much it rests on.
//!
//! A week that rests on few, or was measured in part, is faint. One without a value is a dot and never a bar of no height; one in which
//! nothing was measured is a gap.

use ratatui::buffer::Buffer;

use super::text;
use crate::metrics::figures::{Measured, Week};
use crate::tui::theme::Theme;

/// Fewer than these are single cases and no sample.
const FEW: u64 = 5;

/// The last weeks that fit into `max` cells.
fn shown(weeks: &[Week], max: u16) -> &[Week] {
    &weeks[weeks.len().saturating_sub(usize::from(max))..]
}

/// Paints a bar a week and returns the column behind them.
pub fn draw(buf: &mut Buffer, x: u16, y: u16, max: u16, weeks: &[Week], theme: &Theme) -> u16 {
    let weeks = shown(weeks, max);
    let highest = weeks.iter().filter_map(|week| week.value).fold(0.0_f64, f64::max);
    let mut at = x;
    for week in weeks {
        let (mark, style) = match (week.value, week.measured) {
            (_, Measured::None) => (" ", theme.faint),
            (None, _) => (theme.marks.open, theme.faint),
            (Some(value), Measured::Whole) if week.n >= FEW => (bar(value, highest, theme), theme.info),
            (Some(value), _) => (bar(value, highest, theme), theme.faint),
        };
        at = text::put(buf, at, y, 1, mark, style);
    }
    at
}

fn bar(value: f64, highest: f64, theme: &Theme) -> &'static str {
    let bars = &theme.marks.bars;
    if highest <= 0.0 {
        return bars[0];
    }
    // What is not finite is drawn as the lowest: a cast of it gives zero.
    let step = (value / highest * (bars.len() - 1) as f64).round().max(0.0) as usize;
    bars[step.min(bars.len() - 1)]
}

/// Paints how many each week rests on, below its bar: nothing, 1, 5, 10, 19, 59 and more.
pub fn draw_counts(buf: &mut Buffer, x: u16, y: u16, max: u16, weeks: &[Week], theme: &Theme) {
    let mut at = x;
    for week in shown(weeks, max) {
        let step = [1, 5, 10, 19, 59].iter().filter(|from| week.n >= **from).count();
        at = text::put(buf, at, y, 1, theme.marks.dots[step], theme.dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use jiff::civil::date;
    use ratatui::layout::Rect;

    fn week(value: Option<f64>, n: u64, measured: Measured) -> Week {
        Week { starts: date(2026, 11, 16), value, n, measured }
    }

    fn drawn(weeks: &[Week], max: u16) -> Buffer {
        let theme = fixture::theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, max, 2));
        draw(&mut buf, 0, 0, max, weeks, &theme);
        draw_counts(&mut buf, 0, 1, max, weeks, &theme);
        buf
    }

    fn painted(weeks: &[(Option<f64>, u64)], max: u16) -> [String; 2] {
        let weeks: Vec<Week> = weeks.iter().map(|(value, n)| week(*value, *n, Measured::Whole)).collect();
        let buf = drawn(&weeks, max);
        let row = |y: u16| (0..max).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        [row(0), row(1)]
    }

    #[test]
    fn the_highest_week_is_a_whole_bar_and_a_week_without_a_value_is_none() {
        let weeks = [(Some(0.0), 3), (None, 0), (Some(4.0), 12), (Some(8.0), 70)];
        assert_eq!(painted(&weeks, 8), ["▁·▅█".to_owned(), "⡀ ⣤⣿".to_owned()]);
        assert_eq!(painted(&weeks, 2)[0], "▅█", "the last weeks are kept");
        assert_eq!(painted(&[(Some(0.0), 9), (Some(0.0), 9)], 4)[0], "▁▁");
        assert_eq!(painted(&[], 4)[0], "");
    }

    #[test]
    fn a_week_in_which_nothing_was_measured_is_a_gap_and_one_measured_in_part_is_faint() {
        let weeks = [
            week(None, 0, Measured::None),
            week(Some(9.0), 9, Measured::Part),
            week(Some(0.0), 0, Measured::Whole),
            week(Some(9.0), 9, Measured::Whole),
        ];
        let buf = drawn(&weeks, 4);
        let bars: String = (0..4).map(|x| buf[(x, 0)].symbol()).collect();
        assert_eq!(bars, " █▁█", "nought of a whole week is a bar of no height");
        let theme = fixture::theme();
        assert_eq!([buf[(1, 0)].style().fg, buf[(3, 0)].style().fg], [theme.faint.fg, theme.info.fg]);
    }
}
