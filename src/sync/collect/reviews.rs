//! One call a pull request: its threads, and its detail. Several answers are kept together. And one a project: how many approvals its
//! branches want.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::course::{Course, Stop};
use super::trouble::Trouble;
use crate::ado::ErrorKind;
use crate::ado::history::happenings;
use crate::domain::collection::Source;
use crate::domain::fact;
use crate::domain::id::RepositoryId;
use crate::domain::work_item::{LinkTarget, Via, mentions};
use crate::metrics::approvals::{self, Found};
use crate::metrics::input::ChangeCommit;
use crate::store::HistoryUpdate;

/// What was read of a pull request, to be kept.
pub struct Read {
    pub source: Source,
    /// As the cursor names it.
    name: String,
    /// Nothing for a pull request that is gone.
    update: Option<HistoryUpdate>,
    links: Vec<ItemLink>,
}

/// A work item, what hangs on it, and how that is known.
type ItemLink = (i64, RepositoryId, LinkTarget, Via);

impl Course<'_> {
    /// Reads how many approvals branches want. Where that is not to be had, reviews are measured by one: it is kept why.
    pub async fn approvals(&self) -> Result<(), Stop> {
        let asked_at = self.now();
        let found = match self.client().approval_policies(&self.project().guid).await {
            Ok(policies) => Found::Rules(approvals::rules(&policies, self.repositories())),
            Err(error) => match Trouble::of(&error, Source::Threads, &self.project().name) {
                Trouble::Refused(why) => Found::Unreadable { why },
                Trouble::Gone => Found::Unreadable { why: "this server lists no branch policies".to_owned() },
                Trouble::Failed { .. } => return Err(error.into()),
            },
        };
        let turn = self.turn(Source::Threads).await;
        self.store().put_approvals(self.project().id, found, asked_at, turn.page()).await?;
        turn.keep();
        Ok(())
    }

    /// Reads the threads of a pull request. Texts stay behind.
    pub async fn threads(&self, repository: RepositoryId, number: i64) -> Result<Option<Read>, Stop> {
        let Some((name, repo)) = self.wanted(Source::Threads, repository, number).await else { return Ok(None) };
        let asked_at = self.now();
        let update = match self.client().threads(repo, number).await {
            Ok(threads) => {
                let (happenings, actors) = happenings(&threads);
                Some(HistoryUpdate::Threads { repository, number, happenings, actors, at: asked_at })
            }
            Err(error) if *error.kind() == ErrorKind::PullRequestMissing => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Read { source: Source::Threads, name, update, links: Vec::new() }))
    }

    /// Reads the commits, the work items and the whole text of a pull request.
    pub async fn detail(&self, repository: RepositoryId, number: i64) -> Result<Option<Read>, Stop> {
        let Some((name, repo)) = self.wanted(Source::Details, repository, number).await else { return Ok(None) };
        let asked_at = self.now();
        let (update, links) = match self.client().pull_request_detail(repo, number).await {
            Ok(detail) => (Some(update(repository, &detail, asked_at)), links_of(repository, &detail)),
            Err(error) if *error.kind() == ErrorKind::PullRequestMissing => (None, Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Read { source: Source::Details, name, update, links }))
    }

    async fn wanted(&self, source: Source, repository: RepositoryId, number: i64) -> Option<(String, crate::ado::RepoRef<'_>)> {
        let name = format!("{repository}:{number}");
        let repo = self.repo(repository)?;
        (self.may(source) && !self.has_lost(source, &name).await).then_some((name, repo))
    }

    /// Keeps what was read, each source's in one transaction with its cursor.
    pub async fn keep(&self, read: Vec<Read>) -> Result<(), Stop> {
        let mut by_source: BTreeMap<Source, Vec<Read>> = BTreeMap::new();
        for one in read {
            by_source.entry(one.source).or_default().push(one);
        }
        for (source, read) in by_source {
            let links: Vec<_> = read.iter().flat_map(|one| one.links.iter().cloned()).collect();
            if !links.is_empty() {
                // Before the cursor: what is kept twice is kept once.
                self.store().put_links(self.project().id, &links).await?;
            }
            let mut turn = self.turn(source).await;
            turn.calls(read.len());
            let mut updates = Vec::with_capacity(read.len());
            for one in read {
                match one.update {
                    Some(update) => updates.push(update),
                    None => turn.lose(one.name),
                }
            }
            self.store().put_histories(self.project().id, updates, self.now(), turn.page()).await?;
            turn.keep();
        }
        Ok(())
    }
}

/// What a detail says, for the history: the commits oldest first, linked work items, and those that the texts name.
pub fn update(repository: RepositoryId, detail: &fact::PullRequestDetail, at: Timestamp) -> HistoryUpdate {
    let mut commits: Vec<_> =
        detail.commits.iter().map(|commit| ChangeCommit { sha: commit.id.clone(), authored_at: commit.authored_at }).collect();
    commits.reverse();
    let mut items = detail.work_items.clone();
    items.extend(named(detail));
    let number = detail.pull_request.number;
    HistoryUpdate::Detail { repository, number, commits, items, iterations: None, at }
}

/// What hangs on which work items: by Azure DevOps's own links, and by the texts of the pull request.
pub fn links_of(repository: RepositoryId, detail: &fact::PullRequestDetail) -> Vec<ItemLink> {
    let target = LinkTarget::PullRequest { number: detail.pull_request.number };
    let linked = detail.work_items.iter().map(|item| (*item, Via::Link));
    let all = linked.chain(named(detail).into_iter().map(|item| (item, Via::Text)));
    all.map(|(item, via)| (item, repository, target.clone(), via)).collect()
}

/// The work items that its texts name and that are not linked.
fn named(detail: &fact::PullRequestDetail) -> Vec<i64> {
    let mut named = mentions(&detail.pull_request.title);
    named.extend(mentions(&detail.pull_request.description));
    named.retain(|item| !detail.work_items.contains(item));
    named.sort_unstable();
    named.dedup();
    named
}
