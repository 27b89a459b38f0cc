//! A token, and what its `Authorization` header would hold, are nowhere but where they belong.
//!
//! The token that works is a canary nobody else would write by chance. The whole way of a ticket is gone with it, at the loudest log
//! level, through failures and a crash; then everything that was written anywhere is searched. What a terminal shows is tested elsewhere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::support::pty::Pty;
use crate::support::world::{Person, World};

pub const CANARY: &str = "canary4q7zk2wdp6vnxm3rtjhy5bsgfca8leuo9i1canary";

/// Everything by which the canary could be recognised.
fn traces() -> Vec<String> {
    traces_of(CANARY)
}

/// Everything by which a secret could be recognised: itself, backwards, in hexadecimal, and in Base64 as it travels or within other text.
pub fn traces_of(secret: &str) -> Vec<String> {
    let mut traces = vec![secret.to_owned()];
    for user in ["", "alice", "lumen", "kanado", "me"] {
        let pair = format!("{user}:{secret}");
        traces.extend([STANDARD.encode(&pair), STANDARD_NO_PAD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)]);
    }
    // Base64 of the token itself at each of the three offsets within a longer text, without the edges that depend on its neighbours.
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{secret}", "x".repeat(before)));
        traces.push(encoded[4..encoded.len() - 4].to_owned());
    }
    traces.push(secret.chars().rev().collect());
    traces.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    traces
}

pub fn is_traced(bytes: &[u8], traces: &[String]) -> bool {
    traces.iter().any(|trace| bytes.windows(trace.len()).any(|window| window == trace.as_bytes()))
}

/// A world in which the canary is Alice's full token.
fn world() -> World {
    world_with(&[])
}

/// The same, started with more options.
pub fn world_with(options: &[&str]) -> World {
    let state = World::start().stop();
    let file = state.path().join("world.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"alice-token\""));
    std::fs::write(&file, text.replace("\"alice-token\"", &format!("{CANARY:?}"))).unwrap();
    World::on(state, options)
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

fn script(file: &Path, lines: &str) {
    std::fs::write(file, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Where a program is.
fn which(program: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).unwrap()
}

/// Runs commands and keeps what they print.
struct Journey {
    alice: Person,
    printed: Vec<(String, Vec<u8>)>,
}

impl Journey {
    fn new(alice: Person) -> Self {
        Self { alice, printed: Vec::new() }
    }

    #[track_caller]
    fn goes(&mut self, code: i32, arguments: &[&str]) {
        let output = self.alice.command(arguments).env("RUST_LOG", "trace").output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
        self.printed.push((format!("stdout of {arguments:?}"), output.stdout));
        self.printed.push((format!("stderr of {arguments:?}"), output.stderr));
    }

    /// Fails where anything printed, or any file but those named, holds a trace of the canary. Answers how many files were searched.
    #[track_caller]
    fn assert_clean(&self, except: &[&Path]) -> usize {
        let traces = traces();
        for (what, bytes) in &self.printed {
            assert!(!is_traced(bytes, &traces), "{what}: {}", String::from_utf8_lossy(bytes));
        }
        let all = files(self.alice.home());
        for file in &all {
            let is_its_place = except.iter().any(|place| file.starts_with(place));
            assert!(is_its_place || !is_traced(&std::fs::read(file).unwrap(), &traces), "the token is in {}", file.display());
        }
        all.len()
    }
}

#[test]
fn the_way_of_a_ticket_leaves_no_trace_of_the_token() {
    let world = world();
    let mut alice = Person::new(CANARY);
    alice.unset("KANADO_PAT");
    // The token comes from a command, which notes its command line and the one above it; a `git` and an editor that do the same.
    let safe = alice.home().join("safe");
    let notes = safe.join("command-lines");
    std::fs::create_dir_all(safe.join("bin")).unwrap();
    std::fs::write(safe.join("token"), format!("{CANARY}\n")).unwrap();
    let noting = |of: &str| format!("cat /proc/{of}/cmdline >> '{}'", notes.display());
    script(&safe.join("bin/git"), &format!("{}\nexec {} \"$@\"", noting("$$"), which("git").display()));
    script(&safe.join("bin/edit"), &format!("{}\nprintf '\\n- [ ] it stops\\n' >> \"$1\"", noting("$$")));
    script(&safe.join("bin/give"), &format!("{}\n{}\ncat '{}/token'", noting("$PPID"), noting("$$"), safe.display()));
    let path = format!("{}:{}", safe.join("bin").display(), std::env::var("PATH").unwrap());
    alice.set("PATH", &path);
    alice.set("EDITOR", "edit");
    alice.configure("[token]\nkeyring = false\ncommand = \"give\"\n[log]\nlevel = \"trace\"\n");
    let address = format!("{}/Harbor", world.organisation());
    let mut journey = Journey::new(alice);
    journey.goes(0, &["connect", &address, "--check"]);
    journey.goes(0, &["connect", &address, "--prefix", "KAN", "--repo", "tide-api", "--yes"]);
    let spec = journey.alice.file("spec.md", "# KAN-1: Ring\n\n- [ ] it rings\n");
    let edited = journey.alice.file("edited.md", "# KAN-1: Ring twice\n\n- [x] it rings\n");
    for arguments in [
        &["projects"][..],
        &["repos", "discover"],
        &["members", "discover", "--yes"],
        &["members", "add", "bob", "--yes"],
        &["reviewers", "--strategy", "load-balance", "--yes"],
        &["token", "source"],
        &["doctor"],
        &["config", "show"],
        &["new", "Ring", "--criterion", "it rings", "--yes"],
        &["spec", "edit", "KAN-1", "--from", &spec, "--yes"],
        &["start", "KAN-1", "--dry-run"],
        &["start", "KAN-1", "--yes", "--json"],
        &["spec", "edit", "KAN-1", "--from", &edited, "--yes"],
        &["spec", "edit", "KAN-1", "--yes"],
        &["spec", "diff", "KAN-1"],
        &["spec", "push", "KAN-1", "--yes"],
        &["pr", "KAN-1", "--yes"],
        &["sync"],
        &["sync", "KAN-1", "--json"],
        &["prs", "--json"],
        &["show", "KAN-1"],
        &["import", "--from-branch", "--yes"],
        &["ls"],
    ] {
        let code = if arguments[0] == "import" { 1 } else { 0 };
        journey.goes(code, arguments);
    }
    // In a clone whose remote carries the token, as some people have it.
    let clone = journey.alice.home().join("safe/clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    let config = std::fs::read_to_string(clone.join(".git/config")).unwrap();
    assert!(config.contains(CANARY), "the clone has the token: {config}");
    journey.goes(0, &["new", "In a clone", "--yes"]);
    for (code, arguments) in
        [(0, &["start", "KAN-2", "--checkout", "--yes"][..]), (0, &["show"]), (0, &["connect", "--yes"]), (2, &["pr", "--nosuch"])]
    {
        let output = journey.alice.command(arguments).current_dir(&clone).env("RUST_LOG", "trace").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        journey.printed.extend([(format!("{arguments:?}"), output.stdout), (format!("{arguments:?}"), output.stderr)]);
    }
    let noted = std::fs::read(&notes).unwrap();
    assert!(!is_traced(&noted, &traces()), "in the arguments of a process: {}", String::from_utf8_lossy(&noted));
    let noted = String::from_utf8_lossy(&noted).replace('\0', " ");
    for line in ["sh -c give", "bin/give", "bin/git -C", "fetch --quiet", "bin/edit"] {
        assert!(noted.contains(line), "{line} was not noted in {noted}");
    }
    let searched = journey.assert_clean(&[&safe]);
    let logs: Vec<_> =
        files(journey.alice.home()).into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "log")).collect();
    let logged: String = logs.iter().map(|log| std::fs::read_to_string(log).unwrap()).collect();
    assert!(logged.contains("DEBUG") || logged.contains("TRACE"), "the log was at its loudest: {logs:?}");
    assert!(searched > 5, "the database, its log, the configuration, the logs: {searched}");
    // The world knows it, so the search finds it where it is.
    assert!(is_traced(&std::fs::read(world.state().join("world.json")).unwrap(), &traces()));
}

#[test]
fn failures_and_a_crash_leave_no_trace_of_the_token() {
    let world = world();
    let alice = Person::newcomer(&world, "alice");
    let mut journey = Journey::new(alice);
    journey.goes(0, &["new", "Ring", "--yes"]);
    journey.goes(0, &["new", "Ring twice", "--yes"]);
    // A crash in the middle of the work.
    let output = journey
        .alice
        .command(&["start", "KAN-1", "--yes"])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .env("KANADO_TEST_PANIC_AT", "start.branch.done")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(101), "{told}");
    assert!(told.contains("kanado crashed") && told.contains("the report is in"), "{told}");
    let reports: Vec<_> = files(journey.alice.home()).into_iter().filter(|file| file.to_string_lossy().contains("crash-")).collect();
    let report = std::fs::read_to_string(&reports[0]).unwrap();
    assert!(reports.len() == 1 && report.contains("start.branch.done"), "{reports:?}: {report}");
    journey.printed.push(("the crash".to_owned(), output.stderr));
    journey.goes(0, &["start", "KAN-1", "--yes"]);
    // Every kind of trouble on the way.
    for fault in ["429:retry-after=3600", "401", "203", "302", "html", "500@1", "503-bom@1", "cut@1"] {
        world.fault(fault);
        let output = journey.alice.command(&["start", "KAN-2", "--yes", "--json"]).env("RUST_LOG", "trace").output().unwrap();
        journey.printed.push((fault.to_owned(), [output.stdout, output.stderr].concat()));
        world.no_faults();
    }
    // A token that is none, and one in the wrong place: an argument is refused without being repeated.
    let mut broken = Journey::new(Person::new(&format!("{CANARY} {CANARY}")));
    broken.goes(1, &["connect", &format!("{}/Harbor", world.organisation()), "--yes"]);
    broken.assert_clean(&[]);
    let with_token = world.organisation().replacen("://", &format!("://me:{CANARY}@"), 1);
    journey.goes(0, &["connect", &format!("{with_token}/Harbor"), "--yes"]);
    journey.goes(1, &["connect", &format!("{with_token}/Nowhere"), "--yes"]);
    journey.goes(2, &["connect", &format!("ftp://me:{CANARY}@host/x"), "--yes"]);
    journey.assert_clean(&[]);
    let folder = world.stop();
    journey.goes(1, &["sync"]);
    journey.assert_clean(&[]);
    drop(folder);
}

#[test]
fn a_token_that_is_typed_or_piped_is_in_one_file_only_its_owner_reads() {
    use std::io::Write;

    let world = world();
    let mut alice = Person::new("");
    alice.unset("KANADO_PAT");
    alice.configure("[token]\nkeyring = false\n");
    let place = alice.data().join("tokens");
    let address = format!("{}/Harbor", world.organisation());
    let mut environment = alice.environment().to_vec();
    environment.push(("RUST_LOG".to_owned(), "trace".to_owned()));
    let mut terminal = Pty::spawn(24, 100, &["connect", &address, "--repo", "tide-api", "--yes"], &environment);
    terminal.wait_for("(not shown)");
    terminal.send(&format!("{CANARY}\r"));
    assert_eq!(terminal.wait_exit(), 0, "{}", terminal.screen());
    assert!(!is_traced(&terminal.bytes(), &traces()), "{}", terminal.screen());
    let mut journey = Journey::new(alice);
    journey.goes(0, &["sync"]);
    let kept =
        |place: &Path| files(place).into_iter().filter(|file| is_traced(&std::fs::read(file).unwrap(), &traces())).collect::<Vec<_>>();
    assert_eq!(kept(&place).len(), 1);
    assert_eq!(kept(&place)[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    journey.assert_clean(&[&place]);
    // A file that others can read is refused, without being read out.
    std::fs::set_permissions(&kept(&place)[0], std::fs::Permissions::from_mode(0o644)).unwrap();
    journey.goes(1, &["sync"]);
    assert!(String::from_utf8_lossy(&journey.printed.last().unwrap().1).contains("chmod 600"), "{:?}", journey.printed.last());
    journey.assert_clean(&[&place]);
    // Forgotten, it is nowhere; handed in on standard input, it is back in its place.
    journey.goes(0, &["token", "forget", "--yes"]);
    journey.assert_clean(&[]);
    for subcommand in ["set", "rotate"] {
        let mut command = journey.alice.command(&["token", subcommand]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("RUST_LOG", "trace").spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{CANARY}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        journey.printed.push((format!("token {subcommand}"), [output.stdout, output.stderr].concat()));
    }
    assert_eq!(kept(&place).len(), 1);
    journey.goes(0, &["sync"]);
    journey.assert_clean(&[&place]);
}
