//! Figures on the command line, from collecting to the report: in front of the simulator's demo organisation.

use serde_json::{Value, json};

use crate::journey_cli::alice;
use crate::support::world::{Person, World};

/// Alice, with everything collected.
fn collected(world: &World) -> Person {
    let alice = alice(world);
    let output = alice.run(&["backfill", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    alice
}

fn tile<'a>(answer: &'a Value, metric: &str) -> &'a Value {
    let tiles = answer["figures"]["tiles"].as_array().unwrap();
    tiles.iter().find(|tile| tile["metric"] == metric).unwrap_or_else(|| panic!("no tile {metric}"))
}

#[test]
fn figures_are_printed_as_a_table_as_json_and_as_csv() {
    let world = World::start();
    let alice = collected(&world);
    let answer = alice.json(&["metrics", "--window", "90d"]);
    assert_eq!(answer["figures"]["tiles"].as_array().unwrap().len(), 10);
    assert_eq!(answer["projects"][0]["complete"], true, "{}", answer["projects"]);
    let words = alice.ok(&["metrics", "--window", "90d"]);
    for line in words.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    for title in
        ["Deployment frequency", "Change lead time", "Change fail rate", "Failed deployment recovery time", "Deployment rework rate"]
    {
        assert!(words.contains(title), "{title}\n{words}");
    }
    let csv = alice.ok(&["metrics", "--window", "90d", "--csv"]);
    assert_eq!(csv.lines().count(), 1 + 10 + 6 + 3, "tiles, phases, and what went on in three of them: {csv}");
    assert!(csv.lines().any(|line| line.starts_with("phase_merge_wait_ci,CI during merge wait,")), "{csv}");
    let merge_wait = answer["figures"]["phases"].as_array().unwrap().iter().find(|one| one["phase"] == "merge_wait").unwrap();
    assert_eq!(merge_wait["overlay"]["overlay"], "ci", "{merge_wait}");
    let cycle = csv.lines().find(|line| line.starts_with("cycle_time,")).unwrap();
    assert!(cycle.contains(&format!(",{},", tile(&answer, "cycle_time")["n"])), "{cycle}");
    let told = alice.fails(2, &["metrics", "--csv", "--json"]);
    assert!(told.contains("choose one"), "{told}");
}

#[test]
fn the_rows_behind_a_number_are_as_many_as_it_says() {
    let world = World::start();
    let alice = collected(&world);
    let answer = alice.json(&["metrics", "--window", "90d"]);
    for metric in ["cycle_time", "lead_time", "deployment_frequency", "throughput"] {
        let explained = alice.json(&["metrics", "--window", "90d", "--explain", metric]);
        let rows = explained["rows"].as_array().unwrap();
        let counted = rows.iter().filter(|row| row["row"]["excluded"] == Value::Null).count();
        assert_eq!(json!(counted), tile(&answer, metric)["n"], "{metric}");
        let left_out: u64 = tile(&answer, metric)["excluded"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(rows.len() as u64 - counted as u64, left_out, "{metric}");
        let words = alice.ok(&["metrics", "--window", "90d", "--explain", metric]);
        assert!(words.contains(&format!("Counted: {counted}")), "{words}");
        let csv = alice.ok(&["metrics", "--window", "90d", "--explain", metric, "--csv"]);
        assert_eq!(csv.lines().count(), rows.len() + 1);
    }
}

#[test]
fn what_is_production_is_listed_with_its_reason_and_can_be_set() {
    let world = World::start();
    let alice = collected(&world);
    let listed = alice.json(&["metrics", "production"]);
    let all = listed.as_array().unwrap();
    let production: Vec<&Value> = all.iter().filter(|one| one["production"] == true).collect();
    assert!(!production.is_empty(), "{listed}");
    assert!(all.iter().all(|one| !one["why"].as_str().unwrap().is_empty()));
    let path = production[0]["path"].as_str().unwrap().to_owned();
    let verdict = |alice: &Person| -> Value {
        let listed = alice.json(&["metrics", "production"]);
        listed.as_array().unwrap().iter().find(|one| one["path"] == path.as_str()).unwrap().clone()
    };

    alice.ok(&["metrics", "production", "set", &path, "no", "--dry-run"]);
    assert_eq!(verdict(&alice)["production"], true, "only shown");
    alice.ok(&["metrics", "production", "set", &path, "no", "--yes"]);
    let after = verdict(&alice);
    assert_eq!((&after["production"], &after["ground"]), (&json!(false), &json!("decided")));
    alice.ok(&["metrics", "production", "set", &path.to_uppercase(), "auto", "--yes"]);
    assert_eq!(verdict(&alice)["production"], true);
    let told = alice.fails(1, &["metrics", "production", "set", "nothing/of/this", "yes"]);
    assert!(told.contains("there is no stage") && told.contains("there are "), "{told}");
}

#[test]
fn every_stage_and_environment_is_listed_and_one_that_was_not_read_can_be_set_and_is_read_then() {
    let world = World::start();
    let alice = collected(&world);
    let listed = || alice.json(&["metrics", "production"]);
    let runs = |path: &str| {
        let listed = listed();
        let found = listed.as_array().unwrap().iter().find(|one| one["path"] == path).cloned();
        found.map(|one| (one["production"].as_bool().unwrap(), one["runs"].as_u64().unwrap()))
    };
    assert_eq!(runs("tide-api/Staging"), Some((false, 1)), "{}", listed());
    assert_eq!(runs("*/*/tide-staging"), Some((false, 0)));
    assert_eq!(runs("*/*/web-staging"), Some((false, 0)));
    assert_eq!(runs("*/*/tide-production"), None, "told by what deploys into it");
    let all = listed();
    let stages = |name: &str| all.as_array().unwrap().iter().filter(|one| one["definition_name"] == name && one["stage"] != "").count();
    assert!(stages("tide-api") >= 4 && stages("harbor-web") >= 4 && stages("pilot-cli") >= 2, "{all}");

    alice.ok(&["metrics", "production", "set", "tide-api/staging/Tide-Staging", "yes", "--yes"]);
    alice.ok(&["metrics", "production", "set", "*/*/web-staging", "yes", "--yes"]);
    assert_eq!(runs("*/*/web-staging"), Some((true, 0)));
    alice.ok(&["backfill"]);
    let (is_production, read) = runs("tide-api/Staging/tide-staging").unwrap();
    assert!(is_production && read > 1, "{}", listed());
    let (is_production, read) = runs("harbor-web/Staging/web-staging").unwrap();
    assert!(is_production && read > 1, "{}", listed());
}

#[test]
fn a_project_has_days_of_its_own_where_somebody_says_so() {
    let world = World::start();
    let alice = collected(&world);
    let days = |alice: &Person| alice.json(&["metrics", "--window", "2026-10-25..2026-10-25"])["figures"]["window"].clone();
    assert_eq!(alice.json(&["metrics", "zone"])[0]["overridden"], false);
    let told = alice.fails(2, &["metrics", "zone", "Berlin"]);
    assert!(told.contains("`Berlin` is no time zone") && told.contains("Europe/Berlin"), "{told}");
    alice.ok(&["metrics", "zone", "Europe/Berlin", "--dry-run"]);
    assert_eq!(days(&alice), json!({ "from": "2026-10-25T00:00:00Z", "to": "2026-10-26T00:00:00Z" }), "only shown");

    let told = alice.ok(&["metrics", "zone", "europe/berlin", "--yes"]);
    assert!(told.contains("Europe/Berlin (set for the project)"), "{told}");
    // A day of 25 hours: summer time ends.
    assert_eq!(days(&alice), json!({ "from": "2026-10-24T22:00:00Z", "to": "2026-10-25T23:00:00Z" }));
    let words = alice.ok(&["metrics", "--window", "2026-10-25..2026-10-25"]);
    assert!(words.replace('\n', " ").contains("2026-10-25 (days of Europe/Berlin)"), "{words}");
    assert_eq!(alice.json(&["metrics"])["time_zone"], "Europe/Berlin");

    alice.ok(&["metrics", "zone", "auto", "--yes"]);
    assert_eq!(days(&alice), json!({ "from": "2026-10-25T00:00:00Z", "to": "2026-10-26T00:00:00Z" }));
}

#[test]
fn a_report_is_one_page_that_is_never_written_over_by_accident() {
    let world = World::start();
    let alice = collected(&world);
    let file = alice.home().join("report.html");
    let file = file.to_str().unwrap();
    alice.ok(&["metrics", "report", "--html", file, "--window", "90d"]);
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    for word in ["Delivery of Harbor", "Change lead time", "prefers-color-scheme", "<svg "] {
        assert!(page.contains(word), "{word}");
    }
    for word in ["<script", "src=\"http", "href=\"http"] {
        assert!(!page.contains(word), "{word}");
    }
    let told = alice.fails(1, &["metrics", "report", "--html", file]);
    assert!(told.contains("is there already") && told.contains("--force"), "{told}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), page);
    alice.ok(&["metrics", "report", "--html", file, "--force", "--window", "7d"]);
    assert_ne!(std::fs::read_to_string(file).unwrap(), page);
    let told = alice.fails(1, &["metrics", "report", "--html", "no/such/folder/report.html"]);
    assert!(told.contains("there is no folder"), "{told}");
}

#[test]
fn exit_codes_tell_scripts_what_they_need() {
    let world = World::start();
    let alice = alice(&world);
    // Selected and not collected: printed, and said to be on its way.
    let output = alice.run(&["metrics", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["projects"][0]["complete"], false);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is collected to 0 %"));
    assert!(tile(&answer, "throughput")["value"]["kind"] != "count", "never zero by accident: {}", tile(&answer, "throughput"));

    alice.run(&["backfill", "--json"]);
    alice.ok(&["metrics", "--window", "90d", "--fail-on", "throughput>100000"]);
    let told = alice.fails(1, &["metrics", "--window", "90d", "--fail-on", "throughput<100000"]);
    assert!(told.contains("throughput<100000"), "{told}");
    let told = alice.fails(2, &["metrics", "--fail-on", "speed>3"]);
    assert!(told.contains("is no figure"), "{told}");
    let told = alice.fails(2, &["metrics", "--window", "yesterday"]);
    assert!(told.contains("2026-11-01..2026-11-30"), "{told}");
    let told = alice.fails(1, &["metrics", "--repository", "nothing"]);
    assert!(told.contains("there is no repository nothing") && told.contains("tide-api"), "{told}");
    let told = alice.fails(1, &["metrics", "--project", "Harbor,nothing"]);
    assert!(told.contains("there is no project nothing"), "{told}");
}

#[test]
fn figures_are_narrowed_to_a_repository_a_service_and_a_team_and_computed_by_other_definitions() {
    let world = World::start();
    let alice = collected(&world);
    let all = alice.json(&["metrics", "--window", "90d"]);
    let narrow = alice.json(&["metrics", "--window", "90d", "--repository", "tide-api"]);
    assert_eq!(narrow["narrowed"], json!(["repository tide-api"]));
    let n = |answer: &Value| tile(answer, "cycle_time")["n"].as_u64().unwrap();
    assert!(n(&narrow) <= n(&all));
    let service = all["figures"]["services"][0]["name"].as_str().unwrap().to_owned();
    let narrow = alice.json(&["metrics", "--window", "90d", "--service", &service]);
    assert_eq!(narrow["narrowed"], json!([format!("service {service}")]));
    let teams = alice.json(&["metrics", "--window", "90d", "--team", "Harbor Team"]);
    assert!(n(&teams) <= n(&all));
    for definition in ["ours", "devlake", "fourkeys"] {
        let answer = alice.json(&["metrics", "--window", "90d", "--definition", definition]);
        assert_eq!(tile(&answer, "deployment_frequency")["definition"].as_str().map(|d| d.replace('_', "")), Some(definition.to_owned()));
    }
    let working = alice.json(&["metrics", "--window", "90d", "--working-hours"]);
    assert_eq!(working["figures"]["hours"], "working");
}

#[test]
fn what_one_process_was_told_of_the_rate_limit_the_next_one_tells() {
    let world = World::start();
    let alice = alice(&world);
    let limit = || alice.json(&["health"])["projects"][0]["rate_limit"].clone();
    let told = || {
        let words = String::from_utf8(alice.run(&["health"]).stdout).unwrap();
        words.lines().find(|line| line.contains("rate limit")).unwrap_or_else(|| panic!("{words}")).to_owned()
    };
    let silent = limit();
    assert_eq!((&silent["state"], &silent["said"]), (&json!("far"), &Value::Null), "{silent}");
    assert!(silent["as_of"].is_string() && told().contains("far from it, as of "), "{silent}");

    // Longer than anybody waits who stands there: the check ends, and what it was told stays.
    world.fault("200-retry-after:times=1:retry-after=600");
    let checked = alice.run(&["health", "--check"]);
    assert_eq!(checked.status.code(), Some(1), "{}", String::from_utf8_lossy(&checked.stdout));
    let near = limit();
    assert_eq!((&near["state"], &near["said"]["limit"], &near["said"]["remaining"]), (&json!("waiting"), &json!(200.0), &json!(0.0)));
    assert!(near["said"]["told_to_wait"].is_string() && near["said"]["reset_at"].is_string(), "{near}");
    let line = told();
    for part in ["told to wait another 10 min", "0 of 200 TSTU left, said ", "all back in "] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn health_tells_how_the_collection_stands_and_asks_only_when_told_to() {
    let world = World::start();
    let alice = collected(&world);
    let health = alice.json(&["health"]);
    let project = &health["projects"][0];
    assert_eq!((&health["healthy"], &project["connection"]["connected"]), (&json!(true), &json!(true)), "{health}");
    assert_eq!((&project["collected"]["complete"], &project["collected"]["stale"]), (&json!(true), &json!([])));
    assert!(project["connection"].get("scopes").is_none(), "nobody was asked");
    let words = alice.ok(&["health", "--check"]);
    for part in ["connection", "Connected", "rate limit", "collected", "complete"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let asked = alice.json(&["health", "--check"]);
    assert!(asked["projects"][0]["connection"]["scopes"].as_array().unwrap().len() >= 7);
}
