//! Why a configuration cannot be used, with the place in the file.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::notice::{Explain, Notice, inert};

/// One thing wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub text: String,
    pub hint: Option<String>,
}

impl Problem {
    /// As a message that names the file and the line.
    pub fn notice(&self, path: &Path) -> Notice {
        Notice { text: format!("{}:{}:{}: {}", path.display(), self.line, self.column, self.text), hint: self.hint.clone() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {} is not UTF-8 text", path.display())]
    NotText { path: PathBuf },
    #[error("{}", Listed { path, problems })]
    Invalid { path: PathBuf, problems: Vec<Problem> },
    #[error("cannot write the configuration file {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("there is no setting `{name}`")]
    NoSuchSetting { name: String, similar: Option<String> },
    #[error("`{value}` cannot be used for {name}: {why}")]
    Refused { name: String, value: String, why: String },
    #[error("no place for data is known: there is no home directory")]
    NoHome,
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                "check the path after --config or in KANADO_CONFIG".to_owned()
            }
            Self::Unreadable { .. } => "make the file readable for you".to_owned(),
            Self::NotText { .. } => "save the file as UTF-8".to_owned(),
            Self::Invalid { .. } => "correct the lines named; `kanado config show --example` prints every setting".to_owned(),
            Self::Unwritable { .. } => "make the file and its folder writable, or name another with --config".to_owned(),
            Self::NoSuchSetting { similar: Some(similar), .. } => format!("did you mean `{similar}`?"),
            Self::NoSuchSetting { .. } => "`kanado config show` lists every setting".to_owned(),
            Self::Refused { .. } => "`kanado config show --example` says what each setting takes".to_owned(),
            Self::NoHome => "set HOME, or give --data-dir and --config".to_owned(),
        })
    }
}

struct Listed<'a> {
    path: &'a Path,
    problems: &'a [Problem],
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}:{}:{}: {}", self.path.display(), problem.line, problem.column, inert(&problem.text))?;
            if let Some(hint) = &problem.hint {
                write!(f, " ({})", inert(hint))?;
            }
        }
        Ok(())
    }
}
