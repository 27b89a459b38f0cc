//! Commits: lists by branch, date and author, one commit, what it changed.
//!
//! Dates filter by commit time. A list without a version is the default branch; an empty repository lists nothing.
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::items::Asked;
use super::{Call, field, page, text_field};
use crate::sim::git::{ChangeCounts, CommitRow, GitError, LogQuery, Repo, Version};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Repository, World, ado_date};

use super::render::counts_json;

const DEFAULT_PAGE: usize = 100;

/// ISO 8601 with a zone or without, or the American form of old examples.
pub(super) fn date(name: &str, text: &str) -> Result<Timestamp, Failure> {
    let civil = |parsed: Result<DateTime, jiff::Error>| parsed.ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| civil(text.parse()).map(|zoned| zoned.timestamp()))
        .or_else(|| civil(DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text)).map(|zoned| zoned.timestamp()))
        .ok_or_else(|| Failure::argument(name, &format!("The date '{text}' is not valid.")))
}

/// A criterion by name, wherever the request carries it.
type Criterion<'a> = &'a dyn Fn(&str) -> Option<String>;

fn log_query(criterion: Criterion<'_>, repository: &Repository) -> Result<(LogQuery, Asked), Failure> {
    let asked = Asked::of(criterion("itemVersion.version").as_deref(), criterion("itemVersion.versionType").as_deref(), repository)?;
    let compare = criterion("compareVersion.version")
        .map(|version| Asked::of(Some(&version), criterion("compareVersion.versionType").as_deref(), repository))
        .transpose()?;
    let when = |name: &str| criterion(name).map(|text| date(name, &text)).transpose();
    let number = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| criterion(name))
            .map(|text| text.parse::<usize>().map_err(|_| Failure::out_of_range(names[0])))
            .transpose()
    };
    // With a compared version the walk starts there, and leaves out what the item version has.
    let (version, exclude) = match compare {
        Some(compare) => (compare.version, Some(asked.version.clone())),
        None => (asked.version.clone(), None),
    };
    let query = LogQuery {
        version,
        exclude,
        from: when("fromDate")?,
        to: when("toDate")?,
        author: criterion("author"),
        committer: criterion("user"),
        path: criterion("itemPath"),
        skip: number(["$skip", "skip"])?.unwrap_or(0),
        top: number(["$top", "top"])?.unwrap_or(DEFAULT_PAGE),
    };
    Ok((query, asked))
}

type Counted = Vec<(CommitRow, ChangeCounts)>;

fn counted(git: &Repo, rows: Vec<CommitRow>) -> Result<Counted, GitError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let counts = git.change_counts(&ids)?;
    Ok(rows.into_iter().zip(counts).collect())
}

async fn find(call: &Call, repository: &Repository, query: LogQuery, asked: &Asked) -> Result<Counted, Failure> {
    let git = call.git(repository);
    let outcome = tokio::task::spawn_blocking(move || {
        let is_empty = query.version == Version::Default && git.is_empty()?;
        let rows = if is_empty { Vec::new() } else { git.log(&query)? };
        counted(&git, rows)
    });
    outcome.await.map_err(Failure::internal)?.map_err(|error| asked.refuse(error, repository))
}

fn rows(call: &Call, world: &World, repository: &Repository, found: &Counted, with_links: bool) -> Vec<Value> {
    let render = call.renderer(world);
    found
        .iter()
        .map(|(row, counts)| {
            let mut map = render.commit_row(repository, row, counts);
            if with_links {
                map.insert("_links".to_owned(), links(call, world, repository, row));
            }
            Value::Object(map)
        })
        .collect()
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let criterion = |name: &str| call.query.get(&format!("searchCriteria.{name}")).or_else(|| call.query.get(name)).map(str::to_owned);
    if let Some(ids) = criterion("ids") {
        let ids: Vec<String> = ids.split(',').map(|id| id.trim().to_lowercase()).collect();
        let found = by_ids(call, repository, ids).await?;
        return Ok(Answer::list(rows(call, &world, repository, &found, false)));
    }
    let (query, asked) = log_query(&criterion, repository)?;
    if let Some(loaded) = loaded(&world, repository) {
        return Ok(Answer::list(loaded_log(loaded, &query)));
    }
    let found = find(call, repository, query, &asked).await?;
    let with_links = call.query.is_true("searchCriteria.includeLinks");
    let mut rows = rows(call, &world, repository, &found, with_links);
    if call.query.is_true("searchCriteria.includePushData") {
        for row in &mut rows {
            let id = row["commitId"].as_str().unwrap_or_default().to_owned();
            if let Some(push) = push_of(call, &world, repository, &id) {
                row["push"] = push;
            }
        }
    }
    Ok(Answer::list(rows))
}

/// Commits that came with loaded data, where no git stands behind the repository.
fn loaded<'a>(world: &'a World, repository: &Repository) -> Option<&'a [Value]> {
    let rows = world.loaded_commits.get(&repository.id.to_string())?;
    repository.is_without_git.then_some(rows)
}

/// Loaded commits by the time and author asked for, newest first; branches are not known.
fn loaded_log(rows: &[Value], query: &LogQuery) -> Vec<Value> {
    let person = |row: &Value, part: &str| row.pointer(part).and_then(Value::as_str).unwrap_or("").to_lowercase();
    let when = |row: &Value| person(row, "/committer/date").to_uppercase().parse::<Timestamp>().ok();
    let is_by = |row: &Value, who: &str, wanted: &Option<String>| {
        wanted.as_ref().map(|wanted| wanted.to_lowercase()).is_none_or(|wanted| {
            person(row, &format!("/{who}/name")).contains(&wanted) || person(row, &format!("/{who}/email")).contains(&wanted)
        })
    };
    let mut found: Vec<&Value> = rows
        .iter()
        .filter(|row| query.from.is_none_or(|from| when(row).is_some_and(|at| at >= from)))
        .filter(|row| query.to.is_none_or(|to| when(row).is_some_and(|at| at <= to)))
        .filter(|row| is_by(row, "author", &query.author) && is_by(row, "committer", &query.committer))
        .collect();
    found.sort_by_key(|row| std::cmp::Reverse(when(row)));
    page(found.into_iter().cloned(), query.skip, query.top)
}

async fn by_ids(call: &Call, repository: &Repository, ids: Vec<String>) -> Result<Counted, Failure> {
    let git = call.git(repository);
    blocking(move || {
        let rows = ids.iter().map(|id| git.commit(id)).collect::<Result<Vec<_>, _>>()?;
        counted(&git, rows)
    })
    .await
}

pub async fn batch(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let body = call.json()?;
    if let Some(ids) = field(&body, "ids").and_then(Value::as_array) {
        let ids = ids.iter().filter_map(|id| id.as_str().map(str::to_lowercase)).collect();
        let found = by_ids(call, repository, ids).await?;
        return Ok(Answer::list(rows(call, &world, repository, &found, false)));
    }
    let criterion = |name: &str| match name.split_once('.') {
        Some((outer, inner)) => field(&body, outer).and_then(|object| text_field(object, inner)),
        None => call
            .query
            .get(name)
            .map(str::to_owned)
            .or_else(|| field(&body, name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
    };
    let (query, asked) = log_query(&criterion, repository)?;
    let found = find(call, repository, query, &asked).await?;
    Ok(Answer::list(rows(call, &world, repository, &found, false)))
}

fn links(call: &Call, world: &World, repository: &Repository, row: &CommitRow) -> Value {
    let render = call.renderer(world);
    let address = render.commit_url(repository, &row.id);
    let tree = format!("trees/{}", row.tree);
    json!({
        "self": {"href": address},
        "repository": {"href": call.sim.site.repository_api(repository.project, repository.id, "")},
        "web": {"href": render.commit_web(repository, &row.id)},
        "changes": {"href": format!("{address}/changes")},
        "tree": {"href": call.sim.site.repository_api(repository.project, repository.id, &tree)},
    })
}

fn push_of(call: &Call, world: &World, repository: &Repository, commit: &str) -> Option<Value> {
    let push = world.pushes.iter().find(|push| push.repository == repository.id && push.commits.iter().any(|known| known == commit))?;
    Some(json!({
        "pushedBy": call.renderer(world).identity(push.by),
        "pushId": push.id,
        "date": ado_date(push.date),
    }))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let wanted = call.query.number("changeCount")?.unwrap_or(0);
    if let Some(rows) = loaded(&world, repository) {
        let id = call.capture("commit").to_lowercase();
        let found = rows.iter().find(|row| row["commitId"].as_str() == Some(id.as_str()));
        return found.cloned().map(Answer::ok).ok_or_else(|| Failure::no_commit(&id));
    }
    let (git, id) = (call.git(repository), call.capture("commit").to_lowercase());
    let (row, changes) = blocking(move || Ok::<_, GitError>((git.commit(&id)?, git.changes(&id)?))).await?;
    let render = call.renderer(&world);
    let mut map: Map<String, Value> = render.commit(repository, &row);
    map.remove("commentTruncated");
    map.insert("comment".to_owned(), json!(row.message));
    map.insert("treeId".to_owned(), json!(row.tree));
    map.insert("parents".to_owned(), json!(row.parents));
    map.insert("remoteUrl".to_owned(), json!(render.commit_web(repository, &row.id)));
    map.insert("_links".to_owned(), links(call, &world, repository, &row));
    if let Some(push) = push_of(call, &world, repository, &row.id) {
        map.insert("push".to_owned(), push);
    }
    if wanted > 0 {
        let rows = changes.iter().take(wanted).map(|change| render.change(repository, &row.id, change)).collect();
        map.insert("changes".to_owned(), rows);
        if wanted < changes.len() {
            map.insert("commitTooManyChanges".to_owned(), json!(true));
        }
    }
    Ok(Answer::ok(Value::Object(map)))
}

pub async fn changes(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let (git, id) = (call.git(repository), call.capture("commit").to_lowercase());
    let asked = id.clone();
    let (changes, counts) = blocking(move || {
        let counts = git.change_counts(std::slice::from_ref(&asked))?;
        Ok::<_, GitError>((git.changes(&asked)?, counts.into_iter().next().unwrap_or_default()))
    })
    .await?;
    let (skip, top) = (call.query.number("skip")?.unwrap_or(0), call.query.number("top")?.unwrap_or(usize::MAX));
    let render = call.renderer(&world);
    let shown: Vec<Value> = page(changes.iter(), skip, top).into_iter().map(|change| render.change(repository, &id, change)).collect();
    Ok(Answer::ok(json!({ "changeCounts": counts_json(&counts), "changes": shown })))
}
