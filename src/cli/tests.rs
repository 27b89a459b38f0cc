//! The command line as a whole: usage, exit codes, output, consent, what is asked of whom. In process, with streams of its own.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;
use crate::config::Environment;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that has gone away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where commands are run.
struct Place {
    folder: tempfile::TempDir,
    input: &'static str,
    terminal: bool,
}

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?}", self.out))
    }

    #[track_caller]
    fn error(&self) -> Value {
        let value: Value = serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {:?}", self.err));
        value["error"].clone()
    }
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), "[token]\nkeyring = false\n").unwrap();
        Self { folder, input: "", terminal: false }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn stdio(&self, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Stdio {
        let environment = [
            ("HOME".to_owned(), self.path().display().to_string()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("KANADO_CONFIG".to_owned(), self.path().join("config.toml").display().to_string()),
            ("KANADO_DATA_DIR".to_owned(), self.path().join("data").display().to_string()),
        ];
        Stdio {
            out,
            err,
            input: Box::new(self.input.as_bytes()),
            stdin_is_terminal: self.terminal,
            stdout_is_terminal: self.terminal,
            stderr_is_terminal: self.terminal,
            environment: Environment::from_iter(environment),
            directory: self.path().to_owned(),
            host: Host::Test,
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let (out, err) = (Shared::default(), Shared::default());
        let mut stdio = self.stdio(Box::new(out.clone()), Box::new(err.clone()));
        let arguments = std::iter::once("kanado").chain(arguments.iter().copied()).map(OsString::from);
        let exit = run(arguments, &mut stdio);
        drop(stdio);
        Ran { exit, out: out.text(), err: err.text() }
    }
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    definition().debug_assert();
}

#[test]
fn wrong_usage_ends_with_two_and_words_on_stderr() {
    let place = Place::new();
    for arguments in [&["bogus"][..], &["ls", "--bogus"], &["move", "KAN-1"], &["show", "not-a-key"], &["ls", "--yes", "--dry-run"]] {
        let ran = place.run(arguments);
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
    let ran = place.run(&["--json", "bogus"]);
    assert_eq!((ran.exit, &ran.error()["code"]), (Exit::Usage, &Value::from("usage")));
}

#[test]
fn help_and_version_are_data() {
    let place = Place::new();
    let ran = place.run(&["--version"]);
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("kanado {}\n", env!("CARGO_PKG_VERSION"))));
    assert!(place.run(&["--help"]).out.contains("Exit codes: 0 done"));
    assert!(place.run(&["spec", "push", "--help"]).out.contains("--dry-run"));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let place = Place::new();
    for arguments in [&["config", "show"][..], &["--json", "config", "show"], &["completions", "bash"], &["man"], &["--help"], &["ls"]] {
        let mut stdio = place.stdio(Box::new(Closed), Box::new(Shared::default()));
        let exit = run(std::iter::once("kanado").chain(arguments.iter().copied()).map(OsString::from), &mut stdio);
        // `ls` has no project to list: that is a failure of its own.
        assert_eq!(exit, if arguments == ["ls"] { Exit::Failed } else { Exit::Done }, "{arguments:?}");
    }
}

#[test]
fn the_board_without_a_terminal_says_what_there_is_instead() {
    let ran = Place::new().run(&[]);
    assert_eq!(ran.exit, Exit::Failed);
    assert_eq!(
        ran.err,
        "error: the board needs a terminal, and this is none\n  every action is a subcommand as well, such as `kanado ls`: `kanado --help`\n"
    );
}

#[test]
fn without_a_project_every_command_says_how_to_get_one() {
    let place = Place::new();
    for arguments in [&["ls"][..], &["new", "x", "--yes"], &["prs"], &["repos"], &["members"], &["sync"]] {
        let ran = place.run(arguments);
        assert_eq!(ran.exit, Exit::Failed, "{arguments:?}");
        assert!(ran.err.contains("kanado connect https://dev.azure.com/ORG/PROJECT"), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(place.run(&["ls", "--json"]).error()["code"], "refused");
}

#[test]
fn completions_and_manual_know_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).out;
        assert!(script.contains("reviewers") && script.contains("dry-run"), "{shell}");
    }
    let page = place.run(&["man"]).out;
    assert!(page.starts_with(".ie") && page.contains("kanado\\-start(1)"), "{page}");
    assert!(place.run(&["man", "spec", "push"]).out.contains("merged, never overwritten"));
    assert_eq!(place.run(&["man", "nothing"]).exit, Exit::Usage);
}

#[test]
fn a_setting_is_shown_with_who_decided_it() {
    let place = Place::new();
    let ran = place.run(&["config", "show", "--json", "--theme", "light"]);
    let value = ran.json();
    assert_eq!(value["ui.theme"]["origin"], "--theme");
    assert_eq!(value["token.keyring"]["origin"], format!("{}:2", place.path().join("config.toml").display()));
    assert_eq!(value["store.data_dir"]["origin"], "environment (KANADO_DATA_DIR)");
    assert_eq!(value["board.done_on_merge"]["origin"], "default");
    assert_eq!(place.run(&["config", "show", "--example"]).out, crate::config::EXAMPLE);
}

#[test]
fn a_setting_is_set_in_the_file_and_a_wrong_one_is_not() {
    let place = Place::new();
    let file = place.path().join("config.toml");
    std::fs::write(&file, "# mine\n[token]\nkeyring = false # why\n").unwrap();
    assert_eq!(place.run(&["config", "set", "ui.theme", "light"]).exit, Exit::Done);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, "# mine\n[token]\nkeyring = false # why\n\n[ui]\ntheme = \"light\"\n");
    let ran = place.run(&["config", "set", "ui.theme", "drak", "--json"]);
    assert_eq!((ran.exit, &ran.error()["code"]), (Exit::Failed, &Value::from("config")));
    assert_eq!(place.run(&["config", "set", "ui.mouse", "true", "--dry-run"]).exit, Exit::Done);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_broken_file_stops_commands_but_not_the_ones_that_repair_it() {
    let place = Place::new();
    let file = place.path().join("config.toml");
    std::fs::write(&file, "[ui]\ntheme = \"drak\"\nthem = 1\n").unwrap();
    let ran = place.run(&["ls", "--json"]);
    assert_eq!((ran.exit, &ran.error()["code"]), (Exit::Failed, &Value::from("config")));
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert_eq!(ran.out, format!("{}:2:9: ui.theme: `drak` is none of dark, light, plain\n", file.display()));
    assert_eq!(place.run(&["config", "path", "--json"]).json()["config"], file.display().to_string());
    assert_eq!(place.run(&["config", "set", "ui.theme", "plain"]).exit, Exit::Done);
    let ran = place.run(&["config", "check"]);
    assert_eq!(
        (ran.exit, ran.out),
        (Exit::Failed, format!("{}:3:1: unknown setting `ui.them`\n  did you mean `ui.theme`?\n", file.display()))
    );
    let doctor = place.run(&["doctor", "--offline", "--json"]).json();
    assert!(doctor["findings"].as_array().unwrap().iter().any(|finding| finding["words"].as_str().unwrap().contains("ui.them")));
}

#[test]
fn a_token_is_kept_found_and_forgotten_without_ever_being_printed() {
    let mut place = Place::new();
    let url = "https://dev.azure.com/lumen";
    assert_eq!(place.run(&["token", "source", url]).exit, Exit::Failed);
    place.input = "canary-0123456789\n";
    let ran = place.run(&["token", "set", "lumen", "--expires", "2999-01-31", "--json"]);
    assert_eq!((ran.exit, &ran.json()["organisation"]), (Exit::Done, &Value::from(url)), "{}", ran.err);
    place.input = "";
    let source = place.run(&["token", "source", url, "--json"]).json();
    assert_eq!(source["expires"], "2999-01-31");
    assert!(source["days_left"].as_i64().unwrap() > 300_000);
    assert_eq!(source["sources"][0]["answer"], "has a personal access token");
    let refused = place.run(&["token", "forget", url]);
    assert_eq!((refused.exit, refused.out.trim_end()), (Exit::Failed, "forget the token kept for https://dev.azure.com/lumen"));
    assert_eq!(place.run(&["token", "forget", url, "--yes"]).exit, Exit::Done);
    assert_eq!(place.run(&["token", "source", url]).exit, Exit::Failed);
    for text in [ran.out, ran.err, source.to_string(), refused.err] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn on_a_terminal_only_y_goes_ahead() {
    let mut place = Place::new();
    place.input = "canary-0123456789\n";
    place.run(&["token", "set", "lumen"]);
    place.terminal = true;
    for (input, exit) in [("\n", Exit::Failed), ("n\n", Exit::Failed), ("", Exit::Failed), ("y\n", Exit::Done)] {
        place.input = input;
        let ran = place.run(&["token", "forget", "lumen"]);
        assert_eq!(ran.exit, exit, "{input:?}");
        assert!(ran.err.starts_with("forget the token kept for https://dev.azure.com/lumen\nDo this? [y/N] "), "{}", ran.err);
    }
    place.input = "";
    place.terminal = false;
    assert_eq!(place.run(&["token", "source", "lumen"]).exit, Exit::Failed);
}

#[test]
fn wrong_keys_are_found_with_their_line() {
    let place = Place::new();
    let file = place.path().join("config.toml");
    std::fs::write(&file, "[keys]\n\"ticket.strat\" = [\"s\"]\n").unwrap();
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.out.starts_with(&format!("{}:2: there is no action `ticket.strat`", file.display())), "{}", ran.out);
}

#[test]
fn what_is_no_token_is_refused_without_being_shown() {
    let mut place = Place::new();
    place.input = "two words\n";
    let ran = place.run(&["token", "set", "lumen"]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.err.contains("is not a token") && !ran.err.contains("two words"), "{}", ran.err);
}

#[test]
fn an_address_that_cannot_be_one_is_wrong_usage() {
    let place = Place::new();
    for address in ["https://github.com/me/it", "https://dev.azure.com", "not an address"] {
        let ran = place.run(&["connect", address, "--json"]);
        assert_eq!((ran.exit, &ran.error()["code"]), (Exit::Usage, &Value::from("address")), "{address}");
        assert!(ran.error()["hint"].is_string());
    }
    assert_eq!(place.run(&["connect"]).exit, Exit::Usage);
}

#[test]
fn connecting_without_a_token_says_how_to_give_one() {
    let ran = Place::new().run(&["connect", "lumen/Harbor", "--json"]);
    assert_eq!((ran.exit, &ran.error()["code"]), (Exit::Failed, &Value::from("token")));
    assert!(ran.error()["hint"].as_str().unwrap().contains("KANADO_PAT"));
}

#[test]
fn text_is_filled_up_or_cut_by_the_cells_it_takes() {
    assert_eq!(frame::fit("ab", 4), "ab  ");
    assert_eq!(frame::fit("日本語", 4), "日… ");
    assert_eq!(frame::fit("a\u{1b}[31mb", 8), "a[31mb  ");
    assert_eq!(frame::fit("abcdef", 3), "ab…");
}
