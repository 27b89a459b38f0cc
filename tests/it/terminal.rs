//! The compiled binary and its terminal: what it shows where there is little room or no colour, what survives a dropped line, and that
//! the terminal is given back whatever happens.

mod keys;
mod leaving;
mod places;
mod pressure;
mod secrets;
mod together;

use crate::support::pty::Pty;
use crate::support::world::{Person, World};

const ESC: &str = "\x1b";
const DOWN: &[u8] = b"\x1b[B";
const CTRL_S: &str = "\x13";
const END: &str = "\x1b[F";
const PAGE_DOWN: &str = "\x1b[6~";

/// A world, and alice connected to it with these tickets, `KAN-1` first.
fn board_with(titles: &[&str]) -> (World, Person) {
    let world = World::start();
    let person = Person::newcomer(&world, "alice");
    for title in titles {
        person.json(&["new", title]);
    }
    (world, person)
}

/// Opens the editor on the selected ticket, and goes behind the last character of its spec.
fn edit_at_the_end(board: &mut Pty) {
    board.send("e");
    board.wait_for("F2 push");
    for _ in 0..4 {
        board.send(PAGE_DOWN);
    }
    board.send(END);
}

fn is_selected(screen: &str, key: &str) -> bool {
    screen.contains(&format!("▌{key}"))
}

fn spec_of(person: &Person, key: &str) -> String {
    person.json(&["show", key])["spec_text"].as_str().unwrap().to_owned()
}
