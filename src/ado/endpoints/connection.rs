//! Who the token is, and what its scopes allow, found out without changing anything.

use serde::Serialize;
use serde_json::json;

use super::{in_project, in_pull_request, in_repository};
use crate::ado::call::{Call, Host, Release};
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::connection::ConnectionData;
use crate::ado::wire::pull_request::PullRequest;
use crate::ado::{Client, Error, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::Guid;

/// Whether the token has a scope, what kanado needs it for, and what is lost without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeCheck {
    pub scope: &'static str,
    pub needed_for: &'static str,
    /// What happens without it; everything else goes on.
    pub degrades: &'static str,
    pub need: Need,
    pub outcome: ScopeOutcome,
}

/// Whether a missing scope is something to put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// There is no board without it.
    Required,
    /// A part of the board or of the figures is lost without it.
    Expected,
    /// Only teams that use what it is for.
    Optional,
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

    /// Tries what each scope is for, all at once: reads one row, and for writing sends an empty list of branch updates, which changes
    /// nothing. Fails only where nothing at all can be found out (no network, bad token).
    pub async fn check(&self, project: Option<&Guid>, repository: Option<&Guid>) -> Result<Vec<ScopeCheck>> {
        let me = self.connection().await?.me;
        let areas = self.areas("find out where people can be looked up").await?.clone();
        let place = project.zip(repository).map(|(project, repository)| RepoRef { project, repository });

        let projects = Call::get("/_apis/projects", Scope::Project, "list one project").query("$top", 1);
        let code = match (project, place) {
            (_, Some(place)) => Call::get(in_repository(place, ""), Scope::Code, "read the repository"),
            _ => self.one_pull_request(project),
        };
        let writing = place.map(|place| {
            let path = in_repository(place, "/refs");
            Call::ask(path, Scope::CodeWrite, "update no branch at all").json(&json!([]))
        });
        let build = project.map(|project| one(in_project(project, "build/definitions"), Scope::Build, "list one pipeline"));
        let items = project.map(|project| {
            let query = json!({"query": "SELECT [System.Id] FROM WorkItems WHERE [System.Id] = 0"});
            Call::ask(in_project(project, "wit/wiql"), Scope::WorkItems, "look for a work item").query("$top", 1).json(&query)
        });
        let people = match areas.graph {
            Some(_) => Call::ask("/_apis/graph/subjectquery", Scope::Graph, "look for a person")
                .host(Host::Graph)
                .release(Release::Preview(1))
                .json(&json!({"query": me.unique_name, "subjectKind": ["User"]})),
            None => Call::get("/_apis/identities", Scope::Identity, "look for a person")
                .host(Host::Identities)
                .query("searchFilter", "General")
                .query("filterValue", &me.unique_name)
                .query("queryMembership", "none"),
        };
        let release = project.map(|project| {
            one(in_project(project, "release/definitions"), Scope::Release, "list one release definition").host(Host::Release)
        });
        let environment =
            project.map(|project| one(in_project(project, "distributedtask/environments"), Scope::Environment, "list one environment"));

        let (projects, code, writing, threads, build, items, people, release, environment) = tokio::try_join!(
            self.probe(Some(projects), PROJECT),
            self.probe(Some(code), CODE),
            self.probe(writing, WRITING),
            self.discussions(project, place),
            self.probe(build, BUILD),
            self.probe(items, WORK_ITEMS),
            self.probe(Some(people), PEOPLE),
            self.probe(release, RELEASE),
            self.probe(environment, ENVIRONMENT),
        )?;
        Ok(vec![projects, code, writing, threads, build, items, people, release, environment])
    }

    fn one_pull_request(&self, project: Option<&Guid>) -> Call {
        let path = match project {
            Some(project) => in_project(project, "git/pullrequests"),
            None => "/_apis/git/pullrequests".to_owned(),
        };
        one(path, Scope::Code, "list one pull request").query("searchCriteria.status", "all")
    }

    /// Discussions are read and written, under one scope of the token page: code that may be read, or written, does as well.
    async fn discussions(&self, project: Option<&Guid>, place: Option<RepoRef<'_>>) -> Result<ScopeCheck> {
        let (reading, writing) = tokio::try_join!(self.reads_discussions(project), self.writes_discussions(place))?;
        Ok(match (reading, writing) {
            (Some(ScopeOutcome::Missing), _) => THREADS.check(THREADS.scope, ScopeOutcome::Missing),
            (_, ScopeOutcome::Missing) => COMMENTING.check(COMMENTING.scope, ScopeOutcome::Missing),
            (Some(ScopeOutcome::Unknown(why)), _) => THREADS.check(THREADS.scope, ScopeOutcome::Unknown(why)),
            // Whoever may write may read.
            (Some(ScopeOutcome::Allowed) | None, outcome) => THREADS.check(THREADS.scope, outcome),
        })
    }

    /// Nothing where there is no pull request to try it on.
    async fn reads_discussions(&self, project: Option<&Guid>) -> Result<Option<ScopeOutcome>> {
        let found = match self.rows::<PullRequest>(&self.one_pull_request(project)).await {
            Ok(rows) => rows.into_iter().next().map(PullRequest::fact),
            Err(error) => {
                let outcome = outcome_of(error)?;
                // What is missing is another scope, which has a line of its own.
                return Ok(Some(outcome).filter(|outcome| *outcome != ScopeOutcome::Missing));
            }
        };
        let Some(pr) = found else { return Ok(None) };
        let Some(project) = pr.project.as_ref().or(project) else { return Ok(None) };
        let path = in_pull_request(RepoRef { project, repository: &pr.repository }, pr.number, "/threads");
        let call = Call::get(path, Scope::Threads, format!("read the discussion of pull request {}", pr.number));
        Ok(Some(self.outcome(&call).await?))
    }

    /// Comments with nothing on the pull request 0, which is never there: whoever may not is told so before that is looked for.
    async fn writes_discussions(&self, place: Option<RepoRef<'_>>) -> Result<ScopeOutcome> {
        let Some(place) = place else { return Ok(unknown(WRITING.without_place)) };
        let path = in_pull_request(place, 0, "/threads");
        let call = Call::ask(path, Scope::Commenting, "comment on no pull request at all").json(&json!({ "comments": [] }));
        match self.send(&call).await {
            Err(error) if matches!(error.kind(), ErrorKind::PullRequestMissing | ErrorKind::NotFound) => Ok(ScopeOutcome::Allowed),
            Err(error) => outcome_of(error),
            Ok(_) => Ok(ScopeOutcome::Allowed),
        }
    }

    async fn probe(&self, call: Option<Call>, purpose: Purpose) -> Result<ScopeCheck> {
        let Some(call) = call else {
            return Ok(purpose.check(purpose.scope, unknown(purpose.without_place)));
        };
        let outcome = self.outcome(&call).await?;
        Ok(purpose.check(call.scope, outcome))
    }

    async fn outcome(&self, call: &Call) -> Result<ScopeOutcome> {
        match self.send(call).await {
            Ok(_) => Ok(ScopeOutcome::Allowed),
            // A host of its own that cannot be reached says nothing of the one that the board is on.
            Err(e) if call.host != Host::Base && is_unreachable(&e) => Ok(ScopeOutcome::Unknown(e.to_string())),
            Err(e) => outcome_of(e),
        }
    }
}

/// What a scope is for.
#[derive(Debug, Clone, Copy)]
struct Purpose {
    scope: Scope,
    need: Need,
    needed_for: &'static str,
    degrades: &'static str,
    /// Why it cannot be tried.
    without_place: &'static str,
}

const NO_PROJECT: &str = "there is no project to try it on yet";

impl Purpose {
    const fn new(scope: Scope, need: Need, needed_for: &'static str, degrades: &'static str) -> Self {
        Self { scope, need, needed_for, degrades, without_place: NO_PROJECT }
    }

    fn check(self, scope: Scope, outcome: ScopeOutcome) -> ScopeCheck {
        ScopeCheck { scope: scope.words(), needed_for: self.needed_for, degrades: self.degrades, need: self.need, outcome }
    }
}

const PROJECT: Purpose =
    Purpose::new(Scope::Project, Need::Required, "projects, teams and members", "projects cannot be listed, and nobody is known by team");
const CODE: Purpose = Purpose::new(
    Scope::Code,
    Need::Required,
    "repositories, branches and pull requests",
    "no board and no figures: everything begins with pull requests",
);
const WRITING: Purpose = Purpose {
    without_place: "there is no repository to try it on yet",
    ..Purpose::new(
        Scope::CodeWrite,
        Need::Required,
        "starting work, pushing specs and opening pull requests",
        "the board is read only; figures are not affected",
    )
};
const THREADS: Purpose = Purpose::new(
    Scope::Threads,
    Need::Expected,
    "comments and dated votes",
    "pickup, review and merge-wait times have no value, and what was merged without review is not known",
);
/// Where discussions may be read.
const COMMENTING: Purpose = Purpose::new(
    Scope::Threads,
    Need::Expected,
    "comments and dated votes",
    "no comment can be written, by you or by kanado; figures are not affected",
);
const BUILD: Purpose = Purpose::new(
    Scope::Build,
    Need::Expected,
    "pipeline runs and their stages",
    "deployment frequency, lead time, fail rate, recovery, rework and pipeline reliability are not measured",
);
const WORK_ITEMS: Purpose = Purpose::new(
    Scope::WorkItems,
    Need::Expected,
    "linked work items and incidents",
    "failures are found by rollbacks, hotfixes and reverts only, so that fewer are seen, and no work item is named",
);
const PEOPLE: Purpose =
    Purpose::new(Scope::Graph, Need::Expected, "finding people outside your teams", "only people of the project's teams are found by name");
const RELEASE: Purpose = Purpose::new(
    Scope::Release,
    Need::Optional,
    "classic releases",
    "deployments by classic releases are not counted, and what they brought passes for not deployed",
);
const ENVIRONMENT: Purpose = Purpose::new(
    Scope::Environment,
    Need::Optional,
    "environments of YAML pipelines",
    "production is recognised by the names of stages, which takes one request for each run",
);

/// A call that reads one row.
fn one(path: String, scope: Scope, attempt: &str) -> Call {
    Call::get(path, scope, attempt).query("$top", 1)
}

fn unknown(why: &str) -> ScopeOutcome {
    ScopeOutcome::Unknown(why.to_owned())
}

fn is_unreachable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Offline | ErrorKind::Tls | ErrorKind::Proxy | ErrorKind::TimedOut | ErrorKind::UntrustedHost)
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
