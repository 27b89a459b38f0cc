//! What a merged change waits for, as it is painted.

use super::scenes::go;
use super::*;
use crate::domain::approval::{Asked, Order, Somebody};
use crate::metrics::departures::{StageState, Stop, WaitsFor};

/// The words of a merged one at 80x24, in one line, scrolled through.
fn read_through(stops: Vec<Stop>) -> String {
    let mut model = sized(fixture::board(), 80, 24);
    go(&mut model, "2 ] ] G enter");
    let mut story = fixture::metrics::story_merged();
    story.stops = stops;
    model.story.listed.rows = Some(Box::new(story));
    let mut words = String::new();
    for _ in 0..40 {
        for line in picture(&model).lines() {
            words.push_str(line.trim_matches(|c: char| c.is_whitespace() || c == '│').trim());
            words.push(' ');
        }
        go(&mut model, "j");
    }
    words
}

#[test]
fn who_is_to_approve_can_be_read_whole_on_a_small_screen() {
    let words = read_through(fixture::metrics::story_merged().stops);
    for part in [
        "waits for an approval by one of: Chen Wei,",
        "Release Managers",
        "approved by Dana Silva already",
        "for 3h now",
        "Smoke comes later",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
}

#[test]
fn names_of_approvers_and_checks_are_painted_inert() {
    let somebody = |name: &str| Somebody { name: name.into(), is_group: true, is_me: false };
    let asked =
        Asked { needed: Some(1), order: Order::Any, of: vec![somebody("\u{1b}]0;owned\u{7}Pi\u{202e}lots\u{1b}[2J")], approved: vec![] };
    let on = vec![WaitsFor::Approval { asked: Some(asked) }, WaitsFor::Check { name: "Lo\u{9b}31mck\r\n".into() }];
    let state = StageState::Waiting { since: None, on };
    let words = read_through(vec![Stop::Stage { stage: "Production".into(), environment: None, production: true, state }]);
    assert!(words.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{words:?}");
    assert!(words.contains("anyone of") && words.contains("Pilots") && words.contains("a check: Lo31mck"), "{words}");
}
