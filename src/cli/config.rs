//! `kanado config`: show what counts and who decided it, change one setting, check the file. Works with a broken file, too.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::which::Which;
use crate::config::{self, Config, EXAMPLE, Origin, settings};
use crate::notice::Notice;

pub type Args = Which<Command>;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every setting, its value, and who decided it
    Show {
        /// Print the commented example instead: every setting with its default, unit and meaning
        #[arg(long)]
        example: bool,
    },
    /// Print where the configuration, the data and the logs are
    Path,
    /// Change one setting in the file; comments stay
    Set {
        /// Its name, such as ui.theme or keys."ticket.start"
        name: String,
        /// TOML, or a bare word
        #[arg(required_unless_present = "unset", allow_hyphen_values = true)]
        value: Option<String>,
        /// Take the setting out of the file, so that its default counts
        #[arg(long, conflicts_with = "value")]
        unset: bool,
    },
    /// Say everything that is wrong in the file, with its line
    Check,
}

pub fn run(args: &Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command.as_ref().unwrap_or(&Command::Show { example: false }) {
        Command::Show { example: true } => {
            frame.output.stdio.out.write_all(EXAMPLE.as_bytes())?;
            Ok(Exit::Done)
        }
        Command::Show { example: false } => show(frame),
        Command::Path => path(frame),
        Command::Set { name, value, .. } => set(frame, name, value.as_deref()),
        Command::Check => check(frame),
    }
}

fn load(frame: &Frame<'_>) -> Result<(Config, Vec<Notice>), config::Error> {
    Config::load(&frame.globals.overrides(&frame.output.stdio.environment))
}

fn show(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let (config, notices) = load(frame)?;
    for notice in &notices {
        frame.output.warn(notice);
    }
    let mut rows = serde_json::Map::new();
    for setting in settings() {
        let value = setting.show(&config);
        let origin = match config.origin(setting.path) {
            Origin::Default => "default".to_owned(),
            Origin::File { line } => format!("{}:{line}", config.paths.config_file.display()),
            Origin::Environment(name) => format!("environment ({name})"),
            Origin::Flag(flag) => flag.to_owned(),
        };
        rows.insert(setting.path.to_owned(), json!({ "value": value, "origin": origin }));
        let value = value.unwrap_or_else(|| "(not set)".to_owned());
        let line = format!("{} = {value}", setting.path);
        frame.output.say(if origin == "default" { line } else { format!("{line}  # {origin}") })?;
    }
    for binding in &config.keys.bindings {
        let keys = if binding.keys.is_empty() { "\"none\"".to_owned() } else { format!("{:?}", binding.keys) };
        let origin = format!("{}:{}", config.paths.config_file.display(), binding.line);
        frame.output.say(format!("keys.\"{}\" = {keys}  # {origin}", binding.action))?;
        rows.insert(format!("keys.{}", binding.action), json!({ "value": keys, "origin": origin }));
    }
    frame.output.json(&rows)?;
    Ok(Exit::Done)
}

fn path(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    // Where things are can be said of a broken file as well.
    let overrides = frame.globals.overrides(&frame.output.stdio.environment);
    let paths = match load(frame) {
        Ok((config, _)) => config.paths,
        Err(config::Error::Invalid { path, .. } | config::Error::NotText { path } | config::Error::Unreadable { path, .. }) => {
            Config::from_text("", &path, &overrides)?.0.paths
        }
        Err(error) => return Err(error.into()),
    };
    frame.output.json(&json!({
        "config": paths.config_file, "data": paths.data_dir, "database": paths.database_file(),
        "tokens": paths.token_dir(), "log": paths.log_dir(), "state": paths.state_dir,
    }))?;
    let state = |path: &PathBuf| if path.exists() { "" } else { "  (not there yet)" };
    frame.output.say(format!("configuration  {}{}", paths.config_file.display(), state(&paths.config_file)))?;
    frame.output.say(format!("data           {}{}", paths.data_dir.display(), state(&paths.data_dir)))?;
    frame.output.say(format!("logs           {}", paths.log_dir().display()))?;
    Ok(Exit::Done)
}

fn set(frame: &mut Frame<'_>, name: &str, value: Option<&str>) -> Result<Exit, Failure> {
    let overrides = frame.globals.overrides(&frame.output.stdio.environment);
    let path = config::file_of(&overrides)?;
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "# kanado's configuration; `kanado config show --example` prints every setting with its meaning.\n\n".to_owned()
        }
        Err(source) => return Err(config::Error::Unreadable { path, source }.into()),
    };
    let edited = match value {
        Some(value) => config::set(&before, &path, name, value)?,
        None => config::unset(&before, &path, name)?,
    };
    let words = match (edited.changed, value) {
        (false, _) => format!("{name} is like that already in {}", path.display()),
        (true, Some(value)) => format!("{name} = {value} in {}", path.display()),
        (true, None) => format!("{name} is taken out of {}", path.display()),
    };
    let apply = edited.changed && !frame.globals.dry_run;
    if apply {
        config::write(&path, &edited.text)?;
    }
    frame.output.json(&json!({ "file": path, "name": name, "changed": edited.changed, "applied": apply }))?;
    frame.output.say(if frame.globals.dry_run { format!("would set: {words}") } else { words })?;
    Ok(Exit::Done)
}

fn check(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let (file, found): (PathBuf, Vec<Notice>) = match load(frame) {
        Ok((config, mut notices)) => {
            notices.extend(super::board::key_problems(&config));
            (config.paths.config_file, notices)
        }
        Err(config::Error::Invalid { path, problems }) => {
            let found = problems.iter().map(|problem| problem.notice(&path)).collect();
            (path, found)
        }
        Err(error) => return Err(error.into()),
    };
    let rows: Vec<_> = found.iter().map(|notice| json!({ "message": notice.text, "hint": notice.hint })).collect();
    frame.output.json(&json!({ "file": file, "problems": rows }))?;
    for notice in &found {
        frame.output.say(notice.to_string())?;
    }
    if found.is_empty() {
        let there = if file.exists() { "nothing is wrong" } else { "there is no such file, so the defaults count" };
        frame.output.say(format!("{}: {there}", file.display()))?;
        return Ok(Exit::Done);
    }
    Ok(Exit::Failed)
}
