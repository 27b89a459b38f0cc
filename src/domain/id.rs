//! Identifiers as newtypes: ids of our own rows, and the ids Azure DevOps gives. They carry no behaviour beyond validation.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(
    /// A connected organisation or collection: a row of our store.
    OrganisationId
);
row_id!(
    /// A project of a connected organisation: a row of our store.
    ProjectId
);
row_id!(
    /// A repository of a project: a row of our store.
    RepositoryId
);
row_id!(
    /// A person known in a project: a row of our store.
    MemberId
);

/// An id Azure DevOps gives to projects, repositories and identities: a GUID, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Guid(String);

impl Guid {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().to_ascii_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A git object id: forty lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id that stands for "does not exist" in ref updates: forty zeros.
    pub const ZERO: &str = "0000000000000000000000000000000000000000";

    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().to_ascii_lowercase())
    }

    pub fn zero() -> Self {
        Self(Self::ZERO.to_owned())
    }

    pub fn is_zero(&self) -> bool {
        self.0 == Self::ZERO
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, as people quote it.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A ticket's key, `PREFIX-123`: a prefix of 2 to 10 upper-case letters and digits that begins with a letter, a dash, a number
/// from 1 to 999999999 without leading zeros. Keys are unique in a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketKey {
    prefix: String,
    number: u32,
}

/// Why a text is not a ticket key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a ticket key; a key looks like KAN-12")]
pub struct InvalidKey(pub String);

impl TicketKey {
    pub fn new(prefix: &str, number: u32) -> Result<Self, InvalidKey> {
        if is_prefix(prefix) && (1..=999_999_999).contains(&number) {
            Ok(Self { prefix: prefix.to_owned(), number })
        } else {
            Err(InvalidKey(format!("{prefix}-{number}")))
        }
    }

    /// Reads a key in any case: `kan-12` is `KAN-12`.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey(text.chars().take(40).collect());
        let (prefix, digits) = text.trim().split_once('-').ok_or_else(invalid)?;
        if digits.is_empty() || digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid());
        }
        let number = digits.parse().map_err(|_| invalid())?;
        Self::new(&prefix.to_ascii_uppercase(), number).map_err(|_| invalid())
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where the ticket's spec lives in its repository, without a leading slash: `.tickets/KEY.md`.
    pub fn spec_path(&self) -> String {
        format!(".tickets/{self}.md")
    }
}

/// Whether a text may stand before the dash of a ticket key.
pub fn is_prefix(text: &str) -> bool {
    (2..=10).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl fmt::Display for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.prefix, self.number))
    }
}

impl PartialOrd for TicketKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TicketKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.prefix, self.number).cmp(&(&other.prefix, other.number))
    }
}

impl TryFrom<String> for TicketKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        Self::parse(&text)
    }
}

impl From<TicketKey> for String {
    fn from(key: TicketKey) -> Self {
        key.to_string()
    }
}

impl std::str::FromStr for TicketKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_in_any_case_and_written_in_upper_case() {
        for (text, expected) in [("KAN-12", Some("KAN-12")), (" kan-1 ", Some("KAN-1")), ("a1-999999999", Some("A1-999999999"))] {
            assert_eq!(TicketKey::parse(text).ok().map(|key| key.to_string()).as_deref(), expected, "{text}");
        }
        for text in [
            "",
            "KAN",
            "KAN-",
            "-1",
            "K-1",
            "KAN-0",
            "KAN-01",
            "KAN-+1",
            "KAN-1000000000",
            "KAN-99999999999999999999",
            "1KAN-1",
            "KÄN-1",
            "ABCDEFGHIJK-1",
            "KAN-1/..",
            "KAN--1",
            "../x-1",
        ] {
            assert!(TicketKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_stand_in_the_order_of_their_numbers() {
        let mut keys = ["KAN-10", "KAN-9", "ABC-11"].map(|text| TicketKey::parse(text).unwrap());
        keys.sort();
        assert_eq!(keys.map(|key| key.to_string()), ["ABC-11", "KAN-9", "KAN-10"]);
    }

    #[test]
    fn ids_of_azure_devops_are_compared_without_case() {
        assert_eq!(Guid::new("ABC"), Guid::new("abc"));
        assert_eq!(ObjectId::new("ABCDEF0123").short(), "abcdef01");
        assert!(ObjectId::zero().is_zero());
    }

    proptest! {
        #[test]
        fn a_key_survives_its_text_and_stays_in_its_folder(prefix in "[A-Z][A-Z0-9]{1,9}", number in 1u32..=999_999_999) {
            let key = TicketKey::new(&prefix, number).unwrap();
            prop_assert_eq!(TicketKey::parse(&key.to_string()), Ok(key.clone()));
            prop_assert_eq!(TicketKey::parse(&key.to_string().to_lowercase()), Ok(key.clone()));
            prop_assert_eq!(key.spec_path(), format!(".tickets/{prefix}-{number}.md"));
        }

        #[test]
        fn whatever_is_read_as_a_key_is_written_as_it_was(text in "\\PC{0,14}") {
            if let Ok(key) = TicketKey::parse(&text) {
                prop_assert_eq!(key.to_string(), text.trim().to_ascii_uppercase());
            }
        }
    }
}
