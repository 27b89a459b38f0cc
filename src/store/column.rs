//! Reading a row's columns into words of the domain, and words of the domain as the store keeps them. Nothing here panics: a value
//! that cannot be read is an error that names its column.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::error::{Error, Result};
use crate::domain::person::ReviewerStrategy;
use crate::domain::project::Deployment;
use crate::domain::pull_request::{MergeState, PullRequestStatus, Source};
use crate::domain::status::Status;
use crate::domain::ticket::SpecBadge;

/// An enumeration that is kept as a word.
pub(super) trait Word: Sized + Copy + PartialEq + 'static {
    const WORDS: &'static [(Self, &'static str)];

    fn to_word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    fn from_word(text: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, word)| *word == text).map(|(value, _)| *value)
    }
}

impl Word for Status {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Todo, "todo"),
        (Self::InProgress, "in_progress"),
        (Self::PrOpen, "pr_open"),
        (Self::Merged, "merged"),
        (Self::Done, "done"),
    ];
}

impl Word for Deployment {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Services, "services"), (Self::Server, "server")];
}

impl Word for ReviewerStrategy {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::LoadBalance, "load_balance"), (Self::Mapped, "mapped")];
}

impl Word for PullRequestStatus {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Active, "active"), (Self::Completed, "completed"), (Self::Abandoned, "abandoned"), (Self::Unknown, "unknown")];
}

impl Word for MergeState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::NotSet, "not_set"),
        (Self::Queued, "queued"),
        (Self::Conflicts, "conflicts"),
        (Self::Succeeded, "succeeded"),
        (Self::RejectedByPolicy, "rejected_by_policy"),
        (Self::Failure, "failure"),
    ];
}

impl Word for Source {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Hook, "hook"), (Self::Poll, "poll"), (Self::Action, "action")];
}

impl Word for SpecBadge {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Local, "local"), (Self::Draft, "draft"), (Self::Pushed, "pushed"), (Self::ChangedOnBranch, "changed_on_branch")];
}

/// A truth value as the store keeps it: `Any` cannot read a BOOLEAN column of SQLite.
pub(super) fn flag(value: bool) -> i64 {
    i64::from(value)
}

/// A number with a fraction, to be cast by the statement: the driver takes an absent one for half as wide as it is, and PostgreSQL goes
/// by the width that it saw first.
pub(super) fn real(value: Option<f64>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A list as the store keeps it.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::unreadable(format!("a value cannot be written as JSON: {error}")))
}

pub(super) fn instant(milliseconds: i64, column: &str) -> Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| Error::unreadable(format!("time in {column}: {milliseconds}")))
}

/// Columns by name.
pub(super) trait Columns {
    fn int(&self, column: &'static str) -> Result<i64>;
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>>;
    fn maybe_real(&self, column: &'static str) -> Result<Option<f64>>;
    fn text(&self, column: &'static str) -> Result<String>;
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>>;
    /// The text without a copy.
    fn borrowed(&self, column: &'static str) -> Result<&str>;

    fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn count(&self, column: &'static str) -> Result<u32> {
        let number = self.int(column)?;
        u32::try_from(number).map_err(|_| Error::unreadable(format!("count in {column}: {number}")))
    }

    fn instant(&self, column: &'static str) -> Result<Timestamp> {
        instant(self.int(column)?, column)
    }

    fn maybe_instant(&self, column: &'static str) -> Result<Option<Timestamp>> {
        self.maybe_int(column)?.map(|number| instant(number, column)).transpose()
    }

    fn word<T: Word>(&self, column: &'static str) -> Result<T> {
        let text = self.borrowed(column)?;
        T::from_word(text).ok_or_else(|| Error::unreadable(format!("word in {column}: {}", text.chars().take(40).collect::<String>())))
    }

    fn maybe_word<T: Word>(&self, column: &'static str) -> Result<Option<T>> {
        match self.maybe_text(column)? {
            Some(_) => self.word(column).map(Some),
            None => Ok(None),
        }
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(self.borrowed(column)?).map_err(|error| Error::unreadable(format!("JSON in {column}: {error}")))
    }

    fn maybe_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        match self.maybe_text(column)? {
            Some(text) => serde_json::from_str(&text).map(Some).map_err(|error| Error::unreadable(format!("JSON in {column}: {error}"))),
            None => Ok(None),
        }
    }
}

impl Columns for AnyRow {
    fn int(&self, column: &'static str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }

    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }

    fn maybe_real(&self, column: &'static str) -> Result<Option<f64>> {
        Ok(self.try_get(column)?)
    }

    fn text(&self, column: &'static str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &'static str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn borrowed(&self, column: &'static str) -> Result<&str> {
        Ok(self.try_get(column)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_word_is_read_back<T: Word + std::fmt::Debug>() {
        for (value, word) in T::WORDS {
            assert_eq!(T::from_word(word), Some(*value));
            assert_eq!(value.to_word(), *word);
        }
    }

    #[test]
    fn words_kept_in_the_store_are_those_of_the_json() {
        every_word_is_read_back::<Deployment>();
        every_word_is_read_back::<SpecBadge>();
        for status in Status::ALL {
            assert_eq!(status.to_word(), status.word());
        }
        for (value, word) in PullRequestStatus::WORDS {
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
        }
        for (value, word) in MergeState::WORDS {
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
        }
        for (value, word) in Source::WORDS {
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
        }
        for (value, word) in ReviewerStrategy::WORDS {
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
        }
    }
}
