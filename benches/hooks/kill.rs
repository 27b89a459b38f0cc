//! Two hundred ends between two instructions, under load: what was acknowledged is there, and nothing is there twice.

use crate::Scene;
use crate::support::kill::Rounds;
use crate::support::team::Shares;
use crate::table::{Table, Unit};

pub fn measure(table: &mut Table, count: u32) {
    let scene = Scene::on(Shares::File);
    let rounds = Rounds {
        person: &scene.team.alice,
        serve: scene.team.serve.clone(),
        path: scene.path.clone(),
        secret: scene.secret.clone(),
        template: scene.template.clone(),
        database: scene.team.database(),
        count,
        seed: 42,
        most: 600,
    };
    let (outcome, receiver) = rounds.run(|_| {});
    assert_eq!(receiver.stop(), 0);
    table.row(&format!("{count} kills under load: acknowledged and lost"), Unit::Count, 0.0, &[outcome.lost.len() as f64]);
    table.row(&format!("{count} kills under load: kept twice"), Unit::Count, 0.0, &[outcome.twice.len() as f64]);
    let integrity = scene.team.database().integrity();
    assert_eq!(integrity, "ok");
    table.note(format!(
        "{count} kills in {:.0} s: {} deliveries acknowledged, {} kept, {} sent again, {} answers lost in a kill; the slowest start took {:.0} ms",
        outcome.took.as_secs_f64(),
        outcome.sample.acknowledged.len(),
        outcome.kept,
        outcome.sample.sent_again,
        outcome.sample.broken,
        outcome.slowest_start.as_secs_f64() * 1e3
    ));
}
