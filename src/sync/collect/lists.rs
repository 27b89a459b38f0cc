//! The lists that the first tiles wait for: pull requests, runs, environments with the records of production ones, classic deployments.
//!
//! Each function reads one page and keeps it together with the cursor after it.

use std::collections::BTreeSet;

use super::course::{Course, Stop};
use super::cursor::{Place, Step};
use super::plan::{self, Operation};
use crate::ado::{BuildQuery, ErrorKind, PullRequestQuery, StatusFilter};
use crate::domain::collection::Source;
use crate::domain::fact;
use crate::domain::id::{Guid, RepositoryId};
use crate::domain::pull_request::Source as Told;
use crate::domain::run::DeploymentRecord;
use crate::metrics::input::StageKind;
use crate::metrics::production;
use crate::store::{HistoryUpdate, Listing};
use crate::sync::ingest;

/// Rows of a page that the next one gives again: one that left the list meanwhile moved the others up.
const AGAIN: usize = 10;

fn step(next: Option<String>) -> Step {
    next.map_or(Step::Done, Step::Next)
}

impl Course<'_> {
    pub async fn pull_requests_page(&self, operation: &Operation, place: &Place) -> Result<(), Stop> {
        let query = match operation {
            Operation::ActivePullRequests => PullRequestQuery { status: StatusFilter::Active, ..PullRequestQuery::default() },
            _ => PullRequestQuery { status: StatusFilter::All, closed_since: Some(place.since), ..PullRequestQuery::default() },
        };
        let skip = place.next.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let asked_at = self.now();
        let page = self.client().pull_request_page(&self.project().guid, &query, skip, plan::PULL_REQUESTS).await?;
        let next = page.next_skip().map(|next| if page.received > AGAIN { next - AGAIN } else { next });
        let is_whole_list = *operation == Operation::ActivePullRequests && skip == 0 && next.is_none();
        let listing = if is_whole_list { Listing::ActiveComplete { since_poll: asked_at } } else { Listing::Some };
        self.enter(&page.rows, listing, asked_at).await?;

        let mut turn = self.turn(Source::PullRequests).await;
        turn.step(operation, place, step(next.map(|next| next.to_string())));
        let updates = page.rows.into_iter().map(HistoryUpdate::Listed).collect();
        self.store().put_histories(self.project().id, updates, asked_at, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    /// Lets facts in through the one door; repositories that are not known yet first.
    async fn enter(&self, facts: &[fact::PullRequest], listing: Listing, asked_at: jiff::Timestamp) -> Result<(), Stop> {
        self.know(facts.iter().map(|fact| &fact.repository)).await?;
        let done_on_merge = self.shared.settings.done_on_merge;
        ingest::facts(self.store(), self.project(), facts, listing, Told::Poll, done_on_merge, asked_at).await?;
        Ok(())
    }

    /// Lists repositories again where somebody named one that is not known.
    async fn know(&self, mut named: impl Iterator<Item = &Guid>) -> Result<(), Stop> {
        let known: BTreeSet<_> = self.repositories().iter().map(|repository| &repository.guid).collect();
        if named.any(|guid| !known.contains(guid)) {
            self.list_repositories().await?;
        }
        Ok(())
    }

    /// Looks at what was active and is on no list any more: closed long before the window, or not readable.
    pub async fn missing_pull_requests(&self) -> Result<(), Stop> {
        let begun = self.begun(Source::PullRequests);
        for active in self.store().histories_active(self.project().id).await? {
            if active.listed_at < begun && self.may(Source::PullRequests) {
                // One that can't be read keeps no other from being read.
                let looked = self.look_at(active.repository, active.number).await;
                self.take_of(Source::PullRequests, active.repository, looked)?;
            }
        }
        Ok(())
    }

    /// Asks for one pull request and keeps it like a listed one. One that is gone is remembered as such; one that may only be hidden is not.
    pub async fn look_at(&self, repository: RepositoryId, number: i64) -> Result<(), Stop> {
        let name = format!("{repository}:{number}");
        let Some(repo) = self.repo(repository) else { return Ok(()) };
        if self.has_lost(Source::PullRequests, &name).await {
            return Ok(());
        }
        let asked_at = self.now();
        let found = match self.client().pull_request(repo, number).await {
            Ok(found) => Some(found),
            Err(error) if *error.kind() == ErrorKind::PullRequestMissing => None,
            Err(error) => return Err(error.into()),
        };
        let facts: Vec<_> = found.into_iter().collect();
        self.enter(&facts, Listing::Some, asked_at).await?;
        let mut turn = self.turn(Source::PullRequests).await;
        if facts.is_empty() {
            turn.lose(name);
        }
        let updates = facts.into_iter().map(HistoryUpdate::Listed).collect();
        self.store().put_histories(self.project().id, updates, asked_at, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    pub async fn builds_page(&self, operation: &Operation, place: &Place) -> Result<(), Stop> {
        let query = match operation {
            Operation::RunningBuilds => BuildQuery::InProgress,
            _ => BuildQuery::FinishedSince(place.since),
        };
        let page = self.client().builds_page(&self.project().guid, &query, place.next.as_deref(), plan::BUILDS).await?;
        // Those of a first pass were listed when the project was selected.
        if self.was_backfilled(Source::Builds) {
            match self.know(page.rows.iter().filter_map(|build| build.repository.as_ref())).await {
                // Runs may be read where repositories may not.
                Ok(()) | Err(Stop::Ado(_)) | Err(Stop::Hidden) => {}
                Err(stop @ Stop::Store(_)) => return Err(stop),
            }
        }
        let mut turn = self.turn(Source::Builds).await;
        turn.step(operation, place, step(page.next));
        self.store().put_builds(self.project().id, &page.rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    pub async fn environments_page(&self, operation: &Operation, place: &Place) -> Result<(), Stop> {
        let page = self.client().environments_page(&self.project().guid, place.next.as_deref()).await?;
        let mut turn = self.turn(Source::Environments).await;
        turn.step(operation, place, step(page.next));
        self.store().put_environments(self.project().id, &page.rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    /// The environments whose records are wanted: those that are production by their name, by what somebody decided, or by what is known of
    /// what runs in them.
    pub async fn production_environments(&self) -> Result<Vec<i64>, Stop> {
        let project = self.project().id;
        let kinds = self.store().stage_kinds(&[project]).await?;
        let environments = self.store().environments(project).await?;
        let decided = self.store().decided_environments(project).await?;
        let by_name = self.store().environment_kinds(project).await?;
        let is_production = |kind: &StageKind| production::judge(kind, &self.shared.settings.rules).production;
        let names: BTreeSet<_> =
            kinds.iter().chain(&by_name).filter(|kind| is_production(kind)).filter_map(|kind| kind.environment.as_ref()).collect();
        let wanted =
            environments.into_iter().filter(|environment| names.contains(&environment.name) || decided.contains(&environment.name));
        Ok(wanted.map(|environment| environment.number).collect())
    }

    pub async fn records_page(&self, operation: &Operation, environment: i64, place: &Place) -> Result<(), Stop> {
        let project = &self.project().guid;
        let page = self.client().deployment_records_page(project, environment, place.next.as_deref(), plan::RECORDS).await?;
        // Newest first, and no filter: the page that reaches what is known is the last.
        let reaches = page.rows.last().and_then(begun_at).is_some_and(|at| at < place.since);
        let mut turn = self.turn(Source::Environments).await;
        turn.step(operation, place, if reaches { Step::Done } else { step(page.next) });
        let is_wanted = |record: &DeploymentRecord| record.finished_at.or(begun_at(record)).is_none_or(|at| at >= place.since);
        let rows: Vec<_> = page.rows.into_iter().filter(is_wanted).collect();
        self.store().put_deployment_records(self.project().id, &rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    pub async fn deployments_page(&self, operation: &Operation, place: &Place) -> Result<(), Stop> {
        let found = self.client().release_deployments_page(&self.project().guid, place.since, place.next.as_deref()).await;
        let (rows, next) = match found {
            Ok(page) => (page.rows, page.next),
            // A Server without classic releases has none.
            Err(error) if *error.kind() == ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => return Err(error.into()),
        };
        let mut turn = self.turn(Source::Releases).await;
        turn.step(operation, place, step(next));
        self.store().put_release_deployments(self.project().id, &rows, turn.page()).await?;
        turn.keep();
        Ok(())
    }
}

/// Records come in the order in which they were made.
fn begun_at(record: &DeploymentRecord) -> Option<jiff::Timestamp> {
    record.queued_at.or(record.started_at).or(record.finished_at)
}

pub fn is_gone(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::PullRequestMissing | ErrorKind::RepositoryMissing | ErrorKind::NotFound)
}
