//! Loads an organisation from a folder of raw JSON, as the real service returns it.
//!
//! | file | content |
//! |---|---|
//! | `projects.json` | array of projects |
//! | `repositories.json` | array of repositories, each with its `project` |
//! | `teams.json` | array of teams, each with its `projectId` |
//! | `members.json` | object: team id -> array of members; or one array, for every team (`teamId` in a member picks one) |
//! | `identities.json` | array of identities or identity references |
//! | `pullrequests.json` | array of pull requests, each with its `repository` |
//! | `threads.json` | object: pull request id -> array of threads |
//! | `statuses.json` | object: pull request id (or commit id) -> array of statuses |
//! | `commits.json` | object: pull request id or repository id -> array of commits |
//! | `labels.json` | object: pull request id -> array of labels |
//! | `reviewers.json` | object: pull request id -> array of reviewers, instead of those in the pull request |
//! | `workitems.json` | object: pull request id -> array of work item references |
//!
//! An array may stand in the service's own `{count, value}`. Every file may be missing; any other file is refused by
//! name. People are also gathered from wherever they are mentioned. What the simulator does not model is kept and given
//! back. A pull request whose commits are not in git can only be read. Limits: no git objects are loaded; policies come
//! from nowhere; projects and repositories that are only mentioned are made up from the mention.

mod pull_request;
mod raw;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use super::git::Repo;
use super::host::git_path;
use super::world::{Extra, Project, Repository, Team, TeamMember, User, World};
use raw::Raw;

/// Why a folder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is not something to load; known are {known}", .path.display())]
    UnknownFile { path: PathBuf, known: String },
    #[error("{} is not JSON: {source}", .path.display())]
    NotJson {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// `at` is where in the file, as in `[3].reviewers[0].id`.
    #[error("{file}{at}: {reason}")]
    Shape { file: &'static str, at: String, reason: String },
}

const FILES: [&str; 12] = [
    "projects.json",
    "repositories.json",
    "teams.json",
    "members.json",
    "identities.json",
    "pullrequests.json",
    "threads.json",
    "statuses.json",
    "commits.json",
    "labels.json",
    "reviewers.json",
    "workitems.json",
];

/// Puts what is in the folder into the world, beside the people who are there already.
pub fn load(world: &mut World, git_root: &Path, dir: &Path) -> Result<(), LoadError> {
    let files = Files::read(dir)?;
    for row in files.array("identities.json")? {
        person(world, row)?;
    }
    for row in files.array("projects.json")? {
        project(world, row)?;
    }
    for row in files.array("repositories.json")? {
        repository(world, git_root, row)?;
    }
    for row in files.array("teams.json")? {
        team(world, row)?;
    }
    members(world, &files)?;
    pull_request::load(world, git_root, &files)?;
    for (parent, rows) in files.object("commits.json")? {
        let rows = rows.rows()?.into_iter().map(|row| row.value.clone()).collect();
        world.loaded_commits.insert(parent.to_lowercase(), rows);
    }
    Ok(())
}

/// The folder's files, parsed.
struct Files {
    values: BTreeMap<&'static str, Value>,
}

impl Files {
    fn read(dir: &Path) -> Result<Files, LoadError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| LoadError::Unreadable { path, source }
        };
        let mut values = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable(dir))? {
            let path = entry.map_err(unreadable(dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(known) = FILES.iter().find(|known| **known == name) else {
                return Err(LoadError::UnknownFile { path, known: FILES.join(", ") });
            };
            let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
            // The service itself begins some answers with a byte order mark.
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let value = serde_json::from_slice(bytes).map_err(|source| LoadError::NotJson { path, source })?;
            values.insert(*known, value);
        }
        Ok(Files { values })
    }

    fn array(&self, file: &'static str) -> Result<Vec<Raw<'_>>, LoadError> {
        match self.values.get(file) {
            Some(value) => Raw::root(file, value).rows(),
            None => Ok(Vec::new()),
        }
    }

    fn object(&self, file: &'static str) -> Result<Vec<(&str, Raw<'_>)>, LoadError> {
        match self.values.get(file) {
            Some(value) => Raw::root(file, value).fields(),
            None => Ok(Vec::new()),
        }
    }
}

/// An identity or a reference to one; made known to the world, and its id.
fn person(world: &mut World, row: Raw<'_>) -> Result<Uuid, LoadError> {
    let id = row.id("id")?;
    let account = row.field("properties").and_then(|bag| bag.field("Account")).and_then(|account| account.text("$value"));
    let unique_name = row.text("uniqueName").or(account);
    let display_name = row.text("displayName").or_else(|| row.text("customDisplayName")).or_else(|| row.text("providerDisplayName"));
    let alias = unique_name.as_deref().and_then(|name| {
        let known = world.user_named(name)?;
        (known.id != id && known.unique_name.eq_ignore_ascii_case(name)).then_some(known.id)
    });
    if let Some(old) = alias {
        // Somebody who is here already, with tokens: they are that person.
        for token in &mut world.tokens {
            if token.user == old {
                token.user = id;
            }
        }
        for user in &mut world.users {
            if user.id == old {
                user.id = id;
            }
        }
    }
    if let Some(known) = world.users.iter_mut().find(|user| user.id == id) {
        // A mere mention says less than the identity that was loaded first.
        if let (true, Some(name)) = (known.display_name.is_empty(), display_name) {
            known.display_name = name;
        }
        return Ok(id);
    }
    let unique_name = unique_name.unwrap_or_else(|| format!("{id}@unknown.invalid"));
    let display_name = display_name.unwrap_or_default();
    let mut user = User::new(id, &display_name, &unique_name);
    user.is_container = row.flag("isContainer");
    user.is_active = row.field("isActive").is_none() || row.flag("isActive");
    if let Some(descriptor) = row.text("subjectDescriptor").or_else(|| row.text("descriptor")) {
        // An identity's own `descriptor` is of another kind than the subject descriptor of a reference.
        if !descriptor.contains(';') {
            user.extra.insert("descriptor".to_owned(), descriptor.into());
        }
    }
    world.users.push(user);
    Ok(id)
}

/// A project or a mention of one; made known to the world, and its id.
fn project(world: &mut World, row: Raw<'_>) -> Result<Uuid, LoadError> {
    let id = row.id("id")?;
    if world.project_by_id(id).is_some() {
        return Ok(id);
    }
    let last_update = row.date("lastUpdateTime")?.unwrap_or_else(|| world.now());
    let mut project = Project::new(id, &row.must("name")?, last_update);
    project.description = row.text("description");
    // In a pull request's repository both are "unchanged", which says nothing.
    let said = |name: &str| row.text(name).filter(|value| value != "unchanged");
    if let Some(state) = said("state") {
        project.state = state;
    }
    if let Some(visibility) = said("visibility") {
        project.visibility = visibility;
    }
    if let Some(revision) = row.number("revision") {
        project.revision = revision;
    }
    project.extra = row.others(&[
        "id",
        "name",
        "description",
        "state",
        "visibility",
        "revision",
        "lastUpdateTime",
        "url",
        "_links",
        "defaultTeam",
        "capabilities",
    ]);
    project.default_team = match row.field("defaultTeam") {
        Some(team) => Some(team.id("id")?),
        None => None,
    };
    world.projects.push(project);
    Ok(id)
}

/// A repository or a mention of one; made known to the world, and its id.
fn repository(world: &mut World, git_root: &Path, row: Raw<'_>) -> Result<Uuid, LoadError> {
    let id = row.id("id")?;
    if world.repository(id).is_some() {
        return Ok(id);
    }
    let project_id = match row.field("project") {
        Some(mention) => project(world, mention)?,
        None => return Err(row.wrong("has no project")),
    };
    let mut repository = Repository::new(id, project_id, &row.must("name")?);
    if let Some(branch) = row.text("defaultBranch") {
        repository.default_branch = branch;
    }
    repository.is_disabled = row.flag("isDisabled");
    repository.size = row.number("size").unwrap_or(0);
    repository.is_without_git = !git_path(git_root, id).exists();
    repository.extra =
        row.others(&["id", "name", "project", "defaultBranch", "isDisabled", "size", "url", "remoteUrl", "sshUrl", "webUrl", "_links"]);
    world.repositories.push(repository);
    Ok(id)
}

fn team(world: &mut World, row: Raw<'_>) -> Result<(), LoadError> {
    let id = row.id("id")?;
    let project_id = row.id("projectId")?;
    let team = Team {
        id,
        name: row.must("name")?,
        description: row.text("description").unwrap_or_default(),
        members: Vec::new(),
        extra: row.others(&["id", "name", "description", "projectId", "projectName", "url", "identityUrl", "identity"]),
    };
    let Some(project) = world.projects.iter_mut().find(|project| project.id == project_id) else {
        return Err(row.wrong(&format!("belongs to project {project_id}, which is not in projects.json")));
    };
    project.default_team.get_or_insert(id);
    project.teams.push(team);
    Ok(())
}

fn members(world: &mut World, files: &Files) -> Result<(), LoadError> {
    let Some(value) = files.values.get("members.json") else {
        return Ok(());
    };
    let root = Raw::root("members.json", value);
    // An array, bare or wrapped, lists people; an object has them by team.
    let by_team: Vec<(Option<Uuid>, Raw<'_>)> = if root.is_list() {
        root.rows()?.into_iter().map(|row| Ok((row.maybe_id("teamId")?, row))).collect::<Result<_, LoadError>>()?
    } else {
        let mut rows = Vec::new();
        for (team, list) in root.fields()? {
            let team = Uuid::try_parse(team).map_err(|_| list.wrong("is not under the id of a team"))?;
            rows.extend(list.rows()?.into_iter().map(|row| (Some(team), row)));
        }
        rows
    };
    for (team, row) in by_team {
        let user = person(world, row.field("identity").unwrap_or(row.clone()))?;
        let is_admin = row.flag("isTeamAdmin");
        let teams = world.projects.iter_mut().flat_map(|project| &mut project.teams);
        for place in teams.filter(|place| team.is_none_or(|team| team == place.id)) {
            if !place.members.iter().any(|member| member.user == user) {
                place.members.push(TeamMember { user, is_admin });
            }
        }
    }
    Ok(())
}

/// Whether a commit is in the repository's git, if it has one.
fn in_git(git_root: &Path, repository: Uuid, commit: &str) -> bool {
    let path = git_path(git_root, repository);
    path.exists() && Repo::at(path, "main").has_commit(commit).unwrap_or(false)
}

/// Fields of an object that are not modelled.
fn others(object: &serde_json::Map<String, Value>, modelled: &[&str]) -> Extra {
    object.iter().filter(|(name, _)| !modelled.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}
