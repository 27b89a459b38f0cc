//! `kanado man [COMMAND]`: the manual page, made from the definition of the command line.

use super::exit::{Exit, Failure};
use super::frame::Frame;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The page of one command, such as `start` or `spec push`
    command: Vec<String>,
    /// Write every page into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    into: Option<std::path::PathBuf>,
}

pub fn run(args: &Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let mut definition = super::definition();
    definition.build();
    if let Some(folder) = &args.into {
        std::fs::create_dir_all(folder).map_err(|error| Failure::local(format!("cannot make {}", folder.display()), &error))?;
        clap_mangen::generate_to(definition, folder)
            .map_err(|error| Failure::local(format!("cannot write the pages into {}", folder.display()), &error))?;
        frame.output.say(format!("The pages are in {}", folder.display()))?;
        return Ok(Exit::Done);
    }
    let mut page = &definition;
    for name in &args.command {
        page = page.find_subcommand(name).ok_or_else(|| {
            Failure::usage(format!("there is no command {}", args.command.join(" ")), "`kanado --help` lists the commands")
        })?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    frame.output.stdio.out.write_all(&text)?;
    Ok(Exit::Done)
}
