//! Chance that comes out the same every time: numbers, choices and durations from a seed and a name.
//!
//! Limits: whole numbers only, so that every machine throws the same; not for secrets.

use jiff::{SignedDuration, Timestamp};

/// One stream of numbers. Streams of different names do not disturb each other.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, name: &str) -> Dice {
        // FNV-1a of the name, so that names one letter apart are far apart after the mixing below.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut dice = Dice(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(bound).unwrap_or(0)).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).saturating_add(1).max(1).unsigned_abs();
        low.saturating_add(i64::try_from(self.next() % width).unwrap_or(0))
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them; the first of none is never asked for.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, rows: &mut [T]) {
        for last in (1..rows.len()).rev() {
            rows.swap(last, self.below(last + 1));
        }
    }

    /// A duration as people and machines take them: mostly near the median, now and then a tenth of it or ten times it.
    pub fn about(&mut self, median_minutes: i64) -> SignedDuration {
        const PERCENT_OF_MEDIAN: [i64; 16] = [8, 16, 28, 40, 55, 70, 85, 100, 115, 140, 170, 220, 290, 400, 620, 1100];
        let percent = self.pick(&PERCENT_OF_MEDIAN) * self.between(80, 120);
        let seconds = (median_minutes * 60 * percent / 10_000).max(20);
        SignedDuration::from_secs(seconds) + SignedDuration::from_nanos(self.between(0, 9_999_999) * 100)
    }

    /// Between two numbers of minutes, to the 100 ns that the service counts in.
    pub fn minutes(&mut self, low: i64, high: i64) -> SignedDuration {
        SignedDuration::from_nanos(self.between(low * 600_000_000, high * 600_000_000) * 100)
    }

    /// At or before an instant, when people work: nights and most weekends are skipped backwards.
    pub fn at_work(&mut self, at: Timestamp) -> Timestamp {
        let mut at = at;
        for _ in 0..4 {
            let day = civil(at);
            let weekend = matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday);
            // The chance first: what it draws must not depend on the hour.
            let is_off = weekend && !self.chance(6);
            if is_off || day.hour() < 6 {
                at = self.evening(at, 1);
            } else if day.hour() >= 20 {
                at = self.evening(at, 0);
            } else {
                break;
            }
        }
        at
    }

    /// An instant of the working day that lies `days` before the one of `at`, never after `at`.
    fn evening(&mut self, at: Timestamp, days: i64) -> Timestamp {
        let seconds = at.as_second();
        let midnight = seconds - seconds.rem_euclid(86_400) - days * 86_400;
        let nanos = self.between(13 * 36_000_000_000, 19 * 36_000_000_000) * 100;
        let evening = Timestamp::from_second(midnight).unwrap_or(at) + SignedDuration::from_nanos(nanos);
        evening.min(at)
    }
}

fn civil(at: Timestamp) -> jiff::civil::DateTime {
    jiff::tz::TimeZone::UTC.to_datetime(at)
}

/// Git keeps whole seconds.
pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_throws_the_same_and_another_name_another() {
        let throw = |seed, name| {
            let mut dice = Dice::new(seed, name);
            [0; 8].map(|_: u8| dice.below(1000))
        };
        assert_eq!(throw(1, "a"), throw(1, "a"));
        assert_ne!(throw(1, "a"), throw(1, "b"));
        assert_ne!(throw(1, "a"), throw(2, "a"));
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut dice = Dice::new(3, "bounds");
        assert!((0..500).map(|_| dice.between(-2, 2)).all(|number| (-2..=2).contains(&number)));
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.between(7, 7), 7);
        let mut rows: Vec<u8> = (0..40).collect();
        dice.shuffle(&mut rows);
        assert!(!rows.is_sorted());
        rows.sort_unstable();
        assert_eq!(rows, (0..40).collect::<Vec<u8>>());
    }

    #[test]
    fn work_is_never_later_than_asked_and_not_at_night() {
        let mut dice = Dice::new(5, "work");
        let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        for hour in 0..400 {
            let asked = start + SignedDuration::from_hours(hour);
            let at = dice.at_work(asked);
            assert!(at <= asked, "{asked} {at}");
            assert!((6..20).contains(&civil(at).hour()), "{at}");
            assert!(asked.duration_since(at) < SignedDuration::from_hours(24 * 4), "{asked} {at}");
        }
    }
}
