//! Runs whose stages nobody asked for, because others of their sort did not deploy: figures that rest on stages say so.
//!
//! Limits: as of the last pass of the collection, which considers the newest runs of a pipeline (see `sync::collect`).

use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::input::StageKind;
use super::telling::grouped;
use crate::domain::run::DefinitionKind;

/// How a note begins that tells of it.
pub const LOOKED_AT: &str = "stages of ";

/// How many services notes name, and how many sorts of runs of each.
const MOST_NAMED: usize = 4;
const MOST_SORTS: usize = 3;

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
    /// "3 of 210 scheduled runs"
    fn share(&self) -> String {
        format!("{} of {} {}", grouped(self.looked_at), grouped(self.runs), self.sort.words())
    }

    /// "3 of 210 scheduled runs looked at, none deployed"
    pub fn words(&self) -> String {
        format!("{} looked at, none deployed", self.share())
    }
}

/// What to say of the services asked for, each in a note.
pub fn notes(frame: &Frame<'_>) -> Vec<String> {
    let services = frame.deployments.services.iter().filter(|service| service.asked && service.id.kind == DefinitionKind::Pipeline);
    let told = services.filter_map(|service| {
        let is_of =
            |kind: &&StageKind| (kind.project, kind.kind, kind.definition) == (service.id.project, service.id.kind, service.id.definition);
        let sorts: Vec<&LeftAlone> = frame.input.kinds.iter().filter(is_of).flat_map(|kind| &kind.left_alone).collect();
        let mut shares: Vec<String> = sorts.iter().take(MOST_SORTS).map(|sort| sort.share()).collect();
        if let Some(rest) = sorts.get(MOST_SORTS..).filter(|rest| !rest.is_empty()) {
            let (looked_at, runs) = rest.iter().fold((0, 0), |(looked_at, runs), one| (looked_at + one.looked_at, runs + one.runs));
            shares.push(format!("{} of {} other runs", grouped(looked_at), grouped(runs)));
        }
        (!shares.is_empty()).then(|| format!("{LOOKED_AT}{}: {} looked at, none deployed", service.name, shares.join(", ")))
    });
    let mut notes: Vec<String> = told.collect();
    let more = notes.len().saturating_sub(MOST_NAMED);
    notes.truncate(MOST_NAMED);
    if more > 0 {
        notes.push(format!("{LOOKED_AT}{more} more were not all looked at: kanado metrics production tells"));
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
