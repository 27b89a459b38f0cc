//! The people of a project, and what the team decided about them as reviewers.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, flag};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, next};
use crate::domain::change::Change;
use crate::domain::id::{Guid, MemberId, ProjectId};
use crate::domain::person::{Identity, Member};

/// What to change about a member; what is absent stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub can_review: Option<bool>,
    /// `Some(None)` takes the default reviewer away.
    pub default_reviewer: Option<Option<MemberId>>,
}

/// What somebody new may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newcomers {
    Bystanders,
    Reviewers,
}

macro_rules! columns {
    () => {
        "id, project, guid, display_name, unique_name, can_review, default_reviewer, last_assigned_at"
    };
}

queries! {
    OF_PROJECT = concat!("SELECT ", columns!(), " FROM members WHERE project = $1 ORDER BY display_name, id");
    BY_ID = concat!("SELECT ", columns!(), " FROM members WHERE id = $1");
    BY_GUID = concat!("SELECT ", columns!(), " FROM members WHERE project = $1 AND guid = $2");
    INSERT = "INSERT INTO members (id, project, guid, display_name, unique_name, can_review) VALUES ($1, $2, $3, $4, $5, $6)";
    RENAME = "UPDATE members SET display_name = $2, unique_name = $3 WHERE id = $1";
    /// Two people may change the two at once. `$3` is 1 to take over `$4`.
    SET = "UPDATE members SET can_review = coalesce($2, can_review), \
        default_reviewer = CASE WHEN $3 = 1 THEN $4 ELSE default_reviewer END WHERE id = $1";
    ASSIGNED = "UPDATE members SET last_assigned_at = $2 WHERE id = $1";
}

fn read(row: &AnyRow) -> Result<Member> {
    Ok(Member {
        id: MemberId(row.int("id")?),
        project: ProjectId(row.int("project")?),
        identity: Identity {
            id: Guid::new(row.borrowed("guid")?),
            display_name: row.text("display_name")?,
            unique_name: row.text("unique_name")?,
        },
        can_review: row.flag("can_review")?,
        default_reviewer: row.maybe_int("default_reviewer")?.map(MemberId),
        last_assigned_at: row.maybe_instant("last_assigned_at")?,
    })
}

pub(super) fn missing(id: MemberId) -> Error {
    Error::Missing(format!("member number {id}"))
}

pub(super) async fn by_id(conn: &mut AnyConnection, id: MemberId) -> Result<Option<Member>> {
    sqlx::query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

pub(super) async fn of_project(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<Member>> {
    sqlx::query(OF_PROJECT).bind(project.0).fetch_all(conn).await?.iter().map(read).collect()
}

impl Store {
    pub async fn members(&self, project: ProjectId) -> Result<Vec<Member>> {
        self.attempt("read the members", async { of_project(&mut *self.reader().await?, project).await }).await
    }

    pub async fn member(&self, id: MemberId) -> Result<Option<Member>> {
        self.attempt("read a member", async { by_id(&mut *self.reader().await?, id).await }).await
    }

    pub async fn member_by_identity(&self, project: ProjectId, identity: &Guid) -> Result<Option<Member>> {
        self.attempt("read a member", async {
            let row = sqlx::query(BY_GUID).bind(project.0).bind(identity.as_str()).fetch_optional(&mut *self.reader().await?).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// Adds people or takes over their new names. Who may review is the team's to say: nobody new may. All members are returned.
    pub async fn put_members(&self, project: ProjectId, people: &[Identity]) -> Result<Vec<Member>> {
        self.put_people(project, people, Newcomers::Bystanders).await
    }

    /// Adds the people of a team: whoever is new can be asked to review until somebody says otherwise; a choice made earlier stands.
    pub async fn put_team(&self, project: ProjectId, people: &[Identity]) -> Result<Vec<Member>> {
        self.put_people(project, people, Newcomers::Reviewers).await
    }

    async fn put_people(&self, project: ProjectId, people: &[Identity], newcomers: Newcomers) -> Result<Vec<Member>> {
        self.attempt("keep the members", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            for person in people {
                let known = sqlx::query(BY_GUID).bind(project.0).bind(person.id.as_str()).fetch_optional(writing.conn()).await?;
                match known.as_ref().map(read).transpose()? {
                    Some(known) => {
                        if known.identity != *person {
                            sqlx::query(RENAME)
                                .bind(known.id.0)
                                .bind(&*person.display_name)
                                .bind(&*person.unique_name)
                                .execute(writing.conn())
                                .await?;
                        }
                    }
                    None => {
                        let id = next(writing.conn(), "members").await?;
                        sqlx::query(INSERT)
                            .bind(id)
                            .bind(project.0)
                            .bind(person.id.as_str())
                            .bind(&*person.display_name)
                            .bind(&*person.unique_name)
                            .bind(flag(newcomers == Newcomers::Reviewers))
                            .execute(writing.conn())
                            .await?;
                    }
                }
            }
            let kept = of_project(writing.conn(), project).await?;
            writing.announce(Change::Members(project));
            self.commit(writing).await?;
            Ok(kept)
        })
        .await
    }

    pub async fn set_member(&self, id: MemberId, change: &MemberChange) -> Result<Member> {
        self.attempt("change a member", async {
            let mut writing = self.writing().await?;
            let known = by_id(writing.conn(), id).await?.ok_or_else(|| missing(id))?;
            if let Some(Some(reviewer)) = change.default_reviewer {
                if reviewer == id {
                    return Err(Error::refused(
                        format!("{} cannot review their own pull requests", known.identity.display_name),
                        "name another default reviewer",
                    ));
                }
                let other = by_id(writing.conn(), reviewer).await?.ok_or_else(|| missing(reviewer))?;
                if other.project != known.project {
                    return Err(Error::refused(
                        format!("{} is not a member of the same project", other.identity.display_name),
                        "name a default reviewer of the same project",
                    ));
                }
            }
            sqlx::query(SET)
                .bind(id.0)
                .bind(change.can_review.map(flag))
                .bind(flag(change.default_reviewer.is_some()))
                .bind(change.default_reviewer.flatten().map(|member| member.0))
                .execute(writing.conn())
                .await?;
            self.finish_member(writing, id).await
        })
        .await
    }

    /// Remembers that this person was chosen as a reviewer, so that ties go to somebody else next time.
    pub async fn record_assigned(&self, id: MemberId, now: Timestamp) -> Result<Member> {
        self.attempt("remember who was asked to review", async {
            let mut writing = self.writing().await?;
            sqlx::query(ASSIGNED).bind(id.0).bind(now.as_millisecond()).execute(writing.conn()).await?;
            self.finish_member(writing, id).await
        })
        .await
    }

    async fn finish_member(&self, mut writing: super::Writing, id: MemberId) -> Result<Member> {
        let kept = by_id(writing.conn(), id).await?.ok_or_else(|| missing(id))?;
        writing.announce(Change::Members(kept.project));
        self.commit(writing).await?;
        Ok(kept)
    }
}
