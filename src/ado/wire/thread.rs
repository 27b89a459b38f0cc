//! Discussion threads and their comments. The service writes threads of its own for votes, pushes and status changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

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
    published_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::time")]
    last_updated_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose::part")]
    properties: Option<BTreeMap<String, Value>>,
    #[serde(default, deserialize_with = "loose::part")]
    identities: Option<BTreeMap<String, Value>>,
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
            published_at: self.published_date,
            updated_at: self.last_updated_date,
            properties: self.properties.map_or_else(BTreeMap::new, plain),
            identities: self.identities.map_or_else(BTreeMap::new, parties),
        }
    }
}

/// A bag of properties, whose values are `{"$type": ..., "$value": ...}` or bare.
fn plain(bag: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value.get("$value").unwrap_or(value) {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    bag.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

fn parties(named: BTreeMap<String, Value>) -> BTreeMap<String, fact::Party> {
    let read = |value| serde_json::from_value::<Reference>(value).ok().filter(|who| who.id.as_deref().is_some_and(|id| !id.is_empty()));
    named.into_iter().filter_map(|(key, value)| Some((key, party(read(value)?)))).collect()
}

fn party(who: Reference) -> fact::Party {
    fact::Party { is_group: who.is_container, identity: who.identity() }
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
        let author = self.author.filter(|a| a.id.is_some()).map(party);
        fact::Comment {
            id: self.id,
            parent: self.parent_comment_id.unwrap_or_default(),
            author_is_group: author.as_ref().is_some_and(|a| a.is_group),
            author: author.map(|a| a.identity),
            content: self.content.unwrap_or_default(),
            published_at: self.published_date,
            // 3 is the number of `system`.
            system: self.comment_type.is_some_and(|t| t.eq_ignore_ascii_case("system") || t == "3"),
            deleted: self.is_deleted,
        }
    }
}
