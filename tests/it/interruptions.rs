//! Processes killed while they work: the next run of the same command leaves what an unbroken run leaves.
//!
//! The points to kill at come from the journal of an unbroken run, so that a step added to an action is tested without being listed here.
//! Two worlds are made from one seed; in one of them everything is broken off and run again, in the other nothing is.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::digest::{Detail, Digest, assert_same, journalled_steps, remote_timeless, store};
use crate::support::pty::Pty;
use crate::support::world::{Person, World};

const SPEC: &str = "# Tell the skipper 🚢\r\n\r\n## Acceptance criteria\r\n\r\n- [ ] it rings\r\n- [x] it stops\r\n";

/// Where a run of an action can be killed: before anything, before and after each step is written down, and after everything.
fn points(steps: &[(String, String)], action: &str) -> Vec<String> {
    let mut points = vec![format!("{action}.begin.recorded")];
    for (_, step) in steps.iter().filter(|(other, _)| other == action) {
        // A spec is adopted and written down in one transaction: there is nothing in between.
        let moments: &[&str] = if action == "import" { &["recorded"] } else { &["done", "recorded"] };
        points.extend(moments.iter().map(|moment| format!("{action}.{step}.{moment}")));
    }
    points.push(format!("{action}.finish.recorded"));
    assert!(points.len() > 2, "{action} wrote down no step: {steps:?}");
    points
}

/// Runs a command that must be killed at this point.
#[track_caller]
fn killed_at(person: &Person, point: &str, arguments: &[&str]) {
    let output = person.command(arguments).env("KANADO_TEST_KILL_AT", point).output().unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{point} was not reached by {arguments:?}: {}", words(&output));
}

fn words(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Alice in a world of her own.
struct Side {
    world: World,
    alice: Person,
}

impl Side {
    fn new() -> Self {
        let world = World::with(&["--start", "2026-05-04T08:00:00Z"]);
        let alice = Person::newcomer(&world, "alice");
        Self { world, alice }
    }

    fn new_ticket(&self, title: &str) -> String {
        let made = self.alice.json(&["new", title, "--criterion", "it rings", "--description", "So that nobody sleeps through."]);
        made["key"].as_str().unwrap().to_owned()
    }

    fn write_spec(&self, key: &str) {
        let file = self.alice.file("spec.md", SPEC);
        self.alice.ok(&["spec", "edit", key, "--from", &file, "--yes"]);
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.alice.json(arguments)
    }
}

#[track_caller]
fn same(broken: &Side, unbroken: &Side, after: &str) {
    assert_same(&remote_timeless(&broken.world), &remote_timeless(&unbroken.world), &format!("the remotes differ after {after}"));
    // The two simulators listen on different ports.
    let of = |side: &Side| store(&side.alice, Detail::Timeless).replace(side.world.url().trim_start_matches("http://"), "SIM");
    assert_same(&of(broken), &of(unbroken), &format!("the stores differ after {after}"));
}

#[test]
fn a_ticket_killed_at_every_step_of_its_way_arrives_as_if_nothing_had_happened() {
    let (broken, unbroken) = (Side::new(), Side::new());
    // The way itself, unbroken on both sides: its journal says where it can be broken.
    for side in [&broken, &unbroken] {
        let key = side.new_ticket("First");
        side.json(&["start", &key]);
        side.write_spec(&key);
        side.json(&["spec", "push", &key]);
        side.json(&["pr", &key]);
    }
    same(&broken, &unbroken, "no interruption");
    let steps = journalled_steps(&unbroken.alice);
    let actions: std::collections::BTreeSet<_> = steps.iter().map(|(action, _)| action.as_str()).collect();
    // `connect` and `import` have tests of their own below; an action that is new here needs one.
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), ["connect", "pr", "spec push", "start"]);

    // One ticket a point: a difference names the ticket.
    for point in points(&steps, "start") {
        let key = broken.new_ticket(&point);
        killed_at(&broken.alice, &point, &["start", &key, "--yes"]);
        broken.json(&["start", &key]);
        assert_eq!(unbroken.new_ticket(&point), key);
        unbroken.json(&["start", &key]);
    }
    same(&broken, &unbroken, "interrupted runs of `start`");
    for (number, point) in points(&steps, "spec push").into_iter().enumerate() {
        let key = format!("KAN-{}", number + 2);
        for side in [&broken, &unbroken] {
            side.write_spec(&key);
        }
        killed_at(&broken.alice, &point, &["spec", "push", &key, "--yes"]);
        broken.json(&["spec", "push", &key]);
        unbroken.json(&["spec", "push", &key]);
    }
    same(&broken, &unbroken, "interrupted runs of `spec push`");
    for (number, point) in points(&steps, "pr").into_iter().enumerate() {
        let key = format!("KAN-{}", number + 2);
        killed_at(&broken.alice, &point, &["pr", &key, "--yes"]);
        broken.json(&["pr", &key]);
        unbroken.json(&["pr", &key]);
    }
    same(&broken, &unbroken, "interrupted runs of `pr`");
}

#[test]
fn a_connection_killed_at_every_step_is_whole_after_the_next_run() {
    let world = World::start();
    let address = format!("{}/Harbor", world.organisation());
    let connect = |kill_at: Option<&str>, person: &Person| {
        let mut environment = person.environment().to_vec();
        environment.extend(kill_at.map(|point| ("KANADO_TEST_KILL_AT".to_owned(), point.to_owned())));
        let mut terminal = Pty::spawn(24, 100, &["connect", &address, "--yes", "--repo", "tide-api"], &environment);
        terminal.wait_for("(not shown)");
        terminal.send(&format!("{}\r", world.token("alice")));
        terminal.wait_exit();
        terminal.screen()
    };
    let stranger = || {
        let mut person = Person::new("");
        person.unset("KANADO_PAT");
        // A token typed in goes to a file: keyrings belong to the machine, not to the test.
        person.configure("[token]\nkeyring = false\n");
        person
    };
    let unbroken = stranger();
    connect(None, &unbroken);
    let steps = journalled_steps(&unbroken);
    let expected = (store(&unbroken, Detail::Timeless), files_below(&unbroken.data().join("tokens")));
    assert_eq!(expected.1.len(), 1, "the token is kept in one file: {:?}", expected.1);
    assert!(expected.0.contains("tide-api") && !expected.0.contains("unfinished"), "{}", expected.0);
    let before = Digest::of(&world, &unbroken);
    let points = points(&steps, "connect");
    assert!(points.contains(&"connect.token.done".to_owned()), "{points:?}");
    for point in points {
        let person = stranger();
        connect(Some(&point), &person);
        let half = (store(&person, Detail::Timeless), files_below(&person.data().join("tokens")));
        assert!(half != expected || point.contains("finish"), "{point} was not reached: {}", half.0);
        if half.1.is_empty() {
            connect(None, &person);
        } else {
            // The token is kept already: nobody is asked for it again.
            person.ok(&["connect", &address, "--yes", "--repo", "tide-api"]);
        }
        let whole = (store(&person, Detail::Timeless), files_below(&person.data().join("tokens")));
        assert_same(&whole.0, &expected.0, &format!("the store after {point}"));
        assert_eq!(whole.1, expected.1, "the token file after {point}");
    }
    before.assert_unchanged(&world, &unbroken, "connecting");
}

fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut files: Vec<_> =
        entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn an_import_killed_after_every_spec_adopts_each_one_once() {
    let (broken, unbroken) = (Side::new(), Side::new());
    let write = |side: &Side, round: usize| {
        let folder = side.alice.home().join(format!("specs-{round}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("a.md"), "# Without a key\n").unwrap();
        std::fs::write(folder.join("b.md"), "# Another without a key\r\n\r\n- [ ] x\r\n").unwrap();
        std::fs::write(folder.join(format!("KAN-{}.md", 1000 * (round + 1))), "# With a key\n").unwrap();
        folder.file_name().unwrap().to_string_lossy().into_owned()
    };
    for side in [&broken, &unbroken] {
        let folder = write(side, 0);
        side.json(&["import", &folder]);
    }
    same(&broken, &unbroken, "no interruption");
    let names: Vec<String> = points(&journalled_steps(&unbroken.alice), "import");
    assert_eq!(names.len(), 5, "{names:?}");
    for (round, point) in (1..).zip(names) {
        let folder = write(&unbroken, round);
        write(&broken, round);
        // The steps are named by their files.
        let point = point.replace("specs-0", &folder).replace("KAN-1000", &format!("KAN-{}", 1000 * (round + 1)));
        killed_at(&broken.alice, &point, &["import", &folder, "--yes"]);
        broken.json(&["import", &folder]);
        unbroken.json(&["import", &folder]);
        if !point.contains("finish") {
            same(&broken, &unbroken, &point);
        }
    }
}

#[test]
fn specs_of_the_same_name_in_two_repositories_are_both_imported() {
    let world = World::start();
    let side = Side { alice: Person::connected(&world, "alice", "Harbor", "tide-api"), world };
    side.json(&["repos", "link", "pilot-cli"]);
    for (repository, words) in [("Harbor/tide-api", "# Of the tides\n"), ("Harbor/pilot-cli", "# Of the pilots\n")] {
        let body =
            serde_json::json!({ "repository": repository, "branch": "main", "as": "bob", "path": "/.tickets/idea.md", "content": words });
        side.world.control("POST", "push", body);
    }
    let outcomes = side.json(&["import", "--from-branch"]);
    let titles: Vec<_> =
        outcomes.as_array().unwrap().iter().filter(|row| row["outcome"] == "imported").map(|row| row["title"].clone()).collect();
    assert!(titles.contains(&"Of the tides".into()) && titles.contains(&"Of the pilots".into()), "{outcomes}");
}

/// Kills a command with `kill -9` when the world has done what its request asked for and before the answer is read, then runs it again.
fn killed_before_the_answer(side: &Side, fault: &str, arguments: &[&str]) {
    let id = side.world.fault(fault);
    let mut child = side.alice.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    side.world.wait_hit(id, 1);
    // The fault answers only after the work is done; ask something that has to wait for that work.
    side.world.control("GET", "pullRequests", Value::Null);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    side.world.no_faults();
}

#[test]
fn a_process_killed_between_an_effect_and_its_answer_is_finished_by_the_next_run() {
    let (broken, unbroken) = (Side::new(), Side::new());
    let cases: [(&str, &[&[&str]]); 4] = [
        ("slow:method=POST:path=/refs:ms=60000", &[&["start", "KAN-1", "--yes"]]),
        ("slow:method=POST:path=/pushes:ms=60000", &[&["start", "KAN-2", "--yes"]]),
        ("slow:method=POST:path=/pullrequests:ms=60000", &[&["start", "KAN-3", "--yes"], &["pr", "KAN-3", "--yes"]]),
        ("slow:method=POST:path=/reviewers:ms=60000", &[&["start", "KAN-4", "--yes"], &["pr", "KAN-4", "--yes"]]),
    ];
    for (fault, commands) in cases {
        for side in [&broken, &unbroken] {
            side.new_ticket("Half-way");
        }
        let (last, before) = commands.split_last().unwrap();
        for command in before {
            broken.alice.ok(command);
            unbroken.alice.ok(command);
        }
        let untouched = remote_timeless(&broken.world);
        killed_before_the_answer(&broken, fault, last);
        assert_ne!(remote_timeless(&broken.world), untouched, "{fault}: the effect was there when the process died");
        broken.alice.ok(last);
        unbroken.alice.ok(last);
        same(&broken, &unbroken, fault);
    }
    // The same for a push of the spec, whose effect the next run finds by comparing.
    for side in [&broken, &unbroken] {
        side.write_spec("KAN-1");
    }
    killed_before_the_answer(&broken, "slow:method=POST:path=/pushes:ms=60000", &["spec", "push", "KAN-1", "--yes"]);
    for side in [&broken, &unbroken] {
        side.json(&["spec", "push", "KAN-1"]);
    }
    same(&broken, &unbroken, "a push without an answer");
}

#[test]
fn a_lost_answer_is_found_out_by_looking_in_the_same_run() {
    let (broken, unbroken) = (Side::new(), Side::new());
    for side in [&broken, &unbroken] {
        side.new_ticket("Cut off");
    }
    for path in ["/refs", "/pushes", "/pullrequests"] {
        broken.world.fault(&format!("cut@1:method=POST:path={path}"));
    }
    for side in [&broken, &unbroken] {
        side.json(&["start", "KAN-1"]);
        side.json(&["pr", "KAN-1"]);
    }
    let hits = broken.world.control("GET", "faults", Value::Null);
    assert!(hits["faults"].as_array().unwrap().iter().all(|row| row["hit"] == 1), "{hits}");
    same(&broken, &unbroken, "answers cut off");
}

#[test]
fn a_start_that_left_nothing_behind_binds_nobody_to_its_branch() {
    let side = Side::new();
    let key = side.new_ticket("Twice");
    killed_at(&side.alice, "start.begin.recorded", &["start", &key, "--yes"]);
    // Somebody else takes the name meanwhile.
    let body = serde_json::json!({ "repository": "Harbor/tide-api", "branch": "feature/KAN-1", "as": "bob", "path": "/x", "content": "x" });
    side.world.control("POST", "push", body);
    let told = side.alice.fails(1, &["start", &key, "--yes"]);
    assert!(told.contains("feature/KAN-1 already exists") && told.contains("Bob Tanaka made it"), "{told}");
    let started = side.json(&["start", &key, "--branch", "other/KAN-1"]);
    assert_eq!(started["branch"], "other/KAN-1");
    assert_eq!(side.json(&["show", &key])["branch"], "other/KAN-1");
    assert!(side.world.tip("Harbor/tide-api", "other/KAN-1").is_some());
}

#[test]
fn a_pull_request_begun_in_vain_is_opened_with_the_words_of_the_next_run() {
    let side = Side::new();
    let key = side.new_ticket("Words");
    side.json(&["start", &key]);
    killed_at(&side.alice, "pr.begin.recorded", &["pr", &key, "--yes", "--title", "Old words"]);
    let opened = side.json(&["pr", &key, "--title", "New words", "--draft", "--no-reviewer"]);
    assert_eq!(
        (opened["title"].as_str(), opened["draft"].as_bool(), opened["existing"].as_bool()),
        (Some("New words"), Some(true), Some(false))
    );
    let rows = side.world.pull_requests_of("feature/KAN-1");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["title"], &rows[0]["votes"]), (&"New words".into(), &serde_json::json!({})));
}

#[test]
fn a_pull_request_that_somebody_else_opened_meanwhile_is_linked_and_left_alone() {
    let side = Side::new();
    let key = side.new_ticket("Theirs");
    side.json(&["start", &key]);
    killed_at(&side.alice, "pr.begin.recorded", &["pr", &key, "--yes"]);
    let body =
        serde_json::json!({ "repository": "Harbor/tide-api", "source": "feature/KAN-1", "target": "main", "title": "Bob's", "as": "bob" });
    let number = side.world.control("POST", "open", body)["pullRequest"].clone();
    let opened = side.json(&["pr", &key]);
    assert_eq!((&opened["number"], &opened["existing"]), (&number, &true.into()));
    let rows = side.world.pull_requests_of("feature/KAN-1");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["votes"], serde_json::json!({}), "no reviewer was added to it");
    assert_eq!(side.json(&["show", &key])["status"], "pr_open");
    assert!(!store(&side.alice, Detail::Timeless).contains("unfinished"));
}

#[test]
fn what_is_begun_is_not_finished_in_readonly() {
    let side = Side::new();
    let key = side.new_ticket("Look only");
    side.json(&["start", &key]);
    killed_at(&side.alice, "pr.link.recorded", &["pr", &key, "--yes"]);
    let before = Digest::of(&side.world, &side.alice);
    let told = side.alice.fails(1, &["pr", &key, "--yes", "--readonly"]);
    assert!(told.contains("--readonly forbids it"), "{told}");
    before.assert_unchanged(&side.world, &side.alice, "a command that is not allowed");
}

#[test]
fn of_two_starts_at_once_from_two_stores_one_wins_and_the_other_is_told() {
    let world = World::with(&["--latency-ms", "10"]);
    let people: Vec<_> = ["alice", "bob"].iter().map(|name| Person::newcomer(&world, name)).collect();
    for round in 1..=3 {
        let key = format!("KAN-{round}");
        for person in &people {
            assert_eq!(person.json(&["new", "The same"])["key"], key.as_str());
        }
        let before: Vec<_> = people.iter().map(|person| store(person, Detail::Everything)).collect();
        let children: Vec<_> = people
            .iter()
            .map(|person| person.command(&["start", &key, "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let winners: Vec<_> = (0..2).filter(|&who| outputs[who].status.success()).collect();
        assert_eq!(winners.len(), 1, "{:?}", outputs.iter().map(words).collect::<Vec<_>>());
        let (winner, loser) = (winners[0], 1 - winners[0]);
        let told = String::from_utf8_lossy(&outputs[loser].stderr).into_owned();
        assert_eq!(outputs[loser].status.code(), Some(1), "{told}");
        let maker = ["Alice Moreau", "Bob Tanaka"][winner];
        assert!(told.contains(&format!("branch feature/{key} already exists")) && told.contains(&format!("{maker} made it")), "{told}");
        assert!(told.contains("--reuse-branch"), "{told}");
        assert_same(&before[loser], &store(&people[loser], Detail::Everything), "the loser's store is as it was");
        assert_eq!(people[winner].json(&["show", &key])["status"], "in_progress");
        let repository = world.state().join("git");
        let branches = world.branches("Harbor/tide-api");
        let of_ticket: Vec<_> = branches.keys().filter(|name| name.ends_with(&key)).collect();
        assert_eq!(of_ticket, [&format!("feature/{key}")]);
        let git = std::fs::read_dir(repository).unwrap().map(|entry| entry.unwrap().path());
        let commits: Vec<_> = git
            .filter_map(|bare| {
                let range = format!("main..feature/{key}");
                let output = std::process::Command::new("git").arg("-C").arg(bare).args(["rev-list", "--count", &range]).output().unwrap();
                output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
            })
            .collect();
        assert_eq!(commits, ["1"], "one branch with one commit");
    }
}
