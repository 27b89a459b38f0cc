//! The words that the store keeps for what pipelines do and for how things hang together.

use super::column::Word;
use crate::domain::collection::Source;
use crate::domain::run::{DefinitionKind, RunResult, RunStatus, StageResult};
use crate::domain::work_item::Via;
use crate::metrics::input::Decided;

impl Word for DefinitionKind {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Pipeline, "pipeline"), (Self::Release, "release")];
}

impl Word for RunStatus {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::NotStarted, "not_started"),
        (Self::InProgress, "in_progress"),
        (Self::Cancelling, "cancelling"),
        (Self::Postponed, "postponed"),
        (Self::Completed, "completed"),
        (Self::Unknown, "unknown"),
    ];
}

impl Word for RunResult {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Succeeded, "succeeded"),
        (Self::PartiallySucceeded, "partially_succeeded"),
        (Self::Failed, "failed"),
        (Self::Canceled, "canceled"),
        (Self::Unknown, "unknown"),
    ];
}

impl Word for StageResult {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Succeeded, "succeeded"),
        (Self::SucceededWithIssues, "succeeded_with_issues"),
        (Self::Failed, "failed"),
        (Self::Canceled, "canceled"),
        (Self::Skipped, "skipped"),
        (Self::Abandoned, "abandoned"),
        (Self::Rejected, "rejected"),
        (Self::Pending, "pending"),
        (Self::Running, "running"),
        (Self::Unknown, "unknown"),
    ];
}

impl Word for Decided {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Production, "production"), (Self::NotProduction, "not_production")];
}

impl Word for Via {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Text, "text"), (Self::Link, "link")];
}

impl Word for Source {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::PullRequests, "pull_requests"),
        (Self::Builds, "builds"),
        (Self::Environments, "environments"),
        (Self::Releases, "releases"),
        (Self::Threads, "threads"),
        (Self::Details, "details"),
        (Self::Commits, "commits"),
        (Self::Pushes, "pushes"),
        (Self::WorkItems, "work_items"),
        (Self::Timelines, "timelines"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_are_those_of_the_json<T: Word + serde::Serialize + std::fmt::Debug>() {
        for (value, word) in T::WORDS {
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
            assert_eq!(T::from_word(word), Some(*value));
        }
    }

    #[test]
    fn words_of_runs_are_those_of_the_json() {
        words_are_those_of_the_json::<DefinitionKind>();
        words_are_those_of_the_json::<RunStatus>();
        words_are_those_of_the_json::<RunResult>();
        words_are_those_of_the_json::<StageResult>();
        words_are_those_of_the_json::<Decided>();
        words_are_those_of_the_json::<Via>();
        words_are_those_of_the_json::<Source>();
        assert_eq!(Source::WORDS.len(), Source::ALL.len());
        assert!(Source::ALL.into_iter().all(|source| source.to_word() == source.name()));
    }
}
