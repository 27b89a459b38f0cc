//! What a question that was not answered means for a source: nothing there, not allowed, or not now. Pure.

use crate::ado::{self, ErrorKind};
use crate::domain::collection::Source;
use crate::notice::{Explain as _, inert};

/// Why a question was not answered, as far as collecting is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It is not there any more.
    Gone,
    /// The token may not ask, in words that say what to do. Everything else goes on.
    Refused(String),
    /// It may work later.
    Failed {
        words: String,
        /// Whether every other question would meet it too.
        everywhere: bool,
    },
}

impl Trouble {
    pub fn of(error: &ado::Error, source: Source, project: &str) -> Self {
        let words = error.to_string();
        match error.kind() {
            ErrorKind::ScopeMissing { scope } => Self::Refused(scope_words(scope, error.hint())),
            ErrorKind::PermissionMissing { permission } => Self::Refused(permission_words(permission, source, project)),
            ErrorKind::RepositoryMissing | ErrorKind::PullRequestMissing | ErrorKind::BranchMissing | ErrorKind::NotFound => Self::Gone,
            ErrorKind::BadToken | ErrorKind::TokenExpired | ErrorKind::NotAMember => {
                Self::Failed { words: with_hint(words, error.hint()), everywhere: true }
            }
            ErrorKind::Offline | ErrorKind::Proxy | ErrorKind::Tls | ErrorKind::Throttled { .. } | ErrorKind::UntrustedHost => {
                Self::Failed { words, everywhere: true }
            }
            _ => Self::Failed { words, everywhere: false },
        }
    }
}

fn with_hint(words: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{words}; {hint}"),
        None => words,
    }
}

/// What may not be read is told beside it: the words are the same for all that one scope opens.
fn scope_words(scope: &str, hint: Option<String>) -> String {
    let todo = hint.unwrap_or_else(|| format!("tick {scope} for the token"));
    format!("the token lacks {scope}; {todo}")
}

/// The permission as the security page calls it: what the service names, it names in its own words.
fn permission_words(named: &str, source: Source, project: &str) -> String {
    let permission = match source {
        Source::Builds | Source::Timelines => "View builds",
        Source::Environments => "Reader of the environments",
        Source::Releases => "View releases",
        Source::WorkItems => "View work items in this node",
        Source::PullRequests | Source::Threads | Source::Details | Source::Commits | Source::Pushes => "Read (of its repositories)",
    };
    let detail = if named.is_empty() { String::new() } else { format!(" (`{}`)", inert(named)) };
    format!("the account lacks \"{permission}\"{detail} in {}; ask one of its administrators", inert(project))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_named_with_its_project() {
        let words = permission_words("", Source::Builds, "Harbor\u{1b}[2J");
        assert_eq!(words, "the account lacks \"View builds\" in Harbor[2J; ask one of its administrators");
        assert_eq!(words, permission_words("", Source::Timelines, "Harbor\u{1b}[2J"), "one permission, told once");
        let words = permission_words("ViewReleases", Source::Releases, "Harbor");
        assert!(words.contains("\"View releases\" (`ViewReleases`) in Harbor"), "{words}");
    }

    #[test]
    fn a_missing_scope_says_what_to_tick() {
        let words = scope_words("Build (read)", None);
        assert_eq!(words, "the token lacks Build (read); tick Build (read) for the token");
    }
}
