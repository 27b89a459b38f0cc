//! Forgetting the delivery facts of a project, its tickets and its board's pull requests untouched.

use super::Store;
use super::error::Result;
use super::hold::Hold;
use crate::domain::id::ProjectId;

queries! {
    LINKS = "DELETE FROM work_item_links WHERE project = $1";
    ITEMS = "DELETE FROM work_items WHERE project = $1";
    HISTORIES = "DELETE FROM pull_request_histories WHERE repository IN (SELECT id FROM repositories WHERE project = $1)";
    FLOWS = "DELETE FROM flows WHERE project = $1";
    PUSHES = "DELETE FROM pushes WHERE repository IN (SELECT id FROM repositories WHERE project = $1)";
    COMPARES = "DELETE FROM compares WHERE repository IN (SELECT id FROM repositories WHERE project = $1)";
    COMMITS = "DELETE FROM commits WHERE repository IN (SELECT id FROM repositories WHERE project = $1)";
    STAGES = "DELETE FROM stage_runs WHERE project = $1";
    KINDS = "DELETE FROM stage_kinds WHERE project = $1";
    BUILDS = "DELETE FROM builds WHERE project = $1";
    ENVIRONMENTS = "DELETE FROM environments WHERE project = $1";
    DEFINITIONS = "DELETE FROM definitions WHERE project = $1";
    MEMBERS = "DELETE FROM team_members WHERE project = $1";
    SOURCES = "DELETE FROM sync_sources WHERE project = $1";
}

impl Store {
    /// Forgets all that was collected of a project, and that it is measured. What people decided and set stays: which stages are
    /// production, the project's settings, the comments that are ours. Returns how many rows went.
    pub async fn purge_facts(&self, project: ProjectId) -> Result<u64> {
        self.attempt("forget the delivery facts of a project", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let mut gone = 0;
            for sql in [
                LINKS,
                ITEMS,
                HISTORIES,
                FLOWS,
                PUSHES,
                COMPARES,
                COMMITS,
                STAGES,
                KINDS,
                BUILDS,
                ENVIRONMENTS,
                DEFINITIONS,
                MEMBERS,
                SOURCES,
            ] {
                gone += sqlx::query(sql).bind(project.0).execute(writing.conn()).await?.rows_affected();
            }
            self.inner.pace.hurry(project);
            self.finish_page(writing, project, None).await?;
            Ok(gone)
        })
        .await
    }
}
