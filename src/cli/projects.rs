//! `kanado projects`: which are on the board, which could be, and which one is shown.

use clap::Subcommand;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::{Frame, find_project, fit, widest};
use super::which::Which;
use crate::action::deselect::{self, Collected};
use crate::action::{Reporter, connect, link_repositories, members};
use crate::notice::Notice;

pub type Args = Which<Command>;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the projects on the board
    Ls,
    /// List all projects that the token can see
    Discover,
    /// Put another project of the organisation on the board
    Add {
        name: String,
        /// What its ticket keys begin with [default: made from its name]
        #[arg(long)]
        prefix: Option<String>,
    },
    /// Take a project off the board, with the webhooks that kanado made for it; its tickets and what was collected stay. Of one that is
    /// off it already, deletes what is left
    Remove {
        name: String,
        /// Delete what was collected for its delivery figures, too
        #[arg(long)]
        purge: bool,
    },
    /// Show this project from now on
    Use { name: String },
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command.unwrap_or(Command::Ls) {
        Command::Ls => ls(frame).await,
        Command::Discover => discover(frame).await,
        Command::Add { name, prefix } => add(frame, &name, prefix.as_deref()).await,
        Command::Remove { name, purge } => remove(frame, &name, if purge { Collected::Purge } else { Collected::Keep }).await,
        Command::Use { name } => switch(frame, &name).await,
    }
}

async fn ls(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let current = connect::default_project(&ctx).await?;
    let projects = ctx.store.projects().await?;
    let mut rows = Vec::new();
    let width = widest(projects.iter().map(|project| project.name.as_str()));
    for project in &projects {
        let organisation = ctx.organisation(project.organisation).await?;
        let mark = if current == Some(project.id) { "*" } else { " " };
        frame.output.say(format!("{mark} {}  {}  {}", fit(&project.prefix, 10), fit(&project.name, width), organisation.url))?;
        rows.push(json!({
            "name": project.name, "prefix": project.prefix, "organisation": organisation.url, "id": project.guid,
            "current": current == Some(project.id), "synced_at": project.synced_at, "review_rules": project.review_rules,
        }));
    }
    if projects.is_empty() {
        frame.output.note("No project is on the board. `kanado connect https://dev.azure.com/ORG/PROJECT` connects one.");
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}

async fn discover(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let organisation = frame.organisation(None).await?;
    let ctx = frame.ctx().await?;
    let visible = connect::visible_projects(&ctx, &organisation).await?;
    let width = widest(visible.iter().map(|(fact, _)| fact.name.as_str()));
    let mut rows = Vec::new();
    for (fact, known) in &visible {
        let prefix = known.as_ref().map(|project| project.prefix.clone());
        frame.output.say(format!("{}  {}", fit(&fact.name, width), prefix.as_deref().unwrap_or("(not on the board)")))?;
        rows.push(json!({ "name": fact.name, "id": fact.guid, "prefix": prefix }));
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}

async fn add(frame: &mut Frame<'_>, name: &str, prefix: Option<&str>) -> Result<Exit, Failure> {
    let organisation = frame.organisation(None).await?;
    let ctx = frame.ctx().await?;
    let visible = connect::visible_projects(&ctx, &organisation).await?;
    let Some((fact, _)) = visible.iter().find(|(fact, _)| fact.name.eq_ignore_ascii_case(name)) else {
        let names: Vec<&str> = visible.iter().map(|(fact, _)| fact.name.as_str()).collect();
        return Err(Failure::refused(
            format!("there is no project {name} in {}, or no permission to see it", organisation.name),
            format!("it has {}", names.join(", ")),
        ));
    };
    let plan = json!({ "project": fact.name, "prefix": prefix });
    if let Some(exit) = frame.stop(format!("put {} on the board", fact.name), &plan)? {
        return Ok(exit);
    }
    let project = connect::add_project(&ctx, &organisation, fact, prefix).await?;
    let client = ctx.client(&project).await?;
    let repositories = link_repositories::discover(&ctx, &client, &project).await?;
    connect::measure(&ctx, &project).await?;
    // Without permission to see the team, the board still works.
    let people = members::discover(&ctx, &client, &project, None).await.map(|found| found.len()).unwrap_or_default();
    frame.output.json(&json!({
        "name": project.name, "prefix": project.prefix, "id": project.guid, "repositories": repositories.len(), "members": people,
    }))?;
    frame.output.say(format!("{} is on the board; its tickets are {}-1, {}-2 ...", project.name, project.prefix, project.prefix))?;
    frame.output.say(format!(
        "{} repositories, {people} people. Link a repository: `kanado repos link NAME -P {}`",
        repositories.len(),
        project.prefix
    ))?;
    Ok(Exit::Done)
}

async fn remove(frame: &mut Frame<'_>, name: &str, collected: Collected) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let project = match deselect::find(&ctx, name).await? {
        Some(project) => project,
        // Says which there are.
        None => find_project(&ctx, name).await?,
    };
    let farewell = deselect::plan(&ctx, &project).await?;
    let mut lines = vec![format!("take {} off the board; its tickets stay, and `kanado projects add` brings them back", project.name)];
    if collected == Collected::Purge {
        lines.push(format!("delete what was collected for the delivery figures of {}", project.name));
    }
    let mut warnings = Vec::new();
    let reach = match &farewell.hooks {
        Ok(removal) => {
            lines.extend(removal.doomed.iter().map(|doomed| format!("delete the webhook {} -> {}", doomed.event_type, doomed.url)));
            if removal.doomed.is_empty() { Reach::Lasting } else { Reach::Remote }
        }
        Err(words) => {
            let text = format!("Azure DevOps cannot be asked for the project's webhooks: {words}");
            warnings.push(Notice::new(text).hint("those that kanado made are deleted at the next occasion"));
            if ctx.store.subscriptions(project.id).await?.is_empty() { Reach::Lasting } else { Reach::Remote }
        }
    };
    if let Decision::Stop(exit) = frame.settle(&Outline { reach, lines, warnings: &warnings, plan: &farewell })? {
        return Ok(exit);
    }
    let done = deselect::run(&ctx, &project, collected, &Reporter::silent()).await?;
    frame.output.json(&done)?;
    frame.output.say(format!("{}.", done.words()))?;
    match done.unfinished() {
        None => Ok(Exit::Done),
        Some(notice) => {
            frame.output.warn(&notice);
            Ok(Exit::Partly)
        }
    }
}

async fn switch(frame: &mut Frame<'_>, name: &str) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let project = find_project(&ctx, name).await?;
    let plan = json!({ "project": project.name });
    if let Some(exit) = frame.stop(format!("show {} from now on", project.name), &plan)? {
        return Ok(exit);
    }
    ctx.store.set_setting("board.project", &project.id.to_string()).await?;
    frame.output.json(&json!({ "name": project.name, "prefix": project.prefix }))?;
    frame.output.say(format!("The board shows {}.", project.name))?;
    Ok(Exit::Done)
}
