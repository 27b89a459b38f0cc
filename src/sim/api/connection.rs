//! Who am I and what is here: connectionData, resourceAreas and the `OPTIONS` catalogue of resources.
//!
//! All areas but release management live under the one base.
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::Call;
use crate::sim::hooks::catalogue::Face;
use crate::sim::reply::{Answer, Failure};
use crate::sim::route::{ProjectRule, RESOURCES, is_at};
use crate::sim::site::ServerVersion;
use crate::sim::version::Maturity;
use crate::sim::world::World;

pub async fn connection_data(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let user = &call.caller.user;
    let services = call.sim.site.version.is_services();
    let tenant = world.organisation.tenant;
    let mut me = json!({
        "id": user.id,
        "descriptor": user.identity_descriptor(tenant),
        "subjectDescriptor": user.descriptor(call.sim.site.directory()),
        "providerDisplayName": user.display_name,
        "isActive": user.is_active,
        "properties": {"Account": {"$type": "System.String", "$value": user.unique_name}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    });
    if let (false, Some(map)) = (services, me.as_object_mut()) {
        let account = format!("{}\\{}", world.organisation.name.to_uppercase(), user.alias());
        map.insert("descriptor".to_owned(), json!(format!("System.Security.Principal.WindowsIdentity;{account}")));
        // The oldest ones have none.
        if call.sim.site.version == ServerVersion::Server2019 {
            map.remove("subjectDescriptor");
        }
    }
    Ok(Answer::ok(json!({
        "authenticatedUser": me,
        "authorizedUser": me,
        "instanceId": world.organisation.id,
        "deploymentId": world.organisation.deployment,
        "deploymentType": if services { "hosted" } else { "onPremises" },
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    })))
}

/// Ids are constants of the protocol.
const AREAS: &[(&str, Uuid)] = &[
    ("core", uuid!("79134c72-4a58-4b42-976c-04e7115f32bf")),
    ("git", uuid!("4e080c62-fa21-4fbc-8fef-2a10a2b38049")),
    ("policy", uuid!("fb13a388-40dd-4a04-b530-013a739c72ef")),
    ("IMS", uuid!("8a3d49b8-91f0-46ef-b33d-dda338c25db3")),
    ("Graph", uuid!("bb1e7ec9-e901-4b68-999a-de7012b920f8")),
    ("Release", uuid!("efc2f575-36ef-48e9-b672-0c6fb4a48ac5")),
    ("build", uuid!("5d6898bb-45ec-463f-95f9-54d49c71752e")),
    ("pipelines", uuid!("2e0bf237-8973-4ec9-a581-9c3d679d1776")),
    ("distributedtask", uuid!("a85b8835-c1a1-4aac-ae97-1c3d0ba72dbd")),
    ("wit", uuid!("5264459e-e5e0-4bd8-b118-0985e68a4ec5")),
];

fn areas(call: &Call, world: &World) -> Vec<Value> {
    let site = &call.sim.site;
    AREAS
        .iter()
        .filter(|(name, _)| (*name != "Graph" || site.version.is_services()) && !world.organisation.lacks(name))
        .map(|(name, id)| {
            let base = if *name == "Release" { site.release_url() } else { site.organisation_url() };
            json!({ "id": id, "name": name, "locationUrl": format!("{base}/") })
        })
        .collect()
}

pub async fn resource_areas(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    Ok(Answer::list(areas(call, &world)))
}

pub async fn resource_area(call: &Call) -> Result<Answer, Failure> {
    let asked = call.capture("area").to_lowercase();
    let world = call.sim.read().await;
    let found = areas(call, &world).into_iter().find(|area| {
        area["id"].as_str() == Some(asked.as_str()) || area["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(&asked))
    });
    // An area that an instance does not have is null on the wire.
    Ok(Answer::ok(found.unwrap_or(Value::Null)))
}

/// Every resource with the versions this server takes: how clients negotiate.
pub fn catalogue(version: ServerVersion, face: Face) -> Answer {
    let released = version.released().to_string();
    let newest = version.newest().to_string();
    let rows = RESOURCES
        .iter()
        .filter(|resource| is_at(resource.area, face, version))
        .map(|resource| {
            let (last, head) = resource.template.split_once('/').map_or((resource.template, ""), |(head, _)| (resource.template, head));
            let place = match resource.project {
                ProjectRule::Never => "_apis",
                ProjectRule::Optional | ProjectRule::Required => "{project}/_apis",
            };
            let template = last.strip_prefix(head).unwrap_or(last);
            let template = if head.eq_ignore_ascii_case(resource.area) { format!("{{area}}{template}") } else { last.to_owned() };
            let (is_released, revision) = match resource.maturity {
                Maturity::Released => (true, 1),
                Maturity::Preview(revision) => (false, revision),
            };
            json!({
                "id": Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}/{}", resource.name, resource.template).as_bytes()),
                "area": resource.area,
                "resourceName": resource.name,
                "routeTemplate": format!("{place}/{template}"),
                "resourceVersion": revision,
                "minVersion": "1.0",
                "maxVersion": newest,
                "releasedVersion": if is_released { released.as_str() } else { "0.0" },
            })
        })
        .collect();
    Answer::list(rows)
}
