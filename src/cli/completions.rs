//! `kanado completions SHELL`: the completion script, made from the definition of the command line.

use super::exit::{Exit, Failure};
use super::frame::Frame;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub fn run(args: &Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::definition(), "kanado", &mut script);
    frame.output.stdio.out.write_all(&script)?;
    Ok(Exit::Done)
}
