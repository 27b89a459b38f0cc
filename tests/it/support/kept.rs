//! What is in a store, asked of its database directly and not through the product.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use sqlx::{Connection as _, Row as _};

/// A database by its URL.
#[derive(Debug, Clone)]
pub struct Database(pub String);

impl Database {
    pub fn sqlite(file: &Path) -> Self {
        Self(format!("sqlite://{}", file.display()))
    }

    fn rows(&self, sql: &'static str) -> Vec<AnyRow> {
        self.within(async |connection| sqlx::query(sql).fetch_all(connection).await.unwrap())
    }

    fn within<T>(&self, work: impl AsyncFnOnce(&mut AnyConnection) -> T) -> T {
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = AnyConnection::connect(&self.0).await.unwrap();
            let answer = work(&mut connection).await;
            connection.close().await.unwrap();
            answer
        })
    }

    /// How often each notification is kept with its whole body.
    pub fn notifications(&self) -> BTreeMap<i64, i64> {
        let rows = self.rows(
            "SELECT d.notification, count(*) AS times FROM deliveries d JOIN delivery_bodies b ON b.delivery = d.id \
             WHERE d.notification IS NOT NULL AND length(b.body) = d.bytes GROUP BY d.notification",
        );
        rows.iter().map(|row| (row.get("notification"), row.get("times"))).collect()
    }

    /// How many deliveries are in each state.
    pub fn states(&self) -> BTreeMap<String, i64> {
        let rows = self.rows("SELECT state, count(*) AS times FROM deliveries GROUP BY state");
        rows.iter().map(|row| (row.get("state"), row.get("times"))).collect()
    }

    /// What SQLite says of the file: `ok` where nothing is wrong.
    pub fn integrity(&self) -> String {
        let rows = self.rows("PRAGMA integrity_check(5)");
        rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("; ")
    }

    /// Keeps every writer away while something happens.
    pub fn locked<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.within(async |connection| {
            sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await.unwrap();
            let answer = meanwhile();
            sqlx::query("ROLLBACK").execute(&mut *connection).await.unwrap();
            answer
        })
    }
}
