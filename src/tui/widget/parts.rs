//! A line of small parts of which the less important give way when there is no room: a card's second line, the bar at the top.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::text;

/// A few cells of one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub style: Style,
    /// The lowest goes first when there is no room.
    pub rank: u8,
    /// Written instead before anything is left out.
    pub short: Option<String>,
}

impl Part {
    pub fn new(rank: u8, text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, rank, short: None }
    }

    pub fn short(mut self, short: impl Into<String>) -> Self {
        self.short = Some(short.into());
        self
    }
}

/// Writes parts from the left, and others to the right edge, with `gap` cells between; what does not fit is shortened or left out by
/// rank.
pub fn put(buf: &mut Buffer, x: u16, y: u16, max: u16, gap: u16, mut left: Vec<Part>, mut right: Vec<Part>) {
    fit(&mut left, &mut right, max, gap);
    let mut at = x;
    for part in &left {
        at = text::put(buf, at, y, (x + max).saturating_sub(at), &part.text, part.style) + gap;
    }
    let mut at = x + max;
    for part in right.iter().rev() {
        at = at.saturating_sub(text::width(&text::clean(&part.text)));
        text::put(buf, at, y, (x + max).saturating_sub(at), &part.text, part.style);
        at = at.saturating_sub(gap);
    }
}

/// Shortens parts, and leaves them out, until they fit.
pub fn fit(left: &mut Vec<Part>, right: &mut Vec<Part>, max: u16, gap: u16) {
    let needed = |left: &[Part], right: &[Part]| {
        let parts = left.len() + right.len();
        let cells: u16 = left.iter().chain(right).map(|part| text::width(&text::clean(&part.text))).sum();
        cells + gap * u16::try_from(parts.saturating_sub(1)).unwrap_or(0)
    };
    while needed(left, right) > max {
        let all = left.iter_mut().chain(right.iter_mut());
        if let Some(part) = all.filter(|part| part.short.is_some()).min_by_key(|part| part.rank) {
            if let Some(short) = part.short.take() {
                part.text = short;
            }
            continue;
        }
        let Some(rank) = left.iter().chain(right.iter()).map(|part| part.rank).min() else { return };
        left.retain(|part| part.rank != rank);
        right.retain(|part| part.rank != rank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn shown(width: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        let style = Style::default();
        let left = vec![Part::new(5, "alice", style).short("AL"), Part::new(1, "2/5", style)];
        put(&mut buf, 0, 0, width, 1, left, vec![Part::new(9, "poll 4m", style)]);
        buf.content().iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn the_less_important_gives_way() {
        assert_eq!(shown(20), "alice 2/5    poll 4m");
        assert_eq!(shown(15), "AL 2/5  poll 4m");
        assert_eq!(shown(11), "AL  poll 4m");
        assert_eq!(shown(8), " poll 4m");
        assert_eq!(shown(5), "     ");
    }
}
