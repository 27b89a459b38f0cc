//! How many deliveries a second are on the disk before they are acknowledged, and how long that takes.

use std::time::Duration;

use crate::Scene;
use crate::support::load::Load;
use crate::support::postgres;
use crate::support::team::Shares;
use crate::support::template::FIRST;
use crate::table::{Table, Unit};

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(10);
const RUNS: i64 = 3;

pub fn measure(table: &mut Table) {
    one(table, "SQLite", Shares::File);
    // Before the store closes the processes that use it have ended.
    match postgres::started(postgres::Commits::Synced) {
        Some(server) => {
            let database = server.database();
            one(table, "PostgreSQL", Shares::Postgres(database.url().to_owned()));
        }
        None => table.note("PostgreSQL was not measured: none is at hand".to_owned()),
    }
}

fn one(table: &mut Table, engine: &str, shares: Shares) {
    let scene = Scene::on(shares);
    let receiver = scene.receiver();
    let load = |first: i64, time: Duration| {
        let load = Load::start(receiver.target(&scene.path, &scene.secret), scene.template.clone(), CONNECTIONS, first);
        std::thread::sleep(time);
        load.finish()
    };
    load(FIRST, WARM_UP);
    let samples: Vec<_> = (1..=RUNS).map(|run| load(FIRST + run * 10_000_000, RUN)).collect();
    let rates: Vec<f64> = samples.iter().map(|sample| sample.per_second()).collect();
    let of = |share: f64| -> Vec<f64> { samples.iter().map(|sample| sample.percentile(share)).collect() };
    let size = scene.template.len() as f64 / 1e3;
    let what = format!("{engine}: deliveries of {size:.1} KB kept and acknowledged, {CONNECTIONS} connections");
    if engine == "SQLite" {
        table.row_at_least(&what, Unit::PerSecond, 2_000.0, &rates);
        table.row(&format!("{engine}: until acknowledged, the 99th of 100"), Unit::Milliseconds, 50.0, &of(0.99));
    } else {
        table.note(format!("{what}: {:.0}/s, the 99th of 100 within {:.1} ms; nothing is promised of it", rates[1], of(0.99)[1]));
    }
    let refused: u64 =
        samples.iter().flat_map(|sample| &sample.answers).filter(|(status, _)| **status / 100 != 2).map(|(_, times)| times).sum();
    table.note(format!(
        "{engine}: half of the acknowledgements came within {:.1} ms, the slowest within {:.0} ms; {refused} answers were another than 2xx",
        of(0.5)[0],
        samples.iter().map(|sample| sample.percentile(1.0)).fold(0.0, f64::max)
    ));
    let states = scene.team.database().states();
    let acknowledged: usize = samples.iter().map(|sample| sample.acknowledged.len()).sum();
    let kept: i64 = states.values().sum();
    assert!(kept >= i64::try_from(acknowledged).expect("a count"), "acknowledged {acknowledged}, kept {kept}");
    assert_eq!(receiver.stop(), 0);
}
