//! A disk in trouble for one process: its writes to the database, or its requests to bring them to the disk, fail while a test wants so.
//!
//! A small library put before the C library: SQLite asks the system through it. Linux, and a C compiler, which the build needs anyway.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int trouble(const char *what, int fd) {
    const char *order = getenv("KANADO_TEST_TROUBLE");
    char link[64], path[4096], words[64] = {0}, kind[16];
    int number = 0;
    if (!order) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!strstr(path, "kanado.db")) return 0;
    int file = open(order, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = read(file, words, sizeof words - 1);
    close(file);
    if (got <= 0 || sscanf(words, "%15s %d", kind, &number) != 2 || strcmp(kind, what)) return 0;
    return number;
}

#define FAIL_IF(what) { int kept = errno; int number = trouble(what, fd); if (number) { errno = number; return -1; } errno = kept; }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { FAIL_IF("write") return syscall(SYS_pwrite64, fd, bytes, count, at); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { FAIL_IF("write") return syscall(SYS_pwrite64, fd, bytes, count, at); }
ssize_t write(int fd, const void *bytes, size_t count) { FAIL_IF("write") return syscall(SYS_write, fd, bytes, count); }
int fsync(int fd) { FAIL_IF("sync") return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { FAIL_IF("sync") return syscall(SYS_fdatasync, fd); }
"#;

/// What is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    /// Writing, because there is no room.
    NoRoom,
    /// Writing, because the file system became read-only.
    ReadOnly,
    /// Bringing what was written to the disk.
    Sync,
}

impl Fails {
    fn order(self) -> String {
        match self {
            Self::NoRoom => format!("write {}", libc::ENOSPC),
            Self::ReadOnly => format!("write {}", libc::EROFS),
            Self::Sync => format!("sync {}", libc::EIO),
        }
    }
}

pub struct Disk {
    folder: TempDir,
}

impl Disk {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("trouble.c");
        std::fs::write(&source, SOURCE).unwrap();
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let output = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("trouble.so"))
            .arg(&source)
            .output()
            .unwrap_or_else(|error| panic!("{compiler}: {error}"));
        assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
        Self { folder }
    }

    fn order(&self) -> PathBuf {
        self.folder.path().join("order")
    }

    /// What a process needs in its environment to have this disk.
    pub fn environment(&self) -> [(String, String); 2] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [("LD_PRELOAD".into(), text(&self.folder.path().join("trouble.so"))), ("KANADO_TEST_TROUBLE".into(), text(&self.order()))]
    }

    pub fn fails(&self, what: Fails) {
        // Put in place whole: the other process reads it at any time.
        let new = self.folder.path().join("new");
        std::fs::write(&new, what.order()).unwrap();
        std::fs::rename(new, self.order()).unwrap();
    }

    pub fn is_well(&self) {
        std::fs::remove_file(self.order()).unwrap();
    }
}
