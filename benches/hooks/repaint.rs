//! From the moment a delivery's connection is opened to the bytes on the board of another process.

use std::time::Instant;

use crate::Scene;
use crate::support::postgres;
use crate::support::team::Shares;
use crate::support::template::FIRST;
use crate::table::{Table, Unit};
use crate::terminal::Terminal;

const ROUNDS: i64 = 41;

pub fn measure(table: &mut Table) {
    one(table, "SQLite", 300.0, Shares::File);
    match postgres::started(postgres::Commits::Synced) {
        Some(server) => {
            let database = server.database();
            one(table, "PostgreSQL", 100.0, Shares::Postgres(database.url().to_owned()));
        }
        None => table.note("PostgreSQL was not measured: none is at hand".to_owned()),
    }
}

fn one(table: &mut Table, engine: &str, bar: f64, shares: Shares) {
    let scene = Scene::on(shares);
    let receiver = scene.receiver();
    let watcher = scene.team.bob.as_ref().unwrap_or(&scene.team.alice);
    let mut environment = watcher.environment().to_vec();
    environment.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    let mut board = Terminal::open(&environment, 40, 120);
    board.until("the board", |screen| screen.contains(&scene.key) && screen.contains("PR Open 1"));
    board.quiet_for(std::time::Duration::from_millis(500));
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        // What changed there is known to nobody here until the delivery says so.
        let approves = round % 2 == 0;
        let vote = if approves { 10 } else { -10 };
        scene.team.vote(scene.number, vote);
        let body = scene.template.body(FIRST + round);
        let begun = Instant::now();
        let answer = receiver.deliver(&scene.path, &scene.secret, &body);
        assert_eq!(answer.status / 100, 2, "{answer:?}");
        let painted = board.when("the vote on the card", |screen| screen.contains("✓1") == approves);
        times.push((painted - begun).as_secs_f64() * 1e3);
        board.quiet_for(std::time::Duration::from_millis(120));
    }
    board.quit();
    table.row(&format!("{engine}: from the event to the board of another process"), Unit::Milliseconds, bar, &times);
    assert_eq!(receiver.stop(), 0);
}
