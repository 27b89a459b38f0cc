//! Whether a figure changed against the window before: an arrow only where a test supports it.
//!
//! Both windows need ten; then Mann-Whitney for times, the ratio of two Poisson rates for deployments and throughput, two proportions for
//! rates, each two-sided at 5 %. Recovery times are compared by what has ended. Work in progress is a moment's count and has no test.

use super::figures::{Metric, Trend};
use super::statistics::{SIGNIFICANT, mann_whitney, median, poisson_ratio, two_proportions};
use super::tally::{Shape, Tally, shape};

/// Both windows need as many.
const ENOUGH: u64 = 10;

/// `days` and `days_before` are what counts were counted over.
pub fn trend(metric: Metric, now: &Tally, days: f64, before: &Tally, days_before: f64) -> Trend {
    if now.n < ENOUGH || before.n < ENOUGH {
        return Trend::TooFew;
    }
    let (chance, grew) = match shape(metric) {
        Shape::Times | Shape::Censored => {
            if (now.seconds.len() as u64) < ENOUGH || (before.seconds.len() as u64) < ENOUGH {
                return Trend::TooFew;
            }
            (mann_whitney(&now.seconds, &before.seconds), median(&now.seconds) > median(&before.seconds))
        }
        Shape::Rate => (two_proportions(now.k, now.n, before.k, before.n), now.k as f64 / now.n as f64 > before.k as f64 / before.n as f64),
        Shape::Frequency => (poisson_ratio(now.n, days, before.n, days_before), now.n as f64 / days > before.n as f64 / days_before),
        Shape::Count if metric == Metric::WorkInProgress => (None, false),
        Shape::Count => (poisson_ratio(now.n, days, before.n, days_before), now.n as f64 / days > before.n as f64 / days_before),
    };
    match chance {
        Some(chance) if chance < SIGNIFICANT => {
            if grew {
                Trend::Up
            } else {
                Trend::Down
            }
        }
        _ => Trend::NoClearChange,
    }
}
