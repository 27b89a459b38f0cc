//! Checking that every subscription of a project still delivers.
//!
//! Limits: the secrets are nobody's to send again, so Azure DevOps must use the one it holds. Where it does not, the receiver refuses the
//! test although real events arrive; then the history of real deliveries decides.

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
    let mut verified = Vec::new();
    for row in ctx.store.subscriptions(project.id).await? {
        let (Some(id), SubscriptionState::Enabled | SubscriptionState::OnProbation) = (&row.remote, row.state) else { continue };
        let base = row.url.strip_suffix(row.purpose.word()).unwrap_or(&row.url);
        let mut hook = hook(&project.guid, base, row.purpose);
        hook.url.clone_from(&row.url);
        let mut trial = trial(place.client(), &hook, id, None).await;
        if let Trial::Failed(words) = &trial {
            let history = place.client().hook_notifications(hook.event.publisher, id, 20).await.unwrap_or_default();
            if let Some(real) = history.iter().find(|delivery| delivery.result.eq_ignore_ascii_case("succeeded")) {
                let when = real.created_at.map(|at| format!(" ({at})")).unwrap_or_default();
                trial = Trial::Unknown(format!("the test failed ({words}), but a delivery before it arrived{when}"));
            }
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
