//! Moving tickets: every status change in the store goes through here, and here through `domain::status::transition`, in the
//! transaction that keeps its cause.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{Columns as _, Word as _};
use super::error::{Error, Result};
use super::hold::Hold;
use super::ticket_row::{self, TicketRow};
use super::{Store, history, repositories, tickets};
use crate::domain::board::{Column, column_of};
use crate::domain::id::{MemberId, RepositoryId, TicketKey};
use crate::domain::status::{Cause, Status, Transition, transition};
use crate::domain::ticket::{PullRequestRef, Ticket};

/// What a cause did to a ticket. A refusal is an answer: nothing was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub before: Status,
    pub transition: Transition,
    /// The ticket as it is now.
    pub ticket: Ticket,
}

queries! {
    BRANCH_OWNER = "SELECT key FROM tickets WHERE repository = $1 AND branch = $2";
    BY_STATUS = "SELECT status, count(*) AS tickets FROM tickets WHERE project = $1 AND archived = 0 GROUP BY status";
}

fn words_of(cause: &Cause, row: &TicketRow) -> String {
    match cause {
        Cause::WorkStarted => match &row.ticket.branch {
            Some(branch) => format!("work started on {branch}"),
            None => "work started".to_owned(),
        },
        Cause::PullRequestActive { number } => format!("pull request {number} is open"),
        Cause::PullRequestCompleted { number, .. } => format!("pull request {number} was completed"),
        Cause::PullRequestAbandoned { number } => format!("pull request {number} was abandoned"),
        Cause::MovedTo(status) => format!("moved to {} by hand", status.title()),
    }
}

/// Lets a cause act on a ticket and writes down what came of it. `repository` is where the cause's pull request lives.
pub(super) async fn apply(
    conn: &mut AnyConnection,
    row: &mut TicketRow,
    cause: &Cause,
    repository: Option<RepositoryId>,
    now: Timestamp,
) -> Result<Transition> {
    let before = row.ticket.status;
    let linked = row.ticket.pull_request.map(|followed| followed.number);
    let outcome = transition(before, linked, cause);
    let Transition::To { status, notice } = &outcome else { return Ok(outcome) };
    row.ticket.status = *status;
    row.ticket.notice.clone_from(notice);
    if let Cause::PullRequestActive { number } | Cause::PullRequestCompleted { number, .. } = *cause
        && let Some(repository) = repository
    {
        row.ticket.pull_request = Some(PullRequestRef { repository, number });
    }
    let times = &mut row.ticket.times;
    if *cause == Cause::WorkStarted {
        // The start is when work began, not when an abandoned pull request gave the ticket back: pull requests made before it
        // are not the ticket's.
        times.started_at = Some(now);
    }
    match status {
        Status::Todo | Status::InProgress => {}
        Status::PrOpen => times.pr_opened_at = Some(now),
        Status::Merged if before == Status::Done => times.done_at = None,
        Status::Merged => times.merged_at = Some(now),
        Status::Done => {
            times.done_at = Some(now);
            times.merged_at = times.merged_at.or(Some(now));
        }
    }
    let words = match notice {
        Some(notice) => notice.clone(),
        None => words_of(cause, row),
    };
    ticket_row::save(conn, row, now).await?;
    history::record(conn, row.id, now, Some((before, *status)), &words).await?;
    Ok(outcome)
}

/// A move by hand into a full column is refused; what follows a fact is not. Counted in the transaction of the move, which holds the
/// project: two people cannot take the last place both.
async fn check_room(conn: &mut AnyConnection, ticket: &Ticket, to: Status, columns: &[Column]) -> Result<()> {
    let (from, target) = (column_of(columns, ticket.status), column_of(columns, to));
    let Some(column) = target.filter(|_| from != target).and_then(|index| columns.get(index)) else { return Ok(()) };
    let Some(limit) = column.wip_limit else { return Ok(()) };
    let mut count = 0_i64;
    for row in sqlx::query(BY_STATUS).bind(ticket.project.0).fetch_all(conn).await? {
        if Status::from_word(row.borrowed("status")?).is_some_and(|status| column.statuses.contains(&status)) {
            count += row.int("tickets")?;
        }
    }
    if count >= i64::from(limit) {
        return Err(Error::refused(
            format!("{} is full: {count} of {limit}", column.name),
            "finish one of them first, or raise the limit in the configuration",
        ));
    }
    Ok(())
}

impl Store {
    /// Lets a cause act on a ticket: facts about a pull request of the ticket's own repository, and moves that no column limits.
    pub async fn transition(&self, key: &TicketKey, cause: &Cause, now: Timestamp) -> Result<Applied> {
        self.transition_within(key, cause, &[], now).await
    }

    /// Moves a ticket by hand, unless the column it would go to is full.
    pub async fn move_by_hand(&self, key: &TicketKey, to: Status, columns: &[Column], now: Timestamp) -> Result<Applied> {
        self.transition_within(key, &Cause::MovedTo(to), columns, now).await
    }

    async fn transition_within(&self, key: &TicketKey, cause: &Cause, columns: &[Column], now: Timestamp) -> Result<Applied> {
        self.attempt(format!("move {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let mut row = ticket_row::get(writing.conn(), key).await?;
            if let Cause::MovedTo(to) = cause {
                check_room(writing.conn(), &row.ticket, *to, columns).await?;
            }
            let before = row.ticket.status;
            let repository = row.ticket.repository;
            let transition = apply(writing.conn(), &mut row, cause, repository, now).await?;
            if matches!(transition, Transition::To { .. }) {
                tickets::announce(&mut writing, [(row.ticket.project, key)].into_iter());
                self.commit(writing).await?;
            }
            Ok(Applied { before, transition, ticket: row.ticket })
        })
        .await
    }

    /// Marks a ticket as started on a branch that exists, once Azure DevOps has acknowledged it: repository, branch, assignee and
    /// status in one transaction. Doing it again changes nothing, whoever does it; another branch than the first is refused.
    pub async fn start_ticket(
        &self,
        key: &TicketKey,
        repository: RepositoryId,
        branch: &str,
        assignee: Option<MemberId>,
        now: Timestamp,
    ) -> Result<Applied> {
        self.attempt(format!("mark {key} as started"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let mut row = ticket_row::get(writing.conn(), key).await?;
            let before = row.ticket.status;
            let refuse =
                |words: String, ticket: &Ticket| Ok(Applied { before, transition: Transition::Refused(words), ticket: ticket.clone() });
            if let Some(known) = &row.ticket.branch
                && (known != branch || row.ticket.repository != Some(repository))
            {
                return refuse(format!("work on {key} has started already, on {known}; go on there"), &row.ticket);
            }
            let found = repositories::by_id(writing.conn(), repository).await?.ok_or_else(|| repositories::missing(repository))?;
            if found.project != row.ticket.project {
                return refuse(format!("{} is not a repository of the ticket's project; choose one that is", found.name), &row.ticket);
            }
            let owner: Option<String> =
                sqlx::query_scalar(BRANCH_OWNER).bind(repository.0).bind(branch).fetch_optional(writing.conn()).await?;
            if let Some(owner) = owner
                && owner != key.to_string()
            {
                return refuse(format!("the branch {branch} belongs to {owner}; choose another name"), &row.ticket);
            }
            let unchanged = row.ticket.clone();
            row.ticket.repository = Some(repository);
            row.ticket.branch = Some(branch.to_owned());
            // Who comes second does not take the work away from who began it.
            row.ticket.assignee = match unchanged.branch {
                None => assignee.or(unchanged.assignee),
                Some(_) => unchanged.assignee.or(assignee),
            };
            let transition = apply(writing.conn(), &mut row, &Cause::WorkStarted, None, now).await?;
            match transition {
                Transition::To { .. } => {}
                Transition::Same if row.ticket != unchanged => ticket_row::save(writing.conn(), &mut row, now).await?,
                Transition::Same => return Ok(Applied { before, transition, ticket: unchanged }),
                Transition::Refused(words) => return refuse(words, &unchanged),
            }
            tickets::announce(&mut writing, [(row.ticket.project, key)].into_iter());
            self.commit(writing).await?;
            Ok(Applied { before, transition, ticket: row.ticket })
        })
        .await
    }
}
