//! The first screen of a first run: connect, or try the demo.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::model::{Model, WelcomeChoice};
use crate::tui::widget::text;

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = area.width.saturating_sub(4).min(64);
    let x = area.x + (area.width - width) / 2;
    let mut y = area.y + area.height.saturating_sub(10) / 3;
    text::put(buf, x, y, width, "kanado", theme.brand);
    text::put_fit(buf, x, y + 1, width, "A dev board for Azure DevOps, driven from the keyboard.", theme.dim, &theme.marks);
    y += 3;
    let choices = [
        (WelcomeChoice::Connect, "Connect", "an organisation or a server, with an access token"),
        (WelcomeChoice::Demo, "Demo", "a living organisation on this machine; nothing leaves it"),
    ];
    for (choice, name, words) in choices {
        let here = model.welcome == choice;
        if here {
            text::put(buf, x, y, 1, theme.marks.bar, theme.accent);
            text::put(buf, x, y + 1, 1, theme.marks.bar, theme.accent);
        }
        text::put(buf, x + 2, y, width - 2, name, if here { theme.strong } else { theme.text });
        text::put_fit(buf, x + 2, y + 1, width - 2, words, theme.dim, &theme.marks);
        y += 3;
    }
}
