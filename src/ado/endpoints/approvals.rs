//! Who is to approve what a run, or a classic release, waits for. Asked for one run at a time, when somebody looks at it.

use super::in_project;
use crate::ado::call::{Call, Host};
use crate::ado::scope::Scope;
use crate::ado::wire::approval::{Approval as Row, OfRelease, of_release};
use crate::ado::{Client, Result};
use crate::domain::approval::Approval;
use crate::domain::id::Guid;
use crate::domain::run::PendingRelease;

impl Client {
    /// Those of these approvals that are still open. One call; none where no id is given. Old Servers answer that there is no such thing.
    pub async fn open_approvals(&self, project: &Guid, ids: &[Guid]) -> Result<Vec<Approval>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.iter().map(Guid::as_str).collect::<Vec<_>>().join(",");
        let call = Call::get(in_project(project, "pipelines/approvals"), Scope::Build, "read who is to approve")
            .query("approvalIds", ids)
            .query("$expand", "steps");
        let rows: Vec<Row> = self.all_by_token(call).await?;
        Ok(rows.into_iter().filter(Row::is_open).map(Row::fact).collect())
    }

    /// What the deployments of a classic release wait for before they begin, by environment. One call.
    pub async fn pending_release_approvals(&self, project: &Guid, release: i64) -> Result<Vec<PendingRelease>> {
        let attempt = format!("read who is to approve release {release}");
        let call = Call::get(in_project(project, "release/approvals"), Scope::Release, attempt)
            .host(Host::Release)
            .query("statusFilter", "pending")
            .query("releaseIdsFilter", release)
            .query("typeFilter", "preDeploy");
        let rows: Vec<OfRelease> = self.all_by_token(call).await?;
        Ok(of_release(rows))
    }
}
