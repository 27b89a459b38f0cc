//! Which secret opens which project: the digests that the store accepts, in memory, and compared in a time that tells nothing.
//!
//! Every request is compared with every digest of every project, so that a wrong secret, a project that nobody knows and a secret of
//! another project take the same work and get the same answer.
//!
//! Limits: a digest accepted or refused elsewhere counts here as soon as its change is announced; the end of an overlap, which nobody
//! announces, at most [`STALE`] late.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use subtle::{Choice, ConstantTimeEq as _};
use tokio::sync::broadcast::error::RecvError;

use crate::clock::Clock;
use crate::domain::change::Change;
use crate::domain::id::{Guid, ProjectId};
use crate::store::{self, AcceptedSecret, Store};

/// Digests older than this are read again before they are compared with.
const STALE: SignedDuration = SignedDuration::from_secs(15);
/// A secret that is not known may be a new one, whose change is not announced yet: the store is asked, but strangers cannot have it
/// asked more often than so many times at once, and once in this time in the long run.
const MISSES_AT_ONCE: u32 = 32;
const MISSES_APART: Duration = Duration::from_millis(125);

/// A project that a secret opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub project: ProjectId,
    pub guid: Guid,
    /// It was taken off the board.
    pub removed: bool,
}

pub struct Keys {
    store: Store,
    clock: Clock,
    held: Mutex<Held>,
    reading: tokio::sync::Mutex<()>,
}

struct Held {
    all: Arc<Vec<AcceptedSecret>>,
    read_at: Timestamp,
    /// When the reading of `all` began: what was accepted before that is among them.
    began: Instant,
    changed: bool,
    misses: Misses,
}

/// How often the store may still be asked for strangers.
struct Misses {
    left: u32,
    counted: Instant,
}

impl Misses {
    fn new(now: Instant) -> Self {
        Self { left: MISSES_AT_ONCE, counted: now }
    }

    /// Whether it may be asked for one more.
    fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.counted).as_millis() / MISSES_APART.as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX).min(MISSES_AT_ONCE);
        if earned > 0 {
            self.left = (self.left + earned).min(MISSES_AT_ONCE);
            self.counted = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

impl Keys {
    pub async fn read(store: Store, clock: Clock) -> store::Result<Self> {
        let now = clock.now();
        let began = Instant::now();
        let all = Arc::new(store.accepted_secrets(now).await?);
        let held = Mutex::new(Held { all, read_at: now, began, changed: false, misses: Misses::new(began) });
        Ok(Self { store, clock, held, reading: tokio::sync::Mutex::new(()) })
    }

    pub fn is_empty(&self) -> bool {
        self.held().all.is_empty()
    }

    /// Whether the digests have to be read again: runs until the store is gone.
    pub async fn watch(&self) {
        let mut changes = self.store.subscribe();
        loop {
            match changes.recv().await {
                Ok(Change::Hooks(_) | Change::Project(_) | Change::Elsewhere) | Err(RecvError::Lagged(_)) => self.held().changed = true,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// The projects that a digest opens, among the one asked for or all of them. Empty for a stranger.
    pub async fn opened_by(&self, digest: Option<[u8; 32]>, wanted: Option<&Guid>) -> store::Result<Vec<Granted>> {
        let asked = Instant::now();
        let (all, is_due) = {
            let held = self.held();
            let age = self.clock.now().duration_since(held.read_at).abs();
            (held.all.clone(), held.changed || age >= STALE)
        };
        let all = if is_due { self.read_again(asked).await.unwrap_or(all) } else { all };
        let found = matching(&all, digest, wanted);
        if !found.is_empty() || !self.held().misses.take(asked) {
            return Ok(found);
        }
        // It may have been accepted a moment ago. When that cannot be found out, nobody is a stranger for certain.
        Ok(matching(&self.read_again(asked).await?, digest, wanted))
    }

    /// The digests as they are at a moment or later; those who wait for it share one reading.
    async fn read_again(&self, asked: Instant) -> store::Result<Arc<Vec<AcceptedSecret>>> {
        let _turn = self.reading.lock().await;
        let began = Instant::now();
        {
            let mut held = self.held();
            if held.began >= asked && !held.changed {
                return Ok(held.all.clone());
            }
            // Before the reading: what changes during it is read once more.
            held.changed = false;
        }
        let now = self.clock.now();
        match self.store.accepted_secrets(now).await {
            Ok(all) => {
                let mut held = self.held();
                held.all = Arc::new(all);
                held.read_at = now;
                held.began = began;
                Ok(held.all.clone())
            }
            Err(error) => {
                self.held().changed = true;
                Err(error)
            }
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at every digest, whatever was found before. A request that presents nothing is compared like one that presents zeros.
fn matching(all: &[AcceptedSecret], digest: Option<[u8; 32]>, wanted: Option<&Guid>) -> Vec<Granted> {
    let presented = Choice::from(u8::from(digest.is_some()));
    let digest = digest.unwrap_or_default();
    let mut found: Vec<Granted> = Vec::new();
    for accepted in all {
        let is_wanted = wanted.map_or(Choice::from(1), |guid| guid.as_str().as_bytes().ct_eq(accepted.guid.as_str().as_bytes()));
        let opens = accepted.digest.ct_eq(&digest) & is_wanted & presented;
        if bool::from(opens) && !found.iter().any(|granted| granted.project == accepted.project) {
            found.push(Granted { project: accepted.project, guid: accepted.guid.clone(), removed: accepted.removed });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_the_store_asked_a_few_times_at_once_and_seldom_in_the_long_run() {
        let start = Instant::now();
        let mut misses = Misses::new(start);
        assert!((0..MISSES_AT_ONCE).all(|_| misses.take(start)));
        assert!(!misses.take(start) && !misses.take(start + MISSES_APART / 2));
        assert!(misses.take(start + MISSES_APART) && !misses.take(start + MISSES_APART));
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..1000).filter(|_| misses.take(later)).count(), MISSES_AT_ONCE as usize);
    }
}
