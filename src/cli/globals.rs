//! The flags every command has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{Access, Colour, Environment, Overrides, Theme, When};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// The configuration file to use
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep database, token files, logs and reports in this folder
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The database to use instead of the file in the data folder
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// The project, by its name or the prefix of its keys [default: the clone's, else the last one used]
    #[arg(long, short = 'P', global = true, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Print JSON; failures are JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Do it without asking
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Show what would be done, and change nothing
    #[arg(long, global = true, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Refuse to change anything in Azure DevOps
    #[arg(long, global = true)]
    pub readonly: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub color: Option<ColourFlag>,
    /// The palette of the board
    #[arg(long, global = true, value_enum, value_name = "THEME")]
    pub theme: Option<ThemeFlag>,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColourFlag {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeFlag {
    Dark,
    Light,
    Plain,
}

impl Globals {
    pub fn access(&self) -> Access {
        if self.readonly { Access::ReadOnly } else { Access::ReadWrite }
    }

    /// What the flags say about the configuration.
    pub fn overrides(&self, environment: &Environment) -> Overrides {
        Overrides {
            config_path: self.config.clone(),
            data_dir: self.data_dir.clone(),
            database: self.database.clone(),
            colour: self.color.map(|flag| -> Colour {
                match flag {
                    ColourFlag::Auto => When::Auto,
                    ColourFlag::Always => When::Always,
                    ColourFlag::Never => When::Never,
                }
            }),
            theme: self.theme.map(|flag| match flag {
                ThemeFlag::Dark => Theme::Dark,
                ThemeFlag::Light => Theme::Light,
                ThemeFlag::Plain => Theme::Plain,
            }),
            ascii: self.ascii.then_some(When::Always),
            access: self.access(),
            environment: environment.clone(),
        }
    }
}
