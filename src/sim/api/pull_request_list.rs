//! Lists of pull requests, of a repository, a project or the organisation, and the search by commit.
//!
//! Active ones unless another status is asked for, newest first, `$top`/`$skip` without a token. Times can only be
//! asked for since 7.1: older servers do not know the parameter and list everything.
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::render_pull_request::Shape;
use super::{Call, field, page};
use crate::sim::git::GitError;
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{PrState, PullRequest, World};

const DEFAULT_PAGE: usize = 101;
const LARGEST_PAGE: usize = 1000;

struct Criteria {
    state: Option<PrState>,
    source_ref: Option<String>,
    target_ref: Option<String>,
    creator: Option<Uuid>,
    reviewer: Option<Uuid>,
    repository: Option<Uuid>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    by_closed_time: bool,
}

impl Criteria {
    fn read(call: &Call) -> Result<Self, Failure> {
        let get = |name: &str| call.query.get(&format!("searchCriteria.{name}"));
        let guid = |name: &str| call.query.guid(&format!("searchCriteria.{name}"));
        let knows_times = call.sim.site.version.is_services();
        let time = |name: &str| match get(name).filter(|_| knows_times) {
            None => Ok(None),
            Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| Failure::argument(name, "The date is not valid.")),
        };
        let state = match get("status").map(str::to_lowercase).as_deref() {
            None | Some("active" | "notset" | "1" | "0") => Some(PrState::Active),
            Some("abandoned" | "2") => Some(PrState::Abandoned),
            Some("completed" | "3") => Some(PrState::Completed),
            Some("all" | "4") => None,
            Some(other) => return Err(Failure::enum_value("status", other)),
        };
        Ok(Criteria {
            state,
            source_ref: get("sourceRefName").map(str::to_owned),
            target_ref: get("targetRefName").map(str::to_owned),
            creator: guid("creatorId")?,
            reviewer: guid("reviewerId")?,
            repository: guid("repositoryId")?,
            from: time("minTime")?,
            to: time("maxTime")?,
            by_closed_time: get("queryTimeRangeType").is_some_and(|kind| kind.eq_ignore_ascii_case("closed")),
        })
    }

    fn admits(&self, pr: &PullRequest) -> bool {
        let when = if self.by_closed_time { pr.closed } else { Some(pr.created) };
        let in_time = match (self.from, self.to) {
            (None, None) => true,
            (from, to) => when.is_some_and(|when| from.is_none_or(|from| when >= from) && to.is_none_or(|to| when <= to)),
        };
        in_time
            && self.state.is_none_or(|state| pr.state == state)
            && self.source_ref.as_ref().is_none_or(|name| *name == pr.source_ref)
            && self.target_ref.as_ref().is_none_or(|name| *name == pr.target_ref)
            && self.creator.is_none_or(|id| pr.created_by == id)
            && self.reviewer.is_none_or(|id| pr.reviewer(id).is_some())
            && self.repository.is_none_or(|id| pr.repository == id)
    }
}

fn answer(call: &Call, world: &World, within: impl Fn(&PullRequest) -> bool) -> Result<Answer, Failure> {
    let criteria = Criteria::read(call)?;
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE);
    let skip = call.query.number("$skip")?.unwrap_or(0);
    let mut found: Vec<&PullRequest> = world.pull_requests.values().filter(|pr| within(pr) && criteria.admits(pr)).collect();
    found.sort_by_key(|pr| std::cmp::Reverse((pr.created, pr.id)));
    let shape = if call.query.is_true("searchCriteria.includeLinks") { Shape::LinkedRow } else { Shape::Row };
    let render = call.renderer(world);
    let rows = page(found.into_iter(), skip, top).into_iter().map(|pr| render.pull_request(pr, shape, None)).collect();
    Ok(Answer::git_list(rows))
}

pub async fn of_repository(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?.id;
    answer(call, &world, |pr| pr.repository == repository)
}

pub async fn of_project(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?.map(|project| project.id);
    // Pull requests of a disabled repository are not listed, as if it were not there.
    let readable: Vec<Uuid> = world
        .repositories
        .iter()
        .filter(|repository| scope.is_none_or(|project| project == repository.project))
        .filter(|repository| !repository.is_disabled && call.may_read(&world, repository))
        .map(|repository| repository.id)
        .collect();
    answer(call, &world, |pr| readable.contains(&pr.repository))
}

/// Which pull requests brought these commits, or were merged as them.
pub async fn query(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let body = call.json()?;
    let queries = field(&body, "queries").and_then(Value::as_array).ok_or_else(|| Failure::null_argument("queries"))?;
    let mut results = Vec::new();
    for query in queries {
        let by_merge = field(query, "type")
            .is_some_and(|kind| kind.as_str().is_some_and(|word| word.eq_ignore_ascii_case("lastMergeCommit")) || kind.as_i64() == Some(1));
        let items: Vec<String> = field(query, "items")
            .and_then(Value::as_array)
            .map(|items| items.iter().filter_map(|item| item.as_str().map(str::to_lowercase)).collect())
            .unwrap_or_default();
        let mut result = Map::new();
        for pr in world.pull_requests.values().filter(|pr| pr.repository == repository.id) {
            let brought = if by_merge { pr.merge.commit.iter().cloned().collect() } else { commits_of(call, &world, pr).await? };
            for id in items.iter().filter(|id| brought.contains(id)) {
                let rows = result.entry(id.clone()).or_insert_with(|| json!([]));
                if let Some(rows) = rows.as_array_mut() {
                    rows.push(call.renderer(&world).pull_request(pr, Shape::Row, None));
                }
            }
        }
        results.push(Value::Object(result));
    }
    Ok(Answer::ok(json!({ "queries": queries, "results": results })))
}

async fn commits_of(call: &Call, world: &World, pr: &PullRequest) -> Result<Vec<String>, Failure> {
    let Some(repository) = world.repository(pr.repository) else {
        return Ok(Vec::new());
    };
    let git = call.git(repository);
    let (source, target) = (pr.merge.source.clone(), base_of(pr));
    blocking(move || match git.commits_between(&target, &source) {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.id).collect()),
        Err(GitError::NoObject(_) | GitError::NoVersion(_)) => Ok(Vec::new()),
        Err(other) => Err(other),
    })
    .await
}

/// Where the pull request's own commits begin: what its branches had in common, or the target before it was merged.
pub fn base_of(pr: &PullRequest) -> String {
    pr.iterations.iter().rev().find_map(|iteration| iteration.common.clone()).unwrap_or_else(|| pr.merge.target.clone())
}
