//! Figures of what was collected: read from the store, computed off the loop. Asks nobody over the network.

use std::sync::Arc;

use jiff::Timestamp;

use super::context::Context;
use super::error::{Error, Result};
use crate::domain::id::ProjectId;
use crate::metrics::figures::Figures;
use crate::metrics::input::Input;
use crate::metrics::query::{Query, Window, Zone};
use crate::metrics::{production, summarise};

/// The window that one pull request is compared with, in days: long enough for an 85th percentile in most teams, which takes 19 of them.
const TEAM_DAYS: i64 = 90;

/// Reads what the query rests on.
pub async fn input(ctx: &Context, query: &Query) -> Result<Arc<Input>> {
    let kinds = ctx.store.stage_kinds(&query.projects).await?;
    let wanted = production::wanted(&kinds, query);
    Ok(Arc::new(ctx.store.metric_input(query, &wanted).await?))
}

/// Reads what the query rests on, and computes.
pub async fn read(ctx: &Context, query: &Query, now: Timestamp) -> Result<(Arc<Input>, Figures)> {
    let input = input(ctx, query).await?;
    let figures = {
        let (input, query) = (input.clone(), query.clone());
        tokio::task::spawn_blocking(move || summarise(&input, &query, now)).await
    };
    let figures =
        figures.map_err(|error| Error::refused(format!("the figures could not be computed: {error}"), "report this: `kanado log`"))?;
    Ok((input, figures))
}

/// Whose days a question about projects has; about none means all that are measured.
pub async fn zone(ctx: &Context, projects: &[ProjectId]) -> Result<Zone> {
    Ok(ctx.store.zone_of(projects, &ctx.config.metrics.time_zone).await?)
}

/// What one pull request is compared with, wherever that is said: those of its project in the last 90 days, by the rules of the
/// configuration and the days of the project.
pub async fn of_team(ctx: &Context, project: ProjectId, now: Timestamp) -> Result<Query> {
    let mut query = Query::new(vec![project], Window::last(TEAM_DAYS, now), ctx.config.metrics.rules.clone());
    query.zone = zone(ctx, &query.projects).await?.zone;
    Ok(query)
}
