//! People and the tokens they act with.
//!
//! A token's scopes are the service's own words (`vso.code_write`); an empty list grants nothing.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Extra;

/// Where people are kept: it shows in their descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    Entra,
    Windows,
}

/// Somebody of the directory. Not everybody in the directory belongs to the organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    pub id: Uuid,
    pub display_name: String,
    /// The account name, an e-mail address.
    pub unique_name: String,
    pub is_member: bool,
    #[serde(default = "yes")]
    pub is_active: bool,
    /// A team or group that can stand as a reviewer.
    #[serde(default)]
    pub is_container: bool,
    /// Of every project: may see and change service hooks.
    #[serde(default)]
    pub is_administrator: bool,
    #[serde(default)]
    pub extra: Extra,
}

fn yes() -> bool {
    true
}

impl User {
    pub fn new(id: Uuid, display_name: &str, unique_name: &str) -> Self {
        User {
            id,
            display_name: display_name.to_owned(),
            unique_name: unique_name.to_owned(),
            is_member: true,
            is_active: true,
            is_container: false,
            is_administrator: false,
            extra: Extra::new(),
        }
    }

    /// `alice` of `alice@lumen.example`.
    pub fn alias(&self) -> &str {
        self.unique_name.split('@').next().unwrap_or(&self.unique_name)
    }

    /// The subject descriptor. As on the service it is made of a GUID that is *not* the identity's id, so that
    /// a client that decodes it instead of asking for the storage key is found out.
    pub fn descriptor(&self, directory: Directory) -> String {
        if let Some(given) = self.extra.get("descriptor").and_then(|value| value.as_str()) {
            return given.to_owned();
        }
        let subject = Uuid::new_v5(&self.id, b"subject descriptor");
        let kind = match (self.is_container, directory) {
            (true, _) => "vssgp",
            (false, Directory::Entra) => "aad",
            (false, Directory::Windows) => "win",
        };
        format!("{kind}.{}", URL_SAFE_NO_PAD.encode(subject.to_string()))
    }

    /// The identity descriptor as the identities endpoint writes it.
    pub fn identity_descriptor(&self, tenant: Uuid) -> String {
        format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{tenant}\\{}", self.unique_name)
    }
}

/// What happens to a token beside expiring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenKind {
    Active,
    Revoked,
}

/// A personal access token, or a bearer token: the same string is accepted both ways.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    pub token: String,
    pub user: Uuid,
    pub scopes: Vec<String>,
    pub expires: Option<Timestamp>,
    pub kind: TokenKind,
    /// What the token is for, in words for whoever lists the seeded tokens.
    pub note: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("user", &self.user)
            .field("scopes", &self.scopes)
            .field("expires", &self.expires)
            .field("kind", &self.kind)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

/// Grants everything, as the service's "full access" does.
pub const FULL_ACCESS: &str = "app_token";

impl Token {
    pub fn full(user: Uuid, token: &str, note: &str) -> Self {
        Token {
            token: token.to_owned(),
            user,
            scopes: vec![FULL_ACCESS.to_owned()],
            expires: None,
            kind: TokenKind::Active,
            note: note.to_owned(),
        }
    }

    pub fn scoped(user: Uuid, token: &str, scopes: &[&str], note: &str) -> Self {
        Token { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..Token::full(user, token, note) }
    }

    /// Whether one of the token's scopes suffices for one of the `wanted` ones.
    pub fn allows(&self, wanted: &[&str]) -> bool {
        wanted.is_empty() || self.scopes.iter().any(|held| wanted.iter().any(|wanted| includes(held, wanted)))
    }

    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// `vso.code_write` includes `vso.code`; `_manage` and `_full` include both.
fn includes(held: &str, wanted: &str) -> bool {
    if held == FULL_ACCESS || held == wanted {
        return true;
    }
    let split = |scope: &str| -> (String, u8) {
        for (suffix, rank) in [("_write", 1), ("_execute", 1), ("_manage", 2), ("_full", 3)] {
            // vso.threads_full and vso.environment_manage are areas of their own
            if let Some(area) = scope.strip_suffix(suffix)
                && area != "vso.threads"
                && area != "vso.environment"
            {
                return (area.to_owned(), rank);
            }
        }
        (scope.to_owned(), 0)
    };
    let ((held_area, held_rank), (wanted_area, wanted_rank)) = (split(held), split(wanted));
    held_area == wanted_area && held_rank >= wanted_rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_includes_read_and_not_the_other_way_round() {
        let token = Token::scoped(Uuid::nil(), "t", &["vso.code_write"], "");
        assert!(token.allows(&["vso.code"]));
        assert!(token.allows(&["vso.code_write"]));
        assert!(!token.allows(&["vso.identity"]));
        let reader = Token::scoped(Uuid::nil(), "t", &["vso.code"], "");
        assert!(!reader.allows(&["vso.code_write"]));
        assert!(reader.allows(&["vso.threads_full", "vso.code"]));
        assert!(Token::full(Uuid::nil(), "t", "").allows(&["vso.identity"]));
        assert!(!Token::scoped(Uuid::nil(), "t", &[], "").allows(&["vso.code"]));
    }

    #[test]
    fn debug_does_not_show_the_token() {
        assert!(!format!("{:?}", Token::full(Uuid::nil(), "s3cret", "note")).contains("s3cret"));
    }
}
