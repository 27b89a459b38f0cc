//! Runs whose stages nobody asked for, because others of their sort did not deploy: figures that rest on stages say so.
//!
//! Limits: as of the last pass of the collection, which considers the newest runs of a pipeline (see `sync::collect`).

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::telling::grouped;
use crate::domain::run::DefinitionKind;

/// How a note begins that tells of it.
pub const LOOKED_AT: &str = "stages of ";

/// How many sorts of runs notes name.
const MOST_NAMED: usize = 4;

/// Runs of a pipeline that are alike in whether they deploy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// On the default branch, for a push or by hand.
    Line,
    /// On the default branch, by the clock.
    Scheduled,
    /// On another branch: of this folder, or of this name where it is in none.
    Branches(String),
    Tags,
}

impl Sort {
    /// The sort of a run of this ref. Without a default branch that is known, every branch is taken for it.
    pub fn of(name: &str, reason: &str, default: Option<&str>) -> Self {
        let Some(branch) = name.strip_prefix("refs/heads/") else { return Self::Tags };
        if default.is_some_and(|default| default != branch) {
            return Self::Branches(branch.split('/').next().unwrap_or(branch).to_owned());
        }
        if reason == "schedule" { Self::Scheduled } else { Self::Line }
    }

    /// "scheduled runs"
    fn words(&self) -> String {
        match self {
            Self::Line => "runs of the default branch".to_owned(),
            Self::Scheduled => "scheduled runs".to_owned(),
            Self::Branches(folder) => format!("runs of `{folder}` branches"),
            Self::Tags => "runs of tags".to_owned(),
        }
    }
}

/// Runs of a sort of which some were looked at. None of these deployed, and the rest was left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    pub sort: Sort,
    pub looked_at: u64,
    /// All of the sort, those that were looked at among them.
    pub runs: u64,
}

impl LeftAlone {
    /// "3 of 210 scheduled runs looked at, none deployed"
    pub fn words(&self) -> String {
        format!("{} of {} {} looked at, none deployed", grouped(self.looked_at), grouped(self.runs), self.sort.words())
    }
}

/// What to say of the services asked for.
pub fn notes(frame: &Frame<'_>) -> Vec<String> {
    let services = frame.deployments.services.iter().filter(|service| service.asked && service.id.kind == DefinitionKind::Pipeline);
    let of_service = services.flat_map(|service| {
        let of_it = frame
            .input
            .kinds
            .iter()
            .filter(|kind| (kind.project, kind.kind, kind.definition) == (service.id.project, service.id.kind, service.id.definition));
        of_it.flat_map(|kind| &kind.left_alone).map(|sort| format!("{}: {}", service.name, sort.words()))
    });
    let all: Vec<String> = of_service.collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let mut notes: Vec<String> = all.into_iter().take(MOST_NAMED).map(|words| format!("{LOOKED_AT}{words}")).collect();
    if more > 0 {
        notes.push(format!("{LOOKED_AT}{more} more sorts of runs were not all looked at: kanado metrics production tells"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_of_its_folder_and_one_of_a_repository_that_is_gone_is_of_the_line() {
        let main = Some("main");
        assert_eq!(Sort::of("refs/heads/main", "individualCI", main), Sort::Line);
        assert_eq!(Sort::of("refs/heads/main", "schedule", main), Sort::Scheduled);
        assert_eq!(Sort::of("refs/heads/release/1.2", "individualCI", main), Sort::Branches("release".to_owned()));
        assert_eq!(Sort::of("refs/heads/release/1.3", "schedule", main), Sort::Branches("release".to_owned()));
        assert_eq!(Sort::of("refs/heads/stable", "manual", main), Sort::Branches("stable".to_owned()));
        assert_eq!(Sort::of("refs/tags/v1", "individualCI", main), Sort::Tags);
        assert_eq!(Sort::of("refs/heads/trunk", "individualCI", None), Sort::Line);
    }

    #[test]
    fn it_is_told_how_many_of_a_sort_were_looked_at() {
        let told = |sort| LeftAlone { sort, looked_at: 3, runs: 1_210 }.words();
        assert_eq!(told(Sort::Scheduled), "3 of 1,210 scheduled runs looked at, none deployed");
        assert_eq!(told(Sort::Branches("topic".to_owned())), "3 of 1,210 runs of `topic` branches looked at, none deployed");
        assert_eq!(told(Sort::Tags), "3 of 1,210 runs of tags looked at, none deployed");
    }
}
