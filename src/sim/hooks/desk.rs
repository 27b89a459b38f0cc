//! Subscriptions, their history and the queue of what is to be sent, behind one short lock.
//!
//! Nothing here waits or touches the network. The queue is in the order of due times; the number of requests under way is
//! bounded, in all and for each host.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::deliver::Clients;
use super::event::{Event, Facts};
use super::faults::{Dice, HookFaults};
use super::notification::{Exchange, KEPT, KEPT_FOR, Notification, Progress, Upshot};
use super::retry::{self, Outcome, Standing, Status, Verdict};
use super::subscription::{Inputs, Subscription, Wanted};
use super::target::{self, Loopback};
use crate::sim::world::{Clock, World};

/// Requests under way at once: in all, and to one host.
const AT_ONCE: usize = 64;
const AT_ONCE_TO_A_HOST: usize = 16;

/// How far the queue is searched for somebody whose host has room.
const LOOKED_AHEAD: usize = 256;

/// How many lines of the log are kept.
const LOG: usize = 50_000;

/// A request that was made, or was not because of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    pub subscription: Uuid,
    pub notification: i64,
    pub event: Uuid,
    pub event_type: String,
    pub url: String,
    /// By the world's clock.
    pub at: Timestamp,
    /// Requests for this notification so far.
    pub attempt: u32,
    /// Which probe of a subscription on probation; 0 for none.
    pub probe: u32,
    pub fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    Answered(u16),
    Unanswered(String),
    /// Never sent: a fault.
    Dropped,
}

/// Whether there is still something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// Notifications that are due later.
    pub waiting: usize,
    /// When the next of them is due, by the world's clock.
    pub next: Option<Timestamp>,
}

/// What is written beside the world.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    subscriptions: Vec<Subscription>,
    notifications: Vec<Notification>,
    last_number: u64,
    last_sample: i64,
}

#[derive(Default)]
struct State {
    subscriptions: HashMap<Uuid, Subscription>,
    by_event: HashMap<String, Vec<Uuid>>,
    /// Where each of them goes.
    hosts: HashMap<Uuid, String>,
    history: HashMap<Uuid, BTreeMap<i64, Notification>>,
    /// By due time in milliseconds, then by order of arrival.
    queue: BTreeMap<(i64, u64), (Uuid, i64)>,
    arrivals: u64,
    under_way: usize,
    to_host: HashMap<String, usize>,
    faults: HookFaults,
    dice: Option<Dice>,
    log: VecDeque<Delivered>,
    last_number: u64,
    last_sample: i64,
}

/// One request to be made.
#[derive(Debug)]
pub(super) struct Job {
    pub subscription: Subscription,
    pub notification: i64,
    pub event: Arc<Event>,
    pub host: String,
    /// When it was to be made.
    pub due: Timestamp,
    /// Requests to make in all: more than one when duplicates are asked for.
    pub times: u32,
    pub attempt: u32,
    pub probe: u32,
}

/// The service's desk of subscriptions.
#[derive(Default)]
pub struct Desk {
    state: Mutex<State>,
    /// Rung when something may be due, or room has become free.
    pub(super) wake: Notify,
    /// Rung when a request has ended.
    settled: Notify,
    offset_ms: AtomicI64,
    pub(super) clients: Clients,
    loopback: OnceLock<Loopback>,
    file: OnceLock<PathBuf>,
    is_dirty: AtomicBool,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("subscriptions", &self.state().subscriptions.len()).finish_non_exhaustive()
    }
}

impl Desk {
    pub fn new(clock: Clock) -> Desk {
        Desk { offset_ms: AtomicI64::new(clock.offset_ms), ..Desk::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> MutexGuard<'_, State> {
        self.is_dirty.store(true, Ordering::Relaxed);
        self.state()
    }

    /// Says where it is kept and what may be called, and finds again what was kept. Answers whether anything was.
    pub fn open(&self, file: Option<&Path>, loopback: Loopback, faults: HookFaults) -> std::io::Result<bool> {
        // Opened once, by whoever starts the simulator.
        let _ = self.loopback.set(loopback);
        self.set_faults(faults);
        let Some(file) = file else { return Ok(false) };
        let _ = self.file.set(file.to_owned());
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let kept: Kept = serde_json::from_slice(&bytes)?;
        let mut state = self.state();
        state.last_number = kept.last_number;
        state.last_sample = kept.last_sample;
        for subscription in kept.subscriptions {
            state.add(subscription);
        }
        for mut notification in kept.notifications {
            if notification.progress == Progress::RequestInProgress {
                // Whether it arrived is not known: it is sent again, as the service would.
                notification.progress = Progress::Queued;
                notification.due = Some(notification.modified);
            }
            if let Some(due) = notification.due {
                state.queue_up(due, notification.subscription, notification.id);
            }
            state.history.entry(notification.subscription).or_default().insert(notification.id, notification);
        }
        Ok(true)
    }

    pub fn loopback(&self) -> Loopback {
        self.loopback.get().copied().unwrap_or_default()
    }

    /// Writes everything if anything changed since the last time.
    pub fn save(&self) -> std::io::Result<()> {
        let Some(file) = self.file.get().filter(|_| self.is_dirty.swap(false, Ordering::Relaxed)) else {
            return Ok(());
        };
        let kept = {
            let state = self.state();
            Kept {
                subscriptions: state.subscriptions.values().cloned().collect(),
                notifications: state.history.values().flat_map(|rows| rows.values().cloned()).collect(),
                last_number: state.last_number,
                last_sample: state.last_sample,
            }
        };
        let fresh = file.with_extension("json.new");
        std::fs::write(&fresh, serde_json::to_vec(&kept)?)?;
        std::fs::rename(&fresh, file)
    }

    /// The world's clock was turned.
    pub fn clock_moved(&self, clock: Clock) {
        self.offset_ms.store(clock.offset_ms, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub fn now(&self) -> Timestamp {
        Clock { offset_ms: self.offset_ms.load(Ordering::Relaxed) }.now()
    }

    pub fn set_faults(&self, faults: HookFaults) {
        let mut state = self.state();
        state.dice = Some(Dice::seeded(faults.seed));
        state.faults = faults;
        drop(state);
        self.wake.notify_one();
        self.settled.notify_waiters();
    }

    pub fn faults(&self) -> HookFaults {
        self.state().faults
    }

    /// What was sent, oldest first.
    pub fn log(&self) -> Vec<Delivered> {
        self.state().log.iter().cloned().collect()
    }

    pub fn clear_log(&self) {
        self.state().log.clear();
    }
}

/// Subscriptions.
impl Desk {
    /// In the order they were made.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let mut rows: Vec<_> = self.state().subscriptions.values().cloned().collect();
        rows.sort_by_key(|row| row.number);
        rows
    }

    pub fn subscription(&self, id: Uuid) -> Option<Subscription> {
        self.state().subscriptions.get(&id).cloned()
    }

    /// The id comes from the caller, so that a seeded one is the same in every run.
    pub fn subscribe(&self, id: Uuid, wanted: Wanted, by: Uuid, now: Timestamp) -> Subscription {
        let mut state = self.changed();
        state.last_number += 1;
        let subscription = Subscription {
            id,
            number: state.last_number,
            tfs_subscription_id: Uuid::new_v5(&id, b"tfs subscription"),
            publisher: wanted.event.publisher.to_owned(),
            event_type: wanted.event.id.to_owned(),
            resource_version: wanted.resource_version,
            project: wanted.project,
            publisher_inputs: wanted.publisher_inputs,
            consumer_inputs: wanted.consumer_inputs,
            status: Status::Enabled,
            probation_retries: 0,
            last_probation_retry: None,
            probe: None,
            created_by: by,
            created: now,
            modified_by: by,
            modified: now,
            last_notification: 0,
            lost: 0,
            traced: [false; 3],
        };
        state.add(subscription.clone());
        subscription
    }

    /// Replaces what it wants and where it goes; what it was told before stays.
    pub fn replace(&self, id: Uuid, wanted: Wanted, by: Uuid, now: Timestamp) -> Option<Subscription> {
        let mut state = self.changed();
        let mut row = state.subscriptions.remove(&id)?;
        state.forget_event(&row);
        row.publisher = wanted.event.publisher.to_owned();
        row.event_type = wanted.event.id.to_owned();
        row.resource_version = wanted.resource_version;
        row.project = wanted.project;
        row.publisher_inputs = wanted.publisher_inputs;
        row.consumer_inputs = wanted.consumer_inputs;
        row.modified_by = by;
        row.modified = now;
        state.add(row.clone());
        Some(row)
    }

    /// Whatever it was; what is still to be sent for it is given up.
    pub fn set_status(&self, id: Uuid, status: Status) -> Option<Subscription> {
        let mut state = self.changed();
        let row = state.subscriptions.get_mut(&id)?;
        row.status = status;
        row.probe = None;
        let now = self.now();
        row.modified = now;
        let row = row.clone();
        if status.is_disabled() {
            state.give_up(id, now);
        }
        drop(state);
        self.settled.notify_waiters();
        Some(row)
    }

    pub fn trace(&self, id: Uuid, traced: [Option<bool>; 3]) -> Option<[bool; 3]> {
        let mut state = self.changed();
        let row = state.subscriptions.get_mut(&id)?;
        for (known, wanted) in row.traced.iter_mut().zip(traced) {
            *known = wanted.unwrap_or(*known);
        }
        Some(row.traced)
    }

    /// Whether there was such a subscription. Its history goes with it.
    pub fn unsubscribe(&self, id: Uuid) -> bool {
        let mut state = self.changed();
        let Some(row) = state.subscriptions.remove(&id) else {
            return false;
        };
        state.forget_event(&row);
        state.history.remove(&id);
        state.hosts.remove(&id);
        state.queue.retain(|_, (subscription, _)| *subscription != id);
        drop(state);
        self.settled.notify_waiters();
        true
    }

    /// Its notifications, newest first.
    pub fn history(&self, id: Uuid) -> Vec<Notification> {
        self.state().history.get(&id).map(|rows| rows.values().rev().cloned().collect()).unwrap_or_default()
    }

    pub fn notification(&self, id: Uuid, number: i64) -> Option<Notification> {
        self.state().history.get(&id)?.get(&number).cloned()
    }
}

/// Publishing.
impl Desk {
    /// Whether anybody subscribes to the event type at all.
    pub fn is_wanted(&self, event_type: &str) -> bool {
        self.state().by_event.get(event_type).is_some_and(|ids| !ids.is_empty())
    }

    /// Whose filters let an event through. On probation it is lost for them, and counted.
    pub fn takers(&self, event_type: &str, facts: &Facts, may_see: impl Fn(Uuid) -> bool) -> Vec<Uuid> {
        let mut state = self.state();
        let ids = state.by_event.get(event_type).cloned().unwrap_or_default();
        let mut takers = Vec::new();
        for id in ids {
            let Some(row) = state.subscriptions.get_mut(&id) else {
                continue;
            };
            if !row.wants(facts) || !may_see(row.created_by) {
                continue;
            }
            match row.status {
                Status::Enabled => takers.push(id),
                Status::OnProbation => row.lost += 1,
                _ => {}
            }
        }
        takers
    }

    pub fn enqueue(&self, takers: &[Uuid], event: Event, now: Timestamp) {
        let event = Arc::new(event);
        let mut state = self.changed();
        let mut dice = state.dice.take().unwrap_or_else(|| Dice::seeded(0));
        let later = SignedDuration::from_secs(state.faults.delay.max(0));
        for id in takers {
            let number = state.next_notification(*id);
            let mut faults = state.faults;
            let is_lost = faults.loses(&mut dice);
            state.faults = faults;
            let held = SignedDuration::from_millis(i64::try_from(dice.below(u64::try_from(faults.reorder).unwrap_or(0))).unwrap_or(0));
            let due = (!is_lost).then(|| now + later + held);
            let notification = Notification {
                id: number,
                subscription: *id,
                event: event.clone(),
                progress: Progress::Queued,
                result: Upshot::Pending,
                created: now,
                modified: now,
                attempts: 0,
                probe: 0,
                due,
                last: None,
            };
            match due {
                Some(due) => state.queue_up(due, *id, number),
                None => {
                    let url = state.subscriptions.get(id).map_or_else(String::new, |row| row.url().to_owned());
                    state.write_down(Delivered {
                        subscription: *id,
                        notification: number,
                        event: event.id,
                        event_type: event.event_type.clone(),
                        url,
                        at: now,
                        attempt: 0,
                        probe: 0,
                        fate: Fate::Dropped,
                    });
                }
            }
            let rows = state.history.entry(*id).or_default();
            rows.insert(number, notification);
            forget_old(rows, now);
        }
        state.dice = Some(dice);
        drop(state);
        self.wake.notify_one();
    }
}

fn forget_old(rows: &mut BTreeMap<i64, Notification>, now: Timestamp) {
    while let Some(oldest) = rows.first_entry() {
        let is_old = oldest.get().created + KEPT_FOR < now;
        if oldest.get().is_waiting() || oldest.get().progress == Progress::RequestInProgress {
            return;
        }
        if is_old || rows.len() > KEPT {
            rows.pop_first();
        } else {
            return;
        }
    }
}

/// Delivering.
impl Desk {
    /// What is to be sent now, as far as there is room, and when to look again.
    pub(super) fn take_due(&self) -> (Vec<Job>, Option<Timestamp>) {
        let now = self.now();
        let mut state = self.state();
        let mut jobs = Vec::new();
        if state.faults.paused {
            return (jobs, None);
        }
        let at_once = if state.faults.reorder > 0 { 1 } else { AT_ONCE };
        let (mut passed_over, mut passed) = (None, 0);
        while state.under_way < at_once && passed < LOOKED_AHEAD {
            let next = match passed_over {
                None => state.queue.iter().next(),
                Some(last) => state.queue.range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded)).next(),
            };
            let Some((&key, &(id, number))) = next else {
                return (jobs, None);
            };
            if key.0 > now.as_millisecond() {
                return (jobs, Timestamp::from_millisecond(key.0).ok());
            }
            let busy = state.hosts.get(&id).and_then(|host| state.to_host.get(host)).copied().unwrap_or_default();
            if busy >= AT_ONCE_TO_A_HOST {
                // Somebody else's may go ahead; this one waits for room.
                passed_over = Some(key);
                passed += 1;
                continue;
            }
            let job = state.job(id, number, key.0);
            state.queue.remove(&key);
            let Some(job) = job else {
                continue;
            };
            state.under_way += 1;
            *state.to_host.entry(job.host.clone()).or_default() += 1;
            if let Some(row) = state.history.get_mut(&id).and_then(|rows| rows.get_mut(&number)) {
                row.progress = Progress::RequestInProgress;
                row.due = None;
            }
            jobs.push(job);
        }
        (jobs, None)
    }

    /// Writes down one request.
    pub(super) fn made(&self, job: &Job, at: Timestamp, outcome: &Outcome) {
        let fate = match outcome {
            Outcome::Answered(status) => Fate::Answered(*status),
            Outcome::Unanswered(words) => Fate::Unanswered(words.clone()),
        };
        self.state().write_down(Delivered {
            subscription: job.subscription.id,
            notification: job.notification,
            event: job.event.id,
            event_type: job.event.event_type.clone(),
            url: job.subscription.url().to_owned(),
            at,
            attempt: job.attempt,
            probe: job.probe,
            fate,
        });
    }

    /// Decides what follows from the last request of a job.
    pub(super) fn concluded(&self, job: &Job, exchange: Exchange) {
        let now = self.now();
        let mut state = self.changed();
        state.under_way = state.under_way.saturating_sub(1);
        if let Some(count) = state.to_host.get_mut(&job.host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.to_host.remove(&job.host);
            }
        }
        state.conclude(job, exchange, now);
        drop(state);
        self.wake.notify_one();
        self.settled.notify_waiters();
    }

    /// Waits until nothing is under way or due. While delivery is paused, what is due does not count.
    pub async fn idle(&self) -> Idle {
        loop {
            let heard = self.settled.notified();
            tokio::pin!(heard);
            heard.as_mut().enable();
            let wait = {
                let state = self.state();
                let now = self.now();
                // What a fault holds back for a moment is as good as due.
                let horizon = now.as_millisecond().saturating_add(state.faults.reorder);
                let first = state.queue.keys().next().map(|(due, _)| *due);
                let is_due = first.is_some_and(|due| due <= horizon) && !state.faults.paused;
                if state.under_way == 0 && !is_due {
                    return Idle { waiting: state.queue.len(), next: first.and_then(|due| Timestamp::from_millisecond(due).ok()) };
                }
                first.filter(|_| is_due).map_or(0, |due| due - now.as_millisecond()).clamp(0, 1000)
            };
            // The end of a request rings; a due time may also simply come.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(wait.unsigned_abs() + 50), heard).await;
        }
    }

    /// The number of a test notification of a subscription that does not exist yet.
    pub(super) fn next_sample(&self) -> i64 {
        let mut state = self.changed();
        state.last_sample += 1;
        state.last_sample
    }

    /// Writes a test notification into the history of its subscription.
    pub(super) fn remember(&self, notification: Notification) {
        let mut state = self.changed();
        if state.subscriptions.contains_key(&notification.subscription) {
            state.history.entry(notification.subscription).or_default().insert(notification.id, notification);
        }
    }

    pub(super) fn number_for(&self, id: Uuid) -> i64 {
        self.changed().next_notification(id)
    }
}

impl State {
    fn add(&mut self, subscription: Subscription) {
        self.by_event.entry(subscription.event_type.clone()).or_default().push(subscription.id);
        self.hosts.insert(subscription.id, target::host(subscription.url()));
        self.subscriptions.insert(subscription.id, subscription);
    }

    fn forget_event(&mut self, row: &Subscription) {
        if let Some(ids) = self.by_event.get_mut(&row.event_type) {
            ids.retain(|id| *id != row.id);
        }
    }

    fn next_notification(&mut self, id: Uuid) -> i64 {
        self.subscriptions.get_mut(&id).map_or(0, |row| {
            row.last_notification += 1;
            row.last_notification
        })
    }

    fn queue_up(&mut self, due: Timestamp, id: Uuid, number: i64) {
        self.arrivals += 1;
        self.queue.insert((due.as_millisecond(), self.arrivals), (id, number));
    }

    fn write_down(&mut self, row: Delivered) {
        if self.log.len() >= LOG {
            self.log.pop_front();
        }
        self.log.push_back(row);
    }

    fn job(&self, id: Uuid, number: i64, due: i64) -> Option<Job> {
        let subscription = self.subscriptions.get(&id)?.clone();
        let row = self.history.get(&id)?.get(&number)?;
        let is_probe = subscription.probe == Some(number);
        Some(Job {
            host: self.hosts.get(&id)?.clone(),
            event: row.event.clone(),
            notification: number,
            due: Timestamp::from_millisecond(due).ok()?,
            times: 1 + self.faults.duplicate,
            attempt: row.attempts + u32::from(!is_probe),
            probe: if is_probe { row.probe + 1 } else { 0 },
            subscription,
        })
    }

    /// Nothing more is sent for a subscription.
    fn give_up(&mut self, id: Uuid, now: Timestamp) {
        self.queue.retain(|_, (subscription, _)| *subscription != id);
        for row in self.history.get_mut(&id).into_iter().flat_map(|rows| rows.values_mut()) {
            if row.due.take().is_some() {
                row.progress = Progress::Completed;
                row.result = Upshot::Failed;
                row.modified = now;
            }
        }
    }

    fn conclude(&mut self, job: &Job, exchange: Exchange, now: Timestamp) {
        let id = job.subscription.id;
        // It may have been deleted meanwhile.
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        let standing = Standing { subscription: subscription.status, attempts: job.attempt, probe: job.probe };
        let verdict = retry::verdict(&exchange.outcome, standing);
        if job.probe > 0 {
            subscription.probation_retries = job.probe;
            subscription.last_probation_retry = Some(now);
        }
        // In steps from when it was due, so that a clock that jumps far finds every step in its place; the time that the request
        // really took comes on top.
        let ended = job.due + SignedDuration::from_millis(i64::try_from(exchange.millis).unwrap_or(0));
        let (mut due, mut other_probe) = (None, None);
        match verdict {
            Verdict::Delivered => {
                other_probe = subscription.probe.take().filter(|probe| *probe != job.notification);
                subscription.status = Status::Enabled;
            }
            Verdict::RetryAfter(after) => due = Some(ended + after),
            Verdict::ProbeAfter(after) => {
                due = Some(ended + after);
                if job.probe == 0 {
                    subscription.status = Status::OnProbation;
                    subscription.probation_retries = 0;
                    subscription.probe = Some(job.notification);
                }
            }
            Verdict::Failed => {}
            Verdict::Disabled => {
                subscription.status = Status::DisabledBySystem;
                subscription.probe = None;
            }
        }
        let is_success = exchange.outcome.class() == retry::Class::Success;
        if let Some(row) = self.history.get_mut(&id).and_then(|rows| rows.get_mut(&job.notification)) {
            row.attempts = row.attempts.max(job.attempt);
            row.probe = row.probe.max(job.probe);
            row.modified = now;
            row.last = Some(exchange);
            row.due = due;
            (row.progress, row.result) = match (due, is_success) {
                (Some(_), _) => (Progress::Queued, Upshot::Pending),
                (None, true) => (Progress::Completed, Upshot::Succeeded),
                (None, false) => (Progress::Completed, Upshot::Failed),
            };
        }
        if let Some(due) = due {
            self.queue_up(due, id, job.notification);
        }
        if let Some(probe) = other_probe {
            self.queue.retain(|_, entry| *entry != (id, probe));
            if let Some(row) = self.history.get_mut(&id).and_then(|rows| rows.get_mut(&probe)) {
                (row.due, row.progress, row.result) = (None, Progress::Completed, Upshot::Failed);
            }
        }
        if verdict == Verdict::Disabled {
            self.give_up(id, now);
        }
    }
}

/// Hooks of other people: they are nobody's but theirs.
pub fn seed(desk: &Desk, world: &World) {
    let Some(owner) = world.users.iter().find(|user| user.is_administrator) else {
        return;
    };
    let Some(event) = super::catalogue::event_type("tfs", "git.pullrequest.created") else {
        return;
    };
    for project in &world.projects {
        let publisher_inputs = Inputs::from([("projectId".to_owned(), project.id.to_string()), ("repository".to_owned(), String::new())]);
        let url = format!("https://{}/hooks/{}", target::CHAT_HOST, project.name.to_lowercase());
        let wanted = Wanted {
            event,
            resource_version: "1.0".to_owned(),
            project: project.id,
            publisher_inputs,
            consumer_inputs: Inputs::from([("url".to_owned(), url)]),
        };
        desk.subscribe(Uuid::new_v5(&project.id, b"chat"), wanted, owner.id, world.now());
    }
}
