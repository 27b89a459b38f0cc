//! Many rows in one statement. A statement is written, listed and tried for one row; for several its group of values is repeated.
//!
//! Limits: the statement has one group after `VALUES`, which holds all of its parameters in order and no other brackets; a row occurs
//! once in a call, since PostgreSQL refuses to put one twice in a statement.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::error::{Error, Result};

/// How many rows a statement takes, most first. Few sizes, so that few statements are prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// The statement for so many rows, and how many parameters one has.
fn repeated(sql: &str, rows: usize) -> Result<String> {
    let bad = || Error::unreadable(format!("a statement for many rows: {}", sql.chars().take(60).collect::<String>()));
    let at = sql.find("VALUES (").ok_or_else(bad)? + "VALUES ".len();
    let end = at + sql[at..].find(')').ok_or_else(bad)? + 1;
    let group = &sql[at..end];
    let columns = group.matches('$').count();
    let mut text = String::with_capacity(sql.len() + rows * group.len() * 2);
    text.push_str(&sql[..at]);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(row * columns + column + 1).to_string());
        }
        text.push(')');
    }
    text.push_str(&sql[end..]);
    Ok(text)
}

pub(super) type Statement<'q> = Query<'q, Any, AnyArguments>;

/// Puts rows, each bound by `bind` in the order of the statement's parameters; what the statement returns.
pub(super) async fn put<T>(
    conn: &mut AnyConnection,
    sql: &'static str,
    rows: &[T],
    bind: impl for<'q> Fn(Statement<'q>, &T) -> Result<Statement<'q>>,
) -> Result<Vec<AnyRow>> {
    let mut returned = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let size = SIZES.into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(size);
        rest = later;
        let text = repeated(sql, size)?;
        let mut statement = sqlx::query(AssertSqlSafe(text));
        for row in now {
            statement = bind(statement, row)?;
        }
        returned.extend(statement.fetch_all(&mut *conn).await?);
    }
    Ok(returned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_for_one_row_becomes_one_for_several() {
        let one = "INSERT INTO a (b, c) VALUES ($1, $2) ON CONFLICT (b) DO UPDATE SET c = excluded.c";
        assert_eq!(repeated(one, 1).unwrap(), one);
        assert_eq!(
            repeated(one, 3).unwrap(),
            "INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4), ($5, $6) ON CONFLICT (b) DO UPDATE SET c = excluded.c"
        );
        assert!(repeated("SELECT 1", 2).is_err());
    }
}
