//! The work items that a window's commits and pull requests hang on, those with most of them first, then the tickets.
//!
//! Limits: at most as many as the store names, which is a hundred of each; how many it was says the line above them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::metrics::input::Linkage;
use crate::metrics::telling;
use crate::tui::answer::Links;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::metrics::Drill;
use crate::tui::widget::figure as words;
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::text;

/// Cells of the bar that a work item's share is drawn with.
const BAR: u16 = 12;

pub fn draw(model: &Model, drill: &Drill, links: &Links, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(said) = telling::linkage(&links.linkage) else {
        super::say(area, "No commit and no pull request in this window. t takes a longer one.", theme.dim, buf);
        return;
    };
    let Linkage { linked_pull_requests, pull_requests, .. } = &links.linkage;
    let briefly = format!("{} of {} pull requests", words::grouped(*linked_pull_requests), words::grouped(*pull_requests));
    let mut left = vec![match &links.refused {
        None => Part::new(100, format!("{said} are linked"), theme.text).short(briefly),
        Some(why) => Part::new(100, format!("work items may not be read: {why}"), theme.warn),
    }];
    let short = format!("{} to tickets", words::grouped(links.linkage.ticketed_pull_requests));
    let tickets = telling::ticketed(&links.linkage).map(|words| format!("to tickets by the branch's name {words}"));
    left.extend(tickets.map(|words| Part::new(50, words, theme.dim).short(short)));
    parts::put(buf, area.x + 1, area.y, area.width.saturating_sub(2), 2, left, Vec::new());
    let mut y = area.y + 1;
    if let Some(words) = telling::linkage_without(&links.linkage) {
        text::put_fit(buf, area.x + 1, y, area.width.saturating_sub(2), &words, theme.dim, &theme.marks);
        y += 1;
    }
    let area = Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y));
    let rows = &links.rows;
    if rows.is_empty() {
        let words = "Links are found in #1234 and AB#1234 of commits and descriptions, in names of branches, and those that people made.";
        super::say(area, words, theme.dim, buf);
        return;
    }
    let most = rows.iter().map(|row| row.hanging).max().unwrap_or(1).max(1);
    let names = rows.iter().map(|row| text::width(&row.name)).max().unwrap_or(0).min(16);
    let visible = layout::metric_rows(model);
    for ((at, row), y) in rows.iter().enumerate().skip(drill.offset).take(visible).zip(area.y..area.bottom()) {
        let selected = at == drill.cursor;
        if selected {
            text::put(buf, area.x, y, 1, theme.marks.bar, theme.accent);
        }
        let mut x = area.x + 1;
        text::put_right(buf, x + 4, y, 4, &words::grouped(row.hanging), theme.text, &theme.marks);
        x += 5;
        if area.width >= 60 {
            let cells = u16::try_from(u64::from(BAR) * row.hanging / most).unwrap_or(BAR).clamp(1, BAR);
            text::line(buf, x, y, cells, theme.marks.block, theme.info);
            x += BAR + 1;
        }
        text::put_fit(buf, x, y, names, &row.name, if selected { theme.strong } else { theme.info }, &theme.marks);
        x += names + 2;
        let title = if row.title.is_empty() { "of another project, or not read" } else { &row.title };
        text::put_fit(buf, x, y, area.right().saturating_sub(x + 1), title, if selected { theme.strong } else { theme.text }, &theme.marks);
    }
}
