//! Pushes through REST: one ref, one commit; and the log of all pushes.
//!
//! Contents are raw text or Base64; anything over 25 MB is refused before it gets here.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, enum_field, field, page, text_field};
use crate::sim::deed::{self, Guard, NewPush};
use crate::sim::git::{NewContent, Stamp, TreeEdit};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Push, Repository, World, ado_date};

const CHANGE_TYPES: &[(&str, i64)] = &[("add", 1), ("edit", 2), ("rename", 8), ("delete", 16)];
const CONTENT_TYPES: &[(&str, i64)] = &[("rawText", 0), ("base64Encoded", 1)];

pub async fn create(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let one = |name: &str| match field(&body, name).and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => Ok(only.clone()),
        Some([]) | None => Err(Failure::null_argument(name)),
        Some(_) => Err(Failure::argument(name, "A push through REST takes exactly one ref update and one commit.")),
    };
    let (update, commit) = (one("refUpdates")?, one("commits")?);
    let changes = field(&commit, "changes").and_then(Value::as_array).ok_or_else(|| Failure::null_argument("changes"))?;
    if changes.is_empty() {
        return Err(Failure::null_argument("changes"));
    }
    let edits = changes.iter().map(edit).collect::<Result<Vec<_>, _>>()?;
    let now = call.sim.read().await.now();
    let person = |name: &str| field(&commit, name).and_then(|value| stamp(value, now));
    let new = NewPush {
        repository: call.repository_id().await?,
        ref_name: text_field(&update, "name").ok_or_else(|| Failure::null_argument("name"))?,
        old_object_id: Some(text_field(&update, "oldObjectId").ok_or_else(|| Failure::null_argument("oldObjectId"))?.to_lowercase()),
        edits,
        message: text_field(&commit, "comment").unwrap_or_default(),
        author: person("author"),
        committer: person("committer"),
    };
    let done = deed::push(&call.sim, call.actor(), new, Guard::Enforced).await?;
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let Some(push) = world.pushes.iter().find(|push| push.id == done.push_id) else {
        return Err(Failure::internal("The push was not written down."));
    };
    let mut value = row(call, &world, repository, push);
    let mut made = call.renderer(&world).commit(repository, &done.commit);
    made.insert("treeId".to_owned(), json!(done.commit.tree));
    made.insert("parents".to_owned(), json!(done.commit.parents));
    value["commits"] = json!([made]);
    value["refUpdates"] = ref_updates(push);
    Ok(Answer::created(value))
}

fn stamp(value: &Value, now: Timestamp) -> Option<Stamp> {
    let name = text_field(value, "name")?;
    let email = text_field(value, "email").unwrap_or_default();
    let when = text_field(value, "date").and_then(|date| date.parse().ok()).unwrap_or(now);
    Some(Stamp::new(&name, &email, when))
}

fn edit(change: &Value) -> Result<TreeEdit, Failure> {
    let path = field(change, "item").and_then(|item| text_field(item, "path")).ok_or_else(|| Failure::null_argument("item"))?;
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    let content = field(change, "newContent").map(content).transpose()?;
    let needed = |content: Option<Vec<u8>>| content.ok_or_else(|| Failure::null_argument("newContent"));
    match enum_field(change, "changeType", CHANGE_TYPES)? {
        Some("add") => Ok(TreeEdit::Add { path, content: needed(content)? }),
        Some("edit") => Ok(TreeEdit::Edit { path, content: needed(content)? }),
        Some("delete") => Ok(TreeEdit::Delete { path }),
        Some("rename") => Ok(TreeEdit::Rename {
            from: text_field(change, "sourceServerItem").ok_or_else(|| Failure::null_argument("sourceServerItem"))?,
            to: path,
            content: content.map_or(NewContent::Same, NewContent::Bytes),
        }),
        _ => Err(Failure::null_argument("changeType")),
    }
}

fn content(value: &Value) -> Result<Vec<u8>, Failure> {
    let text = text_field(value, "content").unwrap_or_default();
    match enum_field(value, "contentType", CONTENT_TYPES)? {
        Some("base64Encoded") => {
            STANDARD.decode(text).map_err(|_| Failure::argument("content", "The input is not a valid Base-64 string."))
        }
        _ => Ok(text.into_bytes()),
    }
}

fn ref_updates(push: &Push) -> Value {
    push.moves
        .iter()
        .map(|moved| {
            json!({
                "repositoryId": push.repository, "name": moved.name, "oldObjectId": moved.old, "newObjectId": moved.new,
            })
        })
        .collect()
}

fn row(call: &Call, world: &World, repository: &Repository, push: &Push) -> Value {
    let render = call.renderer(world);
    let address = call.sim.site.repository_api(repository.project, repository.id, &format!("pushes/{}", push.id));
    json!({
        "repository": render.repository(repository),
        "pushedBy": render.identity(push.by),
        "pushId": push.id,
        "date": ado_date(push.date),
        "url": address,
        "_links": {
            "self": {"href": address},
            "repository": {"href": call.sim.site.repository_api(repository.project, repository.id, "")},
            "commits": {"href": format!("{address}/commits")},
            "pusher": {"href": call.sim.site.api(&format!("Identities/{}", push.by))},
            "refs": {"href": call.sim.site.repository_api(repository.project, repository.id, "refs")},
        },
    })
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let date = |name: &str| match call.query.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| Failure::argument(name, "The date is not valid.")),
    };
    let (from, to) = (date("searchCriteria.fromDate")?, date("searchCriteria.toDate")?);
    let pusher = call.query.guid("searchCriteria.pusherId")?;
    let ref_name = call.query.get("searchCriteria.refName");
    let found = world
        .pushes
        .iter()
        .rev()
        .filter(|push| push.repository == repository.id)
        .filter(|push| from.is_none_or(|from| push.date >= from) && to.is_none_or(|to| push.date <= to))
        .filter(|push| pusher.is_none_or(|pusher| push.by == pusher))
        .filter(|push| ref_name.is_none_or(|name| push.moves.iter().any(|moved| moved.name == name)));
    let (skip, top) = (call.query.number("$skip")?.unwrap_or(0), call.query.number("$top")?.unwrap_or(100));
    let with_updates = call.query.is_true("searchCriteria.includeRefUpdates");
    let rows = page(found, skip, top)
        .into_iter()
        .map(|push| {
            let mut value = row(call, &world, repository, push);
            if let Some(map) = value.as_object_mut() {
                map.remove("_links");
                if with_updates {
                    map.insert("refUpdates".to_owned(), ref_updates(push));
                }
            }
            value
        })
        .collect();
    Ok(Answer::git_list(rows))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let id = call.number("push")?;
    let push = world
        .pushes
        .iter()
        .find(|push| push.id == id && push.repository == repository.id)
        .ok_or_else(|| Failure::no_commit(&format!("of push {id}")))?;
    let mut value = row(call, &world, repository, push);
    value["refUpdates"] = ref_updates(push);
    let render = call.renderer(&world);
    value["commits"] = push.commits.iter().map(|id| json!({ "commitId": id, "url": render.commit_url(repository, id) })).collect();
    Ok(Answer::ok(value))
}
