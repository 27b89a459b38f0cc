//! What arrived at the door: requests by route, how many at once, how many were turned away, how many came too soon.
//!
//! Limits: the control routes are not counted; a request counts under its route only once somebody with a valid token
//! asked for something that exists, and not at all under a route if a fault answered in its place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Counters since the start or the last reset.
#[derive(Debug, Default)]
pub struct Traffic {
    by_route: Mutex<BTreeMap<String, u64>>,
    arrived: AtomicU64,
    /// Answered with 429, by a budget or by a fault.
    refused: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
    wait: Mutex<Wait>,
}

/// What answers said about waiting (`Retry-After`), whoever they were for.
#[derive(Debug, Default)]
struct Wait {
    /// The latest moment that was named.
    until: Option<Instant>,
    /// Requests that came before it, since it was first said.
    early: u64,
    most_early: u64,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// By `METHOD template`.
    pub by_route: BTreeMap<String, u64>,
    pub arrived: u64,
    pub refused: u64,
    pub in_flight: u64,
    pub most_in_flight: u64,
    /// The most requests that came in one stretch of time in which answers had told to wait. What was on its way when it was said is
    /// among them: from somebody who heeds it, no more than they have under way at once.
    pub most_early: u64,
}

/// A request that is under way; it ends when this is dropped, also if the client went away.
#[derive(Debug)]
pub struct UnderWay<'a>(&'a Traffic);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Traffic {
    /// Somebody is at the door.
    pub fn arrive(&self) -> UnderWay<'_> {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        self.come(Instant::now());
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        UnderWay(self)
    }

    fn come(&self, now: Instant) {
        let mut wait = self.wait();
        if wait.until.is_some_and(|until| now < until) {
            wait.early += 1;
            wait.most_early = wait.most_early.max(wait.early);
        }
    }

    /// An answer that leaves at `now` says to wait for so long.
    pub fn tell_to_wait(&self, time: Duration, now: Instant) {
        let mut wait = self.wait();
        match wait.until {
            Some(until) if now < until => wait.until = Some(until.max(now + time)),
            _ => {
                wait.early = 0;
                wait.until = Some(now + time);
            }
        }
    }

    pub fn count(&self, route: &str) {
        *self.routes().entry(route.to_owned()).or_default() += 1;
    }

    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn figures(&self) -> Figures {
        Figures {
            by_route: self.routes().clone(),
            arrived: self.arrived.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            most_in_flight: self.most_in_flight.load(Ordering::Relaxed),
            most_early: self.wait().most_early,
        }
    }

    /// Everything begins anew, except that what is under way is under way.
    pub fn reset(&self) {
        self.routes().clear();
        self.arrived.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        self.most_in_flight.store(self.in_flight.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut wait = self.wait();
        (wait.early, wait.most_early) = (0, 0);
    }

    fn wait(&self) -> MutexGuard<'_, Wait> {
        // As valid as the counters.
        self.wait.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn routes(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // Valid between any two statements.
        self.by_route.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_at_once_is_remembered_until_a_reset() {
        let traffic = Traffic::default();
        let one = traffic.arrive();
        let two = traffic.arrive();
        drop(one);
        let three = traffic.arrive();
        traffic.count("GET projects");
        traffic.refuse();
        let seen = traffic.figures();
        assert_eq!((seen.arrived, seen.in_flight, seen.most_in_flight, seen.refused), (3, 2, 2, 1));
        assert_eq!(seen.by_route.get("GET projects"), Some(&1));
        drop(two);
        traffic.reset();
        let seen = traffic.figures();
        assert_eq!((seen.arrived, seen.in_flight, seen.most_in_flight, seen.refused), (0, 1, 1, 0));
        assert!(seen.by_route.is_empty());
        drop(three);
        assert_eq!(traffic.figures().in_flight, 0);
    }

    #[test]
    fn who_comes_before_the_time_that_was_named_is_counted_by_stretch() {
        let (traffic, start) = (Traffic::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        traffic.come(at(0));
        traffic.tell_to_wait(Duration::from_secs(1), at(10));
        [20, 30].into_iter().for_each(|ms| traffic.come(at(ms)));
        // Said again in between, it is one stretch.
        traffic.tell_to_wait(Duration::from_secs(1), at(500));
        [600, 1400, 1500].into_iter().for_each(|ms| traffic.come(at(ms)));
        assert_eq!(traffic.figures().most_early, 4);
        traffic.tell_to_wait(Duration::from_secs(1), at(2000));
        traffic.come(at(2001));
        assert_eq!(traffic.figures().most_early, 4, "the longest stretch counts");
        traffic.reset();
        assert_eq!(traffic.figures().most_early, 0);
    }
}
