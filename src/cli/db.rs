//! `kanado db`: the store itself. Bring it up to date, look whether it is whole, back it up, move it between a file and a server.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::notice::Notice;
use crate::services::store_location;
use crate::store::{Level, Location, Store, TableRows};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the store, or bring its schema up to date; every other command does so too
    Migrate,
    /// Look whether the store is whole, and what is in it
    Check,
    /// Copy everything into a new file; the board may be in use meanwhile
    Backup {
        /// A file that is not there yet
        file: PathBuf,
    },
    /// Copy everything into an empty store: to a server for a team, or back into a file
    Copy {
        /// Such as sqlite:///home/me/board.db [default: the store in use]
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// Such as postgres://me@db.example.com/kanado; the password is best kept in PGPASSWORD or ~/.pgpass
        #[arg(long, value_name = "URL")]
        to: String,
    },
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command {
        Command::Migrate => migrate(frame).await,
        Command::Check => check(frame).await,
        Command::Backup { file } => backup(frame, file).await,
        Command::Copy { from, to } => copy(frame, from, to).await,
    }
}

/// The tables as an object, and all rows together.
fn rows_json(rows: &[TableRows]) -> (Value, i64) {
    let object: Map<String, Value> = rows.iter().map(|table| (table.table.to_owned(), table.rows.into())).collect();
    (object.into(), rows.iter().map(|table| table.rows).sum())
}

/// What people know by name.
fn rows_words(rows: &[TableRows]) -> String {
    let of = |name: &str| rows.iter().find(|table| table.table == name).map_or(0, |table| table.rows);
    let all: i64 = rows.iter().map(|table| table.rows).sum();
    format!(
        "{} projects, {} tickets, {} pull requests, {} deliveries; {all} rows in all",
        of("projects"),
        of("tickets"),
        of("pull_requests"),
        of("deliveries")
    )
}

async fn migrate(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let location = store_location(&frame.config);
    let plan = json!({ "store": location.place()? });
    if frame.globals.dry_run
        && let Some(exit) = frame.stop(format!("bring {} up to date", location.place()?), &plan)?
    {
        return Ok(exit);
    }
    let store = frame.ctx().await?.store;
    let (is, was) = store.schema();
    frame.output.json(&json!({ "store": store.place(), "engine": store.engine(), "schema": is, "was": was }))?;
    frame.output.say(match was {
        None => format!("{} is made, with schema {is}.", store.place()),
        Some(was) if was == is => format!("{} is up to date, with schema {is}.", store.place()),
        Some(was) => format!("{} has schema {is} now; it had {was}.", store.place()),
    })?;
    Ok(Exit::Done)
}

async fn check(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let store = frame.ctx().await?.store;
    let findings = store.check().await?;
    let rows = store.rows().await?;
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good);
    let (object, _) = rows_json(&rows);
    frame.output.json(&json!({
        "store": store.place(), "engine": store.engine(), "schema": store.schema().0, "findings": findings, "rows": object,
    }))?;
    frame.output.say(format!("{} ({})", store.place(), store.engine().title()))?;
    for finding in &findings {
        let mark = match finding.level {
            Level::Good => "ok     ",
            Level::Warning => "warning",
            Level::Bad => "bad    ",
        };
        frame.output.say(format!("{mark}  {}: {}", finding.subject.replace('_', " "), finding.words))?;
        if let Some(hint) = &finding.hint {
            frame.output.say(format!("           {hint}"))?;
        }
    }
    frame.output.say(format!("holds    {}", rows_words(&rows)))?;
    Ok(if worst == Level::Bad { Exit::Failed } else { Exit::Done })
}

async fn backup(frame: &mut Frame<'_>, file: PathBuf) -> Result<Exit, Failure> {
    let file = frame.output.stdio.directory.join(file);
    let plan = json!({ "store": store_location(&frame.config).place()?, "file": file });
    if frame.globals.dry_run
        && let Some(exit) = frame.stop(format!("copy everything into {}", file.display()), &plan)?
    {
        return Ok(exit);
    }
    let store = frame.ctx().await?.store;
    let rows = store.back_up(&file).await?;
    let (object, all) = rows_json(&rows);
    frame.output.json(&json!({ "store": store.place(), "file": file, "rows": object, "all": all }))?;
    frame.output.say(format!("{} holds a copy of {}: {}.", file.display(), store.place(), rows_words(&rows)))?;
    frame.output.say(format!("To look into it: `kanado --database sqlite://{} ls`", file.display()))?;
    Ok(Exit::Done)
}

async fn copy(frame: &mut Frame<'_>, from: Option<String>, to: String) -> Result<Exit, Failure> {
    let from = from.map_or_else(|| store_location(&frame.config), Location::Url);
    let to = Location::Url(to);
    let (here, there) = (from.place()?, to.place()?);
    if here == there {
        return Err(Failure::usage(format!("{here} cannot be copied into itself"), "name two places with --from and --to"));
    }
    let source = Store::open(&from).await?;
    let rows = source.rows().await?;
    let (object, _) = rows_json(&rows);
    let plan = json!({ "from": here, "to": there, "rows": object });
    let warnings = [Notice::new("what is written to the old store from now on is not in the new one")
        .hint("close every board and `kanado serve` on it first, and then use the new one")];
    let lines = vec![format!("copy {here}"), format!("  into {there}, which must be empty"), format!("  {}", rows_words(&rows))];
    if let Decision::Stop(exit) = frame.settle(&Outline { reach: Reach::Lasting, lines, warnings: &warnings, plan: &plan })? {
        source.close().await;
        return Ok(exit);
    }
    let target = Store::open(&to).await?;
    let copied = source.copy_to(&target).await;
    target.close().await;
    source.close().await;
    let copied = copied?;
    let (object, all) = rows_json(&copied);
    frame.output.json(&json!({ "from": here, "to": there, "rows": object, "all": all }))?;
    frame.output.say(format!("{there} holds everything: {}.", rows_words(&copied)))?;
    frame.output.say("To use it, set store.database in the configuration: `kanado config set store.database URL`.")?;
    Ok(Exit::Done)
}
