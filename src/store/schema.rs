//! Bringing the schema up to date, and refusing what is not ours to touch. Migrations are only ever added, never changed.
//!
//! Limits: the tables lie in the schema that a PostgreSQL connection names first in its `search_path`; everything else there must be
//! kanado's. Migrations run in one transaction, under a lock, so that several processes may start at once on a new store.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, SqlSafeStr};

use super::check::{self, FileSystem};
use super::column::Columns as _;
use super::connect::Target;
use super::error::{Error, Result, Trouble};
use super::sqlite::{Access, DataFile};

/// Marks a SQLite file as a store of kanado: `knDO`.
const APPLICATION_ID: i64 = 0x6b6e_444f;

/// Marks a PostgreSQL schema as a store of kanado: the comment on the table of migrations.
const MARK: &str = "a store of kanado";

/// Beside the locks of writes, which count from 0.
const MIGRATION_LOCK: i64 = -1;

/// The schema this version knows.
pub(super) const KNOWN: i64 = 3;

/// What opening found and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schema {
    /// Its version before it was brought up to date; absent when the store was made.
    pub was: Option<i64>,
    /// Its version now.
    pub is: i64,
    /// Of PostgreSQL: what tells this schema from others in the same database, for locks and announcements. On SQLite 0.
    pub number: i64,
}

/// The statements that lead to [`KNOWN`], written for SQLite.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("migrations/0001_first.sql")),
    (2, "live", include_str!("migrations/0002_live.sql")),
    (3, "metrics", include_str!("migrations/0003_metrics.sql")),
];

fn migrator(text: impl Fn(&'static str) -> String) -> Migrator {
    let simple = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, AssertSqlSafe(text(sql)).into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().map(simple).collect());
    // Whoever calls holds a lock already.
    migrator.set_locking(false);
    migrator
}

sqlite_queries! {
    TABLES = "SELECT count(*) FROM sqlite_master";
    GET_APPLICATION_ID = "PRAGMA application_id";
    JOURNAL_MODE = "PRAGMA journal_mode";
    USE_WRITE_AHEAD_LOG = "PRAGMA journal_mode = WAL";
}

queries! {
    VERSION = "SELECT max(version) FROM _sqlx_migrations";
}

postgres_queries! {
    /// What belongs to extensions is nobody's.
    PLACE = "SELECT CAST(n.oid AS BIGINT) AS number, obj_description(to_regclass(quote_ident(n.nspname) || '._sqlx_migrations'), \
        'pg_class') AS mark, (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p') \
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) \
        AS tables, current_setting('server_encoding') AS encoding, current_setting('transaction_read_only') AS read_only \
        FROM pg_namespace n WHERE n.nspname = current_schema()";
    LOCK = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))";
}

/// Looks first, writes only when the place is ours (or new) and not newer than we are.
pub(super) async fn bring_up_to_date(conn: &mut AnyConnection, target: &Target, place: &str, patience: Duration) -> Result<Schema> {
    match target {
        Target::File(file) => bring_file_up_to_date(conn, file, place, patience).await,
        Target::Server(_) => bring_server_up_to_date(conn, place).await,
    }
}

async fn bring_file_up_to_date(conn: &mut AnyConnection, file: &DataFile, place: &str, patience: Duration) -> Result<Schema> {
    let was = version_in_file(conn, place).await?;
    if file.access == Access::ReadOnly {
        return match was {
            Some(found) => Ok(Schema { was, is: found, number: 0 }),
            None => Err(Error::NotAStore { place: place.to_owned() }),
        };
    }
    if check::file_system(&file.path) != FileSystem::Network {
        // Write-ahead logging needs shared memory, which a network file system does not give; there the rollback journal stays.
        use_write_ahead_log(conn, patience).await?;
    }
    let schema = Schema { was, is: KNOWN, number: 0 };
    if was == Some(KNOWN) {
        return Ok(schema);
    }

    // Two programs may start on a new store at once: whoever comes second finds the work done.
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    if version_in_file(&mut transaction, place).await? != Some(KNOWN) {
        migrator(str::to_owned).run_direct(None, &mut *transaction, false).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(schema)
}

async fn bring_server_up_to_date(conn: &mut AnyConnection, place: &str) -> Result<Schema> {
    let (was, number) = version_on_server(conn, place).await?;
    let schema = Schema { was, is: KNOWN, number };
    if was == Some(KNOWN) {
        return Ok(schema);
    }
    let mut transaction = conn.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    sqlx::query(LOCK).bind(number).bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    if version_on_server(&mut transaction, place).await?.0 != Some(KNOWN) {
        migrator(for_server).run_direct(None, &mut *transaction, false).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("COMMENT ON TABLE _sqlx_migrations IS '{MARK}'"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(schema)
}

/// An INTEGER is eight bytes wide on SQLite and four on PostgreSQL.
fn for_server(sql: &'static str) -> String {
    sql.replace("INTEGER", "BIGINT")
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
async fn version_in_file(conn: &mut AnyConnection, place: &str) -> Result<Option<i64>> {
    let tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut *conn).await?;
    if tables == 0 {
        return Ok(None);
    }
    let mark: i64 = sqlx::query_scalar(GET_APPLICATION_ID).fetch_one(&mut *conn).await?;
    if mark != APPLICATION_ID {
        return Err(Error::NotAStore { place: place.to_owned() });
    }
    version(conn, place).await.map(Some)
}

/// The version of the schema on the server, absent in an empty one, and the schema's number.
async fn version_on_server(conn: &mut AnyConnection, place: &str) -> Result<(Option<i64>, i64)> {
    let Some(found) = sqlx::query(PLACE).fetch_optional(&mut *conn).await? else {
        return Err(Error::refused(
            format!("the database {place} has no schema to keep tables in: what its search_path names is not there"),
            "make it (`CREATE SCHEMA kanado`), or leave search_path out of the URL",
        ));
    };
    // Locks take four bytes; the number is unsigned.
    let number = i64::from(found.int("number")? as u32 as i32);
    if found.int("tables")? == 0 {
        if found.borrowed("encoding")? != "UTF8" {
            return Err(Error::refused(
                format!("the database {place} keeps text as {}, which cannot hold every character", found.text("encoding")?),
                "make one with `CREATE DATABASE kanado ENCODING 'UTF8' TEMPLATE template0`",
            ));
        }
        if found.borrowed("read_only")? == "on" {
            return Err(Error::trouble(Trouble::ReadOnly));
        }
        return Ok((None, number));
    }
    if found.maybe_text("mark")?.as_deref() != Some(MARK) {
        return Err(Error::NotAStore { place: place.to_owned() });
    }
    Ok((Some(version(conn, place).await?), number))
}

/// The version of a schema that is ours.
pub(super) async fn found(conn: &mut AnyConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(VERSION).fetch_one(conn).await?)
}

async fn version(conn: &mut AnyConnection, place: &str) -> Result<i64> {
    let found = found(conn).await?;
    if found > KNOWN {
        return Err(Error::NewerSchema { place: place.to_owned(), found, known: KNOWN });
    }
    Ok(found)
}
