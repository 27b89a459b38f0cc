//! Looking at pull requests: a whole project, one ticket, or the details of the cards on screen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::domain::status::Status;
use crate::sync::{self, detail, poll};

use super::context::Context;
use super::error::{Error, Result};
use super::journal::at_step;
use super::reporter::{Reporter, step};

const ACTION: &str = "sync";

impl From<sync::Error> for Error {
    fn from(error: sync::Error) -> Self {
        match error {
            sync::Error::Ado(error) => Self::Ado(error),
            sync::Error::Store(error) => Self::Store(error),
        }
    }
}

/// A ticket that moved, and why, where a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    pub key: TicketKey,
    pub from: Status,
    pub to: Status,
    pub notice: Option<String>,
}

/// What a look found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Synced {
    /// Pull requests that are open.
    pub active: usize,
    /// Pull requests that changed since the last look.
    pub changed: usize,
    pub moved: Vec<Move>,
    /// `repository !number` of pull requests that were open and can't be read any more; their tickets stay where they are.
    pub unexplained: Vec<String>,
}

/// Looks at all pull requests of a project.
pub async fn project(ctx: &Context, id: ProjectId, reporter: &Reporter) -> Result<Synced> {
    let project = ctx.project(id).await?;
    let client = ctx.client(&project).await?;
    reporter.begin(ACTION, None, vec![step("list", format!("look at the pull requests of {}", project.name))]);
    reporter.running("list");
    let polled = poll::project(&ctx.store, &client, &project, ctx.config.board.done_on_merge, ctx.clock.now()).await;
    let synced = summary(ctx, at_step(reporter, ACTION, "list", polled.map_err(Error::from))?).await?;
    reporter.done("list", words(&synced));
    Ok(synced)
}

/// Looks at one ticket's pull request, or for one on its branch.
pub async fn ticket(ctx: &Context, key: &TicketKey, reporter: &Reporter) -> Result<Synced> {
    let at = ctx.whereabouts(key).await?;
    reporter.begin(ACTION, Some(key), vec![step("look", format!("look at the pull request of {key}"))]);
    reporter.running("look");
    let done_on_merge = ctx.config.board.done_on_merge;
    let polled = match (&at.ticket.branch, at.ticket.pull_request) {
        // The branch's listing shows a newer pull request too.
        (Some(branch), _) => {
            poll::branch(&ctx.store, &at.client, &at.project, at.repository.id, branch, done_on_merge, ctx.clock.now()).await
        }
        (None, Some(pr)) => poll::one(&ctx.store, &at.client, &at.project, pr.repository, pr.number, done_on_merge, ctx.clock.now()).await,
        (None, None) => {
            reporter.already("look", "no branch yet, so no pull request");
            return Ok(Synced::default());
        }
    };
    let synced = summary(ctx, at_step(reporter, ACTION, "look", polled.map_err(Error::from))?).await?;
    if let Some(pr) = ctx.ticket(key).await?.pull_request {
        details(ctx, at.project.id, vec![(pr.repository, pr.number)]).await?;
    }
    reporter.done("look", words(&synced));
    Ok(synced)
}

/// Reads policies, checks and threads of these pull requests, four at a time.
pub async fn details(ctx: &Context, project: ProjectId, wanted: Vec<(RepositoryId, i64)>) -> Result<usize> {
    let project = ctx.project(project).await?;
    let client = ctx.client(&project).await?;
    Ok(detail::pull_requests(&ctx.store, &client, &ctx.clock, &project, wanted).await?)
}

async fn summary(ctx: &Context, polled: poll::Polled) -> Result<Synced> {
    let mut unexplained = Vec::new();
    for (repository, number) in polled.unexplained {
        let name = ctx.store.repository(repository).await?.map_or_else(|| repository.to_string(), |r| r.name);
        unexplained.push(format!("{name} !{number}"));
    }
    let moved = polled.moved.into_iter().map(|(key, from, to, notice)| Move { key, from, to, notice }).collect();
    Ok(Synced { active: polled.active, changed: polled.changed.len(), moved, unexplained })
}

fn words(synced: &Synced) -> String {
    let mut words = match synced.moved.as_slice() {
        [] if synced.changed == 0 => "nothing new".to_owned(),
        [] => format!("{} changed", synced.changed),
        [one] => format!("{} is now {}", one.key, one.to.title()),
        many => format!("{} tickets moved", many.len()),
    };
    if !synced.unexplained.is_empty() {
        words.push_str(&format!("; can't read {}", synced.unexplained.join(", ")));
    }
    words
}

/// Keeps a view from being refreshed more often than the configuration says.
#[derive(Clone, Default)]
pub struct ViewLoads {
    last: Arc<Mutex<HashMap<ProjectId, Timestamp>>>,
}

impl ViewLoads {
    /// Whether a view load of this project should look now; a yes counts as a look.
    pub fn is_due(&self, project: ProjectId, now: Timestamp, at_most_every: SignedDuration) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.get(&project).is_none_or(|at| now.duration_since(*at) >= at_most_every);
        if due {
            last.insert(project, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_refreshed_at_most_once_in_fifteen_seconds() {
        let loads = ViewLoads::default();
        let (start, gap) = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(15));
        assert!(loads.is_due(ProjectId(1), start, gap));
        assert!(!loads.is_due(ProjectId(1), start + SignedDuration::from_secs(14), gap));
        assert!(loads.is_due(ProjectId(2), start, gap), "each project has its own");
        assert!(loads.is_due(ProjectId(1), start + SignedDuration::from_secs(15), gap));
    }
}
