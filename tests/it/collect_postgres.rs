//! The same organisation collected into a file and into PostgreSQL: the same rows, and the same figures of them.

use kanado::clock::Clock;
use kanado::sim;
use kanado::sim::generate::Size;
use kanado::store::Location;

use crate::support::measured::{self, Measured, assert_same, figures};
use crate::support::postgres;

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_the_same_facts_are_collected_and_the_same_figures_come_of_them() {
    let Some(server) = postgres::server() else { return };
    let start: jiff::Timestamp = "2026-11-19T09:00:00Z".parse().unwrap();
    let options = sim::Options { organisation: sim::Content::Generated(Size::S), start: Some(start), ..sim::Options::default() };
    let measured = Measured::at(options, Clock::fixed(start)).await;
    assert!(measured.collect().await.is_complete());
    let database = server.database();
    let location = Location::Url(database.url().to_owned());
    let (shared, projects) = measured.somebody_at("shared", Clock::fixed(start), &location).await;
    let ended = measured::collect(&shared, &projects).await;
    assert!(ended.is_complete(), "{:#?}", ended.progress.troubles().collect::<Vec<_>>());
    let (facts, same) = (measured.facts().await, measured::facts(&location).await);
    assert!(facts["flows"].len() >= 50 && facts["builds"].len() >= 200 && !facts["stage_runs"].is_empty());
    assert_same(&facts, &same);
    for days in [7, 30, 90] {
        let here = figures(&measured.services, &measured.projects, days, start).await;
        let there = figures(&shared, &projects, days, start).await;
        assert!(here.tiles.iter().any(|tile| tile.n > 0), "{days} days have something to count");
        assert_eq!(here, there, "{days} days");
    }
    // A refresh in which nothing happened changes nothing there either.
    shared.ctx.clock.advance(jiff::SignedDuration::from_mins(15));
    assert!(measured::collect(&shared, &projects).await.is_complete());
    assert_same(&same, &measured::facts(&location).await);
    shared.ctx.store.close().await;
}
