//! What happened to the default branch of a repository: its pushes in order, and its commits without their content.
//!
//! Commits are listed by their date once. Later ones are found by the pushes that brought them, because a commit may be pushed long after
//! it was made: a push whose last commit is not known has not been read, and what lies between its old and its new tip is asked for.
//! Pushes that follow one another are asked for together.
//!
//! Limits: of a push, or of a deployment from a branch, the newest [`MOST_PAGES`] pages of commits are read. A repository with more groups
//! of unread pushes than [`MOST_GROUPS`] is read further by the next pass.

use jiff::Timestamp;

use super::course::{Course, Stop};
use super::cursor::{Place, Step};
use super::plan::{self, Operation};
use crate::ado::{self, Client, ErrorKind, RepoRef};
use crate::domain::collection::Source;
use crate::domain::fact;
use crate::domain::id::{ObjectId, RepositoryId};
use crate::domain::run::BranchPush;
use crate::domain::work_item::{LinkTarget, Via, mentions};
use crate::metrics::off_line::{self, Between};
use crate::metrics::production;
use crate::metrics::query::{Query, Window};

/// Pages of commits of one push or deployment.
const MOST_PAGES: usize = 10;
/// Groups of pushes of one repository in a pass.
const MOST_GROUPS: usize = 20;

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

/// From where to where a group of pushes that follow one another goes; pushes by number.
pub fn groups(pushes: &[BranchPush]) -> Vec<(ObjectId, ObjectId)> {
    let mut groups: Vec<(ObjectId, ObjectId)> = Vec::new();
    for push in pushes.iter().filter(|push| !push.new.is_zero()) {
        match groups.last_mut() {
            Some((_, end)) if *end == push.old => *end = push.new.clone(),
            _ => groups.push((push.old.clone(), push.new.clone())),
        }
    }
    groups
}

/// The commits between two, and how many calls that took; nothing where one of them is gone. A branch that begins has all of its commits.
pub async fn between(
    client: &Client,
    repo: RepoRef<'_>,
    base: &ObjectId,
    head: &ObjectId,
    since: Timestamp,
) -> Result<(Option<Vec<fact::Commit>>, usize), ado::Error> {
    let mut commits = Vec::new();
    for calls in 1.. {
        let page = if base.is_zero() {
            client.commits_page(repo, since, commits.len(), plan::COMMITS).await
        } else {
            client.commits_between(repo, (base, head), commits.len(), plan::COMMITS).await
        };
        let page = match page {
            Ok(page) => page,
            // Of a repository that can't be seen nothing is said of these.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BranchMissing) => return Ok((None, calls)),
            Err(error) => return Err(error),
        };
        commits.extend(page.rows);
        if page.next.is_none() || calls == MOST_PAGES {
            return Ok((Some(commits), calls));
        }
    }
    Ok((None, 0))
}

impl Course<'_> {
    /// The repositories that can be read and have a default branch, with that.
    pub fn readable(&self) -> Vec<(RepositoryId, String)> {
        let readable = self.repositories().iter().filter(|repository| !repository.disabled);
        readable.filter_map(|repository| Some((repository.id, repository.default_branch.clone()?))).collect()
    }

    pub async fn pushes_page(&self, operation: &Operation, id: RepositoryId, branch: &str, place: &Place) -> Result<(), Stop> {
        let repo = self.repo(id).ok_or(Stop::Hidden)?;
        let page = self.client().pushes_page(repo, branch, place.since, skip(place), plan::PUSHES).await?;
        let mut turn = self.turn(Source::Pushes).await;
        turn.step(operation, place, step(page.next));
        turn.show(id);
        self.store().put_pushes(id, &page.rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    pub async fn commits_page(&self, operation: &Operation, id: RepositoryId, place: &Place) -> Result<(), Stop> {
        let repo = self.repo(id).ok_or(Stop::Hidden)?;
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

    /// What to ask of pushes that were not read, and of deployments whose commits the order of pushes does not place.
    pub async fn between_commits(&self) -> Result<Vec<Operation>, Stop> {
        let mut wanted = Vec::new();
        for (repository, branch) in self.readable() {
            let unread = self.store().unread_pushes(repository, &branch, self.from).await?;
            let groups = groups(&unread).into_iter().take(MOST_GROUPS);
            wanted.extend(groups.map(|(old, new)| Operation::Pushed { repository, old, new }));
        }
        for off in self.off_line().await? {
            wanted.push(Operation::Between { repository: off.repository, base: off.base, head: off.head });
        }
        let mut open = Vec::new();
        for operation in wanted {
            if !self.has_lost(Source::Commits, &operation.unit()).await {
                open.push(operation);
            }
        }
        Ok(open)
    }

    /// Deployments that count as production and were made from elsewhere, with what was deployed before.
    async fn off_line(&self) -> Result<Vec<Between>, Stop> {
        let (project, settings) = (self.project().id, self.shared.settings);
        let query = Query::new(vec![project], Window { from: self.from, to: self.now() }, settings.rules.clone());
        let wanted = production::wanted(&self.store().stage_kinds(&[project]).await?, &query);
        if wanted.kinds.is_empty() && wanted.runs.is_empty() {
            return Ok(Vec::new());
        }
        let input = self.store().deployment_input(&query, &wanted).await?;
        Ok(off_line::unknown(&input, &query))
    }

    /// Reads the commits of pushes that follow one another. Where they are gone, or not what the pushes say, they are not asked for again.
    pub async fn pushed(&self, operation: &Operation, id: RepositoryId, old: &ObjectId, new: &ObjectId) -> Result<(), Stop> {
        let Some(repo) = self.repo(id) else { return Ok(()) };
        let (found, calls) = between(self.client(), repo, old, new, self.from).await?;
        let commits = found.unwrap_or_default();
        let links = links_of(id, &commits);
        if !links.is_empty() {
            self.store().put_links(self.project().id, &links).await?;
        }
        let mut turn = self.turn(Source::Commits).await;
        turn.calls(calls);
        if !commits.iter().any(|commit| commit.id == *new) {
            turn.lose(operation.unit());
        }
        self.store().put_commits(id, &commits, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    /// Reads what a deployment has that the one before it lacks. Where one of the two is gone, that is not asked again.
    pub async fn between(&self, operation: &Operation, id: RepositoryId, base: &ObjectId, head: &ObjectId) -> Result<(), Stop> {
        let Some(repo) = self.repo(id) else { return Ok(()) };
        let (found, calls) = between(self.client(), repo, base, head, self.from).await?;
        let mut turn = self.turn(Source::Commits).await;
        turn.calls(calls);
        match found {
            Some(commits) => {
                let commits: Vec<_> = commits.into_iter().map(|commit| commit.id).collect();
                self.store().put_compare(id, base, head, &commits, turn.page()).await?;
            }
            None => {
                turn.lose(operation.unit());
                self.store().put_page(self.project().id, turn.page()).await?;
            }
        }
        turn.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(number: i64, old: &str, new: &str) -> BranchPush {
        let (old, new) = (ObjectId::new(old), ObjectId::new(new));
        BranchPush { number, branch: "main".to_owned(), old, new, at: Timestamp::UNIX_EPOCH, pusher: None }
    }

    #[test]
    fn pushes_that_follow_one_another_are_asked_for_together() {
        let zero = ObjectId::zero();
        let pushes = [push(1, "a", "b"), push(2, "b", "c"), push(4, "d", "e"), push(5, "e", zero.as_str()), push(6, zero.as_str(), "f")];
        let groups: Vec<_> = groups(&pushes).into_iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        let expected = [("a", "c"), ("d", "e"), (zero.as_str(), "f")].map(|(old, new)| (old.to_owned(), new.to_owned()));
        assert_eq!(groups, expected, "one that is missing between two parts them, and a branch that is taken away has no commits");
    }
}
