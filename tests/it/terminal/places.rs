//! Where there is no board to be seen: too small, no terminal, a dumb one; and where there is no colour, or no Unicode.

use super::board_with;
use crate::support::pty::Pty;
use crate::support::world::Person;

#[test]
fn a_terminal_that_is_too_small_is_told_so_and_the_board_comes_with_the_room() {
    let (_world, person) = board_with(&["Warn of the tide"]);
    let mut board = person.board(11, 39);
    board.wait("the words", |screen| screen.replace('\n', " ").contains("kanado needs 40x12"));
    assert!(board.screen().contains("39x11"), "{}", board.screen());
    board.resize(12, 40);
    let screen = board.wait_for("KAN-1");
    assert!(!screen.contains("kanado needs"), "{screen}");
    board.resize(5, 20);
    board.wait("the words again", |screen| screen.contains("20x5"));
    board.resize(24, 80);
    board.wait("the whole board", |screen| screen.contains("To Do 1") && screen.contains("Merged 0"));
    board.signal(libc::SIGTERM);
}

#[test]
fn without_a_terminal_or_with_a_dumb_one_it_says_what_there_is_instead() {
    let mut person = Person::new("unused-token");
    let told = person.fails(1, &[]);
    assert!(told.contains("needs a terminal") && told.contains("kanado --help"), "{told}");
    let told = person.fails(1, &["demo"]);
    assert!(told.contains("needs a terminal"), "{told}");

    person.set("TERM", "dumb");
    let mut board = person.board(24, 80);
    assert_eq!(board.wait_exit(), 1);
    assert!(board.screen().contains("TERM"), "{}", board.screen());
    assert!(!String::from_utf8_lossy(&board.bytes()).contains('\x1b'), "no escape sequence reaches a dumb terminal");
}

/// The parameters of every SGR sequence that was written.
fn looks(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for part in text.split("\x1b[").skip(1) {
        let end = part.find(|c: char| c.is_ascii_alphabetic() || c == '~').unwrap_or(0);
        if part[end..].starts_with('m') {
            found.extend(part[..end].split(';').map(str::to_owned));
        }
    }
    found
}

fn is_colour(look: &str) -> bool {
    look.parse::<u32>().is_ok_and(|code| (30..=49).contains(&code) || (90..=107).contains(&code))
}

/// Walks over the screens there are.
fn walk(board: &mut Pty) {
    board.wait_for("KAN-1");
    for (keys, words) in
        [("?", "Help"), ("\x1b", "To Do"), ("\r", "Criteria"), ("\x1b", "To Do"), ("2", "Mine"), ("5", "Connection"), ("1", "To Do")]
    {
        board.send(keys);
        board.wait_for(words);
    }
    board.send("e");
    board.wait_for("F2 push");
}

#[test]
fn no_color_writes_no_colour_and_the_selection_shows_all_the_same() {
    let (_world, mut person) = board_with(&["Warn of the tide"]);
    person.set("NO_COLOR", "1");
    let mut board = person.board(24, 80);
    walk(&mut board);
    let colours: Vec<_> = looks(&board.bytes()).into_iter().filter(|look| is_colour(look)).collect();
    assert!(colours.is_empty(), "{colours:?}");

    person.unset("NO_COLOR");
    let mut board = person.board(24, 80);
    board.send("\x1b");
    walk_from_editor(&mut board);
    assert!(looks(&board.bytes()).iter().any(|look| is_colour(look)), "there are colours otherwise");
}

fn walk_from_editor(board: &mut Pty) {
    board.press_until("\x1b", "the board", |screen| screen.contains("▌KAN-1"));
}

#[test]
fn ascii_writes_nothing_but_ascii_whatever_the_tickets_hold() {
    let (_world, mut person) = board_with(&["Wärn 🌊 of the tide"]);
    let mut board = Pty::spawn(24, 80, &["--ascii"], person.environment());
    walk(&mut board);
    assert_ascii(&board);
    board.signal(libc::SIGTERM);
    board.wait_exit();

    // A locale that is not UTF-8 does the same.
    person.set("LANG", "C");
    person.set("LC_ALL", "C");
    let mut board = person.board(24, 80);
    board.press_until("\x1b", "the board", |screen| screen.contains("To Do"));
    walk(&mut board);
    assert_ascii(&board);
}

#[track_caller]
fn assert_ascii(board: &Pty) {
    let bytes = board.bytes();
    let foreign: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_ascii()).take(40).collect();
    assert!(foreign.is_empty(), "{foreign:?} on\n{}", board.screen());
}
