//! What things look like: a style for each role on the screen, and the marks drawn beside words.
//!
//! Themes are files in `assets/theme`; each role has a true colour, one of the terminal's sixteen colours, and modifiers that carry
//! the meaning when there is no colour at all. Screens name roles, never colours.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::domain::status::Status;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// `NO_COLOR`: modifiers only.
    None,
    Sixteen,
    Indexed,
    True,
}

/// Whether marks may use characters outside ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Unicode,
    Ascii,
}

/// The themes that come with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeName {
    Dark,
    Light,
    Plain,
}

impl ThemeName {
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::Plain];

    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Plain => "plain",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    fn file(self) -> &'static str {
        match self {
            Self::Dark => include_str!("../../assets/theme/dark.toml"),
            Self::Light => include_str!("../../assets/theme/light.toml"),
            Self::Plain => include_str!("../../assets/theme/plain.toml"),
        }
    }
}

/// A role as a theme file writes it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Role {
    /// `#rrggbb`
    fg: Option<String>,
    bg: Option<String>,
    /// One of the sixteen: `red`, `bright blue` ...
    ansi: Option<String>,
    ansi_bg: Option<String>,
    mods: Vec<String>,
    /// Modifiers with sixteen colours; `mods` when absent.
    ansi_mods: Option<Vec<String>>,
    /// Modifiers without colour; `mods` when absent.
    mono_mods: Option<Vec<String>>,
}

macro_rules! theme {
    ($($(#[$doc:meta])* $role:ident),* $(,)?) => {
        /// A style for each role.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Theme {
            pub name: ThemeName,
            pub depth: Depth,
            pub marks: Marks,
            $($(#[$doc])* pub $role: Style,)*
        }

        impl Theme {
            /// The roles a theme file must name, in order.
            pub const ROLES: &'static [&'static str] = &[$(stringify!($role)),*];

            fn from_roles(name: ThemeName, depth: Depth, charset: Charset, roles: &BTreeMap<String, Role>) -> Self {
                let style = |role: &str| roles.get(role).map_or_else(Style::default, |role| style_of(role, depth));
                Self { name, depth, marks: Marks::of(charset), $($role: style(stringify!($role)),)* }
            }
        }
    };
}

theme! {
    /// Ordinary text.
    text,
    /// What should be read first: titles, the selected key.
    strong,
    /// What is read second: ages, keys of cards, details.
    dim,
    /// Rules and borders.
    faint,
    /// The mark of the selection, and of the focused pane.
    accent,
    /// A key in a hint.
    key,
    /// Approved, passed, done.
    good,
    /// Waiting, stale, over a limit.
    warn,
    /// Rejected, failed, conflicting.
    bad,
    /// Names of things outside: branches, repositories.
    info,
    /// The bar at the top.
    bar,
    /// The program's name in the bar.
    brand,
    /// The edge and the ground of a dialog.
    edge,
    /// The field that has the focus.
    field,
    /// The cursor in a field.
    cursor,
    /// What a filter or search found.
    found,
    heading,
    code,
    link,
    quote,
    added,
    removed,
    todo,
    in_progress,
    pr_open,
    merged,
    done,
}

impl Theme {
    /// One of the themes that come with the program. A role that its file leaves out is drawn in the terminal's own colours.
    pub fn new(name: ThemeName, depth: Depth, charset: Charset) -> Self {
        let roles: BTreeMap<String, Role> = toml::from_str(name.file()).unwrap_or_default();
        Self::from_roles(name, depth, charset, &roles)
    }

    /// The next theme, for the action that goes through them.
    pub fn next(&self) -> Self {
        let at = ThemeName::ALL.iter().position(|name| *name == self.name).unwrap_or(0);
        Self::new(ThemeName::ALL[(at + 1) % ThemeName::ALL.len()], self.depth, self.charset())
    }

    /// What may be painted.
    pub fn charset(&self) -> Charset {
        if self.marks == Marks::of(Charset::Ascii) { Charset::Ascii } else { Charset::Unicode }
    }

    pub fn status(&self, status: Status) -> Style {
        match status {
            Status::Todo => self.todo,
            Status::InProgress => self.in_progress,
            Status::PrOpen => self.pr_open,
            Status::Merged => self.merged,
            Status::Done => self.done,
        }
    }
}

fn style_of(role: &Role, depth: Depth) -> Style {
    let mut style = Style::default();
    let (fg, bg, mods) = match depth {
        Depth::None => (None, None, role.mono_mods.as_ref().unwrap_or(&role.mods)),
        Depth::Sixteen => {
            (role.ansi.as_deref().and_then(ansi), role.ansi_bg.as_deref().and_then(ansi), role.ansi_mods.as_ref().unwrap_or(&role.mods))
        }
        Depth::Indexed => (role.fg.as_deref().and_then(rgb).map(indexed), role.bg.as_deref().and_then(rgb).map(indexed), &role.mods),
        Depth::True => {
            let colour = |text: &str| rgb(text).map(|(r, g, b)| Color::Rgb(r, g, b));
            (role.fg.as_deref().and_then(colour), role.bg.as_deref().and_then(colour), &role.mods)
        }
    };
    if let Some(fg) = fg {
        style = style.fg(fg);
    }
    if let Some(bg) = bg {
        style = style.bg(bg);
    }
    for word in mods {
        style = style.add_modifier(match word.as_str() {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            "crossed" => Modifier::CROSSED_OUT,
            _ => Modifier::empty(),
        });
    }
    style
}

fn rgb(text: &str) -> Option<(u8, u8, u8)> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

/// The nearest of the 240 fixed colours of a 256-colour terminal.
fn indexed((r, g, b): (u8, u8, u8)) -> Color {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |v: u8| (0..6).min_by_key(|i| STEPS[*i].abs_diff(v)).unwrap_or(0);
    let distance = |a: (u8, u8, u8)| {
        let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
        d(a.0, r) + d(a.1, g) + d(a.2, b)
    };
    let (ri, gi, bi) = (nearest(r), nearest(g), nearest(b));
    let cube = (STEPS[ri], STEPS[gi], STEPS[bi]);
    let mean = (u32::from(r) + u32::from(g) + u32::from(b)) / 3;
    let step = u8::try_from((mean.saturating_sub(3) / 10).min(23)).unwrap_or(23);
    let grey = 8 + step * 10;
    if distance((grey, grey, grey)) < distance(cube) {
        Color::Indexed(232 + step)
    } else {
        Color::Indexed(u8::try_from(16 + 36 * ri + 6 * gi + bi).unwrap_or(15))
    }
}

fn ansi(name: &str) -> Option<Color> {
    Some(match name {
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright black" => Color::DarkGray,
        "bright red" => Color::LightRed,
        "bright green" => Color::LightGreen,
        "bright yellow" => Color::LightYellow,
        "bright blue" => Color::LightBlue,
        "bright magenta" => Color::LightMagenta,
        "bright cyan" => Color::LightCyan,
        "bright white" => Color::White,
        _ => return None,
    })
}

/// The marks drawn beside words. Each is one cell wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Beside the selected card or row.
    pub bar: &'static str,
    pub ellipsis: &'static str,
    pub tick: &'static str,
    pub cross: &'static str,
    /// Has not happened yet: no vote, a waiting check, a waiting step.
    pub open: &'static str,
    pub running: &'static str,
    pub dot: &'static str,
    pub bullet: &'static str,
    pub warning: &'static str,
    pub rule: &'static str,
    pub upright: &'static str,
    pub left: &'static str,
    pub right: &'static str,
    pub more: &'static str,
    pub arrow: &'static str,
    pub between: &'static str,
    pub boxed: &'static str,
    pub boxed_tick: &'static str,
    /// A ticket that is watched.
    pub watched: &'static str,
    /// More and less than before.
    pub up: &'static str,
    pub down: &'static str,
    /// A part of a bar that lies.
    pub block: &'static str,
    /// Bars that stand, from the lowest to the highest.
    pub bars: [&'static str; 8],
    /// From nothing to many.
    pub dots: [&'static str; 6],
    /// Corners of a dialog: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
}

impl Marks {
    pub fn of(charset: Charset) -> Self {
        match charset {
            Charset::Unicode => Self {
                bar: "▌",
                ellipsis: "…",
                tick: "✓",
                cross: "✗",
                open: "·",
                running: "◐",
                dot: "●",
                bullet: "•",
                warning: "!",
                rule: "─",
                upright: "│",
                left: "‹",
                right: "›",
                more: "↓",
                arrow: "→",
                between: "·",
                boxed: "☐",
                boxed_tick: "☑",
                watched: "◉",
                up: "↑",
                down: "↓",
                block: "█",
                bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
                dots: [" ", "⡀", "⣀", "⣤", "⣶", "⣿"],
                corners: ["╭", "╮", "╰", "╯"],
            },
            Charset::Ascii => Self {
                bar: ">",
                ellipsis: "~",
                tick: "+",
                cross: "x",
                open: ".",
                running: "*",
                dot: "*",
                bullet: "-",
                warning: "!",
                rule: "-",
                upright: "|",
                left: "<",
                right: ">",
                more: "v",
                arrow: ">",
                between: "-",
                boxed: "o",
                boxed_tick: "x",
                watched: "@",
                up: "^",
                down: "v",
                block: "#",
                bars: ["_", ",", "-", "=", "+", "*", "%", "#"],
                dots: [" ", ".", ":", "o", "O", "@"],
                corners: ["+", "+", "+", "+"],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_theme_file_names_every_role_and_nothing_else() {
        for name in ThemeName::ALL {
            let roles: BTreeMap<String, Role> = toml::from_str(name.file()).expect("a theme file");
            let named: Vec<_> = roles.keys().map(String::as_str).collect();
            let mut wanted = Theme::ROLES.to_vec();
            wanted.sort_unstable();
            assert_eq!(named, wanted, "{}", name.word());
            for (role, spec) in &roles {
                for colour in [&spec.fg, &spec.bg].into_iter().flatten() {
                    assert!(rgb(colour).is_some(), "{role}: {colour}");
                }
                for colour in [&spec.ansi, &spec.ansi_bg].into_iter().flatten() {
                    assert!(ansi(colour).is_some(), "{role}: {colour}");
                }
            }
        }
    }

    #[test]
    fn without_colour_no_theme_has_a_colour() {
        for name in ThemeName::ALL {
            let theme = Theme::new(name, Depth::None, Charset::Ascii);
            for style in [theme.text, theme.bad, theme.accent, theme.bar, theme.done, theme.edge] {
                assert_eq!((style.fg, style.bg), (None, None));
            }
        }
    }

    #[test]
    fn marks_are_one_cell_wide() {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let m = Marks::of(charset);
            let marks = [
                m.bar,
                m.ellipsis,
                m.tick,
                m.cross,
                m.open,
                m.running,
                m.dot,
                m.bullet,
                m.warning,
                m.rule,
                m.upright,
                m.left,
                m.right,
                m.more,
                m.arrow,
                m.between,
                m.boxed,
                m.boxed_tick,
                m.watched,
                m.up,
                m.down,
                m.block,
            ];
            assert!(marks.iter().chain(&m.corners).chain(&m.bars).chain(&m.dots).all(|mark| mark.width() == 1));
        }
    }

    #[test]
    fn a_true_colour_has_its_nearest_in_256() {
        assert_eq!(indexed((255, 0, 0)), Color::Indexed(196));
        assert_eq!(indexed((128, 128, 128)), Color::Indexed(244));
    }
}
