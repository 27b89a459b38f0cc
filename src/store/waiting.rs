//! Whether work is under way that no open pull request is known of: only then is it worth asking for what was closed meanwhile.

use super::Store;
use super::error::Result;
use crate::domain::id::ProjectId;

queries! {
    STARTED = "SELECT CASE WHEN EXISTS (SELECT 1 FROM tickets WHERE project = $1 AND archived = 0 AND status = 'in_progress' \
        AND branch IS NOT NULL) THEN 1 ELSE 0 END";
}

impl Store {
    /// Whether a ticket of the project is in progress on a branch: it follows no active pull request, be it that there was none yet
    /// or that it was abandoned.
    pub async fn has_started_without_pull_request(&self, project: ProjectId) -> Result<bool> {
        self.attempt("look for started work without a pull request", async {
            let found: i64 = sqlx::query_scalar(STARTED).bind(project.0).fetch_one(&mut *self.reader().await?).await?;
            Ok(found != 0)
        })
        .await
    }
}
