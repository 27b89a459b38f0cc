//! What can go wrong in the store, told apart so that a person knows what to do. Carries no text of specs and no secrets.

use std::fmt;

use sqlx::postgres::PgDatabaseError;

use super::connect::Engine;
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
    /// The database server cannot be reached, or has no connection left.
    Unreachable,
    /// The database server refuses the user, the password or the right to do this, in its own words.
    Denied(String),
    /// The server has no database of that name.
    NoDatabase,
    /// Somebody else was changing the same thing, and one had to give way.
    Contended,
    /// The connection broke while a write was being committed: it may have happened.
    OutcomeUnknown,
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
            Self::Unreachable => f.write_str("the database server does not answer"),
            Self::Denied(words) => write!(f, "the database server refuses: {words}"),
            Self::NoDatabase => f.write_str("the server has no database of that name"),
            Self::Contended => f.write_str("somebody else was changing the same thing"),
            Self::OutcomeUnknown => f.write_str("the connection broke while it was being saved, so it may or may not have happened"),
            Self::Busy => f.write_str("more arrives at once than can be written"),
            Self::Constraint => f.write_str("the store refused a row that contradicts another one"),
            Self::Unreadable(what) => write!(f, "the store holds something this version cannot read ({what})"),
            Self::Migration(what) => write!(f, "the store's schema could not be brought up to date ({what})"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Why the store did not do what it was asked to. Whatever was attempted has left no trace, since writes are transactions; except with
/// [`Trouble::OutcomeUnknown`].
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

    /// What the driver says alike of both engines means something else on each: a wait in vain is for a file or for a connection, a
    /// broken stream is a disk or a network.
    pub(super) fn on(mut self, engine: Engine) -> Self {
        if let Self::Database { trouble, source: Some(source), .. } = &mut self {
            match (engine, &**source) {
                (Engine::Postgres, sqlx::Error::PoolTimedOut) => *trouble = Trouble::Unreachable,
                (Engine::Sqlite, sqlx::Error::Io(_)) => *trouble = Trouble::InputOutput,
                _ => {}
            }
        }
        self
    }

    /// A connection that breaks on the last word leaves it open whether the word was heard.
    pub(super) fn while_committing(mut self) -> Self {
        if let Self::Database { trouble: trouble @ Trouble::Unreachable, .. } = &mut self {
            *trouble = Trouble::OutcomeUnknown;
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
fn trouble_of_code(code: i32) -> Option<Trouble> {
    Some(match code & 0xff {
        5 | 6 => Trouble::Locked,
        8 => Trouble::ReadOnly,
        10 => Trouble::InputOutput,
        11 | 26 => Trouble::Corrupt,
        13 => Trouble::DiskFull,
        14 => Trouble::CannotOpen,
        19 => Trouble::Constraint,
        _ => return None,
    })
}

/// PostgreSQL's states that mean something to a person (its manual's appendix on error codes); the first two characters are a class.
fn trouble_of_state(state: &str, message: &str) -> Option<Trouble> {
    Some(match (state.get(..2)?, state) {
        // A text that the database's encoding has no room for: a NUL.
        (_, "22021" | "22P05") => Trouble::Other("the text holds a character that PostgreSQL cannot keep (NUL); take it out".to_owned()),
        (_, "40001" | "40P01" | "55P03") => Trouble::Contended,
        (_, "57P01" | "57P02" | "57P03" | "53300") | ("08", _) => Trouble::Unreachable,
        (_, "53100") => Trouble::DiskFull,
        (_, "25006") => Trouble::ReadOnly,
        (_, "3D000") => Trouble::NoDatabase,
        (_, "42501") | ("28", _) => Trouble::Denied(message.to_owned()),
        (_, "58030") => Trouble::InputOutput,
        ("XX", "XX001" | "XX002") => Trouble::Corrupt,
        ("23", _) => Trouble::Constraint,
        _ => return None,
    })
}

fn trouble_of(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code();
            let known = match (database.try_downcast_ref::<PgDatabaseError>(), &code) {
                (Some(error), _) => trouble_of_state(error.code(), error.message()),
                (None, Some(code)) => code.parse().ok().and_then(trouble_of_code),
                (None, None) => None,
            };
            known.unwrap_or_else(|| Trouble::Other(database.message().to_owned()))
        }
        sqlx::Error::PoolTimedOut => Trouble::Locked,
        // SQLite says this by a code; only a server is at the other end of a stream.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Trouble::Unreachable,
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
                Trouble::Unreachable => {
                    "see that the server runs and can be reached from here (address, port, sslmode), then try again; nothing was changed"
                        .to_owned()
                }
                Trouble::Denied(_) => {
                    "check user and password (the URL, PGPASSWORD or ~/.pgpass), and that the user may make tables there".to_owned()
                }
                Trouble::NoDatabase => "make it with `createdb`, or name another one with --database".to_owned(),
                Trouble::Contended => "try again; nothing was changed".to_owned(),
                Trouble::OutcomeUnknown => "look whether it was done before you try again".to_owned(),
                Trouble::Busy => "try again in a moment; nothing of it was kept".to_owned(),
                Trouble::Constraint => "try again; if it stays so, see what `kanado doctor` says".to_owned(),
                Trouble::Unreadable(_) | Trouble::Migration(_) | Trouble::Other(_) => "see what `kanado doctor` says".to_owned(),
            },
            Self::NotAStore { place } if place.starts_with("postgres") => "name another database, or give kanado a schema of its own: \
                `CREATE SCHEMA kanado`, then add ?options[search_path]=kanado to the URL; nothing was touched"
                .to_owned(),
            Self::NotAStore { .. } => "choose another place with --data-dir or --database; this file was not touched".to_owned(),
            Self::NewerSchema { .. } => "use the newer kanado, or another store with --data-dir; this one was not touched".to_owned(),
            Self::Unsupported { .. } => {
                "name a file, such as sqlite:///home/me/board.db, or a server, such as postgres://me@db.example.com/kanado".to_owned()
            }
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
        matches!(self.kind(), Some(Trouble::Locked | Trouble::DiskFull | Trouble::Unreachable | Trouble::Contended | Trouble::Busy))
    }
}
