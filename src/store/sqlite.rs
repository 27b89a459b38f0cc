//! The file of a store on SQLite: finding it, making it private, refusing what is no database, and what each connection is told.
//!
//! Limits: `synchronous = FULL` makes a commit survive a power cut; the page caches are small because the whole program is to stay
//! small.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::connect::Tuning;
use super::error::{Error, Result, Trouble};

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    ReadOnly,
}

/// The file behind a location.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub path: PathBuf,
    pub access: Access,
}

impl DataFile {
    pub fn at(path: &Path, access: Access) -> Result<Self> {
        let path = std::path::absolute(path)
            .map_err(|_| Error::Unsupported { url: path.display().to_string(), reason: "the path of the file is empty" })?;
        Ok(Self { path, access })
    }

    /// What stands behind `sqlite:`, given the whole URL for messages.
    pub fn parse(rest: &str, url: &str) -> Result<Self> {
        let unsupported = |reason| Error::Unsupported { url: url.to_owned(), reason };
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let access = match query {
            "" | "mode=rwc" | "mode=rw" => Access::Write,
            "mode=ro" => Access::ReadOnly,
            _ => return Err(unsupported("the only parameter it knows is mode=ro or mode=rwc")),
        };
        if path.is_empty() || path == ":memory:" {
            return Err(unsupported("it names no file"));
        }
        Self::at(Path::new(path), access)
    }

    /// Makes the directory and the file, readable by their owner only, and refuses a file that is something else than a database.
    /// SQLite would notice as well, but this looks without the chance of writing.
    pub fn prepare(&self) -> Result<()> {
        match read_head(&self.path) {
            Ok(head) if head.is_empty() || head.starts_with(MAGIC) => Ok(()),
            Ok(_) => Err(Error::trouble(Trouble::Corrupt)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.access == Access::Write => {
                match make_private(&self.path) {
                    // Another process was a moment faster.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
                    made => made.map_err(|error| cannot_open(&error)),
                }
            }
            Err(_) => Err(Error::trouble(Trouble::CannotOpen)),
        }
    }

    pub fn url(&self) -> Result<String> {
        let path = self
            .path
            .to_str()
            .ok_or_else(|| Error::Unsupported { url: self.path.display().to_string(), reason: "the path of the file is not UTF-8" })?;
        let mode = match self.access {
            Access::Write => "rwc",
            Access::ReadOnly => "ro",
        };
        let mut encoded = String::with_capacity(path.len() + 16);
        for byte in path.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(format!("sqlite://{encoded}?mode={mode}"))
    }
}

fn read_head(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(MAGIC.len());
    fs::File::open(file)?.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Why a file cannot be made or opened, as trouble of the store.
pub(super) fn cannot_open(error: &std::io::Error) -> Error {
    Error::trouble(match error.kind() {
        std::io::ErrorKind::StorageFull => Trouble::DiskFull,
        std::io::ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
        _ => Trouble::CannotOpen,
    })
}

/// Makes an empty file that only its owner can read, and the directories above it. An existing file is an error.
pub(super) fn make_private(file: &Path) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(|_| ())
}

/// For reading that jumps back and forth over many pages, which a small cache fetches again and again: the file is mapped, so that pages
/// are looked at where the system has them, and what is not yet in it has more room.
pub(super) const FOR_FIGURES: &str = "PRAGMA cache_size = -8192; PRAGMA mmap_size = 2147418112";
/// What a connection has otherwise: nothing is mapped, and what the cache held beyond is given back.
pub(super) const AS_USUAL: &str = "PRAGMA mmap_size = 0; PRAGMA cache_size = -256";

/// What SQLite forgets between connections. None of it writes to the file. A small cache is enough: the board is one pass over its rows,
/// and the system caches the file.
pub(super) fn settings(tuning: Tuning) -> String {
    let mut sql = format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
         PRAGMA temp_store = MEMORY; {AS_USUAL};",
        tuning.busy_timeout_ms
    );
    if let Some(pages) = tuning.max_pages {
        sql.push_str(&format!("PRAGMA max_page_count = {pages};"));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<DataFile> {
        DataFile::parse(url.strip_prefix("sqlite:").unwrap(), url)
    }

    #[test]
    fn a_url_names_a_file_and_how_it_may_be_used() {
        let file = parse("sqlite:///data/b.db").unwrap();
        assert_eq!((file.path, file.access), ("/data/b.db".into(), Access::Write));
        let file = parse("sqlite:/b.db?mode=ro").unwrap();
        assert_eq!((file.path, file.access), ("/b.db".into(), Access::ReadOnly));
        assert!(parse("sqlite:b.db").unwrap().path.is_absolute());
        assert!(parse("sqlite::memory:").is_err());
        assert!(parse("sqlite:///b.db?cache=shared").is_err());
    }

    #[test]
    fn a_path_with_odd_characters_is_escaped() {
        let file = DataFile { path: "/tmp/a b?#%ü.db".into(), access: Access::Write };
        assert_eq!(file.url().unwrap(), "sqlite:///tmp/a%20b%3F%23%25%C3%BC.db?mode=rwc");
    }
}
