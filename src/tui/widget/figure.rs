//! Figures in words, as tiles and rows say them: what is read first, and what belongs to it.
//!
//! Plain ASCII, so that every terminal shows it.

use crate::metrics::figures::{Metric, Tile, Trend, Value};

/// `45s`, `34m`, `5h 20m`, `3d 4h`, `23d`.
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds));
    }
    let minutes = (seconds / 60.0).round();
    let hours = (seconds / 3_600.0).round();
    let pair = |big: f64, unit: &str, small: f64, other: &str| {
        if small == 0.0 { format!("{big:.0}{unit}") } else { format!("{big:.0}{unit} {small:.0}{other}") }
    };
    if seconds < 59.5 {
        format!("{seconds:.0}s")
    } else if minutes < 60.0 {
        format!("{minutes:.0}m")
    } else if minutes < 48.0 * 60.0 {
        pair((minutes / 60.0).floor(), "h", minutes % 60.0, "m")
    } else if hours < 14.0 * 24.0 {
        pair((hours / 24.0).floor(), "d", hours % 24.0, "h")
    } else {
        format!("{:.0}d", seconds / 86_400.0)
    }
}

/// A fraction: `3.4 %`, `12 %`.
pub fn percent(fraction: f64) -> String {
    let hundredths = fraction * 100.0;
    if hundredths == 0.0 || hundredths >= 9.95 { format!("{hundredths:.0} %") } else { format!("{hundredths:.1} %") }
}

/// `1 deployment`, `2 deployments`.
pub fn many(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `1,234`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// So often: `1.4 a day`, `3.2 a week`, `2 a month`.
pub fn rate(per_day: f64) -> String {
    let number = |value: f64| {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    if per_day == 0.0 {
        "none".to_owned()
    } else if per_day >= 0.95 {
        format!("{} a day", number(per_day))
    } else if per_day * 7.0 >= 0.95 {
        format!("{} a week", number(per_day * 7.0))
    } else {
        format!("{} a month", number(per_day * 30.0))
    }
}

/// A value: what is read first, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub headline: String,
    /// May be empty.
    pub rest: String,
}

/// A value in words.
pub fn value(value: &Value, metric: Metric) -> Said {
    let said = |headline: String, rest: String| Said { headline, rest };
    match value {
        Value::NotMeasured { why } => said("not measured".to_owned(), why.clone()),
        Value::NoProduction => said("no production found".to_owned(), "kanado metrics production names it".to_owned()),
        Value::Backfilling { percent } => said(format!("backfilling {percent} %"), String::new()),
        Value::Few { seconds } if seconds.is_empty() => said("none yet".to_owned(), String::new()),
        Value::Few { seconds } => {
            let each: Vec<String> = seconds.iter().map(|seconds| duration(*seconds)).collect();
            said(each.join(", "), "too few for a median".to_owned())
        }
        Value::Times { median, low, high, p85, p95 } => {
            let rest = match (p85, p95) {
                (Some(p85), Some(p95)) => format!("85 % within {}, 95 % within {}", duration(*p85), duration(*p95)),
                (Some(p85), None) => format!("85 % within {}", duration(*p85)),
                (None, _) => format!("{} to {}", duration(*low), duration(*high)),
            };
            said(duration(*median), rest)
        }
        Value::Censored { median, open } => said(duration(*median), format!("with {open} still open")),
        Value::AtLeast { seconds, open } => said(format!("at least {}", duration(*seconds)), format!("{open} still open")),
        Value::Rate { k, n, low, high } => {
            let fraction = if *n == 0 { 0.0 } else { *k as f64 / *n as f64 };
            let what = match metric {
                Metric::ChangeFailRate => " failed",
                Metric::ReworkRate => " unplanned",
                Metric::PipelineReliability => " stages failed",
                Metric::MergedWithoutReview => " unreviewed",
                _ => "",
            };
            let (low, high) = (percent(*low), percent(*high));
            let low = if high.ends_with(" %") { low.trim_end_matches(" %").to_owned() } else { low };
            said(percent(fraction), format!("{k} of {n}{what}, {low} to {high}"))
        }
        Value::Frequency { count, days, per_day, deploy_days_per_week } => {
            let mut rest = format!("{} in {days:.0} days", grouped(*count));
            if let Some(days) = deploy_days_per_week {
                rest.push_str(&format!(", {days:.0} deploy days a week"));
            }
            said(rate(*per_day), rest)
        }
        Value::Count { count } => {
            let rest = match metric {
                Metric::Throughput => "merged",
                Metric::WorkInProgress => "open",
                Metric::MergedWithoutReview => "without review",
                _ => "",
            };
            said(grouped(*count), rest.to_owned())
        }
    }
}

/// Whether there is a value, and not only why there is none.
fn is_measured(value: &Value) -> bool {
    !matches!(value, Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. })
}

/// Against the window before: `up from 1d 20h`, `no clear change`.
pub fn change(tile: &Tile) -> Option<String> {
    if !is_measured(&tile.value) {
        return None;
    }
    let before = || tile.previous.as_ref().filter(|previous| is_measured(previous)).map(|previous| value(previous, tile.metric).headline);
    match tile.trend {
        Trend::Up => Some(before().map_or_else(|| "up".to_owned(), |before| format!("up from {before}"))),
        Trend::Down => Some(before().map_or_else(|| "down".to_owned(), |before| format!("down from {before}"))),
        Trend::NoClearChange => Some("no clear change".to_owned()),
        Trend::TooFew => None,
    }
}

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    Better,
    Worse,
    /// Nobody can say without knowing more.
    Neither,
}

/// Whether a clear change is for the better.
pub fn judgement(metric: Metric, trend: Trend) -> Judgement {
    let more_is_better = match metric {
        Metric::DeploymentFrequency => true,
        Metric::LeadTime
        | Metric::ChangeFailRate
        | Metric::RecoveryTime
        | Metric::ReworkRate
        | Metric::CycleTime
        | Metric::PipelineReliability
        | Metric::MergedWithoutReview => false,
        Metric::Throughput | Metric::WorkInProgress => return Judgement::Neither,
    };
    match trend {
        Trend::Up if more_is_better => Judgement::Better,
        Trend::Down if !more_is_better => Judgement::Better,
        Trend::Up | Trend::Down => Judgement::Worse,
        Trend::NoClearChange | Trend::TooFew => Judgement::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units_and_never_sixty_of_the_smaller() {
        for (seconds, words) in [
            (0.0, "0s"),
            (45.0, "45s"),
            (59.6, "1m"),
            (3_599.0, "1h"),
            (19_200.0, "5h 20m"),
            (86_400.0, "24h"),
            (172_799.0, "2d"),
            (273_600.0, "3d 4h"),
            (2_000_000.0, "23d"),
            (-60.0, "-1m"),
        ] {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn a_rate_is_told_in_the_unit_that_fits_it() {
        for (per_day, words) in [(0.0, "none"), (1.43, "1.4 a day"), (2.0, "2 a day"), (0.5, "3.5 a week"), (0.05, "1.5 a month")] {
            assert_eq!(rate(per_day), words);
        }
        assert_eq!((percent(0.0), percent(0.034), percent(0.12)), ("0 %".into(), "3.4 %".into(), "12 %".into()));
        assert_eq!((grouped(7), grouped(1_234), grouped(1_000_000)), ("7".into(), "1,234".into(), "1,000,000".into()));
    }

    #[test]
    fn what_cannot_be_computed_is_never_said_as_zero() {
        let no = [
            Value::NotMeasured { why: "no incident type was ever seen".into() },
            Value::NoProduction,
            Value::Backfilling { percent: 42 },
            Value::Few { seconds: Vec::new() },
        ];
        for no in no {
            let said = value(&no, Metric::ChangeFailRate);
            assert!(!said.headline.starts_with('0') && !said.headline.is_empty(), "{said:?}");
        }
        let rate = Value::Rate { k: 3, n: 25, low: 0.042, high: 0.3 };
        let said = value(&rate, Metric::ChangeFailRate);
        assert_eq!((said.headline.as_str(), said.rest.as_str()), ("12 %", "3 of 25 failed, 4.2 to 30 %"));
    }

    #[test]
    fn more_deployments_are_better_and_more_failures_are_not() {
        assert_eq!(judgement(Metric::DeploymentFrequency, Trend::Up), Judgement::Better);
        assert_eq!(judgement(Metric::ChangeFailRate, Trend::Up), Judgement::Worse);
        assert_eq!(judgement(Metric::LeadTime, Trend::Down), Judgement::Better);
        assert_eq!(judgement(Metric::Throughput, Trend::Up), Judgement::Neither);
        assert_eq!(judgement(Metric::LeadTime, Trend::NoClearChange), Judgement::Neither);
    }
}
