//! What somebody reads whose token lacks a scope: which one, where it is given, and what is lost until then.

use serde_json::{Value, json};

use crate::journey_cli::{alice, started};
use crate::support::world::{Person, World};

const PAGE: &str = "/lumen/_usersSettings/tokens";

/// The name of the only project of a small organisation.
fn project(world: &World) -> String {
    let projects = Person::new(&world.token("alice")).json(&["connect", world.organisation(), "--check"]);
    projects["projects"][0]["name"].as_str().unwrap().to_owned()
}

fn line<'a>(checked: &'a Value, scope: &str) -> &'a Value {
    let scopes = checked["scopes"].as_array().unwrap();
    scopes.iter().find(|one| one["scope"] == scope).unwrap_or_else(|| panic!("no line for {scope}: {scopes:?}"))
}

#[track_caller]
fn assert_says(words: &str, parts: &[&str]) {
    // Lines are broken at the 80th column.
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(words.contains(part), "{part:?} is not in {words}");
    }
}

/// Somebody with the token that is noted so, connected, with everything collected that may be.
fn collected(world: &World, project: &str, note: &str) -> Person {
    let person = Person::new(&world.token_noted("alice", note));
    person.json(&["connect", &format!("{}/{project}", world.organisation())]);
    person.ok(&["backfill", "--json"]);
    person
}

#[test]
fn without_build_every_command_says_which_scope_and_where_it_is_given() {
    let world = World::with(&["--organisation", "s"]);
    let project = project(&world);
    let address = format!("{}/{project}", world.organisation());
    let person = Person::new(&world.token_noted("alice", "every scope but build"));

    let output = person.run(&["connect", &address, "--check"]);
    assert_eq!(output.status.code(), Some(0), "the board works without");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_says(
        &told,
        &["missing Build (read): without it, deployment frequency", "To do: edit the token at", PAGE, "kanado token rotate"],
    );
    let checked = person.json(&["connect", &address, "--check"]);
    let build = line(&checked, "Build (read)");
    assert_eq!((&build["outcome"], &build["need"]), (&json!("missing"), &json!("expected")));

    person.json(&["connect", &address]);
    let output = person.run(&["backfill"]);
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_says(&told, &[&format!("without pipeline runs and stages of {project}: the token lacks Build (read); edit the token at"), PAGE]);
    assert_eq!(told.matches("lacks Build").count(), 1, "told once: {told}");
    let output = person.run(&["backfill", "--json"]);
    let last: Value = serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().last().unwrap()).unwrap();
    let refused: Vec<&str> = last["refused"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!((refused, &last["complete"]), (vec!["builds", "timelines"], &json!(true)));

    let answer = person.json(&["metrics"]);
    let tile = |metric: &str| answer["figures"]["tiles"].as_array().unwrap().iter().find(|tile| tile["metric"] == metric).unwrap();
    for metric in ["deployment_frequency", "lead_time", "change_fail_rate", "recovery_time", "rework_rate", "pipeline_reliability"] {
        let text = tile(metric)["value"].to_string();
        assert!(text.contains("not_measured"), "{metric}: {text}");
        assert_says(&text, &["the token lacks Build (read)", PAGE]);
        assert_eq!(tile(metric)["missing"][0]["source"], "builds");
    }
    for metric in ["cycle_time", "throughput", "work_in_progress", "merged_without_review"] {
        assert!(!tile(metric)["value"].to_string().contains("not_measured"), "{metric}");
    }
    let words = person.ok(&["metrics"]);
    assert_says(&words, &["Deployment frequency not measured", "the token lacks Build (read); edit the token at", PAGE]);
    assert!(!words.contains("without pipeline runs"), "the tile says it already: {words}");
    let told = person.ok(&["metrics", "--explain", "lead_time"]);
    assert_says(&told, &["Change lead time: not measured", "the token lacks Build (read)", PAGE]);

    // What may not be read is no failure: all else goes on.
    let output = person.run(&["health"]);
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_says(&told, &["without pipeline runs and stages: the token lacks Build (read)", PAGE]);
    let health = person.json(&["health", "--check"]);
    assert_eq!(health["healthy"], true);
    let connection = &health["projects"][0]["connection"];
    assert_eq!(line(connection, "Build (read)")["outcome"], "missing");
    assert!(connection["tokens_page"].as_str().unwrap().ends_with(PAGE));
    let sources = health["projects"][0]["collected"]["sources"].as_array().unwrap();
    for source in sources {
        let is_refused = ["builds", "timelines"].contains(&source["source"].as_str().unwrap());
        assert_eq!(source["refused"].is_string(), is_refused, "{source}");
        assert_eq!(source["synced_at"].is_string(), !is_refused, "{source}");
    }
    assert_says(&person.ok(&["health", "--check"]), &["scope missing Build (read): without it", "to do edit the token at", PAGE]);
}

#[test]
fn without_another_scope_health_says_what_is_lost_and_what_to_do() {
    let world = World::with(&["--organisation", "s"]);
    let project = project(&world);
    for (note, scope, lost) in [
        ("every scope but work items", "Work Items (read)", "work items"),
        ("every scope but release", "Release (read)", "classic releases"),
        ("every scope but environment", "Environment (read & manage)", "environments"),
    ] {
        let person = collected(&world, &project, note);
        let output = person.run(&["health"]);
        assert_eq!(output.status.code(), Some(0), "{note}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert_says(&told, &[&format!("without {lost}: the token lacks {scope}; edit the token at"), PAGE]);
        let words = person.ok(&["metrics"]);
        assert_says(&words, &[&format!("without {lost} of {project}: the token lacks {scope}")]);
        for line in words.lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
        }
    }
}

#[test]
fn a_comment_needs_a_scope_that_writes_and_says_which() {
    let world = World::start();
    let mut alice = alice(&world);
    let key = started(&alice, "Answer faster");
    alice.json(&["pr", &key]);

    alice.set("KANADO_PAT", &world.token_noted("alice", "reads all there is"));
    let foretold = alice.run(&["connect", &format!("{}/Harbor", world.organisation()), "--check"]);
    let told = String::from_utf8(foretold.stderr).unwrap();
    assert_says(&told, &["missing Pull Request Threads (read & write): without it, no comment can be written, by you or by kanado", PAGE]);
    alice.ok(&["comment", &key, "--dry-run"]);
    let told = alice.fails(1, &["comment", &key, "--yes"]);
    assert_says(&told, &["Pull Request Threads (read & write) or Code (read & write)", PAGE]);

    // Code that may be written does as well.
    alice.set("KANADO_PAT", &world.token_noted("alice", "every scope but pull request threads"));
    let done = alice.json(&["comment", &key]);
    assert_eq!(done["step"], "create");
}
