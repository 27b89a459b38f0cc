//! The request log: the last 500 requests by method, path, status, duration and activity id.
//!
//! Never bodies, headers, queries or tokens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

const KEPT: usize = 500;

/// One request as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    /// Absent when no answer came.
    pub status: Option<u16>,
    pub duration_ms: u64,
    /// What Microsoft's support asks for.
    pub activity_id: Option<String>,
    /// Why no answer came, in a word.
    pub trouble: Option<&'static str>,
}

/// A handle on the log of a client; clones share it.
#[derive(Debug, Clone, Default)]
pub struct RequestLog {
    inner: Arc<Mutex<Ring>>,
}

#[derive(Debug, Default)]
struct Ring {
    rows: VecDeque<LoggedRequest>,
    total: u64,
    skipped_rows: u64,
}

impl RequestLog {
    pub(super) fn push(&self, row: LoggedRequest) {
        tracing::debug!(
            method = row.method,
            path = row.path,
            status = row.status,
            ms = row.duration_ms,
            activity = row.activity_id,
            trouble = row.trouble,
            "request"
        );
        let mut ring = self.ring();
        if ring.rows.len() == KEPT {
            ring.rows.pop_front();
        }
        ring.rows.push_back(row);
        ring.total += 1;
    }

    pub(super) fn count_skipped(&self, rows: u64) {
        self.ring().skipped_rows += rows;
    }

    /// Oldest first.
    pub fn entries(&self) -> Vec<LoggedRequest> {
        self.ring().rows.iter().cloned().collect()
    }

    /// How many requests were sent since the client was made.
    pub fn total(&self) -> u64 {
        self.ring().total
    }

    /// How many rows of pages were left out because they could not be read.
    pub fn skipped_rows(&self) -> u64 {
        self.ring().skipped_rows
    }

    fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
