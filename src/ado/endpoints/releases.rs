//! Classic releases: definitions and deployments. They live on a host of their own on Services.

use jiff::Timestamp;

use super::in_project;
use crate::ado::call::{Call, Host};
use crate::ado::paging::Page;
use crate::ado::scope::Scope;
use crate::ado::wire::build::Definition as DefinitionRow;
use crate::ado::wire::release::Deployment;
use crate::ado::{Client, Result};
use crate::domain::id::Guid;
use crate::domain::run::{Definition, ReleaseDeployment};

/// The most the service gives in one page.
pub const DEPLOYMENTS_A_PAGE: usize = 100;

impl Client {
    /// All classic release definitions of a project; none where classic releases are switched off.
    pub async fn release_definitions(&self, project: &Guid) -> Result<Vec<Definition>> {
        let call = Call::get(in_project(project, "release/definitions"), Scope::Release, "list the release definitions")
            .host(Host::Release)
            .query("$top", 1000);
        let rows: Vec<DefinitionRow> = self.all_by_token(call).await?;
        Ok(rows.into_iter().map(DefinitionRow::release).collect())
    }

    /// One page of deployments, every attempt of them, that changed at or after `since`, oldest first.
    pub async fn release_deployments_page(&self, project: &Guid, since: Timestamp, token: Option<&str>) -> Result<Page<ReleaseDeployment>> {
        let call = Call::get(in_project(project, "release/deployments"), Scope::Release, "list the deployments of releases")
            .host(Host::Release)
            .query("minModifiedTime", since)
            .query("queryOrder", "ascending")
            .query("$top", DEPLOYMENTS_A_PAGE);
        Ok(self.page_by_token::<Deployment>(call, token).await?.map(Deployment::fact))
    }
}
