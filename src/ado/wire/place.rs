//! Projects, teams and repositories.

use serde::Deserialize;

use super::loose;
use super::refs::branch_name;
use crate::domain::fact;
use crate::domain::id::Guid;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    description: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    state: Option<String>,
}

impl Project {
    pub fn fact(self) -> fact::Project {
        fact::Project {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            guid: Guid::new(self.id),
            description: self.description.filter(|d| !d.is_empty()),
            // Only the states that say so exclude a project.
            well_formed: self
                .state
                .is_none_or(|s| !matches!(s.to_ascii_lowercase().as_str(), "deleting" | "new" | "createpending" | "deleted")),
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Team {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
}

impl Team {
    pub fn fact(self) -> fact::Team {
        fact::Team { name: self.name.unwrap_or_else(|| self.id.clone()), guid: Guid::new(self.id) }
    }
}

/// A project named by another object.
#[derive(Debug, Clone, Deserialize)]
pub struct ProjectReference {
    pub id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    project: Option<ProjectReference>,
    #[serde(default, deserialize_with = "loose::word")]
    default_branch: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_disabled: bool,
    #[serde(default, deserialize_with = "loose::word")]
    web_url: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    remote_url: Option<String>,
}

impl Repository {
    /// `asked` is the project it was listed in, should the row not name one.
    pub fn fact(self, asked: &Guid) -> fact::Repository {
        fact::Repository {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            guid: Guid::new(self.id),
            project: self.project.map_or_else(|| asked.clone(), |p| Guid::new(p.id)),
            default_branch: self.default_branch.filter(|b| !b.is_empty()).map(|b| branch_name(&b)),
            disabled: self.is_disabled,
            web_url: self.web_url,
            remote_url: self.remote_url,
        }
    }
}
