//! The work items that a window's commits and pull requests hang on, those with most of them first.
//!
//! Limits: at most as many as the store names, which is a hundred; how many it was says the line above them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::metrics::telling;
use crate::tui::answer::Links;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::metrics::Drill;
use crate::tui::widget::figure as words;
use crate::tui::widget::text;

/// Cells of the bar that a work item's share is drawn with.
const BAR: u16 = 12;

pub fn draw(model: &Model, drill: &Drill, links: &Links, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    if let Some(why) = &links.refused {
        super::say(area, &format!("Work items may not be read: {why}"), theme.warn, buf);
        return;
    }
    let items = &links.linkage.items;
    let Some(said) = telling::linkage(&links.linkage) else {
        super::say(area, "No commit and no pull request in this window. t takes a longer one.", theme.dim, buf);
        return;
    };
    let width = area.width.saturating_sub(2);
    text::put_fit(buf, area.x + 1, area.y, width, &format!("{said} are linked"), theme.text, &theme.marks);
    if items.is_empty() {
        let rest = Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(1));
        let words = "Links are found in #1234 and AB#1234 of commits and descriptions, in names of branches, and those that people made.";
        super::say(rest, words, theme.dim, buf);
        return;
    }
    let most = items.iter().map(|(.., hanging)| *hanging).max().unwrap_or(1).max(1);
    let numbers = items.iter().map(|(number, ..)| text::width(&format!("#{number}"))).max().unwrap_or(0);
    let visible = layout::metric_rows(model);
    for ((at, (number, title, hanging)), y) in items.iter().enumerate().skip(drill.offset).take(visible).zip(area.y + 1..area.bottom()) {
        let selected = at == drill.cursor;
        if selected {
            text::put(buf, area.x, y, 1, theme.marks.bar, theme.accent);
        }
        let mut x = area.x + 1;
        text::put_right(buf, x + 4, y, 4, &words::grouped(*hanging), theme.text, &theme.marks);
        x += 5;
        if area.width >= 60 {
            let cells = u16::try_from(u64::from(BAR) * hanging / most).unwrap_or(BAR).clamp(1, BAR);
            text::line(buf, x, y, cells, theme.marks.block, theme.info);
            x += BAR + 1;
        }
        text::put_right(
            buf,
            x + numbers,
            y,
            numbers,
            &format!("#{number}"),
            if selected { theme.strong } else { theme.info },
            &theme.marks,
        );
        x += numbers + 2;
        let title = if title.is_empty() { "of another project, or not read" } else { title };
        text::put_fit(buf, x, y, area.right().saturating_sub(x + 1), title, if selected { theme.strong } else { theme.text }, &theme.marks);
    }
}
