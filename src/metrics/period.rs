//! A window as people write it: `7d`, `4w`, `2026-11-01..2026-11-30`, `2026-11-01..` or just `2026-11-01`.
//!
//! Dates are days of the given zone; the last one named is in the window. So many days begin at the midnight before them and end now:
//! `7d` is today and the seven days before it. Limits: at most 400 days.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::query::Window;

/// The longest window.
pub const MOST_DAYS: u16 = 400;

/// A window as it was asked for: where it lies depends on when one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// From the midnight of so many days ago up to now.
    Days(u16),
    /// Both days included.
    Between(Date, Date),
    /// From that day up to now.
    Since(Date),
}

impl Default for Span {
    fn default() -> Self {
        Self::Days(30)
    }
}

impl Span {
    /// The windows that a key cycles through, in days.
    pub const USUAL: [u16; 3] = [7, 30, 90];

    /// The next of the usual ones.
    pub fn next(self) -> Self {
        match self {
            Self::Days(7) => Self::Days(30),
            Self::Days(30) => Self::Days(90),
            Self::Days(_) => Self::Days(7),
            Self::Between(..) | Self::Since(_) => Self::Days(30),
        }
    }

    /// Reads what a person typed: `14d`, `4w`, `2026-10-01..2026-10-31`, `2026-10-01..` or `2026-10-01` for up to now.
    ///
    /// # Errors
    /// What is wrong with the text, for a person.
    pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Self, String> {
        let text = text.trim();
        let span = match text.split_once("..") {
            Some((from, to)) if to.trim().is_empty() => Self::Since(date(from.trim())?),
            Some((from, to)) => Self::Between(date(from.trim())?, date(to.trim())?),
            None => text.parse().map_or_else(|_| days(text).map(Self::Days), |date| Ok(Self::Since(date)))?,
        };
        if let Self::Days(_) = span {
            return Ok(span);
        }
        let window = span.window(zone, now);
        if window.from >= window.to {
            return Err(format!("the window {text} ends before it begins"));
        }
        // A day with a change of clocks is an hour longer.
        if window.length().as_hours() > i64::from(MOST_DAYS) * 24 + 1 {
            return Err(format!("the window {text} has more than {MOST_DAYS} days"));
        }
        Ok(span)
    }

    /// From and to as instants. Days begin at midnight of the zone; a day out of reach stands for the end of time on its side.
    pub fn window(self, zone: &TimeZone, now: Timestamp) -> Window {
        let from = |date| midnight(date, zone).unwrap_or(Timestamp::MIN);
        match self {
            Self::Days(days) => back(days, zone, now),
            Self::Since(date) => Window { from: from(date), to: now },
            Self::Between(first, last) => {
                let after = last.checked_add(1.day()).ok().and_then(|after| midnight(after, zone));
                Window { from: from(first), to: after.unwrap_or(Timestamp::MAX) }
            }
        }
    }

    /// As it is typed, and as a heading says it.
    pub fn words(self) -> String {
        match self {
            Self::Days(days) => format!("{days} days"),
            Self::Between(from, to) => format!("{from}..{to}"),
            Self::Since(from) => format!("{from}.."),
        }
    }
}

/// Reads a window as it lies now.
///
/// # Errors
/// What is wrong with the text, for a person.
pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Window, String> {
    Span::parse(text, zone, now).map(|span| span.window(zone, now))
}

/// From the midnight of so many days ago up to now.
fn back(days: u16, zone: &TimeZone, now: Timestamp) -> Window {
    let date = now.to_zoned(zone.clone()).date().checked_sub(i64::from(days).days());
    let from = date.ok().and_then(|date| midnight(date, zone));
    from.map_or_else(|| Window::last(i64::from(days), now), |from| Window { from, to: now })
}

fn days(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is no window: write 7d, 30d, 90d, 4w, or two dates such as 2026-11-01..2026-11-30");
    let (number, factor) = match (text.strip_suffix(['d', 'D']), text.strip_suffix(['w', 'W'])) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 7),
        (None, None) => return Err(wrong()),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(factor).and_then(|days| u16::try_from(days).ok()) {
        Some(days @ 1..=MOST_DAYS) => Ok(days),
        _ => Err(format!("`{text}` is no window: 1 to {MOST_DAYS} days")),
    }
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no date: write it as 2026-11-30"))
}

fn midnight(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible().ok().map(|zoned: Zoned| zoned.timestamp())
}

/// As people read it: `2026-10-23 to 2026-11-22`, days of the zone; the last one is in the window.
pub fn words(window: Window, zone: &TimeZone) -> String {
    let first = window.from.to_zoned(zone.clone()).date();
    let last = (window.to - jiff::SignedDuration::from_nanos(1)).to_zoned(zone.clone()).date();
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_weeks_begin_at_midnight_of_the_zone() {
        let now = at("2026-11-22T10:00:00Z");
        let auckland = TimeZone::get("Pacific/Auckland").unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, zone, from) in [
            ("7d", &TimeZone::UTC, "2026-11-15T00:00:00Z"),
            (" 30d ", &TimeZone::UTC, "2026-10-23T00:00:00Z"),
            ("2w", &TimeZone::UTC, "2026-11-08T00:00:00Z"),
            // Summer time ended on 25 October.
            ("7d", &berlin, "2026-11-14T23:00:00Z"),
            ("30d", &berlin, "2026-10-22T22:00:00Z"),
            // There it is 23:00 of the 22nd.
            ("7d", &auckland, "2026-11-14T11:00:00Z"),
        ] {
            let window = Window { from: at(from), to: now };
            assert_eq!(parse(text, zone, now), Ok(window), "{text}");
            let first = window.from.to_zoned(zone.clone()).date();
            assert_eq!(parse(&format!("{first}.."), zone, now), Ok(window), "{text} is the same as {first}..");
        }
        assert!(parse("400d", &berlin, now).is_ok());
    }

    #[test]
    fn dates_are_days_of_the_zone_and_the_last_one_is_in_the_window() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = at("2026-11-22T10:00:00Z");
        // Summer time ended on 25 October: the first midnight is +02:00, the last +01:00.
        let window = parse("2026-10-01..2026-10-31", &zone, now).unwrap();
        assert_eq!(window, Window { from: at("2026-09-30T22:00:00Z"), to: at("2026-10-31T23:00:00Z") });
        assert_eq!(words(window, &zone), "2026-10-01 to 2026-10-31");
        for text in ["2026-11-20..", "2026-11-20", " 2026-11-20 .. "] {
            assert_eq!(parse(text, &zone, now), Ok(Window { from: at("2026-11-19T23:00:00Z"), to: now }), "{text}");
        }
        assert_eq!(words(parse("2026-11-20..2026-11-20", &zone, now).unwrap(), &zone), "2026-11-20");
    }

    #[test]
    fn a_window_that_makes_no_sense_is_refused_with_what_to_write() {
        let now = at("2026-11-22T10:00:00Z");
        for (text, words) in [
            ("", "write 7d"),
            ("30", "write 7d"),
            ("0d", "1 to 400"),
            ("-3d", "1 to 400"),
            ("401d", "1 to 400"),
            ("9999999999999999999d", "write 7d"),
            ("99999999999999999w", "1 to 400"),
            ("2026-11-30..2026-11-01", "ends before it begins"),
            ("2024-01-01..2026-01-01", "more than 400"),
            ("2026-02-30..2026-03-01", "no date"),
            ("..2026-03-01", "no date"),
        ] {
            let told = parse(text, &TimeZone::UTC, now).unwrap_err();
            assert!(told.contains(words), "{text}: {told}");
        }
    }

    #[test]
    fn what_was_asked_for_is_kept_as_it_was_and_moves_with_the_time() {
        let now = at("2026-11-22T10:00:00Z");
        for (text, span) in [
            ("14d", Span::Days(14)),
            (" 4w", Span::Days(28)),
            ("2026-10-01..2026-10-31", Span::Between(Date::constant(2026, 10, 1), Date::constant(2026, 10, 31))),
            ("2026-10-01", Span::Since(Date::constant(2026, 10, 1))),
            ("2026-10-01..", Span::Since(Date::constant(2026, 10, 1))),
        ] {
            assert_eq!(Span::parse(text, &TimeZone::UTC, now), Ok(span), "{text}");
            let again = Span::parse(&span.words().replace(" days", "d"), &TimeZone::UTC, now);
            assert_eq!(again, Ok(span), "its words are understood");
        }
        let later = at("2026-11-24T10:00:00Z");
        assert_eq!(Span::Since(Date::constant(2026, 10, 1)).window(&TimeZone::UTC, later).to, later);
        assert_eq!(
            [Span::Days(7), Span::Days(30), Span::Days(90), Span::Since(Date::constant(2026, 10, 1))].map(Span::next).map(Span::words),
            ["30 days", "90 days", "7 days", "30 days"]
        );
    }
}
