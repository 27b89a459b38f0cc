//! Keeps what Azure DevOps says of its rate limit where other processes can read it, and reads what is known of it.
//!
//! Written while work goes on that asks much, at most once in [`APART`], and when it ends; never while the service says nothing.
//!
//! Limits: what is said to a person's own account, where another one acts for the team, is not kept. A process that is killed takes with
//! it what was said to it since it wrote last.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::context::Context;
use super::error::Result;
use crate::ado;
use crate::domain::collection::Collection;
use crate::domain::health::Reconciled;
use crate::domain::id::OrganisationId;
use crate::domain::project::{Organisation, Project};
use crate::domain::rate_limit::{Known, RateLimit};
use crate::notice::inert;
use crate::store;

/// The least between two writes while work goes on. Headers tell the time of the machine, whatever clock the work goes by.
const APART: Duration = Duration::from_secs(30);

/// What each organisation said last, to this process or to another one.
pub async fn said(ctx: &Context) -> store::Result<BTreeMap<OrganisationId, RateLimit>> {
    let mut all = ctx.store.rate_limits().await?;
    for (organisation, said) in ctx.clients.said().await {
        let known = all.get(&organisation).copied();
        all.extend(RateLimit::newer(known, Some(said)).map(|newer| (organisation, newer)));
    }
    Ok(all)
}

/// What is known of the limit that a project's facts are collected under.
pub async fn known(ctx: &Context, project: &Project) -> Result<Known> {
    let organisation = ctx.organisation(project.organisation).await?;
    let (reconciled, collection) = (ctx.store.reconciled(project.id).await?, ctx.store.collection(project.id).await?);
    let answered_at = answered_at(&organisation, project, &reconciled, &collection);
    Ok(Known { said: said(ctx).await?.remove(&organisation.id), answered_at })
}

/// When Azure DevOps last answered something about a project, as far as the store knows.
pub fn answered_at(organisation: &Organisation, project: &Project, reconciled: &Reconciled, collection: &Collection) -> Option<Timestamp> {
    let synced = collection.sources.iter().filter_map(|state| state.synced_at).max();
    [organisation.checked_at, project.synced_at, reconciled.done_at, synced].into_iter().flatten().max()
}

/// Does work that asks these organisations, and keeps what they say of their limits meanwhile.
pub async fn keeping<T>(ctx: &Context, asked: &[(OrganisationId, ado::Client)], work: impl Future<Output = T>) -> T {
    let following = async {
        join_all(asked.iter().map(|(organisation, client)| follow(ctx, *organisation, client))).await;
        // Of nobody nothing is heard.
        std::future::pending::<Infallible>().await
    };
    let done = tokio::select! {
        biased;
        done = work => done,
        never = following => match never {},
    };
    for (organisation, client) in asked {
        keep(ctx, *organisation, client).await;
    }
    done
}

/// Writes whenever something was said, and then not before it is time again.
async fn follow(ctx: &Context, organisation: OrganisationId, client: &ado::Client) -> Infallible {
    let mut budget = client.budget();
    loop {
        if budget.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        keep(ctx, organisation, client).await;
        tokio::time::sleep(APART).await;
    }
}

/// Writes down what the service said last to this client, if it ever said something. That it cannot be written is no trouble of the work.
pub async fn keep(ctx: &Context, organisation: OrganisationId, client: &ado::Client) {
    let Some(said) = client.budget().borrow().said() else { return };
    if let Err(error) = ctx.store.put_rate_limit(organisation, &said).await {
        tracing::warn!("{}", inert(&error.to_string()));
    }
}
