//! Which api-version to ask for: 7.1 from Services, the newest that a Server releases otherwise.

use serde::Deserialize;

use super::wire::loose;

/// A released api-version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    pub const V7_1: Self = Self { major: 7, minor: 1 };
    /// The versions this client speaks, newest first.
    const SPOKEN: [Self; 4] = [Self::V7_1, Self { major: 7, minor: 0 }, Self { major: 6, minor: 0 }, Self { major: 5, minor: 0 }];

    /// `7.1`, also from `7.1-preview.3`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = text.trim().split('-').next()?;
        let (major, minor) = number.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    /// The newest version we speak that is not newer than what the server has.
    pub(super) fn spoken_up_to(server: Self) -> Option<Self> {
        Self::SPOKEN.into_iter().find(|v| *v <= server)
    }

    /// The largest version named in the server's refusal of ours ("The latest REST API version this server supports is 6.0").
    pub(super) fn from_refusal(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("supports is ")?;
        let text: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        Self::spoken_up_to(Self::parse(text.trim_end_matches('.'))?)
    }

    /// From the catalogue that `OPTIONS _apis` answers: the newest version released for git, else for anything.
    pub(super) fn from_catalogue(rows: &[Resource]) -> Option<Self> {
        let released = |git_only: bool| {
            rows.iter()
                .filter(|r| !git_only || r.area.as_deref().is_some_and(|a| a.eq_ignore_ascii_case("git")))
                .filter_map(|r| Self::parse(r.released_version.as_deref()?))
                .filter(|v| v.major > 0)
                .max()
        };
        Self::spoken_up_to(released(true).or_else(|| released(false))?)
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A row of the catalogue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    #[serde(default, deserialize_with = "loose::word")]
    area: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    released_version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(area: &str, released: &str) -> Resource {
        Resource { area: Some(area.to_owned()), released_version: Some(released.to_owned()) }
    }

    #[test]
    fn each_server_gets_the_newest_version_it_released() {
        for (released, chosen) in [("7.1", "7.1"), ("7.2", "7.1"), ("7.0", "7.0"), ("6.0", "6.0"), ("5.1", "5.0"), ("5.0", "5.0")] {
            let rows = [row("core", "1.0"), row("Git", "1.0"), row("git", released), row("git", "0.0")];
            assert_eq!(ApiVersion::from_catalogue(&rows).unwrap().to_string(), chosen, "{released}");
        }
        assert_eq!(ApiVersion::from_catalogue(&[row("git", "4.1")]), None);
        assert_eq!(ApiVersion::from_catalogue(&[row("core", "6.0")]).unwrap().to_string(), "6.0");
    }

    #[test]
    fn a_refusal_names_the_version_to_use_instead() {
        let text = "The requested REST API version of 7.1 is out of range for this server. The latest REST API version this server supports is 6.1.";
        assert_eq!(ApiVersion::from_refusal(text).unwrap().to_string(), "6.0");
        assert_eq!(ApiVersion::from_refusal("nothing of the kind"), None);
    }
}
