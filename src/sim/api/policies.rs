//! Policy configurations of a project, and those that guard one branch.
use serde_json::{Map, Value, json};

use super::{Call, page};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Policy, PolicyKind, PolicyScope, World, ado_date};

fn scope(scope: &PolicyScope) -> Value {
    let mut map = Map::new();
    if let Some(name) = &scope.ref_name {
        map.insert("refName".to_owned(), json!(name));
    }
    map.insert("matchKind".to_owned(), json!(scope.matching.word()));
    map.insert("repositoryId".to_owned(), json!(scope.repository));
    Value::Object(map)
}

fn settings(policy: &Policy) -> Value {
    let mut settings = match &policy.kind {
        PolicyKind::MinimumReviewers { count, creator_vote_counts, allow_downvotes, reset_on_source_push } => json!({
            "minimumApproverCount": count,
            "creatorVoteCounts": creator_vote_counts,
            "allowDownvotes": allow_downvotes,
            "resetOnSourcePush": reset_on_source_push,
        }),
        PolicyKind::Build { display_name, definition } => json!({
            "buildDefinitionId": definition,
            "queueOnSourceUpdateOnly": true,
            "manualQueueOnly": false,
            "displayName": display_name,
            "validDuration": 720.0,
        }),
        PolicyKind::CommentRequirements | PolicyKind::WorkItemLinking => json!({}),
        PolicyKind::RequiredReviewers { reviewers } => json!({
            "requiredReviewerIds": reviewers, "minimumApproverCount": 1, "creatorVoteCounts": false,
        }),
        PolicyKind::MergeStrategy { allowed } => {
            use crate::sim::world::MergeStrategy::{NoFastForward, Rebase, RebaseMerge, Squash};
            json!({
                "allowNoFastForward": allowed.contains(&NoFastForward),
                "allowSquash": allowed.contains(&Squash),
                "allowRebase": allowed.contains(&Rebase),
                "allowRebaseMerge": allowed.contains(&RebaseMerge),
            })
        }
        PolicyKind::Status { name, genre } => {
            json!({ "statusName": name, "statusGenre": genre, "invalidateOnSourceUpdate": false })
        }
    };
    settings["scope"] = policy.scopes.iter().map(scope).collect();
    settings
}

/// A configuration as it is listed and as evaluations repeat it.
pub fn configuration(call: &Call, world: &World, policy: &Policy) -> Value {
    let site = &call.sim.site;
    let address = site.project_api(policy.project, &format!("policy/configurations/{}", policy.id));
    let kind = site.project_api(policy.project, &format!("policy/types/{}", policy.kind.type_id()));
    json!({
        "createdBy": call.renderer(world).identity(policy.created_by),
        "createdDate": ado_date(policy.created),
        "isEnabled": policy.is_enabled,
        "isBlocking": policy.is_blocking,
        "isDeleted": false,
        "settings": settings(policy),
        "isEnterpriseManaged": false,
        "_links": {"self": {"href": address}, "policyType": {"href": kind}},
        "revision": policy.revision,
        "id": policy.id,
        "url": address,
        "type": {"id": policy.kind.type_id(), "url": kind, "displayName": policy.kind.display_name()},
    })
}

fn paged<'a>(call: &Call, world: &'a World, admits: impl Fn(&'a Policy) -> bool) -> Result<(Vec<Value>, Option<String>), Failure> {
    let project = call.project(world)?.id;
    let kind = call.query.guid("policyType")?;
    let after = match call.query.get("continuationToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| Failure::out_of_range("continuationToken"))?,
    };
    let top = call.query.number("$top")?.unwrap_or(usize::MAX);
    let mut found: Vec<&Policy> = world
        .policies
        .iter()
        .filter(|policy| policy.project == project && policy.id > after)
        .filter(|policy| kind.is_none_or(|kind| policy.kind.type_id() == kind))
        .filter(|policy| admits(policy))
        .collect();
    found.sort_by_key(|policy| policy.id);
    let total = found.len();
    let shown = page(found.into_iter(), 0, top);
    let next = shown.last().filter(|_| shown.len() < total).map(|last| last.id.to_string());
    Ok((shown.into_iter().map(|policy| configuration(call, world, policy)).collect(), next))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (rows, next) = paged(call, &world, |_| true)?;
    Ok(Answer::list(rows).continued(next))
}

pub async fn for_branch(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let ref_name = call.query.get("refName");
    let repository = match call.query.guid("repositoryId")? {
        None => None,
        Some(id) => Some(world.repository(id).ok_or_else(|| Failure::no_repository(&id.to_string()))?),
    };
    let (rows, next) = paged(call, &world, |policy| match (repository, ref_name) {
        (None, _) => true,
        (Some(repository), Some(name)) => policy.covers(repository, name),
        (Some(repository), None) => policy.scopes.iter().any(|scope| scope.repository.is_none_or(|id| id == repository.id)),
    })?;
    Ok(Answer::list(rows).continued(next))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let id = call.number("policy")?;
    let policy = world.policies.iter().find(|policy| policy.id == id && policy.project == project);
    let policy = policy.ok_or_else(|| Failure::out_of_range("configurationId"))?;
    Ok(Answer::ok(configuration(call, &world, policy)))
}
