//! Work items of Boards, read only: for links and incidents.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::ObjectId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItem {
    pub number: i64,
    pub revision: i64,
    /// `Bug`, `User Story`, `Issue` ...
    pub kind: String,
    pub state: String,
    pub title: String,
    pub tags: Vec<String>,
    pub area: String,
    pub created_at: Option<Timestamp>,
    pub changed_at: Option<Timestamp>,
    /// When it was resolved, else closed.
    pub resolved_at: Option<Timestamp>,
}

/// What a work item hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "on")]
pub enum LinkTarget {
    PullRequest { number: i64 },
    Commit { sha: ObjectId },
    Build { number: i64 },
}

/// How a link is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// `#1234` or `AB#1234` in a commit message or a pull request's description.
    Text,
    /// A link of Azure DevOps's own.
    Link,
}

/// The numbers that a text names as `#1234` or `AB#1234`, in order, each once.
///
/// A `#` inside a word (`a#1`, a URL's `page#12`) and `##12` name nothing; `!12` is a pull request's.
pub fn mentions(text: &str) -> Vec<i64> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('#') {
        let before = &text[..at];
        let before = before.strip_suffix("AB").or_else(|| before.strip_suffix("ab")).unwrap_or(before);
        if before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '#' | '/' | '&' | '_' | '-')) {
            continue;
        }
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let after = text[at + 1 + digits..].chars().next();
        if digits == 0 || digits > 9 || after.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        if let Ok(number) = text[at + 1..at + 1 + digits].parse::<i64>()
            && number > 0
            && !found.contains(&number)
        {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn numbers_after_a_hash_are_mentions_and_parts_of_words_are_not() {
        for (text, numbers) in [
            ("Fix #12 and AB#34, (#5)", &[12, 34, 5][..]),
            ("#7", &[7]),
            ("#7 again #7", &[7]),
            ("see https://example.test/page#12 or a#1", &[]),
            ("##12 #12a #_1 # 5 #0", &[]),
            ("closes ab#9.", &[9]),
            ("#1234567890", &[]),
            ("colour &#160; and #fff", &[]),
            ("Grüße #3, ü#4", &[3]),
        ] {
            assert_eq!(mentions(text), numbers, "{text}");
        }
    }
}
