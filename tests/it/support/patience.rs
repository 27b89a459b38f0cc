//! Waiting for what happens elsewhere in this process: for a condition, with a deadline, and no longer than it takes.

use std::time::Duration;

/// How long something may take to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited too long until {what}");
}
