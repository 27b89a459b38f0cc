//! The one door through which facts about pull requests enter, and what they do to tickets.
//!
//! One transaction: keep the facts (older ones never replace newer ones), then look at every ticket under way with all that is known
//! of its branch. Looking at what is known, rather than at what has just arrived, makes the outcome independent of the order and the
//! packaging of the facts. A pull request that is missing from a listing is reported, and means nothing by itself.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::Columns;
use super::error::Result;
use super::hold::Hold;
use super::pull_requests::Put;
use super::{Store, projects, pull_requests, repositories, ticket_row, tickets, transition};
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, ProjectId, RepositoryId, TicketKey};
use crate::domain::pull_request::{PullRequest, PullRequestStatus, Source};
use crate::domain::status::{Cause, Status, Transition};

/// What kind of listing the facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// All active pull requests of the project, asked for at `since_poll`: that is how old these facts are, and what was seen later
    /// is not missing from them.
    ActiveComplete { since_poll: Timestamp },
    /// Any others; they are as old as the `now` of the call.
    Some,
}

/// What the configuration says about following pull requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestRules {
    /// Whether a completed pull request takes its ticket to done at once.
    pub done_on_merge: bool,
}

/// What a batch of facts did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Pull requests that are new or of which something changed.
    pub changed: Vec<(RepositoryId, i64)>,
    /// Tickets that moved, or follow another pull request now: from, to, and the words on the card.
    pub moved: Vec<(TicketKey, Status, Status, Option<String>)>,
    /// Known as active, absent from a complete listing of the active ones: to be asked for one by one or by a closed-since listing.
    pub missing_active: Vec<(RepositoryId, i64)>,
}

queries! {
    /// Every ticket under way with each pull request known from its branch.
    UNDER_WAY = "SELECT t.id, t.status, t.repository, t.pr_number, t.started_at, p.number, p.status AS pr_status, \
        p.created_at AS pr_created_at FROM tickets t JOIN pull_requests p ON p.repository = t.repository AND p.source_branch = t.branch \
        WHERE t.project = $1 AND t.status IN ('in_progress', 'pr_open') ORDER BY t.id, p.created_at, p.number";
    MISSING = "SELECT repository, number FROM pull_requests WHERE project = $1 AND status = 'active' AND seen_at < $2 \
        ORDER BY repository, number";
}

/// A pull request from a ticket's branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FromBranch {
    number: i64,
    status: PullRequestStatus,
    created_at: Timestamp,
}

/// A ticket under way and the pull requests from its branch, oldest first.
#[derive(Debug, Clone)]
struct UnderWay {
    id: i64,
    status: Status,
    repository: RepositoryId,
    linked: Option<i64>,
    started_at: Option<Timestamp>,
    pull_requests: Vec<FromBranch>,
}

/// What the known pull requests from a ticket's branch mean for it now, if anything.
fn cause(ticket: &UnderWay, rules: &IngestRules) -> Option<Cause> {
    use PullRequestStatus::{Abandoned, Active, Completed};

    let linked = ticket.linked.and_then(|number| ticket.pull_requests.iter().find(|p| p.number == number));
    let completed = |number| Cause::PullRequestCompleted { number, done_on_merge: rules.done_on_merge };
    if let Some(linked) = linked
        && linked.status == Completed
    {
        return Some(completed(linked.number));
    }
    if let Some(newest) = ticket.pull_requests.iter().rev().find(|p| p.status == Active) {
        let followed = ticket.status == Status::PrOpen && ticket.linked == Some(newest.number);
        return (!followed).then_some(Cause::PullRequestActive { number: newest.number });
    }
    if ticket.status == Status::PrOpen {
        return linked.filter(|p| p.status == Abandoned).map(|p| Cause::PullRequestAbandoned { number: p.number });
    }
    // Opened and completed between two looks. One that is older than the work is of an earlier use of the branch.
    let started_at = ticket.started_at?;
    let adopted = ticket.pull_requests.iter().rev().find(|p| p.status == Completed && p.created_at >= started_at)?;
    Some(completed(adopted.number))
}

async fn under_way(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<UnderWay>> {
    let mut found: Vec<UnderWay> = Vec::new();
    for row in sqlx::query(UNDER_WAY).bind(project.0).fetch_all(conn).await? {
        let pull_request =
            FromBranch { number: row.int("number")?, status: row.word("pr_status")?, created_at: row.instant("pr_created_at")? };
        let id = row.int("id")?;
        match found.last_mut() {
            Some(last) if last.id == id => last.pull_requests.push(pull_request),
            _ => found.push(UnderWay {
                id,
                status: row.word("status")?,
                repository: RepositoryId(row.int("repository")?),
                linked: row.maybe_int("pr_number")?,
                started_at: row.maybe_instant("started_at")?,
                pull_requests: vec![pull_request],
            }),
        }
    }
    Ok(found)
}

/// Moves a ticket as far as the facts carry it: an abandoned pull request and a completed newer one are two moves.
async fn follow(
    conn: &mut AnyConnection,
    ticket: &mut UnderWay,
    rules: &IngestRules,
    now: Timestamp,
    moved: &mut Vec<(TicketKey, Status, Status, Option<String>)>,
) -> Result<()> {
    const MOST_MOVES: usize = 4;
    for _ in 0..MOST_MOVES {
        if !matches!(ticket.status, Status::InProgress | Status::PrOpen) {
            break;
        }
        let Some(cause) = cause(ticket, rules) else { break };
        let mut row = ticket_row::by_id(&mut *conn, ticket.id).await?;
        let before = row.ticket.status;
        let outcome = transition::apply(&mut *conn, &mut row, &cause, Some(ticket.repository), now).await?;
        let Transition::To { status, notice } = outcome else { break };
        moved.push((row.ticket.key.clone(), before, status, notice));
        ticket.status = status;
        ticket.linked = row.ticket.pull_request.map(|followed| followed.number);
    }
    Ok(())
}

fn facts_of(fact: &fact::PullRequest, repository: RepositoryId) -> PullRequest {
    PullRequest {
        repository,
        number: fact.number,
        title: fact.title.clone(),
        description: fact.description.clone(),
        status: fact.status,
        is_draft: fact.is_draft,
        source_branch: fact.source_branch.clone(),
        target_branch: fact.target_branch.clone(),
        author: fact.author.clone(),
        created_at: fact.created_at,
        closed_at: fact.closed_at,
        merge: fact.merge,
        auto_complete: fact.auto_complete,
        reviewers: fact.reviewers.clone(),
        labels: fact.labels.clone(),
        source_commit: fact.source_commit.clone(),
        target_commit: fact.target_commit.clone(),
        merge_commit: fact.merge_commit.clone(),
    }
}

impl Store {
    /// Takes in facts about pull requests of a project and lets its tickets follow. Facts of another project are left out; a
    /// repository that was not known gets a row, unlinked.
    pub async fn ingest(
        &self,
        project: ProjectId,
        facts: &[fact::PullRequest],
        listing: Listing,
        source: Source,
        rules: &IngestRules,
        now: Timestamp,
    ) -> Result<Ingested> {
        self.attempt("take in pull requests", async {
            let at = match listing {
                Listing::ActiveComplete { since_poll } => since_poll,
                Listing::Some => now,
            };
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let known = projects::by_id(writing.conn(), project).await?.ok_or_else(|| projects::missing(project))?;
            let mut by_guid: HashMap<Guid, RepositoryId> = HashMap::new();
            for repository in repositories::of_project(writing.conn(), project).await? {
                by_guid.insert(repository.guid, repository.id);
            }
            let mut ingested = Ingested::default();
            for fact in facts {
                if fact.project.as_ref().is_some_and(|guid| *guid != known.guid) {
                    continue;
                }
                let repository = match by_guid.get(&fact.repository) {
                    Some(id) => *id,
                    None => {
                        let id = repositories::insert(writing.conn(), project, &stranger(fact, &known.guid)).await?;
                        by_guid.insert(fact.repository.clone(), id);
                        writing.announce(Change::Repositories(project));
                        id
                    }
                };
                let put = pull_requests::put(writing.conn(), project, facts_of(fact, repository), source, at).await?;
                if put == Put::Changed {
                    ingested.changed.push((repository, fact.number));
                }
            }
            for mut ticket in under_way(writing.conn(), project).await? {
                follow(writing.conn(), &mut ticket, rules, now, &mut ingested.moved).await?;
            }
            if let Listing::ActiveComplete { since_poll } = listing {
                for row in sqlx::query(MISSING).bind(project.0).bind(since_poll.as_millisecond()).fetch_all(writing.conn()).await? {
                    ingested.missing_active.push((RepositoryId(row.int("repository")?), row.int("number")?));
                }
                projects::set_synced_at(writing.conn(), project, since_poll).await?;
            }
            writing.announce(Change::PullRequests(project));
            tickets::announce(&mut writing, ingested.moved.iter().map(|(key, ..)| (project, key)));
            self.commit(writing).await?;
            Ok(ingested)
        })
        .await
    }
}

/// What a pull request says of a repository nobody has listed yet.
pub(super) fn stranger(fact: &fact::PullRequest, project: &Guid) -> fact::Repository {
    fact::Repository {
        guid: fact.repository.clone(),
        name: fact.repository_name.clone(),
        project: project.clone(),
        default_branch: None,
        disabled: false,
        web_url: None,
        remote_url: None,
    }
}

#[cfg(test)]
mod tests {
    use super::PullRequestStatus::{Abandoned, Active, Completed, Unknown};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ticket(status: Status, linked: Option<i64>, pull_requests: &[(i64, PullRequestStatus)]) -> UnderWay {
        let pull_requests =
            pull_requests.iter().map(|&(number, status)| FromBranch { number, status, created_at: at(number * 10) }).collect();
        UnderWay { id: 1, status, repository: RepositoryId(1), linked, started_at: Some(at(25)), pull_requests }
    }

    /// Pull requests are made at ten times their number; work started at 25.
    #[test]
    fn what_is_known_of_a_branch_decides() {
        use Status::{InProgress, PrOpen};
        let active = |number| Some(Cause::PullRequestActive { number });
        let completed = |number| Some(Cause::PullRequestCompleted { number, done_on_merge: false });
        let abandoned = |number| Some(Cause::PullRequestAbandoned { number });
        type Row<'a> = (Status, Option<i64>, &'a [(i64, PullRequestStatus)], Option<Cause>);
        let table: &[Row<'_>] = &[
            (InProgress, None, &[(3, Active)], active(3)),
            (InProgress, None, &[(3, Active), (4, Active)], active(4)),
            (PrOpen, Some(3), &[(3, Active)], None),
            (PrOpen, Some(3), &[(3, Active), (4, Active)], active(4)),
            (PrOpen, Some(4), &[(3, Active), (4, Active)], None),
            (PrOpen, Some(4), &[(3, Active), (4, Abandoned)], active(3)),
            (PrOpen, Some(3), &[(3, Abandoned)], abandoned(3)),
            (PrOpen, Some(3), &[(3, Abandoned), (4, Completed)], abandoned(3)),
            (PrOpen, Some(3), &[(3, Completed)], completed(3)),
            (PrOpen, Some(3), &[(3, Completed), (4, Active)], completed(3)),
            (PrOpen, Some(3), &[(3, Unknown)], None),
            (InProgress, Some(3), &[(3, Unknown)], None),
            (InProgress, Some(3), &[(3, Abandoned)], None),
            (InProgress, Some(3), &[(3, Active)], active(3)),
            (InProgress, None, &[(3, Completed)], completed(3)),
            (InProgress, Some(3), &[(3, Abandoned), (4, Completed)], completed(4)),
            (InProgress, None, &[(2, Completed)], None),
            (InProgress, None, &[(2, Completed), (3, Abandoned)], None),
        ];
        for (status, linked, pull_requests, expected) in table {
            let ticket = ticket(*status, *linked, pull_requests);
            assert_eq!(cause(&ticket, &IngestRules::default()), *expected, "{status:?} {linked:?} {pull_requests:?}");
        }
    }
}
