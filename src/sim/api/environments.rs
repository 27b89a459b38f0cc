//! YAML environments and what was deployed to them.
//!
//! Deployment records come newest first, only those that have finished, and cannot be filtered by date: one pages until they are
//! older than wanted. Their page size is `top` without `$`.
use super::Call;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Environment, EnvironmentDeployment, World, same_name};

const DEFAULT_PAGE: usize = 25;
const LARGEST_PAGE: usize = 100;

fn find<'a>(call: &Call, world: &'a World) -> Result<&'a Environment, Failure> {
    let project = call.project(world)?.id;
    let asked = call.capture("environment");
    let found = asked.parse().ok().and_then(|id| world.environment(id));
    found.filter(|row| row.project == project).ok_or_else(|| Failure::no_environment(asked))
}

fn bad_token() -> Failure {
    Failure::argument("continuationToken", "The token is not one that was given out.")
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let name = call.query.get("name");
    let from: i32 = call.query.get("continuationToken").map_or(Ok(0), |token| token.parse().map_err(|_| bad_token()))?;
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let mut rows: Vec<&Environment> = world
        .environments
        .range(from..)
        .map(|(_, row)| row)
        .filter(|row| row.project == project && name.is_none_or(|wanted| same_name(wanted, &row.name)))
        .collect();
    let next = rows.get(top).map(|row| row.id.to_string());
    rows.truncate(top);
    let render = call.renderer(&world);
    Ok(Answer::list(rows.into_iter().map(|row| render.environment(row)).collect()).continued(next))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let row = find(call, &world)?;
    Ok(Answer::ok(call.renderer(&world).environment(row)))
}

pub async fn deployments(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let environment = find(call, &world)?.id;
    let mut rows: Vec<&EnvironmentDeployment> = world
        .environment_deployments
        .values()
        .filter(|row| row.environment == environment && row.finished.is_some() && row.result.is_some())
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.finished, row.id)));
    let skip = match call.query.get("continuationToken") {
        None => 0,
        Some(token) => {
            let from: i64 = token.parse().map_err(|_| bad_token())?;
            rows.iter().position(|row| row.id == from).ok_or_else(bad_token)?
        }
    };
    let top = call.query.number("top")?.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let next = rows.get(skip + top).map(|row| row.id.to_string());
    let render = call.renderer(&world);
    Ok(Answer::list(rows.into_iter().skip(skip).take(top).map(|row| render.environment_deployment(row)).collect()).continued(next))
}
