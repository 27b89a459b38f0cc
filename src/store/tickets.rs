//! Making, reading, changing and deleting tickets. Their status is changed elsewhere (`transition`), their text too (`specs`).

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::Columns;
use super::error::{Error, Result};
use super::hold::Hold;
use super::journal::{self, JournalId};
use super::ticket_row::{self, TicketRow};
use super::{Store, Writing, history, members, next, projects, pull_requests, raise, repositories, specs};
use crate::domain::change::Change;
use crate::domain::id::{MemberId, ObjectId, ProjectId, RepositoryId, TicketKey};
use crate::domain::project::Project;
use crate::domain::spec::Spec;
use crate::domain::status::Status;
use crate::domain::ticket::{Priority, Ticket, Times};
use crate::domain::ticket_view::TicketView;

/// Writes a spec for the key it is told.
pub type SpecOfKey = Box<dyn FnOnce(&TicketKey) -> String + Send>;

/// Where a new ticket's spec comes from.
pub enum SpecText {
    Given(String),
    /// For a spec that names its key: the key is known only once it is issued.
    FromKey(SpecOfKey),
}

/// A ticket to be made.
pub struct NewTicket {
    pub project: ProjectId,
    /// A key from outside (an import); absent for the project's next one.
    pub key: Option<TicketKey>,
    pub spec_text: SpecText,
    pub repository: Option<RepositoryId>,
    pub assignee: Option<MemberId>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub estimate_hours: Option<f64>,
    pub dependencies: Vec<TicketKey>,
}

/// What to change about a ticket; what is absent stays, `Some(None)` takes away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketChange {
    pub assignee: Option<Option<MemberId>>,
    pub repository: Option<Option<RepositoryId>>,
    pub labels: Option<Vec<String>>,
    pub priority: Option<Option<Priority>>,
    pub estimate_hours: Option<Option<f64>>,
    pub dependencies: Option<Vec<TicketKey>>,
    pub archived: Option<bool>,
}

/// Whether a listing includes archived tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archived {
    Hidden,
    Shown,
}

queries! {
    DELETE = "DELETE FROM tickets WHERE id = $1";
    STATUS_OF_KEY = "SELECT status FROM tickets WHERE key = $1";
}

async fn check_repository(conn: &mut AnyConnection, project: ProjectId, id: RepositoryId) -> Result<()> {
    let repository = repositories::by_id(conn, id).await?.ok_or_else(|| repositories::missing(id))?;
    if repository.project != project {
        return Err(Error::refused(
            format!("{} belongs to another project", repository.name),
            "choose a repository of the ticket's project",
        ));
    }
    if !repository.linked {
        return Err(Error::refused(format!("the repository {} is not linked", repository.name), "link it with `kanado repos link`"));
    }
    Ok(())
}

async fn check_assignee(conn: &mut AnyConnection, project: ProjectId, id: MemberId) -> Result<()> {
    let member = members::by_id(conn, id).await?.ok_or_else(|| members::missing(id))?;
    if member.project != project {
        return Err(Error::refused(
            format!("{} is not a member of the ticket's project", member.identity.display_name),
            "add the person with `kanado members add`",
        ));
    }
    Ok(())
}

/// The key for a new ticket: the one asked for, if it is free and not another project's, else the next of the project.
async fn issue_key(conn: &mut AnyConnection, project: &Project, wanted: Option<TicketKey>) -> Result<TicketKey> {
    let Some(key) = wanted else {
        let number = next(conn, &format!("ticket:{}", project.prefix)).await?;
        let number =
            u32::try_from(number).map_err(|_| Error::refused("ticket numbers are used up", "begin a project with another prefix"))?;
        return TicketKey::new(&project.prefix, number)
            .map_err(|_| Error::refused("ticket numbers are used up", "begin a project with another prefix"));
    };
    if key.prefix() != project.prefix
        && let Some(owner) = projects::prefix_owner(conn, key.prefix()).await?
    {
        let owner = projects::by_id(conn, owner).await?.map_or_else(|| "another project".to_owned(), |owner| owner.name);
        return Err(Error::refused(
            format!("{key} would be a ticket of {owner}: its keys begin with {}", key.prefix()),
            format!("leave the key out, or give one that begins with {}", project.prefix),
        ));
    }
    if ticket_row::find(conn, &key).await?.is_some() {
        return Err(Error::KeyTaken(key));
    }
    raise(conn, &format!("ticket:{}", key.prefix()), i64::from(key.number())).await?;
    Ok(key)
}

async fn create(writing: &mut Writing, project: &Project, new: NewTicket, now: Timestamp) -> Result<Ticket> {
    if let Some(repository) = new.repository {
        check_repository(writing.conn(), project.id, repository).await?;
    }
    if let Some(assignee) = new.assignee {
        check_assignee(writing.conn(), project.id, assignee).await?;
    }
    let key = issue_key(writing.conn(), project, new.key).await?;
    check_dependencies(&key, &new.dependencies)?;
    let text = match new.spec_text {
        SpecText::Given(text) => text,
        SpecText::FromKey(write) => write(&key),
    };
    let spec = Spec::parse(&text);
    let ticket = Ticket {
        key,
        project: project.id,
        title: spec.title().to_owned(),
        description: spec.description().to_owned(),
        parent_story: spec.parent_story().map(str::to_owned),
        criteria: spec.criteria(),
        assignee: new.assignee,
        repository: new.repository,
        branch: None,
        labels: new.labels,
        priority: new.priority,
        estimate_hours: new.estimate_hours,
        dependencies: new.dependencies,
        status: Status::Todo,
        pull_request: None,
        notice: None,
        archived: false,
        times: Times { created_at: now, updated_at: now, ..Times::default() },
        version: 1,
    };
    let row = ticket_row::insert(writing.conn(), ticket).await?;
    specs::insert(writing.conn(), &row, &text).await?;
    history::record(writing.conn(), row.id, now, None, "ticket made").await?;
    Ok(row.ticket)
}

fn check_dependencies(key: &TicketKey, dependencies: &[TicketKey]) -> Result<()> {
    if dependencies.contains(key) {
        return Err(Error::refused(format!("{key} cannot wait for itself"), "leave it out of its own dependencies"));
    }
    Ok(())
}

fn check_version(row: &TicketRow, expected: i64) -> Result<()> {
    if row.ticket.version == expected {
        return Ok(());
    }
    Err(Error::VersionConflict { key: row.ticket.key.clone(), expected, found: row.ticket.version })
}

/// Puts a change into a ticket; the words for its history, when it deserves a line.
async fn change_ticket(conn: &mut AnyConnection, row: &mut TicketRow, change: &TicketChange) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let project = row.ticket.project;
    if let Some(assignee) = change.assignee
        && assignee != row.ticket.assignee
    {
        match assignee {
            Some(member) => {
                check_assignee(conn, project, member).await?;
                let name = members::by_id(conn, member).await?.map_or_else(String::new, |member| member.identity.display_name);
                words.push(format!("assigned to {name}"));
            }
            None => words.push("assigned to nobody".to_owned()),
        }
        row.ticket.assignee = assignee;
    }
    if let Some(repository) = change.repository
        && repository != row.ticket.repository
    {
        if let Some(branch) = &row.ticket.branch {
            return Err(Error::refused(
                format!("{} cannot change its repository: work has started on {branch}", row.ticket.key),
                "make a new ticket for the other repository",
            ));
        }
        if let Some(repository) = repository {
            check_repository(conn, project, repository).await?;
        }
        row.ticket.repository = repository;
    }
    if let Some(labels) = &change.labels {
        row.ticket.labels.clone_from(labels);
    }
    if let Some(priority) = change.priority {
        row.ticket.priority = priority;
    }
    if let Some(estimate) = change.estimate_hours {
        if estimate.is_some_and(|hours| !hours.is_finite() || hours < 0.0) {
            return Err(Error::refused("an estimate is a number of hours, not below zero", "give it as hours, such as 2.5"));
        }
        row.ticket.estimate_hours = estimate;
    }
    if let Some(dependencies) = &change.dependencies {
        check_dependencies(&row.ticket.key, dependencies)?;
        row.ticket.dependencies.clone_from(dependencies);
    }
    if let Some(archived) = change.archived
        && archived != row.ticket.archived
    {
        row.ticket.archived = archived;
        words.push(if archived { "archived" } else { "taken out of the archive" }.to_owned());
    }
    Ok(words)
}

/// Changes a ticket as a part of a write; as it is then.
async fn change_in(writing: &mut Writing, key: &TicketKey, change: &TicketChange, now: Timestamp) -> Result<Ticket> {
    let mut row = ticket_row::get(writing.conn(), key).await?;
    let before = row.ticket.clone();
    let words = change_ticket(writing.conn(), &mut row, change).await?;
    if row.ticket == before {
        return Ok(before);
    }
    ticket_row::save(writing.conn(), &mut row, now).await?;
    for words in words {
        history::record(writing.conn(), row.id, now, None, &words).await?;
    }
    writing.announce(Change::Ticket { project: row.ticket.project, key: key.clone() });
    Ok(row.ticket)
}

impl Store {
    /// Makes a ticket. Its key is issued in the same transaction, so that no two tickets ever get the same one.
    pub async fn create_ticket(&self, new: NewTicket, now: Timestamp) -> Result<Ticket> {
        let made = self.create_tickets(vec![new], now).await?;
        made.into_iter().next().ok_or_else(|| Error::Missing("ticket that was just made".to_owned()))
    }

    /// Makes several tickets: all of them or none.
    pub async fn create_tickets(&self, new: Vec<NewTicket>, now: Timestamp) -> Result<Vec<Ticket>> {
        self.attempt("make a ticket", async {
            let projects: Vec<ProjectId> = new.iter().map(|new| new.project).collect();
            let mut writing = self.writing_on(Hold::Projects(&projects)).await?;
            let mut project: Option<Project> = None;
            let mut made = Vec::with_capacity(new.len());
            for new in new {
                if project.as_ref().is_none_or(|project| project.id != new.project) {
                    let found = projects::by_id(writing.conn(), new.project).await?;
                    project = Some(found.ok_or_else(|| projects::missing(new.project))?);
                }
                let Some(project) = &project else { continue };
                made.push(create(&mut writing, project, new, now).await?);
            }
            announce(&mut writing, made.iter().map(|ticket| (ticket.project, &ticket.key)));
            self.commit(writing).await?;
            Ok(made)
        })
        .await
    }

    /// Makes a ticket from a spec that exists, and writes that down as a step of an import: both or neither, so that an import which
    /// is interrupted never adopts a spec twice. `on_branch` is the blob of the text where it comes from a branch.
    pub async fn adopt_ticket(
        &self,
        new: NewTicket,
        on_branch: Option<&ObjectId>,
        import: (JournalId, &str),
        now: Timestamp,
    ) -> Result<Ticket> {
        self.attempt("make a ticket", async {
            let mut writing = self.writing_on(Hold::Project(new.project)).await?;
            let project = projects::by_id(writing.conn(), new.project).await?.ok_or_else(|| projects::missing(new.project))?;
            let ticket = create(&mut writing, &project, new, now).await?;
            if let Some(object) = on_branch {
                specs::is_on_branch(&mut writing, &ticket.key, object, now).await?;
            }
            let (journal, step) = import;
            journal::write_step(writing.conn(), journal, step, &ticket.key.to_string(), now).await?;
            announce(&mut writing, [(ticket.project, &ticket.key)].into_iter());
            self.commit(writing).await?;
            Ok(ticket)
        })
        .await
    }

    pub async fn ticket(&self, key: &TicketKey) -> Result<Option<Ticket>> {
        self.attempt(format!("read {key}"), async { Ok(ticket_row::find(&mut *self.reader().await?, key).await?.map(|row| row.ticket)) })
            .await
    }

    /// All tickets of a project with their texts, in the order they were made. For painting many, [`Store::board`] is far cheaper.
    pub async fn tickets(&self, project: ProjectId, archived: Archived) -> Result<Vec<Ticket>> {
        self.attempt("read the tickets", async {
            let archived = match archived {
                Archived::Hidden => 0,
                Archived::Shown => 1,
            };
            ticket_row::of_project(&mut *self.reader().await?, project, archived).await
        })
        .await
    }

    /// A ticket with everything its screen shows, as of one moment.
    pub async fn ticket_view(&self, key: &TicketKey) -> Result<Option<TicketView>> {
        self.attempt(format!("read {key}"), async {
            let mut conn = self.snapshot().await?;
            let Some(row) = ticket_row::find(&mut conn, key).await? else { return Ok(None) };
            let ticket = row.ticket;
            let project = projects::by_id(&mut conn, ticket.project).await?.ok_or_else(|| projects::missing(ticket.project))?;
            let assignee = match ticket.assignee {
                Some(id) => members::by_id(&mut conn, id).await?,
                None => None,
            };
            let repository = match ticket.repository {
                Some(id) => repositories::by_id(&mut conn, id).await?,
                None => None,
            };
            let pull_request = match ticket.pull_request {
                Some(followed) => pull_requests::find(&mut conn, followed.repository, followed.number).await?,
                None => None,
            };
            let mut dependencies = Vec::with_capacity(ticket.dependencies.len());
            for dependency in &ticket.dependencies {
                let status = sqlx::query(STATUS_OF_KEY).bind(dependency.to_string()).fetch_optional(&mut *conn).await?;
                dependencies.push((dependency.clone(), status.as_ref().map(|row| row.word("status")).transpose()?));
            }
            let spec = specs::get(&mut conn, row.id).await?;
            let history = history::of(&mut conn, row.id).await?;
            conn.rollback().await?;
            Ok(Some(TicketView { ticket, spec, project, assignee, repository, pull_request, dependencies, history }))
        })
        .await
    }

    /// Changes a ticket that is still the version the caller saw.
    pub async fn update_ticket(&self, key: &TicketKey, version: i64, change: &TicketChange, now: Timestamp) -> Result<Ticket> {
        self.attempt(format!("change {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let row = ticket_row::get(writing.conn(), key).await?;
            check_version(&row, version)?;
            let ticket = change_in(&mut writing, key, change, now).await?;
            if ticket.version != version {
                self.commit(writing).await?;
            }
            Ok(ticket)
        })
        .await
    }

    /// Changes a ticket and its text together, both still what the caller saw: all of it or nothing. The text comes with the revision
    /// it was written on.
    pub async fn edit_ticket(
        &self,
        key: &TicketKey,
        version: i64,
        change: &TicketChange,
        text: Option<(i64, &str)>,
        now: Timestamp,
    ) -> Result<Ticket> {
        self.attempt(format!("change {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let row = ticket_row::get(writing.conn(), key).await?;
            check_version(&row, version)?;
            if let Some((revision, text)) = text {
                specs::save_in(&mut writing, key, revision, text, now).await?;
            }
            let ticket = change_in(&mut writing, key, change, now).await?;
            self.commit(writing).await?;
            Ok(ticket)
        })
        .await
    }

    /// Deletes a ticket that nobody has started, its spec and history included. Its key is not given out again.
    pub async fn delete_ticket(&self, key: &TicketKey, version: i64) -> Result<()> {
        self.attempt(format!("delete {key}"), async {
            let mut writing = self.writing_on(Hold::Ticket(key)).await?;
            let row = ticket_row::get(writing.conn(), key).await?;
            check_version(&row, version)?;
            if row.ticket.status != Status::Todo {
                return Err(Error::refused(
                    format!("{key} cannot be deleted: work on it has started"),
                    format!("archive it instead: `kanado archive {key}`"),
                ));
            }
            sqlx::query(DELETE).bind(row.id).execute(writing.conn()).await?;
            writing.announce(Change::Ticket { project: row.ticket.project, key: key.clone() });
            self.commit(writing).await
        })
        .await
    }
}

/// Announces tickets one by one, or as a crowd when they are many.
pub(super) fn announce<'a>(writing: &mut Writing, tickets: impl ExactSizeIterator<Item = (ProjectId, &'a TicketKey)>) {
    const CROWD: usize = 16;
    let many = tickets.len() > CROWD;
    for (project, key) in tickets {
        writing.announce(if many { Change::Tickets(project) } else { Change::Ticket { project, key: key.clone() } });
    }
}
