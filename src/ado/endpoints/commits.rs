//! Commits of a branch, how far a branch is from another, and how many files differ between two commits.

use jiff::Timestamp;

use super::in_repository;
use crate::ado::call::Call;
use crate::ado::error::ErrorKind;
use crate::ado::paging::Page;
use crate::ado::scope::Scope;
use crate::ado::wire::commit::{Commit, Differences};
use crate::ado::wire::refs::BranchStatistics;
use crate::ado::{Client, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::ObjectId;

const PAGE: usize = 100;

/// Rows of a comparison asked for at once, and how many times at most: of a change as large as that nobody needs the exact number.
const DIFFERENCES: usize = 2000;
const MOST_PAGES: usize = 5;

impl Client {
    /// The newest commits of a branch, at most `top`. The service cuts long messages here.
    pub async fn commits(&self, repository: RepoRef<'_>, branch: &str, top: usize) -> Result<Vec<fact::Commit>> {
        let call = Call::get(in_repository(repository, "/commits"), Scope::Code, format!("list the commits of `{branch}`"))
            .query("searchCriteria.itemVersion.version", branch.strip_prefix("refs/heads/").unwrap_or(branch))
            .query("searchCriteria.itemVersion.versionType", "branch");
        let names = ["searchCriteria.$top", "searchCriteria.$skip"];
        let rows: Vec<Commit> = self.all_by_skip(call, names, PAGE, top).await?;
        Ok(rows.into_iter().take(top).map(Commit::fact).collect())
    }

    /// One page of the commits of the default branch that were made at or after `since`, newest first, with how many files each
    /// changed. The service cuts long messages. An empty repository has none.
    pub async fn commits_page(&self, repository: RepoRef<'_>, since: Timestamp, skip: usize, top: usize) -> Result<Page<fact::Commit>> {
        let call = Call::get(in_repository(repository, "/commits"), Scope::Code, "list the commits")
            .query("searchCriteria.fromDate", since)
            .query("searchCriteria.$top", top);
        match self.page_by_skip::<Commit>(call, "searchCriteria.$skip", skip, top).await {
            Ok(page) => Ok(page.map(Commit::fact)),
            Err(e) if *e.kind() == ErrorKind::BranchMissing => Ok(Page::default()),
            Err(e) => Err(e),
        }
    }

    /// One page of the commits that `head` has and `base` lacks, newest first. The service cuts long messages.
    pub async fn commits_between(
        &self,
        repository: RepoRef<'_>,
        (base, head): (&ObjectId, &ObjectId),
        skip: usize,
        top: usize,
    ) -> Result<Page<fact::Commit>> {
        let attempt = format!("list the commits from {} to {}", base.short(), head.short());
        // The walk starts at the compared version and leaves out what the item version has.
        let call = Call::get(in_repository(repository, "/commits"), Scope::Code, attempt)
            .query("searchCriteria.itemVersion.version", base)
            .query("searchCriteria.itemVersion.versionType", "commit")
            .query("searchCriteria.compareVersion.version", head)
            .query("searchCriteria.compareVersion.versionType", "commit")
            .query("searchCriteria.$top", top);
        Ok(self.page_by_skip::<Commit>(call, "searchCriteria.$skip", skip, top).await?.map(Commit::fact))
    }

    /// How many commits `branch` has that `base` lacks, and the other way round.
    pub async fn ahead_behind(&self, repository: RepoRef<'_>, base: &str, branch: &str) -> Result<(u32, u32)> {
        let path = in_repository(repository, "/stats/branches");
        let call = Call::get(path, Scope::Code, format!("compare `{branch}` with `{base}`"))
            .query("name", branch)
            .query("baseVersionDescriptor.version", base)
            .query("baseVersionDescriptor.versionType", "branch");
        let statistics: BranchStatistics = self.object(&call).await?;
        let count = |n: Option<i64>| u32::try_from(n.unwrap_or_default()).unwrap_or_default();
        Ok((count(statistics.ahead_count), count(statistics.behind_count)))
    }

    /// How many files a pull request from `source` into `target` changes: since the last commit that both have, as its page counts them.
    /// A renamed file is one. Of a list longer than ten thousand rows only those are counted.
    pub async fn changed_files(&self, repository: RepoRef<'_>, target: &ObjectId, source: &ObjectId) -> Result<u32> {
        // The service's counts are of rows, and folders have rows too: only the list tells how many are files.
        let mut call = Call::get(in_repository(repository, "/diffs/commits"), Scope::Code, "count the files that changed")
            .query("baseVersion", target.as_str())
            .query("baseVersionType", "commit")
            .query("targetVersion", source.as_str())
            .query("targetVersionType", "commit")
            .query("diffCommonCommit", "true")
            .query("$top", DIFFERENCES);
        let (mut files, mut received) = (0, 0_usize);
        for _ in 0..MOST_PAGES {
            if received > 0 {
                call.set("$skip", received);
            }
            let page: Differences = self.object(&call).await?;
            received += page.changes.len();
            files += page.changes.iter().filter(|row| row.is_a_file()).map(|_| 1).sum::<u32>();
            if page.all_changes_included || page.changes.is_empty() {
                break;
            }
        }
        Ok(files)
    }
}
