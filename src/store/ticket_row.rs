//! One ticket's row: the only place that reads and writes it, so that the line the board reads never disagrees with the rest.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;

use super::board;
use super::column::{Columns, Word, flag, json, real};
use super::error::{Error, Result};
use super::next;
use crate::domain::id::{MemberId, ProjectId, RepositoryId, TicketKey};
use crate::domain::ticket::{Priority, PullRequestRef, SpecBadge, Ticket, Times};

/// A ticket with its row's number and how its spec stands to the branch.
pub(super) struct TicketRow {
    pub id: i64,
    pub ticket: Ticket,
    pub badge: SpecBadge,
}

macro_rules! columns {
    () => {
        "t.id, t.project, t.key, t.status, t.title, t.assignee, t.repository, t.branch, t.labels, t.priority, t.estimate_hours, \
         t.dependencies, t.pr_repository, t.pr_number, t.notice, t.archived, t.spec_badge, t.created_at, t.updated_at, t.started_at, \
         t.pr_opened_at, t.merged_at, t.done_at, t.version, s.description, s.parent_story, s.criteria"
    };
}

queries! {
    BY_KEY = concat!("SELECT ", columns!(), " FROM tickets t JOIN specs s ON s.ticket = t.id WHERE t.key = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM tickets t JOIN specs s ON s.ticket = t.id WHERE t.id = $1");
    /// `$2` is 1 to include archived tickets.
    OF_PROJECT = concat!("SELECT ", columns!(), " FROM tickets t JOIN specs s ON s.ticket = t.id \
        WHERE t.project = $1 AND (t.archived = 0 OR $2 = 1) ORDER BY t.id");
    INSERT = "INSERT INTO tickets (id, project, archived, pr_repository, pr_number, card, key, status, repository, branch, title, \
        assignee, labels, priority, estimate_hours, dependencies, notice, criteria_done, criteria_total, spec_badge, created_at, \
        updated_at, started_at, pr_opened_at, merged_at, done_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
        $13, $14, CAST($15 AS DOUBLE PRECISION), $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)";
    UPDATE = "UPDATE tickets SET project = $2, archived = $3, pr_repository = $4, pr_number = $5, card = $6, key = $7, status = $8, \
        repository = $9, branch = $10, title = $11, assignee = $12, labels = $13, priority = $14, estimate_hours = CAST($15 AS DOUBLE PRECISION), \
        dependencies = $16, notice = $17, criteria_done = $18, criteria_total = $19, spec_badge = $20, created_at = $21, \
        updated_at = $22, started_at = $23, pr_opened_at = $24, merged_at = $25, done_at = $26, version = $27 \
        WHERE id = $1 AND version = $28";
}

pub(super) fn read(row: &AnyRow) -> Result<TicketRow> {
    let key = row.borrowed("key")?;
    let key = TicketKey::parse(key).map_err(|error| Error::unreadable(error.to_string()))?;
    let priority = match row.maybe_int("priority")? {
        Some(level) => {
            let priority = u8::try_from(level).ok().and_then(Priority::new);
            Some(priority.ok_or_else(|| Error::unreadable(format!("priority of {key}: {level}")))?)
        }
        None => None,
    };
    let pull_request = match (row.maybe_int("pr_repository")?, row.maybe_int("pr_number")?) {
        (Some(repository), Some(number)) => Some(PullRequestRef { repository: RepositoryId(repository), number }),
        _ => None,
    };
    let ticket = Ticket {
        key,
        project: ProjectId(row.int("project")?),
        title: row.text("title")?,
        description: row.text("description")?,
        parent_story: row.maybe_text("parent_story")?,
        criteria: row.json("criteria")?,
        assignee: row.maybe_int("assignee")?.map(MemberId),
        repository: row.maybe_int("repository")?.map(RepositoryId),
        branch: row.maybe_text("branch")?,
        labels: row.json("labels")?,
        priority,
        estimate_hours: row.maybe_real("estimate_hours")?,
        dependencies: row.json("dependencies")?,
        status: row.word("status")?,
        pull_request,
        notice: row.maybe_text("notice")?,
        archived: row.flag("archived")?,
        times: Times {
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
            started_at: row.maybe_instant("started_at")?,
            pr_opened_at: row.maybe_instant("pr_opened_at")?,
            merged_at: row.maybe_instant("merged_at")?,
            done_at: row.maybe_instant("done_at")?,
        },
        version: row.int("version")?,
    };
    Ok(TicketRow { id: row.int("id")?, ticket, badge: row.word("spec_badge")? })
}

pub(super) async fn find(conn: &mut AnyConnection, key: &TicketKey) -> Result<Option<TicketRow>> {
    sqlx::query(BY_KEY).bind(key.to_string()).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

pub(super) async fn get(conn: &mut AnyConnection, key: &TicketKey) -> Result<TicketRow> {
    find(conn, key).await?.ok_or_else(|| Error::Missing(format!("ticket {key}")))
}

pub(super) async fn by_id(conn: &mut AnyConnection, id: i64) -> Result<TicketRow> {
    let row = sqlx::query(BY_ID).bind(id).fetch_optional(conn).await?;
    row.as_ref().map(read).transpose()?.ok_or_else(|| Error::Missing(format!("ticket number {id}")))
}

pub(super) async fn of_project(conn: &mut AnyConnection, project: ProjectId, archived: i64) -> Result<Vec<Ticket>> {
    use futures_util::TryStreamExt;

    let mut tickets = Vec::new();
    let mut rows = sqlx::query(OF_PROJECT).bind(project.0).bind(archived).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        tickets.push(read(&row)?.ticket);
    }
    Ok(tickets)
}

/// Binds a whole row, in the order that `INSERT` and `UPDATE` share.
fn bind(sql: &'static str, row: &TicketRow) -> Result<Query<'static, Any, AnyArguments>> {
    let TicketRow { id, ticket, badge } = row;
    let done = ticket.criteria.iter().filter(|criterion| criterion.ticked).count();
    let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    Ok(sqlx::query(sql)
        .bind(*id)
        .bind(ticket.project.0)
        .bind(flag(ticket.archived))
        .bind(ticket.pull_request.map(|followed| followed.repository.0))
        .bind(ticket.pull_request.map(|followed| followed.number))
        .bind(board::card_line(ticket, *badge))
        .bind(ticket.key.to_string())
        .bind(ticket.status.to_word())
        .bind(ticket.repository.map(|repository| repository.0))
        .bind(ticket.branch.clone())
        .bind(ticket.title.clone())
        .bind(ticket.assignee.map(|member| member.0))
        .bind(json(&ticket.labels)?)
        .bind(ticket.priority.map(|priority| i64::from(priority.level())))
        .bind(real(ticket.estimate_hours))
        .bind(json(&ticket.dependencies)?)
        .bind(ticket.notice.clone())
        .bind(done as i64)
        .bind(ticket.criteria.len() as i64)
        .bind(badge.to_word())
        .bind(ticket.times.created_at.as_millisecond())
        .bind(ticket.times.updated_at.as_millisecond())
        .bind(milliseconds(ticket.times.started_at))
        .bind(milliseconds(ticket.times.pr_opened_at))
        .bind(milliseconds(ticket.times.merged_at))
        .bind(milliseconds(ticket.times.done_at))
        .bind(ticket.version))
}

/// Adds a ticket's row; the spec's row must follow in the same transaction.
pub(super) async fn insert(conn: &mut AnyConnection, ticket: Ticket) -> Result<TicketRow> {
    let id = next(conn, "tickets").await?;
    let row = TicketRow { id, ticket, badge: SpecBadge::Local };
    bind(INSERT, &row)?.execute(conn).await?;
    Ok(row)
}

/// Writes a ticket: its version grows and its time of change is `now`.
pub(super) async fn save(conn: &mut AnyConnection, row: &mut TicketRow, now: Timestamp) -> Result<()> {
    let before = row.ticket.version;
    row.ticket.version += 1;
    row.ticket.times.updated_at = now;
    update(conn, row, before).await
}

/// Nothing is written over a version that was not read: whoever forgot to hold the ticket is told, and overwrites nobody.
async fn update(conn: &mut AnyConnection, row: &TicketRow, before: i64) -> Result<()> {
    let done = bind(UPDATE, row)?.bind(before).execute(&mut *conn).await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let key = &row.ticket.key;
    let found = get(conn, key).await?.ticket.version;
    Err(Error::VersionConflict { key: key.clone(), expected: before, found })
}

/// Writes how the spec stands to the branch. That is no change a person made, so it does not contradict one under way elsewhere.
pub(super) async fn save_badge(conn: &mut AnyConnection, row: &mut TicketRow, badge: SpecBadge) -> Result<()> {
    if row.badge != badge {
        row.badge = badge;
        update(conn, row, row.ticket.version).await?;
    }
    Ok(())
}
