//! The commits between two deployments from a branch on which the order of pushes can't tell. What lies between two commits never
//! changes, so that each is asked for once.

use super::column::{Columns as _, json};
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::{Store, repositories};
use crate::domain::id::{ObjectId, RepositoryId};

queries! {
    PUT = "INSERT INTO compares (repository, base, head, commits) VALUES ($1, $2, $3, $4) ON CONFLICT (repository, base, head) \
        DO UPDATE SET commits = excluded.commits";
    ONE = "SELECT commits FROM compares WHERE repository = $1 AND base = $2 AND head = $3";
}

impl Store {
    /// Keeps which commits lead from `base` to `head`, newest first.
    pub async fn put_compare(
        &self,
        repository: RepositoryId,
        base: &ObjectId,
        head: &ObjectId,
        commits: &[ObjectId],
        page: impl Into<Option<PageDone>>,
    ) -> Result<()> {
        let page = page.into();
        self.attempt("keep what lies between two commits", async {
            let mut writing = self.writing_on(Hold::Repository(repository)).await?;
            let owner = repositories::by_id(writing.conn(), repository).await?.ok_or_else(|| repositories::missing(repository))?;
            sqlx::query(PUT)
                .bind(repository.0)
                .bind(base.as_str())
                .bind(head.as_str())
                .bind(json(commits)?)
                .execute(writing.conn())
                .await?;
            self.finish_page(writing, owner.project, page).await
        })
        .await
    }

    /// The commits that lead from `base` to `head`, if they were asked for.
    pub async fn compare(&self, repository: RepositoryId, base: &ObjectId, head: &ObjectId) -> Result<Option<Vec<ObjectId>>> {
        self.attempt("read what lies between two commits", async {
            let query = sqlx::query(ONE).bind(repository.0).bind(base.as_str()).bind(head.as_str());
            let row = query.fetch_optional(&mut *self.reader().await?).await?;
            row.map(|row| row.json("commits")).transpose()
        })
        .await
    }
}
