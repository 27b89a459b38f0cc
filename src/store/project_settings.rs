//! What a project has otherwise than the configuration says, and the people of its teams. Whoever shares the store shares this.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::Store;
use super::column::Columns as _;
use super::error::Result;
use super::hold::Hold;
use crate::domain::change::Change;
use crate::domain::id::{Guid, ProjectId};
use crate::metrics::query::{Team, Zone};

/// The setting that has the time zone of a project's days, as the database of zones names it.
const TIME_ZONE: &str = "time_zone";

queries! {
    SETTING = "SELECT value FROM project_settings WHERE project = $1 AND name = $2";
    PUT = "INSERT INTO project_settings (project, name, value) VALUES ($1, $2, $3) ON CONFLICT (project, name) DO UPDATE \
        SET value = excluded.value";
    ALL_OF = "SELECT project, value FROM project_settings WHERE name = $1";
    DROP = "DELETE FROM project_settings WHERE project = $1 AND name = $2";
    TEAMS = "SELECT team, name, member FROM team_members WHERE project = $1 ORDER BY name, team, member";
    CLEAR_TEAM = "DELETE FROM team_members WHERE project = $1 AND team = $2";
    PUT_MEMBER = "INSERT INTO team_members (project, team, name, member) VALUES ($1, $2, $3, $4) ON CONFLICT (project, team, member) \
        DO UPDATE SET name = excluded.name";
}

impl Store {
    /// A setting of a project; absent where the configuration's holds.
    pub async fn project_setting(&self, project: ProjectId, name: &str) -> Result<Option<String>> {
        self.attempt(format!("read the setting {name} of a project"), async {
            let value = sqlx::query_scalar(SETTING).bind(project.0).bind(name).fetch_optional(&mut *self.reader().await?).await?;
            Ok(value)
        })
        .await
    }

    /// Sets a setting of a project, or lets the configuration's hold again.
    pub async fn set_project_setting(&self, project: ProjectId, name: &str, value: Option<&str>) -> Result<()> {
        self.attempt(format!("keep the setting {name} of a project"), async {
            let mut writing = self.writing().await?;
            let query = match value {
                Some(value) => sqlx::query(PUT).bind(project.0).bind(name).bind(value),
                None => sqlx::query(DROP).bind(project.0).bind(name),
            };
            query.execute(writing.conn()).await?;
            writing.announce(Change::Project(project));
            self.commit(writing).await
        })
        .await
    }

    /// The time zone that a project has of its own, by its name.
    pub async fn time_zone(&self, project: ProjectId) -> Result<Option<String>> {
        self.project_setting(project, TIME_ZONE).await
    }

    /// Gives a project a time zone of its own, or lets the configuration's hold again.
    pub async fn set_time_zone(&self, project: ProjectId, zone: Option<&TimeZone>) -> Result<()> {
        self.set_project_setting(project, TIME_ZONE, zone.and_then(TimeZone::iana_name)).await
    }

    /// Whose days a question about projects has; about none means all that are measured.
    pub async fn zone_of(&self, projects: &[ProjectId], configured: &TimeZone) -> Result<Zone> {
        let own: BTreeMap<ProjectId, String> = self
            .attempt("read the time zones of the projects", async {
                let rows = sqlx::query(ALL_OF).bind(TIME_ZONE).fetch_all(&mut *self.reader().await?).await?;
                rows.iter().map(|row| Ok((ProjectId(row.int("project")?), row.text("value")?))).collect()
            })
            .await?;
        if own.is_empty() {
            return Ok(Zone::configured(configured));
        }
        let asked = match projects {
            [] => self.measured_projects().await?.into_iter().map(|(id, _)| id).collect(),
            asked => asked.to_vec(),
        };
        Ok(Zone::of(asked.iter().map(|id| own.get(id).map(String::as_str)), configured))
    }

    /// Keeps who is in a team. A team without anybody is forgotten.
    pub async fn put_team_members(&self, project: ProjectId, team: &Guid, name: &str, members: &[Guid]) -> Result<()> {
        self.attempt("keep the members of a team", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            sqlx::query(CLEAR_TEAM).bind(project.0).bind(team.as_str()).execute(writing.conn()).await?;
            for member in members {
                let put = sqlx::query(PUT_MEMBER).bind(project.0).bind(team.as_str()).bind(name).bind(member.as_str());
                put.execute(writing.conn()).await?;
            }
            writing.announce(Change::Facts(project));
            self.commit(writing).await
        })
        .await
    }

    /// The teams of a project with their people, by name.
    pub async fn teams(&self, project: ProjectId) -> Result<Vec<Team>> {
        self.attempt("read the teams", async {
            let mut teams: Vec<(String, Team)> = Vec::new();
            for row in sqlx::query(TEAMS).bind(project.0).fetch_all(&mut *self.reader().await?).await? {
                let (id, member) = (row.text("team")?, Guid::new(row.borrowed("member")?));
                match teams.last_mut() {
                    Some((last, team)) if *last == id => team.members.push(member),
                    _ => teams.push((id, Team { name: row.text("name")?, members: vec![member] })),
                }
            }
            Ok(teams.into_iter().map(|(_, team)| team).collect())
        })
        .await
    }
}
