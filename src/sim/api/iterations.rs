//! Iterations of a pull request and what each changed.
//!
//! Changes are against the common commit of source and target, or against another iteration (`$compareTo`).
use serde_json::{Map, Value, json};

use super::{Call, page};
use crate::sim::git::{ChangeKind, GitError, Version};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Iteration, PullRequest, Repository, World, ado_date};

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 2000;

fn row(call: &Call, world: &World, repository: &Repository, pr: &PullRequest, iteration: &Iteration) -> Value {
    let render = call.renderer(world);
    let commit = |id: &str| json!({ "commitId": id, "url": render.commit_url(repository, id) });
    let address = render.pull_request_url(repository, pr.id, &format!("iterations/{}", iteration.id));
    json!({
        "id": iteration.id,
        "description": "",
        "author": render.identity(iteration.author),
        "createdDate": ado_date(iteration.created),
        "updatedDate": ado_date(iteration.created),
        "sourceRefCommit": commit(&iteration.source),
        "targetRefCommit": commit(&iteration.target),
        "commonRefCommit": commit(iteration.common.as_ref().unwrap_or(&iteration.target)),
        "hasMoreCommits": false,
        "reason": iteration.reason.word(),
        "_links": {
            "self": {"href": address},
            "changes": {"href": format!("{address}/changes")},
            "statuses": {"href": format!("{address}/statuses")},
        },
    })
}

fn find<'a>(call: &Call, pr: &'a PullRequest, name: &str, id: i32) -> Result<&'a Iteration, Failure> {
    let _ = call;
    pr.iterations.iter().find(|iteration| iteration.id == id).ok_or_else(|| Failure::out_of_range(name))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    let mut rows: Vec<Value> = pr.iterations.iter().map(|iteration| row(call, &world, repository, pr, iteration)).collect();
    if call.query.is_true("includeCommits") {
        for (value, iteration) in rows.iter_mut().zip(&pr.iterations) {
            let git = call.git(repository);
            let (base, source) = (iteration.common.clone().unwrap_or_else(|| iteration.target.clone()), iteration.source.clone());
            let commits = blocking(move || match git.commits_between(&base, &source) {
                Err(GitError::NoObject(_) | GitError::NoVersion(_)) => Ok(Vec::new()),
                other => other,
            })
            .await?;
            let render = call.renderer(&world);
            value["commits"] = commits.iter().map(|row| Value::Object(render.commit(repository, row))).collect();
        }
    }
    Ok(Answer::list(rows))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    let iteration = find(call, pr, "iterationId", call.number("iteration")?)?;
    Ok(Answer::ok(row(call, &world, repository, pr, iteration)))
}

pub async fn changes(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    let iteration = find(call, pr, "iterationId", call.number("iteration")?)?;
    let base = match call.query.number("$compareTo")?.unwrap_or(0) {
        0 => iteration.target.clone(),
        other => {
            let other = i32::try_from(other).map_err(|_| Failure::out_of_range("compareTo"))?;
            find(call, pr, "compareTo", other)?.source.clone()
        }
    };
    let (git, source) = (call.git(repository), iteration.source.clone());
    let changes = blocking(move || match git.diff_commits(&Version::Commit(base), &Version::Commit(source)) {
        Ok(diff) => Ok(diff.changes),
        Err(GitError::NoObject(_) | GitError::NoVersion(_)) => Ok(Vec::new()),
        Err(other) => Err(other),
    })
    .await?;
    let skip = call.query.number("$skip")?.unwrap_or(0);
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE);
    let numbered = changes.iter().filter(|change| change.kind != ChangeKind::SourceRename).zip(1..);
    let total = numbered.clone().count();
    let entries: Vec<Value> = page(numbered, skip, top)
        .into_iter()
        .map(|(change, number): (_, i32)| {
            let mut item = Map::new();
            let id = change.object_id.as_ref().or(change.original_object_id.as_ref());
            item.insert("objectId".to_owned(), json!(id));
            item.insert("path".to_owned(), json!(change.path));
            if let (Some(original), Some(_)) = (&change.original_object_id, &change.object_id) {
                item.insert("originalObjectId".to_owned(), json!(original));
            }
            let mut entry = json!({
                "changeTrackingId": number, "changeId": number, "item": item, "changeType": change.kind.word(),
            });
            if let Some(source) = &change.source_path {
                entry["originalPath"] = json!(source);
            }
            entry
        })
        .collect();
    let next = skip + entries.len();
    let mut value = json!({ "changeEntries": entries });
    if next < total && top > 0 {
        value["nextSkip"] = json!(next);
        value["nextTop"] = json!((total - next).min(top));
    }
    Ok(Answer::ok(value))
}
