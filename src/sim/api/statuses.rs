//! Statuses of pull requests, of their iterations and of commits. Lists give all; the last of a context counts.
use serde_json::Value;

use super::{Call, enum_field, field, page, text_field};
use crate::sim::deed::{self, NewStatus};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{PrStatus, StatusState};

const STATES: &[(&str, i64)] = &[("notSet", 0), ("pending", 1), ("succeeded", 2), ("failed", 3), ("error", 4), ("notApplicable", 5)];

fn new_status(call: &Call, iteration: Option<i32>) -> Result<NewStatus, Failure> {
    let body = call.json()?;
    let context = field(&body, "context").ok_or_else(|| Failure::null_argument("context"))?;
    let state = match enum_field(&body, "state", STATES)? {
        Some("pending") => StatusState::Pending,
        Some("succeeded") => StatusState::Succeeded,
        Some("failed") => StatusState::Failed,
        Some("error") => StatusState::Error,
        Some("notApplicable") => StatusState::NotApplicable,
        _ => StatusState::NotSet,
    };
    let given = field(&body, "iterationId").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
    Ok(NewStatus {
        state,
        description: text_field(&body, "description"),
        context_name: text_field(context, "name").ok_or_else(|| Failure::null_argument("context.name"))?,
        context_genre: text_field(context, "genre"),
        target_url: text_field(&body, "targetUrl"),
        iteration: iteration.or(given),
    })
}

async fn address(call: &Call) -> Result<String, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    Ok(call.renderer(&world).pull_request_url(repository, pr.id, ""))
}

async fn list(call: &Call, admits: impl Fn(&PrStatus) -> bool) -> Result<Answer, Failure> {
    let address = address(call).await?;
    let world = call.sim.read().await;
    let render = call.renderer(&world);
    let statuses = &call.pull_request(&world)?.statuses;
    Ok(Answer::list(statuses.iter().filter(|status| admits(status)).map(|status| render.status(status, &address)).collect()))
}

async fn create(call: &Call, iteration: Option<i32>) -> Result<Answer, Failure> {
    let new = new_status(call, iteration)?;
    let pull_request = call.pull_request_id().await?;
    let status = deed::add_status(&call.sim, call.actor(), pull_request, new).await?;
    let address = address(call).await?;
    let world = call.sim.read().await;
    Ok(Answer::ok(call.renderer(&world).status(&status, &address)))
}

pub async fn of_pull_request(call: &Call) -> Result<Answer, Failure> {
    list(call, |_| true).await
}

pub async fn create_of_pull_request(call: &Call) -> Result<Answer, Failure> {
    create(call, None).await
}

pub async fn of_iteration(call: &Call) -> Result<Answer, Failure> {
    let iteration = call.number("iteration")?;
    list(call, |status| status.iteration == Some(iteration)).await
}

pub async fn create_of_iteration(call: &Call) -> Result<Answer, Failure> {
    create(call, Some(call.number("iteration")?)).await
}

pub async fn of_commit(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let id = call.capture("commit").to_lowercase();
    let statuses = world.commit_statuses.get(&id).map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<&PrStatus> = statuses.iter().rev().collect();
    if call.query.is_true("latestOnly") {
        let mut seen = Vec::new();
        found.retain(|status| {
            let context = (&status.context_name, &status.context_genre);
            let is_new = !seen.contains(&context);
            seen.push(context);
            is_new
        });
    }
    let (skip, top) = (call.query.number("skip")?.unwrap_or(0), call.query.number("top")?.unwrap_or(1000));
    let render = call.renderer(&world);
    let address = render.commit_url(repository, &id);
    Ok(Answer::list(page(found.into_iter(), skip, top).into_iter().map(|status| render.status(status, &address)).collect()))
}

pub async fn create_of_commit(call: &Call) -> Result<Answer, Failure> {
    let new = new_status(call, None)?;
    let id = call.capture("commit").to_lowercase();
    let git = {
        let world = call.sim.read().await;
        call.git(call.repository(&world)?)
    };
    let asked = id.clone();
    blocking(move || git.commit(&asked)).await?;
    let status = deed::set_commit_status(&call.sim, call.actor(), &id, new).await?;
    let world = call.sim.read().await;
    let render = call.renderer(&world);
    let address = render.commit_url(call.repository(&world)?, &id);
    Ok(Answer::created(render.status(&status, &address)))
}
