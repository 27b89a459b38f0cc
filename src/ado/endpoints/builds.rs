//! Pipelines, their runs (builds) and the stages of a run.

use jiff::Timestamp;

use super::in_project;
use crate::ado::call::Call;
use crate::ado::error::ErrorKind;
use crate::ado::paging::Page;
use crate::ado::scope::Scope;
use crate::ado::wire::build::{Build as Row, Definition as DefinitionRow};
use crate::ado::wire::timeline::Timeline;
use crate::ado::{Client, Result};
use crate::domain::id::Guid;
use crate::domain::run::{Build, Definition, Stage, Standing};

/// The most the service gives in one page.
pub const BUILDS_A_PAGE: usize = 5000;

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildQuery {
    /// Finished at or after, oldest first: what finishes while pages are read comes at the end.
    FinishedSince(Timestamp),
    /// Under way, oldest first. A list by finishing time can hide them.
    InProgress,
    /// These, at most some hundreds of them.
    Ids(Vec<i64>),
    /// Of one ref, newest first: `refs/heads/main`, or `refs/pull/12/merge`.
    OfRef(String),
}

impl Client {
    /// One page of the runs of a project; `token` is the `next` of the page before. Tokens are times: rows can come twice.
    pub async fn builds_page(&self, project: &Guid, query: &BuildQuery, token: Option<&str>, top: usize) -> Result<Page<Build>> {
        let call = Call::get(in_project(project, "build/builds"), Scope::Build, "list the pipeline runs");
        let call = match query {
            // The time is compared with what the order names.
            BuildQuery::FinishedSince(since) => {
                call.query("minTime", since).query("queryOrder", "finishTimeAscending").query("statusFilter", "completed")
            }
            BuildQuery::InProgress => call.query("statusFilter", "inProgress").query("queryOrder", "queueTimeAscending"),
            BuildQuery::Ids(ids) => call.query("buildIds", ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")),
            BuildQuery::OfRef(name) => call.query("branchName", name).query("queryOrder", "queueTimeDescending"),
        };
        let page = self.page_by_token::<Row>(call.query("$top", top), token).await?;
        Ok(page.map(Row::run))
    }

    /// All pipelines of a project.
    pub async fn definitions(&self, project: &Guid) -> Result<Vec<Definition>> {
        let call = Call::get(in_project(project, "build/definitions"), Scope::Build, "list the pipelines").query("$top", 1000);
        let rows: Vec<DefinitionRow> = self.all_by_token(call).await?;
        Ok(rows.into_iter().map(DefinitionRow::pipeline).collect())
    }

    /// The stages of a run as their latest attempts stand; `None` where the service keeps no timeline (not started, or gone).
    pub async fn timeline(&self, project: &Guid, build: i64) -> Result<Option<Vec<Stage>>> {
        let timeline = self.timeline_at(in_project(project, &format!("build/builds/{build}/timeline")), build).await?;
        Ok(timeline.map(Timeline::stages))
    }

    /// As [`Client::timeline`], each stage with the approvals and checks that keep it from beginning.
    pub async fn standing(&self, project: &Guid, build: i64) -> Result<Option<Vec<Standing>>> {
        let timeline = self.timeline_at(in_project(project, &format!("build/builds/{build}/timeline")), build).await?;
        Ok(timeline.map(Timeline::standing))
    }

    /// The stage of an attempt that another one followed, by the timeline that a stage of the run names; `None` where it is gone.
    pub async fn earlier_timeline(&self, project: &Guid, build: i64, timeline: &Guid) -> Result<Option<Vec<Stage>>> {
        let timeline = self.timeline_at(in_project(project, &format!("build/builds/{build}/timeline/{timeline}")), build).await?;
        Ok(timeline.map(Timeline::stages))
    }

    async fn timeline_at(&self, path: String, build: i64) -> Result<Option<Timeline>> {
        let call = Call::get(path, Scope::Build, format!("read the stages of run {build}"));
        match self.object_if_any::<Timeline>(&call).await {
            Ok(timeline) => Ok(timeline),
            Err(e) if *e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}
