//! Keys that arrive in pieces.

use std::time::Duration;

use super::{DOWN, ESC, board_with, edit_at_the_end, is_selected, spec_of};
use crate::support::pty::Pty;

const PAUSE: Duration = Duration::from_millis(20);
/// A longer pause than this is not the slow line that is meant, but a machine that has no time; then it is tried again.
const LATE: Duration = Duration::from_millis(28);

/// Sends a sequence byte by byte until the machine managed to do so with pauses that are short enough. Whatever came of one that was torn
/// is undone before the next: from there each begins where the first one began.
fn split(board: &mut Pty, sequence: &[u8], undo: impl Fn(&mut Pty)) {
    for _ in 0..50 {
        if board.send_slowly(sequence, PAUSE) <= LATE {
            return;
        }
        undo(board);
    }
    panic!("the machine never kept the pauses");
}

/// Selects a card of the first column, whichever is selected.
fn select(board: &mut Pty, number: usize) {
    board.send("gg");
    board.wait("the first card", |screen| is_selected(screen, "KAN-1"));
    for at in 2..=number {
        board.send("j");
        board.wait("the next card", |screen| is_selected(screen, &format!("KAN-{at}")));
    }
}

#[test]
fn a_sequence_that_arrives_byte_by_byte_acts_as_one_key_and_a_real_esc_acts() {
    let (_world, person) = board_with(&["First of all", "Second", "Third"]);
    let mut board = person.board(24, 80);
    board.wait("the board", |screen| is_selected(screen, "KAN-1") && screen.contains("KAN-3"));

    split(&mut board, DOWN, |board| select(board, 1));
    board.wait("the second card", |screen| is_selected(screen, "KAN-2"));
    // As some terminals send it in application mode.
    split(&mut board, b"\x1bOB", |board| select(board, 2));
    board.wait("the third card", |screen| is_selected(screen, "KAN-3"));
    split(&mut board, b"\x1b[H", |board| select(board, 3));
    board.wait("the first card", |screen| is_selected(screen, "KAN-1"));

    // Esc is Esc: it closes the help, and is not held back for a next key.
    board.send("?");
    board.wait_for("Help: Board");
    board.send(ESC);
    board.wait_gone("Help: Board");

    // F2 in the editor, where Esc would leave it. Nothing is started, so that it is refused with words.
    board.send("e");
    board.wait_for("F2 push");
    split(&mut board, b"\x1bOQ", |board| {
        board.press_until(ESC, "the board", |screen| screen.contains("To Do 3"));
        board.send("e");
        board.wait_for("F2 push");
    });
    board.wait("why it cannot be pushed", |screen| screen.contains("start work") || screen.contains("no branch"));
    assert!(board.screen().contains("# KAN-1"), "the editor is open still:\n{}", board.screen());
}

#[test]
fn the_rest_of_an_arrow_that_comes_long_after_its_escape_is_an_arrow_and_no_letters() {
    let (_world, person) = board_with(&["First of all", "Second"]);
    let mut board = person.board(24, 80);
    board.wait("the board", |screen| is_selected(screen, "KAN-1") && screen.contains("KAN-2"));
    board.send("?");
    board.wait_for("Help: Board");
    // That it was taken for Esc is seen: however long that takes, the rest comes too late.
    board.send(ESC);
    board.wait_gone("Help: Board");
    board.send("[B");
    board.wait("the second card", |screen| is_selected(screen, "KAN-2"));
    board.send("?");
    board.wait_for("Help: Board");
    board.send(ESC);
    board.wait_gone("Help: Board");
    // As letters this asks whether to delete the ticket.
    board.send("[D");
    board.send("k");
    let screen = board.wait("the first card", |screen| is_selected(screen, "KAN-1"));
    assert!(!screen.contains("Delete"), "{screen}");
}

#[test]
fn a_paste_whose_brackets_arrive_byte_by_byte_is_text_and_nothing_in_it_is_a_key() {
    let (_world, person) = board_with(&["First of all", "Second"]);
    let mut board = person.board(24, 80);
    board.wait("the board", |screen| is_selected(screen, "KAN-1"));

    // On the board a paste goes nowhere: its `q` does not quit, its `j` does not move.
    board.paste("jjqDZn");
    edit_at_the_end(&mut board);
    let before = spec_of(&person, "KAN-1");
    let pasted = "\x1b[200~q:wq?\rdd\x1b[201~";
    let mut tries = 0;
    while board.send_slowly(pasted.as_bytes(), PAUSE) > LATE {
        tries += 1;
        assert!(tries < 50, "the machine never kept the pauses");
        // Whatever came of it is thrown away.
        drop(std::mem::replace(&mut board, person.board(24, 80)));
        board.wait("the board or the editor", |screen| screen.contains("KAN-1"));
        panic_free_reset(&mut board, &person, &before);
    }
    board.wait("what was pasted", |screen| screen.contains("q:wq?") && screen.contains("dd"));
    board.send(ESC);
    board.wait_for("To Do 2");
    assert_eq!(spec_of(&person, "KAN-1"), format!("{before}q:wq?\ndd"));
}

/// Back to the editor on the first card with its first text.
fn panic_free_reset(board: &mut Pty, person: &crate::support::world::Person, text: &str) {
    board.press_until(ESC, "the board", |screen| screen.contains("To Do 2"));
    let file = person.file("before.md", text);
    person.json(&["spec", "edit", "KAN-1", "--from", &file]);
    board.send("gg");
    board.wait("the first card", |screen| is_selected(screen, "KAN-1"));
    edit_at_the_end(board);
}
