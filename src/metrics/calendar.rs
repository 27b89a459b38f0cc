//! Days and weeks in a time zone, and the hours that count. Safe across the changes of daylight saving time.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::figures::Measured;
use super::query::{Hours, Window};

/// The most days that a table holds: earlier and later instants are counted as in calendar hours.
const MOST_DAYS: usize = 6_000;

/// The days of a stretch of time: when each begins, and how much working time lies before it.
#[derive(Debug, Clone)]
pub struct Days {
    starts: Vec<Timestamp>,
    /// Seconds of working time before each day.
    worked: Vec<f64>,
}

impl Days {
    /// The days from the one of `from` to the one of `to`, both included.
    pub fn between(from: Timestamp, to: Timestamp, zone: &TimeZone, holidays: &[Date]) -> Self {
        let mut days = Self { starts: Vec::new(), worked: Vec::new() };
        let mut date = from.to_zoned(zone.clone()).date();
        let mut worked = 0.0;
        let mut previous: Option<(Timestamp, bool)> = None;
        while days.starts.len() < MOST_DAYS {
            let Some(start) = start_of(date, zone) else { break };
            if let Some((before, true)) = previous {
                worked += seconds(before, start);
            }
            days.starts.push(start);
            days.worked.push(worked);
            if start > to {
                break;
            }
            let works = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !holidays.contains(&date);
            previous = Some((start, works));
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        days
    }

    /// The place of the day of an instant, where it is inside.
    pub fn place(&self, at: Timestamp) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= at);
        (after > 0 && after < self.starts.len()).then(|| after - 1)
    }

    fn worked_before(&self, at: Timestamp) -> Option<f64> {
        let place = self.place(at)?;
        let whole = self.worked[place + 1] - self.worked[place];
        Some(self.worked[place] + if whole > 0.0 { seconds(self.starts[place], at) } else { 0.0 })
    }

    /// Seconds from one instant to another by these hours; negative where they are the wrong way round.
    pub fn seconds(&self, hours: Hours, from: Timestamp, to: Timestamp) -> f64 {
        let calendar = seconds(from, to);
        if hours == Hours::Calendar || calendar < 0.0 {
            return calendar;
        }
        match (self.worked_before(from), self.worked_before(to)) {
            (Some(before), Some(after)) => after - before,
            _ => calendar,
        }
    }
}

/// Calendar seconds from one instant to another.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// The first instant of a day: midnight, or what comes after it where the clock skips midnight.
fn start_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// The weeks that a window touches, Monday first.
#[derive(Debug, Clone)]
pub struct Weeks {
    pub mondays: Vec<Date>,
    starts: Vec<Timestamp>,
    ends: Vec<Timestamp>,
    /// Whether the week lies in the window as a whole.
    pub whole: Vec<bool>,
}

impl Weeks {
    pub fn of(window: Window, zone: &TimeZone) -> Self {
        let first = window.from.to_zoned(zone.clone()).date();
        let back = i64::from(first.weekday().to_monday_zero_offset());
        let mut monday = first.checked_sub(back.days()).unwrap_or(first);
        let mut weeks = Self { mondays: Vec::new(), starts: Vec::new(), ends: Vec::new(), whole: Vec::new() };
        while weeks.mondays.len() < MOST_DAYS / 7 {
            let Some(start) = start_of(monday, zone).filter(|start| *start < window.to) else { break };
            let Ok(next) = monday.checked_add(7.days()) else { break };
            let end = start_of(next, zone).unwrap_or(start + SignedDuration::from_hours(24 * 7));
            weeks.mondays.push(monday);
            weeks.starts.push(start);
            weeks.ends.push(end);
            weeks.whole.push(start >= window.from && end <= window.to);
            monday = next;
        }
        weeks
    }

    pub fn len(&self) -> usize {
        self.mondays.len()
    }

    /// When each ends, Monday's midnight.
    pub fn ends(&self) -> &[Timestamp] {
        &self.ends
    }

    /// How much of a week lies in a stretch of time: all of it, some, or none.
    pub fn measured(&self, week: usize, from: Timestamp, whole_from: Timestamp, to: Timestamp) -> Measured {
        let (Some(start), Some(end)) = (self.starts.get(week), self.ends.get(week)) else { return Measured::None };
        if *end <= from || *start >= to {
            Measured::None
        } else if *start < whole_from || *end > to {
            Measured::Part
        } else {
            Measured::Whole
        }
    }

    /// The place of the week of an instant, where it is inside.
    pub fn place(&self, at: Timestamp) -> Option<usize> {
        self.starts.partition_point(|start| *start <= at).checked_sub(1)
    }
}
