//! Webhooks of a project: registering them, looking after them, removing them, and what a person can do by hand instead.
//!
//! One subscription a purpose, each with a secret of its own that nobody sees. A subscription is never changed: what stands wrong is made
//! anew, tested, and only then is the old one deleted. Ours are told from other people's by the id in our row, or by the user name that
//! kanado makes up; whatever else delivers to our address is reported and never touched.

mod look;
mod plan;
mod print;
mod register;
mod remove;
mod secret;
mod shown;
mod trial;
mod turn;
mod url;
mod verify;

pub use look::{Look, Overlap, look};
pub use plan::{Old, Step, Why};
pub use print::{Manual, manual};
pub use register::{Plan, Registered, Renew, plan as plan_registration, run as register};
pub use remove::{Removal, Removed, plan as plan_removal, run as remove, sweep};
pub use secret::Fresh;
pub use shown::{generate, revoke, rotate};
pub use trial::Trial;
pub use url::{Address, PublicUrl, address, check as check_url};
pub use verify::{Verified, run as verify};

use super::context::Context;
use super::error::{Error, Result};
use crate::ado::ErrorKind;
use crate::domain::project::Project;

/// The name of registration in the journal and in tests of interruption.
const ACTION: &str = "hooks";

/// The address that a project's hooks made by hand call, whatever they are for.
///
/// # Errors
/// Refused with words where there is none that Azure DevOps would deliver to.
pub async fn address_by_hand(ctx: &Context, project: &Project) -> Result<String> {
    let organisation = ctx.organisation(project.organisation).await?;
    let insecure = if ctx.config.hooks.allow_insecure_url { url::Insecure::Loopback } else { url::Insecure::Never };
    let checked = url::check(ctx.config.webhooks.public_url.as_deref(), organisation.deployment, insecure).map_err(Error::Refused)?;
    Ok(url::bare(&checked.base, &project.guid))
}

/// Whether somebody with more rights is needed: then the steps by hand are the way.
pub fn is_about_permission(error: &Error) -> bool {
    matches!(error.ado_kind(), Some(ErrorKind::PermissionMissing { .. } | ErrorKind::ScopeMissing { .. }))
}
