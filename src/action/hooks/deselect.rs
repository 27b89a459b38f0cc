//! Taking a project off the board: the tombstone first, so that nothing of it is shown or believed any more, then its webhooks.
//!
//! Its tickets stay in the store; putting it back (`connect::add_project`) brings them back. From the tombstone on, the receiver answers
//! that the project is gone, which makes Azure DevOps disable a hook that could not be deleted, or that a person made.

use serde::Serialize;

use super::remove::{self, Removal, Removed};
use crate::action::context::Context;
use crate::action::error::Result;
use crate::domain::project::Project;
use crate::notice::Explain as _;

/// What deselecting would do.
#[derive(Debug, Clone, Serialize)]
pub struct Farewell {
    pub project: String,
    pub prefix: String,
    /// Absent where Azure DevOps could not be asked, with the reason.
    pub hooks: Result<Removal, String>,
}

/// What deselecting did.
#[derive(Debug, Clone, Serialize)]
pub struct Deselected {
    pub project: String,
    /// Absent where Azure DevOps could not be asked: what is left is deleted at the next occasion.
    pub hooks: Result<Removed, String>,
}

/// Looks what would go; changes nothing.
pub async fn farewell(ctx: &Context, project: &Project) -> Result<Farewell> {
    let hooks = remove::plan(ctx, project).await.map_err(|error| error.notice().text);
    Ok(Farewell { project: project.name.clone(), prefix: project.prefix.clone(), hooks })
}

/// Takes the project off the board and deletes all of our webhooks and none of the others'.
pub async fn deselect(ctx: &Context, project: &Project) -> Result<Deselected> {
    ctx.store.remove_project(project.id, ctx.clock.now()).await?;
    let hooks = remove::run(ctx, project).await.map_err(|error| error.notice().text);
    Ok(Deselected { project: project.name.clone(), hooks })
}
