//! A line of tabs, the current one marked. Where not all fit, names get shorter, then the furthest give way: the current one is always
//! there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text;
use crate::tui::theme::Theme;

/// A tab's name, and a shorter one for narrow places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    pub name: String,
    pub short: Option<String>,
}

impl Tab {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), short: None }
    }

    pub fn short(mut self, short: impl Into<String>) -> Self {
        self.short = Some(short.into());
        self
    }
}

/// Writes the tabs in the first line of the area, with `gap` cells between, and returns the column behind them.
pub fn draw(buf: &mut Buffer, area: Rect, gap: u16, mut tabs: Vec<Tab>, here: usize, theme: &Theme) -> u16 {
    let (x, y, max) = (area.x, area.y, area.width);
    // Each has a cell for the mark.
    let cells = |tabs: &[Tab]| -> u16 {
        let names: u16 = tabs.iter().map(|tab| text::width(&tab.name) + 1).sum();
        names + gap * u16::try_from(tabs.len().saturating_sub(1)).unwrap_or(0)
    };
    let mut here = here.min(tabs.len().saturating_sub(1));
    if cells(&tabs) > max {
        for tab in &mut tabs {
            if let Some(short) = tab.short.take() {
                tab.name = short;
            }
        }
    }
    let (mut before, mut after) = (false, false);
    while tabs.len() > 1 && cells(&tabs) + 2 * u16::from(before || after) > max {
        if here > tabs.len() - 1 - here {
            tabs.remove(0);
            (before, here) = (true, here - 1);
        } else {
            tabs.pop();
            after = true;
        }
    }
    let end = x + max;
    let mut at = x;
    if before {
        at = text::put(buf, at, y, 1, theme.marks.left, theme.dim);
    }
    for (index, tab) in tabs.iter().enumerate() {
        let current = index == here;
        at = text::put(buf, at, y, end.saturating_sub(at), if current { theme.marks.bar } else { " " }, theme.accent);
        at = text::put_fit(buf, at, y, end.saturating_sub(at), &tab.name, if current { theme.strong } else { theme.dim }, &theme.marks);
        if index + 1 < tabs.len() {
            at += gap;
        }
    }
    if after {
        at = text::put(buf, at + 1, y, 1, theme.marks.right, theme.dim);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn the_current_tab_is_always_there() {
        let names = ["Connection", "Projects", "Repositories", "Members", "Review rules"];
        for width in 12..70 {
            for (here, name) in names.iter().enumerate() {
                let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
                let tabs = names.iter().map(|name| Tab::new(*name).short(&name[..6])).collect();
                draw(&mut buf, Rect::new(0, 0, width, 1), 1, tabs, here, &fixture::theme());
                let row: String = buf.content().iter().map(|cell| cell.symbol()).collect();
                assert!(row.contains(&format!("▌{}", &name[..6])), "{width}: {row}");
                assert_eq!(row.contains('›') || row.contains('‹'), names.iter().any(|name| !row.contains(&name[..6])), "{width}: {row}");
            }
        }
    }
}
