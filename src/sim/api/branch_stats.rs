//! A branch, or all of them, against a base branch.
use serde_json::{Value, json};

use super::Call;
use super::items::Asked;
use crate::sim::git::{BranchStats, GitError, Version};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Repository, World};

fn row(call: &Call, world: &World, repository: &Repository, stats: &BranchStats) -> Value {
    let mut commit = call.renderer(world).commit(repository, &stats.commit);
    commit.insert("treeId".to_owned(), json!(stats.commit.tree));
    commit.insert("parents".to_owned(), json!(stats.commit.parents));
    json!({
        "commit": commit,
        "name": stats.name,
        "aheadCount": stats.ahead,
        "behindCount": stats.behind,
        "isBaseVersion": stats.is_base,
    })
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let git = call.git(repository);
    let base = Asked::read(&call.query, &["baseVersionDescriptor."], repository)?;
    let base = match base.version {
        Version::Branch(name) => Some(name),
        _ => None,
    };
    match call.query.get("name") {
        Some(name) => {
            let asked = Asked::of(Some(name), None, repository)?;
            let name = name.to_owned();
            let stats = tokio::task::spawn_blocking(move || git.branch_stats(&name, base.as_deref()))
                .await
                .map_err(Failure::internal)?
                .map_err(|error| asked.refuse(error, repository))?;
            Ok(Answer::ok(row(call, &world, repository, &stats)))
        }
        None => {
            let stats = blocking(move || {
                git.refs("heads/")?
                    .iter()
                    .filter_map(|found| found.name.strip_prefix("refs/heads/"))
                    .map(|name| git.branch_stats(name, base.as_deref()))
                    .collect::<Result<Vec<_>, GitError>>()
            })
            .await?;
            Ok(Answer::list(stats.iter().map(|stats| row(call, &world, repository, stats)).collect()))
        }
    }
}
