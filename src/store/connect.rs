//! From a [`Location`] to connections: on SQLite one that writes and two that read, on PostgreSQL a few of each.
//!
//! Limits: nobody else decides how to connect; what a statement may assume about its connection is written down here. On PostgreSQL a
//! connection is tried before it is used, so that a server that was restarted is noticed here and not half-way through a write.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection};

use super::Location;
use super::error::{Error, Result};
use super::postgres::Server;
use super::sqlite::{self, Access, DataFile};

/// What keeps the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A file on this machine.
    Sqlite,
    /// A server that a team shares.
    Postgres,
}

impl Engine {
    pub fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// How a store hears of what other processes commit on PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// `LISTEN`, and a look now and then where that does not come through.
    Listen,
    /// Only the look.
    #[cfg(test)]
    Look,
}

/// What tests narrow; everybody else takes the defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    /// How long a statement waits for another process to let go of the file.
    pub busy_timeout_ms: u32,
    /// The most pages the file may have; absent for as many as the disk holds.
    pub max_pages: Option<u32>,
    pub feed: Feed,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { busy_timeout_ms: 5_000, max_pages: None, feed: Feed::Listen }
    }
}

impl Tuning {
    pub fn patience(self) -> Duration {
        Duration::from_millis(u64::from(self.busy_timeout_ms))
    }
}

/// What is behind a location.
#[derive(Debug, Clone)]
pub(super) enum Target {
    File(DataFile),
    Server(Box<Server>),
}

impl Target {
    pub fn of(location: &Location) -> Result<Self> {
        match location {
            Location::Sqlite(path) => DataFile::at(path, Access::Write).map(Self::File),
            Location::Url(url) => match url.split_once(':') {
                Some(("sqlite", rest)) => DataFile::parse(rest, url).map(Self::File),
                Some(("postgres" | "postgresql", _)) => Server::parse(url).map(|server| Self::Server(Box::new(server))),
                _ => Err(Error::Unsupported { url: without_password(url), reason: "only sqlite: and postgres: are known to this version" }),
            },
        }
    }

    pub fn engine(&self) -> Engine {
        match self {
            Self::File(_) => Engine::Sqlite,
            Self::Server(_) => Engine::Postgres,
        }
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(&file.path),
            Self::Server(_) => None,
        }
    }

    /// The place's name for messages.
    pub fn place(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Server(server) => server.place.clone(),
        }
    }

    /// Makes what has to be there before a connection; refuses what is clearly something else.
    pub fn prepare(&self) -> Result<()> {
        match self {
            Self::File(file) => file.prepare(),
            Self::Server(_) => Ok(()),
        }
    }

    fn options(&self) -> Result<AnyConnectOptions> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let options: AnyConnectOptions = match self {
            Self::File(file) => file.url()?.parse()?,
            Self::Server(server) => server.url().parse()?,
        };
        // sqlx logs every statement it runs; none carries data, but the log is for people.
        Ok(options.disable_statement_logging())
    }

    /// What each new connection is told.
    fn settings(&self, tuning: Tuning) -> String {
        match self {
            Self::File(_) => sqlite::settings(tuning),
            // A person or another process must not be kept waiting for ever by a lock whose owner hangs.
            Self::Server(_) => format!("SET lock_timeout = {}; SET client_min_messages = warning;", u64::from(tuning.busy_timeout_ms) * 6),
        }
    }
}

/// A URL that nobody understands may carry a password all the same, which must not end in an error message.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, after))) => format!("{scheme}://...@{}", after.split('?').next().unwrap_or_default()),
        _ => url.split('?').next().unwrap_or_default().to_owned(),
    }
}

/// The first connection, on which the place is looked at. A pool would try again and again where this one says what is wrong.
pub(super) async fn first(target: &Target, tuning: Tuning) -> Result<AnyConnection> {
    let options = target.options()?;
    let connecting = AnyConnection::connect_with(&options);
    let mut conn = match target {
        Target::File(_) => connecting.await?,
        // A server behind a firewall that swallows packets would keep a person waiting for minutes.
        Target::Server(_) => tokio::time::timeout(tuning.patience() * 2, connecting).await.map_err(|_| sqlx::Error::PoolTimedOut)??,
    };
    sqlx::raw_sql(AssertSqlSafe(target.settings(tuning))).execute(&mut conn).await?;
    Ok(conn)
}

/// The connections of a store that write, and those that read. None is opened before it is needed.
pub(super) fn pools(target: &Target, tuning: Tuning) -> Result<(AnyPool, AnyPool)> {
    let options = target.options()?;
    let (acquire_timeout, idle_timeout, tried, writers, readers) = match target {
        // The only writer of the process; others wait for the file.
        Target::File(_) => (tuning.patience() * 2 + Duration::from_secs(1), None, false, 1, 2),
        // A server has not many connections to give: what is idle is given back.
        Target::Server(_) => (tuning.patience(), Some(Duration::from_secs(60)), true, 8, 4),
    };
    let pool = |connections| {
        let settings = target.settings(tuning);
        AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(acquire_timeout)
            .idle_timeout(idle_timeout)
            .max_lifetime(None)
            .test_before_acquire(tried)
            .after_connect(move |conn, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(settings)).execute(conn).await?;
                    Ok(())
                })
            })
            .before_acquire(|conn, _| Box::pin(is_usable(conn)))
            .connect_lazy_with(options.clone())
    };
    Ok((pool(writers), pool(readers)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_database_server_does_not_reach_the_message() {
        let refused = |url: &str| Target::of(&Location::Url(url.to_owned())).unwrap_err().to_string();
        for url in ["mysql://me:hunter2@db/board?password=hunter3", "jdbc:postgresql://db/board?password=hunter2"] {
            let error = refused(url);
            assert!(!error.contains("hunter") && error.contains("db/board"), "{error}");
        }
    }

    #[test]
    fn a_location_says_which_engine_keeps_it() {
        let engine = |url: &str| Target::of(&Location::Url(url.to_owned())).unwrap().engine();
        assert_eq!(engine("sqlite:///b.db"), Engine::Sqlite);
        assert_eq!(engine("postgres://db/board"), Engine::Postgres);
        assert_eq!(engine("postgresql://db/board"), Engine::Postgres);
    }
}
