//! Projects, teams with their members, and repositories.

use crate::ado::call::{Call, encode};
use crate::ado::scope::Scope;
use crate::ado::wire::identity::TeamMember;
use crate::ado::wire::place::{Project, Repository, Team};
use crate::ado::{Client, Result};
use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::person::Identity;

impl Client {
    /// All projects that the token can see.
    pub async fn projects(&self) -> Result<Vec<fact::Project>> {
        let call = Call::get("/_apis/projects", Scope::Project, "list the projects").query("$top", 1000);
        let rows: Vec<Project> = self.all_by_token(call).await?;
        Ok(rows.into_iter().map(Project::fact).collect())
    }

    /// One project, by name in any case or by id.
    pub async fn project(&self, name_or_id: &str) -> Result<fact::Project> {
        let path = format!("/_apis/projects/{}", encode(name_or_id));
        let call = Call::get(path, Scope::Project, format!("read the project `{name_or_id}`"));
        Ok(self.object::<Project>(&call).await?.fact())
    }

    /// All repositories of a project, disabled ones included.
    pub async fn repositories(&self, project: &Guid) -> Result<Vec<fact::Repository>> {
        let path = format!("/{}/_apis/git/repositories", encode(project.as_str()));
        let rows: Vec<Repository> = self.rows(&Call::get(path, Scope::Code, "list the repositories")).await?;
        Ok(rows.into_iter().map(|r| r.fact(project)).collect())
    }

    /// One repository of a project, by name in any case or by id.
    pub async fn repository(&self, project: &Guid, name_or_id: &str) -> Result<fact::Repository> {
        let path = format!("/{}/_apis/git/repositories/{}", encode(project.as_str()), encode(name_or_id));
        let call = Call::get(path, Scope::Code, format!("read the repository `{name_or_id}`"));
        Ok(self.object::<Repository>(&call).await?.fact(project))
    }

    pub async fn teams(&self, project: &Guid) -> Result<Vec<fact::Team>> {
        let path = format!("/_apis/projects/{}/teams", encode(project.as_str()));
        let call = Call::get(path, Scope::Project, "list the teams");
        let rows: Vec<Team> = self.all_by_skip(call, ["$top", "$skip"], 500, usize::MAX).await?;
        Ok(rows.into_iter().map(Team::fact).collect())
    }

    /// The people of a team; groups in it are left out.
    pub async fn team_members(&self, project: &Guid, team: &Guid) -> Result<Vec<Identity>> {
        let path = format!("/_apis/projects/{}/teams/{}/members", encode(project.as_str()), encode(team.as_str()));
        let call = Call::get(path, Scope::Project, "list the members of a team");
        let rows: Vec<TeamMember> = self.all_by_skip(call, ["$top", "$skip"], 500, usize::MAX).await?;
        Ok(rows.into_iter().filter_map(TeamMember::person).collect())
    }

    /// The people of all teams of a project, each once, by name.
    pub async fn people_of(&self, project: &Guid) -> Result<Vec<Identity>> {
        let mut people: Vec<Identity> = Vec::new();
        for team in self.teams(project).await? {
            for person in self.team_members(project, &team.guid).await? {
                if !people.iter().any(|known| known.id == person.id) {
                    people.push(person);
                }
            }
        }
        people.sort_by(|a, b| a.display_name.cmp(&b.display_name));
        Ok(people)
    }
}
