//! The way of a ticket by keys: the compiled binary in a terminal, the simulator in another process, git to look at what came of it.

use std::path::Path;

use serde_json::json;

use crate::support::pty::Pty;
use crate::support::world::{Person, World, git, git_bytes};

const CTRL_S: &str = "\x13";
const ESC: &str = "\x1b";
const F2: &str = "\x1bOQ";
const PAGE_DOWN: &str = "\x1b[6~";
const END: &str = "\x1b[F";
const FOCUS_IN: &str = "\x1b[I";

/// What is typed into the spec, key by key. Enter begins each line.
const TYPED: [&str; 3] = ["", "A flag 🚩 on the pier — naïve, 日本語, 👩‍🚀.", "  two spaces before, a \\ and a ` within"];

/// The spec of KAN-1 on its branch.
fn spec_on_branch(world: &World, person: &Person, into: &str) -> Vec<u8> {
    let clone = person.home().join(into);
    world.clone("alice", "Harbor", "tide-api", &clone);
    git(&clone, &["fsck", "--strict"]);
    git_bytes(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"])
}

fn commits_of_branch(person: &Person, clone: &str) -> Vec<String> {
    let clone = person.home().join(clone);
    let log = git(Path::new(&clone), &["log", "--format=%s", "origin/main..origin/feature/KAN-1"]);
    log.lines().map(str::to_owned).collect()
}

/// Makes a ticket with the form.
fn make_ticket(board: &mut Pty) {
    board.wait_for("No tickets yet");
    board.send("n");
    board.wait_for("New ticket");
    board.send("Warn of high tides");
    board.send("\t");
    board.paste("The pier is wet 🌊 at high tide.\r\nPeople slip.");
    board.send("\t");
    board.send("The warning shows\rIt goes by itself");
    board.wait_for("It goes by itself");
    board.send(CTRL_S);
    board.wait_for("KAN-1 is made");
    board.wait_gone("New ticket");
}

/// Starts work with the dialog.
fn start(board: &mut Pty) {
    board.send("s");
    let plan = board.wait_for("y start work");
    assert!(plan.contains("create branch feature/KAN-1 from main"), "{plan}");
    assert!(plan.contains("push .tickets/KAN-1.md"), "{plan}");
    board.yes_until("KAN-1 is in progress");
    board.send("\r");
    board.wait_gone("Start work on KAN-1");
    board.wait_for("In Progress 1");
}

/// Opens the editor, and goes behind the last character.
fn edit_at_the_end(board: &mut Pty) {
    board.send("e");
    board.wait_for("F2 push");
    for _ in 0..8 {
        board.send(PAGE_DOWN);
    }
    board.send(END);
}

fn push(board: &mut Pty) {
    board.send(F2);
    board.wait_for("y push");
    board.yes_until("pushed the spec of KAN-1");
    board.wait(
        "the badge of a pushed spec",
        |screen| screen.lines().any(|line| line.contains("KAN-1") && line.contains("pushed") && line.contains("saved")),
    );
}

/// Opens the pull request with its form; answers its number.
fn open_pull_request(world: &World, board: &mut Pty) -> i64 {
    board.send("P");
    let form = board.wait_for("commits ahead of main");
    for words in ["KAN-1: Warn of high tides", "Reviewer", "open review", "feature/KAN-1"] {
        assert!(form.contains(words), "{words}:\n{form}");
    }
    board.send(CTRL_S);
    board.wait_for("Pull request !");
    let opened = world.pull_requests_of("feature/KAN-1");
    assert_eq!(opened.len(), 1, "{opened:?}");
    let number = opened[0]["pullRequest"].as_i64().unwrap();
    board.wait_for(&format!("!{number}"));
    number
}

fn status(person: &Person) -> String {
    person.json(&["show", "KAN-1"])["status"].as_str().unwrap().to_owned()
}

/// What a pull request's description must hold, as the API gives it.
fn assert_description(world: &World, number: i64) {
    let (code, full) = world.api("alice", "GET", &format!("_apis/git/pullrequests/{number}"), serde_json::Value::Null);
    assert_eq!(code, 200, "{full}");
    let description = full["description"].as_str().unwrap();
    assert!(description.starts_with("The pier is wet 🌊 at high tide.\nPeople slip."), "{description}");
    assert!(description.contains("## Acceptance criteria\n\n- [ ] The warning shows\n- [ ] It goes by itself"), "{description}");
    assert!(description.contains(".tickets/KAN-1.md"), "{description}");
    assert_eq!(full["reviewers"].as_array().unwrap().len(), 1, "one reviewer was chosen: {full}");
}

#[test]
fn a_ticket_goes_by_keys_from_an_idea_to_a_merged_pull_request_and_its_spec_holds_the_typed_bytes() {
    let world = World::start();
    let person = Person::newcomer(&world, "alice");
    // A look at the board refreshes it: the card moves without a key for it.
    person.configure("[sync]\nview_load_seconds = 1\n");
    let mut board = person.board(40, 120);
    make_ticket(&mut board);
    assert_eq!(status(&person), "todo");

    start(&mut board);
    assert_eq!(status(&person), "in_progress");
    let before = spec_on_branch(&world, &person, "first");
    assert!(String::from_utf8(before.clone()).unwrap().contains("The pier is wet 🌊 at high tide.\nPeople slip."));

    edit_at_the_end(&mut board);
    for line in TYPED {
        board.send("\r");
        board.send(line);
    }
    board.wait_for("a \\ and a ` within");
    // Windows' line ends in the clipboard become the spec's own.
    board.paste("\r\npasted 📋 first\r\npasted second");
    board.wait_for("pasted second");
    push(&mut board);
    let typed = format!("\n{}\npasted 📋 first\npasted second", TYPED.join("\n"));
    let wanted = [before, typed.into_bytes()].concat();
    assert_eq!(String::from_utf8_lossy(&spec_on_branch(&world, &person, "second")), String::from_utf8_lossy(&wanted));
    assert_eq!(commits_of_branch(&person, "second").len(), 2);

    board.send(ESC);
    board.wait_for("In Progress 1");
    let number = open_pull_request(&world, &mut board);
    assert_description(&world, number);
    assert_eq!(status(&person), "pr_open");

    world.control("POST", "vote", json!({ "pullRequest": number, "as": "bob", "vote": 10 }));
    // Back on the board, which looks by itself.
    board.send(ESC);
    board.wait_for("PR Open 1");
    board.press_until(FOCUS_IN, "the vote on the card", |screen| screen.contains("✓1"));
    world.control("POST", "merge", json!({ "pullRequest": number, "as": "bob" }));
    board.press_until(FOCUS_IN, "the card in its new column", |screen| screen.contains("Merged 1"));
    assert_eq!(status(&person), "merged");

    board.send("q");
    assert_eq!(board.wait_exit(), 0);
    board.assert_restored();
}

#[test]
fn the_same_goes_on_eighty_columns_and_a_refresh_on_request_moves_the_card() {
    let world = World::start();
    let person = Person::newcomer(&world, "alice");
    let mut board = person.board(24, 80);
    make_ticket(&mut board);
    start(&mut board);
    let before = spec_on_branch(&world, &person, "first");
    edit_at_the_end(&mut board);
    board.send("\rfrom a narrow screen 🪟");
    board.wait_for("from a narrow screen");
    push(&mut board);
    let wanted = [before, "\nfrom a narrow screen 🪟".into()].concat();
    assert_eq!(spec_on_branch(&world, &person, "second"), wanted);
    board.send(ESC);
    board.wait_for("In Progress 1");
    let number = open_pull_request(&world, &mut board);
    assert_description(&world, number);
    board.send(ESC);
    board.wait_for("PR Open 1");
    world.control("POST", "vote", json!({ "pullRequest": number, "as": "bob", "vote": -5 }));
    board.press_until("R", "the vote on the card", |screen| screen.contains("!1") || screen.contains("waits"));
    world.control("POST", "vote", json!({ "pullRequest": number, "as": "bob", "vote": 10 }));
    world.control("POST", "merge", json!({ "pullRequest": number, "as": "bob" }));
    board.press_until("R", "the card in its new column", |screen| screen.contains("Merged 1"));
    board.wait_for("KAN-1 is now Merged");
    assert_eq!(status(&person), "merged");
    board.send("q");
    assert_eq!(board.wait_exit(), 0);
}

#[test]
fn a_spec_with_windows_line_ends_keeps_them_through_the_editor() {
    let world = World::start();
    let person = Person::newcomer(&world, "alice");
    person.json(&["new", "Answer faster"]);
    let original = "# KAN-1: Answer faster 🚀\r\n\r\n## Overview\r\n\r\nשלום עולם\r\n\r\n## Notes of ours\r\n\r\n\tkept\u{a0}as typed  \r\nlast line";
    let file = person.file("spec.md", original);
    person.json(&["spec", "edit", "KAN-1", "--from", &file]);
    let mut board = person.board(40, 120);
    board.wait_for("KAN-1");
    start(&mut board);
    edit_at_the_end(&mut board);
    board.send(", and more 🦀\r");
    board.paste("pasted\r\nfrom Windows");
    board.wait_for("from Windows");
    push(&mut board);
    let wanted = format!("{original}, and more 🦀\r\npasted\r\nfrom Windows");
    assert_eq!(String::from_utf8(spec_on_branch(&world, &person, "clone")).unwrap(), wanted);
}
