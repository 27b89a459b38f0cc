//! The people of a project: who can review, and who reviews whose pull requests.

use crate::ado::Client;
use crate::domain::fact;
use crate::domain::person::{Identity, Member, ReviewRules};
use crate::domain::project::Project;
use crate::metrics::query::Team;
use crate::store::MemberChange;

use super::context::Context;
use super::error::{Error, Result};

/// Takes the members of a team: the named one, else all teams of the project. People who are known keep their settings.
pub async fn discover(ctx: &Context, client: &Client, project: &Project, team: Option<&str>) -> Result<Vec<Identity>> {
    let people = people(client, project, team).await?;
    ctx.store.put_team(project.id, &people).await?;
    Ok(people)
}

/// Whom figures of a team are about, as Azure DevOps says now; kept for [`known_team`].
pub async fn team(ctx: &Context, project: &Project, name: &str) -> Result<Team> {
    let client = ctx.client(project).await?;
    let chosen = teams(&client, project, Some(name)).await?;
    let mut team = Team { name: name.to_owned(), members: Vec::new() };
    let known = ctx.store.teams(project.id).await?;
    for found in chosen {
        let members: Vec<_> = client.team_members(&project.guid, &found.guid).await?.into_iter().map(|person| person.id).collect();
        let is_known = |known: &Team| {
            known.name == found.name && known.members.len() == members.len() && members.iter().all(|id| known.members.contains(id))
        };
        // Whoever looks at figures is told of what is kept: only news is.
        let was_and_is_empty = members.is_empty() && known.iter().all(|known| known.name != found.name);
        if !known.iter().any(is_known) && !was_and_is_empty {
            ctx.store.put_team_members(project.id, &found.guid, &found.name, &members).await?;
        }
        team = Team { name: found.name, members };
    }
    Ok(team)
}

/// Whom figures of a team are about, as that was read last; asks Azure DevOps only where it never was.
pub async fn known_team(ctx: &Context, project: &Project, name: &str) -> Result<Team> {
    match ctx.store.teams(project.id).await?.into_iter().find(|team| team.name.eq_ignore_ascii_case(name)) {
        Some(known) => Ok(known),
        None => team(ctx, project, name).await,
    }
}

/// The team of that name, else all of the project.
async fn teams(client: &Client, project: &Project, name: Option<&str>) -> Result<Vec<fact::Team>> {
    let teams = client.teams(&project.guid).await?;
    let (chosen, others): (Vec<_>, Vec<_>) =
        teams.into_iter().partition(|team| name.is_none_or(|name| team.name.eq_ignore_ascii_case(name)));
    if let (true, Some(name)) = (chosen.is_empty(), name) {
        let names: Vec<_> = others.iter().map(|team| team.name.as_str()).collect();
        return Err(Error::refused(format!("project {} has no team {name}", project.name), format!("it has {}", names.join(", "))));
    }
    Ok(chosen)
}

async fn people(client: &Client, project: &Project, team: Option<&str>) -> Result<Vec<Identity>> {
    let mut people: Vec<Identity> = Vec::new();
    for team in teams(client, project, team).await? {
        for person in client.team_members(&project.guid, &team.guid).await? {
            if !people.iter().any(|known| known.id == person.id) {
                people.push(person);
            }
        }
    }
    Ok(people)
}

/// Looks a person up by name or account and adds them.
pub async fn add(ctx: &Context, project: &Project, text: &str) -> Result<Member> {
    let client = ctx.client(project).await?;
    let found = client.search_people(text).await?;
    let exact: Vec<_> =
        found.iter().filter(|p| p.display_name.eq_ignore_ascii_case(text) || p.unique_name.eq_ignore_ascii_case(text)).collect();
    let person = match (exact.as_slice(), found.as_slice()) {
        ([one], _) => (*one).clone(),
        ([], [one]) => one.clone(),
        ([], []) => return Err(Error::refused(format!("nobody called {text} was found"), "give the account name, like bob@example.com")),
        _ => {
            let names: Vec<_> = found.iter().take(6).map(|p| format!("{} <{}>", p.display_name, p.unique_name)).collect();
            return Err(Error::refused(format!("{text} could be {}", names.join(", ")), "give the account name of one"));
        }
    };
    ctx.store.put_members(project.id, std::slice::from_ref(&person)).await?;
    let member = ctx.store.member_by_identity(project.id, &person.id).await?;
    member.ok_or_else(|| Error::refused(format!("{} could not be kept", person.display_name), "try again"))
}

/// The member meant by a name, an account, or the beginning of either.
pub async fn find(ctx: &Context, project: &Project, text: &str) -> Result<Member> {
    let members = ctx.store.members(project.id).await?;
    let wanted = text.trim().trim_start_matches('@').to_lowercase();
    let is = |m: &&Member| m.identity.display_name.to_lowercase() == wanted || m.identity.unique_name.to_lowercase() == wanted;
    if let Some(found) = members.iter().find(is) {
        return Ok(found.clone());
    }
    let begins = |m: &&Member| {
        m.identity.unique_name.to_lowercase().starts_with(&wanted)
            || m.identity.display_name.to_lowercase().split_whitespace().any(|word| word.starts_with(&wanted))
    };
    let found: Vec<_> = members.iter().filter(begins).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Error::refused(
            format!("{} has no member {text}", project.name),
            "`kanado members ls` lists them, `kanado members add` adds one",
        )),
        several => {
            let names: Vec<_> = several.iter().map(|m| m.identity.unique_name.as_str()).collect();
            Err(Error::refused(format!("{text} could be {}", names.join(", ")), "give the whole account name"))
        }
    }
}

/// Changes what a member may do, or who reviews their pull requests.
pub async fn set(ctx: &Context, member: &Member, change: &MemberChange) -> Result<Member> {
    if change.default_reviewer == Some(Some(member.id)) {
        return Err(Error::refused(
            format!("{} can't review their own pull requests", member.identity.display_name),
            "choose another default reviewer",
        ));
    }
    Ok(ctx.store.set_member(member.id, change).await?)
}

/// Sets how reviewers are chosen.
pub async fn set_rules(ctx: &Context, project: &Project, rules: &ReviewRules) -> Result<Project> {
    if rules.overload_threshold == 0 {
        return Err(Error::refused("a threshold of 0 would make everybody overloaded", "give 1 or more"));
    }
    ctx.store.set_review_rules(project.id, rules).await?;
    ctx.project(project.id).await
}
