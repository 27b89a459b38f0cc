//! How fast work in the background may go: how many requests at the same time, and how much of the rate limit it leaves to people.
//!
//! Pure: it is told of answers and asked whether one more may be sent; the clock is an argument.
//!
//! - **Window.** It begins at 4 requests in flight and grows by one with each run of good answers, up to 16 or what the caller allows; a `429` or a `Retry-After`
//!   halves it, once for all requests that were under way together, and after the first sign of a limit it grows four times slower.
//! - **Half of the budget.** Azure DevOps tells its rate limit only when it comes near. From then on half of it is left untouched, also
//!   while the service is silent again: what was sent in the last minutes is remembered, `Limit` less `Remaining` says what all of it cost,
//!   and so what the next request will. `Reset`, the time at which all would be back if nothing more were sent, says how long a request
//!   counts. After a long silence the limit is taken to be far away again.
//!
//! Limits: a page of a list is taken to cost five times as much as one object, since the service publishes no costs; what others spend
//! of the same budget is seen only when the service says something.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::domain::rate_limit::RateLimit;

/// Requests in flight to one host at the same time when the background has it to itself, unless a caller says otherwise.
pub const CEILING: usize = 16;

/// Where the window begins.
const START: usize = 4;

/// After a sign of a limit the window grows by one in so many windows of good answers.
const CAUTION: usize = 4;

/// Of the limit, what the background uses. Half is left to people, and a third of the other half to errors of the estimate:
/// requests may get dearer than those from which the cost of one was learnt.
const USE: f64 = 0.34;

/// So much longer than the service says is what was sent taken to count. It says so in whole seconds, and counts from when a request comes
/// there. Of a window taken for too short, the end of one burst and the begin of the next would fall into one of the service's.
const LONGER: f64 = 1.2;

/// What a unit ([`Bulk`]) is taken to cost until that can be seen. Published figures say 1.05 to 1.3 for heavy requests.
const FIRST_COST: f64 = 1.0;

/// Units that must have been sent before `Remaining` says what one costs: of fewer, most was spent by others.
const ENOUGH: f64 = 20.0;

/// The service counts in windows of five minutes: assumed until it says when the budget is back, and never more.
const USUAL_RESET: Duration = Duration::from_secs(300);

/// After so many windows without a word of a limit it is far away again: an hour.
const FORGOTTEN: u32 = 12;

/// A request that took longer than that was made to wait, and counted when it came.
const LATEST: Duration = Duration::from_secs(10);

/// What was sent is remembered by time, this exactly.
const GRAIN: Duration = Duration::from_millis(100);

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bulk {
    /// One thing and what hangs on it.
    Object,
    /// A page of a list, or a query.
    Page,
}

impl Bulk {
    fn units(self) -> f64 {
        match self {
            Self::Object => 1.0,
            Self::Page => 5.0,
        }
    }
}

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
    /// When it said any of that last.
    pub said_at: Option<Timestamp>,
    /// Requests under way, of all kinds.
    pub in_flight: usize,
    /// How many requests the background may have under way.
    pub window: usize,
}

impl Budget {
    /// The last word of the service; absent until it says one.
    pub fn said(&self) -> Option<RateLimit> {
        Some(RateLimit {
            limit: self.limit,
            remaining: self.remaining,
            reset_at: self.reset_at,
            told_to_wait: self.told_to_wait,
            said_at: self.said_at?,
        })
    }
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
    sent: Sent,
    /// TSTU a unit.
    cost: f64,
}

/// What was sent lately, in units.
#[derive(Debug, Default)]
struct Sent {
    /// The oldest first; those of one [`GRAIN`] together, at its beginning.
    entries: VecDeque<(Instant, f64)>,
    /// How long a request counts, as far as is known.
    span: Option<Duration>,
    late: Late,
}

impl Sent {
    /// How long a request counts with the service, from when it came there.
    fn counted_for(&self) -> Duration {
        self.span.unwrap_or(USUAL_RESET)
    }

    /// How long a request may count, from when it was sent.
    fn span(&self) -> Duration {
        self.counted_for().mul_f64(LONGER) + self.late.most()
    }

    /// An answer came after so long.
    fn took(&mut self, latency: Duration, now: Instant) {
        self.late.took(latency.min(LATEST), now, self.counted_for());
    }

    fn add(&mut self, units: f64, now: Instant) {
        let longest = self.counted_for().mul_f64(LONGER) + LATEST;
        while self.entries.front().is_some_and(|(at, _)| *at + longest <= now) {
            self.entries.pop_front();
        }
        match self.entries.back_mut() {
            Some((at, sum)) if now < *at + GRAIN => *sum += units,
            _ => self.entries.push_back((now, units)),
        }
    }

    /// What may count at that time.
    fn counting(&self, now: Instant) -> f64 {
        self.within(self.span(), now)
    }

    /// What was sent in the time before.
    fn within(&self, span: Duration, now: Instant) -> f64 {
        self.entries.iter().filter(|(at, _)| *at <= now && now < *at + span).map(|(_, units)| units).sum()
    }
}

/// How long requests took at most, in the last span and the one before: the service counts one from when it comes, which may be as much
/// later than it was sent.
#[derive(Debug, Default)]
struct Late {
    before: Duration,
    lately: Duration,
    since: Option<Instant>,
}

impl Late {
    fn took(&mut self, latency: Duration, now: Instant, span: Duration) {
        if self.since.is_none_or(|since| now >= since + span) {
            self.before = std::mem::take(&mut self.lately);
            self.since = Some(now);
        }
        self.lately = self.lately.max(latency);
    }

    fn most(&self) -> Duration {
        self.before.max(self.lately)
    }
}

/// The last word on the budget.
#[derive(Debug, Clone, Copy)]
struct Ledger {
    limit: f64,
    /// What is used and was not sent from here, as far as can be told.
    others: f64,
    at: Instant,
    resets_at: Instant,
    /// Whether it told what a unit costs.
    cost: Cost,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cost {
    Measured,
    /// Last at that time.
    Guessed(Instant),
}

impl Ledger {
    /// When others use no more than that: what they did comes back evenly until the reset.
    fn fallen_to(&self, wanted: f64) -> Option<Instant> {
        if wanted < 0.0 {
            return None;
        }
        if self.others <= wanted {
            return Some(self.at);
        }
        let whole = self.resets_at.saturating_duration_since(self.at);
        Some(self.at + whole.mul_f64(1.0 - wanted / self.others))
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            window: START,
            ceiling: CEILING,
            good: 0,
            shrunk_at: None,
            was_told: false,
            ledger: None,
            sent: Sent::default(),
            cost: FIRST_COST,
        }
    }
}

impl Pacer {
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether one more may be sent in the background beside those under way there (`mine`) and those of people (`theirs`), where the
    /// caller wants `at_most` so many under way. Who is let in is taken to send at once.
    pub fn admit(&mut self, now: Instant, bulk: Bulk, at_most: usize, mine: usize, theirs: usize) -> Admission {
        self.ceiling = at_most;
        // People's requests take places away, but never the last one.
        let places = self.window.min(at_most.saturating_sub(theirs)).max(1);
        if mine >= places {
            return Admission::AfterAnother;
        }
        let at = self.ledger.map_or(now, |ledger| self.affordable(&ledger, bulk, now));
        match (at > now, mine + theirs) {
            (true, _) => Admission::At(at),
            // All of it is back, and one request is worth more than there may be: it can only be tried.
            (false, under_way) if under_way > 0 && self.is_dear(bulk) => Admission::AfterAnother,
            (false, _) => {
                self.sent(bulk, now);
                Admission::Now
            }
        }
    }

    /// A request leaves, of the background or of people.
    pub fn sent(&mut self, bulk: Bulk, now: Instant) {
        self.sent.add(bulk.units(), now);
    }

    /// Whether one such request is worth more than the background may use.
    fn is_dear(&self, bulk: Bulk) -> bool {
        self.ledger.is_some_and(|ledger| self.cost * bulk.units() > ledger.limit * USE)
    }

    /// When a request fits into what the background may use: as soon as enough of what was sent counts no more.
    fn affordable(&self, ledger: &Ledger, bulk: Bulk, now: Instant) -> Instant {
        let (room, span) = (ledger.limit * USE - self.cost * bulk.units(), self.sent.span());
        let (mut from, mut ours) = (now, self.cost * self.sent.counting(now));
        let counting = self.sent.entries.iter().filter(|(at, _)| *at + span > now);
        for (at, units) in counting {
            let leaves = *at + span;
            if let Some(then) = ledger.fallen_to(room - ours)
                && then <= leaves
            {
                return then.max(from);
            }
            (from, ours) = (leaves, ours - self.cost * units);
        }
        // Nothing of ours is left, whatever the sum of fractions says.
        ledger.fallen_to(room).unwrap_or(ledger.resets_at).max(from)
    }

    /// Takes in an answer to a request that was sent at `begun`, of the background or of people.
    pub fn answered(&mut self, signs: &Signs, begun: Instant, now: Instant) {
        self.sent.took(now.saturating_duration_since(begun), now);
        if signs.is_quiet() {
            self.good += 1;
            let run = if self.was_told { self.window * CAUTION } else { self.window };
            if self.good >= run {
                self.good = 0;
                self.window = (self.window + 1).min(self.ceiling.max(START));
            }
            self.guess_again(now);
            if self.ledger.is_some_and(|ledger| now >= ledger.at + self.sent.counted_for() * FORGOTTEN) {
                self.ledger = None;
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
            let reset_in = signs.reset_in.unwrap_or(USUAL_RESET);
            self.write(limit, limit - remaining.clamp(0.0, limit), (begun, now), reset_in);
        }
    }

    /// What others spent tells nothing of what a unit costs. While the service is silent it may be less than was thought: better to be told
    /// once more, and then know, than to go at a crawl.
    fn guess_again(&mut self, now: Instant) {
        let wait = self.sent.counted_for() / 4;
        if let Some(Ledger { cost: Cost::Guessed(at), .. }) = &mut self.ledger
            && now >= *at + wait
        {
            *at = now;
            self.cost = (self.cost / 2.0).max(0.01);
        }
    }

    /// Takes over what is used in all, as it was counted when a request began.
    fn write(&mut self, limit: f64, used: f64, (begun, now): (Instant, Instant), reset_in: Duration) {
        let longest = self.sent.span.map_or(reset_in, |known| known.max(reset_in));
        self.sent.span = Some(longest.min(USUAL_RESET));
        // As many as the service counts, on the whole. Those that may count besides would make a request look cheaper than it is.
        let units = self.sent.within(self.sent.counted_for(), begun);
        let mut cost = Cost::Guessed(now);
        if units >= ENOUGH {
            self.cost = (used / units).clamp(0.01, 20.0);
            cost = Cost::Measured;
        }
        let others = (used - self.cost * units).max(0.0);
        self.ledger = Some(Ledger { limit, others, at: now, resets_at: now + reset_in, cost });
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
            assert_eq!(pacer.admit(now, Bulk::Object, CEILING, mine, theirs), admission, "{mine} {theirs}");
        }
    }

    #[test]
    fn a_caller_may_want_fewer_or_more() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        assert_eq!(
            (pacer.admit(now, Bulk::Object, 1, 0, 0), pacer.admit(now, Bulk::Object, 1, 1, 0)),
            (Admission::Now, Admission::AfterAnother)
        );
        for _ in 0..10_000 {
            assert_eq!(pacer.admit(now, Bulk::Object, 64, 0, 0), Admission::Now);
            pacer.answered(&quiet(), now, now);
        }
        assert_eq!(pacer.window(), 64);
        assert_eq!(
            (pacer.admit(now, Bulk::Object, 64, 63, 0), pacer.admit(now, Bulk::Object, CEILING, 16, 0)),
            (Admission::Now, Admission::AfterAnother)
        );
        pacer.answered(&throttled(), now, now);
        assert_eq!(pacer.window(), 8, "half of what is allowed now");
    }

    #[test]
    fn below_half_of_the_limit_it_waits_for_what_comes_back() {
        let (mut pacer, now) = (Pacer::default(), Instant::now());
        // Others used 150 of 200, all back in 300 s: half a unit a second. 68 may be used: one request of 1 fits after 83 are back.
        pacer.answered(&told(200.0, 50.0, 300), now, now);
        let Admission::At(at) = pacer.admit(now, Bulk::Object, CEILING, 0, 0) else { panic!("it fits already") };
        assert!((at - now).abs_diff(Duration::from_secs(166)) < Duration::from_millis(5), "{:?}", at - now);
        let at = at + Duration::from_millis(10);
        assert_eq!(pacer.admit(at, Bulk::Object, CEILING, 0, 0), Admission::Now);
        // A second one beside it needs one unit more: two seconds. A page needs five.
        for (bulk, seconds) in [(Bulk::Object, 2), (Bulk::Page, 10)] {
            let Admission::At(next) = pacer.admit(at, bulk, CEILING, 1, 0) else { panic!("there is no room for it") };
            assert!((next - at).abs_diff(Duration::from_secs(seconds)) < Duration::from_millis(20), "{:?}", next - at);
        }
    }

    #[test]
    fn what_people_send_counts_and_counts_no_more_when_its_time_is_over() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        pacer.answered(&told(100.0, 100.0, 10), start, start);
        for _ in 0..45 {
            pacer.sent(Bulk::Object, start);
        }
        let Admission::At(at) = pacer.admit(start, Bulk::Object, CEILING, 0, 0) else { panic!("45 of 100 are used") };
        assert_eq!(at - start, Duration::from_secs(12), "a fifth longer than the service says");
        assert_eq!(pacer.admit(at, Bulk::Object, CEILING, 0, 0), Admission::Now);
    }

    #[test]
    fn what_a_request_costs_is_learnt_from_what_all_of_them_did() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        // 100 objects and 20 pages used 150: 0.75 a unit, and nothing is left that others would have used.
        for _ in 0..100 {
            pacer.sent(Bulk::Object, start);
        }
        for _ in 0..20 {
            pacer.sent(Bulk::Page, start);
        }
        let later = start + Duration::from_secs(60);
        pacer.answered(&told(200.0, 50.0, 300), later, later);
        assert_eq!((pacer.cost, pacer.ledger.unwrap().others), (0.75, 0.0));
        let Admission::At(at) = pacer.admit(later, Bulk::Object, CEILING, 0, 0) else { panic!("150 of 200 are used") };
        assert_eq!(at - start, USUAL_RESET.mul_f64(LONGER), "they were sent together, and come back together");
    }

    #[test]
    fn a_cost_that_is_not_known_is_taken_to_be_less_and_less_while_nothing_is_said() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        pacer.answered(&told(200.0, 50.0, 300), start, start);
        for (seconds, cost) in [(74, 1.0), (75, 0.5), (149, 0.5), (150, 0.25), (600, 0.125)] {
            let now = start + Duration::from_secs(seconds);
            pacer.answered(&quiet(), now, now);
            assert_eq!(pacer.cost, cost, "after {seconds} s");
        }
    }

    #[test]
    fn silence_after_a_word_of_the_limit_is_no_leave_to_spend_it_again() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        pacer.answered(&told(100.0, 100.0, 10), start, start);
        let mut sent = 0;
        while pacer.admit(start, Bulk::Object, CEILING, 0, 0) == Admission::Now {
            pacer.answered(&quiet(), start, start);
            sent += 1;
        }
        assert_eq!(sent, 34);
        // After twelve windows it is forgotten.
        let much_later = start + Duration::from_secs(120);
        pacer.answered(&quiet(), much_later, much_later);
        for _ in 0..500 {
            assert_eq!(pacer.admit(much_later, Bulk::Object, CEILING, 0, 0), Admission::Now);
        }
    }

    #[test]
    fn after_the_reset_it_goes_on_even_where_a_request_costs_more_than_half() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        pacer.answered(&told(1.0, 0.0, 10), start, start);
        assert!(matches!(pacer.admit(start, Bulk::Object, CEILING, 0, 0), Admission::At(at) if at <= start + Duration::from_secs(10)));
        let later = start + Duration::from_secs(10);
        assert_eq!(pacer.admit(later, Bulk::Object, CEILING, 0, 1), Admission::AfterAnother);
        assert_eq!(pacer.admit(later, Bulk::Object, CEILING, 0, 0), Admission::Now);
        let Admission::At(next) = pacer.admit(later, Bulk::Object, CEILING, 0, 0) else { panic!("one is under way already") };
        assert_eq!(next - later, Duration::from_secs(12));
    }

    #[test]
    fn a_request_that_came_late_counts_for_as_long_as_any_was_late_and_is_not_cheaper_for_it() {
        let (mut pacer, start) = (Pacer::default(), Instant::now());
        let seconds = |count: u64| start + Duration::from_secs(count);
        // A hundred in a first span, a hundred in a second one; one of them was six seconds on its way.
        for second in 0..20 {
            for _ in 0..10 {
                pacer.sent(Bulk::Object, seconds(second));
            }
        }
        pacer.answered(&quiet(), seconds(3), seconds(9));
        pacer.answered(&told(100.0, 50.0, 10), seconds(19), seconds(19));
        assert_eq!(pacer.cost, 0.5, "the service counts the last hundred");
        assert_eq!(pacer.sent.counting(seconds(19)), 180.0, "and may count those of two and six seconds more");
        for _ in 0..500 {
            pacer.answered(&quiet(), seconds(20), seconds(20));
        }
        assert_eq!(pacer.sent.span(), Duration::from_secs(18), "however many were quick since");
        pacer.answered(&quiet(), seconds(30), seconds(30));
        pacer.answered(&quiet(), seconds(40), seconds(40));
        assert_eq!(pacer.sent.span(), Duration::from_secs(12), "but not for ever");
    }

    /// A service with 200 units in a sliding window of five minutes that says something only from three quarters on.
    #[test]
    fn a_fleet_of_requests_leaves_half_once_it_was_told() {
        let start = Instant::now();
        let (mut pacer, mut log) = (Pacer::default(), VecDeque::<(Instant, f64)>::new());
        let (mut was_told, mut has_settled, mut highest, mut sent) = (false, false, 0.0f64, 0);
        let mut under_way = Vec::new();
        for step in 0..30_000 {
            let now = start + Duration::from_millis(100) * step;
            for (begun, used) in std::mem::take(&mut under_way) {
                let near = Signs { limit: Some(200.0), remaining: Some(200.0 - used), reset_in: Some(USUAL_RESET), is_throttled: true };
                let signs = if used >= 150.0 { near } else { quiet() };
                was_told |= used >= 150.0;
                pacer.answered(&signs, begun, now);
            }
            loop {
                let bulk = if sent % 7 == 0 { Bulk::Page } else { Bulk::Object };
                if pacer.admit(now, bulk, CEILING, under_way.len(), 0) != Admission::Now {
                    break;
                }
                log.retain(|(at, _)| *at + USUAL_RESET > now);
                // What it costs is not what it is taken to cost: more or less, one by one.
                log.push_back((now, 0.2 * bulk.units() * if sent % 2 == 0 { 0.5 } else { 1.5 }));
                let used = log.iter().map(|(_, cost)| cost).sum::<f64>();
                assert!(used <= 200.0, "{used}");
                has_settled |= was_told && used <= 100.0;
                if has_settled {
                    highest = highest.max(used);
                }
                under_way.push((now, used));
                sent += 1;
            }
        }
        assert!(has_settled && highest <= 100.0, "{highest}");
        // 68 of what there is in six minutes, for fifty: nine tenths of it at least are used.
        assert!(log.len() > 90 && highest > 58.0 && sent > 2000, "{sent} in all, {} at the end, {highest}", log.len());
    }
}
