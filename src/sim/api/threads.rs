//! Threads and comments of a pull request, system threads included; no paging.
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Call, enum_field, field, text_field};
use crate::sim::deed::{self, NewComment, NewThread};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{CommentKind, Property, Thread, ThreadStatus, World};

const STATUSES: &[(&str, i64)] =
    &[("unknown", 0), ("active", 1), ("fixed", 2), ("wontFix", 3), ("closed", 4), ("byDesign", 5), ("pending", 6)];
const KINDS: &[(&str, i64)] = &[("unknown", 0), ("text", 1), ("codeChange", 2), ("system", 3)];

fn status(body: &Value) -> Result<Option<ThreadStatus>, Failure> {
    Ok(enum_field(body, "status", STATUSES)?.and_then(|word| match word {
        "active" => Some(ThreadStatus::Active),
        "fixed" => Some(ThreadStatus::Fixed),
        "wontFix" => Some(ThreadStatus::WontFix),
        "closed" => Some(ThreadStatus::Closed),
        "byDesign" => Some(ThreadStatus::ByDesign),
        "pending" => Some(ThreadStatus::Pending),
        _ => None,
    }))
}

fn new_comment(body: &Value) -> Result<NewComment, Failure> {
    let content = text_field(body, "content").filter(|text| !text.is_empty());
    let kind = match enum_field(body, "commentType", KINDS)? {
        Some("codeChange") => CommentKind::CodeChange,
        _ => CommentKind::Text,
    };
    let parent = field(body, "parentCommentId").and_then(Value::as_i64).unwrap_or(0);
    Ok(NewComment {
        content: content.ok_or_else(|| Failure::null_argument("content"))?,
        parent: i32::try_from(parent).map_err(|_| Failure::out_of_range("parentCommentId"))?,
        kind,
    })
}

/// Properties come plain (`"marker": "x"`) or typed (`{"$type":...,"$value":...}`).
fn properties(body: &Value) -> BTreeMap<String, Property> {
    let Some(bag) = field(body, "properties").and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    bag.iter()
        .filter_map(|(key, value)| {
            let value = value.get("$value").unwrap_or(value);
            let property = match value {
                Value::String(text) => Property::Text(text.clone()),
                Value::Number(number) => Property::Number(number.as_i64()?),
                _ => return None,
            };
            Some((key.clone(), property))
        })
        .collect()
}

fn find<'a>(call: &Call, world: &'a World) -> Result<&'a Thread, Failure> {
    let id = call.number("thread")?;
    call.pull_request(world)?.threads.iter().find(|thread| thread.id == id).ok_or_else(|| Failure::no_thread(&id.to_string()))
}

fn show(call: &Call, world: &World, thread: &Thread) -> Result<Value, Failure> {
    let (repository, pr) = (call.repository(world)?, call.pull_request(world)?);
    Ok(call.renderer(world).thread(repository, pr.id, thread))
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let pr = call.pull_request(&world)?;
    let rows = pr.threads.iter().map(|thread| show(call, &world, thread)).collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::git_list(rows))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    Ok(Answer::ok(show(call, &world, find(call, &world)?)?))
}

pub async fn create(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let comments = field(&body, "comments").and_then(Value::as_array).ok_or_else(|| Failure::null_argument("comments"))?;
    let new = NewThread {
        comments: comments.iter().map(new_comment).collect::<Result<Vec<_>, _>>()?,
        status: status(&body)?,
        context: field(&body, "threadContext").cloned(),
        pull_request_context: field(&body, "pullRequestThreadContext").cloned(),
        properties: properties(&body),
    };
    let pull_request = call.pull_request_id().await?;
    let id = deed::open_thread(&call.sim, call.actor(), pull_request, new).await?;
    let world = call.sim.read().await;
    let thread = call.pull_request(&world)?.threads.iter().find(|thread| thread.id == id);
    let thread = thread.ok_or_else(|| Failure::no_thread(&id.to_string()))?;
    Ok(Answer::ok(show(call, &world, thread)?))
}

pub async fn update(call: &Call) -> Result<Answer, Failure> {
    let body = call.json()?;
    let (pull_request, thread) = (call.pull_request_id().await?, call.number("thread")?);
    deed::set_thread_status(&call.sim, call.actor(), pull_request, thread, status(&body)?).await?;
    get(call).await
}

fn comment_address(call: &Call, world: &World) -> Result<String, Failure> {
    let (repository, pr) = (call.repository(world)?, call.pull_request(world)?);
    Ok(call.renderer(world).pull_request_url(repository, pr.id, &format!("threads/{}", call.capture("thread"))))
}

pub async fn comments(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (thread, address) = (find(call, &world)?, comment_address(call, &world)?);
    let render = call.renderer(&world);
    Ok(Answer::list(thread.comments.iter().map(|comment| render.comment(comment, &address)).collect()))
}

async fn show_comment(call: &Call, id: i32) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (thread, address) = (find(call, &world)?, comment_address(call, &world)?);
    let comment = thread.comments.iter().find(|comment| comment.id == id);
    let comment = comment.ok_or_else(|| Failure::no_comment(&id.to_string()))?;
    Ok(Answer::ok(call.renderer(&world).comment(comment, &address)))
}

pub async fn comment(call: &Call) -> Result<Answer, Failure> {
    show_comment(call, call.number("comment")?).await
}

pub async fn reply(call: &Call) -> Result<Answer, Failure> {
    let new = new_comment(&call.json()?)?;
    let (pull_request, thread) = (call.pull_request_id().await?, call.number("thread")?);
    let id = deed::reply(&call.sim, call.actor(), pull_request, thread, new).await?;
    show_comment(call, id).await
}

pub async fn edit(call: &Call) -> Result<Answer, Failure> {
    let content = text_field(&call.json()?, "content").ok_or_else(|| Failure::null_argument("content"))?;
    let place = (call.pull_request_id().await?, call.number("thread")?, call.number("comment")?);
    deed::edit_comment(&call.sim, call.actor(), place, content).await?;
    show_comment(call, place.2).await
}

pub async fn delete(call: &Call) -> Result<Answer, Failure> {
    let place = (call.pull_request_id().await?, call.number("thread")?, call.number("comment")?);
    deed::delete_comment(&call.sim, call.actor(), place).await?;
    Ok(Answer::empty())
}
