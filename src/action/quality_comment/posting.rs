//! Whether a project's pull requests are commented: the project's own word, which all processes on a store share, else the configuration.

use crate::action::context::Context;
use crate::action::error::Result;
use crate::config::Comments;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::quality::{Policy, Posting};

/// The setting of a project that holds its word.
const SETTING: &str = "comments";

/// How a project stands to comments.
pub async fn policy(ctx: &Context, project: &Project) -> Result<Policy> {
    let own = match ctx.store.project_setting(project.id, SETTING).await?.as_deref() {
        Some("on") => Some(Posting::On),
        Some("off") => Some(Posting::Off),
        _ => None,
    };
    Ok(Policy { own, configured: configured(&ctx.config.comments, project) })
}

fn configured(comments: &Comments, project: &Project) -> Posting {
    let is_named = |name: &String| name.eq_ignore_ascii_case(&project.name) || name.eq_ignore_ascii_case(&project.prefix);
    if comments.post != comments.except.iter().any(is_named) { Posting::On } else { Posting::Off }
}

/// Sets what a project does whatever configurations say; nothing lets them decide again.
pub async fn set_policy(ctx: &Context, project: ProjectId, posting: Option<Posting>) -> Result<()> {
    Ok(ctx.store.set_project_setting(project, SETTING, posting.map(Posting::word)).await?)
}
