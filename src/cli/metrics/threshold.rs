//! Comparisons that end a command with a failure, for pipelines: `lead_time>48h`, `lead_time.p85>5d`, `change_fail_rate>15%`.
//!
//! What is compared without naming it is the median of times, the share of a rate, the frequency a day, the count. Limits: one
//! comparison each; what is not measured cannot be compared, which is a failure of its own, never a pass.

use std::str::FromStr;

use crate::metrics::figures::{Figures, Metric, Value};
use crate::metrics::telling;
use crate::notice::Notice;

#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    metric: Metric,
    what: What,
    when: When,
    /// Seconds, a fraction, a frequency a day, or a count.
    limit: f64,
    /// As it was written.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Middle,
    P85,
    P95,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Above,
    Below,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['<', '>']).ok_or_else(|| "write it as METRIC>VALUE or METRIC<VALUE, such as lead_time>48h".to_owned())?;
        let when = if text.as_bytes()[at] == b'>' { When::Above } else { When::Below };
        let (name, limit) = (text[..at].trim(), text[at + 1..].trim());
        let (name, what) = match name.split_once('.') {
            None | Some((_, "median" | "rate" | "per_day" | "count")) => (name.split('.').next().unwrap_or(name), What::Middle),
            Some((name, "p85")) => (name, What::P85),
            Some((name, "p95")) => (name, What::P95),
            Some((_, other)) => return Err(format!("`{other}` is no part of a figure: median, p85, p95, rate, per_day or count")),
        };
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Metric::ALL.into_iter().map(Metric::name).collect();
            format!("`{name}` is no figure: {}", names.join(", "))
        })?;
        let limit = number(limit).ok_or_else(|| format!("`{limit}` is no value: write 48h, 90m, 3d, 15%, or a number"))?;
        Ok(Self { metric, what, when, limit, text: text.to_owned() })
    }
}

fn number(text: &str) -> Option<f64> {
    let units = [("%", 0.01), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0), ("w", 604_800.0)];
    let (number, factor) = units.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor))).unwrap_or((text, 1.0));
    number.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).map(|number| number * factor)
}

impl Threshold {
    /// The words to fail with where the comparison holds.
    ///
    /// # Errors
    /// Where there is nothing to compare.
    pub fn judge(&self, figures: &Figures) -> Result<Option<String>, Notice> {
        let tile = figures.tile(self.metric);
        let value = tile.map(|tile| &tile.value);
        let found = match (self.what, value) {
            (_, None) => None,
            (What::Middle, Some(value)) => telling::scalar(value),
            (What::P85, Some(Value::Times { p85, .. })) => *p85,
            (What::P95, Some(Value::Times { p95, .. })) => *p95,
            (What::P85 | What::P95, Some(_)) => None,
        };
        let told = value.map_or_else(|| "not there".to_owned(), telling::headline);
        let Some(found) = found else {
            let hint = "leave --fail-on out, or choose a longer window or another part of the figure";
            return Err(
                Notice::new(format!("`{}` cannot be judged: {} is {told}", self.text, self.metric.title().to_lowercase())).hint(hint)
            );
        };
        let holds = match self.when {
            When::Above => found > self.limit,
            When::Below => found < self.limit,
        };
        Ok(holds.then(|| format!("{}: {} is {told}", self.text, self.metric.title().to_lowercase())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture;

    fn figures(metric: Metric, value: Value) -> Figures {
        fixture::figures(vec![fixture::tile(metric, value)])
    }

    fn judge(text: &str, figures: &Figures) -> Result<bool, String> {
        text.parse::<Threshold>().unwrap().judge(figures).map(|words| words.is_some()).map_err(|notice| notice.text)
    }

    #[test]
    fn a_comparison_holds_or_not_by_the_value_in_its_own_unit() {
        let times = figures(Metric::LeadTime, Value::Times { median: 180_000.0, low: 1.0, high: 2.0, p85: Some(400_000.0), p95: None });
        assert_eq!(judge("lead_time>48h", &times), Ok(true), "180,000 s are 50 h");
        assert_eq!(judge("lead_time.median > 3d", &times), Ok(false));
        assert_eq!(judge("lead_time.p85>4d", &times), Ok(true));
        assert_eq!(judge("lead_time<2w", &times), Ok(true));
        let rate = figures(Metric::ChangeFailRate, Value::Rate { k: 3, n: 20, low: 0.05, high: 0.36 });
        assert_eq!(judge("change_fail_rate>15%", &rate), Ok(false), "15 % are not more than 15 %");
        assert_eq!(judge("change_fail_rate.rate>0.149", &rate), Ok(true));
    }

    #[test]
    fn what_is_not_measured_neither_passes_nor_fails_silently() {
        let none = figures(Metric::ChangeFailRate, Value::NotMeasured { why: "no source".to_owned() });
        let told = judge("change_fail_rate>15%", &none).unwrap_err();
        assert!(told.contains("change fail rate is not measured"), "{told}");
        assert!(judge("lead_time>1h", &none).is_err(), "no tile");
        let few = figures(Metric::LeadTime, Value::Times { median: 1.0, low: 1.0, high: 2.0, p85: None, p95: None });
        assert!(judge("lead_time.p95>1h", &few).is_err(), "too few for it");
    }

    #[test]
    fn a_comparison_that_cannot_be_read_says_how_to_write_it() {
        for (text, words) in [
            ("lead_time", "METRIC>VALUE"),
            ("speed>3", "lead_time"),
            ("lead_time.mean>3h", "median, p85"),
            ("lead_time>soon", "48h"),
            ("lead_time>-3h", "48h"),
            ("lead_time>=3h", "48h"),
        ] {
            let told = text.parse::<Threshold>().unwrap_err();
            assert!(told.contains(words), "{text}: {told}");
        }
    }
}
