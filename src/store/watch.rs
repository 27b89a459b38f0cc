//! Noticing that another process wrote to the store, for as long as somebody subscribes. What follows is about SQLite; on PostgreSQL
//! [`super::feed`] listens.
//!
//! SQLite counts commits per connection: `PRAGMA data_version` on the connection that makes all of our own writes changes exactly
//! when somebody else wrote. Asking costs two thread switches, so the write-ahead log's size and time are looked at first (a few
//! microseconds); the question itself is asked when they changed, and now and then besides, in case a file system's clock is coarse.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use sqlx::AnyPool;

use super::connect::Engine;
use super::{Inner, feed};
use crate::domain::change::Change;

const LOOK: Duration = Duration::from_millis(200);
/// Every how many looks the question is asked although the log seems untouched.
const ASK_EVERY: u32 = 10;

/// Whether the watching task runs, and the version it saw last. The first one is asked for when the store is opened: what somebody
/// else writes between opening and the first look is announced too.
pub(super) struct Watching {
    pub(super) running: AtomicBool,
    version: AtomicI64,
}

impl Watching {
    pub async fn of(engine: Engine, writer: &AnyPool) -> Self {
        let version = match engine {
            Engine::Sqlite => ask(writer).await.unwrap_or_default(),
            Engine::Postgres => 0,
        };
        Self { running: AtomicBool::new(false), version: AtomicI64::new(version) }
    }
}

sqlite_queries! {
    DATA_VERSION = "PRAGMA data_version";
}

/// Starts watching unless that is under way. Must be called inside a tokio runtime; outside, nothing is watched.
pub(super) fn start(inner: &Arc<Inner>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if inner.watching.running.swap(true, Ordering::AcqRel) {
        return;
    }
    match inner.target.file() {
        Some(file) => {
            runtime.spawn(watch(Arc::downgrade(inner), log_of(file)));
        }
        None => feed::start(inner, &runtime),
    }
}

/// Whether somebody still subscribes. When nobody does, watching has ended with the answer.
pub(super) fn is_wanted(inner: &Inner) -> bool {
    if inner.changes.receiver_count() > 0 {
        return true;
    }
    inner.watching.running.store(false, Ordering::Release);
    // Somebody may have subscribed between the count and the line above, and found the flag still set.
    inner.changes.receiver_count() > 0 && !inner.watching.running.swap(true, Ordering::AcqRel)
}

async fn watch(inner: Weak<Inner>, log: PathBuf) {
    let mut seen = None;
    let mut looks = ASK_EVERY;
    loop {
        tokio::time::sleep(LOOK).await;
        // The task must not keep the store open.
        let Some(inner) = inner.upgrade() else { return };
        if !is_wanted(&inner) {
            return;
        }
        looks += 1;
        let found = mark(&log);
        if found == seen && looks < ASK_EVERY {
            continue;
        }
        let Some(answer) = ask(&inner.writer).await else { continue };
        looks = 0;
        seen = found;
        if inner.watching.version.swap(answer, Ordering::AcqRel) != answer {
            let _ = inner.changes.send(Change::Elsewhere);
        }
    }
}

fn log_of(file: &std::path::Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn mark(log: &std::path::Path) -> Option<(u64, SystemTime)> {
    let data = std::fs::metadata(log).ok()?;
    Some((data.len(), data.modified().ok()?))
}

/// The version as the writing connection sees it; absent while that connection is busy, to be asked at the next look.
async fn ask(writer: &AnyPool) -> Option<i64> {
    let mut conn = writer.try_acquire()?;
    sqlx::query_scalar(DATA_VERSION).fetch_one(&mut *conn).await.ok()
}
