//! Checking that every subscription of a project still delivers.
//!
//! Limits: the secrets are nobody's to send again, so Azure DevOps must use the one it holds. Where it does not, the receiver refuses the
//! test (401) although real events arrive; then what arrived decides.

use serde::Serialize;

use super::look::{Place, hook};
use super::trial::{Trial, trial};
use crate::action::context::Context;
use crate::action::error::{Error, Result};
use crate::domain::hook::{Purpose, SubscriptionState};
use crate::domain::project::Project;

/// One subscription after its trial.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    pub purpose: Purpose,
    pub trial: Trial,
}

/// Tries each subscription that stands enabled or on probation.
pub async fn run(ctx: &Context, project: &Project) -> Result<Vec<Verified>> {
    let place = Place::of(ctx, project).await?;
    let sources = ctx.store.delivery_sources(project.id).await?;
    let mut verified = Vec::new();
    for row in ctx.store.subscriptions(project.id).await? {
        let (Some(id), SubscriptionState::Enabled | SubscriptionState::OnProbation) = (&row.remote, row.state) else { continue };
        let base = row.url.strip_suffix(row.purpose.word()).unwrap_or(&row.url);
        let mut hook = hook(&project.guid, base, row.purpose);
        hook.url.clone_from(&row.url);
        let mut trial = trial(place.client(), &hook, id, None).await;
        if let Trial::Failed(words) = &trial
            && words.contains("401")
            && let Some(source) = sources.iter().find(|source| source.subscription.as_ref() == Some(id))
        {
            trial = Trial::Unknown(format!("the test came without the secret, but events arrive with it, last at {}", source.last_at));
        }
        if trial == Trial::Arrived {
            ctx.store.verified_subscription(row.id, ctx.clock.now()).await?;
        }
        verified.push(Verified { purpose: row.purpose, trial });
    }
    if verified.is_empty() {
        return Err(Error::refused(
            format!("{} has no webhook that could be tried", project.name),
            "`kanado hooks register` makes them; `kanado hooks status` shows how they stand",
        ));
    }
    Ok(verified)
}
