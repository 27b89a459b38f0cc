//! Bringing the schema up to date, and refusing what is not ours to touch. Migrations are only ever added, never changed.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection, SqlSafeStr};

use super::check::{self, FileSystem};
use super::connect::{Access, Target};
use super::error::{Error, Result, Trouble};

/// Marks a SQLite file as a store of kanado: `knDO`.
const APPLICATION_ID: i64 = 0x6b6e_444f;

/// The schema this version knows.
pub(super) const KNOWN: i64 = 2;

fn migrations() -> Vec<Migration> {
    let sql = |version, name: &'static str, text: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    vec![sql(1, "first", include_str!("migrations/0001_first.sql")), sql(2, "live", include_str!("migrations/0002_live.sql"))]
}

queries! {
    TABLES = "SELECT count(*) FROM sqlite_master";
    VERSION = "SELECT max(version) FROM _sqlx_migrations";
    GET_APPLICATION_ID = "PRAGMA application_id";
    JOURNAL_MODE = "PRAGMA journal_mode";
    USE_WRITE_AHEAD_LOG = "PRAGMA journal_mode = WAL";
}

/// Looks first, writes only when the file is ours (or new) and not newer than we are.
pub(super) async fn bring_up_to_date(conn: &mut AnyConnection, target: &Target, place: &str, patience: Duration) -> Result<()> {
    let found = version(conn, place).await?;
    if target.access == Access::ReadOnly {
        return match found {
            Some(_) => Ok(()),
            None => Err(Error::NotAStore { place: place.to_owned() }),
        };
    }
    if check::file_system(&target.file) != FileSystem::Network {
        // Write-ahead logging needs shared memory, which a network file system does not give; there the rollback journal stays.
        use_write_ahead_log(conn, patience).await?;
    }
    if found == Some(KNOWN) {
        return Ok(());
    }

    // Two programs may start on a new store at once: whoever comes second finds the work done.
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    if version(&mut transaction, place).await? != Some(KNOWN) {
        Migrator::with_migrations(migrations()).run_direct(None, &mut *transaction, false).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Switches a file to write-ahead logging, which lasts. SQLite refuses at once instead of waiting when two processes do so on a new
/// store at the same moment, so this waits itself.
async fn use_write_ahead_log(conn: &mut AnyConnection, patience: Duration) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let journal: String = sqlx::query_scalar(JOURNAL_MODE).fetch_one(&mut *conn).await?;
        if journal == "wal" {
            return Ok(());
        }
        match sqlx::query_scalar::<_, String>(USE_WRITE_AHEAD_LOG).fetch_one(&mut *conn).await.map_err(Error::from) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == Some(&Trouble::Locked) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The version of the schema in the file; absent in an empty one.
async fn version(conn: &mut AnyConnection, place: &str) -> Result<Option<i64>> {
    let tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut *conn).await?;
    if tables == 0 {
        return Ok(None);
    }
    let mark: i64 = sqlx::query_scalar(GET_APPLICATION_ID).fetch_one(&mut *conn).await?;
    if mark != APPLICATION_ID {
        return Err(Error::NotAStore { place: place.to_owned() });
    }
    let found: i64 = sqlx::query_scalar(VERSION).fetch_one(&mut *conn).await?;
    if found > KNOWN {
        return Err(Error::NewerSchema { place: place.to_owned(), found, known: KNOWN });
    }
    Ok(Some(found))
}
