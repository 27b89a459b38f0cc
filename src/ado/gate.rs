//! One gate a host: limits what is in flight, and holds everything back until the host's `Retry-After` has passed.
//!
//! Two lanes. What a person waits for has slots of its own and never waits for the background; the background is paced
//! ([`super::budget`]), enters one behind the other, and makes room while people's requests are under way.
//!
//! Azure DevOps sends `Retry-After` with a 200 too: the answer at hand is good, the next request waits.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::budget::{Admission, Bulk, Pacer, Signs};

/// For whom a request is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for the answer.
    #[default]
    Interactive,
    /// Nobody does: it goes as fast as the service likes, and waits as long as the service wants. With the most requests that the
    /// caller wants under way at the same time.
    Background(usize),
}

#[derive(Debug)]
pub struct Gate {
    slots: Arc<Semaphore>,
    /// Whoever is next in the background; they come in order.
    turn: Semaphore,
    state: Mutex<State>,
    /// Something changed that the next in the background may wait for.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    not_before: Option<Instant>,
    interactive: usize,
    /// People's requests that stand at the gate.
    waiting: usize,
    background: usize,
    pacer: Pacer,
}

/// Leave to send one request; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    lane: Lane,
    pub begun: Instant,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        match self.lane {
            Lane::Interactive => state.interactive -= 1,
            Lane::Background(_) => state.background -= 1,
        }
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

/// A person's request that stands at the gate.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.state().waiting += 1;
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
        self.0.changed.notify_waiters();
    }
}

/// The wait that the host asks for is longer than the caller's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub Duration);

impl Gate {
    pub fn new(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))), turn: Semaphore::new(1), state: Mutex::default(), changed: Notify::new() }
    }

    /// Waits for a place and for the host to be ready.
    pub async fn enter(self: &Arc<Self>, lane: Lane, bulk: Bulk, patience: Duration) -> Result<Pass, TooLong> {
        match lane {
            Lane::Interactive => self.enter_for_somebody(bulk, patience).await,
            Lane::Background(at_most) => self.enter_in_turn(lane, bulk, at_most, patience).await,
        }
    }

    async fn enter_for_somebody(self: &Arc<Self>, bulk: Bulk, patience: Duration) -> Result<Pass, TooLong> {
        let refuse = |wait: Option<Duration>| match wait {
            Some(wait) if wait > patience => Err(TooLong(wait)),
            _ => Ok(()),
        };
        refuse(self.wait())?;
        let waiting = Waiting::new(self);
        let slot = match self.slots.clone().acquire_owned().await {
            Ok(slot) => slot,
            Err(_) => unreachable!("the semaphore is never closed"),
        };
        // Another answer may move the instant on while we sleep.
        while let Some(wait) = self.wait() {
            refuse(Some(wait))?;
            tokio::time::sleep(wait).await;
        }
        let begun = Instant::now();
        {
            let mut state = self.state();
            state.interactive += 1;
            state.pacer.sent(bulk, begun);
        }
        drop(waiting);
        Ok(Pass { gate: self.clone(), lane: Lane::Interactive, begun, _slot: Some(slot) })
    }

    async fn enter_in_turn(self: &Arc<Self>, lane: Lane, bulk: Bulk, at_most: usize, patience: Duration) -> Result<Pass, TooLong> {
        let deadline = Instant::now() + patience;
        let Ok(_turn) = self.turn.acquire().await else { unreachable!("the semaphore is never closed") };
        loop {
            let mut changed = pin!(self.changed.notified());
            // Whatever changes from here on wakes us.
            changed.as_mut().enable();
            let now = Instant::now();
            let admission = {
                let mut state = self.state();
                match state.not_before.filter(|until| *until > now) {
                    Some(until) => Admission::At(until),
                    None => {
                        let (mine, theirs) = (state.background, state.interactive + state.waiting);
                        let admission = state.pacer.admit(now, bulk, at_most, mine, theirs);
                        if admission == Admission::Now {
                            state.background += 1;
                        }
                        admission
                    }
                }
            };
            match admission {
                Admission::Now => return Ok(Pass { gate: self.clone(), lane, begun: now, _slot: None }),
                Admission::At(until) if until > deadline => return Err(TooLong(until - now)),
                Admission::At(until) => {
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
                Admission::AfterAnother => {
                    if tokio::time::timeout_at(deadline, changed).await.is_err() {
                        return Err(TooLong(Duration::ZERO));
                    }
                }
            }
        }
    }

    /// Holds everything back for a while; never shortens an earlier wait.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        if state.not_before.is_none_or(|earlier| earlier < until) {
            state.not_before = Some(until);
        }
    }

    /// Takes in what an answer says of the rate limit; tells the window of the background.
    pub fn answered(&self, signs: &Signs, begun: Instant) -> usize {
        let mut state = self.state();
        state.pacer.answered(signs, begun, Instant::now());
        state.pacer.window()
    }

    fn wait(&self) -> Option<Duration> {
        let until = self.state().not_before?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `Retry-After`: seconds, whole or not, or a date. A day is the most it can ask for.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            (at.as_millisecond() - now.as_millisecond()) as f64 / 1000.0
        }
    };
    (seconds.is_finite() && seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::budget::CEILING;
    use super::*;

    const BACKGROUND: Lane = Lane::Background(CEILING);
    const PATIENCE: Duration = Duration::from_secs(30);
    const LONG_PATIENCE: Duration = Duration::from_secs(3600);

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    async fn person(gate: &Arc<Gate>) -> Pass {
        gate.enter(Lane::Interactive, Bulk::Object, PATIENCE).await.unwrap()
    }

    async fn background(gate: &Arc<Gate>) -> Pass {
        gate.enter(BACKGROUND, Bulk::Object, LONG_PATIENCE).await.unwrap()
    }

    /// Whether somebody gets in without anything happening first.
    fn is_open(gate: &Arc<Gate>, lane: Lane) -> bool {
        gate.enter(lane, Bulk::Object, LONG_PATIENCE).now_or_never().is_some()
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(" 1.5 ", now), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 12:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 01 Mar 2026 11:00:00 GMT", now), None);
        assert_eq!(retry_after("1e99", now), Some(Duration::from_secs(86_400)));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-3", now), None);
    }

    #[tokio::test]
    async fn nothing_enters_before_the_host_is_ready() {
        let gate = Arc::new(Gate::new(2));
        let begun = Instant::now();
        gate.hold(Duration::from_millis(50));
        gate.hold(Duration::from_millis(20));
        let _pass = person(&gate).await;
        assert!(begun.elapsed() >= Duration::from_millis(50));
        gate.hold(Duration::from_secs(60));
        assert!(matches!(gate.enter(Lane::Interactive, Bulk::Object, PATIENCE).await, Err(TooLong(wait)) if wait.as_secs() >= 50));
    }

    #[tokio::test]
    async fn an_abandoned_wait_gives_its_slot_back() {
        let gate = Arc::new(Gate::new(1));
        gate.hold(Duration::from_millis(100));
        assert!(tokio::time::timeout(Duration::from_millis(10), gate.enter(Lane::Interactive, Bulk::Object, PATIENCE)).await.is_err());
        assert!(gate.enter(Lane::Interactive, Bulk::Object, PATIENCE).await.is_ok());
    }

    #[tokio::test]
    async fn the_background_waits_where_a_person_would_be_told_to_come_back() {
        let gate = Arc::new(Gate::new(2));
        let begun = Instant::now();
        gate.hold(ms(60));
        assert!(matches!(gate.enter(Lane::Interactive, Bulk::Object, ms(5)).await, Err(TooLong(_))));
        let _pass = gate.enter(BACKGROUND, Bulk::Object, LONG_PATIENCE).await.unwrap();
        assert!(begun.elapsed() >= ms(60));
        gate.hold(LONG_PATIENCE * 2);
        assert!(matches!(gate.enter(BACKGROUND, Bulk::Object, LONG_PATIENCE).await, Err(TooLong(wait)) if wait > LONG_PATIENCE));
    }

    #[tokio::test]
    async fn people_never_wait_for_the_background() {
        let gate = Arc::new(Gate::new(2));
        let mut passes = Vec::new();
        for _ in 0..4 {
            passes.push(background(&gate).await);
        }
        assert!(!is_open(&gate, BACKGROUND), "the window begins at four");
        let _people = [person(&gate).await, person(&gate).await];
        assert!(!is_open(&gate, Lane::Interactive), "people have the slots of the configuration");
        passes.pop();
        assert!(is_open(&gate, BACKGROUND));
    }

    #[tokio::test]
    async fn the_background_makes_room_while_people_are_busy() {
        let gate = Arc::new(Gate::new(14));
        for _ in 0..114 {
            gate.answered(&Signs::default(), Instant::now());
        }
        let people = futures_util::future::join_all((0..14).map(|_| person(&gate))).await;
        let _passes = [background(&gate).await, background(&gate).await];
        assert!(!is_open(&gate, BACKGROUND));
        drop(people);
        assert!(is_open(&gate, BACKGROUND));
    }

    #[tokio::test]
    async fn the_next_in_the_background_goes_when_one_is_done() {
        let gate = Arc::new(Gate::new(1));
        let mut passes = futures_util::future::join_all((0..4).map(|_| background(&gate))).await;
        let next = tokio::spawn({
            let gate = gate.clone();
            async move { background(&gate).await }
        });
        while gate.turn.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(!next.is_finished());
        passes.pop();
        next.await.unwrap();
    }

    #[tokio::test]
    async fn an_abandoned_turn_lets_the_next_one_through() {
        let gate = Arc::new(Gate::new(1));
        gate.hold(ms(50));
        assert!(tokio::time::timeout(ms(5), background(&gate)).await.is_err());
        background(&gate).await;
    }

    fn signs(remaining: f64, reset_in: Duration) -> Signs {
        Signs { limit: Some(200.0), remaining: Some(remaining), reset_in: Some(reset_in), is_throttled: false }
    }

    #[tokio::test]
    async fn below_half_of_the_limit_the_background_waits_and_people_do_not() {
        let gate = Arc::new(Gate::new(2));
        let begun = Instant::now();
        gate.answered(&signs(0.0, ms(300)), begun);
        assert!(is_open(&gate, Lane::Interactive));
        let _pass = background(&gate).await;
        // A little less than half may be used, one unit of it by this one: the rest is back after 166.5 of the 300 ms.
        assert!(begun.elapsed() >= ms(166), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn good_news_of_an_answer_ends_a_wait_early() {
        let gate = Arc::new(Gate::new(2));
        gate.answered(&signs(0.0, Duration::from_secs(3000)), Instant::now());
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { background(&gate).await }
        });
        while gate.turn.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let pass = person(&gate).await;
        gate.answered(&signs(190.0, Duration::from_secs(3000)), pass.begun);
        drop(pass);
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it need not wait for the reset").unwrap();
    }
}
