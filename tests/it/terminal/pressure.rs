//! Storms: many sizes, and more text than anybody types.

use super::{ESC, board_with, edit_at_the_end, spec_of};

fn lines(screen: &str) -> Vec<String> {
    screen.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_storm_of_sizes_ends_with_the_screen_that_belongs_to_the_last_one() {
    let (_world, person) = board_with(&["Warn of the tide", "Measure the tide", "Something else"]);
    let mut board = person.board(24, 80);
    board.wait_for("KAN-3");
    // Sizes that jump about, the smallest and one-cell ones included.
    let mut state = 7_u32;
    for _ in 0..200 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (rows, columns) = ((state >> 16) % 70 + 1, (state >> 8) % 220 + 1);
        board.resize(u16::try_from(rows).unwrap(), u16::try_from(columns).unwrap());
    }
    board.resize(30, 100);
    board.wait("the board", |screen| screen.contains("KAN-3") && screen.contains("? help"));
    board.wait_quiet(std::time::Duration::from_millis(300));
    let after = lines(&board.screen());
    // The same screen painted anew.
    board.send("\x0c");
    board.wait_quiet(std::time::Duration::from_millis(300));
    let again = lines(&board.screen());
    assert_eq!(after[1..], again[1..]);
    let fresh = person.board(30, 100);
    fresh.wait("the board", |screen| screen.contains("KAN-3") && screen.contains("? help") && !screen.contains("syncing"));
    assert_eq!(after[1..], lines(&fresh.screen())[1..], "a board that was always of this size");
    board.send("q");
    assert_eq!(board.wait_exit(), 0);
    board.assert_restored();
}

#[test]
fn pasted_megabytes_are_taken_up_to_the_limit_and_refused_beyond_it_with_the_text_kept() {
    let (_world, person) = board_with(&["Warn of the tide"]);
    let before = spec_of(&person, "KAN-1");
    let mut board = person.board(24, 80);
    board.wait_for("KAN-1");
    edit_at_the_end(&mut board);
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRST 🌊\n";
    let half = line.repeat(600 * 1024 / line.len());
    board.paste(&half.replace('\n', "\r"));
    board.paste(&half.replace('\n', "\r"));
    board.wait_for("at most 1 MiB");
    // It takes keys still.
    board.send("the end");
    board.wait_for("the end");
    board.send(ESC);
    board.wait_for("To Do 1");
    let after = spec_of(&person, "KAN-1");
    assert_eq!(after.len(), before.len() + half.len() + "the end".len());
    assert_eq!(after, format!("{before}{half}the end"));
}
