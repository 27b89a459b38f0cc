//! Discussion threads and their comments. The service writes threads of its own for votes, pushes and status changes.

use jiff::Timestamp;
use serde::Deserialize;

use super::identity::Reference;
use super::loose;
use crate::domain::fact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    id: i64,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::list")]
    comments: Vec<Comment>,
    #[serde(default, deserialize_with = "loose::part")]
    thread_context: Option<Context>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "loose::time")]
    last_updated_date: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default, deserialize_with = "loose::word")]
    file_path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    id: i64,
    #[serde(default, deserialize_with = "loose::number")]
    parent_comment_id: Option<i64>,
    #[serde(default, deserialize_with = "loose::part")]
    author: Option<Reference>,
    #[serde(default, deserialize_with = "loose::word")]
    content: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    published_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::word")]
    comment_type: Option<String>,
    #[serde(default, deserialize_with = "loose::flag")]
    is_deleted: bool,
}

impl Thread {
    pub fn fact(self) -> fact::Thread {
        fact::Thread {
            id: self.id,
            status: self.status.filter(|s| !s.is_empty()).map(word),
            comments: self.comments.into_iter().map(Comment::fact).collect(),
            file: self.thread_context.and_then(|c| c.file_path).map(|path| path.trim_start_matches('/').to_owned()),
            deleted: self.is_deleted,
            updated_at: self.last_updated_date,
        }
    }
}

/// Old servers write the status as a number.
fn word(status: String) -> String {
    match status.as_str() {
        "0" => "unknown",
        "1" => "active",
        "2" => "fixed",
        "3" => "wontFix",
        "4" => "closed",
        "5" => "byDesign",
        "6" => "pending",
        _ => return status,
    }
    .to_owned()
}

impl Comment {
    pub fn fact(self) -> fact::Comment {
        fact::Comment {
            id: self.id,
            parent: self.parent_comment_id.unwrap_or_default(),
            author: self.author.filter(|a| a.id.is_some()).map(Reference::identity),
            content: self.content.unwrap_or_default(),
            published_at: self.published_date,
            // 3 is the number of `system`.
            system: self.comment_type.is_some_and(|t| t.eq_ignore_ascii_case("system") || t == "3"),
            deleted: self.is_deleted,
        }
    }
}
