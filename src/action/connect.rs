//! Connecting an organisation: check first, activate after a passing check.
//!
//! `check` writes nothing anywhere. `activate` keeps the token where the person chose, the organisation and the chosen projects in the
//! store, their repositories and the members of their default team; run again it changes only what changed.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::ado::{Address, Credential, ScopeCheck};
use crate::domain::fact;
use crate::domain::id::ProjectId;
use crate::domain::progress::Step;
use crate::domain::project::{Deployment, Organisation, Project};
use crate::secret::{self, Found};
use crate::store::NewOrganisation;

use super::context::{Context, credential};
use super::error::{Error, Result};
use super::journal::{Journal, at_step};
use super::reporter::{Reporter, step};
use super::{link_repositories, members};

const ACTION: &str = "connect";

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    pub organisation: String,
    pub url: String,
    pub deployment: Deployment,
    pub connection: fact::Connection,
    pub projects: Vec<fact::Project>,
    /// The project the address names, if it names one.
    pub project: Option<fact::Project>,
    pub scopes: Vec<ScopeCheck>,
}

/// What is to be activated.
#[derive(Debug, Clone)]
pub struct Choice {
    /// GUIDs of the projects for the board, each with the prefix of its ticket keys; an absent prefix is made from the name.
    pub projects: Vec<(fact::Project, Option<String>)>,
    /// Names of repositories to link; where empty, the only one is, if there is only one.
    pub link: Vec<String>,
    /// Where the token goes. `None` when it comes from the environment or a command and stays there.
    pub keep_token: Option<secret::Place>,
}

/// What was activated.
#[derive(Debug, Clone, Serialize)]
pub struct Connected {
    pub organisation: Organisation,
    pub projects: Vec<Project>,
    pub repositories: usize,
    pub linked: Vec<String>,
    pub members: usize,
    /// Where the token was put.
    pub token: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    url: String,
    projects: Vec<(fact::Project, Option<String>)>,
}

/// Asks who the token is, which projects it sees, and what each scope allows.
///
/// # Errors
/// Every way in which the address or the token is wrong, told apart, with what to do.
pub async fn check(ctx: &Context, address: &Address, credential: &Credential) -> Result<Checked> {
    let client = ctx.clients.make(address.base.clone(), credential.clone())?;
    let connection = client.connection().await?;
    let projects: Vec<_> = client.projects().await?.into_iter().filter(|p| p.well_formed).collect();
    let project = match &address.project {
        None => None,
        Some(name) => Some(find_project(&projects, name, address)?),
    };
    let probe = project.as_ref().or(projects.first());
    let repository = match probe {
        Some(project) => client.repositories(&project.guid).await.ok().and_then(|all| all.into_iter().find(|r| !r.disabled)),
        None => None,
    };
    let scopes = client.check(probe.map(|p| &p.guid), repository.as_ref().map(|r| &r.guid)).await?;
    Ok(Checked {
        organisation: address.base.name().to_owned(),
        url: address.base.url().to_owned(),
        deployment: connection.deployment,
        connection,
        projects,
        project,
        scopes,
    })
}

fn find_project(projects: &[fact::Project], name: &str, address: &Address) -> Result<fact::Project> {
    let found = projects.iter().find(|p| p.name.eq_ignore_ascii_case(name) || p.guid.as_str().eq_ignore_ascii_case(name));
    found.cloned().ok_or_else(|| {
        let names: Vec<_> = projects.iter().take(8).map(|p| p.name.as_str()).collect();
        let seen = match names.as_slice() {
            [] => "this token sees no project at all".to_owned(),
            names => format!("this token sees {}", names.join(", ")),
        };
        Error::refused(
            format!("there is no project {name} in {}, or no permission to see it", address.base.name()),
            format!("{seen}; check the name, or ask for access to it"),
        )
    })
}

/// Keeps what a passing check found. Checks once more itself, so that nothing is activated on an old answer.
pub async fn activate(ctx: &Context, address: &Address, token: &Found, choice: &Choice, reporter: &Reporter) -> Result<Connected> {
    let checked = check(ctx, address, &credential(token)).await?;
    let known = ctx.store.organisations().await?.into_iter().find(|o| o.url.eq_ignore_ascii_case(&checked.url));
    if let (Some(before), Some(now)) = (known.and_then(|o| o.instance), &checked.connection.instance)
        && before != *now
    {
        return Err(Error::refused(
            format!("{} answers as another organisation than the one connected before", checked.url),
            "if it was rebuilt, connect it with a new data directory; nothing was changed",
        ));
    }
    let intent = Intent { url: checked.url.clone(), projects: choice.projects.clone() };
    let mut journal = Journal::begin(&ctx.store, &ctx.clock, ACTION, &checked.url, intent).await?;
    reporter.begin(ACTION, None, steps(&checked, choice));

    reporter.running("organisation");
    let new = NewOrganisation {
        name: checked.organisation.clone(),
        url: checked.url.clone(),
        deployment: checked.deployment,
        instance: checked.connection.instance.clone(),
        me: Some(checked.connection.me.clone()),
    };
    let organisation =
        at_step(reporter, ACTION, "organisation", ctx.store.put_organisation(&new, ctx.clock.now()).await.map_err(Error::from))?;
    reporter.done("organisation", &organisation.name);
    at_step(reporter, ACTION, "organisation", journal.record("organisation", &organisation.url).await)?;

    let kept = match choice.keep_token {
        None => None,
        Some(place) => {
            reporter.running("token");
            let kept = secret::store(&ctx.tokens, &organisation.url, token, place, token.expires).await;
            let kept = at_step(reporter, ACTION, "token", kept.map_err(Error::from))?;
            reporter.done("token", kept.to_string());
            at_step(reporter, ACTION, "token", journal.record("token", "kept").await)?;
            Some(kept.to_string())
        }
    };

    reporter.running("projects");
    let client = ctx.clients.make(address.base.clone(), credential(token))?;
    ctx.clients.put(organisation.id, client.clone()).await;
    let activated = projects(ctx, &organisation, choice).await;
    let projects = at_step(reporter, ACTION, "projects", activated)?;
    let names: Vec<_> = projects.iter().map(|p| format!("{} ({})", p.name, p.prefix)).collect();
    reporter.done("projects", names.join(", "));
    at_step(reporter, ACTION, "projects", journal.record("projects", &names.join(", ")).await)?;

    reporter.running("repositories");
    let (mut repositories, mut linked, mut people) = (0, Vec::new(), 0);
    for project in &projects {
        let found = link_repositories::discover(ctx, &client, project).await;
        let found = at_step(reporter, ACTION, "repositories", found)?;
        let chosen = link_repositories::link_on_connect(ctx, project, &choice.link).await;
        linked.extend(at_step(reporter, ACTION, "repositories", chosen)?);
        repositories += found.len();
    }
    for project in &projects {
        at_step(reporter, ACTION, "repositories", measure(ctx, project).await)?;
    }
    reporter.done("repositories", format!("{repositories} found, {} linked", linked.len()));
    at_step(reporter, ACTION, "repositories", journal.record("repositories", &linked.join(", ")).await)?;

    reporter.running("members");
    for project in &projects {
        match members::discover(ctx, &client, project, None).await {
            Ok(found) => people += found.len(),
            // The board works without: members can be discovered or added later.
            Err(error) => reporter.skipped("members", error.to_string()),
        }
    }
    if people > 0 {
        reporter.done("members", format!("{people} people"));
    }
    journal.record("members", &people.to_string()).await?;
    journal.finish().await?;
    Ok(Connected { organisation, projects, repositories, linked, members: people, token: kept })
}

async fn projects(ctx: &Context, organisation: &Organisation, choice: &Choice) -> Result<Vec<Project>> {
    let mut activated = Vec::new();
    for (fact, prefix) in &choice.projects {
        activated.push(add_project(ctx, organisation, fact, prefix.as_deref()).await?);
    }
    Ok(activated)
}

/// Has the project's facts collected from now on, as far back as the configuration says. One that was measured before goes on where it
/// was.
pub async fn measure(ctx: &Context, project: &Project) -> Result<()> {
    let days = i64::try_from(ctx.config.metrics.days).unwrap_or(36_500).min(36_500);
    let from = ctx.clock.now() - SignedDuration::from_hours(24 * days);
    Ok(ctx.store.measure_project(project.id, from).await?)
}

/// Puts a project on the board; one that is there, or was, keeps its prefix and its tickets.
pub async fn add_project(ctx: &Context, organisation: &Organisation, fact: &fact::Project, prefix: Option<&str>) -> Result<Project> {
    let mut all = ctx.store.projects().await?;
    all.extend(ctx.store.removed_projects().await?);
    let known = all.iter().find(|p| p.organisation == organisation.id && p.guid == fact.guid).cloned();
    let prefix = match (known, prefix) {
        (Some(known), _) => known.prefix,
        (None, Some(wanted)) => {
            let wanted = wanted.to_ascii_uppercase();
            if !crate::domain::id::is_prefix(&wanted) {
                return Err(Error::refused(
                    format!("`{wanted}` can't begin ticket keys"),
                    "a prefix has 2 to 10 letters and digits and begins with a letter, like KAN",
                ));
            }
            if let Some(other) = all.iter().find(|p| p.prefix == wanted) {
                return Err(Error::refused(format!("prefix {wanted} belongs to project {}", other.name), "choose another: `--prefix ABC`"));
            }
            wanted
        }
        (None, None) => ctx.store.free_prefix(&fact.name).await?,
    };
    let project = ctx.store.put_project(organisation.id, fact, &prefix).await?;
    if ctx.store.removed_projects().await?.iter().any(|p| p.id == project.id) {
        ctx.store.restore_project(project.id).await?;
    }
    Ok(project)
}

/// The projects of an organisation that the token sees, each with its row where it is on the board.
pub async fn visible_projects(ctx: &Context, organisation: &Organisation) -> Result<Vec<(fact::Project, Option<Project>)>> {
    let client = ctx.clients.of(organisation).await?;
    let known = ctx.store.projects().await?;
    let row = |guid| known.iter().find(|p: &&Project| p.organisation == organisation.id && p.guid == guid).cloned();
    let visible = client.projects().await?.into_iter().filter(|p| p.well_formed);
    Ok(visible.map(|fact| (fact.clone(), row(fact.guid))).collect())
}

/// The project the board shows when nothing else says which: the last one used, else the only one.
pub async fn default_project(ctx: &Context) -> Result<Option<ProjectId>> {
    let projects = ctx.store.projects().await?;
    if let Some(last) = ctx.store.setting("board.project").await?.and_then(|text| text.parse().ok())
        && projects.iter().any(|p| p.id == ProjectId(last))
    {
        return Ok(Some(ProjectId(last)));
    }
    Ok(projects.first().map(|p| p.id))
}

fn steps(checked: &Checked, choice: &Choice) -> Vec<Step> {
    let names: Vec<_> = choice.projects.iter().map(|(p, _)| p.name.as_str()).collect();
    let mut steps = vec![step("organisation", format!("keep {}", checked.organisation))];
    if choice.keep_token.is_some() {
        steps.push(step("token", "keep the token"));
    }
    steps.push(step("projects", format!("put {} on the board", names.join(", "))));
    steps.push(step("repositories", "discover repositories"));
    steps.push(step("members", "discover members"));
    steps
}
