//! Plans by subcommands: shown and not carried out with `--dry-run`, and where nobody is there to say yes.

use serde_json::{Value, json};

use crate::journey_cli::{alice, file, made, started};
use crate::support::world::{Person, World};

/// All that a command may change: refs and pull requests there, tickets and repositories here.
fn everything(world: &World, person: &Person) -> Value {
    let tickets = person.json(&["ls"]);
    let keys: Vec<_> = tickets.as_array().unwrap().iter().map(|card| card["key"].as_str().unwrap().to_owned()).collect();
    json!({
        "branches": world.branches("tide-api"),
        "pull requests": world.control("GET", "pullRequests", Value::Null),
        "tickets": keys.iter().map(|key| person.json(&["show", key])).collect::<Vec<_>>(),
        "repositories": person.json(&["repos"]),
        "members": person.json(&["members", "ls"]),
        "reviewers": person.json(&["reviewers"]),
    })
}

#[test]
fn nothing_happens_without_a_yes() {
    let world = World::start();
    let alice = alice(&world);
    let begun = started(&alice, "Begun");
    let fresh = made(&alice, "Fresh");
    let text = file(&alice, "typed.md", b"# KAN-1: Begun\n\nchanged\n");
    let text = text.to_string_lossy();
    let other = file(&alice, "KAN-9.md", b"# Ninth\n");
    let other = other.to_string_lossy();
    let before = everything(&world, &alice);

    // The command, and a word of its plan.
    let commands: [(&[&str], &str); 13] = [
        (&["new", "Another"], "make a ticket in Harbor: Another"),
        (&["start", &fresh], "create branch feature/KAN-2 from main"),
        (&["pr", &begun], "Open a pull request for KAN-1 in tide-api: feature/KAN-1 -> main"),
        (&["spec", "edit", &begun, "--from", &text], "+changed"),
        (&["edit", &fresh, "--title", "Fresher"], "change title of KAN-2"),
        (&["move", &begun, "todo"], "move KAN-1 from In Progress to To Do"),
        (&["archive", &fresh], "KAN-2"),
        (&["delete", &fresh], "KAN-2"),
        (&["assign", &fresh, "bob"], "KAN-2"),
        (&["import", &other], "import into Harbor"),
        (&["repos", "link", "ops"], "link ops"),
        (&["members", "set", "bob", "--can-review", "no"], "Bob Tanaka"),
        (&["reviewers", "--strategy", "mapped"], "default reviewer"),
    ];
    for (command, plan) in commands {
        let words = format!("kanado {command:?}");
        let output = alice.run(command);
        let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert_eq!(output.status.code(), Some(1), "{words}: {out}{err}");
        assert!(out.contains(plan), "{words} shows its plan: {out}{err}");
        assert!(err.contains("nothing was changed: nobody is there to confirm") && err.contains("--yes"), "{words}: {err}");

        let mut dry = command.to_vec();
        dry.push("--dry-run");
        let shown = alice.ok(&dry);
        assert!(shown.contains(plan), "{words} --dry-run: {shown}");

        dry.push("--json");
        let shown: Value = serde_json::from_str(&alice.ok(&dry)).unwrap();
        assert_eq!(shown["applied"], false, "{words}: {shown}");
        assert!(shown["plan"].is_object() && shown["warnings"].is_array(), "{words}: {shown}");

        let mut piped = command.to_vec();
        piped.push("--json");
        let output = alice.run(&piped);
        assert_eq!(output.status.code(), Some(1), "{words} --json");
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((&shown["applied"], &error["error"]["code"]), (&json!(false), &json!("not_confirmed")), "{words}");
    }
    assert_eq!(everything(&world, &alice), before);
}

#[test]
fn a_draft_is_not_pushed_without_a_yes() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Drafted");
    let text = file(&alice, "typed.md", b"# KAN-1: Drafted\n\nchanged\n");
    alice.json(&["spec", "edit", &key, "--from", &text.to_string_lossy()]);
    let before = everything(&world, &alice);
    let output = alice.run(&["spec", "push", &key]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("push .tickets/KAN-1.md to feature/KAN-1"));
    let shown: Value = serde_json::from_str(&alice.ok(&["spec", "push", &key, "--dry-run", "--json"])).unwrap();
    assert_eq!((&shown["applied"], &shown["plan"]["branch"]), (&json!(false), &json!("feature/KAN-1")));
    assert_eq!(everything(&world, &alice), before);
}

#[test]
fn a_connection_is_made_only_with_a_yes() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    let url = format!("{}/Harbor", world.organisation());
    let refused = alice.fails(1, &["connect", &url]);
    assert!(refused.contains("nobody is there to confirm"), "{refused}");
    let shown = alice.ok(&["connect", &url, "--dry-run"]);
    assert!(shown.contains("put Harbor on the board"), "{shown}");
    let checked: Value = serde_json::from_str(&alice.ok(&["connect", &url, "--check", "--json"])).unwrap();
    assert_eq!((&checked["organisation"], &checked["project"]["name"]), (&json!("lumen"), &json!("Harbor")));
    let none = alice.fails(1, &["ls"]);
    assert!(none.contains("no project is on the board yet"), "{none}");
}

#[test]
fn readonly_forbids_what_would_change_azure_devops() {
    let world = World::start();
    let alice = alice(&world);
    let begun = started(&alice, "Begun");
    let fresh = made(&alice, "Fresh");
    let tips = world.branches("tide-api");
    for command in [["start", fresh.as_str()], ["pr", begun.as_str()]] {
        let refused = alice.fails(1, &[command[0], command[1], "--yes", "--readonly"]);
        assert!(refused.contains("--readonly forbids it"), "{refused}");
    }
    assert_eq!(world.branches("tide-api"), tips);
    assert_eq!(alice.json(&["edit", &fresh, "--title", "Fresher", "--readonly"])["title"], "Fresher");
}
