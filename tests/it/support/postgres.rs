//! A PostgreSQL for tests: the one that `KANADO_TEST_POSTGRES` names, else one of our own where its programs are on this machine.
//!
//! Our own is a cluster in a temporary folder, reached over the loopback, started once a process when first wanted, and gone with the
//! process. PostgreSQL refuses to run as root, so there it runs as the user `postgres`.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection as _};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on which databases can be made.
pub struct Server {
    /// Without a database: `postgres://user@host:port`.
    base: String,
}

/// A database of its own, dropped at the end.
pub struct Database<'a> {
    server: &'a Server,
    name: String,
    url: String,
}

/// Whether a commit is on the disk when it is answered. Tests need not wait for that; figures must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    Synced,
    Unsynced,
}

/// The server, or nothing where there is none: that is said once.
pub fn server() -> Option<&'static Server> {
    started(Commits::Unsynced)
}

/// The same, where who asks first in a process says how it commits.
pub fn started(commits: Commits) -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("KANADO_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => Some(Server { base: without_database(&url) }),
        _ => programs().map(|folder| own(&folder, commits)),
    });
    if server.is_none() {
        eprintln!("not run on PostgreSQL: KANADO_TEST_POSTGRES names none, and its programs are not on this machine");
    }
    server.as_ref()
}

fn without_database(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    url[..end].to_owned()
}

/// Where `initdb` and `postgres` are.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut versions: Vec<_> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

/// Whom a server may run as, where it must be somebody else.
fn account() -> Option<(u32, u32)> {
    // SAFETY: takes and gives plain integers.
    if unsafe { libc::geteuid() } != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = fields.into_iter().find(|row| row.first() == Some(&"postgres")).expect("the user postgres, as whom it can run");
    Some((row[2].parse().expect("a number"), row[3].parse().expect("a number")))
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C").env("TZ", "UTC");
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    command
}

static POSTMASTER: AtomicI32 = AtomicI32::new(0);
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

extern "C" fn end() {
    let pid = POSTMASTER.load(Ordering::SeqCst);
    // SAFETY: plain integers, of a process we started.
    let is_there = |signal| unsafe { libc::kill(pid, signal) } == 0;
    is_there(libc::SIGQUIT);
    // The thread that started it waits for it, and this thread for that.
    for _ in 0..500 {
        if !is_there(0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if let Some(folder) = FOLDER.get() {
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn own(programs: &Path, commits: Commits) -> Server {
    let folder = tempfile::TempDir::new().expect("a folder").keep();
    if let Some((user, group)) = account() {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("the folder can be given away");
    }
    let data = folder.join("data");
    let made = command(&programs.join("initdb"), &folder)
        .args(["-A", "trust", "-U", "kanado", "-E", "UTF8", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .expect("initdb starts");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    let mut server = command(&programs.join("postgres"), &folder);
    server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&folder);
    server.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
    if commits == Commits::Unsynced {
        server.args(["-c", "fsync=off"]);
    }
    server.stdout(Stdio::null()).stderr(log);
    // SAFETY: one call that may be made between fork and exec. It ends with this process even if that is killed.
    unsafe {
        server.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGQUIT);
            Ok(())
        });
    }
    let pid = spawn_from_a_thread_that_stays(server);
    POSTMASTER.store(i32::try_from(pid).expect("a process id"), Ordering::SeqCst);
    let _ = FOLDER.set(folder.clone());
    // SAFETY: the function is there as long as the process.
    unsafe { libc::atexit(end) };
    let server = Server { base: format!("postgres://kanado@127.0.0.1:{port}") };
    let deadline = Instant::now() + PATIENCE;
    while server.run("SELECT 1".to_owned()).is_err() {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "PostgreSQL did not start: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// The signal of a parent's death is that of its thread's.
fn spawn_from_a_thread_that_stays(mut command: Command) -> u32 {
    let (give, take) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut child = command.spawn().expect("postgres starts");
        give.send(child.id()).expect("somebody waits for it");
        let _ = child.wait();
    });
    take.recv().expect("it was started")
}

impl Server {
    fn run(&self, sql: String) -> Result<(), sqlx::Error> {
        sqlx::any::install_default_drivers();
        let url = format!("{}/postgres", self.base);
        // Of its own thread: the caller may be in a runtime.
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = AnyConnection::connect(&url).await?;
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
                connection.close().await
            })
        };
        std::thread::spawn(work).join().expect("it does not panic")
    }

    /// An empty database that nobody else uses.
    pub fn database(&self) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("kanado_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.run(format!("CREATE DATABASE {name}")).unwrap_or_else(|error| panic!("a database on {}: {error}", self.base));
        Database { server: self, url: format!("{}/{name}", self.base), name }
    }
}

impl Database<'_> {
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let _ = self.server.run(format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

#[test]
fn a_database_of_its_own_is_made_and_reached() {
    let Some(server) = server() else { return };
    let database = server.database();
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { AnyConnection::connect(database.url()).await.unwrap().close().await.unwrap() });
    assert_eq!(without_database("postgres://me:x@host:5/db?sslmode=require"), "postgres://me:x@host:5");
}
