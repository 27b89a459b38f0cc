//! What is asked: which projects, repositories and people, which window, whose definition, and the rules that the configuration sets.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::id::{Guid, ProjectId, RepositoryId};
use crate::domain::run::DefinitionKind;

/// Whose words decide what a figure is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Definition {
    #[default]
    Ours,
    /// As Apache DevLake computes it.
    DevLake,
    /// As dora-team/fourkeys did.
    FourKeys,
}

impl Definition {
    pub const ALL: [(&str, Self); 3] = [("ours", Self::Ours), ("devlake", Self::DevLake), ("fourkeys", Self::FourKeys)];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::DevLake => "devlake",
            Self::FourKeys => "fourkeys",
        }
    }
}

/// From (inclusive) to (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Window {
    /// The last `days` days up to now.
    pub fn last(days: i64, now: Timestamp) -> Self {
        Self { from: now - SignedDuration::from_hours(24 * days), to: now }
    }

    /// The window of the same length that ends where this one begins.
    pub fn previous(self) -> Self {
        Self { from: self.from - self.length(), to: self.from }
    }

    pub fn length(self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// A service: what deploys to production by itself. By default one per definition that has a production stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceId {
    pub project: ProjectId,
    pub kind: DefinitionKind,
    pub definition: i64,
}

/// Whose midnight days and weeks begin at, for one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub zone: TimeZone,
    pub of: ZoneOf,
}

/// Why it is this zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneOf {
    Configuration,
    /// The projects asked about have it of their own.
    Projects,
    /// They have different ones: the configuration's.
    Several,
    /// A project has one that this machine does not know: the configuration's.
    Unknown(String),
}

impl Zone {
    /// The zone of a question about projects, of each of which is known whether it has one of its own.
    pub fn of<'a>(projects: impl IntoIterator<Item = Option<&'a str>>, configured: &TimeZone) -> Self {
        let fallback = |of: ZoneOf| Self { zone: configured.clone(), of };
        let mut found: Option<Self> = None;
        for own in projects {
            let zone = match own {
                None => fallback(ZoneOf::Configuration),
                Some(name) => match TimeZone::get(name) {
                    Ok(zone) => Self { zone, of: ZoneOf::Projects },
                    Err(_) => return fallback(ZoneOf::Unknown(name.to_owned())),
                },
            };
            match &found {
                Some(other) if other.zone != zone.zone => return fallback(ZoneOf::Several),
                _ => found = Some(zone),
            }
        }
        found.unwrap_or_else(|| Self::configured(configured))
    }

    /// The configuration's.
    pub fn configured(zone: &TimeZone) -> Self {
        Self { zone: zone.clone(), of: ZoneOf::Configuration }
    }

    pub fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Its name, or that somebody chose one that is not known.
    pub fn brief(&self) -> &str {
        match &self.of {
            ZoneOf::Configuration | ZoneOf::Projects | ZoneOf::Several => self.name(),
            ZoneOf::Unknown(_) => "time zone not known",
        }
    }

    /// What to say beside a window; nothing where the configuration's holds and nobody expects another.
    pub fn words(&self) -> Option<String> {
        match &self.of {
            ZoneOf::Configuration => None,
            ZoneOf::Projects => Some(format!("days of {}", self.name())),
            ZoneOf::Several => Some(format!("days of {}: the projects have different time zones", self.name())),
            ZoneOf::Unknown(name) => Some(format!("days of {}: this machine does not know the time zone {name}", self.name())),
        }
    }
}

/// Which hours count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    #[default]
    Calendar,
    /// Without Saturdays, Sundays and the configured holidays.
    Working,
}

/// A group of people whose pull requests are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub name: String,
    pub members: Vec<Guid>,
}

/// Rules that the configuration sets. The store's lines of pull requests depend on some of them: `flow::rules_name` names these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Names of environments, stages or pipelines that are production whatever the rule of names says (`*` stands for anything).
    pub production: Vec<String>,
    /// And names that are not; these win.
    pub not_production: Vec<String>,
    /// Names (display or account, `*` stands for anything) of people who are machines.
    pub bots: Vec<String>,
    /// Types of work items that are incidents.
    pub incident_types: Vec<String>,
    /// Tags of work items that are incidents.
    pub incident_tags: Vec<String>,
    /// Branches of hotfixes, `hotfix/*`.
    pub hotfix_branches: Vec<String>,
    pub hotfix_labels: Vec<String>,
    pub holidays: Vec<Date>,
    /// Whether pull requests that revert others are left out of cycle time.
    pub leave_out_reverts: bool,
    /// Stage failures stand for change failures where there is no other source; the tile says so.
    pub stage_failures_as_proxy: bool,
}

impl Default for Rules {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        Self {
            production: Vec::new(),
            not_production: Vec::new(),
            bots: words(&["*[bot]", "*-bot", "*-bot@*", "dependabot*", "renovate*", "*Build Service*", "Project Collection*"]),
            incident_types: words(&["Incident"]),
            incident_tags: words(&["incident", "outage"]),
            hotfix_branches: words(&["hotfix/*"]),
            hotfix_labels: words(&["hotfix"]),
            holidays: Vec::new(),
            leave_out_reverts: true,
            stage_failures_as_proxy: false,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Empty means all that are measured.
    pub projects: Vec<ProjectId>,
    pub repository: Option<RepositoryId>,
    pub service: Option<ServiceId>,
    pub team: Option<Team>,
    pub window: Window,
    /// Of the project: days and weeks begin at its midnight.
    pub zone: TimeZone,
    pub definition: Definition,
    pub hours: Hours,
    pub rules: Rules,
}

impl Query {
    pub fn new(projects: Vec<ProjectId>, window: Window, rules: Rules) -> Self {
        Self {
            projects,
            repository: None,
            service: None,
            team: None,
            window,
            zone: TimeZone::UTC,
            definition: Definition::Ours,
            hours: Hours::Calendar,
            rules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_the_zone_of_its_projects_or_the_configurations_and_says_so() {
        let utc = TimeZone::UTC;
        for (projects, name, words) in [
            (&[][..], "UTC", None),
            (&[None, None], "UTC", None),
            (&[Some("Europe/Berlin")], "Europe/Berlin", Some("days of Europe/Berlin")),
            (&[Some("Europe/Berlin"), Some("europe/berlin")], "Europe/Berlin", Some("days of Europe/Berlin")),
            (&[Some("Europe/Berlin"), None], "UTC", Some("days of UTC: the projects have different time zones")),
            (&[Some("Europe/Berlin"), Some("Asia/Tokyo")], "UTC", Some("days of UTC: the projects have different time zones")),
            (&[Some("Mars/Base")], "UTC", Some("days of UTC: this machine does not know the time zone Mars/Base")),
        ] {
            let zone = Zone::of(projects.iter().copied(), &utc);
            assert_eq!((zone.name(), zone.words().as_deref()), (name, words), "{projects:?}");
        }
        // One that says in its own words what the configuration says too is not different.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(Zone::of([Some("Europe/Berlin"), None], &berlin).zone, berlin);
    }
}
