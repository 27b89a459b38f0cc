//! What happened to the default branch of a repository: its pushes in order, and its commits without their content.

use super::course::{Course, Stop};
use super::cursor::{Place, Step};
use super::plan::{self, Operation};
use crate::domain::collection::Source;
use crate::domain::fact;
use crate::domain::id::RepositoryId;
use crate::domain::work_item::{LinkTarget, Via, mentions};

fn step(next: Option<String>) -> Step {
    next.map_or(Step::Done, Step::Next)
}

fn skip(place: &Place) -> usize {
    place.next.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The work items that commits name in their messages.
pub fn links_of(repository: RepositoryId, commits: &[fact::Commit]) -> Vec<(i64, RepositoryId, LinkTarget, Via)> {
    let of = |commit: &fact::Commit| {
        let target = LinkTarget::Commit { sha: commit.id.clone() };
        mentions(&commit.message).into_iter().map(move |item| (item, repository, target.clone(), Via::Text))
    };
    commits.iter().flat_map(of).collect()
}

impl Course<'_> {
    /// The repositories that can be read and have a default branch.
    pub fn readable(&self) -> Vec<RepositoryId> {
        let readable = self.repositories().iter().filter(|repository| !repository.disabled && repository.default_branch.is_some());
        readable.map(|repository| repository.id).collect()
    }

    pub async fn pushes_page(&self, operation: &Operation, id: RepositoryId, place: &Place) -> Result<(), Stop> {
        let branch = self.repositories().iter().find(|repository| repository.id == id).and_then(|found| found.default_branch.clone());
        let (Some(repo), Some(branch)) = (self.repo(id), branch) else { return Ok(()) };
        let page = self.client().pushes_page(repo, &branch, place.since, skip(place), plan::PUSHES).await?;
        let mut turn = self.turn(Source::Pushes).await;
        turn.step(operation, place, step(page.next));
        self.store().put_pushes(id, &page.rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    pub async fn commits_page(&self, operation: &Operation, id: RepositoryId, place: &Place) -> Result<(), Stop> {
        let Some(repo) = self.repo(id) else { return Ok(()) };
        let page = self.client().commits_page(repo, place.since, skip(place), plan::COMMITS).await?;
        let links = links_of(id, &page.rows);
        if !links.is_empty() {
            self.store().put_links(self.project().id, &links).await?;
        }
        let mut turn = self.turn(Source::Commits).await;
        turn.step(operation, place, step(page.next));
        self.store().put_commits(id, &page.rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }
}
