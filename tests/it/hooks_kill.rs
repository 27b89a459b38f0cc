//! What was acknowledged is in the store: a receiver that is killed under load again and again, and one whose disk is in trouble.

use std::time::{Duration, Instant};

use crate::support::kill::Rounds;
use crate::support::load::Load;
use crate::support::receiver::{Receiver, project_path, secret};
use crate::support::team::{Shares, Team};
use crate::support::template::{FIRST, Template, USUAL};
use crate::support::trouble::{Disk, Fails};

/// What happened to a ticket, in words.
fn steps(team: &Team, key: &str) -> Vec<String> {
    let shown = team.alice.json(&["show", key]);
    let history = shown["history"].as_array().unwrap_or_else(|| panic!("no history in {shown}"));
    history.iter().map(|row| row["words"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn twenty_kills_under_load_lose_nothing_that_was_acknowledged_and_keep_nothing_twice() {
    let team = Team::gather(Shares::File);
    let (key, number) = team.reviewed("Warn of high tides");
    let about = team.about(&key, number);
    let rounds = Rounds {
        person: &team.alice,
        serve: team.serve.clone(),
        path: project_path(&about.project),
        secret: secret(&team.alice),
        template: Template::updated(&about, USUAL),
        database: team.database(),
        count: 20,
        seed: 20_261_122,
        most: 250,
    };
    let (outcome, receiver) = rounds.run(|round| match round {
        4 => team.vote(number, 10),
        9 => team.act("merge", serde_json::json!({ "pullRequest": number, "as": "bob" })),
        _ => {}
    });
    println!(
        "20 rounds: {} acknowledged, {} kept, {} sent again, {} answers lost, slowest start {:?}",
        outcome.sample.acknowledged.len(),
        outcome.kept,
        outcome.sample.sent_again,
        outcome.sample.broken,
        outcome.slowest_start
    );
    assert!(outcome.lost.is_empty(), "acknowledged and not in the store: {:?}", outcome.lost);
    assert!(outcome.twice.is_empty(), "in the store more than once: {:?}", outcome.twice);
    assert!(outcome.sample.acknowledged.len() >= 21, "there was load");
    assert!(outcome.sample.broken >= 20, "every kill was felt: {}", outcome.sample.broken);
    assert!(outcome.sample.answers.keys().all(|status| matches!(status, 200..=299 | 503)), "{:?}", outcome.sample.answers);

    // What they told of was applied once, however often it was begun.
    team.wait_settled();
    assert_eq!(team.status(&key), "merged");
    let steps = steps(&team, &key);
    let mut once = steps.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), steps.len(), "a step was taken twice: {steps:#?}");
    assert_eq!(receiver.stop(), 0);
    assert_eq!(team.database().integrity(), "ok");
}

/// A receiver that stands in front of a disk, and a body for it.
fn before(disk: &Disk) -> (Team, Receiver, String, Template, String) {
    let mut team = Team::gather(Shares::File);
    let (key, number) = team.reviewed("Warn of high tides");
    let about = team.about(&key, number);
    let opens = secret(&team.alice);
    for (name, value) in disk.environment() {
        team.serve = team.serve.clone().environment(&name, &value);
    }
    let receiver = team.serve.start(&team.alice);
    (team, receiver, project_path(&about.project), Template::updated(&about, USUAL), opens)
}

#[test]
fn a_disk_without_room_read_only_or_failing_to_sync_is_answered_503_and_nothing_is_lost() {
    let disk = Disk::new();
    let (team, receiver, path, template, opens) = before(&disk);
    let mut next = FIRST;
    let mut acknowledged = Vec::new();
    for fails in [Fails::NoRoom, Fails::Sync, Fails::ReadOnly] {
        let good = receiver.deliver(&path, &opens, &template.body(next));
        assert_eq!(good.status / 100, 2, "{good:?}");
        acknowledged.push(next);
        next += 1;
        disk.fails(fails);
        for _ in 0..3 {
            let refused = receiver.deliver(&path, &opens, &template.body(next));
            assert_eq!(refused.status, 503, "{fails:?}: {refused:?}");
            assert!(refused.head.to_ascii_lowercase().contains("retry-after"), "{refused:?}");
        }
        disk.is_well();
        // The same notification comes again, as Azure DevOps sends it.
        let deadline = Instant::now() + Duration::from_secs(30);
        while receiver.deliver(&path, &opens, &template.body(next)).status / 100 != 2 {
            assert!(Instant::now() < deadline, "{fails:?} was over, and it did not recover");
            std::thread::sleep(Duration::from_millis(50));
        }
        acknowledged.push(next);
        next += 1;
    }
    assert_eq!(receiver.stop(), 0);
    let kept = team.database().notifications();
    assert_eq!(kept, acknowledged.iter().map(|notification| (*notification, 1)).collect());
    assert_eq!(team.database().integrity(), "ok");
}

#[test]
fn a_database_that_somebody_else_holds_is_answered_503_and_nothing_is_lost() {
    let team = Team::gather(Shares::File);
    let (key, number) = team.reviewed("Warn of high tides");
    let about = team.about(&key, number);
    let (path, template, opens) = (project_path(&about.project), Template::updated(&about, USUAL), secret(&team.alice));
    let receiver = team.serve.start(&team.alice);
    let load = Load::start(receiver.target(&path, &opens), template.clone(), 4, FIRST);
    load.wait_acknowledged(8);
    let refused = team.database().locked(|| receiver.deliver(&path, &opens, &template.body(FIRST + 1_000_000)));
    assert_eq!(refused.status, 503, "{refused:?}");
    load.wait_acknowledged(load.acknowledged() + 8);
    let sample = load.finish();
    assert!(sample.answers.keys().all(|status| matches!(status, 200..=299 | 503)), "{:?}", sample.answers);
    let kept = team.database().notifications();
    for notification in &sample.acknowledged {
        assert_eq!(kept.get(notification), Some(&1), "{notification} was acknowledged");
    }
    let again = receiver.deliver(&path, &opens, &template.body(FIRST + 1_000_000));
    assert_eq!(again.status / 100, 2, "{again:?}");
    assert_eq!(receiver.stop(), 0);
}
