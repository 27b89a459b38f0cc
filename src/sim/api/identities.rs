//! Identities by text, by id or by descriptor. An id that nobody has is null in the list.
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{User, World};

fn row(call: &Call, world: &World, user: &User) -> Value {
    let tenant = world.organisation.tenant;
    let text = |value: &str| json!({ "$type": "System.String", "$value": value });
    json!({
        "id": user.id,
        "descriptor": user.identity_descriptor(tenant),
        "subjectDescriptor": user.descriptor(call.sim.site.directory()),
        "providerDisplayName": user.display_name,
        "isActive": user.is_active,
        "members": [],
        "memberOf": [],
        "memberIds": [],
        "properties": {
            "SchemaClassName": text("User"),
            "Description": text(""),
            "Domain": text(&tenant.to_string()),
            "Account": text(&user.unique_name),
            "DN": text(""),
            "Mail": text(&user.unique_name),
            "SpecialType": text("Generic"),
            "DirectoryAlias": text(user.alias()),
        },
        "resourceVersion": 2,
        "metaTypeId": 0,
    })
}

pub async fn read(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let listed = |name: &str| call.query.get(name).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let one = |found: Option<&User>| found.map_or(Value::Null, |user| row(call, &world, user));
    if let Some(ids) = listed("identityIds") {
        let rows = ids.into_iter().map(|id| one(Uuid::try_parse(id).ok().and_then(|id| world.user(id)))).collect();
        return Ok(Answer::list(rows));
    }
    if let Some(wanted) = listed("subjectDescriptors") {
        let rows =
            wanted.into_iter().map(|it| one(world.users.iter().find(|user| user.descriptor(call.sim.site.directory()) == it))).collect();
        return Ok(Answer::list(rows));
    }
    let tenant = world.organisation.tenant;
    if let Some(wanted) = listed("descriptors") {
        let rows = wanted.into_iter().map(|it| one(world.users.iter().find(|user| user.identity_descriptor(tenant) == it))).collect();
        return Ok(Answer::list(rows));
    }
    let filter = call.query.get("searchFilter").ok_or_else(|| Failure::null_argument("searchFilter"))?.to_lowercase();
    let value = call.query.get("filterValue").ok_or_else(|| Failure::null_argument("filterValue"))?.to_lowercase();
    let matches = |user: &&User| {
        let (name, account) = (user.display_name.to_lowercase(), user.unique_name.to_lowercase());
        match filter.as_str() {
            "mailaddress" | "accountname" => account == value,
            "displayname" => name == value,
            "directoryalias" => user.alias().to_lowercase() == value,
            // General: display name, account name or unique name, by their beginning.
            _ => name.starts_with(&value) || account.starts_with(&value),
        }
    };
    Ok(Answer::list(world.users.iter().filter(matches).map(|user| row(call, &world, user)).collect()))
}
