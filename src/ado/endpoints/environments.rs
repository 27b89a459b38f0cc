//! Environments of YAML pipelines and what was deployed into them.

use super::in_project;
use crate::ado::call::Call;
use crate::ado::paging::Page;
use crate::ado::scope::Scope;
use crate::ado::wire::environment::{Environment as Row, Record};
use crate::ado::{Client, Result};
use crate::domain::id::Guid;
use crate::domain::run::{DeploymentRecord, Environment};

impl Client {
    pub async fn environments_page(&self, project: &Guid, token: Option<&str>) -> Result<Page<Environment>> {
        let path = in_project(project, "distributedtask/environments");
        let call = Call::get(path, Scope::Environment, "list the environments").query("$top", 1000);
        Ok(self.page_by_token::<Row>(call, token).await?.map(Row::fact))
    }

    /// Records of jobs, newest first as far as is known; there is no filter by time. A job has a record before it ran.
    pub async fn deployment_records_page(
        &self,
        project: &Guid,
        environment: i64,
        token: Option<&str>,
        top: usize,
    ) -> Result<Page<DeploymentRecord>> {
        let path = in_project(project, &format!("distributedtask/environments/{environment}/environmentdeploymentrecords"));
        // Without the dollar sign, unlike everywhere else.
        let call = Call::get(path, Scope::Environment, format!("list what was deployed into environment {environment}")).query("top", top);
        Ok(self.page_by_token::<Record>(call, token).await?.map(|row| row.fact(environment)))
    }
}
