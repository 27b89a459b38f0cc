//! `kanado` without a command: the board in the terminal.

use tokio_util::sync::CancellationToken;

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use super::receiving::Receiving;
use crate::config::Config;
use crate::engine::{Engine, EngineOptions};
use crate::hook::HookOptions;
use crate::notice::{Explain as _, Notice};
use crate::services::Services;
use crate::tui;
use crate::tui::run::Ended;

pub fn run(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    needs_terminal(frame)?;
    frame.never_ask();
    let ended = frame.block_on(Workers::Several, async |frame| {
        let services = frame.services().await?;
        show(frame, services).await
    })?;
    match ended {
        Ended::Quit => Ok(Exit::Done),
        Ended::Crashed => Ok(Exit::Failed),
        Ended::WantsDemo => super::demo::run(super::demo::Args::default(), frame),
    }
}

/// The board draws, and reads keys: without a terminal that can do both, say what there is instead.
pub fn needs_terminal(frame: &Frame<'_>) -> Result<(), Failure> {
    let stdio = &frame.output.stdio;
    let hint = "every action is a subcommand as well, such as `kanado ls`: `kanado --help`";
    if !stdio.stdin_is_terminal || !stdio.stdout_is_terminal {
        return Err(Failure::refused("the board needs a terminal, and this is none", hint));
    }
    match stdio.environment.get("TERM") {
        None | Some("dumb") => Err(Failure::refused("the board cannot be drawn on this terminal: TERM says it is dumb", hint)),
        Some(_) => Ok(()),
    }
}

/// Shows the board until the person leaves it.
pub async fn show(frame: &mut Frame<'_>, services: Services) -> Result<Ended, Failure> {
    frame.output.flush()?;
    let project = frame.project_asked_for().await?.map(|project| project.id);
    let ends = CancellationToken::new();
    super::crash::behind_board(tui::terminal::restore, ends.clone());
    let (receiving, notice) = receive(&services).await;
    let painted = CancellationToken::new();
    let collecting = receiving.is_none().then(|| tokio::spawn(collect(services.clone(), painted.clone())));
    let start = tui::run::Start { project, environment: frame.output.stdio.environment.clone(), ends, notice, painted: painted.clone() };
    let shown = tui::run::run(services, start).await;
    if let Some(receiving) = receiving {
        receiving.stop().await;
    }
    // Where nothing was ever painted, nothing was begun either.
    painted.cancel();
    if let Some(Ok(Some(engine))) = async { Some(collecting?.await) }.await {
        engine.stop().await;
    }
    if let Some(words) = super::crash::untold() {
        frame.output.note(&words);
        return Ok(Ended::Crashed);
    }
    shown.map_err(|error| Failure::local("the terminal failed", &error))
}

/// A board that receives nothing collects facts all the same, once there is something to look at.
async fn collect(services: Services, painted: CancellationToken) -> Option<Engine> {
    let options = EngineOptions::of(&services.ctx.config);
    options.collect_every?;
    painted.cancelled().await;
    Some(Engine::start_collecting(&services, options))
}

/// Where the configuration names an address to listen on, the board receives besides showing. That it cannot is told on the board: it is
/// a board all the same.
async fn receive(services: &Services) -> (Option<Receiving>, Option<Notice>) {
    let Some(options) = HookOptions::of(&services.ctx.config.webhooks) else { return (None, None) };
    match Receiving::start(services, options).await {
        Ok(receiving) => (Some(receiving), None),
        Err(error) => {
            let Notice { text, hint } = error.notice();
            (None, Some(Notice { text: format!("the board receives no webhooks: {text}"), hint }))
        }
    }
}

/// What is wrong with the bindings of the configuration.
pub fn key_problems(config: &Config) -> Vec<Notice> {
    tui::run::key_problems(config)
}
