//! Figures in words, the same on the screen, on the command line and in reports.
//!
//! Limits: plain text without colour or escape codes; whatever names things from outside is the caller's to make inert.

use super::figures::{Excluded, Measured, Metric, PhaseFigure, Tile, Trend, Value, Week};
use super::input::Linkage;
use super::overlay::OverlayFigure;
use crate::domain::lack::Lack;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;

/// How a note begins that tells what counts as production.
pub const PRODUCTION: &str = "production of ";

/// What stands where there is nothing to say.
pub const NOTHING: &str = "-";

/// Seconds as `45s`, `12m`, `3h 20m`, `2d 4h`, `19d`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return NOTHING.to_owned();
    }
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds));
    }
    if seconds.round() < MINUTE {
        return format!("{}s", seconds.round());
    }
    let minutes = (seconds / MINUTE).round();
    if minutes < 60.0 {
        return format!("{minutes}m");
    }
    if minutes < 24.0 * 60.0 {
        return two(minutes, 60.0, 'h', 'm');
    }
    let hours = (seconds / HOUR).round();
    if hours < 14.0 * 24.0 {
        return two(hours, 24.0, 'd', 'h');
    }
    format!("{}d", grouped((seconds / DAY).round() as u64))
}

fn two(small: f64, in_large: f64, large_unit: char, small_unit: char) -> String {
    let (large, rest) = ((small / in_large).floor(), small % in_large);
    if rest == 0.0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit} {rest}{small_unit}") }
}

/// How much of a window's work hangs on work items; nothing where there was no work.
pub fn linkage(linkage: &Linkage) -> Option<String> {
    let share = |linked: u64, all: u64, what: &str| format!("{} of {} {what}", grouped(linked), grouped(all));
    (linkage.commits + linkage.pull_requests > 0).then(|| {
        format!(
            "{}, {}",
            share(linkage.linked_pull_requests, linkage.pull_requests, "pull requests"),
            share(linkage.linked_commits, linkage.commits, "commits")
        )
    })
}

/// How many pull requests are linked to tickets of the board by their branches, and to anything at all; nothing where none is.
pub fn ticketed(linkage: &Linkage) -> Option<String> {
    let Linkage { ticketed_pull_requests: ticketed, traced_pull_requests: traced, pull_requests: all, .. } = linkage;
    (*ticketed > 0)
        .then(|| format!("{} of {} pull requests; to a ticket or a work item: {}", grouped(*ticketed), grouped(*all), grouped(*traced)))
}

/// What was left out of that; nothing where nothing was.
pub fn linkage_without(linkage: &Linkage) -> Option<String> {
    let some =
        |count: u64, one: &str| (count > 0).then(|| if count == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(count)) });
    let parts = [some(linkage.bot_pull_requests, "pull request"), some(linkage.bot_commits, "commit")];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| format!("{} by bots left out", words.join(" and ")))
}

/// With a comma at each thousand: `1,434`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A fraction as per cent: `4.9 %`, `16 %`, `99.5 %`; never 0 or 100 unless it is.
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "<0.1 %".to_owned();
    }
    if percent > 99.9 && percent < 100.0 {
        return ">99.9 %".to_owned();
    }
    let tenths = (percent * 10.0).round() / 10.0;
    let near_an_end = !(10.0..=90.0).contains(&tenths);
    if near_an_end && tenths.fract() != 0.0 { format!("{tenths:.1} %") } else { format!("{:.0} %", percent.round()) }
}

/// How often, in the unit that reads best: `3.2 a day`, `1.4 a week`, `2 a month`.
pub fn frequency(per_day: f64) -> String {
    let (number, unit) = match per_day {
        p if p <= 0.0 || !p.is_finite() => return "none".to_owned(),
        p if p >= 1.0 => (p, "day"),
        p if p * 7.0 >= 1.0 => (p * 7.0, "week"),
        p => (p * 30.0, "month"),
    };
    let tenths = (number * 10.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} a {unit}") } else { format!("{tenths:.1} a {unit}") }
}

/// The value in few words, for a tile or a column.
pub fn headline(value: &Value) -> String {
    match value {
        Value::NotMeasured { .. } => "not measured".to_owned(),
        Value::NoProduction => "no production found".to_owned(),
        Value::Backfilling { percent } => format!("backfilling {percent} %"),
        Value::Few { seconds } if seconds.is_empty() => "none in the window".to_owned(),
        Value::Few { seconds } => seconds.iter().map(|&each| duration(each)).collect::<Vec<_>>().join(", "),
        Value::Times { median, .. } | Value::Censored { median, .. } => duration(*median),
        Value::AtLeast { seconds, .. } => format!("at least {}", duration(*seconds)),
        Value::Rate { n: 0, .. } => "none in the window".to_owned(),
        Value::Rate { k, n, .. } => format!("{} ({} of {})", percent(*k as f64 / *n as f64), grouped(*k), grouped(*n)),
        Value::Frequency { per_day, .. } => frequency(*per_day),
        Value::Count { count } => grouped(*count),
    }
}

/// The same under a title that would say the opposite: of reliability, the share that failed is told.
pub fn headline_of(metric: Metric, value: &Value) -> String {
    match (metric, value) {
        (Metric::PipelineReliability, Value::Rate { k, n, .. }) if *n > 0 => {
            format!("{} failed ({} of {})", percent(*k as f64 / *n as f64), grouped(*k), grouped(*n))
        }
        _ => headline(value),
    }
}

/// What belongs to the value and is not in its headline: why there is none, how far it spreads, what it counts. At most one line.
pub fn detail(value: &Value) -> Option<String> {
    match value {
        Value::NotMeasured { why } => Some(why.clone()),
        Value::NoProduction => Some("no stage, environment or pipeline is known as production".to_owned()),
        Value::Backfilling { .. } => Some("what it rests on is still being collected".to_owned()),
        Value::Few { seconds } if seconds.is_empty() => None,
        Value::Few { .. } => Some("each of them: too few for a median".to_owned()),
        Value::Times { low, high, p85, p95, .. } => {
            let mut words = vec!["median".to_owned()];
            words.extend(p85.map(|p| format!("85 % within {}", duration(p))));
            words.extend(p95.map(|p| format!("95 % within {}", duration(p))));
            words.push(format!("from {} to {}", duration(*low), duration(*high)));
            Some(words.join(", "))
        }
        Value::Censored { open, .. } => Some(match open {
            0 => "median".to_owned(),
            _ => format!("median, with {} still open at their age so far", grouped(*open)),
        }),
        Value::AtLeast { open, .. } => Some(format!("{} still open: too many for a median", grouped(*open))),
        Value::Rate { n: 0, .. } => None,
        Value::Rate { low, high, .. } => Some(format!("95 % certain: {} to {}", percent(*low), percent(*high))),
        Value::Frequency { count, days, deploy_days_per_week, .. } => {
            let weekly = deploy_days_per_week.map_or(String::new(), |days| {
                format!(", on {} {} of a week (median)", number(days), if days == 1.0 { "day" } else { "days" })
            });
            Some(format!("{} in {} days{weekly}", grouped(*count), number(*days)))
        }
        Value::Count { .. } => None,
    }
}

/// What went on in a phase: `of which CI 12m`; nothing where that is not known, or the phase has no such thing.
pub fn of_which(phase: &PhaseFigure) -> Option<String> {
    let overlay = phase.overlay.as_ref().filter(|overlay| is_measured(&overlay.value))?;
    Some(format!("of which {} {}", overlay.overlay.words(), headline(&overlay.value)))
}

/// Of how many that is known: `known of 30 of 41`.
pub fn known_of(overlay: &OverlayFigure) -> String {
    format!("known of {} of {}", grouped(overlay.known), grouped(overlay.of))
}

/// What a figure lacks besides what its value says already, what one step puts right together.
pub fn lacks(tile: &Tile) -> Vec<Lack> {
    let all = Lack::of(tile.missing.iter().map(|one| (one.project.as_str(), one.source, one.words.as_str())));
    let is_said = |one: &Lack| matches!(&tile.value, Value::NotMeasured { why } if *why == one.words);
    all.into_iter().filter(|one| !is_said(one)).collect()
}

/// A number with at most one decimal.
pub fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0}") } else { format!("{tenths:.1}") }
}

/// Whether there is a number at all.
pub fn is_measured(value: &Value) -> bool {
    !matches!(value, Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. })
}

/// The one number that a value is compared and drawn by: seconds, a fraction, a rate a day, or a count.
pub fn scalar(value: &Value) -> Option<f64> {
    match value {
        Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. } | Value::Few { .. } => None,
        Value::Times { median, .. } | Value::Censored { median, .. } => Some(*median),
        Value::AtLeast { seconds, .. } => Some(*seconds),
        Value::Rate { n: 0, .. } => None,
        Value::Rate { k, n, .. } => Some(*k as f64 / *n as f64),
        Value::Frequency { per_day, .. } => Some(*per_day),
        Value::Count { count } => Some(*count as f64),
    }
}

/// A tile against the window before: `up from 1.2 a day`, `no clear change`.
pub fn change(tile: &Tile) -> String {
    if !is_measured(&tile.value) {
        return NOTHING.to_owned();
    }
    let before = tile.previous.as_ref().filter(|value| is_measured(value)).map(|value| headline_of(tile.metric, value));
    match (tile.trend, before) {
        (Trend::Up, Some(before)) => format!("up from {before}"),
        (Trend::Down, Some(before)) => format!("down from {before}"),
        (Trend::Up, None) => "up".to_owned(),
        (Trend::Down, None) => "down".to_owned(),
        (Trend::NoClearChange, _) => "no clear change".to_owned(),
        (Trend::TooFew, _) => "too few to compare".to_owned(),
        (Trend::NotCollected, _) => "not collected before".to_owned(),
    }
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    More,
    Less,
    /// Neither is good in itself.
    Neither,
}

pub fn wanted(metric: Metric) -> Wanted {
    match metric {
        Metric::DeploymentFrequency | Metric::Throughput => Wanted::More,
        Metric::LeadTime
        | Metric::ChangeFailRate
        | Metric::RecoveryTime
        | Metric::ReworkRate
        | Metric::CycleTime
        | Metric::PipelineReliability
        | Metric::MergedWithoutReview => Wanted::Less,
        Metric::WorkInProgress => Wanted::Neither,
    }
}

/// Whether a change that survived its test is for the better; nothing where there is none, or neither way is good.
pub fn is_better(metric: Metric, trend: Trend) -> Option<bool> {
    match (wanted(metric), trend) {
        (Wanted::Neither, _) | (_, Trend::NoClearChange | Trend::TooFew | Trend::NotCollected) => None,
        (Wanted::More, trend) => Some(trend == Trend::Up),
        (Wanted::Less, trend) => Some(trend == Trend::Down),
    }
}

/// `3 by a bot, 1 abandoned`; nothing where nothing was left out.
pub fn excluded(all: &[Excluded]) -> Option<String> {
    let words: Vec<String> =
        all.iter().filter(|one| one.count > 0).map(|one| format!("{} {}", grouped(one.count), one.reason.words())).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// A week in words: its value, how many it rests on where that is another number, and whether it was measured at all.
pub fn week(metric: Metric, week: &Week) -> String {
    let words = match (week.value, week.measured) {
        (_, Measured::None) => return "not measured".to_owned(),
        (None, _) => "none".to_owned(),
        (Some(value), _) => match metric {
            Metric::DeploymentFrequency | Metric::Throughput | Metric::WorkInProgress => of_week(metric, value),
            _ => format!("{}, n {}", of_week(metric, value), grouped(week.n)),
        },
    };
    if week.measured == Measured::Part { format!("{words}, part of the week") } else { words }
}

/// The value of a week, in the words of its tile.
pub fn of_week(metric: Metric, value: f64) -> String {
    match metric {
        Metric::LeadTime | Metric::RecoveryTime | Metric::CycleTime => duration(value),
        Metric::ChangeFailRate | Metric::ReworkRate | Metric::PipelineReliability | Metric::MergedWithoutReview => percent(value),
        Metric::DeploymentFrequency | Metric::Throughput | Metric::WorkInProgress => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::figures::Reason;

    #[test]
    fn durations_read_in_at_most_two_units() {
        for (seconds, words) in [
            (0.0, "0s"),
            (59.4, "59s"),
            (59.6, "1m"),
            (3_570.0, "1h"),
            (3_600.0, "1h"),
            (12_000.0, "3h 20m"),
            (86_399.0, "1d"),
            (187_200.0, "2d 4h"),
            (1_209_600.0, "14d"),
            (86_400.0 * 1_434.0, "1,434d"),
            (-120.0, "-2m"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn a_share_is_never_said_to_be_none_or_all_unless_it_is() {
        for (fraction, words) in
            [(0.0, "0 %"), (0.000_1, "<0.1 %"), (0.049, "4.9 %"), (0.161, "16 %"), (0.999_9, ">99.9 %"), (0.995, "99.5 %"), (1.0, "100 %")]
        {
            assert_eq!(percent(fraction), words, "{fraction}");
        }
    }

    #[test]
    fn a_frequency_is_told_in_the_unit_that_reads_best() {
        for (per_day, words) in [(0.0, "none"), (3.24, "3.2 a day"), (1.0, "1 a day"), (0.2, "1.4 a week"), (0.1, "3 a month")] {
            assert_eq!(frequency(per_day), words, "{per_day}");
        }
    }

    #[test]
    fn what_was_not_measured_is_never_a_number() {
        let none = [
            Value::NotMeasured { why: "no source tells of failures".to_owned() },
            Value::NoProduction,
            Value::Backfilling { percent: 42 },
            Value::Few { seconds: Vec::new() },
            Value::Rate { k: 0, n: 0, low: 0.0, high: 1.0 },
        ];
        for value in none {
            assert_eq!(scalar(&value), None, "{value:?}");
            assert!(!headline(&value).starts_with('0'), "{value:?}");
        }
        assert_eq!(headline(&Value::Backfilling { percent: 42 }), "backfilling 42 %");
    }

    #[test]
    fn a_rate_tells_k_of_n_and_how_certain_it_is() {
        let value = Value::Rate { k: 0, n: 10, low: 0.0, high: 0.278 };
        assert_eq!(headline(&value), "0 % (0 of 10)");
        assert_eq!(detail(&value).as_deref(), Some("95 % certain: 0 % to 28 %"));
    }

    #[test]
    fn less_is_better_of_times_and_failures_and_nothing_is_said_without_a_clear_change() {
        assert_eq!(is_better(Metric::LeadTime, Trend::Down), Some(true));
        assert_eq!(is_better(Metric::DeploymentFrequency, Trend::Down), Some(false));
        assert_eq!(is_better(Metric::WorkInProgress, Trend::Up), None);
        assert_eq!(is_better(Metric::LeadTime, Trend::NoClearChange), None);
        assert_eq!(is_better(Metric::LeadTime, Trend::TooFew), None);
    }

    #[test]
    fn what_was_left_out_is_counted_with_its_reason() {
        let all = [Excluded { reason: Reason::Bot, count: 1_200 }, Excluded { reason: Reason::Abandoned, count: 0 }];
        assert_eq!(excluded(&all).as_deref(), Some("1,200 by a bot"));
        assert_eq!(excluded(&[]), None);
    }
}
