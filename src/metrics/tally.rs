//! Samples summed up to a value, by the kind of figure.

use jiff::civil::Date;

use super::calendar::Weeks;
use super::figures::{Excluded, Measured, Metric, PhaseFigure, Reason, Value, Week};
use super::frame::{Frame, Sample};
use super::query::{Definition, Window};
use super::statistics::{Lasted, ascending, kaplan_meier_median, lower_median, median, percentile, wilson};
use super::{counts, frequency, readiness, statistics};

/// Fewer are listed; as many have a median.
const MEDIAN_FROM: usize = 5;
/// The smallest samples that exceed the percentile with 95 %.
const P85_FROM: usize = 19;
const P95_FROM: usize = 59;

/// What kind of value a figure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Times,
    /// Times of which some go on.
    Censored,
    Rate,
    Frequency,
    Count,
}

pub fn shape(metric: Metric) -> Shape {
    match metric {
        Metric::DeploymentFrequency => Shape::Frequency,
        Metric::LeadTime | Metric::CycleTime => Shape::Times,
        Metric::RecoveryTime => Shape::Censored,
        Metric::ChangeFailRate | Metric::ReworkRate | Metric::PipelineReliability | Metric::MergedWithoutReview => Shape::Rate,
        Metric::Throughput | Metric::WorkInProgress => Shape::Count,
    }
}

/// What a week holds.
#[derive(Debug, Clone, Default)]
struct InWeek {
    seconds: Vec<f64>,
    k: u64,
    n: u64,
    /// The last day counted, and how many there were: samples of a service come in order, services one after the other.
    days: Vec<usize>,
}

/// Samples of a window, summed up. `seconds` are ascending once it is [`done`](Self::done).
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub seconds: Vec<f64>,
    /// Ages of what goes on.
    pub open: Vec<f64>,
    pub k: u64,
    pub n: u64,
    excluded: Vec<u64>,
    weeks: Vec<InWeek>,
}

impl Tally {
    pub fn of(frame: &Frame<'_>, metric: Metric, window: Window, weeks: &Weeks) -> Self {
        let mut tally = Self::empty(weeks.len());
        let with_days = metric == Metric::DeploymentFrequency;
        frame.each(metric, window, &mut |sample| tally.take(frame, weeks, with_days, sample));
        tally.done()
    }

    pub fn empty(weeks: usize) -> Self {
        Self { excluded: vec![0; Reason::ALL.len()], weeks: vec![InWeek::default(); weeks], ..Self::default() }
    }

    pub fn take(&mut self, frame: &Frame<'_>, weeks: &Weeks, with_days: bool, sample: Sample) {
        if let Some(reason) = sample.excluded {
            if let Some(place) = Reason::ALL.iter().position(|other| *other == reason) {
                self.excluded[place] += 1;
            }
            return;
        }
        self.n += 1;
        self.k += u64::from(sample.hit);
        match sample.seconds {
            Some(seconds) if sample.open => self.open.push(seconds),
            Some(seconds) => self.seconds.push(seconds),
            None => {}
        }
        if let Some(week) = weeks.place(sample.at).and_then(|week| self.weeks.get_mut(week)) {
            week.n += 1;
            week.k += u64::from(sample.hit);
            week.seconds.extend(sample.seconds.filter(|_| !sample.open));
            if with_days
                && let Some(day) = frame.days.place(sample.at)
                && !week.days.contains(&day)
            {
                week.days.push(day);
            }
        }
    }

    pub fn done(mut self) -> Self {
        self.seconds = ascending(std::mem::take(&mut self.seconds));
        self.open = ascending(std::mem::take(&mut self.open));
        self
    }

    pub fn excluded(&self) -> Vec<Excluded> {
        let counts = Reason::ALL.iter().zip(&self.excluded);
        counts.filter(|(_, count)| **count > 0).map(|(reason, count)| Excluded { reason: *reason, count: *count }).collect()
    }

    /// Distinct days of deployment in a week, for the weeks that lie as a whole in the window, and after the day on which its days begin
    /// to count.
    fn deploy_days(&self, weeks: &Weeks, since: Date) -> Vec<f64> {
        let counts = weeks.mondays.iter().zip(&weeks.whole).map(|(monday, whole)| *whole && *monday >= since);
        ascending(self.weeks.iter().zip(counts).filter(|(_, counts)| *counts).map(|(week, _)| week.days.len() as f64).collect())
    }

    /// Week by week. A count of a week in which nothing was measured is absent: it would pass for zero.
    pub fn weeks(&self, frame: &Frame<'_>, metric: Metric, window: Window, weeks: &Weeks) -> Vec<Week> {
        if metric == Metric::WorkInProgress {
            return counts::open_by_week(frame, window, weeks);
        }
        let value = |week: &InWeek, measured: Measured| match shape(metric) {
            Shape::Times | Shape::Censored => middle(frame.query.definition, &ascending(week.seconds.clone())),
            Shape::Rate if week.n == 0 => None,
            Shape::Rate => Some(week.k as f64 / week.n as f64),
            Shape::Frequency | Shape::Count => Some(week.n as f64).filter(|_| measured != Measured::None),
        };
        let (from, whole_from) = readiness::measured_from(frame, metric, window);
        let to = window.to.min(frame.now);
        let of = |(at, (starts, week)): (usize, (&Date, &InWeek))| {
            let measured = match weeks.measured(at, from, whole_from, to) {
                Measured::None if week.n > 0 => Measured::Part,
                measured => measured,
            };
            Week { starts: *starts, value: value(week, measured), n: week.n, measured }
        };
        weeks.mondays.iter().zip(&self.weeks).enumerate().map(of).collect()
    }

    pub fn value(&self, frame: &Frame<'_>, metric: Metric, window: Window, weeks: &Weeks) -> Value {
        let definition = frame.query.definition;
        match shape(metric) {
            Shape::Times => times(definition, &self.seconds, nothing(metric)),
            Shape::Censored if definition != Definition::Ours => times(definition, &self.seconds, nothing(metric)),
            Shape::Censored => self.censored(nothing(metric)),
            Shape::Rate if self.n == 0 => Value::NotMeasured { why: nothing(metric).to_owned() },
            Shape::Rate => {
                let (low, high) = wilson(self.k, self.n);
                Value::Rate { k: self.k, n: self.n, low, high }
            }
            Shape::Frequency => {
                let days = frequency::days(frame, window);
                let since = frequency::since(frame, window).to_zoned(frame.query.zone.clone()).date();
                let deploy_days = self.deploy_days(weeks, since);
                let deploy_days_per_week = match definition {
                    Definition::DevLake => lower_median(&deploy_days),
                    Definition::Ours | Definition::FourKeys => median(&deploy_days),
                };
                Value::Frequency { count: self.n, days, per_day: self.n as f64 / days, deploy_days_per_week }
            }
            Shape::Count => Value::Count { count: self.n },
        }
    }

    fn censored(&self, nothing: &str) -> Value {
        if self.open.is_empty() {
            return times(Definition::Ours, &self.seconds, nothing);
        }
        let open = self.open.len() as u64;
        let cases: Vec<Lasted> = self.seconds.iter().map(|s| Lasted::Ended(*s)).chain(self.open.iter().map(|s| Lasted::Open(*s))).collect();
        if cases.len() >= MEDIAN_FROM
            && let Some(median) = kaplan_meier_median(&cases)
        {
            return Value::Censored { median, open };
        }
        // Whatever the open ones come to, the median is at least that of their ages and the rest.
        let all = ascending(cases.into_iter().map(Lasted::seconds).collect());
        Value::AtLeast { seconds: statistics::median(&all).unwrap_or_default(), open }
    }

    pub fn phase(&self, phase: super::figures::Phase, definition: Definition) -> PhaseFigure {
        PhaseFigure {
            phase,
            value: times(definition, &self.seconds, "no pull request has this phase"),
            n: self.n,
            excluded: self.excluded(),
            overlay: None,
        }
    }
}

/// The middle of a sample as the definition takes it.
pub fn middle(definition: Definition, sample: &[f64]) -> Option<f64> {
    if definition == Definition::DevLake { lower_median(sample) } else { median(sample) }
}

/// A sample of times as a value. The other definitions print a median of however few; ours lists them.
pub fn times(definition: Definition, sample: &[f64], nothing: &str) -> Value {
    let (Some(low), Some(high), Some(median)) = (sample.first(), sample.last(), middle(definition, sample)) else {
        return Value::NotMeasured { why: nothing.to_owned() };
    };
    let is_ours = definition == Definition::Ours;
    if is_ours && sample.len() < MEDIAN_FROM {
        return Value::Few { seconds: sample.to_vec() };
    }
    let from = |enough: usize, q: f64| if sample.len() >= enough && is_ours { percentile(sample, q) } else { None };
    Value::Times { median, low: *low, high: *high, p85: from(P85_FROM, 0.85), p95: from(P95_FROM, 0.95) }
}

/// Why there is no value where nothing counts.
fn nothing(metric: Metric) -> &'static str {
    match metric {
        Metric::LeadTime => "no change reached production in this window",
        Metric::CycleTime | Metric::MergedWithoutReview => "no pull request was completed in this window",
        Metric::RecoveryTime => "no deployment of this window failed",
        Metric::ChangeFailRate => "no successful deployment of this window is old enough to tell",
        Metric::ReworkRate => "no successful deployment in this window",
        Metric::PipelineReliability => "no production stage ended in this window",
        Metric::DeploymentFrequency | Metric::Throughput | Metric::WorkInProgress => "nothing in this window",
    }
}
