//! Bad files, locks, a full disk and crashes: a clear word, and nothing lost.

use std::path::Path;

use super::*;
use crate::notice::Explain as _;
use connect::Tuning;

fn impatient() -> Tuning {
    Tuning { busy_timeout_ms: 30, ..Tuning::default() }
}

async fn sql(store: &Store, sql: &'static str) {
    let mut conn = store.inner.writer.acquire().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap();
}

/// Opening must fail, and leave the file as it was, byte for byte.
async fn refused(file: &Path) -> Error {
    let before = std::fs::read(file).unwrap();
    let error = Store::open(&Location::Sqlite(file.to_owned())).await.unwrap_err();
    assert_eq!(std::fs::read(file).unwrap(), before, "the file was touched");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_not_touched() {
    let desk = Desk::new().await;
    desk.ticket("A").await;
    sql(
        &desk.store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)",
    )
    .await;
    desk.store.close().await;
    let error = refused(desk.store.file().unwrap()).await;
    assert!(matches!(error, Error::NewerSchema { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.db");
    std::fs::write(&file, "dear diary").unwrap();
    assert_eq!(refused(&file).await.kind(), Some(&Trouble::Corrupt));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was made beside it");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kanado.db");
    let target = connect::Target::of(&Location::Sqlite(file.clone())).unwrap();
    target.prepare().unwrap();
    let (writer, _) = connect::pools(&target, Tuning::default()).unwrap();
    sqlx::raw_sql("CREATE TABLE cookies (jar TEXT); INSERT INTO cookies VALUES ('x')").execute(&writer).await.unwrap();
    writer.close().await;
    let error = refused(&file).await;
    assert!(matches!(error, Error::NotAStore { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_store_is_refused_or_found_out_and_not_touched() {
    let desk = Desk::new().await;
    desk.ticket("A").await;
    desk.store.close().await;
    let file = desk.store.file().unwrap();
    let whole = std::fs::read(file).unwrap();

    // The schema itself is torn.
    let mut torn = whole.clone();
    torn[100..3_000].fill(0xa5);
    std::fs::write(file, &torn).unwrap();
    assert_eq!(refused(file).await.kind(), Some(&Trouble::Corrupt));

    // Cut off in the middle.
    std::fs::write(file, &whole[..whole.len() / 2]).unwrap();
    let opened = Store::open(&desk.location()).await;
    match opened {
        Err(error) => assert_eq!(error.kind(), Some(&Trouble::Corrupt), "{error}"),
        Ok(store) => {
            let found = store.check().await;
            let bad = match &found {
                Ok(findings) => findings.iter().any(|finding| finding.subject == "integrity" && finding.level == Level::Bad),
                Err(error) => error.kind() == Some(&Trouble::Corrupt),
            };
            assert!(bad, "{found:?}");
        }
    }

    // A page of rows is overwritten: reading says so, the check says so, nothing panics.
    let mut scribbled = whole.clone();
    for page in scribbled.chunks_mut(4_096).skip(1) {
        page[..64].fill(0x5a);
    }
    std::fs::write(file, &scribbled).unwrap();
    let store = Store::open(&desk.location()).await;
    let kind = match store {
        Ok(store) => store.ticket(&key("LUM-1")).await.unwrap_err().kind().cloned(),
        Err(error) => error.kind().cloned(),
    };
    assert_eq!(kind, Some(Trouble::Corrupt));
}

#[tokio::test]
async fn a_store_held_by_another_program_says_so_and_loses_nothing() {
    let desk = Desk::new().await;
    let store = Store::open_tuned(&desk.location(), impatient()).await.unwrap();
    let held = desk.store.writing().await.unwrap();
    let error = store.set_setting("a", "1").await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::Locked));
    assert!(error.is_transient());
    assert!(error.to_string().starts_with("could not keep the setting a (store "), "{error}");
    assert_eq!(store.setting("a").await.unwrap(), None, "reading goes on meanwhile");
    drop(held);
    // The rollback is queued on the other store's connection; its next write comes after it.
    desk.store.set_cursor("c", "1").await.unwrap();
    store.set_setting("a", "1").await.unwrap();
}

#[tokio::test]
async fn a_new_store_that_another_program_holds_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::in_directory(directory.path());
    let target = connect::Target::of(&location).unwrap();
    target.prepare().unwrap();
    let (writer, _) = connect::pools(&target, Tuning::default()).unwrap();
    let held = writer.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let error = Store::open_tuned(&location, impatient()).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::Locked), "{error}");
    drop(held);
    writer.close().await;
    Store::open(&location).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_the_write_and_keeps_what_was_there() {
    let desk = Desk::new().await;
    desk.ticket("first").await;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&desk.store.inner.writer).await.unwrap();
    desk.store.close().await;
    let tuning = Tuning { max_pages: Some(u32::try_from(pages).unwrap() + 12), ..Tuning::default() };
    let store = Store::open_tuned(&desk.location(), tuning).await.unwrap();
    let mut changes = store.subscribe();
    let mut made = vec![key("LUM-1")];
    let error = loop {
        let text = format!("# x\n\n{}", "words ".repeat(1_000));
        let new = NewTicket { spec_text: SpecText::Given(text), ..desk.new_ticket("") };
        match store.create_ticket(new, at(2)).await {
            Ok(ticket) => made.push(ticket.key),
            Err(error) => break error,
        }
        assert!(made.len() < 50);
    };
    assert_eq!(error.kind(), Some(&Trouble::DiskFull), "{error}");
    assert!(error.hint().unwrap().contains("free some room"));
    let kept: Vec<TicketKey> = store.tickets(desk.project, Archived::Shown).await.unwrap().into_iter().map(|t| t.key).collect();
    assert_eq!(kept, made, "all that was made is there, and nothing of what was refused");
    for _ in 1..made.len() {
        assert!(changes.try_recv().is_ok());
    }
    assert!(changes.try_recv().is_err(), "what was refused was not announced");

    // The draft of a spec that does not fit keeps its last good state.
    let spec = store.spec(&made[0]).await.unwrap();
    let error = store.save_spec(&made[0], spec.revision, &"x".repeat(1_000_000), at(3)).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::DiskFull));
    assert_eq!(store.spec(&made[0]).await.unwrap(), spec);
    store.close().await;

    let store = Store::open(&desk.location()).await.unwrap();
    assert!(store.check().await.unwrap().iter().all(|finding| finding.subject != "integrity" || finding.level == Level::Good));
    let next = store.create_ticket(desk.new_ticket("after"), at(4)).await.unwrap();
    assert_eq!(next.key.number() as usize, made.len() + 1, "the refused ticket used up no key");
}

#[tokio::test]
async fn a_store_opened_for_reading_reads_and_refuses_to_write() {
    let desk = Desk::new().await;
    let key = desk.ticket("A").await;
    let url = format!("sqlite://{}?mode=ro", desk.store.place());
    let store = Store::open(&Location::Url(url)).await.unwrap();
    assert!(store.ticket(&key).await.unwrap().is_some());
    let error = store.set_setting("a", "1").await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::ReadOnly), "{error}");
    let absent = Location::Url(format!("sqlite://{}/absent.db?mode=ro", desk.directory.path().display()));
    assert_eq!(Store::open(&absent).await.unwrap_err().kind(), Some(&Trouble::CannotOpen));
    assert!(!desk.directory.path().join("absent.db").exists());
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(&Location::Sqlite(directory.path().to_owned())).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::CannotOpen), "{error}");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&Location::in_directory(&file)).await.unwrap_err();
    assert_eq!(error.kind(), Some(&Trouble::CannotOpen), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_store_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::in_directory(&directory.path().join("new/deep"))).await.unwrap();
    store.set_setting("a", "1").await.unwrap();
    for file in std::fs::read_dir(directory.path().join("new/deep")).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
}

#[tokio::test]
async fn a_row_this_version_cannot_read_is_an_error_with_its_place() {
    let desk = Desk::new().await;
    let key = desk.ticket("A").await;
    sql(&desk.store, "UPDATE tickets SET status = 'frozen', card = 'LUM-1'").await;
    let error = desk.store.ticket(&key).await.unwrap_err();
    assert!(error.to_string().contains("frozen"), "{error}");
    let error = desk.store.board(desk.project, None).await.unwrap_err();
    assert!(error.to_string().contains("card of LUM-1"), "{error}");
}

/// Where the process that is to die finds the store.
const DYING_IN: &str = "KANADO_TEST_STORE";

/// Opens a write over everything there is, and dies before it is committed.
async fn die_in_the_middle_of_a_write(directory: &Path) -> ! {
    let store = Store::open(&Location::in_directory(directory)).await.unwrap();
    store.set_setting("committed", "yes").await.unwrap();
    let mut writing = store.writing().await.unwrap();
    for statement in ["UPDATE settings SET value = 'no'", "DELETE FROM tickets", "UPDATE counters SET last = 77"] {
        sqlx::raw_sql(statement).execute(writing.conn()).await.unwrap();
    }
    std::process::abort();
}

#[tokio::test]
async fn a_process_killed_in_the_middle_of_a_write_leaves_nothing_of_it() {
    // The test runs itself again in a process of its own, which takes this way.
    if let Some(directory) = std::env::var_os(DYING_IN) {
        die_in_the_middle_of_a_write(Path::new(&directory)).await;
    }
    let desk = Desk::new().await;
    let key = desk.ticket("A").await;
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::trouble::a_process_killed_in_the_middle_of_a_write_leaves_nothing_of_it"])
        .env(DYING_IN, desk.directory.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGABRT), "it was to die of its own hand");
    assert!(!status.success());
    assert_eq!(desk.store.setting("committed").await.unwrap().as_deref(), Some("yes"));
    assert!(desk.store.ticket(&key).await.unwrap().is_some());
    assert_eq!(desk.ticket("B").await.number(), key.number() + 1);
    let findings = desk.store.check().await.unwrap();
    assert!(findings.iter().any(|finding| finding.subject == "integrity" && finding.level == Level::Good));
}
