//! One pull request: create it, get it, its commits and its work items.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::pull_request_edit::completion_options;
use super::pull_request_list::base_of;
use super::render_pull_request::Shape;
use super::{Call, bool_field, field, page, text_field};
use crate::sim::deed::{self, NewPullRequest};
use crate::sim::git::{CommitRow, GitError};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{PullRequest, World};

pub async fn create(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let rows = |name: &str| field(&body, name).and_then(Value::as_array).cloned().unwrap_or_default();
    let needed = |name: &str| text_field(&body, name).ok_or_else(|| Failure::null_argument(name));
    let reviewers = rows("reviewers")
        .iter()
        .map(|row| {
            let id = text_field(row, "id").ok_or_else(|| Failure::null_argument("reviewer.id"))?;
            let id = Uuid::try_parse(&id).map_err(|_| Failure::argument("reviewerId", "The id must be a GUID."))?;
            Ok((id, bool_field(row, "isRequired").unwrap_or(false)))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let new = NewPullRequest {
        repository: call.repository_id().await?,
        source_ref: needed("sourceRefName")?,
        target_ref: needed("targetRefName")?,
        title: text_field(&body, "title").unwrap_or_default(),
        description: text_field(&body, "description"),
        is_draft: bool_field(&body, "isDraft").unwrap_or(false),
        reviewers,
        labels: rows("labels").iter().filter_map(|row| text_field(row, "name")).collect(),
        work_items: rows("workItemRefs")
            .iter()
            .filter_map(|row| field(row, "id"))
            .filter_map(|id| id.as_str().map_or_else(|| id.as_i64().and_then(|n| i32::try_from(n).ok()), |text| text.parse().ok()))
            .collect(),
        completion: field(&body, "completionOptions").map(completion_options).transpose()?,
    };
    let id = deed::create_pull_request(&call.sim, call.actor(), new).await?;
    let world = call.sim.read().await;
    let pr = world.pull_request(id).ok_or_else(Failure::no_pull_request)?;
    let mut value = call.renderer(&world).pull_request(pr, Shape::Full, None);
    if let Some(map) = value.as_object_mut() {
        map.entry("labels").or_insert_with(|| json!([]));
    }
    Ok(Answer::created(value))
}

/// The merge commit's details, where it is in git.
pub async fn merged(call: &Call, world: &World, pr: &PullRequest) -> Result<Option<CommitRow>, Failure> {
    let (Some(id), Some(repository)) = (pr.merge.commit.clone(), world.repository(pr.repository)) else {
        return Ok(None);
    };
    let git = call.git(repository);
    blocking(move || match git.commit(&id) {
        Ok(row) => Ok(Some(row)),
        Err(GitError::NoObject(_)) => Ok(None),
        Err(other) => Err(other),
    })
    .await
}

async fn own_commits(call: &Call, world: &World, pr: &PullRequest) -> Result<Vec<Value>, Failure> {
    let Some(repository) = world.repository(pr.repository) else {
        return Ok(Vec::new());
    };
    let git = call.git(repository);
    let (base, source) = (base_of(pr), pr.merge.source.clone());
    let rows = blocking(move || match git.commits_between(&base, &source) {
        Err(GitError::NoObject(_) | GitError::NoVersion(_)) => Ok(Vec::new()),
        other => other,
    })
    .await?;
    if let (true, Some(loaded)) = (rows.is_empty(), world.loaded_commits.get(&pr.id.to_string())) {
        return Ok(loaded.clone());
    }
    let render = call.renderer(world);
    Ok(rows.iter().map(|row| Value::Object(render.commit(repository, row))).collect())
}

fn work_item_refs(call: &Call, pr: &PullRequest) -> Vec<Value> {
    pr.work_items.iter().map(|id| json!({ "id": id.to_string(), "url": call.sim.site.api(&format!("wit/workItems/{id}")) })).collect()
}

async fn show(call: &Call, world: &World, pr: &PullRequest, shape: Shape) -> Result<Value, Failure> {
    let merged = merged(call, world, pr).await?;
    Ok(call.renderer(world).pull_request(pr, shape, merged.as_ref()))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let pr = call.pull_request(&world)?;
    let mut value = show(call, &world, pr, Shape::Full).await?;
    let mut extras = Map::new();
    if call.query.is_true("includeCommits") {
        extras.insert("commits".to_owned(), json!(own_commits(call, &world, pr).await?));
    }
    if call.query.is_true("includeWorkItemRefs") && !pr.work_items.is_empty() {
        extras.insert("workItemRefs".to_owned(), json!(work_item_refs(call, pr)));
    }
    if let Some(map) = value.as_object_mut() {
        map.append(&mut extras);
    }
    Ok(Answer::ok(value))
}

pub async fn get_by_id(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let scope = call.scope(&world)?.map(|project| project.id);
    let id: i32 = call.capture("pull").parse().map_err(|_| Failure::no_pull_request())?;
    let pr = world
        .pull_request(id)
        .filter(|pr| {
            world.repository(pr.repository).is_some_and(|repository| {
                scope.is_none_or(|project| project == repository.project) && !repository.is_disabled && call.may_read(&world, repository)
            })
        })
        .ok_or_else(Failure::no_pull_request)?;
    Ok(Answer::ok(show(call, &world, pr, Shape::ById).await?))
}

pub async fn commits(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let pr = call.pull_request(&world)?;
    let rows = own_commits(call, &world, pr).await?;
    let skip = match call.query.get("continuationToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| Failure::out_of_range("continuationToken"))?,
    };
    let top = call.query.number("$top")?.unwrap_or(usize::MAX);
    let total = rows.len();
    let shown = page(rows.into_iter(), skip, top);
    let next = skip.saturating_add(shown.len());
    Ok(Answer::list(shown).continued((next < total && top > 0).then(|| next.to_string())))
}

pub async fn work_items(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let pr = call.pull_request(&world)?;
    Ok(Answer::list(work_item_refs(call, pr)))
}
