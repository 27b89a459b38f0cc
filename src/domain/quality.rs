//! The one comment that kanado keeps on a pull request, and how it is told from what people write.
//!
//! Azure DevOps keeps the marks of a thread and the text of a comment as they were sent, and shows no HTML comment to readers. Either
//! tells: marks are lost where a thread is copied, and a text where a person edits it.

use serde::{Deserialize, Serialize};

use super::fact::Thread;

/// The first line of the comment; nobody sees it.
pub const MARK: &str = "<!-- kanado:quality v1 -->";

/// The property of its thread, and its value.
pub const PROPERTY: (&str, &str) = ("kanado.quality", "v1");

/// Whether a thread is one that kanado keeps: nobody's review, and nothing to be answered.
pub fn is_ours(thread: &Thread) -> bool {
    let is_marked = thread.properties.get(PROPERTY.0).is_some_and(|value| value == PROPERTY.1);
    is_marked || thread.comments.first().is_some_and(|comment| comment.content.trim_start().starts_with(MARK))
}

/// Whether a project's pull requests are commented by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    On,
    Off,
}

impl Posting {
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// How a project stands to comments. Its own word counts for everybody who shares its store, whatever their configurations say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Absent where the configuration decides.
    pub own: Option<Posting>,
    /// What the configuration of this process says.
    pub configured: Posting,
}

impl Policy {
    pub fn posting(self) -> Posting {
        self.own.unwrap_or(self.configured)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::fact::Comment;

    fn thread(content: &str, property: Option<&str>) -> Thread {
        let comment = Comment {
            id: 1,
            parent: 0,
            author: None,
            author_is_group: false,
            content: content.to_owned(),
            published_at: None,
            system: false,
            deleted: false,
        };
        Thread {
            id: 1,
            status: Some("active".to_owned()),
            comments: vec![comment],
            file: None,
            deleted: false,
            published_at: None,
            updated_at: None,
            properties: property.map(|value| (PROPERTY.0.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
            identities: BTreeMap::new(),
        }
    }

    #[test]
    fn our_thread_is_known_by_its_mark_or_its_first_line_and_no_other_is() {
        assert!(is_ours(&thread(&format!("{MARK}\n**KAN-1**"), None)));
        assert!(is_ours(&thread("edited by somebody", Some("v1"))));
        assert!(!is_ours(&thread(&format!("look at {MARK}"), None)), "a person who quotes it");
        assert!(!is_ours(&thread("why?", Some("v0"))));
    }
}
