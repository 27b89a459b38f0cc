//! Pull requests: list, read, create, change, complete, and the small lists that hang on one.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{in_pull_request, in_repository};
use crate::ado::call::{Call, encode};
use crate::ado::paging::Page;
use crate::ado::retry::Effect;
use crate::ado::scope::Scope;
use crate::ado::version::ApiVersion;
use crate::ado::wire::commit::Commit;
use crate::ado::wire::pull_request::{Label, NOBODY, PullRequest, Status, WorkItemReference};
use crate::ado::wire::refs::full_name;
use crate::ado::{Client, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::PullRequestStatus;

/// The service gives 101 rows unless asked for more.
const PAGE: usize = 1000;

/// Where to look for pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In<'a> {
    Project(&'a Guid),
    Repository(RepoRef<'a>),
}

/// Which pull requests to list; the default is all active ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequestQuery {
    pub status: StatusFilter,
    /// Without `refs/heads/`.
    pub source_branch: Option<String>,
    /// Without `refs/heads/`.
    pub target_branch: Option<String>,
    pub creator: Option<Guid>,
    pub reviewer: Option<Guid>,
    /// Only those closed at or after. A server before 7.1 cannot filter by it: all rows of the status travel, and are filtered
    /// here ([`Client::lists_closed_since`]).
    pub closed_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StatusFilter {
    #[default]
    Active,
    Completed,
    Abandoned,
    All,
}

/// A pull request to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPullRequest {
    pub title: String,
    pub description: String,
    pub source_branch: String,
    pub target_branch: String,
    pub is_draft: bool,
    /// Ids of work items to link.
    pub work_items: Vec<String>,
    pub labels: Vec<String>,
}

/// What to change; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequestPatch {
    pub title: Option<String>,
    pub description: Option<String>,
    pub is_draft: Option<bool>,
    pub target_branch: Option<String>,
    pub status: Option<StatusChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    Abandon,
    Reactivate,
}

/// How to complete a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub strategy: MergeStrategy,
    pub delete_source_branch: bool,
    /// The source commit that was reviewed: if the branch has moved since, the service refuses.
    pub source_commit: ObjectId,
    /// The merge commit's message; the service writes one otherwise.
    pub message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStrategy {
    NoFastForward,
    Squash,
    Rebase,
    RebaseMerge,
}

impl MergeStrategy {
    fn word(self) -> &'static str {
        match self {
            Self::NoFastForward => "noFastForward",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
            Self::RebaseMerge => "rebaseMerge",
        }
    }
}

impl Client {
    /// All pages. Descriptions are cut at 400 characters here; a get gives them whole.
    pub async fn pull_requests(&self, place: In<'_>, query: &PullRequestQuery) -> Result<Vec<fact::PullRequest>> {
        let call = self.pull_request_list(place, query).await?;
        let rows: Vec<PullRequest> = self.all_by_skip(call, ["$top", "$skip"], PAGE, usize::MAX).await?;
        let mut facts: Vec<fact::PullRequest> = rows.into_iter().map(PullRequest::fact).filter(|pr| is_asked_for(pr, query)).collect();
        // One opened while paging moves the others on: the last of a page comes again as the first of the next.
        let mut seen = std::collections::HashSet::new();
        facts.retain(|pr| seen.insert((pr.repository.clone(), pr.number)));
        Ok(facts)
    }

    /// One page of a project's pull requests, newest first, at most 1,000. One opened or closed meanwhile moves the others: a row can
    /// come twice, and one that left the list makes its follower slip through, which the next pass sees. Descriptions are cut at
    /// 400 characters.
    pub async fn pull_request_page(
        &self,
        project: &Guid,
        query: &PullRequestQuery,
        skip: usize,
        top: usize,
    ) -> Result<Page<fact::PullRequest>> {
        let top = top.min(PAGE);
        let call = self.pull_request_list(In::Project(project), query).await?.query("$top", top);
        let page = self.page_by_skip::<PullRequest>(call, "$skip", skip, top).await?;
        Ok(page.map(PullRequest::fact).filter_map(|pr| is_asked_for(&pr, query).then_some(pr)))
    }

    /// A pull request with its whole description, its commits (newest first) and its work items, in one call.
    pub async fn pull_request_detail(&self, repository: RepoRef<'_>, number: i64) -> Result<fact::PullRequestDetail> {
        let call = Call::get(in_pull_request(repository, number, ""), Scope::Code, format!("read pull request {number}"))
            .query("includeCommits", true)
            .query("includeWorkItemRefs", true);
        Ok(self.object::<PullRequest>(&call).await?.detail())
    }

    async fn pull_request_list(&self, place: In<'_>, query: &PullRequestQuery) -> Result<Call> {
        let path = match place {
            In::Project(project) => format!("/{}/_apis/git/pullrequests", encode(project.as_str())),
            In::Repository(repository) => in_repository(repository, "/pullrequests"),
        };
        let status = match query.status {
            StatusFilter::Active => "active",
            StatusFilter::Completed => "completed",
            StatusFilter::Abandoned => "abandoned",
            StatusFilter::All => "all",
        };
        let mut call = Call::get(path, Scope::Code, "list the pull requests").query("searchCriteria.status", status);
        for (name, branch) in
            [("searchCriteria.sourceRefName", &query.source_branch), ("searchCriteria.targetRefName", &query.target_branch)]
        {
            if let Some(branch) = branch {
                call = call.query(name, full_name(branch));
            }
        }
        for (name, who) in [("searchCriteria.creatorId", &query.creator), ("searchCriteria.reviewerId", &query.reviewer)] {
            if let Some(who) = who {
                call = call.query(name, who);
            }
        }
        if let Some(since) = query.closed_since
            && self.lists_closed_since().await?
        {
            call = call.query("searchCriteria.minTime", since).query("searchCriteria.queryTimeRangeType", "closed");
        }
        Ok(call)
    }

    /// Whether the server filters lists by closing time (7.1 does).
    pub async fn lists_closed_since(&self) -> Result<bool> {
        Ok(self.version().await? >= ApiVersion::V7_1)
    }

    pub async fn pull_request(&self, repository: RepoRef<'_>, number: i64) -> Result<fact::PullRequest> {
        let call = Call::get(in_pull_request(repository, number, ""), Scope::Code, format!("read pull request {number}"));
        Ok(self.object::<PullRequest>(&call).await?.fact())
    }

    /// Opens a pull request. Never repeated by itself: a lost answer is `OutcomeUnknown`, a second one `PullRequestExists`.
    pub async fn create_pull_request(&self, repository: RepoRef<'_>, new: &NewPullRequest) -> Result<fact::PullRequest> {
        let mut body = json!({
            "sourceRefName": full_name(&new.source_branch),
            "targetRefName": full_name(&new.target_branch),
            "title": new.title,
            "description": new.description,
            "isDraft": new.is_draft,
        });
        if !new.work_items.is_empty() {
            body["workItemRefs"] = new.work_items.iter().map(|id| json!({"id": id})).collect();
        }
        if !new.labels.is_empty() {
            body["labels"] = new.labels.iter().map(|name| json!({"name": name})).collect();
        }
        let attempt = format!("open a pull request from `{}`", new.source_branch);
        let call = Call::post(in_repository(repository, "/pullrequests"), attempt).json(&body);
        Ok(self.object::<PullRequest>(&call).await?.fact())
    }

    pub async fn update_pull_request(&self, repository: RepoRef<'_>, number: i64, patch: &PullRequestPatch) -> Result<fact::PullRequest> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("title", patch.title.as_deref().map(Value::from));
        put("description", patch.description.as_deref().map(Value::from));
        put("isDraft", patch.is_draft.map(Value::from));
        put("targetRefName", patch.target_branch.as_deref().map(|b| full_name(b).into()));
        let status = patch.status.map(|s| match s {
            StatusChange::Abandon => "abandoned".into(),
            StatusChange::Reactivate => "active".into(),
        });
        put("status", status);
        let attempt = match patch.status {
            Some(StatusChange::Abandon) => format!("abandon pull request {number}"),
            Some(StatusChange::Reactivate) => format!("reactivate pull request {number}"),
            None => format!("change pull request {number}"),
        };
        let call = Call::patch(in_pull_request(repository, number, ""), attempt).json(&body);
        Ok(self.object::<PullRequest>(&call).await?.fact())
    }

    /// Asks for completion. The answer still says `active`: read again until it is completed or its merge fails. Never repeated
    /// by itself.
    pub async fn complete_pull_request(&self, repository: RepoRef<'_>, number: i64, how: &Completion) -> Result<fact::PullRequest> {
        let mut options = json!({"mergeStrategy": how.strategy.word(), "deleteSourceBranch": how.delete_source_branch});
        if let Some(message) = &how.message {
            options["mergeCommitMessage"] = message.as_str().into();
        }
        let body = json!({
            "status": "completed",
            "lastMergeSourceCommit": {"commitId": how.source_commit},
            "completionOptions": options,
        });
        let path = in_pull_request(repository, number, "");
        let call = Call::patch(path, format!("complete pull request {number}")).effect(Effect::Once).json(&body);
        Ok(self.object::<PullRequest>(&call).await?.fact())
    }

    /// Lets the service complete it once all policies pass, in the name of `me` (the token's owner); `None` takes that back.
    pub async fn set_auto_complete(&self, repository: RepoRef<'_>, number: i64, me: Option<&Guid>) -> Result<fact::PullRequest> {
        let body = json!({"autoCompleteSetBy": {"id": me.map_or(NOBODY, Guid::as_str)}});
        let path = in_pull_request(repository, number, "");
        let call = Call::patch(path, format!("set pull request {number} to complete by itself")).json(&body);
        Ok(self.object::<PullRequest>(&call).await?.fact())
    }

    /// Newest first.
    pub async fn pull_request_commits(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<fact::Commit>> {
        let path = in_pull_request(repository, number, "/commits");
        let call = Call::get(path, Scope::Code, format!("list the commits of pull request {number}")).query("$top", 500);
        let rows: Vec<Commit> = self.all_by_token(call).await?;
        Ok(rows.into_iter().map(Commit::fact).collect())
    }

    /// The ids of linked work items.
    pub async fn pull_request_work_items(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<String>> {
        let path = in_pull_request(repository, number, "/workitems");
        let call = Call::get(path, Scope::Code, format!("list the work items of pull request {number}"));
        let rows: Vec<WorkItemReference> = self.rows(&call).await?;
        Ok(rows.into_iter().filter_map(|w| w.id).collect())
    }

    pub async fn labels(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<String>> {
        let path = in_pull_request(repository, number, "/labels");
        let call = Call::get(path, Scope::Code, format!("list the labels of pull request {number}"));
        let rows: Vec<Label> = self.rows(&call).await?;
        Ok(rows.into_iter().filter_map(Label::name).collect())
    }

    /// All statuses ever posted, oldest first; the last of a context counts.
    pub async fn statuses(&self, repository: RepoRef<'_>, number: i64) -> Result<Vec<fact::CheckStatus>> {
        let path = in_pull_request(repository, number, "/statuses");
        let call = Call::get(path, Scope::Code, format!("read the checks of pull request {number}"));
        let rows: Vec<Status> = self.rows(&call).await?;
        let mut facts: Vec<fact::CheckStatus> = rows.into_iter().map(Status::fact).collect();
        facts.sort_by_key(|status| status.id);
        Ok(facts)
    }
}

/// Whether a row belongs to the answer where the server cannot filter by closing time itself.
fn is_asked_for(pr: &fact::PullRequest, query: &PullRequestQuery) -> bool {
    query.closed_since.is_none_or(|since| pr.closed_at.map_or(pr.status != PullRequestStatus::Active, |closed| closed >= since))
}
