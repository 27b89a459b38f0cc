//! A whole store into another one, from either engine to either: moving a board to a server and back, and backups.
//!
//! All rows are read in one state of the source and put into an empty target in one transaction, so that the target is whole or still
//! empty. Row ids, counters, versions and digests stay as they are.
//!
//! Limits: leases are left out; they tell of processes that use the source. What is committed to the source afterwards is not there:
//! whoever moves a board stops using the old one first.

use std::path::Path;

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::check::Level;
use super::column::{Columns as _, real};
use super::connect::Engine;
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Location, Store, raise, sqlite};
use crate::domain::change::Change;

/// All tables, each after those its rows point at, and what puts its rows in an order.
const TABLES: &[(&str, &str)] = &[
    ("counters", "name"),
    ("organisations", "id"),
    ("projects", "id"),
    ("repositories", "id"),
    ("members", "id"),
    ("tickets", "id"),
    ("specs", "ticket"),
    ("history", "ticket, position"),
    ("pull_requests", "repository, number"),
    ("pull_request_facts", "repository, number"),
    ("journal", "id"),
    ("journal_steps", "journal, position"),
    ("settings", "name"),
    ("cursors", "name"),
    ("hook_secrets", "id"),
    ("subscriptions", "id"),
    ("deliveries", "id"),
    ("delivery_bodies", "delivery"),
    ("reconciliations", "project"),
    ("sync_sources", "project, source"),
    ("definitions", "project, kind, number"),
    ("builds", "project, number"),
    ("stage_kinds", "id"),
    ("stage_runs", "project, kind, run, stage, environment, attempt"),
    ("environments", "project, number"),
    ("production_rules", "project, kind, definition, stage, environment"),
    ("commits", "repository, sha"),
    ("pushes", "repository, branch, number"),
    ("compares", "repository, base, head"),
    ("flows", "repository, number"),
    ("pull_request_histories", "repository, number"),
    ("work_items", "project, number"),
    ("work_item_links", "project, item, target_kind, repository, target"),
    ("quality_comments", "repository, number"),
    ("team_members", "project, team, member"),
    ("project_settings", "project, name"),
    ("rate_limits", "organisation"),
];

/// Of tables that are not copied, and need not be empty.
#[cfg(test)]
pub(super) const LEFT_OUT: &[&str] = &["leases", "_sqlx_migrations"];

/// Tables whose row ids are issued from the counter of their name.
const COUNTED: [&str; 10] = [
    "organisations",
    "projects",
    "repositories",
    "members",
    "tickets",
    "journal",
    "hook_secrets",
    "subscriptions",
    "deliveries",
    "stage_kinds",
];

/// The one column that points at a row of its own table, perhaps a later one.
const OWN_TABLE: (&str, &str) = ("members", "default_reviewer");

/// Rows a statement, and about how many bytes.
const ROWS: usize = 100;
const BYTES: usize = 2 << 20;

/// How many rows a table has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRows {
    pub table: &'static str,
    pub rows: i64,
}

sqlite_queries! {
    COLUMNS = "SELECT name, type AS kind FROM pragma_table_info($1) ORDER BY cid";
}

postgres_queries! {
    COLUMNS_ON_SERVER = "SELECT CAST(a.attname AS TEXT) AS name, format_type(a.atttypid, a.atttypmod) AS kind FROM pg_attribute a \
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = current_schema() AND CAST(c.relname AS TEXT) = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Real,
    Text,
    Bytes,
}

struct Column {
    name: String,
    kind: Kind,
}

enum Value {
    Number(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    fn read(row: &AnyRow, index: usize, kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Number => Self::Number(row.try_get(index)?),
            Kind::Real => Self::Real(row.try_get(index)?),
            Kind::Text => Self::Text(row.try_get(index)?),
            Kind::Bytes => Self::Bytes(row.try_get(index)?),
        })
    }

    fn size(&self) -> usize {
        match self {
            Self::Text(Some(text)) => text.len(),
            Self::Bytes(Some(bytes)) => bytes.len(),
            _ => 8,
        }
    }

    fn bind(self, query: Query<'_, Any, AnyArguments>) -> Query<'_, Any, AnyArguments> {
        match self {
            Self::Number(value) => query.bind(value),
            Self::Real(value) => query.bind(real(value)),
            Self::Text(value) => query.bind(value),
            Self::Bytes(value) => query.bind(value),
        }
    }
}

async fn columns(conn: &mut AnyConnection, engine: Engine, table: &str) -> Result<Vec<Column>> {
    let sql = match engine {
        Engine::Sqlite => COLUMNS,
        Engine::Postgres => COLUMNS_ON_SERVER,
    };
    let rows = sqlx::query(sql).bind(table.to_owned()).fetch_all(conn).await?;
    let column = |row: &AnyRow| {
        let kind = match row.borrowed("kind")?.to_ascii_uppercase().as_str() {
            "INTEGER" | "BIGINT" => Kind::Number,
            "DOUBLE PRECISION" => Kind::Real,
            "TEXT" => Kind::Text,
            "BYTEA" => Kind::Bytes,
            other => return Err(Error::unreadable(format!("a column of {table} of the kind {other}"))),
        };
        Ok(Column { name: row.text("name")?, kind })
    };
    rows.iter().map(column).collect()
}

async fn count(conn: &mut AnyConnection, table: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(conn).await?)
}

async fn counts(conn: &mut AnyConnection) -> Result<Vec<TableRows>> {
    let mut counts = Vec::with_capacity(TABLES.len());
    for (table, _) in TABLES {
        counts.push(TableRows { table, rows: count(&mut *conn, table).await? });
    }
    Ok(counts)
}

fn insert(table: &str, columns: &[Column], rows: usize) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", names.join(", "));
    for row in 0..rows {
        let value = |(index, column): (usize, &Column)| match (row * columns.len() + index + 1, column.kind) {
            (number, Kind::Real) => format!("CAST(${number} AS DOUBLE PRECISION)"),
            (number, _) => format!("${number}"),
        };
        let numbers: Vec<String> = columns.iter().enumerate().map(value).collect();
        sql.push_str(if row == 0 { "(" } else { ", (" });
        sql.push_str(&numbers.join(", "));
        sql.push(')');
    }
    sql
}

async fn put(conn: &mut AnyConnection, table: &str, columns: &[Column], rows: &mut Vec<Vec<Value>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = insert(table, columns, rows.len());
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in rows.drain(..).flatten() {
        query = value.bind(query);
    }
    query.execute(conn).await?;
    Ok(())
}

/// Copies the rows of a table; how many there were.
async fn copy_table(
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    columns: &[Column],
    (table, order): (&'static str, &str),
) -> Result<i64> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let own = columns.iter().position(|column| (table, column.name.as_str()) == OWN_TABLE);
    let mut pointers = Vec::new();
    let mut copied = 0;
    let mut chunk: Vec<Vec<Value>> = Vec::with_capacity(ROWS);
    let mut bytes = 0;
    let sql = format!("SELECT {} FROM {table} ORDER BY {order}", names.join(", "));
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(source);
    while let Some(row) = rows.try_next().await? {
        let mut values = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let value = Value::read(&row, index, column.kind)?;
            bytes += value.size();
            values.push(value);
        }
        if let Some(own) = own
            && let Value::Number(Some(other)) = std::mem::replace(&mut values[own], Value::Number(None))
        {
            pointers.push((row.int("id")?, other));
        }
        chunk.push(values);
        copied += 1;
        if chunk.len() == ROWS || bytes > BYTES {
            put(&mut *target, table, columns, &mut chunk).await?;
            bytes = 0;
        }
    }
    put(&mut *target, table, columns, &mut chunk).await?;
    let (_, pointer) = OWN_TABLE;
    for (id, other) in pointers {
        let sql = format!("UPDATE {table} SET {pointer} = $2 WHERE id = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(id).bind(other).execute(&mut *target).await?;
    }
    Ok(copied)
}

impl Store {
    /// The tables of the store and how many rows each has.
    pub async fn rows(&self) -> Result<Vec<TableRows>> {
        self.attempt("count what is in it", async { counts(&mut *self.snapshot().await?).await }).await
    }

    /// Copies everything into an empty store, and counts what arrived.
    pub async fn copy_to(&self, target: &Store) -> Result<Vec<TableRows>> {
        let mut source = self.attempt("read it", self.snapshot()).await?;
        let work = async {
            let mut writing = target.writing_on(Hold::Shared).await?;
            if target.engine() == Engine::Postgres {
                let names: Vec<&str> = TABLES.iter().map(|(table, _)| *table).collect();
                let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
                sqlx::raw_sql(AssertSqlSafe(lock)).execute(writing.conn()).await?;
            }
            if let Some(full) = counts(writing.conn()).await?.into_iter().find(|found| found.rows > 0) {
                return Err(Error::refused(
                    format!("{} is not empty: it has {} {}", target.place(), full.rows, full.table),
                    "copy into a place where no board is yet",
                ));
            }
            let mut copied = Vec::with_capacity(TABLES.len());
            for entry in TABLES {
                let (table, _) = *entry;
                let columns = columns(writing.conn(), target.engine(), table).await?;
                let rows = copy_table(&mut source, writing.conn(), &columns, *entry)
                    .await
                    .map_err(|error| error.on(target.engine()).during(format!("copy the table {table}"), target.place()))?;
                let arrived = count(writing.conn(), table).await?;
                if arrived != rows {
                    let text = format!("of {rows} {table} {arrived} arrived in {}; nothing was kept there", target.place());
                    return Err(Error::refused(text, "try again; see what `kanado db check` says of both"));
                }
                copied.push(TableRows { table, rows });
            }
            for table in COUNTED {
                let sql = format!("SELECT coalesce(max(id), 0) FROM {table}");
                let last: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(writing.conn()).await?;
                if last > 0 {
                    // Never twice the same number, even where a counter was behind.
                    raise(writing.conn(), table, last).await?;
                }
            }
            writing.announce(Change::Elsewhere);
            target.commit(writing).await?;
            Ok(copied)
        };
        target.attempt("copy into it", work).await
    }

    /// Copies everything into a new SQLite file that only its owner can read, and looks whether that is whole.
    pub async fn back_up(&self, file: &Path) -> Result<Vec<TableRows>> {
        let file = std::path::absolute(file).map_err(|error| sqlite::cannot_open(&error))?;
        let place = file.display().to_string();
        sqlite::make_private(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::refused(format!("{place} is there already"), "name a file that is not: a backup never replaces anything")
            }
            _ => sqlite::cannot_open(&error).during("make a backup", &place),
        })?;
        let made = self.fill(&file).await;
        if made.is_err() {
            for ending in ["", "-wal", "-shm", "-journal"] {
                let mut path = file.clone().into_os_string();
                path.push(ending);
                let _ = std::fs::remove_file(path);
            }
        }
        made
    }

    async fn fill(&self, file: &Path) -> Result<Vec<TableRows>> {
        if self.engine() == Engine::Sqlite {
            let path = file
                .to_str()
                .ok_or_else(|| Error::Unsupported { url: file.display().to_string(), reason: "the path of the file is not UTF-8" })?;
            self.attempt("make a backup", async {
                sqlx::query("VACUUM INTO $1").bind(path.to_owned()).execute(&mut *self.reader().await?).await?;
                Ok(())
            })
            .await?;
        }
        let copy = Store::open(&Location::Sqlite(file.to_owned())).await?;
        let filled = async {
            match self.engine() {
                Engine::Sqlite => Ok(()),
                Engine::Postgres => self.copy_to(&copy).await.map(|_| ()),
            }?;
            if let Some(bad) = copy.check().await?.into_iter().find(|finding| finding.level == Level::Bad) {
                return Err(Error::refused(format!("the backup is not whole: {}", bad.words), "see what `kanado db check` says"));
            }
            copy.rows().await
        };
        let filled = filled.await;
        copy.close().await;
        let rows = filled?;
        std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(|error| sqlite::cannot_open(&error))?;
        Ok(rows)
    }
}

impl Location {
    /// The place for messages, without a password.
    pub fn place(&self) -> Result<String> {
        Ok(super::connect::Target::of(self)?.place())
    }
}
