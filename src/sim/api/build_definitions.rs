//! Build definitions, and the same as pipelines with their runs.
//!
//! To somebody who may not see builds the lists are empty, as the service leaves out what one may not see. Runs take no
//! parameters: the newest 10,000 come at once.
use serde_json::{Value, json};

use super::render_run::DefinitionShape;
use super::{Call, builds};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Build, Definition, World, same_name};

const LARGEST_PAGE: usize = 10_000;

fn visible<'a>(call: &Call, world: &'a World) -> Result<Vec<&'a Definition>, Failure> {
    let project = call.project(world)?;
    let shown = project.shows_builds_to(call.actor());
    Ok(world.definitions.values().filter(|row| shown && row.project == project.id && !row.is_deleted).collect())
}

/// The definition of the path.
fn find<'a>(call: &Call, world: &'a World) -> Result<&'a Definition, Failure> {
    let project = builds::project(call, world)?.id;
    let asked = call.capture("definition");
    let found = asked.parse().ok().and_then(|id| world.definition(id));
    found.filter(|row| row.project == project && !row.is_deleted).ok_or_else(|| Failure::no_definition(asked))
}

/// A page of them by id, and where the next one begins.
fn paged<'a>(call: &Call, mut rows: Vec<&'a Definition>) -> Result<(Vec<&'a Definition>, Option<String>), Failure> {
    let top = call.query.number("$top")?.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
    if let Some(token) = call.query.get("continuationToken") {
        let from: i32 = token.parse().map_err(|_| Failure::argument("continuationToken", "The token is not one that was given out."))?;
        rows.retain(|row| row.id >= from);
    }
    let next = rows.get(top).map(|row| row.id.to_string());
    rows.truncate(top);
    Ok((rows, next))
}

/// `*` at either end stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

fn last(world: &World, definition: i32, wanted: impl Fn(&Build) -> bool) -> Option<&Build> {
    world.builds.values().rev().find(|build| build.definition == definition && !build.is_deleted && wanted(build))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (name, path, repository) = (call.query.get("name"), call.query.get("path"), call.query.get("repositoryId"));
    let ids = call.query.get("definitionIds").map(|text| text.split(',').map(|id| id.trim().to_owned()).collect::<Vec<_>>());
    let mut rows = visible(call, &world)?;
    rows.retain(|row| {
        name.is_none_or(|wanted| fits(wanted, &row.name))
            && path.is_none_or(|wanted| same_name(wanted, &row.path))
            && repository.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&row.repository.to_string()))
            && ids.as_ref().is_none_or(|ids| ids.contains(&row.id.to_string()))
    });
    let (rows, next) = paged(call, rows)?;
    let shape = if call.query.is_true("includeAllProperties") { DefinitionShape::Full } else { DefinitionShape::Row };
    let with_latest = call.query.is_true("includeLatestBuilds");
    let render = call.renderer(&world);
    let shown = rows
        .into_iter()
        .map(|row| {
            let mut value = render.definition(row, shape);
            if with_latest {
                if let Some(build) = last(&world, row.id, |_| true) {
                    value["latestBuild"] = render.build(build);
                }
                if let Some(build) = last(&world, row.id, |build| build.finished.is_some()) {
                    value["latestCompletedBuild"] = render.build(build);
                }
            }
            value
        })
        .collect();
    Ok(Answer::list(shown).continued(next))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let row = find(call, &world)?;
    Ok(Answer::ok(call.renderer(&world).definition(row, DefinitionShape::Full)))
}

pub async fn pipelines(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (rows, next) = paged(call, visible(call, &world)?)?;
    let render = call.renderer(&world);
    Ok(Answer::list(rows.into_iter().map(|row| render.pipeline_row(row)).collect()).continued(next))
}

pub async fn runs(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let definition = find(call, &world)?.id;
    let mut found: Vec<&Build> = world.builds.values().filter(|build| build.definition == definition && !build.is_deleted).collect();
    found.sort_by_key(|build| std::cmp::Reverse(build.id));
    let render = call.renderer(&world);
    let rows: Vec<Value> = found.into_iter().take(LARGEST_PAGE).map(|build| render.run(build)).collect();
    Ok(Answer::list(rows))
}

pub async fn run(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let definition = find(call, &world)?;
    let build = builds::find(call, &world)?;
    if build.definition != definition.id {
        return Err(Failure::no_build(&build.id.to_string()));
    }
    let mut value = call.renderer(&world).full_run(build);
    value["yamlDetails"] = json!({ "rootYamlFile": { "yamlFile": definition.yaml_path } });
    Ok(Answer::ok(value))
}
