//! `kanado` without a command: the board in the terminal.

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use crate::config::Config;
use crate::config::keys::Binding;
use crate::notice::Notice;
use crate::secret::Prompt;
use crate::services::Services;
use crate::tui::keymap::{Keymap, Override};

pub fn run(frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    needs_terminal(frame)?;
    // A question in the middle of the screen would be neither seen nor answered: the board asks for tokens itself.
    frame.prompt = Prompt::Never;
    frame.block_on(Workers::Several, async |frame| {
        let services = frame.services().await?;
        show(frame, services).await
    })
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
pub async fn show(frame: &mut Frame<'_>, _services: Services) -> Result<Exit, Failure> {
    frame.output.flush()?;
    super::crash::restore_with(crate::tui::terminal::restore);
    Err(Failure::refused("the board is not part of this build", "use the subcommands"))
}

/// The bindings of the configuration, as the keymap takes them.
pub fn key_overrides(config: &Config) -> Vec<Override> {
    let file = config.paths.config_file.display();
    let of = |binding: &Binding| Override {
        action: binding.action.clone(),
        keys: binding.keys.clone(),
        place: format!("{file}:{}", binding.line),
    };
    config.keys.bindings.iter().map(of).collect()
}

/// What is wrong with the bindings of the configuration.
pub fn key_problems(config: &Config) -> Vec<Notice> {
    Keymap::new(&key_overrides(config)).1
}
