//! Graph users, subject query, storage keys and descriptors. Services only: Server has no graph.
//!
//! A graph user has no identity id; the storage key of its descriptor is that id.
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, field, text_field};
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Directory, User, World};

const PAGE: usize = 500;

fn row(call: &Call, world: &World, user: &User) -> Value {
    let descriptor = user.descriptor(Directory::Entra);
    let address = |what: &str| json!({ "href": call.sim.site.api(&format!("Graph/{what}/{descriptor}")) });
    json!({
        "subjectKind": "user",
        "metaType": "member",
        "directoryAlias": user.alias(),
        "domain": world.organisation.tenant,
        "principalName": user.unique_name,
        "mailAddress": user.unique_name,
        "origin": "aad",
        "originId": Uuid::new_v5(&user.id, b"origin"),
        "displayName": user.display_name,
        "_links": {
            "self": address("Users"),
            "memberships": address("Memberships"),
            "membershipState": address("MembershipStates"),
            "storageKey": address("StorageKeys"),
            "avatar": {"href": call.sim.site.api(&format!("GraphProfile/MemberAvatars/{descriptor}"))},
        },
        "url": call.sim.site.api(&format!("Graph/Users/{descriptor}")),
        "descriptor": descriptor,
    })
}

/// What a subject of any kind has; the rest is a user's own.
fn subject(mut row: Value) -> Value {
    if let Some(map) = row.as_object_mut() {
        for key in ["directoryAlias", "domain", "mailAddress", "metaType", "principalName"] {
            map.remove(key);
        }
    }
    row
}

fn people(world: &World) -> impl Iterator<Item = &User> {
    world.users.iter().filter(|user| user.is_member && !user.is_container)
}

fn by_descriptor<'a>(world: &'a World, descriptor: &str) -> Result<&'a User, Failure> {
    world.users.iter().find(|user| user.descriptor(Directory::Entra) == descriptor).ok_or_else(|| {
        let mut failure = Failure::no_identity(descriptor);
        failure.type_key = "GraphSubjectNotFoundException";
        failure.message = format!("VS403283: The graph subject with descriptor {descriptor} was not found.");
        failure
    })
}

pub async fn users(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let skip = match call.query.get("continuationToken") {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| Failure::out_of_range("continuationToken"))?,
    };
    let kinds = call.query.get("subjectTypes").map(str::to_lowercase);
    let found: Vec<&User> =
        if kinds.is_none_or(|kinds| kinds.split(',').any(|kind| kind.trim() == "aad")) { people(&world).collect() } else { Vec::new() };
    let rows: Vec<Value> = found.iter().skip(skip).take(PAGE).map(|user| row(call, &world, user)).collect();
    let next = skip + rows.len();
    Ok(Answer::list(rows).continued((next < found.len()).then(|| next.to_string())))
}

pub async fn user(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    Ok(Answer::ok(row(call, &world, by_descriptor(&world, call.capture("descriptor"))?)))
}

pub async fn query(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let body = call.json()?;
    let text = text_field(&body, "query").ok_or_else(|| Failure::null_argument("query"))?.to_lowercase();
    let wants_users = field(&body, "subjectKind")
        .and_then(Value::as_array)
        .is_none_or(|kinds| kinds.iter().any(|kind| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("user"))));
    let rows = people(&world)
        .filter(|_| wants_users)
        .filter(|user| {
            let name = user.display_name.to_lowercase();
            name.split(' ').any(|word| word.starts_with(&text))
                || name.starts_with(&text)
                || user.unique_name.to_lowercase().starts_with(&text)
        })
        .map(|user| subject(row(call, &world, user)))
        .collect();
    Ok(Answer::list(rows))
}

pub async fn storage_key(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let user = by_descriptor(&world, call.capture("descriptor"))?;
    Ok(Answer::ok(json!({
        "value": user.id,
        "_links": {
            "self": {"href": call.sim.site.api(&format!("Graph/StorageKeys/{}", user.descriptor(Directory::Entra)))},
            "descriptor": {"href": call.sim.site.api(&format!("Graph/Descriptors/{}", user.id))},
        },
    })))
}

pub async fn descriptor(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let key = call.capture("key");
    let user = Uuid::try_parse(key).ok().and_then(|id| world.user(id)).ok_or_else(|| Failure::no_identity(key))?;
    Ok(Answer::ok(json!({
        "value": user.descriptor(Directory::Entra),
        "_links": {
            "self": {"href": call.sim.site.api(&format!("Graph/Descriptors/{}", user.id))},
            "storageKey": {"href": call.sim.site.api(&format!("Graph/StorageKeys/{}", user.descriptor(Directory::Entra)))},
            "subject": {"href": call.sim.site.api(&format!("Graph/Users/{}", user.descriptor(Directory::Entra)))},
        },
    })))
}
