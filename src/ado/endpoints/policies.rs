//! Branch policies that want a number of approvals, and evaluations of policies on a pull request.

use super::in_project;
use crate::ado::call::{Call, Release, encode};
use crate::ado::scope::Scope;
use crate::ado::wire::policy::{APPROVALS, Configuration, Evaluation};
use crate::ado::{Client, Result};
use crate::domain::fact;
use crate::domain::id::Guid;

impl Client {
    /// The policies of a project that want a number of approvals, those in force that block. One call, if the service does not page.
    pub async fn approval_policies(&self, project: &Guid) -> Result<Vec<fact::ApprovalPolicy>> {
        let path = in_project(project, "policy/configurations");
        let call = Call::get(path, Scope::Code, "list the branch policies").query("policyType", APPROVALS);
        let rows: Vec<Configuration> = self.all_by_token(call).await?;
        Ok(rows.into_iter().filter_map(Configuration::approvals).collect())
    }

    /// All evaluations; what gates the pull request has `blocking` set.
    pub async fn policy_evaluations(&self, project: &Guid, number: i64) -> Result<Vec<fact::PolicyEvaluation>> {
        let path = format!("/{}/_apis/policy/evaluations", encode(project.as_str()));
        let call = Call::get(path, Scope::Code, format!("read the policies of pull request {number}"))
            .release(Release::Preview(1))
            .query("artifactId", format!("vstfs:///CodeReview/CodeReviewId/{project}/{number}"));
        let rows: Vec<Evaluation> = self.all_by_skip(call, ["$top", "$skip"], 200, usize::MAX).await?;
        Ok(rows.into_iter().map(Evaluation::fact).collect())
    }
}
