//! A tap on the shoulder: somebody kept a delivery, somebody else should look. Taps that come while the other is busy become one.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes whoever waits for it; cheap to clone, all clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Wakes the one that waits, or the next one to wait.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a wake; one that came before is enough.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
