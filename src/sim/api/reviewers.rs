//! Reviewers and votes.
//!
//! People are named by GUID only; one votes for oneself only; adding somebody twice is harmless.
use serde_json::Value;
use uuid::Uuid;

use super::{Call, bool_field, field, text_field};
use crate::sim::deed;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::Reviewer;

fn guid(text: &str) -> Result<Uuid, Failure> {
    Uuid::try_parse(text)
        .map_err(|_| Failure::argument("reviewerId", &format!("The value '{text}' is not valid: a reviewer is named by a GUID.")))
}

async fn shown(call: &Call, reviewers: &[Reviewer]) -> Result<Vec<Value>, Failure> {
    let world = call.sim.read().await;
    let (repository, pr) = (call.repository(&world)?, call.pull_request(&world)?);
    let render = call.renderer(&world);
    Ok(reviewers.iter().map(|reviewer| render.reviewer(repository, pr.id, reviewer)).collect())
}

async fn one(call: &Call, reviewer: Reviewer) -> Result<Answer, Failure> {
    let rows = shown(call, &[reviewer]).await?;
    Ok(Answer::ok(rows.into_iter().next().unwrap_or(Value::Null)))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let reviewers = {
        let world = call.sim.read().await;
        call.pull_request(&world)?.reviewers.clone()
    };
    Ok(Answer::list(shown(call, &reviewers).await?))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let id = guid(call.capture("reviewer"))?;
    let found = {
        let world = call.sim.read().await;
        call.pull_request(&world)?.reviewer(id).cloned()
    };
    one(call, found.ok_or_else(|| Failure::no_identity(&id.to_string()))?).await
}

pub async fn add(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let rows = body.as_array().ok_or_else(|| Failure::null_argument("identities"))?;
    let pull_request = call.pull_request_id().await?;
    let wanted = rows
        .iter()
        .map(|row| {
            let id = text_field(row, "id").ok_or_else(|| Failure::null_argument("id"))?;
            Ok((guid(&id)?, bool_field(row, "isRequired")))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut added = Vec::new();
    for (id, is_required) in wanted {
        added.push(deed::add_reviewer(&call.sim, call.actor(), pull_request, id, is_required).await?);
    }
    Ok(Answer::list(shown(call, &added).await?))
}

pub async fn put(call: &Call) -> Result<Answer, Failure> {
    let id = guid(call.capture("reviewer"))?;
    let body = call.json()?;
    let pull_request = call.pull_request_id().await?;
    let vote = match field(&body, "vote") {
        None => None,
        Some(value) => {
            let number = value.as_i64().and_then(|number| i8::try_from(number).ok());
            Some(number.ok_or_else(|| Failure::enum_value("vote", &value.to_string()))?)
        }
    };
    let known = {
        let world = call.sim.read().await;
        call.pull_request(&world)?.reviewer(id).cloned()
    };
    let changes_vote = vote.is_some_and(|vote| vote != known.as_ref().map_or(0, |reviewer| reviewer.vote));
    if id != call.actor() && changes_vote {
        return Err(Failure::needs_permission("PullRequestContribute", &call.caller.user.unique_name));
    }
    let is_required = bool_field(&body, "isRequired");
    let mut reviewer = known;
    if reviewer.is_none() || is_required.is_some() {
        reviewer = Some(deed::add_reviewer(&call.sim, call.actor(), pull_request, id, is_required).await?);
    }
    if let (Some(vote), true) = (vote, id == call.actor()) {
        reviewer = Some(deed::vote(&call.sim, call.actor(), pull_request, vote).await?);
    }
    one(call, reviewer.ok_or_else(|| Failure::no_identity(&id.to_string()))?).await
}

pub async fn patch(call: &Call) -> Result<Answer, Failure> {
    let id = guid(call.capture("reviewer"))?;
    let body = call.json()?;
    let pull_request = call.pull_request_id().await?;
    let (flagged, declined) = (bool_field(&body, "isFlagged"), bool_field(&body, "hasDeclined"));
    one(call, deed::set_flags(&call.sim, pull_request, id, flagged, declined).await?).await
}

pub async fn delete(call: &Call) -> Result<Answer, Failure> {
    let id = guid(call.capture("reviewer"))?;
    let pull_request = call.pull_request_id().await?;
    deed::remove_reviewer(&call.sim, call.actor(), pull_request, id).await?;
    Ok(Answer::empty())
}
