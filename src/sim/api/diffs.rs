//! Two versions compared: ahead, behind, common commit, changed files, and the folders that these are in, which are counted as well.
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
    let kinds = diff.changes.iter().map(|change| change.kind).chain(diff.folders.iter().map(|folder| folder.kind));
    let mut counts = ChangeCounts::new();
    for name in kinds.filter_map(ChangeKind::count_name) {
        *counts.entry(name).or_default() += 1;
    }
    let render = call.renderer(&world);
    let files = diff.changes.iter().map(|change| (&change.path, render.change(repository, &diff.target_commit, change)));
    let folders = diff.folders.iter().map(|folder| (&folder.path, render.folder_change(repository, &diff.target_commit, folder)));
    let mut rows: Vec<(&String, Value)> = files.chain(folders).collect();
    rows.sort_by(|a, b| a.0.cmp(b.0));
    let all = rows.len();
    let shown: Vec<Value> = page(rows.into_iter(), skip, top).into_iter().map(|(_, row)| row).collect();
    let mut value = json!({
        "allChangesIncluded": skip == 0 && shown.len() == all,
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
