//! Tickets by their branches and pull requests, and what a look at a branch found of a spec.

use super::column::Columns;
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, specs, ticket_row};
use crate::domain::change::Change;
use crate::domain::id::{ObjectId, ProjectId, RepositoryId, TicketKey};
use crate::domain::ticket::SpecState;

/// What became of the finding of a look at a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The branch holds what was known before.
    Known,
    /// It holds something else; this is how the spec stands now.
    New(Box<SpecState>),
    /// A push or a pull came in between: the finding may be the older one. Look again.
    Overtaken,
}

queries! {
    OF_BRANCH = "SELECT key FROM tickets WHERE repository = $1 AND branch = $2";
    FOLLOWED = "SELECT DISTINCT pr_repository FROM tickets WHERE project = $1 AND pr_number = $2 ORDER BY pr_repository";
}

impl Store {
    /// The ticket whose work happens on a branch (without `refs/heads/`).
    pub async fn ticket_of_branch(&self, repository: RepositoryId, branch: &str) -> Result<Option<TicketKey>> {
        self.attempt(format!("look for the ticket of {branch}"), async {
            let row = sqlx::query(OF_BRANCH).bind(repository.0).bind(branch).fetch_optional(&mut *self.reader().await?).await?;
            row.map(|row| TicketKey::parse(row.borrowed("key")?).map_err(|error| Error::unreadable(error.to_string()))).transpose()
        })
        .await
    }

    /// The repositories in which tickets of a project follow a pull request of this number.
    pub async fn followed_in(&self, project: ProjectId, number: i64) -> Result<Vec<RepositoryId>> {
        self.attempt(format!("look for tickets that follow pull request {number}"), async {
            let rows = sqlx::query(FOLLOWED).bind(project.0).bind(number).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(|row| Ok(RepositoryId(row.int("pr_repository")?))).collect()
        })
        .await
    }

    /// Keeps which blob of the spec a look at the branch found, unless the spec was pushed or pulled since `before` was read.
    pub async fn record_spec_found(&self, key: &TicketKey, before: &SpecState, object: Option<&ObjectId>) -> Result<Found> {
        self.attempt(format!("remember the branch's spec of {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let mut row = ticket_row::get(writing.conn(), key).await?;
            let mut state = specs::get(writing.conn(), row.id).await?;
            if (&state.base_object, &state.remote_object) != (&before.base_object, &before.remote_object) {
                return Ok(Found::Overtaken);
            }
            if state.remote_object.as_ref() == object {
                return Ok(Found::Known);
            }
            state.remote_object = object.cloned();
            ticket_row::save_badge(writing.conn(), &mut row, state.badge()).await?;
            specs::put(writing.conn(), &row, &state).await?;
            writing.announce(Change::Ticket { project: row.ticket.project, key: key.clone() });
            self.commit(writing).await?;
            Ok(Found::New(Box::new(state)))
        })
        .await
    }
}
