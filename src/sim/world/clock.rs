//! The world's time: the real time plus an offset that a test can move, and how the service writes dates.
//!
//! The offset only ever grows through `advance`; nothing in the simulator waits for world time.
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Real time plus `offset_ms`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Clock {
    pub offset_ms: i64,
}

impl Clock {
    /// A clock that shows `instant` now.
    pub fn showing(instant: Timestamp) -> Self {
        Clock { offset_ms: instant.as_millisecond() - Timestamp::now().as_millisecond() }
    }

    pub fn now(&self) -> Timestamp {
        let real = Timestamp::now();
        real.checked_add(SignedDuration::from_millis(self.offset_ms)).unwrap_or(real)
    }

    pub fn advance(&mut self, by: SignedDuration) {
        self.offset_ms = self.offset_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(0));
    }
}

/// `2026-03-02T09:14:05.1234567Z`: the service counts in steps of 100 ns.
pub fn ado_date(instant: Timestamp) -> String {
    format!("{}.{:07}Z", instant.strftime("%Y-%m-%dT%H:%M:%S"), instant.subsec_nanosecond().max(0) / 100)
}

/// `2026-03-02T09:14:05Z`: dates that come out of git have whole seconds.
pub fn git_date(instant: Timestamp) -> String {
    format!("{}Z", instant.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_carry_seven_digits() {
        let instant: Timestamp = "2026-03-02T09:14:05.1234567Z".parse().unwrap();
        assert_eq!(ado_date(instant), "2026-03-02T09:14:05.1234567Z");
        assert_eq!(git_date(instant), "2026-03-02T09:14:05Z");
    }

    #[test]
    fn advancing_moves_the_clock_forward() {
        let mut clock = Clock::default();
        let before = clock.now();
        clock.advance(SignedDuration::from_hours(3));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(3));
    }
}
