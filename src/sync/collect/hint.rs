//! What a hook told of is read again, so that figures move within seconds. What no hook told of is found by the next pass.
//!
//! Nothing here touches a cursor: a pass reads the same again, and what is kept twice is kept once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::lists::is_gone;
use super::{attempts, plan, repositories, reviews};
use crate::ado::history::happenings;
use crate::ado::{self, BuildQuery, Client, RepoRef};
use crate::clock::Clock;
use crate::domain::fact;
use crate::domain::project::{Project, Repository};
use crate::domain::run::{Build, RunStatus};
use crate::metrics::production;
use crate::metrics::query::Rules;
use crate::store::{Due, HistoryUpdate, Store};
use crate::sync::Error;

/// A push or a deployment that is told of now happened since then.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// Reads for one project what deliveries told of.
pub struct Hints<'a> {
    pub store: &'a Store,
    pub client: &'a Client,
    pub clock: &'a Clock,
    pub project: &'a Project,
    pub rules: &'a Rules,
}

impl Hints<'_> {
    /// Reads runs again, and what they deployed where that is production.
    pub async fn builds(&self, numbers: &[i64]) -> Result<usize, Error> {
        let guid = &self.project.guid;
        let page = self.client.builds_page(guid, &BuildQuery::Ids(numbers.to_vec()), None, plan::BUILDS).await?;
        self.store.put_builds(self.project.id, &page.rows, None).await?;
        let all = self.store.stage_kinds(&[self.project.id]).await?;
        let verdicts = production::verdicts(&all, self.rules);
        let kinds: Vec<_> = all.iter().zip(verdicts).filter(|(_, verdict)| verdict.production).map(|(kind, _)| kind).collect();
        let is_of = |build: &&Build| build.status == RunStatus::Completed && build.pull_request().is_none();
        let ended: Vec<&Build> = page.rows.iter().filter(is_of).collect();
        let mut names = BTreeSet::new();
        for build in &ended {
            let of_it = || kinds.iter().filter(|kind| kind.definition == build.definition);
            names.extend(of_it().filter_map(|kind| kind.environment.clone()));
            if of_it().any(|kind| kind.environment.is_none() && !kind.stage.is_empty()) {
                let asked_at = self.clock.now();
                let mut stages = self.client.timeline(guid, build.number).await?.unwrap_or_default();
                let tried_again = attempts::wanted(&stages, (self.project.id, build.definition), &all, self.rules);
                stages.extend(attempts::earlier(self.client, guid, build.number, &tried_again).await?);
                self.store.put_timeline(self.project.id, build.number, &stages, asked_at, None).await?;
            }
        }
        for environment in self.store.environments(self.project.id).await? {
            if names.contains(&environment.name) {
                let page = self.client.deployment_records_page(guid, environment.number, None, plan::RECORDS).await?;
                self.store.put_deployment_records(self.project.id, &page.rows, None).await?;
            }
        }
        Ok(page.rows.len())
    }

    /// Reads the latest deployments of classic releases again.
    pub async fn deployments(&self) -> Result<usize, Error> {
        let since = self.clock.now() - LATELY;
        let page = self.client.release_deployments_page(&self.project.guid, since, None).await?;
        self.store.put_release_deployments(self.project.id, &page.rows, None).await?;
        Ok(page.rows.len())
    }

    /// Reads work items again, with what they hang on.
    pub async fn items(&self, numbers: &[i64]) -> Result<usize, Error> {
        let found = self.client.work_items_with_links(numbers).await?;
        let repositories = self.store.repositories(self.project.id).await?;
        let links: Vec<_> = found.iter().flat_map(|one| super::items::links_of(one, &repositories)).collect();
        let read: Vec<i64> = found.iter().map(|one| one.item.number).collect();
        self.store.put_own_links(self.project.id, &read, &links).await?;
        let items: Vec<_> = found.into_iter().map(|one| one.item).collect();
        self.store.put_work_items(self.project.id, &items, None).await?;
        Ok(items.len())
    }

    /// Keeps a pull request that was just read, and reads its threads, and its detail where that changed.
    pub async fn pull_request(&self, repository: &Repository, fact: &fact::PullRequest, asked_at: Timestamp) -> Result<(), Error> {
        let (id, number) = (repository.id, fact.number);
        let repo = RepoRef { project: &self.project.guid, repository: &repository.guid };
        let listed = HistoryUpdate::Listed(fact.clone());
        self.store.put_histories(self.project.id, vec![listed], asked_at, None).await?;
        if self.store.flow(id, number).await?.is_some_and(|flow| flow.segment == crate::metrics::input::Segment::Bot) {
            return Ok(());
        }
        let at = self.clock.now();
        let Some(threads) = readable(self.client.threads(repo, number).await)? else { return Ok(()) };
        let (happenings, actors) = happenings(&threads);
        let mut updates = vec![HistoryUpdate::Threads { repository: id, number, happenings, actors, at }];
        let wanting = self.store.histories_wanting(self.project.id, Due::Detail).await?;
        if wanting.contains(&(id, number)) {
            let at = self.clock.now();
            if let Some(detail) = readable(self.client.pull_request_detail(repo, number).await)? {
                self.store.put_links(self.project.id, &reviews::links_of(id, &detail)).await?;
                updates.push(reviews::update(id, &detail, at));
            }
        }
        self.store.put_histories(self.project.id, updates, at, None).await?;
        Ok(())
    }

    /// Reads the latest pushes to a default branch again.
    pub async fn pushes(&self, repository: &Repository, branch: &str) -> Result<usize, Error> {
        let repo = RepoRef { project: &self.project.guid, repository: &repository.guid };
        let since = self.clock.now() - LATELY;
        let pushes = self.client.pushes_page(repo, branch, since, 0, plan::PUSHES).await?;
        self.store.put_pushes(repository.id, &pushes.rows, None).await?;
        // Whatever their date: what they brought was made before it was pushed.
        for (old, new) in repositories::groups(&self.store.unread_pushes(repository.id, branch, since).await?) {
            let (found, _) = repositories::between(self.client, repo, &old, &new, since).await?;
            let commits = found.unwrap_or_default();
            self.store.put_links(self.project.id, &repositories::links_of(repository.id, &commits)).await?;
            self.store.put_commits(repository.id, &commits, None).await?;
        }
        Ok(pushes.rows.len())
    }
}

/// An answer, or nothing where it is not there.
fn readable<T>(answer: Result<T, ado::Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_gone(error.kind()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
