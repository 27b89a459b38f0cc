//! From a [`Location`] to connections: one that writes, two that read, each with the same settings.
//!
//! Limits: the settings are SQLite's. `synchronous = FULL` makes a commit survive a power cut; the page caches are small because the
//! whole program is to stay small.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection};

use super::Location;
use super::error::{Error, Result, Trouble};

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What tests narrow; everybody else takes the defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    /// How long a statement waits for another process to let go of the file.
    pub busy_timeout_ms: u32,
    /// The most pages the file may have; absent for as many as the disk holds.
    pub max_pages: Option<u32>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { busy_timeout_ms: 5_000, max_pages: None }
    }
}

impl Tuning {
    pub fn patience(self) -> Duration {
        Duration::from_millis(u64::from(self.busy_timeout_ms))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    ReadOnly,
}

/// The file behind a location.
pub(super) struct Target {
    pub file: PathBuf,
    pub access: Access,
}

impl Target {
    pub fn of(location: &Location) -> Result<Self> {
        let (file, access) = match location {
            Location::Sqlite(path) => (path.clone(), Access::Write),
            Location::Url(url) => parse_url(url)?,
        };
        let file = std::path::absolute(&file)
            .map_err(|_| Error::Unsupported { url: file.display().to_string(), reason: "the path of the file is empty" })?;
        Ok(Self { file, access })
    }

    /// Makes the directory and the file, readable by their owner only, and refuses a file that is something else than a database.
    /// SQLite would notice as well, but this looks without the chance of writing.
    pub fn prepare(&self) -> Result<()> {
        match read_head(&self.file) {
            Ok(head) if head.is_empty() || head.starts_with(MAGIC) => Ok(()),
            Ok(_) => Err(Error::trouble(Trouble::Corrupt)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.access == Access::Write => make_private(&self.file),
            Err(_) => Err(Error::trouble(Trouble::CannotOpen)),
        }
    }

    fn url(&self) -> Result<String> {
        let path = self
            .file
            .to_str()
            .ok_or_else(|| Error::Unsupported { url: self.file.display().to_string(), reason: "the path of the file is not UTF-8" })?;
        let mode = match self.access {
            Access::Write => "rwc",
            Access::ReadOnly => "ro",
        };
        let mut encoded = String::with_capacity(path.len() + 16);
        for byte in path.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(format!("sqlite://{encoded}?mode={mode}"))
    }
}

fn parse_url(url: &str) -> Result<(PathBuf, Access)> {
    let unsupported = |reason| Error::Unsupported { url: without_password(url), reason };
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return Err(unsupported("only sqlite: is known to this version"));
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let access = match query {
        "" | "mode=rwc" | "mode=rw" => Access::Write,
        "mode=ro" => Access::ReadOnly,
        _ => return Err(unsupported("the only parameter it knows is mode=ro or mode=rwc")),
    };
    if path.is_empty() || path == ":memory:" {
        return Err(unsupported("it names no file"));
    }
    Ok((PathBuf::from(path), access))
}

/// The URL of a database server may carry a password, which must not end in an error message.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, after))) => format!("{scheme}://...@{after}"),
        _ => url.to_owned(),
    }
}

fn read_head(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(MAGIC.len());
    fs::File::open(file)?.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn make_private(file: &Path) -> Result<()> {
    let cannot_open = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::trouble(Trouble::DiskFull),
        std::io::ErrorKind::ReadOnlyFilesystem => Error::trouble(Trouble::ReadOnly),
        _ => Error::trouble(Trouble::CannotOpen),
    };
    if let Some(directory) = file.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(cannot_open)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => Ok(()),
        // Another process was a moment faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot_open(error)),
    }
}

/// How to connect to the file.
fn options(target: &Target) -> Result<AnyConnectOptions> {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
    let options: AnyConnectOptions = target.url()?.parse()?;
    // sqlx logs every statement it runs; none carries data, but the log is for people.
    Ok(options.disable_statement_logging())
}

/// The first connection, on which the file is looked at. A pool would try again and again where this one says what is wrong.
pub(super) async fn first(target: &Target, tuning: Tuning) -> Result<AnyConnection> {
    let mut conn = AnyConnection::connect_with(&options(target)?).await?;
    sqlx::raw_sql(AssertSqlSafe(settings(tuning))).execute(&mut conn).await?;
    Ok(conn)
}

/// The connections of a store: one that writes, two that read. None is opened before it is needed.
pub(super) fn pools(target: &Target, tuning: Tuning) -> Result<(AnyPool, AnyPool)> {
    let options = options(target)?;
    let pool = |connections| {
        AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(tuning.patience() * 2 + Duration::from_secs(1))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(settings(tuning))).execute(conn).await?;
                    Ok(())
                })
            })
            .before_acquire(|conn, _| Box::pin(is_usable(conn)))
            .connect_lazy_with(options.clone())
    };
    Ok((pool(1), pool(2)))
}

/// Whether a connection that was given back can be used again. After a full disk SQLite itself has ended the transaction; sqlx goes
/// on believing in it, and would refuse to begin another one ever after. Such a connection is replaced.
async fn is_usable(conn: &mut AnyConnection) -> sqlx::Result<bool> {
    if conn.is_in_transaction() {
        // A rollback may still be waiting for its turn; after the ping it has had it.
        conn.ping().await?;
    }
    Ok(!conn.is_in_transaction())
}

/// What SQLite forgets between connections. None of it writes to the file. A small cache is enough: the board is one pass over its rows,
/// and the system caches the file.
fn settings(tuning: Tuning) -> String {
    let mut sql = format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -256; \
         PRAGMA temp_store = MEMORY;",
        tuning.busy_timeout_ms
    );
    if let Some(pages) = tuning.max_pages {
        sql.push_str(&format!("PRAGMA max_page_count = {pages};"));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_and_how_it_may_be_used() {
        assert_eq!(parse_url("sqlite:///data/b.db").unwrap(), ("/data/b.db".into(), Access::Write));
        assert_eq!(parse_url("sqlite:b.db?mode=ro").unwrap(), ("b.db".into(), Access::ReadOnly));
        assert!(parse_url("sqlite::memory:").is_err());
        assert!(parse_url("sqlite:///b.db?cache=shared").is_err());
    }

    #[test]
    fn the_password_of_a_database_server_does_not_reach_the_message() {
        let error = parse_url("postgres://me:hunter2@db/board").unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("@db/board"), "{error}");
    }

    #[test]
    fn a_path_with_odd_characters_is_escaped() {
        let target = Target { file: "/tmp/a b?#%ü.db".into(), access: Access::Write };
        assert_eq!(target.url().unwrap(), "sqlite:///tmp/a%20b%3F%23%25%C3%BC.db?mode=rwc");
    }
}
