//! Why the pull request in view is where it is: which one was asked for, and what came of it.

use super::listed::Listed;
use crate::domain::id::RepositoryId;
use crate::tui::answer::Story;

#[derive(Debug, Clone, Default)]
pub struct StoryState {
    pub of: Option<(RepositoryId, i64)>,
    pub listed: Listed<Box<Story>>,
    /// First line painted, in the dialog of a pull request without a ticket.
    pub scroll: usize,
}

impl StoryState {
    /// It is asked for again as soon as it is in view; what is known stays until then.
    pub fn forget(&mut self) {
        self.of = None;
    }

    /// The story of a pull request, if it is this one's.
    pub fn for_one(&self, repository: RepositoryId, number: i64) -> Option<&Listed<Box<Story>>> {
        (self.of == Some((repository, number))).then_some(&self.listed)
    }
}
