//! `kanado connect`: check an address and a token, say what they allow, and put projects on the board.

use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::health::connected::{missing, to_do};
use super::token::Keeping;
use crate::action::connect::{self, Checked, Choice};
use crate::ado::{Address, Credential, ScopeOutcome, tokens_page};
use crate::domain::fact;
use crate::secret::{self, Found, Kind, Source};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// ORG, ORG/PROJECT, a URL or a git remote [default: the remote of the clone you stand in]
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
    /// What the ticket keys of the project begin with, such as KAN [default: made from its name]
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Link this repository (may be given several times) [default: the only one, if there is only one]
    #[arg(long = "repo", value_name = "NAME")]
    repositories: Vec<String>,
    /// Only check, and keep nothing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    keeping: Keeping,
}

#[derive(Serialize)]
struct Plan<'a> {
    check: &'a Checked,
    projects: Vec<&'a str>,
    keeps_token: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let address = match &args.address {
        Some(text) => Address::parse(text)?,
        None => match frame.clone_here().and_then(|clone| clone.remote.clone()) {
            Some((_, address)) => address,
            None => {
                let hint = "give an organisation, a URL, or stand in a clone from Azure DevOps";
                return Err(Failure::usage("connect to what?", hint));
            }
        },
    };
    let url = address.base.url().to_owned();
    let ctx = frame.ctx().await?;
    let mut token = secret::find(&frame.token_sources(), &url).await?;
    // What a command, a variable or a keyring gives stays where it is, unless asked otherwise.
    let keeps_token = token.source == Source::Person || args.keeping.place.is_some();
    token.expires = args.keeping.expires.or(token.expires);
    let checked = connect::check(&ctx, &address, &presented(&token)).await?;
    for line in report(&checked) {
        frame.output.note(line);
    }
    if args.check {
        frame.output.json(&checked)?;
        return Ok(Exit::Done);
    }
    let projects = chosen(frame, &checked, args.prefix.as_deref())?;
    let mut repositories = args.repositories.clone();
    if let Some(name) = &address.repository
        && repositories.is_empty()
    {
        repositories.push(name.clone());
    }
    let names: Vec<&str> = projects.iter().map(|(project, _)| project.name.as_str()).collect();
    let plan = Plan { check: &checked, projects: names.clone(), keeps_token };
    let mut lines = vec![format!("connect {} ({url})", checked.organisation), format!("put {} on the board", names.join(", "))];
    if !repositories.is_empty() {
        lines.push(format!("link {}", repositories.join(", ")));
    }
    if keeps_token {
        lines.push("keep the token".to_owned());
    }
    let outline = Outline { reach: Reach::Board, lines, warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let choice = Choice { projects, link: repositories, keep_token: keeps_token.then(|| args.keeping.place()) };
    let connected = frame.carry_out(|reporter| connect_with(&ctx, &address, &token, &choice, reporter)).await?;
    if let Some(project) = connected.projects.first() {
        ctx.store.set_setting("board.project", &project.id.to_string()).await?;
    }
    let mut value = serde_json::to_value(&connected).map_err(std::io::Error::from)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("user".to_owned(), json!(checked.connection.me));
        object.insert("accessible_projects".to_owned(), json!(checked.projects.len()));
        object.insert("scopes".to_owned(), json!(checked.scopes));
    }
    frame.output.json(&value)?;
    for project in &connected.projects {
        frame.output.say(format!("{} is connected; its tickets are {}-1, {}-2 ...", project.name, project.prefix, project.prefix))?;
    }
    if connected.linked.is_empty() {
        frame.output.say("No repository is linked yet: `kanado repos` lists them, `kanado repos link NAME` links one.")?;
    } else {
        frame.output.say(format!("Linked: {}.", connected.linked.join(", ")))?;
    }
    frame.output.note("To see changes as they happen: `kanado serve` receives them, `kanado hooks register` asks Azure DevOps for them.");
    Ok(Exit::Done)
}

async fn connect_with(
    ctx: &crate::action::Context,
    address: &Address,
    token: &Found,
    choice: &Choice,
    reporter: crate::action::Reporter,
) -> crate::action::Result<connect::Connected> {
    connect::activate(ctx, address, token, choice, &reporter).await
}

fn presented(token: &Found) -> Credential {
    match token.kind {
        Kind::Pat => Credential::Pat(token.credential.clone()),
        Kind::Bearer => Credential::Bearer(token.credential.clone()),
    }
}

/// The projects to put on the board: the one the address or `--project` names, else the only one.
fn chosen(frame: &Frame<'_>, checked: &Checked, prefix: Option<&str>) -> Result<Vec<(fact::Project, Option<String>)>, Failure> {
    let prefix = prefix.map(str::to_owned);
    if let Some(project) = &checked.project {
        return Ok(vec![(project.clone(), prefix)]);
    }
    let names: Vec<&str> = checked.projects.iter().map(|project| project.name.as_str()).collect();
    if let Some(name) = &frame.globals.project {
        return match checked.projects.iter().find(|project| project.name.eq_ignore_ascii_case(name)) {
            Some(project) => Ok(vec![(project.clone(), prefix)]),
            None => Err(Failure::refused(
                format!("there is no project {name} in {}", checked.organisation),
                format!("it has {}", names.join(", ")),
            )),
        };
    }
    match checked.projects.as_slice() {
        [only] => Ok(vec![(only.clone(), prefix)]),
        [] => Err(Failure::refused(
            format!("this token sees no project in {}", checked.organisation),
            "ask for access to one, or use a token of somebody who has it",
        )),
        _ => Err(Failure::usage(
            format!("which project? {}", names.join(", ")),
            format!("name it: `kanado connect {}/PROJECT`", checked.url),
        )),
    }
}

/// What the check found, for people.
fn report(checked: &Checked) -> Vec<String> {
    let me = &checked.connection.me;
    let mut lines = vec![
        format!("{} answers. You are {} <{}>.", checked.url, me.display_name, me.unique_name),
        match checked.projects.len() {
            1 => "You can see 1 project.".to_owned(),
            count => format!("You can see {count} projects."),
        },
    ];
    for scope in &checked.scopes {
        let mut line = String::new();
        let _ = match &scope.outcome {
            ScopeOutcome::Allowed => write!(line, "  ok       {}: {}", scope.scope, scope.needed_for),
            ScopeOutcome::Missing => write!(line, "  missing  {}", missing(scope)),
            ScopeOutcome::Unknown(why) => write!(line, "  unknown  {}: {} ({why})", scope.scope, scope.needed_for),
        };
        lines.push(line);
    }
    lines.extend(to_do(&checked.scopes, &tokens_page(&checked.url)).map(|words| format!("To do: {words}.")));
    lines
}

/// Says which scopes a checked token lacks.
pub fn say_missing_scopes(frame: &mut Frame<'_>, checked: &Checked) -> Result<(), Failure> {
    for scope in checked.scopes.iter().filter(|scope| scope.outcome == ScopeOutcome::Missing) {
        frame.output.say(format!("It lacks {}.", missing(scope)))?;
    }
    if let Some(words) = to_do(&checked.scopes, &tokens_page(&checked.url)) {
        frame.output.say(format!("To do: {words}."))?;
    }
    Ok(())
}
