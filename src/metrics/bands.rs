//! DORA's clusters of survey answers, by the year of the report. They are clusters, not ordered limits: the 2024 report has "high" at a
//! change fail rate of 20 % and "medium" at 10 %, 2021 prints one rate for three of them, and 2025 has none at all.
//!
//! A band is printed with its year, and only if the whole interval (95 %) of a figure lies inside one cluster of the latest year that
//! published one, was confirmed, and is a range. Point values (10 %, 20 %, 40 %) can hold no interval.
//!
//! Deployment frequency is in deployments a day, times in seconds, rates as fractions.

use super::figures::{Band, Metric};

/// What a cluster rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Read in DORA's own report, or quoted from it.
    Confirmed,
    /// From memory: kept for completeness, never printed.
    Unconfirmed,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    pub year: u16,
    pub metric: Metric,
    pub name: &'static str,
    /// Inclusive, exclusive.
    pub low: f64,
    pub high: f64,
    pub confidence: Confidence,
}

const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const WEEK: f64 = 7.0 * DAY;
/// A month of a year of 365.25 days.
const MONTH: f64 = 30.4375 * DAY;
const EVER: f64 = f64::INFINITY;

const fn cluster(year: u16, metric: Metric, name: &'static str, low: f64, high: f64) -> Cluster {
    Cluster { year, metric, name, low, high, confidence: Confidence::Confirmed }
}

const fn unconfirmed(year: u16, metric: Metric, name: &'static str, low: f64, high: f64) -> Cluster {
    Cluster { year, metric, name, low, high, confidence: Confidence::Unconfirmed }
}

use Metric::{ChangeFailRate as Rate, DeploymentFrequency as Often, LeadTime as Lead, RecoveryTime as Recovery};

/// Every cluster that is known, by year. "On demand (multiple per day)" begins at more than one a day.
pub const CLUSTERS: &[Cluster] = &[
    cluster(2019, Often, "elite", 1.0, EVER),
    cluster(2019, Often, "high", 1.0 / 7.0, 1.0),
    cluster(2019, Often, "medium", DAY / MONTH, 1.0 / 7.0),
    cluster(2019, Often, "low", DAY / (6.0 * MONTH), DAY / MONTH),
    cluster(2019, Lead, "elite", 0.0, DAY),
    cluster(2019, Lead, "high", DAY, WEEK),
    cluster(2019, Lead, "medium", WEEK, MONTH),
    cluster(2019, Lead, "low", MONTH, 6.0 * MONTH),
    cluster(2019, Recovery, "elite", 0.0, HOUR),
    cluster(2019, Recovery, "high", 0.0, DAY),
    cluster(2019, Recovery, "medium", 0.0, DAY),
    cluster(2019, Recovery, "low", WEEK, MONTH),
    cluster(2019, Rate, "elite", 0.0, 0.15),
    cluster(2019, Rate, "high", 0.0, 0.15),
    cluster(2019, Rate, "medium", 0.0, 0.15),
    cluster(2019, Rate, "low", 0.46, 0.60),
    cluster(2021, Often, "elite", 1.0, EVER),
    cluster(2021, Often, "high", DAY / MONTH, 1.0 / 7.0),
    cluster(2021, Often, "medium", DAY / (6.0 * MONTH), DAY / MONTH),
    cluster(2021, Often, "low", 0.0, DAY / (6.0 * MONTH)),
    cluster(2021, Lead, "elite", 0.0, HOUR),
    cluster(2021, Lead, "high", DAY, WEEK),
    cluster(2021, Lead, "medium", MONTH, 6.0 * MONTH),
    cluster(2021, Lead, "low", 6.0 * MONTH, EVER),
    cluster(2021, Recovery, "elite", 0.0, HOUR),
    cluster(2021, Recovery, "high", 0.0, DAY),
    cluster(2021, Recovery, "medium", DAY, WEEK),
    cluster(2021, Recovery, "low", 6.0 * MONTH, EVER),
    cluster(2021, Rate, "elite", 0.0, 0.15),
    cluster(2021, Rate, "high", 0.16, 0.30),
    cluster(2021, Rate, "medium", 0.16, 0.30),
    cluster(2021, Rate, "low", 0.16, 0.30),
    cluster(2023, Often, "elite", 1.0, EVER),
    cluster(2023, Lead, "elite", 0.0, DAY),
    cluster(2023, Recovery, "elite", 0.0, HOUR),
    cluster(2023, Rate, "elite", 0.0, 0.05),
    cluster(2024, Often, "elite", 1.0, EVER),
    cluster(2024, Often, "high", 1.0 / 7.0, 1.0),
    cluster(2024, Often, "medium", DAY / MONTH, 1.0 / 7.0),
    cluster(2024, Often, "low", DAY / (6.0 * MONTH), DAY / MONTH),
    cluster(2024, Lead, "elite", 0.0, DAY),
    cluster(2024, Lead, "high", DAY, WEEK),
    cluster(2024, Lead, "medium", WEEK, MONTH),
    cluster(2024, Lead, "low", MONTH, 6.0 * MONTH),
    cluster(2024, Rate, "elite", 0.0, 0.05),
    cluster(2024, Rate, "high", 0.20, 0.20),
    unconfirmed(2024, Rate, "medium", 0.10, 0.10),
    unconfirmed(2024, Rate, "low", 0.40, 0.40),
    unconfirmed(2024, Recovery, "elite", 0.0, HOUR),
    unconfirmed(2024, Recovery, "high", 0.0, DAY),
    unconfirmed(2024, Recovery, "medium", 0.0, DAY),
    unconfirmed(2024, Recovery, "low", WEEK, MONTH),
];

/// The cluster that an interval lies in as a whole.
pub fn band(metric: Metric, low: f64, high: f64) -> Option<Band> {
    let printable = || CLUSTERS.iter().filter(|cluster| cluster.metric == metric && cluster.confidence == Confidence::Confirmed);
    let year = printable().map(|cluster| cluster.year).max()?;
    let holds =
        |cluster: &&Cluster| cluster.year == year && cluster.low <= low && (high < cluster.high || high == low && low == cluster.low);
    let mut holding = printable().filter(holds);
    let found = holding.next()?;
    // Several clusters of one range say nothing about which.
    holding.next().is_none().then(|| Band { name: found.name.to_owned(), year })
}
