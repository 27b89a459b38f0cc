//! `PATCH` of a pull request: edit, abandon, reactivate, complete, auto-complete.
//!
//! Only what is sent changes; fields that cannot be changed are ignored, as the service ignores most of them.
use serde_json::Value;
use uuid::Uuid;

use super::pull_requests::merged;
use super::render_pull_request::Shape;
use super::{Call, bool_field, enum_field, field, text_field};
use crate::sim::deed::{self, Change};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{CompletionOptions, MergeStrategy};

const STATES: &[(&str, i64)] = &[("notSet", 0), ("active", 1), ("abandoned", 2), ("completed", 3), ("all", 4)];
const STRATEGIES: &[(&str, i64)] = &[("noFastForward", 1), ("squash", 2), ("rebase", 3), ("rebaseMerge", 4)];

/// How a pull request is to be completed, as the wire says it.
pub fn completion_options(value: &Value) -> Result<CompletionOptions, Failure> {
    let strategy = match enum_field(value, "mergeStrategy", STRATEGIES)? {
        Some("squash") => MergeStrategy::Squash,
        Some("rebase") => MergeStrategy::Rebase,
        Some("rebaseMerge") => MergeStrategy::RebaseMerge,
        Some(_) => MergeStrategy::NoFastForward,
        // The older way of asking for a squash.
        None if bool_field(value, "squashMerge") == Some(true) => MergeStrategy::Squash,
        None => MergeStrategy::NoFastForward,
    };
    Ok(CompletionOptions {
        strategy,
        delete_source_branch: bool_field(value, "deleteSourceBranch").unwrap_or(false),
        message: text_field(value, "mergeCommitMessage"),
        transition_work_items: bool_field(value, "transitionWorkItems").unwrap_or(false),
        bypass_policy: bool_field(value, "bypassPolicy").unwrap_or(false),
        bypass_reason: text_field(value, "bypassReason"),
    })
}

pub async fn update(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    if !body.is_object() {
        return Err(Failure::null_argument("gitPullRequestToUpdate"));
    }
    let id = call.pull_request_id().await?;
    let actor = call.actor();
    let options = field(&body, "completionOptions").map(completion_options).transpose()?;
    let state = enum_field(&body, "status", STATES)?;
    let mut changes = Vec::new();
    changes.extend(text_field(&body, "title").map(Change::Title));
    changes.extend(text_field(&body, "description").map(Change::Description));
    changes.extend(bool_field(&body, "isDraft").map(Change::Draft));
    changes.extend(text_field(&body, "targetRefName").map(Change::Target));
    if state != Some("completed") {
        changes.extend(options.clone().map(Change::Completion));
    }
    if state == Some("active") {
        deed::reactivate(&call.sim, actor, id).await?;
    }
    if !changes.is_empty() {
        deed::update_pull_request(&call.sim, actor, id, changes).await?;
    }
    if let Some(who) = field(&body, "autoCompleteSetBy") {
        let who = text_field(who, "id").ok_or_else(|| Failure::null_argument("autoCompleteSetBy.id"))?;
        let who = Uuid::try_parse(&who).map_err(|_| Failure::invalid_value("autoCompleteSetBy"))?;
        deed::set_auto_complete(&call.sim, actor, id, Some(who).filter(|who| !who.is_nil())).await?;
    }
    match state {
        Some("abandoned") => deed::abandon(&call.sim, actor, id).await?,
        Some("completed") => {
            let seen = field(&body, "lastMergeSourceCommit")
                .and_then(|commit| text_field(commit, "commitId"))
                .ok_or_else(|| Failure::invalid_value("lastMergeSourceCommit must be given to complete a pull request."))?;
            deed::complete(&call.sim, actor, id, &seen, options).await?;
        }
        Some("notSet" | "all") => return Err(Failure::enum_value("status", "all")),
        _ => {}
    }
    let world = call.sim.read().await;
    let pr = world.pull_request(id).ok_or_else(Failure::no_pull_request)?;
    let merged = merged(call, &world, pr).await?;
    Ok(Answer::ok(call.renderer(&world).pull_request(pr, Shape::Full, merged.as_ref())))
}
