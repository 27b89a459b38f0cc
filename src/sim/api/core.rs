//! Projects, teams and their members.
//!
//! Paging: `$top`/`$skip`; projects also say with a continuation token how many have been given out.
use serde_json::{Value, json};

use super::{Call, page};
use crate::sim::reply::{Answer, Failure};
use crate::sim::site::ServerVersion;
use crate::sim::world::Project;

/// What the service gives out at most where no `$top` is sent.
const DEFAULT_PAGE: usize = 100;

pub async fn projects(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE);
    let skip = match call.query.number("continuationToken")? {
        Some(token) => token,
        None => call.query.number("$skip")?.unwrap_or(0),
    };
    let state = call.query.get("stateFilter").unwrap_or("wellFormed");
    let mut rows: Vec<&Project> = world
        .projects
        .iter()
        .filter(|project| project.is_visible_to(call.actor()))
        .filter(|project| state.eq_ignore_ascii_case("all") || project.state.eq_ignore_ascii_case(state))
        .collect();
    rows.sort_by_key(|project| project.name.to_lowercase());
    let total = rows.len();
    let render = call.renderer(&world);
    let shown: Vec<Value> = page(rows.into_iter(), skip, top).into_iter().map(|project| render.project_row(project)).collect();
    let next = skip + shown.len();
    Ok(Answer::list(shown).continued((next < total && top > 0).then(|| next.to_string())))
}

pub async fn project(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.find_project(&world, call.capture("name"))?;
    let site = &call.sim.site;
    let mut value = call.renderer(&world).project_row(project);
    let Some(map) = value.as_object_mut() else {
        return Ok(Answer::ok(value));
    };
    map.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": site.api(&format!("projects/{}", project.id))},
            "collection": {"href": site.api(&format!("projectCollections/{}", world.organisation.id))},
            "web": {"href": format!("{}/{}", site.organisation_url(), crate::sim::site::percent_encode(&project.name))},
        }),
    );
    let default_team = project.default_team.and_then(|id| project.teams.iter().find(|team| team.id == id));
    if let Some(team) = default_team.or_else(|| project.teams.first()) {
        map.insert(
            "defaultTeam".to_owned(),
            json!({
                "id": team.id,
                "name": team.name,
                "url": site.api(&format!("projects/{}/teams/{}", project.id, team.id)),
            }),
        );
    }
    if call.query.is_true("includeCapabilities") {
        map.insert(
            "capabilities".to_owned(),
            json!({
                "processTemplate": {"templateName": "Agile", "templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc"},
                "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"},
            }),
        );
    }
    Ok(Answer::ok(value))
}

pub async fn teams(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.find_project(&world, call.capture("name"))?;
    let (top, skip) = (call.query.number("$top")?.unwrap_or(DEFAULT_PAGE), call.query.number("$skip")?.unwrap_or(0));
    let render = call.renderer(&world);
    let rows = page(project.teams.iter(), skip, top).into_iter().map(|team| render.team(project, team)).collect();
    Ok(Answer::git_list(rows))
}

pub async fn team(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.find_project(&world, call.capture("name"))?;
    let asked = call.capture("team");
    let team = project.team(asked).ok_or_else(|| Failure::no_team(asked))?;
    Ok(Answer::ok(call.renderer(&world).team(project, team)))
}

pub async fn members(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = call.find_project(&world, call.capture("name"))?;
    let asked = call.capture("team");
    let team = project.team(asked).ok_or_else(|| Failure::no_team(asked))?;
    let (top, skip) = (call.query.number("$top")?.unwrap_or(DEFAULT_PAGE), call.query.number("$skip")?.unwrap_or(0));
    let render = call.renderer(&world);
    let rows = page(team.members.iter(), skip, top)
        .into_iter()
        .map(|member| {
            let identity = render.identity(member.user);
            // Server 2019 has the identity itself as the row.
            if call.sim.site.version == ServerVersion::Server2019 {
                return identity;
            }
            let mut row = json!({ "identity": identity });
            if member.is_admin {
                row["isTeamAdmin"] = json!(true);
            }
            row
        })
        .collect();
    Ok(Answer::git_list(rows))
}

pub async fn all_teams(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let (top, skip) = (call.query.number("$top")?.unwrap_or(DEFAULT_PAGE), call.query.number("$skip")?.unwrap_or(0));
    let mine_only = call.query.is_true("$mine");
    let render = call.renderer(&world);
    let teams = world
        .projects
        .iter()
        .filter(|project| project.is_visible_to(call.actor()))
        .flat_map(|project| project.teams.iter().map(move |team| (project, team)))
        .filter(|(_, team)| !mine_only || team.members.iter().any(|member| member.user == call.actor()));
    Ok(Answer::git_list(page(teams, skip, top).into_iter().map(|(project, team)| render.team(project, team)).collect()))
}
