//! Waiting for an announcement of the store that matters.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::domain::change::Change;

/// Waits until something that matters is announced, here or by another process. What else was announced meanwhile is passed over: who
/// is woken looks at everything. A receiver that fell behind has certainly missed something.
pub async fn heard(changes: &mut Receiver<Change>, matters: fn(&Change) -> bool) {
    loop {
        match changes.recv().await {
            Ok(change) if matters(&change) || change == Change::Elsewhere => break,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => break,
            // The store is closed, and says nothing more.
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
    while !matches!(changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
}
