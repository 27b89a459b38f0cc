//! How fast work in the background may go: how many requests at the same time, and how much of the rate limit it leaves to people.
//!
//! Pure: it is told of answers and asked whether one more may be sent; the clock is an argument.
//!
//! - **Window.** It begins at 4 requests in flight and grows by one with each run of good answers, up to 16 or what the caller allows; a `429` or a `Retry-After`
//!   halves it, once for all requests that were under way together, and after the first sign of a limit it grows four times slower.
//! - **Half of the budget.** Azure DevOps tells its rate limit only when it comes near. From then on as much as half of it is left
//!   untouched: what one request costs is estimated from how `Remaining` falls, and how fast it comes back from `Reset`, the time at
//!   which all of it would be back if nothing more were sent.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

/// Requests in flight to one host at the same time when the background has it to itself, unless a caller says otherwise.
pub const CEILING: usize = 16;

/// Where the window begins.
const START: usize = 4;

/// After a sign of a limit the window grows by one in so many windows of good answers.
const CAUTION: usize = 4;

/// Of the limit, what is left to others.
const RESERVE: f64 = 0.5;

/// What a request is taken to cost until that can be seen. Published figures say 1.05 to 1.3 for heavy ones.
const FIRST_COST: f64 = 1.0;

/// The service counts in windows of five minutes: assumed where it does not say when the budget is back.
const USUAL_RESET: Duration = Duration::from_secs(300);

/// What is known of the rate limit, for people to see.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Budget {
    /// In Azure DevOps's units (TSTU), as it said last. Absent until it says so, which it does only near the limit.
    pub limit: Option<f64>,
    pub remaining: Option<f64>,
    /// When all of it is back if nothing more is sent.
    pub reset_at: Option<Timestamp>,
    /// Until when it told to wait (`Retry-After`). A time that has passed is over.
    pub told_to_wait: Option<Timestamp>,
    /// Requests under way, of all kinds.
    pub in_flight: usize,
    /// How many requests the background may have under way.
    pub window: usize,
}

/// What an answer says of the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signs {
    /// A `429`, a `Retry-After`, or a delay that the service admits to.
    pub is_throttled: bool,
    pub limit: Option<f64>,
    pub remaining: Option<f64>,
    /// From the answer on.
    pub reset_in: Option<Duration>,
}

impl Signs {
    fn is_quiet(&self) -> bool {
        !self.is_throttled && self.limit.is_none() && self.remaining.is_none()
    }
}

/// Whether the background may send one more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Admission {
    Now,
    /// When another one is done.
    AfterAnother,
    /// Not before; or when another one is done, whose answer may say more.
    At(Instant),
}

#[derive(Debug)]
pub struct Pacer {
    window: usize,
    /// How far the window may grow: as the latest caller allows.
    ceiling: usize,
    good: usize,
    shrunk_at: Option<Instant>,
    was_told: bool,
    ledger: Option<Ledger>,
    cost: f64,
}

#[derive(Debug, Clone, Copy)]
struct Ledger {
    limit: f64,
    remaining: f64,
    at: Instant,
    resets_at: Instant,
    /// Answers since, this one's own left out.
    answers: u32,
}

impl Ledger {
    /// What remains at a later time: it comes back evenly until the reset.
    fn estimate(&self, now: Instant) -> f64 {
        let whole = self.resets_at.saturating_duration_since(self.at).as_secs_f64();
        let gone = now.saturating_duration_since(self.at).as_secs_f64();
        if gone >= whole { self.limit } else { self.remaining + (self.limit - self.remaining) * gone / whole }
    }

    /// When as much as `wanted` remains; the reset at the latest.
    fn when(&self, wanted: f64) -> Instant {
        let whole = self.resets_at.saturating_duration_since(self.at);
        let used = self.limit - self.remaining;
        if used <= 0.0 || wanted >= self.limit {
            return self.resets_at;
        }
        self.at + whole.mul_f64(((wanted - self.remaining) / used).clamp(0.0, 1.0))
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Self { window: START, ceiling: CEILING, good: 0, shrunk_at: None, was_told: false, ledger: None, cost: FIRST_COST }
    }
}

impl Pacer {
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether one more may be sent in the background beside those under way there (`mine`) and those of people (`theirs`), where the
    /// caller wants `at_most` so many under way.
    pub fn admit(&mut self, now: Instant, at_most: usize, mine: usize, theirs: usize) -> Admission {
        self.ceiling = at_most;
        // People's requests take places away, but never the last one.
        let places = self.window.min(at_most.saturating_sub(theirs)).max(1);
        if mine >= places {
            return Admission::AfterAnother;
        }
        let Some(ledger) = self.ledger else { return Admission::Now };
        let under_way = mine + theirs;
        let wanted = ledger.limit * RESERVE + self.cost * (under_way + 1) as f64;
        if ledger.estimate(now) >= wanted {
            return Admission::Now;
        }
        let at = ledger.when(wanted);
        match (at > now, under_way) {
            (true, _) => Admission::At(at),
            // All of it is back, and one request is worth more than half: it can only be tried.
            (false, 0) => Admission::Now,
            (false, _) => Admission::AfterAnother,
        }
    }

    /// Takes in an answer to a request that was sent at `begun`, of the background or of people.
    pub fn answered(&mut self, signs: &Signs, begun: Instant, now: Instant) {
        if signs.is_quiet() {
            self.good += 1;
            let run = if self.was_told { self.window * CAUTION } else { self.window };
            if self.good >= run {
                self.good = 0;
                self.window = (self.window + 1).min(self.ceiling.max(START));
            }
            if let Some(ledger) = &mut self.ledger {
                ledger.answers += 1;
                // All back, and no word of a limit: it is far away again.
                if now >= ledger.resets_at {
                    self.ledger = None;
                }
            }
            return;
        }
        self.was_told = true;
        if signs.is_throttled && self.shrunk_at.is_none_or(|at| begun >= at) {
            self.window = (self.window.min(self.ceiling) / 2).max(1);
            self.good = 0;
            self.shrunk_at = Some(now);
        }
        if let (Some(limit), Some(remaining)) = (signs.limit, signs.remaining)
            && limit > 0.0
        {
            self.write(limit, remaining.clamp(0.0, limit), now + signs.reset_in.unwrap_or(USUAL_RESET), now);
        }
    }

    fn write(&mut self, limit: f64, remaining: f64, resets_at: Instant, now: Instant) {
        if let Some(before) = &self.ledger {
            let fell = before.estimate(now) - remaining;
            let each = fell / f64::from(before.answers + 1);
            // Answers arrive out of order and others use the same budget: only the trend counts.
            if each > 0.0 {
                self.cost = (self.cost * 0.8 + each * 0.2).clamp(0.01, 20.0);
            }
        }
        self.ledger = Some(Ledger { limit, remaining, at: now, resets_at, answers: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Signs {
        Signs::default()
    }

    fn throttled() -> Signs {
        Signs { is_throttled: true, ..Signs::default() }
    }

    fn told(limit: f64, remaining: f64, reset_s: u64) -> Signs {
        Signs { limit: Some(limit), remaining: Some(remaining), reset_in: Some(Duration::from_secs(reset_s)), is_throttled: false }
    }

    #[test]
    fn the_window_grows_from_four_to_sixteen_while_nothing_is_said_of_a_limit() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        assert_eq!(pacer.window(), 4);
        // 4 + 5 + ... + 15 good answers.
        for _ in 0..114 {
            assert!(pacer.window() < CEILING);
            pacer.answered(&quiet(), now, now);
        }
        assert_eq!(pacer.window(), CEILING);
        for _ in 0..1000 {
            pacer.answered(&quiet(), now, now);
        }
        assert_eq!(pacer.window(), CEILING);
    }

    #[test]
    fn a_sign_of_throttling_halves_the_window_once_for_all_that_was_under_way() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        for _ in 0..114 {
            pacer.answered(&quiet(), start, start);
        }
        let later = start + Duration::from_secs(1);
        for _ in 0..16 {
            pacer.answered(&throttled(), start, later);
        }
        assert_eq!(pacer.window(), 8);
        pacer.answered(&throttled(), later, later + Duration::from_secs(1));
        assert_eq!(pacer.window(), 4);
        for second in 2..20 {
            let at = start + Duration::from_secs(second);
            pacer.answered(&throttled(), at, at);
        }
        assert_eq!(pacer.window(), 1, "never none");
        // Slower than at first: 4 good answers for the second place, 8 more for the third.
        let at = start + Duration::from_secs(60);
        for (answers, window) in [(3, 1), (1, 2), (7, 2), (1, 3)] {
            for _ in 0..answers {
                pacer.answered(&quiet(), at, at);
            }
            assert_eq!(pacer.window(), window);
        }
    }

    #[test]
    fn people_take_places_of_the_background_but_never_the_last() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        for _ in 0..114 {
            pacer.answered(&quiet(), now, now);
        }
        for (mine, theirs, admission) in [
            (15, 0, Admission::Now),
            (16, 0, Admission::AfterAnother),
            (7, 8, Admission::Now),
            (8, 8, Admission::AfterAnother),
            (0, 16, Admission::Now),
            (0, 64, Admission::Now),
            (1, 64, Admission::AfterAnother),
        ] {
            assert_eq!(pacer.admit(now, CEILING, mine, theirs), admission, "{mine} {theirs}");
        }
    }

    #[test]
    fn a_caller_may_want_fewer_or_more() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        assert_eq!((pacer.admit(now, 1, 0, 0), pacer.admit(now, 1, 1, 0)), (Admission::Now, Admission::AfterAnother));
        for _ in 0..10_000 {
            assert_eq!(pacer.admit(now, 64, 0, 0), Admission::Now);
            pacer.answered(&quiet(), now, now);
        }
        assert_eq!(pacer.window(), 64);
        assert_eq!((pacer.admit(now, 64, 63, 0), pacer.admit(now, CEILING, 16, 0)), (Admission::Now, Admission::AfterAnother));
        pacer.answered(&throttled(), now, now);
        assert_eq!(pacer.window(), 8, "half of what is allowed now");
    }

    #[test]
    fn below_half_of_the_limit_it_waits_for_what_comes_back() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        // 150 of 200 used, all back in 300 s: half a unit a second. One request of 1 unit above the half needs 51 units: 102 s.
        pacer.answered(&told(200.0, 50.0, 300), now, now);
        let Admission::At(at) = pacer.admit(now, CEILING, 0, 0) else { panic!("{:?}", pacer.admit(now, CEILING, 0, 0)) };
        assert!((at - now).abs_diff(Duration::from_secs(102)) < Duration::from_millis(5), "{:?}", at - now);
        assert_eq!(pacer.admit(at + Duration::from_millis(10), CEILING, 0, 0), Admission::Now);
        // A second one beside it needs one unit more: two seconds.
        let Admission::At(second) = pacer.admit(at, CEILING, 1, 0) else { panic!() };
        assert!((second - at).abs_diff(Duration::from_secs(2)) < Duration::from_millis(5), "{:?}", second - at);
        // People's requests spend too.
        assert_eq!(pacer.admit(at, CEILING, 0, 1), Admission::At(second));
    }

    #[test]
    fn above_half_of_the_limit_it_goes_on_as_far_as_the_estimate_reaches() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        pacer.answered(&told(200.0, 103.5, 300), now, now);
        assert_eq!(pacer.admit(now, CEILING, 2, 0), Admission::Now);
        assert!(matches!(pacer.admit(now, CEILING, 3, 0), Admission::At(_)));
    }

    #[test]
    fn what_a_request_costs_is_learnt_from_how_the_rest_falls() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        // Each answer 5 units less, with nothing coming back in the meantime.
        for step in 0..=78 {
            pacer.answered(&told(1000.0, 900.0 - 5.0 * f64::from(step), 300), start, start);
        }
        assert!((4.9..5.1).contains(&pacer.cost), "{}", pacer.cost);
        // 510 remain, 500 are the reserve.
        assert_eq!(pacer.admit(start, CEILING, 0, 0), Admission::Now);
        assert!(matches!(pacer.admit(start, CEILING, 2, 0), Admission::At(_)), "{}", pacer.cost);
    }

    #[test]
    fn after_the_reset_it_goes_on_even_where_a_request_costs_more_than_half() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        pacer.answered(&told(1.0, 0.0, 10), start, start);
        assert!(matches!(pacer.admit(start, CEILING, 0, 0), Admission::At(at) if at <= start + Duration::from_secs(10)));
        let later = start + Duration::from_secs(10);
        assert_eq!(pacer.admit(later, CEILING, 0, 0), Admission::Now);
        assert_eq!(pacer.admit(later, CEILING, 1, 0), Admission::AfterAnother);
        // An answer without a word of a limit: it is forgotten.
        pacer.answered(&quiet(), later, later);
        assert_eq!(pacer.admit(later, CEILING, 1, 0), Admission::Now);
    }

    #[test]
    fn a_fleet_of_requests_never_spends_below_half() {
        // A service with 200 units that come back over 300 s, 2 units a request, watched for an hour of requests of a tenth of a second.
        let start = Instant::now();
        let (mut pacer, mut used, mut mine, mut lowest, mut sent) = (Pacer::default(), 0.0f64, 0usize, 200.0f64, 0);
        let step = Duration::from_millis(100);
        let mut now = start;
        for _ in 0..36_000 {
            now += step;
            used = (used - 200.0 / 300.0 * step.as_secs_f64()).max(0.0);
            for _ in 0..mine {
                used += 2.0;
                let reset_in = Duration::from_secs_f64(used / 200.0 * 300.0);
                let signs = Signs { limit: Some(200.0), remaining: Some(200.0 - used), reset_in: Some(reset_in), is_throttled: false };
                pacer.answered(&signs, now, now);
            }
            lowest = lowest.min(200.0 - used);
            mine = 0;
            while pacer.admit(now, CEILING, mine, 0) == Admission::Now {
                mine += 1;
                sent += 1;
            }
        }
        assert!(lowest >= 99.0, "{lowest}");
        // What comes back in an hour, and the first half: 1,250 requests of 2 units.
        assert!((1150..=1251).contains(&sent), "{sent}");
    }
}
