//! Looking at five hundred open pull requests in fifty repositories takes a handful of requests, counted by the simulator.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::crowd::{Crowd, PROJECT};
use crate::support::world::{Person, World};

const CROWD: Crowd = Crowd { repositories: 50, pull_requests: 500 };
/// What one look at a project may cost.
const MOST_REQUESTS: u64 = 6;

fn requests(world: &World) -> (u64, Value) {
    let counted = world.control("GET", "requests", Value::Null);
    (counted["total"].as_u64().unwrap(), counted["byRoute"].clone())
}

fn word(vote: i64) -> &'static str {
    match vote {
        10 => "approved",
        5 => "approved_with_suggestions",
        -5 => "waiting_for_author",
        -10 => "rejected",
        _ => "none",
    }
}

#[test]
fn status_and_votes_of_five_hundred_pull_requests_take_at_most_six_requests() {
    let folder = TempDir::new().unwrap();
    CROWD.write(folder.path());
    let world = World::with(&["--load", &folder.path().to_string_lossy()]);
    let person = Person::new(&world.token("alice"));
    person.json(&["connect", &format!("{}/{PROJECT}", world.organisation()), "--prefix", "FLE"]);

    // The first look, which knows nothing yet, and one like every other.
    for look in ["first", "second"] {
        world.control("POST", "resetRequests", json!({}));
        let synced = person.json(&["sync"]);
        let (total, by_route) = requests(&world);
        assert!(total <= MOST_REQUESTS, "the {look} look took {total} requests: {by_route}");
        assert!(total > 0, "the {look} look asked nobody");
        assert_eq!(synced["active"], 500, "{synced}");
    }

    let listed = person.json(&["prs"]);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 500);
    let by_number: BTreeMap<i64, &Value> = listed.iter().map(|row| (row["facts"]["number"].as_i64().unwrap(), row)).collect();
    assert_eq!(by_number.len(), 500, "every number once");
    for n in 0..CROWD.pull_requests {
        let row = by_number[&(i64::try_from(n).unwrap() + 1)];
        let facts = &row["facts"];
        assert_eq!(row["repository_name"], CROWD.repository_of(n));
        assert_eq!((&facts["status"], &facts["source_branch"]), (&json!("active"), &json!(Crowd::branch(n))));
        assert_eq!(facts["merge"], if n.is_multiple_of(13) { "conflicts" } else { "succeeded" });
        let votes: BTreeMap<_, _> = facts["reviewers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reviewer| (reviewer["identity"]["unique_name"].as_str().unwrap(), reviewer["vote"].as_str().unwrap()))
            .collect();
        let expected = Crowd::votes(n);
        let expected: BTreeMap<_, _> = expected.iter().map(|(account, vote)| (account.as_str(), word(*vote))).collect();
        assert_eq!(votes, expected, "of pull request {}", n + 1);
    }

    // The list is read from the store alone.
    world.control("POST", "resetRequests", json!({}));
    person.json(&["prs"]);
    assert_eq!(requests(&world).0, 0);
}

#[test]
fn one_listing_finds_all_that_were_closed_since_the_last_look() {
    let world = World::start();
    let person = Person::new(&world.token("alice"));
    person.json(&["connect", &format!("{}/Harbor", world.organisation())]);
    person.json(&["sync"]);
    let open = world.control("GET", "pullRequests", Value::Null);
    let open: Vec<i64> = open["pullRequests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["state"] == "active")
        .map(|row| row["pullRequest"].as_i64().unwrap())
        .collect();
    assert!(open.len() >= 4, "{open:?}");
    for number in &open {
        world.control("POST", "abandon", json!({ "pullRequest": number, "as": "bob" }));
    }
    world.control("POST", "resetRequests", json!({}));
    let synced = person.json(&["sync"]);
    let (total, by_route) = requests(&world);
    assert!(total <= MOST_REQUESTS, "{total} requests: {by_route}");
    assert_eq!((&synced["active"], &synced["unexplained"]), (&json!(0), &json!([])));
    let known = person.json(&["prs", "--all"]);
    for number in open {
        let row = known.as_array().unwrap().iter().find(|row| row["facts"]["number"] == number).unwrap();
        assert_eq!(row["facts"]["status"], "abandoned");
    }
}
