//! What `kanado doctor` asks of a store: is it whole, up to date, in a good place, and is there room.
//!
//! Limits: the check reads the whole file, which takes a moment on a large one; opening a store does none of this. The kind of file
//! system is known on Linux, the room on any Unix.

use std::path::Path;

use super::column::Columns;
use super::error::Result;
use super::{Store, schema};
use crate::notice::Notice;

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Good,
    Warning,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Stable word: `integrity`, `schema`, `space`, `unfinished`; of a file `journal_mode`, `file_system`, `permissions`; of a server
    /// `server`, `durability`, `encryption`, `connections`.
    pub subject: &'static str,
    pub level: Level,
    pub words: String,
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn good(subject: &'static str, words: impl Into<String>) -> Self {
        Self { subject, level: Level::Good, words: words.into(), hint: None }
    }

    pub(super) fn new(subject: &'static str, level: Level, words: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { subject, level, words: words.into(), hint: Some(hint.into()) }
    }

    pub(super) fn schema(version: i64) -> Self {
        if version == schema::KNOWN {
            return Self::good("schema", format!("schema {version}"));
        }
        let words = format!("schema {version}, this version knows {}", schema::KNOWN);
        Self::new("schema", Level::Bad, words, "open it once with this kanado")
    }
}

sqlite_queries! {
    INTEGRITY = "PRAGMA integrity_check(5)";
    FOREIGN_KEYS = "PRAGMA foreign_key_check";
    JOURNAL_MODE = "PRAGMA journal_mode";
}

/// Below this much room a store cannot be expected to go on for long.
const LITTLE_ROOM: u64 = 100 * 1024 * 1024;

impl Store {
    /// What a person should know about the place of the store, before anything goes wrong there.
    pub fn place_warning(&self) -> Option<Notice> {
        let file = self.file().filter(|file| file_system(file) == FileSystem::Network)?;
        let words = format!("the store {} lies on a network file system; it is safe only while one machine uses it", file.display());
        Some(Notice::new(words).hint("choose a local directory with --data-dir, or share a board with --database postgres://..."))
    }

    /// Looks at everything that could be wrong with the store. What cannot even be read is an error.
    pub async fn check(&self) -> Result<Vec<Finding>> {
        self.attempt("check it", async {
            let mut findings = match self.file() {
                Some(file) => self.check_file(file).await?,
                None => self.check_server().await?,
            };
            let unfinished = self.open_journals().await?;
            findings.push(if unfinished.is_empty() {
                Finding::good("unfinished", "no action was interrupted")
            } else {
                let list: Vec<String> = unfinished.iter().map(|entry| format!("{} {}", entry.action, entry.subject)).collect();
                Finding::new(
                    "unfinished",
                    Level::Warning,
                    format!("interrupted: {}", list.join(", ")),
                    "run the same command again to finish it",
                )
            });
            Ok(findings)
        })
        .await
    }

    async fn check_file(&self, file: &Path) -> Result<Vec<Finding>> {
        let mut findings = vec![self.integrity().await?];
        let mut conn = self.reader().await?;
        findings.push(Finding::schema(schema::found(&mut conn).await?));
        let mode = sqlx::query(JOURNAL_MODE).fetch_one(&mut *conn).await?.text("journal_mode")?;
        drop(conn);
        let place = file_system(file);
        findings.push(match (mode.as_str(), place) {
            ("wal", FileSystem::Network) => Finding::new(
                "journal_mode",
                Level::Bad,
                "the store uses a write-ahead log on a network file system, where two machines can damage it",
                "move it to a local disk with --data-dir",
            ),
            (mode, FileSystem::Local) if mode != "wal" => Finding::new(
                "journal_mode",
                Level::Warning,
                format!("journal mode {mode}: readers and writers wait for each other"),
                "close every kanado and start one again",
            ),
            (mode, _) => Finding::good("journal_mode", format!("journal mode {mode}")),
        });
        findings.push(match place {
            FileSystem::Network => Finding::new(
                "file_system",
                Level::Warning,
                "the store lies on a network file system; it is safe only while one machine uses it",
                "choose a local directory with --data-dir",
            ),
            FileSystem::Local => Finding::good("file_system", "on a local file system"),
        });
        findings.extend(room(file));
        findings.extend(permissions(file));
        Ok(findings)
    }

    async fn integrity(&self) -> Result<Finding> {
        let mut conn = self.reader().await?;
        let mut troubles = Vec::new();
        for row in sqlx::query(INTEGRITY).fetch_all(&mut *conn).await? {
            let words = row.text("integrity_check")?;
            if words != "ok" {
                troubles.push(words);
            }
        }
        let orphans = sqlx::query(FOREIGN_KEYS).fetch_all(&mut *conn).await?.len();
        if orphans > 0 {
            troubles.push(format!("{orphans} rows belong to nothing"));
        }
        Ok(if troubles.is_empty() {
            Finding::good("integrity", format!("{} is whole", self.place()))
        } else {
            Finding::new(
                "integrity",
                Level::Bad,
                format!("{} is damaged: {}", self.place(), troubles.join("; ")),
                "keep a copy of the file, then begin a new store with --data-dir; `kanado sync` fills in the pull requests again",
            )
        })
    }
}

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSystem {
    Local,
    Network,
}

/// The kind of file system a file lies on; local when it cannot be told.
pub(super) fn file_system(file: &Path) -> FileSystem {
    let directory = file.parent().unwrap_or(file);
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    match std::fs::read_to_string("/proc/self/mountinfo") {
        Ok(mounts) => kind_of_mount(&mounts, &real),
        Err(_) => FileSystem::Local,
    }
}

/// Finds the mount a directory is in (the longest mount point above it, the last one mounted there) in Linux's own list: fields
/// divided by spaces, the fifth the mount point, the kind after a lone dash.
fn kind_of_mount(mounts: &str, directory: &Path) -> FileSystem {
    const NETWORK: [&str; 13] =
        ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs", "glusterfs", "9p", "ocfs2", "gfs2"];
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(point), Some(kind)) = (fields.nth(4), line.split_once(" - ").and_then(|(_, rest)| rest.split(' ').next())) else {
            continue;
        };
        let point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
        let depth = Path::new(&point).components().count();
        if directory.starts_with(&point) && best.is_none_or(|(known, _)| depth >= known) {
            best = Some((depth, kind));
        }
    }
    match best {
        Some((_, kind)) if NETWORK.contains(&kind) => FileSystem::Network,
        _ => FileSystem::Local,
    }
}

#[cfg(unix)]
fn free_bytes(directory: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt as _;

    let path = std::ffi::CString::new(directory.as_os_str().as_bytes()).ok()?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends in a NUL and outlives the call; the structure is read only after the call said that it filled it.
    let answer = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    // The widths of these differ between systems.
    #[allow(clippy::unnecessary_cast)]
    Some((answer.f_bavail as u64).saturating_mul(answer.f_frsize as u64))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn room(file: &Path) -> Option<Finding> {
    let free = free_bytes(file.parent()?)?;
    let words = format!("{} MiB free on the disk", free / (1024 * 1024));
    Some(if free < LITTLE_ROOM {
        Finding::new("space", Level::Warning, words, "free some room, or choose another place with --data-dir")
    } else {
        Finding::good("space", words)
    })
}

#[cfg(unix)]
fn permissions(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    Some(if mode & 0o077 == 0 {
        Finding::good("permissions", "only you can read the store")
    } else {
        Finding::new(
            "permissions",
            Level::Warning,
            format!("others can read the store (mode {mode:o})"),
            format!("chmod 600 {}", file.display()),
        )
    })
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<Finding> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_says_whether_a_directory_is_far_away() {
        let mounts = "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n\
            40 22 0:50 / /home rw,relatime shared:1 - nfs4 server:/home rw\n\
            41 40 254:2 / /home/me/local\\040disk rw - xfs /dev/vdb rw\n\
            nonsense\n";
        assert_eq!(kind_of_mount(mounts, Path::new("/var/lib")), FileSystem::Local);
        assert_eq!(kind_of_mount(mounts, Path::new("/home/me/data")), FileSystem::Network);
        assert_eq!(kind_of_mount(mounts, Path::new("/home/me/local disk/data")), FileSystem::Local);
        assert_eq!(kind_of_mount(mounts, Path::new("/homework")), FileSystem::Local);
        assert_eq!(kind_of_mount("", Path::new("/")), FileSystem::Local);
    }
}
