//! Where things are: the file, the data, the logs; and what the environment says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::sections::{DatabaseUrl, When};
use super::{Config, Error, Origin, Overrides};
use crate::notice::Notice;

/// The environment as a value, so that tests can have their own. Shows names only: a value may be a token.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of a variable that is set, not empty and text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(std::ffi::OsStr::new(name)).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    /// Whether the locale writes UTF-8. Unset means the C locale, which does not; Windows and macOS always do.
    pub fn is_utf8(&self) -> bool {
        if cfg!(any(windows, target_os = "macos")) {
            return true;
        }
        ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| self.get(name))
            .is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where this run keeps what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file, whether or not it exists.
    pub config_file: PathBuf,
    /// The database, token files.
    pub data_dir: PathBuf,
    /// Logs and crash reports; under the data folder where that was chosen by hand.
    pub state_dir: PathBuf,
}

impl Paths {
    /// The SQLite file used unless a database URL is given.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("kanado.db")
    }

    /// Where token files and the dates beside them are kept.
    pub fn token_dir(&self) -> PathBuf {
        self.data_dir.join("tokens")
    }

    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }
}

pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub asked_for: bool,
}

fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "kanado")
}

pub(super) fn config_file(overrides: &Overrides) -> Result<ConfigFile, Error> {
    if let Some(path) = overrides.config_path.clone().or_else(|| overrides.environment.path("KANADO_CONFIG")) {
        return Ok(ConfigFile { path, asked_for: true });
    }
    match project_dirs() {
        Some(dirs) => Ok(ConfigFile { path: dirs.config_dir().join("config.toml"), asked_for: false }),
        // Without a home there is no file to read; a data folder may still have been given.
        None => Ok(ConfigFile { path: PathBuf::from("config.toml"), asked_for: false }),
    }
}

/// Puts environment and flags above the file, and decides the folders.
pub(super) fn apply(config: &mut Config, file: &Path, overrides: &Overrides, notices: &mut Vec<Notice>) -> Result<(), Error> {
    let environment = &overrides.environment;
    if let Some(folder) = &overrides.data_dir {
        config.store.data_dir = Some(folder.clone());
        config.decided("store.data_dir", Origin::Flag("--data-dir"));
    } else if let Some(folder) = environment.path("KANADO_DATA_DIR") {
        config.store.data_dir = Some(folder);
        config.decided("store.data_dir", Origin::Environment("KANADO_DATA_DIR"));
    }
    if let Some(url) = &overrides.database {
        config.store.database = Some(DatabaseUrl::new(url));
        config.decided("store.database", Origin::Flag("--database"));
    } else if let Some(url) = environment.get("KANADO_DATABASE") {
        config.store.database = Some(DatabaseUrl::new(url));
        config.decided("store.database", Origin::Environment("KANADO_DATABASE"));
    }
    config.access = overrides.access;
    if let Some(theme) = overrides.theme {
        config.ui.theme = theme;
        config.decided("ui.theme", Origin::Flag("--theme"));
    }
    if let Some(colour) = overrides.colour {
        config.ui.colour = colour;
        config.decided("ui.color", Origin::Flag("--color"));
    } else if config.ui.colour == When::Auto && environment.get("NO_COLOR").is_some() {
        config.ui.colour = When::Never;
        config.decided("ui.color", Origin::Environment("NO_COLOR"));
    }
    if let Some(ascii) = overrides.ascii {
        config.ui.ascii = ascii;
        config.decided("ui.ascii", Origin::Flag("--ascii"));
    } else if config.ui.ascii == When::Auto && !environment.is_utf8() {
        config.ui.ascii = When::Always;
        config.decided("ui.ascii", Origin::Environment("LC_ALL, LC_CTYPE or LANG"));
    }
    let dirs = project_dirs();
    let data_dir = match (&config.store.data_dir, &dirs) {
        (Some(folder), _) => folder.clone(),
        (None, Some(dirs)) => dirs.data_dir().to_owned(),
        (None, None) => return Err(Error::NoHome),
    };
    // A data folder chosen by hand keeps everything together: a trial run leaves nothing elsewhere.
    let state_dir = match (&config.store.data_dir, dirs.as_ref().and_then(ProjectDirs::state_dir)) {
        (None, Some(state)) => state.to_owned(),
        _ => data_dir.join("state"),
    };
    if data_dir.is_relative() {
        notices.push(Notice::new(format!("the data folder {} is relative to where kanado is started", data_dir.display())));
    }
    config.paths = Paths { config_file: file.to_owned(), data_dir, state_dir };
    Ok(())
}
