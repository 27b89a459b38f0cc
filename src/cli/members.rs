//! `kanado members`: the people of the project, who of them reviews, and whose default reviewer somebody is.

use std::collections::HashMap;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use super::which::Which;
use crate::action::{Context, members};
use crate::domain::person::Member;
use crate::domain::project::Project;
use crate::store::MemberChange;

pub type Args = Which<Command>;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the members
    Ls,
    /// Take the members of the project's teams
    Discover {
        /// Only this team
        #[arg(long)]
        team: Option<String>,
    },
    /// Look somebody up and add them
    Add {
        /// Name or account, such as bob@example.com
        person: String,
    },
    /// Say what a member may do, and who reviews their pull requests
    Set {
        /// Name or account, or the beginning of either
        person: String,
        /// Whether they are chosen as reviewer
        #[arg(long, value_enum, value_name = "YES|NO", num_args = 0..=1, default_missing_value = "yes")]
        can_review: Option<YesNo>,
        /// Who reviews their pull requests under the mapped strategy; `none` for nobody
        #[arg(long, value_name = "PERSON")]
        default_reviewer: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    #[value(alias = "true")]
    Yes,
    #[value(alias = "false")]
    No,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    match args.command.unwrap_or(Command::Ls) {
        Command::Ls => {}
        Command::Discover { team } => {
            let client = ctx.client(&project).await?;
            let found = members::discover(&ctx, &client, &project, team.as_deref()).await?;
            frame.output.note(format!("{} people found.", found.len()));
        }
        Command::Add { person } => {
            if let Some(exit) = frame.stop(format!("add {person} to {}", project.name), &json!({ "add": person }))? {
                return Ok(exit);
            }
            let member = members::add(&ctx, &project, &person).await?;
            return list(frame, &ctx, &project, Some(&member)).await;
        }
        Command::Set { person, can_review, default_reviewer } => {
            let member = members::find(&ctx, &project, &person).await?;
            let reviewer = match default_reviewer.as_deref() {
                None => None,
                Some("none") => Some(None),
                Some(name) => Some(Some(members::find(&ctx, &project, name).await?.id)),
            };
            if can_review.is_none() && reviewer.is_none() {
                return Err(Failure::usage("nothing to set", "give --can-review yes|no or --default-reviewer PERSON|none"));
            }
            let change = MemberChange { can_review: can_review.map(|answer| answer == YesNo::Yes), default_reviewer: reviewer };
            let plan =
                json!({ "member": member.identity.unique_name, "can_review": change.can_review, "default_reviewer": default_reviewer });
            if let Some(exit) = frame.stop(format!("change what {} does", member.identity.display_name), &plan)? {
                return Ok(exit);
            }
            let member = members::set(&ctx, &member, &change).await?;
            return list(frame, &ctx, &project, Some(&member)).await;
        }
    }
    list(frame, &ctx, &project, None).await
}

async fn list(frame: &mut Frame<'_>, ctx: &Context, project: &Project, only: Option<&Member>) -> Result<Exit, Failure> {
    let all = ctx.store.members(project.id).await?;
    let names: HashMap<_, _> = all.iter().map(|member| (member.id, member.identity.display_name.clone())).collect();
    let shown: Vec<&Member> = all.iter().filter(|member| only.is_none_or(|only| only.id == member.id)).collect();
    let name_width = widest(shown.iter().map(|member| member.identity.display_name.as_str()));
    let account_width = widest(shown.iter().map(|member| member.identity.unique_name.as_str()));
    let mut rows = Vec::new();
    for member in &shown {
        let default = member.default_reviewer.and_then(|id| names.get(&id));
        let reviews = if member.can_review { "reviews" } else { "" };
        let by = default.map(|name| format!("reviewed by {name}")).unwrap_or_default();
        let (name, account) = (fit(&member.identity.display_name, name_width), fit(&member.identity.unique_name, account_width));
        frame.output.say(format!("{name}  {account}  {}  {by}", fit(reviews, 7)).trim_end())?;
        rows.push(json!({
            "name": member.identity.display_name, "account": member.identity.unique_name, "id": member.identity.id,
            "can_review": member.can_review, "default_reviewer": default, "last_assigned_at": member.last_assigned_at,
        }));
    }
    if shown.is_empty() {
        frame.output.note("Nobody is known. `kanado members discover` asks Azure DevOps for the project's teams.");
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}
