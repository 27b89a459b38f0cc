//! Webhooks from end to end: the product registers them, the simulator delivers, a receiver takes them, and boards of other processes
//! move with no key pressed. On a file, and on PostgreSQL where one is at hand.

use serde_json::{Value, json};

use crate::support::postgres;
use crate::support::team::{Shares, Team};

/// The subscriptions that the simulator has.
fn subscriptions(team: &Team) -> Vec<Value> {
    let (status, answer) = team.world.api("alice", "GET", "_apis/hooks/subscriptions", Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer["value"].as_array().unwrap().clone()
}

fn is_ours(team: &Team, subscription: &Value) -> bool {
    subscription["consumerInputs"]["url"].as_str().is_some_and(|url| url.starts_with(&team.serve.public_url()))
}

/// What a teammate does in Azure DevOps, and what the board of another process shows of it.
fn a_teammate_moves_the_card(shares: Shares) {
    let team = Team::gather(shares);
    let (key, number) = team.reviewed("Warn of high tides");
    let receiver = team.live();
    let ours = subscriptions(&team).into_iter().filter(|one| is_ours(&team, one)).count();
    assert!(ours >= 7, "one subscription a purpose: {ours}");
    let health = team.wait_health("a live project", |health| health.to_string().contains("\"now\""));
    assert_eq!(health["projects"][0]["quarantined"], 0, "the tests of registering are known as tests: {health}");

    // Nobody touches this board again.
    let board = team.board(40, 120);
    board.wait_for(&key);
    board.wait_for("PR Open 1");
    team.vote(number, 10);
    board.wait("the vote on the card", |screen| screen.contains("✓1"));
    team.vote(number, -10);
    board.wait("the changed vote on the card", |screen| screen.contains("✗1") || screen.contains("reject"));
    team.act("abandon", json!({ "pullRequest": number, "as": "bob" }));
    board.wait_gone("PR Open 1");
    team.act("reactivate", json!({ "pullRequest": number, "as": "bob" }));
    board.wait_for("PR Open 1");
    team.vote(number, 10);
    board.wait("the vote on the card", |screen| screen.contains("✓1"));
    team.act("merge", json!({ "pullRequest": number, "as": "bob" }));
    board.wait_for("Merged 1");
    assert_eq!(team.status(&key), "merged");
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn what_a_teammate_does_moves_the_card_on_the_board_of_another_process_without_a_key() {
    a_teammate_moves_the_card(Shares::File);
}

#[test]
fn on_one_postgresql_it_moves_on_the_board_of_another_person() {
    let Some(server) = postgres::server() else { return };
    let database = server.database();
    a_teammate_moves_the_card(Shares::Postgres(database.url().to_owned()));
}

/// Hooks told of nothing for ten minutes, and never will: one comparison finds it all.
fn an_outage_is_closed(shares: Shares) {
    let team = Team::gather(shares);
    let tickets: Vec<(String, i64)> =
        ["Merged meanwhile", "Abandoned meanwhile", "Voted on"].iter().map(|title| team.reviewed(title)).collect();
    let receiver = team.live();
    team.wait_health("a live project", |health| health.to_string().contains("\"now\""));
    assert_eq!(receiver.stop(), 0);

    team.act("merge", json!({ "pullRequest": tickets[0].1, "as": "bob" }));
    team.act("abandon", json!({ "pullRequest": tickets[1].1, "as": "bob" }));
    team.vote(tickets[2].1, 10);
    team.act("advance", json!({ "seconds": 600 }));
    team.act("hooks/idle", json!({}));
    for (key, _) in &tickets {
        assert_eq!(team.status(key), "pr_open", "nobody looked");
    }

    // No board is open that would look for itself.
    let receiver = team.serve.start(&team.alice);
    team.world.wait_until("the comparison", |_| team.status(&tickets[0].0) == "merged");
    let health = team.wait_health("a live project again", |health| health.to_string().contains("\"now\""));
    let healed = health["projects"][0]["reconciled"]["healed_total"].as_i64();
    assert!(healed.is_some_and(|healed| healed >= 3), "what hooks had missed is counted: {health}");
    let board = team.board(40, 120);
    board.wait("what happened meanwhile", |screen| screen.contains("Merged 1") && screen.contains("✓1"));
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn after_ten_minutes_without_a_receiver_one_reconciliation_closes_the_gap() {
    an_outage_is_closed(Shares::File);
}

#[test]
fn on_postgresql_too_one_reconciliation_closes_the_gap_of_an_outage() {
    let Some(server) = postgres::server() else { return };
    let database = server.database();
    an_outage_is_closed(Shares::Postgres(database.url().to_owned()));
}

#[test]
fn a_project_taken_off_the_board_keeps_no_subscription_of_ours_and_all_of_the_others() {
    let team = Team::gather(Shares::File);
    let before = subscriptions(&team);
    let receiver = team.live();
    assert!(subscriptions(&team).iter().any(|one| is_ours(&team, one)));
    team.alice.ok(&["projects", "remove", "Harbor", "--yes"]);
    let after = subscriptions(&team);
    assert!(!after.iter().any(|one| is_ours(&team, one)), "{after:?}");
    let ids = |all: &[Value]| {
        let mut ids: Vec<String> = all.iter().map(|one| one["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert!(!before.is_empty(), "others have hooks there");
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn a_hostile_title_that_arrives_by_a_hook_is_inert_on_the_board_and_in_the_log() {
    const HOSTILE: &str = "KAN-1 \u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\ \u{9b}2J\u{202e}txt\u{200b}\r\u{1b}[31m end";
    let mut team = Team::gather(Shares::File);
    team.alice.set("RUST_LOG", "trace");
    let (key, number) = team.reviewed("Warn of high tides");
    let mut receiver = team.live();
    let mut board = team.board(40, 120);
    board.wait_for(&key);
    team.act("retitle", json!({ "pullRequest": number, "as": "bob", "title": HOSTILE }));
    team.act("retitle", json!({ "pullRequest": number, "as": "bob", "title": format!("{HOSTILE}{}", "long ".repeat(60)) }));
    team.vote(number, 10);
    board.wait("the vote on the card", |screen| screen.contains("✓1"));
    // The list of pull requests shows the title, and so does the ticket.
    board.send("2");
    board.wait_for("click");
    board.send("1");
    board.send("\r");
    board.wait_for("click");
    board.send("\x1b");
    let bytes = String::from_utf8_lossy(&board.bytes()).into_owned();
    for alive in ["\u{1b}]52;", "\u{1b}]8;", "\u{9b}", "\u{202e}", "\u{200b}", "\u{1b}[31m end"] {
        assert!(!bytes.contains(alive), "{alive:?} reached the terminal");
    }
    let mut told = receiver.log();
    for arguments in [&["prs"][..], &["show", &key], &["health"]] {
        let output = team.alice.run(arguments);
        told.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    for file in crate::secrets::files(team.alice.home()).iter().filter(|file| file.extension().is_some_and(|ending| ending == "log")) {
        told.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
    }
    for alive in ["\u{1b}]", "\u{9b}", "\u{202e}", "\u{200b}", "\u{7}"] {
        assert!(!told.contains(alive), "{alive:?} was printed or logged");
    }
    assert_eq!(receiver.stop(), 0);
}
