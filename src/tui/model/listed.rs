//! Something that is loaded again and again: the last good answer stays until the next one is there.

use crate::notice::Notice;
use crate::tui::event::{Answer, Generation};

#[derive(Debug, Clone)]
pub struct Listed<T> {
    pub rows: Option<T>,
    pub loading: Option<Generation>,
    /// Something changed while a load was under way.
    pub stale: bool,
    /// Why the last load failed, if it did.
    pub problem: Option<Notice>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: None, loading: None, stale: false, problem: None }
    }
}

/// What an answer was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It belongs to an older question.
    No,
    Yes,
    /// It was taken, and is older than the last change.
    AskAgain,
}

impl<T> Listed<T> {
    /// Whether to ask now. While an answer is awaited, the question is kept for later.
    pub fn ask(&mut self, generation: Generation) -> bool {
        if self.loading.is_some() {
            self.stale = true;
            return false;
        }
        self.loading = Some(generation);
        true
    }

    pub fn take(&mut self, generation: Generation, rows: Answer<T>) -> Taken {
        if self.loading != Some(generation) {
            return Taken::No;
        }
        self.loading = None;
        match rows {
            Ok(rows) => (self.rows, self.problem) = (Some(rows), None),
            Err(notice) => self.problem = Some(notice),
        }
        if std::mem::take(&mut self.stale) { Taken::AskAgain } else { Taken::Yes }
    }
}
