//! More than one process: the demo's cast, and several boards on one database.

use std::time::Duration;

use super::{board_with, edit_at_the_end, spec_of};
use crate::support::pty::Pty;
use crate::support::world::Person;

#[test]
fn a_demo_with_its_cast_paused_opens_the_board_and_writes_nothing_while_idle() {
    let mut person = Person::new("");
    person.unset("KANADO_PAT");
    let temporary = person.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    person.set("TMPDIR", &temporary.to_string_lossy());
    let mut board = Pty::spawn(40, 120, &["demo", "--cast", "paused"], person.environment());
    board.wait("the board", |screen| screen.contains("HAR-22") && screen.contains("live now"));
    // While the board is live no age is counted.
    board.wait_quiet(Duration::from_millis(1_500));
    let before = board.bytes().len();
    board.send("\x1b[O");
    board.wait_quiet(Duration::from_secs(4));
    assert_eq!(board.bytes().len(), before, "an idle board writes nothing:\n{}", board.screen());
    // A key makes few bytes.
    board.send("j");
    board.wait_quiet(Duration::from_millis(300));
    let moved = board.bytes().len() - before;
    assert!((1..=200).contains(&moved), "{moved} bytes for a move");
    board.send("q");
    assert_eq!(board.wait_exit(), 0);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn what_another_process_changes_appears_on_two_open_boards_without_a_key() {
    let (_world, person) = board_with(&["Warn of the tide"]);
    let boards = [person.board(24, 80), person.board(40, 120)];
    for board in &boards {
        board.wait_for("KAN-1");
    }
    person.json(&["new", "From another window"]);
    for board in &boards {
        board.wait_for("KAN-2");
        board.wait_for("To Do 2");
    }
    person.json(&["edit", "KAN-1", "--title", "Renamed"]);
    for board in &boards {
        board.wait_for("Renamed");
    }
    person.json(&["start", "KAN-1"]);
    for board in &boards {
        board.wait_for("In Progress 1");
    }
}

#[test]
fn the_second_of_two_who_edit_one_draft_is_told_and_neither_text_is_lost() {
    let (_world, person) = board_with(&["Warn of the tide"]);
    let mut first = person.board(40, 120);
    first.wait_for("KAN-1");
    edit_at_the_end(&mut first);
    let mut second = person.board(40, 120);
    second.wait_for("KAN-1");
    if !second.screen().contains("F2 push") {
        edit_at_the_end(&mut second);
    }
    // Both begin from the same text; the first one is quicker.
    second.send("theirs ");
    first.send("mine ");
    first.wait_for("mine");
    second.wait_for("theirs");
    first.send("\x13");
    second.send("\x13");
    let told = |screen: &str| screen.contains("changed on both sides") || screen.contains("another session");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let loser = loop {
        if told(&second.screen()) {
            break &mut second;
        }
        if told(&first.screen()) {
            break &mut first;
        }
        assert!(std::time::Instant::now() < deadline, "nobody was told:\n{}\n{}", first.screen(), second.screen());
        std::thread::sleep(Duration::from_millis(20));
    };
    let screen = loser.wait_for("keep mine");
    assert!(screen.contains("mine") && screen.contains("theirs"), "both texts are shown:\n{screen}");
    let kept = spec_of(&person, "KAN-1");
    assert!(kept.contains("mine ") != kept.contains("theirs "), "the first save stands: {kept}");
    // The merge holds both.
    loser.press_until("e", "the merged text in the editor", |screen| !screen.contains("keep mine"));
    loser.send("\x13");
    loser.wait("the save", |screen| screen.contains(" saved ") || screen.contains("the draft is saved"));
    let merged = spec_of(&person, "KAN-1");
    assert!(merged.contains("mine ") && merged.contains("theirs "), "{merged}");
}
