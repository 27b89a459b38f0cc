//! Configuration: one TOML file, a few environment variables and the global flags, made into one [`Config`].
//!
//! Stronger wins: flag, environment, file, default. Values that cannot be used are errors, all of them at once and each with
//! its line; settings this version does not know are notices, so that a newer version's file still works. `[keys]` is read but
//! not judged: which actions exist is for the screen to say. Tokens are never part of a configuration.

mod catalogue;
mod edit;
mod error;
pub mod keys;
mod places;
mod read;
mod sections;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use catalogue::{Setting, settings};
pub use edit::{Edited, set, unset, write};
pub use error::{Error, Problem};
pub use keys::Keys;
pub use places::{Environment, Paths};
pub use sections::{
    Board, Branch, Colour, Comments, DatabaseUrl, Hooks, Level, Log, Metrics, Network, PullRequest, Service, Store, Sync, Theme, Token, Ui,
    Webhooks, When,
};

use crate::notice::Notice;

/// The commented example: every setting with its default, unit and one sentence.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Everything that can be configured, complete: what nobody set has its default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    pub board: Board,
    pub branch: Branch,
    pub sync: Sync,
    pub pull_request: PullRequest,
    pub network: Network,
    pub token: Token,
    pub webhooks: Webhooks,
    pub hooks: Hooks,
    pub service: Service,
    pub metrics: Metrics,
    pub comments: Comments,
    pub ui: Ui,
    pub keys: Keys,
    pub store: Store,
    pub log: Log,
    pub paths: Paths,
    pub access: Access,
    origins: BTreeMap<&'static str, Origin>,
}

/// Whether this run may change anything in Azure DevOps. Decided by `--readonly`, never by the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    ReadWrite,
    ReadOnly,
}

/// Who decided a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    Default,
    /// The configuration file, at this line (from 1).
    File { line: usize },
    /// An environment variable.
    Environment(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
}

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: must exist.
    pub config_path: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--database`.
    pub database: Option<String>,
    /// `--color`.
    pub colour: Option<Colour>,
    /// `--ascii`.
    pub ascii: Option<When>,
    /// `--theme`.
    pub theme: Option<Theme>,
    /// `--readonly`.
    pub access: Access,
    pub environment: Environment,
}

/// The file these overrides name, whether or not it is there.
pub fn file_of(overrides: &Overrides) -> Result<PathBuf, Error> {
    Ok(places::config_file(overrides)?.path)
}

impl Config {
    /// Reads the file the overrides and the environment name, and puts environment and flags above it. A missing file is an
    /// error only where it was asked for by name.
    pub fn load(overrides: &Overrides) -> Result<(Self, Vec<Notice>), Error> {
        let file = places::config_file(overrides)?;
        let text = match std::fs::read(&file.path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| Error::NotText { path: file.path.clone() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file.asked_for => String::new(),
            Err(source) => return Err(Error::Unreadable { path: file.path, source }),
        };
        Self::from_text(&text, &file.path, overrides)
    }

    /// The configuration that `text`, as the content of `path`, gives under these overrides. Reads nothing.
    pub fn from_text(text: &str, path: &std::path::Path, overrides: &Overrides) -> Result<(Self, Vec<Notice>), Error> {
        let mut config = Self::default();
        let home = overrides.environment.home();
        let report = read::read(text, path, home.as_deref(), &mut config);
        if !report.problems.is_empty() {
            return Err(Error::Invalid { path: path.to_owned(), problems: report.problems });
        }
        let mut notices: Vec<Notice> = report.unknown.into_iter().map(|problem| problem.notice(path)).collect();
        places::apply(&mut config, path, overrides, &mut notices)?;
        Ok((config, notices))
    }

    /// Who decided the setting at this path (`ui.theme`).
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).copied().unwrap_or_default()
    }

    fn decided(&mut self, path: &'static str, origin: Origin) {
        self.origins.insert(path, origin);
    }
}

#[cfg(test)]
mod tests;
