//! `kanado import`: adopt specs that exist, from files or from a repository's target branch.

use std::path::PathBuf;

use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::import::{self, Candidate, Outcome};
use crate::action::link_repositories;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Markdown files, or folders with `*.md` in them
    #[arg(value_name = "FILE", required_unless_present = "from_branch")]
    files: Vec<PathBuf>,
    /// Adopt `.tickets/*.md` of the target branch of the linked repositories
    #[arg(long, conflicts_with = "files")]
    from_branch: bool,
    /// Only of this repository; for files: where the tickets are worked on
    #[arg(long, value_name = "NAME")]
    repo: Option<String>,
}

/// More than the longest spec, so that the refusal names the right limit.
const LONGEST: u64 = 16 * 1024 * 1024;

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    let repository = match &args.repo {
        Some(name) => Some(link_repositories::find(&ctx, &project, name).await?),
        None => None,
    };
    let mut candidates = Vec::new();
    if args.from_branch {
        let repositories = match repository {
            Some(one) => vec![one],
            None => ctx.store.repositories(project.id).await?.into_iter().filter(|repository| repository.linked).collect(),
        };
        if repositories.is_empty() {
            return Err(Failure::refused(format!("no repository of {} is linked", project.name), "link one: `kanado repos link NAME`"));
        }
        for repository in &repositories {
            candidates.extend(import::from_branch(&ctx, &project, repository).await?);
        }
    } else {
        for path in markdown(&args.files)? {
            let bytes = ticket_fields::read(frame, &path, LONGEST)?;
            candidates.push(Candidate { name: path.display().to_string(), bytes, repository: repository.clone(), object: None });
        }
    }
    if candidates.is_empty() {
        frame.output.note("There is no spec to import.");
        frame.output.json(&json!([]))?;
        return Ok(Exit::Done);
    }
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let plan = json!({ "project": project.name, "files": names });
    let mut lines = vec![format!("import into {}:", project.name)];
    lines.extend(names.iter().map(|name| format!("  {name}")));
    let outline = Outline { reach: Reach::Board, lines, warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let outcomes = {
        let (ctx, project) = (&ctx, &project);
        frame.carry_out(|reporter| async move { import::run(ctx, project, candidates, &reporter).await }).await?
    };
    let mut refused = 0;
    for outcome in &outcomes {
        frame.output.say(match outcome {
            Outcome::Imported { name, key, title } => format!("{key}  {title}  (from {name})"),
            Outcome::AlreadyThere { name, key } => format!("{key}  is there already  ({name})"),
            Outcome::Refused { name, why } => {
                refused += 1;
                format!("refused  {name}: {why}")
            }
        })?;
    }
    frame.output.json(&outcomes)?;
    Ok(match refused {
        0 => Exit::Done,
        all if all == outcomes.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// The files named, and the markdown files of the folders named, in order of their names.
fn markdown(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let failed = |error| Failure::local(format!("cannot look into {}", path.display()), &error);
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|extension| extension == "md") && file.is_file() {
                inside.push(file);
            }
        }
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}
