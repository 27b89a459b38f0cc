//! Who is asked to review, and how a ticket follows its pull request wherever that goes.

use serde_json::{Value, json};

use crate::journey_cli::{alice, clone_of, made, person, started, status};
use crate::support::world::{Person, World};

fn number(opened: &Value) -> i64 {
    opened["number"].as_i64().unwrap()
}

/// Nobody may review but these.
fn only(alice: &Person, who: &[&str]) {
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        alice.json(&["members", "set", name, "--can-review", if who.contains(&name) { "yes" } else { "no" }]);
    }
}

/// Everything that is open is closed, so that nobody has a review to do.
fn clear(world: &World) {
    let all = world.control("GET", "pullRequests", Value::Null);
    for row in all["pullRequests"].as_array().unwrap().iter().filter(|row| row["state"] == "active") {
        world.control("POST", "abandon", json!({ "pullRequest": row["pullRequest"], "as": "alice" }));
    }
}

/// A pull request of somebody else in another repository that asks these people.
fn elsewhere(world: &World, n: u32, reviewers: &[&str]) -> i64 {
    let branch = format!("spare/{n}");
    let path = format!("/spare-{n}.md");
    world.control("POST", "push", json!({ "repository": "Harbor/ops", "branch": branch, "as": "erin", "path": path, "content": "x\n" }));
    let body = json!({ "repository": "Harbor/ops", "source": branch, "target": "main", "title": format!("Spare {n}"), "as": "erin", "reviewers": reviewers });
    world.control("POST", "open", body)["pullRequest"].as_i64().unwrap()
}

#[test]
fn the_least_loaded_is_asked_and_ties_go_to_who_was_asked_longest_ago() {
    let world = World::start();
    let alice = alice(&world);
    clear(&world);
    only(&alice, &["bob", "carol", "dave"]);
    let rules = alice.json(&["reviewers", "--strategy", "load-balance"]);
    assert_eq!((&rules["strategy"], &rules["pool"]), (&json!("load_balance"), &json!(["Bob Tanaka", "Carol Okafor", "Dave Lindqvist"])));
    elsewhere(&world, 1, &["bob", "carol"]);
    elsewhere(&world, 2, &["bob"]);

    // Bob has two, carol one, dave none; then dave and carol are equal, and carol was never asked.
    let expected = [
        ("Dave Lindqvist", "the fewest"),
        ("Carol Okafor", "not chosen before"),
        ("Dave Lindqvist", "the fewest"),
        ("Bob Tanaka", "not chosen before"),
    ];
    let mut opened = Vec::new();
    for (step, (name, why)) in expected.iter().enumerate() {
        let key = started(&alice, &format!("Number {step}"));
        let made = alice.json(&["pr", &key]);
        let sentence = made["reviewer_sentence"].as_str().unwrap();
        assert_eq!(made["reviewer"], *name, "{step}: {sentence}");
        assert!(sentence.starts_with(name) && sentence.contains(why), "{step}: {sentence}");
        opened.push(number(&made));
    }
    let asked: Vec<_> = opened.iter().map(|number| world.pull_request(*number)["votes"].clone()).collect();
    assert_eq!(asked, [json!({ "dave": 0 }), json!({ "carol": 0 }), json!({ "dave": 0 }), json!({ "bob": 0 })]);
}

#[test]
fn the_mapped_reviewer_is_asked_until_overloaded() {
    let world = World::start();
    let alice = alice(&world);
    clear(&world);
    only(&alice, &["bob", "carol"]);
    let member = alice.json(&["members", "set", "alice", "--default-reviewer", "bob"]);
    assert_eq!(member[0]["default_reviewer"], "Bob Tanaka");
    alice.json(&["reviewers", "--strategy", "mapped", "--threshold", "2"]);

    let open = |title: &str| {
        let key = started(&alice, title);
        alice.json(&["pr", &key])
    };
    let first = open("First");
    assert_eq!(first["reviewer"], "Bob Tanaka");
    assert_eq!(first["reviewer_sentence"], "Bob Tanaka: default reviewer of Alice Moreau; no open review");
    elsewhere(&world, 1, &["bob"]);
    let second = open("Second");
    assert_eq!(second["reviewer"], "Carol Okafor", "bob has two, the limit");
    let why = second["reviewer_sentence"].as_str().unwrap();
    assert!(why.contains("Bob Tanaka, the default reviewer, has 2, at or over the limit of 2"), "{why}");

    // One of bob's is merged: he is asked again.
    world.control("POST", "merge", json!({ "pullRequest": number(&first), "as": "carol" }));
    assert_eq!(open("Third")["reviewer"], "Bob Tanaka");
    alice.json(&["members", "set", "alice", "--default-reviewer", "none"]);
    let why = open("Fourth")["reviewer_sentence"].as_str().unwrap().to_owned();
    assert!(why.contains("Alice Moreau has no default reviewer"), "{why}");
}

#[test]
fn a_reviewer_can_be_named_and_nobody_too() {
    let world = World::start();
    let alice = alice(&world);
    let named = started(&alice, "Named");
    let opened = alice.json(&["pr", &named, "--reviewer", "erin"]);
    assert_eq!((&opened["reviewer"], &opened["reviewer_sentence"]), (&json!("Erin Castellanos"), &json!("Erin Castellanos: as asked")));
    let nobody = started(&alice, "Nobody");
    let opened = alice.json(&["pr", &nobody, "--no-reviewer"]);
    assert_eq!((&opened["reviewer"], &world.pull_request(number(&opened))["votes"]), (&Value::Null, &json!({})));
    only(&alice, &["alice"]);
    let alone = started(&alice, "Alone");
    let opened = alice.json(&["pr", &alone]);
    assert_eq!((&opened["reviewer"], &opened["status"]), (&Value::Null, &json!("pr_open")));
    let why = opened["reviewer_sentence"].as_str().unwrap();
    assert!(why.contains("the author is the only member who may review"), "{why}");
}

#[test]
fn an_abandoned_pull_request_gives_the_ticket_back_and_a_reactivated_one_takes_it() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Back and forth");
    let pr = number(&alice.json(&["pr", &key]));
    world.control("POST", "abandon", json!({ "pullRequest": pr, "as": "bob" }));
    let synced = alice.json(&["sync"]);
    assert_eq!((&synced["moved"][0]["from"], &synced["moved"][0]["to"]), (&json!("pr_open"), &json!("in_progress")));
    let shown = alice.json(&["show", &key]);
    let notice = shown["notice"].as_str().unwrap();
    assert!(notice.contains("abandoned") && notice.contains(&pr.to_string()), "{notice}");
    assert_eq!(shown["pull_request"]["facts"]["status"], "abandoned");

    world.control("POST", "reactivate", json!({ "pullRequest": pr, "as": "bob" }));
    assert_eq!(alice.json(&["sync"])["moved"][0]["to"], "pr_open");
    assert_eq!(alice.json(&["show", &key])["notice"], Value::Null);

    // Abandoned again, and another one opened: the newest active one wins.
    world.control("POST", "abandon", json!({ "pullRequest": pr, "as": "bob" }));
    alice.json(&["sync"]);
    let second = number(&alice.json(&["pr", &key]));
    assert!(second > pr);
    let shown = alice.json(&["show", &key]);
    assert_eq!((&shown["status"], &shown["pull_request"]["facts"]["number"]), (&json!("pr_open"), &json!(second)));
    world.control("POST", "merge", json!({ "pullRequest": second, "as": "bob" }));
    alice.json(&["sync"]);
    assert_eq!(status(&alice, &key), "merged");
}

#[test]
fn a_draft_is_open_with_a_badge_until_it_is_published() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Draft");
    let opened = alice.json(&["pr", &key, "--draft"]);
    assert_eq!((&opened["draft"], &opened["status"]), (&json!(true), &json!("pr_open")));
    assert_eq!(world.pull_request(number(&opened))["draft"], true);
    let card = || alice.json(&["ls"])[0].clone();
    assert_eq!((&card()["status"], &card()["pull_request"]["is_draft"]), (&json!("pr_open"), &json!(true)));
    world.control("POST", "publish", json!({ "pullRequest": number(&opened), "as": "alice" }));
    assert_eq!(alice.json(&["sync"])["moved"], json!([]), "a draft was open before, too");
    assert_eq!(card()["pull_request"]["is_draft"], false);
}

#[test]
fn with_done_on_merge_a_merged_ticket_is_done() {
    let world = World::start();
    let alice = alice(&world);
    alice.ok(&["config", "set", "board.done_on_merge", "true"]);
    let key = started(&alice, "Straight on");
    let pr = number(&alice.json(&["pr", &key]));
    world.control("POST", "merge", json!({ "pullRequest": pr, "as": "bob" }));
    let synced = alice.json(&["sync"]);
    assert_eq!((&synced["moved"][0]["from"], &synced["moved"][0]["to"]), (&json!("pr_open"), &json!("done")));
    assert_eq!(status(&alice, &key), "done");
}

#[test]
fn a_pull_request_that_somebody_opened_elsewhere_is_adopted() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Opened elsewhere");
    let body = json!({ "repository": "Harbor/tide-api", "source": "feature/KAN-1", "target": "main", "title": "By bob", "as": "bob" });
    let pr = world.control("POST", "open", body)["pullRequest"].as_i64().unwrap();
    let synced = alice.json(&["sync"]);
    assert_eq!((&synced["moved"][0]["key"], &synced["moved"][0]["to"]), (&json!(key), &json!("pr_open")));
    let shown = alice.json(&["pr", &key]);
    assert_eq!((number(&shown), &shown["existing"]), (pr, &json!(true)));

    // One that was opened and merged between two looks is found as well.
    let other = started(&alice, "Opened and merged");
    let body = json!({ "repository": "Harbor/tide-api", "source": "feature/KAN-2", "target": "main", "title": "Quick", "as": "bob" });
    let quick = world.control("POST", "open", body)["pullRequest"].as_i64().unwrap();
    world.control("POST", "merge", json!({ "pullRequest": quick, "as": "bob", "deleteSource": true }));
    let synced = alice.json(&["sync"]);
    assert!(synced["moved"].as_array().unwrap().iter().any(|row| row["key"] == other && row["to"] == "merged"), "{synced}");
}

#[test]
fn an_unreadable_repository_never_means_merged() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Hidden");
    let pr = number(&alice.json(&["pr", &key]));
    world.control("POST", "deny", json!({ "repository": "Harbor/tide-api", "as": "alice", "permission": "GenericRead" }));
    let synced = alice.json(&["sync"]);
    assert_eq!(synced["moved"], json!([]), "{synced}");
    assert!(synced["unexplained"].as_array().unwrap().contains(&json!(format!("tide-api !{pr}"))), "{synced}");
    assert_eq!(status(&alice, &key), "pr_open");
    world.control("POST", "permit", json!({ "repository": "Harbor/tide-api", "as": "alice", "permission": "GenericRead" }));
    assert_eq!(alice.json(&["sync"])["unexplained"], json!([]));
    assert_eq!(status(&alice, &key), "pr_open");
}

#[test]
fn a_template_of_the_repository_is_in_the_description_and_a_target_can_be_named() {
    let world = World::start();
    let alice = person(&world, "alice", &["tide-api"]);
    let base = world.branches("tide-api")["main"].clone();
    world.control("POST", "push", json!({ "repository": "Harbor/tide-api", "branch": "release", "from": "main", "as": "bob", "path": "/RELEASE.md", "content": "1.0\n" }));
    let key = made(&alice, "To the release");
    alice.json(&["start", &key]);
    let opened = alice.json(&["pr", &key, "--target", "release", "--title", "Ready for 1.0"]);
    let row = world.pull_request(number(&opened));
    assert_eq!((&row["target"], &row["title"]), (&json!("release"), &json!("Ready for 1.0")));
    let facts = alice.json(&["show", &key])["pull_request"]["facts"].clone();
    let description = facts["description"].as_str().unwrap();
    let template =
        crate::support::world::git(&clone_of(&world, &alice, "clone"), &["show", "origin/release:.azuredevops/pull_request_template.md"]);
    assert!(description.contains(template.lines().next().unwrap()), "{description}");
    assert!(description.find("- [ ] it works") < description.find(template.lines().next().unwrap()));
    assert_ne!(world.branches("tide-api")["release"], base);
}
