//! The way of a ticket by subcommands with `--json`, from an idea to a merged pull request, against the Services and two Servers.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::world::{Person, World, git, git_bytes};

/// What a person typed: Windows line endings, an emoji, text from right to left, and no line end at the end.
pub const TYPED: &str = "# KAN-1: Answer faster 🚀\r\n\r\n## Overview\r\n\r\nParent story: Tides\r\n\r\nAs a skipper I want it; שלום עולם.\r\n\r\n\
    ## Acceptance criteria\r\n\r\n- [x] it works\r\n- [ ] it is fast\r\n- [ ] it works at night 🌙\r\n\r\n## Notes of ours\r\n\r\n\tkept\u{a0}as typed  \r\nlast line";

/// Alice, connected to project Harbor as `KAN`, with one repository linked.
pub fn alice(world: &World) -> Person {
    person(world, "alice", &["tide-api"])
}

pub fn person(world: &World, name: &str, link: &[&str]) -> Person {
    let person = Person::new(&world.token(name));
    let url = format!("{}/Harbor", world.organisation());
    let mut arguments = vec!["connect", url.as_str(), "--prefix", "KAN"];
    arguments.extend(link.iter().flat_map(|name| ["--repo", *name]));
    person.json(&arguments);
    person
}

/// Makes a ticket, and starts work on it.
pub fn started(person: &Person, title: &str) -> String {
    let key = made(person, title);
    person.json(&["start", &key]);
    key
}

pub fn made(person: &Person, title: &str) -> String {
    let made = person.json(&["new", title, "-d", "As a skipper I want it.", "-c", "it works", "-c", "it is fast"]);
    made["key"].as_str().unwrap().to_owned()
}

pub fn status(person: &Person, key: &str) -> String {
    person.json(&["show", key])["status"].as_str().unwrap().to_owned()
}

/// A text in a file of the person's home.
pub fn file(person: &Person, name: &str, content: &[u8]) -> PathBuf {
    let path = person.home().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Saves and pushes a text as the spec of a ticket.
pub fn push_spec(person: &Person, key: &str, text: &str) -> Value {
    let path = file(person, "typed.md", text.as_bytes());
    person.json(&["spec", "edit", key, "--from", &path.to_string_lossy()]);
    person.json(&["spec", "push", key])
}

pub fn clone_of(world: &World, person: &Person, name: &str) -> PathBuf {
    let into = person.home().join(name);
    world.clone("alice", "Harbor", "tide-api", &into);
    into
}

pub fn parents(clone: &Path, commit: &str) -> Vec<String> {
    git(clone, &["log", "-1", "--format=%P", commit]).split_whitespace().map(str::to_owned).collect()
}

/// Nothing in the clone is broken. What nobody points to any more is no fault.
#[track_caller]
pub fn assert_sound(clone: &Path) {
    let said = git(clone, &["fsck", "--strict", "--no-dangling", "--no-progress"]);
    assert_eq!(said, "", "git fsck --strict");
}

fn number(opened: &Value) -> i64 {
    opened["number"].as_i64().unwrap()
}

/// The account of a reviewer by display name, before the `@`.
pub fn alias(person: &Person, display_name: &str) -> String {
    let members = person.json(&["members", "ls"]);
    let member = members.as_array().unwrap().iter().find(|member| member["name"] == display_name).unwrap();
    member["account"].as_str().unwrap().split('@').next().unwrap().to_owned()
}

/// The whole way. Everything asserted in it is the same wherever Azure DevOps runs.
pub fn a_ticket_goes_all_the_way(world: &World, deployment: &str) {
    let alice = Person::new(&world.token("alice"));

    let connected = alice.json(&["connect", &format!("{}/Harbor", world.organisation()), "--prefix", "KAN"]);
    assert_eq!(connected["organisation"]["deployment"], deployment);
    assert_eq!((&connected["user"]["unique_name"], &connected["accessible_projects"]), (&json!("alice@lumen.example"), &json!(2)));
    assert_eq!((&connected["projects"][0]["prefix"], &connected["linked"]), (&json!("KAN"), &json!([])));
    let scopes = connected["scopes"].as_array().unwrap();
    assert!(!scopes.iter().any(|scope| scope["outcome"] == "missing"), "{scopes:?}");
    let linked = alice.json(&["repos", "link", "tide-api"]);
    assert_eq!((&linked[0]["name"], &linked[0]["linked"], &linked[0]["target_branch"]), (&json!("tide-api"), &json!(true), &json!("main")));
    assert_eq!(alice.json(&["members", "discover"]).as_array().unwrap().len(), 5);
    let bob = alice.json(&["members", "set", "bob", "--can-review", "no"]);
    assert_eq!(bob[0]["can_review"], false);

    let made = alice.json(&["new", "Answer faster", "-d", "As a skipper", "-c", "it works", "--label", "speed", "--priority", "2"]);
    assert_eq!((&made["key"], &made["status"], &made["spec"]), (&json!("KAN-1"), &json!("todo"), &json!("local")));
    let before = world.branches("tide-api");
    let main = &before["main"];
    let begun = alice.json(&["start", "KAN-1"]);
    assert_eq!((&begun["branch"], &begun["base_commit"]), (&json!("feature/KAN-1"), &json!(main)));
    let ticket = alice.json(&["show", "KAN-1"]);
    assert_eq!((&ticket["status"], &ticket["spec"], &ticket["branch"]), (&json!("in_progress"), &json!("pushed"), &json!("feature/KAN-1")));
    assert_eq!(ticket["assignee"]["unique_name"], "alice@lumen.example");
    let again = alice.json(&["start", "KAN-1"]);
    assert_eq!((&again["already_started"], &again["commit"]), (&json!(true), &Value::Null));

    let typed = file(&alice, "typed.md", TYPED.as_bytes());
    let saved = alice.json(&["spec", "edit", "KAN-1", "--from", &typed.to_string_lossy()]);
    assert_eq!((&saved["changed"], &saved["badge"]), (&json!(true), &json!("draft")));
    let pushed = alice.json(&["spec", "push", "KAN-1"]);
    assert_eq!((&pushed["outcome"], &pushed["merged"]), (&json!("pushed"), &json!(false)), "{pushed}");
    assert_eq!(alice.run(&["show", "KAN-1", "--spec"]).stdout, TYPED.as_bytes());

    // What git sees: one branch more, two commits on it, the typed bytes.
    let now = world.branches("tide-api");
    let added: Vec<_> = now.keys().filter(|name| !before.contains_key(*name)).map(String::as_str).collect();
    assert_eq!((added, &now["main"]), (vec!["feature/KAN-1"], main));
    let clone = clone_of(world, &alice, "clone");
    assert_eq!(git_bytes(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), TYPED.as_bytes());
    assert_sound(&clone);
    let tip = git(&clone, &["rev-parse", "origin/feature/KAN-1"]);
    assert_eq!((&pushed["commit"], &now["feature/KAN-1"]), (&json!(tip), &tip));
    assert_eq!(parents(&clone, &tip), [begun["commit"].as_str().unwrap()]);
    assert_eq!(parents(&clone, begun["commit"].as_str().unwrap()), std::slice::from_ref(main));
    assert_eq!(git(&clone, &["log", "-1", "--format=%an <%ae>", &tip]), "Alice Moreau <alice@lumen.example>");

    let opened = alice.json(&["pr", "KAN-1"]);
    let pr = number(&opened);
    assert_eq!((&opened["existing"], &opened["draft"], &opened["status"]), (&json!(false), &json!(false), &json!("pr_open")));
    assert_eq!(opened["title"], "KAN-1: Answer faster 🚀");
    let reviewer = alias(&alice, opened["reviewer"].as_str().unwrap());
    assert!(!["alice", "bob"].contains(&reviewer.as_str()), "neither the author nor who may not review: {reviewer}");
    let again = alice.json(&["pr", "KAN-1"]);
    assert_eq!((&again["existing"], number(&again)), (&json!(true), pr));
    let theirs = world.pull_request(pr);
    assert_eq!((&theirs["by"], &theirs["votes"]), (&json!("alice"), &json!({ reviewer.as_str(): 0 })));
    let (code, got) = world.api("alice", "GET", &format!("_apis/git/pullrequests/{pr}"), Value::Null);
    assert_eq!(code, 200);
    let description = got["description"].as_str().unwrap();
    for part in [
        "As a skipper I want it; שלום עולם.",
        "## Acceptance criteria",
        "- [x] it works",
        "- [ ] it works at night 🌙",
        ".tickets/KAN-1.md",
    ] {
        assert!(description.contains(part), "{part:?} is not in {description:?}");
    }

    world.control("POST", "vote", json!({ "pullRequest": pr, "as": reviewer, "vote": 10 }));
    world.control("POST", "settle", json!({}));
    alice.json(&["sync", "KAN-1"]);
    let shown = alice.json(&["show", "KAN-1"]);
    let facts = &shown["pull_request"]["facts"];
    assert_eq!((&facts["reviewers"][0]["vote"], &facts["merge"]), (&json!("approved"), &json!("succeeded")));
    assert_eq!((&shown["status"], &shown["pull_request"]["source"]), (&json!("pr_open"), &json!("poll")));
    assert!(shown["pull_request"]["checks"].is_object(), "policies were read: {shown}");
    let card = &alice.json(&["ls", "--status", "pr-open"])[0];
    assert_eq!((&card["key"], &card["pull_request"]["votes"]["approved"]), (&json!("KAN-1"), &json!(1)));

    let merged = world.control("POST", "merge", json!({ "pullRequest": pr, "as": reviewer }));
    assert_eq!(status(&alice, "KAN-1"), "pr_open", "nobody has looked yet");
    let synced = alice.json(&["sync"]);
    assert_eq!(synced["moved"], json!([{ "key": "KAN-1", "from": "pr_open", "to": "merged", "notice": null }]));
    assert_eq!(alice.json(&["sync"])["moved"], json!([]), "a second look finds nothing new");
    let shown = alice.json(&["show", "KAN-1"]);
    assert_eq!((&shown["status"], &shown["pull_request"]["facts"]["status"]), (&json!("merged"), &json!("completed")));
    let told: Vec<_> =
        shown["history"].as_array().unwrap().iter().filter(|row| !row["moved"].is_null()).map(|row| row["moved"].clone()).collect();
    assert_eq!(told, [json!(["todo", "in_progress"]), json!(["in_progress", "pr_open"]), json!(["pr_open", "merged"])]);

    git(&clone, &["fetch", "--quiet", "--prune"]);
    let landed = merged["commit"].as_str().unwrap();
    assert_eq!(git(&clone, &["rev-parse", "origin/main"]), landed);
    assert_eq!(parents(&clone, landed), [main.clone(), tip]);
    assert_eq!(git_bytes(&clone, &["show", "origin/main:.tickets/KAN-1.md"]), TYPED.as_bytes());
    assert_sound(&clone);

    let done = alice.json(&["move", "KAN-1", "done"]);
    assert_eq!(done["status"], "done");
    assert!(alice.json(&["ls", "--status", "merged"]).as_array().unwrap().is_empty());
    assert_eq!(alice.json(&["ls", "--status", "done"])[0]["key"], "KAN-1");
}

#[test]
fn a_ticket_goes_all_the_way_on_the_services() {
    a_ticket_goes_all_the_way(&World::with(&[]), "services");
}

#[test]
fn a_ticket_goes_all_the_way_on_a_server_of_2019() {
    a_ticket_goes_all_the_way(&World::with(&["--server-version", "2019"]), "server");
}

#[test]
fn a_ticket_goes_all_the_way_on_a_server_of_2022() {
    a_ticket_goes_all_the_way(&World::with(&["--server-version", "2022"]), "server");
}
