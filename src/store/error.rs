//! What can go wrong in the store, told apart so that a person knows what to do. Carries no text of specs and no secrets.

use std::fmt;

use crate::domain::id::TicketKey;
use crate::notice::Explain;

/// The kinds of trouble a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Another process holds the file and did not let go in time.
    Locked,
    /// The file is damaged, or not a database at all.
    Corrupt,
    /// No room left on the disk.
    DiskFull,
    /// The file or its directory may not be written.
    ReadOnly,
    /// The file or its directory cannot be opened or made.
    CannotOpen,
    /// The disk or the network file system failed under the database.
    InputOutput,
    /// More is to be written at once than the store takes in.
    Busy,
    /// A row that would break a rule of the schema, such as a name used twice.
    Constraint,
    /// A row that this version cannot read.
    Unreadable(String),
    /// A migration of the schema failed.
    Migration(String),
    /// Anything else, in the database's own words.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another program is using the store and did not let go of it in time"),
            Self::Corrupt => f.write_str("the store's file is damaged or is not a database"),
            Self::DiskFull => f.write_str("the disk is full"),
            Self::ReadOnly => f.write_str("the store cannot be written"),
            Self::CannotOpen => f.write_str("the store's file cannot be opened"),
            Self::InputOutput => f.write_str("reading or writing the store's file failed"),
            Self::Busy => f.write_str("more arrives at once than can be written"),
            Self::Constraint => f.write_str("the store refused a row that contradicts another one"),
            Self::Unreadable(what) => write!(f, "the store holds something this version cannot read ({what})"),
            Self::Migration(what) => write!(f, "the store's schema could not be brought up to date ({what})"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Why the store did not do what it was asked to. Whatever was attempted has left no trace: writes are transactions.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {attempted} (store {place}): {trouble}")]
    Database {
        attempted: String,
        place: String,
        trouble: Trouble,
        #[source]
        source: Option<Box<sqlx::Error>>,
    },
    #[error("{place} is a database of another program, not a store of kanado")]
    NotAStore { place: String },
    #[error("the store {place} was written by a newer kanado (schema {found}; this version knows {known})")]
    NewerSchema { place: String, found: i64, known: i64 },
    #[error("`{url}` is not a store this version can open: {reason}")]
    Unsupported { url: String, reason: &'static str },
    /// Something was named that the store does not hold.
    #[error("there is no {0} in the store")]
    Missing(String),
    #[error("{key} was changed meanwhile (version {found}, not {expected})")]
    VersionConflict { key: TicketKey, expected: i64, found: i64 },
    #[error("the spec of {key} was changed meanwhile (revision {found}, not {expected})")]
    RevisionConflict { key: TicketKey, expected: i64, found: i64 },
    #[error("there is a ticket {0} already")]
    KeyTaken(TicketKey),
    #[error("{text}")]
    Refused { text: String, hint: Option<String> },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(super) fn trouble(trouble: Trouble) -> Self {
        Self::Database { attempted: String::new(), place: String::new(), trouble, source: None }
    }

    pub(super) fn unreadable(what: impl Into<String>) -> Self {
        Self::trouble(Trouble::Unreadable(what.into()))
    }

    pub(super) fn refused(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { text: text.into(), hint: Some(hint.into()) }
    }

    /// Says what was attempted and where, unless something nearer to the cause has said so.
    pub(super) fn during(mut self, what: impl Into<String>, at: &str) -> Self {
        if let Self::Database { attempted, place, .. } = &mut self
            && attempted.is_empty()
        {
            *attempted = what.into();
            at.clone_into(place);
        }
        self
    }

    /// The kind of trouble, when the database itself failed.
    pub fn kind(&self) -> Option<&Trouble> {
        match self {
            Self::Database { trouble, .. } => Some(trouble),
            _ => None,
        }
    }
}

/// SQLite's primary result codes that mean something to a person (`sqlite.org/rescode.html`).
fn trouble_of(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0);
            match code & 0xff {
                5 | 6 => Trouble::Locked,
                8 => Trouble::ReadOnly,
                10 => Trouble::InputOutput,
                11 | 26 => Trouble::Corrupt,
                13 => Trouble::DiskFull,
                14 => Trouble::CannotOpen,
                19 => Trouble::Constraint,
                _ => Trouble::Other(database.message().to_owned()),
            }
        }
        sqlx::Error::PoolTimedOut => Trouble::Locked,
        sqlx::Error::Io(_) => Trouble::InputOutput,
        sqlx::Error::ColumnDecode { index, .. } => Trouble::Unreadable(format!("column {index}")),
        other => Trouble::Other(other.to_string()),
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        Self::Database { attempted: String::new(), place: String::new(), trouble: trouble_of(&source), source: Some(Box::new(source)) }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => source.into(),
            other => Self::trouble(Trouble::Migration(other.to_string())),
        }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Database { trouble, place, .. } => match trouble {
                Trouble::Locked => "close the other program, or wait until it has finished, and try again; nothing was changed".to_owned(),
                Trouble::Corrupt => {
                    format!(
                        "nothing was changed; keep a copy of {place}, see what `kanado doctor` says, or choose another store with --data-dir"
                    )
                }
                Trouble::DiskFull => "free some room and try again; what was there before is unharmed".to_owned(),
                Trouble::ReadOnly => format!("make {place} and its directory writable, or choose another place with --data-dir"),
                Trouble::CannotOpen => format!("check that {place} can be made and read by you, or choose another place with --data-dir"),
                Trouble::InputOutput => "check the disk or the network mount, then see what `kanado doctor` says".to_owned(),
                Trouble::Busy => "try again in a moment; nothing of it was kept".to_owned(),
                Trouble::Constraint => "try again; if it stays so, see what `kanado doctor` says".to_owned(),
                Trouble::Unreadable(_) | Trouble::Migration(_) | Trouble::Other(_) => "see what `kanado doctor` says".to_owned(),
            },
            Self::NotAStore { .. } => "choose another place with --data-dir or --database; this file was not touched".to_owned(),
            Self::NewerSchema { .. } => "use the newer kanado, or another store with --data-dir; this one was not touched".to_owned(),
            Self::Unsupported { .. } => "name a file, such as sqlite:///home/me/board.db".to_owned(),
            Self::Missing(what) if what.starts_with("ticket ") => "see `kanado ls` for the tickets there are".to_owned(),
            Self::Missing(_) => return None,
            Self::VersionConflict { key, .. } => format!("look at {key} again, then repeat the change"),
            Self::RevisionConflict { key, .. } => format!("your text is kept; read the spec of {key} again and merge the two"),
            Self::KeyTaken(_) => "leave the key out to get the next free one".to_owned(),
            Self::Refused { hint, .. } => return hint.clone(),
        };
        Some(hint)
    }

    fn is_transient(&self) -> bool {
        matches!(self.kind(), Some(Trouble::Locked | Trouble::DiskFull | Trouble::Busy))
    }
}
