//! Files that a command writes and that were never there before, unless somebody insists.
//!
//! Limits: a file is whole or not there: it is written beside its place and moved to it.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::exit::Failure;

/// Refuses what would fail at the end anyway: a file that is there, a folder that is not.
pub fn may_write(path: &Path, force: bool) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!("{} is a folder", path.display()), "name a file in it"));
    }
    if path.exists() && !force {
        return Err(Failure::refused(format!("{} is there already", path.display()), "choose another name, or write over it with --force"));
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(Failure::refused(format!("there is no folder {}", folder.display()), "make it first, or choose another one"));
    }
    Ok(())
}

pub fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let attempted = || format!("cannot write {}", path.display());
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let written = (|| {
        let mut file = std::fs::File::create(beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if force {
            return std::fs::rename(beside, path);
        }
        // A link is made only where nothing is: nobody's file is lost to one that came in between.
        match std::fs::hard_link(beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) => std::fs::File::create_new(path).and_then(|_| std::fs::rename(beside, path)),
            Ok(()) => std::fs::remove_file(beside),
        }
    })();
    written.map_err(|error: io::Error| {
        // What stays behind is named `.part` and says so itself.
        let _ = std::fs::remove_file(beside);
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::refused(format!("{} is there already", path.display()), "choose another name, or write over it with --force")
            }
            _ => Failure::local(attempted(), &error),
        }
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_written_over_only_where_somebody_insists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        write(&path, b"one", false).unwrap();
        for attempt in [may_write(&path, false), write(&path, b"two", false)] {
            let Err(Failure::Stopped { notice, .. }) = attempt else { panic!("taken") };
            assert!(notice.text.contains("is there already"), "{notice}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        may_write(&path, true).unwrap();
        write(&path, b"three", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_before_anything_is_computed() {
        let folder = tempfile::tempdir().unwrap();
        let Err(Failure::Stopped { notice, .. }) = may_write(&folder.path().join("no/report.html"), false) else { panic!("taken") };
        assert!(notice.text.contains("there is no folder"), "{notice}");
        assert!(may_write(folder.path(), true).is_err(), "a folder");
    }
}
