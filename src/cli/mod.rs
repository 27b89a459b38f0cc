//! The command line: one file a subcommand, each with its `Args` and its `run`; without a subcommand, the board.
//!
//! Data goes to stdout, everything else to stderr. With `--json` stdout is one line of JSON, and stderr has lines of JSON only:
//! `{"warning": {"message", "hint"}}`, and for a failure `{"error": {"code", "message", "hint", "exit"}}`.
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 partly done and resumable. A closed pipe is no failure.

mod consent;
pub mod crash;
mod exit;
mod frame;
mod globals;
mod here;
mod log;
mod progress;
mod stdio;
mod ticket_fields;
mod which;

mod archive;
mod assign;
mod backfill;
mod board;
mod comment;
mod completions;
mod config;
mod connect;
mod db;
mod delete;
mod demo;
mod doctor;
mod edit;
mod health;
mod hooks;
mod import;
mod ls;
mod man;
mod members;
mod metrics;
mod move_to;
mod new;
mod pr;
mod projects;
mod prs;
mod receiving;
mod repos;
mod reviewers;
mod serve;
mod show;
mod sim;
mod spec;
mod start;
mod sync;
mod token;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::{Exit, Failure};
pub use stdio::{Host, Stdio};

use frame::Frame;
use globals::Globals;
use stdio::{Format, Output};

/// A keyboard-driven dev board for Azure DevOps in the terminal.
///
/// Without a command, the board. Every action of the board is a command as well.
#[derive(Debug, Parser)]
#[command(name = "kanado", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 partly done (the same command finishes the rest).")]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    // The daily round.
    /// List the tickets of the project
    Ls(ls::Args),
    /// Show a ticket: its words, criteria, pull request and history
    Show(show::Args),
    /// Make a ticket
    New(new::Args),
    /// Change a ticket's words and fields
    Edit(edit::Args),
    /// Give a ticket to somebody
    Assign(assign::Args),
    /// Move a ticket by hand, where facts do not move it
    Move(move_to::Args),
    /// Start work: branch, spec and status in one go
    Start(start::Args),
    /// The spec of a ticket, here and on its branch
    Spec(spec::Args),
    /// Open the pull request of a ticket, or show the open one
    Pr(pr::Args),
    /// Look at pull requests now, and let the tickets follow
    Sync(sync::Args),
    /// Collect what delivery figures rest on, now
    Backfill(backfill::Args),
    /// List the pull requests of the project
    Prs(prs::Args),
    /// Take a ticket off the board, or put it back
    Archive(archive::Args),
    /// Delete a ticket that was never started
    Delete(delete::Args),
    /// Adopt specs that exist as markdown
    Import(import::Args),
    /// The comment that kanado keeps on the pull request of a ticket
    Comment(comment::Args),
    /// Delivery figures: deployments, lead time, failures, cycle time, with what each rests on
    Metrics(Box<metrics::Args>),
    // Setting up.
    /// Connect an organisation or a Server collection
    Connect(connect::Args),
    /// The projects on the board
    Projects(projects::Args),
    /// The repositories of the project
    Repos(repos::Args),
    /// The people of the project
    Members(members::Args),
    /// How reviewers are chosen
    Reviewers(reviewers::Args),
    /// The token of an organisation: set it, see where it comes from
    Token(token::Args),
    /// The configuration: show, set, check
    Config(config::Args),
    /// The store: bring it up to date, check it, back it up, move it to a server or back
    Db(db::Args),
    /// Check everything kanado needs
    Doctor(doctor::Args),
    /// How well the board is kept up with: receivers, webhooks, deliveries
    Health(health::Args),
    /// Webhooks: let Azure DevOps tell of changes as they happen
    Hooks(hooks::Args),
    // For a team.
    /// Receive webhooks from Azure DevOps, so that boards follow by themselves
    Serve(serve::Args),
    // Trying it.
    /// A board with a simulated Azure DevOps behind it; nothing leaves this machine
    Demo(demo::Args),
    /// Run the simulated Azure DevOps by itself
    Sim(sim::Args),
    // Installing it.
    /// Print the completions of a shell
    Completions(completions::Args),
    /// Print the manual page
    Man(man::Args),
}

impl Command {
    /// As typed; for the log, which must not hold anybody's words.
    fn name(&self) -> &'static str {
        match self {
            Self::Ls(_) => "ls",
            Self::Show(_) => "show",
            Self::New(_) => "new",
            Self::Edit(_) => "edit",
            Self::Assign(_) => "assign",
            Self::Move(_) => "move",
            Self::Start(_) => "start",
            Self::Spec(_) => "spec",
            Self::Pr(_) => "pr",
            Self::Sync(_) => "sync",
            Self::Backfill(_) => "backfill",
            Self::Prs(_) => "prs",
            Self::Archive(_) => "archive",
            Self::Delete(_) => "delete",
            Self::Import(_) => "import",
            Self::Comment(_) => "comment",
            Self::Metrics(_) => "metrics",
            Self::Connect(_) => "connect",
            Self::Projects(_) => "projects",
            Self::Repos(_) => "repos",
            Self::Members(_) => "members",
            Self::Reviewers(_) => "reviewers",
            Self::Token(_) => "token",
            Self::Config(_) => "config",
            Self::Db(_) => "db",
            Self::Doctor(_) => "doctor",
            Self::Health(_) => "health",
            Self::Hooks(_) => "hooks",
            Self::Serve(_) => "serve",
            Self::Demo(_) => "demo",
            Self::Sim(_) => "sim",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// The definition of the whole command line, for completions and the manual.
fn definition() -> clap::Command {
    Cli::command()
}

/// Runs a command line. Returns its exit code after everything is written.
pub fn run(arguments: impl IntoIterator<Item = OsString>, stdio: &mut Stdio) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misuse(&error, &arguments, stdio),
    };
    let format = if cli.globals.json { Format::Json } else { Format::Words };
    let mut frame = Frame::new(cli.globals, Output { stdio, format });
    let result = dispatch(cli.command, &mut frame).and_then(|exit| frame.output.flush().map(|()| exit));
    crash_if_asked(&frame);
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            if let Failure::Stopped { code, notice, .. } = &failure {
                tracing::warn!(code, "{}", notice.text);
            }
            frame.output.fail(&failure)
        }
    }
}

fn dispatch(command: Option<Command>, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    // Commands that work with a broken configuration, or repair it.
    match command {
        Some(Command::Completions(args)) => return completions::run(&args, frame),
        Some(Command::Man(args)) => return man::run(&args, frame),
        Some(Command::Config(args)) => return config::run(&args, frame),
        Some(Command::Sim(args)) => return sim::run(args, frame),
        Some(Command::Demo(args)) => return demo::run(args, frame),
        Some(Command::Doctor(args)) => return doctor::run(&args, frame),
        _ => {}
    }
    if matches!(command, Some(Command::Serve(_))) {
        frame.log_to(log::Place::Stderr);
    }
    frame.load()?;
    tracing::info!(command = command.as_ref().map_or("board", Command::name), "kanado {}", env!("CARGO_PKG_VERSION"));
    let command = match command {
        None => return board::run(frame),
        Some(Command::Serve(args)) => return serve::run(args, frame),
        Some(command) => command,
    };
    frame.block_on(frame::Workers::One, async |frame| {
        // Each command's state is large, and only one of them ever runs.
        match command {
            Command::Ls(args) => Box::pin(ls::run(args, frame)).await,
            Command::Show(args) => Box::pin(show::run(args, frame)).await,
            Command::New(args) => Box::pin(new::run(args, frame)).await,
            Command::Edit(args) => Box::pin(edit::run(args, frame)).await,
            Command::Assign(args) => Box::pin(assign::run(args, frame)).await,
            Command::Move(args) => Box::pin(move_to::run(args, frame)).await,
            Command::Start(args) => Box::pin(start::run(args, frame)).await,
            Command::Spec(args) => Box::pin(spec::run(args, frame)).await,
            Command::Pr(args) => Box::pin(pr::run(args, frame)).await,
            Command::Sync(args) => Box::pin(sync::run(args, frame)).await,
            Command::Backfill(args) => Box::pin(backfill::run(args, frame)).await,
            Command::Prs(args) => Box::pin(prs::run(args, frame)).await,
            Command::Archive(args) => Box::pin(archive::run(args, frame)).await,
            Command::Delete(args) => Box::pin(delete::run(args, frame)).await,
            Command::Import(args) => Box::pin(import::run(args, frame)).await,
            Command::Comment(args) => Box::pin(comment::run(args, frame)).await,
            Command::Metrics(args) => Box::pin(metrics::run(*args, frame)).await,
            Command::Connect(args) => Box::pin(connect::run(args, frame)).await,
            Command::Projects(args) => Box::pin(projects::run(args, frame)).await,
            Command::Repos(args) => Box::pin(repos::run(args, frame)).await,
            Command::Members(args) => Box::pin(members::run(args, frame)).await,
            Command::Reviewers(args) => Box::pin(reviewers::run(args, frame)).await,
            Command::Hooks(args) => Box::pin(hooks::run(args, frame)).await,
            Command::Token(args) => Box::pin(token::run(args, frame)).await,
            Command::Db(args) => Box::pin(db::run(args, frame)).await,
            Command::Health(args) => Box::pin(health::run(args, frame)).await,
            Command::Config(_)
            | Command::Doctor(_)
            | Command::Serve(_)
            | Command::Demo(_)
            | Command::Sim(_)
            | Command::Completions(_)
            | Command::Man(_) => Ok(Exit::Done),
        }
    })
}

/// Where tests see what a crash leaves behind: `KANADO_TEST_PANIC` crashes the process after the command's work, with all that it has
/// learnt still in memory.
fn crash_if_asked(frame: &Frame<'_>) {
    if let Some(message) = frame.output.stdio.environment.get("KANADO_TEST_PANIC") {
        panic!("{message}");
    }
}

/// What clap has to say: help and version are data, everything else is wrong usage.
fn misuse(error: &clap::Error, arguments: &[OsString], stdio: &mut Stdio) -> Exit {
    let format = if arguments.iter().any(|argument| argument == "--json") { Format::Json } else { Format::Words };
    if error.use_stderr() {
        let mut output = Output { stdio, format };
        let text = error.render().to_string();
        if output.is_json() {
            // What is missing or wrong stands on lines of its own, up to the usage.
            let first: Vec<&str> = text.trim_start_matches("error: ").lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let first = first.join(" ");
            return output.fail(&Failure::usage(first, "`kanado --help` and `kanado COMMAND --help` say what is possible"));
        }
        output.note(text.trim_end());
        return Exit::Usage;
    }
    let colours = stdio.stdout_is_terminal && stdio.environment.get("NO_COLOR").is_none();
    let text = if colours { error.render().ansi().to_string() } else { error.render().to_string() };
    // Whoever does not read the help to its end has seen enough.
    let _ = stdio.out.write_all(text.as_bytes()).and_then(|()| stdio.out.flush());
    Exit::Done
}

#[cfg(test)]
mod tests;
