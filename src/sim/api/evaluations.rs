//! How each policy sees a pull request; evaluations are computed when they are asked for.
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::policies::configuration;
use super::{Call, page};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Evaluation, EvaluationStatus, PolicyKind, PullRequest, World, ado_date};

fn row(call: &Call, world: &World, project: Uuid, pr: &PullRequest, evaluation: &Evaluation<'_>) -> Value {
    let mut map = Map::new();
    map.insert("configuration".to_owned(), configuration(call, world, evaluation.policy));
    map.insert("artifactId".to_owned(), json!(format!("vstfs:///CodeReview/CodeReviewId/{project}%2f{}", pr.id)));
    map.insert("evaluationId".to_owned(), json!(evaluation.id));
    map.insert("startedDate".to_owned(), json!(ado_date(evaluation.started)));
    if let Some(completed) = evaluation.completed {
        map.insert("completedDate".to_owned(), json!(ado_date(completed)));
    }
    map.insert("status".to_owned(), json!(evaluation.status.word()));
    if let PolicyKind::Build { display_name, definition } = &evaluation.policy.kind {
        let context = json!({ "buildDefinitionId": definition, "buildDefinitionName": display_name, "isExpired": false });
        map.insert("context".to_owned(), context);
    }
    Value::Object(map)
}

/// Takes `vstfs:///CodeReview/CodeReviewId/{project}%2F{id}` apart; the slash may be encoded or not.
fn artifact(text: &str) -> Option<(Uuid, i32)> {
    let lower = text.to_lowercase().replace("%2f", "/");
    let (project, id) = lower.strip_prefix("vstfs:///codereview/codereviewid/")?.split_once('/')?;
    Some((Uuid::try_parse(project).ok()?, id.parse().ok()?))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.project(&world)?.id;
    let text = call.query.get("artifactId").ok_or_else(|| Failure::null_argument("artifactId"))?;
    let (named, id) = artifact(text).ok_or_else(|| Failure::argument("artifactId", "The artifact id is not valid."))?;
    if named != project {
        return Err(Failure::argument("artifactId", "The artifact belongs to another project."));
    }
    let pr = world
        .pull_request(id)
        .filter(|pr| world.repository(pr.repository).is_some_and(|repository| repository.project == project))
        .ok_or_else(Failure::no_pull_request)?;
    let with_others = call.query.is_true("includeNotApplicable");
    let (skip, top) = (call.query.number("$skip")?.unwrap_or(0), call.query.number("$top")?.unwrap_or(usize::MAX));
    let evaluations = world.evaluations(pr);
    let shown = evaluations.iter().filter(|evaluation| with_others || evaluation.status != EvaluationStatus::NotApplicable);
    let rows = page(shown, skip, top).into_iter().map(|evaluation| row(call, &world, project, pr, evaluation)).collect();
    Ok(Answer::git_list(rows))
}

fn find(call: &Call, world: &World) -> Result<Value, Failure> {
    let project = call.project(world)?.id;
    let wanted =
        Uuid::try_parse(call.capture("evaluation")).map_err(|_| Failure::argument("evaluationId", "The evaluation id is not a GUID."))?;
    let found = world.pull_requests.values().find_map(|pr| {
        let evaluations = world.evaluations(pr);
        let evaluation = evaluations.iter().find(|evaluation| evaluation.id == wanted)?;
        Some(row(call, world, project, pr, evaluation))
    });
    found.ok_or_else(|| Failure::argument("evaluationId", "The policy evaluation does not exist."))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    Ok(Answer::ok(find(call, &world)?))
}

/// Asks for a new evaluation. Everything is always evaluated anew, so this answers what is known.
pub async fn requeue(call: &Call) -> Result<Answer, Failure> {
    get(call).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_read_with_either_slash() {
        let project = Uuid::from_u128(7);
        for slash in ["/", "%2f", "%2F"] {
            let text = format!("vstfs:///CodeReview/CodeReviewId/{project}{slash}12");
            assert_eq!(artifact(&text), Some((project, 12)));
        }
        assert_eq!(artifact("vstfs:///Git/PullRequestId/x"), None);
    }
}
