//! A window as people write it: `7d`, `4w`, `2026-11-01..2026-11-30`, `2026-11-01..`.
//!
//! Dates are days of the given zone; the last one named is in the window. So many days begin at the midnight before them and end now:
//! `7d` is today and the seven days before it. Limits: at most 400 days.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::query::Window;

/// The longest window.
pub const MOST_DAYS: i64 = 400;

/// The windows that a key cycles through.
pub const USUAL_DAYS: [i64; 3] = [7, 30, 90];

/// Reads a window.
///
/// # Errors
/// What is wrong with the text, for a person.
pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Window, String> {
    let text = text.trim();
    let window = match text.split_once("..") {
        Some((from, to)) => between(from.trim(), to.trim(), zone, now)?,
        None => return Ok(back(days(text)?, zone, now)),
    };
    let hours = window.length().as_hours();
    if window.from >= window.to {
        return Err(format!("the window {text} ends before it begins"));
    }
    // A day with a change of clocks is an hour longer.
    if hours > MOST_DAYS * 24 + 1 {
        return Err(format!("the window {text} has more than {MOST_DAYS} days"));
    }
    Ok(window)
}

/// From the midnight of so many days ago up to now.
pub fn back(days: i64, zone: &TimeZone, now: Timestamp) -> Window {
    let date = now.to_zoned(zone.clone()).date().checked_sub(days.days());
    let from = date.map_err(|error| error.to_string()).and_then(|date| midnight(date, zone));
    from.map_or_else(|_| Window::last(days, now), |from| Window { from, to: now })
}

fn days(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no window: write 7d, 30d, 90d, 4w, or two dates such as 2026-11-01..2026-11-30");
    let (number, factor) = match (text.strip_suffix(['d', 'D']), text.strip_suffix(['w', 'W'])) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 7),
        (None, None) => return Err(wrong()),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(factor) {
        Some(days @ 1..=MOST_DAYS) => Ok(days),
        _ => Err(format!("`{text}` is no window: 1 to {MOST_DAYS} days")),
    }
}

fn between(from: &str, to: &str, zone: &TimeZone, now: Timestamp) -> Result<Window, String> {
    let from = midnight(date(from)?, zone)?;
    let to = match to {
        "" => now,
        to => {
            let after = date(to)?.checked_add(1.day()).map_err(|_| format!("`{to}` is out of reach"))?;
            midnight(after, zone)?
        }
    };
    Ok(Window { from, to })
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no date: write it as 2026-11-30"))
}

fn midnight(date: Date, zone: &TimeZone) -> Result<Timestamp, String> {
    zone.to_ambiguous_zoned(date.at(0, 0, 0, 0))
        .compatible()
        .map(|zoned: Zoned| zoned.timestamp())
        .map_err(|_| format!("{date} is out of reach"))
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
        assert_eq!(parse("2026-11-20..", &zone, now).unwrap().to, now);
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
}
