//! The secret that a person is shown, for hooks made by hand: one a project, replaced with an overlap, revoked at once.

use jiff::SignedDuration;

use super::secret::Fresh;
use crate::action::context::Context;
use crate::action::error::{Error, Result};
use crate::domain::project::Project;

/// Makes the project's first secret. It is in the answer and nowhere else.
///
/// # Errors
/// Refused where one is in use: a second one would leave nobody knowing which hook has which.
pub async fn generate(ctx: &Context, project: &Project) -> Result<Fresh> {
    let now = ctx.clock.now();
    if let Some(used) = ctx.store.shown_secrets(project.id).await?.into_iter().find(|secret| secret.expires_at.is_none()) {
        return Err(Error::refused(
            format!("{} has a secret already, since {}; it cannot be shown again", project.name, used.created_at),
            "`kanado hooks secret rotate` makes a new one and lets the old one work on for a while",
        ));
    }
    let fresh = Fresh::make()?;
    ctx.store.add_secret(project.id, &fresh.digest, None, now).await?;
    Ok(fresh)
}

/// Makes a new secret; the old ones are taken for `overlap` longer.
pub async fn rotate(ctx: &Context, project: &Project, overlap: SignedDuration) -> Result<Fresh> {
    let now = ctx.clock.now();
    let until =
        now.checked_add(overlap).map_err(|_| Error::refused("the overlap is too long", "give it in hours or days: `--overlap 24h`"))?;
    let fresh = Fresh::make()?;
    ctx.store.rotate_shown_secret(project.id, &fresh.digest, until, now).await?;
    Ok(fresh)
}

/// Refuses all shown secrets at once; says how many there were.
pub async fn revoke(ctx: &Context, project: &Project) -> Result<u64> {
    Ok(ctx.store.revoke_shown_secrets(project.id).await?)
}
