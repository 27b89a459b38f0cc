//! The organisation, its projects with their teams, repositories, and what happened to refs.
//!
//! A repository's branches are in git; here are only facts that git does not keep (creator, lock, push log).
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Extra;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Organisation {
    pub name: String,
    pub id: Uuid,
    pub deployment: Uuid,
    /// The directory whose users sign in.
    pub tenant: Uuid,
    /// Services that the organisation has switched off.
    #[serde(default)]
    pub switched_off: Vec<Service>,
}

impl Organisation {
    /// Whether the resources of an area (`wit`, `build`, ...) are not there because their service is switched off.
    pub fn lacks(&self, area: &str) -> bool {
        let service = match area.to_lowercase().as_str() {
            "wit" => Service::Boards,
            "build" | "pipelines" | "distributedtask" => Service::Pipelines,
            _ => return false,
        };
        self.switched_off.contains(&service)
    }
}

/// A part of the product that an organisation can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Service {
    Boards,
    Pipelines,
    /// Classic release pipelines: lists of them are empty.
    ClassicReleases,
}

impl Organisation {
    /// Ids follow from the name, so that they are the same in every run.
    pub fn named(name: &str) -> Self {
        let id = |what: &str| Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{what}.{name}.example").as_bytes());
        Organisation {
            name: name.to_owned(),
            id: id("organisation"),
            deployment: id("deployment"),
            tenant: id("tenant"),
            switched_off: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    /// `wellFormed`, `deleting`, ...
    pub state: String,
    /// `private`, `public`, `organization`.
    pub visibility: String,
    pub revision: i64,
    pub last_update: Timestamp,
    pub teams: Vec<Team>,
    /// The team named first in the project's answer; none for a loaded project without teams.
    pub default_team: Option<Uuid>,
    /// People of the organisation who must not know that the project exists.
    #[serde(default)]
    pub hidden_from: Vec<Uuid>,
    /// People without the permission "View builds" here.
    #[serde(default)]
    pub builds_hidden_from: Vec<Uuid>,
    #[serde(default)]
    pub extra: Extra,
}

impl Project {
    pub fn new(id: Uuid, name: &str, last_update: Timestamp) -> Self {
        Project {
            id,
            name: name.to_owned(),
            description: None,
            state: "wellFormed".to_owned(),
            visibility: "private".to_owned(),
            revision: 11,
            last_update,
            teams: Vec::new(),
            default_team: None,
            hidden_from: Vec::new(),
            builds_hidden_from: Vec::new(),
            extra: Extra::new(),
        }
    }

    pub fn is_visible_to(&self, user: Uuid) -> bool {
        !self.hidden_from.contains(&user)
    }

    pub fn shows_builds_to(&self, user: Uuid) -> bool {
        !self.builds_hidden_from.contains(&user)
    }

    /// A team by GUID or name.
    pub fn team(&self, id_or_name: &str) -> Option<&Team> {
        match Uuid::try_parse(id_or_name) {
            Ok(id) => self.teams.iter().find(|team| team.id == id),
            Err(_) => self.teams.iter().find(|team| super::same_name(&team.name, id_or_name)),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Team {
    pub id: Uuid,
    pub name: String,
    pub description: String,
    pub members: Vec<TeamMember>,
    #[serde(default)]
    pub extra: Extra,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TeamMember {
    pub user: Uuid,
    pub is_admin: bool,
}

/// A git permission by the service's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    GenericRead,
    GenericContribute,
    CreateBranch,
    ForcePush,
    PullRequestContribute,
}

impl Permission {
    pub fn name(self) -> &'static str {
        match self {
            Permission::GenericRead => "GenericRead",
            Permission::GenericContribute => "GenericContribute",
            Permission::CreateBranch => "CreateBranch",
            Permission::ForcePush => "ForcePush",
            Permission::PullRequestContribute => "PullRequestContribute",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Denial {
    pub user: Uuid,
    pub permission: Permission,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Repository {
    pub id: Uuid,
    pub project: Uuid,
    pub name: String,
    /// `refs/heads/main`. Given back only while that branch exists in git.
    pub default_branch: String,
    pub is_disabled: bool,
    pub is_hidden: bool,
    /// No bare repository stands behind it (loaded data): reads of git content find nothing.
    #[serde(default)]
    pub is_without_git: bool,
    pub size: i64,
    /// By full ref name.
    #[serde(default)]
    pub refs: BTreeMap<String, RefFacts>,
    #[serde(default)]
    pub denied: Vec<Denial>,
    #[serde(default)]
    pub extra: Extra,
}

impl Repository {
    pub fn new(id: Uuid, project: Uuid, name: &str) -> Self {
        Repository {
            id,
            project,
            name: name.to_owned(),
            default_branch: "refs/heads/main".to_owned(),
            is_disabled: false,
            is_hidden: false,
            is_without_git: false,
            size: 0,
            refs: BTreeMap::new(),
            denied: Vec::new(),
            extra: Extra::new(),
        }
    }

    pub fn permits(&self, user: Uuid, permission: Permission) -> bool {
        !self.denied.iter().any(|denial| denial.user == user && denial.permission == permission)
    }
}

/// What the service remembers about a ref and git does not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RefFacts {
    pub creator: Option<Uuid>,
    pub locked_by: Option<Uuid>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Push {
    pub id: i32,
    pub repository: Uuid,
    pub by: Uuid,
    pub date: Timestamp,
    pub moves: Vec<RefMove>,
    /// Commits this push brought, as far as the simulator made them itself.
    #[serde(default)]
    pub commits: Vec<String>,
}

/// One ref went from one object to another; forty zeros stand for "none".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefMove {
    pub name: String,
    pub old: String,
    pub new: String,
}
