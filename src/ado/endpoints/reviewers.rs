//! Reviewers of a pull request and their votes.

use serde_json::json;

use super::in_pull_request;
use crate::ado::call::{Call, encode};
use crate::ado::retry::Effect;
use crate::ado::scope::Scope;
use crate::ado::wire::pull_request::Reviewer as Row;
use crate::ado::{Client, RepoRef, Result};
use crate::domain::id::Guid;
use crate::domain::pull_request::{Reviewer, Vote};

/// Whether a pull request waits for a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    Required,
    Optional,
}

impl Client {
    pub async fn reviewers(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<Reviewer>> {
        let path = in_pull_request(repository, number, "/reviewers");
        let call = Call::get(path, Scope::Code, format!("list the reviewers of pull request {number}"));
        let rows: Vec<Row> = self.rows(&call).await?;
        Ok(rows.into_iter().map(Row::fact).collect())
    }

    /// Asks a person to review; asking again changes nothing, and a vote already given stays.
    pub async fn add_reviewer(&self, repository: RepoRef<'_>, number: i64, who: &Guid, duty: Duty) -> Result<()> {
        let attempt = format!("add a reviewer to pull request {number}");
        let call = match duty {
            Duty::Optional => {
                let path = in_pull_request(repository, number, "/reviewers");
                Call::post(path, attempt).effect(Effect::Repeatable).json(&json!([{"id": who}]))
            }
            Duty::Required => {
                let path = in_pull_request(repository, number, &format!("/reviewers/{}", encode(who.as_str())));
                Call::put(path, attempt).json(&json!({"id": who, "isRequired": true}))
            }
        };
        self.send(&call).await.map(|_| ())
    }

    pub async fn remove_reviewer(&self, repository: RepoRef<'_>, number: i64, who: &Guid) -> Result<()> {
        let path = in_pull_request(repository, number, &format!("/reviewers/{}", encode(who.as_str())));
        self.send(&Call::delete(path, format!("remove a reviewer from pull request {number}"))).await.map(|_| ())
    }

    /// Votes as `me`, who must be the token's owner: nobody votes for another.
    pub async fn vote(&self, repository: RepoRef<'_>, number: i64, me: &Guid, vote: Vote) -> Result<Reviewer> {
        let path = in_pull_request(repository, number, &format!("/reviewers/{}", encode(me.as_str())));
        let call = Call::put(path, format!("vote on pull request {number}")).json(&json!({"id": me, "vote": vote.to_wire()}));
        Ok(self.object::<Row>(&call).await?.fact())
    }
}
