//! People and groups: references in other objects, rows of the identities endpoint, graph subjects, team members.

use serde::Deserialize;
use serde_json::Value;

use super::loose;
use crate::domain::id::Guid;
use crate::domain::person::Identity;

/// An identity named by another object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    #[serde(default, deserialize_with = "loose::word")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub unique_name: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    pub is_container: bool,
}

impl Reference {
    pub fn identity(self) -> Identity {
        let unique_name = self.unique_name.unwrap_or_default();
        let display_name = self.display_name.filter(|n| !n.is_empty()).unwrap_or_else(|| named(&unique_name));
        Identity { id: Guid::new(self.id.unwrap_or_default()), display_name, unique_name }
    }
}

fn named(unique_name: &str) -> String {
    if unique_name.is_empty() { "(unknown)".to_owned() } else { unique_name.to_owned() }
}

/// A row of `identities`, or a user of `connectionData`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub id: String,
    #[serde(default, deserialize_with = "loose::word")]
    pub provider_display_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub custom_display_name: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    pub is_container: bool,
    #[serde(default)]
    pub properties: Value,
}

impl Record {
    pub fn identity(self) -> Identity {
        let property = |name: &str| {
            let bag = self.properties.get(name)?;
            bag.get("$value").or(Some(bag))?.as_str().filter(|v| !v.is_empty()).map(str::to_owned)
        };
        let unique_name = property("Account").or_else(|| property("Mail")).unwrap_or_default();
        let display_name = [self.custom_display_name, self.provider_display_name]
            .into_iter()
            .flatten()
            .find(|n| !n.is_empty())
            .unwrap_or_else(|| named(&unique_name));
        Identity { id: Guid::new(self.id), display_name, unique_name }
    }
}

/// A row of a team's members: the identity inside, or flat as Server 2019 writes it.
#[derive(Debug, Deserialize)]
pub struct TeamMember {
    #[serde(default, deserialize_with = "loose::part")]
    identity: Option<Reference>,
    #[serde(flatten)]
    flat: Reference,
}

impl TeamMember {
    /// Groups are left out: a person reviews.
    pub fn person(self) -> Option<Identity> {
        let reference = self.identity.unwrap_or(self.flat);
        let has_id = reference.id.as_deref().is_some_and(|id| !id.is_empty());
        (has_id && !reference.is_container).then(|| reference.identity())
    }
}

/// A graph user. It carries no identity id: the descriptor has to be exchanged for one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphSubject {
    pub descriptor: String,
    #[serde(default, deserialize_with = "loose::word")]
    pub subject_kind: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub principal_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    pub mail_address: Option<String>,
}

impl GraphSubject {
    pub fn is_person(&self) -> bool {
        self.subject_kind.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("user"))
    }

    pub fn identity(self, id: Guid) -> Identity {
        let unique_name = [self.principal_name, self.mail_address].into_iter().flatten().find(|n| !n.is_empty()).unwrap_or_default();
        let display_name = self.display_name.filter(|n| !n.is_empty()).unwrap_or_else(|| named(&unique_name));
        Identity { id, display_name, unique_name }
    }
}

/// The answer of `storagekeys`.
#[derive(Debug, Deserialize)]
pub struct StorageKey {
    pub value: String,
}
