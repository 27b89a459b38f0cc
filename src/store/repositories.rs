//! Repositories of a project. Discovering them never unlinks one: a repository that vanished from a listing may only be hidden from
//! the token that listed.

use std::collections::HashMap;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, flag};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, next};
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, ProjectId, RepositoryId};
use crate::domain::project::Repository;

/// Whether a repository takes tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    Yes,
    No,
}

macro_rules! columns {
    () => {
        "id, project, guid, name, linked, default_branch, target_branch, web_url, remote_url, disabled"
    };
}

queries! {
    OF_PROJECT = concat!("SELECT ", columns!(), " FROM repositories WHERE project = $1 ORDER BY name, id");
    BY_ID = concat!("SELECT ", columns!(), " FROM repositories WHERE id = $1");
    BY_GUID = concat!("SELECT ", columns!(), " FROM repositories WHERE project = $1 AND guid = $2");
    GUIDS = "SELECT guid, id, project FROM repositories ORDER BY id";
    INSERT = "INSERT INTO repositories (id, project, guid, name, linked, default_branch, web_url, remote_url, disabled) \
        VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)";
    /// A listing without an address (list rows of some versions have none) keeps the known one.
    UPDATE = "UPDATE repositories SET name = $2, default_branch = $3, web_url = coalesce($4, web_url), \
        remote_url = coalesce($5, remote_url), disabled = $6 WHERE id = $1";
    SET_LINKED = "UPDATE repositories SET linked = $2 WHERE id = $1";
    SET_TARGET = "UPDATE repositories SET target_branch = $2 WHERE id = $1";
}

fn read(row: &AnyRow) -> Result<Repository> {
    Ok(Repository {
        id: RepositoryId(row.int("id")?),
        project: ProjectId(row.int("project")?),
        guid: Guid::new(row.borrowed("guid")?),
        name: row.text("name")?,
        linked: row.flag("linked")?,
        default_branch: row.maybe_text("default_branch")?,
        target_branch: row.maybe_text("target_branch")?,
        web_url: row.maybe_text("web_url")?,
        remote_url: row.maybe_text("remote_url")?,
        disabled: row.flag("disabled")?,
    })
}

pub(super) fn missing(id: RepositoryId) -> Error {
    Error::Missing(format!("repository number {id}"))
}

pub(super) async fn by_id(conn: &mut AnyConnection, id: RepositoryId) -> Result<Option<Repository>> {
    sqlx::query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

pub(super) async fn of_project(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<Repository>> {
    sqlx::query(OF_PROJECT).bind(project.0).fetch_all(conn).await?.iter().map(read).collect()
}

/// All repositories by their ids in Azure DevOps; where projects share one, the given project's.
pub(super) async fn by_guid(conn: &mut AnyConnection, project: ProjectId) -> Result<HashMap<Guid, RepositoryId>> {
    let mut found = HashMap::new();
    for row in sqlx::query(GUIDS).fetch_all(conn).await? {
        let (guid, id) = (Guid::new(row.borrowed("guid")?), RepositoryId(row.int("id")?));
        if row.int("project")? == project.0 {
            found.insert(guid, id);
        } else {
            found.entry(guid).or_insert(id);
        }
    }
    Ok(found)
}

/// Makes a row for a repository seen for the first time; it is not linked.
pub(super) async fn insert(conn: &mut AnyConnection, project: ProjectId, fact: &fact::Repository) -> Result<RepositoryId> {
    let id = next(conn, "repositories").await?;
    sqlx::query(INSERT)
        .bind(id)
        .bind(project.0)
        .bind(fact.guid.as_str())
        .bind(&*fact.name)
        .bind(fact.default_branch.clone())
        .bind(fact.web_url.clone())
        .bind(fact.remote_url.clone())
        .bind(flag(fact.disabled))
        .execute(conn)
        .await?;
    Ok(RepositoryId(id))
}

impl Store {
    pub async fn repositories(&self, project: ProjectId) -> Result<Vec<Repository>> {
        self.attempt("read the repositories", async { of_project(&mut *self.reader().await?, project).await }).await
    }

    pub async fn repository(&self, id: RepositoryId) -> Result<Option<Repository>> {
        self.attempt("read a repository", async { by_id(&mut *self.reader().await?, id).await }).await
    }

    /// Keeps what a listing said. Repositories that it left out stay, and what was linked or given a target branch stays so.
    pub async fn put_repositories(&self, project: ProjectId, facts: &[fact::Repository]) -> Result<Vec<Repository>> {
        self.attempt("keep the repositories", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            for fact in facts {
                let known = sqlx::query(BY_GUID)
                    .bind(project.0)
                    .bind(fact.guid.as_str())
                    .fetch_optional(writing.conn())
                    .await?
                    .as_ref()
                    .map(read)
                    .transpose()?;
                match known {
                    None => {
                        insert(writing.conn(), project, fact).await?;
                    }
                    Some(known) => {
                        sqlx::query(UPDATE)
                            .bind(known.id.0)
                            .bind(&*fact.name)
                            .bind(fact.default_branch.clone())
                            .bind(fact.web_url.clone())
                            .bind(fact.remote_url.clone())
                            .bind(flag(fact.disabled))
                            .execute(writing.conn())
                            .await?;
                    }
                }
            }
            let kept = of_project(writing.conn(), project).await?;
            writing.announce(Change::Repositories(project));
            self.commit(writing).await?;
            Ok(kept)
        })
        .await
    }

    pub async fn set_linked(&self, id: RepositoryId, linked: Linked) -> Result<Repository> {
        self.attempt("link or unlink a repository", async {
            let mut writing = self.writing().await?;
            sqlx::query(SET_LINKED).bind(id.0).bind(flag(linked == Linked::Yes)).execute(writing.conn()).await?;
            self.finish_repository(writing, id).await
        })
        .await
    }

    /// The branch work starts from and merges into, without `refs/heads/`; `None` follows the remote's default branch.
    pub async fn set_target_branch(&self, id: RepositoryId, branch: Option<&str>) -> Result<Repository> {
        self.attempt("keep the target branch", async {
            let mut writing = self.writing().await?;
            sqlx::query(SET_TARGET).bind(id.0).bind(branch.map(str::to_owned)).execute(writing.conn()).await?;
            self.finish_repository(writing, id).await
        })
        .await
    }

    async fn finish_repository(&self, mut writing: super::Writing, id: RepositoryId) -> Result<Repository> {
        let kept = by_id(writing.conn(), id).await?.ok_or_else(|| missing(id))?;
        writing.announce(Change::Repositories(kept.project));
        self.commit(writing).await?;
        Ok(kept)
    }
}
