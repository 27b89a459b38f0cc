//! What is particular to a server: many who write at once, announcements between processes, connections that break.

use tokio::sync::broadcast::Receiver;

use super::*;
use crate::domain::ticket::Priority;
use crate::notice::Explain as _;
use connect::{Feed, Tuning};

/// Waits until the store listens: it says then that something may have been missed.
async fn listening(store: &Store) -> Receiver<Change> {
    let mut changes = store.subscribe();
    let first = tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap();
    assert_eq!(first, Change::Elsewhere);
    changes
}

/// Ends connections, as an administrator does or a server that restarts; how many.
async fn terminate(store: &Store, sql: &'static str, name: &str) -> i64 {
    let mut conn = store.inner.readers.acquire().await.unwrap();
    sqlx::query_scalar(sql).bind(name.to_owned()).fetch_one(&mut *conn).await.unwrap()
}

const LISTENING: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' || $1 || '%'";
const NAMED: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
const WRITING: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction'";

/// A store whose connections have a name of their own.
async fn named(location: &Location) -> (Store, String) {
    let Location::Url(url) = location else { panic!("not on a server") };
    let name = format!("kanado-{}", uuid::Uuid::new_v4().simple());
    (Store::open(&Location::Url(format!("{url}&application_name={name}"))).await.unwrap(), name)
}

async fn what_another_process_wrote_is_announced_by_name() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let mut changes = listening(&desk.store).await;
    other.set_setting("a", "1").await.unwrap();
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Settings);
    let mine = desk.ticket("A").await;
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Ticket { project: desk.project, key: mine.clone() });
    let version = desk.store.ticket(&mine).await.unwrap().unwrap().version;
    let change = TicketChange { priority: Some(Priority::new(1)), ..TicketChange::default() };
    other.update_ticket(&mine, version, &change, at(2)).await.unwrap();
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Ticket { project: desk.project, key: mine }, "and our own was heard once");
}

async fn a_write_given_up_is_not_announced_to_others() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let mut changes = listening(&desk.store).await;
    let mut writing = other.writing().await.unwrap();
    writing.announce(Change::Members(desk.project));
    feed::send(writing.conn(), other.inner.schema.number, &other.inner.name, &[Change::Members(desk.project)]).await.unwrap();
    drop(writing);
    other.set_setting("a", "1").await.unwrap();
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Settings);
}

async fn a_listening_connection_that_breaks_is_made_again_and_everything_is_read_again() {
    let desk = Desk::new().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let mut changes = listening(&desk.store).await;
    assert_eq!(terminate(&other, LISTENING, &feed::channel(other.inner.schema.number)).await, 1);
    for when in ["when it breaks", "when it listens again: what was written meanwhile is unknown"] {
        let said = tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap();
        assert_eq!(said, Change::Elsewhere, "{when}");
    }
    other.set_setting("a", "1").await.unwrap();
    assert_eq!(heard(&desk.store, &mut changes).await, Change::Settings);
}

async fn where_notifications_do_not_come_through_the_counter_is_looked_at() {
    let desk = Desk::new().await;
    let store = Store::open_tuned(&desk.location(), Tuning { feed: Feed::Look, ..Tuning::default() }).await.unwrap();
    let mut changes = listening(&store).await;
    for value in ["1", "2"] {
        desk.store.set_setting("a", value).await.unwrap();
        assert_eq!(tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap(), Change::Elsewhere);
    }
}

async fn connections_that_were_ended_are_replaced_without_anybody_noticing() {
    let desk = Desk::new().await;
    let (store, name) = named(&desk.location()).await;
    store.set_setting("a", "1").await.unwrap();
    assert!(store.board(desk.project, None).await.unwrap().cards.is_empty());
    for value in ["2", "3"] {
        assert!(terminate(&desk.store, NAMED, &name).await > 0);
        store.set_setting("a", value).await.unwrap();
        assert_eq!(store.setting("a").await.unwrap().as_deref(), Some(value));
    }
}

async fn a_connection_that_breaks_half_way_changes_nothing_and_says_what_to_do() {
    let desk = Desk::new().await;
    let (store, name) = named(&desk.location()).await;
    let outcome = store
        .attempt("keep two settings", async {
            let mut writing = store.writing().await?;
            sqlx::raw_sql("INSERT INTO settings (name, value) VALUES ('half', 'done')").execute(writing.conn()).await?;
            assert_eq!(terminate(&desk.store, WRITING, &name).await, 1);
            sqlx::raw_sql("INSERT INTO settings (name, value) VALUES ('whole', 'done')").execute(writing.conn()).await?;
            store.commit(writing).await
        })
        .await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::Unreachable), "{error}");
    assert!(error.is_transient());
    assert!(error.to_string().starts_with("could not keep two settings (store postgres://"), "{error}");
    assert!(error.hint().unwrap().contains("nothing was changed"));
    assert_eq!(store.setting("half").await.unwrap(), None, "the next read has a connection that works");
}

async fn a_database_of_another_program_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let location = engines::fresh_location(directory.path()).await;
    let target = connect::Target::of(&location).unwrap();
    let mut conn = connect::first(&target, Tuning::default()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE cookies (jar TEXT)").execute(&mut conn).await.unwrap();
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, Error::NotAStore { .. }), "{error}");
    assert!(error.hint().unwrap().contains("CREATE SCHEMA"));
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetch_one(&mut conn).await.unwrap();
    assert_eq!(tables, 1);
}

async fn a_store_of_a_newer_version_is_refused() {
    let desk = Desk::new().await;
    let mut conn = desk.store.inner.writer.acquire().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '\\x00', 0)",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let error = Store::open(&desk.location()).await.unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: 99, .. }), "{error}");
}

async fn a_schema_that_is_not_there_a_wrong_password_and_a_missing_database_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let Location::Url(url) = engines::fresh_location(directory.path()).await else { panic!("not on a server") };
    let url = url::Url::parse(&url).unwrap();
    let open = async |change: &dyn Fn(&mut url::Url)| {
        let mut url = url.clone();
        change(&mut url);
        Store::open(&Location::Url(url.into())).await.unwrap_err()
    };
    let error = open(&|url| url.set_query(Some("options[search_path]=nowhere"))).await;
    assert!(error.to_string().contains("search_path"), "{error}");
    let error = open(&|url| url.set_path("/no_such_database")).await;
    assert_eq!(error.kind(), Some(&Trouble::NoDatabase), "{error}");
    let error = open(&|url| {
        url.set_username("nobody_of_that_name").unwrap();
        url.set_password(Some("hunter2")).unwrap();
    })
    .await;
    assert!(matches!(error.kind(), Some(Trouble::Denied(_))), "{error}");
    assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("hunter2"));
    let error = open(&|url| {
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(9)).unwrap();
    })
    .await;
    assert_eq!(error.kind(), Some(&Trouble::Unreachable), "{error}");
}

async fn a_text_that_the_server_cannot_keep_is_refused_with_words() {
    let desk = Desk::new().await;
    let error = desk.store.set_setting("a", "nul\0here").await.unwrap_err();
    assert!(error.to_string().contains("NUL"), "{error}");
    assert_eq!(desk.store.setting("a").await.unwrap(), None);
}

async fn a_server_is_checked_as_a_server() {
    let desk = Desk::new().await;
    let findings = desk.store.check().await.unwrap();
    for subject in ["integrity", "schema", "server", "encryption", "connections", "unfinished"] {
        let finding = findings.iter().find(|finding| finding.subject == subject);
        assert_eq!(finding.map(|finding| finding.level), Some(Level::Good), "{subject}: {finding:?}");
    }
    assert!(findings.iter().any(|finding| finding.subject == "durability"), "good or not, as the server is set up");
    assert!(desk.store.file().is_none() && desk.store.place_warning().is_none());
}

on_server_only!(
    what_another_process_wrote_is_announced_by_name,
    a_write_given_up_is_not_announced_to_others,
    a_listening_connection_that_breaks_is_made_again_and_everything_is_read_again,
    where_notifications_do_not_come_through_the_counter_is_looked_at,
    connections_that_were_ended_are_replaced_without_anybody_noticing,
    a_connection_that_breaks_half_way_changes_nothing_and_says_what_to_do,
    a_database_of_another_program_is_refused_and_not_touched,
    a_store_of_a_newer_version_is_refused,
    a_schema_that_is_not_there_a_wrong_password_and_a_missing_database_are_told_apart,
    a_text_that_the_server_cannot_keep_is_refused_with_words,
    a_server_is_checked_as_a_server,
);
