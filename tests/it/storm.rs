//! Collecting ten projects while the service is short of everything: within a budget, told to wait with and without a number, its
//! connections cut. What was asked is judged by the service's own accounts.

use std::time::{Duration, Instant};

use kanado::clock::Clock;
use kanado::sim;
use kanado::sim::control::Control;
use kanado::sim::generate::Size;
use kanado::sim::rate::{Rate, Spent};

use crate::support::measured::{self, Measured, assert_same};

const START: &str = "2026-11-19T09:00:00Z";

/// Faults leave the rate limit to the budget, and are of all kinds that say "not now".
const FAULTS: [&str; 5] = [
    "429:every=97:times=5:retry-after=1:bare",
    "429:every=89:times=8:retry-after=none:bare",
    "200-retry-after:every=101:times=5:retry-after=1:bare",
    "cut:every=41",
    "503:every=151",
];

/// A budget that a pass of that cost and time is bound to come near to: it gives six tenths of it in that time.
fn scarce(cost: f64, took: Duration) -> Rate {
    Rate { limit: (cost * 0.6).ceil(), window: took.clamp(Duration::from_secs(6), Duration::from_secs(60)) }
}

/// What the account spent that asked most: the one that collects.
fn spent(control: &Control) -> Spent {
    control.spent().into_iter().map(|(_, spent)| spent).max_by_key(|spent| spent.requests).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_changes_no_row_and_spends_no_more_than_half_of_what_it_is_told_of() {
    let start: jiff::Timestamp = START.parse().unwrap();
    let options = sim::Options { organisation: sim::Content::Generated(Size::M), start: Some(start), ..sim::Options::default() };
    let measured = Measured::at(options, Clock::fixed(start)).await;
    let control = measured.control();
    control.reset_requests();
    let begun = Instant::now();
    assert!(measured.collect().await.is_complete());
    let rate = scarce(spent(&control).total, begun.elapsed());

    // Its account is kept from the first request on, as the client's own.
    control.set_rate(Some(rate));
    let (other, projects) = measured.somebody_else("other", Clock::fixed(start)).await;
    let faults = FAULTS.map(|fault| control.add_fault(fault.parse().unwrap()));
    control.reset_requests();
    let begun = Instant::now();
    let mut requests = 0;
    for pass in 1.. {
        let ended = measured::collect(&other, &projects).await;
        requests += ended.requests;
        if ended.is_complete() {
            break;
        }
        assert!(pass < 4, "{:#?}", ended.progress.troubles().collect::<Vec<_>>());
    }
    let asked = control.requests();
    let spent = spent(&control);
    let hit: Vec<_> = control.faults().into_iter().map(|armed| (armed.spec.to_string(), armed.hit)).collect();
    eprintln!("{rate}, {:?}: {spent:?}, {hit:?}, {asked:?}", begun.elapsed());

    assert_eq!(hit.len(), faults.len());
    assert!(hit.iter().all(|(_, times)| *times >= 3), "every fault was met: {hit:?}");
    assert!(asked.arrived <= requests, "all that came were known to be sent: {} of {requests}", asked.arrived);
    assert!(spent.delayed > 0, "it came near the limit, and was told: {spent:?}");
    assert_eq!(spent.refused, 0, "it never went past the limit: {spent:?}");
    let settled = spent.settled.expect("it came down to half of the limit after it was told, and went on");
    assert!(settled > rate.limit / 4.0 && settled <= rate.limit / 2.0, "half of the limit is left to others: {spent:?}");
    // What was on its way when it was told to wait may arrive; nothing is sent after that.
    assert!(asked.most_early < 16, "{asked:?}");

    assert_same(&measured.facts().await, &measured::facts(&measured.world.file_of("other")).await);
}
