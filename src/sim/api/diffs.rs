//! Two versions compared: ahead, behind, common commit, changed files.
//!
//! `diffCommonCommit=false` is taken as asked for and answered the same way: against the common commit.
use serde_json::{Value, json};

use super::items::Asked;
use super::render::counts_json;
use super::{Call, page};
use crate::sim::git::{ChangeCounts, ChangeKind};
use crate::sim::reply::{Answer, Failure};

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let side = |side: &str| Asked::of(call.query.get(&format!("{side}Version")), call.query.get(&format!("{side}VersionType")), repository);
    let (base, target) = (side("base")?, side("target")?);
    let (git, from, to) = (call.git(repository), base.version.clone(), target.version.clone());
    let diff = tokio::task::spawn_blocking(move || {
        // Resolved one by one, so that the error names the right side.
        git.resolve(&from).map_err(|error| (true, error))?;
        git.diff_commits(&from, &to).map_err(|error| (false, error))
    })
    .await
    .map_err(Failure::internal)?
    .map_err(|(is_base, error)| if is_base { base.refuse(error, repository) } else { target.refuse(error, repository) })?;
    let (skip, top) = (call.query.number("$skip")?.unwrap_or(0), call.query.number("$top")?.unwrap_or(100));
    let mut counts = ChangeCounts::new();
    for change in &diff.changes {
        let name = match change.kind {
            ChangeKind::Add => "Add",
            ChangeKind::Edit => "Edit",
            ChangeKind::Delete => "Delete",
            ChangeKind::Rename | ChangeKind::EditRename => "Rename",
            ChangeKind::SourceRename => continue,
        };
        *counts.entry(name).or_default() += 1;
    }
    let render = call.renderer(&world);
    let shown: Vec<Value> =
        page(diff.changes.iter(), skip, top).into_iter().map(|change| render.change(repository, &diff.target_commit, change)).collect();
    let mut value = json!({
        "allChangesIncluded": skip == 0 && shown.len() == diff.changes.len(),
        "changeCounts": counts_json(&counts),
        "changes": shown,
        "baseCommit": diff.base_commit,
        "targetCommit": diff.target_commit,
        "aheadCount": diff.ahead,
        "behindCount": diff.behind,
    });
    if let Some(common) = diff.common_commit {
        value["commonCommit"] = json!(common);
    }
    Ok(Answer::ok(value))
}
