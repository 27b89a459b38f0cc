//! Keeping a team's board live: applies deliveries as they arrive, compares with Azure DevOps every so often, looks after the hooks, and
//! sees to it that only one process does what one process should.
//!
//! Any number of processes may run an engine on one store: deliveries are claimed, and whatever is done for a whole project is done by
//! whoever holds its lease. Every loop survives errors and panics, waits without polling, and waits on the clock it was given.
//!
//! Limits: what is under way when the engine is told to stop is finished if it takes no longer than ten seconds; what is cut off is
//! found again, since claims and leases run out and everything is safe to repeat.

mod collect;
mod comments;
mod hearing;
mod hooks;
mod keep;
mod receiver;
mod reconcile;
mod sweep;
mod worker;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::action::{Context, holder};
use crate::ado;
use crate::config::Config;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::notice::inert;
use crate::services::Services;
use crate::store::Store;
use crate::sync::deliveries::{Reach, Rules};
use crate::sync::wake::Wake;

pub use collect::{now as collect_now, settings as collect_settings};
pub use reconcile::now as compare_now;

/// How long work that is under way may take to end.
const STOPPING: Duration = Duration::from_secs(10);

/// How an engine runs.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Host, process and address of the receiver in this process, for a person; absent where none listens.
    pub receiver: Option<String>,
    /// How often each project is compared with Azure DevOps.
    pub reconcile_every: SignedDuration,
    /// How often facts of measured projects are refreshed; absent where this process collects none.
    pub collect_every: Option<SignedDuration>,
    /// What the receiver wakes.
    pub wake: Wake,
}

impl EngineOptions {
    pub fn of(config: &Config) -> Self {
        let minutes = i64::try_from(config.sync.reconcile_minutes.clamp(1, 24 * 60)).unwrap_or(15);
        let every = SignedDuration::from_mins(minutes);
        Self { receiver: None, reconcile_every: every, collect_every: config.metrics.collect.then_some(every), wake: Wake::default() }
    }

    /// With a receiver in this process, named by the address it listens on, that wakes the engine for each delivery.
    pub fn receiving_at(mut self, address: impl std::fmt::Display, wake: Wake) -> Self {
        self.wake = wake;
        let host = host_name();
        self.receiver = Some(format!("{} pid {} {address}", inert(&host), std::process::id()));
        self
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok())
        .unwrap_or_else(|| "this machine".to_owned())
}

/// What every loop is handed.
struct Works {
    ctx: Context,
    options: EngineOptions,
    /// Names this engine in leases and claims.
    holder: String,
    token: CancellationToken,
    /// Projects to be compared whether that is due or not.
    asked: Asked,
    /// Projects whose hooks are to be looked at now.
    look: Asked,
}

/// Projects that somebody asked something for.
#[derive(Default)]
struct Asked {
    projects: Mutex<BTreeSet<ProjectId>>,
    notify: Notify,
}

impl Asked {
    fn ask(&self, project: ProjectId) {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).insert(project);
        self.notify.notify_one();
    }

    fn take(&self, project: ProjectId) -> bool {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).remove(&project)
    }
}

impl Works {
    fn store(&self) -> &Store {
        &self.ctx.store
    }

    fn now(&self) -> Timestamp {
        self.ctx.clock.now()
    }

    fn rules(&self) -> Rules {
        let config = &self.ctx.config;
        let facts = config.metrics.collect.then(|| Arc::new(config.metrics.rules.clone()));
        Rules { done_on_merge: config.board.done_on_merge, facts }
    }

    /// Waits until the clock shows that time; for ever where there is none.
    async fn wait_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.ctx.clock.wait_until(at).await,
            None => std::future::pending().await,
        }
    }
}

impl Reach for Works {
    fn client<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<ado::Client, String>> {
        Box::pin(async {
            let organisation = self.ctx.organisation(project.organisation).await.map_err(|error| error.to_string())?;
            let acting = self.ctx.clients.acting(&organisation).await.map_err(|error| error.to_string())?;
            Ok(acting.client)
        })
    }
}

/// A running engine. Dropped, it stops without waiting.
pub struct Engine {
    works: Arc<Works>,
    tracker: TaskTracker,
    _stops: DropGuard,
}

impl Engine {
    /// Starts the loops on the current runtime.
    pub fn start(services: &Services, options: EngineOptions) -> Self {
        Self::start_as(services, options, holder::name())
    }

    /// Starts the loop that collects facts, and no other: for a process that receives nothing.
    pub fn start_collecting(services: &Services, options: EngineOptions) -> Self {
        let (works, token) = works(services, options, holder::name());
        let tracker = TaskTracker::new();
        tracker.spawn(keep::keep(works.clone(), "collect facts", collect::run));
        tracker.close();
        Self { works, tracker, _stops: token.drop_guard() }
    }

    fn start_as(services: &Services, options: EngineOptions, holder: String) -> Self {
        let (works, token) = works(services, options, holder);
        let tracker = TaskTracker::new();
        tracker.spawn(keep::keep(works.clone(), "apply deliveries", worker::run));
        tracker.spawn(keep::keep(works.clone(), "compare with Azure DevOps", reconcile::run));
        tracker.spawn(keep::keep(works.clone(), "look after the hooks", hooks::run));
        tracker.spawn(keep::keep(works.clone(), "keep comments", comments::run));
        tracker.spawn(keep::keep(works.clone(), "sweep", sweep::run));
        tracker.spawn(keep::keep(works.clone(), "collect facts", collect::run));
        if works.options.receiver.is_some() {
            tracker.spawn(keep::keep(works.clone(), "say that a receiver is there", receiver::run));
        }
        tracker.close();
        Self { works, tracker, _stops: token.drop_guard() }
    }

    /// Wakes the engine: a delivery was kept.
    pub fn wake(&self) -> Wake {
        self.works.options.wake.clone()
    }

    /// Has a project compared with Azure DevOps now, by this process or by the one that holds its lease.
    pub fn reconcile_now(&self, project: ProjectId) {
        self.works.asked.ask(project);
    }

    /// Finishes what is under way, and lets go of every lease.
    pub async fn stop(self) {
        self.works.token.cancel();
        if tokio::time::timeout(STOPPING, self.tracker.wait()).await.is_err() {
            tracing::warn!("the engine was stopped in the middle of its work; it goes on from there when it is started again");
        }
        if let Err(error) = self.works.store().release_leases_of(&self.works.holder, self.works.now()).await {
            tracing::warn!("{error}; the leases run out by themselves");
        }
    }
}

fn works(services: &Services, options: EngineOptions, holder: String) -> (Arc<Works>, CancellationToken) {
    let token = CancellationToken::new();
    let (asked, look) = (Asked::default(), Asked::default());
    (Arc::new(Works { ctx: services.ctx.clone(), options, holder, token: token.clone(), asked, look }), token)
}
