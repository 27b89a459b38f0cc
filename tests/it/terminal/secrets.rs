//! The first run: connect or demo; and that a token is in no byte that is shown or written, except where tokens are kept.

use std::path::{Path, PathBuf};

use super::ESC;
use crate::support::world::{Person, World};

const CTRL_S: &str = "\x13";

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// How a token could show: plain, and as it travels.
fn shapes(token: &str) -> [String; 3] {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text).trim_end_matches('=').to_owned();
    [token.to_owned(), encode(token), encode(&format!(":{token}"))]
}

#[track_caller]
fn assert_nowhere(token: &str, what: &str, bytes: &[u8]) {
    for shape in shapes(token) {
        assert!(!holds(bytes, &shape), "{what} holds {shape}");
    }
}

#[test]
fn a_first_run_offers_to_connect_and_connecting_by_the_setup_shows_the_token_nowhere() {
    let world = World::start();
    let token = world.token("alice");
    let mut person = Person::new("");
    person.unset("KANADO_PAT");
    person.set("RUST_LOG", "trace");
    person.configure("[token]\nkeyring = false\n");
    let mut board = person.board(24, 80);
    let welcome = board.wait_for("Connect");
    assert!(welcome.contains("Demo"), "{welcome}");
    board.send("\r");
    board.wait_for("Address");

    // A wrong token is refused with words, and nothing is kept.
    let address = format!("{}/Harbor", world.organisation());
    board.send(&address);
    board.send("\r");
    board.paste("wrong-canary-token-0123456789");
    board.send("\r");
    board.wait("why it is refused", |screen| screen.contains("the token is not"));
    assert_eq!(person.json(&["projects"])["projects"].as_array().map_or(0, Vec::len), 0);

    // Ctrl+U empties the field.
    board.send("\x15");
    for key in token.chars() {
        board.send(&key.to_string());
    }
    board.send(CTRL_S);
    let passed = board.wait_for("as Alice Moreau");
    assert!(passed.contains("Code (read & write)"), "{passed}");
    board.press_until("\r", "the repositories", |screen| screen.contains("tide-api"));
    let mut tries = 0;
    while !selected_line(&board.screen()).contains("tide-api") {
        tries += 1;
        assert!(tries < 20, "{}", board.screen());
        let was = selected_line(&board.screen());
        board.send("j");
        board.wait("the next row", |screen| selected_line(screen) != was);
    }
    board.send(" ");
    board.wait("the link", |screen| selected_line(screen).contains('☑'));
    board.send("1");
    board.wait_for("No tickets yet");
    let linked = person.ok(&["repos", "--json"]);
    assert!(linked.contains("tide-api"), "{linked}");

    // Work, and crash in the middle of it.
    board.send("n");
    board.wait_for("New ticket");
    board.send("Warn of the tide");
    board.send(CTRL_S);
    board.wait_for("is made");
    board.send("q");
    assert_eq!(board.wait_exit(), 0);
    let mut seen = board.bytes();

    person.set("KANADO_TEST_PANIC_AT", "start.spec.recorded");
    let mut board = person.board(24, 80);
    board.wait_for("Warn of");
    board.send("s");
    board.wait_for("y start work");
    board.yes_until("y start work", "kanado crashed");
    assert_eq!(board.wait_exit(), 1);
    seen.extend(board.bytes());
    person.set("KANADO_TEST_PANIC_AT", "board.resize");
    let mut board = person.board(24, 80);
    board.wait_for("Warn of");
    board.resize(25, 81);
    board.wait_exit();
    seen.extend(board.bytes());

    let mut all = Vec::new();
    files(person.home(), &mut all);
    let names: Vec<_> = all.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(names.iter().filter(|name| name.contains("crash-")).count(), 2, "both crashes wrote a report: {names:?}");
    assert!(names.iter().any(|name| name.contains("/log")), "there is a log: {names:?}");
    for token in [token.as_str(), "wrong-canary-token-0123456789"] {
        assert_nowhere(token, "what was shown", &seen);
        for path in &all {
            let bytes = std::fs::read(path).unwrap();
            if path.parent().is_some_and(|folder| folder.ends_with("tokens")) {
                assert!(!holds(&bytes, "wrong-canary"), "a token that did not pass is not kept");
                continue;
            }
            assert_nowhere(token, &path.display().to_string(), &bytes);
        }
    }
}

/// The line with the bar.
fn selected_line(screen: &str) -> String {
    screen.lines().skip(3).find(|line| line.trim_start().starts_with('▌')).unwrap_or_default().to_owned()
}

#[test]
fn a_first_run_can_go_to_the_demo_and_the_demo_leaves_nothing_behind() {
    let mut person = Person::new("");
    person.unset("KANADO_PAT");
    let temporary = person.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    person.set("TMPDIR", &temporary.to_string_lossy());
    let mut board = person.board(40, 120);
    board.wait_for("Demo");
    board.send("d");
    let screen = board.wait("the demo's board", |screen| screen.contains("Harbor") && screen.contains("HAR-22"));
    assert!(screen.contains("In Progress") && screen.contains("PR Open"), "{screen}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1, "the world of the demo");
    board.press_until(ESC, "the board", |screen| screen.contains("HAR-22"));
    board.send("q");
    assert_eq!(board.wait_exit(), 0);
    board.assert_restored();
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "it is gone");
}
