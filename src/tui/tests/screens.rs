//! Pictures of every screen at every size, and their styles in every theme.
//!
//! What a picture must say is asserted; how it looks is a snapshot, to be read when it changes.

use std::collections::BTreeMap;

use ratatui::style::Style;

use super::*;
use crate::tui::theme::{Charset, Depth, Theme, ThemeName};

fn variants() -> [(&'static str, Theme); 4] {
    let of = |name, depth| Theme::new(name, depth, Charset::Unicode);
    [
        ("dark", of(ThemeName::Dark, Depth::True)),
        ("light", of(ThemeName::Light, Depth::True)),
        ("plain", of(ThemeName::Plain, Depth::True)),
        ("NO_COLOR", of(ThemeName::Dark, Depth::None)),
    ]
}

/// The styles of a picture: a letter a cell, and what each letter stands for. Unstyled cells and blanks are left empty.
fn styles(model: &Model) -> String {
    let buffer = painted(model);
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut grid = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let style = buffer[(x, y)].style();
            let words = style_words(style);
            if words.is_empty() || buffer[(x, y)].symbol() == " " && !words.contains("underlined") && !words.contains("reversed") {
                line.push(' ');
                continue;
            }
            let next = char::from(b'a' + u8::try_from(letters.len() % 26).unwrap_or(0));
            line.push(*letters.entry(words).or_insert(next));
        }
        grid.push_str(line.trim_end());
        grid.push('\n');
    }
    let mut legend: Vec<(char, &String)> = letters.iter().map(|(words, letter)| (*letter, words)).collect();
    legend.sort();
    for (letter, words) in legend {
        grid.push_str(&format!("{letter} = {words}\n"));
    }
    grid
}

fn style_words(style: Style) -> String {
    let mut words = Vec::new();
    for (name, colour) in [("", style.fg), ("on ", style.bg)] {
        if let Some(colour) = colour.filter(|colour| *colour != ratatui::style::Color::Reset) {
            words.push(format!("{name}{colour}").to_lowercase());
        }
    }
    let modifiers = style.add_modifier;
    words.extend(modifiers.iter_names().map(|(name, _)| name.to_lowercase()));
    words.join(" ")
}

#[test]
fn every_screen_is_drawn_at_every_size() {
    let mut pictures: BTreeMap<&str, String> = BTreeMap::new();
    for (width, height) in SIZES {
        for (name, model) in scenes::all(width, height) {
            let text = pictures.entry(name).or_default();
            text.push_str(&format!("{width}x{height}\n{}\n\n", picture(&model)));
        }
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, text) in pictures {
            insta::assert_snapshot!(name, text);
        }
    });
}

#[test]
fn every_screen_has_its_styles_in_every_theme_and_the_same_words() {
    let mut sheets: BTreeMap<&str, String> = BTreeMap::new();
    for (name, mut model) in scenes::all(80, 24) {
        let words = picture(&model);
        for (variant, theme) in variants() {
            model.theme = theme;
            assert_eq!(picture(&model), words, "{name} in {variant}");
            // The styles of a few screens that between them use every role.
            if matches!(
                name,
                "board"
                    | "ticket_spec"
                    | "ticket_pull_request"
                    | "editor"
                    | "start_plan"
                    | "connect"
                    | "failure"
                    | "metrics"
                    | "metric_rows"
            ) {
                sheets.entry(name).or_default().push_str(&format!("{variant}\n{}\n", styles(&model)));
            }
        }
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, text) in sheets {
            insta::assert_snapshot!(format!("styles_{name}"), text);
        }
    });
}

#[test]
fn without_colour_nothing_is_coloured_and_the_selection_is_still_seen() {
    for (name, mut model) in scenes::all(120, 40) {
        model.theme = Theme::new(ThemeName::Light, Depth::None, Charset::Unicode);
        let coloured =
            painted(&model).content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset);
        assert!(!coloured, "{name}");
    }
    let mut model = sized(fixture::board(), 120, 40);
    model.theme = Theme::new(ThemeName::Plain, Depth::None, Charset::Unicode);
    assert!(picture(&model).contains("▌ATL-12"));
}

#[test]
fn in_ascii_no_mark_of_ours_needs_unicode() {
    for (width, height) in SIZES {
        for (name, mut model) in scenes::all(width, height) {
            model.theme = Theme::new(ThemeName::Dark, Depth::Sixteen, Charset::Ascii);
            let words = picture(&model);
            for mark in "▌…✓✗·◐●•─│‹›↓→☐☑◉╭╮╰╯↑█▁▂▃▄▅▆▇⡀⣀⣤⣶⣿".chars() {
                assert!(!words.contains(mark), "{name} at {width}x{height}: {mark}");
            }
        }
    }
}

#[test]
fn the_board_says_what_is_selected_how_many_there_are_and_how_fresh_they_are() {
    for (width, height) in SIZES {
        let mut model = sized(fixture::board(), width, height);
        scenes::go(&mut model, "j k");
        let words = picture(&model);
        assert!(words.contains("▌ATL-12"), "{width}: the selected key");
        for count in ["To Do 4", "In Progress 2", "PR Open 3/4"] {
            assert!(words.contains(count), "{width}: {count}");
        }
        assert_eq!(words.contains("Merged 1"), width >= 80, "{width}");
        assert!(words.contains("✓1 CI✓") && words.contains("poll 4m") && words.contains("stale 12m"), "{width}: the chips");
        assert!(words.contains("hook now"), "{width}: a fact from a hook");
        let bar = words.lines().next().unwrap_or_default();
        assert!(bar.contains("Atlas") && bar.ends_with("poll 4m"), "{width}: {bar}");
    }
}

#[test]
fn a_narrow_board_shows_one_lane_and_names_all() {
    let mut model = sized(fixture::board(), 50, 16);
    scenes::go(&mut model, "l l");
    let words = picture(&model);
    assert!(words.contains("▌PR Open 3/4") && words.contains("▌ATL-4"), "{words}");
    assert!(!words.contains("ATL-12"), "{words}");
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    for (width, height) in [(39, 12), (40, 11), (10, 3), (1, 1)] {
        let model = sized(fixture::board(), width, height);
        let words = picture(&model).replace('\n', " ");
        assert!(width < 8 || words.contains("terminal"), "{width}x{height}: {words}");
    }
    assert!(picture(&sized(fixture::board(), 40, 12)).contains("ATL-12"));
}

#[test]
fn every_scene_survives_every_size() {
    for (width, height) in [(40, 12), (41, 13), (59, 19), (100, 12), (250, 80)] {
        for (_, mut model) in scenes::all(width, height) {
            picture(&model);
            // Shrunk while it is open.
            happens(&mut model, What::Resize { width: 40, height: 12 });
            picture(&model);
        }
    }
}

#[test]
fn a_running_action_shows_on_its_card_and_in_the_bar() {
    let mut model = sized(fixture::board(), 120, 40);
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    let words = picture(&model);
    assert!(words.lines().next().is_some_and(|bar| bar.contains("push .tickets/ATL-12.md 2/3")), "{words}");
    assert!(words.contains("▌◐ push .tickets/ATL-1"), "{words}");
}

#[test]
fn text_from_outside_is_inert_wherever_it_is_shown() {
    let evil = "a\u{1b}[2J\u{202e}b\u{7}\u{9b}31m";
    let mut model = sized(fixture::board(), 120, 40);
    if let Some(board) = &mut model.board.board {
        board.cards[0].title = evil.into();
        board.cards[0].assignee = Some(evil.into());
        board.cards[0].labels = vec![evil.into()];
        board.project_name = evil.into();
    }
    if let Some(project) = &mut model.project {
        project.name = evil.into();
    }
    let mut detail = fixture::detail(12);
    detail.ticket.title = evil.into();
    detail.ticket.branch = Some(evil.into());
    detail.spec.text = format!("# {evil}\n\n`{evil}` and {evil}\n\n```\n{evil}\n```\n");
    let effects = press(&mut model, "enter");
    for effect in effects {
        if let Effect::LoadTicket { generation, key } = effect {
            happens(&mut model, What::TicketLoaded { generation, key, detail: Ok(Box::new(detail.clone())) });
        }
    }
    for keys in ["tab", "e", "esc", "esc"] {
        for cell in painted(&model).content() {
            assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
        }
        press(&mut model, keys);
    }
}

#[test]
fn a_token_is_never_painted() {
    for (name, model) in scenes::all(120, 40) {
        assert!(!picture(&model).contains("canary"), "{name}");
        assert!(!format!("{:?}", model.setup).contains("canary"), "{name}");
    }
}
