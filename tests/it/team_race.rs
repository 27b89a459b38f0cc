//! A team on one PostgreSQL at the same moment: real processes that make, edit and start tickets, two that receive webhooks.
//!
//! Where no server is named and none can be started, the tests say so and do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::support::postgres;
use super::support::receiver::{Serve, project_path, secret};
use super::support::team::{Shares, Team};
use super::support::template::{FIRST, Template, USUAL};
use super::support::world::Person;

/// Processes at the same moment.
const AT_ONCE: usize = 8;

/// Runs jobs on a few threads; their answers in their order.
fn at_once<T: Send>(jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mut answers: Vec<(usize, T)> = std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= jobs {
                    return done;
                }
                done.push((index, job(index)));
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn key_of(value: &Value) -> String {
    value["key"].as_str().unwrap().to_owned()
}

/// Adds a criterion, and again as long as somebody else was faster; how often that was.
fn add_criterion(person: &Person, key: &str, words: &str) -> usize {
    for refused in 0..1_000 {
        let output = person.run(&["edit", key, "--criterion", words, "--yes", "--json"]);
        if output.status.success() {
            return refused;
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("was changed meanwhile"), "{told}");
    }
    panic!("somebody else was always faster");
}

#[test]
fn a_hundred_processes_of_two_people_lose_no_edit_and_issue_no_key_twice() {
    let Some(server) = postgres::server() else { return };
    let database = server.database();
    let team = Team::gather(Shares::Postgres(database.url().to_owned()));
    let bob = team.bob.as_ref().unwrap();
    let somebody = |index: usize| if index.is_multiple_of(2) { &team.alice } else { bob };

    // Forty new tickets at once: forty keys, none left out.
    let keys = at_once(40, |index| key_of(&somebody(index).json(&["new", &format!("Ticket {index}")])));
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 40);
    let wanted: BTreeSet<String> = (1..=40).map(|number| format!("KAN-{number}")).collect();
    assert_eq!(keys.iter().cloned().collect::<BTreeSet<_>>(), wanted);

    // Forty edits of one ticket at once: whoever was slower is told, and nothing is overwritten.
    let edited = &keys[0];
    at_once(40, |index| add_criterion(somebody(index), edited, &format!("criterion number {index:02}")));
    let shown = team.alice.json(&["show", edited]);
    let criteria: Vec<&str> = shown["criteria"].as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap()).collect();
    let wanted: BTreeSet<String> = (0..40).map(|index| format!("criterion number {index:02}")).collect();
    let added: Vec<&&str> = criteria.iter().filter(|text| text.starts_with("criterion number")).collect();
    assert_eq!(added.len(), 40, "each once: {criteria:?}");
    assert_eq!(added.iter().map(|text| (**text).to_owned()).collect::<BTreeSet<_>>(), wanted);

    // Ten tickets started by both at once: each is somebody's, on one branch, with one spec.
    let outcomes = at_once(20, |index| {
        let key = &keys[1 + index / 2];
        let output = somebody(index).run(&["start", key, "--yes", "--json"]);
        (key.clone(), output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    });
    let mut started: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (key, success, words) in &outcomes {
        started.entry(key.clone()).or_default().push(*success);
        assert!(!words.contains("panic"), "{words}");
    }
    for (key, successes) in &started {
        assert!(successes.contains(&true), "{key}: {outcomes:?}");
        let shown = bob.json(&["show", key]);
        assert_eq!(shown["status"], "in_progress", "{shown}");
        assert!(shown["assignee"].is_object() || shown["assignee"].is_string(), "it is somebody's: {shown}");
        assert!(team.world.tip("tide-api", &format!("feature/{key}")).is_some(), "{key} has its branch");
        let starts = shown["history"].as_array().unwrap().iter().filter(|row| row["words"].as_str().unwrap().starts_with("work started"));
        assert_eq!(starts.count(), 1, "it was started once: {shown}");
    }

    // The store is whole afterwards.
    let checked = bob.json(&["db", "check"]);
    let integrity = checked["findings"].as_array().unwrap().iter().find(|finding| finding["subject"] == "integrity").unwrap();
    assert_eq!(integrity["level"], "good", "{checked}");
}

#[test]
fn two_receivers_on_one_store_keep_each_notification_once_and_apply_it_once() {
    let Some(server) = postgres::server() else { return };
    let database = server.database();
    let team = Team::gather(Shares::Postgres(database.url().to_owned()));
    let (key, number) = team.reviewed("Warn of high tides");
    let secret = secret(&team.alice);
    let first = team.serve.start(&team.alice);
    let second = Serve::anywhere().start(team.bob.as_ref().unwrap());
    let about = team.about(&key, number);
    let template = Template::updated(&about, USUAL);
    let path = project_path(&about.project);

    // A balancer that repeats itself: every notification reaches both.
    let statuses = at_once(100, |index| {
        let body = template.body(FIRST + (index / 2) as i64);
        let receiver = if index.is_multiple_of(2) { &first } else { &second };
        receiver.deliver(&path, &secret, &body).status
    });
    assert!(statuses.iter().all(|status| (200..300).contains(status)), "{statuses:?}");
    team.wait_settled();
    let kept = team.database().notifications();
    assert_eq!(kept.len(), 50);
    assert!(kept.values().all(|times| *times == 1), "{kept:?}");
    let states = team.database().states();
    assert_eq!(states.keys().filter(|state| !matches!(state.as_str(), "applied" | "ignored")).count(), 0, "{states:?}");
    assert_eq!(team.status(&key), "pr_open");
    assert_eq!((first.stop(), second.stop()), (0, 0));
}

#[test]
fn a_board_moves_to_a_server_and_back_with_everything_on_it() {
    let Some(server) = postgres::server() else { return };
    let (there, back) = (server.database(), tempfile::tempdir().unwrap());
    let team = Team::gather(Shares::File);
    let (key, number) = team.reviewed("Warn of high tides");
    let told = |arguments: &[&str]| team.alice.json(arguments);
    let before = (told(&["show", &key]), told(&["ls"]), told(&["prs"]));

    let plan: Value = serde_json::from_str(&team.alice.ok(&["db", "copy", "--to", there.url(), "--dry-run", "--json"])).unwrap();
    assert_eq!(plan["applied"], false, "{plan}");
    assert!(!team.alice.fails(1, &["db", "copy", "--to", there.url()]).is_empty(), "nobody was there to confirm");
    let copied = told(&["db", "copy", "--to", there.url()]);
    assert!(copied["rows"]["tickets"].as_i64().unwrap() >= 1, "{copied}");
    let on_server = |arguments: &[&str]| told(&[arguments, &["--database", there.url()]].concat());
    assert_eq!((on_server(&["show", &key]), on_server(&["ls"]), on_server(&["prs"])), before, "pull request {number} too");
    let again = team.alice.fails(1, &["db", "copy", "--to", there.url(), "--yes"]);
    assert!(again.contains("is not empty"), "{again}");

    let file = format!("sqlite://{}", back.path().join("board.db").display());
    told(&["db", "copy", "--from", there.url(), "--to", &file]);
    let home = |arguments: &[&str]| told(&[arguments, &["--database", &file]].concat());
    assert_eq!((home(&["show", &key]), home(&["ls"]), home(&["prs"])), before);

    let backup = back.path().join("backup.db").to_string_lossy().into_owned();
    let made = on_server(&["db", "backup", &backup]);
    assert_eq!(made["rows"], copied["rows"], "{made}");
    let migrated = home(&["db", "migrate"]);
    assert_eq!(migrated["schema"], migrated["was"], "{migrated}");
    assert_eq!(on_server(&["db", "check"])["engine"], "postgres");
}
