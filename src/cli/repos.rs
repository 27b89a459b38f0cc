//! `kanado repos`: the repositories of the project, which of them take tickets, and where their pull requests go.

use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use super::which::Which;
use crate::action::link_repositories;
use crate::domain::project::Repository;

pub type Args = Which<Command>;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the repositories that are known
    Ls,
    /// Ask Azure DevOps for the project's repositories
    Discover,
    /// Link repositories: tickets can be worked on in them
    Link {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Unlink repositories: new tickets cannot choose them
    Unlink {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Choose the branch that work starts from and pull requests go to
    Target { name: String, branch: String },
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    match args.command.unwrap_or(Command::Ls) {
        Command::Ls => {
            let all = ctx.store.repositories(project.id).await?;
            list(frame, &all)
        }
        Command::Discover => {
            let client = ctx.client(&project).await?;
            let all = link_repositories::discover(&ctx, &client, &project).await?;
            list(frame, &all)
        }
        Command::Link { names } => {
            for name in &names {
                link_repositories::find(&ctx, &project, name).await?;
            }
            if let Some(exit) = frame.stop(format!("link {}", names.join(", ")), &json!({ "link": names }))? {
                return Ok(exit);
            }
            let mut changed = Vec::new();
            for name in &names {
                changed.push(link_repositories::link(&ctx, &project, name).await?);
            }
            list(frame, &changed)
        }
        Command::Unlink { names } => {
            for name in &names {
                link_repositories::find(&ctx, &project, name).await?;
            }
            if let Some(exit) = frame.stop(format!("unlink {}", names.join(", ")), &json!({ "unlink": names }))? {
                return Ok(exit);
            }
            let mut changed = Vec::new();
            for name in &names {
                changed.push(link_repositories::unlink(&ctx, &project, name).await?);
            }
            list(frame, &changed)
        }
        Command::Target { name, branch } => {
            let words = format!("work in {name} starts from {branch}, and its pull requests go there");
            if let Some(exit) = frame.stop(words, &json!({ "repository": name, "target": branch }))? {
                return Ok(exit);
            }
            let changed = link_repositories::set_target(&ctx, &project, &name, &branch).await?;
            list(frame, &[changed])
        }
    }
}

fn list(frame: &mut Frame<'_>, repositories: &[Repository]) -> Result<Exit, Failure> {
    let width = widest(repositories.iter().map(|repository| repository.name.as_str()));
    let mut rows = Vec::new();
    for repository in repositories {
        let state = match (repository.disabled, repository.linked) {
            (true, _) => "disabled",
            (false, true) => "linked",
            (false, false) => "",
        };
        let target = repository.target().unwrap_or("(empty)");
        frame.output.say(format!("{}  {}  {target}", fit(&repository.name, width), fit(state, 8)).trim_end())?;
        rows.push(json!({
            "name": repository.name, "id": repository.guid, "linked": repository.linked, "disabled": repository.disabled,
            "target_branch": repository.target(), "default_branch": repository.default_branch, "web_url": repository.web_url,
        }));
    }
    if repositories.is_empty() {
        frame.output.note("No repository is known. `kanado repos discover` asks Azure DevOps.");
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}
