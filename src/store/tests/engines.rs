//! Each story on both engines: on SQLite always, on PostgreSQL where `KANADO_TEST_POSTGRES` names a server (the URL of a database in
//! which schemas may be made). Without it the tests on PostgreSQL say that they did not run.

use std::sync::Mutex;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::*;

/// The server of the story that is being told.
struct Server {
    url: String,
    schemas: Mutex<Vec<String>>,
}

tokio::task_local! {
    static SERVER: Server;
}

/// Where a server for tests is, if anywhere.
pub fn server() -> Option<String> {
    std::env::var("KANADO_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

async fn on_server(url: &str, sql: String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut conn = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// A place for a store that nobody else uses, on the engine of the story.
pub async fn fresh_location(directory: &Path) -> Location {
    let place = SERVER.try_with(|server| {
        let schema = format!("story_{}", uuid::Uuid::new_v4().simple());
        server.schemas.lock().unwrap().push(schema.clone());
        (server.url.clone(), schema)
    });
    match place {
        Ok((url, schema)) => {
            on_server(&url, format!("CREATE SCHEMA {schema}")).await;
            Location::Url(in_schema(&url, &schema))
        }
        Err(_) => Location::in_directory(directory),
    }
}

fn in_schema(url: &str, schema: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", schema);
    url.into()
}

/// Runs a story on PostgreSQL, and takes away what it made there if it went well.
pub async fn on_postgres(name: &str, story: impl Future<Output = ()>) {
    let Some(url) = server() else {
        eprintln!("{name}: not run on PostgreSQL, since KANADO_TEST_POSTGRES names no server");
        return;
    };
    let server = Server { url: url.clone(), schemas: Mutex::default() };
    let schemas = SERVER
        .scope(server, async {
            story.await;
            SERVER.with(|server| std::mem::take(&mut *server.schemas.lock().unwrap()))
        })
        .await;
    for schema in schemas {
        on_server(&url, format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}

/// Two tests of each story.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::$story().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::engines::on_postgres(stringify!($story), super::$story()).await;
            })+
        }
    };
}

/// Tests of what only PostgreSQL does.
macro_rules! on_server_only {
    ($($story:ident),+ $(,)?) => {
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                super::engines::on_postgres(stringify!($story), super::$story()).await;
            })+
        }
    };
}
