//! What `new` and `edit` have in common: the fields of a ticket as flags, and a ticket as JSON and as lines.

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::exit::Failure;
use super::frame::Frame;
use crate::action::{Context, link_repositories, members};
use crate::domain::id::{MemberId, RepositoryId, TicketKey};
use crate::domain::project::Project;
use crate::domain::ticket::Priority;
use crate::domain::ticket_view::TicketView;

#[derive(Debug, Default, clap::Args)]
pub struct Fields {
    /// What it is about
    #[arg(long, short = 'd', value_name = "TEXT", allow_hyphen_values = true)]
    pub description: Option<String>,
    /// Read the description from a file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "description")]
    pub description_file: Option<PathBuf>,
    /// The story it belongs to
    #[arg(long, value_name = "TEXT")]
    pub parent: Option<String>,
    /// An acceptance criterion (may be given several times)
    #[arg(long = "criterion", short = 'c', value_name = "TEXT")]
    pub criteria: Vec<String>,
    /// The repository it is worked on in
    #[arg(long, value_name = "NAME")]
    pub repo: Option<String>,
    /// Who does it: name, account, `me` or `nobody`
    #[arg(long, short = 'a', value_name = "PERSON")]
    pub assign: Option<String>,
    /// A label (may be given several times)
    #[arg(long = "label", short = 'l', value_name = "LABEL")]
    pub labels: Vec<String>,
    /// 1 (most urgent) to 4, or `none`
    #[arg(long, value_name = "1-4", value_parser = priority)]
    pub priority: Option<Given<Priority>>,
    /// Hours it may take, or `none`
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    pub estimate: Option<Given<f64>>,
    /// A ticket that must be finished first (may be given several times)
    #[arg(long = "depends-on", value_name = "KEY")]
    pub dependencies: Vec<TicketKey>,
}

/// A value, or the wish to have none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given<T> {
    Value(T),
    Nothing,
}

impl<T> Given<T> {
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing => None,
        }
    }
}

fn priority(text: &str) -> Result<Given<Priority>, String> {
    if text == "none" {
        return Ok(Given::Nothing);
    }
    let level = text.parse().ok().and_then(Priority::new);
    level.map(Given::Value).ok_or_else(|| "a priority is 1, 2, 3, 4 or none".to_owned())
}

fn hours(text: &str) -> Result<Given<f64>, String> {
    if text == "none" {
        return Ok(Given::Nothing);
    }
    match text.parse::<f64>() {
        Ok(hours) if hours.is_finite() => Ok(Given::Value(hours)),
        _ => Err("an estimate is a number of hours, or none".to_owned()),
    }
}

/// The longest description taken from a file: what a spec may hold.
const LONGEST: u64 = 1024 * 1024;

impl Fields {
    /// The description, from the flag or the file.
    pub fn description(&self, frame: &mut Frame<'_>) -> Result<Option<String>, Failure> {
        match &self.description_file {
            None => Ok(self.description.clone()),
            Some(path) => {
                let bytes = read(frame, path, LONGEST)?;
                let text = String::from_utf8(bytes);
                text.map(Some).map_err(|_| Failure::refused(format!("{} is not UTF-8 text", path.display()), "save it as UTF-8"))
            }
        }
    }

    pub async fn repository(&self, ctx: &Context, project: &Project) -> Result<Option<RepositoryId>, Failure> {
        let Some(name) = &self.repo else { return Ok(None) };
        let found = link_repositories::find(ctx, project, name).await?;
        if !found.linked {
            return Err(Failure::refused(
                format!("repository {} is not linked, so no ticket can be worked on in it", found.name),
                format!("link it: `kanado repos link {}`", found.name),
            ));
        }
        Ok(Some(found.id))
    }
}

/// The member meant by a name, an account, `me`; nobody by `nobody`.
pub async fn person(ctx: &Context, project: &Project, text: &str) -> Result<Option<MemberId>, Failure> {
    match text {
        "nobody" | "none" => Ok(None),
        "me" | "@me" => {
            let organisation = ctx.organisation(project.organisation).await?;
            match ctx.me(&organisation, project.id).await? {
                Some(me) => Ok(Some(me.id)),
                None => {
                    Err(Failure::refused("it is not known who you are", format!("connect again: `kanado connect {}`", organisation.url)))
                }
            }
        }
        name => Ok(Some(members::find(ctx, project, name).await?.id)),
    }
}

/// The content of a file, or of standard input for `-`; more than `longest` bytes are refused.
pub fn read(frame: &mut Frame<'_>, path: &std::path::Path, longest: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let result = if path == std::path::Path::new("-") {
        (&mut frame.output.stdio.input).take(longest + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| Failure::local(format!("cannot read {}", path.display()), &error))?;
    if bytes.len() as u64 > longest {
        return Err(Failure::refused(format!("{} is longer than {} KiB", path.display(), longest / 1024), "shorten it"));
    }
    Ok(bytes)
}

/// Everything of a ticket, with names instead of row ids.
pub async fn view(ctx: &Context, key: &TicketKey) -> Result<TicketView, Failure> {
    match ctx.store.ticket_view(key).await? {
        Some(view) => Ok(view),
        None => Err(Failure::refused(format!("there is no ticket {key}"), "`kanado ls` lists the tickets of the project")),
    }
}

/// A ticket as every command prints it with `--json`.
pub fn to_json(view: &TicketView) -> Value {
    let ticket = &view.ticket;
    json!({
        "key": ticket.key,
        "title": ticket.title,
        "status": ticket.status,
        "project": view.project.name,
        "description": ticket.description,
        "parent_story": ticket.parent_story,
        "criteria": ticket.criteria,
        "assignee": view.assignee.as_ref().map(|member| &member.identity),
        "repository": view.repository.as_ref().map(|repository| &repository.name),
        "branch": ticket.branch,
        "labels": ticket.labels,
        "priority": ticket.priority,
        "estimate_hours": ticket.estimate_hours,
        "dependencies": ticket.dependencies,
        "pull_request": view.pull_request.as_ref().map(|known| known.facts.number),
        "spec": view.spec.badge(),
        "notice": ticket.notice,
        "archived": ticket.archived,
        "times": ticket.times,
        "version": ticket.version,
    })
}

/// One line that says what a changed ticket is now.
pub fn line(view: &TicketView) -> String {
    let who = view.assignee.as_ref().map(|member| format!(", {}", member.identity.display_name)).unwrap_or_default();
    format!("{}  {}  ({}{who})", view.ticket.key, view.ticket.title, view.ticket.status.title())
}
