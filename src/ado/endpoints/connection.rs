//! Who the token is, and what its scopes allow, found out without changing anything.

use serde_json::json;

use super::in_repository;
use serde::Serialize;

use crate::ado::call::{Call, Host, Release, encode};
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::connection::ConnectionData;
use crate::ado::{Client, Error, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::Guid;

/// Whether the token has a scope, and what kanado needs it for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeCheck {
    pub scope: &'static str,
    pub needed_for: &'static str,
    pub outcome: ScopeOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeOutcome {
    Allowed,
    Missing,
    /// It could not be found out, with the reason.
    Unknown(String),
}

impl Client {
    /// Who the token belongs to, on which instance. The cheapest proof that URL and token are good.
    pub async fn connection(&self) -> Result<fact::Connection> {
        let attempt = "find out who the token belongs to";
        let call = Call::get("/_apis/connectionData", Scope::Any, attempt).release(Release::Preview(1));
        let data: ConnectionData = self.object(&call).await?;
        if data.is_anonymous() {
            return Err(self.error(ErrorKind::BadToken, attempt).detail("the server takes it for nobody's"));
        }
        Ok(data.fact(self.base().deployment()))
    }

    /// Tries what each scope is for: reads one row, and for writing sends an empty list of branch updates, which changes nothing.
    /// Fails only where nothing at all can be found out (no network, bad token).
    pub async fn check(&self, project: Option<&Guid>, repository: Option<&Guid>) -> Result<Vec<ScopeCheck>> {
        let me = self.connection().await?.me;
        let mut checks = Vec::new();

        let projects = Call::get("/_apis/projects", Scope::Project, "list one project").query("$top", 1);
        checks.push(self.probe(projects, "projects, teams and members").await?);

        let code = match (project, repository) {
            (Some(project), Some(repository)) => {
                Call::get(in_repository(RepoRef { project, repository }, ""), Scope::Code, "read the repository")
            }
            (Some(project), None) => {
                let path = format!("/{}/_apis/git/pullrequests", encode(project.as_str()));
                Call::get(path, Scope::Code, "list one pull request").query("$top", 1)
            }
            (None, _) => Call::get("/_apis/git/pullrequests", Scope::Code, "list one pull request").query("$top", 1),
        };
        checks.push(self.probe(code, "repositories, branches and pull requests").await?);

        let writing = "starting work, pushing specs and opening pull requests";
        checks.push(match (project, repository) {
            (Some(project), Some(repository)) => {
                let path = in_repository(RepoRef { project, repository }, "/refs");
                self.probe(Call::ask(path, Scope::CodeWrite, "update no branch at all").json(&json!([])), writing).await?
            }
            _ => ScopeCheck {
                scope: Scope::CodeWrite.words(),
                needed_for: writing,
                outcome: ScopeOutcome::Unknown("there is no repository to try it on yet".to_owned()),
            },
        });

        let areas = self.areas("find out where people can be looked up").await?.clone();
        if areas.graph.is_some() {
            let body = json!({"query": me.unique_name, "subjectKind": ["User"]});
            let graph = Call::ask("/_apis/graph/subjectquery", Scope::Graph, "look for a person")
                .host(Host::Graph)
                .release(Release::Preview(1))
                .json(&body);
            checks.push(self.probe(graph, "finding people outside your teams").await?);
        } else {
            let identities = Call::get("/_apis/identities", Scope::Identity, "look for a person")
                .host(Host::Identities)
                .query("searchFilter", "General")
                .query("filterValue", &me.unique_name)
                .query("queryMembership", "none");
            checks.push(self.probe(identities, "finding people outside your teams").await?);
        }
        Ok(checks)
    }

    async fn probe(&self, call: Call, needed_for: &'static str) -> Result<ScopeCheck> {
        let outcome = match self.send(&call).await {
            Ok(_) => ScopeOutcome::Allowed,
            Err(e) => outcome_of(e)?,
        };
        Ok(ScopeCheck { scope: call.scope.words(), needed_for, outcome })
    }
}

fn outcome_of(error: Error) -> Result<ScopeOutcome> {
    Ok(match error.kind() {
        ErrorKind::ScopeMissing { .. } => ScopeOutcome::Missing,
        // The request was understood and refused for what it says: its sender was let in.
        ErrorKind::BadRequest => ScopeOutcome::Allowed,
        ErrorKind::BadToken | ErrorKind::TokenExpired | ErrorKind::NotAMember | ErrorKind::Offline | ErrorKind::Tls | ErrorKind::Proxy => {
            return Err(error);
        }
        _ => ScopeOutcome::Unknown(error.to_string()),
    })
}
