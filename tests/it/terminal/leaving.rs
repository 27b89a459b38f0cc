//! Signals, a dropped line, kill -9: the terminal is given back where there is one, and everything is found again.

use super::{CTRL_S, DOWN, ESC, board_with, edit_at_the_end, is_selected, spec_of};
use crate::support::pty::{Line, Pty};
use crate::support::world::Person;

/// A board with a filter, the second card of two that match selected, and its spec open with text that was not saved yet.
fn busy(person: &Person) -> Pty {
    let mut board = person.board(24, 100);
    board.wait_for("KAN-3");
    board.send("/");
    board.send("tide\r");
    board.wait_for("2 of 3");
    board.send(std::str::from_utf8(DOWN).unwrap());
    board.wait("the last card", |screen| is_selected(screen, "KAN-3"));
    edit_at_the_end(&mut board);
    board.send("typed a moment ago 🛟");
    board.wait_for("typed a moment ago");
    board
}

/// Everything of [`busy`] is there again without a key.
fn is_found_again(person: &Person) {
    let mut board = person.board(24, 100);
    let editor = board.wait_for("typed a moment ago");
    assert!(editor.contains("F2 push"), "the editor is open:\n{editor}");
    board.send(ESC);
    let screen = board.wait_for("2 of 3");
    assert!(is_selected(&screen, "KAN-3"), "{screen}");
    assert!(screen.contains("Harbor") && !screen.contains("KAN-2"), "{screen}");
    board.send("q");
    board.wait_exit();
}

const TITLES: [&str; 3] = ["Warn of the tide", "Something else", "Measure the tide"];

#[test]
fn after_sighup_and_sigterm_the_terminal_is_restored_and_the_next_start_is_where_the_last_one_was() {
    let (_world, person) = board_with(&TITLES);
    let before = spec_of(&person, "KAN-3");
    for signal in [libc::SIGHUP, libc::SIGTERM] {
        let mut board = busy(&person);
        board.signal(signal);
        board.wait_exit();
        board.assert_restored();
        let saved = spec_of(&person, "KAN-3");
        assert!(saved.starts_with(&before) && saved.ends_with("typed a moment ago 🛟"), "{saved}");
        is_found_again(&person);
        let file = person.file("before.md", &before);
        person.json(&["spec", "edit", "KAN-3", "--from", &file]);
        // The filter is part of what comes back, so it is taken away by hand.
        let mut board = person.board(24, 100);
        board.press_until(ESC, "the whole board", |screen| screen.contains("To Do 3"));
        board.send("q");
        board.wait_exit();
    }
}

#[test]
fn a_line_that_drops_ends_the_board_and_loses_nothing() {
    let (_world, person) = board_with(&TITLES);
    let mut line = Line::start(24, 100, person.environment());
    line.wait_for("KAN-3");
    line.send("G");
    line.send("e");
    line.wait_for("F2 push");
    line.send("before the line dropped ");
    line.wait_for("before the line dropped");
    line.drop_line();
    assert!(spec_of(&person, "KAN-3").starts_with("before the line dropped # KAN-3"));
}

#[test]
fn a_draft_survives_kill_9_once_the_keyboard_has_rested() {
    let (_world, person) = board_with(&TITLES);
    let mut board = person.board(24, 100);
    board.wait_for("KAN-3");
    edit_at_the_end(&mut board);
    board.send("survives");
    board.wait("the draft being saved by itself", |screen| screen.contains("survives") && screen.contains(" saved "));
    board.signal(libc::SIGKILL);
    board.wait_exit();
    assert!(spec_of(&person, "KAN-1").ends_with("survives"));
    let board = person.board(24, 100);
    let screen = board.wait_for("survives");
    assert!(screen.contains("F2 push"), "the editor is open again:\n{screen}");
}

#[test]
fn a_form_that_is_left_keeps_its_words() {
    let (_world, person) = board_with(&[]);
    let mut board = person.board(24, 80);
    board.wait_for("No tickets yet");
    board.send("n");
    board.wait_for("New ticket");
    board.send("Half a thought");
    board.wait_for("Half a thought");
    board.send(ESC);
    board.wait_for("the form keeps what you typed");
    board.send("n");
    board.wait_for("Half a thought");
    board.send(CTRL_S);
    board.wait_for("KAN-1 is made");
    assert_eq!(person.json(&["show", "KAN-1"])["title"], "Half a thought");
}

#[test]
fn quitting_during_a_task_asks_and_what_was_stopped_is_finished_later() {
    let (world, person) = board_with(&["Warn of the tide"]);
    let mut board = person.board(24, 80);
    board.wait_for("KAN-1");
    board.send("s");
    board.wait_for("y start work");
    // The push hangs until somebody decides.
    let slow = world.fault("slow:ms=60000:path=/pushes:times=always");
    board.press_until("y", "the task to run", |screen| screen.contains("close; it goes on"));
    world.wait_hit(slow, 1);
    board.send(ESC);
    board.wait_gone("Start work on");
    board.send("q");
    let question = board.wait_for("A task is running");
    assert!(question.contains("resume later") && question.contains("finish"), "{question}");
    // Enter is the safe choice.
    board.press_until("\r", "the board", |screen| !screen.contains("A task is running"));
    board.send("q");
    board.wait_for("A task is running");
    for _ in 0..100 {
        if board.has_ended() {
            break;
        }
        board.send_if_open("y");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    assert_eq!(board.wait_exit(), 0);
    board.assert_restored();
    world.no_faults();
    person.json(&["start", "KAN-1"]);
    assert_eq!(person.json(&["show", "KAN-1"])["status"], "in_progress");
    let clone = person.home().join("clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    let log = crate::support::world::git(&clone, &["log", "--format=%s", "origin/main..origin/feature/KAN-1"]);
    assert_eq!(log.lines().count(), 1, "one commit, not two:\n{log}");
}

#[test]
fn a_crash_of_the_board_or_behind_it_gives_the_terminal_back_and_says_where_the_report_is() {
    let (_world, mut person) = board_with(&["Warn of the tide"]);
    person.set("KANADO_TEST_PANIC_AT", "start.branch.recorded");
    let mut board = person.board(24, 80);
    board.wait_for("KAN-1");
    board.send("s");
    board.wait_for("y start work");
    board.press_until("y", "the end", |screen| screen.contains("kanado crashed"));
    assert_eq!(board.wait_exit(), 1);
    board.assert_restored();
    assert!(board.screen().contains("the report is in"), "{}", board.screen());

    person.set("KANADO_TEST_PANIC_AT", "board.resize");
    let mut board = person.board(24, 80);
    board.wait_for("KAN-1");
    board.resize(30, 90);
    board.wait_for("kanado crashed");
    assert_ne!(board.wait_exit(), 0);
    board.assert_restored();
    assert!(board.screen().contains("the report is in"), "{}", board.screen());
}
