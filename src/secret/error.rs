//! Why there is no token. Never what the token is.

use std::path::PathBuf;

use crate::notice::Explain;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no token for {url}{unavailable}")]
    NoToken { url: String, unavailable: String },
    #[error("the token command ({setting}) {why}")]
    Command { setting: &'static str, why: String },
    #[error("{} holds a token and can be read by others (mode {mode:03o})", path.display())]
    FileTooOpen { path: PathBuf, mode: u32 },
    #[error("cannot {doing} {}: {source}", path.display())]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("what came from {source_name} is not a token: {why}")]
    NotAToken { source_name: String, why: &'static str },
    #[error("the token could not be kept in {source_name}: {why}")]
    NotKept { source_name: String, why: String },
    #[error("the token could not be asked for on the terminal: {source}")]
    Prompt { source: std::io::Error },
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoToken { .. } => "store one with `kanado token set`, or set KANADO_PAT".to_owned(),
            Self::Command { .. } => "run the command by hand; it must print the token as its first line and exit with 0".to_owned(),
            Self::FileTooOpen { path, .. } => format!("make it yours alone: chmod 600 '{}'", path.display()),
            Self::File { .. } => "check the folder and its permissions, or choose another with --data-dir".to_owned(),
            Self::NotAToken { .. } => {
                "a token is one line of visible ASCII characters; create one under User settings > Personal access tokens".to_owned()
            }
            Self::NotKept { .. } => "keep it in a file only you can read: `kanado token set --in file`".to_owned(),
            Self::Prompt { .. } => "pipe the token into `kanado token set`, or set KANADO_PAT".to_owned(),
        })
    }
}
