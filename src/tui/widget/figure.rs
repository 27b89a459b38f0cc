//! A figure as a tile says it: what is read first, and what belongs to it. The words are those of [`crate::metrics::telling`], shorter
//! where a tile has no room for a sentence.

use crate::metrics::figures::{Metric, Tile, Trend, Value};
use crate::metrics::query::Definition;
use crate::metrics::telling;
pub use crate::metrics::telling::{duration, grouped, percent};

/// A value: what is read first, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub headline: String,
    /// The most important first, parted by `, `. May be empty.
    pub rest: String,
}

/// A value in words.
pub fn value(value: &Value, metric: Metric) -> Said {
    let headline = match value {
        // How many of how many is told with what they are; under this title a bare share would be that of the good ones.
        Value::Rate { k, n, .. } if *n > 0 && metric == Metric::PipelineReliability => format!("{} failed", percent(*k as f64 / *n as f64)),
        Value::Rate { k, n, .. } if *n > 0 => percent(*k as f64 / *n as f64),
        value => telling::headline(value),
    };
    let rest = match value {
        Value::NotMeasured { why } => why.clone(),
        Value::NoProduction => "kanado metrics production names it".to_owned(),
        Value::Backfilling { .. } => String::new(),
        Value::Few { seconds } if seconds.is_empty() => String::new(),
        Value::Few { .. } => "too few for a median".to_owned(),
        Value::Times { low, high, p85, p95, .. } => match (p85, p95) {
            (Some(p85), Some(p95)) => format!("85 % within {}, 95 % within {}", duration(*p85), duration(*p95)),
            (Some(p85), None) => format!("85 % within {}", duration(*p85)),
            (None, _) => format!("{} to {}", duration(*low), duration(*high)),
        },
        Value::Censored { open, .. } | Value::AtLeast { open, .. } => format!("{} still open", grouped(*open)),
        Value::Rate { n: 0, .. } => String::new(),
        Value::Rate { k, n, low, high } => {
            let what = match metric {
                Metric::ChangeFailRate => " failed",
                Metric::ReworkRate => " unplanned",
                Metric::PipelineReliability => " stages",
                Metric::MergedWithoutReview => " unreviewed",
                _ => "",
            };
            format!("{} of {}{what}, {} to {}", grouped(*k), grouped(*n), percent(*low).trim_end_matches(" %"), percent(*high))
        }
        Value::Frequency { count, days, deploy_days_per_week, .. } => {
            let weekly = deploy_days_per_week
                .map(|days| format!(", {} deploy {} a week", telling::number(days), if days == 1.0 { "day" } else { "days" }));
            format!("{} in {} days{}", grouped(*count), telling::number(*days), weekly.unwrap_or_default())
        }
        Value::Count { .. } => match metric {
            Metric::Throughput => "merged",
            Metric::WorkInProgress => "open",
            Metric::MergedWithoutReview => "without review",
            _ => "",
        }
        .to_owned(),
    };
    Said { headline, rest }
}

/// The value of a tile in words.
pub fn of(tile: &Tile) -> Said {
    let said = value(&tile.value, tile.metric);
    match (&tile.value, tile.definition) {
        // Its patterns are its own: naming a stage here changes nothing there.
        (Value::NoProduction, Definition::DevLake) => Said { rest: "no names with `deploy` and `prod`".to_owned(), ..said },
        _ => said,
    }
}

/// Against the window before, where that can be said: `up from 1d 20h`, `no clear change`.
pub fn change(tile: &Tile) -> Option<String> {
    if !telling::is_measured(&tile.value) {
        return None;
    }
    let before = tile.previous.as_ref().filter(|previous| telling::is_measured(previous));
    let from = before.map_or_else(String::new, |previous| format!(" from {}", value(previous, tile.metric).headline));
    match tile.trend {
        Trend::Up => Some(format!("up{from}")),
        Trend::Down => Some(format!("down{from}")),
        Trend::NoClearChange => Some("no clear change".to_owned()),
        Trend::TooFew => None,
        Trend::NotCollected => Some(telling::change(tile)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn what_cannot_be_computed_is_never_said_as_zero() {
        let no = [
            Value::NotMeasured { why: "no incident type was ever seen".into() },
            Value::NoProduction,
            Value::Backfilling { percent: 42 },
            Value::Few { seconds: Vec::new() },
            Value::Rate { k: 0, n: 0, low: 0.0, high: 1.0 },
        ];
        for no in no {
            let said = value(&no, Metric::ChangeFailRate);
            assert!(!said.headline.starts_with('0') && !said.headline.is_empty(), "{said:?}");
        }
        let said = value(&Value::Rate { k: 3, n: 25, low: 0.042, high: 0.3 }, Metric::ChangeFailRate);
        assert_eq!((said.headline.as_str(), said.rest.as_str()), ("12 %", "3 of 25 failed, 4.2 to 30 %"));
    }

    #[test]
    fn a_change_is_told_only_where_there_is_a_value_and_one_before() {
        let mut tile = fixture::metrics::tiles().remove(0);
        assert_eq!(change(&tile).as_deref(), Some("up from 6.1 a week"));
        tile.previous = Some(Value::NoProduction);
        assert_eq!(change(&tile).as_deref(), Some("up"));
        tile.value = Value::Backfilling { percent: 3 };
        assert_eq!(change(&tile), None);
    }
}
