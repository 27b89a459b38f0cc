//! Labels of a pull request.
use serde_json::Value;

use super::{Call, text_field};
use crate::sim::deed;
use crate::sim::reply::{Answer, Failure};

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    let render = call.renderer(&world);
    let rows: Vec<Value> = pr.labels.iter().map(|label| render.label(repository, pr.id, label)).collect();
    Ok(Answer::list(rows))
}

pub async fn add(call: &Call) -> Result<Answer, Failure> {
    let name = text_field(&call.json()?, "name").ok_or_else(|| Failure::null_argument("name"))?;
    let id = call.pull_request_id().await?;
    let label = deed::add_label(&call.sim, call.actor(), id, &name).await?;
    let world = call.sim.read().await;
    Ok(Answer::ok(call.renderer(&world).label(call.repository(&world)?, id, &label)))
}

pub async fn remove(call: &Call) -> Result<Answer, Failure> {
    let id = call.pull_request_id().await?;
    deed::remove_label(&call.sim, call.actor(), id, call.capture("label")).await?;
    Ok(Answer::empty())
}
